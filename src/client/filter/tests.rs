//! What filters mean, what their errors say, and that nothing typed breaks them.

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_model::Timestamp;

use super::fields::{self, Fields, Kind};
use super::*;

/// 2023-11-14T22:13:20Z.
const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn stream() -> Value {
    json!({
        "channel": "night-run", "node": {"id": "node_0000000000000001", "name": "west"},
        "state": "live", "playable": true, "show": "show_01",
        "since": "2023-11-14T22:08:20.000Z", "grace_until": "2023-11-14T22:13:50.000Z",
        "publisher": {
            "protocol": "rtmp", "remote": "192.0.2.7:51022", "encoder": "OBS 30",
            "key": "key_01", "since": "2023-11-14T22:12:20.000Z",
        },
        "tracks": [
            {"id": "v0", "kind": "video", "codec": "avc1.64001f", "width": 1280, "height": 720,
             "fps": 29.97, "sample_rate": null, "channels": null, "bitrate": 4_400_000},
            {"id": "a0", "kind": "audio", "codec": "mp4a.40.2", "width": null, "height": null,
             "fps": null, "sample_rate": 48000, "channels": 2, "bitrate": 128_000},
        ],
        "bitrate": 4_528_000, "bitrate_history": [4_000_000, 900_000], "viewers": 7, "msn": 12,
        "reconnects": 0, "skipped_frames": 0, "health": "warning",
        "findings": [{"code": "keyframe_interval", "level": "warning", "text": "t", "advice": "a"}],
    })
}

fn keeps(typed: &str, fields: Fields, row: &Value) -> bool {
    let filter = Filter::parse(typed, fields).unwrap_or_else(|error| panic!("{error}"));
    filter.keeps_json(row, NOW)
}

fn wrong(typed: &str) -> String {
    Filter::parse(typed, fields::STREAM).unwrap_err().to_string()
}

#[test]
fn a_filter_that_compares_nothing_is_a_text_to_look_for() {
    for (typed, fits) in [
        ("", true),
        ("  ", true),
        ("!", true),
        ("~", true),
        ("re:", true),
        ("NIGHT", true),
        ("demo", false),
        ("!demo", true),
        ("! night", false),
        ("~ngtrn", true),
        ("~ngtrn OBS", true),
        ("~nrtgn", false),
        ("!~nrtgn", true),
        (r"re:^night-\w+", true),
        ("re:^run", false),
        ("!re:^run", true),
        ("\"night-run\"", true),
        ("'a=b'", false),
        ("!'a=b'", true),
    ] {
        assert_eq!(keeps(typed, fields::STREAM, &stream()), fits, "{typed}");
    }
}

#[test]
fn an_expression_compares_fields_with_numbers_words_texts_and_times() {
    for (typed, fits) in [
        ("bitrate>4M and viewers<10", true),
        ("bitrate > 4.6M || viewers >= 7", true),
        ("bitrate>4600k", false),
        ("viewers = 7 && viewers == 7 && viewers <= 7 && viewers != 8", true),
        ("state==live", true),
        ("state==LIVE and health>=warning and health<bad", true),
        ("codec=~h26", true),
        ("codec == h264 and codec == aac and tracks.codec == \"avc1.64001f\"", true),
        ("codec != hevc and codec !~ 'h265|av1'", true),
        ("encoder==\"obs 30\" and encoder=~^obs", true),
        ("playable==true and playable and not reconnects", true),
        ("since<10m and since>4m59s and publisher.since<=60s", true),
        ("grace_until<1m and grace_until>29s", true),
        ("since > 2023-11-14T00:00:00Z", true),
        ("publisher==none", false),
        ("publisher!=none and findings", true),
        ("fps>29 and width>=1280 and tracks.bitrate<200k", true),
        ("bitrate_history<1M", true),
        ("level==warning", true),
    ] {
        assert_eq!(keeps(typed, fields::STREAM, &stream()), fits, "{typed}");
    }
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    for (typed, fits) in [
        ("viewers>0 or viewers>0 and viewers>9", true),
        ("(viewers>0 or viewers>0) and viewers>9", false),
        ("not viewers>9 and viewers>0", true),
        ("not (viewers>9 or viewers>0)", false),
        ("!(viewers>9)", true),
        ("!viewers>9", true),
        ("NOT viewers>9 AND viewers>0", true),
    ] {
        assert_eq!(keeps(typed, fields::STREAM, &stream()), fits, "{typed}");
    }
}

