use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use weir_model::cluster::{MovePlan, NodeLoad};
use weir_model::{Incarnation, Roles};

use super::*;
use crate::members::{Change, Profile, WhyFenced};
use crate::testing::{Cluster, actor, profile};

/// A cluster with loads and rules.
#[derive(Default)]
struct Scene {
    cluster: Cluster,
    cpu: BTreeMap<u64, i64>,
    rules: Rules,
    seq: u64,
}

impl Scene {
    fn of(cpu: &[i64]) -> Self {
        let cpu: BTreeMap<u64, i64> = (1..).zip(cpu.iter().copied()).collect();
        Self { cluster: Cluster::of(cpu.len() as u64), cpu, ..Self::default() }
    }

    fn look<T>(&mut self, with: impl Fn(&View<'_>) -> T) -> T {
        let mut loads = Loads::default();
        self.seq += 1;
        for (id, cpu) in &self.cpu {
            let cpu = u16::try_from((*cpu).clamp(0, 1000)).unwrap();
            let load = NodeLoad { cpu, ..NodeLoad::default() };
            loads.report(NodeId(*id), Incarnation(1), self.seq, load, 0);
        }
        let directory = &self.cluster.directory;
        with(&View { directory, loads: &loads, rules: &self.rules, now_ms: 0 })
    }

    fn own(&mut self, name: &str, node: u64) {
        self.cluster.own(&actor(name), NodeId(node));
    }

    fn choose(&mut self, name: &str, near: Option<u64>) -> Choice {
        let want = Want { actor: actor(name), near: near.map(NodeId) };
        self.look(|view| choose(view, &want))
    }

    fn carry_out(&mut self, plan: &MovePlan) {
        for step in &plan.moves {
            let to = step.to.expect("a rebalance has a target");
            self.cluster.own(&step.actor, to);
            *self.cpu.get_mut(&step.from.0).unwrap() -= census::cost(step.actor.kind);
            *self.cpu.get_mut(&to.0).unwrap() += census::cost(step.actor.kind);
        }
    }

    fn rule(&mut self, name: &str, key: &str, node: u64, effect: Effect) {
        let mut rules = self.rules.list().to_vec();
        let nodes = Where::Node(NodeId(node));
        rules.push(Rule { name: name.into(), kind: None, key: key.into(), nodes, effect });
        self.rules = Rules::new(rules).unwrap();
    }
}

fn barred_at(choice: &Choice, node: u64) -> Option<&str> {
    choice.scores.iter().find(|score| score.node == NodeId(node))?.barred.as_deref()
}

#[test]
fn a_stream_is_where_its_publisher_is_and_a_publisher_on_a_cordoned_node_gets_none() {
    let mut scene = Scene::of(&[990, 10]);
    let choice = scene.choose("stream/demo", Some(1));
    assert_eq!(choice.node, Some(NodeId(1)), "however busy it is");
    assert_eq!(choice.rule, "On n1: a stream is where its publisher is connected.");
    assert_eq!(barred_at(&choice, 2), Some("its publisher is connected to n1"));
    scene.cluster.duty(1, Duty::Cordoned);
    let choice = scene.choose("stream/demo", Some(1));
    assert_eq!((choice.node, barred_at(&choice, 1)), (None, Some("is cordoned")));
    assert_eq!(choice.rule, "Nowhere: only n1 could have it, and that node cannot.");
}

#[test]
fn a_room_is_beside_its_live_stream_and_by_hash_without_one() {
    let mut scene = Scene::of(&[0, 0, 0]);
    let alone = scene.choose("room/demo", None);
    assert!(alone.rule.contains("nobody publishes on the channel, so the hash"));
    for node in 1..=3 {
        scene.own("stream/demo", node);
        assert_eq!(scene.choose("room/demo", None).node, Some(NodeId(node)));
        assert_eq!(scene.choose("session/demo/7", None).node, Some(NodeId(node)));
    }
    let names: Vec<String> = (0..60).map(|at| format!("room/r{at}")).collect();
    let used: BTreeSet<_> = names.iter().map(|name| scene.choose(name, None).node).collect();
    assert_eq!(used.len(), 3);
}

#[test]
fn rooms_of_a_lost_node_move_and_no_others() {
    let mut scene = Scene::of(&[0, 0, 0]);
    let names: Vec<String> = (0..60).map(|at| format!("room/r{at}")).collect();
    let before: Vec<_> = names.iter().map(|name| scene.choose(name, None).node).collect();
    scene.cluster.change(Change::Fence {
        id: NodeId(3),
        incarnation: Incarnation(1),
        why: WhyFenced::Silence,
    });
    for (name, before) in names.iter().zip(before) {
        let now = scene.choose(name, None).node;
        assert!(now == before || before == Some(NodeId(3)));
        assert!(now.is_some() && now != Some(NodeId(3)));
    }
}

#[test]
fn pullers_and_transcoders_go_by_load_locality_and_spread() {
    let mut scene = Scene::of(&[800, 100, 300]);
    assert_eq!(scene.choose("transcoder/demo/v1", None).node, Some(NodeId(2)));
    scene.own("stream/demo", 3);
    let near = scene.choose("transcoder/demo/v1", None);
    assert_eq!(near.node, Some(NodeId(3)), "the stream's node is worth 300 points");
    assert_eq!(near.rule, "On n3: it has the most points of load, locality and spread.");
    let parts: Vec<_> =
        near.scores[0].parts.iter().map(|part| (&*part.name, part.points)).collect();
    assert_eq!(parts, [("load", 420), ("locality", 300), ("spread", 0)]);
    (0..8).for_each(|at| scene.own(&format!("transcoder/x{at}/v1"), 3));
    assert_eq!(scene.choose("transcoder/demo/v1", None).node, Some(NodeId(2)));
}

#[test]
fn between_equal_nodes_the_one_in_the_streams_zone_wins() {
    let mut scene = Scene::default();
    for (id, zone) in [(1, "east"), (2, "west"), (3, "west")] {
        scene.cluster.add_in_zone(id, zone);
        scene.cpu.insert(id, if id == 2 { 950 } else { 400 });
    }
    scene.own("stream/demo", 2);
    let choice = scene.choose("transcoder/demo/v1", None);
    assert_eq!(choice.node, Some(NodeId(3)), "the stream's own node is overloaded");
    let said = &choice.scores[0].parts[1].text;
    assert_eq!(said, "the channel's stream is in the same zone, west");
}

#[test]
fn a_node_without_the_role_or_overloaded_cannot_have_it_and_says_so() {
    let mut scene = Scene::of(&[950, 10]);
    let edge = Profile { roles: Roles::default().with(Role::Edge), ..profile("edge") };
    scene.cluster.add(3, edge);
    let choice = scene.choose("puller/demo", None);
    assert_eq!(choice.node, Some(NodeId(2)));
    assert_eq!(barred_at(&choice, 1), Some("is overloaded: 95 % busy"));
    assert_eq!(barred_at(&choice, 3), Some("has not the role ingest"));
    assert_eq!(scene.choose("recorder/demo", None).scores.last().unwrap().node, NodeId(1));
}

#[test]
fn rules_pin_and_forbid_and_are_named_where_they_decide() {
    let mut scene = Scene::of(&[10, 20, 30]);
    scene.rule("studio", "show*", 3, Effect::Pin);
    scene.rule("quiet", "*", 1, Effect::Forbid);
    let pinned = scene.choose("puller/show-1", None);
    assert_eq!(pinned.node, Some(NodeId(3)));
    assert!(pinned.rule.contains("rule `studio` pins it"));
    assert_eq!(barred_at(&pinned, 2), Some("rule `studio` pins it elsewhere"));
    let other = scene.choose("puller/other", None);
    assert_eq!(other.node, Some(NodeId(2)));
    assert_eq!(barred_at(&other, 1), Some("rule `quiet` forbids it here"));
    scene.cluster.duty(3, Duty::Draining);
    assert_eq!(scene.choose("puller/show-1", None).node, None, "a pin waits");
    let many = vec![Rule { name: String::new(), ..scene.rules.list()[0].clone() }];
    assert_eq!(Rules::new(many).unwrap_err(), RulesRefusal::Text);
}

#[test]
fn what_a_death_leaves_behind_is_spread() {
    let mut scene = Scene::of(&[100, 100, 100]);
    let name = |at| Want { actor: actor(&format!("transcoder/x{at}/v1")), near: None };
    let wants: Vec<Want> = (0..6).map(name).collect();
    let choices = scene.look(|view| choose_all(view, &wants));
    for node in 1..=3 {
        let here = choices.iter().filter(|choice| choice.node == Some(NodeId(node)));
        assert_eq!(here.count(), 2);
    }
}

#[test]
fn explain_says_where_it_is_and_where_it_would_be() {
    let mut scene = Scene::of(&[700, 100]);
    scene.own("puller/demo", 1);
    let want = Want { actor: actor("puller/demo"), near: None };
    let told = scene.look(|view| explain(view, &want));
    assert_eq!((told.current, told.chosen), (Some(NodeId(1)), Some(NodeId(2))));
    assert_eq!(told.scores.len(), 2);
    assert!(told.scores.iter().all(|score| score.parts.iter().all(|part| !part.text.is_empty())));
}

#[test]
fn a_stream_that_nobody_publishes_is_said_to_be_on_no_node() {
    let mut scene = Scene::of(&[700, 100]);
    let want = Want { actor: actor("stream/demo"), near: None };
    let told = scene.look(|view| explain(view, &want));
    assert_eq!((told.current, told.chosen, told.scores.len()), (None, None, 0));
    assert_eq!(told.rule, "On no node now: a stream is where its publisher is connected.");
}

#[test]
fn a_small_gain_moves_nothing_and_a_new_node_gets_its_share() {
    let mut scene = Scene::of(&[300, 340]);
    (0..6).for_each(|at| scene.own(&format!("puller/p{at}"), 1 + at % 2));
    let plan = scene.look(rebalance);
    assert_eq!((plan.moves.len(), plan.staying), (0, 6));
    scene.cpu = BTreeMap::from([(1, 600), (2, 600), (3, 0)]);
    scene.cluster.add(3, profile("n3"));
    let plan = scene.look(rebalance);
    assert!(!plan.moves.is_empty());
    assert!(
        plan.moves.iter().all(|step| step.to == Some(NodeId(3)) && step.gain >= Some(GAIN_MIN))
    );
}

#[test]
fn a_percent_of_load_that_comes_and_goes_decides_nothing() {
    let plan = |cpu: &[i64]| {
        let mut scene = Scene::of(cpu);
        (0..9).for_each(|at| scene.own(&format!("stream/s{at}"), 1));
        scene.look(rebalance)
    };
    let once = plan(&[8, 12, 3]);
    assert!(!once.moves.is_empty());
    assert_eq!(once.moves, plan(&[3, 8, 12]).moves);
}

#[test]
fn rebalance_empties_draining_nodes_and_leaves_cordoned_ones_alone() {
    let mut scene = Scene::of(&[100, 100, 100]);
    scene.own("puller/a", 1);
    scene.own("puller/b", 2);
    scene.cluster.duty(1, Duty::Draining);
    scene.cluster.duty(2, Duty::Cordoned);
    let plan = scene.look(rebalance);
    let steps: Vec<_> = plan.moves.iter().map(|step| (step.from.0, step.to, step.gain)).collect();
    assert_eq!(steps, [(1, Some(NodeId(3)), None)]);
    assert!(plan.moves[0].reason.contains("is being drained"));
    let (from, to) = (&plan.moves[0].from_name, plan.moves[0].to_name.as_deref());
    assert_eq!((from.as_str(), to), (format!("n{}", steps[0].0).as_str(), Some("n3")));
}

#[test]
fn a_new_node_gets_streams_but_not_more_at_a_time_than_viewers_bear() {
    let mut scene = Scene::of(&[100, 100, 100]);
    (0..6).for_each(|at| scene.own(&format!("stream/s{at}"), 1));
    (0..3).for_each(|at| scene.own(&format!("stream/t{at}"), 2));
    let plan = scene.look(rebalance);
    assert!(!plan.moves.is_empty() && plan.moves.len() + plan.staying as usize == 9);
    assert!(plan.moves.iter().all(|step| (step.from, step.to) == (NodeId(1), Some(NodeId(3)))));
    assert!(plan.moves[0].reason.contains("its publisher is told to reconnect"), "{plan:?}");
    (0..60).for_each(|at| scene.own(&format!("stream/u{at}"), 1));
    assert_eq!(scene.look(rebalance).moves.len(), STREAMS_MAX);
}

#[test]
fn a_node_with_too_much_to_do_keeps_its_streams_and_gets_no_further_one() {
    let mut scene = Scene::of(&[950, 100]);
    scene.own("stream/a", 1);
    assert!(scene.look(rebalance).moves.is_empty(), "its load would follow the stream");
    (0..4).for_each(|at| scene.own(&format!("stream/b{at}"), 2));
    assert!(scene.look(rebalance).moves.is_empty(), "there is no room");
    scene.cpu = BTreeMap::from([(1, 100), (2, 100)]);
    assert_eq!(scene.look(rebalance).moves.len(), 1);
}

#[test]
fn a_drain_moves_each_stream_with_what_belongs_to_it_behind_and_tells_what_must_stay() {
    let mut scene = Scene::of(&[100, 200]);
    for name in ["room/a", "stream/b", "session/a/1", "stream/a", "puller/z"] {
        scene.own(name, 1);
    }
    scene.rule("here", "b", 1, Effect::Pin);
    let plan = scene.look(|view| drain(view, NodeId(1)));
    let steps: Vec<_> = plan.moves.iter().map(|step| (step.actor.to_string(), step.to)).collect();
    let names: Vec<_> = steps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["puller/z", "stream/a", "session/a/1", "room/a", "stream/b"]);
    assert!(steps[..4].iter().all(|(_, to)| *to == Some(NodeId(2))));
    assert_eq!(steps[4].1, None);
    assert!(plan.moves[4].reason.starts_with("it has to stay for now."));
    assert!(plan.moves[1].reason.contains("its publisher is told to reconnect"));
}

