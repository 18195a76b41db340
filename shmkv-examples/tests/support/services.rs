//! A map with a type of every kind, and entries that need escaping.

use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shmkv_core::{Map, ShmKey, ShmStr, ShmValue, pod};

/// A key.
#[derive(Clone, Debug, ShmKey)]
pub struct Id {
    #[shm(max_len = 12)]
    pub host: String,
    pub port: u16,
}

/// A value.
#[derive(Clone, Debug, ShmValue)]
pub struct Service {
    pub state: State,
    pub started: SystemTime,
    pub address: Ipv4Addr,
    pub load: [f32; 3],
    pub owner: Option<ShmStr<8>>,
    #[shm(max_len = 2)]
    pub tags: Vec<Tag>,
    pub position: pod!([i16; 2]),
    pub checksum: [u8; 4],
}

#[derive(Clone, Debug, ShmValue)]
pub enum State {
    Idle,
    Serving { requests: u64 },
    Failed(i8),
}

#[derive(Clone, Debug, ShmValue)]
pub struct Tag(#[shm(max_len = 14)] pub String);

pub type Services = Map<20, Id, Service>;

/// Four entries; `requests` is the number in one of their values.
pub fn services(requests: u64) -> Vec<(Id, Service)> {
    let id = |host: &str, port| Id {
        host: host.into(),
        port,
    };
    let idle = Service {
        state: State::Idle,
        started: UNIX_EPOCH + Duration::new(1_700_000_000, 5),
        address: Ipv4Addr::LOCALHOST,
        load: [0.5, -0.0, f32::INFINITY],
        owner: None,
        tags: vec![],
        position: [-3, 4].into(),
        checksum: [0, 1, 0xfe, 0xff],
    };
    vec![
        (
            id("alpha", 80),
            Service {
                state: State::Serving { requests },
                owner: ShmStr::new("root").ok(),
                ..idle.clone()
            },
        ),
        (
            id("alpha", 443),
            Service {
                state: State::Failed(-1),
                tags: vec![Tag("public".into()), Tag("猫\u{1b}[31m".into())],
                ..idle.clone()
            },
        ),
        (id("", 1), idle.clone()),
        (id("\u{202e}\"\\\u{7}", 65_535), idle),
    ]
}
