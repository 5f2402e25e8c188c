//! UUIDs (RFC 9562).

use alloc::string::String;

use super::json::hex;

/// Characters of its text.
pub const TEXT: usize = 36;

/// A UUID, as two words with the first byte on top. Sorts as its text does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u64, pub u64);

impl Id {
    /// The UUID of these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let word = u128::from_le_bytes(bytes);
        Self(swapped(word as u64), swapped((word >> 64) as u64))
    }

    /// Of random bytes: a UUID of version 4.
    pub fn random(bytes: [u8; 16]) -> Self {
        let Self(high, low) = Self::from_bytes(bytes);
        Self(high & !0xf000 | 0x4000, low << 2 >> 2 | 1 << 63)
    }

    /// As bytes.
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(swapped(self.1)) << 64 | u128::from(swapped(self.0))).to_le_bytes()
    }

    /// The usual form, in lower case.
    pub fn text(self) -> String {
        let mut text = [0; TEXT];
        self.write(&mut text);
        String::from_utf8(text.into()).unwrap_or_default()
    }

    /// Writes the usual form, in lower case.
    pub fn write(self, text: &mut [u8; TEXT]) {
        let Self(high, low) = self;
        let digits = |word: u64| u64::from_le_bytes(hex(word as u32));
        let dash = u64::from(b'-');
        let (second, third) = (digits(high), digits(low >> 32));
        let mut put = |at: usize, word: u64| {
            if let Some(place) = text.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                *place = word.to_le_bytes();
            }
        };
        // Each of these begins where the one before has what counts.
        put(0, digits(high >> 32));
        put(8, second << 8 | dash);
        put(13, second >> 32 << 8 | dash);
        put(18, third << 8 | dash);
        put(23, third >> 32 << 8 | dash);
        put(28, digits(low));
    }
}

/// WebAssembly has no instruction for it, and what it takes instead is long: it is there once.
#[inline(never)]
fn swapped(word: u64) -> u64 {
    word.swap_bytes()
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::prelude::v1::*;
    use uuid::{Builder, Uuid};

    proptest! {
        #[test]
        fn bytes_and_text_are_a_uuids(bytes in any::<[u8; 16]>(), other in any::<[u8; 16]>()) {
            let id = Id::from_bytes(bytes);
            prop_assert_eq!(id.to_bytes(), bytes);
            prop_assert_eq!(id.text(), Uuid::from_bytes(bytes).to_string());
            let random = Builder::from_random_bytes(bytes).into_uuid();
            prop_assert_eq!(Id::random(bytes).to_bytes(), random.into_bytes());
            let other = Id::from_bytes(other);
            prop_assert_eq!(id.cmp(&other), id.text().cmp(&other.text()));
        }
    }
}
