//! A request's body that is being written, mostly of pieces that come again with every event.
//!
//! A call that copies memory costs more than the few bytes of a piece. So there is always room behind
//! the end, and pieces are written there, sixteen bytes at a time, whatever comes behind them.

use alloc::vec::Vec;
use core::ops::Range;

use super::super::codec::put_zeros;
use super::super::id::{self, Id};

/// Characters of an id.
pub const ID: usize = 36;

/// Bytes that are written at once.
const WORD: usize = 16;

/// So many zeros are added at once.
const AHEAD: usize = 4_096;

/// Some bytes that a body keeps, to be written again and again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Piece {
    /// Most are no longer.
    first: [u8; WORD],
    /// Where its other words are among those of all.
    start: u32,
    end: u32,
    length: u32,
}

impl Piece {
    /// Bytes that writing it touches, at most.
    pub fn size(self) -> usize {
        self.length as usize + WORD
    }
}

/// Bytes that end before the room behind them does; `finish` cuts the room off.
pub struct Body<'a> {
    out: &'a mut Vec<u8>,
    end: usize,
    /// What pieces hold beside their first words.
    words: Vec<[u8; WORD]>,
}

impl<'a> Body<'a> {
    /// Goes on behind what `out` holds.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { end: out.len(), out, words: Vec::new() }
    }

    /// Where the next byte comes.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Bytes that it takes, with its pieces.
    pub fn size(&self) -> usize {
        self.end + WORD * self.words.len()
    }

    /// Makes room for so many bytes. What is written without is lost.
    pub fn room(&mut self, size: usize) {
        if self.out.len() < self.end + size {
            let missing = self.end + size - self.out.len();
            put_zeros(self.out, missing + AHEAD);
        }
    }

    /// Writes at the end, where there is room; `write` gives the new end.
    #[inline(always)]
    pub fn write(&mut self, write: impl FnOnce(&mut [u8], usize) -> usize) {
        self.end = write(self.out, self.end);
    }

    /// Leaves `out` with what was written.
    pub fn finish(self) {
        self.out.truncate(self.end);
    }

    /// Takes away what was written since.
    pub fn back(&mut self, start: usize) {
        self.end = start;
    }

    /// Takes away what was written since, as a piece.
    pub fn cut(&mut self, start: usize) -> Piece {
        self.room(WORD);
        let mut piece = Piece {
            first: self.word(start),
            start: self.words.len() as u32,
            end: 0,
            length: (self.end - start) as u32,
        };
        for at in (start..self.end).step_by(WORD).skip(1) {
            self.words.push(self.word(at));
        }
        piece.end = self.words.len() as u32;
        self.end = start;
        piece
    }

    /// Keeps bytes as a piece, without writing them.
    pub fn piece(&mut self, bytes: &[u8]) -> Piece {
        let start = self.end;
        self.put_bytes(bytes);
        self.cut(start)
    }

    /// Writes a piece, where there is room for its [`size`](Piece::size).
    pub fn put(&mut self, piece: &Piece) {
        self.put_here(piece);
    }

    /// The same without a call, which costs as much as the writing.
    #[inline(always)]
    pub fn put_here(&mut self, piece: &Piece) {
        let behind = self.out.get_mut(self.end..).unwrap_or_default();
        let Some((first, behind)) = behind.split_first_chunk_mut() else { return };
        *first = piece.first;
        if piece.length as usize > WORD
            && let Some(words) = self.words.get(piece.start as usize..piece.end as usize)
        {
            for (place, word) in behind.as_chunks_mut().0.iter_mut().zip(words) {
                *place = *word;
            }
        }
        self.end += piece.length as usize;
    }

    fn word(&self, at: usize) -> [u8; WORD] {
        self.out.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default()
    }

    /// Writes the first of these bytes, where there is room for all.
    pub fn put_short(&mut self, bytes: [u8; 8], length: usize) {
        if let Some(place) = self.behind().first_chunk_mut() {
            *place = bytes;
        }
        self.end += length;
    }

    /// Writes a byte, where there is room.
    pub fn put_byte(&mut self, byte: u8) {
        if let Some(first) = self.behind().first_mut() {
            *first = byte;
        }
        self.end += 1;
    }

    /// Makes room for bytes, and writes them.
    pub fn put_bytes(&mut self, bytes: &[u8]) {
        self.room(bytes.len());
        if let Some(place) = self.behind().get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self.end += bytes.len();
    }

    /// Writes once more what was written there, where there is room.
    pub fn repeat(&mut self, written: Range<usize>) {
        let length = written.len();
        if self.end + length <= self.out.len() {
            self.out.copy_within(written, self.end);
        }
        self.end += length;
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
    pub fn put_id(&mut self, id: Id) {
        if let Some(text) = self.behind().first_chunk_mut() {
            id.write(text);
        }
        self.end += id::TEXT;
    }

    fn behind(&mut self) -> &mut [u8] {
        self.out.get_mut(self.end..).unwrap_or_default()
    }
}
