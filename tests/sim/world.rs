//! Virtual time and the driver's rule: input, handle, carry out every command, arm one timer, wait.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use wasm_telemetry::core::config::{Layer, Setting};
use wasm_telemetry::core::io::{Command, Input};
use wasm_telemetry::core::store::{StoreOp, StoreResult};
use wasm_telemetry::core::time::{Millis, Now, UnixMillis};

use super::checks::{Cause, HANDED_OVER};
use super::client::{Client, Past};
use super::dice::Dice;
use super::life::End;
use super::network::Request;
use super::options::Options;
use super::server::{Logged, Server};
use super::store::SharedStore;

const START_WALL: u64 = 1_767_323_045_000;

/// What happens at some time.
#[derive(Clone, Debug)]
pub enum Happening {
    Host { slot: usize },
    Wake { slot: usize, client: u32, timer: u64 },
    StoreOpens { slot: usize, client: u32 },
    StoreWorks { slot: usize, client: u32 },
    Arrives { request: usize },
    Answers { request: usize, answer: Answer },
    Begins { slot: usize },
    Ends { slot: usize, client: u32 },
}

#[derive(Clone, Debug)]
pub enum Answer {
    Response { status: u16, retry_after: Option<String> },
    NetworkError,
    AuthFailed,
}

#[derive(Default)]
pub struct Slot {
    pub client: Option<Client>,
}

pub struct World {
    pub options: Options,
    pub dice: Dice,
    pub mono: u64,
    pub wall_offset: i64,
    /// Phase one: faults happen.
    pub faults: bool,
    pub verbose: bool,
    agenda: BinaryHeap<Reverse<(u64, u64, usize)>>,
    happenings: Vec<Option<Happening>>,
    appointments: u64,
    pub slots: Vec<Slot>,
    pub past: Vec<Past>,
    pub clients_made: u32,
    pub store: SharedStore,
    pub server: Server,
    pub requests: Vec<Request>,
    pub requests_of: HashMap<String, Vec<usize>>,
    pub events: Vec<Logged>,
    /// The events under each key that was ever put into the store, as last put, and their batch.
    pub contents: HashMap<String, (String, Vec<u32>)>,
    pub doings_left: u64,
    pub splits: bool,
    pub steps: u64,
    /// A client had so much to store that a lease may have run out meanwhile.
    pub store_lags: bool,
}

impl World {
    pub fn new(options: Options, dice: Dice, verbose: bool) -> Self {
        let doings_left = options.doings;
        let store = SharedStore { capacity: options.store.capacity, ..SharedStore::default() };
        let slots = (0..options.clients).map(|_| Slot::default()).collect();
        Self {
            options,
            dice,
            mono: 1_000,
            wall_offset: 0,
            faults: true,
            verbose,
            agenda: BinaryHeap::new(),
            happenings: Vec::new(),
            appointments: 0,
            slots,
            past: Vec::new(),
            clients_made: 0,
            store,
            server: Server::default(),
            requests: Vec::new(),
            requests_of: HashMap::new(),
            events: Vec::new(),
            contents: HashMap::new(),
            doings_left,
            splits: false,
            steps: 0,
            store_lags: false,
        }
    }

    pub fn now(&self) -> Now {
        let wall = (START_WALL + self.mono).saturating_add_signed(self.wall_offset);
        Now { mono: Millis(self.mono), wall: UnixMillis(wall) }
    }

    pub fn say(&self, what: impl FnOnce() -> String) {
        if self.verbose {
            println!("{:>9} {}", self.mono, what());
        }
    }

    pub fn at(&mut self, time: u64, happening: Happening) {
        let index = self.happenings.len();
        self.happenings.push(Some(happening));
        self.appointments += 1;
        self.agenda.push(Reverse((time.max(self.mono), self.appointments, index)));
    }

