//! Gzip at once, for a page that goes away: nothing asynchronous survives that. It is made for few bytes
//! of code, and bodies shrink to a seventh all the same; zlib makes them a tenth.

use alloc::vec;
use alloc::vec::Vec;

/// The shortest match that is worth its distance, and the longest that has a code like the others.
const SHORTEST: usize = 4;
const LONGEST: usize = 257;
const WINDOW: usize = 32_767;

/// Smaller bodies are not worth it.
pub const GZIP_MIN: usize = 1_024;

/// One block with the fixed codes of RFC 1951. A match is looked for where the same four bytes were
/// last seen.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut bits =
        Bits { out: Vec::from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]), hold: 0, count: 0 };
    bits.put(0b011, 3);
    // From 1.
    let mut seen = vec![0; 1 << 13];
    let mut skip = 0_usize;
    let mut sum = !0;
    for (at, byte) in data.iter().enumerate() {
        sum = (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            sum >> 1 ^ 0xEDB8_8320 & (sum & 1).wrapping_neg()
        });
        let ahead = data.get(at..).unwrap_or_default();
        let (mut length, mut distance) = (0, 0);
        if let Some(word) = ahead.first_chunk() {
            let place = u32::from_le_bytes(*word).wrapping_mul(0x9E37_79B1) >> 19;
            let before = core::mem::replace(&mut seen[place as usize], at + 1);
            distance = at + 1 - before;
            if before > 0 && distance <= WINDOW && skip == 0 {
                let pairs = data[before - 1..].iter().zip(ahead).take(LONGEST);
                length = pairs.take_while(|(left, right)| left == right).count();
            }
        }
        if skip > 0 {
            skip -= 1;
        } else if length >= SHORTEST {
            bits.number(length - 3, 2);
            bits.number(distance - 1, 1);
            skip = length - 1;
        } else {
            bits.literal(u32::from(*byte));
        }
    }
    bits.literal(256);
    bits.put(0, 7);
    let mut out = bits.out;
    out.extend_from_slice(&(!sum).to_le_bytes());
    out.extend_from_slice(&(data.len() as u32).to_le_bytes());
    out
}

struct Bits {
    out: Vec<u8>,
    hold: u32,
    count: u32,
}

impl Bits {
    fn literal(&mut self, symbol: u32) {
        let (code, length) = match symbol {
            0..144 => (symbol + 0x30, 8),
            144..256 => (symbol + 0x100, 9),
            256..280 => (symbol - 256, 7),
            _ => (symbol - 280 + 0xc0, 8),
        };
        self.put(code.reverse_bits() >> (32 - length), length);
    }

    /// A length or a distance. There are `1 << fine` codes for each power of two.
    fn number(&mut self, number: usize, fine: u32) {
        let bits = (number | 1).ilog2().saturating_sub(fine);
        let code = (bits << fine) + (number >> bits) as u32;
        if fine == 2 {
            self.literal(257 + code);
        } else {
            self.put(code.reverse_bits() >> 27, 5);
        }
        self.put((number & ((1 << bits) - 1)) as u32, bits);
    }

    fn put(&mut self, bits: u32, count: u32) {
        self.hold |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.out.push(self.hold as u8);
            self.hold >>= 8;
            self.count -= 8;
        }
    }
}
