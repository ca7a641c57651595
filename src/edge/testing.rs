//! An edge on port 0 with one stream that is fed by hand.

pub(crate) mod meetings;
pub(crate) mod session;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use weir_media::rendition::Timing;
use weir_media::{Codec, CodecConfig, Init, Output, Part, SegmentEnd, SegmentStart, TrackId};
use weir_model::{
    Access, AccountId, ChannelName, SessionId, ShowId, StreamState, Timestamp, TokenId,
};
use weir_session::{Door, Screen};

use self::meetings::TestMeetings;
use self::session::Sessions;
use super::http::listen;
use super::ticket::Tickets;
use super::{Config, Context, Lookup, Metrics};
use crate::actors::events::Events;
use crate::actors::people::{self, People};
use crate::actors::placement::Watched;
use crate::actors::slots::Slots;
use crate::actors::streams::{PublicState, PublicStream};
use crate::actors::tasks::Tasks;
use crate::actors::viewings::Viewings;
use crate::store::window::Window;
use crate::store::{Standing, Store};

/// Channel `demo` has a stream, channel `quiet` never had one; there is no other.
pub(crate) struct One {
    stream: Arc<PublicStream>,
    store: Store,
    /// Without them, those of the store.
    sessions: Option<Arc<Sessions>>,
}

impl Lookup for One {
    fn stream(&self, channel: &ChannelName) -> Option<Watched> {
        (*channel == self.stream.channel).then(|| Watched::from(Arc::clone(&self.stream)))
    }

    fn streams(&self) -> Vec<Arc<PublicStream>> {
        vec![Arc::clone(&self.stream)]
    }

    fn title(&self, channel: &ChannelName) -> Option<String> {
        matches!(channel.as_str(), "demo" | "quiet").then(|| "A <b>title</b>".to_owned())
    }

    fn screen(&self, channel: &ChannelName) -> Option<Arc<Screen>> {
        match &self.sessions {
            Some(sessions) => sessions.screen().filter(|_| *channel == self.stream.channel),
            None => self.store.screen(channel),
        }
    }

    fn door(&self, channel: &ChannelName) -> Door {
        match self.store.door(channel) {
            // Most tests have a stream without a channel.
            Door::Unheard => Door::Open,
            door => door,
        }
    }

    fn admits(&self, channel: &ChannelName, account: AccountId, now: Timestamp) -> bool {
        self.store.admits(channel, account, now)
    }

    fn access(&self, channel: &ChannelName) -> Access {
        self.store.channel(channel).map(|channel| channel.access).unwrap_or_default()
    }

    fn knows_veil(&self, session: SessionId) -> bool {
        match &self.sessions {
            Some(sessions) => sessions.knows_veil(session),
            None => self.store.knows_veil(session),
        }
    }

    fn session_changes(&self) -> watch::Receiver<u64> {
        match &self.sessions {
            Some(sessions) => sessions.changes(),
            None => self.store.session_changes(),
        }
    }

    fn standing(&self, account: AccountId, token: TokenId) -> Option<Standing> {
        self.store.standing(account, Some(token))
    }

    fn stands(&self, standing: &Standing, now: Timestamp) -> bool {
        self.store.stands(standing, now)
    }
}

/// A running edge.
pub(crate) struct Edge {
    pub(crate) context: Arc<Context>,
    pub(crate) store: Store,
    sessions: Option<Arc<Sessions>>,
    pub(crate) meetings: TestMeetings,
    pub(crate) window: Arc<Window>,
    pub(crate) state: watch::Sender<PublicState>,
    /// Why balancers are told to send viewers elsewhere.
    pub(crate) away: Arc<Mutex<Option<&'static str>>>,
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    /// Of the accounts.
    _data: Option<tempfile::TempDir>,
}

