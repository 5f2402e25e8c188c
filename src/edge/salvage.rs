//! An instance that trapped is given up. Its memory is still there: the queued events are read out of it, in a
//! way that may trap again, and a client of another instance goes on with them.
//!
//! A trap unwinds nothing: whatever was borrowed then is marked as borrowed for ever. No lock is held while
//! JavaScript runs, so that no reference is in use any more once it has the error.

use alloc::vec::Vec;

use core::cell::RefCell;

use wasm_bindgen::prelude::*;

use super::driver::{Driver, Storage};
use super::report::Report;
use super::staging;
use super::timer;
use super::value::{self, args, invoke};
use crate::core::io::Input;
use crate::core::ledger::{Drops, Ledger};
use crate::core::pipeline::Pipeline;
use crate::core::store::MemoryStore;

/// More than that are not taken over.
const RECORDS: u32 = 1_000_000;

/// What a cell holds, whether or not it is marked as borrowed.
///
/// # Safety
///
/// The instance trapped, JavaScript has called it since, and this is the only reference from it.
#[allow(clippy::mut_from_ref)]
unsafe fn held<T>(cell: &RefCell<T>) -> &mut T {
    unsafe { &mut *cell.as_ptr() }
}

impl Driver {
    /// A batch that is in memory, packed; `undefined` when there are no more, and nothing holds the page.
    pub fn salvage(&self) -> JsValue {
        // SAFETY: called of an instance that trapped, and nothing below calls back into it.
        let pipeline = unsafe { held(&self.pipeline) };
        let mut found = pipeline.salvage(timer::now());
        if found.is_none() {
            // What somebody holds is in memory besides.
            while let Some((entry, bytes)) = self.memory().and_then(MemoryStore::take_free) {
                pipeline.recall_stored(&entry, bytes);
            }
            self.take_in(pipeline);
            found = pipeline.salvage(timer::now());
        }
        if let Some(packed) = found {
            return value::octets(&packed);
        }
        invoke(&self.listeners.take(), "abort", args());
        if let Some(idb) = self.idb() {
            idb.close();
        }
        JsValue::UNDEFINED
    }

    /// What was logged and not taken in yet.
    fn take_in(&self, pipeline: &mut Pipeline) {
        let now = timer::now();
        // SAFETY: as in `salvage`.
        let words = unsafe { held(self.staging.cell()) };
        staging::take(words, |mut words| {
            while let Some(rest) = pipeline.staged(now, words, &mut Vec::new())
                && !rest.is_empty()
            {
                words = rest;
            }
        });
        if let Some(enricher) = &self.enricher {
            enricher.hurry();
        }
        while let Some(report) = self.queue.pop() {
            if let Report::Enriched(at, name, fields) = report {
                let fields = &fields.borrow();
                pipeline.handle(now, Input::Event { at, name: &name, fields }, &mut Vec::new());
            }
        }
    }

    /// Where the counts are, and the drops to be reported. Needs no memory: there may be none left.
    pub fn books(&self) -> (*const Ledger, *const Drops) {
        // SAFETY: as in `salvage`.
        let pipeline = unsafe { held(&self.pipeline) };
        // What is stored in memory is lost with it.
        let stored = self.memory().map_or(0, |_| pipeline.ledger().stored);
        let (counts, unreported) = pipeline.books(stored);
        (counts, unreported)
    }

    /// Goes on in the place of a driver with these books, of which this was salvaged.
    pub fn follow(&self, counts: &JsValue, unreported: &JsValue, salvaged: &JsValue) {
        if let Ok(mut pipeline) = self.pipeline.try_borrow_mut() {
            pipeline.follow(read(counts), &read(unreported));
            for packed in value::items(salvaged, RECORDS) {
                let packed = value::bytes(&packed).unwrap_or_default();
                // What is broken is missing in the end.
                let _ = pipeline.adopt_salvaged(&packed);
            }
        }
        self.with(&mut Pipeline::followed);
    }

    /// The store, if it is in our memory.
    #[allow(clippy::mut_from_ref)]
    fn memory(&self) -> Option<&mut MemoryStore> {
        // SAFETY: as in `salvage`.
        unsafe {
            match self.storage.get()? {
                Storage::Idb(_, memory) => held(memory).as_mut(),
                Storage::Memory(memory) => Some(held(memory)),
                Storage::Host(..) => None,
            }
        }
    }
}

/// Counts as they are in memory; zeros if there are not that many bytes.
fn read<T: Counts>(bytes: &JsValue) -> T {
    let mut counts = T::default();
    let bytes = value::bytes(bytes).unwrap_or_default();
    if bytes.len() == size_of::<T>() {
        // SAFETY: all of it is numbers of 64 bits, which may be anything.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), (&raw mut counts).cast(), bytes.len())
        };
    }
    counts
}

/// Nothing but numbers of 64 bits.
trait Counts: Copy + Default {}
impl Counts for Ledger {}
impl Counts for Drops {}
