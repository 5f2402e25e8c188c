//! A request's body that is being written, mostly of pieces that come again with every event.
//!
//! A call that copies memory costs more than the few bytes of a piece. So there is always room behind
//! the end, and pieces are written there, eight bytes at a time, whatever comes behind them.

use alloc::vec::Vec;

use uuid::Uuid;

use super::codec::{Corrupt, put_zeros};

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

/// Characters of an id.
pub const ID: usize = 36;

/// So many zeros are added at once.
const AHEAD: usize = 4_096;

/// Some bytes that a body keeps, to be written again and again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Piece {
    /// Where it is among the words of all.
    first: u32,
    last: u32,
    length: u32,
}

impl Piece {
    /// Bytes that writing it touches, at most.
    pub fn size(self) -> usize {
        self.length as usize + 8
    }
}

pub struct Body<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
    /// The pieces, each in words of its own.
    words: Vec<[u8; 8]>,
}

impl<'a> Body<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { end: out.len(), out, words: Vec::new() }
    }

    /// Where the next byte comes.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Makes room for so many bytes. What is written without is lost.
    pub fn room(&mut self, size: usize) {
        if self.out.len() < self.end + size {
            let missing = self.end + size - self.out.len();
            put_zeros(self.out, missing + AHEAD);
        }
    }

    /// What is rare is written as it comes.
    pub fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.truncate(self.end);
        write(self.out);
        self.end = self.out.len();
    }

    /// Writes at the end, where there is room; `write` gives the new end.
    #[inline(always)]
    pub fn write(&mut self, write: impl FnOnce(&mut [u8], usize) -> usize) {
        self.end = write(self.out, self.end);
    }

    pub fn finish(self) {
        self.out.truncate(self.end);
    }

    /// Takes away the last byte if it is that.
    pub fn drop_last(&mut self, byte: u8) {
        if self.out.get(self.end.wrapping_sub(1)) == Some(&byte) {
            self.end -= 1;
        }
    }

    /// Takes away what was written since, as a piece.
    pub fn cut(&mut self, start: usize) -> Piece {
        let first = self.words.len() as u32;
        self.room(8);
        for at in (start..self.end).step_by(8) {
            let word = self.out.get(at..).and_then(<[u8]>::first_chunk);
            self.words.push(word.copied().unwrap_or_default());
        }
        let length = (self.end - start) as u32;
        self.end = start;
        Piece { first, last: self.words.len() as u32, length }
    }

    pub fn piece(&mut self, bytes: &[u8]) -> Piece {
        let start = self.end;
        self.put_bytes(bytes);
        self.cut(start)
    }

    pub fn put(&mut self, piece: &Piece) {
        let words = self.words.get(piece.first as usize..piece.last as usize);
        if let (Some(words), Some(behind)) = (words, self.out.get_mut(self.end..)) {
            for (place, word) in behind.as_chunks_mut().0.iter_mut().zip(words) {
                *place = *word;
            }
        }
        self.end += piece.length as usize;
    }

    pub fn put_byte(&mut self, byte: u8) {
        if let Some(first) = self.behind().first_mut() {
            *first = byte;
        }
        self.end += 1;
    }

    pub fn put_bytes(&mut self, bytes: &[u8]) {
        self.room(bytes.len());
        if let Some(place) = self.behind().get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self.end += bytes.len();
    }

    /// Moves what was written since, to make room before it.
    pub fn shift(&mut self, start: usize, by: usize) {
        self.room(by);
        self.out.copy_within(start..self.end, start + by);
        self.end += by;
    }

    /// Writes over what was written already.
    pub fn replace(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.out.get_mut(at) {
            *place = byte;
        }
    }

    /// An id's 36 characters.
    pub fn put_id(&mut self, id: Uuid) {
        let bytes = id.as_bytes();
        let [a, b, c, d] = [0, 4, 8, 12].map(|at| {
            let word = bytes[at..].first_chunk().copied().unwrap_or_default();
            u64::from_le_bytes(hex(u32::from_be_bytes(word)))
        });
        // Each of these begins where the one before has what counts.
        let dash = u64::from(b'-');
        let words = [
            (0, a),
            (8, b << 8 | dash),
            (13, b >> 32 << 8 | dash),
            (18, c << 8 | dash),
            (23, c >> 32 << 8 | dash),
            (28, d),
        ];
        if let Some(text) = self.behind().first_chunk_mut::<ID>() {
            for (at, word) in words {
                if let Some(place) = text.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                    *place = word.to_le_bytes();
                }
            }
        }
        self.end += ID;
    }

    fn behind(&mut self) -> &mut [u8] {
        self.out.get_mut(self.end..).unwrap_or_default()
    }
}

/// Eight hexadecimal digits, all at once: each half byte gets a byte of its own, and becomes a digit or,
/// 39 further on, a letter.
pub fn hex(number: u32) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut digits = u64::from(number);
    digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF;
    digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF;
    digits = (digits | digits << 4) & (15 * ONES);
    let letters = (digits + 6 * ONES) >> 4 & ONES;
    (digits + u64::from(b'0') * ONES + 39 * letters).to_be_bytes()
}
