//! Inputs made by hand, with which a fuzzer starts.

use shmkv_core::ShmStr;
use shmkv_core::field::ShmField;
use shmkv_core::field::role::ValueRole;
use shmkv_core::schema::Schema;

use crate::harness::input::Output;
use crate::harness::types::{Choice, Everything, schema_of};
use crate::harness::{segment, tool};

/// The seeds of a target, with their names.
pub(crate) fn of(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "types" => types(),
        "tool" => tools(),
        _ => segments(),
    }
}

fn blob(key: &Schema, value: &Schema) -> Vec<u8> {
    Schema::to_blob(key, value).unwrap()
}

/// Schemas that no compiler makes.
fn hostile_schemas() -> Vec<(&'static str, Vec<u8>)> {
    let unit = [0x46, 0, 0, 0, 0, 0, 0, 0];
    let named = |name: &str| [&[name.len() as u8], name.as_bytes()].concat();
    let text = [0x41, 4, 0, 0, 0];
    let with_key = |value: &[u8]| [&[1, 3], value].concat();

    let tower: Vec<u8> = [0x44].repeat(31);
    let many = [&[0x49, 0xff, 0xff, 0xff, 0xff][..], &unit].concat();
    let few = [&[0x49, 1, 0, 0, 0][..], &unit].concat();
    let field = |name: u8, offset: u8| [&[1, name, offset, 0, 0, 0][..], &text].concat();
    let beyond = [&[0x46, 0, 5, 0, 0, 0, 1, 0][..], &field(b'a', 2)].concat();
    let overlap = [
        &[0x46, 0, 7, 0, 0, 0, 2, 0][..],
        &field(b'a', 0),
        &field(b'b', 3),
    ]
    .concat();
    let array_of_nothing = [&[0x43, 0xff, 0xff, 0xff, 0xff][..], &unit].concat();
    let long = named(&"n".repeat(255));
    let wide = [
        &[0x46][..],
        &named("\u{1b}[2J"),
        &8_u32.to_le_bytes(),
        &8_u16.to_le_bytes(),
    ]
    .concat();
    let fields = (0..8_u32).flat_map(|at| [&long[..], &at.to_le_bytes(), &[1]].concat());
    let wide: Vec<u8> = wide.into_iter().chain(fields).collect();
    let list_of_wide = [&[0x49, 0xff, 0xff, 0, 0][..], &wide].concat();
    let variant =
        |name: &str, tag: u32| [named(name), tag.to_le_bytes().to_vec(), vec![0, 0]].concat();
    let twins = [
        &[0x47][..],
        &named("Twins"),
        &[1, 0, 0, 0, 1, 2, 0],
        &variant("A", 0),
        &variant("A", 0),
    ]
    .concat();
    vec![
        ("nothing", vec![]),
        ("version", vec![9]),
        ("only-a-key", vec![1, 4]),
        ("unknown-kind", vec![1, 0x7f, 1]),
        ("trailing", vec![1, 1, 1, 1]),
        ("tower", with_key(&[&tower[..], &[1]].concat())),
        ("too-high", with_key(&[&tower[..], &[0x44, 1]].concat())),
        ("vector-of-nothing", with_key(&many)),
        ("array-of-nothing", with_key(&array_of_nothing)),
        ("few-of-nothing", with_key(&few)),
        ("beyond", with_key(&beyond)),
        ("long-names", with_key(&wide)),
        ("many-long-names", with_key(&list_of_wide)),
        ("twins", with_key(&twins)),
        ("overlap", with_key(&overlap)),
    ]
}

fn types() -> Vec<(String, Vec<u8>)> {
    let everything = schema_of::<Everything>();
    let choice = schema_of::<Choice>();
    let mut seeds = Vec::new();
    for (name, bytes) in [
        ("zeros", vec![0; 8]),
        ("ones", vec![1; 300]),
        ("high", vec![0xff; 300]),
        ("counting", (0..=255).collect()),
    ] {
        for (of, blob) in [
            ("everything", blob(choice, everything)),
            ("choice", blob(choice, choice)),
        ] {
            seeds.push((
                format!("{of}-{name}"),
                Output::default().bytes(&blob).rest(&bytes).0,
            ));
        }
    }
    for (name, schema) in hostile_schemas() {
        for bytes in [&[][..], &[0xff; 40]] {
            let input = Output::default().bytes(&schema).rest(bytes).0;
            seeds.push((format!("{name}-{}", bytes.len()), input));
        }
    }
    seeds
}

/// An input for `tool`.
#[derive(Clone, Copy)]
struct Tool<'a> {
    commands: u8,
    typed: [&'a str; 2],
    schema: &'a [u8],
    contents: &'a [u8],
    patches: &'a [(u8, u64)],
    damage: &'a [(usize, &'a [u8])],
}

