//! The bytes of stored records: LEB128 numbers, length-prefixed UTF-8, a checksum. Reading never
//! trusts: every step can say that the record is corrupt.

use alloc::vec::Vec;
/// The record is not one of ours, or no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

/// LEB128: seven bits a byte, the lowest first.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Adds zeros. (`resize` becomes a loop over bytes where the compiler goes for size.)
pub(crate) fn put_zeros(out: &mut Vec<u8>, mut count: usize) {
    static ZEROS: [u8; 4_096] = [0; 4_096];
    while count > 0 {
        let step = &ZEROS[..count.min(ZEROS.len())];
        out.extend_from_slice(step);
        count -= step.len();
    }
}

/// Writes at a place in a slice; gives the place behind it.
#[inline(always)]
pub(crate) fn write_varint(out: &mut [u8], at: usize, value: u64) -> Option<usize> {
    if value < 0x80 {
        *out.get_mut(at)? = value as u8;
        return Some(at + 1);
    }
    write_long_varint(out, at, value)
}

#[inline(never)]
fn write_long_varint(out: &mut [u8], mut at: usize, mut value: u64) -> Option<usize> {
    while value >= 0x80 {
        *out.get_mut(at)? = value as u8 | 0x80;
        at += 1;
        value >>= 7;
    }
    *out.get_mut(at)? = value as u8;
    Some(at + 1)
}

/// The length in bytes, and the text.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Small numbers of either sign in few bytes: 0, -1, 1, -2, …
pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Takes one thing after another off some bytes; corrupt is what ends too early.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// So many bytes as they are.
    #[inline(always)]
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Corrupt> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Corrupt)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// `N` bytes as they are.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        self.bytes(N)?.try_into().map_err(|_| Corrupt)
    }

    /// One byte as it is.
    pub fn byte(&mut self) -> Result<u8, Corrupt> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A finite double whose first `size` bytes are here, and whose others are zero.
    #[inline(always)]
    pub fn double(&mut self, size: usize) -> Result<f64, Corrupt> {
        // Mostly there is more behind them, and then no loop is needed.
        let ahead = self.rest.first_chunk().map(|word| u64::from_le_bytes(*word));
        let bytes = self.bytes(size)?;
        let fold = |word, byte: &u8| word << 8 | u64::from(*byte);
        let word = ahead.unwrap_or_else(|| bytes.iter().rev().fold(0, fold));
        // In two steps: nothing can be shifted by all of its bits.
        let half = 4 * 8_usize.checked_sub(size).ok_or(Corrupt)?;
        let value = f64::from_bits(word << half << half);
        if value.is_finite() { Ok(value) } else { Err(Corrupt) }
    }

    /// A LEB128 number; corrupt if it is none of 64 bits.
    pub fn varint(&mut self) -> Result<u64, Corrupt> {
        if let [byte @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Corrupt);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Corrupt)
    }

    /// A number of 32 bits.
    pub fn small(&mut self) -> Result<u32, Corrupt> {
        u32::try_from(self.varint()?).map_err(|_| Corrupt)
    }

    /// A number that counts things which each take at least one byte of what is left.
    pub fn count(&mut self) -> Result<usize, Corrupt> {
        let count = usize::try_from(self.varint()?).map_err(|_| Corrupt)?;
        if count <= self.rest.len() { Ok(count) } else { Err(Corrupt) }
    }

    /// A text behind its length; corrupt if it is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Corrupt> {
        let length = self.count()?;
        core::str::from_utf8(self.bytes(length)?).map_err(|_| Corrupt)
    }
}

/// Tells whether bytes are what they were, eight at a time: each step is a bijection of the sum so far,
/// so that a difference stays one, and a chance change escapes once in 2^32 times.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |sum: u64, word: u64| {
        let product = (sum ^ word).wrapping_mul(ODD);
        product ^ product >> 32
    };
    let (words, rest) = bytes.as_chunks();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().chain([&last]);
    let sum = words.fold(ODD, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    mix(sum, bytes.len() as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::v1::*;

    #[test]
    fn checksums_tell_apart_what_differs_in_a_bit_or_in_length() {
        let mut seen = vec![checksum(b""), checksum(&[0; 20])];
        for length in 1..20 {
            seen.push(checksum(&[0; 20][..length]));
        }
        for bit in 0..160 {
            let mut bytes = [0; 20];
            bytes[bit / 8] = 1 << (bit % 8);
            seen.push(checksum(&bytes));
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn numbers_come_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(Reader::new(&bytes).varint(), Ok(value));
            bytes.pop();
            assert_eq!(Reader::new(&bytes).varint(), Err(Corrupt));
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
    }

    #[test]
    fn overlong_and_lying_lengths_are_corrupt() {
        assert_eq!(Reader::new(&[0xff; 11]).varint(), Err(Corrupt));
        assert_eq!(Reader::new(&[0xff, 0xff, 0x03, b'a']).text(), Err(Corrupt));
        assert_eq!(Reader::new(&[1, 0xff]).text(), Err(Corrupt));
    }
}
