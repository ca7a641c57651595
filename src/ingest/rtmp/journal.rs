//! What operators learn of connections that ended: metrics for all, events for those that need somebody.

use weir_media::flv::FlvError;

use crate::actors::events::Events;
use crate::ingest::metrics::Metrics;

use super::conn::{Outcome, Peer};
use super::refusal::Ended;

/// Writes what became of connections.
pub(super) struct Journal {
    events: Events,
    metrics: Metrics,
}

impl Journal {
    pub(super) fn new(events: Events, metrics: Metrics) -> Self {
        Self { events, metrics }
    }

    /// Notes a connection that never began, because a limit was reached.
    pub(super) fn turned_away(&self, reason: &'static str) {
        self.metrics.refused.with_label_values(&[reason]).inc();
    }

    /// Notes how a connection went.
    pub(super) fn note(&self, peer: Peer, outcome: &Outcome) {
        let word = outcome.ended.word();
        self.metrics.ended.with_label_values(&[word]).inc();
        let remote = peer.remote;
        let ended = &outcome.ended;
        tracing::debug!(%remote, protocol = peer.protocol, word, "connection over: {ended}");
        if is_refusal(ended) {
            self.metrics.refused.with_label_values(&[word]).inc();
        }
        let Some(kind) = event_kind(outcome) else {
            return;
        };
        let fields = [
            ("reason", word.to_owned()),
            ("remote", remote.to_string()),
            ("protocol", peer.protocol.to_owned()),
        ];
        let text = match kind {
            "ingest.dropped" => format!("the publisher was dropped: {ended}"),
            _ => format!("a publisher was refused: {ended}"),
        };
        match &outcome.channel {
            Some(channel) => self.events.emit(kind, Some(channel), text, &fields),
            None => self.events.emit_refusal(kind, None, text, &fields),
        }
    }
}

fn is_refusal(ended: &Ended) -> bool {
    let unsupported = matches!(ended, Ended::Media(FlvError::UnsupportedCodec { .. }));
    unsupported || matches!(ended, Ended::Refused(_) | Ended::NoKey | Ended::Playback)
}

/// The event that tells of an end, when it is worth one. What a stream refuses or ends, it tells itself: it
/// knows the channel and the public id of the key.
fn event_kind(outcome: &Outcome) -> Option<&'static str> {
    match &outcome.ended {
        Ended::NoKey | Ended::Playback => Some("publish.refused"),
        Ended::Media(FlvError::UnsupportedCodec { .. }) => Some("ingest.unsupported"),
        Ended::Media(_) | Ended::Protocol(_) | Ended::Silent | Ended::Stuck => {
            outcome.channel.is_some().then_some("ingest.dropped")
        }
        _ => None,
    }
}
