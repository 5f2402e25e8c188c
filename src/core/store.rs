//! What the core asks of a store. A store decides nothing: it lists, writes, and compares and sets a
//! lease; which record to take, keep or drop is the pipeline's business.

use alloc::string::String;
use alloc::vec::Vec;
/// One stored batch, as a listing tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Sorts by age: twelve hexadecimal digits of milliseconds since 1970, `-`, the batch's UUID.
    pub key: String,
    /// Until when somebody holds the batch, in milliseconds since 1970; 0 if nobody does.
    pub lease: u64,
    /// Answers that refused the batch for now.
    pub attempts: u32,
    /// Events inside.
    pub events: u32,
    /// The record's length.
    pub bytes: u32,
}

/// Operations are carried out in the order of their commands, and each is answered once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreOp {
    /// Asks for the entries whose keys come after that one; for all, if it is empty. Answered by
    /// `Listed`, or by `Page`.
    List {
        /// A key that need not be there any more.
        after: String,
    },
    /// Writes or replaces a record, whole or not at all. Answered by `Done`.
    Put {
        /// What listings tell of it from now on.
        entry: Entry,
        /// The record.
        bytes: Vec<u8>,
    },
    /// Sets a new lease if the record's lease and attempts are still those of `seen`, and gives its
    /// bytes. Atomic over all holders. Answered by `Claimed`, or by `Lost` if it changed or is gone.
    Claim {
        /// As it was last listed or written.
        seen: Entry,
        /// Until when, in milliseconds since 1970.
        lease: u64,
        /// The new count.
        attempts: u32,
    },
    /// The same without the bytes. Answered by `Done` or `Lost`.
    Mark {
        /// As it was last listed or written.
        seen: Entry,
        /// Until when, in milliseconds since 1970; 0 gives it up.
        lease: u64,
        /// The new count.
        attempts: u32,
    },
    /// Removes a record, unless it has more events than were seen: whoever began it wrote it anew since.
    /// Answered by `Done`, also if it stays or was gone.
    Remove {
        /// Compared by key and events alone.
        seen: Entry,
    },
    /// Sets a record that can't be read aside, so that it is never listed again. Answered by `Done`.
    Quarantine {
        /// The record's.
        key: String,
    },
    /// Removes every record. Answered by `Done`.
    Clear,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreResult {
    /// It was carried out, and there is nothing to tell.
    Done,
    /// All entries that were asked for, in any order.
    Listed(Vec<Entry>),
    /// The first of them, by key, up to `last`, after which there may be more: a long listing would hold
    /// the host up.
    Page {
        /// In any order.
        entries: Vec<Entry>,
        /// The next listing asks for what comes after it.
        last: String,
    },
    /// The record's bytes; the lease is the caller's.
    Claimed(Vec<u8>),
    /// Somebody else changed or removed the record first.
    Lost,
    /// There is no room (`QuotaExceededError`, `ENOSPC`).
    Full,
    /// Anything else went wrong; what is in the store now is unknown.
    Failed,
}

/// The store where there is no other: private mode, a sandbox, no disk. It outlives nothing.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Vec<(Entry, Vec<u8>)>,
}

impl MemoryStore {
    /// Carries the operation out at once.
    pub fn apply(&mut self, op: StoreOp) -> StoreResult {
        match op {
            StoreOp::List { .. } => {
                StoreResult::Listed(self.records.iter().map(|(entry, _)| entry.clone()).collect())
            }
            StoreOp::Put { entry, bytes } => {
                match self.find(&entry.key) {
                    Some(record) => *record = (entry, bytes),
                    None => self.records.push((entry, bytes)),
                }
                StoreResult::Done
            }
            StoreOp::Claim { seen, lease, attempts } => match self.set(&seen, lease, attempts) {
                Some(bytes) => StoreResult::Claimed(bytes.clone()),
                None => StoreResult::Lost,
            },
            StoreOp::Mark { seen, lease, attempts } => match self.set(&seen, lease, attempts) {
                Some(_) => StoreResult::Done,
                None => StoreResult::Lost,
            },
            StoreOp::Remove { seen } => {
                let stays = |entry: &Entry| entry.key != seen.key || entry.events > seen.events;
                self.records.retain(|(entry, _)| stays(entry));
                StoreResult::Done
            }
            StoreOp::Quarantine { key } => {
                self.records.retain(|(entry, _)| entry.key != key);
                StoreResult::Done
            }
            StoreOp::Clear => {
                self.records.clear();
                StoreResult::Done
            }
        }
    }

    /// Takes a record out that nobody holds.
    pub fn take_free(&mut self) -> Option<(Entry, Vec<u8>)> {
        let free = self.records.iter().position(|(entry, _)| entry.lease == 0)?;
        Some(self.records.swap_remove(free))
    }

    fn find(&mut self, key: &str) -> Option<&mut (Entry, Vec<u8>)> {
        self.records.iter_mut().find(|(entry, _)| entry.key == key)
    }

    fn set(&mut self, seen: &Entry, lease: u64, attempts: u32) -> Option<&Vec<u8>> {
        let (entry, bytes) = self.find(&seen.key)?;
        if entry.lease != seen.lease || entry.attempts != seen.attempts {
            return None;
        }
        entry.lease = lease;
        entry.attempts = attempts;
        Some(bytes)
    }
}
