//! Kills the operation of a scenario at each of its points; [`Watch`] checks what each death left.

use super::image::Image;
use super::scenario::Scenario;
use super::survivor::Watch;
use crate::support::step::Plan;
use crate::support::walk::{self, Tally};

/// Into how many parts a long operation is divided.
const PARTS: usize = 120;
/// If this variable is set, operations of any length are killed at every instruction, and the tests
/// take many minutes.
const EVERY: &str = "SHMKV_EVERY_INSTRUCTION";

/// For an operation of a process that has written before.
pub(crate) fn plan() -> Plan {
    Plan {
        exhaustive_up_to: usize::MAX / 8,
        ..Plan::default().warmed_up()
    }
}

/// Kills the operation at every instruction if it has at most `longest`. Otherwise after each one that
/// changes the map's memory, so that some death leaves every state of the memory, and at the end of
/// each of [`PARTS`] parts.
pub(crate) fn kill_everywhere<const N: usize, const V: usize>(
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

/// The points at which the map's memory has just changed, including the first point, with that memory;
/// and the length of the operation.
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
