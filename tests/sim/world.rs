//! Virtual time and the driver's rule: input, handle, carry out every command, arm one timer, wait.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use wasm_telemetry::core::config::{Layer, Setting};
use wasm_telemetry::core::io::{Command, Input};
use wasm_telemetry::core::ledger::Ledger;
use wasm_telemetry::core::store::StoreResult;
use wasm_telemetry::core::time::{Millis, Now, UnixMillis};

use super::checks::Cause;
use super::client::Client;
use super::dice::Dice;
use super::disk::Change;
use super::duplicates::{Holder, PUNCTUAL_MILLIS};
use super::life::End;
use super::network::Request;
use super::options::Options;
use super::partial::Said;
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
    StoreAnswers { slot: usize, client: u32 },
    Arrives { request: usize },
    Answers { request: usize, answer: Answer },
    Begins { slot: usize },
    Ends { slot: usize, client: u32 },
    Thaws { slot: usize, client: u32 },
}

#[derive(Clone, Debug)]
pub enum Answer {
    Response {
        status: u16,
        retry_after: Option<String>,
        said: Said,
    },
    /// The head of a success; the rest comes later, or never.
    Accepted,
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
    /// The denial that the store remembers, and since when.
    pub denied: (Option<u64>, u64),
    pub verbose: bool,
    agenda: BinaryHeap<Reverse<(u64, u64, usize)>>,
    happenings: Vec<Option<Happening>>,
    appointments: u64,
    pub slots: Vec<Slot>,
    /// What is left of clients that are gone.
    pub past: Vec<Ledger>,
    pub clients_made: u32,
    pub store: SharedStore,
    pub server: Server,
    pub requests: Vec<Request>,
    /// Of all clients: who allows fewer may find a batch in the store that has had more.
    pub most_attempts: u64,
    pub requests_of: HashMap<u128, Vec<usize>>,
    pub events: Vec<Logged>,
    /// The events under each key that was ever put into the store, as last put.
    pub contents: HashMap<String, Vec<u32>>,
    /// What was last asked to be put there: the batch, and its events.
    pub commanded: HashMap<String, (u128, Vec<u32>)>,
    pub holders: HashMap<String, Holder>,
    /// What was done to the store last, for the case that the power fails.
    pub changes: VecDeque<Change>,
    /// Events of records whose lease ran out under a living holder, who can see that by its clock.
    pub lapsed: Vec<u32>,
    /// When the wall's clock last jumped.
    pub jumped_at: u64,
    pub doings_left: u64,
    pub splits: bool,
    pub steps: u64,
}

impl World {
    pub fn new(options: Options, dice: Dice, verbose: bool) -> Self {
        let doings_left = options.doings;
        let (capacity, page) = (options.store.capacity, options.store.page);
        let store = SharedStore { capacity, page, ..SharedStore::default() };
        let slots = options.hosts.iter().map(|_| Slot::default()).collect();
        Self {
            options,
            dice,
            mono: 1_000,
            wall_offset: 0,
            faults: true,
            denied: (None, 0),
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
            most_attempts: 0,
            requests_of: HashMap::new(),
            events: Vec::new(),
            contents: HashMap::new(),
            commanded: HashMap::new(),
            holders: HashMap::new(),
            changes: VecDeque::new(),
            lapsed: Vec::new(),
            jumped_at: 0,
            doings_left,
            splits: false,
            steps: 0,
        }
    }

