//! What is counted at the door. Labels are outcomes, never names.

use prometheus::{IntCounterVec, Opts, Registry};

use super::Refusal;

/// Counters of the door.
pub(super) struct Metrics {
    logins: IntCounterVec,
    registrations: IntCounterVec,
}

impl Metrics {
    /// Makes the series and registers them, each at 0.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounterVec> {
            let counter = IntCounterVec::new(Opts::new(name, help), &["outcome"])?;
            registry.register(Box::new(counter.clone()))?;
            for outcome in Refusal::OUTCOMES.iter().chain(&["ok"]) {
                counter.with_label_values(&[*outcome]);
            }
            Ok(counter)
        };
        Ok(Self {
            logins: counter("weir_logins_total", "Attempts to sign in, by outcome")?,
            registrations: counter(
                "weir_registrations_total",
                "Attempts to make an account on the viewers' address, by outcome",
            )?,
        })
    }

    pub(super) fn logged_in(&self, refusal: Option<&Refusal>) {
        self.logins.with_label_values(&[refusal.map_or("ok", Refusal::outcome)]).inc();
    }

    pub(super) fn registered(&self, refusal: Option<&Refusal>) {
        self.registrations.with_label_values(&[refusal.map_or("ok", Refusal::outcome)]).inc();
    }
}
