//! What befalls the endpoint, and what is taken away from the clients.

/// The fleet's size, and seconds of virtual time.
#[derive(Clone, Debug)]
pub struct Plan {
    pub clients: usize,
    pub warm_up: u64,
    pub outage: u64,
    pub after: u64,
}

impl Plan {
    pub fn recovery(&self) -> u64 {
        self.warm_up + self.outage
    }

    pub fn end(&self) -> u64 {
        self.recovery() + self.after
    }
}

/// What the endpoint does while it is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No connection.
    Refused,
    /// Status 503.
    Unavailable,
    /// Status 503 with `Retry-After: 120`.
    RetryAfterSeconds,
    /// Status 503 with the date of the recovery.
    RetryAfterDate,
    /// Never an answer.
    BlackHole,
}

#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub trouble: Trouble,
    /// Once it is back, the endpoint answers 503 to what exceeds so many times the steady load.
    pub capacity: Option<f64>,
    pub jitter: bool,
    pub circuit: bool,
}

const fn product(name: &'static str, trouble: Trouble) -> Scenario {
    Scenario { name, trouble, capacity: None, jitter: true, circuit: true }
}

const REFUSED: Scenario = product("refused connections", Trouble::Refused);
const DATE: Scenario = product("503, Retry-After: a date", Trouble::RetryAfterDate);
const OVERLOAD: Scenario = Scenario {
    capacity: Some(1.5),
    ..product("503, then room for 1.5 × steady", Trouble::Unavailable)
};

const PRODUCT: [Scenario; 6] = [
    REFUSED,
    product("503", Trouble::Unavailable),
    product("503, Retry-After: 120", Trouble::RetryAfterSeconds),
    DATE,
    product("no answer", Trouble::BlackHole),
    OVERLOAD,
];

/// The same state machine with something taken away.
#[cfg(feature = "ablation")]
const ABLATED: [Scenario; 4] = [
    Scenario { name: "refused, no jitter", jitter: false, ..REFUSED },
    Scenario { name: "refused, no circuit", circuit: false, ..REFUSED },
    Scenario { name: "a date, no jitter", jitter: false, ..DATE },
    Scenario { name: "1.5 × steady, neither", jitter: false, circuit: false, ..OVERLOAD },
];

#[cfg(not(feature = "ablation"))]
const ABLATED: [Scenario; 0] = [];

pub fn all() -> impl Iterator<Item = Scenario> {
    PRODUCT.into_iter().chain(ABLATED)
}

impl Scenario {
    /// Whether nothing is taken away.
    pub fn is_whole(&self) -> bool {
        self.jitter && self.circuit
    }

    /// Takes away what this scenario does without, for the pipelines of this thread.
    pub fn ablate(&self) {
        #[cfg(feature = "ablation")]
        wasm_telemetry::core::ablation::set(!self.jitter, !self.circuit);
        #[cfg(not(feature = "ablation"))]
        assert!(self.is_whole(), "needs the feature `ablation`");
    }
}
