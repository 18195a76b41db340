//! The layout of a segment, for tests that damage it on purpose.
//!
//! Written from the drawings in the design, not from the constants in `src/layout`, so an unintended change
//! of the format fails here.

use shmkv_core::{ShmMap, ShmStr};

/// Keys of up to 15 bytes of text, values of up to 39. Not all bytes are text, so some damage cannot be
/// decoded.
pub(crate) type Texts<const N: usize> = ShmMap<N, KEY, VALUE, ShmStr<KEY>, ShmStr<VALUE>>;
pub(crate) const KEY: usize = 16;
pub(crate) const VALUE: usize = 40;

pub(crate) const CONTROL_AT: usize = 512;
pub(crate) const BOOT_AT: usize = CONTROL_AT + 16;
pub(crate) const RESERVED_AT: usize = CONTROL_AT + 128;
pub(crate) const SHARDS_AT: usize = 1024;
pub(crate) const SHARD: usize = 256;
pub(crate) const BUCKET: usize = 16;
pub(crate) const SLOT: usize = 8 + KEY + VALUE;
const CHECKSUM_AT: usize = 504;

/// The words in use in a shard, and their offsets.
pub(crate) const SHARD_WORDS: [(usize, Part); 6] = [
    (0, Part::Lock),
    (8, Part::Issued),
    (16, Part::Committed),
    (24, Part::Live),
    (32, Part::Intent),
    (40, Part::Takeovers),
];

/// What a byte of a segment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The part of the header that is written once.
    Header,
    Schema,
    /// The mutable part of the header: `next_id`, `clean`, `boot`, `reserved`.
    Control,
    Lock,
    Issued,
    Committed,
    Live,
    Intent,
    Takeovers,
    /// Event words and spare bytes.
    Unused,
    /// Tags of this bucket.
    Tags(usize),
    /// Overflow counters of this bucket.
    Overflow(usize),
    /// The version of a slot of this bucket.
    Version(usize),
    /// Key or value bytes.
    Entry,
}

impl Part {
    /// The name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Schema => "schema",
            Self::Control => "control words",
            Self::Lock => "lock word",
            Self::Issued => "issued",
            Self::Committed => "committed",
            Self::Live => "live count",
            Self::Intent => "intent",
            Self::Takeovers => "takeovers",
            Self::Unused => "spare bytes",
            Self::Tags(_) => "tags",
            Self::Overflow(_) => "overflow counters",
            Self::Version(_) => "slot versions",
            Self::Entry => "entries",
        }
    }
}

/// The geometry of a segment, according to its header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) shards: usize,
    pub(crate) buckets: usize,
    schema_at: usize,
}

impl Format {
    pub(crate) fn of(image: &[u8]) -> Self {
        let word = |at| usize::try_from(word(image, at)).expect("a small number");
        let format = Self {
            shards: word(56),
            buckets: word(56) * word(64),
            schema_at: word(112),
        };
        let end = format.slots_at() + format.buckets * 8 * SLOT;
        assert_eq!(
            format.schema_at, end,
            "the format is not the one in the design"
        );
        assert_eq!(
            image.len(),
            end + word(120),
            "expected the schema at the end of the segment"
        );
        format
    }

    pub(crate) fn buckets_at(&self) -> usize {
        SHARDS_AT + self.shards * SHARD
    }

    pub(crate) fn slots_at(&self) -> usize {
        (self.buckets_at() + self.buckets * BUCKET).next_multiple_of(128)
    }

    pub(crate) fn schema_at(&self) -> usize {
        self.schema_at
    }

