//! What ingest counts for Prometheus. Labels are words of this program, never anything a peer sent.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// The series of all ingest protocols. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Metrics {
    /// Connections open now.
    pub connections: IntGauge,
    /// Publishers that feed a stream now.
    pub publishers: IntGauge,
    /// Connections that are over, by how they ended.
    pub ended: IntCounterVec,
    /// Publishers that were refused, by reason.
    pub refused: IntCounterVec,
    /// Bytes received.
    pub bytes: IntCounter,
    /// Messages received, by kind.
    pub messages: IntCounterVec,
    /// Tags that could not be read and were left out.
    pub malformed: IntCounter,
}

impl Metrics {
    /// Makes the series and puts them into `registry`.
    ///
    /// # Errors
    /// When the registry has series of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self {
            connections: IntGauge::new("weir_ingest_connections", "Ingest connections open now")?,
            publishers: IntGauge::new(
                "weir_ingest_publishers",
                "Publishers that feed a stream now",
            )?,
            ended: counters(
                "weir_ingest_connections_ended_total",
                "Ingest connections that are over, by how they ended",
                "result",
            )?,
            refused: counters(
                "weir_ingest_refused_total",
                "Publishers and connections that were refused, by reason",
                "reason",
            )?,
            bytes: IntCounter::new(
                "weir_ingest_received_bytes_total",
                "Bytes received from publishers",
            )?,
            messages: counters(
                "weir_ingest_messages_total",
                "Messages received from publishers, by kind",
                "kind",
            )?,
            malformed: IntCounter::new(
                "weir_ingest_malformed_tags_total",
                "Media messages that could not be read and were left out",
            )?,
        };
        metrics.register(registry)?;
        Ok(metrics)
    }

    fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.connections.clone()))?;
        registry.register(Box::new(self.publishers.clone()))?;
        registry.register(Box::new(self.ended.clone()))?;
        registry.register(Box::new(self.refused.clone()))?;
        registry.register(Box::new(self.bytes.clone()))?;
        registry.register(Box::new(self.messages.clone()))?;
        registry.register(Box::new(self.malformed.clone()))
    }
}

fn counters(name: &str, help: &str, label: &str) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), &[label])
}
