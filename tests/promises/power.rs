//! What was acknowledged is on the disk before, and there when the power goes, whenever that is.
//!
//! A real node is watched by `strace` while it is paid by several, killed and started again. The first test looks for
//! the sync between each write to the log and its acknowledgement. The second one makes, of the same calls, images of
//! what a disk may hold when the power goes, and starts a node on each.
//!
//! `WEIR_IMAGES=1000` opens so many images instead of [`IMAGES`].

mod acknowledged;
mod medium;

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use reqwest::{Method, StatusCode};
use tempfile::TempDir;
use weir_model::money::{LedgerRecord, MoneyReceipt};

use super::paid::{Book, Paid, ask, is_sound, ready};
use crate::harness::api::Api;
use crate::harness::cluster::SOON;
use crate::harness::{Node, eventually, strace};
use crate::sim::dice::Dice;
use acknowledged::{CHANNEL, Told, What};
use medium::{Cut, Medium};

/// Images of the quick tier.
const IMAGES: u64 = 200;
/// Who opens images at the same time.
const OPENERS: usize = 2;
/// Starts of the node that is watched.
const LIVES: usize = 3;
const PAYERS: usize = 4;
/// What each of them pays in one life.
const PAYMENTS: usize = 60;
/// One of so many requests makes a channel.
const CHANNEL_EVERY: usize = 15;
/// Acknowledgements that are asked for once more on each image, beside the newest.
const ASKED_AGAIN: usize = 3;
/// Files so short that segments, snapshots and checkpoints begin and end all the time.
const SMALL: &str = "small log=65536 snapshot=60 journal=32768 checkpoint=16384";
const CONFIG: &str = "[node]\nname = \"n0\"\naddress = \"127.0.0.1\"\n";

fn images() -> u64 {
    let wanted = std::env::var("WEIR_IMAGES").ok();
    wanted.map_or(IMAGES, |text| text.parse().expect("WEIR_IMAGES is a number"))
}

/// A node's lives, call by call.
struct Recorded {
    medium: Medium,
    told: Vec<Told>,
    /// The hash of each record, from the first.
    hashes: Vec<String>,
    /// With the traces.
    folder: TempDir,
}

/// One payer's payments of a life, and what he was told.
async fn pay(api: Api, book: Arc<Book>, life: usize, payer: usize) -> Vec<Paid> {
    let mut all = Vec::new();
    for nth in 0..PAYMENTS {
        if nth % CHANNEL_EVERY == 0 {
            let name = format!("{CHANNEL}{life}{payer}{:02}", nth / CHANNEL_EVERY);
            // Without an answer it is no acknowledgement.
            let _ = api.create_channel(&name).await;
        }
        let paid = book.write();
        let told = ask(&api, paid).await;
        all.extend(told.map(|told| Paid { seq: told.seq, ..paid }));
    }
    all
}

async fn hashes(api: &Api) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let path = format!("/v1/ledger/records?from={}&limit=100", all.len() + 1);
        let some: Vec<LedgerRecord> = api.call(Method::GET, &path, None).await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some.into_iter().map(|record| record.hash));
    }
}

/// Everything that a process asked of the kernel, once it is gone.
async fn trace(file: PathBuf, pid: u32) -> String {
    eventually("the whole trace", SOON, async || {
        let text = std::fs::read_to_string(&file).unwrap();
        strace::is_whole(&text, pid).then_some(text)
    })
    .await
}

/// A node that is paid in each of its lives, which end by a kill; the last one by itself.
async fn recorded() -> Recorded {
    strace::must_work();
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(data.path().join("faults"), SMALL).unwrap();
    let mut medium = Medium::of(data.path());
    let mut node = Node::prepared_on(data, CONFIG);
    let book = Arc::new(Book::default());
    let (mut line, mut told, mut asked, mut all) = (10, Vec::new(), Vec::new(), Vec::new());
    for life in 0..LIVES {
        let file = folder.path().join(format!("trace.{life}"));
        node.trace_to(file.clone());
        node.run().await;
        let api = node.api();
        if life == 0 {
            api.create_channel("demo").await.unwrap();
            ready(&api).await;
        }
        let payers: Vec<_> = (0..PAYERS)
            .map(|payer| tokio::spawn(pay(api.clone(), Arc::clone(&book), life, payer)))
            .collect();
        for payer in payers {
            asked.extend(payer.await.unwrap());
        }
        let pid = node.id();
        if life + 1 < LIVES {
            node.kill();
        } else {
            all = hashes(&api).await;
            node.stop().await;
        }
        let text = trace(file, pid).await;
        let calls = strace::calls(&text, line);
        line += text.lines().count();
        medium.follow(&calls);
        told.extend(acknowledged::told(&calls));
    }
    assert!(asked.len() > LIVES * PAYERS * PAYMENTS / 2, "{} answers", asked.len());
    for paid in asked {
        let found = told.iter().find(|one| one.what == What::Money(paid.id));
        assert_eq!(found.map(|one| one.seq), paid.seq, "{paid:?}");
    }
    is_eventful(&medium);
    Recorded { medium, told, hashes: all, folder }
}

