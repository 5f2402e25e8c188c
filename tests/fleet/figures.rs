//! What a run showed.

use wasm_telemetry::core::ledger::Drops;

use super::scenario::{Plan, Scenario};

/// What happened within a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Second {
    /// What the endpoint saw.
    pub requests: u64,
    pub taken_events: u64,
    /// Of the bodies, before compression.
    pub bytes: u64,
    /// Requests that were not taken.
    pub turned_away: u64,
    /// By how many events the clients' stores grew.
    pub stored: i64,
}

/// What some of the clients did, and what became of their events.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub seconds: Vec<Second>,
    /// Batches in stores when the endpoint was back.
    pub batches: u64,
    pub logged: u64,
    /// Taken by the endpoint, each counted once.
    pub delivered: u64,
    /// Taken once more.
    pub doubled: u64,
    /// With the clients when the plan is over.
    pub held: u64,
    pub dropped: Drops,
}

impl Part {
    pub fn merge(mut self, other: &Self) -> Self {
        self.seconds.resize(other.seconds.len(), Second::default());
        for (sum, second) in self.seconds.iter_mut().zip(&other.seconds) {
            sum.requests += second.requests;
            sum.taken_events += second.taken_events;
            sum.bytes += second.bytes;
            sum.turned_away += second.turned_away;
            sum.stored += second.stored;
        }
        self.batches += other.batches;
        self.logged += other.logged;
        self.delivered += other.delivered;
        self.doubled += other.doubled;
        self.held += other.held;
        self.dropped.merge(&other.dropped);
        self
    }

    /// Events that are nowhere.
    pub fn lost(&self) -> i64 {
        self.logged as i64 - (self.delivered + self.held + self.dropped.total()) as i64
    }
}

/// Load per second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    pub requests: f64,
    pub events: f64,
    pub bytes: f64,
}

impl Load {
    /// The mean over the second half of the warm-up: every client has begun by then.
    pub fn steady(plan: &Plan, seconds: &[Second]) -> Self {
        let window = &seconds[plan.warm_up as usize / 2..plan.warm_up as usize];
        Self {
            requests: mean(window, |second| second.requests),
            events: mean(window, |second| second.taken_events),
            bytes: mean(window, |second| second.bytes),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Figures {
    pub scenario: Scenario,
    pub steady: Load,
    /// Requests a second while the endpoint is down: in the worst second, over all, in the last sixth.
    pub outage_peak: f64,
    pub outage: f64,
    pub outage_late: f64,
    /// After the recovery, the most within a second and within ten, as multiples of the steady load.
    pub peak_1: f64,
    pub peak_10: f64,
    pub peak_events_10: f64,
    pub peak_bytes_10: f64,
    /// Requests that the endpoint turned away after its recovery.
    pub turned_away: u64,
    /// Events in stores when the endpoint was back.
    pub backlog: u64,
    /// Seconds from the recovery until 99 % of that was gone, and all.
    pub mostly_drained: Option<u64>,
    pub drained: Option<u64>,
    pub total: Part,
}

impl Figures {
    pub fn new(plan: &Plan, scenario: Scenario, total: Part) -> Self {
        let (before, after) = total.seconds.split_at(plan.recovery() as usize);
        let outage = &before[plan.warm_up as usize..];
        let requests = |second: &Second| second.requests;
        let steady = Load::steady(plan, before);
        let backlog: i64 = before.iter().map(|second| second.stored).sum();
        let drained_to = |most: i64| {
            let mut stored = backlog;
            let is_there = |second: &Second| {
                stored += second.stored;
                stored <= most
            };
            after.iter().position(is_there).map(|seconds| seconds as u64 + 1)
        };
        Self {
            scenario,
            steady,
            outage_peak: peak(outage, 1, requests),
            outage: mean(outage, requests),
            outage_late: mean(&outage[outage.len() * 5 / 6..], requests),
            peak_1: peak(after, 1, requests) / steady.requests,
            peak_10: peak(after, 10, requests) / steady.requests,
            peak_events_10: peak(after, 10, |second| second.taken_events) / steady.events,
            peak_bytes_10: peak(after, 10, |second| second.bytes) / steady.bytes,
            turned_away: after.iter().map(|second| second.turned_away).sum(),
            backlog: backlog as u64,
            mostly_drained: drained_to(backlog / 100),
            drained: drained_to(0),
            total,
        }
    }
}

fn mean(seconds: &[Second], of: impl Fn(&Second) -> u64) -> f64 {
    seconds.iter().map(of).sum::<u64>() as f64 / seconds.len() as f64
}

/// The highest mean over a window.
fn peak(seconds: &[Second], window: usize, of: impl Fn(&Second) -> u64) -> f64 {
    seconds.windows(window).map(|seconds| mean(seconds, &of)).fold(0.0, f64::max)
}
