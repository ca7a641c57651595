//! Figures of both servers as a table for people and one line of JSON for scripts.

use serde_json::{Value, json};

/// What a bench found.
pub(crate) struct Report {
    bench: &'static str,
    rows: Vec<Row>,
    bars: Vec<Bar>,
    notes: Vec<String>,
}

struct Row {
    name: String,
    ours: f64,
    rival: Option<f64>,
}

/// A limit that was set before the measurement.
struct Bar {
    name: String,
    value: f64,
    limit: f64,
    ok: bool,
}

impl Report {
    pub(crate) fn new(bench: &'static str) -> Self {
        Self { bench, rows: Vec::new(), bars: Vec::new(), notes: Vec::new() }
    }

    /// A figure of ours, and the rival's where there is one. The first one with a rival is the bench's ratio.
    pub(crate) fn row(&mut self, name: impl Into<String>, ours: f64, rival: Option<f64>) {
        self.rows.push(Row { name: name.into(), ours, rival });
    }

    /// A figure that must not be above its limit.
    pub(crate) fn at_most(&mut self, name: impl Into<String>, value: f64, limit: f64) {
        self.bars.push(Bar { name: name.into(), value, limit, ok: value <= limit });
    }

    /// A figure that must not be below its limit.
    pub(crate) fn at_least(&mut self, name: impl Into<String>, value: f64, limit: f64) {
        self.bars.push(Bar { name: name.into(), value, limit, ok: value >= limit });
    }

    /// Something to know when reading the figures.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    pub(crate) fn print(&self, as_json: bool) {
        println!("\n{:44} {:>12} {:>12} {:>8}", self.bench, "weir", "rival", "ratio");
        for row in &self.rows {
            let rival = row.rival.map_or_else(|| "-".into(), figure);
            let ratio = row.ratio().map_or_else(|| "-".into(), |ratio| format!("{ratio:.2}"));
            println!("{:44} {:>12} {rival:>12} {ratio:>8}", row.name, figure(row.ours));
        }
        println!();
        for bar in &self.bars {
            let mark = if bar.ok { "ok  " } else { "MISS" };
            println!("{mark} {}: {} (limit {})", bar.name, figure(bar.value), figure(bar.limit));
        }
        for note in &self.notes {
            println!("note: {note}");
        }
        if as_json {
            println!("{}", self.json());
        }
    }

    fn json(&self) -> Value {
        let ours = self.rows.iter().map(|row| (row.name.clone(), json!(row.ours)));
        let rival = self.rows.iter().filter_map(|row| Some((row.name.clone(), json!(row.rival?))));
        let bars = self.bars.iter().map(
            |bar| json!({ "name": bar.name, "value": bar.value, "limit": bar.limit, "ok": bar.ok }),
        );
        json!({
            "bench": self.bench,
            "ours": ours.collect::<serde_json::Map<_, _>>(),
            "rival": rival.collect::<serde_json::Map<_, _>>(),
            "ratio": self.rows.iter().find_map(Row::ratio),
            "bars": bars.collect::<Vec<_>>(),
        })
    }
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.rival.filter(|rival| *rival > 0.0).map(|rival| self.ours / rival)
    }
}

/// Four digits that matter.
fn figure(value: f64) -> String {
    let digits = if value.abs() >= 1000.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        3
    };
    format!("{value:.digits$}")
}

/// The middle of some figures.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    percentile(&mut values, 50.0)
}

/// The value below which `percent` of all lie; zero of none.
pub(crate) fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * percent / 100.0).round() as usize).copied().unwrap_or_default()
}
