//! The store that all clients share: what is truly in it, with the faults laid over.

use std::collections::BTreeMap;

use wasm_telemetry::core::store::{Entry, StoreOp, StoreResult};

#[derive(Clone, Debug)]
pub struct Kept {
    pub entry: Entry,
    pub bytes: Vec<u8>,
    /// What a reader gets instead, while the fault lasts.
    pub garbled: Option<Vec<u8>>,
}

#[derive(Debug)]
pub struct SharedStore {
    pub records: BTreeMap<String, Kept>,
    /// Endpoints that are remembered for a success.
    pub marks: BTreeMap<String, Entry>,
    pub capacity: u64,
    /// So many entries are listed at a time.
    pub page: usize,
}

impl Default for SharedStore {
    fn default() -> Self {
        Self {
            records: BTreeMap::new(),
            marks: BTreeMap::new(),
            capacity: u64::MAX,
            page: usize::MAX,
        }
    }
}

impl SharedStore {
    pub fn apply(&mut self, op: StoreOp) -> StoreResult {
        match op {
            StoreOp::List { after } => {
                let batches = self.records.values().map(|kept| &kept.entry);
                let mut all: Vec<Entry> = self.marks.values().chain(batches).cloned().collect();
                all.retain(|entry| after.is_empty() || entry.key > after);
                if all.len() < self.page {
                    return StoreResult::Listed(all);
                }
                all.sort_by(|a, b| a.key.cmp(&b.key));
                all.truncate(self.page);
                let last = all.last().map_or_else(String::new, |entry| entry.key.clone());
                StoreResult::Page { entries: all, last }
            }
            StoreOp::Put { entry, .. } if entry.key.starts_with("000000000000-") => {
                self.marks.insert(entry.key.clone(), entry);
                StoreResult::Done
            }
            StoreOp::Put { entry, bytes } => {
                let replaced = self.records.get(&entry.key).map_or(0, |kept| kept.bytes.len());
                if self.bytes() - replaced as u64 + bytes.len() as u64 > self.capacity {
                    return StoreResult::Full;
                }
                self.records.insert(entry.key.clone(), Kept { entry, bytes, garbled: None });
                StoreResult::Done
            }
            StoreOp::Claim { seen, lease, attempts } => match self.set(&seen, lease, attempts) {
                Some(kept) => {
                    StoreResult::Claimed(kept.garbled.as_ref().unwrap_or(&kept.bytes).clone())
                }
                None => StoreResult::Lost,
            },
            StoreOp::Mark { seen, lease, attempts } => match self.set(&seen, lease, attempts) {
                Some(_) => StoreResult::Done,
                None => StoreResult::Lost,
            },
            StoreOp::Remove { seen: Entry { key, events, .. } } => {
                if self.records.get(&key).is_some_and(|kept| kept.entry.events <= events) {
                    self.records.remove(&key);
                }
                self.marks.remove(&key);
                StoreResult::Done
            }
            StoreOp::Quarantine { key } => {
                self.records.remove(&key);
                self.marks.remove(&key);
                StoreResult::Done
            }
            StoreOp::Clear => {
                self.records.clear();
                self.marks.clear();
                StoreResult::Done
            }
        }
    }

    pub fn bytes(&self) -> u64 {
        self.records.values().map(|kept| kept.bytes.len() as u64).sum()
    }

    fn set(&mut self, seen: &Entry, lease: u64, attempts: u32) -> Option<&Kept> {
        let kept = self.records.get_mut(&seen.key)?;
        if kept.entry.lease != seen.lease || kept.entry.attempts != seen.attempts {
            return None;
        }
        kept.entry.lease = lease;
        kept.entry.attempts = attempts;
        Some(kept)
    }
}
