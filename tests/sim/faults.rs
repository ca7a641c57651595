//! What breaks: the fault matrix as far as it concerns placement, leases and plans. Each fault ends by itself, and
//! healing ends all of them at once.

use std::collections::BTreeSet;

use weir_cluster::Command;
use weir_cluster::members::Change;
use weir_model::NodeId;
use weir_model::cluster::Duty;

use super::message::Message;
use super::world::World;

/// Ways, from and to, that carry nothing.
type Ways = Vec<(NodeId, NodeId)>;

pub(super) enum Repair {
    Start(NodeId),
    Resume(NodeId),
    Mend(Ways),
    Calm,
    Serve(NodeId),
}

/// The longest way of a message when nothing is wrong, in microseconds.
const CALM_US: u64 = 5_000;

impl World {
    pub(super) fn break_something(&mut self) {
        let ids: Vec<NodeId> = self.machines.keys().copied().collect();
        let Some(id) = self.dice.pick(&ids) else { return };
        match self.dice.between(0, 99) {
            0..=19 => self.stop_for(id, 15_000),
            20..=34 => self.pause_for(id),
            35..=46 => {
                let side: BTreeSet<NodeId> =
                    ids.iter().copied().filter(|_| self.dice.permille(500)).collect();
                self.cut(both_ways(&side, &ids));
            }
            47..=56 => {
                let leader = self.machines.values().find(|one| one.node.replica.leads());
                let alone = [leader.map_or(id, |leader| leader.node.id)].into();
                self.cut(both_ways(&alone, &ids));
            }
            57..=69 => self.cut_one_way(id, &ids),
            70..=78 => {
                self.weather.loss = self.dice.between(0, 300);
                self.weather.delay_us = self.dice.between(CALM_US, 3_000_000);
                self.repair_in(10_000, Repair::Calm);
            }
            79..=87 => {
                let at = self.dice.between(0, self.publishers.len() as u64 - 1) as usize;
                let pause = self.dice.between(100_000, 9_000_000);
                self.unplug(at, pause);
            }
            88..=96 => {
                let duty = if self.dice.permille(500) { Duty::Draining } else { Duty::Cordoned };
                self.operate(Change::SetDuty { id, duty });
                self.repair_in(20_000, Repair::Serve(id));
            }
            _ => ids.iter().for_each(|id| self.stop_for(*id, 3_000)),
        }
    }

    pub(super) fn repair(&mut self, repair: Repair) {
        match repair {
            Repair::Start(id) => self.start(id),
            Repair::Resume(id) => self.resume(id),
            Repair::Mend(ways) => {
                for way in ways {
                    if let Some(cuts) = self.weather.cut.get_mut(&way) {
                        *cuts = cuts.saturating_sub(1);
                    }
                }
            }
            Repair::Calm => (self.weather.loss, self.weather.delay_us) = (0, CALM_US),
            Repair::Serve(id) => self.operate(Change::SetDuty { id, duty: Duty::Serving }),
        }
    }

    /// From now on nothing breaks, and what is broken is repaired; `dead` stays away and `leaving` is being drained.
    pub(super) fn heal(&mut self, dead: Option<NodeId>, leaving: Option<NodeId>) {
        self.healed = true;
        self.weather.cut.clear();
        self.repair(Repair::Calm);
        self.drop_repairs();
        let ids: Vec<NodeId> = self.machines.keys().copied().collect();
        for id in ids {
            let duty = if leaving == Some(id) { Duty::Draining } else { Duty::Serving };
            self.duties.insert(id, duty);
            if dead == Some(id) {
                self.crash(id);
            } else {
                self.resume(id);
                self.start(id);
            }
        }
    }

    /// An operator's command, given to some node that runs.
    pub(super) fn operate(&mut self, change: Change) {
        let running: Vec<NodeId> =
            self.machines.values().filter(|one| one.acts()).map(|one| one.node.id).collect();
        if let Some(by) = self.dice.pick(&running) {
            self.tell(by, Message::Operate(Command::Member(change)));
        }
    }

    fn stop_for(&mut self, id: NodeId, most_ms: u64) {
        self.crash(id);
        self.repair_in(most_ms, Repair::Start(id));
    }

    fn pause_for(&mut self, id: NodeId) {
        if let Some(machine) = self.machines.get_mut(&id).filter(|machine| machine.running) {
            machine.paused = true;
            self.repair_in(12_000, Repair::Resume(id));
        }
    }

    fn cut_one_way(&mut self, id: NodeId, ids: &[NodeId]) {
        let Some(other) = self.dice.pick(ids) else { return };
        let others = ids.iter().filter(|other| **other != id);
        let ways = match self.dice.between(0, 2) {
            0 => others.map(|other| (id, *other)).collect(),
            1 => others.map(|other| (*other, id)).collect(),
            _ => vec![(id, other)],
        };
        self.cut(ways);
    }

    /// What a node says to itself is cut by nothing.
    fn cut(&mut self, mut ways: Ways) {
        ways.retain(|(from, to)| from != to);
        for way in &ways {
            *self.weather.cut.entry(*way).or_default() += 1;
        }
        self.repair_in(15_000, Repair::Mend(ways));
    }

    fn repair_in(&mut self, most_ms: u64, repair: Repair) {
        let us = self.dice.between(100, most_ms) * 1000;
        self.repair_after(us, repair);
    }
}

fn both_ways(side: &BTreeSet<NodeId>, ids: &[NodeId]) -> Ways {
    let others = ids.iter().filter(|id| !side.contains(id));
    let ways = others.flat_map(|other| side.iter().flat_map(|id| [(*id, *other), (*other, *id)]));
    ways.collect()
}
