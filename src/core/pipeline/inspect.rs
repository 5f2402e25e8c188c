//! Where everything is at this moment, for the inspector of the npm package. It changes nothing, and only the
//! module for development has it.

use alloc::vec::Vec;

use super::super::format::Format;
use super::super::record::Record;
use super::shelf::{Key, Known};
use super::{Batch, PartingFate, Pipeline, write, write_count};

/// Where a batch is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Open,
    Ready,
    Storing,
    Flight,
    HandedOver,
    Stored,
    /// In the store, but not in this instance's ledger.
    OfOthers,
    /// In the store, and in memory, too.
    Copy,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ready => "ready",
            Self::Storing => "storing",
            Self::Flight => "flight",
            Self::HandedOver => "handedOver",
            Self::Stored => "stored",
            Self::OfOthers => "ofOthers",
            Self::Copy => "copy",
        }
    }
}

impl Pipeline {
    /// Writes members of a JSON object:
    ///
    /// - `next`: how many ids were given to events; `last`: the last of these
    /// - `sources`: for each field of `batch`, and then the kill switch, a digit: the [`Layer`] that its value
    ///   is from, in their order, or 3 for the default
    /// - `batches`: `{ place, key, attempts, events }` of each, and of those in memory `first`, the number of
    ///   the first event's id, where this instance gave it; and `request`, where one is under way
    /// - `body`: of the batch in memory that has the wanted key, as the format `json` has it
    ///
    /// [`Layer`]: super::super::config::Layer
    pub fn write_places(&self, wanted: &str, out: &mut Vec<u8>) {
        write_count(out, "\"next\":", self.next_event);
        write(out, ",\"last\":\"");
        write(out, &self.event_ids.id(self.next_event.wrapping_sub(1)).text());
        write(out, "\",\"sources\":\"");
        out.extend(self.config.sources());
        write(out, "\",\"batches\":[");

        let mut body = None;
        let mut held = |place: Place, batch: &Batch, request: Option<u32>| {
            let Ok(record) = Record::own(&batch.bytes) else { return };
            write_entry(out, place, batch.key, batch.attempts, batch.events);
            if record.header.id_seed == self.event_ids {
                write_count(out, ",\"first\":", record.header.first);
            }
            if let Some(request) = request {
                write_count(out, ",\"request\":", u64::from(request));
            }
            write(out, "},");
            if batch.key.text() == wanted {
                let mut text = Vec::new();
                let attempt = batch.attempts.saturating_add(1);
                let encoded = Format::Json.encode(&record, attempt, self.now.wall, &mut text);
                body = encoded.is_ok().then_some(text);
            }
        };
        if let Some(open) = &self.open {
            let batch = Batch::new(self.open_key, open.header(), open.snapshot());
            held(Place::Open, &batch, None);
        }
        for batch in &self.ready {
            held(Place::Ready, batch, None);
        }
        for (batch, is_put) in self.operations.batches() {
            held(if is_put { Place::Storing } else { Place::Ready }, batch, None);
        }
        for split in &self.splits {
            held(Place::Storing, &split.whole, None);
        }
        if let Some(flight) = &self.flight {
            held(Place::Flight, &flight.batch, Some(flight.id.0));
        }
        for parting in &self.parting {
            if let PartingFate::HandedOver(batch) = &parting.fate {
                held(Place::HandedOver, batch, Some(parting.id.0));
            }
        }
        let mut stored = |place: Place, record: &Known| {
            write_entry(out, place, record.key, record.attempts, record.events);
            if let Some(parting) = self.parting.iter().find(|parting| parting.keeps(record.key)) {
                write_count(out, ",\"request\":", u64::from(parting.id.0));
            }
            write(out, "},");
        };
        for known in self.known.iter() {
            stored(if known.mine { Place::Stored } else { Place::OfOthers }, known);
        }
        for copy in self.copies.iter().filter(|copy| copy.is_written()) {
            stored(Place::Copy, copy);
        }
        // After the last comma.
        write(out, "null],\"body\":");
        out.extend_from_slice(body.as_deref().unwrap_or(b"null"));
    }
}

fn write_entry(out: &mut Vec<u8>, place: Place, key: Key, attempts: u32, events: u32) {
    write(out, "{\"place\":\"");
    write(out, place.name());
    write(out, "\",\"key\":\"");
    write(out, &key.text());
    write_count(out, "\",\"attempts\":", u64::from(attempts));
    write_count(out, ",\"events\":", u64::from(events));
}
