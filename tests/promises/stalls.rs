//! A publisher that falls silent on an open connection does not stop the playlists: viewers get gaps in time, and the show
//! goes on behind them however the publisher comes back.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::Url;

use crate::harness::conformance::{self, Violations};
use crate::harness::flv::Tags;
use crate::harness::hls::{Player, Playlist, with_query};
use crate::harness::{Node, clip, eventually, rtmp, within};

/// Short segments, so that a stall need not last long: the target is 2 s.
const SHORT_SEGMENTS: &str = "[stream]\nsegment_ms = 1000\n";
/// 1.5 targets (RFC 8216bis, 6.2.1), and what a loaded machine adds.
const PATIENCE: Duration = Duration::from_millis(3_400);
const PLAYED_MS: u32 = 4_000;
const STALLED_MS: u32 = 5_500;
const SOON: Duration = Duration::from_secs(10);
/// A stall and the media before and behind it, and what a loaded machine adds.
const FOLLOWED: Duration = Duration::from_secs(40);

/// Two stalls, as long as gaps take to be declared and some more: from and until, milliseconds of media.
const STALLS: [(u32, u32); 2] = [(3_000, 7_700), (11_500, 16_200)];
/// How far the end of a playlist may be from the wall clock, milliseconds.
const EDGE_MS: i64 = 500;

/// How the publisher goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resume {
    /// What it made meanwhile is lost.
    Ahead,
    /// What it made meanwhile comes at once.
    Burst,
}

/// When media of such a time is sent, milliseconds; never if it is lost.
type Schedule = fn(u32) -> Option<u32>;

fn lost(ms: u32) -> Option<u32> {
    (!(PLAYED_MS..PLAYED_MS + STALLED_MS).contains(&ms)).then_some(ms)
}

fn at_once(ms: u32) -> Option<u32> {
    Some(lost(ms).unwrap_or(PLAYED_MS + STALLED_MS))
}

fn twice_at_once(ms: u32) -> Option<u32> {
    Some(STALLS.iter().find(|(from, until)| (*from..*until).contains(&ms)).map_or(ms, |one| one.1))
}

fn at_a_quarter(ms: u32) -> Option<u32> {
    Some(ms + ms.saturating_sub(PLAYED_MS) * 3)
}

/// A node with short segments, a publisher that keeps to a schedule for longer than any test lasts, and a viewer.
async fn stage(schedule: Schedule) -> (Node, Player) {
    let node = Node::start_configured(SHORT_SEGMENTS).await;
    let key = node.channel("demo").await;
    let mut publisher = rtmp::publish(node.rtmp(), &key).await.accepted();
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
            let Some(due_ms) = schedule(ms) else { continue };
            tokio::time::sleep_until(start + Duration::from_millis(due_ms.into())).await;
            // The test is over when the node is gone.
            if publisher.send(tag, ms).await.is_err() {
                return;
            }
        }
    });
    let player = node.player("demo");
    (node, player)
}

