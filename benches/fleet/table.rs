//! The figures as a table, and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::fleet::{Figures, Plan};

pub fn markdown(plan: &Plan, all: &[Figures]) -> String {
    let mut out = String::new();
    let Some(first) = all.first() else {
        return out;
    };
    let steady = first.steady;
    let _ = writeln!(
        out,
        "{} clients, an endpoint that is down for {} minutes. Steady load: {:.0} requests, {:.0} \
         events and {:.0} KB a second.\n",
        plan.clients,
        plan.outage / 60,
        steady.requests,
        steady.events,
        steady.bytes / 1_000.0,
    );
    out.push_str(
        "| | requests/s while down: worst second, mean, last sixth | after, worst second | \
         worst 10 s | worst 10 s, events | turned away | stored at recovery: events, batches | \
         99 % of it gone after | all | dropped | lost | doubled |\n\
         | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n",
    );
    for figures in all {
        row(&mut out, figures);
    }
    out
}

fn row(out: &mut String, figures: &Figures) {
    let total = &figures.total;
    let _ = writeln!(
        out,
        "| {} | {:.0}, {:.0}, {:.0} | {:.2} × | {:.2} × | {:.2} × | {} | {}, {} | {} | {} | {} | \
         {} | {} |",
        figures.scenario.name,
        figures.outage_peak,
        figures.outage,
        figures.outage_late,
        figures.peak_1,
        figures.peak_10,
        figures.peak_events_10,
        figures.turned_away,
        figures.backlog,
        total.batches,
        minutes(figures.mostly_drained),
        minutes(figures.drained),
        dropped(figures),
        total.lost(),
        total.doubled,
    );
}

fn minutes(seconds: Option<u64>) -> String {
    match seconds {
        Some(seconds) => format!("{:.1} min", seconds as f64 / 60.0),
        None => String::from("not yet"),
    }
}

fn dropped(figures: &Figures) -> String {
    let reasons = figures.total.dropped.iter();
    let told: Vec<_> = reasons.map(|(name, events)| format!("{events} {name}")).collect();
    if told.is_empty() { String::from("0") } else { told.join(", ") }
}

pub fn json(plan: &Plan, all: &[Figures]) -> Value {
    let scenarios: Vec<Value> = all.iter().map(one).collect();
    json!({
        "clients": plan.clients,
        "outageSeconds": plan.outage,
        "scenarios": scenarios,
    })
}

fn one(figures: &Figures) -> Value {
    let Figures { steady, total, .. } = figures;
    let dropped: serde_json::Map<String, Value> =
        total.dropped.iter().map(|(name, events)| (String::from(name), json!(events))).collect();
    json!({
        "name": figures.scenario.name,
        "jitter": figures.scenario.jitter,
        "circuit": figures.scenario.circuit,
        "steady": {
            "requestsPerSecond": steady.requests,
            "eventsPerSecond": steady.events,
            "bytesPerSecond": steady.bytes,
        },
        "outage": {
            "requestsPerSecond": figures.outage,
            "lastSixth": figures.outage_late,
            "worstSecond": figures.outage_peak,
        },
        "after": {
            "worstSecond": figures.peak_1,
            "worstTenSeconds": figures.peak_10,
            "worstTenSecondsEvents": figures.peak_events_10,
            "worstTenSecondsBytes": figures.peak_bytes_10,
            "turnedAway": figures.turned_away,
        },
        "backlog": {
            "events": figures.backlog,
            "batches": total.batches,
            "mostlyDrainedSeconds": figures.mostly_drained,
            "drainedSeconds": figures.drained,
        },
        "events": {
            "logged": total.logged,
            "delivered": total.delivered,
            "held": total.held,
            "dropped": dropped,
            "lost": total.lost(),
            "doubled": total.doubled,
        },
    })
}
