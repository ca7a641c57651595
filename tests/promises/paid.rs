//! What was acknowledged of money is there, once, whatever was killed while it was paid.
//!
//! `WEIR_KILLS=1000` kills so often instead of [`KILLS`] times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use weir_model::money::{LedgerInfo, MoneyReceipt, Verification, Wallet};

use crate::harness::api::Api;
use crate::harness::cluster::SOON;
use crate::harness::{Cluster, eventually};
use crate::sim::dice::Dice;

/// Kills of the quick tier.
const KILLS: u64 = 50;
/// Who pays at the same time.
const PAYERS: u64 = 8;
/// Files so short that segments, snapshots and checkpoints begin and end every few lives.
const SMALL: &str = "small log=262144 snapshot=200 journal=262144 checkpoint=131072";
/// A payer gives a request up after this and asks again later.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a node lives between two kills, milliseconds.
const LIFE_MS: (u64, u64) = (50, 600);
/// What a node answers that has nobody to do it; any other refusal is a fault.
const AWAY: [StatusCode; 4] = [
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

#[allow(clippy::disallowed_methods)]
fn kills() -> u64 {
    let wanted = std::env::var("WEIR_KILLS").ok();
    wanted.map_or(KILLS, |text| text.parse().expect("WEIR_KILLS is a number"))
}

/// A payment, and the record that was told of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paid {
    pub(super) id: u128,
    /// Cents that the wallet has more afterwards, or less.
    pub(super) cents: i64,
    pub(super) seq: Option<u64>,
}

/// What the payer begins with.
pub(super) const FIRST: Paid = Paid { id: u64::MAX as u128, cents: 10_000_000, seq: None };

/// Everything that was paid.
#[derive(Default)]
pub(super) struct Book {
    next: AtomicU64,
    all: Mutex<Vec<Paid>>,
    stops: AtomicBool,
}

impl Book {
    /// A gift of 0.05, or a tip of 0.02 out of what was given.
    pub(super) fn write(&self) -> Paid {
        let id = u128::from(self.next.fetch_add(1, Ordering::Relaxed) + 1);
        Paid { id, cents: Self::cents_of(id), seq: None }
    }

    /// What the request of that id moves.
    pub(super) const fn cents_of(id: u128) -> i64 {
        match id {
            id if id == FIRST.id => FIRST.cents,
            id if id.is_multiple_of(3) => -2,
            _ => 5,
        }
    }

    fn note(&self, paid: Paid) {
        self.all.lock().push(paid);
    }

    /// What the wallet has when everything was done once.
    fn cents(&self) -> i64 {
        self.all.lock().iter().map(|paid| paid.cents).sum()
    }
}

pub(super) async fn ask(api: &Api, paid: Paid) -> Option<MoneyReceipt> {
    let id = format!("{:032x}", paid.id);
    let amount = format!("{}.{:02}", paid.cents.abs() / 100, paid.cents.abs() % 100);
    let (path, body) = match paid.cents > 0 {
        true => ("/v1/wallets/payer/credit", json!({ "id": id, "amount": amount })),
        false => {
            ("/v1/tips", json!({ "id": id, "channel": "demo", "from": "payer", "amount": amount }))
        }
    };
    let asked = api.call(Method::POST, path, Some(body));
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(receipt)) => Some(receipt),
        Ok(Err(refused)) => {
            assert!(AWAY.contains(&refused.status), "{paid:?}: {refused:?}");
            None
        }
        Err(_) => None,
    }
}

/// Pays until it is told to stop; what nobody answered is noted all the same.
async fn pay(book: Arc<Book>, apis: Vec<Api>, mut turn: usize) {
    while !book.stops.load(Ordering::Relaxed) {
        turn += 1;
        let paid = book.write();
        let told = ask(&apis[turn % apis.len()], paid).await;
        book.note(Paid { seq: told.and_then(|told| told.seq), ..paid });
    }
}

/// Everything is asked once more: what was acknowledged is the same record, and what was not is done now, once.
async fn check(book: &Book, api: &Api, since: usize) {
    let some: Vec<Paid> = book.all.lock()[since..].to_vec();
    for (at, paid) in some.into_iter().enumerate() {
        let again = eventually("the ledger answers", SOON, async || ask(api, paid).await).await;
        if let Some(seq) = paid.seq {
            assert!(again.replayed && again.seq == Some(seq), "{paid:?} became {again:?}");
        }
        book.all.lock()[since + at].seq = again.seq;
    }
}

