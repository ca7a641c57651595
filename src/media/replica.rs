//! A window at another node: what it is told so that it says the same, byte for byte.
//!
//! A packager's [`Output`](crate::Output) is not enough for that. What a playlist says of a segment (its date, its
//! discontinuity and how many came before it) was decided by the window that saw it begin, and a window that
//! comes late cannot know. So a copy is fed [`Step`]s, in which a segment begins with its finished [`Mark`]; what
//! a window holds is told by its [`Outline`], and what a segment holds by its [`Progress`]. The window itself is
//! the buffer between the two: whoever copies it asks for what came since, so a slow copier costs no memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_model::{SessionId, ShowId};

use crate::TrackId;
use crate::output::{Init, Part, SegmentEnd};
use crate::rendition::{Mark, Rate, Timing};

/// What a copy of a window is told, in order within a track.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Everything so far is over; every number goes on.
    Forget,
    /// A show is copied.
    Show {
        /// What names it: the number of its first segment.
        show: u64,
        /// Its id; none while that is not known.
        id: Option<ShowId>,
        /// Its part target, microseconds.
        part_target_us: i64,
    },
    /// A rendition is copied from here on; no number below this one is listed.
    Floor(TrackId, u64),
    /// A segment begins.
    Start(TrackId, Mark, Option<Arc<Init>>),
    /// A part of the open segment is complete.
    Part(TrackId, Part),
    /// The open segment is complete.
    End(TrackId, SegmentEnd),
    /// All whole segments that were there when the copy began are there now.
    Settle(TrackId, Settled),
    /// The show is over.
    Finish,
}

/// What a rendition knows from segments that it no longer has.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Settled {
    /// The next part after the whole segments.
    #[serde(default)]
    pub next_part: Option<u64>,
    /// Bit rates so far.
    #[serde(default)]
    pub rate: Rate,
}

/// What a window holds, without its media.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Outline {
    /// The lengths of its playlists.
    pub timing: Timing,
    /// Its show: the number of the show's first segment; none before that.
    #[serde(default)]
    pub show: Option<u64>,
    /// The show's id.
    #[serde(default)]
    pub id: Option<ShowId>,
    /// The show is over.
    #[serde(default)]
    pub ended: bool,
    /// Renditions that have anything.
    #[serde(default)]
    pub tracks: Vec<TrackOutline>,
}

/// What a rendition holds.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TrackOutline {
    /// Which one.
    pub track: TrackId,
    /// No number below this is listed.
    #[serde(default)]
    pub floor_msn: u64,
    /// See [`Settled`].
    #[serde(default)]
    pub settled: Settled,
    /// Listed segments with a beginning of their own, and the open one, by number.
    pub segments: Vec<SegmentHead>,
}

/// What is known of a segment when it begins.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SegmentHead {
    /// Its rendition.
    pub track: TrackId,
    /// What playlists say of it.
    pub mark: Mark,
    /// The segment of the same show before it; none for the first one.
    #[serde(default)]
    pub before: Option<u64>,
    /// Number of its first part; none while that is not known, or when it has none.
    #[serde(default)]
    pub first_part: Option<u64>,
    /// The section that decodes it.
    #[serde(default)]
    pub init: Option<String>,
    /// It is complete.
    #[serde(default)]
    pub whole: bool,
}

/// The rest of a segment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// The section that decodes it.
    pub init: Option<Arc<Init>>,
    /// Parts in order.
    pub parts: Vec<Part>,
    /// Its end, once it is whole.
    pub end: Option<SegmentEnd>,
}

/// For whom a stream is made, as whoever tells it knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shade {
    /// The first segment that is.
    pub from: u64,
    /// For the parties of this private session, until another shade is told; none: for everybody, and nothing before
    /// that segment is.
    #[serde(default)]
    pub session: Option<SessionId>,
}

impl Shade {
    /// What is known to whoever is told `news`, in whatever order the two were said: the later segment is newer, and a
    /// session of which one does not know whether it is over goes before.
    #[must_use]
    pub fn with(self, news: Self) -> Self {
        let newer = news.from > self.from;
        if newer || (news.from == self.from && news.session.is_some()) { news } else { self }
    }

    /// Nothing is, or ever was, for fewer than everybody.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.from == 0 && self.session.is_none()
    }
}

/// The state of a show, without its segments.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShowStatus {
    /// The number of its first segment.
    #[serde(default)]
    pub show: Option<u64>,
    /// Its id.
    #[serde(default)]
    pub id: Option<ShowId>,
    /// It is over.
    #[serde(default)]
    pub ended: bool,
    /// Its part target, microseconds.
    #[serde(default)]
    pub part_target_us: i64,
    /// The newest segment of each rendition, once the show is over.
    #[serde(default)]
    pub last: BTreeMap<TrackId, u64>,
    /// For whom it is made.
    #[serde(default, skip_serializing_if = "Shade::is_none")]
    pub shade: Shade,
}

