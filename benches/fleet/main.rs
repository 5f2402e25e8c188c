//! Very many clients, an endpoint that goes down for an hour, and the load that it sees.

#[path = "../../tests/fleet/mod.rs"]
mod fleet;
mod options;
mod plot;
mod table;

use std::cmp::Reverse;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;

use fleet::{Figures, Part, Plan, Scenario};
use options::Options;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{}", options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("fleet: {message}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let wanted = |scenario: &Scenario| scenario.name.contains(&options.only);
    let scenarios: Vec<Scenario> = fleet::all().filter(wanted).collect();
    if scenarios.is_empty() {
        let names: Vec<_> = fleet::all().map(|scenario| scenario.name).collect();
        eprintln!("fleet: no scenario has {:?}; there are: {}", options.only, names.join("; "));
        return ExitCode::from(2);
    }
    let figures = run_all(&options.plan, &scenarios);
    if let Some(path) = &options.plot {
        if let Err(error) = write(Path::new(path), &plot::svg(&options.plan, &figures)) {
            eprintln!("fleet: {path}: {error}");
            return ExitCode::FAILURE;
        }
        eprintln!("written: {path}");
    }
    if options.json {
        println!("{:#}", table::json(&options.plan, &figures));
    } else {
        print!("{}", table::markdown(&options.plan, &figures));
    }
    ExitCode::SUCCESS
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

/// Runs the parts of all scenarios, on every processor.
fn run_all(plan: &Plan, scenarios: &[Scenario]) -> Vec<Figures> {
    let parts = scenarios.iter().enumerate().flat_map(|(index, scenario)| {
        fleet::parts(plan, scenario).into_iter().map(move |clients| (index, clients))
    });
    let mut parts: Vec<_> = parts.collect();
    // The longest first, so that no processor waits for it at the end.
    parts.sort_by_key(|(_, clients)| Reverse(clients.len()));
    let next = Mutex::new(parts.into_iter());
    let totals = Mutex::new(vec![Part::default(); scenarios.len()]);
    let progress = Progress::new(plan.clients * scenarios.len());
    let work = || {
        loop {
            let taken = next.lock().expect("no thread panicked").next();
            let Some((index, clients)) = taken else { return };
            let part = fleet::run(plan, &scenarios[index], clients.clone());
            let total = &mut totals.lock().expect("no thread panicked")[index];
            *total = std::mem::take(total).merge(&part);
            progress.add(clients.len());
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let totals = totals.into_inner().expect("no thread panicked");
    let figures = |(scenario, total): (&Scenario, Part)| Figures::new(plan, *scenario, total);
    scenarios.iter().zip(totals).map(figures).collect()
}

/// Says how far it is, at every tenth.
struct Progress {
    all: usize,
    done: Mutex<usize>,
}

impl Progress {
    fn new(all: usize) -> Self {
        eprintln!("{all} clients to live through an outage, takes some minutes …");
        Self { all, done: Mutex::new(0) }
    }

    fn add(&self, clients: usize) {
        let mut done = self.done.lock().expect("no thread panicked");
        let before = *done * 10 / self.all;
        *done += clients;
        let now = *done * 10 / self.all;
        if now > before {
            eprintln!("{} %", now * 10);
        }
    }
}
