//! The driver: *input, handle, carry out every command, arm one timer at `wake_at`, wait.*
//!
//! Host code may call back at any moment: a patched `fetch` that flushes, a getter that logs. So no
//! lock is held while JavaScript runs, and only the outermost call works the queue off; calls within it
//! append to it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use alloc::rc::{Rc, Weak};
use core::cell::{Cell, OnceCell, RefCell};

use wasm_bindgen::prelude::*;

use super::callbacks::{Callbacks, Event};
use super::enrich::Enricher;
use super::fetch::Exporter;
use super::host_store::HostStore;
use super::idb::Idb;
use super::metadata::{self, Fields};
use super::options::{Options, StoreChoice};
use super::own::Own;
use super::page;
use super::patch::{PATCH_LEVELS, core_slot, settings, user_slot};
use super::report::{Answer, Queue, Report, diagnostic_object, flush_object};
use super::staging::Staging;
use super::timer::{self, Timer};
use super::value::{self, args, call, construct, get, invoke, set_number, set_text, type_error};
use crate::core::config::{ConfigReport, Layer};
use crate::core::context::{ContextPatch, Slot};
#[cfg(feature = "inspect")]
use crate::core::io::ExportId;
use crate::core::io::{
    Command, Consent, Content, Diagnostic, Exposure, FlushId, Input, Leaving, Outcome,
};
#[cfg(feature = "inspect")]
use crate::core::json::write_u64;
use crate::core::pipeline::{Pipeline, Setup};
use crate::core::shapes::FieldKind;
use crate::core::store::{MemoryStore, StoreOp};
use crate::core::time::{Millis, Now, UnixMillis};

pub struct Driver {
    pub(super) pipeline: RefCell<Pipeline>,
    pub(super) queue: Queue,
    working: Cell<bool>,
    pub staging: Staging,
    timer: Timer,
    pub(super) exporter: Exporter,
    pub(super) enricher: Option<Enricher>,
    pub(super) storage: OnceCell<Storage>,
    /// An `AbortController` that takes the page's listeners away.
    pub(super) listeners: Cell<JsValue>,
    leaving: Cell<bool>,
    /// Until when the host's own listeners may still log what is to leave with the page.
    parting_until: Cell<Millis>,
    /// How many events were accepted when the page was last about to go.
    parted: Cell<u64>,
    callbacks: Callbacks,

    enabled: bool,
    strict: bool,
    on_diagnostic: JsValue,
    /// For `debug`: takes diagnostics, and the statistics whenever something ended, with what that was.
    print: JsValue,
    /// Causes that the edge has told of.
    told: RefCell<Vec<(&'static str, String)>>,

    /// Resolved once the store is open.
    ready: OnceCell<JsValue>,
    /// The functions that resolve promises.
    promises: RefCell<Vec<(u32, JsValue)>>,
    flushes: Cell<u32>,
    shutdown: Cell<Option<FlushId>>,
    /// Whether it was shut down.
    ended: Cell<bool>,
    /// Requests that ended since the inspector asked, with the status: 0 if there was no answer.
    #[cfg(feature = "inspect")]
    answers: RefCell<Vec<(ExportId, u16)>>,
    /// Keeps the driver until it is shut down and no request is under way: what a dropped `Client`
    /// logged is still delivered.
    myself: RefCell<Option<Rc<Self>>>,
}

pub enum Storage {
    /// The memory serves if IndexedDB does not.
    Idb(Box<Idb>, RefCell<Option<MemoryStore>>),
    Host(Box<HostStore>, &'static str),
    Memory(RefCell<MemoryStore>),
}

/// Names the promise of `ready`, among those of `flush`.
const READY: u32 = 0;

/// How long the host's own listeners of a page's going may take.
const PARTING_MILLIS: u64 = 100;

/// After so many causes the edge falls silent.
const CAUSES: usize = 256;

impl Driver {
    /// `Err` is what is thrown if `init` lacks something.
    pub fn start(options: &JsValue, host: &JsValue) -> Result<Rc<Self>, JsValue> {
        let queue = Queue::default();
        let options = &Options { options, host, queue: &queue };
        let service = options.text("serviceName");
        if service.is_empty() {
            let message = "init needs a `serviceName`, the text that names your program";
            return Err(type_error(message));
        }
        let Some(seed) = options.seed() else {
            return Err(type_error("the platform gives no random numbers here"));
        };
        let setup = Setup { seed, ..options.setup(&service) };
        let driver = Rc::new_cyclic(|driver| Self::new(driver, setup, options));
        driver.myself.replace(Some(Rc::clone(&driver)));
        let ready = driver.promise(READY);
        let _ = driver.ready.set(ready);
        driver.configure_all(options);
        driver.open_store(&service, options);
        driver.work();
        Ok(driver)
    }

