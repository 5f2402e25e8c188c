//! What a run is like. Options are drawn as faults are, so that odd configurations meet odd faults.

use wasm_telemetry::core::format::Format;
use wasm_telemetry::core::pipeline::ExitPolicy;

use super::dice::Dice;

#[derive(Clone, Debug)]
pub struct Options {
    /// One for each of the hosts that share the store.
    pub hosts: Vec<Own>,
    /// What the hosts do in phase one, all together.
    pub doings: u64,
    /// Between two doings of one host, at most.
    pub pause_millis: u64,
    pub mix: Mix,
    pub network: Network,
    pub server: Answers,
    pub store: Store,
    pub life: Life,
    pub clock: Clock,
    /// Every event is compared with what was logged, not only its number and id.
    pub thorough: bool,
}

/// What a host's program asks for.
#[derive(Clone, Debug)]
pub struct Own {
    pub format: Format,
    pub compress: bool,
    pub write_ahead: bool,
    pub exit: ExitPolicy,
    pub consent_late: bool,
    pub allowed_origins: bool,
    /// `batch` numbers that `init` gives, then those of remote configuration at the start.
    pub init: Vec<(&'static str, f64)>,
    pub remote: Vec<(&'static str, f64)>,
    pub skip_auth: bool,
    pub auth_fallback: bool,
}

/// Weights of what a host logs.
#[derive(Clone, Debug)]
pub struct Mix {
    pub plain: u64,
    pub shaped: u64,
    pub exposure: u64,
    pub hostile: u64,
    pub context: u64,
    /// Events in one task, at most.
    pub burst: u64,
    pub long_texts: bool,
}

/// Percentages of requests.
#[derive(Clone, Debug)]
pub struct Network {
    pub refused: u64,
    pub black_hole: u64,
    /// The server took it, and then: a reset, a hang-up, or silence.
    pub response_lost: u64,
    pub auth_fails: u64,
    pub slow_millis: u64,
}

#[derive(Clone, Debug)]
pub struct Answers {
    /// Percentage of answers that are drawn from `statuses`.
    pub trouble: u64,
    pub statuses: Vec<u16>,
    /// Percentage of the troubled answers whose events were taken all the same.
    pub lies: u64,
    pub retry_after: bool,
    /// Percentages of OTLP's successes that reject some events, and whose body comes later than
    /// the head, or never.
    pub partial: u64,
    pub dawdles: u64,
    /// Larger bodies get 413.
    pub max_body: usize,
    pub authorization: Authorization,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    Ignored,
    /// 401 without it.
    Required,
    /// 403 with it: only `authFallback` gets through.
    Refused,
    /// 401 at first, now and then.
    Expires,
}

#[derive(Clone, Debug)]
pub struct Store {
    pub opens_after_millis: u64,
    pub never_opens: u64,
    /// From an operation's command until it is carried out, and from there to its answer.
    pub op_millis: u64,
    pub answer_millis: u64,
    /// Percentages of operations.
    pub failed: u64,
    pub full: u64,
    pub unanswered: u64,
    pub hangs: u64,
    pub capacity: u64,
    /// Percentages of doings after which something happens to a record.
    pub loses: u64,
    pub corrupts: u64,
    pub foreign: u64,
    /// After a power failure each record is as old as it may be, and the last may be torn; otherwise
    /// the last transactions are gone together.
    pub files: bool,
    /// So many entries are listed at a time.
    pub page: usize,
}

/// Percentages of a host's doings that are not logging.
#[derive(Clone, Debug)]
pub struct Life {
    pub crash: u64,
    pub leave_page: u64,
    pub leave_process: u64,
    pub shutdown: u64,
    pub flush: u64,
    pub configure: u64,
    pub hostile_configure: u64,
    pub consent: u64,
    pub kill: u64,
    pub offline: u64,
    pub freeze: u64,
    pub power_failure: u64,
    /// In thousands of a pipeline's steps: killed between two of its commands.
    pub crash_within: u64,
}

#[derive(Clone, Debug)]
pub struct Clock {
    /// Percentages of doings after which the wall's clock jumps, or the machine sleeps.
    pub jump: u64,
    pub sleep: u64,
    /// How many millionths faster the wall's clock goes than the other.
    pub drift: i64,
    /// How much later than asked a timer may ring.
    pub timer_late_millis: u64,
}

impl Options {
    pub fn draw(dice: &mut Dice) -> Self {
        let calm = dice.percent(10);
        let some = |dice: &mut Dice, odds: u64, most: u64| {
            if !calm && dice.percent(odds) { dice.within(1, most) } else { 0 }
        };
        let network = Network {
            refused: some(dice, 40, 60),
            black_hole: some(dice, 30, 30),
            response_lost: some(dice, 30, 30),
            auth_fails: some(dice, 15, 30),
            slow_millis: dice.pick(&[10, 10, 100, 1_000, 3_000, 30_000]),
        };
        let trouble = some(dice, 60, 70);
        let life = Life {
            crash: some(dice, 35, 4),
            leave_page: some(dice, 35, 6),
            leave_process: some(dice, 35, 5),
            shutdown: some(dice, 20, 3),
            flush: some(dice, 40, 8),
            configure: some(dice, 40, 10),
            hostile_configure: some(dice, 30, 5),
            consent: some(dice, 20, 4),
            kill: some(dice, 20, 3),
            offline: some(dice, 35, 6),
            freeze: some(dice, 20, 4),
            power_failure: some(dice, 15, 2),
            crash_within: some(dice, 20, 10),
        };
        let store = Store::draw(dice, !calm);
        let server = Answers {
            trouble,
            statuses: draw_statuses(dice),
            lies: some(dice, 10, 50),
            retry_after: dice.percent(40),
            partial: some(dice, 60, 40),
            dawdles: some(dice, 30, 60),
            max_body: if some(dice, 25, 1) > 0 {
                dice.within(600, 8_000) as usize
            } else {
                1 << 24
            },
            authorization: match some(dice, 30, 3) {
                0 => Authorization::Ignored,
                1 => Authorization::Required,
                2 => Authorization::Refused,
                _ => Authorization::Expires,
            },
        };
        let clock = Clock {
            jump: some(dice, 15, 4),
            sleep: some(dice, 10, 2),
            drift: if some(dice, 8, 1) > 0 { dice.pick(&[-50_000, -200, 200, 50_000]) } else { 0 },
            timer_late_millis: dice.pick(&[0, 0, 16, 16, 1_000, 70_000]),
        };
        let hosts = dice.pick(&[1, 1, 2, 2, 3, 4]);
        let alike = dice.percent(50).then(|| Own::draw(dice));
        let hosts = (0..hosts).map(|_| alike.clone().unwrap_or_else(|| Own::draw(dice))).collect();
        Self {
            hosts,
            doings: dice.pick(&[60, 150, 150, 300]),
            pause_millis: dice.pick(&[0, 20, 300, 2_000, 15_000]),
            mix: Mix {
                plain: dice.within(1, 10),
                shaped: dice.below(10),
                exposure: dice.pick(&[0, 1, 4]),
                hostile: dice.pick(&[0, 0, 2]),
                context: dice.below(3),
                burst: dice.pick(&[1, 2, 3, 10, 30]),
                long_texts: dice.percent(20),
            },
            network,
            server,
            store,
            life,
            clock,
            thorough: dice.percent(25),
        }
    }
}

impl Own {
    fn draw(dice: &mut Dice) -> Self {
        let formats =
            [Format::Json, Format::Json, Format::Json, Format::OtlpJson, Format::OtlpProtobuf];
        Self {
            format: dice.pick(&formats),
            compress: dice.percent(50),
            write_ahead: dice.percent(30),
            exit: dice.pick(&[
                ExitPolicy::Auto,
                ExitPolicy::Auto,
                ExitPolicy::Send,
                ExitPolicy::Keep,
            ]),
            consent_late: dice.percent(10),
            allowed_origins: dice.percent(50),
            init: draw_numbers(dice, 60),
            remote: draw_numbers(dice, 30),
            skip_auth: dice.percent(10),
            auth_fallback: dice.percent(80),
        }
    }

    /// A visitor who asks for nothing.
    pub fn plain() -> Self {
        Self {
            format: Format::Json,
            compress: true,
            write_ahead: false,
            exit: ExitPolicy::Auto,
            consent_late: false,
            allowed_origins: true,
            init: Vec::new(),
            remote: Vec::new(),
            skip_auth: false,
            auth_fallback: true,
        }
    }
}

impl Store {
    fn draw(dice: &mut Dice, faults: bool) -> Self {
        let faults = faults && dice.percent(35);
        let fault = |dice: &mut Dice, odds: u64, most: u64| {
            if faults && dice.percent(odds) { dice.within(1, most) } else { 0 }
        };
        Self {
            never_opens: fault(dice, 10, 50),
            failed: fault(dice, 50, 40),
            full: fault(dice, 40, 60),
            unanswered: fault(dice, 20, 10),
            hangs: fault(dice, 15, 5),
            loses: fault(dice, 30, 5),
            corrupts: fault(dice, 40, 5),
            foreign: fault(dice, 20, 5),
            capacity: if fault(dice, 20, 1) > 0 { dice.within(500, 20_000) } else { u64::MAX },
            opens_after_millis: dice.pick(&[0, 0, 5, 200, 5_000]),
            // Much slower ones would still be writing when the peace at the end is over.
            op_millis: dice.pick(&[0, 1, 5, 50, 200]),
            answer_millis: dice.pick(&[0, 0, 1, 20, 200]),
            files: dice.percent(50),
            page: dice.pick(&[1, 2, 5, usize::MAX]),
        }
    }
}

fn draw_statuses(dice: &mut Dice) -> Vec<u16> {
    const USUAL: [u16; 15] =
        [408, 429, 500, 502, 503, 504, 400, 404, 413, 401, 403, 302, 410, 507, 204];
    let kinds = dice.within(1, 4);
    let status = |dice: &mut Dice| match dice.below(10) {
        0..=5 => 503,
        6..=8 => dice.pick(&USUAL),
        9 if dice.percent(20) => dice.pick(&[0, 600, 999]),
        _ => dice.within(100, 599) as u16,
    };
    (0..kinds).map(|_| status(dice)).collect()
}

/// A few fields of `batch`, each with a value of its range, small ones more often.
pub fn draw_numbers(dice: &mut Dice, odds: u64) -> Vec<(&'static str, f64)> {
    let fields: [(&str, &[u64]); 11] = [
        ("scheduledDelayMillis", &[10, 200, 1_000, 10_000, 60_000]),
        ("maxExportBatchSize", &[1, 2, 7, 30, 200]),
        ("maxExportBatchBytes", &[1_024, 2_000, 20_000, 524_288]),
        ("maxQueueSize", &[1, 5, 40, 300, 8_192]),
        ("maxQueueBytes", &[1_024, 5_000, 100_000, 8_388_608]),
        ("maxAttempts", &[1, 2, 8, 100]),
        ("exportTimeoutMillis", &[10, 500, 10_000, 60_000]),
        ("baseBackoffMillis", &[1, 100, 500, 5_000]),
        ("maxBackoffMillis", &[1, 1_000, 30_000, 600_000]),
        ("maxStoreBytes", &[0, 1_000, 8_000, 52_428_800, 52_428_800]),
        ("maxStoreAgeMillis", &[1_000, 60_000, 604_800_000, 604_800_000]),
    ];
    let mut drawn = Vec::new();
    for (name, choices) in fields {
        if dice.percent(odds) && dice.percent(50) {
            drawn.push((name, dice.pick(choices) as f64));
        }
    }
    drawn
}
