//! How the journal's bytes read: chunks, each with the records of one entry of the log.
//!
//! A chunk is there as a whole or not at all: its checksum covers all of it. Entries that made no record have a chunk
//! too, so that the journal tells how far in the log it is.
//!
//! chunk: magic u32 | crc32c u32 | length of the records u32 | count u32 | index in the log u64 | first seq u64 | records
//! record: length u32 | accounts u32 | link, 32 bytes | for each account the record before, u64 | canonical bytes
//!
//! Numbers are little endian. A header always holds zero bytes, and no text in a record does; so nothing that somebody
//! wrote as a reason can be taken for a chunk.

use weir_ledger::chain::Link;
use weir_ledger::record::{Entry, Record, Unreadable};

const MAGIC: u32 = u32::from_le_bytes(*b"WLJ1");
/// Bytes in front of the records.
pub(super) const HEADER: usize = 32;
const RECORD_HEADER: usize = 8 + 32;

/// The front of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    crc: u32,
    /// Bytes of the records.
    pub(super) len: usize,
    /// Records in it.
    pub(super) count: u32,
    /// Of the entry of the log.
    pub(super) index: u64,
    /// Of the first record; of the next one when there is none.
    pub(super) first: u64,
}

/// A record as it lies in a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) link: Link,
    pub(super) before: Vec<u64>,
    pub(super) bytes: Vec<u8>,
}

impl Stored {
    /// The record itself.
    pub(super) fn record(&self) -> Result<Record, Unreadable> {
        Record::read(&self.bytes)
    }
}

/// The bytes of a chunk.
pub(super) fn encode(index: u64, first: u64, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    for entry in entries {
        bytes.extend(size(entry.bytes.len()).to_le_bytes());
        bytes.extend(size(entry.before.len()).to_le_bytes());
        bytes.extend(entry.link.0);
        entry.before.iter().for_each(|seq| bytes.extend(seq.to_le_bytes()));
        bytes.extend(&entry.bytes);
    }
    let len = size(bytes.len() - HEADER);
    let fields = [
        (0, &MAGIC.to_le_bytes()[..]),
        (8, &len.to_le_bytes()),
        (12, &size(entries.len()).to_le_bytes()),
        (16, &index.to_le_bytes()),
        (24, &first.to_le_bytes()),
    ];
    fields.into_iter().for_each(|(at, value)| put(&mut bytes, at, value));
    let crc = crc32c::crc32c(bytes.get(8..).unwrap_or_default());
    put(&mut bytes, 4, &crc.to_le_bytes());
    bytes
}

/// The header in `bytes`, which begin with it.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    (u32_at(bytes, 0)? == MAGIC).then_some(())?;
    Some(Header {
        crc: u32_at(bytes, 4)?,
        len: u32_at(bytes, 8)? as usize,
        count: u32_at(bytes, 12)?,
        index: u64_at(bytes, 16)?,
        first: u64_at(bytes, 24)?,
    })
}

impl Header {
    /// Bytes of the whole chunk.
    pub(super) const fn total(&self) -> usize {
        HEADER + self.len
    }

    /// Whether `chunk` is the whole that its checksum was made of.
    pub(super) fn fits(&self, chunk: &[u8]) -> bool {
        chunk.get(8..).is_some_and(|rest| self.crc == crc32c::crc32c(rest))
    }

    /// The number of the record behind it.
    pub(super) fn next(&self) -> u64 {
        self.first + u64::from(self.count)
    }
}

/// The chunk that `bytes` begin with, when it is sound.
pub(super) fn decode(bytes: &[u8]) -> Option<(Header, Vec<Stored>)> {
    let header = header(bytes)?;
    let chunk = bytes.get(..header.total())?;
    header.fits(chunk).then_some(())?;
    let mut at = HEADER;
    let mut all = Vec::new();
    for _ in 0..header.count {
        let (stored, len) = one(chunk.get(at..)?)?;
        all.push(stored);
        at += len;
    }
    (at == chunk.len()).then_some((header, all))
}

/// The record that `bytes` begin with, and how many of them it has.
pub(super) fn one(bytes: &[u8]) -> Option<(Stored, usize)> {
    let (len, accounts) = (u32_at(bytes, 0)? as usize, u32_at(bytes, 4)? as usize);
    let link = Link(bytes.get(8..RECORD_HEADER)?.try_into().ok()?);
    let body = RECORD_HEADER + accounts.checked_mul(8)?;
    let before = bytes.get(RECORD_HEADER..body)?.chunks_exact(8);
    let before = before.filter_map(|piece| u64_at(piece, 0)).collect();
    let end = body.checked_add(len)?;
    let bytes = bytes.get(body..end)?.to_vec();
    Some((Stored { link, before, bytes }, end))
}

/// Records and their parts are bounded far below 4 GiB.
fn size(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::ledger::testing::entries;

    proptest! {
        #[test]
        fn a_chunk_comes_back_and_one_flipped_bit_is_noticed(seed: u64, bit: prop::sample::Index) {
            let entries = entries(seed, 20);
            let mut bytes = encode(7, 1, &entries);
            let (header, stored) = decode(&bytes).unwrap();
            prop_assert_eq!((header.index, header.first, header.next()), (7, 1, entries.len() as u64 + 1));
            for (stored, entry) in stored.iter().zip(&entries) {
                prop_assert_eq!(&stored.record().unwrap(), &entry.record);
                prop_assert_eq!((stored.link, &stored.before), (entry.link, &entry.before));
            }
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(decode(&bytes).is_none());
        }

        #[test]
        fn other_bytes_are_no_chunk(bytes in prop::collection::vec(any::<u8>(), 0..200), count: u32) {
            prop_assert!(decode(&bytes).is_none());
            let mut lying = encode(1, 1, &[]);
            put(&mut lying, 12, &count.to_le_bytes());
            let crc = crc32c::crc32c(&lying[8..]);
            put(&mut lying, 4, &crc.to_le_bytes());
            prop_assert_eq!(decode(&lying).is_some(), count == 0);
        }
    }
}
