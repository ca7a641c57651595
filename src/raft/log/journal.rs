//! Segments: preallocated files that are written from front to back, one synced frame after the other.
//!
//! Everything is appended, also that entries were cut off or purged; so reading the frames in order gives
//! the log. Each segment begins with what would be lost with the segments before it.

use std::sync::Arc;

use super::LogError;
use super::files::Files;
use super::frame::{self, Record};
use super::state::{Heading, State};

/// Long enough that a new one is made rarely, short enough that a purge soon frees it and a small
/// installation does not notice.
const SEGMENT_BYTES: u64 = 16 << 20;

/// The length of a segment.
pub(super) fn segment_bytes() -> u64 {
    #[cfg(feature = "fault")]
    return crate::raft::small::log_bytes().unwrap_or(SEGMENT_BYTES);
    #[cfg(not(feature = "fault"))]
    SEGMENT_BYTES
}

/// Records of one frame: a sync of this much is still a matter of milliseconds.
const FRAME_BYTES_MAX: usize = 2 << 20;

/// An entry larger than this would not fit a request between nodes.
pub(crate) const ENTRY_BYTES_MAX: usize = 768 << 10;

/// The log on its files. Blocks.
pub(super) struct Journal {
    files: Arc<dyn Files>,
    segment_bytes: u64,
    /// Oldest first; the last is written to. Never empty.
    segments: Vec<Segment>,
    /// Where the next frame goes in the last segment.
    at: u64,
    /// Number of the next frame.
    next: u64,
    /// What a new segment begins with.
    heading: Heading,
    /// An earlier write failed; nobody knows what the disk holds.
    failed: bool,
}

/// Where a record's body lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) segment: u64,
    pub(super) at: u64,
}

#[derive(Debug)]
struct Segment {
    /// Number of its first frame; its name.
    number: u64,
    /// The largest index of an entry in it.
    newest: Option<u64>,
}

/// What reading all segments found.
pub(super) struct Replay {
    pub(super) state: State,
    /// Sound frames.
    pub(super) frames: u64,
    segments: Vec<Segment>,
    at: u64,
    next: u64,
    /// Segments whose making was cut off.
    unfinished: Vec<u64>,
    /// Bytes of a torn frame are behind the last sound one.
    pub(super) torn: bool,
}

impl Journal {
    /// Opens the log in `files`, cutting off what a power cut tore; makes it when there is none.
    pub(super) fn open(
        files: Arc<dyn Files>,
        segment_bytes: u64,
    ) -> Result<(Self, State), LogError> {
        let found = replay(&*files)?;
        for number in &found.unfinished {
            files.remove(&name(*number)).map_err(io)?;
        }
        let Replay { state, segments, at, next, torn, .. } = found;
        let heading = Heading::of(&state);
        let mut this = Self { files, segment_bytes, segments, at, next, heading, failed: false };
        if this.segments.is_empty() {
            this.roll()?;
        } else if torn {
            // A frame cut off once must not be found behind new ones.
            this.wipe()?;
        }
        Ok((this, state))
    }

    /// Bytes of all segments, as far as they are in use.
    pub(super) fn bytes(&self) -> u64 {
        (self.segments.len() as u64).saturating_sub(1) * self.segment_bytes + self.at
    }

    /// Appends `records`, in that order, and answers with the place of each body. Once this is `Ok`, they
    /// survive a power cut. After an error nothing is accepted any more: what the disk holds is known only
    /// by reading it again.
    pub(super) fn write(&mut self, records: &[Record]) -> Result<Vec<Place>, LogError> {
        if self.failed {
            return Err(LogError::Failed("an earlier write failed".into()));
        }
        let written = self.write_frames(records);
        self.failed = written.is_err();
        written
    }

    fn write_frames(&mut self, records: &[Record]) -> Result<Vec<Place>, LogError> {
        let mut places = Vec::with_capacity(records.len());
        let mut rest = records;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fitting = rest.iter().take_while(|record| {
                bytes += frame::frame_len(std::iter::once(frame::body_len(record)));
                bytes <= FRAME_BYTES_MAX
            });
            let (now, later) = rest.split_at(fitting.count().max(1));
            let len = frame::frame_len(now.iter().map(frame::body_len)) as u64;
            if self.at.saturating_add(len) > self.segment_bytes {
                self.roll()?;
            }
            places.extend(self.put(now)?);
            rest = later;
        }
        Ok(places)
    }

    /// Begins a new segment with what would be lost with those before it.
    fn roll(&mut self) -> Result<(), LogError> {
        let number = self.next;
        self.files.make(&name(number), self.segment_bytes).map_err(io)?;
        self.segments.push(Segment { number, newest: None });
        self.at = 0;
        let heading = self.heading.records();
        self.put(&heading).map(|_| ())
    }

    fn put(&mut self, records: &[Record]) -> Result<Vec<Place>, LogError> {
        let (bytes, bodies) = frame::encode(self.next, records);
        let segment =
            self.segments.last_mut().ok_or_else(|| LogError::Failed("it has no file".into()))?;
        let file = name(segment.number);
        self.files.write(&file, self.at, &bytes).map_err(io)?;
        self.files.sync(&file).map_err(io)?;
        for record in records {
            segment.note(record);
            self.heading.note(record);
        }
        let (number, begin) = (segment.number, self.at);
        let place = |body| Place { segment: number, at: begin + body as u64 };
        self.at += bytes.len() as u64;
        self.next += 1;
        Ok(bodies.into_iter().map(place).collect())
    }

    /// Removes the oldest segments while all of their entries are purged.
    pub(super) fn free(&mut self, state: &State) -> Result<(), LogError> {
        let Some(purged) = state.purged else { return Ok(()) };
        while self.segments.len() > 1 {
            let oldest = self.segments.first();
            let Some(oldest) = oldest.filter(|one| one.newest <= Some(purged.index)) else { break };
            self.files.remove(&name(oldest.number)).map_err(io)?;
            self.segments.remove(0);
        }
        Ok(())
    }

    fn wipe(&self) -> Result<(), LogError> {
        let Some(segment) = self.segments.last() else { return Ok(()) };
        let file = name(segment.number);
        let len = usize::try_from(self.segment_bytes.saturating_sub(self.at)).unwrap_or(0);
        self.files.write(&file, self.at, &vec![0; len]).map_err(io)?;
        self.files.sync(&file).map_err(io)
    }
}

