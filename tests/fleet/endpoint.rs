//! The endpoint: what it sees, and what it answers.

use memchr::memmem;

use super::figures::Second;
use super::scenario::{Scenario, Trouble};

#[derive(Clone, Debug)]
pub enum Reply {
    Status { status: u16, retry_after: Option<String> },
    Refused,
    Silence,
}

pub struct Endpoint {
    trouble: Trouble,
    retry_after: Option<String>,
    pub down: bool,
    bucket: Option<Bucket>,
    /// Per client, a bit for each batch that was taken.
    taken: Vec<Vec<u64>>,
    pub taken_events: u64,
    pub doubled: u64,
}

impl Endpoint {
    /// `recovery` is the second of the day at which it will be back.
    pub fn new(scenario: &Scenario, clients: usize, recovery: u64) -> Self {
        let retry_after = match scenario.trouble {
            Trouble::RetryAfterSeconds => Some(String::from("120")),
            Trouble::RetryAfterDate => {
                let (hour, minute) = (recovery / 3_600, recovery / 60 % 60);
                assert!(hour < 24, "the day is over before the outage");
                Some(format!("Fri, 02 Jan 2026 {hour:02}:{minute:02}:{:02} GMT", recovery % 60))
            }
            Trouble::Refused | Trouble::Unavailable | Trouble::BlackHole => None,
        };
        Self {
            trouble: scenario.trouble,
            retry_after,
            down: false,
            bucket: None,
            taken: vec![Vec::new(); clients],
            taken_events: 0,
            doubled: 0,
        }
    }

    /// From now on it takes so many requests a second.
    pub fn limit(&mut self, now: u64, capacity: f64) {
        self.bucket = Some(Bucket { capacity, room: 0.0, at: now });
    }

    pub fn receive(&mut self, now: u64, client: usize, body: &[u8], second: &mut Second) -> Reply {
        second.requests += 1;
        second.bytes += body.len() as u64;
        if !self.down && self.bucket.as_mut().is_none_or(|bucket| bucket.take(now)) {
            second.taken_events += self.take(client, body);
            return Reply::Status { status: 200, retry_after: None };
        }
        second.turned_away += 1;
        match self.trouble {
            Trouble::Refused if self.down => Reply::Refused,
            Trouble::BlackHole if self.down => Reply::Silence,
            _ => Reply::Status { status: 503, retry_after: self.retry_after.clone() },
        }
    }

    /// How many events there are.
    fn take(&mut self, client: usize, body: &[u8]) -> u64 {
        let (seq, events) = read(body);
        let taken = &mut self.taken[client];
        let (word, bit) = (seq / 64, 1 << (seq % 64));
        if taken.len() <= word {
            taken.resize(word + 1, 0);
        }
        let count = if taken[word] & bit == 0 { &mut self.taken_events } else { &mut self.doubled };
        *count += events;
        taken[word] |= bit;
        events
    }
}

/// Fills at the capacity, and holds a second of it.
struct Bucket {
    capacity: f64,
    room: f64,
    at: u64,
}

impl Bucket {
    fn take(&mut self, now: u64) -> bool {
        let earned = (now - self.at) as f64 / 1_000.0 * self.capacity;
        self.at = now;
        self.room = (self.room + earned).min(self.capacity);
        let has_room = self.room >= 1.0;
        if has_room {
            self.room -= 1.0;
        }
        has_room
    }
}

/// The batch's number and how many events there are, from the body as it is sent.
fn read(body: &[u8]) -> (usize, u64) {
    const SEQ: &[u8] = b"\"seq\":";
    let start = memmem::find(body, SEQ).expect("a number") + SEQ.len();
    let digits = body[start..].iter().take_while(|byte| byte.is_ascii_digit());
    let seq = digits.fold(0, |seq, digit| seq * 10 + usize::from(digit - b'0'));
    let events = memmem::find_iter(body, b"\"event_id\":").count();
    (seq, events as u64)
}
