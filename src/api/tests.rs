//! The API in one process, over a real store and actors that only remember.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use prometheus::Registry;
use serde_json::{Value, json};
use tower::ServiceExt;
use weir_ledger::request::{Act, ControlCommand, Refs};
use weir_ledger::row::{At, Founding};
use weir_ledger::{Currency, batch};
use weir_model::node::NodeStatus;
use weir_model::stream::{HealthLevel, PublisherInfo, TrackInfo};
use weir_model::{
    AccountId, ApiError, ErrorCode, KeyId, StreamInfo, StreamState, Timestamp, Viewing, ViewingId,
};

use super::*;
use crate::actors::books::{self, Question};
use crate::actors::people;
use crate::actors::providers::Providers;
use crate::actors::reach::Gathered;
use crate::actors::sessions::Standings;
use crate::actors::teller::{self, Durability, Untold};
use crate::store::ledger::{Batch, Ledger, Posted};

mod acts;
mod approvals;
mod audit;
mod changes;
mod client;
mod cluster;
mod contract;
mod money;
mod providers;
mod rights;
mod sales;
mod sessions;

/// A live stream with one video track.
pub(super) fn stream(channel: &str) -> StreamInfo {
    StreamInfo {
        channel: channel.parse().unwrap(),
        node: None,
        state: StreamState::Live,
        playable: true,
        show: None,
        since: Some(Timestamp(0)),
        publisher: Some(PublisherInfo {
            protocol: "rtmp".into(),
            remote: "192.0.2.7:5000".into(),
            encoder: "OBS".into(),
            key: KeyId(1),
            since: Timestamp(0),
        }),
        grace_until: None,
        tracks: vec![TrackInfo {
            id: "v0".into(),
            kind: "video".into(),
            codec: "avc1.64001f".into(),
            width: Some(1280),
            height: Some(720),
            fps: Some(30.0),
            sample_rate: None,
            channels: None,
            bitrate: 2_400_000,
        }],
        bitrate: 2_500_000,
        bitrate_history: vec![2_500_000],
        viewers: 2,
        msn: Some(4),
        reconnects: 0,
        skipped_frames: 0,
        health: HealthLevel::Ok,
        findings: Vec::new(),
    }
}

/// Actors that remember what they were told. Channel `demo` is live, viewing 1 watches it.
#[derive(Default)]
struct FakeLive {
    told: Mutex<Vec<String>>,
}

impl FakeLive {
    fn tell(&self, text: String) {
        self.told.lock().push(text);
    }
}

/// An answer of a cluster in which `west` does not answer.
fn gathered<'a, T: Send + 'a>(found: T) -> Reply<'a, Gathered<T>> {
    Box::pin(async { Gathered { found, silent: vec!["west".into()] } })
}

impl Live for FakeLive {
    fn streams(&self) -> Reply<'_, Gathered<Vec<StreamInfo>>> {
        gathered(vec![stream("demo")])
    }

    fn stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, Gathered<StreamInfo>> {
        let mut info = stream(channel.as_str());
        if channel.as_str() != "demo" {
            (info.state, info.publisher) = (StreamState::Offline, None);
        }
        gathered(info)
    }

    fn kick_stream<'a>(
        &'a self,
        channel: &'a ChannelName,
        reason: &'a str,
    ) -> Reply<'a, Gathered<bool>> {
        self.tell(format!("kick {channel} {reason}"));
        gathered(channel.as_str() == "demo")
    }

    fn remove_stream<'a>(&'a self, channel: &'a ChannelName) -> Reply<'a, Gathered<bool>> {
        self.tell(format!("remove {channel}"));
        gathered(channel.as_str() == "demo")
    }

    fn withdraw_key<'a>(
        &'a self,
        channel: &'a ChannelName,
        key: KeyId,
    ) -> Reply<'a, Gathered<bool>> {
        self.tell(format!("withdraw {channel} {key}"));
        gathered(true)
    }

    fn viewings<'a>(
        &'a self,
        channel: Option<&'a ChannelName>,
        limit: usize,
    ) -> Reply<'a, Gathered<Vec<Viewing>>> {
        let viewing = Viewing {
            id: ViewingId(1),
            channel: "demo".parse().unwrap(),
            node: None,
            protocol: "hls".into(),
            remote: "192.0.2.9".into(),
            player: "hls.js".into(),
            since: Timestamp(0),
            last_seen: Timestamp(5),
            requests: 3,
        };
        let fits = channel.is_none_or(|channel| *channel == viewing.channel);
        gathered([viewing].into_iter().filter(|_| fits).take(limit).collect())
    }

    fn watches(&self, id: ViewingId) -> Option<ChannelName> {
        (id == ViewingId(1)).then(|| "demo".parse().unwrap())
    }

    fn kick_viewing(&self, id: ViewingId) -> Reply<'_, Gathered<bool>> {
        self.tell(format!("kick {id}"));
        gathered(id == ViewingId(1))
    }
}

