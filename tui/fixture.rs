//! A node as the tests know it: one healthy stream, one bad, one inside its grace period, one over.

use std::collections::BTreeMap;

use weir_model::node::{Endpoint, LoopInfo, LoopState, NodeRef, NodeStatus};
use weir_model::stream::{Finding, HealthLevel, PublisherInfo, TrackInfo};
use weir_model::{
    Access, AccountId, Channel, ChannelName, Event, KeyId, NodeId, ShowId, StreamInfo, StreamKey,
    StreamState, Timestamp, Viewing, ViewingId,
};

use crate::app::App;
use crate::conn::replay::Recording;
use crate::conn::{Detail, Snapshot, Update};
use crate::state::State;
use crate::state::nav::{Pane, TOP, View};
use crate::theme::Theme;

pub(crate) mod cluster;
pub(crate) mod money;

/// The node's clock: 2023-11-14 22:13:20 UTC.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(crate) fn name(text: &str) -> ChannelName {
    text.parse().unwrap()
}

fn track(id: &str, codec: &str, video: Option<(u32, u32, f64)>, bitrate: u64) -> TrackInfo {
    let audio = video.is_none();
    TrackInfo {
        id: id.into(),
        kind: if audio { "audio" } else { "video" }.into(),
        codec: codec.into(),
        width: video.map(|v| v.0),
        height: video.map(|v| v.1),
        fps: video.map(|v| v.2),
        sample_rate: audio.then_some(48_000),
        channels: audio.then_some(2),
        bitrate,
    }
}

/// A live stream without findings.
pub(crate) fn stream(channel: &str) -> StreamInfo {
    StreamInfo {
        channel: name(channel),
        node: Some(NodeRef { id: NodeId(1), name: "alpha".into() }),
        state: StreamState::Live,
        playable: true,
        show: Some(ShowId(0xa1)),
        since: Some(NOW.plus_ms(-3_725_000)),
        publisher: Some(PublisherInfo {
            protocol: "rtmp".into(),
            remote: "192.0.2.7:51022".into(),
            encoder: "obs-output module (libobs 30.1)".into(),
            key: KeyId(1),
            since: NOW.plus_ms(-605_000),
        }),
        grace_until: None,
        tracks: vec![
            track("v0", "avc1.64001f", Some((1280, 720, 30.0)), 2_400_000),
            track("a0", "mp4a.40.2", None, 128_000),
        ],
        bitrate: 2_528_000,
        bitrate_history: (0..60).map(|n| 2_000_000 + n % 10 * 80_000).collect(),
        viewers: 12,
        msn: Some(1862),
        reconnects: 1,
        skipped_frames: 0,
        health: HealthLevel::Ok,
        findings: Vec::new(),
    }
}

fn troubled() -> StreamInfo {
    let finding = |code: &str, level, text: &str, advice: &str| Finding {
        code: code.into(),
        level,
        text: text.into(),
        advice: advice.into(),
    };
    StreamInfo {
        health: HealthLevel::Bad,
        findings: vec![
            finding(
                "keyframe_interval",
                HealthLevel::Bad,
                "A key frame comes every 10.0 s; players start late and seek badly.",
                "Set the encoder's key frame interval to 2 s.",
            ),
            finding(
                "bitrate_unsteady",
                HealthLevel::Warning,
                "The bitrate fell to 0.3 of its mean twice in the last minute.",
                "Lower the bitrate, or use a cable instead of Wi-Fi.",
            ),
        ],
        tracks: vec![
            track("v0", "hvc1.1.6.L120.90", Some((1920, 1080, 59.94)), 6_100_000),
            track("a0", "opus", None, 96_000),
        ],
        bitrate: 6_196_000,
        bitrate_history: (0..60).map(|n| if n % 23 == 0 { 900_000 } else { 6_000_000 }).collect(),
        viewers: 1204,
        reconnects: 0,
        ..stream("night-run")
    }
}

fn event(cursor: u64, kind: &str, channel: Option<&str>, text: &str) -> Event {
    Event {
        cursor,
        at: NOW.plus_ms(cursor as i64 * 1000 - 60_000),
        kind: kind.into(),
        channel: channel.map(name),
        text: text.into(),
        fields: BTreeMap::new(),
    }
}

fn a_loop(name: &str, state: LoopState, done: u64, error: Option<&str>) -> LoopInfo {
    LoopInfo {
        name: name.into(),
        state,
        queue: u64::from(state == LoopState::Busy) * 3,
        done,
        errors: u64::from(error.is_some()) * 2,
        last_error: error.map(Into::into),
        since: NOW.plus_ms(-7_200_000),
    }
}

fn status() -> NodeStatus {
    let endpoint = |name: &str, url: &str| Endpoint { name: name.into(), url: url.into() };
    NodeStatus {
        name: "alpha".into(),
        version: "0.1.0".into(),
        started_at: NOW.plus_ms(-7_200_000),
        now: NOW,
        roles: ["ingest", "edge", "voter", "transcode"].map(Into::into).into(),
        endpoints: vec![
            endpoint("rtmp", "rtmp://127.0.0.1:1935/live"),
            endpoint("http", "http://127.0.0.1:8080"),
            endpoint("api", "http://127.0.0.1:7070"),
            endpoint("metrics", "http://127.0.0.1:9464/metrics"),
        ],
        streams_live: 3,
        publishers: 2,
        viewers: 1216,
        ingest_bitrate: 8_724_000,
        rss_bytes: 88 << 20,
        cpu_seconds: 41.5,
        loops: vec![
            a_loop("rtmp listener", LoopState::Idle, 17, None),
            a_loop("stream demo packager", LoopState::Busy, 181_204, None),
            a_loop("stream night-run packager", LoopState::Busy, 90_112, None),
            a_loop("rtmp conn 192.0.2.9:40022", LoopState::Stopped, 5, Some("the peer hung up")),
        ],
    }
}