    /// What the byte `at` belongs to.
    pub(crate) fn part(&self, at: usize) -> Part {
        if at < CONTROL_AT {
            Part::Header
        } else if at < SHARDS_AT {
            let known = at < CONTROL_AT + 32 || (RESERVED_AT..RESERVED_AT + 8).contains(&at);
            if known { Part::Control } else { Part::Unused }
        } else if at < self.buckets_at() {
            let at = (at - SHARDS_AT) % SHARD;
            let word = SHARD_WORDS
                .iter()
                .find(|(start, _)| at / 8 * 8 == *start && !(4..8).contains(&at));
            word.map_or(Part::Unused, |&(_, part)| part)
        } else if at < self.slots_at() {
            let at = at - self.buckets_at();
            match (at / BUCKET, at % BUCKET) {
                (bucket, _) if bucket >= self.buckets => Part::Unused,
                (bucket, 0..8) => Part::Tags(bucket),
                (bucket, _) => Part::Overflow(bucket),
            }
        } else if at < self.schema_at {
            let at = at - self.slots_at();
            if at % SLOT < 8 {
                Part::Version(at / SLOT / 8)
            } else {
                Part::Entry
            }
        } else {
            Part::Schema
        }
    }

    /// The live entries according to the tags: bucket, key and value.
    pub(crate) fn entries(&self, image: &[u8]) -> Vec<(usize, String, String)> {
        let mut entries = Vec::new();
        for slot in 0..self.buckets * 8 {
            let bucket = slot / 8;
            if image[self.buckets_at() + bucket * BUCKET + slot % 8] != 0 {
                let at = self.slots_at() + slot * SLOT + 8;
                let key = text(&image[at..at + KEY]);
                let value = text(&image[at + KEY..at + KEY + VALUE]);
                entries.push((bucket, key, value));
            }
        }
        entries
    }
}

/// The text in `bytes`, which `ShmStr` encodes as its bytes followed by zeros.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let bytes = &bytes[..end.unwrap_or(bytes.len())];
    String::from_utf8_lossy(bytes).into_owned()
}

/// The word at `at`.
pub(crate) fn word(image: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(image[at..at + 8].try_into().expect("eight bytes"))
}

/// Corrects the header's checksum after a change of the header.
pub(crate) fn sign(image: &mut [u8]) {
    let checksum = rapidhash::v3::rapidhash_v3(&image[..CHECKSUM_AT]);
    image[CHECKSUM_AT..CHECKSUM_AT + 8].copy_from_slice(&checksum.to_ne_bytes());
}

/// Makes the header agree with a schema that takes up the image from `at` to its end.
pub(crate) fn sign_schema(image: &mut [u8], at: usize) {
    let (len, schema) = (image.len(), image.len() - at);
    let checksum = rapidhash::v3::rapidhash_v3(&image[at..]);
    for (at, to) in [
        (72, len as u64),
        (112, at as u64),
        (120, schema as u64),
        (128, checksum),
    ] {
        set_word(image, at, to);
    }
    sign(image);
}

/// An empty map of one shard for `n` entries, with keys of `k` bytes, values of `v` bytes and this schema.
/// The rest of its header is copied from `header`.
pub(crate) fn empty(header: &[u8], [n, k, v]: [usize; 3], schema: &[u8]) -> Vec<u8> {
    let buckets = (n * 10).div_ceil(49).max(2);
    let slot_words = 1 + k.div_ceil(8) + v.div_ceil(8);
    let slots_at = (SHARDS_AT + SHARD + buckets * BUCKET).next_multiple_of(128);
    let schema_at = (slots_at + buckets * 8 * slot_words * 8).next_multiple_of(128);
    let mut bytes = header[..CONTROL_AT].to_vec();
    bytes.resize(schema_at, 0);
    bytes.extend(schema);
    for (at, to) in [(32, n), (40, k), (48, v), (56, 1), (64, buckets)] {
        set_word(&mut bytes, at, to as u64);
    }
    sign_schema(&mut bytes, schema_at);
    bytes
}

/// Changes the word at `at`.
pub(crate) fn set_word(image: &mut [u8], at: usize, to: u64) {
    image[at..at + 8].copy_from_slice(&to.to_ne_bytes());
}
