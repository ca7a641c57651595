//! Private sessions: who gets what, every playlist, segment and part of it.

use weir_media::replica::Shade;
use weir_model::{SessionId, Timestamp};

use super::*;
use crate::actors::clock;
use crate::edge::testing::session::{Person, demo, everything};
use crate::edge::ticket::LIFE_MS;

/// Segments 0 and 1 are public, 2 and 3 a session's; 2 has its first part.
struct Stage {
    edge: Edge,
    session: SessionId,
    host: Person,
    alice: Person,
    bob: Person,
}

impl Stage {
    /// Alice joined, and the stream is everybody's still.
    async fn offered() -> Self {
        Self::on(Edge::playing().await).await
    }

    async fn on(edge: Edge) -> Self {
        let (host, alice) = (edge.person("host").await, edge.person("alice").await);
        let bob = edge.person("bob").await;
        let session = edge.offer(&host, &[&alice]);
        Self { edge, session, host, alice, bob }
    }

    async fn begun() -> Self {
        let stage = Self::offered().await;
        stage.edge.begin(stage.session, 2);
        stage
    }

    /// The rest of segment 2, and segment 3.
    fn go_on(&self) {
        (21..30).for_each(|number| self.edge.part(number, 2));
        self.edge.close(2, 10);
        self.edge.segment(3, 10);
    }

    async fn get(&self, path: &str, who: &Person) -> reqwest::Response {
        self.edge.get_as(path, &who.cookie).await
    }

    async fn text(&self, path: &str, who: &Person) -> String {
        let reply = self.get(path, who).await;
        assert_eq!(reply.status(), StatusCode::OK, "{path}");
        reply.text().await.unwrap()
    }

    /// Where somebody's player finds the video.
    async fn video_of(&self, who: &Person) -> String {
        let text = self.text("/live/demo/index.m3u8", who).await;
        format!("/live/demo/{}", text.lines().find(|line| line.starts_with("v0/")).unwrap())
    }
}

fn uris(text: &str) -> Vec<&str> {
    let is_one = |uri: &&str| [".m4s", ".mp4", ".m3u8"].iter().any(|end| uri.contains(end));
    text.split(['"', '\n']).filter(is_one).collect()
}

/// The address of what a playlist of the video names.
fn beside(uri: &str) -> String {
    match uri.strip_prefix("../") {
        Some(other) => format!("/live/demo/{other}"),
        None => format!("/live/demo/v0/{uri}"),
    }
}