fn key(n: u64, label: &str, revoked: bool) -> StreamKey {
    StreamKey {
        id: KeyId(n),
        channel: name("demo"),
        label: label.into(),
        created_at: NOW.plus_ms(-864_000_000),
        expires_at: (n == 2).then(|| NOW.plus_ms(86_400_000)),
        revoked_at: revoked.then_some(NOW),
    }
}

/// Everything the node can tell.
pub(crate) fn recording() -> Recording {
    let viewing = |n: u64, player: &str| Viewing {
        id: ViewingId(n),
        channel: name("demo"),
        node: Some(NodeRef { id: NodeId(1), name: "alpha".into() }),
        protocol: "hls".into(),
        remote: format!("198.51.100.{n}"),
        player: player.into(),
        since: NOW.plus_ms(-90_000 * n as i64),
        last_seen: NOW,
        requests: 40 * n,
    };
    let mut grace = stream("studio-1");
    (grace.publisher, grace.viewers, grace.bitrate) = (None, 0, 0);
    grace.grace_until = Some(NOW.plus_ms(21_000));
    let mut over = stream("yesterday");
    (over.state, over.publisher, over.viewers) = (StreamState::Ended, None, 0);
    (over.tracks, over.bitrate_history) = (Vec::new(), Vec::new());
    Recording {
        status: status(),
        streams: vec![troubled(), stream("demo"), grace, over],
        viewings: vec![
            viewing(1, "hls.js/1.6 Chrome 131"),
            viewing(2, "VLC/3.0.20"),
            viewing(3, ""),
        ],
        events: vec![
            event(1, "node.started", None, "The node started."),
            event(2, "stream.live", Some("demo"), "demo went live: h264 1280x720, aac 48000 Hz."),
            event(
                3,
                "publish.refused",
                Some("demo"),
                "A publisher was refused: the stream key was revoked.",
            ),
            event(
                4,
                "publisher.lost",
                Some("studio-1"),
                "The publisher is gone; the show waits 30 s.",
            ),
        ],
        channels: vec![
            channel("demo", "Demo"),
            channel("night-run", "Night run, live from the coast"),
            channel("studio-1", "Studio"),
            channel("yesterday", "Yesterday"),
        ],
        keys: vec![key(1, "studio laptop", false), key(2, "guest", false), key(3, "old", true)],
        cluster: Some(cluster::status()),
        nodes: cluster::status().members,
        links: cluster::links(),
        actors: cluster::actors(),
        replicas: cluster::replicas(),
        money: money::books(),
    }
}

fn channel(text: &str, title: &str) -> Channel {
    Channel {
        name: name(text),
        title: title.into(),
        owner: AccountId(1),
        created_at: NOW.plus_ms(-864_000_000),
        access: Access::Public,
    }
}

/// One look at that node.
pub(crate) fn snapshot() -> Snapshot {
    let node = recording();
    let findings = cluster::status().warnings;
    Snapshot { status: node.status, streams: node.streams, findings, detail: Detail::None }
}

/// A console on a page, told everything about the page.
pub(crate) fn app_at(view: View) -> App {
    let node = recording();
    let mut app = App::new(Theme::plain());
    app.tick(5_000);
    app.state.next_id = 0xcafe;
    let detail = match &view {
        View::Stream(name) => {
            let about = |v: &&Viewing| v.channel == *name;
            let viewings = node.viewings.iter().filter(about).cloned().collect();
            let said = ["demo is live; its publisher sends what players can play.".into()];
            Detail::Stream(name.clone(), viewings, said.into())
        }
        View::Channel(name) => Detail::Channel(name.clone(), node.channels.clone(), node.keys),
        View::Nodes => Detail::Nodes(node.nodes),
        View::Links => Detail::Links(node.links),
        View::Actors => Detail::Actors(node.actors),
        View::Replicas => Detail::Replicas(node.replicas),
        View::Raft => Detail::Raft(Box::new(cluster::status())),
        View::Money(page) => Detail::Money(page.clone(), node.money.told(page).unwrap()),
        _ => Detail::Channels(node.channels),
    };
    app.begin(view, "").unwrap();
    app.update(Update::Seen(Box::new(Snapshot { detail, ..snapshot() })));
    for event in node.events {
        app.update(Update::Event(event));
    }
    app
}

/// A console that shows the streams.
pub(crate) fn state() -> State {
    app_at(View::Streams).state
}

/// One console per page and part.
pub(crate) fn every_page() -> Vec<State> {
    let mut views: Vec<View> = TOP.iter().map(|top| top.0.clone()).collect();
    views.push(View::Channel(name("demo")));
    views.extend(money::pages().map(View::Money));
    let mut states: Vec<State> = views.into_iter().map(|view| app_at(view).state).collect();
    for pane in [Pane::Overview, Pane::Viewers, Pane::Events, Pane::Explain] {
        let mut app = app_at(View::Stream(name("demo")));
        app.state.pane = pane;
        states.push(app.state);
    }
    states
}
