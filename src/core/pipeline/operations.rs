//! Store operations whose results are awaited, in the order of their commands, with running sums: there
//! may be thousands of them.

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use super::super::io::OpId;
use super::super::time::Millis;
use super::shelf::{Key, Known};
use super::{Batch, Load};

/// An operation without a result in that time has failed.
const PATIENCE_MILLIS: u64 = 30_000;
/// And so much longer for the results that wait behind a timer when the host has slept.
const LATE_MILLIS: u64 = 1_000;

#[derive(Debug)]
struct Operation {
    id: OpId,
    deadline: Millis,
    pending: Pending,
}

/// What follows from an operation's result.
#[derive(Debug)]
pub enum Pending {
    /// After this key.
    List(Key),
    /// The batch leaves memory when this is done.
    Put(Box<Batch>),
    /// A copy of what stays in memory.
    Copy(Key),
    /// One of two parts of a stored batch.
    Half {
        half: Key,
        whole: Key,
    },
    /// A record as it is to be.
    Claim(Box<Known>),
    /// The lease of a batch in memory is renewed before it is sent.
    Renew {
        batch: Box<Batch>,
        lease: u64,
    },
    /// A record as it is to be. Nothing depends on it but the listing.
    Release(Box<Known>),
    Remove,
    Clear,
    /// Whether there is a denial; asked at that time.
    Look(Millis),
    /// A denial is written down.
    Denial,
}

impl Pending {
    /// Which record is written or marked.
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::Put(batch) => Some(batch.key),
            Self::Copy(key) | Self::Half { half: key, .. } => Some(*key),
            Self::Claim(known) | Self::Release(known) => Some(known.key),
            Self::List(_)
            | Self::Renew { .. }
            | Self::Remove
            | Self::Clear
            | Self::Denial
            | Self::Look(_) => None,
        }
    }
}

#[derive(Debug, Default)]
pub struct Operations {
    waiting: VecDeque<Operation>,
    /// So many of the first are past their deadline once, and have another.
    late: usize,
    /// Batches whose bytes wait in memory for an operation, those that are split among them.
    pub moving: Load,
    pub puts: usize,
    /// Claims and renewals.
    pub takes: usize,
    pub clears: usize,
    pub looks: usize,
}

impl Operations {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Batches in memory that wait for a result, and whether that is of their being put into the store.
    #[cfg(feature = "inspect")]
    pub fn batches(&self) -> impl Iterator<Item = (&Batch, bool)> {
        self.waiting.iter().filter_map(|operation| match &operation.pending {
            Pending::Put(batch) => Some((&**batch, true)),
            Pending::Renew { batch, .. } => Some((&**batch, false)),
            _ => None,
        })
    }

    pub fn push(&mut self, id: OpId, now: Millis, pending: Pending) {
        self.count(&pending, true);
        let deadline = now.plus(PATIENCE_MILLIS);
        self.waiting.push_back(Operation { id, deadline, pending });
    }

    /// What waited for that result; `None` if it had failed already.
    pub fn take(&mut self, id: OpId) -> Option<Pending> {
        // Numbers wrap around, after a long time.
        let first = self.waiting.front()?.id.0;
        let since = |id: OpId| id.0.wrapping_sub(first);
        let index = self.waiting.binary_search_by_key(&since(id), |waiting| since(waiting.id));
        self.remove(index.ok()?)
    }

    /// The next operation whose time is over, with its number.
    pub fn take_overdue(&mut self, now: Millis) -> Option<(OpId, Pending)> {
        while let Some(operation) = self.waiting.get_mut(self.late)
            && operation.deadline <= now
        {
            operation.deadline = now.plus(LATE_MILLIS);
            self.late += 1;
        }
        let first = self.waiting.front().filter(|first| first.deadline <= now)?;
        Some((first.id, self.remove(0)?))
    }

    /// A renewal that waits.
    pub fn take_renewal(&mut self) -> Option<Pending> {
        self.take_first(|pending| matches!(pending, Pending::Renew { .. }))
    }

    /// One for which a batch waits in memory.
    pub fn take_batch(&mut self) -> Option<Pending> {
        self.take_first(|pending| matches!(pending, Pending::Put(_) | Pending::Renew { .. }))
    }

    fn take_first(&mut self, wanted: fn(&Pending) -> bool) -> Option<Pending> {
        self.remove(self.waiting.iter().position(|waiting| wanted(&waiting.pending))?)
    }

    /// When the next operation's time is over.
    pub fn deadline(&self) -> Millis {
        let deadline = |index| self.waiting.get(index).map_or(Millis::FAR, |next| next.deadline);
        deadline(0).min(deadline(self.late))
    }

    /// Whatever is answered from now on, nothing follows for any batch.
    pub fn forget(&mut self) {
        for operation in &mut self.waiting {
            if !matches!(operation.pending, Pending::Clear | Pending::Denial) {
                operation.pending = Pending::Remove;
            }
        }
        (self.moving, self.puts, self.takes, self.looks) = (Load::default(), 0, 0, 0);
    }

    fn remove(&mut self, index: usize) -> Option<Pending> {
        let pending = self.waiting.remove(index)?.pending;
        self.late -= usize::from(index < self.late);
        self.count(&pending, false);
        Some(pending)
    }

    fn count(&mut self, pending: &Pending, comes: bool) {
        let count = match pending {
            Pending::Put(batch) => {
                self.moving.count(batch, comes);
                &mut self.puts
            }
            Pending::Renew { batch, .. } => {
                self.moving.count(batch, comes);
                &mut self.takes
            }
            Pending::Claim(_) => &mut self.takes,
            Pending::Clear => &mut self.clears,
            Pending::Look(_) => &mut self.looks,
            _ => return,
        };
        *count = if comes { *count + 1 } else { *count - 1 };
    }
}
