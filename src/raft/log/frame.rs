//! How the log's bytes read: frames of records.
//!
//! A frame is what one sync makes durable: header, records, zeros up to the next multiple of [`ALIGN`]. Its
//! checksum covers all of it, so that a group is there as a whole or not at all. The next frame is written
//! only after this one is on the disk; so a broken frame with a sound one behind it was damaged, and a
//! broken one with nothing behind it was torn by a power cut.
//!
//! frame: magic u32 | crc32c u32 | number u64 | length of the records u32 | 0 u32 | records
//! record: kind u8 | 0 ×3 | crc32c of the body u32 | length u32 | 0 u32 | index u64 | term u64 | node u64 | body
//!
//! Bodies are JSON text, which never holds a zero byte; so no body can be taken for a frame, whose number
//! always holds some.

use std::sync::Arc;

/// Frames begin at multiples of this, so that looking for one behind damage is cheap.
pub(super) const ALIGN: usize = 8;
const MAGIC: u32 = u32::from_le_bytes(*b"WLF1");
const FRAME_HEADER: usize = 24;
const RECORD_HEADER: usize = 40;

/// An entry's place in the history of all leaders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) term: u64,
    pub(crate) node: u64,
    pub(crate) index: u64,
}

/// One thing that the log remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record {
    /// An entry; its body is not looked at.
    Entry(Point, Arc<[u8]>),
    /// Whom this node votes for.
    Vote(Arc<[u8]>),
    /// Entries up to here are committed.
    Committed(Option<Point>),
    /// Entries from this index on never were.
    Truncate(u64),
    /// Entries up to here are in a snapshot.
    Purge(Point),
}

/// A sound frame as it was read.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) number: u64,
    /// With its padding.
    pub(super) len: usize,
    /// Each record with where its body begins in the frame.
    pub(super) records: Vec<(Record, usize)>,
}

