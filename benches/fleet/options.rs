//! The command line.

use super::fleet::Plan;

pub const USAGE: &str = "\
Usage: cargo bench --bench fleet --features ablation -- [options]

  --clients N   how many clients, 100 to 1000000 (100000)
  --minutes N   for how long the endpoint is down, 1 to 600 (60)
  --only TEXT   only the scenarios whose name has it
  --plot PATH   draw the load, as SVG
  --json        print the figures as JSON
  --help        print this

Without the feature `ablation`, only what ships is run.";

pub struct Options {
    pub plan: Plan,
    pub only: String,
    pub plot: Option<String>,
    pub json: bool,
}

impl Options {
    /// `None` if help is asked for.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let plan = Plan { clients: 100_000, warm_up: 300, outage: 3_600, after: 1_200 };
        let mut options = Self { plan, only: String::new(), plot: None, json: false };
        while let Some(argument) = arguments.next() {
            let name = argument.as_str();
            let mut value = || arguments.next().ok_or_else(|| format!("{name} needs a value"));
            match name {
                "--clients" => {
                    options.plan.clients = number(name, &value()?, 100, 1_000_000)? as usize;
                }
                "--minutes" => options.plan.outage = 60 * number(name, &value()?, 1, 600)?,
                "--only" => options.only = value()?,
                "--plot" => options.plot = Some(value()?),
                "--json" => options.json = true,
                "--help" => return Ok(None),
                // `cargo bench` adds it.
                "--bench" => {}
                _ => return Err(format!("unknown option {name}")),
            }
        }
        Ok(Some(options))
    }
}

fn number(name: &str, text: &str, least: u64, most: u64) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{name} must be a whole number from {least} to {most}, not {text:?}")),
    }
}