impl Edge {
    pub(crate) async fn start(config: Config) -> Self {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path(), Timestamp(0)).unwrap();
        Self::of(config, store, Some(Arc::default()), Some(data)).await
    }

    /// One whose sessions and accounts are those of a store.
    pub(crate) async fn on(config: Config, store: &Store) -> Self {
        Self::of(config, store.clone(), None, None).await
    }

    async fn of(
        config: Config,
        store: Store,
        sessions: Option<Arc<Sessions>>,
        data: Option<tempfile::TempDir>,
    ) -> Self {
        let timing = Timing { target_secs: 4, part_target_us: 200_000, list_us: 15_000_000 };
        let window = Arc::new(Window::new(timing));
        let open = PublicState { state: StreamState::Live, playable: false, show: Some(ShowId(1)) };
        let (state, seen) = watch::channel(open);
        let channel = "demo".parse().unwrap();
        let stream = PublicStream {
            channel,
            state: seen,
            window: Arc::clone(&window),
            gauge: Arc::default(),
        };
        let events = Events::new();
        let people = people::Config::default();
        let people = People::new(people, store.clone(), events.clone(), &Registry::new()).unwrap();
        let away: Arc<Mutex<Option<&'static str>>> = Arc::default();
        let told = Arc::clone(&away);
        let (stream, own) = (Arc::new(stream), sessions.clone());
        let meetings = TestMeetings::of(own.clone().unwrap_or_default());
        let lookup = One { stream, store: store.clone(), sessions: own };
        let context = Arc::new(Context {
            viewings: Viewings::within(events.clone(), config.viewings(), config.shared()),
            people,
            meetings: Box::new(meetings.clone()),
            slots: Slots::new(config.connections_max, config.connections_per_address_max),
            config,
            lookup: Box::new(lookup),
            events,
            tasks: Tasks::new(),
            metrics: Metrics::new(&Registry::new()).unwrap(),
            tickets: Tickets::new(|| [7; 32]),
            away: Box::new(move || *told.lock()),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        listen(&context, listener, None);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            context,
            store,
            sessions,
            meetings,
            window,
            state,
            away,
            address,
            client,
            _data: data,
        }
    }

    /// One that [plays](Self::play).
    pub(crate) async fn playing() -> Self {
        let edge = Self::start(Config::default()).await;
        edge.play();
        edge
    }

    /// Two whole segments and an open one with one part, in video and audio.
    pub(crate) fn play(&self) {
        (0..2).for_each(|msn| self.segment(msn, 10));
        self.open(2);
        self.part(20, 2);
    }

    pub(crate) fn segment(&self, msn: u64, parts: u64) {
        self.open(msn);
        for n in 0..parts {
            self.part(msn * parts + n, msn);
        }
        self.close(msn, parts);
    }

    pub(crate) fn open(&self, msn: u64) {
        self.each(|track| {
            let start_us = msn as i64 * 2_000_000;
            let init = Some(init(track));
            Output::Start(track, SegmentStart { msn, start_us, discontinuity: false, init })
        });
    }

    /// The end of a segment of so many parts.
    pub(crate) fn close(&self, msn: u64, parts: u64) {
        let duration_us = parts as i64 * 200_000;
        self.each(|track| Output::End(track, SegmentEnd { msn, duration_us, gap: false }));
    }

    pub(crate) fn part(&self, number: u64, msn: u64) {
        let data = Bytes::from(format!("<part {number}>"));
        self.each(|track| {
            let data = data.clone();
            Output::Part(track, Part { number, msn, duration_us: 200_000, independent: true, data })
        });
    }

    fn each(&self, of: impl Fn(TrackId) -> Output) {
        let mut outputs = vec![of(TrackId::VIDEO), of(TrackId::AUDIO)];
        self.window.apply(&mut outputs, Timestamp(1_700_000_000_000));
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// JSON that somebody sends, with his cookie.
    pub(crate) fn post(&self, path: &str, cookie: Option<&str>) -> reqwest::RequestBuilder {
        let mut request =
            self.client.post(self.url(path)).header("content-type", "application/json");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        request
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }
}

fn init(track: TrackId) -> Arc<Init> {
    let video = track == TrackId::VIDEO;
    let config = CodecConfig {
        codec: if video { Codec::Avc } else { Codec::Aac },
        record: Bytes::new(),
        rfc6381: if video { "avc1.64001f" } else { "mp4a.40.2" }.into(),
        timescale: 90_000,
        video: None,
        audio: None,
    };
    let data = Bytes::from_static(b"section");
    Arc::new(Init { track, config: Arc::new(config), hash: "00aa".into(), data })
}