#[test]
fn what_is_not_there_fits_no_comparison_but_none() {
    let bare = json!({"channel": "a", "publisher": null, "tracks": [], "since": null});
    for (typed, fits) in [
        ("fps>0", false),
        ("fps<100", false),
        ("codec==none", true),
        ("codec!=h264", true),
        ("encoder==obs", false),
        ("encoder==none and publisher==none", true),
        ("since>1s", false),
        ("not publisher and channel==a", true),
    ] {
        assert_eq!(keeps(typed, fields::STREAM, &bare), fits, "{typed}");
    }
}

#[test]
fn named_texts_of_events_are_fields() {
    let event = json!({"kind": "stream.kicked", "at": "2023-11-14T22:13:19.000Z",
        "fields": {"reason": "Too loud", "bytes": "4096"}});
    for (typed, fits) in [
        ("fields.reason==\"too loud\" and at<2s", true),
        ("fields.reason=~loud and kind=~^stream", true),
        ("fields.bytes>4k", true),
        ("fields.bytes==4096", true),
        ("fields.nothing==none and fields.reason", true),
    ] {
        assert_eq!(keeps(typed, fields::EVENT, &event), fits, "{typed}");
    }
}

#[test]
fn an_error_names_the_place_and_what_was_meant() {
    let error = wrong("viewers>3 and bitrat>4M");
    let mut lines = error.lines();
    let first = lines.next().unwrap();
    assert!(first.starts_with("at character 15: there is no field `bitrat`; did you mean `bitrate`? fields: channel, state"), "{first}");
    assert_eq!(lines.next(), Some("  viewers>3 and bitrat>4M"));
    assert_eq!(lines.next(), Some("                ^^^^^^"));
    for (typed, says) in [
        ("bitrate>", "at character 9: a value is missing behind `>`"),
        ("bitrate>4m", "is a number like 12, 500k, 4M or 1.5G, not `4m`; did you mean 4M?"),
        ("bitrate>fast", "not `fast`"),
        ("state==lve", "is one of offline, live, ended, not `lve`; did you mean live?"),
        ("channel>a", "`channel` has no order"),
        ("viewers=~3", "`viewers` is no text"),
        ("codec=~\"(\"", "no regular expression"),
        ("since<soon", "a span like 90s, 10m, 2h, 7d"),
        ("publisher==obs", "name a part of it"),
        ("(viewers>3", "a closing bracket is missing"),
        ("viewers>3)", "never opened"),
        ("viewers>3 viewers<9", "`and` or `or` is missing"),
        ("viewers>3 and", "a field's name is missing"),
        ("viewers>3 & playable", "stands twice"),
        ("channel==\"a", "never closed"),
        ("re:(", "no regular expression"),
        ("playable>true", "is == true or == false"),
        ("grace_until>none", "can only be == none"),
    ] {
        let error = wrong(typed);
        assert!(error.contains(says), "{typed}: {error}");
    }
}

#[test]
fn a_filter_is_bounded_in_length_depth_and_memory() {
    assert!(wrong(&"x".repeat(CHARS_MAX + 1)).contains("at most 1000 characters"));
    let deep = format!("{}viewers>1{}", "(".repeat(400), ")".repeat(400));
    assert!(wrong(&deep).contains("too many brackets"));
    assert!(wrong(&format!("{}viewers>1", "not ".repeat(200))).contains("too many brackets"));
    assert!(wrong(r"re:(\w{100}){100}").contains("no regular expression"));
}

/// Every path of a JSON value.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    if !path.is_empty() {
        found.push(path.to_owned());
    }
    match value {
        Value::Object(all) => {
            for (name, part) in all {
                let dot = if path.is_empty() { "" } else { "." };
                paths(part, &format!("{path}{dot}{name}"), found);
            }
        }
        Value::Array(all) => all.iter().for_each(|part| paths(part, path, found)),
        _ => {}
    }
}

fn holds_exactly<T: Serialize + serde::de::DeserializeOwned>(fields: Fields, example: Value) {
    let thing: T = serde_json::from_value(example).unwrap();
    let mut found = Vec::new();
    paths(&serde_json::to_value(thing).unwrap(), "", &mut found);
    found.sort();
    found.dedup();
    let within = |path: &String| {
        fields.iter().any(|f| f.kind == Kind::Named && path.starts_with(&format!("{}.", f.name)))
    };
    found.retain(|path| !within(path));
    let mut named: Vec<&str> = fields.iter().map(|field| field.name).collect();
    named.sort_unstable();
    assert_eq!(found, named);
}

