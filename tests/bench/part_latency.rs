//! How long a frame waits in the node: every access unit carries the instant at which it was sent, in a SEI message that
//! the node passes on like any other, and a player that asked for the hinted part notes when it has it.

use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};

use crate::Effort;
use crate::harness::flv::{Tag, TagKind, Tags};
use crate::harness::hls::{Multivariant, Playlist};
use crate::harness::{Node, rtmp};
use crate::http::{Client, Target};
use crate::report::{Report, percentile};
use crate::rtmp_ingest::CLIP;
use crate::usage::Meter;

/// `user_data_unregistered` begins with a UUID; this text is as long as one and holds no start code.
const MARK: &[u8; 16] = b"weir-bench-stamp";
/// Digits of the stamp: text, so that no emulation prevention is needed.
const DIGITS: usize = 16;

/// What one part showed.
struct Seen {
    /// From its first access unit to being whole at the player, less its own length, milliseconds.
    beyond_ms: f64,
    /// From its last access unit, milliseconds.
    after_last_ms: f64,
}

pub(crate) async fn run(effort: Effort) -> Report {
    let streams = if effort.quick { 2 } else { 10 };
    let default = if effort.quick { 5 } else { 60 };
    let length = Duration::from_secs(effort.seconds.unwrap_or(default));
    let node = Node::start().await;
    let zero = Instant::now();
    let tags = Tags::of(&CLIP);
    let mut publishers = Vec::new();
    for number in 0..streams {
        let key = node.channel(&format!("bench-{number}")).await;
        let publisher = rtmp::publish(node.rtmp(), &key).await.accepted();
        publishers.push(tokio::spawn(publish(publisher, tags.clone(), zero)));
        tokio::time::sleep(Duration::from_millis(137)).await;
    }
    let players = (0..streams).map(|number| {
        let target = Target::clear(node.http_address());
        tokio::spawn(watch(target, format!("bench-{number}"), zero, length))
    });
    let players: Vec<_> = players.collect();
    for number in 0..streams {
        node.player(&format!("bench-{number}")).playable().await;
    }
    let meter = Meter::start(node.id());
    let mut seen = Vec::new();
    for player in players {
        seen.extend(player.await.unwrap());
    }
    let cost = meter.read();
    publishers.iter().for_each(tokio::task::JoinHandle::abort);
    let mut report = Report::new("part-latency");
    let mut beyond: Vec<f64> = seen.iter().map(|one| one.beyond_ms).collect();
    let mut after: Vec<f64> = seen.iter().map(|one| one.after_last_ms).collect();
    report.row("beyond the part's length, p50 ms", percentile(&mut beyond, 50.0), None);
    report.row("beyond the part's length, p99 ms", percentile(&mut beyond, 99.0), None);
    report.row("after its last access unit, p50 ms", percentile(&mut after, 50.0), None);
    report.row("after its last access unit, p99 ms", percentile(&mut after, 99.0), None);
    report.row("parts seen", seen.len() as f64, None);
    report.row("generator CPU %", 100.0 * cost.generator_cpu / cost.seconds, None);
    report.at_most("p99 beyond the part's length, ms", percentile(&mut beyond, 99.0), 20.0);
    report.at_least(
        "parts seen per stream and second",
        seen.len() as f64 / streams as f64 / length.as_secs_f64(),
        4.0,
    );
    report.note("no rival here packages parts; a part ends with the arrival of the next frame, 33 ms after its last");
    report
}

/// Publishes at the speed of life, with a stamp in every video frame.
async fn publish(mut publisher: rtmp::Publisher, tags: Tags, zero: Instant) {
    for tag in &tags.headers {
        publisher.send(tag, 0).await.unwrap();
    }
    let (start, mut round) = (tokio::time::Instant::now(), 0);
    loop {
        for tag in &tags.frames {
            let ms = round * tags.round_ms + tag.ms;
            tokio::time::sleep_until(start + Duration::from_millis(u64::from(ms))).await;
            let stamped = if tag.kind == TagKind::Video { stamp(tag, zero) } else { tag.clone() };
            publisher.send(&stamped, ms).await.unwrap();
        }
        round += 1;
    }
}

/// The frame with a SEI message behind its slices: length, NAL type 6, payload type 5, size, mark, digits, stop bit.
fn stamp(tag: &Tag, zero: Instant) -> Tag {
    let mut body = BytesMut::with_capacity(tag.body.len() + 64);
    body.put_slice(&tag.body);
    let size = MARK.len() + DIGITS;
    body.put_u32(u32::try_from(3 + size + 1).unwrap());
    body.put_slice(&[6, 5, u8::try_from(size).unwrap()]);
    body.put_slice(MARK);
    body.put_slice(format!("{:016}", zero.elapsed().as_micros()).as_bytes());
    body.put_u8(0x80);
    Tag { kind: tag.kind, ms: tag.ms, body: body.freeze() }
}

/// Asks for each hinted part before it is there and notes when it has it.
async fn watch(target: Target, channel: String, zero: Instant, length: Duration) -> Vec<Seen> {
    let mut client = target.connect().await.unwrap();
    let folder = format!("/live/{channel}/");
    let list = loop {
        let answer = client.fetch_body(&format!("{folder}index.m3u8")).await.unwrap();
        if answer.status == 200 {
            break Multivariant::parse(&String::from_utf8(answer.body).unwrap());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let media = format!("{folder}{}", list.media_playlists()[0]);
    let base: reqwest::Url = format!("http://host{media}").parse().unwrap();
    let path = |url: reqwest::Url| match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut seen = Vec::new();
    let mut at = playlist(&mut client, &path(base.clone())).await;
    let end = Instant::now() + length;
    while Instant::now() < end {
        let hint = base.join(&at.hints[0]["URI"]).unwrap();
        let part = client.fetch_body(&path(hint)).await.unwrap();
        let have = zero.elapsed().as_secs_f64() * 1000.0;
        let stamps = stamps(&part.body);
        let mut next = base.clone();
        let (msn, number) = at.next_part();
        next.query_pairs_mut().append_pair("_HLS_msn", &msn.to_string());
        next.query_pairs_mut().append_pair("_HLS_part", &number.to_string());
        let old = at;
        at = playlist(&mut client, &path(next)).await;
        let parts = at.segments.iter().flat_map(|one| &one.parts).chain(&at.open);
        let listed = parts.into_iter().find(|part| part.uri == old.hints[0]["URI"]);
        if let (Some(part), [first, .., last]) = (listed, stamps.as_slice()) {
            let beyond_ms = have - first - part.seconds * 1000.0;
            seen.push(Seen { beyond_ms, after_last_ms: have - last });
        }
    }
    seen
}

async fn playlist(client: &mut Client, path: &str) -> Playlist {
    let answer = client.fetch_body(path).await.unwrap();
    assert_eq!(answer.status, 200, "{path}");
    Playlist::parse(&String::from_utf8(answer.body).unwrap())
}

/// The instants in a part, milliseconds, in the order of its frames.
fn stamps(part: &[u8]) -> Vec<f64> {
    let part = Bytes::copy_from_slice(part);
    let all = part.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
    let digits = all.filter_map(|(at, _)| part.get(at + MARK.len()..at + MARK.len() + DIGITS));
    let micros = digits.filter_map(|one| std::str::from_utf8(one).ok()?.parse::<f64>().ok());
    micros.map(|one| one / 1000.0).collect()
}
