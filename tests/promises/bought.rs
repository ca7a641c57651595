//! What is sold is for whoever bought it: nobody else gets a byte of it, and whoever has paid gets it until what he paid
//! for is over, or was paid back.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use crate::harness::api::Api;
use crate::harness::cli::Cli;
use crate::harness::hls::Player;
use crate::harness::{Cluster, Encoder, Node, clip, eventually, within};

/// What was taken back opens nothing at any node after this.
const EVERYWHERE_WITHIN: Duration = Duration::from_secs(1);
/// A loaded machine takes its time.
const SOON: Duration = Duration::from_secs(30);
/// Longer than a period of a minute.
const PERIODS: Duration = Duration::from_secs(150);
const LEDGER: &str = "[ledger]\ncurrency = \"EUR\"\nfee_bps = 2000\n";

/// Tokens of the viewers `fan` and `stranger` and of the streamer `star`, whose channel is `hers`.
struct Site {
    cli: Cli,
    api: Api,
}

impl Site {
    /// Makes them; the fan has 20.00.
    async fn open(cli: Cli, api: Api) -> Self {
        for (name, role) in [("fan", "viewer"), ("stranger", "viewer"), ("star", "streamer")] {
            cli.json(&["account", "create", name, "--role", role]);
        }
        eventually("the ledger is founded", SOON, async || {
            (cli.json(&["ledger", "show"])["currency"] == "EUR").then_some(())
        })
        .await;
        cli.json(&["wallet", "credit", "fan", "20.00"]);
        Self { cli, api }
    }

    async fn on(node: &Node) -> Self {
        Self::open(Cli::new(node), node.api()).await
    }

    /// Her channel, and a publisher.
    async fn publish(&self, node: &Node) -> Encoder {
        self.cli.json(&["channel", "create", "hers", "--owner", "star"]);
        let key = self.cli.json(&["key", "create", "hers"])["key"].as_str().unwrap().to_owned();
        Encoder::start(vec![node.rtmp()], &key, &clip::STANDARD)
    }

    /// A token by which players are known as somebody.
    async fn playback(&self, account: &str) -> String {
        let made = self.cli.json(&[
            "token",
            "create",
            "--account",
            account,
            "--scope",
            "all",
            "--expires",
            "1h",
        ]);
        let own = self.api.with_token(made["token"].as_str().unwrap());
        let body = json!({ "channel": "hers" });
        let made: Value = own.call(Method::POST, "/v1/playback-tokens", Some(body)).await.unwrap();
        made["token"].as_str().unwrap().to_owned()
    }

    fn available(&self, account: &str) -> Value {
        self.cli.json(&["wallet", "show", account])["available"].clone()
    }
}

/// What a node answers.
#[derive(Debug, PartialEq)]
struct Got {
    status: StatusCode,
    refused: Option<String>,
    cache: String,
    bytes: usize,
}

async fn get(url: &Url) -> Got {
    let answer = reqwest::Client::new().get(url.clone()).send().await.unwrap();
    let header =
        |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (refused, cache) = (header("weir-refused"), header("cache-control").unwrap_or_default());
    let (status, bytes) = (answer.status(), answer.bytes().await.unwrap().len());
    Got { status, refused, cache, bytes }
}

fn player(node: &Node, token: Option<&str>) -> Player {
    let query = token.map(|token| format!("?v={token}")).unwrap_or_default();
    Player::new(node.http(&format!("/live/hers/index.m3u8{query}")))
}

/// None of these gives anything but a word.
async fn assert_shut(urls: &[Url], word: &str) {
    for url in urls {
        let got = get(url).await;
        assert_eq!(
            (got.status, got.refused.as_deref()),
            (StatusCode::FORBIDDEN, Some(word)),
            "{url}"
        );
        assert_eq!(got.cache, "no-store", "{url}");
    }
}

/// Everything that is listed is there, for this viewer only.
async fn assert_open(player: &Player) {
    let mut media = 0;
    for url in player.listed().await {
        let got = get(&url).await;
        // What was listed a moment ago may have left the window.
        if got.status != StatusCode::NOT_FOUND {
            assert_eq!(
                (got.status, got.cache.contains("public")),
                (StatusCode::OK, false),
                "{url}"
            );
            media += got.bytes;
        }
    }
    assert!(media > 100_000, "{media} bytes are no stream");
}

/// It is so within a second, and from then on.
async fn shut_soon(node: &Node, token: Option<&str>, word: &str) {
    let url = player(node, token).url().clone();
    let shut = eventually("the door is shut", SOON, async || {
        (get(&url).await.refused.as_deref() == Some(word)).then_some(())
    });
    within("the door is shut", EVERYWHERE_WITHIN, shut).await;
}