#[test]
fn the_fields_are_those_of_the_json_no_more_no_less() {
    let at = "2023-11-14T22:13:20.000Z";
    let mut full = stream();
    let (channel, key) = ("demo", "key_0000000000000001");
    full["show"] = json!("show_0000000000000001");
    full["publisher"]["key"] = json!(key);
    let full_node = full["node"].clone();
    holds_exactly::<weir_model::StreamInfo>(fields::STREAM, full);
    let viewing = json!({"id": "view_0000000000000001", "channel": channel,
        "node": full_node, "protocol": "hls",
        "remote": "r", "player": "p", "since": at, "last_seen": at, "requests": 1});
    holds_exactly::<weir_model::Viewing>(fields::VIEWING, viewing);
    let owner = serde_json::to_value(weir_model::AccountId(1)).unwrap();
    let place = json!({"name": channel, "title": "t", "owner": &owner, "created_at": at,
        "access": {"kind": "members", "price": "4.99", "currency": "EUR", "period_secs": 60}});
    holds_exactly::<weir_model::Channel>(fields::CHANNEL, place);
    let member = json!({"channel": channel, "account": &owner, "name": "alice", "until": at,
        "renews": true});
    holds_exactly::<weir_model::api::sale::MemberInfo>(fields::MEMBER, member);
    let event = json!({"id": "00000000000000000000000000000001", "price": "3.00",
        "currency": "EUR", "capacity": 9, "sold": 1, "state": "open", "creator": &owner});
    holds_exactly::<weir_model::api::sale::TicketEvent>(fields::TICKET_EVENT, event);
    let stream_key = json!({"id": key, "channel": channel, "label": "l", "created_at": at,
        "expires_at": at, "revoked_at": at});
    holds_exactly::<weir_model::StreamKey>(fields::KEY, stream_key);
    let account = json!({"id": owner, "name": "alice", "roles": ["viewer"], "password": true,
        "created_at": at, "disabled_at": at});
    holds_exactly::<weir_model::Account>(fields::ACCOUNT, account);
    let token = json!({"id": "tok_0000000000000001", "account": owner, "account_name": "alice",
        "kind": "api", "label": "l", "scopes": ["read"], "channel": channel, "created_at": at,
        "expires_at": at});
    holds_exactly::<weir_model::Token>(fields::TOKEN, token);
    let event = json!({"cursor": 1, "at": at, "kind": "k", "channel": channel, "text": "t",
        "fields": {"reason": "r"}});
    holds_exactly::<weir_model::Event>(fields::EVENT, event);
    let one = json!({"name": "l", "state": "idle", "queue": 0, "done": 0, "errors": 0,
        "last_error": "e", "since": at});
    holds_exactly::<weir_model::node::LoopInfo>(fields::LOOP, one);
}

#[test]
fn the_fields_of_money_are_those_of_its_json() {
    let at = "2023-11-14T22:13:20.000Z";
    let record = json!({"seq": 1, "at": at, "what": "tip", "by": "acc_0000000000000001",
        "reason": "r", "refused": "no", "hash": "h",
        "charges": ["tip:00000000000000000000000000000001"],
        "postings": [{"account": "a", "stage": "posted", "debit": "1.00", "credit": null}]});
    holds_exactly::<weir_model::money::LedgerRecord>(fields::LEDGER_RECORD, record);
    let balance = json!({"account": "a", "class": "income", "debits": "0.00", "credits": "1.00",
        "reserved": "0.00", "balance": "1.00", "standing": "open"});
    holds_exactly::<weir_model::money::AccountBalance>(fields::ACCOUNT_BALANCE, balance);
    let payout = json!({"id": "00000000000000000000000000000001", "seq": 7, "at": at,
        "account": "acc_0000000000000001", "amount": "1.00", "provider": "manual",
        "state": "paid", "told": {"state": "failed", "tries": 1, "at": at, "error": "e"}});
    holds_exactly::<weir_model::money::PayoutInfo>(fields::PAYOUT, payout);
    let account = "acc_0000000000000001";
    let proposal = json!({"id": "00000000000000000000000000000001", "what": "refund", "seq": 7,
        "amount": "1.00", "currency": "EUR", "then": "t", "reason": "r", "right": "refund",
        "by": account, "name": "alice", "at": at, "expires_at": at, "state": "done",
        "decided_by": account, "decided_at": at, "next": ""});
    holds_exactly::<weir_model::approval::ApprovalInfo>(fields::APPROVAL, proposal);
    let provider = json!({"name": "acme", "url": "u", "waiting": 1, "stopped": 0, "oldest_at": at,
        "seq": 7, "at": at, "pending": "1.00", "available": "-1.00", "taken": 3, "refused": 0,
        "reported": {"at": at, "pending": "1.00", "available": "0.00"}});
    holds_exactly::<weir_model::provider::ProviderInfo>(fields::PROVIDER, provider);
}

