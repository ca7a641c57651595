//! What is known of the node. Cheap to clone, so that freezing the screen costs nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_model::cluster::{
    ClusterFinding, ClusterNode, ClusterStatus, LeaseInfo, LinkInfo, ReplicaInfo,
};
use weir_model::node::NodeStatus;
use weir_model::stream::HealthLevel;
use weir_model::{Channel, ChannelName, Event, StreamInfo, StreamKey, StreamState, Viewing};

use super::money::Money;
use super::rows::stream_state;
use crate::clean::clean_in;
use crate::conn::{Detail, Snapshot};

/// Events kept: several screens to scroll back; the node keeps the rest.
const EVENTS_KEPT: usize = 1000;

/// The worst that is wrong, for the strip on every page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// How bad.
    pub level: HealthLevel,
    /// What it is about.
    pub about: About,
    /// One sentence.
    pub text: String,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A channel's stream.
    Stream(ChannelName),
    /// The node that is asked.
    Node,
    /// Its cluster.
    Cluster,
}

/// What goes on in the cluster, counted over its streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Open shows.
    pub live: u64,
    /// Publishers that are connected.
    pub publishers: u64,
    /// Viewings.
    pub viewers: u64,
    /// Bits per second that publishers send.
    pub bitrate: u64,
}

impl Totals {
    fn of(streams: &[StreamInfo]) -> Self {
        let live = streams.iter().filter(|one| one.state == StreamState::Live);
        // What a stream in its grace period sent last is of the past.
        let published = streams.iter().filter(|one| one.publisher.is_some());
        Self {
            live: live.count() as u64,
            publishers: published.clone().count() as u64,
            viewers: streams.iter().map(|one| one.viewers).sum(),
            bitrate: published.map(|one| one.bitrate).sum(),
        }
    }
}

/// A channel, with what its stream does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// The channel.
    pub channel: Channel,
    /// The word for its stream's state.
    pub state: &'static str,
    /// Viewings; none when the node lists no stream of it.
    pub viewers: Option<u64>,
}

/// Everything the node told, cleaned.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// Its condition, once it answered.
    pub status: Option<Arc<NodeStatus>>,
    /// Its cluster's streams.
    pub streams: Arc<Vec<StreamInfo>>,
    /// The same in figures.
    pub totals: Totals,
    /// Events, oldest first.
    pub events: Arc<Vec<Event>>,
    /// Channels, once asked for.
    pub channels: Arc<Vec<ChannelRow>>,
    /// The channel that viewings, explanation and keys belong to.
    pub about: Option<ChannelName>,
    /// Viewings of that channel.
    pub viewings: Arc<Vec<Viewing>>,
    /// What the node says about that stream.
    pub explanation: Arc<Vec<String>>,
    /// Keys of that channel.
    pub keys: Arc<Vec<StreamKey>>,
    /// Nodes of the cluster.
    pub nodes: Arc<Vec<ClusterNode>>,
    /// Links of the node.
    pub links: Arc<Vec<LinkInfo>>,
    /// Who owns what.
    pub actors: Arc<Vec<LeaseInfo>>,
    /// Copies of streams.
    pub replicas: Arc<Vec<ReplicaInfo>>,
    /// The cluster, once asked for.
    pub cluster: Option<Arc<ClusterStatus>>,
    /// What is known about money.
    pub money: Money,
    /// Why the node refused what the page asked.
    pub refused: Option<String>,
    /// The worst finding.
    pub alert: Option<Alert>,
    /// Findings in all.
    pub alerts: usize,
    /// Monotonic milliseconds when the condition was heard.
    pub seen_ms: u64,
}

impl Data {
    /// Takes in one look at the node.
    pub fn take(&mut self, mut snapshot: Snapshot, now_ms: u64) {
        clean_status(&mut snapshot.status);
        snapshot.streams.iter_mut().for_each(clean_stream);
        snapshot.findings.iter_mut().for_each(clean_finding);
        self.seen_ms = now_ms;
        (self.alert, self.alerts) = alerts(&snapshot);
        self.status = Some(Arc::new(snapshot.status));
        self.totals = Totals::of(&snapshot.streams);
        self.streams = Arc::new(snapshot.streams);
        self.take_detail(snapshot.detail);
    }

