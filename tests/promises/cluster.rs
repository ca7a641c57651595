//! Several nodes are one cluster: any of them takes changes, machines come and go by name, and what dies is noticed,
//! said and survived.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use weir::actors::clock;
use weir::link::peers::PeerAddress;
use weir::link::trust::{Authority, Credentials, NodeKey, Trust};
use weir::link::{Clock, Config, Link, Spawn, Stop, World};
use weir_model::NodeId;
use weir_model::cluster::{Duty, NodeChange, NodeState, Quorum};

use crate::harness::cluster::{SOON, codes, member};
use crate::harness::{Cluster, Node, eventually};

/// A leader's death is survived within this at the worst.
const ELECTED_MAX: Duration = Duration::from_secs(5);
/// A silent node is given up after five seconds; twice that is for a loaded machine.
const FENCED_MAX: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_lone_node_is_a_cluster_of_one() {
    let node = Node::start().await;
    let status = node.api().cluster().await.unwrap();
    assert_eq!(status.quorum, Quorum { voters: 1, needed: 1, up: 1 });
    assert_eq!((status.members.len(), status.raft.leader), (1, Some(status.node)));
    assert_eq!(codes(&status), [""; 0]);
    let name = &status.name;
    let same = node.api().change_node(name, NodeChange::Uncordon, "").await.unwrap();
    assert!(!same.changed);
    for change in [NodeChange::Demote, NodeChange::Remove, NodeChange::Fence] {
        let refused = node.api().change_node(name, change, "").await.unwrap_err();
        assert_eq!(refused.status.as_u16(), 409, "{change:?}: {refused:?}");
    }
}

#[tokio::test]
async fn a_lone_node_that_is_to_look_for_others_without_an_invitation_says_what_it_needs() {
    let mut node = Node::start().await;
    node.stop().await;
    node.add_arguments(&["--join", "127.0.0.1:1"]);
    let said = node.run_in_vain().await;
    assert!(said.contains("an invitation") && said.contains("empty --data"), "{said}");
}

