//! One segment on one stream.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use weir_media::replica::{Progress, SegmentHead};
use weir_media::{Init, TrackId, TrackKind};

use super::send::Sub;
use super::wire::{Header, SEGMENT, code, end_record, init_record, part_record};
use crate::link::stream::{StreamError, Writer};

/// A segment of before that cannot be sent within this is of no use to anybody.
const CATCH_UP_MAX: Duration = Duration::from_secs(20);

/// How urgent a stream is; see CLUSTER.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Where the show stands.
    Control,
    /// A segment that is being made.
    Live,
    /// A segment that was being made before its peer came: what is there of it must not delay what others play.
    Joined,
    /// A segment that a peer misses.
    Repair,
    /// Segments from before a peer came.
    CatchUp,
}

impl Class {
    /// The segment is still being made.
    const fn grows(self) -> bool {
        matches!(self, Self::Live | Self::Joined)
    }
}

/// `class << 26 | msn << 12`: classes first, then the newest segment. Audio goes before video, and lower renditions
/// first among videos (the main track is the largest).
pub(super) fn priority(class: Class, track: TrackId, msn: u64) -> i32 {
    let class = match (class, track.kind) {
        (Class::Control, _) => 15,
        (Class::Live, TrackKind::Audio) => 12,
        (Class::Live, TrackKind::Video) => 8 + i32::from(track.index.min(3)),
        (Class::Joined, _) => 6,
        (Class::Repair, _) => 4,
        (Class::CatchUp, _) => 2,
    };
    class << 26 | ((msn & 0x3fff) as i32) << 12
}

impl Sub {
    /// Sends a segment as it grows, until it is there, too late, or gone.
    pub(super) async fn segment(self: &Arc<Self>, head: SegmentHead, first: u64, class: Class) {
        let (track, msn) = (head.track, head.mark.msn);
        let Some(header) = self.header(head, first) else { return };
        let urgency = priority(class, track, msn);
        let Ok(mut writer) = self.link.open(self.peer, SEGMENT, &header, urgency).await else {
            self.counts.unsent.fetch_add(1, Relaxed);
            return;
        };
        let section = match self.write(&mut writer, track, msn, first, class).await {
            Ok(section) => section,
            Err(code) => {
                self.counts.resets.fetch_add(1, Relaxed);
                self.refused(track, msn, u64::from(code));
                writer.reset(code);
                return;
            }
        };
        let arrived = tokio::select! {
            arrived = writer.delivered() => arrived,
            () = self.too_late(track, msn, class) => Err(StreamError::Stopped(u64::from(code::STALE))),
        };
        if let Err(StreamError::Stopped(code)) = arrived {
            self.refused(track, msn, code);
        }
        let count = if arrived.is_ok() { &self.counts.segments } else { &self.counts.resets };
        count.fetch_add(1, Relaxed);
        if let Some(section) = section.filter(|_| arrived.is_ok()) {
            self.known.lock().entry(track).or_default().add(section);
        }
    }

    /// None when a new show began since the segment was seen.
    fn header(&self, head: SegmentHead, from_part: u64) -> Option<serde_json::Value> {
        let msn = head.mark.msn;
        let status = self.offer.window.status();
        if status.show.is_some_and(|show| msn < show) {
            return None;
        }
        let header = Header {
            channel: self.channel.clone(),
            sub: self.id,
            epoch: self.offer.epoch,
            show: status.show.unwrap_or(msn),
            part_target_us: status.part_target_us,
            shade: *self.shade.lock(),
            head,
            from_part,
        };
        serde_json::to_value(header).ok()
    }

    /// The section it sent; or the code with which to give up.
    async fn write(
        &self,
        writer: &mut Writer,
        track: TrackId,
        msn: u64,
        first: u64,
        class: Class,
    ) -> Result<Option<Arc<Init>>, u32> {
        let mut changes = self.offer.window.follow();
        let (mut next, mut section) = (first, None);
        let (mut grows, mut urgent) = (false, None);
        loop {
            changes.mark_unchanged();
            let progress = self.offer.window.progress(track, msn, next).ok_or(code::GONE)?;
            if !progress.parts.is_empty()
                && let Some(urgency) = urgent.take()
            {
                writer.set_priority(urgency);
            }
            // Whoever asks again may lack nothing but the section.
            let init = progress.init.as_ref().filter(|init| {
                section.is_none() && (class == Class::Repair || !self.knows(track, init))
            });
            section = section.take().or_else(|| init.cloned());
            let append = self.append(writer, init, &progress, &mut next);
            // In this order: as long as the link takes everything at once, nobody looks at the time.
            let written = tokio::select! {
                biased;
                written = append => written,
                () = self.too_late(track, msn, class) => return Err(code::STALE),
            };
            written.map_err(|error| match error {
                StreamError::Stopped(code) => u32::try_from(code).unwrap_or(code::UNWANTED),
                _ => code::GONE,
            })?;
            if progress.end.is_some() {
                return Ok(section);
            }
            changes.changed().await.map_err(|_| code::GONE)?;
            if !grows {
                // What is new of a segment that grows is as urgent as any.
                (grows, urgent) = (true, Some(priority(Class::Live, track, msn)));
            }
        }
    }

    async fn append(
        &self,
        writer: &mut Writer,
        init: Option<&Arc<Init>>,
        progress: &Progress,
        next: &mut u64,
    ) -> Result<(), StreamError> {
        let mut pieces = Vec::with_capacity(progress.parts.len() * 2 + 2);
        pieces.extend(init.map(|init| init_record(init)));
        for part in &progress.parts {
            pieces.extend([part_record(part), part.data.clone()]);
            *next = part.number.saturating_add(1);
            self.counts.bytes.fetch_add(part.data.len() as u64, Relaxed);
        }
        pieces.extend(progress.end.as_ref().map(end_record));
        if pieces.is_empty() {
            return Ok(());
        }
        writer.write_all(&mut pieces).await
    }

    fn knows(&self, track: TrackId, init: &Init) -> bool {
        let known = self.known.lock();
        known.get(&track).is_some_and(|sections| sections.find(&init.hash).is_some())
    }

    /// Ends when the segment is over for 1.5 times its length.
    async fn too_late(&self, track: TrackId, msn: u64, class: Class) {
        if !class.grows() {
            return tokio::time::sleep(CATCH_UP_MAX).await;
        }
        let mut changes = self.offer.window.follow();
        loop {
            changes.mark_unchanged();
            let progress = self.offer.window.progress(track, msn, u64::MAX);
            let Some(end) = progress.map(|progress| progress.end) else { return };
            if let Some(end) = end {
                let us = u64::try_from(end.duration_us).unwrap_or(0);
                return tokio::time::sleep(Duration::from_micros(us) * 3 / 2).await;
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_goes_before_what_was_there_before_and_the_newest_segment_first() {
        let low = TrackId { kind: TrackKind::Video, index: 1 };
        let (audio, video) = (TrackId::AUDIO, TrackId::VIDEO);
        let falling = [
            priority(Class::Control, video, 0),
            priority(Class::Live, audio, 8),
            priority(Class::Live, audio, 7),
            priority(Class::Live, low, 7),
            priority(Class::Live, video, 9),
            priority(Class::Live, video, 8),
            priority(Class::Joined, audio, 9),
            priority(Class::Repair, video, 9),
            priority(Class::CatchUp, video, 9),
            priority(Class::CatchUp, audio, 8),
        ];
        assert!(falling.is_sorted_by(|a, b| a > b), "{falling:?}");
    }
}