    fn take_detail(&mut self, detail: Detail) {
        self.refused = None;
        match detail {
            Detail::None => {}
            Detail::Stream(channel, mut viewings, mut explanation) => {
                viewings.iter_mut().for_each(clean_viewing);
                explanation.iter_mut().for_each(clean_in);
                self.about = Some(channel);
                self.viewings = Arc::new(viewings);
                self.explanation = Arc::new(explanation);
            }
            Detail::Channels(channels) => self.take_channels(channels),
            Detail::Channel(channel, channels, mut keys) => {
                keys.iter_mut().for_each(|k| clean_in(&mut k.label));
                self.about = Some(channel);
                self.keys = Arc::new(keys);
                self.take_channels(channels);
            }
            Detail::Nodes(mut nodes) => {
                nodes.iter_mut().for_each(clean_node);
                self.nodes = Arc::new(nodes);
            }
            Detail::Links(mut links) => {
                links.iter_mut().for_each(clean_link);
                self.links = Arc::new(links);
            }
            Detail::Actors(mut actors) => {
                actors.iter_mut().for_each(|lease| clean_in(&mut lease.node_name));
                self.actors = Arc::new(actors);
            }
            Detail::Replicas(mut replicas) => {
                replicas.iter_mut().for_each(clean_replica);
                self.replicas = Arc::new(replicas);
            }
            Detail::Raft(mut status) => {
                clean_cluster(&mut status);
                self.cluster = Some(Arc::from(status));
            }
            Detail::Money(page, told) => self.money.take(page, told),
            Detail::Refused(mut error) => {
                clean_in(&mut error.message);
                self.refused = Some(error.message);
            }
        }
    }

    fn take_channels(&mut self, mut channels: Vec<Channel>) {
        channels.iter_mut().for_each(|c| clean_in(&mut c.title));
        let streams: BTreeMap<_, _> = self.streams.iter().map(|s| (&s.channel, s)).collect();
        let rows = channels.into_iter().map(|channel| {
            let stream = streams.get(&channel.name);
            let state = stream.map_or("offline", |stream| stream_state(stream));
            ChannelRow { state, viewers: stream.map(|stream| stream.viewers), channel }
        });
        self.channels = Arc::new(rows.collect());
    }

    /// Takes in an event; one that is known already changes nothing.
    pub fn note(&mut self, mut event: Event) {
        clean_in(&mut event.kind);
        clean_in(&mut event.text);
        for value in event.fields.values_mut() {
            clean_in(value);
        }
        let events = Arc::make_mut(&mut self.events);
        if events.iter().rev().any(|known| known.cursor == event.cursor) {
            return;
        }
        if events.len() >= EVENTS_KEPT {
            events.remove(0);
        }
        events.push(event);
    }

    /// The stream of a channel.
    #[must_use]
    pub fn stream(&self, channel: &ChannelName) -> Option<&StreamInfo> {
        self.streams.iter().find(|s| s.channel == *channel)
    }

    /// Viewings of a channel, when they are what was asked last.
    #[must_use]
    pub fn viewings_of(&self, channel: &ChannelName) -> Option<&[Viewing]> {
        (self.about.as_ref() == Some(channel)).then_some(self.viewings.as_slice())
    }

    /// Keys of a channel, when they are what was asked last.
    #[must_use]
    pub fn keys_of(&self, channel: &ChannelName) -> Option<&[StreamKey]> {
        (self.about.as_ref() == Some(channel)).then_some(self.keys.as_slice())
    }
}

fn alerts(snapshot: &Snapshot) -> (Option<Alert>, usize) {
    let of_streams = snapshot.streams.iter().flat_map(|stream| {
        let about = stream.findings.iter().filter(|f| f.level > HealthLevel::Ok);
        about.map(|f| (f.level, About::Stream(stream.channel.clone()), f.text.as_str()))
    });
    let of_loops = snapshot.status.loops.iter().filter_map(|l| {
        let stopped = l.state == weir_model::node::LoopState::Stopped;
        let error = l.last_error.as_deref()?;
        stopped.then_some((HealthLevel::Warning, About::Node, error))
    });
    let of_cluster = snapshot.findings.iter().filter(|f| f.level > HealthLevel::Ok);
    let of_cluster = of_cluster.map(|f| (f.level, About::Cluster, f.text.as_str()));
    let mut worst: Option<(HealthLevel, About, &str)> = None;
    let mut count = 0;
    for found in of_streams.chain(of_loops).chain(of_cluster) {
        count += 1;
        if worst.as_ref().is_none_or(|w| found.0 > w.0) {
            worst = Some(found);
        }
    }
    let alert = worst.map(|(level, about, text)| Alert { level, about, text: text.to_owned() });
    (alert, count)
}

fn clean_status(status: &mut NodeStatus) {
    clean_in(&mut status.name);
    clean_in(&mut status.version);
    status.roles.iter_mut().for_each(clean_in);
    for endpoint in &mut status.endpoints {
        clean_in(&mut endpoint.name);
        clean_in(&mut endpoint.url);
    }
    for l in &mut status.loops {
        clean_in(&mut l.name);
        l.last_error.iter_mut().for_each(clean_in);
    }
}

