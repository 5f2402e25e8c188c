//! The functions that JavaScript calls back.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type Dispatch;
    #[wasm_bindgen(method)]
    fn bind(this: &Dispatch, context: &JsValue, event: u32, id: u32) -> JsValue;
}

/// What is called back for, and whose id comes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Event {
    /// A timer rang.
    Timer,
    /// A microtask of ours runs: the host is done with what it was about.
    Soon,
    /// A promise is made (a flush's): the value is the function that resolves it.
    Promise,

    /// `pagehide`.
    Hide,
    /// `visibilitychange`, to either side.
    Visibility,
    /// `freeze`.
    Freeze,
    /// `pageshow`.
    Show,
    /// `online`.
    Online,
    /// `offline`.
    Offline,
    /// Another window has changed what windows share.
    Storage,

    /// A request's: `auth` gave something.
    Authorized,
    /// `auth` rejected.
    NotAuthorized,
    /// The body is gzip now.
    Compressed,
    /// The body goes as it is.
    NotCompressed,
    /// `fetch` gave a Response.
    Answered,
    /// `fetch` rejected.
    NotAnswered,
    /// A body's: its reader gave a chunk, or the end.
    Chunk,
    /// Its reader failed, or was cancelled.
    NoChunk,

    /// An event's that waits for the host's `enrich`.
    Enriched,
    /// `enrich` threw or rejected: the event goes on as it was.
    NotEnriched,

    /// An operation's, in the host's store.
    Done,
    /// Its promise was rejected.
    NotDone,

    /// An opening's, in IndexedDB: the database is new.
    Upgrade,
    /// The value is the event whose target holds the database.
    Opened,
    /// It failed, or another connection blocks it.
    NotOpened,
    /// Another connection wants the database removed or changed.
    Unwanted,
    /// The browser closed the connection, for instance because the user cleared the site's data.
    Closed,
    /// An operation's, in IndexedDB: a request that it waits for has its result.
    Read,
    /// Its transaction is complete.
    Complete,
    /// Its transaction was aborted.
    Aborted,
}

impl Event {
    const ALL: [Self; 30] = [
        Self::Timer,
        Self::Soon,
        Self::Promise,
        Self::Hide,
        Self::Visibility,
        Self::Freeze,
        Self::Show,
        Self::Online,
        Self::Offline,
        Self::Storage,
        Self::Authorized,
        Self::NotAuthorized,
        Self::Compressed,
        Self::NotCompressed,
        Self::Answered,
        Self::NotAnswered,
        Self::Chunk,
        Self::NoChunk,
        Self::Enriched,
        Self::NotEnriched,
        Self::Done,
        Self::NotDone,
        Self::Upgrade,
        Self::Opened,
        Self::NotOpened,
        Self::Unwanted,
        Self::Closed,
        Self::Read,
        Self::Complete,
        Self::Aborted,
    ];
}

/// One closure, and light bound functions that say what happened and to whom. The bound functions are
/// JavaScript's to collect, so one that is never called leaks nothing; one that is called too late
/// names something that is no longer there, and is ignored.
#[derive(Clone)]
pub struct Callbacks {
    dispatch: JsValue,
}

impl Callbacks {
    /// `handler` must not keep its owner alive.
    pub fn new(handler: impl Fn(Event, u32, JsValue) + 'static) -> Self {
        let closure: Closure<dyn Fn(u32, u32, JsValue)> = Closure::new(move |event, id, value| {
            if let Some(event) = Event::ALL.get(event as usize) {
                handler(*event, id, value);
            }
        });
        // Collected together with the last function bound to it.
        Self { dispatch: closure.into_js_value() }
    }

    pub(super) fn get(&self, event: Event, id: u32) -> JsValue {
        let dispatch: &Dispatch = self.dispatch.unchecked_ref();
        dispatch.bind(&JsValue::NULL, event as u32, id)
    }
}
