//! All renditions of a stream, and what they must say alike: the date and the discontinuities of each media
//! sequence number (RFC 8216bis §6.2.4), so that a player can change from one to another.
//!
//! A track that comes late joins with the numbers the others have; one that stays away in the next show is
//! no longer offered, but its numbers are remembered.

use std::collections::{BTreeMap, VecDeque};

use weir_model::{ShowId, Timestamp};

use crate::TrackId;
use crate::multivariant::{self, Multivariant};
use crate::output::Output;
use crate::playlist::{self, Shown, Surroundings};
use crate::reload::Tip;
use crate::rendition::{Mark, Rendition, Timing};

/// Renditions of one stream; the outputs of further tracks are ignored and counted.
pub const RENDITIONS_MAX: usize = 16;

/// Marks kept for tracks that are behind the others; none is ever more than a segment behind.
const MARKS_MAX: usize = 16;
/// Segments of one number that begin within this have one date, milliseconds: what players tolerate between a date and
/// the length of the segment before it.
const SAME_DATE_MS: i64 = 50;

/// The renditions of one stream.
#[derive(Debug)]
pub struct Ladder {
    timing: Timing,
    renditions: BTreeMap<TrackId, Rendition>,
    marks: VecDeque<Told>,
    /// Discontinuity tags given so far; none before the first segment.
    discontinuities: Option<u64>,
    /// The next segment begins a show and continues nothing.
    break_due: bool,
    ended: bool,
    playable: bool,
    /// What names the show: the number of its first segment.
    show: Option<u64>,
    /// The show's id, as whoever began it said.
    id: Option<ShowId>,
    ignored: u64,
}

impl Ladder {
    /// No renditions yet.
    #[must_use]
    pub const fn new(timing: Timing) -> Self {
        Self {
            timing,
            renditions: BTreeMap::new(),
            marks: VecDeque::new(),
            discontinuities: None,
            break_due: false,
            ended: false,
            playable: false,
            show: None,
            id: None,
            ignored: 0,
        }
    }

    /// The lengths of the playlists.
    #[must_use]
    pub const fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Sets the part target, once the packager of a show knows it. Later calls of the show change nothing:
    /// what was told to players must stay.
    pub fn set_part_target_us(&mut self, part_target_us: i64) {
        if self.told_part_target_us().is_none() && part_target_us > 0 {
            self.timing.part_target_us = part_target_us;
        }
    }

    /// The part target that players were told, microseconds; none before the first segment of a show.
    #[must_use]
    pub fn told_part_target_us(&self) -> Option<i64> {
        self.renditions().next().map(|_| self.timing.part_target_us)
    }

    /// Takes one step of the packager and says whose playlist it changed; `anchor` is the wall-clock time
    /// of 0 on the show's line.
    pub fn apply(&mut self, output: Output, anchor: Timestamp) -> Option<TrackId> {
        let track = match &output {
            Output::Start(track, _) | Output::Part(track, _) | Output::End(track, _) => *track,
        };
        if !self.renditions.contains_key(&track) && self.renditions.len() >= RENDITIONS_MAX {
            self.ignored += 1;
            return None;
        }
        let mark = match &output {
            Output::Start(_, start) => {
                self.fill_before(track, start.msn);
                let pdt = anchor.plus_ms(start.start_us.div_euclid(1000));
                Some(self.mark(start.msn, pdt, start.discontinuity, Some(start.start_us)))
            }
            _ => None,
        };
        if let Some(mark) = &mark {
            self.show.get_or_insert(mark.msn);
        }
        let rendition = self.renditions.entry(track).or_default();
        match output {
            Output::Start(_, start) => {
                if let Some(mark) = mark {
                    rendition.start(&self.timing, mark, &start);
                }
            }
            Output::Part(_, part) => rendition.part(part),
            Output::End(_, end) => rendition.end(&self.timing, &end),
        }
        self.playable |= self.can_play();
        Some(track)
    }

    /// The show is over.
    pub fn end(&mut self) {
        for rendition in self.renditions.values_mut() {
            rendition.finish(&self.timing);
        }
        self.playable |= self.can_play();
        self.ended = true;
    }

    /// Forgets all media; a new show begins and every number goes on.
    pub fn begin_show(&mut self, id: Option<ShowId>) {
        for rendition in self.renditions.values_mut() {
            rendition.forget();
        }
        self.break_due = self.discontinuities.is_some();
        self.ended = false;
        self.playable = false;
        self.show = None;
        self.id = id;
    }

    /// Every rendition has a whole segment and one of them has media. Stays true until the next show.
    #[must_use]
    pub const fn playable(&self) -> bool {
        self.playable
    }

    /// The same for whoever sees nothing below segment `from`.
    #[must_use]
    pub fn playable_from(&self, from: u64) -> bool {
        let shows = |one: &Rendition| {
            one.listed().next_back().is_some_and(|newest| newest.mark.msn >= from)
        };
        self.playable
            && (from == 0
                || self.renditions().all(|(_, one)| shows(one))
                    && self.renditions().any(|(_, one)| one.has_media_from(from)))
    }

