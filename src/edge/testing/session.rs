//! Private sessions on the one channel that has a stream, with people who watch.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use weir_ledger::meter::{Halt, Mode, Tariff};
use weir_model::{AccountId, AccountRole, ChannelName, SessionId, Timestamp, TokenKind};
use weir_people::Scopes;
use weir_session::{Command, Offer, Price, Refusal, Screen, Session};

use super::Edge;
use crate::actors::clock;
use crate::store::NewToken;

const HOUR_MS: i64 = 3_600_000;

pub(crate) fn demo() -> ChannelName {
    "demo".parse().unwrap()
}

fn price() -> Price {
    let mode = Mode::ProRata { granule_ms: 1_000 };
    let tariff = Tariff { rate: 600.try_into().unwrap(), mode, min_seconds: 0, free_ms: 0 };
    Price { name: "guest".into(), tariff, places: 8 }
}

/// Sessions without the cluster's log.
#[derive(Default)]
pub(crate) struct Sessions {
    all: Mutex<BTreeMap<SessionId, Session>>,
    changes: watch::Sender<u64>,
}

impl Sessions {
    pub(crate) fn screen(&self) -> Option<Arc<Screen>> {
        let screen = Screen::of(self.all.lock().values());
        (!screen.is_clear()).then(|| Arc::new(screen))
    }

    pub(crate) fn knows_veil(&self, session: SessionId) -> bool {
        self.all.lock().get(&session).is_some_and(|session| session.veil.is_some())
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn of(&self, id: SessionId) -> Option<Session> {
        self.all.lock().get(&id).cloned()
    }

    /// The newest one that is not done.
    pub(crate) fn open(&self) -> Option<Session> {
        self.all.lock().values().rev().find(|session| !session.is_done()).cloned()
    }

    fn change(&self, command: &Command) {
        self.try_change(command).unwrap();
    }

    /// The session as it is afterwards, when the rules allow it.
    pub(crate) fn try_change(&self, command: &Command) -> Result<Session, Refusal> {
        let mut all = self.all.lock();
        let next = match command {
            Command::Offer(offer) => offer.made()?,
            other => {
                let before = &all[&other.session()];
                before.after(other)?.unwrap_or_else(|| before.clone())
            }
        };
        all.insert(command.session(), next.clone());
        drop(all);
        self.changes.send_modify(|changes| *changes += 1);
        Ok(next)
    }
}

/// That there is a session, for everybody.
pub(crate) fn offered(id: SessionId, host: &Person) -> Command {
    offered_to(id, host, &[])
}

fn offered_to(id: SessionId, host: &Person, guests: &[&Person]) -> Command {
    let invited = guests.iter().map(|guest| guest.account).collect();
    let (host, prices, at) = (host.account, vec![price()], Timestamp(1));
    Command::Offer(Offer { id, channel: demo(), host, fee_bps: 0, prices, invited, at })
}

/// That somebody takes part in it.
pub(crate) fn joined(session: SessionId, party: &Person) -> Command {
    let (account, cap, at) = (party.account, 6_000.try_into().unwrap(), Timestamp(1));
    Command::Join { session, account, price: 0, shown: price(), cap, at }
}

/// Sections and playlists, and media with its segment: all that there is of segments 0 to 3, each of ten parts.
pub(crate) fn everything() -> Vec<(String, Option<u64>)> {
    let mut all = vec![("/live/demo/index.m3u8".to_owned(), None)];
    for track in ["/live/demo/v0", "/live/demo/a0"] {
        let files = ["index.m3u8", "index.m3u8?_HLS_skip=YES", "init-00aa.mp4"];
        all.extend(files.map(|file| (format!("{track}/{file}"), None)));
        all.extend((0..4).map(|msn| (format!("{track}/s{msn}.m4s"), Some(msn))));
        all.extend((0..40).map(|number| (format!("{track}/p{number}.m4s"), Some(number / 10))));
    }
    all
}

/// Somebody who watches.
pub(crate) struct Person {
    pub(crate) account: AccountId,
    /// The cookie by which he is known.
    pub(crate) cookie: String,
}

impl Edge {
    pub(crate) async fn person(&self, name: &str) -> Person {
        let roles = [AccountRole::Viewer].into_iter().collect();
        let now = clock::now();
        let made = self.store.create_account(name.parse().unwrap(), roles, None, now).await;
        let account = made.unwrap().id;
        let new = NewToken {
            account,
            kind: TokenKind::Login,
            label: String::new(),
            scopes: Scopes::all(),
            channel: None,
            expires_at: now.plus_ms(HOUR_MS),
            epoch: None,
        };
        let (_, secret) = self.store.create_token(new, now).await.unwrap();
        Person { account, cookie: format!("weir_session={secret}") }
    }

    /// A session that only `guests` may join.
    pub(crate) fn invite(&self, host: &Person, guests: &[&Person]) -> SessionId {
        let sessions = self.sessions();
        let id = SessionId(sessions.all.lock().len() as u64 + 1);
        sessions.change(&offered_to(id, host, guests));
        id
    }

    /// A session that `parties` joined; it does not have the stream yet.
    pub(crate) fn offer(&self, host: &Person, parties: &[&Person]) -> SessionId {
        let (id, sessions) = (self.invite(host, &[]), self.sessions());
        for (nth, party) in (0..).zip(parties) {
            sessions.change(&joined(id, party));
            sessions.change(&Command::Admit { session: id, party: nth });
        }
        id
    }

    /// Requests that listen for news of sessions.
    pub(crate) fn listening(&self) -> usize {
        self.sessions().changes.receiver_count()
    }

    fn sessions(&self) -> &Sessions {
        self.sessions.as_ref().unwrap()
    }

    /// The stream is the session's from a segment on.
    pub(crate) fn begin(&self, session: SessionId, from: u64) {
        self.sessions().change(&Command::Begin { session, from, at: Timestamp(2) });
    }

    /// The first of those who joined a session leaves it.
    pub(crate) fn leave(&self, session: SessionId) {
        let at = Timestamp(3);
        self.sessions().change(&Command::Leave { session, party: 0, why: Halt::Viewer, at });
    }

    /// The session is over, and the stream everybody's from a segment on.
    pub(crate) fn unveil(&self, session: SessionId, until: u64) {
        let at = Timestamp(3);
        self.sessions().change(&Command::End { session, why: Halt::Streamer, at });
        self.sessions().change(&Command::Unveil { session, until });
    }

    /// As whoever the cookie is of; as nobody with an empty one.
    pub(crate) async fn get_as(&self, path: &str, cookie: &str) -> reqwest::Response {
        self.client.get(self.url(path)).header("cookie", cookie).send().await.unwrap()
    }
}