fn clean_stream(stream: &mut StreamInfo) {
    stream.node.iter_mut().for_each(|node| clean_in(&mut node.name));
    if let Some(publisher) = &mut stream.publisher {
        clean_in(&mut publisher.protocol);
        clean_in(&mut publisher.remote);
        clean_in(&mut publisher.encoder);
    }
    for track in &mut stream.tracks {
        clean_in(&mut track.id);
        clean_in(&mut track.kind);
        clean_in(&mut track.codec);
    }
    for finding in &mut stream.findings {
        clean_in(&mut finding.code);
        clean_in(&mut finding.text);
        clean_in(&mut finding.advice);
    }
}

fn clean_node(node: &mut ClusterNode) {
    let urls = node.publish_urls.iter_mut().chain(&mut node.watch_urls);
    urls.chain(&mut node.zone).for_each(clean_in);
    [&mut node.name, &mut node.link, &mut node.version].into_iter().for_each(clean_in);
}

fn clean_link(link: &mut LinkInfo) {
    link.last_error.iter_mut().for_each(clean_in);
    let texts = [&mut link.from_name, &mut link.to_name, &mut link.remote, &mut link.lane];
    texts.into_iter().for_each(clean_in);
}

fn clean_replica(replica: &mut ReplicaInfo) {
    clean_in(&mut replica.node_name);
    replica.from_name.iter_mut().for_each(clean_in);
}

fn clean_cluster(status: &mut ClusterStatus) {
    clean_in(&mut status.name);
    status.raft.leader_name.iter_mut().for_each(clean_in);
    status.raft.peers.iter_mut().for_each(|peer| clean_in(&mut peer.name));
    status.versions.iter_mut().for_each(|one| clean_in(&mut one.version));
    status.members.iter_mut().for_each(clean_node);
    status.warnings.iter_mut().for_each(clean_finding);
}

fn clean_finding(one: &mut ClusterFinding) {
    [&mut one.code, &mut one.text, &mut one.advice].into_iter().for_each(clean_in);
}

fn clean_viewing(viewing: &mut Viewing) {
    viewing.node.iter_mut().for_each(|node| clean_in(&mut node.name));
    clean_in(&mut viewing.protocol);
    clean_in(&mut viewing.remote);
    clean_in(&mut viewing.player);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn hostile_names_are_inert_once_inside() {
        let mut snapshot = fixture::snapshot();
        let evil = "\x1b[31mOBS\u{202e}";
        snapshot.status.name = evil.into();
        snapshot.streams[0].publisher.as_mut().unwrap().encoder = evil.into();
        snapshot.streams[0].findings[0].text = evil.into();
        let mut data = Data::default();
        data.take(snapshot, 0);
        assert_eq!(data.status.as_ref().unwrap().name, "?[31mOBS?");
        assert_eq!(data.streams[0].publisher.as_ref().unwrap().encoder, "?[31mOBS?");
        assert_eq!(data.streams[0].findings[0].text, "?[31mOBS?");
        assert_eq!(data.alert.unwrap().text, "?[31mOBS?");
    }

    #[test]
    fn events_are_bounded_and_told_once() {
        let mut data = Data::default();
        let event = fixture::recording().events[0].clone();
        for cursor in 0..=EVENTS_KEPT as u64 {
            data.note(Event { cursor, ..event.clone() });
            data.note(Event { cursor, ..event.clone() });
        }
        assert_eq!(data.events.len(), EVENTS_KEPT);
        assert_eq!(data.events[0].cursor, 1);
    }

    #[test]
    fn the_worst_finding_is_the_alert() {
        let mut data = Data::default();
        data.take(fixture::snapshot(), 0);
        assert_eq!(data.alert.unwrap().level, HealthLevel::Bad);
        assert_eq!(data.alerts, 4);
    }

    #[test]
    fn what_is_wrong_with_the_cluster_is_an_alert_on_every_page() {
        let (mut snapshot, mut data) = (fixture::snapshot(), Data::default());
        snapshot.streams.clear();
        snapshot.status.loops.clear();
        data.take(snapshot, 0);
        let alert = data.alert.unwrap();
        assert_eq!((alert.about, data.alerts), (About::Cluster, 1), "notes are no alerts");
        assert!(alert.text.starts_with("Node edge-1 has not been heard from"), "{}", alert.text);
    }

    #[test]
    fn the_figures_are_those_of_the_streams_that_are_listed_wherever_they_are() {
        let (mut snapshot, mut data) = (fixture::snapshot(), Data::default());
        (snapshot.status.streams_live, snapshot.status.publishers) = (0, 0);
        data.take(snapshot, 0);
        let totals = Totals { live: 3, publishers: 2, viewers: 1216, bitrate: 8_724_000 };
        assert_eq!(data.totals, totals);
    }
}
