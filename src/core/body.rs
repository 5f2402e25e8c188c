//! A request's body, in any wire format.

use super::codec::Corrupt;

/// A record holds a context once and a body holds it with every event, so that the one's size does not
/// bound the other's.
pub const LARGEST: usize = 16 << 20;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoBody {
    Corrupt,
    TooLarge,
}

impl From<Corrupt> for NoBody {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}
