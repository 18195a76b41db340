//! Eight one-byte tags in one word, and questions to all of them at once.
//!
//! Tag 0 marks a vacant slot; any other value is a byte of the hash of the key
//! that lives in the slot. Answers are masks with a bit for each slot.

use crate::bytes;
use crate::layout::{MAX_LIVE, SLOTS};

const LOW: u64 = 0x0101_0101_0101_0101;

/// The tags of one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tags(pub(super) u64);

/// Slots of one bucket, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask(u8);

impl Tags {
    /// The slots whose tag is `tag`.
    #[inline(always)]
    pub(super) fn matching(self, tag: u8) -> Mask {
        Mask(bytes::equal_bytes_mask(self.0, LOW * u64::from(tag)))
    }

    /// The first slot whose tag is `tag`.
    #[inline(always)]
    pub(super) fn first_matching(self, tag: u8) -> Option<usize> {
        self.matching(tag).next()
    }

    /// The first slot at or after `start`, going round, in which no entry lives.
    #[inline(always)]
    pub(super) fn vacant_from(self, start: usize) -> Option<usize> {
        // It may be any number, as one that was read from the segment.
        let start = start % SLOTS;
        let turned = Mask(self.vacant().0.rotate_right(start as u32)).next();
        turned.map(|slot| (slot + start) % SLOTS)
    }

    /// The slots in which no entry lives.
    #[inline(always)]
    pub(super) fn vacant(self) -> Mask {
        self.matching(0)
    }

    /// The slots in which an entry lives.
    #[inline(always)]
    pub(super) fn live(self) -> Mask {
        Mask(!self.vacant().0)
    }

    /// Whether one more entry may live here.
    #[inline(always)]
    pub(super) fn has_room(self) -> bool {
        self.live().count() < MAX_LIVE
    }

    /// The tag of `slot`.
    #[inline(always)]
    pub(super) fn of(self, slot: usize) -> u8 {
        (self.0 >> (slot * 8)) as u8
    }

    /// These tags, with `tag` moved from the slot `from` to the vacant slot `to`.
    #[inline(always)]
    pub(super) fn moved(self, from: usize, to: usize, tag: u8) -> Self {
        debug_assert_eq!((self.of(from), self.of(to)), (tag, 0));
        let tag = u64::from(tag);
        Self(self.0 ^ (tag << (from * 8)) ^ (tag << (to * 8)))
    }

    /// These tags, with `slot`'s replaced.
    #[inline(always)]
    pub(super) fn with(self, slot: usize, tag: u8) -> Self {
        Self(self.0 & !(0xff << (slot * 8)) | (u64::from(tag) << (slot * 8)))
    }
}

impl Mask {
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl Iterator for Mask {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same answers, byte by byte.
    fn slowly(tags: u64, tag: u8) -> Vec<usize> {
        (0..8).filter(|&i| tags.to_le_bytes()[i] == tag).collect()
    }

    #[test]
    fn masks_are_exact() {
        let mut word = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..200_000_u64 {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            // Few distinct bytes, so that matches and near misses abound.
            let tags = word & (0x8101_8001_ff00_0181 ^ round);
            for tag in [0, 1, 0x7f, 0x80, 0x81, 0xff] {
                let fast: Vec<usize> = Tags(tags).matching(tag).collect();
                assert_eq!(fast, slowly(tags, tag), "{tags:#x} {tag}");
                assert_eq!(Tags(tags).first_matching(tag), fast.first().copied());
            }
            let live: Vec<usize> = Tags(tags).live().collect();
            let vacant: Vec<usize> = Tags(tags).vacant().collect();
            assert_eq!(live.len() + vacant.len(), 8);
            assert_eq!(Tags(tags).has_room(), vacant.len() >= 2);
        }
    }

    #[test]
    fn rotation_finds_the_next_one_round() {
        let tags = Tags(0x00_01_01_00_01_01_01_01);
        assert_eq!(tags.vacant_from(0), Some(4));
        assert_eq!(tags.vacant_from(4), Some(4));
        assert_eq!(tags.vacant_from(5), Some(7));
        assert_eq!(tags.vacant_from(8), Some(4));
        assert_eq!(tags.vacant_from(usize::MAX), Some(7));
        assert_eq!(Tags(0x0101_0101_0101_0101).vacant_from(3), None);
    }

    #[test]
    fn a_tag_moves() {
        let tags = Tags(0x11_00_33_44_55_66_77_88);
        assert_eq!(tags.moved(2, 6, 0x66), Tags(0x11_66_33_44_55_00_77_88));
    }

    #[test]
    fn replacing_one_tag_leaves_the_others() {
        let tags = Tags(0x1122_3344_5566_7788);
        for slot in 0..8 {
            let other = tags.with(slot, 0xee);
            for i in 0..8 {
                assert_eq!(other.of(i), if i == slot { 0xee } else { tags.of(i) });
            }
        }
    }
}
