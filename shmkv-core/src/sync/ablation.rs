//! The rules of the protocol: every fence, ordering, re-check and order of two steps that
//! an argument about readers or about the lock rests on. (The releases that only keep a
//! writer's stores in program order, for recovery, have no rule: loom does not reorder a
//! thread's own stores. Nor has `reserved`, which only maps of several shards use: models
//! have one shard.)
//!
//! Each rule's comment says what breaks without it. The loom models take the rules
//! out one at a time and must fail every time; a rule that can be taken out unnoticed
//! is superfluous or untested. In a normal build all rules are in force, and the
//! methods below compile to what they guard.
//!
//! Product code states what it does in the order in which it does it. What a model does
//! instead, when it takes the rule out, stands here, or in product code under
//! [`when_ablated`](Rule::when_ablated).

use std::sync::atomic::Ordering;
#[cfg(not(loom))]
use std::sync::atomic::fence;

#[cfg(loom)]
use super::loom::fence;

#[cfg(loom)]
thread_local! {
    /// The rule that the running model does without.
    static ABLATED: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}

/// Takes a rule out of the model that runs on this thread from now on, or none.
#[cfg(all(test, loom))]
pub(crate) fn ablate(rule: Option<Rule>) {
    ABLATED.set(rule);
}

impl Rule {
    /// Whether the rule is in force: always, except in a model that takes it out.
    #[inline(always)]
    pub(crate) fn is_kept(self) -> bool {
        #[cfg(loom)]
        {
            ABLATED.get() != Some(self)
        }
        #[cfg(not(loom))]
        {
            let _ = self;
            true
        }
    }

    /// The fence that this rule demands.
    #[inline(always)]
    pub(crate) fn fence(self, order: Ordering) {
        if self.is_kept() {
            fence(order);
        }
    }

    /// The ordering that this rule demands; without the rule, `Relaxed`.
    #[inline(always)]
    pub(crate) fn order(self, order: Ordering) -> Ordering {
        self.or(order, Ordering::Relaxed)
    }

    /// The re-check that this rule demands: whether what was read is valid.
    #[inline(always)]
    pub(crate) fn check(self, holds: bool) -> bool {
        holds || !self.is_kept()
    }

    /// The step that this rule demands.
    #[inline(always)]
    pub(crate) fn step(self, step: impl FnOnce()) {
        if self.is_kept() {
            step();
        }
    }

    /// Two steps in the order that this rule demands.
    #[inline(always)]
    pub(crate) fn in_order(self, first: impl FnOnce(), second: impl FnOnce()) {
        // Each step is called in one place only, so that it is inlined.
        #[cfg(loom)]
        if !self.is_kept() {
            second();
            return first();
        }
        first();
        second();
    }

    /// The value that this rule demands; without the rule, `otherwise`.
    #[inline(always)]
    pub(crate) fn or<T>(self, value: T, otherwise: T) -> T {
        if self.is_kept() { value } else { otherwise }
    }

    /// What a model does here when it takes this rule out; else nothing.
    #[inline(always)]
    pub(crate) fn when_ablated(self, step: impl FnOnce()) {
        if !self.is_kept() {
            step();
        }
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident,)*) => {
        /// One fence, ordering, re-check or step of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Rule {
            $($(#[$doc])* $rule,)*
        }

        #[cfg(all(test, loom))]
        impl Rule {
            /// All rules.
            pub(crate) const ALL: &[Rule] = &[$(Rule::$rule,)*];
        }
    };
}

