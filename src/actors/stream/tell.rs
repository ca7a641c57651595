//! What a stream tells others: the log of events, viewers by its public state, operators by its condition.

use std::sync::atomic::Ordering;

use weir_media::show::Admission;
use weir_model::stream::HealthLevel;
use weir_model::{ShowId, StreamInfo, StreamState};

use super::{Publish, Publisher, State};
use crate::actors::streams::StopReason;

/// The live bitrate is the mean of this many ticks.
const BITRATE_TICKS: usize = 3;

impl State {
    pub(super) fn tell_live(&self, admission: Admission, publish: &Publish) {
        let (kind, text) = match admission {
            Admission::Begin => ("stream.live", "a show began"),
            Admission::TakeOver => ("stream.taken_over", "its publisher came back and took over"),
            _ => ("stream.reconnected", "its publisher came back inside the grace period"),
        };
        let fields = [
            self.show_field(),
            ("protocol", publish.protocol.to_owned()),
            ("remote", publish.remote.to_string()),
            ("key", publish.key.id.to_string()),
        ];
        self.tell(kind, text, &fields);
    }

    pub(super) fn tell_gone(&self) {
        let text = "the publisher is gone; the show waits for it to come back";
        let grace = [("grace_ms", self.context.config.show.grace_ms.to_string())];
        self.tell("stream.publisher_gone", text, &grace);
    }

    pub(super) fn tell_dropped(&self, publisher: &Publisher, reason: &StopReason) {
        let word = match reason {
            StopReason::KeyWithdrawn => "key_withdrawn",
            StopReason::Kicked(_) => "kicked",
            StopReason::Moved => "moved",
            StopReason::NodeStops => "node_stops",
            StopReason::StoreFails => "store_fails",
            StopReason::TakenOver => "taken_over",
        };
        let mut fields =
            vec![("reason", word.to_owned()), ("remote", publisher.info.remote.clone())];
        if let StopReason::Kicked(said) = reason {
            fields.push(("said", said.clone()));
        }
        self.tell("stream.publisher_dropped", "the publisher was dropped", &fields);
    }

    pub(super) fn tell_ended(&self) {
        self.tell("stream.ended", "the show is over", &[self.show_field()]);
    }

    /// Tells of each stall of a connected publisher once, and of its end.
    pub(super) fn tell_stalls(&mut self) {
        let stalls = self.gauge.stalls.load(Ordering::Relaxed);
        // Pairs with the loop's `Release`: what it wrote about the end of the stall is seen.
        let resumes = self.gauge.resumes.load(Ordering::Acquire);
        let (stalls_told, resumes_told) =
            std::mem::replace(&mut self.stalls_told, (stalls, resumes));
        if stalls > stalls_told {
            let text =
                "the publisher is connected but sends nothing; viewers get gaps until it does";
            self.tell("stream.stalled", text, &[self.show_field()]);
        }
        if resumes > resumes_told {
            let late = self.gauge.late.load(Ordering::Relaxed).to_string();
            let text = "the publisher sends media again";
            self.tell("stream.resumed", text, &[self.show_field(), ("late_frames", late)]);
        }
    }

    pub(super) fn bitrate(&self) -> u64 {
        let recent = self.history.iter().rev().take(BITRATE_TICKS);
        let ticks = recent.len().max(1) as u64;
        recent.sum::<u64>() / ticks
    }

    /// Shows viewers the present state.
    pub(super) fn announce(&self) {
        let (state, show) = (self.show.state(), self.show_id);
        self.state.send_if_modified(|public| {
            let changed = (public.state, public.show) != (state, show);
            (public.state, public.show) = (state, show);
            changed
        });
    }

    pub(super) fn info(&self) -> StreamInfo {
        let live = self.show.state() == StreamState::Live;
        let report = self.publisher.as_ref().map(|one| one.report.clone()).unwrap_or_default();
        let next_msn = self.gauge.next_msn.load(Ordering::Relaxed);
        let skipped_now = self.publisher.as_ref().map_or(0, |one| one.feed.skipped());
        StreamInfo {
            channel: self.channel.clone(),
            node: None,
            state: self.show.state(),
            playable: self.state.borrow().playable,
            show: self.show_id,
            since: self.since,
            publisher: self.publisher.as_ref().map(|one| one.info.clone()),
            grace_until: self.show.grace_until(),
            bitrate: self.bitrate(),
            bitrate_history: self.history.iter().copied().collect(),
            viewers: self.context.viewings.count(&self.channel),
            msn: next_msn.checked_sub(1).filter(|_| live),
            reconnects: self.reconnects,
            skipped_frames: self.skipped_before + skipped_now,
            health: report.findings.first().map_or(HealthLevel::Ok, |worst| worst.level),
            findings: report.findings,
            tracks: report.tracks,
        }
    }

    fn tell(&self, kind: &str, text: &str, fields: &[(&str, String)]) {
        self.context.events.emit(kind, Some(&self.channel), text, fields);
    }

    fn show_field(&self) -> (&'static str, String) {
        ("show", self.show_id.unwrap_or(ShowId(0)).to_string())
    }
}
