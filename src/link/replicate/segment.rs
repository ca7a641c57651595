//! One segment on one stream.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use weir_media::replica::{Progress, SegmentHead};
use weir_media::{TrackId, TrackKind};

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
    /// A segment that a peer misses.
    Repair,
    /// Segments from before a peer came.
    CatchUp,
}

/// `class << 26 | msn << 12`: classes first, then the newest segment.
pub(super) const fn priority(class: Class, msn: u64) -> i32 {
    of(
        match class {
            Class::Control => 15,
            Class::Live => 11,
            Class::Repair => 4,
            Class::CatchUp => 2,
        },
        msn,
    )
}

/// Audio before video, and lower renditions first among videos (the main track is the largest).
fn live(track: TrackId, msn: u64) -> i32 {
    match track.kind {
        TrackKind::Audio => of(12, msn),
        TrackKind::Video => of(8 + track.index.min(3) as i32, msn),
    }
}

const fn of(class: i32, msn: u64) -> i32 {
    class << 26 | ((msn & 0x3fff) as i32) << 12
}

impl Sub {
    /// Sends a segment as it grows, until it is there, too late, or gone.
    pub(super) async fn segment(self: &Arc<Self>, head: SegmentHead, first: u64, class: Class) {
        let (track, msn) = (head.track, head.mark.msn);
        let urgency = if class == Class::Live { live(track, msn) } else { priority(class, msn) };
        let status = self.offer.window.status();
        if status.show.is_some_and(|show| msn < show) {
            // A new show began since this segment was seen.
            return;
        }
        let header = Header {
            channel: self.channel.clone(),
            sub: self.id,
            epoch: self.offer.epoch,
            show: status.show.unwrap_or(msn),
            part_target_us: status.part_target_us,
            head,
            from_part: first,
        };
        let header = serde_json::to_value(header).unwrap_or_default();
        let Ok(mut writer) = self.link.open(self.peer, SEGMENT, &header, urgency).await else {
            self.counts.unsent.fetch_add(1, Relaxed);
            return;
        };
        let late = self.too_late(track, msn, class);
        let mut late = std::pin::pin!(late);
        let sent = tokio::select! {
            sent = self.write(&mut writer, track, msn, first) => sent,
            () = &mut late => Err(code::STALE),
        };
        let section = match sent {
            Ok(section) => section,
            Err(code) => {
                self.counts.resets.fetch_add(1, Relaxed);
                writer.reset(code);
                return;
            }
        };
        let arrived = tokio::select! {
            arrived = writer.delivered() => arrived.is_ok(),
            () = &mut late => false,
        };
        let count = if arrived { &self.counts.segments } else { &self.counts.resets };
        count.fetch_add(1, Relaxed);
        if let Some(section) = section.filter(|_| arrived) {
            self.known.lock().insert(section);
        }
    }

    /// The hash of the section it sent; or the code with which to give up.
    async fn write(
        &self,
        writer: &mut Writer,
        track: TrackId,
        msn: u64,
        first: u64,
    ) -> Result<Option<String>, u32> {
        let mut changes = self.offer.window.follow();
        let (mut next, mut section) = (first, None);
        loop {
            changes.mark_unchanged();
            let progress = self.offer.window.progress(track, msn, next).ok_or(code::GONE)?;
            let written = self.append(writer, &progress, &mut next, &mut section).await;
            written.map_err(|_| code::GONE)?;
            if progress.end.is_some() {
                return Ok(section);
            }
            changes.changed().await.map_err(|_| code::GONE)?;
        }
    }

    async fn append(
        &self,
        writer: &mut Writer,
        progress: &Progress,
        next: &mut u64,
        section: &mut Option<String>,
    ) -> Result<(), StreamError> {
        if let Some(init) = progress.init.as_ref().filter(|_| section.is_none())
            && !self.known.lock().contains(&init.hash)
        {
            *section = Some(init.hash.clone());
            writer.write(init_record(init)).await?;
        }
        for part in &progress.parts {
            writer.write(part_record(part)).await?;
            writer.write(part.data.clone()).await?;
            *next = part.number.saturating_add(1);
            self.counts.bytes.fetch_add(part.data.len() as u64, Relaxed);
        }
        match &progress.end {
            Some(end) => writer.write(end_record(end)).await,
            None => Ok(()),
        }
    }

    /// Ends when the segment is over for 1.5 times its length.
    async fn too_late(&self, track: TrackId, msn: u64, class: Class) {
        if class != Class::Live {
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
