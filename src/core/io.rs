//! Everything that goes into the pipeline and everything that comes out.

use alloc::string::String;
use alloc::vec::Vec;

use super::context::ContextPatch;
use super::shapes::{FieldKind, Staged};
use super::store::{StoreOp, StoreResult};
use super::time::UnixMillis;

/// A field's value as the host gave it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    Number(f64),
    Bool(bool),
    /// Only from `verified(text)`.
    Text(&'a str),
    /// Anything else: it is left out and counted. The text names its type for the diagnostic.
    Refused(&'static str),
}

impl Field<'_> {
    /// The type; `Err` says why it has none.
    pub fn kind(self) -> Result<FieldKind, &'static str> {
        match self {
            Self::Number(_) => Ok(FieldKind::Number),
            Self::Bool(_) => Ok(FieldKind::Bool),
            Self::Text(_) => Ok(FieldKind::Text),
            Self::Refused(why) => Err(why),
        }
    }
}

/// The host's consent to telemetry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    #[default]
    Granted,
    /// Events stay in memory, neither stored nor sent.
    Pending,
    /// The queue and the store are wiped, and nothing is logged.
    Denied,
}

/// Names one request until its outcome is in. Late answers to a cancelled one are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExportId(pub u32);

/// Names one store operation until its result is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId(pub u32);

/// Names one call of `flush` or `shutdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushId(pub u32);

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// The server answered. A redirect that was not followed is status 302.
    Response {
        status: u16,
        /// The `Retry-After` header's text.
        retry_after: Option<&'a str>,
        /// Whether the request carried an Authorization header.
        authorized: bool,
        content: Content<'a>,
    },
    /// The server answered with a 2xx, and what it has to say beside that is still to come.
    Accepted,
    /// No answer: refused, reset, blocked, offline.
    NetworkError,
    /// The host's `auth` threw or rejected, so nothing was sent.
    AuthFailed,
}

/// The body of an answer, as far as it was read. It counts only with OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content<'a> {
    /// The `Content-Type` header's text.
    pub kind: &'a str,
    pub bytes: &'a [u8],
}

/// An experiment's exposure; the texts are JSON already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exposure<'a> {
    pub experiment_id: &'a str,
    pub variation_id: u32,
    pub session_id: Option<&'a str>,
    pub user_attributes: Option<&'a str>,
    pub experiment_metadata: Option<&'a str>,
}

/// What the outside brings.
#[derive(Debug)]
pub enum Input<'a> {
    /// A timer rang. Too often does no harm.
    Wake,
    /// An event, in general.
    Event {
        at: UnixMillis,
        name: &'a str,
        fields: &'a [(&'a str, Field<'a>)],
    },
    /// An event of a registered shape; [`Pipeline::staged`] takes many at once.
    ///
    /// [`Pipeline::staged`]: super::pipeline::Pipeline::staged
    Shaped(Staged<'a>),
    Exposure {
        at: UnixMillis,
        exposure: Exposure<'a>,
    },
    /// `setContext` and `setUser`: from now on.
    Context(&'a [ContextPatch<'a>]),
    Consent(Consent),
    /// Another holder of the same store was told at that time that it is denied.
    Denied(UnixMillis),
    Online(bool),
    Exported {
        id: ExportId,
        outcome: Outcome<'a>,
    },
    /// The store is open (or stands in memory): operations may be asked of it from now on.
    StoreReady,
    Stored {
        id: OpId,
        result: StoreResult,
    },
    /// The page or the process may be gone after this very task.
    Leaving(Leaving),
    /// Send everything now. Answered by `Flushed`.
    Flush {
        id: FlushId,
        timeout_millis: u64,
    },
    /// The same, and then stop: what is left goes to the store.
    Shutdown {
        id: FlushId,
        timeout_millis: u64,
    },
}

/// How the host goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// A page is hidden, frozen or left: requests with `keepalive` survive it, within `budget` bytes.
    Page { budget: u32 },
    /// A process ends: only what the store takes at once survives.
    Process,
    /// A process got a signal that its host answers: it may end at any moment, or go on.
    Signal,
}

/// What the edge has to do. Commands are carried out in order.
#[derive(Debug, PartialEq)]
pub enum Command {
    Export(Export),
    /// Give up a request; its outcome is not wanted any more.
    Cancel(ExportId),
    Store {
        id: OpId,
        op: StoreOp,
    },
    Flushed {
        id: FlushId,
        report: FlushReport,
    },
    Diagnose(Diagnostic),
}

/// One POST request.
#[derive(Debug, PartialEq)]
pub struct Export {
    pub id: ExportId,
    pub url: String,
    pub body: Vec<u8>,
    /// The body is gzip already.
    pub compressed: bool,
    /// Ask the host's `auth` and send what it gives as Authorization.
    pub authorize: bool,
    /// The request must survive the page: `keepalive`, and nothing asynchronous before it.
    pub keepalive: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlushReport {
    pub delivered: u64,
    pub dropped: u64,
    pub queued: u64,
    pub in_flight: u64,
    pub stored: u64,
    pub timed_out: bool,
}

/// Something that the host's developer should know, told once per cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub message: String,
    pub field: String,
}