#[test]
fn the_fields_of_sessions_are_those_of_their_json() {
    let (at, account) = ("2023-11-14T22:13:20.000Z", "acc_0000000000000001");
    let price = json!({"name": "guest", "rate": "6.00", "count": "6s", "min_seconds": 0,
        "free_seconds": 10, "places": 1, "taken": 1});
    let party = json!({"account": account, "name": "alice", "price": "guest", "cap": "20.00",
        "charge": "session:1", "joined_at": at, "left_at": at, "left_why": "viewer",
        "settled": true, "billed": "6.00", "delivered_seconds": 60, "paused": "balance",
        "left_seconds": 5});
    let session = json!({"id": "ses_0000000000000001", "channel": "demo", "host": account,
        "state": "ended", "currency": "EUR", "fee_bps": 3000, "prices": [price],
        "invited": [account], "parties": [party], "offered_at": at, "began_at": at,
        "ended_at": at, "ended_why": "cap"});
    holds_exactly::<weir_model::session::SessionInfo>(fields::SESSION, session);
}

#[test]
fn the_fields_of_the_cluster_are_those_of_its_json() {
    use weir_model::cluster::{
        ClusterNode, InviteInfo, LeaseInfo, LinkInfo, NodeLoad, RaftPeer, ReplicaInfo,
    };
    let at = "2023-11-14T22:13:20.000Z";
    let node = "node_0000000000000001";
    let full = json!({"id": node, "name": "a", "state": "up", "duty": "serving",
        "roles": ["edge"], "voter": true, "leader": true, "zone": "z", "link": "h:1",
        "publish_urls": ["u"], "watch_urls": ["u"], "version": "1", "incarnation": 1,
        "heard_ms": 1, "clock_skew_ms": 1, "leases": 1, "load": NodeLoad::default(), "lag": 0,
        "links_up": 1, "links_down": 0});
    holds_exactly::<ClusterNode>(fields::NODE, full);
    let link = json!({"from": node, "from_name": "a", "to": node, "to_name": "b", "remote": "r",
        "lane": "media", "state": "up", "since": at, "rtt_us": 1, "loss_ppm": 1, "sent_bytes": 1,
        "received_bytes": 1, "streams": 1, "lag_ms": 1, "protocol": 1, "last_error": "e"});
    holds_exactly::<LinkInfo>(fields::LINK, link);
    let lease = json!({"actor": "stream/demo", "node": node, "node_name": "a", "epoch": 1,
        "incarnation": 1, "since": at});
    holds_exactly::<LeaseInfo>(fields::LEASE, lease);
    let copy = json!({"channel": "demo", "node": node, "node_name": "a", "role": "edge",
        "from": node, "from_name": "b", "hops": [node], "lag_ms": 1, "msn": 1, "viewers": 1});
    holds_exactly::<ReplicaInfo>(fields::REPLICA, copy);
    let peer = json!({"node": node, "name": "a", "role": "leader", "voter": true, "matched": 1,
        "lag": 0});
    holds_exactly::<RaftPeer>(fields::PEER, peer);
    let invite = json!({"id": "i", "roles": ["edge"], "created_at": at, "expires_at": at,
        "used_by": node, "revoked_at": at});
    holds_exactly::<InviteInfo>(fields::INVITE, invite);
}

proptest! {
    #[test]
    fn whatever_is_typed_nothing_breaks(typed in "\\PC{0,60}") {
        if let Ok(filter) = Filter::parse(&typed, fields::STREAM) {
            filter.keeps_json(&stream(), NOW);
        }
    }

    #[test]
    fn whatever_is_put_together_nothing_breaks(words in prop::collection::vec(prop::sample::select(vec![
        "(", ")", "and", "or", "not", "!", "&&", "||", "==", "!=", "=~", "!~", "<", ">=", "\"", "'",
        "viewers", "codec", "since", "state", "playable", "publisher", "none", "live", "true", "4M",
        "10m", "1e999", "-1", "999999999999999999999d", "2030-01-01T00:00:00Z", "é", "\\", ".", "re:", "~",
    ]), 0..20), gap in prop::sample::select(vec!["", " "])) {
        let typed = words.join(gap);
        match Filter::parse(&typed, fields::STREAM) {
            Ok(filter) => { filter.keeps_json(&stream(), NOW); }
            Err(error) => prop_assert!(error.at <= typed.chars().count(), "{error}"),
        }
    }

    #[test]
    fn not_is_the_opposite(viewers in 0_u64..20, limit in 0_u64..20) {
        let row = json!({"viewers": viewers});
        let is = keeps(&format!("viewers<{limit}"), fields::STREAM, &row);
        prop_assert_eq!(is, viewers < limit);
        prop_assert_eq!(keeps(&format!("not viewers<{limit}"), fields::STREAM, &row), !is);
        prop_assert_eq!(keeps(&format!("viewers>={limit}"), fields::STREAM, &row), !is);
    }
}
