//! Whether the endpoint's last answer was a success, across visits: it decides what becomes of a batch
//! that a page sends as it goes away.

use alloc::string::String;
use alloc::vec::Vec;

use super::super::io::Command;
use super::super::store::{Entry, StoreOp};
use super::{Pending, Pipeline};

/// Keys with the time 0 are no batches. The rest names the endpoint.
pub(super) const PREFIX: &str = "000000000000-";

impl Pipeline {
    /// The endpoint has answered, or could not be reached.
    pub(super) fn heard(&mut self, success: bool, commands: &mut Vec<Command>) {
        self.trust = Some(success);
        if !success && !self.mark.is_empty() {
            let key = core::mem::take(&mut self.mark);
            self.remove(key, commands);
        }
    }

    /// Another endpoint: what the store knows of it comes with the next listing.
    pub(super) fn forget_endpoint(&mut self) {
        self.trust = None;
        self.mark.clear();
        self.list_wanted = true;
    }

    /// The next visit may need to know it. Only pages ask, so that a process never writes it.
    pub(super) fn remember_trust(&mut self, commands: &mut Vec<Command>) {
        if self.trust != Some(true) || !self.mark.is_empty() || !self.store_usable() {
            return;
        }
        self.mark = self.endpoint_key();
        let bytes = Vec::from(*b"delivered");
        let entry = Entry { key: self.mark.clone(), bytes: bytes.len() as u32, ..Entry::default() };
        self.start(Pending::Remove, StoreOp::Put { entry, bytes }, commands);
    }

    /// The store remembers an endpoint's success. What this visit has seen itself is newer.
    pub(super) fn recall(&mut self, key: String, commands: &mut Vec<Command>) {
        if key != self.endpoint_key() {
            return;
        }
        if self.trust == Some(false) {
            self.remove(key, commands);
        } else {
            self.trust = Some(true);
            self.mark = key;
        }
    }

    fn endpoint_key(&self) -> String {
        let id = super::super::random::id_of(&self.config.url().unwrap_or_default());
        [PREFIX, &super::uuid_text(id)].concat()
    }
}