/// Nothing was lost and nothing was done twice.
async fn check_all(book: &Book, api: &Api) {
    let wallet: Wallet = api.call(Method::GET, "/v1/wallets/payer", None).await.unwrap();
    let expected = format!("{}.{:02}", book.cents() / 100, book.cents() % 100);
    assert_eq!(wallet.available, expected);
    is_sound(api).await;
}

/// Debits are credits, and every byte is as it was made.
pub(super) async fn is_sound(api: &Api) {
    let stand: LedgerInfo = api.call(Method::GET, "/v1/ledger", None).await.unwrap();
    assert!(stand.is_even, "{stand:?}");
    let begun: Value = api.call(Method::POST, "/v1/ledger/verification", None).await.unwrap();
    assert!(begun.is_object());
    let over = eventually("every record was looked at", SOON, async || {
        let now: Verification =
            api.call(Method::GET, "/v1/ledger/verification", None).await.ok()?;
        (!now.running).then_some(now)
    })
    .await;
    assert_eq!((over.fault, over.checked), (None, over.of));
}

async fn newest(api: &Api) -> Option<u64> {
    let stand: LedgerInfo = api.call(Method::GET, "/v1/ledger", None).await.ok()?;
    Some(stand.seq)
}

pub(super) async fn ready(api: &Api) {
    let body = json!({ "name": "payer", "password": "correct horse battery" });
    let _: Value = api.call(Method::POST, "/v1/accounts", Some(body)).await.unwrap();
    let first = ask(api, FIRST).await.expect("an answer");
    assert!(!first.replayed);
}

/// Kills a node of `voters` again and again while all of them are paid by.
async fn kill_and_pay(voters: usize, kills: u64) {
    let mut cluster = Cluster::start(voters, 0).await;
    cluster.channel("demo").await;
    ready(&cluster.api(0)).await;
    for node in 0..voters {
        cluster.shorten(node, SMALL);
    }
    let book = Arc::new(Book::default());
    book.note(FIRST);
    let (mut dice, mut since) = (Dice::new(kills), 1);
    for round in 0..kills {
        book.stops.store(false, Ordering::Relaxed);
        let apis: Vec<Api> = (0..voters).map(|node| cluster.api(node)).collect();
        let payers: Vec<_> = (0..PAYERS as usize)
            .map(|turn| tokio::spawn(pay(Arc::clone(&book), apis.clone(), turn)))
            .collect();
        let life = dice.between(LIFE_MS.0, LIFE_MS.1);
        tokio::time::sleep(Duration::from_millis(life)).await;
        let victim = dice.between(0, voters as u64 - 1) as usize;
        cluster.kill(victim);
        book.stops.store(true, Ordering::Relaxed);
        for payer in payers {
            payer.await.unwrap();
        }
        cluster.restart(victim).await;
        check(&book, &cluster.api(round as usize % voters), since).await;
        since = book.all.lock().len();
        if (round + 1) % KILLS == 0 {
            println!("{} kills of {voters}: {since} payments", round + 1);
        }
    }
    let acknowledged = book.all.lock().iter().filter(|paid| paid.seq.is_some()).count();
    println!("{kills} kills of {voters}: {acknowledged} payments");
    let mut all = 0;
    for node in 0..voters {
        let says = async || newest(&cluster.api(node)).await;
        all = all.max(eventually("it says what it has", SOON, says).await);
    }
    for node in 0..voters {
        eventually("it has everything", SOON, async || {
            newest(&cluster.api(node)).await.filter(|newest| *newest >= all)
        })
        .await;
        check_all(&book, &cluster.api(node)).await;
    }
}

/// INV-6, INV-7: one voter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inv_6_what_one_voter_acknowledged_survives_every_kill_9_and_is_done_once() {
    kill_and_pay(1, kills()).await;
}

/// The same of three, of which a random one dies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inv_6_what_three_voters_acknowledged_survives_every_kill_9_and_is_done_once() {
    kill_and_pay(3, kills()).await;
}
