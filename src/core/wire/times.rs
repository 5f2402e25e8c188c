//! Times as JSON.

use alloc::vec::Vec;

use super::super::json::write_time;
use super::super::time::UnixMillis;
use super::body::{Body, Piece};

/// Writes times, of which those of one minute share all but the last digits.
pub struct Times {
    minute: u64,
    /// The time at which that minute began, with what stands before it.
    text: Piece,
}

impl Times {
    pub fn new() -> Self {
        Self { minute: u64::MAX, text: Piece::default() }
    }

    pub fn put(&mut self, body: &mut Body<'_>, time: UnixMillis) {
        let millis = time.0.min(UnixMillis::MAX.0);
        let within = (millis % 60_000) as u32;
        let minute = millis - u64::from(within);
        if self.minute != minute {
            let mut text = Vec::from(*b"\",\"timestamp\":");
            write_time(&mut text, UnixMillis(minute));
            self.minute = minute;
            self.text = body.piece(&text);
        }
        body.put(&self.text);
        body.write(|out, end| {
            // 05.678Z"
            if let Some(text) = out.get_mut(end - 8..).and_then(<[u8]>::first_chunk_mut::<6>) {
                let digit = |part: u32| b'0' + (within / part % 10) as u8;
                *text = [digit(10_000), digit(1_000), b'.', digit(100), digit(10), digit(1)];
            }
            end
        });
    }
}