impl Segment {
    fn note(&mut self, record: &Record) {
        if let Record::Entry(point, _) = record {
            self.newest = self.newest.max(Some(point.index));
        }
    }
}

/// Reads the whole log and changes nothing.
pub(super) fn replay(files: &dyn Files) -> Result<Replay, LogError> {
    let mut numbers: Vec<u64> =
        files.list().map_err(io)?.iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    let mut found = Replay {
        state: State::default(),
        frames: 0,
        segments: Vec::new(),
        at: 0,
        next: numbers.first().copied().unwrap_or_default(),
        unfinished: Vec::new(),
        torn: false,
    };
    for (position, number) in numbers.iter().enumerate() {
        let last = position + 1 == numbers.len();
        found.segment(*number, &files.read(&name(*number)).map_err(io)?, last)?;
    }
    found.whole()?;
    Ok(found)
}

impl Replay {
    fn segment(&mut self, number: u64, bytes: &[u8], last: bool) -> Result<(), LogError> {
        if number != self.next {
            return Err(damaged(number, 0, format!("frame {} is missing before it", self.next)));
        }
        let mut segment = Segment { number, newest: None };
        let mut at = 0;
        while let Some(frame) = frame::decode(bytes, at).filter(|one| one.number == self.next) {
            for (record, body) in &frame.records {
                self.record(record, number, at, *body)?;
                segment.note(record);
            }
            self.next += 1;
            self.frames += 1;
            at += frame.len;
        }
        if let Some(sound) = frame::find(bytes, at) {
            let text = format!("it cannot be read, but what follows at byte {sound} can");
            return Err(damaged(number, at, text));
        }
        if !last {
            // The next segment tells, by its number, whether this one is whole.
            self.segments.push(segment);
            return Ok(());
        }
        self.torn = bytes.get(at..).is_some_and(|rest| rest.iter().any(|byte| *byte != 0));
        if at == 0 {
            self.unfinished.push(number);
            let before = self.segments.last();
            // The segment before it is whole; nothing is written to it any more.
            return match before {
                Some(_) => self.reopen(),
                None => Ok(()),
            };
        }
        self.segments.push(segment);
        self.at = at as u64;
        Ok(())
    }

    /// The last segment that was finished is full: the next frame begins a new one.
    fn reopen(&mut self) -> Result<(), LogError> {
        self.torn = false;
        self.at = u64::MAX >> 1;
        Ok(())
    }

    fn record(
        &mut self,
        record: &Record,
        segment: u64,
        at: usize,
        body: usize,
    ) -> Result<(), LogError> {
        if let Record::Entry(point, _) = record
            && let Some(expected) = self.state.next_index()
            && !self.state.entries.is_empty()
            && point.index != expected
        {
            let text = format!("entry {} follows where {expected} belongs", point.index);
            return Err(damaged(segment, at, text));
        }
        self.state.apply(record, segment, (at + body) as u64);
        Ok(())
    }

    /// No entry is missing between what was purged and the first that is here.
    fn whole(&self) -> Result<(), LogError> {
        let Some((first, slot)) = self.state.entries.first_key_value() else { return Ok(()) };
        let expected = self.state.purged.map_or(0, |point| point.index + 1);
        // A log begins at 0, or at 1 when the first entry was never made.
        if *first <= expected.max(1) {
            return Ok(());
        }
        let text = format!("entries {expected} to {} are missing before it", first - 1);
        Err(damaged(slot.segment, 0, text))
    }
}

fn name(number: u64) -> String {
    format!("{number:016x}.log")
}

fn number(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_suffix(".log")?, 16).ok()
}

fn io(error: std::io::Error) -> LogError {
    LogError::Failed(error.to_string())
}

fn damaged(segment: u64, at: usize, text: String) -> LogError {
    LogError::Damaged { file: name(segment), at: at as u64, text }
}