    fn new(driver: &Weak<Self>, setup: Setup, options: &Options<'_>) -> Self {
        let driver = driver.clone();
        let callbacks = Callbacks::new(move |event, id, value| {
            if let Some(driver) = driver.upgrade() {
                driver.happened(event, id, value);
            }
        });
        let queue = options.queue;
        Self {
            enabled: setup.enabled,
            exporter: Exporter::new(options, setup.format, setup.compress, &callbacks, queue),
            pipeline: RefCell::new(Pipeline::new(timer::now(), setup)),
            working: Cell::default(),
            staging: Staging::default(),
            timer: Timer::new(&callbacks),
            enricher: Enricher::new(options.function("enrich"), &callbacks, queue),
            storage: OnceCell::new(),
            listeners: Cell::default(),
            leaving: Cell::default(),
            parting_until: Cell::new(Millis(0)),
            parted: Cell::default(),
            callbacks,
            queue: queue.clone(),
            strict: options.flag("strict").or(get(options.host, "strict").as_bool()) == Some(true),
            on_diagnostic: options.function("onDiagnostic"),
            print: match options.flag("debug") {
                Some(true) => get(options.host, "print"),
                _ => JsValue::UNDEFINED,
            },
            told: RefCell::default(),
            ready: OnceCell::new(),
            promises: RefCell::default(),
            flushes: Cell::default(),
            shutdown: Cell::default(),
            ended: Cell::default(),
            #[cfg(feature = "inspect")]
            answers: RefCell::default(),
            myself: RefCell::default(),
        }
    }

    fn configure_all(&self, options: &Options<'_>) {
        let origins = options.origins();
        let patches = [
            (Layer::Options, options.config()),
            (Layer::Environment, page::patch()),
            (Layer::Environment, options.environment()),
            (Layer::Remote, options.patched()),
        ];
        self.handle(&mut |pipeline, now, commands| {
            if origins != Own::Undefined {
                let mut allowed = Vec::new();
                for (_, origin) in origins.entries() {
                    allowed.push(if let Own::Text(origin) = origin { origin } else { "" });
                }
                for origin in pipeline.allow_origins(&allowed) {
                    let why = ["holds \"", origin, "\", which is not an origin"].concat();
                    options.reject("allowedOrigins", &why);
                }
            }
            for (layer, patch) in &patches {
                if let Own::Object(_) = patch {
                    pipeline.configure(now, *layer, &settings(patch), commands);
                }
            }
        });
        // Options never throw.
        let _ = self.patch_context(&options.object("context"), core_slot, false);
        let _ = self.patch_context(&options.user(), user_slot, false);
        if let Ok(pipeline) = self.pipeline.try_borrow() {
            set_text(options.host, "sessionId", pipeline.session());
        }
        if !page::is_online() {
            self.input(Input::Online(false));
        }
    }

    fn open_store(&self, service: &str, options: &Options<'_>) {
        if !self.enabled {
            return self.resolve(READY, &JsValue::UNDEFINED);
        }
        self.listeners.set(page::listen(&self.callbacks));
        let storage = match options.store() {
            StoreChoice::Default => {
                let (now, spool) = (timer::now().mono, get(options.host, "spool"));
                let idb = Idb::open(service, spool, now, &self.callbacks, &self.queue);
                Storage::Idb(Box::new(idb), RefCell::default())
            }
            StoreChoice::Memory => Storage::Memory(RefCell::default()),
            StoreChoice::Host(store, kind) => {
                let store = HostStore::new(store, &self.callbacks, &self.queue);
                Storage::Host(Box::new(store), kind)
            }
        };
        if !matches!(storage, Storage::Idb(..)) {
            self.queue.push(Report::StoreOpen);
        }
        let _ = self.storage.set(storage);
    }

