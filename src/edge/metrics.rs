//! What the edge counts: `weir_edge_*`. Labels are kinds and status classes, never names or ids.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A multivariant playlist.
    Multivariant,
    /// A media playlist.
    Playlist,
    /// An initialisation section.
    Init,
    /// A segment.
    Segment,
    /// A part.
    Part,
    /// The watch page and what belongs to it.
    Page,
    /// Signing in and out.
    Auth,
    /// Taking part in private sessions.
    Session,
    /// Anything else.
    Other,
}

const KINDS: [&str; 9] =
    ["multivariant", "playlist", "init", "segment", "part", "page", "auth", "session", "other"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counters and gauges of the edge.
pub struct Metrics {
    /// By kind and status class, resolved once so that a request costs one addition.
    answers: Vec<IntCounter>,
    /// Media and playlist bytes handed to sockets, by kind.
    bytes: Vec<IntCounter>,
    /// Open connections.
    pub connections: IntGauge,
    /// Connections closed at once because there were too many.
    pub connections_refused: IntCounter,
    /// Connections that ended by a failed TLS handshake.
    pub tls_failures: IntCounter,
    /// Connections closed because they took too long to read their answer.
    pub slow_readers: IntCounter,
    /// Watch pages that are told of changes.
    pub pages: IntGauge,
    /// Watch pages that were told to ask instead.
    pub pages_refused: IntCounter,
    /// Viewings.
    pub viewings: IntGauge,
    /// Requests that wait for a part, a segment or the start of a show.
    pub waiting: IntGauge,
}

impl Metrics {
    /// Makes the series and registers them.
    ///
    /// # Errors
    /// When one of the names is taken already.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let answers = IntCounterVec::new(
            Opts::new("weir_edge_answers_total", "Answers to viewers, by kind and status class"),
            &["kind", "class"],
        )?;
        let bytes = IntCounterVec::new(
            Opts::new("weir_edge_body_bytes_total", "Bytes of answers' bodies, by kind"),
            &["kind"],
        )?;
        registry.register(Box::new(answers.clone()))?;
        registry.register(Box::new(bytes.clone()))?;
        let pairs = KINDS.iter().flat_map(|kind| CLASSES.iter().map(move |class| [*kind, *class]));
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        Ok(Self {
            answers: pairs.map(|pair| answers.with_label_values(&pair)).collect(),
            bytes: KINDS.iter().map(|kind| bytes.with_label_values(&[kind])).collect(),
            connections: gauge("weir_edge_connections", "Open viewers' connections")?,
            connections_refused: counter(
                "weir_edge_connections_refused_total",
                "Viewers' connections closed at once because there were too many",
            )?,
            tls_failures: counter("weir_edge_tls_failures_total", "Failed TLS handshakes")?,
            slow_readers: counter(
                "weir_edge_slow_readers_total",
                "Connections closed because they did not read their answer in time",
            )?,
            pages: gauge("weir_edge_pages", "Watch pages that are told of changes")?,
            pages_refused: counter(
                "weir_edge_pages_refused_total",
                "Watch pages that were told to ask instead because there were too many",
            )?,
            viewings: gauge("weir_edge_viewings", "Viewings")?,
            waiting: gauge("weir_edge_waiting_requests", "Requests that are being held")?,
        })
    }

    /// Counts an answer.
    pub fn answered(&self, kind: Kind, status: u16, bytes: u64) {
        let class = usize::from(status / 100).clamp(1, CLASSES.len()) - 1;
        if let Some(counter) = self.answers.get(kind as usize * CLASSES.len() + class) {
            counter.inc();
        }
        if let Some(counter) = self.bytes.get(kind as usize) {
            counter.inc_by(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_kind_and_class() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry).unwrap();
        metrics.answered(Kind::Segment, 206, 10);
        metrics.answered(Kind::Segment, 200, 5);
        metrics.answered(Kind::Other, 404, 0);
        metrics.answered(Kind::Other, 9999, 0);
        let families = registry.gather();
        let total = |family: &str, value: &str| -> f64 {
            let one = families.iter().find(|one| one.name() == family).unwrap();
            let with = |m: &&prometheus::proto::Metric| {
                m.get_label().iter().any(|label| label.value() == value)
            };
            one.get_metric().iter().filter(with).map(|m| m.get_counter().get_value()).sum()
        };
        assert_eq!(total("weir_edge_answers_total", "segment"), 2.0);
        assert_eq!(total("weir_edge_answers_total", "4xx"), 1.0);
        assert_eq!(total("weir_edge_answers_total", "5xx"), 1.0);
        assert_eq!(total("weir_edge_body_bytes_total", "segment"), 15.0);
    }
}
