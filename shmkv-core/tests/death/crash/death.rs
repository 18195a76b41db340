//! One scenario, and a death at each of its points; [`Watch`] is the survivors' part.

use super::image::Image;
use super::scenario::Scenario;
use super::survivor::Watch;
use crate::support::step::Plan;
use crate::support::walk::{self, Tally};

/// Into how many parts a long operation is cut.
const PARTS: usize = 120;
/// Set: no operation is too long to be killed at every instruction, and the tests take many minutes.
const EVERY: &str = "SHMKV_EVERY_INSTRUCTION";

/// The operation runs in a process that has written before.
pub(crate) fn plan() -> Plan {
    Plan {
        exhaustive_up_to: usize::MAX / 8,
        ..Plan::default().warmed_up()
    }
}

/// Kills the operation at each instruction if there are at most `longest`. Otherwise after each that changes the map's memory,
/// so that every state it can be in is left by some death, and at the end of each of [`PARTS`] parts.
pub(crate) fn everywhere<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    longest: usize,
    op: impl Fn(&Scenario<'_, N, V>),
) -> (Watch, Tally) {
    let mut plan = plan();
    let (states, length) = states(scenario, &op);
    if length > longest && std::env::var_os(EVERY).is_none() {
        plan.stride = length / PARTS;
        plan.always = states.iter().map(|(point, _)| *point).collect();
    }
    let mut watch = Watch::default();
    let setup = || {
        scenario.reset();
        scenario
    };
    let examine = |point, scenario: &&_| watch.examine(scenario, point);
    let mut tally = walk::for_each_kill_point(&plan, setup, |scenario| op(scenario), examine);
    tally.violations.extend(watch.finish(scenario).err());
    (watch, tally)
}

/// The points at which the map's memory has just changed, the first included, and the memory; and the operation's length.
pub(crate) fn states<const N: usize, const V: usize>(
    scenario: &Scenario<'_, N, V>,
    op: impl Fn(&Scenario<'_, N, V>),
) -> (Vec<(usize, Image)>, usize) {
    scenario.reset();
    let mut states: Vec<(usize, Image)> = Vec::new();
    let note = |point| {
        let image = scenario.lab.image();
        if states.last().is_none_or(|(_, last)| *last != image) {
            states.push((point, image));
        }
        Ok(())
    };
    let tally = walk::for_each_stop_point(&plan(), || op(scenario), note);
    (states, tally.length)
}
