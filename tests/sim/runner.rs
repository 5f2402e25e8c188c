//! Runs seeds on every core, and tells of a failure what is needed to see it again.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

use super::dice::Dice;
use super::options::Options;
use super::world::World;
use super::{Tally, live};

const PROGRESS: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    mono: u64,
    pub message: String,
    options: Options,
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    Seeds(u64),
    Time(Duration),
}

thread_local! {
    /// What a panic said, while one is caught.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics of a run are kept for its failure; all others are told as ever.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            let ours = SAID.with_borrow_mut(|said| {
                said.as_mut().map(|said| *said = panic.to_string()).is_some()
            });
            if !ours {
                usual(panic);
            }
        }));
    });
}

/// Runs one seed, with fewer doings than it has drawn where `most` says so.
pub fn run(seed: u64, most: u64, verbose: bool) -> Result<Tally, Box<Failure>> {
    listen();
    let mut dice = Dice::new(seed);
    let mut options = Options::draw(&mut dice);
    options.doings = options.doings.min(most);
    if verbose {
        println!("{options:#?}");
    }
    let mut world = World::new(options.clone(), dice, verbose);
    SAID.set(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(|| live(&mut world)));
    let message = SAID.take().unwrap_or_default();
    result.map_err(|_| Box::new(Failure { seed, mono: world.mono, message, options }))
}

/// Runs seeds from `first` on until one fails. Tells how far it is where it takes long.
pub fn run_many(first: u64, until: Until) -> Result<(u64, Tally), Box<Failure>> {
    let next = AtomicU64::new(first);
    let over = AtomicBool::new(false);
    let sum = Mutex::new((0, Tally::default()));
    let failure: Mutex<Option<Box<Failure>>> = Mutex::new(None);
    let start = Instant::now();
    let done = |seed: u64| match until {
        Until::Seeds(count) => seed >= first.saturating_add(count),
        Until::Time(time) => start.elapsed() >= time,
    };
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if over.load(Ordering::Relaxed) || done(seed) {
                return;
            }
            match run(seed, u64::MAX, false) {
                Ok(tally) => {
                    let mut sum = sum.lock().expect("no one panics with the lock");
                    sum.0 += 1;
                    sum.1.add(&tally);
                }
                Err(found) => {
                    over.store(true, Ordering::Relaxed);
                    let mut failure = failure.lock().expect("no one panics with the lock");
                    // The first of them, whoever was faster.
                    if failure.as_ref().is_none_or(|failure| found.seed < failure.seed) {
                        *failure = Some(found);
                    }
                }
            }
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, |count| count.get());
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut told = Instant::now();
        while workers.iter().any(|worker| !worker.is_finished()) {
            thread::sleep(Duration::from_millis(20));
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                let (count, tally) = *sum.lock().expect("no one panics with the lock");
                println!("{:>5} s: {}", start.elapsed().as_secs(), report(count, &tally, start));
            }
        }
    });
    match failure.into_inner().expect("no one panics with the lock") {
        Some(failure) => Err(failure),
        None => {
            let (count, tally) = sum.into_inner().expect("no one panics with the lock");
            println!("{}", report(count, &tally, start));
            Ok((count, tally))
        }
    }
}

fn report(count: u64, tally: &Tally, start: Instant) -> String {
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    format!(
        "{count} seeds, {tally:?}; {:.0} seeds and {:.0} events a minute",
        count as f64 / minutes,
        tally.events as f64 / minutes
    )
}

impl Failure {
    /// The same failure with as few doings as can be found quickly.
    pub fn shrink(self: Box<Self>) -> Box<Self> {
        let (mut good, mut best) = (0, self);
        while good + 1 < best.options.doings {
            let middle = good.midpoint(best.options.doings);
            match run(best.seed, middle, false) {
                Err(less) if less.place() == best.place() => best = less,
                _ => good = middle,
            }
        }
        best
    }

    /// Where it panicked, by which two failures are taken for the same.
    fn place(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// What the panic said, on one line.
    #[cfg(feature = "planted")]
    pub fn what(&self) -> String {
        let said = self.message.lines().nth(1).unwrap_or_default();
        said.chars().take(60).collect()
    }

    pub fn tell(&self) -> String {
        let Self { seed, mono, message, options } = self;
        let doings = options.doings;
        format!(
            "seed {seed} failed at {mono} ms; its options:\n{options:#?}\n\
             {message}\nsee it again, step by step: make simulate SEED={seed} DOINGS={doings}"
        )
    }
}