#[tokio::test]
async fn h15_the_public_gets_nothing_of_a_private_stream_and_no_cache_keeps_that() {
    let stage = Stage::begun().await;
    stage.go_on();
    for (path, _) in everything() {
        for cookie in ["", &stage.bob.cookie, "weir_session=wt_none"] {
            let refused = stage.edge.get_as(&path, cookie).await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
            assert_eq!(header(&refused, "cache-control"), "no-store", "{path}");
            assert_eq!(header(&refused, "access-control-allow-origin"), "*", "{path}");
            assert!(refused.text().await.unwrap().contains("private session"), "{path}");
        }
        let ask = stage.edge.client.get(stage.edge.url(&path)).header("range", "bytes=0-0");
        assert_eq!(ask.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{path}");
        let head = stage.edge.client.head(stage.edge.url(&path)).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(stage.edge.context.viewings.total(), 0);
}

#[tokio::test]
async fn h15_a_party_gets_the_session_and_nothing_from_before_it_and_no_cache_keeps_any_of_it() {
    let stage = Stage::begun().await;
    stage.go_on();
    for who in [&stage.alice, &stage.host] {
        for (path, msn) in everything() {
            let reply = stage.get(&path, who).await;
            let there = msn.is_none_or(|msn| msn >= 2);
            let expected = if there { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(reply.status(), expected, "{path}");
            assert_eq!(header(&reply, "cache-control"), "private, no-store", "{path}");
        }
    }
}

#[tokio::test]
async fn after_the_session_everybody_gets_what_comes_then_and_nobody_what_was_before() {
    let stage = Stage::begun().await;
    stage.go_on();
    stage.edge.unveil(stage.session, 4);
    stage.edge.segment(4, 10);
    for cookie in ["", &stage.bob.cookie, &stage.alice.cookie, &stage.host.cookie] {
        for (path, msn) in everything() {
            let reply = stage.edge.get_as(&path, cookie).await;
            let expected = if msn.is_none() { StatusCode::OK } else { StatusCode::NOT_FOUND };
            assert_eq!(reply.status(), expected, "{path}");
        }
        for path in ["/live/demo/v0/s4.m4s", "/live/demo/a0/p40.m4s"] {
            let reply = stage.edge.get_as(path, cookie).await;
            assert_eq!(header(&reply, "cache-control"), "public, max-age=3600, immutable");
        }
    }
    let text = stage.edge.text("/live/demo/v0/index.m3u8").await;
    assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:4\n") && !text.contains("s3.m4s"), "{text}");
    assert_eq!(stage.edge.text("/live/demo/v0/index.m3u8").await, text, "one text for all");
}

#[tokio::test]
async fn h16_until_something_is_public_again_it_is_like_a_show_that_starts() {
    let edge = Edge::start(Config { start_hold_secs: 0, ..Config::default() }).await;
    (0..2).for_each(|msn| edge.segment(msn, 10));
    let stage = Stage::on(edge).await;
    stage.edge.begin(stage.session, 1);
    stage.edge.unveil(stage.session, 2);
    for path in ["/live/demo/index.m3u8", "/live/demo/v0/index.m3u8"] {
        let reply = stage.edge.get(path).await;
        assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(header(&reply, "retry-after"), "1", "{path}");
    }
    stage.edge.segment(2, 10);
    for path in ["/live/demo/index.m3u8", "/live/demo/v0/index.m3u8"] {
        assert_eq!(stage.edge.get(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn whoever_waits_while_a_session_begins_is_judged_by_it() {
    for path in [
        "/live/demo/v0/p21.m4s",
        "/live/demo/v0/index.m3u8?_HLS_msn=2&_HLS_part=1",
        "/live/demo/v0/index.m3u8?_HLS_msn=2",
    ] {
        let stage = Stage::offered().await;
        let begin = async {
            while stage.edge.window.waiting() < 2 {
                tokio::task::yield_now().await;
            }
            stage.edge.begin(stage.session, 2);
        };
        // Nothing new comes of the stream: the public is let go by the news alone, and the party still waits.
        let public = async {
            let reply = stage.edge.get(path).await;
            assert_eq!(reply.status(), StatusCode::FORBIDDEN, "{path}");
            stage.go_on();
        };
        let (party, (), ()) = tokio::join!(stage.get(path, &stage.alice), public, begin);
        assert_eq!(party.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&party, "cache-control"), "private, no-store", "{path}");
        assert_eq!(stage.edge.window.waiting(), 0);
    }
}

#[tokio::test]
async fn a_party_goes_on_in_its_playlist_without_a_break() {
    let stage = Stage::offered().await;
    let video = stage.video_of(&stage.alice).await;
    let before = stage.text(&video, &stage.alice).await;
    stage.edge.begin(stage.session, 2);
    let after = stage.text(&video, &stage.alice).await;
    let tag =
        |text: &str, tag: &str| text.lines().find(|line| line.starts_with(tag)).map(str::to_owned);
    for name in ["#EXT-X-MEDIA-SEQUENCE", "#EXT-X-DISCONTINUITY-SEQ", "#EXT-X-TARGETDURATION"] {
        assert_eq!(tag(&before, name), tag(&after, name));
    }
    assert!(after.contains("#EXT-X-GAP") && after.contains("p20.m4s?v="), "{after}");
    assert!(after.contains("TYPE=PART,URI=\"p21.m4s?v="), "{after}");
}

#[tokio::test]
async fn a_player_without_cookies_plays_by_what_its_playlists_say() {
    let stage = Stage::begun().await;
    stage.go_on();
    let standing = stage.edge.store.standing(stage.alice.account, None);
    let now = clock::now();
    let issued = stage.edge.context.tickets.issue_for(&demo(), standing, now).unwrap();
    let text = stage.edge.text(&format!("/live/demo/index.m3u8?v={}", issued.value)).await;
    assert_eq!(uris(&text).len(), 2, "{text}");
    let mut seen = 0;
    for uri in uris(&text) {
        let path = format!("/live/demo/{uri}");
        let list = stage.edge.text(&path).await;
        for uri in uris(&list) {
            assert!(uri.contains("?v="), "{uri}");
            let hidden = uri.starts_with("s0") || uri.starts_with("s1");
            let hinted = uri.starts_with("p40");
            if hidden || hinted {
                continue;
            }
            let path = beside(uri);
            assert_eq!(stage.edge.get(&path).await.status(), StatusCode::OK, "{path}");
            let bare = path.split_once('?').unwrap().0;
            assert_eq!(stage.edge.get(bare).await.status(), StatusCode::FORBIDDEN, "{bare}");
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
    let viewings = stage.edge.context.viewings.list(None, 9);
    assert!(viewings.iter().all(|one| one.id == issued.viewing), "{viewings:?}");
}

#[tokio::test]
async fn a_token_opens_nothing_for_who_is_no_party_any_more_or_logged_out_or_kicked() {
    let stage = Stage::begun().await;
    stage.go_on();
    let video = stage.video_of(&stage.alice).await;
    let list = stage.edge.text(&video).await;
    let media = beside(uris(&list).into_iter().find(|uri| uri.starts_with("s3")).unwrap());
    let statuses = async || {
        let get = async |path: &str| stage.edge.get(path).await.status();
        (get(&video).await, get(&media).await)
    };
    let (open, shut) = (StatusCode::OK, StatusCode::FORBIDDEN);
    assert_eq!(statuses().await, (open, open));
    let kicked = stage.edge.context.viewings.list(None, 1)[0].id;
    assert!(stage.edge.context.viewings.kick(kicked));
    assert_eq!(statuses().await, (shut, shut));
    assert_eq!(stage.get(&media, &stage.alice).await.status(), shut, "her cookie does not help it");

    let video = stage.video_of(&stage.alice).await;
    assert_eq!(stage.edge.get(&video).await.status(), open);
    stage.edge.store.log_out(stage.alice.account).await.unwrap();
    assert_eq!(stage.edge.get(&video).await.status(), shut);

    let standing = stage.edge.store.standing(stage.alice.account, None);
    let now = clock::now();
    let issued = stage.edge.context.tickets.issue_for(&demo(), standing, now).unwrap();
    let video = format!("/live/demo/v0/index.m3u8?v={}", issued.value);
    assert_eq!(stage.edge.get(&video).await.status(), open);
    stage.edge.leave(stage.session);
    assert_eq!(stage.edge.get(&video).await.status(), shut);
}

#[tokio::test]
async fn a_token_is_renewed_by_the_viewing_that_it_is_of_and_worth_nothing_after_that() {
    let stage = Stage::begun().await;
    stage.go_on();
    let standing = stage.edge.store.standing(stage.alice.account, None);
    let long_ago = clock::now().plus_ms(-2 * LIFE_MS);
    let tickets = &stage.edge.context.tickets;
    let old = tickets.issue_for(&demo(), standing, long_ago).unwrap();
    let video = format!("/live/demo/v0/index.m3u8?v={}", old.value);
    assert_eq!(stage.edge.get(&video).await.status(), StatusCode::FORBIDDEN);
    let fresh = tickets.renew(&demo(), old.viewing, standing, clock::now());
    let renewed = format!("/live/demo/v0/index.m3u8?v={}", fresh.value);
    assert_eq!(stage.edge.get(&renewed).await.status(), StatusCode::OK);
    assert_eq!(stage.edge.get(&video).await.status(), StatusCode::OK, "the viewing goes on");
}

#[tokio::test]
async fn an_expired_token_costs_a_viewer_of_a_public_stream_nothing() {
    let edge = Edge::playing().await;
    let alice = edge.person("alice").await;
    let standing = edge.store.standing(alice.account, None);
    let tickets = &edge.context.tickets;
    let old = tickets.issue_for(&demo(), standing, Timestamp(0)).unwrap();
    let video = format!("/live/demo/v0/index.m3u8?v={}", old.value);
    assert_eq!(edge.get(&video).await.status(), StatusCode::OK);
    assert_eq!(edge.context.viewings.list(None, 1)[0].id, old.viewing);
    let text = edge.text(&format!("/live/demo/index.m3u8?v={}", old.value)).await;
    let value = text.trim_end().rsplit_once("?v=").unwrap().1;
    let token = tickets.read(&demo(), value).unwrap();
    assert!(token.id != old.viewing && token.holder.is_none(), "it says nothing of Alice now");
}

#[tokio::test]
async fn media_of_a_session_that_the_directory_does_not_know_yet_waits_for_it() {
    let stage = Stage::offered().await;
    let shade = Shade { from: 2, session: Some(stage.session) };
    stage.edge.window.take_shade(shade);
    let late = async {
        while stage.edge.listening() < 2 {
            tokio::task::yield_now().await;
        }
        stage.edge.begin(stage.session, 2);
    };
    let path = "/live/demo/v0/p20.m4s";
    let (public, party, ()) =
        tokio::join!(stage.edge.get(path), stage.get(path, &stage.alice), late);
    assert_eq!((public.status(), party.status()), (StatusCode::FORBIDDEN, StatusCode::OK));
}

#[tokio::test]
async fn an_edge_whose_directory_is_behind_gives_media_of_a_session_to_nobody() {
    let edge = Edge::start(Config { start_hold_secs: 0, ..Config::default() }).await;
    (0..4).for_each(|msn| edge.segment(msn, 10));
    let stage = Stage::on(edge).await;
    let shade = Shade { from: 2, session: Some(stage.session) };
    stage.edge.window.take_shade(shade);
    for (path, _) in everything() {
        for cookie in ["", &stage.alice.cookie] {
            let reply = stage.edge.get_as(&path, cookie).await;
            assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(header(&reply, "cache-control"), "no-store", "{path}");
        }
    }
    let over = Shade { from: 3, session: None };
    stage.edge.window.take_shade(over);
    for (path, msn) in everything() {
        let there = msn.is_none_or(|msn| msn >= 3);
        let expected = if there { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(stage.edge.get(&path).await.status(), expected, "{path}");
    }
}
