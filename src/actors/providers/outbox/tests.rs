//! A payout is one at the backend, whoever dies while it is told.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Of;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use parking_lot::Mutex;
use weir_ledger::batch;
use weir_ledger::request::{
    ControlCommand, IncomeCommand, PaymentCommand, PayoutCommand, Provider, Terms,
};
use weir_ledger::row::{Founding, Told};
use weir_ledger::split::{Recipient, Split};
use weir_provider::signature::{HEADER, Secrets};
use weir_provider::telling::{ATTEMPT_MS_MAX, LOOK_UP_AFTER_MS};

use super::*;
use crate::actors::providers::Config;
use crate::store::ledger::{Batch, Posted};

const SECRET: &str = "the-secret-of-acme-and-ours";
const STAR: AccountId = AccountId(2);
const PAYOUT: Id = 0xcafe;

/// A payment backend on a socket of its own.
#[derive(Default)]
struct Backend {
    /// Payouts by their idempotency keys, and how often each came.
    payouts: Mutex<BTreeMap<String, u32>>,
    looked_up: Mutex<u32>,
    came: tokio::sync::Notify,
    /// Takes what comes, and never answers.
    is_silent: Mutex<bool>,
    /// Answers that it is broken.
    is_broken: Mutex<bool>,
}

async fn take(Of(backend): Of<Arc<Backend>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let seconds = now().0 / 1_000_000;
    Secrets::new([SECRET]).unwrap().verify(&text(HEADER), &body, seconds).unwrap();
    if *backend.is_broken.lock() {
        return StatusCode::BAD_GATEWAY;
    }
    *backend.payouts.lock().entry(text("idempotency-key")).or_default() += 1;
    backend.came.notify_one();
    if *backend.is_silent.lock() {
        std::future::pending::<()>().await;
    }
    StatusCode::OK
}

async fn look_up(Of(backend): Of<Arc<Backend>>) -> StatusCode {
    *backend.looked_up.lock() += 1;
    match backend.payouts.lock().is_empty() {
        true => StatusCode::NOT_FOUND,
        false => StatusCode::OK,
    }
}

/// A ledger without a log.
struct Alone {
    ledger: Ledger,
    index: Mutex<u64>,
    wall: Mutex<At>,
}

impl Alone {
    fn apply(&self, request: &Request) -> Answer {
        let mut index = self.index.lock();
        *index += 1;
        let requests = batch::write(std::slice::from_ref(request)).unwrap();
        let batches = vec![Batch { wall: *self.wall.lock(), requests }];
        let answers = self.ledger.apply(&Posted { index: *index, batches }).unwrap();
        batch::read_answers(&answers[0]).unwrap().remove(0)
    }

    fn has(&self, id: Id, command: Command) {
        let (by, reason, refs) = (AccountId(900), String::new(), Refs::default());
        self.apply(&Request { id, by, reason, refs, command }).result.unwrap();
    }
}

impl Asks for Alone {
    fn ask<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Answer, Untold>> {
        Box::pin(std::future::ready(Ok(self.apply(request))))
    }
}

struct Bench {
    backend: Arc<Backend>,
    alone: Arc<Alone>,
    clerk: Clerk,
    dir: tempfile::TempDir,
}