/// The ledger of a node without others. What it is asked to do is entry after entry of its log.
struct Alone {
    ledger: Ledger,
    index: Mutex<u64>,
    /// By so much the ledger's clock is ahead, milliseconds.
    later_ms: AtomicI64,
    /// What the newest verification found.
    verified: Mutex<Value>,
    /// It says that its debits are not credits.
    is_uneven: AtomicBool,
}

impl Alone {
    fn apply(&self, request: &weir_ledger::Request) -> batch::Answer {
        let mut index = self.index.lock();
        *index += 1;
        let requests = batch::write(std::slice::from_ref(request)).unwrap();
        let now = crate::actors::clock::now().plus_ms(self.later_ms.load(Ordering::Relaxed));
        let wall = At(u64::try_from(now.0).unwrap() * 1_000);
        let posted = Posted { index: *index, batches: vec![Batch { wall, requests }] };
        let answers = self.ledger.apply(&posted).unwrap();
        batch::read_answers(&answers[0]).unwrap().remove(0)
    }
}

impl Money for Alone {
    fn ask(&self, question: Question) -> Told<'_> {
        let answer = match question {
            Question::Verify { .. } => {
                let checked = self.ledger.verify(&|_| {}).unwrap();
                let over = json!({"running": false, "checked": checked, "of": checked, "fault": null,
                    "began_at": Timestamp(0), "ended_at": Timestamp(1)});
                Ok(over)
            }
            Question::Verified => Ok(self.verified.lock().clone()),
            Question::Stand => books::answer(&self.ledger, &Question::Stand).map(|mut stand| {
                stand["is_even"] = json!(!self.is_uneven.load(Ordering::Relaxed));
                stand
            }),
            other => books::answer(&self.ledger, &other),
        };
        Box::pin(std::future::ready(answer))
    }

    fn currency(&self) -> BoxFuture<'_, Result<Currency, ApiError>> {
        let founding = self.ledger.read(|state| state.founding().cloned());
        let unfounded = || ApiError::new(ErrorCode::Unavailable, "the ledger is not founded yet");
        let currency = founding.map(|founding| founding.currency).ok_or_else(unfounded);
        Box::pin(std::future::ready(currency))
    }

    fn act<'a>(
        &'a self,
        request: &'a weir_ledger::Request,
    ) -> BoxFuture<'a, Result<teller::Told, Untold>> {
        let told = teller::Told { answer: self.apply(request), durability: Durability::Local };
        Box::pin(std::future::ready(Ok(told)))
    }
}

/// What other nodes say of the sessions that they run.
#[derive(Default)]
struct FakeBoards(Mutex<Standings>);

impl Boards for FakeBoards {
    fn standings(&self, _: Arc<weir_session::Session>) -> Reply<'_, Gathered<Standings>> {
        let found = self.0.lock().clone();
        Box::pin(async { Gathered { found, silent: Vec::new() } })
    }
}

/// An audit log on paper; it may be out of reach.
#[derive(Default)]
pub(super) struct FakeAudit {
    acts: Mutex<Vec<(AccountId, String, Act)>>,
    is_away: Mutex<bool>,
}

impl Audit for FakeAudit {
    fn record(
        &self,
        by: AccountId,
        reason: String,
        act: Act,
    ) -> BoxFuture<'_, Result<u64, ApiError>> {
        if *self.is_away.lock() {
            let error = ApiError::new(ErrorCode::Unavailable, "this cannot be recorded");
            return Box::pin(std::future::ready(Err(error)));
        }
        let mut acts = self.acts.lock();
        acts.push((by, reason, act));
        Box::pin(std::future::ready(Ok(acts.len() as u64)))
    }
}

