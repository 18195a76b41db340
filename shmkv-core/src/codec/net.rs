//! Encodings of network addresses: octets in network order, as `std` returns them,
//! ports and the rest little-endian.
//!
//! | type | bytes |
//! |---|---|
//! | `Ipv4Addr`, `Ipv6Addr` | 4, 16 |
//! | `SocketAddrV4`, `SocketAddrV6` | 6, 26 |
//! | `IpAddr`, `SocketAddr` | 17, 27: a tag of 4 or 6, the address, zeros |

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::derived::packed;
use super::error::{DecodeError, EncodeError};
use super::field::ShmField;
use super::parts::{Parts, PartsMut};
use super::schema::tree::{Field, Scalar, Schema, Variant};
use super::whole::whole;

/// An address, stored as a tuple of its parts.
macro_rules! address {
    (
        $t:ident, $size:literal, ($($name:ident: $schema:expr),+) as $parts:ty,
        $to:expr, $from:expr
    ) => {
        impl<R> ShmField<R> for $t {
            const LEN: usize = $size;
            const SCHEMA: &'static Schema = &Schema::Struct {
                name: stringify!($t),
                size: $size,
                fields: &packed(0, [$(Field::new(stringify!($name), &$schema)),+]),
            };

            #[inline]
            fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                let parts: $parts = $to(self);
                ShmField::<R>::encode(&parts, out)
            }

            #[inline]
            fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                <$parts as ShmField<R>>::decode(bytes).map($from)
            }
        }
        whole!(both $t, $size);
    };
}

const U16: Schema = Schema::Scalar(Scalar::U16);
const U32: Schema = Schema::Scalar(Scalar::U32);
const IPV4: Schema = Schema::Bytes { len: 4 };
const IPV6: Schema = Schema::Bytes { len: 16 };

address!(
    Ipv4Addr, 4, (octets: IPV4) as ([u8; 4],),
    |addr: &Ipv4Addr| (addr.octets(),),
    |(octets,)| Ipv4Addr::from(octets)
);
address!(
    Ipv6Addr, 16, (octets: IPV6) as ([u8; 16],),
    |addr: &Ipv6Addr| (addr.octets(),),
    |(octets,)| Ipv6Addr::from(octets)
);
address!(
    SocketAddrV4, 6, (ip: IPV4, port: U16) as ([u8; 4], u16),
    |addr: &SocketAddrV4| (addr.ip().octets(), addr.port()),
    |(octets, port)| SocketAddrV4::new(octets.into(), port)
);
address!(
    SocketAddrV6, 26, (ip: IPV6, port: U16, flowinfo: U32, scope_id: U32) as ([u8; 16], u16, u32, u32),
    |addr: &SocketAddrV6| (addr.ip().octets(), addr.port(), addr.flowinfo(), addr.scope_id()),
    |(octets, port, flowinfo, scope_id)| SocketAddrV6::new(octets.into(), port, flowinfo, scope_id)
);

/// An address of either version, stored as an enum with the version as its tag.
macro_rules! either {
    ($t:ident, $size:literal, $v4:ident, $v6:ident) => {
        impl<R> ShmField<R> for $t {
            const LEN: usize = $size;
            const SCHEMA: &'static Schema = &Schema::Enum {
                name: stringify!($t),
                size: $size,
                tag_width: 1,
                variants: &[
                    Variant {
                        name: "V4",
                        tag: 4,
                        fields: &packed(1, [Field::new("0", <$v4 as ShmField<R>>::SCHEMA)]),
                    },
                    Variant {
                        name: "V6",
                        tag: 6,
                        fields: &packed(1, [Field::new("0", <$v6 as ShmField<R>>::SCHEMA)]),
                    },
                ],
            };

            fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
                let mut parts = PartsMut::new(out, $size)?;
                let tag = parts.next(1)?;
                match self {
                    Self::V4(addr) => {
                        tag.fill(4);
                        let payload = parts.next(<$v4 as ShmField<R>>::LEN)?;
                        ShmField::<R>::encode(addr, payload)?;
                    }
                    Self::V6(addr) => {
                        tag.fill(6);
                        let payload = parts.next(<$v6 as ShmField<R>>::LEN)?;
                        ShmField::<R>::encode(addr, payload)?;
                    }
                }
                parts.finish();
                Ok(())
            }

            fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                let mut parts = Parts::new(bytes, $size)?;
                match <u8 as ShmField<R>>::decode(parts.next(1)?)? {
                    4 => {
                        let payload = parts.next(<$v4 as ShmField<R>>::LEN)?;
                        <$v4 as ShmField<R>>::decode(payload).map(Self::V4)
                    }
                    6 => {
                        let payload = parts.next(<$v6 as ShmField<R>>::LEN)?;
                        <$v6 as ShmField<R>>::decode(payload).map(Self::V6)
                    }
                    tag => Err(DecodeError::UnknownTag {
                        name: stringify!($t),
                        tag: u32::from(tag),
                    }),
                }
            }
        }
        whole!(both $t, $size);
    };
}

either!(IpAddr, 17, Ipv4Addr, Ipv6Addr);
either!(SocketAddr, 27, SocketAddrV4, SocketAddrV6);