    /// Logs an event; `Err` is what strict mode throws.
    pub fn log(&self, name: &JsValue, metadata: &JsValue, at: UnixMillis) -> Result<(), JsValue> {
        let fields = Fields::read(metadata);
        if self.strict {
            // An error is JavaScript's to make, while nothing is borrowed.
            let misuse = self
                .pipeline
                .try_borrow()
                .ok()
                .and_then(|pipeline| metadata::misuse(name, &fields, pipeline.declared()));
            if let Some(misuse) = misuse {
                return Err(type_error(&misuse));
            }
        }
        let name = metadata::read_name(name);
        let fields = fields.unwrap_or_else(|kind| {
            let message = ["event \"", &name, "\": metadata ", kind, "; left out"];
            self.queue.diagnose("metadata_rejected", &name, &message);
            Fields::default()
        });
        match &self.enricher {
            Some(enricher) if self.enabled => {
                enricher.enrich((timer::now().mono, at), name, fields, metadata);
            }
            _ => self.queue.push(Report::Enriched(at, name, fields)),
        }
        self.work();
        Ok(())
    }

    /// Logs an exposure; `Err` is what strict mode throws.
    pub fn expose(&self, exposure: &JsValue, at: UnixMillis) -> Result<(), JsValue> {
        let id = value::string(&get(exposure, "experimentId"));
        let variation = value::whole(&get(exposure, "variationId"), u64::from(u32::MAX));
        let attributes = get(exposure, "userAttributes");
        let session = value::text(&get(&attributes, "sessionId"));
        let mut own = Exposure::default();
        let (user_attributes, experiment_metadata);
        if !metadata::is_name(&id) {
            // Without a valid id it is counted as dropped.
            let why = "must be text of 1 to 256 characters";
            self.refuse(self.strict, "exposure_rejected", "experimentId", why)?;
        } else if let Some(variation) = variation {
            let metadata = get(exposure, "experimentMetadata");
            user_attributes = self.json("userAttributes", &attributes)?;
            experiment_metadata = self.json("experimentMetadata", &metadata)?;
            own = Exposure {
                experiment_id: &id,
                variation_id: variation as u32,
                session_id: session.as_deref(),
                user_attributes: user_attributes.as_deref(),
                experiment_metadata: experiment_metadata.as_deref(),
            };
        } else {
            let why = "must be a whole number from 0";
            self.refuse(self.strict, "exposure_rejected", "variationId", why)?;
        }
        self.input(Input::Exposure { at, exposure: own });
        Ok(())
    }

    /// An exposure's field as JSON.
    fn json(&self, field: &str, value: &JsValue) -> Result<Option<String>, JsValue> {
        if value.is_undefined() || value.is_null() {
            return Ok(None);
        }
        let (json, why) = if value.is_object() {
            (metadata::json_text(value), "can't be written as JSON; left out")
        } else {
            (None, "must be an object; left out")
        };
        if json.is_none() {
            self.refuse(self.strict, "field_left_out", field, why)?;
        }
        Ok(json)
    }

    /// Misuse: thrown in strict mode, else told.
    fn refuse(
        &self,
        strict: bool,
        code: &'static str,
        field: &str,
        why: &str,
    ) -> Result<(), JsValue> {
        let message = [field, " ", why].concat();
        if strict {
            return Err(type_error(&message));
        }
        self.queue.diagnose(code, field, &[&message]);
        Ok(())
    }

