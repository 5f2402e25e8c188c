//! Whether the endpoint's last answer was a success, across visits: it decides what becomes of a batch
//! that a page sends as it goes away.

use alloc::vec::Vec;

use super::super::io::Command;
use super::super::random::id_of;
use super::super::store::StoreOp;
use super::Pipeline;
use super::operations::Pending;
use super::shelf::{Key, Known};

impl Pipeline {
    /// The endpoint has answered, or could not be reached.
    pub(super) fn heard(&mut self, success: bool, commands: &mut Vec<Command>) {
        self.trust = Some(success);
        if !success && let Some(key) = self.mark.take() {
            self.remove(&Known { key, ..Known::default() }, commands);
        }
    }

    /// Another endpoint: what the store knows of it comes with the next listing.
    pub(super) fn forget_endpoint(&mut self) {
        self.trust = None;
        self.mark = None;
        self.list_wanted = true;
    }

    /// The next visit may need to know it. Only pages ask, so that a process never writes it.
    pub(super) fn remember_trust(&mut self, commands: &mut Vec<Command>) {
        if self.trust != Some(true) || self.mark.is_some() || !self.store_usable() {
            return;
        }
        let key = self.endpoint_key();
        self.mark = Some(key);
        let bytes = Vec::from(*b"delivered");
        let record = Known { key, bytes: bytes.len() as u32, ..Known::default() };
        self.start(Pending::Remove, StoreOp::Put { entry: record.entry(), bytes }, commands);
    }

    /// The store remembers an endpoint's success. What this visit has seen itself is newer.
    pub(super) fn recall(&mut self, key: Key, commands: &mut Vec<Command>) {
        if key != self.endpoint_key() {
            return;
        }
        if self.trust == Some(false) {
            self.remove(&Known { key, ..Known::default() }, commands);
        } else {
            self.trust = Some(true);
            self.mark = Some(key);
        }
    }

    /// Keys with the time 0 are no batches. The rest names the endpoint.
    fn endpoint_key(&self) -> Key {
        Key::new(0, id_of(&self.config.url().unwrap_or_default()))
    }
}
