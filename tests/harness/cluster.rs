//! A cluster of real nodes on loopback: founded, joined by token, promoted. Nodes are meant by their number, from 0;
//! node 0 is the founder, and its operator's token is good at all of them, until another node makes a new one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use weir_model::cluster::{ClusterNode, ClusterStatus, NodeChange, NodeState};
use weir_model::{Event, ShowId};

use super::api::Api;
use super::cli::Cli;
use super::node::Node;
use super::viewer::Viewer;
use super::wait::eventually;

/// A join, an election, a fencing: each takes seconds at the most; a loaded machine takes longer.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// How long the invitations of this harness are good.
const TTL_SECS: u64 = 600;
/// What a founder and other voters are there for.
const CORE: [&str; 3] = ["ingest", "edge", "voter"];

/// Several nodes; all of them end with it.
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    /// Which node has the operator's token and lets newcomers in.
    home: usize,
    /// What all of them are told beside the usual, TOML.
    config: &'static str,
}

impl Cluster {
    /// `voters` nodes that vote, the founder among them, and `edges` that only serve viewers; all of them up.
    pub(crate) async fn start(voters: usize, edges: usize) -> Self {
        Self::configured(voters, edges, "").await
    }

    /// The same, with further tables of the configuration.
    pub(crate) async fn configured(voters: usize, edges: usize, config: &'static str) -> Self {
        let mut founder = Node::prepared(&(node_table("n0") + config));
        founder.run().await;
        let mut cluster = Self { nodes: vec![founder], home: 0, config };
        for _ in 1..voters {
            let node = cluster.join(&CORE).await;
            cluster.change(0, node, NodeChange::Promote).await;
        }
        for _ in 0..edges {
            cluster.join(&["edge"]).await;
        }
        cluster.eventually_all_up(0).await;
        cluster
    }

    /// The founder is gone; another node has the operator's token and lets newcomers in.
    pub(crate) fn move_home(&mut self, home: usize) {
        self.home = home;
    }

    /// A further node with these roles, invited by the founder; its number once the founder sees it up.
    pub(crate) async fn join(&mut self, roles: &[&str]) -> usize {
        let number = self.nodes.len();
        let invited = self.api(self.home).invite(roles, TTL_SECS).await.unwrap();
        let mut node = self.guest(&invited.token);
        node.run().await;
        self.nodes.push(node);
        self.eventually_state(self.home, number, NodeState::Up).await;
        number
    }

    /// A node that is not started, with an invitation, at the founder's door.
    pub(crate) fn guest(&self, token: &str) -> Node {
        let name = format!("n{}", self.nodes.len());
        let mut node = Node::prepared(&(node_table(&name) + self.config));
        let file = node.data().join("invitation");
        std::fs::write(&file, token).unwrap();
        let door = self.nodes[self.home].link_address().to_string();
        node.add_arguments(&["--join", &door, "--token-file", file.to_str().unwrap()]);
        node
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, number: usize) -> &Node {
        &self.nodes[number]
    }

    pub(crate) fn node_mut(&mut self, number: usize) -> &mut Node {
        &mut self.nodes[number]
    }

    /// What the cluster calls a node.
    pub(crate) fn name(number: usize) -> String {
        format!("n{number}")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self, number: usize) {
        self.nodes[number].kill();
    }

    /// From its next start on, the files of a node that knows faults are as short as `rules` says; see
    /// `src/node/faults.rs`.
    pub(crate) fn shorten(&self, number: usize, rules: &str) {
        std::fs::write(self.nodes[number].data().join("faults"), rules).unwrap();
    }

    /// Starts a node again on its data, and waits until it answers its operators.
    pub(crate) async fn restart(&mut self, number: usize) {
        self.nodes[number].run().await;
    }

    /// The same as a node of the next release, which speaks this one's protocol too.
    #[cfg(feature = "fault")]
    pub(crate) async fn upgrade(&mut self, number: usize) {
        std::fs::write(self.nodes[number].data().join("faults"), "speaks 2 1").unwrap();
        self.restart(number).await;
    }

    /// SIGSTOP: it holds its sockets and says nothing.
    pub(crate) fn stop_process(&mut self, number: usize) {
        self.nodes[number].process().signal("STOP");
    }

    /// SIGCONT.
    pub(crate) fn resume_process(&mut self, number: usize) {
        self.nodes[number].process().signal("CONT");
    }

    /// Makes a channel that all nodes know, with one key; the key's secret.
    pub(crate) async fn channel(&self, name: &str) -> String {
        self.eventually_writes(0, name).await;
        let key = self.api(0).create_key(name, None).await.unwrap();
        for node in 0..self.len() {
            let api = self.api(node);
            eventually("the key is known", SOON, async || {
                let channel = api.channel(name).await.ok()?;
                channel.keys.iter().find(|known| known.id == key.info.id).map(drop)
            })
            .await;
        }
        key.key
    }

    /// Sets what goes wrong between a node and the network from now on, and waits until it holds; see
    /// `src/node/faults.rs` for the words. Every `@N` is the link address of node `N`.
    #[cfg(feature = "fault")]
    pub(crate) async fn faults(&self, node: usize, rules: &str) {
        let mut text = rules.to_owned();
        for (number, other) in self.nodes.iter().enumerate() {
            text = text.replace(&format!("@{number}"), &other.link_address().to_string());
        }
        let (data, process) = (self.nodes[node].data(), &self.nodes[node]);
        std::fs::write(data.join("faults.new"), &text).unwrap();
        std::fs::rename(data.join("faults.new"), data.join("faults")).unwrap();
        let said = format!("{} rules hold now, {}\"", text.lines().count(), text.len());
        eventually(&said, SOON, async || process.log().contains(&said).then_some(())).await;
    }

