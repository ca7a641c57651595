//! What the node of these tests says.

use weir_model::api::{ChannelDetail, CreatedKey, Kicked, StreamExplanation, Version};
use weir_model::node::{Endpoint, LoopInfo, LoopState, NodeRef, NodeStatus};
use weir_model::stream::{Finding, HealthLevel, PublisherInfo, TrackInfo};
use weir_model::{
    Access, AccountId, ApiError, Channel, ErrorCode, Event, KeyId, NodeId, ShowId, StreamInfo,
    StreamKey, StreamState, Timestamp, Viewing, ViewingId,
};

use super::NOW;

/// Status line and body for `METHOD /path`.
pub(super) fn answer(line: &str) -> (&'static str, String) {
    let (path, _) = line.split_once('?').unwrap_or((line, ""));
    let json = match path {
        "GET /v1/version" => json(&Version { version: "0.1.0".into(), api: "v1".into() }),
        "GET /v1/status" => json(&status()),
        "GET /v1/channels" => json(&[channel()]),
        "POST /v1/channels" | "DELETE /v1/channels/demo" => json(&channel()),
        "GET /v1/channels/demo" => json(&detail()),
        "GET /v1/channels/demo/keys" => {
            json(&[key(1), StreamKey { revoked_at: Some(ago(5)), ..key(2) }])
        }
        "POST /v1/channels/demo/keys" => json(&made()),
        "POST /v1/channels/demo/keys/key_0000000000000001/rotate" => json(&made()),
        "DELETE /v1/channels/demo/keys/key_0000000000000001" => {
            json(&StreamKey { revoked_at: Some(NOW), ..key(1) })
        }
        "GET /v1/channels/two/keys" => json(&[key(1), key(2)]),
        "GET /v1/channels/none/keys" => json(&[StreamKey { revoked_at: Some(ago(5)), ..key(2) }]),
        "GET /v1/streams" => json(&[stream()]),
        "GET /v1/streams/demo" => json(&stream()),
        "GET /v1/streams/demo/explain" => json(&explained()),
        "POST /v1/streams/demo/kick" => json(&kicked("demo")),
        "GET /v1/viewings" => json(&[viewing()]),
        "POST /v1/viewings/view_0000000000000001/kick" => json(&kicked("view_0000000000000001")),
        "GET /v1/events" => json(&[event()]),
        _ if super::ledger::knows(path) => super::ledger::answer(line),
        _ if super::money::knows(path) => super::money::answer(path),
        _ if super::people::knows(path) => super::people::answer(path),
        _ if super::cluster::knows(path) => super::cluster::answer(path),
        _ => return refusal(path),
    };
    ("200 OK", json)
}

/// Channels that are named after the refusal they get.
fn refusal(path: &str) -> (&'static str, String) {
    for (name, status, code) in [
        ("conflict", "409 Conflict", ErrorCode::Conflict),
        ("forbidden", "403 Forbidden", ErrorCode::Forbidden),
        ("internal", "500 Internal Server Error", ErrorCode::Internal),
        ("invalid", "400 Bad Request", ErrorCode::Invalid),
        ("timeout", "504 Gateway Timeout", ErrorCode::Timeout),
        ("unauthorized", "401 Unauthorized", ErrorCode::Unauthorized),
        ("toomany", "429 Too Many Requests", ErrorCode::TooMany),
        ("unavailable", "503 Service Unavailable", ErrorCode::Unavailable),
        ("", "404 Not Found", ErrorCode::NotFound),
    ] {
        if path.ends_with(name) {
            let mut error = ApiError::new(code, "the node refused").hint("do something else");
            error.request_id = Some("req_1".into());
            return (status, json(&error));
        }
    }
    unreachable!("every text ends with nothing")
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    NOW.plus_ms(-1000 * seconds)
}

pub(crate) fn channel() -> Channel {
    Channel {
        name: "demo".parse().unwrap(),
        title: "Demo channel".into(),
        owner: AccountId(1),
        created_at: ago(90),
        access: Access::Public,
    }
}