/// How far the end of a playlist that was just read is ahead of the wall clock, milliseconds.
fn ahead_ms(list: &Playlist) -> i64 {
    let last = list.segments.last().unwrap();
    let seconds = last.seconds + list.open.iter().map(|part| part.seconds).sum::<f64>();
    let end =
        last.date.unwrap() + i64::try_from(Duration::from_secs_f64(seconds).as_millis()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    end - i64::try_from(now).unwrap()
}

/// What is wrong with the end of a playlist that was just read.
fn of_edge(list: &Playlist) -> Violations {
    let ahead_ms = ahead_ms(list);
    let wrong = ahead_ms.abs() > EDGE_MS;
    wrong.then(|| format!("the end is {ahead_ms} ms ahead:\n{}", list.text)).into_iter().collect()
}

/// Reads a playlist segment by segment until media has come back behind the gaps; every segment must come in time.
async fn followed(player: &Player, url: &Url) -> (Playlist, Violations) {
    within("media behind the gaps", FOLLOWED, follow(player, url)).await
}

async fn follow(player: &Player, url: &Url) -> (Playlist, Violations) {
    let mut list = player.playlist(url).await;
    let mut violations = Violations::new();
    let young = list.end();
    loop {
        let (next, found) = next(player, url, &list).await;
        violations.extend(found);
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

/// The playlist with the segment behind those of `list`, which must come in time.
async fn next(player: &Player, url: &Url, list: &Playlist) -> (Playlist, Violations) {
    let start = Instant::now();
    let next = player.playlist(&with_query(url, &format!("_HLS_msn={}", list.end()))).await;
    let waited = start.elapsed();
    let late = (waited > PATIENCE).then(|| format!("6.2.1 segment {} took {waited:?}", list.end()));
    let violations = late.into_iter().chain(conformance::of_playlist(&next)).collect();
    (next, violations)
}

async fn check(resume: Resume) {
    let schedule = if resume == Resume::Ahead { lost } else { at_once };
    let (node, player) = stage(schedule).await;
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
        assert_eq!(of_edge(list), Violations::new(), "{resume:?}");
    }
    eventually("the silence is over", SOON, async || {
        let findings = node.api().stream("demo").await.unwrap().findings;
        findings.iter().all(|one| one.code != "publisher_silent").then_some(())
    })
    .await;
    assert_eq!(conformance::follow(&player, 3).await, Violations::new(), "{resume:?}");
    check_told(&node, resume).await;
    assert_eq!(node.api().stream("demo").await.unwrap().reconnects, 0);
}

/// The stall is told once, and its end with the frames that came too late.
async fn check_told(node: &Node, resume: Resume) {
    let events = eventually("the end of the stall is told", SOON, async || {
        let events = node.api().events().await.unwrap();
        events.iter().any(|one| one.kind == "stream.resumed").then_some(events)
    })
    .await;
    let told = |kind: &'static str| events.iter().filter(move |one| one.kind == kind);
    assert_eq!(told("stream.stalled").count(), 1, "{events:?}");
    let late: Vec<u32> =
        told("stream.resumed").map(|one| one.fields["late_frames"].parse().unwrap()).collect();
    let tags = Tags::of(&clip::LOW_DELAY);
    let silent = u32::try_from(tags.frames.len()).unwrap() * STALLED_MS / tags.round_ms;
    // Behind a stall without a burst only what comes before the next key frame is dropped, a second at the most.
    let burst = matches!(late[..], [late] if late > silent / 2);
    assert_eq!((late.len(), burst), (1, resume == Resume::Burst), "{late:?} of {silent}");
}

/// The gaps stand between media of one show, and what comes behind them is a discontinuity.
fn check_gaps(list: &Playlist) {
    let last = check_joint(list);
    let first = list.segments[..=last].iter().rposition(|one| !one.gap).expect("media") + 1;
    let gaps = &list.segments[first..=last];
    let seconds: f64 = gaps.iter().map(|one| one.seconds).sum();
    // Whole gaps of a second, until a key frame comes; those are a second apart.
    assert!((3.9..6.6).contains(&seconds), "{seconds} s of gaps:\n{}", list.text);
    assert!(!gaps.iter().any(|one| one.discontinuity), "{}", list.text);
}

/// What comes behind the last gap, whose place is answered, is a discontinuity and begins with a key frame.
fn check_joint(list: &Playlist) -> usize {
    let last = list.segments.iter().rposition(|one| one.gap).expect("a gap");
    let back = &list.segments[last + 1];
    let key = back.parts.first().is_some_and(|one| one.independent);
    assert!(back.discontinuity && key, "{}", list.text);
    assert!(back.date >= list.segments[last].date, "{}", list.text);
    last
}

#[tokio::test]
async fn a_publisher_whose_frames_are_lost_in_a_stall_leaves_gaps_and_goes_on() {
    check(Resume::Ahead).await;
}

#[tokio::test]
async fn a_publisher_whose_frames_come_late_in_a_burst_leaves_gaps_and_goes_on() {
    check(Resume::Burst).await;
}

#[tokio::test]
async fn stalls_do_not_add_up() {
    let (_node, player) = stage(twice_at_once).await;
    let url = player.first().await;
    for _ in STALLS {
        let (list, found) = followed(&player, &url).await;
        assert_eq!(found, Violations::new());
        check_joint(&list);
        assert_eq!(of_edge(&list), Violations::new());
    }
}

#[tokio::test]
async fn a_publisher_at_a_quarter_of_real_time_keeps_its_segments_coming() {
    let (_node, player) = stage(at_a_quarter).await;
    let url = player.first().await;
    let mut list = player.playlist(&url).await;
    let mut found = Violations::new();
    for _ in 0..7 {
        let (newer, violations) = next(&player, &url, &list).await;
        list = newer;
        found.extend(violations);
    }
    assert_eq!(found, Violations::new());
    assert!(!list.segments.last().unwrap().gap, "{}", list.text);
    assert_eq!(conformance::follow(&player, 1).await, Violations::new());
}
