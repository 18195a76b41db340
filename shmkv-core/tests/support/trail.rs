//! The instruction addresses of one run of an operation, so that a later run reaches a point without
//! single-stepping all the way.
//!
//! An operation that starts from the same state executes the same instructions (a fork has its
//! parent's addresses). [`Trail::record`] notes the address at each point of one run;
//! [`Trail::run_to`] lets another run go at full speed to a breakpoint shortly before the point, and
//! steps from there. That saves nearly all of the n²/2 steps.
//!
//! The run must arrive at the address that was noted. If it does not, or if the operation sleeps
//! before it, there is no short cut, and the caller steps.

use std::collections::HashMap;

use super::step::{Plan, Stop, Stopped, Unit};

/// What a breakpoint costs each time it is hit, in steps.
const HIT: usize = 3;

/// The address of the next instruction at each point.
#[derive(Debug)]
pub(crate) struct Trail {
    /// The point that the first address belongs to.
    first: usize,
    addresses: Vec<u64>,
}

impl Trail {
    /// Runs `op` to its end and notes the addresses; `None`, with the stop, if it sleeps or does not end
    /// before point `most`, or if points are not instructions.
    pub(super) fn record(plan: &Plan, most: usize, op: impl FnOnce()) -> (Stop, Option<Self>) {
        let stopped = plan.start(op);
        if plan.unit == Unit::Instruction {
            Self::follow(stopped, most)
        } else {
            (stopped.drive(most, false), None)
        }
    }

    /// Notes the addresses of `stopped` from here on, as [`record`](Self::record) does.
    pub(crate) fn follow(mut stopped: Stopped, most: usize) -> (Stop, Option<Self>) {
        let first = stopped.point();
        let mut addresses = vec![stopped.address()];
        let mut slept = false;
        while stopped.point() < most {
            let next = stopped.point() + 1;
            match stopped.drive(next, false) {
                Stop::At(next) => {
                    slept |= next.slept();
                    addresses.push(next.address());
                    stopped = next;
                }
                stop @ Stop::Finished(_) if !slept => {
                    return (stop, Some(Self { first, addresses }));
                }
                stop => return (stop, None),
            }
        }
        (Stop::At(stopped), None)
    }

    /// The last point.
    pub(crate) fn last(&self) -> usize {
        self.first + self.addresses.len() - 1
    }

    /// Runs `op` to point `i`; `None` if there is no short cut or the run took another way.
    pub(super) fn run_to(&self, plan: &Plan, i: usize, op: impl FnOnce()) -> Option<Stopped> {
        self.addresses.get(i.checked_sub(self.first)?)?;
        self.advance(plan.start(op), i)
    }

    /// Runs `stopped` on to point `i`; `None` if there is no short cut or the run took another way.
    pub(crate) fn advance(&self, mut stopped: Stopped, i: usize) -> Option<Stopped> {
        let first = stopped.point();
        let skipped = first.checked_sub(self.first)?;
        let ahead = self.addresses.get(skipped..=i.checked_sub(self.first)?)?;
        // How often each address occurs before the point, which is how often a breakpoint there is hit.
        let mut visits = HashMap::new();
        let mut best: Option<(usize, u64, usize, usize)> = None;
        for (steps, address) in ahead.iter().enumerate() {
            let hits: &mut usize = visits.entry(*address).or_default();
            *hits += 1;
            let left = i - first - steps;
            let cost = HIT * *hits + left;
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, *address, *hits, first + steps));
            }
        }
        let (_, address, hits, point) = best?;
        if point > first && !stopped.jump(address, hits, point) {
            return None;
        }
        match stopped.drive(i, false) {
            Stop::At(stopped) if Some(&stopped.address()) == ahead.last() => Some(stopped),
            _ => None,
        }
    }
}
