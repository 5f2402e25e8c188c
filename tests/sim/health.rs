//! What a client must have learned of its endpoint: failures in a row, and how long to wait.

use wasm_telemetry::core::io::Outcome;
use wasm_telemetry::core::retry::{CIRCUIT_MILLIS, Verdict, classify};

use super::client::Client;
use super::world::World;

#[derive(Clone, Copy, Debug, Default)]
pub struct Health {
    /// In a row; none if the simulator has lost count.
    failures: Option<u64>,
    /// No request may start before.
    pub hold_until: u64,
}

/// At most so much comes on top of what `Retry-After` asked for.
const SPREAD_MILLIS: u64 = 5 * 60_000;
/// From so many failures in a row on, an endpoint is probed at growing distance.
const CIRCUIT_FAILURES: u64 = 6;

impl World {
    /// Checks what an answer to the request in flight led to.
    pub fn check_health(&mut self, slot: usize, outcome: Outcome<'_>) {
        let now = self.now();
        let Some(client) = &mut self.slots[slot].client else { return };
        client.health.hold_until = 0;
        let verdict = match outcome {
            Outcome::Response { status, .. } => classify(status, client.own.format),
            _ => Verdict::Retry,
        };
        if !matches!(verdict, Verdict::Delivered | Verdict::Retry) {
            // What follows may fail in other ways.
            client.health.failures = None;
            return;
        }
        let failures = client.stat("failures").expect("a count");
        match verdict {
            Verdict::Delivered => {
                assert_eq!(failures, 0, "a success ends the row of failures");
                client.health.failures = Some(0);
            }
            _ => {
                let retry_at = client.stat("retryAt");
                let wait = retry_at.expect("after a failure there is a pause") - now.wall.0;
                if let Some(before) = client.health.failures {
                    assert_eq!(failures, before + 1, "failures in a row");
                }
                client.health.failures = Some(failures);
                client.health.hold_until = now.mono.0 + wait;
                let range = longest_wait(client, failures);
                let (least, most) = match asked_for(outcome) {
                    Asked::Millis(asked) => (asked, asked + asked.max(range).min(SPREAD_MILLIS)),
                    Asked::Something => (1, CIRCUIT_MILLIS + SPREAD_MILLIS),
                    Asked::Nothing => (1, range),
                };
                let fits = (least..=most).contains(&wait);
                assert!(fits, "after {failures} failures, {outcome:?}: a wait of {wait} ms");
            }
        }
    }

    /// What the simulator knows of failures and pauses does not hold any more.
    pub fn forget_health(&mut self, slot: usize) {
        if let Some(client) = &mut self.slots[slot].client {
            client.health = Health::default();
        }
    }
}

/// The wait that `Retry-After` asks for.
enum Asked {
    Nothing,
    Millis(u64),
    /// A date: it is not followed here.
    Something,
}

fn asked_for(outcome: Outcome<'_>) -> Asked {
    let Outcome::Response { retry_after: Some(text), .. } = outcome else { return Asked::Nothing };
    if text.ends_with(" GMT") {
        return Asked::Something;
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Asked::Nothing;
    }
    let seconds = text.parse().unwrap_or(u64::MAX);
    Asked::Millis(seconds.saturating_mul(1_000).clamp(1, CIRCUIT_MILLIS))
}

/// Full jitter: from nothing up to a limit that doubles with each failure.
fn longest_wait(client: &Client, failures: u64) -> u64 {
    let (base, most) = (client.limits.base_backoff, client.limits.most_backoff);
    if failures > CIRCUIT_FAILURES {
        return most.max(CIRCUIT_MILLIS);
    }
    (base << (failures - 1)).min(most).max(1)
}
