//! A private session in one directory, as viewers at two edges meet it.

use reqwest::StatusCode;
use weir_ledger::meter::Halt;
use weir_model::SessionId;
use weir_session::Command as Meeting;

use super::*;
use crate::edge::Config;
use crate::edge::testing::Edge;
use crate::edge::testing::session::{Person, demo, everything, joined, offered};

/// What is promised: every edge refuses after this.
const REVOKED: Duration = Duration::from_secs(1);

/// Two nodes on one log, each with an edge that plays the same stream.
struct Two {
    nodes: [Running; 2],
    edges: [Edge; 2],
    session: SessionId,
    host: Person,
    alice: Person,
    _dirs: [tempfile::TempDir; 2],
}

impl Two {
    /// Alice joined a session that does not have the stream yet.
    async fn start() -> Self {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let wire = Wire::default();
        let first = Running::start(dirs[0].path(), &wire, 1, false).await;
        let second = Running::start(dirs[1].path(), &wire, 1, true).await;
        first.consensus.change(Change::AddLearner(second.store.node().id)).await.unwrap();
        let config = || Config { start_hold_secs: 0, ..Config::default() };
        let (one, other) =
            tokio::join!(Edge::on(config(), &first.store), Edge::on(config(), &second.store));
        let edges = [one, other];
        edges.iter().for_each(Edge::play);
        let (host, alice) = (edges[0].person("host").await, edges[0].person("alice").await);
        first.store.create_channel(demo(), String::new(), Timestamp(1)).await.unwrap();
        let session = first.store.new_session_id().unwrap();
        let this = Self { nodes: [first, second], edges, session, host, alice, _dirs: dirs };
        this.change(offered(session, &this.host)).await;
        this.change(joined(session, &this.alice)).await;
        this.change(Meeting::Admit { session, party: 0 }).await;
        let there = this.nodes[1].store.clone();
        until(async || there.session(session).is_some_and(|it| it.admitted().count() > 0)).await;
        this
    }

    async fn change(&self, command: Meeting) {
        self.nodes[0].store.change_session(command).await.unwrap();
    }

    async fn begin(&self) {
        self.change(Meeting::Begin { session: self.session, from: 2, at: Timestamp(2) }).await;
    }

    /// The rest of segment 2, and segment 3, at both edges.
    fn go_on(&self) {
        for edge in &self.edges {
            (21..30).for_each(|number| edge.part(number, 2));
            edge.close(2, 10);
            edge.segment(3, 10);
        }
    }

    async fn stop(self) {
        let [first, second] = self.nodes;
        second.stop().await;
        first.stop().await;
    }
}

/// Asks until the answer has this status.
async fn becomes(edge: &Edge, path: &str, status: StatusCode) {
    let asked = until(async || edge.get(path).await.status() == status);
    tokio::time::timeout(REVOKED, asked).await.expect("every edge knows it within a second");
}

const PART: &str = "/live/demo/v0/p21.m4s";
const BLOCKING: &str = "/live/demo/v0/index.m3u8?_HLS_msn=2&_HLS_part=1";
const PLAYLIST: &str = "/live/demo/v0/index.m3u8";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_takes_the_stream_from_the_public_at_every_edge_within_a_second() {
    let two = Two::start().await;
    let answers = async |edge: &Edge, path: &str, cookie: &str, status: StatusCode| {
        assert_eq!(edge.get_as(path, cookie).await.status(), status, "{path}");
    };
    let public = async |edge, path| answers(edge, path, "", StatusCode::FORBIDDEN).await;
    let party = async |edge, path| answers(edge, path, &two.alice.cookie, StatusCode::OK).await;
    let wait = |count| {
        let edges = &two.edges;
        until(async move || edges.iter().all(|edge| edge.window.waiting() == count))
    };
    let begun = async {
        wait(4).await;
        two.begin().await;
        // The publisher is silent: what the public waits for is ended by the news alone.
        tokio::time::timeout(REVOKED, wait(2)).await.expect("the public waits no longer");
        for edge in &two.edges {
            becomes(edge, PLAYLIST, StatusCode::FORBIDDEN).await;
        }
        two.go_on();
    };
    let [one, other] = &two.edges;
    let both = async |edge| {
        tokio::join!(
            public(edge, PART),
            public(edge, BLOCKING),
            party(edge, PART),
            party(edge, BLOCKING)
        );
    };
    tokio::join!(begun, both(one), both(other));
    for edge in &two.edges {
        for (path, msn) in everything() {
            answers(edge, &path, "", StatusCode::FORBIDDEN).await;
            if msn.is_none_or(|msn| msn >= 2) {
                answers(edge, &path, &two.alice.cookie, StatusCode::OK).await;
            }
        }
    }
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_session_no_edge_gives_anybody_any_of_it() {
    let two = Two::start().await;
    two.begin().await;
    two.go_on();
    let (session, at) = (two.session, Timestamp(3));
    two.change(Meeting::End { session, why: Halt::Streamer, at }).await;
    for edge in &two.edges {
        let left = async || edge.get_as(PLAYLIST, &two.alice.cookie).await.status();
        let refused = until(async || left().await == StatusCode::FORBIDDEN);
        tokio::time::timeout(REVOKED, refused).await.expect("it is over for its parties too");
    }
    two.change(Meeting::Unveil { session, until: 4 }).await;
    for edge in &two.edges {
        becomes(edge, PLAYLIST, StatusCode::SERVICE_UNAVAILABLE).await;
        edge.segment(4, 10);
        becomes(edge, PLAYLIST, StatusCode::OK).await;
        for cookie in ["", &two.alice.cookie, &two.host.cookie] {
            for (path, msn) in everything() {
                let expected = if msn.is_none() { StatusCode::OK } else { StatusCode::NOT_FOUND };
                assert_eq!(edge.get_as(&path, cookie).await.status(), expected, "{path}");
            }
        }
        assert_eq!(edge.get("/live/demo/v0/s4.m4s").await.status(), StatusCode::OK);
    }
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_is_cut_off_from_the_directory_gives_media_of_a_session_to_nobody() {
    let two = Two::start().await;
    let [first, second] = two.nodes;
    second.stop().await;
    let begin = Meeting::Begin { session: two.session, from: 2, at: Timestamp(2) };
    first.store.change_session(begin).await.unwrap();
    let behind = &two.edges[1];
    assert!(behind.store.screen(&demo()).is_none(), "it has not heard of it");
    // As the node says it that packages the stream, ahead of the media.
    behind.window.take_shade(first.store.shade(&demo()));
    (21..30).for_each(|number| behind.part(number, 2));
    for (path, _) in everything() {
        for cookie in ["", &two.alice.cookie] {
            let reply = behind.get_as(&path, cookie).await;
            assert_eq!(reply.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        }
    }
    first.stop().await;
}