    pub fn now(&self) -> Now {
        let drift = self.mono as i64 / 1_000 * self.options.clock.drift / 1_000;
        let wall = (START_WALL + self.mono).saturating_add_signed(self.wall_offset + drift);
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

    pub fn happen(&mut self, happening: Happening) {
        let Some(happening) = self.hold_back(happening) else { return };
        match happening {
            Happening::Host { slot } => self.host(slot),
            Happening::Begins { slot } => self.begin(slot),
            Happening::Ends { slot, client } => {
                let (faults, mono) = (self.faults, self.mono);
                let Some(found) = self.client(slot, client).filter(|_| faults) else { return };
                // What it did since it left, it did for nothing.
                let discarded = found.thawed_at == Some(mono);
                self.end(slot, if discarded { End::Crash } else { End::Left });
            }
            Happening::Thaws { slot, client } => self.thaw(slot, client),
            Happening::Wake { slot, client, timer } => {
                let mono = self.mono;
                let Some(found) = self.client(slot, client) else { return };
                if found.timer_number == timer {
                    if found.timer.take().is_some_and(|time| time + PUNCTUAL_MILLIS < mono) {
                        found.hindered_at = Some(mono);
                    }
                    self.count_wake(slot);
                    self.give(slot, Input::Wake, Cause::Other);
                }
            }
            Happening::StoreOpens { slot, client } => {
                let Some(found) = self.client(slot, client) else { return };
                found.store_open = true;
                self.give(slot, Input::StoreReady, Cause::Other);
            }
            Happening::StoreWorks { slot, client } => self.work_store(slot, client),
            Happening::StoreAnswers { slot, client } => {
                let found = self.client(slot, client);
                let Some((id, result)) = found.and_then(|found| found.results.pop_front()) else {
                    return;
                };
                self.say(|| format!("{client}: store {} answers {}", id.0, brief(&result)));
                let claimed = matches!(result, StoreResult::Claimed(_));
                let cause = if claimed { Cause::Claimed } else { Cause::Other };
                self.give(slot, Input::Stored { id, result }, cause);
                if claimed {
                    // It may be larger than this client's queue, and not be sent after all.
                    self.allow_surplus(slot);
                }
            }
            Happening::Arrives { request } => self.arrive(request),
            Happening::Answers { request, answer } => self.answer(request, answer),
        }
    }

    /// What would reach a frozen client waits for its thaw.
    fn hold_back(&mut self, happening: Happening) -> Option<Happening> {
        let slot = match happening {
            Happening::Host { slot }
            | Happening::Ends { slot, .. }
            | Happening::Wake { slot, .. }
            | Happening::StoreOpens { slot, .. }
            | Happening::StoreAnswers { slot, .. } => slot,
            Happening::Answers { request, .. } => self.requests[request].slot,
            _ => return Some(happening),
        };
        match self.slots[slot].client.as_mut().filter(|client| client.frozen) {
            Some(client) => {
                client.held_back.push(happening);
                None
            }
            None => Some(happening),
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
        if matches!(input, Input::Online(_) | Input::Flush { .. } | Input::Shutdown { .. }) {
            client.health.hold_until = 0;
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
        self.note_limits(slot);
        let Some(client) = &self.slots[slot].client else { return };
        if self.verbose {
            println!("{:>9} {}: configure {settings:?}: {report:?}", self.mono, client.id);
        }
        self.after(slot, before, commands, Cause::Other);
    }

    fn after(&mut self, slot: usize, before: Ledger, commands: Vec<Command>, cause: Cause) {
        self.follow_denial(slot);
        self.check_step(slot, &before, &commands, cause);
        let killed = self.faults && self.dice.below(1_000) < self.options.life.crash_within;
        let done = if killed { self.dice.below(commands.len() as u64 + 1) as usize } else { 0 };
        for (index, command) in commands.into_iter().enumerate() {
            if killed && index >= done {
                self.never_obeyed(slot, &command);
            } else {
                self.obey(slot, command);
            }
        }
        if killed {
            self.end(slot, End::Crash);
        }
        self.check_deadlines(slot);
        self.arm(slot);
    }

    fn obey(&mut self, slot: usize, command: Command) {
        if self.verbose {
            println!("{:>9}    {}", self.mono, brief(&command));
        }
        match command {
            Command::Export(export) => self.launch(slot, export),
            Command::Cancel(id) => self.cancel(slot, id),
            Command::Store { id, op } => self.command_store(slot, id, op),
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
            if self.faults { self.dice.below(self.options.clock.timer_late_millis + 1) } else { 0 };
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