/// A node's API over a store in a temporary directory.
pub(super) struct Bench {
    pub(super) ctx: Context,
    live: Arc<FakeLive>,
    boards: Arc<FakeBoards>,
    audit: Arc<FakeAudit>,
    alone: Arc<Alone>,
    token: String,
    _dir: tempfile::TempDir,
}

/// What came back.
pub(super) struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    json: Value,
}

impl Bench {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), Timestamp(0)).unwrap();
        let token = std::fs::read_to_string(store.operator_token_file()).unwrap().trim().to_owned();
        let live = Arc::new(FakeLive::default());
        let status: StatusFn = Arc::new(|| Box::pin(async { node_status() }));
        let addresses = Addresses {
            publish: "rtmp://127.0.0.1:1935/live".into(),
            viewers: "http://127.0.0.1:8080".into(),
        };
        let remembers = Arc::clone(&live);
        let shared: Arc<dyn Live> = live;
        let (events, tasks) = (Events::new(), Tasks::new());
        let cluster = cluster::FakeCluster::new();
        let (people, registry) = (people::Config::default(), Registry::new());
        let people = People::new(people, store.clone(), events.clone(), &registry).unwrap();
        let live = shared;
        let ledger = Ledger::open(dir.path()).unwrap();
        let later_ms = AtomicI64::new(0);
        let (verified, is_uneven) = (Mutex::default(), AtomicBool::default());
        let index = Mutex::default();
        let alone = Arc::new(Alone { ledger, index, later_ms, verified, is_uneven });
        let money: Arc<dyn Money> = Arc::<Alone>::clone(&alone);
        let currency = Currency::new("EUR", 2).unwrap();
        let founding = ControlCommand::Found(Founding { ledger: 7, currency });
        let (by, reason, refs) = (store.operator(), String::new(), Refs::default());
        let command = weir_ledger::Command::Control(founding);
        alone.apply(&weir_ledger::Request { id: 0, by, reason, refs, command });
        let (boards, fee_bps) = (Arc::new(FakeBoards::default()), 3_000);
        let audit = Arc::new(FakeAudit::default());
        let shared_audit: Arc<dyn Audit> = Arc::<FakeAudit>::clone(&audit);
        let shared_boards: Arc<dyn Boards> = Arc::<FakeBoards>::clone(&boards);
        let parts = Parts {
            store,
            live,
            cluster,
            money,
            audit: shared_audit,
            boards: shared_boards,
            fee_bps,
            approve_above: None,
            playback: Arc::new(|channel, _, _| Ok(format!("{channel}-token"))),
            providers: Providers::default(),
            events,
            people,
            tasks,
            status,
            addresses,
        };
        let (ctx, live) = (Context::new(parts), remembers);
        Self { ctx, live, boards, alone, audit, token, _dir: dir }
    }

    /// A bench whose store has the channel `demo`.
    async fn with_demo() -> Self {
        let bench = Self::new();
        let made = bench.ask("POST", "/v1/channels", Some(json!({"name": "demo"}))).await;
        assert_eq!(made.status, StatusCode::CREATED);
        bench
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Response {
        router(self.ctx.clone()).oneshot(request).await.unwrap()
    }

    pub(super) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let bearer = format!("Bearer {}", self.token);
        Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer)
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        read(self.send(self.request(method, path).body(body).unwrap()).await).await
    }

    fn told(&self) -> Vec<String> {
        self.live.told.lock().clone()
    }

    fn kinds(&self) -> Vec<String> {
        self.ctx.events.newest(100).into_iter().map(|event| event.kind).collect()
    }
}

async fn read(response: Response) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status: parts.status, headers: parts.headers, json }
}

fn node_status() -> NodeStatus {
    NodeStatus {
        name: "node-1".into(),
        version: "0.0.0".into(),
        started_at: Timestamp(0),
        now: Timestamp(1),
        roles: vec!["ingest".into()],
        endpoints: Vec::new(),
        streams_live: 1,
        publishers: 1,
        viewers: 2,
        ingest_bitrate: 3,
        rss_bytes: 4,
        cpu_seconds: 5.0,
        loops: Vec::new(),
    }
}