    /// Remembers an event's name and fields for staging, see [`super::Client::shape`].
    pub fn shape(&self, name: &str, fields: &Own) -> i32 {
        const NOT_THIS_ONE: i32 = -1;
        const ALL_FORGOTTEN: i32 = -2;
        if self.enricher.is_some() {
            return NOT_THIS_ONE;
        }
        let mut known = Vec::new();
        for (key, own) in fields.entries() {
            let kind = match own {
                Own::Undefined => continue,
                Own::Number(_) => FieldKind::Number,
                Own::Bool(_) => FieldKind::Bool,
                Own::Verified(_) => FieldKind::Text,
                _ => return NOT_THIS_ONE,
            };
            known.push((key.as_str(), kind));
        }
        let mut given = NOT_THIS_ONE;
        self.with(&mut |pipeline, _, _| {
            if let Some(id) = pipeline.shape(name, &known) {
                given = id.0 as i32;
            } else if pipeline.shapes_full() {
                pipeline.forget_shapes();
                given = ALL_FORGOTTEN;
            }
        });
        given
    }

    pub fn configure(&self, patch: &JsValue) -> ConfigReport {
        let patch = Own::of(patch, PATCH_LEVELS);
        let mut report = ConfigReport::default();
        self.with(&mut |pipeline, now, commands| {
            report = pipeline.configure(now, Layer::Remote, &settings(&patch), commands);
        });
        report
    }

    /// `Err` is what strict mode throws.
    pub fn set_context(&self, patch: &JsValue, slot: fn(&str) -> Slot<'_>) -> Result<(), JsValue> {
        if !patch.is_object() {
            return self.refuse(self.strict, "context_rejected", "patch", "must be an object");
        }
        self.patch_context(&Own::of(patch, 1), slot, self.strict)
    }

    /// `null` takes a field away.
    fn patch_context(
        &self,
        patch: &Own,
        slot: fn(&str) -> Slot<'_>,
        strict: bool,
    ) -> Result<(), JsValue> {
        let mut patches = Vec::new();
        for (name, own) in patch.entries() {
            match own {
                Own::Undefined => {}
                Own::Object(_) | Own::Other(_) => {
                    let why = "must be text, a number, a boolean, or null to take it away";
                    self.refuse(strict, "context_rejected", name, why)?;
                }
                own => patches.push(ContextPatch { slot: slot(name), value: own.scalar() }),
            }
        }
        self.input(Input::Context(&patches));
        Ok(())
    }

    /// `Err` is what strict mode throws.
    pub fn set_consent(&self, consent: Option<Consent>) -> Result<(), JsValue> {
        let Some(consent) = consent else {
            let why = "must be 'granted', 'pending' or 'denied'; nothing changed";
            return self.refuse(self.strict, "consent_rejected", "consent", why);
        };
        self.input(Input::Consent(consent));
        Ok(())
    }

    /// A promise of a `FlushReport`.
    pub fn flush(&self, timeout_millis: u64, shutdown: bool) -> JsValue {
        let id = FlushId(self.flushes.get() + 1);
        self.flushes.set(id.0);
        let promise = self.promise(id.0);
        self.hurry();
        if shutdown {
            self.shutdown.set(Some(id));
            self.input(Input::Shutdown { id, timeout_millis });
        } else {
            self.input(Input::Flush { id, timeout_millis });
        }
        promise
    }

    pub fn ready(&self) -> JsValue {
        self.ready.get().cloned().unwrap_or_default()
    }

    /// Hands in what is staged, and lets everything look at the clock.
    pub fn wake(&self) {
        let now = timer::now().mono;
        self.exporter.wake(now);
        if let Some(enricher) = &self.enricher {
            enricher.wake(now);
        }
        if let Some(idb) = self.idb() {
            idb.wake(now);
        }
        self.input(Input::Wake);
    }

    /// The page or the process may be gone after this very task.
    pub fn leave(&self, leaving: Leaving) {
        if self.leaving.replace(true) {
            return;
        }
        self.hurry();
        let idb = self.idb();
        idb.iter().for_each(|idb| idb.set_leaving(true));
        if idb.is_some_and(Idb::is_first) {
            // It takes records already, if need be.
            self.input(Input::StoreReady);
        }
        self.input(Input::Leaving(leaving));
        // Even within a call that will never go on, such as a callback that ends the process.
        self.work_off();
        idb.iter().for_each(|idb| idb.set_leaving(false));
        self.parted.set(self.accepted());
        self.leaving.set(false);
    }

