//! A model of consensus, small enough to be seen through: terms, votes, one log, a quorum. Messages may be lost,
//! doubled and reordered. The real one is simulated beside its code, in `src/raft/tests/sim`; here it only has to
//! bring the directory into every situation that a real one can.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use weir_cluster::Command;
use weir_model::NodeId;

use super::dice::Dice;
use super::message::{Append, Entry, Message};

/// Between two rounds of a leader.
const ROUND_MS: u64 = 100;
const ELECTION_MS: (u64, u64) = (300, 600);
/// Entries of one message.
const ENTRIES_MAX: usize = 64;
/// Rounds whose sending is remembered; a leader confirmed longer ago than that is not confirmed.
const ROUNDS_MAX: usize = 32;

/// One node's part in consensus. Times are of its own clock.
pub(super) struct Replica {
    me: NodeId,
    voters: Vec<NodeId>,
    others: Vec<NodeId>,
    dice: Dice,
    // What survives a crash.
    term: u64,
    voted: Option<NodeId>,
    log: Vec<Arc<Entry>>,
    // What does not.
    pub(super) commit: u64,
    pub(super) leader: Option<NodeId>,
    votes: Vec<NodeId>,
    election_due: u64,
    office: Option<Office>,
}

/// What a leader knows of the others.
struct Office {
    round: u64,
    sent: VecDeque<(u64, u64)>,
    next_round: u64,
    peers: BTreeMap<NodeId, Peer>,
    /// The index of the entry with which it began.
    blank: u64,
}

#[derive(Default)]
struct Peer {
    /// How much of the log it is thought to have.
    next: u64,
    /// How much it said that it has.
    matched: u64,
    /// The newest round it answered.
    round: u64,
}

type Sends = Vec<(NodeId, Message)>;

impl Replica {
    /// A node whose disk holds `log`.
    pub(super) fn new(
        me: NodeId,
        voters: &[NodeId],
        all: &[NodeId],
        log: Vec<Arc<Entry>>,
        dice: Dice,
    ) -> Self {
        let others = all.iter().copied().filter(|node| *node != me).collect();
        Self {
            me,
            voters: voters.to_vec(),
            others,
            dice,
            term: 0,
            voted: None,
            log,
            commit: 0,
            leader: None,
            votes: Vec::new(),
            election_due: 0,
            office: None,
        }
    }

    /// Only the disk is left.
    pub(super) fn crash(&mut self) {
        (self.commit, self.leader, self.office) = (0, None, None);
        self.votes.clear();
        self.election_due = u64::MAX;
    }

    pub(super) fn start(&mut self, now: u64) {
        self.wait_for_leader(now);
    }

    pub(super) fn leads(&self) -> bool {
        self.office.is_some()
    }

    pub(super) fn term(&self) -> u64 {
        self.term
    }

    /// The index with which this leader's time in office began.
    pub(super) fn blank(&self) -> Option<u64> {
        self.office.as_ref().map(|office| office.blank)
    }

    pub(super) fn entry(&self, index: u64) -> Option<Arc<Entry>> {
        self.log.get(index.checked_sub(1)? as usize).cloned()
    }

    /// Appends as leader; false when this node does not lead.
    pub(super) fn propose(&mut self, entry: Entry) -> bool {
        let leads = self.leads();
        if leads {
            self.log.push(Arc::new(Entry { term: self.term, ..entry }));
            self.count_commit();
        }
        leads
    }

    /// Whether a proposal is in the log already, committed or not.
    pub(super) fn holds(&self, id: &super::message::RequestId) -> bool {
        let tail = self.log.iter().rev().take_while(|entry| entry.term == self.term);
        tail.filter_map(|entry| entry.request.as_ref()).any(|(other, _)| other == id)
    }

    /// Whether a command is in the log and not committed yet.
    pub(super) fn waits(&self, command: &Command) -> bool {
        let tail = self.log.iter().skip(self.commit as usize);
        tail.filter_map(|entry| entry.request.as_ref()).any(|(_, other)| other == command)
    }

    /// When the newest round that a quorum answered was sent.
    pub(super) fn confirmed(&self) -> u64 {
        let Some(office) = &self.office else { return 0 };
        let round_of = |voter: &NodeId| match *voter == self.me {
            true => office.round,
            false => office.peers.get(voter).map_or(0, |peer| peer.round),
        };
        let mut rounds: Vec<u64> = self.voters.iter().map(round_of).collect();
        rounds.sort_unstable();
        let quorum = rounds.get((rounds.len() - 1) / 2).copied().unwrap_or_default();
        let sent = office.sent.iter().find(|(round, _)| *round == quorum);
        sent.map_or(0, |(_, at)| *at)
    }

    pub(super) fn tick(&mut self, now: u64, sends: &mut Sends) {
        if let Some(office) = &mut self.office {
            if now >= office.next_round {
                office.next_round = now + ROUND_MS;
                self.send_round(now, sends);
            }
            return;
        }
        if self.voters.contains(&self.me) && now >= self.election_due {
            self.campaign(now, sends);
        }
    }