/// A streamer's 5.00 are on their way through `acme`, whose backend listens.
async fn bench() -> Bench {
    let (dir, backend) = (tempfile::tempdir().unwrap(), Arc::new(Backend::default()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/payouts", post(take))
        .route("/payouts/{id}", get(look_up))
        .with_state(Arc::clone(&backend));
    let serve = async move { axum::serve(listener, router).await };
    drop(Tasks::new().spawn_unlisted(serve));
    let alone = Arc::new(books(dir.path()));
    let clerk = clerk(dir.path(), &url, &alone);
    Bench { backend, alone, clerk, dir }
}

fn clerk(dir: &std::path::Path, url: &str, alone: &Arc<Alone>) -> Clerk {
    let file = dir.join("acme.secret");
    std::fs::write(&file, SECRET).unwrap();
    let config =
        Config { secret_files: vec![file], url: Some(url.to_owned()), ..Config::default() };
    let providers = Providers::load(&[("acme".to_owned(), config)].into()).unwrap();
    let asks: Arc<dyn Asks> = Arc::<Alone>::clone(alone);
    Clerk { ledger: alone.ledger.clone(), asks, providers }
}

fn books(dir: &std::path::Path) -> Alone {
    let long_ago = At(now().0 - 60 * 24 * 3_600_000_000);
    let ledger = Ledger::open(dir).unwrap();
    let alone = Alone { ledger, index: Mutex::default(), wall: Mutex::new(long_ago) };
    let currency = Currency::new("EUR", 2).unwrap();
    alone.has(0, Command::Control(ControlCommand::Found(Founding { ledger: 7, currency })));
    let (user, amount) = (AccountId(1), 500_u64.try_into().unwrap());
    let provider = Provider::MANUAL;
    alone.has(1, Command::Income(IncomeCommand::TopUp { user, amount, provider }));
    let split = Split::all_to(Recipient::Creator(STAR));
    let terms = Terms { payer: user, cap: amount, split };
    alone.has(2, Command::Payment(PaymentCommand::Tip { terms, amount }));
    *alone.wall.lock() = now();
    alone.has(0, Command::Payout(PayoutCommand::Mature { creator: STAR }));
    let provider = Provider::named("acme").unwrap();
    let command = PayoutCommand::Request { creator: STAR, amount, provider };
    alone.has(PAYOUT, Command::Payout(command));
    alone
}

impl Bench {
    /// Another node leads, that long after now, and looks once.
    async fn later(&self, ms: u64) {
        let at = now().plus_ms(ms);
        *self.alone.wall.lock() = at;
        self.clerk.look(at).await;
    }

    fn told(&self) -> Told {
        self.alone.ledger.read(|state| state.told(PAYOUT).cloned()).unwrap()
    }

    fn came(&self) -> Vec<(String, u32)> {
        self.backend.payouts.lock().clone().into_iter().collect()
    }
}

fn key() -> String {
    format!("{PAYOUT:032x}")
}

#[tokio::test]
async fn inv_17_a_payout_that_was_told_by_a_node_that_died_is_one_payout_at_the_backend() {
    let bench = bench().await;
    *bench.backend.is_silent.lock() = true;
    tokio::select! {
        () = bench.clerk.look(now()) => panic!("the backend answered"),
        // The node dies while it waits.
        () = bench.backend.came.notified() => {}
    }
    assert_eq!((bench.told().state, bench.came()), (Telling::Tried, vec![(key(), 1)]));
    *bench.backend.is_silent.lock() = false;
    bench.later(1_000).await;
    assert_eq!(bench.came(), [(key(), 1)], "the attempt may still be going on");
    bench.later(ATTEMPT_MS_MAX + 1_000).await;
    assert_eq!((bench.told().tries, bench.told().state), (2, Telling::Sent));
    assert_eq!(bench.came(), [(key(), 2)], "the same key again");
    bench.later(10 * LOOK_UP_AFTER_MS).await;
    assert_eq!(bench.came(), [(key(), 2)]);
    drop(bench.dir);
}

#[tokio::test]
async fn what_failed_is_kept_with_its_reason_and_after_a_day_the_backend_is_asked_first() {
    let bench = bench().await;
    *bench.backend.is_broken.lock() = true;
    bench.later(0).await;
    let told = bench.told();
    assert_eq!(told.state, Telling::Failed("the provider answered 502 Bad Gateway".into()));
    assert_eq!(*bench.backend.looked_up.lock(), 0);
    *bench.backend.is_broken.lock() = false;
    bench.backend.payouts.lock().insert(key(), 1);
    bench.later(LOOK_UP_AFTER_MS + 1_000).await;
    assert_eq!((bench.told().tries, bench.told().state), (2, Telling::Sent));
    assert_eq!((*bench.backend.looked_up.lock(), bench.came()), (1, vec![(key(), 1)]));
}
