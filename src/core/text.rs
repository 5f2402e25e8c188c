//! How long a text is, and what it consists of. The standard library answers the same with code that is
//! quick for long texts, and ten times as large.

/// Unicode characters.
pub fn characters(text: &str) -> usize {
    text.bytes().filter(|byte| begins_character(*byte)).count()
}

/// UTF-16 code units: the length as JavaScript counts it.
pub fn utf16_units(text: &str) -> usize {
    // What takes four bytes takes a surrogate pair.
    characters(text) + text.bytes().filter(|byte| *byte >= 0xf0).count()
}

/// The first characters of a text, so many at most.
pub fn first_characters(text: &str, most: usize) -> &str {
    let mut starts = text.bytes().enumerate().filter(|(_, byte)| begins_character(*byte));
    let end = starts.nth(most).map_or(text.len(), |(index, _)| index);
    text.get(..end).unwrap_or_default()
}

/// Whether it is all letters and digits of ASCII, and these marks.
pub fn consists_of(text: &[u8], marks: &[u8]) -> bool {
    let is_mark = |byte: u8| marks.iter().any(|mark| byte.eq(mark));
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || is_mark(*byte))
}

fn begins_character(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::prelude::v1::*;

    proptest! {
        #[test]
        fn as_the_standard_library_counts(text: String, most in 0_usize..20) {
            prop_assert_eq!(characters(&text), text.chars().count());
            prop_assert_eq!(utf16_units(&text), text.encode_utf16().count());
            let first: String = text.chars().take(most).collect();
            prop_assert_eq!(first_characters(&text, most), first);
        }
    }
}