    /// Lets the next thing happen, if there is one until `end`.
    pub fn step(&mut self, end: u64) -> bool {
        match self.agenda.peek() {
            Some(Reverse((time, ..))) if *time <= end => {}
            _ => return false,
        }
        let Some(Reverse((time, _, index))) = self.agenda.pop() else {
            return false;
        };
        self.mono = time;
        if let Some(happening) = self.happenings[index].take() {
            self.happen(happening);
        }
        true
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Host { slot } => self.host(slot),
            Happening::Begins { slot } => self.begin(slot),
            Happening::Ends { slot, client } => {
                if self.faults && self.client(slot, client).is_some() {
                    self.end(slot, End::Left);
                }
            }
            Happening::Wake { slot, client, timer } => {
                let Some(found) = self.client(slot, client) else {
                    return;
                };
                if found.timer_number == timer {
                    found.timer = None;
                    self.count_wake(slot);
                    self.give(slot, Input::Wake, Cause::Other);
                }
            }
            Happening::StoreOpens { slot, client } => {
                let Some(found) = self.client(slot, client) else {
                    return;
                };
                found.store_open = true;
                self.give(slot, Input::StoreReady, Cause::Other);
            }
            Happening::StoreWorks { slot, client } => {
                let Some(found) = self.client(slot, client) else {
                    return;
                };
                let Some((id, op)) = found.operations.pop_front() else {
                    return;
                };
                let result = self.carry_out(client, op);
                self.say(|| format!("{client}: store {} answers {}", id.0, brief(&result)));
                self.give(slot, Input::Stored { id, result }, Cause::Other);
            }
            Happening::Arrives { request } => self.arrive(request),
            Happening::Answers { request, answer } => self.answer(request, answer),
        }
    }

    pub fn client(&mut self, slot: usize, id: u32) -> Option<&mut Client> {
        self.slots[slot].client.as_mut().filter(|client| client.id == id)
    }

    /// A wake-up may not ask for itself at the same time for ever.
    fn count_wake(&mut self, slot: usize) {
        let mono = self.mono;
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let count = if client.wakes.0 == mono { client.wakes.1 + 1 } else { 0 };
        client.wakes = (mono, count);
        assert!(count < 1_000, "wake_at stands still: {:?}", client.pipeline.wake_at());
    }

    /// One step of the pipeline, and everything that is checked after each.
    pub fn give(&mut self, slot: usize, input: Input<'_>, cause: Cause) {
        let now = self.now();
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        if self.verbose {
            println!("{:>9} {}: {}", self.mono, client.id, brief(&input));
        }
        let before = client.pipeline.ledger();
        let mut commands = Vec::new();
        client.pipeline.handle(now, input, &mut commands);
        self.after(slot, before, commands, cause);
    }

    pub fn configure(&mut self, slot: usize, layer: Layer, settings: &[Setting<'_>]) {
        let now = self.now();
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let before = client.pipeline.ledger();
        let mut commands = Vec::new();
        let report = client.pipeline.configure(now, layer, settings, &mut commands);
        if self.verbose {
            println!("{:>9} {}: configure {settings:?}: {report:?}", self.mono, client.id);
        }
        self.after(slot, before, commands, Cause::Other);
    }

    fn after(
        &mut self,
        slot: usize,
        before: wasm_telemetry::core::ledger::Ledger,
        commands: Vec<Command>,
        cause: Cause,
    ) {
        self.check_step(slot, &before, &commands, cause);
        for command in commands {
            self.obey(slot, command);
        }
        self.arm(slot);
    }

    fn obey(&mut self, slot: usize, command: Command) {
        if self.verbose {
            println!("{:>9}    {}", self.mono, brief(&command));
        }
        let delay = match self.faults {
            true => self.dice.below(self.options.store.op_millis + 1),
            false => self.dice.below(5),
        };
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        match command {
            Command::Export(export) => self.launch(slot, export),
            Command::Cancel(id) => {
                if let Some(request) = client.exports.get(&id.0) {
                    let request = &mut self.requests[*request];
                    request.cancelled = true;
                    request.doubtful = true;
                }
            }
            Command::Store { id, op } => {
                assert!(client.store_open, "no operation before the store is open: {op:?}");
                client.operations.push_back((id, op));
                let time = client.store_busy_until.max(self.mono) + delay;
                client.store_busy_until = time;
                self.store_lags |= time > self.mono + 5_000;
                let client = client.id;
                self.at(time, Happening::StoreWorks { slot, client });
            }
            Command::Flushed { id, report } => self.flushed(slot, id.0, report),
            Command::Diagnose(diagnostic) => {
                let least = !diagnostic.code.is_empty() && !diagnostic.message.is_empty();
                assert!(least && diagnostic.message.len() < 4_000, "{diagnostic:?}");
            }
        }
    }

    /// Timers that were late are punctual from now on.
    pub fn rearm(&mut self) {
        for slot in 0..self.slots.len() {
            if let Some(client) = &mut self.slots[slot].client {
                client.timer = None;
            }
            self.arm(slot);
        }
    }

    fn arm(&mut self, slot: usize) {
        let late =
            if self.faults { self.dice.below(self.options.timer_late_millis + 1) } else { 0 };
        let Some(client) = &mut self.slots[slot].client else {
            return;
        };
        let wanted = client.pipeline.wake_at().map(|time| time.0);
        if wanted == client.timer {
            return;
        }
        if self.verbose {
            println!("{:>9} {}: wake at {wanted:?}", self.mono, client.id);
        }
        client.timer = wanted;
        client.timer_number += 1;
        let (client, timer) = (client.id, client.timer_number);
        if let Some(time) = wanted {
            let time = if time <= self.mono { self.mono } else { time.saturating_add(late) };
            self.at(time, Happening::Wake { slot, client, timer });
        }
    }

    /// Does to the shared store what a client asked for, unless a fault prevents it.
    pub fn carry_out(&mut self, client: u32, op: StoreOp) -> StoreResult {
        if self.faults {
            if self.dice.percent(self.options.store.failed) {
                // Sometimes what is told to have failed was done.
                if self.dice.percent(30) {
                    self.change_store(client, op);
                } else {
                    self.not_carried_out(&op);
                }
                return StoreResult::Failed;
            }
            let is_put = matches!(op, StoreOp::Put { .. });
            if is_put && self.dice.percent(self.options.store.full) {
                self.not_carried_out(&op);
                return StoreResult::Full;
            }
        }
        let again = op.clone();
        let result = self.change_store(client, op);
        if result == StoreResult::Full {
            self.not_carried_out(&again);
        }
        result
    }

    fn change_store(&mut self, client: u32, op: StoreOp) -> StoreResult {
        if let StoreOp::Clear = op {
            let keys: Vec<String> = self.store.records.keys().cloned().collect();
            keys.iter().for_each(|key| self.excuse_stored(key, "wiped"));
        }
        let removed = match &op {
            StoreOp::Remove { key } => Some(self.batch_of(key).to_string()),
            _ => None,
        };
        let result = self.store.apply(op);
        if let Some(batch) = removed {
            for request in self.requests_of.get(&batch).cloned().unwrap_or_default() {
                let request = &mut self.requests[request];
                request.settled |= request.client == client && request.succeeded;
            }
        }
        result
    }

    /// The batch under a store's key.
    pub fn batch_of(&self, key: &str) -> &str {
        self.contents.get(key).map_or("", |(batch, _)| batch)
    }

    /// A refused copy of what a page sent as it went away leaves that without a witness.
    fn not_carried_out(&mut self, op: &StoreOp) {
        let StoreOp::Put { entry, .. } = op else { return };
        let batch = self.batch_of(&entry.key);
        for request in self.requests_of.get(batch).cloned().unwrap_or_default() {
            let Request { slot, client, parted, .. } = self.requests[request];
            let closing = self.client(slot, client).is_some_and(|client| client.shut_down);
            if parted || closing {
                let serials = self.requests[request].serials.clone();
                self.excuse(&serials, HANDED_OVER);
            }
        }
    }
}

/// One line of a trace: bytes are left out.
fn brief(what: &impl std::fmt::Debug) -> String {
    let mut text = format!("{what:?}");
    for opening in ["body: [", "bytes: [", "Claimed(["] {
        while let Some(start) = text.find(opening) {
            let end = text[start..].find(']').map_or(text.len(), |length| start + length + 1);
            text.replace_range(start + opening.len() - 1..end, "…");
        }
    }
    match text.char_indices().nth(230) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