impl Tool<'_> {
    fn input(&self) -> Vec<u8> {
        let [key, value] = self.typed.map(str::as_bytes);
        let mut out = Output::default()
            .byte(self.commands)
            .byte(8)
            .byte(self.patches.len() as u8)
            .bytes(key)
            .bytes(value)
            .bytes(self.schema)
            .bytes(self.contents);
        for (word, to) in self.patches {
            out = out.byte(*word).rest(&to.to_le_bytes());
        }
        for (at, bytes) in self.damage {
            out = out.number(*at).bytes(bytes);
        }
        out.0
    }
}

fn tools() -> Vec<(String, Vec<u8>)> {
    let texts = blob(schema_of::<ShmStr<12>>(), schema_of::<ShmStr<20>>());
    let pair = |key: &[u8], value: &[u8]| {
        let mut entry = key.to_vec();
        entry.resize(12, 0);
        entry.extend(value);
        entry.resize(32, 0);
        entry
    };
    let store = [
        pair(b"unit", b"celsius"),
        pair("\u{1b}[2J".as_bytes(), "\u{202e}\u{7}\u{9b}1m".as_bytes()),
        pair(b"\xff\xfe", b"not UTF-8"),
        pair(b"twelve bytes", b"without an end......"),
        pair(b"", b""),
    ]
    .concat();
    let typed = blob(
        &Schema::Scalar(shmkv_core::schema::Scalar::U32),
        schema_of::<Everything>(),
    );
    let len = <Everything as ShmField<ValueRole>>::LEN;
    let typed_contents: Vec<u8> = [0, 1, 2, 0xff]
        .iter()
        .flat_map(|byte| [vec![*byte; 4], vec![*byte; len]].concat())
        .collect();

    let plain = Tool {
        commands: tool::ALL,
        typed: ["unit", "kelvin"],
        schema: &texts,
        contents: &store,
        patches: &[],
        damage: &[],
    };
    let mut seeds = vec![
        ("store".to_owned(), plain.input()),
        (
            "store-quoted".to_owned(),
            Tool {
                typed: ["\"\\u001b\"", "{\"a\":[1,null,1e9]}"],
                ..plain
            }
            .input(),
        ),
        (
            "types".to_owned(),
            Tool {
                typed: ["7", "{\"number\":1}"],
                schema: &typed,
                contents: &typed_contents,
                ..plain
            }
            .input(),
        ),
        (
            "not-a-map".to_owned(),
            Tool {
                schema: &[],
                contents: b"not a map at all",
                ..plain
            }
            .input(),
        ),
        (
            "empty-file".to_owned(),
            Tool {
                schema: &[],
                contents: &[],
                ..plain
            }
            .input(),
        ),
        (
            "magic-alone".to_owned(),
            Tool {
                schema: &[],
                contents: b"shmkv\0\0\0",
                ..plain
            }
            .input(),
        ),
    ];
    // Header words: version, capacity, sizes, counts, lengths, offsets, checksums.
    for word in 1..18 {
        for (what, to) in [("zero", 0), ("one", 1), ("most", u64::MAX)] {
            if what == "zero" || word % 3 == 0 {
                let input = Tool {
                    patches: &[(word, to)],
                    ..plain
                }
                .input();
                seeds.push((format!("header-{word}-{what}"), input));
            }
        }
    }
    // Locks, counters, tags and versions; the bytes of entries.
    let scrambles: [(&str, usize, &[u8]); 6] = [
        ("lock", 512, &[0xff; 8]),
        ("shard", 520, &[0x55; 40]),
        ("tags", 768, &[0x81; 16]),
        ("overflow", 776, &[0xff; 8]),
        ("slots", 896, &[0xc0; 200]),
        ("everything", 512, &[0xa7; 1500]),
    ];
    // Two of each: a check of a damaged map takes twenty passes, too long for every input.
    for (name, at, bytes) in scrambles {
        for (what, commands) in [("check", tool::CHECK), ("rest", tool::ALL & !tool::CHECK)] {
            let damaged = Tool {
                commands,
                damage: &[(at, bytes)],
                ..plain
            };
            seeds.push((format!("damaged-{name}-{what}"), damaged.input()));
        }
    }
    for (name, schema) in hostile_schemas() {
        let input = Tool {
            typed: ["1", "null"],
            schema: &schema,
            contents: &[0; 600],
            ..plain
        }
        .input();
        seeds.push((format!("schema-{name}"), input));
    }
    seeds
}

fn segments() -> Vec<(String, Vec<u8>)> {
    let good = segment::good();
    let signed = |bytes: &[u8]| [&[1][..], bytes].concat();
    let mut scrambled = good.clone();
    scrambled[1024..1500].fill(0x5a);
    vec![
        ("good".to_owned(), signed(&good)),
        ("scrambled".to_owned(), signed(&scrambled)),
        ("half".to_owned(), signed(&good[..good.len() / 2])),
        ("header".to_owned(), signed(&good[..600])),
        ("unsigned".to_owned(), [&[0][..], &scrambled[..]].concat()),
        ("nothing".to_owned(), vec![]),
    ]
}
