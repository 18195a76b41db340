//! The parts of the protocol that carry an argument: every fence, every
//! ordering above `Relaxed`, every re-check.
//!
//! Each name says what breaks without it. The loom models take the parts out
//! one at a time and must fail every time; a part that can be removed unnoticed
//! is either superfluous or untested.

macro_rules! parts {
    ($($(#[$doc:meta])* $part:ident,)*) => {
        /// One fence, ordering, re-check or step of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Part {
            $($(#[$doc])* $part,)*
        }

        #[cfg(loom)]
        impl Part {
            /// All of them.
            pub(crate) const ALL: &[Part] = &[$(Part::$part,)*];
        }
    };
}

parts! {
    /// Reader: acquire of a slot's version. Without it a reader may copy bytes
    /// older than the version it will compare with.
    SlotVersionAcquire,
    /// Reader: the tag is looked at again after the version was read. Without
    /// it a slot that is written but not yet published is taken for committed.
    TagRecheck,
    /// Reader: fence between copying and reading the version again. Without it
    /// the second look may be older than the copy.
    CopyFence,
    /// Reader: the version is compared after copying. Without it a value that
    /// is overwritten meanwhile is returned torn.
    VersionRecheck,
    /// Reader: fence between the tags and the versions that a miss with tag
    /// matches is judged by. Without it a version may be older than the tags,
    /// and a key that moved to a slot already looked at is missed.
    MissFence,
    /// Reader: the match mask is compared before such a miss is believed.
    /// Without it a colliding tag can hide a present key.
    MissMaskRecheck,
    /// Reader: the versions of the matches are compared before such a miss is
    /// believed. Without it a key that moves between two matched slots hides.
    MissVersionRecheck,
    /// Reader: acquire of what ends a search, tags and counter. Without it a
    /// reader that has missed a removed key may miss, next, another one that was
    /// inserted before the removal.
    OverflowAcquire,
    /// Reader: fence between the tags and the versions that confirm what was
    /// collected from a bucket. Without it the versions may be older than the
    /// tags, or than the copies.
    CollectFence,
    /// Reader: the tags are compared when a bucket has been collected. Without
    /// it an entry that moves comes out twice or not at all.
    CollectTagsRecheck,
    /// Reader: the versions are compared when a bucket has been collected.
    /// Without it entries come out torn, twice or not at all.
    CollectVersionRecheck,
    /// Reader: acquire of the map's version and length. Without it a change that
    /// they count may not be found.
    TotalsAcquire,
    /// Writer: a vacant slot is marked before its bytes change.
    MarkWriting,
    /// Writer: fence between that mark and the bytes.
    MarkFence,
    /// Writer: release of the finished version. Without it a reader that sees
    /// the version may miss bytes.
    SlotVersionRelease,
    /// Writer: release of the tags. Without it a reader that sees a key gone may
    /// miss another one that was inserted before the removal. (What an insertion
    /// or update publishes is released by `MarkFence` and `SlotVersionRelease`
    /// already.)
    PublishRelease,
    /// Writer: the tags are looked at again, under the lock, before it is believed
    /// what was found without. Without it a slot that lives by now is written.
    GuessRecheck,
    /// Writer: counters are raised before a displaced key is published.
    OverflowRaiseFirst,
    /// Writer: counters are lowered, with release, after a key is unpublished.
    OverflowLowerLast,
    /// Writer: a number is stored before it is used. Without it a writer that
    /// dies leaves a version in the table that was never handed out.
    NumberFirst,
    /// Writer: the intent is stored before a counter changes. Without it what a
    /// dead writer did to counters stays.
    IntentFirst,
    /// Writer, and repair: the intent is cleared when the counters agree again.
    /// Without it the next death leaves them as they are.
    IntentLast,
    /// Repair: counters are written with one store each, never through 0.
    /// Without it readers miss keys meanwhile.
    RecountInOneStore,
    /// Lock: acquire on taking the word.
    LockAcquire,
    /// Lock: release on giving it back.
    LockRelease,
    /// Lock: giving it back is sequentially consistent, too. Without it what a
    /// writer did may be seen later than that it returned.
    LockReleaseTotal,
    /// Lock: release when an orphaned lock is marked because a new writer gets
    /// its holder's id. Without it those who find it abandoned may not see all
    /// that the dead one did.
    LockDisownRelease,
    /// Lock: that is tried again if somebody who waits left a mark meanwhile.
    /// Without it everybody waits for the new writer, which holds nothing.
    LockDisownAgain,
    /// Lock: what a dead holder left is repaired before the lock is used.
    LockRecovery,
    /// Lock: a sleeper looks again after a while, because the one who should
    /// wake it may be dead.
    LockWaitSlice,
    /// Lock: whoever has waited keeps the waiters' bit, for those still asleep.
    LockKeepWaiters,
}
