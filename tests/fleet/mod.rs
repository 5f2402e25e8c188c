//! A fleet in virtual time: many clients with one endpoint that goes down for a while and comes back.
//!
//! Each client is a whole [`wasm_telemetry::core::pipeline::Pipeline`] with a store of its own and the
//! default configuration. It logs an event every 5 to 60 s: its mean is drawn evenly from there, and
//! the gaps are exponential. The clients share a clock, so that a date is the same second for all.

mod client;
mod endpoint;
mod figures;
mod scenario;
mod world;

use std::ops::Range;

pub use figures::{Figures, Part};
pub use scenario::{Plan, Scenario, all};

/// Clients in one world, where they don't meet: few enough for a processor's cache.
const TOGETHER: usize = 100;

/// Clients affect each other through an endpoint that can be full, and through nothing else.
pub fn parts(plan: &Plan, scenario: &Scenario) -> Vec<Range<usize>> {
    let size = if scenario.capacity.is_some() { plan.clients } else { TOGETHER };
    let starts = (0..plan.clients).step_by(size);
    starts.map(|start| start..plan.clients.min(start + size)).collect()
}

/// Runs some of the clients from the first event to the end of the plan.
pub fn run(plan: &Plan, scenario: &Scenario, clients: Range<usize>) -> Part {
    scenario.ablate();
    let mut world = world::World::new(plan, scenario, clients);
    world.run_until(plan.warm_up * 1_000);
    world.fail();
    world.run_until(plan.recovery() * 1_000);
    world.recover();
    world.run_until(plan.end() * 1_000);
    world.end()
}