    /// The show is over.
    #[must_use]
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// The renditions that have anything, video first.
    pub fn renditions(&self) -> impl Iterator<Item = (TrackId, &Rendition)> {
        self.renditions.iter().map(|(track, one)| (*track, one)).filter(|(_, one)| !one.is_empty())
    }

    /// A rendition, also one that has nothing in this show.
    #[must_use]
    pub fn rendition(&self, track: TrackId) -> Option<&Rendition> {
        self.renditions.get(&track)
    }

    /// The media playlist of a track, or its delta update, as everybody gets it.
    #[must_use]
    pub fn playlist(&self, track: TrackId, skip: bool) -> Option<String> {
        self.playlist_for(track, skip, Shown::default())
    }

    /// The same as somebody gets it who is not shown everything.
    #[must_use]
    pub fn playlist_for(&self, track: TrackId, skip: bool, shown: Shown<'_>) -> Option<String> {
        let rendition = self.renditions.get(&track).filter(|one| shown.lists(one))?;
        let others: Vec<(TrackId, Tip)> = self
            .renditions()
            .filter(|(other, one)| *other != track && one.has_media())
            .map(|(other, one)| (other, one.tip()))
            .collect();
        let (timing, ended) = (&self.timing, self.ended);
        let around = Surroundings { timing, ended, others: &others, shown };
        Some(playlist::render(rendition, &around, skip))
    }

    /// The multivariant playlist; none before a player can start.
    #[must_use]
    pub fn multivariant(&self) -> Option<Multivariant> {
        self.playable.then(|| multivariant::render(self))
    }

    /// Number of the newest segment, open or whole.
    #[must_use]
    pub fn newest_msn(&self) -> Option<u64> {
        self.renditions().filter_map(|(_, one)| one.tip().last()).map(|(msn, _)| msn).max()
    }

    /// Media bytes kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.renditions.values().map(Rendition::bytes).sum()
    }

    /// Segments that went early because a limit was reached, and outputs of tracks beyond the limit.
    #[must_use]
    pub fn squeezed(&self) -> u64 {
        self.renditions.values().map(Rendition::squeezed).sum::<u64>() + self.ignored
    }

    fn can_play(&self) -> bool {
        self.renditions().all(|(_, one)| one.has_begun())
            && self.renditions().any(|(_, one)| one.has_media())
    }

    /// What all renditions say of `msn`: whoever begins it first decides.
    fn mark(
        &mut self,
        msn: u64,
        pdt: Timestamp,
        discontinuity: bool,
        start_us: Option<i64>,
    ) -> Mark {
        if let Some(told) = self.marks.iter().find(|told| told.mark.msn == msn) {
            return told.beside(start_us);
        }
        if let Some(oldest) = self.marks.front().filter(|oldest| msn < oldest.mark.msn) {
            // Farther behind than any track can be: numbered like the oldest known, and told to nobody else.
            return Mark { msn, pdt, discontinuity, dsn_before: oldest.mark.dsn_before };
        }
        // A tag per segment at most: with the first number as the base, the count cannot be smaller than
        // what a process before this one gave out, and nothing of that one is continued.
        let resumed = self.discontinuities.is_none() && msn > 0;
        let dsn_before = self.discontinuities.unwrap_or(msn);
        let discontinuity = discontinuity || resumed || self.break_due;
        self.break_due = false;
        self.discontinuities = Some(dsn_before.saturating_add(u64::from(discontinuity)));
        let mark = Mark { msn, pdt, discontinuity, dsn_before };
        self.tell(Told { mark, start_us });
        mark
    }

    fn tell(&mut self, told: Told) {
        self.marks.push_back(told);
        if self.marks.len() > MARKS_MAX {
            self.marks.pop_front();
        }
    }
}

/// What was told of a number, by the rendition that came to it first.
#[derive(Debug, Clone, Copy)]
struct Told {
    mark: Mark,
    /// Where its segment begins on the show's line, microseconds; not known in a copy.
    start_us: Option<i64>,
}

impl Told {
    /// The mark of another rendition: with the same date, unless its segment begins so far from there that the date
    /// would be wrong.
    fn beside(&self, start_us: Option<i64>) -> Mark {
        let apart_ms = self.start_us.zip(start_us).map_or(0, |(first_us, own_us)| {
            own_us.div_euclid(1000).saturating_sub(first_us.div_euclid(1000))
        });
        let is_told = apart_ms.saturating_abs() > SAME_DATE_MS;
        Mark { pdt: self.mark.pdt.plus_ms(if is_told { apart_ms } else { 0 }), ..self.mark }
    }
}

mod join;
mod replica;
#[cfg(test)]
mod tests;
