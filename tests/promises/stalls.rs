//! A publisher that falls silent on an open connection does not stop the playlists: viewers get gaps in time, and the show
//! goes on behind them however the publisher comes back.

use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::task::JoinHandle;

use crate::harness::conformance::{self, Violations};
use crate::harness::flv::Tags;
use crate::harness::hls::{Player, Playlist, with_query};
use crate::harness::{Node, clip, eventually, rtmp};

/// Short segments, so that a stall need not last long: the target is 2 s.
const SHORT_SEGMENTS: &str = "[stream]\nsegment_ms = 1000\n";
/// 1.5 targets (RFC 8216bis, 6.2.1), and what a loaded machine adds.
const PATIENCE: Duration = Duration::from_millis(3_400);
const PLAYED_MS: u32 = 4_000;
const STALLED_MS: u32 = 5_500;
const SOON: Duration = Duration::from_secs(10);

/// How the publisher goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resume {
    /// What it made meanwhile is lost.
    Ahead,
    /// What it made meanwhile comes at once.
    Burst,
}

/// Publishes for a while, sends nothing for a while, and goes on for longer than any test lasts.
async fn stalling(node: &Node, key: &str, resume: Resume) -> JoinHandle<()> {
    let mut publisher = rtmp::publish(node.rtmp(), key).await.accepted();
    let tags = Tags::of(&clip::LOW_DELAY);
    tokio::spawn(async move {
        let start = tokio::time::Instant::now();
        for tag in &tags.headers {
            publisher.send(tag, 0).await.unwrap();
        }
        let frames = tags.frames.len();
        for n in 0..4 * frames {
            let (round, tag) = (u32::try_from(n / frames).unwrap(), &tags.frames[n % frames]);
            let ms = round * tags.round_ms + tag.ms;
            let silent = (PLAYED_MS..PLAYED_MS + STALLED_MS).contains(&ms);
            if silent && resume == Resume::Ahead {
                continue;
            }
            let due_ms = if silent { PLAYED_MS + STALLED_MS } else { ms };
            tokio::time::sleep_until(start + Duration::from_millis(due_ms.into())).await;
            // The test is over when the node is gone.
            if publisher.send(tag, ms).await.is_err() {
                return;
            }
        }
    })
}

/// Reads a playlist segment by segment until media has come back behind the gaps; every segment must come in time.
async fn followed(player: &Player, url: &Url) -> (Playlist, Violations) {
    let mut list = player.playlist(url).await;
    let mut violations = Violations::new();
    let young = list.end();
    loop {
        let start = Instant::now();
        let next = player.playlist(&with_query(url, &format!("_HLS_msn={}", list.end()))).await;
        let waited = start.elapsed();
        if waited > PATIENCE {
            violations.push(format!("6.2.1 segment {} took {waited:?}", list.end()));
        }
        violations.extend(conformance::of_playlist(&next));
        violations.extend(conformance::of_update(&list, &next));
        assert!(next.end() > list.end(), "a blocking reload answered without its segment");
        list = next;
        let stalled = |one: &&crate::harness::hls::Segment| one.gap && one.msn >= young;
        let gap = list.segments.iter().rev().find(stalled).map(|one| one.msn);
        if gap.is_some_and(|gap| list.end() > gap + 3) {
            return (list, violations);
        }
    }
}

async fn check(resume: Resume) {
    let node = Node::start_configured(SHORT_SEGMENTS).await;
    let key = node.channel("demo").await;
    let _publisher = stalling(&node, &key, resume).await;
    let player = node.player("demo");
    let urls = player.media_urls().await;
    let [video, sound] = urls.as_slice() else { panic!("two renditions, not {urls:?}") };
    let silence = eventually("the silence is told", SOON, async || {
        let findings = node.api().stream("demo").await.unwrap().findings;
        findings.into_iter().find(|one| one.code == "publisher_silent")
    });
    let ((video, found), (sound, of_sound), finding) =
        tokio::join!(followed(&player, video), followed(&player, sound), silence);
    assert!(finding.text.contains("sent nothing for"), "{}", finding.text);
    assert_eq!((found, of_sound), (Violations::new(), Violations::new()), "{resume:?}");
    assert_eq!(conformance::of_renditions(&video, &sound), Violations::new(), "{resume:?}");
    for list in [&video, &sound] {
        check_gaps(list);
    }
    eventually("the silence is over", SOON, async || {
        let findings = node.api().stream("demo").await.unwrap().findings;
        findings.iter().all(|one| one.code != "publisher_silent").then_some(())
    })
    .await;
    assert_eq!(conformance::follow(&player, 3).await, Violations::new(), "{resume:?}");
    let told = eventually("the end of the stall is told", SOON, async || {
        let kinds: Vec<String> =
            node.api().events().await.unwrap().into_iter().map(|one| one.kind).collect();
        kinds.iter().any(|kind| kind == "stream.resumed").then_some(kinds)
    })
    .await;
    assert_eq!(told.iter().filter(|kind| *kind == "stream.stalled").count(), 1, "{told:?}");
    assert_eq!(node.api().stream("demo").await.unwrap().reconnects, 0);
}

/// The gaps stand between media of one show, and what comes behind them is a discontinuity.
fn check_gaps(list: &Playlist) {
    let last = list.segments.iter().rposition(|one| one.gap).expect("a gap");
    let first = list.segments[..=last].iter().rposition(|one| !one.gap).expect("media") + 1;
    let gaps = &list.segments[first..=last];
    let seconds: f64 = gaps.iter().map(|one| one.seconds).sum();
    assert!((3.9..5.6).contains(&seconds), "{seconds} s of gaps:\n{}", list.text);
    let back = &list.segments[last + 1];
    assert!(back.discontinuity && !gaps.iter().any(|one| one.discontinuity), "{}", list.text);
    assert!(back.date >= gaps.last().unwrap().date, "{}", list.text);
}

#[tokio::test]
async fn a_publisher_whose_frames_are_lost_in_a_stall_leaves_gaps_and_goes_on() {
    check(Resume::Ahead).await;
}

#[tokio::test]
async fn a_publisher_whose_frames_come_late_in_a_burst_leaves_gaps_and_goes_on() {
    check(Resume::Burst).await;
}
