//! A private session is its parties' alone at every edge, and is paid for by what was delivered, whatever dies meanwhile.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use weir_model::ActorKind;
use weir_model::session::{SessionInfo, SessionParty};

use crate::booked;
use crate::harness::cli::Cli;
use crate::harness::cluster::SOON;
use crate::harness::knocker::{PAUSE, now_ms};
use crate::harness::{Cluster, Encoder, Knocker, Person, Viewer, clip, eventually};

/// What is taken back is given by no edge after this, milliseconds.
const REVOKED_MS: i64 = 1_000;
/// What a death of the session's node may cost the platform, milliseconds.
const CHECKPOINT_MS: i64 = 5_000;
/// Before the first and after the last sign of a player and of the media, which are looked at once a second.
const EDGES_MS: i64 = 3_000;
/// Parts come five times a second; what is further apart than this was held up somewhere.
const STALL: Duration = Duration::from_secs(1);
/// What a session pauses for, at most, and a moment.
const GRACE: Duration = Duration::from_secs(45);
const LEDGER: &str = "[ledger]\ncurrency = \"EUR\"\nfee_bps = 2000\n";
const PASSWORD: &str = "correct horse battery";
/// A minute; so a cent is ten milliseconds.
const RATE: &str = "60.00";
const MS_A_CENT: i64 = 10;

/// A cluster on which the streamer `star` publishes on her channel `hers`; `alice` and `bob` have 500.00 each.
struct Theatre {
    cluster: Cluster,
    encoder: Encoder,
    /// Where she publishes at first, the node that leads, and where she goes from there.
    ingests: [usize; 2],
    /// Which node the operator asks.
    asked: usize,
}

impl Theatre {
    async fn open(voters: usize, edges: usize) -> Self {
        let cluster = Cluster::configured(voters, edges, LEDGER).await;
        let (cli, api) = (cluster.cli(0), cluster.api(0));
        for (name, role) in [("alice", "viewer"), ("bob", "viewer"), ("star", "streamer")] {
            let body = json!({ "name": name, "roles": [role], "password": PASSWORD });
            let _: Value = api.call(Method::POST, "/v1/accounts", Some(body)).await.unwrap();
        }
        eventually("the ledger is founded", SOON, async || {
            cli.run(&["ledger", "show", "-o", "json"]).out.contains("\"EUR\"").then_some(())
        })
        .await;
        for name in ["alice", "bob"] {
            cli.json(&["wallet", "credit", name, "500.00"]);
        }
        cli.json(&["channel", "create", "hers", "--owner", "star"]);
        let key = cli.json(&["key", "create", "hers"])["key"].as_str().unwrap().to_owned();
        let (asked, leader) = (voters + edges - 1, cluster.leader(0, &[]).await);
        let ingests = [leader, (leader + 1) % voters];
        let encoder = Encoder::start(cluster.ingests(&ingests), &key, &clip::STANDARD);
        encoder.live_again(0).await;
        let theatre = Self { cluster, encoder, ingests, asked };
        for node in 0..theatre.cluster.len() {
            theatre.cluster.node(node).player("hers").playable().await;
        }
        theatre
    }

    fn cli(&self) -> Cli {
        self.cluster.cli(self.asked)
    }

    fn offer(&self, places: &str) -> String {
        let offer = ["session", "start", "hers", "--rate", RATE, "--places", places];
        self.cli().json(&offer)["id"].as_str().unwrap().to_owned()
    }

    /// Somebody who signs in at a node.
    async fn person(&self, name: &str, node: usize) -> Person {
        let mut person = Person::new();
        let status = person.login(self.cluster.node(node), name, PASSWORD).await.0;
        assert_eq!(status, StatusCode::OK, "{name}");
        person
    }

    /// Joins by the page of a node, at the price that it shows, for 400.00 at most.
    async fn join(&self, person: &Person, node: usize) {
        let node = self.cluster.node(node);
        let shown = eventually("the page shows the session", SOON, async || {
            let shown = person.session(node, "hers").await;
            (shown["session"]["open_to_you"] == true).then_some(shown)
        });
        let session = shown.await["session"].take();
        let body =
            json!({ "session": session["id"], "price": session["prices"][0], "cap": "400.00" });
        let (status, said) = person.meet(node, "join", &body).await;
        assert_eq!(status, StatusCode::OK, "{said}");
    }

    /// Leaves by the page of a node; when that was acknowledged.
    async fn leave(&self, person: &Person, node: usize, session: &str) -> i64 {
        let body = json!({ "session": session });
        let (status, said) = person.meet(self.cluster.node(node), "leave", &body).await;
        assert_eq!((status, &said["you"]["left"]), (StatusCode::OK, &json!("viewer")), "{said}");
        now_ms()
    }