#[tokio::test]
async fn any_node_takes_changes_and_all_of_them_know() {
    let cluster = Cluster::start(3, 1).await;
    for asked in 0..cluster.len() {
        let name = format!("made-at-{asked}");
        cluster.api(asked).create_channel(&name).await.unwrap();
        for other in 0..cluster.len() {
            let api = cluster.api(other);
            eventually("the channel is known", SOON, async || api.channel(&name).await.ok()).await;
        }
    }
    cluster.change(3, 1, NodeChange::Cordon).await;
    let told = cluster.eventually_event(3, "node.cordoned", |_| true).await;
    assert_eq!(told.fields["reason"], "test");
    for asked in 0..cluster.len() {
        cluster
            .eventually_sees(asked, "the cordon", |status| {
                member(status, 1).filter(|node| node.duty == Duty::Cordoned).map(drop)
            })
            .await;
        let kind = if asked == 3 { "node.cordoned" } else { "node.duty" };
        cluster.eventually_event(asked, kind, |event| event.text.contains("n1")).await;
    }
    let twice = cluster.api(3).events().await.unwrap();
    assert!(twice.iter().all(|event| event.kind != "node.duty"), "told twice: {twice:?}");
    let edge = cluster.api(3).invite(&["edge"], 60).await.unwrap();
    let doors = (0..3).map(|voter| cluster.node(voter).link_address().to_string());
    assert!(
        doors.into_iter().any(|door| door == edge.join),
        "an edge lets nobody in: {}",
        edge.join
    );
    assert!(edge.command.ends_with("--roles edge"), "{}", edge.command);
    let metrics = cluster.node(3).metrics().await;
    for line in ["weir_members{state=\"up\"} 4", "weir_link_peers{state=\"connected\"} 3"] {
        assert!(metrics.lines().any(|one| one == line), "{line} is missing:\n{metrics}");
    }
    let ran = cluster.cli(2).run(&["node", "uncordon", "n1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn a_further_node_joins_is_emptied_and_leaves_for_ever() {
    let mut cluster = Cluster::start(3, 0).await;
    let start = Instant::now();
    let fourth = cluster.join(&["ingest", "edge"]).await;
    println!("joined and up after {:?}", start.elapsed());
    cluster.eventually_all_up(fourth).await;
    assert!(!cluster.node(fourth).token_file().exists(), "it is no cluster of its own any more");
    let voter = cluster.api(0).change_node("n3", NodeChange::Promote, "").await.unwrap_err();
    assert_eq!(voter.status.as_u16(), 409, "its certificate has no such role: {voter:?}");
    let tried = cluster.api(1).change_node("n3", NodeChange::Remove, "dry_run=true").await.unwrap();
    assert!(tried.changed);
    for change in [NodeChange::Drain, NodeChange::Remove] {
        cluster.change(1, fourth, change).await;
    }
    cluster
        .eventually_sees(2, "three nodes", |status| (status.members.len() == 3).then_some(()))
        .await;
    cluster.eventually_event(1, "node.removed", |event| event.text.contains("n3")).await;
    cluster.eventually_event(2, "node.removed", |event| event.text.contains("n3")).await;
    events_name_their_nodes(&cluster, 2, &["joined", "up", "voter", "duty", "removed"]).await;
    removed_for_good(&mut cluster, fourth).await;
}

#[tokio::test]
async fn a_node_that_was_off_while_a_stranger_became_the_leader_comes_back() {
    let mut cluster = Cluster::start(1, 1).await;
    cluster.kill(1);
    let next = cluster.join(&["ingest", "edge", "voter"]).await;
    cluster.change(0, next, NodeChange::Promote).await;
    cluster.change(0, 0, NodeChange::Demote).await;
    cluster
        .eventually_sees(next, "that it leads", |status| {
            (status.raft.leader == Some(status.node)).then_some(())
        })
        .await;
    cluster.restart(1).await;
    cluster.eventually_state(next, 1, NodeState::Up).await;
    cluster.eventually_state(1, next, NodeState::Up).await;
}

/// A list of events says without their fields which node each of them is about.
async fn events_name_their_nodes(cluster: &Cluster, asked: usize, verbs: &[&str]) {
    let events = cluster.api(asked).events().await.unwrap();
    for verb in verbs {
        let kind = format!("node.{verb}");
        assert!(events.iter().any(|event| event.kind == kind), "no {kind}: {events:?}");
    }
    let about = events.iter().filter(|event| event.kind.starts_with("node."));
    for event in about.filter(|event| event.fields.contains_key("id")) {
        assert!(event.text.contains(&format!("node {} ", event.fields["node"])), "{event:?}");
    }
}

/// A node that was removed while it ran knows it, and so does its next start; who is dialled by it refuses it with an
/// event, and its old data takes no new invitation.
async fn removed_for_good(cluster: &mut Cluster, gone: usize) {
    knows_that_it_is_out(cluster, gone).await;
    cluster.node_mut(gone).kill();
    cluster.restart(gone).await;
    knows_that_it_is_out(cluster, gone).await;
    let own = cluster.status(gone).await.node;
    let revoked = |event: &weir_model::Event| {
        let field = |name| event.fields.get(name).cloned().unwrap_or_default();
        field("why") == "revoked" && field("node") == own.to_string()
    };
    for asked in 0..gone {
        cluster.eventually_event(asked, "link.refused", revoked).await;
    }
    cluster.kill(gone);
    let again = cluster.api(0).invite(&["ingest", "edge"], 60).await.unwrap();
    std::fs::write(cluster.node(gone).data().join("invitation"), again.token).unwrap();
    let said = cluster.node_mut(gone).run_in_vain().await;
    assert!(said.contains("removed") && said.contains("empty the directory"), "{said}");
}

async fn knows_that_it_is_out(cluster: &Cluster, gone: usize) {
    cluster
        .eventually_sees(gone, "that it is out", |status| {
            (codes(status) == ["removed"]).then_some(())
        })
        .await;
    let ready = reqwest::get(cluster.node(gone).http("/ready")).await.unwrap();
    assert_eq!(ready.status().as_u16(), 503);
    assert_eq!(ready.text().await.unwrap(), "removed from the cluster\n");
    let told = cluster.api(gone).events().await.unwrap();
    assert_eq!(told.iter().filter(|event| event.kind == "node.left").count(), 1, "{told:?}");
}

/// Whoever is looked for where it was finds the others by itself, and tells them where it is.
#[tokio::test]
async fn a_node_whose_address_changed_is_found_again() {
    let mut cluster = Cluster::start(2, 1).await;
    for moved in [1, 2] {
        cluster.node_mut(moved).stop().await;
        cluster.node_mut(moved).move_away();
        cluster.restart(moved).await;
        for asked in 0..3 {
            cluster.eventually_all_up(asked).await;
        }
    }
    cluster.eventually_writes(1, "after").await;
}

#[tokio::test]
async fn nodes_that_all_moved_find_each_other_where_one_of_them_is() {
    let mut cluster = Cluster::start(3, 1).await;
    for moved in 0..4 {
        cluster.node_mut(moved).stop().await;
        cluster.node_mut(moved).move_away();
    }
    let door = cluster.node(0).link_address().to_string();
    for moved in 0..4 {
        if moved > 0 {
            cluster.node_mut(moved).look_at(&door);
        }
        cluster.restart(moved).await;
    }
    for asked in 0..4 {
        cluster.eventually_all_up(asked).await;
    }
    cluster.eventually_writes(3, "after").await;
}

#[tokio::test]
async fn a_node_that_comes_back_as_it_may_not_says_why_and_fills_no_log() {
    let mut cluster = Cluster::start(3, 0).await;
    let leader = cluster.leader(0, &[]).await;
    let other = (leader + 1) % 3;
    cluster.node_mut(other).stop().await;
    cluster.node_mut(other).add_arguments(&["--roles", "ingest,edge"]);
    cluster.restart(other).await;
    let name = Cluster::name(other);
    let told = cluster.eventually_event(leader, "node.start_refused", |_| true).await;
    assert!(told.text.contains(&name) && told.text.contains("demote"), "{told:?}");
    cluster.eventually_event(other, "node.not_taken", |event| event.text.contains("demote")).await;
    let before = cluster.status(leader).await.raft.last_log;
    // It is silent after two seconds: four heartbeats of the refused one.
    let third = (leader + 2) % 3;
    cluster.kill(third);
    cluster.eventually_state(leader, third, NodeState::Suspect).await;
    let told = cluster.api(leader).events().await.unwrap();
    let told = told.iter().filter(|event| event.kind == "node.start_refused").count();
    let grown = cluster.status(leader).await.raft.last_log - before;
    assert!(told == 1 && grown < 4, "told {told} times, {grown} entries for one change");
}

/// The next leader knows whom the one before gave up.
#[tokio::test]
async fn a_brake_holds_beyond_the_death_of_its_leader() {
    let mut cluster = Cluster::start(3, 2).await;
    let leader = cluster.leader(0, &[]).await;
    let rest = [(leader + 1) % 3, (leader + 2) % 3];
    cluster.kill(3);
    cluster.eventually_state(rest[0], 3, NodeState::Fenced).await;
    cluster.kill(leader);
    let next = cluster.leader(rest[0], &[leader]).await;
    let named = |event: &weir_model::Event| event.text.contains(&event.fields["node"]);
    cluster.eventually_event(next, "cluster.brake", named).await;
    events_name_their_nodes(&cluster, next, &["suspect", "fenced"]).await;
    cluster
        .eventually_sees(next, "one given up", |status| {
            let state = |number| member(status, number).map(|node| node.state);
            (state(3) == Some(NodeState::Fenced) && state(leader) == Some(NodeState::Suspect))
                .then_some(())
        })
        .await;
}

/// Whoever voted once has the authority's private key on its disk, and can have it say anything.
#[tokio::test]
async fn a_removed_voters_copy_of_the_authority_lets_nobody_in_as_a_member() {
    let mut cluster = Cluster::start(3, 0).await;
    for change in [NodeChange::Demote, NodeChange::Remove] {
        cluster.change(0, 2, change).await;
    }
    cluster.kill(2);
    let authority = Authority::open(cluster.node(2).data()).unwrap().unwrap();
    let members = [cluster.status(0).await.node, cluster.status(1).await.node];
    // Of two nodes the one with the lower id dials: it is that one's name that is taken.
    let (taken, asked) = if members[0] < members[1] { (members[0], 1) } else { (members[1], 0) };
    let (stop, door) = (watch::Sender::new(false), cluster.node(asked).link_address());
    let forged = forged(&authority, taken, stop.subscribe());
    forged.set_peers(vec![PeerAddress { node: members[asked], addresses: vec![door] }]);
    let refused = |event: &weir_model::Event| {
        let field = |name| event.fields.get(name).cloned().unwrap_or_default();
        field("why") == "foreign_key" && field("node") == taken.to_string()
    };
    cluster.eventually_event(asked, "link.refused", refused).await;
    assert_eq!(forged.connected(), []);
    let metrics = cluster.node(asked).metrics().await;
    let counted = metrics.lines().find(|line| line.contains("reason=\"foreign_key\""));
    assert!(counted.is_some_and(|line| !line.ends_with(" 0")), "{metrics}");
    stop.send_replace(true);
    let status = cluster.status(asked).await;
    assert!(status.members.iter().all(|node| node.state == NodeState::Up), "{status:?}");
    cluster.eventually_writes(asked, "after").await;
}

/// A link of somebody who says to be `node`, started later than any other.
fn forged(authority: &Authority, node: NodeId, stop: Stop) -> Link {
    let clock: Clock = Arc::new(clock::now);
    let (key, roles) = (NodeKey::new().unwrap(), ["edge", "ingest", "voter"]);
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let issued = authority.issue(node, &roles, &key.public(), clock()).unwrap();
    let trust = Arc::new(Trust::new(Credentials::new(issued, &key), None).unwrap());
    let spawn: Spawn = Arc::new(|_, work| drop(tokio::spawn(work)));
    let config = Config::new("127.0.0.1:0".parse().unwrap(), u64::MAX, "test");
    Link::start(config, trust, None, World { spawn, clock, stop }).unwrap()
}

#[tokio::test]
async fn an_invitation_that_is_not_good_admits_nobody_and_is_told_of() {
    let cluster = Cluster::start(1, 0).await;
    let api = cluster.api(0);
    let short = api.invite(&["edge"], 1).await.unwrap();
    eventually("it expires", SOON, async || {
        (api.cluster().await.ok()?.now > short.info.expires_at).then_some(())
    })
    .await;
    let back = api.invite(&["edge"], 60).await.unwrap();
    let ran = cluster.cli(0).run(&["node", "uninvite", &back.info.id]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let edge = api.invite(&["edge"], 60).await.unwrap();
    for (token, words, roles) in [
        (&short.token, "expired", None),
        (&back.token, "taken back", None),
        (&edge.token, "not for the role", Some("voter")),
    ] {
        let mut guest = cluster.guest(token);
        if let Some(roles) = roles {
            guest.add_arguments(&["--roles", roles]);
        }
        let said = guest.run_in_vain().await;
        assert!(said.contains(words), "{words}: {said}");
        cluster.eventually_event(0, "node.refused", |event| event.text.contains(words)).await;
    }
    let mut first = cluster.guest(&edge.token);
    first.run().await;
    let said = cluster.guest(&edge.token).run_in_vain().await;
    assert!(said.contains("used already"), "{said}");
    cluster.eventually_event(0, "node.refused", |event| event.text.contains("used")).await;
}

#[tokio::test]
async fn a_dead_leader_is_followed_given_up_and_taken_back() {
    let mut cluster = Cluster::start(3, 0).await;
    let leader = cluster.leader(0, &[]).await;
    let asked = (leader + 1) % 3;
    cluster.kill(leader);
    let start = Instant::now();
    cluster.eventually_writes(asked, "after").await;
    println!("a change is acknowledged {:?} after the leader's death", start.elapsed());
    assert!(start.elapsed() < ELECTED_MAX, "{:?}", start.elapsed());
    cluster.leader(asked, &[leader]).await;
    let fenced = cluster.eventually_state(asked, leader, NodeState::Fenced).await;
    println!("given up {:?} after its death", start.elapsed());
    assert!(start.elapsed() < FENCED_MAX, "{:?}", start.elapsed());
    assert!(codes(&cluster.status(asked).await).contains(&"node_fenced"));
    let ran = cluster.cli(asked).run(&["cluster", "check"]);
    assert_eq!(ran.code, 11, "{ran:?}");
    cluster.restart(leader).await;
    cluster.eventually_all_up(leader).await;
    let back = cluster.eventually_state(asked, leader, NodeState::Up).await;
    assert!(back.incarnation > fenced.incarnation);
    let api = cluster.api(leader);
    eventually("it has what it missed", SOON, async || api.channel("after").await.ok()).await;
    cluster
        .eventually_sees(asked, "nothing wrong", |status| codes(status).is_empty().then_some(()))
        .await;
}

#[tokio::test]
async fn a_process_that_hangs_counts_as_dead_and_comes_back_as_a_new_start() {
    let mut cluster = Cluster::start(3, 0).await;
    let leader = cluster.leader(0, &[]).await;
    let before = cluster.eventually_state(leader, leader, NodeState::Up).await;
    let asked = (leader + 1) % 3;
    cluster.stop_process(leader);
    let start = Instant::now();
    cluster.eventually_writes(asked, "after").await;
    assert!(start.elapsed() < ELECTED_MAX, "{:?}", start.elapsed());
    cluster.eventually_state(asked, leader, NodeState::Fenced).await;
    cluster.resume_process(leader);
    let after = cluster.eventually_state(asked, leader, NodeState::Up).await;
    assert!(after.incarnation > before.incarnation);
    cluster.eventually_event(leader, "node.given_up", |_| true).await;
    let api = cluster.api(leader);
    eventually("it has what it missed", SOON, async || api.channel("after").await.ok()).await;
}

#[tokio::test]
async fn a_minority_acknowledges_nothing_and_says_why() {
    let mut cluster = Cluster::start(3, 0).await;
    let leader = cluster.leader(0, &[]).await;
    let gone = [(leader + 1) % 3, (leader + 2) % 3];
    gone.iter().for_each(|number| cluster.kill(*number));
    let refused = cluster.api(leader).create_channel("never").await.unwrap_err();
    refused.assert_nothing_promised();
    cluster
        .eventually_sees(leader, "that it is alone", |status| {
            let codes = codes(status);
            let alone = codes.contains(&"leader_alone") || codes.contains(&"no_leader");
            (alone || codes.contains(&"cut_off")).then_some(())
        })
        .await;
    assert_eq!(cluster.cli(leader).run(&["cluster", "check"]).code, 11);
    for number in gone {
        cluster.restart(number).await;
    }
    cluster.eventually_writes(gone[0], "again").await;
    cluster.eventually_all_up(gone[1]).await;
}

#[tokio::test]
async fn votes_are_given_and_taken_while_it_runs() {
    let cluster = Cluster::start(3, 0).await;
    let leader = cluster.leader(0, &[]).await;
    let (asked, other) = ((leader + 1) % 3, (leader + 2) % 3);
    let votes =
        cluster.api(asked).change_node(&Cluster::name(leader), NodeChange::Remove, "").await;
    assert!(votes.is_err_and(|refused| refused.status.as_u16() == 409), "it votes");
    cluster.change(asked, leader, NodeChange::Demote).await;
    cluster.leader(other, &[leader]).await;
    cluster.eventually_writes(leader, "by-a-learner").await;
    let thin = cluster.eventually_sees(asked, "two voters", |status| {
        (status.quorum.voters == 2 && codes(status) == ["quorum_thin"]).then_some(())
    });
    thin.await;
    cluster.change(other, leader, NodeChange::Promote).await;
    cluster
        .eventually_sees(leader, "three voters", |status| {
            (status.quorum.voters == 3 && codes(status).is_empty()).then_some(())
        })
        .await;
}

#[tokio::test]
async fn when_many_fall_silent_at_once_an_operator_decides() {
    let mut cluster = Cluster::start(1, 3).await;
    (1..=3).for_each(|edge| cluster.kill(edge));
    let held = cluster.eventually_sees(0, "the brake", |status| {
        let fenced = |number: &usize| {
            member(status, *number).is_some_and(|node| node.state == NodeState::Fenced)
        };
        let fenced: Vec<usize> = (1..=3).filter(fenced).collect();
        (fenced.len() == 1 && codes(status).contains(&"brake")).then(|| fenced[0])
    });
    let fenced = held.await;
    cluster.eventually_event(0, "cluster.brake", |_| true).await;
    let dead = if fenced == 1 { 2 } else { 1 };
    let name = Cluster::name(dead);
    let ran =
        cluster.cli(0).run(&["node", "fence", &name, "--yes", "--reason", "its power is off"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    cluster.eventually_state(0, dead, NodeState::Fenced).await;
    let told = cluster.eventually_event(0, "node.fenced", |event| event.text.contains(&name)).await;
    assert_eq!(told.fields["reason"], "its power is off");
}