async fn open_soon(node: &Node, token: Option<&str>) {
    let url = player(node, token).url().clone();
    eventually("the door is open", SOON, async || {
        (get(&url).await.status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_channel_for_members_is_theirs_until_they_are_paid_back() {
    let node = Node::start_configured(LEDGER).await;
    let site = Site::on(&node).await;
    let _encoder = site.publish(&node).await;
    player(&node, None).playable().await;
    let before = player(&node, None).listed().await;
    let fan = site.playback("fan").await;
    let set = site.cli.json(&["price", "set", "hers", "--members", "4.99", "--every", "30d"]);
    assert_eq!((&set["price"], &set["period_secs"]), (&json!("4.99"), &json!(2_592_000)));

    assert_shut(&before, "members").await;
    let stranger = site.playback("stranger").await;
    for token in [&fan, &stranger] {
        shut_soon(&node, Some(token), "members").await;
    }
    let state: Value =
        reqwest::get(node.http("/live/hers/state.json")).await.unwrap().json().await.unwrap();
    assert_eq!((&state["state"], &state["access"]["price"]), (&json!("members"), &json!("4.99")));
    assert_open(&player(&node, Some(&site.playback("star").await))).await;

    let other = site.cli.run(&["member", "join", "hers", "--as", "fan", "--price", "3.99"]);
    assert_eq!(other.code, 5, "nobody pays another price than the one he saw: {other:?}");
    let join = ["member", "join", "hers", "--as", "fan", "--price", "4.99"];
    site.cli.json(&[&join[..], &["--dry-run"]].concat());
    shut_soon(&node, Some(&fan), "members").await;
    let id = ["--id", "6f1a2b3c-0000-4000-8000-00000000cafe"];
    let paid = site.cli.json(&[&join[..], &id[..]].concat());
    assert_eq!(site.available("fan"), "15.01");
    // Whoever is told that he has paid can watch.
    assert_open(&player(&node, Some(&fan))).await;
    let again = site.cli.json(&[&join[..], &id[..]].concat());
    assert_eq!((&again["replayed"], site.available("fan")), (&json!(true), json!("15.01")));
    let twice = site.cli.run(&join);
    assert_eq!((twice.code, site.available("fan")), (5, json!("15.01")), "{twice:?}");

    site.cli.json(&["tip", "hers", "1.00", "--from", "fan", "--message", "great show"]);
    assert_open(&player(&node, Some(&fan))).await;
    let own = player(&node, Some(&fan)).listed().await;
    site.cli.json(&["wallet", "freeze", "fan", "--yes"]);
    shut_soon(&node, Some(&fan), "members").await;
    site.cli.json(&["wallet", "unfreeze", "fan"]);
    open_soon(&node, Some(&fan)).await;
    site.cli.json(&["refund", paid["charge"].as_str().unwrap(), "--yes"]);
    shut_soon(&node, Some(&fan), "members").await;
    assert_shut(&own, "members").await;
    assert_shut(&before, "members").await;
    assert_eq!(site.available("fan"), "19.00");
    site.cli.json(&["price", "set", "hers", "--public"]);
    open_soon(&node, None).await;
}

#[tokio::test]
async fn a_ticket_opens_its_channel_until_the_event_is_over() {
    let node = Node::start_configured(LEDGER).await;
    let site = Site::on(&node).await;
    let _encoder = site.publish(&node).await;
    player(&node, None).playable().await;
    let event = |places: &str| {
        let opened = site.cli.json(&["ticket", "open", "hers", "3.00", "--places", places]);
        opened["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (event("1"), event("9"));
    site.cli.json(&["price", "set", "hers", "--ticket", &first]);
    let (fan, stranger) = (site.playback("fan").await, site.playback("stranger").await);
    shut_soon(&node, Some(&fan), "ticket").await;
    site.cli.json(&["ticket", "buy", &first, "--as", "fan"]);
    assert_open(&player(&node, Some(&fan))).await;
    shut_soon(&node, Some(&stranger), "ticket").await;
    shut_soon(&node, None, "ticket").await;
    site.cli.json(&["wallet", "credit", "stranger", "9.00"]);
    let full = site.cli.run(&["ticket", "buy", &first, "--as", "stranger"]);
    assert_eq!((full.code, site.available("stranger")), (5, json!("9.00")), "{full:?}");
    site.cli.json(&["ticket", "end", &first, "--yes"]);
    shut_soon(&node, Some(&fan), "ticket").await;
    assert_eq!(site.cli.json(&["wallet", "show", "star"])["pending"], "2.40");

    site.cli.json(&["ticket", "buy", &second, "--as", "fan"]);
    shut_soon(&node, Some(&fan), "ticket").await;
    site.cli.json(&["price", "set", "hers", "--ticket", &second]);
    open_soon(&node, Some(&fan)).await;
    assert_eq!(site.available("fan"), "14.00");
    site.cli.json(&["ticket", "end", &second, "--cancelled", "--yes"]);
    shut_soon(&node, Some(&fan), "ticket").await;
    assert_eq!(site.available("fan"), "17.00", "what did not take place costs nothing");
    let over = site.cli.run(&["price", "set", "hers", "--ticket", &second]);
    assert_eq!(over.code, 5, "{over:?}");
}

#[tokio::test]
async fn an_edge_without_the_ledger_knows_who_has_bought_what() {
    let cluster = Cluster::configured(1, 1, LEDGER).await;
    let (voter, edge) = (cluster.node(0), cluster.node(1));
    let site = Site::open(cluster.cli(0), cluster.api(0)).await;
    let _encoder = site.publish(voter).await;
    player(edge, None).playable().await;
    let before = player(edge, None).listed().await;
    let fan = site.playback("fan").await;
    site.cli.json(&["price", "set", "hers", "--members", "4.99", "--every", "30d"]);
    shut_soon(edge, None, "members").await;
    assert_shut(&before, "members").await;
    // Bought of the edge, which asks those that keep the ledger.
    let paid = cluster.cli(1).json(&["member", "join", "hers", "--as", "fan", "--price", "4.99"]);
    assert_open(&player(edge, Some(&fan))).await;
    site.cli.json(&["refund", paid["charge"].as_str().unwrap(), "--yes"]);
    shut_soon(edge, Some(&fan), "members").await;
    site.cli.json(&["member", "gift", "hers", "--to", "fan", "--as", "fan", "--price", "4.99"]);
    open_soon(edge, Some(&fan)).await;
    site.cli.json(&["account", "log-out", "fan", "--yes"]);
    shut_soon(edge, Some(&fan), "members").await;
}

#[tokio::test]
async fn the_next_leader_goes_on_with_who_may_watch() {
    let mut cluster = Cluster::configured(3, 0, LEDGER).await;
    let site = Site::open(cluster.cli(0), cluster.api(0)).await;
    site.cli.json(&["channel", "create", "hers", "--owner", "star"]);
    site.cli.json(&["price", "set", "hers", "--members", "4.99", "--every", "30d"]);
    let join = ["member", "join", "hers", "--as", "fan", "--price", "4.99"];
    let charge = site.cli.json(&join)["charge"].as_str().unwrap().to_owned();
    let leader = cluster.leader(0, &[]).await;
    cluster.kill(leader);
    let living: Vec<usize> = (0..cluster.len()).filter(|node| *node != leader).collect();
    let id = ["--id", "6f1a2b3c-0000-4000-8000-00000000cafe", "--yes"];
    let refund = [&["refund", &charge], &id[..]].concat();
    eventually("somebody leads and pays back", SOON, async || {
        (cluster.cli(living[0]).run(&refund).code == 0).then_some(())
    })
    .await;
    for node in living {
        eventually("every node knows that he is a member no longer", SOON, async || {
            let members = cluster.cli(node).run(&["member", "list", "hers", "-o", "jsonl"]);
            (members.code == 0 && members.out.is_empty()).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_member_who_asked_for_it_pays_each_further_period_once() {
    let node = Node::start_configured(LEDGER).await;
    let site = Site::on(&node).await;
    site.cli.json(&["channel", "create", "hers", "--owner", "star"]);
    site.cli.json(&["price", "set", "hers", "--members", "2.00", "--every", "60s"]);
    site.cli.json(&["wallet", "credit", "stranger", "9.00"]);
    site.cli.json(&["member", "join", "hers", "--as", "fan", "--price", "2.00", "--renew"]);
    site.cli.json(&["member", "join", "hers", "--as", "stranger", "--price", "2.00"]);
    let members = || {
        let all = site.cli.json(&["member", "list", "hers"]);
        let name = |one: &Value| (one["name"].as_str().unwrap().to_owned(), one["renews"].clone());
        all.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(members().len(), 2);
    eventually("only who renews stays a member", PERIODS, async || {
        (members() == [("fan".to_owned(), json!(true))]).then_some(())
    })
    .await;
    assert_eq!(
        (site.available("fan"), site.available("stranger")),
        (json!("16.00"), json!("7.00"))
    );
    let lapsed = site.cli.json(&["member", "lapse", "hers", "--as", "fan"]);
    assert_eq!((&lapsed["renews"], members()), (&json!(false), vec![("fan".into(), json!(false))]));
}