    /// A page is hidden, frozen or left.
    pub fn leave_page(&self) {
        self.parting_until.set(timer::now().mono.plus(PARTING_MILLIS));
        // A frozen page was not told, and one that goes has no time to ask the store.
        self.hear_denial();
        self.leave(Leaving::Page { budget: self.exporter.keepalive_room() });
    }

    fn hear_denial(&self) {
        if let Some(at) = self.idb().and_then(Idb::denied_at) {
            self.input(Input::Denied(UnixMillis(at)));
        }
    }

    /// What the host logs while its page goes, after our own listener was called.
    fn leave_again(&self) {
        let until = self.parting_until.get();
        // The clock is not free, and this comes after every input.
        if until > Millis(0) && until > timer::now().mono && self.accepted() > self.parted.get() {
            self.leave(Leaving::Page { budget: self.exporter.keepalive_room() });
        }
    }

    fn accepted(&self) -> u64 {
        self.pipeline.try_borrow().map_or(0, |pipeline| pipeline.ledger().accepted)
    }

    /// `Stats`.
    pub fn stats_object(&self) -> JsValue {
        let json = String::from_utf8(self.stats()).unwrap_or_default();
        let stats = value::parse_json(&json);
        set_text(&get(&stats, "store"), "kind", self.store_kind());
        let memory = core::arch::wasm32::memory_size(0) as f64 * 65_536.0;
        set_number(&get(&stats, "sizes"), "memoryBytes", memory);
        stats
    }

    /// As JSON text, but for the store's kind.
    fn stats(&self) -> Vec<u8> {
        let state = match (self.enabled, self.shutdown.get()) {
            (false, _) => "disabled",
            (true, Some(_)) => "shut-down",
            (true, None) => "running",
        };
        let mut json = ["{\"state\":\"", state, "\","].concat().into_bytes();
        self.with(&mut |pipeline, _, _| pipeline.write_stats(&mut json));
        json.push(b'}');
        json
    }

    /// Where everything is, as JSON text: see [`Pipeline::write_places`]; and `answers`, those that came
    /// since the last time.
    #[cfg(feature = "inspect")]
    pub fn places(&self, key: &str) -> Vec<u8> {
        let mut json = Vec::from(*b"{");
        self.with(&mut |pipeline, _, _| pipeline.write_places(key, &mut json));
        json.extend_from_slice(b",\"answers\":{");
        let answers = self.answers.take();
        for (index, (id, status)) in answers.iter().enumerate() {
            json.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
            write_u64(&mut json, u64::from(id.0));
            json.extend_from_slice(b"\":");
            write_u64(&mut json, u64::from(*status));
        }
        json.extend_from_slice(b"}}");
        json
    }

    pub fn store_kind(&self) -> &'static str {
        match self.storage.get() {
            Some(Storage::Idb(_, memory)) if memory.borrow().is_some() => "memory",
            Some(Storage::Idb(idb, _)) if !idb.is_first() => "indexeddb",
            Some(Storage::Host(_, kind)) => kind,
            Some(Storage::Memory(_)) => "memory",
            _ => "none",
        }
    }

    pub(super) fn idb(&self) -> Option<&Idb> {
        match self.storage.get() {
            Some(Storage::Idb(idb, _)) => Some(idb),
            _ => None,
        }
    }

    fn happened(&self, event: Event, id: u32, value: JsValue) {
        if event != Event::Soon {
            self.timer.turn();
        }
        match event {
            Event::Promise => return self.promises.borrow_mut().push((id, value)),
            Event::Timer => {
                self.timer.rang();
                self.wake();
            }
            Event::Soon => {
                self.timer.rang_soon();
                self.wake();
            }
            Event::Visibility if !page::is_hidden() => self.parting_until.set(Millis(0)),
            Event::Hide | Event::Visibility | Event::Freeze => self.leave_page(),
            Event::Show => {
                self.parting_until.set(Millis(0));
                self.hear_denial();
                self.wake();
            }
            Event::Storage => self.hear_denial(),
            Event::Online => self.input(Input::Online(true)),
            Event::Offline => self.input(Input::Online(false)),
            Event::Authorized
            | Event::NotAuthorized
            | Event::Compressed
            | Event::NotCompressed
            | Event::Answered
            | Event::NotAnswered
            | Event::Chunk
            | Event::NoChunk => self.exporter.happened(event, id, &value),
            Event::Enriched | Event::NotEnriched => {
                if let Some(enricher) = &self.enricher {
                    enricher.happened(event, id, &value);
                }
            }
            _ => match self.storage.get() {
                Some(Storage::Host(host, _)) => host.happened(event, id, value),
                Some(Storage::Idb(idb, _)) => idb.happened(event, id, &value),
                _ => {}
            },
        }
        self.work();
    }

