//! A discrete-event simulation of processes, processors, locks and cache lines.
//!
//! A process thinks, draws a key, and reads or updates it. An update takes the lock of
//! the key's shard as `shmkv-core/src/lock.rs` does: a compare-exchange; if it fails, a
//! hundred looks at the word; then a question to the kernel, and sleep, for at most 10
//! to 20 ms. The process that unlocks wakes one sleeper if the word is marked. There is
//! no queue: the first process that finds the lock free has it.
//!
//! The cache line of a lock belongs to one processor at a time. Getting it from another
//! processor costs `line`, and requests are served in turn. The lines of a hot key's
//! bucket and slot cost twice that if another processor used them last. All other
//! memory is part of `hold` and `read`. If there are more processes than processors,
//! they take turns of one time slice each.
//!
//! `setup` is what is simulated and reported, `state` the machine and its scheduler,
//! `steps` what a process does; this file is the loop over all events.

mod setup;
mod state;
mod steps;

pub(crate) use setup::{Report, Setup};
use state::{Event, SLICE, Simulator, State};

/// Simulates `setup`.
pub(crate) fn run(setup: Setup) -> Report {
    let mut simulator = Simulator::new(setup);
    while let Some((time, event, generation)) = simulator.next() {
        if time > setup.duration {
            break;
        }
        simulator.now = time;
        handle(&mut simulator, event, generation);
    }
    simulator.report
}

fn handle(simulator: &mut Simulator, event: Event, generation: u32) {
    match event {
        Event::Slice(processor) => {
            simulator.schedule(simulator.now + SLICE, Event::Slice(processor), 0);
            if let Some(process) = simulator.running[processor]
                && !simulator.ready.is_empty()
            {
                simulator.preempt(process, processor);
            }
        }
        Event::Step(process) if simulator.processes[process].generation == generation => {
            simulator.step(process);
        }
        Event::Look(process)
            if simulator.processes[process].state == State::Spinning
                && simulator.processes[process].processor.is_some() =>
        {
            if simulator.locks[simulator.processes[process].shard]
                .holder
                .is_none()
            {
                simulator.stop_spinning(process);
                simulator.try_lock(process, true);
            }
        }
        Event::Step(_) | Event::Look(_) => {}
    }
}
