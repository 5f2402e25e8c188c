//! Two clocks that can't be mixed up: one that only goes forward, and the one on the wall.

/// Milliseconds of a clock that never goes back; its zero means nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// Never.
    pub const FAR: Self = Self(u64::MAX);

    /// So many milliseconds later; saturates.
    // Many call it, and the compiler would give each a copy.
    #[inline(never)]
    pub fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z by the host's clock, which may jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The last millisecond that a JavaScript `Date` can tell.
    pub const MAX: Self = Self(8_640_000_000_000_000);

    /// So many milliseconds later; saturates, and may pass [`Self::MAX`].
    pub fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// What a host's clock gave, however odd: NaN and negative times are 1970.
    pub fn from_host(millis: f64) -> Self {
        // The cast saturates, and takes NaN to 0.
        Self((millis as u64).min(Self::MAX.0))
    }
}

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// For waits and deadlines.
    pub mono: Millis,
    /// For what is stored or sent.
    pub wall: UnixMillis,
}