fn key(id: u64) -> StreamKey {
    StreamKey {
        id: KeyId(id),
        channel: "demo".parse().unwrap(),
        label: "OBS".into(),
        created_at: ago(60),
        expires_at: Some(NOW.plus_ms(7_200_000)),
        revoked_at: None,
    }
}

fn made() -> CreatedKey {
    let key_text = "0123456789abcdefghjkmnpqrs".to_owned();
    CreatedKey { key: key_text, server: "rtmp://127.0.0.1:1935/live".into(), info: key(1) }
}

fn detail() -> ChannelDetail {
    ChannelDetail {
        channel: channel(),
        keys: vec![key(1)],
        stream: stream(),
        watch_url: "http://127.0.0.1:8080/watch/demo".into(),
        playlist_url: "http://127.0.0.1:8080/live/demo/index.m3u8".into(),
    }
}

fn node() -> Option<NodeRef> {
    Some(NodeRef { id: NodeId(1), name: "west".into() })
}

fn stream() -> StreamInfo {
    let video = TrackInfo {
        id: "v0".into(),
        kind: "video".into(),
        codec: "avc1.64001f".into(),
        width: Some(1280),
        height: Some(720),
        fps: Some(29.97),
        sample_rate: None,
        channels: None,
        bitrate: 2_400_000,
    };
    StreamInfo {
        channel: "demo".parse().unwrap(),
        node: node(),
        state: StreamState::Live,
        playable: true,
        show: Some(ShowId(1)),
        since: Some(ago(3700)),
        publisher: Some(PublisherInfo {
            protocol: "rtmp".into(),
            remote: "192.0.2.7:5000".into(),
            encoder: "OBS\u{1b}[31m 30".into(),
            key: KeyId(1),
            since: ago(100),
        }),
        grace_until: None,
        tracks: vec![video],
        bitrate: 2_500_000,
        bitrate_history: vec![2_500_000],
        viewers: 2,
        msn: Some(1850),
        reconnects: 1,
        skipped_frames: 0,
        health: HealthLevel::Warning,
        findings: vec![Finding {
            code: "keyframe_interval".into(),
            level: HealthLevel::Warning,
            text: "Key frames come every 10 s.".into(),
            advice: "Set the interval to 2 s.".into(),
        }],
    }
}

fn explained() -> StreamExplanation {
    let sentences = vec!["Channel demo is live.".into(), "2 viewers watch.".into()];
    StreamExplanation { stream: stream(), sentences, placement: Some(super::cluster::explained()) }
}

fn kicked(what: &str) -> Kicked {
    Kicked { kicked: what.into(), reason: "spam".into(), silent: Vec::new() }
}

fn viewing() -> Viewing {
    Viewing {
        id: ViewingId(1),
        channel: "demo".parse().unwrap(),
        node: node(),
        protocol: "hls".into(),
        remote: "192.0.2.9".into(),
        player: "hls.js".into(),
        since: ago(600),
        last_seen: ago(1),
        requests: 300,
    }
}

fn event() -> Event {
    Event {
        cursor: 7,
        at: ago(30),
        kind: "stream.live".into(),
        channel: Some("demo".parse().unwrap()),
        text: "channel demo is live".into(),
        fields: [("show".to_owned(), "show_0000000000000001".to_owned())].into(),
    }
}

fn status() -> NodeStatus {
    let one = |name: &str, state, errors, last_error: Option<&str>| LoopInfo {
        name: name.into(),
        state,
        queue: 0,
        done: 1,
        errors,
        last_error: last_error.map(str::to_owned),
        since: ago(100),
    };
    NodeStatus {
        name: "node-1".into(),
        version: "0.1.0".into(),
        started_at: ago(100),
        now: NOW,
        roles: vec!["ingest".into(), "edge".into()],
        endpoints: vec![Endpoint { name: "rtmp".into(), url: "rtmp://127.0.0.1:1935/live".into() }],
        streams_live: 1,
        publishers: 1,
        viewers: 2,
        ingest_bitrate: 2_500_000,
        rss_bytes: 50 << 20,
        cpu_seconds: 1.25,
        loops: vec![
            one("rtmp listener", LoopState::Idle, 0, None),
            one("store writer", LoopState::Stopped, 1, Some("the disk is full")),
        ],
    }
}
