//! Frames far off the line: odd ones, jumps of the connection's clock, tracks with a clock of their own.

use super::track::Track;
use super::{Raw, Timeline};
use crate::Item;

/// A step forward beyond this, from everything seen, is no hole but a jump, microseconds.
pub const JUMP_FORWARD_US: i64 = 3_000_000;

/// A step back of a track beyond this is no disorder but a jump, microseconds.
pub const JUMP_BACK_US: i64 = 500_000;

/// A jump is believed when this many frames of a track in a row agree on the new time.
pub const JUMP_CONFIRM_FRAMES: usize = 3;

/// Steps forward up to this between suspects are agreement, microseconds: longer than a jump, so that slide
/// shows survive, whose frames are far apart.
const AGREE_FORWARD_US: i64 = 30_000_000;

/// Frames of a track that are held while its time is in doubt; then the newest is believed.
pub const SUSPECTS_MAX: usize = 8;

/// How far the tracks of a connection are apart at most, microseconds.
const INTERLEAVE_US: i64 = 3_000_000;

/// A track that goes on for this long on the old time after a jump is not going to follow it, microseconds.
const STRAGGLE_MAX_US: i64 = 1_000_000;

impl Timeline {
    /// Takes a frame after the line began.
    pub(super) fn run(&mut self, raw: Raw, out: &mut Vec<Item>) {
        let Some(index) = self.index(raw.track) else { return };
        if self.is_straggler(index, &raw) {
            self.stats.stragglers += 1;
            return;
        }
        let line_us = self.tracks[index].line_us(raw.wire_ms, self.newest);
        if self.is_on_line(index, line_us) {
            self.release_suspects(index, out);
            self.place(index, raw, line_us, out);
            return;
        }
        let track = &mut self.tracks[index];
        let agrees = track.suspects.last().is_some_and(|last| {
            let step = 1000 * i64::from(raw.wire_ms.wrapping_sub(last.wire_ms).cast_signed());
            (-JUMP_BACK_US..=AGREE_FORWARD_US).contains(&step)
        });
        track.agreeing = if agrees { track.agreeing + 1 } else { 1 };
        track.suspects.push(raw);
        if track.agreeing >= JUMP_CONFIRM_FRAMES || track.suspects.len() >= SUSPECTS_MAX {
            self.believe_jump(index, out);
        }
    }

    /// Puts suspects out as odd ones, at the usual distance behind the last good frame.
    pub(super) fn release_suspects(&mut self, index: usize, out: &mut Vec<Item>) {
        let suspects = self.take_suspects(index);
        for raw in suspects {
            let (last, newest) = (self.tracks[index].last, self.newest);
            let Some(line_us) = self.tracks[index].next_us() else {
                self.stats.unplaceable += 1;
                continue;
            };
            self.stats.restamped += 1;
            self.place(index, raw, line_us, out);
            // What the odd frame said of the wire is not remembered.
            self.tracks[index].last = last;
            self.newest = newest;
        }
    }

    fn take_suspects(&mut self, index: usize) -> Vec<Raw> {
        self.tracks[index].agreeing = 0;
        std::mem::take(&mut self.tracks[index].suspects)
    }

    /// Forward is measured from everything seen, so that a track may pause; back from the track itself.
    fn is_on_line(&self, index: usize, line_us: i64) -> bool {
        let (_, newest_us) = self.newest;
        match self.tracks[index].last {
            Some((_, last_us)) => {
                let ahead = line_us.saturating_sub(newest_us.max(last_us));
                ahead <= JUMP_FORWARD_US && line_us >= last_us.saturating_sub(JUMP_BACK_US)
            }
            None => (line_us - newest_us).abs() <= INTERLEAVE_US,
        }
    }

