//! What a node does while it leads: answers heartbeats, gives up who fell silent, finds places for what has none,
//! and carries out plans of moves. The counting is the product's [`Watch`], the choosing its `placement`.

use weir_cluster::Command;
use weir_cluster::liveness::{Beat, Heard, SUSPECT_MS, Watch};
use weir_cluster::load::Loads;
use weir_cluster::members::{Change, WhyFenced};
use weir_cluster::placement::{self, Rules, View, Want};
use weir_model::cluster::{Duty, NodeLoad};
use weir_model::{ActorId, ActorKind, NodeId};

use super::message::{Entry, Message};
use super::node::{Node, Out};
use super::plant::Plant;

/// Between two looks at who fell silent; leaders of the product look at every heartbeat.
const LOOK_MS: u64 = 250;
/// Between two looks at what has no place.
const PLACE_MS: u64 = 1000;
/// Between two plans of moves.
const REBALANCE_MS: u64 = 4000;
/// Moves begun at once.
const MOVES_MAX: usize = 2;

pub(super) struct Office {
    term: u64,
    pub(super) watch: Watch,
    loads: Loads,
    next_look: u64,
    next_place: u64,
    next_plan: u64,
}

impl Node {
    /// Takes or leaves office, and does what is due in it.
    pub(super) fn lead(&mut self, now: u64, out: &mut Out) {
        // Before its own first entry is applied, a leader has not read all that was decided before it.
        let has_read = |blank: u64| self.applied >= blank || self.plant == Plant::LeadersDoNotRead;
        let term = self.replica.term();
        if !self.replica.blank().is_some_and(has_read) {
            self.office = None;
            return;
        }
        if self.office.as_ref().is_none_or(|office| office.term != term) {
            let fenced_at = self.fencings.times();
            let watch = Watch::take_office(&self.directory.members, fenced_at, now);
            let (loads, next_look, next_place) = (Loads::default(), now, now + PLACE_MS);
            let next_plan = now + REBALANCE_MS;
            self.office = Some(Office { term, watch, loads, next_look, next_place, next_plan });
        }
        let Some(mut office) = self.office.take() else { return };
        if now >= office.next_look {
            office.next_look = now + LOOK_MS;
            self.look(&mut office, now, out);
        }
        if now >= office.next_place {
            office.next_place = now + PLACE_MS;
            self.place(&office, now, out);
        }
        if now >= office.next_plan {
            office.next_plan = now + REBALANCE_MS;
            self.move_actors(&office, now, out);
        }
        self.office = Some(office);
    }

    pub(super) fn heard_beat(
        &mut self,
        from: NodeId,
        beat: Beat,
        load: NodeLoad,
        now: u64,
        out: &mut Out,
    ) {
        let confirmed = self.confirmed(now);
        let members = &self.directory.members;
        let Some(office) = &mut self.office else { return };
        let heard = office.watch.heard(from, beat.incarnation, members, confirmed, now);
        match heard {
            Heard::NewStart => {
                let profile = members.of(from).map(|member| member.profile.clone());
                let Some(profile) = profile else { return };
                let start = Change::Start { id: from, incarnation: beat.incarnation, profile };
                self.propose(Command::Member(start), now, out);
            }
            Heard::Unconfirmed => {}
            Heard::Granted | Heard::Fenced | Heard::Unknown => {
                office.loads.report(from, beat.incarnation, beat.seq, load, now);
                out.sends.push((from, Message::Answer { beat, heard }));
            }
        }
    }

    fn confirmed(&self, now: u64) -> u64 {
        match self.plant {
            Plant::LeadersAreNotConfirmed => now,
            _ => self.replica.confirmed(),
        }
    }

    fn look(&mut self, office: &mut Office, now: u64, out: &mut Out) {
        let due = office.watch.decide(self.confirmed(now), now);
        let mut changes = due.changes;
        if self.plant == Plant::LeadersDoNotWait {
            let silent = |id| office.watch.silence_ms(id, now).is_some_and(|ms| ms > SUSPECT_MS);
            let members = self.directory.members.iter().filter(|member| member.is_alive());
            let silent = members.filter(|member| silent(member.id));
            changes.extend(silent.map(|member| Change::Fence {
                id: member.id,
                incarnation: member.incarnation,
                why: WhyFenced::Silence,
            }));
        }
        for change in changes {
            let command = Command::Member(change);
            match self.plant {
                Plant::DecisionsOutliveTheirOffice => self.propose(command, now, out),
                _ => self.decide(command),
            }
        }
    }

    /// Proposes what only this leader may say, because it alone knows what it granted: by this node or not at all.
    /// Repeated by any other way, it would be made by a leader that has granted something else since.
    fn decide(&mut self, command: Command) {
        let id = self.number();
        if !self.replica.waits(&command) {
            self.replica.propose(Entry { term: 0, request: Some((id, command)) });
        }
    }

    fn view<'a>(&'a self, office: &'a Office, rules: &'a Rules, now_ms: u64) -> View<'a> {
        View { directory: &self.directory, loads: &office.loads, rules, now_ms }
    }

    fn place(&mut self, office: &Office, now: u64, out: &mut Out) {
        let rules = Rules::default();
        let leases = &self.directory.leases;
        let homeless = self.media.placed.iter().filter(|actor| leases.of(actor).is_none());
        let want = |actor: &ActorId| Want { actor: actor.clone(), near: None };
        let wants: Vec<Want> = homeless.map(want).collect();
        let choices = placement::choose_all(&self.view(office, &rules, now), &wants);
        for (want, choice) in wants.into_iter().zip(choices) {
            if let Some(node) = choice.node {
                out.sends.push((node, Message::Start(want.actor)));
            }
        }
    }

    fn move_actors(&mut self, office: &Office, now: u64, out: &mut Out) {
        let rules = Rules::default();
        let view = self.view(office, &rules, now);
        let mut moves = placement::rebalance(&view).moves;
        let draining = self.directory.members.iter().filter(|member| member.duty == Duty::Draining);
        for member in draining {
            moves.extend(placement::drain(&view, member.id).moves);
        }
        for step in moves.into_iter().take(MOVES_MAX + 4) {
            let (actor, epoch, from) = (step.actor, step.epoch, step.from);
            match step.to {
                to @ Some(_) if actor.kind == ActorKind::Stream => {
                    out.sends.push((from, Message::SendAway { stream: actor, to }));
                }
                Some(to) => out.sends.push((to, Message::Move { actor, epoch, from })),
                None => {}
            }
        }
    }
}