    /// Where encoders connect.
    pub(crate) fn ingests(&self, nodes: &[usize]) -> Vec<SocketAddr> {
        nodes.iter().map(|node| self.nodes[*node].rtmp()).collect()
    }

    /// A viewer of a channel that is playable at the first of these nodes, and goes on to the next ones.
    pub(crate) async fn viewer(&self, channel: &str, nodes: &[usize]) -> Viewer {
        Viewer::start(nodes.iter().map(|node| self.nodes[*node].player(channel)).collect()).await
    }

    /// Which node owns a channel's stream, as another one sees it.
    pub(crate) async fn owner(&self, asked: usize, channel: &str) -> Option<usize> {
        let leases = self.api(asked).actors().await.ok()?;
        let lease = leases.into_iter().find(|lease| lease.actor.key.as_str() == channel)?;
        lease.node?;
        (0..self.len()).find(|number| Self::name(*number) == lease.node_name)
    }

    /// The show that is on, as its owner says.
    pub(crate) async fn show(&self, owner: usize, channel: &str) -> Option<ShowId> {
        self.api(owner).stream(channel).await.ok()?.show
    }

    /// A node's operators' side, with the founder's token.
    pub(crate) fn api(&self, number: usize) -> Api {
        let token = std::fs::read_to_string(self.token_file()).expect("the operator's token");
        Api::new(self.nodes[number].api_url(), Some(token.trim().to_owned()))
    }

    /// The command line against a node, with the founder's token.
    pub(crate) fn cli(&self, number: usize) -> Cli {
        Cli::new(&self.nodes[number]).token_file(self.token_file())
    }

    fn token_file(&self) -> PathBuf {
        self.nodes[self.home].token_file()
    }

    /// Changes a node by way of another one; insists on success.
    pub(crate) async fn change(&self, asked: usize, node: usize, change: NodeChange) {
        let (api, name) = (self.api(asked), Self::name(node));
        // A node is promoted once it has caught up, and another change may be on its way.
        eventually(&format!("{change:?} of {name}"), SOON, async || {
            api.change_node(&name, change, "reason=test").await.ok()
        })
        .await;
    }

    /// How a node sees the cluster.
    pub(crate) async fn status(&self, asked: usize) -> ClusterStatus {
        self.api(asked).cluster().await.unwrap()
    }

    /// Waits until a node sees what `look` looks for.
    pub(crate) async fn eventually_sees<T>(
        &self,
        asked: usize,
        what: &str,
        look: impl Fn(&ClusterStatus) -> Option<T>,
    ) -> T {
        let api = self.api(asked);
        let what = format!("{} sees {what}", Self::name(asked));
        eventually(&what, SOON, async || look(&api.cluster().await.ok()?)).await
    }

    /// Waits until a node sees another one in a state.
    pub(crate) async fn eventually_state(
        &self,
        asked: usize,
        number: usize,
        state: NodeState,
    ) -> ClusterNode {
        let what = format!("{} {}", Self::name(number), state.as_str());
        self.eventually_sees(asked, &what, |status| {
            member(status, number).filter(|node| node.state == state).cloned()
        })
        .await
    }

    /// Waits until a node sees all nodes up, links with all of them and nothing wrong.
    pub(crate) async fn eventually_all_up(&self, asked: usize) {
        let count = self.nodes.len();
        self.eventually_sees(asked, "everybody up and linked", |status| {
            let up = |node: &&ClusterNode| {
                let linked = node.id == status.node || node.links_up == 2;
                node.state == NodeState::Up && linked
            };
            (status.members.iter().filter(up).count() == count).then_some(())
        })
        .await;
    }

    /// Waits until a node knows a leader that is none of `not`; its number.
    pub(crate) async fn leader(&self, asked: usize, not: &[usize]) -> usize {
        let others: Vec<usize> = (0..self.len()).filter(|number| !not.contains(number)).collect();
        self.eventually_sees(asked, "a leader", |status| {
            let name = status.raft.leader_name.as_deref()?;
            others.iter().copied().find(|number| Self::name(*number) == name)
        })
        .await
    }

    /// Waits for an event of a kind at a node.
    pub(crate) async fn eventually_event(
        &self,
        asked: usize,
        kind: &str,
        fits: impl Fn(&Event) -> bool,
    ) -> Event {
        let (api, what) = (self.api(asked), format!("{kind} at {}", Self::name(asked)));
        eventually(&what, SOON, async || {
            let events = api.events().await.ok()?;
            events.into_iter().rev().find(|event| event.kind == kind && fits(event))
        })
        .await
    }

    /// Makes a channel by way of a node, which takes as long as the cluster needs to agree.
    pub(crate) async fn eventually_writes(&self, asked: usize, channel: &str) {
        let api = self.api(asked);
        eventually(&format!("channel {channel} is acknowledged"), SOON, async || {
            match api.create_channel(channel).await {
                Ok(_) => Some(()),
                // An attempt without an answer may have been made.
                Err(refused) if refused.status.as_u16() == 409 => Some(()),
                Err(_) => None,
            }
        })
        .await;
    }
}

/// A member in a status, by its number here.
pub(crate) fn member(status: &ClusterStatus, number: usize) -> Option<&ClusterNode> {
    status.members.iter().find(|node| node.name == Cluster::name(number))
}

/// Codes of what is wrong.
pub(crate) fn codes(status: &ClusterStatus) -> Vec<&str> {
    status.warnings.iter().map(|one| one.code.as_str()).collect()
}

fn node_table(name: &str) -> String {
    format!("[node]\nname = \"{name}\"\naddress = \"127.0.0.1\"\n")
}