    /// Whether `raw` is still on the time before a jump. Sets the track free of a jump it does not follow.
    fn is_straggler(&mut self, index: usize, raw: &Raw) -> bool {
        let newest = self.newest;
        let track = &mut self.tracks[index];
        let (Some(moved_us), Some((_, last_us))) = (track.unfollowed_us, track.last) else {
            return false;
        };
        // Counted on the moved clock, an old frame is near the track's own last one and a new frame
        // near the newest of all.
        let line_us = track.line_us(raw.wire_ms, newest);
        if (line_us - last_us).abs() >= (line_us - newest.1).abs() {
            track.unfollowed_us = None;
            track.last = Some((raw.wire_ms, line_us));
            return false;
        }
        if line_us - last_us <= STRAGGLE_MAX_US {
            return true;
        }
        track.unfollowed_us = None;
        let back_us = line_us - moved_us;
        let near = (back_us - newest.1).abs() <= INTERLEAVE_US;
        track.last = Some((raw.wire_ms, if near { back_us } else { newest.1 }));
        self.stats.rebased += 1;
        false
    }

    /// The suspects of a track are right: moves every clock so that they follow what came.
    fn believe_jump(&mut self, index: usize, out: &mut Vec<Item>) {
        let newest = self.newest;
        let track = &mut self.tracks[index];
        let odd = track.suspects.len() - track.agreeing;
        track.suspects.drain(..odd);
        self.stats.unplaceable += odd as u64;
        if track.last.is_none() {
            // Its first frames: nothing jumped, its clock has a base of its own.
            let Some(first) = track.suspects.first() else { return };
            track.last = Some((first.wire_ms, newest.1));
            self.stats.rebased += 1;
            self.follow(vec![index], out);
            return;
        }
        let Some(first_us) = track.suspects.first().map(|raw| track.line_us(raw.wire_ms, newest))
        else {
            return;
        };
        let along = self.jumped_along(first_us);
        let first_us = along
            .iter()
            .filter_map(|index| first_suspect_us(&self.tracks[*index], newest))
            .fold(first_us, i64::min);
        self.move_clocks(first_us, &along);
        self.stats.jumps += 1;
        self.break_line(out);
        self.follow(along, out);
    }

    /// The tracks whose suspects are near `first_us`, the one that decided included.
    fn jumped_along(&self, first_us: i64) -> Vec<usize> {
        let near = |track: &Track| {
            first_suspect_us(track, self.newest)
                .is_some_and(|us| (us.saturating_sub(first_us)).abs() <= INTERLEAVE_US)
        };
        (0..self.tracks.len()).filter(|index| near(&self.tracks[*index])).collect()
    }

    /// Moves every clock so that `first_us` comes to where the line ends.
    fn move_clocks(&mut self, first_us: i64, along: &[usize]) {
        self.begin_us = self.end_us();
        self.audio_floor_us = self.begin_us;
        let by_us = self.begin_us.saturating_sub(first_us);
        // A track that turns out not to follow keeps its distance to those that jumped, which went on
        // later than they ended when another track ended later.
        let ends = along.iter().filter_map(|index| self.tracks[*index].end_us());
        let own_us = ends.max().unwrap_or(self.begin_us).saturating_sub(first_us);
        self.newest.1 = self.newest.1.saturating_add(by_us);
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let Some((_, line_us)) = &mut track.last else { continue };
            *line_us = line_us.saturating_add(by_us);
            let before_us = track.unfollowed_us.unwrap_or(0);
            track.unfollowed_us =
                (!along.contains(&index)).then_some(before_us.saturating_add(own_us));
        }
    }

    /// Places the suspects of `tracks` in the order of their arrival.
    fn follow(&mut self, tracks: Vec<usize>, out: &mut Vec<Item>) {
        let mut frames: Vec<(usize, Raw)> = Vec::new();
        for index in tracks {
            frames.extend(self.take_suspects(index).into_iter().map(|raw| (index, raw)));
        }
        frames.sort_by_key(|(_, raw)| raw.arrival);
        for (index, raw) in frames {
            let line_us = self.tracks[index].line_us(raw.wire_ms, self.newest);
            self.place(index, raw, line_us, out);
        }
    }
}

fn first_suspect_us(track: &Track, newest: (u32, i64)) -> Option<i64> {
    track.suspects.first().map(|raw| track.line_us(raw.wire_ms, newest))
}