/// Everything happened, more than once, that a power cut may come between.
fn is_eventful(medium: &Medium) {
    let made = |folder: &str, end: &str| {
        let name = |path: &Path| path.to_str().is_some_and(|path| path.ends_with(end));
        medium.made(|path| path.parent().is_some_and(|at| at.ends_with(folder)) && name(path))
    };
    let counts = [
        ("segments of the log", made("raft/log", "")),
        ("segments of the log that went", medium.taken("raft/log", ".log")),
        ("snapshots", made("raft", "snapshot.new")),
        ("segments of the journal", made("ledger", ".journal")),
        ("syncs of checkpoints", medium.syncs(|path| path.ends_with("ledger.pages/db"))),
    ];
    println!("{counts:?}");
    assert!(counts.iter().all(|(_, count)| *count > 2), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_of_the_log_lies_between_each_batch_and_its_acknowledgement() {
    let recorded = recorded().await;
    let faults = acknowledged::unsafe_among(&recorded.told, &recorded.medium);
    println!("{} acknowledgements, each behind its sync", recorded.told.len() - faults.len());
    assert!(faults.is_empty(), "{} of {}: {faults:#?}", faults.len(), recorded.told.len());
}

/// INV-6, INV-7, INV-9 of a whole data folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inv_6_nothing_acknowledged_is_lost_when_the_power_goes_at_any_moment() {
    let recorded = recorded().await;
    let lines = recorded.medium.lines();
    let cuts = (0..images()).map(|seed| Cut::throw(seed, &lines));
    let opened = futures_util::stream::iter(cuts)
        .map(async |cut| (cut, AssertUnwindSafe(open(&recorded, cut)).catch_unwind().await));
    let opened: Vec<_> = opened.buffer_unordered(OPENERS).collect().await;
    let (mut checked, mut failed) = (0, Vec::new());
    for (cut, found) in &opened {
        match found {
            Ok(count) => checked += count,
            Err(_) => failed.push(format!("{cut:?}: {}", kept(&recorded, *cut).display())),
        }
    }
    println!("{} images, {checked} acknowledgements in them", opened.len() - failed.len());
    if !failed.is_empty() {
        let traces = recorded.folder.path().with_extension("kept");
        std::fs::rename(recorded.folder.path(), &traces).unwrap();
        panic!("{} of {}, traces in {traces:?}: {failed:#?}", failed.len(), opened.len());
    }
}

/// The image once more, for whoever looks for what is wrong with it.
fn kept(recorded: &Recorded, cut: Cut) -> PathBuf {
    let folder = tempfile::Builder::new().prefix("weir-image-").tempdir().unwrap().keep();
    recorded.medium.write_image(cut, &folder);
    folder
}

/// Starts a node on an image, and insists that it has what had been acknowledged; answers with how much that is.
async fn open(recorded: &Recorded, cut: Cut) -> usize {
    let data = tempfile::tempdir().unwrap();
    recorded.medium.write_image(cut, data.path());
    let mut node = Node::prepared_on(data, CONFIG);
    node.run().await;
    let api = node.api();
    let owed: Vec<&Told> = recorded.told.iter().filter(|one| one.line < cut.line).collect();
    let money: Vec<&Told> = owed.iter().copied().filter(|one| one.seq > 0).collect();
    if let Some(newest) = money.iter().map(|one| one.seq).max() {
        let mut dice = Dice::new(cut.seed);
        let mut again = vec![newest];
        again.extend((0..ASKED_AGAIN).map(|_| dice.between(1, newest)));
        for seq in again {
            if let Some(told) = money.iter().find(|one| one.seq == seq) {
                is_replayed(&api, told).await;
            }
        }
        // The hash is of everything before, so all of it is as it was acknowledged.
        let path = format!("/v1/ledger/records?from={newest}&limit=1");
        let found: Vec<LedgerRecord> = api.call(Method::GET, &path, None).await.unwrap();
        assert_eq!(found[0].hash, recorded.hashes[newest as usize - 1], "record {newest}");
    }
    has_channels(&api, &owed).await;
    is_sound(&api).await;
    works_on(&api).await;
    node.kill();
    owed.len()
}

/// What was paid is not paid again.
async fn is_replayed(api: &Api, told: &Told) {
    let What::Money(id) = told.what else { return };
    let paid = Paid { id, cents: Book::cents_of(id), seq: None };
    let again: MoneyReceipt =
        eventually("the ledger answers", SOON, async || ask(api, paid).await).await;
    assert!(again.replayed && again.seq == Some(told.seq), "{told:?} became {again:?}");
}

async fn has_channels(api: &Api, owed: &[&Told]) {
    for told in owed {
        if let What::Channel(name) = &told.what {
            eventually(name, SOON, async || api.channel(name).await.ok()).await;
        }
    }
}

/// It takes something new.
async fn works_on(api: &Api) {
    eventually("a channel is made", SOON, async || match api.create_channel("afterwards").await {
        Ok(_) => Some(()),
        // An attempt without an answer may have been made.
        Err(refused) if refused.status == StatusCode::CONFLICT => Some(()),
        Err(_) => None,
    })
    .await;
}