/// The bytes of a frame and, for each record, where its body begins in them.
pub(super) fn encode(number: u64, records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = vec![0; FRAME_HEADER];
    let mut bodies = Vec::with_capacity(records.len());
    for record in records {
        let (kind, point, body) = parts(record);
        bytes.extend([kind, 0, 0, 0]);
        bytes.extend(crc32c::crc32c(body).to_le_bytes());
        bytes.extend(size(body.len()).to_le_bytes());
        bytes.extend([0; 4]);
        for value in [point.index, point.term, point.node] {
            bytes.extend(value.to_le_bytes());
        }
        bodies.push(bytes.len());
        bytes.extend(body);
    }
    let len = size(bytes.len() - FRAME_HEADER);
    put(&mut bytes, 0, &MAGIC.to_le_bytes());
    put(&mut bytes, 8, &number.to_le_bytes());
    put(&mut bytes, 16, &len.to_le_bytes());
    let crc = crc32c::crc32c(bytes.get(8..).unwrap_or_default());
    put(&mut bytes, 4, &crc.to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
    (bytes, bodies)
}

/// How many bytes a frame of records with bodies of `bodies` bytes takes.
pub(super) fn frame_len(bodies: impl Iterator<Item = usize>) -> usize {
    (FRAME_HEADER + bodies.map(|body| RECORD_HEADER + body).sum::<usize>()).next_multiple_of(ALIGN)
}

/// Length of a record's body.
pub(super) fn body_len(record: &Record) -> usize {
    parts(record).2.len()
}

/// The sound frame that begins at `at`.
pub(super) fn decode(bytes: &[u8], at: usize) -> Option<Frame> {
    let header = bytes.get(at..at.checked_add(FRAME_HEADER)?)?;
    if u32_at(header, 0)? != MAGIC {
        return None;
    }
    let end = FRAME_HEADER.checked_add(u32_at(header, 16)? as usize)?;
    let frame = bytes.get(at..at.checked_add(end)?)?;
    if u32_at(header, 4)? != crc32c::crc32c(frame.get(8..)?) {
        return None;
    }
    let mut records = Vec::new();
    let mut next = FRAME_HEADER;
    while next < end {
        let (record, body) = decode_record(frame, next)?;
        next = body + body_len(&record);
        records.push((record, body));
    }
    Some(Frame { number: u64_at(header, 8)?, len: end.next_multiple_of(ALIGN), records })
}

/// Where in `bytes`, from `from` on, a sound frame begins.
pub(super) fn find(bytes: &[u8], from: usize) -> Option<usize> {
    let starts = (from.next_multiple_of(ALIGN)..bytes.len()).step_by(ALIGN);
    let marked = |at: &usize| u32_at(bytes, *at) == Some(MAGIC);
    starts.filter(marked).find(|at| decode(bytes, *at).is_some())
}

/// Whether `body`, as read again, is the one that was written with `crc`.
pub(super) fn fits(body: &[u8], crc: u32) -> bool {
    crc32c::crc32c(body) == crc
}

fn decode_record(frame: &[u8], at: usize) -> Option<(Record, usize)> {
    let begin = at + RECORD_HEADER;
    let header = frame.get(at..begin)?;
    let body = frame.get(begin..begin.checked_add(u32_at(header, 8)? as usize)?)?;
    if !fits(body, u32_at(header, 4)?) {
        return None;
    }
    let point =
        Point { index: u64_at(header, 16)?, term: u64_at(header, 24)?, node: u64_at(header, 32)? };
    let record = match header.first()? {
        1 => Record::Entry(point, body.into()),
        2 => Record::Vote(body.into()),
        3 => Record::Committed(Some(point)),
        4 => Record::Truncate(point.index),
        5 => Record::Purge(point),
        6 => Record::Committed(None),
        _ => return None,
    };
    Some((record, begin))
}

fn parts(record: &Record) -> (u8, Point, &[u8]) {
    let none = Point { term: 0, node: 0, index: 0 };
    match record {
        Record::Entry(point, body) => (1, *point, body),
        Record::Vote(body) => (2, none, body),
        Record::Committed(Some(point)) => (3, *point, &[]),
        Record::Committed(None) => (6, none, &[]),
        Record::Truncate(index) => (4, Point { index: *index, ..none }, &[]),
        Record::Purge(point) => (5, *point, &[]),
    }
}

/// Lengths are bounded far below 4 GiB by the journal; a longer one could not be read again.
fn size(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> impl Strategy<Value = Record> {
        let point = (any::<u64>(), any::<u64>(), any::<u64>())
            .prop_map(|(term, node, index)| Point { term, node, index });
        let body = prop::collection::vec(1_u8..128, 0..100).prop_map(Arc::<[u8]>::from);
        prop_oneof![
            (point.clone(), body.clone()).prop_map(|(point, body)| Record::Entry(point, body)),
            body.prop_map(Record::Vote),
            prop::option::of(point.clone()).prop_map(Record::Committed),
            any::<u64>().prop_map(Record::Truncate),
            point.prop_map(Record::Purge),
        ]
    }

    proptest! {
        #[test]
        fn a_frame_reads_as_it_was_written(
            number: u64,
            records in prop::collection::vec(record(), 1..8),
        ) {
            let (bytes, bodies) = encode(number, &records);
            prop_assert_eq!(bytes.len(), frame_len(records.iter().map(body_len)));
            let frame = decode(&bytes, 0).unwrap();
            prop_assert_eq!((frame.number, frame.len), (number, bytes.len()));
            let read: Vec<_> = records.into_iter().zip(bodies).collect();
            prop_assert_eq!(frame.records, read);
        }

        #[test]
        fn a_frame_with_a_changed_or_missing_bit_is_none(
            records in prop::collection::vec(record(), 1..4),
            place: prop::sample::Index,
            bit in 0_u8..8,
        ) {
            let (mut bytes, _) = encode(7, &records);
            let whole = bytes.len();
            let used = FRAME_HEADER
                + records.iter().map(|one| RECORD_HEADER + body_len(one)).sum::<usize>();
            let at = place.index(used);
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes, 0).is_none());
            bytes[at] ^= 1 << bit;
            bytes.truncate(at);
            prop_assert!(decode(&bytes, 0).is_none());
            prop_assert!(whole >= used);
        }

        #[test]
        fn arbitrary_bytes_are_no_frame(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes, 0).is_none());
            prop_assert!(find(&bytes, 0).is_none());
        }
    }
}
