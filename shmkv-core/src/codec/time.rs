//! Encodings of `Duration` and `SystemTime`: whole seconds in 8 bytes, nanoseconds
//! in 4.
//!
//! A `SystemTime` is stored as the time since 1970, with the seconds rounded down,
//! so that its bytes do not depend on the platform. `Instant` has no encoding,
//! because it means nothing in another process.

use std::time::{Duration, SystemTime};

use super::derived::packed;
use super::error::{DecodeError, EncodeError};
use super::field::ShmField;
use super::schema::tree::{Field, Scalar, Schema};
use super::whole::whole;

const NANOS_PER_SEC: u32 = 1_000_000_000;

const fn fields(secs: &'static Schema) -> [Field; 2] {
    packed(
        0,
        [
            Field::new("secs", secs),
            Field::new("nanos", &Schema::Scalar(Scalar::U32)),
        ],
    )
}

fn check_nanos(nanos: u32) -> Result<u32, DecodeError> {
    if nanos < NANOS_PER_SEC {
        Ok(nanos)
    } else {
        Err(DecodeError::OutOfRange {
            expected: "fewer than 1000000000 nanoseconds",
            found: u64::from(nanos),
        })
    }
}

impl<R> ShmField<R> for Duration {
    const LEN: usize = 12;
    const SCHEMA: &'static Schema = &Schema::Struct {
        name: "Duration",
        size: 12,
        fields: &fields(&Schema::Scalar(Scalar::U64)),
    };

    #[inline]
    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        ShmField::<R>::encode(&(self.as_secs(), self.subsec_nanos()), out)
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (secs, nanos) = <(u64, u32) as ShmField<R>>::decode(bytes)?;
        Ok(Self::new(secs, check_nanos(nanos)?))
    }
}
whole!(both Duration, 12);

impl<R> ShmField<R> for SystemTime {
    const LEN: usize = 12;
    const SCHEMA: &'static Schema = &Schema::Struct {
        name: "SystemTime",
        size: 12,
        fields: &fields(&Schema::Scalar(Scalar::I64)),
    };

    fn encode(&self, out: &mut [u8]) -> Result<(), EncodeError> {
        let (secs, nanos) = match self.duration_since(Self::UNIX_EPOCH) {
            Ok(after) => (i128::from(after.as_secs()), after.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                let secs = -i128::from(before.as_secs());
                match before.subsec_nanos() {
                    0 => (secs, 0),
                    nanos => (secs - 1, NANOS_PER_SEC - nanos),
                }
            }
        };
        let secs = i64::try_from(secs).map_err(|_| {
            EncodeError::Invalid(format!(
                "expected a time within 2^63 seconds of 1970, found {secs} seconds"
            ))
        })?;
        ShmField::<R>::encode(&(secs, nanos), out)
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (secs, nanos) = <(i64, u32) as ShmField<R>>::decode(bytes)?;
        let nanos = Duration::new(0, check_nanos(nanos)?);
        let whole = Duration::from_secs(secs.unsigned_abs());
        let second = if secs < 0 {
            Self::UNIX_EPOCH.checked_sub(whole)
        } else {
            Self::UNIX_EPOCH.checked_add(whole)
        };
        second
            .and_then(|second| second.checked_add(nanos))
            .ok_or_else(|| {
                DecodeError::Invalid(format!(
                    "expected a time that this platform represents, found {secs} seconds from 1970"
                ))
            })
    }
}
whole!(both SystemTime, 12);
