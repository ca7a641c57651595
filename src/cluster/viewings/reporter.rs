//! An edge's side: says what changed among its seats, in pieces that fit a request.

use std::collections::BTreeMap;

use weir_model::{Incarnation, NodeId, Timestamp, ViewingId};

use super::{Body, Report, Seat};
use crate::limits::{PARTS_MAX, SEATS_PER_REPORT_MAX};

/// How old the time of a viewing's newest request may become in reports. Every player asks every second or so;
/// to repeat that would make each delta as large as a full report.
pub const REFRESH_MS: i64 = 30_000;

/// A request after so much silence is news at once: the player may have been at another edge meanwhile.
pub const RETURN_MS: i64 = 4000;

/// Most seats that an edge reports: what fits a full report.
const SEATS_MAX: usize = PARTS_MAX as usize * SEATS_PER_REPORT_MAX;

/// What an edge has said.
#[derive(Debug, Clone)]
pub struct Reporter {
    node: NodeId,
    incarnation: Incarnation,
    seq: u64,
    said: BTreeMap<ViewingId, Said>,
    left_out: u64,
}

#[derive(Debug, Clone)]
struct Said {
    seat: Seat,
    /// The newest request when it was last looked at, said or not.
    seen: Timestamp,
}

impl Reporter {
    /// An edge's start; nothing was said.
    #[must_use]
    pub const fn new(node: NodeId, incarnation: Incarnation) -> Self {
        Self { node, incarnation, seq: 0, said: BTreeMap::new(), left_out: 0 }
    }

    /// What changed since the last time, given all seats of now: one report at the least, so that silence means
    /// death. To be sent to every counter, in this order.
    pub fn changes(&mut self, seats: impl IntoIterator<Item = Seat>) -> Vec<Report> {
        let mut before = std::mem::take(&mut self.said);
        let mut news = Vec::new();
        for seat in seats {
            if self.said.len() >= SEATS_MAX && !self.said.contains_key(&seat.id) {
                self.left_out += 1;
                continue;
            }
            let seen = seat.newest;
            let said = match before.remove(&seat.id) {
                Some(said) if !is_news(&said, &seat) => said.seat,
                _ => {
                    news.push(seat.clone());
                    seat
                }
            };
            self.said.insert(said.id, Said { seat: said, seen });
        }
        self.deltas(news, before.into_keys().collect())
    }

    /// All that was said so far, for a counter that begins or has missed something.
    #[must_use]
    pub fn full(&self) -> Vec<Report> {
        let seats: Vec<Seat> = self.said.values().map(|said| said.seat.clone()).collect();
        let mut chunks: Vec<Vec<Seat>> =
            seats.chunks(SEATS_PER_REPORT_MAX).map(<[Seat]>::to_vec).collect();
        if chunks.is_empty() {
            chunks.push(Vec::new());
        }
        let parts = u32::try_from(chunks.len()).unwrap_or(PARTS_MAX);
        let numbered = (0..parts).zip(chunks);
        numbered.map(|(part, seats)| self.with(Body::Full { part, parts, seats })).collect()
    }

    /// Times that a seat was not reported because the edge has more than fit a full report.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    fn deltas(&mut self, news: Vec<Seat>, gone: Vec<ViewingId>) -> Vec<Report> {
        let mut bodies = Vec::new();
        let empty = || Body::Delta { seats: Vec::new(), gone: Vec::new() };
        for gone in gone.chunks(SEATS_PER_REPORT_MAX) {
            bodies.push(Body::Delta { seats: Vec::new(), gone: gone.to_vec() });
        }
        for seats in news.chunks(SEATS_PER_REPORT_MAX) {
            bodies.push(Body::Delta { seats: seats.to_vec(), gone: Vec::new() });
        }
        if bodies.is_empty() {
            bodies.push(empty());
        }
        let mut number = |body| {
            self.seq += 1;
            self.with(body)
        };
        bodies.into_iter().map(&mut number).collect()
    }

    const fn with(&self, body: Body) -> Report {
        Report { node: self.node, incarnation: self.incarnation, seq: self.seq, body }
    }
}

fn is_news(said: &Said, now: &Seat) -> bool {
    let old = &said.seat;
    old.channel != now.channel
        || old.account != now.account
        || now.newest.since_ms(old.newest) >= REFRESH_MS
        || now.newest.since_ms(said.seen) >= RETURN_MS
}