fn any_scene() -> impl Strategy<Value = (Vec<i64>, Vec<(u8, usize)>, Vec<u8>)> {
    let actors = prop::collection::vec((0u8..6, 0usize..6), 0..40);
    (prop::collection::vec(0i64..900, 1..6), actors, prop::collection::vec(0u8..5, 6))
}

fn build(scene: &(Vec<i64>, Vec<(u8, usize)>, Vec<u8>)) -> Scene {
    let (cpu, actors, states) = scene;
    let mut built = Scene::of(cpu);
    for (at, (kind, node)) in actors.iter().enumerate() {
        let kind = ActorKind::ALL[usize::from(*kind)];
        built.own(&format!("{kind}/c{}", at % 9), (node % cpu.len()) as u64 + 1);
    }
    for (id, state) in (1..=cpu.len() as u64).zip(states) {
        match state {
            0 => built.cluster.duty(id, Duty::Cordoned),
            1 => built.cluster.duty(id, Duty::Draining),
            _ => {}
        }
    }
    built
}

proptest! {
    #[test]
    fn plans_go_only_where_work_is_taken_win_enough_and_come_to_an_end(scene in any_scene()) {
        let mut scene = build(&scene);
        let mut rounds = 0;
        loop {
            let plan = scene.look(rebalance);
            let actors: BTreeSet<_> = plan.moves.iter().map(|step| &step.actor).collect();
            prop_assert_eq!(actors.len(), plan.moves.len(), "each actor moves once");
            for step in &plan.moves {
                let directory = &scene.cluster.directory;
                let lease = directory.leases.of(&step.actor).unwrap();
                prop_assert_eq!((lease.node, lease.epoch), (step.from, step.epoch));
                let target = step.to.and_then(|to| directory.members.of(to)).unwrap();
                prop_assert!(target.takes_work() && step.to != Some(step.from));
                prop_assert!(step.gain.is_none_or(|gain| gain >= GAIN_MIN));
            }
            if plan.moves.is_empty() {
                break;
            }
            scene.carry_out(&plan);
            rounds += 1;
            prop_assert!(rounds <= 10, "a cluster comes to rest");
        }
    }

    #[test]
    fn a_drained_node_keeps_only_what_nobody_else_can_have(scene in any_scene(), node in 1u64..6) {
        let mut scene = build(&scene);
        let plan = scene.look(|view| drain(view, NodeId(node)));
        let held = scene.cluster.directory.leases.held_by(NodeId(node)).count();
        prop_assert_eq!(plan.moves.len(), held);
        let takes = |id: NodeId| scene.cluster.directory.members.of(id).unwrap().takes_work();
        let others = (1..=scene.cpu.len() as u64).any(|id| id != node && takes(NodeId(id)) && scene.cpu[&id] < 800);
        for step in &plan.moves {
            prop_assert!(step.to.is_none_or(|to| to != NodeId(node) && takes(to)));
            let alone = matches!(step.actor.kind, ActorKind::Puller | ActorKind::Recorder);
            prop_assert!(!alone || !others || step.to.is_some());
        }
    }

    #[test]
    fn one_decision_is_the_same_as_the_first_of_many(scene in any_scene(), kind in 0usize..6) {
        let mut scene = build(&scene);
        let want = Want { actor: ActorId::new(ActorKind::ALL[kind], "c1".parse().unwrap()), near: None };
        let wants = [want.clone()];
        let one = scene.look(|view| choose(view, &want));
        let many = scene.look(|view| choose_all(view, &wants));
        prop_assert_eq!(&many[0], &one);
        let best = one.node.map(|node| one.scores.iter().find(|score| score.node == node).unwrap());
        prop_assert!(best.is_none_or(|best| best.barred.is_none()));
    }
}
