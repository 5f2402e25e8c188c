//! Bugs that a test plants, one at a time, to see that the simulator finds each. Without the feature
//! `planted`, which nothing shipped has, none of this is left.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    AttemptNotCounted,
    AttemptsUnbounded,
    BackoffSkipped,
    BatchRenamed,
    CopyOutlivesDelivery,
    DenialNotHeard,
    DeniedStaysStored,
    DropNotCounted,
    DropNotReported,
    ExpiredIsSent,
    ExposureNotStored,
    FailuresNeverReset,
    HalfForgotten,
    HandedOverForGood,
    KillSparesStored,
    LeaseNeverChecked,
    LeaseNotRenewed,
    OutageCostsAttempts,
    PartialSuccessIgnored,
    PendingConsentSends,
    QueueUnbounded,
    RemovedBeforeItsAnswer,
    RetryAfterIgnored,
    TimeoutNeverFires,
    WriteAheadSkipped,
}

impl Bug {
    pub const ALL: [Self; 25] = [
        Self::AttemptNotCounted,
        Self::AttemptsUnbounded,
        Self::BackoffSkipped,
        Self::BatchRenamed,
        Self::CopyOutlivesDelivery,
        Self::DenialNotHeard,
        Self::DeniedStaysStored,
        Self::DropNotCounted,
        Self::DropNotReported,
        Self::ExpiredIsSent,
        Self::ExposureNotStored,
        Self::FailuresNeverReset,
        Self::HalfForgotten,
        Self::HandedOverForGood,
        Self::KillSparesStored,
        Self::LeaseNeverChecked,
        Self::LeaseNotRenewed,
        Self::OutageCostsAttempts,
        Self::PartialSuccessIgnored,
        Self::PendingConsentSends,
        Self::QueueUnbounded,
        Self::RemovedBeforeItsAnswer,
        Self::RetryAfterIgnored,
        Self::TimeoutNeverFires,
        Self::WriteAheadSkipped,
    ];
}

#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted")]
pub use switch::{plant, planted};

#[cfg(feature = "planted")]
mod switch {
    use core::cell::Cell;

    use super::Bug;

    std::thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug in this thread, and takes out the one before.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    pub fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}