    pub(super) fn handle(&mut self, from: NodeId, message: Message, now: u64, sends: &mut Sends) {
        match message {
            Message::Append(append) => {
                let answer = self.append(from, append, now);
                sends.push((from, answer));
            }
            Message::Appended { term, round, fits, len } => {
                self.see(term, now);
                self.appended(from, term, round, fits, len);
            }
            Message::AskVote { term, last } => {
                self.see(term, now);
                let yes = term == self.term
                    && self.voted.is_none_or(|voted| voted == from)
                    && last >= self.last();
                if yes {
                    self.voted = Some(from);
                    self.wait_for_leader(now);
                }
                sends.push((from, Message::Voted { term: self.term, yes }));
            }
            Message::Voted { term, yes } => {
                self.see(term, now);
                if yes && term == self.term && !self.votes.is_empty() {
                    self.vote(from, now, sends);
                }
            }
            _ => {}
        }
    }

    /// A newer term ends whatever this node was in the older one.
    fn see(&mut self, term: u64, now: u64) {
        if term <= self.term {
            return;
        }
        (self.term, self.voted, self.leader) = (term, None, None);
        self.votes.clear();
        if self.office.take().is_some() {
            self.wait_for_leader(now);
        }
    }

    fn append(&mut self, from: NodeId, append: Append, now: u64) -> Message {
        let Append { term, round, prev, entries, commit } = append;
        self.see(term, now);
        let len = |this: &Self| this.log.len() as u64;
        if term < self.term {
            return Message::Appended { term: self.term, round: 0, fits: false, len: len(self) };
        }
        self.leader = Some(from);
        self.votes.clear();
        self.wait_for_leader(now);
        let fits = prev.0 == 0 || self.entry(prev.0).is_some_and(|entry| entry.term == prev.1);
        if !fits {
            let have = len(self).min(prev.0.saturating_sub(1));
            return Message::Appended { term, round, fits, len: have };
        }
        let known = prev.0 + entries.len() as u64;
        for (index, entry) in (prev.0 + 1..).zip(entries) {
            if self.entry(index).is_some_and(|own| own.term != entry.term) {
                self.log.truncate(index as usize - 1);
            }
            if index > len(self) {
                self.log.push(entry);
            }
        }
        self.commit = self.commit.max(commit.min(known));
        Message::Appended { term, round, fits, len: known }
    }

    fn appended(&mut self, from: NodeId, term: u64, round: u64, fits: bool, len: u64) {
        let own = self.log.len() as u64;
        let Some(office) = self.office.as_mut().filter(|_| term == self.term) else { return };
        let peer = office.peers.entry(from).or_default();
        let newest = round >= peer.round;
        peer.round = peer.round.max(round);
        if fits {
            peer.matched = peer.matched.max(len.min(own));
            peer.next = peer.next.max(peer.matched);
        } else if newest {
            peer.next = len.min(own);
        }
        self.count_commit();
    }

    fn count_commit(&mut self) {
        let Some(office) = &self.office else { return };
        let have = |voter: &NodeId| match *voter == self.me {
            true => self.log.len() as u64,
            false => office.peers.get(voter).map_or(0, |peer| peer.matched),
        };
        let mut lens: Vec<u64> = self.voters.iter().map(have).collect();
        lens.sort_unstable();
        let quorum = lens.get((lens.len() - 1) / 2).copied().unwrap_or_default();
        if self.entry(quorum).is_some_and(|entry| entry.term == self.term) {
            self.commit = self.commit.max(quorum);
        }
    }

    fn campaign(&mut self, now: u64, sends: &mut Sends) {
        self.wait_for_leader(now);
        (self.term, self.leader) = (self.term + 1, None);
        self.voted = Some(self.me);
        self.votes.clear();
        let ask = Message::AskVote { term: self.term, last: self.last() };
        let voters = self.voters.iter().filter(|voter| **voter != self.me);
        sends.extend(voters.map(|voter| (*voter, ask.clone())));
        self.vote(self.me, now, sends);
    }

    fn vote(&mut self, from: NodeId, now: u64, sends: &mut Sends) {
        if !self.votes.contains(&from) {
            self.votes.push(from);
        }
        if self.votes.len() * 2 <= self.voters.len() {
            return;
        }
        self.votes.clear();
        self.leader = Some(self.me);
        let len = self.log.len() as u64;
        // The others are thought to have everything, until they say otherwise.
        let peer = || Peer { next: len, ..Peer::default() };
        let peers = self.others.iter().map(|other| (*other, peer())).collect();
        let (sent, next_round) = (VecDeque::new(), now + ROUND_MS);
        self.office = Some(Office { round: 0, sent, next_round, peers, blank: len + 1 });
        self.log.push(Arc::new(Entry { term: self.term, request: None }));
        self.send_round(now, sends);
    }

    fn send_round(&mut self, now: u64, sends: &mut Sends) {
        let Some(office) = &mut self.office else { return };
        office.round += 1;
        office.sent.push_back((office.round, now));
        if office.sent.len() > ROUNDS_MAX {
            office.sent.pop_front();
        }
        for (id, peer) in &office.peers {
            let from = peer.next.min(self.log.len() as u64);
            let before = from.checked_sub(1).and_then(|at| self.log.get(at as usize));
            let prev = (from, before.map_or(0, |entry| entry.term));
            let entries = self.log.iter().skip(from as usize).take(ENTRIES_MAX).cloned().collect();
            let (term, round, commit) = (self.term, office.round, self.commit);
            sends.push((*id, Message::Append(Append { term, round, prev, entries, commit })));
        }
        self.count_commit();
    }

    fn last(&self) -> (u64, u64) {
        (self.log.last().map_or(0, |entry| entry.term), self.log.len() as u64)
    }

    fn wait_for_leader(&mut self, now: u64) {
        self.election_due = now + self.dice.between(ELECTION_MS.0, ELECTION_MS.1);
    }
}
