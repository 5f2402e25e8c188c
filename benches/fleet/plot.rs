//! The load as an SVG: light or dark as the reader's page is.

use std::fmt::Write;

use super::fleet::{Figures, Plan};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 720.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 660.0;
/// Seconds that one point stands for, by the worst of them.
const STEP: usize = 20;
/// The lowest and the highest multiple of the steady load, in powers of ten.
const POWERS: (i32, i32) = (-2, 2);

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-size:17px;font-weight:600}\
.h{font-weight:600}.m{fill:#59636e}.page{fill:#fff}.down{fill:#cf222e;opacity:.09}\
.grid{stroke:#d1d9e0;fill:none}.goal{stroke:#1f2328;stroke-dasharray:6 4}\
.l{fill:none;stroke-width:1.6;stroke-linejoin:round}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9198a1}.page{fill:#0d1117}\
.down{fill:#ff7b72;opacity:.16}.grid{stroke:#30363d}.goal{stroke:#e6edf3}}";

/// Each is told apart on white and on black.
const COLORS: [&str; 6] = ["#2f81f7", "#d9730d", "#1f9d55", "#a855f7", "#d6336c", "#8a8f98"];

pub fn svg(plan: &Plan, all: &[Figures]) -> String {
    let whole = |figures: &&Figures| figures.scenario.is_whole();
    let (product, ablated): (Vec<&Figures>, Vec<&Figures>) = all.iter().partition(whole);
    let title = format!(
        "What an endpoint sees of {} clients when it is down for {} minutes",
        plan.clients,
        plan.outage / 60
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n"
    );
    text(&mut out, 20.0, 30.0, "t", &title);
    let note = "requests a second, as multiples of the steady load; the worst second of each 20";
    text(&mut out, 20.0, 50.0, "m", note);
    panel(&mut out, plan, 76.0, "As it is", &product);
    panel(&mut out, plan, 396.0, "With a part of it taken away", &ablated);
    out.push_str("</svg>\n");
    out
}

/// Where a panel lies, and its scales.
struct Panel {
    top: f64,
    bottom: f64,
    seconds: f64,
}

impl Panel {
    fn x(&self, second: usize) -> f64 {
        LEFT + (RIGHT - LEFT) * second as f64 / self.seconds
    }

    fn y(&self, multiple: f64) -> f64 {
        let (least, most) = (f64::from(POWERS.0), f64::from(POWERS.1));
        let share = (multiple.log10().clamp(least, most) - least) / (most - least);
        self.bottom - (self.bottom - self.top) * share
    }
}

fn panel(out: &mut String, plan: &Plan, top: f64, heading: &str, all: &[&Figures]) {
    let panel = Panel { top: top + 20.0, bottom: top + 270.0, seconds: plan.end() as f64 };
    text(out, 20.0, top + 6.0, "h", heading);
    let (down, back) = (panel.x(plan.warm_up as usize), panel.x(plan.recovery() as usize));
    let (height, width) = (panel.bottom - panel.top, back - down);
    let _ = writeln!(
        out,
        "<rect class=\"down\" x=\"{down:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>",
        panel.top
    );
    for power in POWERS.0..=POWERS.1 {
        let multiple = 10_f64.powi(power);
        let y = panel.y(multiple);
        let _ = writeln!(out, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>");
        text(out, 20.0, y + 4.0, "m", &format!("{multiple} ×"));
    }
    let goal = panel.y(2.0);
    let _ = writeln!(out, "<path class=\"goal\" d=\"M{LEFT} {goal:.1}H{RIGHT}\"/>");
    text(out, 20.0, goal + 4.0, "m", "2 ×");
    let ticks = [(0, "0 min"), (plan.outage / 2, ""), (plan.outage, "")];
    for (since, label) in ticks {
        let x = panel.x((plan.warm_up + since) as usize);
        let minutes = format!("{} min", since / 60);
        let label = if label.is_empty() { &minutes } else { label };
        text(out, x - 16.0, panel.bottom + 18.0, "m", label);
    }
    text(out, down + 8.0, panel.top + 18.0, "m", "the endpoint is down");
    text(out, back + 8.0, panel.top + 18.0, "m", "it is back");
    text(out, RIGHT + 16.0, top + 6.0, "m", "worst second after the recovery");
    for (index, figures) in all.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let y = panel.top + 20.0 + 24.0 * index as f64;
        let _ = writeln!(
            out,
            "<path class=\"l\" stroke=\"{color}\" d=\"M{} {:.1}h18\"/>",
            RIGHT + 16.0,
            y - 4.0
        );
        let label = format!("{:.1} ×  {}", figures.peak_1, figures.scenario.name);
        text(out, RIGHT + 42.0, y, "", &label);
        let _ =
            writeln!(out, "<path class=\"l\" stroke=\"{color}\" d=\"{}\"/>", line(&panel, figures));
    }
}

fn line(panel: &Panel, figures: &Figures) -> String {
    let mut path = String::new();
    for (index, seconds) in figures.total.seconds.chunks(STEP).enumerate() {
        let worst = seconds.iter().map(|second| second.requests).max().unwrap_or_default();
        let (x, y) = (panel.x(index * STEP), panel.y(worst as f64 / figures.steady.requests));
        let _ = write!(path, "{}{x:.0} {y:.0}", if index == 0 { "M" } else { "L" });
    }
    path
}

fn text(out: &mut String, x: f64, y: f64, class: &str, text: &str) {
    let _ = writeln!(out, "<text x=\"{x:.0}\" y=\"{y:.0}\" class=\"{class}\">{text}</text>");
}