    /// What waits for `enrich` is taken in before whatever comes next.
    fn hurry(&self) {
        if let Some(enricher) = &self.enricher {
            enricher.hurry();
            self.work_off();
        }
    }

    pub fn input(&self, input: Input<'_>) {
        let mut input = Some(input);
        self.with(&mut |pipeline, now, commands| {
            if let Some(input) = input.take() {
                pipeline.handle(now, input, commands);
            }
        });
    }

    pub(super) fn with(&self, act: Act<'_>) {
        self.handle(act);
        self.work();
    }

    /// Everything that touches the pipeline goes through here: what is staged comes first.
    fn handle(&self, act: Act<'_>) {
        let mut waiting: Option<Vec<f64>> = None;
        let mut garbled = false;
        loop {
            let now = timer::now();
            let mut commands = Vec::new();
            // No JavaScript runs while the pipeline is borrowed.
            let Ok(mut pipeline) = self.pipeline.try_borrow_mut() else { return };
            let mut read =
                |words: &[f64]| pipeline.staged(now, words, &mut commands).map(<[f64]>::to_vec);
            let rest = match waiting {
                Some(words) => read(&words),
                None => self.staging.take(read).flatten(),
            };
            garbled |= rest.is_none();
            let rest = rest.unwrap_or_default();
            let last = rest.is_empty();
            if last {
                act(&mut pipeline, now, &mut commands);
            }
            drop(pipeline);
            self.queue.extend(commands);
            if last {
                break;
            }
            // A store that answers at once makes room for what comes next.
            self.work();
            waiting = Some(rest);
        }
        if garbled {
            let message = ["the staging buffer was garbled; what it held is lost"];
            self.queue.diagnose("staging_garbled", "", &message);
        }
    }

    /// Works off what is queued, unless a call further out does already.
    fn work(&self) {
        if !self.working.replace(true) {
            self.work_off();
            self.working.set(false);
            self.leave_again();
            self.arm();
            // A request that is still under way is to be cancelled in its time.
            if self.ended.get() && !self.exporter.is_busy() {
                self.myself.take();
            }
        }
    }

    fn work_off(&self) {
        while let Some(report) = self.queue.pop() {
            self.take(report);
        }
    }

    fn take(&self, report: Report) {
        match report {
            Report::Command(command) => self.carry_out(command),
            Report::StoreOpen => {
                self.input(Input::StoreReady);
                self.print(&JsValue::UNDEFINED);
                self.resolve(READY, &JsValue::UNDEFINED);
            }
            Report::NoStore(why) => {
                if let Some(Storage::Idb(_, memory)) = self.storage.get() {
                    memory.replace(Some(MemoryStore::default()));
                }
                let message = [why, "; what fails to be sent is kept in memory only"];
                self.queue.diagnose("store_memory", "store", &message);
                self.queue.push(Report::StoreOpen);
            }
            Report::Stored(id, result) => self.input(Input::Stored { id, result }),
            Report::Exported(id, answer) => {
                let outcome = match &answer {
                    Answer::Response { status, retry_after, authorized, kind, content } => {
                        Outcome::Response {
                            status: *status,
                            retry_after: retry_after.as_deref(),
                            authorized: *authorized,
                            content: Content { kind, bytes: content },
                        }
                    }
                    Answer::Accepted => Outcome::Accepted,
                    Answer::NetworkError => Outcome::NetworkError,
                    Answer::AuthFailed => Outcome::AuthFailed,
                };
                #[cfg(feature = "inspect")]
                if let Outcome::Response { status, .. } = outcome {
                    self.answers.borrow_mut().push((id, status));
                } else if outcome != Outcome::Accepted {
                    self.answers.borrow_mut().push((id, 0));
                }
                let status = match outcome {
                    Outcome::Response { status, .. } => status,
                    _ => 0,
                };
                self.input(Input::Exported { id, outcome });
                self.print(&f64::from(status).into());
            }
            Report::Enriched(at, name, fields) => {
                self.input(Input::Event { at, name: &name, fields: &fields.borrow() });
            }
            Report::Diagnose(diagnostic) => self.diagnose(&diagnostic),
        }
    }

