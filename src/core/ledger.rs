//! The counters that account for every event.

/// Why an accepted event was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Reason {
    InvalidName,
    QueueFull,
    TooLarge,
    Rejected,
    Unauthorized,
    MaxAttempts,
    Expired,
    StoreFull,
    StoreFailed,
    Corrupt,
    ConsentDenied,
    Killed,
    ShutDown,
}

pub const REASONS: usize = 13;

/// Drops by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops(pub [u64; REASONS]);

impl Drops {
    /// The names on the wire, in the order of [`Reason`]. Stored: add at the end only.
    pub const NAMES: [&'static str; REASONS] = [
        "invalid_name",
        "queue_full",
        "too_large",
        "rejected",
        "unauthorized",
        "max_attempts",
        "expired",
        "store_full",
        "store_failed",
        "corrupt",
        "consent_denied",
        "killed",
        "shut_down",
    ];

    pub fn add(&mut self, reason: Reason, events: u64) {
        // Beside counts that were read back from a store.
        let count = &mut self.0[reason as usize];
        *count = count.saturating_add(events);
    }

    pub fn merge(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            // Counts read back from a store may be anything.
            *sum = sum.saturating_add(count);
        }
    }

    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }

    /// The reasons that have a count.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Self::NAMES.iter().copied().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

/// Where every accepted event is. `queued`, `in_flight` and `stored` are filled in from what the
/// pipeline holds, the others are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Passed the gates, or taken over from a store where an earlier visit or another holder left it.
    pub accepted: u64,
    pub delivered: u64,
    /// Left without a witness: sent as the page went away, or taken over by another holder.
    pub handed_over: u64,
    pub queued: u64,
    pub in_flight: u64,
    pub stored: u64,
    pub dropped: Drops,
    pub sampled_out: u64,
    pub suppressed: u64,
    pub fields_left_out: u64,
}

impl Ledger {
    /// The equation that holds at every moment.
    pub fn balances(&self) -> bool {
        self.accepted
            == self.delivered
                + self.handed_over
                + self.queued
                + self.in_flight
                + self.stored
                + self.dropped.total()
    }
}
