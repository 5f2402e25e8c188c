//! The counters that account for every event.

/// Why an accepted event was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Reason {
    /// The event's name or the experiment's id breaks the rules, or the event is not declared.
    InvalidName,
    /// The memory was full, and the store could not take any of it at once.
    QueueFull,
    /// Too large even alone, or in a batch that the store never had the room to split.
    TooLarge,
    /// The endpoint will never take it, whether it says so of the batch or of some events of it.
    Rejected,
    /// The endpoint answered 401 or 403, and there is no other Authorization left to try.
    Unauthorized,
    /// The endpoint refused it for now, too often.
    MaxAttempts,
    /// It was stored for too long.
    Expired,
    /// It was among the oldest when the store ran out of room.
    StoreFull,
    /// What came back from the store is not what was written; or it was in the memory of an instance that
    /// trapped, and could not be read there.
    Corrupt,
    /// Consent was withdrawn before it was delivered.
    ConsentDenied,
    /// The kill switch came with `erase` before it was delivered.
    Killed,
    /// It was in memory when a shutdown ended, and the store could not take it.
    ShutDown,
}

/// How many there are.
pub const REASONS: usize = 12;

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
        "corrupt",
        "consent_denied",
        "killed",
        "shut_down",
    ];

    /// Saturates.
    pub fn add(&mut self, reason: Reason, events: u64) {
        // Beside counts that were read back from a store.
        let count = &mut self.0[reason as usize];
        *count = count.saturating_add(events);
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            // Counts read back from a store may be anything.
            *sum = sum.saturating_add(count);
        }
    }

    /// Over all reasons.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Whether nothing was dropped.
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
    /// The endpoint answered 2xx, and did not say that it rejected them.
    pub delivered: u64,
    /// Left without a witness: sent as the page went away, or taken over by another holder.
    pub handed_over: u64,
    /// In memory, but not in flight.
    pub queued: u64,
    /// In the request under way.
    pub in_flight: u64,
    /// In the store alone, in this pipeline's custody.
    pub stored: u64,
    /// Accepted and then lost, by reason.
    pub dropped: Drops,
    /// Not accepted: sampling said no.
    pub sampled_out: u64,
    /// Not accepted: disabled, shut down, killed, or consent denied.
    pub suppressed: u64,
    /// Fields, not events, that validation left out of events that went on.
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