    fn carry_out(&self, command: Command) {
        match command {
            Command::Export(export) => self.exporter.start(&export),
            Command::Cancel(id) => self.exporter.cancel(id),
            Command::Store { id, op } => {
                let memory = match self.storage.get() {
                    Some(Storage::Host(host, _)) => return host.apply(id, op),
                    Some(Storage::Idb(idb, memory)) => {
                        // Nothing is borrowed while JavaScript runs: a host that watches what is done
                        // to databases may ask for `stats()`.
                        if memory.borrow().is_none() {
                            return idb.apply(id, op);
                        }
                        if op == StoreOp::Clear {
                            idb.clear_spool();
                        }
                        match &mut *memory.borrow_mut() {
                            Some(memory) => memory.apply(op),
                            None => return,
                        }
                    }
                    Some(Storage::Memory(memory)) => memory.borrow_mut().apply(op),
                    // None is commanded before the store is open.
                    None => return,
                };
                self.queue.push(Report::Stored(id, memory));
            }
            Command::Flushed { id, report } => {
                self.resolve(id.0, &flush_object(&report));
                if self.shutdown.get() == Some(id) {
                    invoke(&self.listeners.take(), "abort", args());
                    self.exporter.let_go(Millis::FAR);
                    self.print(&JsValue::TRUE);
                    self.ended.set(true);
                }
            }
            Command::Diagnose(diagnostic) => self.tell(&diagnostic),
        }
    }

    fn arm(&self) {
        let Ok(pipeline) = self.pipeline.try_borrow() else {
            return;
        };
        let mut earliest = pipeline.wake_at().unwrap_or(Millis::FAR).min(self.exporter.wake_at());
        if let Some(enricher) = &self.enricher {
            earliest = earliest.min(enricher.wake_at());
        }
        if let Some(idb) = self.idb() {
            earliest = earliest.min(idb.wake_at());
        }
        drop(pipeline);
        self.timer.arm(timer::now().mono, earliest);
    }

    /// Tells the host of something that the edge noticed, once for each cause.
    fn diagnose(&self, diagnostic: &Diagnostic) {
        let Diagnostic { code, field, .. } = diagnostic;
        let mut told = self.told.borrow_mut();
        if told.len() < CAUSES && told.iter().all(|(c, f)| c != code || f != field) {
            told.push((code, field.clone()));
            drop(told);
            self.tell(diagnostic);
        }
    }

    fn tell(&self, diagnostic: &Diagnostic) {
        // The host's callback may throw; that is its own affair.
        let told = diagnostic_object(diagnostic);
        let _ = call(&self.on_diagnostic, &JsValue::UNDEFINED, args().js(&told));
        let _ = call(&self.print, &JsValue::UNDEFINED, args().js(&told));
    }

    fn print(&self, what: &JsValue) {
        if !self.print.is_undefined() {
            let stats = args().js(what).js(&self.stats_object());
            let _ = call(&self.print, &JsValue::UNDEFINED, stats);
        }
    }

    fn promise(&self, id: u32) -> JsValue {
        construct("Promise", args().js(&self.callbacks.get(Event::Promise, id)))
    }

    fn resolve(&self, id: u32, value: &JsValue) {
        let mut promises = self.promises.borrow_mut();
        let index = promises.iter().position(|(promise, _)| *promise == id);
        let resolve = index.map(|index| promises.swap_remove(index).1);
        drop(promises);
        if let Some(resolve) = resolve {
            let _ = value::call(&resolve, &JsValue::UNDEFINED, args().js(value));
        }
    }
}

type Act<'a> = &'a mut dyn FnMut(&mut Pipeline, Now, &mut Vec<Command>);
