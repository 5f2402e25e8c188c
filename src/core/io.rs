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
    /// One that is not finite is left out and counted.
    Number(f64),
    /// Goes on as it is.
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
    /// Events are stored and sent.
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
        /// HTTP's status code.
        status: u16,
        /// The `Retry-After` header's text.
        retry_after: Option<&'a str>,
        /// Whether the request carried an Authorization header.
        authorized: bool,
        /// With OTLP it may say that some records were rejected.
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
    /// JSON or protobuf, as `kind` says; empty if nothing was read.
    pub bytes: &'a [u8],
}

/// An experiment's exposure; the texts are JSON already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exposure<'a> {
    /// 1 to 256 characters; otherwise the exposure is dropped as `invalid_name`.
    pub experiment_id: &'a str,
    /// The number of the variation that was shown.
    pub variation_id: u32,
    /// The context's session where there is none.
    pub session_id: Option<&'a str>,
    /// What the experiment was targeted by.
    pub user_attributes: Option<&'a str>,
    /// What else the host says of the experiment.
    pub experiment_metadata: Option<&'a str>,
}

/// What the outside brings.
#[derive(Debug)]
pub enum Input<'a> {
    /// A timer rang. Too often does no harm.
    Wake,
    /// An event, in general.
    Event {
        /// Of the call.
        at: UnixMillis,
        /// Checked: a bad one drops the event as `invalid_name`.
        name: &'a str,
        /// Checked one by one: a bad one is left out and counted.
        fields: &'a [(&'a str, Field<'a>)],
    },
    /// An event of a registered shape; [`Pipeline::staged`] takes many at once.
    ///
    /// [`Pipeline::staged`]: super::pipeline::Pipeline::staged
    Shaped(Staged<'a>),
    /// An exposure is stored and sent without delay.
    Exposure {
        /// Of the call.
        at: UnixMillis,
        /// What was shown to whom.
        exposure: Exposure<'a>,
    },
    /// `setContext` and `setUser`: from now on.
    Context(&'a [ContextPatch<'a>]),
    /// The host said so, now.
    Consent(Consent),
    /// Another holder of the same store was told at that time that it is denied.
    Denied(UnixMillis),
    /// Whether the host has a network. Without one nothing is sent.
    Online(bool),
    /// A request ended.
    Exported {
        /// As the command `Export` named it.
        id: ExportId,
        /// How it ended.
        outcome: Outcome<'a>,
    },
    /// The store is open (or stands in memory): operations may be asked of it from now on.
    StoreReady,
    /// A store operation ended.
    Stored {
        /// As the command `Store` named it.
        id: OpId,
        /// What the store answered.
        result: StoreResult,
    },
    /// The page or the process may be gone after this very task.
    Leaving(Leaving),
    /// Send everything now. Answered by `Flushed`.
    Flush {
        /// Comes back with the answer.
        id: FlushId,
        /// After that it is answered whatever is left.
        timeout_millis: u64,
    },
    /// The same, and then stop: what is left goes to the store.
    Shutdown {
        /// Comes back with the answer.
        id: FlushId,
        /// After that the store has a moment to take the rest.
        timeout_millis: u64,
    },
}

/// How the host goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// A page is hidden, frozen or left: requests with `keepalive` survive it, within `budget` bytes.
    Page {
        /// Bytes that the browser still grants such requests, all of them together.
        budget: u32,
    },
    /// A process ends: only what the store takes at once survives.
    Process,
    /// A process got a signal that its host answers: it may end at any moment, or go on.
    Signal,
}

/// What the edge has to do. Commands are carried out in order.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Send a request. Answered by `Exported`.
    Export(Export),
    /// Give up a request; its outcome is not wanted any more.
    Cancel(ExportId),
    /// Carry out a store operation. Answered by `Stored`.
    Store {
        /// Comes back with the result.
        id: OpId,
        /// What is asked of the store.
        op: StoreOp,
    },
    /// A flush or a shutdown is over.
    Flushed {
        /// As the input named it.
        id: FlushId,
        /// What came of it.
        report: FlushReport,
    },
    /// For the host's developer.
    Diagnose(Diagnostic),
}

/// One POST request.
#[derive(Debug, PartialEq)]
pub struct Export {
    /// Comes back with the outcome.
    pub id: ExportId,
    /// Absolute; `https:`, or `http:` to loopback.
    pub url: String,
    /// In the format of the pipeline, which names the `Content-Type`.
    pub body: Vec<u8>,
    /// The body is gzip already.
    pub compressed: bool,
    /// Ask the host's `auth` and send what it gives as Authorization.
    pub authorize: bool,
    /// The request must survive the page: `keepalive`, and nothing asynchronous before it.
    pub keepalive: bool,
}

/// Where the events are at the end of a flush.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlushReport {
    /// Events delivered since the call.
    pub delivered: u64,
    /// Events dropped since the call, for whatever reason.
    pub dropped: u64,
    /// Events still in memory.
    pub queued: u64,
    /// Events in the request under way.
    pub in_flight: u64,
    /// Events in the store, in this pipeline's custody.
    pub stored: u64,
    /// Time ran out before everything had its outcome.
    pub timed_out: bool,
}

/// Something that the host's developer should know, told once per cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable, in snake case: `queue_full`, `store_failed`, …
    pub code: &'static str,
    /// A sentence for the developer; the wording may change.
    pub message: String,
    /// What it is about: a field, an option, a status; empty if it is about none.
    pub field: String,
}