/// What a window holds that nobody feeds any more: where a copy goes on in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// Its show: the number of the show's first segment.
    pub show: u64,
    /// The show's id.
    pub id: Option<ShowId>,
    /// Where its renditions end.
    pub tracks: BTreeMap<TrackId, LeftTrack>,
}

/// Where a rendition ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftTrack {
    /// What playlists say of its newest segment, which is whole.
    pub mark: Mark,
    /// How long that is, microseconds.
    pub duration_us: i64,
    /// The part after it.
    pub next_part: u64,
}

/// Where somebody goes on who takes a show over.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tip {
    /// The show's id.
    #[serde(default)]
    pub show: Option<ShowId>,
    /// The number of its first segment.
    #[serde(default)]
    pub first_msn: u64,
    /// Discontinuities so far, also of shows before.
    #[serde(default)]
    pub discontinuities: u64,
    /// Behind the newest segment of any rendition, open or whole.
    pub next_msn: u64,
    /// Behind the newest part of any rendition.
    pub next_part: u64,
    /// Of each rendition: the segment that is open or comes next, and how many parts it has.
    #[serde(default)]
    pub tracks: BTreeMap<TrackId, (u64, u64)>,
}

impl Tip {
    /// How far the show has come, by its foremost rendition.
    #[must_use]
    pub const fn place(&self) -> (u64, u64) {
        (self.next_msn, self.next_part)
    }

    /// Whether whoever stands at `other` has something that is not here: two copies of one window that were cut off
    /// at the same instant may each be ahead in another rendition.
    #[must_use]
    pub fn lacks(&self, other: &Self) -> bool {
        if other.tracks.is_empty() {
            return self.place() < other.place();
        }
        let ahead = |(track, place): (&TrackId, &(u64, u64))| {
            self.tracks.get(track).is_none_or(|own| own < place)
        };
        other.tracks.iter().any(ahead)
    }

    /// [`Self::with`], of what is known.
    #[must_use]
    pub fn of_both(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.with(other)),
            (one, other) => one.or(other),
        }
    }

    /// Where somebody goes on who knows two tips of one show: behind both, so that no number is given twice.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (track, place) in other.tracks {
            let own = self.tracks.entry(track).or_default();
            *own = place.max(*own);
        }
        Self {
            show: self.show.or(other.show),
            first_msn: self.first_msn.min(other.first_msn),
            discontinuities: self.discontinuities.max(other.discontinuities),
            next_msn: self.next_msn.max(other.next_msn),
            next_part: self.next_part.max(other.next_part),
            tracks: self.tracks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(next_msn: u64, video: u64, audio: u64) -> Tip {
        let tracks = [(TrackId::VIDEO, (next_msn, video)), (TrackId::AUDIO, (next_msn, audio))];
        let next_part = video.max(audio);
        let tracks = tracks.into();
        Tip { show: None, first_msn: 5, discontinuities: 1, next_msn, next_part, tracks }
    }

    #[test]
    fn a_copy_lacks_what_another_one_has_of_any_rendition() {
        let here = tip(9, 42, 40);
        assert!(!here.lacks(&here));
        assert!(here.lacks(&tip(9, 43, 40)));
        assert!(here.lacks(&tip(10, 42, 40)));
        let other = tip(9, 41, 41);
        assert!(here.lacks(&other) && other.lacks(&here), "each is ahead in one");
        let raised = Tip { next_part: 99, ..here.clone() };
        assert!(!here.lacks(&raised), "numbers say nothing of what is there");
        let mute = Tip { tracks: BTreeMap::new(), ..raised };
        assert!(mute.lacks(&here) && here.lacks(&mute), "who names no tracks is judged by numbers");
    }

    #[test]
    fn whoever_goes_on_from_two_tips_uses_no_number_of_either_again() {
        let id = Some(ShowId(7));
        let (one, other) = (tip(9, 42, 40), tip(8, 41, 50));
        let other = Tip { show: id, first_msn: 4, discontinuities: 3, ..other };
        let places = [(TrackId::VIDEO, (9, 42)), (TrackId::AUDIO, (9, 40))];
        let both = Tip {
            show: id,
            first_msn: 4,
            discontinuities: 3,
            next_msn: 9,
            next_part: 50,
            tracks: places.into(),
        };
        assert_eq!((one.clone().with(other.clone()), other.with(one)), (both.clone(), both));
    }
}