rules! {
    /// Reader: acquire of a slot's version. Without it a reader may copy bytes that are
    /// older than the version with which it validates the copy.
    SlotVersionAcquire,
    /// Reader: the tag is loaded again after the version. Without it a slot that is
    /// written but not yet published passes for a published one.
    TagRecheck,
    /// Reader: fence between the copy and the second load of the version. Without it the
    /// second load may be older than the copy.
    CopyFence,
    /// Reader: the version is compared after the copy. Without it a value that is
    /// overwritten meanwhile is returned torn.
    VersionRecheck,
    /// Reader: fence between the tags and the versions that validate a miss with
    /// matching tags. Without it a version may be older than the tags, and a key that
    /// moved to a slot already inspected is missed.
    MissFence,
    /// Reader: the mask of matching tags is compared before such a miss is believed.
    /// Without it an equal tag can hide a key that is present.
    MissMaskRecheck,
    /// Reader: the versions of the matching slots are compared before such a miss is
    /// believed. Without it a key that moves between two matching slots is missed.
    MissVersionRecheck,
    /// Reader: acquire of what ends a probe, tags and overflow counter. Without it a
    /// reader that has missed a removed key may next miss another key, which was
    /// inserted before the removal.
    OverflowAcquire,
    /// Reader: fence between the tags and the versions that validate the scan of a
    /// bucket. Without it the versions may be older than the tags or the copies.
    ScanFence,
    /// Reader: the tags are compared after the scan of a bucket. Without it an entry
    /// that moves is returned twice or not at all.
    ScanTagsRecheck,
    /// Reader: the versions are compared after the scan of a bucket. Without it entries
    /// are returned torn, twice or not at all.
    ScanVersionRecheck,
    /// Reader: acquire of the map's version and length. Without it a change that they
    /// count may not be found.
    TotalsAcquire,
    /// Writer: a vacant slot is marked before its bytes change. Without it a reader
    /// validates a copy of half-written bytes.
    MarkWriting,
    /// Writer: fence between that mark and the bytes. Without it a reader may copy new
    /// bytes and not see the mark.
    MarkFence,
    /// Writer: release of the finished slot's version. Without it a reader that sees the
    /// version may not see all bytes.
    SlotVersionRelease,
    /// Writer: release of the tags. Without it a reader that sees a key removed may miss
    /// another key, which was inserted before the removal. (What an insertion or an
    /// update publishes is already released by `MarkFence` and `SlotVersionRelease`.)
    PublishRelease,
    /// Writer: what was found without the lock is checked against the tags under the
    /// lock. Without it a slot that has become live is overwritten.
    HintRecheck,
    /// Writer: overflow counters are raised before a displaced key is published. Without
    /// it readers miss the key in between.
    OverflowRaiseFirst,
    /// Writer: overflow counters are lowered, with release, after a key is unpublished.
    /// Without it readers miss the key before it is removed.
    OverflowLowerLast,
    /// Writer: a number is stored before it is used. Without it a writer that dies
    /// leaves a version in the table that was never handed out, and will be again.
    NumberFirst,
    /// Writer: the intent is stored before a counter changes. Without it the counters
    /// that a dead writer had begun to change stay wrong.
    IntentFirst,
    /// Writer and recovery: the intent is cleared after the counters agree again.
    /// Without it a death in between leaves them wrong.
    IntentLast,
    /// Recovery: each counter is written by one store, never through 0. Without it
    /// readers miss keys meanwhile.
    RecountInOneStore,
    /// Lock: acquire on taking the word. Without it a writer may not see what the
    /// previous holder wrote.
    LockAcquire,
    /// Lock: release on giving the word back. Without it the next holder may not see
    /// what this one wrote.
    LockRelease,
    /// Lock: giving the word back is sequentially consistent, too. Without it an
    /// operation may return before other processors see its effect.
    LockReleaseTotal,
    /// Lock: release when an orphaned lock is marked because a new writer gets its dead
    /// holder's id. Without it writers that find it abandoned may not see all that the
    /// dead holder wrote.
    LockDisownRelease,
    /// Lock: that is tried again if a waiter set its bit meanwhile. Without it all wait
    /// for the new writer, which does not hold the lock.
    LockDisownAgain,
    /// Lock: what a dead holder left is repaired before the lock is used. Without it a
    /// writer changes a shard whose counters are wrong.
    LockRecovery,
    /// Lock: a sleeper wakes after a while by itself, because the writer that should
    /// wake it may be dead. Without it the sleeper sleeps for ever.
    LockWaitSlice,
    /// Lock: a writer that has waited sets the waiters' bit for those still asleep.
    /// Without it nothing wakes them.
    LockKeepWaiters,
}