    async fn info(&self, session: &str) -> Option<SessionInfo> {
        let path = format!("/v1/sessions/{session}");
        self.cluster.api(self.asked).call(Method::GET, &path, None).await.ok()
    }

    /// Waits until a party's bill is as `look` wants it.
    async fn bill<T>(
        &self,
        what: &str,
        session: &str,
        name: &str,
        look: impl Fn(&SessionParty) -> Option<T>,
    ) -> T {
        eventually(what, GRACE, async || {
            let info = self.info(session).await?;
            let is_hers = |party: &&SessionParty| {
                party.name.as_ref().is_some_and(|known| known.as_str() == name)
            };
            look(info.parties.iter().rev().find(is_hers)?)
        })
        .await
    }

    /// Which node runs the session.
    async fn runner(&self, session: &str) -> Option<usize> {
        let leases = self.cluster.api(self.asked).actors().await.ok()?;
        let lease = leases.into_iter().find(|lease| {
            let of = &lease.actor;
            of.kind == ActorKind::Session && of.key.as_str().ends_with(session)
        })?;
        lease.node?;
        (0..self.cluster.len()).find(|number| Cluster::name(*number) == lease.node_name)
    }

    /// Somebody who knocks at each node.
    fn knockers(&self, person: &Person) -> Vec<Knocker> {
        let nodes = 0..self.cluster.len();
        nodes.map(|node| Knocker::start(person.player(self.cluster.node(node), "hers"))).collect()
    }
}

fn cents(text: &str) -> i64 {
    text.replace('.', "").parse().unwrap()
}

fn billed(party: &SessionParty) -> Option<i64> {
    party.billed.as_deref().map(cents)
}

async fn are_given_all(knockers: &[Knocker]) {
    let since = now_ms();
    for knocker in knockers {
        knocker.is_given_all(since).await;
    }
}

