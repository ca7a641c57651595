//! Reading and following the log.

use http_body_util::BodyExt;

use super::super::tests::Bench;
use super::*;

fn emit(ctx: &Context, kind: &str) -> u64 {
    ctx.events.emit(kind, None, format!("{kind} happened"), &[]);
    *ctx.events.cursor().borrow()
}

async fn get(bench: &Bench, query: &str) -> Response {
    let request = bench.request("GET", &format!("/v1/events?{query}"));
    bench.send(request.body(Body::empty()).unwrap()).await
}

async fn kinds(bench: &Bench, query: &str) -> Vec<String> {
    let body = get(bench, query).await.into_body().collect().await.unwrap().to_bytes();
    let events: Vec<Event> = serde_json::from_slice(&body).unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

/// The kinds in the next chunk of a followed log; a keep-alive is an empty one.
async fn next(body: &mut Body) -> Vec<String> {
    let chunk = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let text = std::str::from_utf8(&chunk).unwrap();
    assert!(text.ends_with('\n'), "whole lines only: {text:?}");
    let events = text.lines().filter(|line| !line.is_empty());
    events.map(|line| serde_json::from_str::<Event>(line).unwrap().kind).collect()
}

#[tokio::test]
async fn events_are_read_from_a_cursor_or_from_the_end_and_by_kind() {
    let bench = Bench::new();
    let first = emit(&bench.ctx, "stream.live");
    emit(&bench.ctx, "viewing.kicked");
    emit(&bench.ctx, "stream.ended");
    assert_eq!(kinds(&bench, "").await, ["stream.live", "viewing.kicked", "stream.ended"]);
    assert_eq!(kinds(&bench, "limit=1").await, ["stream.ended"]);
    assert_eq!(kinds(&bench, "kind=stream.*").await, ["stream.live", "stream.ended"]);
    assert_eq!(kinds(&bench, &format!("since={first}&limit=1")).await, ["viewing.kicked"]);
    assert_eq!(kinds(&bench, &format!("since={first}&kind=s*&limit=1")).await, ["stream.ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_gets_what_happens_from_now_on_and_a_sign_of_life_when_nothing_does() {
    let bench = Bench::new();
    let before = emit(&bench.ctx, "stream.live");
    let response = get(&bench, "follow=true").await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    assert_eq!(response.headers()["x-weir-cursor"], before.to_string());
    let mut body = response.into_body();
    assert_eq!(next(&mut body).await, [""; 0]);
    emit(&bench.ctx, "stream.ended");
    assert_eq!(next(&mut body).await, ["stream.ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_resumes_after_its_cursor_and_skips_kinds_it_does_not_want() {
    let bench = Bench::new();
    let first = emit(&bench.ctx, "a.a");
    for _ in 0..BATCH {
        emit(&bench.ctx, "b.b");
    }
    emit(&bench.ctx, "a.c");
    let query = format!("follow=true&kind=a.*&since={first}");
    let mut body = get(&bench, &query).await.into_body();
    assert_eq!(next(&mut body).await, ["a.c"]);
    let mut body = get(&bench, "follow=true&limit=2").await.into_body();
    assert_eq!(next(&mut body).await, ["b.b", "a.c"]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_missed_something_is_told_so() {
    let bench = Bench::new();
    emit(&bench.ctx, "stream.live");
    let mut body = get(&bench, "follow=true&since=5").await.into_body();
    assert_eq!(next(&mut body).await, [GAP, "stream.live"]);
    let bench = Bench::new();
    let mut body = get(&bench, "follow=true&since=5").await.into_body();
    assert_eq!(next(&mut body).await, [""; 0], "an empty log only keeps alive");
}

#[tokio::test]
async fn too_many_followers_are_refused_until_one_leaves() {
    let bench = Bench::new();
    let mut bodies = Vec::new();
    for _ in 0..super::super::FOLLOWERS_MAX {
        bodies.push(get(&bench, "follow=true").await);
    }
    assert_eq!(get(&bench, "follow=true").await.status(), 503);
    bodies.pop();
    assert_eq!(get(&bench, "follow=true").await.status(), 200);
}

#[tokio::test]
async fn a_followed_log_ends_when_the_node_stops() {
    let bench = Bench::new();
    let mut body = get(&bench, "follow=true").await.into_body();
    bench.ctx.tasks.shutdown(Duration::from_secs(1)).await;
    assert!(body.frame().await.is_none());
}
