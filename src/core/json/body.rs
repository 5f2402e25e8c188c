//! A body that is being written, mostly of pieces that come again with every event.
//!
//! A call that copies memory costs more than the few bytes of a piece. So there are always zeros behind
//! the end, and pieces are written over them, eight bytes at a time.

use alloc::vec::Vec;

use uuid::Uuid;

use super::super::codec::put_zeros;
use super::super::time::UnixMillis;
use super::number::{NUMBER, put_number};
use super::text::{escape, hex, write_time};

/// So many zeros are added at once.
const AHEAD: usize = 4_096;

/// A text with zeros behind it, up to a multiple of eight bytes.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    words: Vec<[u8; 8]>,
    length: usize,
}

impl Piece {
    pub fn new(text: &[u8]) -> Self {
        let word = |bytes: &[u8]| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            word
        };
        Self { words: text.chunks(8).map(word).collect(), length: text.len() }
    }

    /// Bytes that writing it touches.
    pub fn size(&self) -> usize {
        self.words.len() * 8
    }
}

pub struct Body<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
    minute: u64,
    /// The time at which that minute began.
    time: Piece,
}

impl<'a> Body<'a> {
    /// Bytes of an id, a time and a number together, at most.
    pub const PARTS: usize = 40 + 32 + NUMBER;

    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { end: out.len(), out, minute: u64::MAX, time: Piece::default() }
    }

    pub fn len(&self) -> usize {
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

    pub fn finish(self) {
        self.out.truncate(self.end);
    }

    pub fn put(&mut self, piece: &Piece) {
        let (words, _) = self.behind().as_chunks_mut();
        for (word, from) in words.iter_mut().zip(&piece.words) {
            *word = *from;
        }
        self.end += piece.length;
    }

    pub fn put_byte(&mut self, byte: u8) {
        if let Some(first) = self.behind().first_mut() {
            *first = byte;
        }
        self.end += 1;
    }

    /// Writes over what was written already.
    pub fn replace(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.out.get_mut(at) {
            *place = byte;
        }
    }

    pub fn put_id(&mut self, id: Uuid) {
        let bytes = id.as_bytes();
        let [a, b, c, d] = [0, 4, 8, 12].map(|at| {
            let word = bytes[at..].first_chunk().copied().unwrap_or_default();
            u64::from_le_bytes(hex(u32::from_be_bytes(word)))
        });
        // Each of these begins where the one before has what counts.
        let dash = u64::from(b'-');
        let words = [
            (0, u64::from(b'"')),
            (1, a),
            (9, b << 8 | dash),
            (14, b >> 32 << 8 | dash),
            (19, c << 8 | dash),
            (24, c >> 32 << 8 | dash),
            (29, d),
            (37, u64::from(b'"')),
        ];
        if let Some(text) = self.behind().first_chunk_mut::<45>() {
            for (at, word) in words {
                if let Some(place) = text.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                    *place = word.to_le_bytes();
                }
            }
        }
        self.end += 38;
    }

    /// Events of one minute share all but the last digits of their times.
    pub fn put_time(&mut self, time: UnixMillis) {
        let millis = time.0.min(UnixMillis::MAX.0);
        let within = (millis % 60_000) as u32;
        let minute = millis - u64::from(within);
        if self.minute != minute {
            let mut text = Vec::new();
            write_time(&mut text, UnixMillis(minute));
            self.minute = minute;
            self.time = Piece::new(&text);
        }
        let time = core::mem::take(&mut self.time);
        self.put(&time);
        self.time = time;
        // 05.678Z"
        let start = self.end - 8;
        if let Some(text) = self.out.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<6>) {
            let digit = |part: u32| b'0' + (within / part % 10) as u8;
            *text = [digit(10_000), digit(1_000), b'.', digit(100), digit(10), digit(1)];
        }
    }

    pub fn put_number(&mut self, value: f64) {
        self.end = put_number(self.out, self.end, value);
    }

    pub fn put_text(&mut self, text: &str) {
        self.end = escape(self.out, self.end, text);
    }

    fn behind(&mut self) -> &mut [u8] {
        self.out.get_mut(self.end..).unwrap_or_default()
    }
}