/// No edge gives them anything any more, and none did a second after `since`.
async fn are_shut_out(knockers: &[Knocker], since: i64, what: &str) {
    for (node, knocker) in knockers.iter().enumerate() {
        let late = knocker.is_given_none().await - since;
        println!("{what}: n{node} gave something for {late} ms");
        let most = REVOKED_MS + i64::try_from(PAUSE.as_millis()).unwrap();
        assert!(late <= most, "{what}: n{node} gave something for {late} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_its_parties_at_every_edge_and_nobodys_once_it_is_over() {
    let theatre = Theatre::open(3, 2).await;
    let public = theatre.knockers(&Person::new());
    are_given_all(&public).await;
    let session = theatre.offer("2");
    // Each at an edge that has no vote.
    let (alice, bob) = (theatre.person("alice", 3).await, theatre.person("bob", 4).await);
    theatre.join(&alice, 3).await;
    theatre.join(&bob, 4).await;
    let began =
        eventually("the stream is theirs", SOON, async || theatre.info(&session).await?.began_at)
            .await;
    are_shut_out(&public, began.0, "it began").await;
    let (alices, bobs) = (theatre.knockers(&alice), theatre.knockers(&bob));
    are_given_all(&alices).await;
    are_given_all(&bobs).await;
    for name in ["alice", "bob"] {
        let some = |party: &SessionParty| billed(party).filter(|billed| *billed >= 200);
        theatre.bill("some seconds are billed", &session, name, some).await;
    }

    let left = theatre.leave(&alice, 3, &session).await;
    are_shut_out(&alices, left, "she left").await;
    are_given_all(&bobs).await;
    are_shut_out(&public, began.0, "still").await;

    let mut theirs = Vec::new();
    for knocker in &bobs {
        theirs.push(knocker.freeze().await);
    }
    theatre.cli().json(&["session", "end", &session, "--yes", "--reason", "test"]);
    are_shut_out(&bobs, now_ms(), "it was ended").await;
    for (node, theirs) in theirs.iter().enumerate() {
        assert!(theirs.len() > 10, "n{node} gave {theirs:?}");
        for person in [&Person::new(), &alice, &bob] {
            let player = person.player(theatre.cluster.node(node), "hers");
            player.playable().await;
            for url in player.listed().await {
                assert!(!theirs.contains(url.path()), "n{node} lists {url}");
            }
            for path in theirs {
                let answer = player.get(&player.url().join(path).unwrap()).await.unwrap();
                assert_eq!(answer.status(), StatusCode::NOT_FOUND, "n{node}: {path}");
            }
        }
    }
    are_given_all(&public).await;
    for name in ["alice", "bob"] {
        theatre.bill("it is settled", &session, name, |party| party.settled.then_some(())).await;
    }
    settled(&theatre, &session).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_survives_its_node_that_leads_and_nobody_pays_for_what_was_not_delivered() {
    let mut theatre = Theatre::open(3, 1).await;
    let session = theatre.offer("1");
    let alice = theatre.person("alice", 3).await;
    let viewer = Viewer::start(vec![alice.player(theatre.cluster.node(3), "hers")]).await;
    theatre.join(&alice, 3).await;
    let before = theatre
        .bill("some seconds are billed", &session, "alice", |party| {
            billed(party).filter(|billed| *billed >= 800)
        })
        .await;
    let [first, second] = theatre.ingests;
    assert_eq!(theatre.runner(&session).await, Some(first), "it runs beside the stream");
    let killed = Instant::now();
    theatre.cluster.kill(first);
    let back = theatre.encoder.live_again(1).await.since - killed;
    eventually("it runs beside the stream again", SOON, async || {
        (theatre.runner(&session).await == Some(second)).then_some(())
    })
    .await;
    let anew = theatre.bill("it goes on", &session, "alice", billed).await;
    assert!(anew >= before - CHECKPOINT_MS / MS_A_CENT, "{before} became {anew}");
    let more = |than: i64| move |party: &SessionParty| billed(party).filter(|now| *now > than);
    theatre.bill("time is billed again", &session, "alice", more(anew)).await;
    let resumed = Instant::now();
    theatre.bill("some more is billed", &session, "alice", more(anew + 800)).await;
    theatre.leave(&alice, 3, &session).await;
    theatre.bill("it is settled", &session, "alice", |party| party.settled.then_some(())).await;

    let info = theatre.info(&session).await.unwrap();
    let party = &info.parties[0];
    let took = party.left_at.unwrap().0 - info.began_at.unwrap().0;
    let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap();
    let (final_ms, most) = (billed(party).unwrap() * MS_A_CENT, took - ms(back) + REVOKED_MS);
    let lost = ms(resumed - killed) + stalls(&viewer, killed, resumed);
    let least = took - lost - CHECKPOINT_MS - EDGES_MS;
    println!("{took} ms, {back:?} without a publisher: {final_ms} ms billed, of {least} to {most}");
    assert!(final_ms <= most, "{final_ms} ms were billed, {most} ms were delivered at most");
    assert!(final_ms >= least, "{final_ms} ms were billed, {least} ms were delivered at least");
    let seconds = party.delivered_seconds.unwrap();
    assert_eq!(i64::try_from(seconds).unwrap() * 100, billed(party).unwrap());

    theatre.cluster.restart(first).await;
    theatre.cluster.eventually_all_up(theatre.asked).await;
    settled(&theatre, &session).await;
    hledger_agrees(&theatre.cli());
}

/// How long the viewer was without anything new, but for what is between two moments.
fn stalls(viewer: &Viewer, from: Instant, to: Instant) -> i64 {
    let grew = viewer.seen().grew;
    let pairs = grew.windows(2).map(|pair| (pair[0].0, pair[1].0));
    let apart = pairs.filter(|(one, next)| *next < from || *one > to);
    let held = apart.map(|(one, next)| next - one).filter(|held| *held > STALL);
    i64::try_from(held.sum::<Duration>().as_millis()).unwrap()
}

#[tokio::test]
async fn signs_of_somebody_elses_player_prove_nothing() {
    let theatre = Theatre::open(1, 0).await;
    let session = theatre.offer("1");
    let (alice, bob) = (theatre.person("alice", 0).await, theatre.person("bob", 0).await);
    let viewer = Viewer::start(vec![alice.player(theatre.cluster.node(0), "hers")]).await;
    theatre.join(&alice, 0).await;
    let some = |party: &SessionParty| billed(party).filter(|billed| *billed >= 200);
    theatre.bill("her player is heard", &session, "alice", some).await;
    drop(viewer);
    let (node, body) = (theatre.cluster.node(0), json!({ "session": session }));
    let beat = async |person: &Person| {
        let (status, said) = person.meet(node, "beat", &body).await;
        assert_eq!(status, StatusCode::OK, "{said}");
        said
    };
    let party = async || theatre.info(&session).await.unwrap().parties.remove(0);
    let stands = eventually("the meter stands though he plays", SOON, async || {
        assert_eq!(beat(&bob).await["you"], Value::Null);
        let now = party().await;
        now.paused.is_some().then_some(now)
    })
    .await;
    let goes_on = eventually("it goes on when her page says that she plays", SOON, async || {
        let said = beat(&alice).await;
        let billed = cents(said["you"]["billed"].as_str().unwrap());
        (billed > cents(stands.billed.as_ref().unwrap())).then_some(())
    });
    goes_on.await;
    let over = eventually("she is out", GRACE, async || {
        beat(&bob).await;
        let now = party().await;
        now.settled.then_some(now)
    })
    .await;
    assert_eq!(over.left_why, Some(weir_model::session::SessionHalt::ViewerGone));
    let seconds = i64::try_from(over.delivered_seconds.unwrap()).unwrap();
    assert_eq!(billed(&over), Some(seconds * 100));
    settled(&theatre, &session).await;
}

/// Receipts, wallets, statements, records and balances say the same, at every node; and nothing is reserved.
async fn settled(theatre: &Theatre, session: &str) {
    let info = theatre.info(session).await.unwrap();
    for node in 0..theatre.cluster.len() {
        let (cli, stand) = (theatre.cluster.cli(node), theatre.cli().json(&["ledger", "show"]));
        eventually("a node's ledger is the same", SOON, async || {
            let shown = cli.run(&["ledger", "show", "-o", "json"]).out;
            let shown: Value = serde_json::from_str(&shown).ok()?;
            (shown["hash"] == stand["hash"] && shown["is_even"] == true).then_some(())
        })
        .await;
        for party in &info.parties {
            assert!(party.settled, "{party:?}");
            receipt_agrees(&cli, party);
        }
        for one in cli.json(&["ledger", "trial-balance"]).as_array().unwrap() {
            assert_eq!(one["reserved"], "0.00", "{one}");
        }
        let verified = cli.json(&["ledger", "verify"]);
        assert_eq!((&verified["fault"], &verified["checked"]), (&Value::Null, &verified["of"]));
        assert!(verified["of"].as_u64() >= stand["seq"].as_u64(), "{verified}");
    }
    let all: i64 = info.parties.iter().filter_map(billed).sum();
    let earned = theatre.cli().json(&["wallet", "show", "star"]);
    let fee = all - cents(earned["pending"].as_str().unwrap());
    assert!((fee - all / 5).abs() <= 1, "the platform keeps a fifth: {fee} of {all}");
}

/// Who was billed has so much less.
fn receipt_agrees(cli: &Cli, party: &SessionParty) {
    let (name, amount) = (party.name.as_ref().unwrap().as_str(), party.billed.as_ref().unwrap());
    let left = 50_000 - cents(amount);
    let wallet = cli.json(&["wallet", "show", name]);
    let has = (cents(wallet["available"].as_str().unwrap()), &wallet["reserved"]);
    assert_eq!(has, (left, &json!("0.00")), "{name} was billed {amount}");
    let statement = cli.json(&["wallet", "statement", name]);
    let of = |line: &Value, side: &str| line[side].as_str().map_or(0, cents);
    let lines = statement["lines"].as_array().unwrap();
    let net: i64 = lines[1..].iter().map(|line| of(line, "debit") - of(line, "credit")).sum();
    assert_eq!((net, cents(statement["closing"].as_str().unwrap())), (cents(amount), left));
    let records = cli.json(&["ledger", "tail", "--limit", "1000"]);
    let is_of_it = |record: &&Value| {
        let names = record["charges"].as_array().into_iter().flatten();
        names.filter_map(Value::as_str).any(|one| one == party.charge)
    };
    let last = records.as_array().unwrap().iter().rev().find(is_of_it).unwrap();
    let told = cli.run(&["ledger", "explain", &last["seq"].to_string()]).out;
    let sentence = format!("For {}: {amount} EUR in all", party.charge.replacen(':', " ", 1));
    assert!(told.contains(&sentence), "{sentence}: {told}");
}

/// Another program reads the books, and finds on every account what we say of it.
fn hledger_agrees(cli: &Cli) {
    cli.json(&["tip", "hers", "5.55", "--from", "bob", "--message", "; no: \"comment\" | note"]);
    let exported = cli.run(&["ledger", "export", "--format", "hledger"]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("weir.journal");
    std::fs::write(&journal, exported.out).unwrap();
    booked::hledger(&journal, &["check"]);
    let mut said: BTreeMap<String, i128> = BTreeMap::new();
    for one in cli.json(&["ledger", "trial-balance"]).as_array().unwrap() {
        let word = |what: &str| one[what].as_str().unwrap();
        let sign = if ["assets", "expenses"].contains(&word("class")) { 1 } else { -1 };
        let balance = sign * i128::from(cents(word("balance")));
        if balance != 0 {
            said.insert(format!("{}:{}", word("class"), word("account")), balance);
        }
    }
    assert!(said.len() >= 4, "{said:?}");
    assert_eq!(booked::shown(&journal), said);
}
