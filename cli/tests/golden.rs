//! Every command that reads: its table on a terminal, in a pipe, and its JSON.

use super::*;

async fn all_forms(line: &str) -> String {
    let mut text = String::new();
    for (title, ran) in [
        ("terminal", on_terminal(line).await),
        ("pipe", piped(line).await),
        ("json", piped(&format!("{line} -o json")).await),
        ("jsonl", on_terminal(&format!("{line} -o jsonl")).await),
    ] {
        assert_eq!(ran.exit, Exit::Ok, "{line}: {}", ran.err);
        text.push_str(&format!("--- {title}\n{}", ran.out));
        if !ran.err.is_empty() {
            text.push_str(&format!("--- {title}, errors\n{}", ran.err));
        }
    }
    text
}

macro_rules! golden {
    ($($name:ident: $line:literal,)*) => {$(
        #[tokio::test]
        async fn $name() {
            insta::assert_snapshot!(all_forms($line).await);
        }
    )*};
}

golden! {
    status: "status",
    version: "version",
    channel_list: "channel list",
    channel_show: "channel show demo",
    channel_create: "channel create demo --title Demo",
    channel_delete: "channel delete demo --yes",
    key_list: "key list demo",
    key_create: "key create demo --label OBS",
    key_rotate: "key rotate demo --yes",
    key_revoke: "key revoke demo --yes",
    stream_list: "stream list",
    stream_show: "stream show demo",
    stream_explain: "stream explain demo",
    stream_kick: "stream kick demo --yes",
    viewing_list: "viewing list",
    viewing_kick: "viewing kick view_0000000000000001 --yes",
    account_create: "account create alice --role streamer,viewer --password-stdin",
    account_list: "account list",
    account_show: "account show alice",
    account_role: "account role alice auditor",
    account_password: "account password alice --password-stdin",
    account_disable: "account disable alice --yes",
    account_enable: "account enable alice",
    account_log_out: "account log-out alice --yes",
    token_create: "token create --account alice --scope moderate --channel demo --expires 8h",
    token_list: "token list --account alice",
    token_revoke: "token revoke tok_0000000000000001 --yes",
    auth_can_i: "auth can-i key.create --channel demo",
    auth_me: "auth me",
    session_list: "session list",
    session_show: "session show ses_0000000000000001",
    session_start: "session start demo --rate 6.00 --with alice",
    session_leave: "session leave ses_0000000000000001 --as alice --yes",
    session_end: "session end ses_0000000000000001 --yes",
    wallet_freeze: "wallet freeze alice --dry-run",
    wallet_show: "wallet show alice",
    wallet_statement: "wallet statement alice",
    wallet_credit: "wallet credit alice 5.00 --id 11111111-1111-1111-1111-111111111111",
    ledger_show: "ledger show",
    ledger_tail: "ledger tail",
    ledger_explain: "ledger explain 8",
    ledger_trial_balance: "ledger trial-balance",
    ledger_verify: "ledger verify",
    audit_list: "audit list",
    tip: "tip demo 5.00 --from alice",
    price_show: "price show demo",
    member_join: "member join demo --yes",
    member_list: "member list demo",
    ticket_list: "ticket list",
    payout_list: "payout list",
    payout_paid: "payout paid 0123456789abcdef0123456789abcdef --yes",
    approval_list: "approval list",
    approval_confirm: "approval confirm 0123456789abcdef0123456789abcdef --yes",
    approval_reject: "approval reject 0123456789abcdef0123456789abcdef",
    refund_proposed: "refund tip:0123456789abcdef0123456789abcdef --yes",
    provider_list: "provider list",
    provider_show: "provider show acme",
    wallet_top_up: "wallet top-up alice 20.00 --provider acme",
    event_list: "event list",
    node_list: "node list",
    node_show: "node show edge-1",
    node_cordon: "node cordon edge-1",
    node_drain: "node drain edge-1 --yes",
    node_invite: "node invite --roles edge --ttl 600",
    node_invites: "node invites",
    node_uninvite: "node uninvite inv_1",
    cluster_status: "cluster status",
    cluster_rebalance: "cluster rebalance --dry-run",
    cluster_links: "cluster links",
    cluster_replicas: "cluster replicas",
    actor_list: "actor list",
    actor_move: "actor move stream/demo --to edge-1 --yes",
    actor_explain: "actor explain stream/demo",
}

#[tokio::test]
async fn a_filter_leaves_the_rows_that_fit_in_every_list() {
    for (list, fits, fits_not) in [
        ("stream list", "bitrate>2M&&codec==h264&&since>1h", "state==ended"),
        ("stream list", "~dm", "!demo"),
        ("viewing list", "since>1s", "remote==none"),
        ("channel list", "created_at<2m", "title=~night"),
        ("key list demo", "revoked_at==none", "label==nothing"),
        ("account list", "roles==streamer&&password", "disabled_at<1h"),
        ("token list", "kind==api&&expires_at<9h", "~nobody"),
        ("session list", "parties.left_seconds>100&&state==live", "ended_why==cap"),
        ("payout list", "state==open&&at>1m&&amount>9.99", "amount>50"),
        ("approval list", "state==open&&amount>500&&expires_at<1d", "name==bobby"),
        ("member list demo", "renews==true&&until>6d", "name==bobby"),
        ("ticket list", "state==open&&sold>100", "capacity<9"),
        ("channel list", "access.kind==public", "access.price"),
        ("provider list", "waiting>0&&oldest_at>1m", "stopped>0"),
        ("session list", "parties.billed<3&&prices.rate>5.5", "parties.cap<20"),
        ("audit list", "action==stream.end&&name==alice", "outcome==failed"),
        ("ledger tail", "what==tip&&postings.debit>4", "refused"),
        ("ledger trial-balance", "class==liabilities&&balance>90", "standing==frozen"),
        ("event list", "channel==demo", "re:^nothing"),
        ("node list", "duty==cordoned&&load.cpu>100", "leader"),
        ("cluster links", "rtt_us>100", "state==down"),
        ("cluster replicas", "role==edge", "lag_ms>10"),
        ("actor list", "node==none", "epoch<3"),
        ("node invites", "used_by==none", "expires_at<1m"),
    ] {
        let kept = piped(&format!("{list} --filter {fits} -o jsonl")).await;
        assert_eq!((kept.exit, kept.out.lines().count()), (Exit::Ok, 1), "{list}: {}", kept.err);
        let none = piped(&format!("{list} --filter {fits_not}")).await;
        assert_eq!((none.exit, none.out.as_str()), (Exit::Ok, ""), "{list}: {}", none.err);
    }
}

#[tokio::test]
async fn with_a_filter_the_limit_counts_rows_that_fit() {
    let ran = piped("viewing list --limit 1 --filter protocol==hls").await;
    assert_eq!(ran.asked, ["GET /v1/viewings?limit=10000"]);
    let ran = piped("event list --limit 1 --filter channel==demo").await;
    assert_eq!(ran.asked, ["GET /v1/events?limit=10000"]);
    assert_eq!(ran.out.lines().count(), 1);
}

#[tokio::test]
async fn what_is_typed_is_what_the_node_is_asked() {
    for (line, asked) in [
        (
            "channel create demo --title T --reason R --dry-run",
            r#"POST /v1/channels?dry_run=true&reason=R {"name":"demo","title":"T"}"#,
        ),
        ("channel delete demo --yes", "DELETE /v1/channels/demo?dry_run=false"),
        ("channel delete demo --dry-run", "DELETE /v1/channels/demo?dry_run=true"),
        (
            "key create demo --expires 1h",
            r#"POST /v1/channels/demo/keys?dry_run=false {"label":null,"expires_at":"2023-11-14T23:13:20.000Z"}"#,
        ),
        (
            "stream kick demo --yes --reason spam",
            r#"POST /v1/streams/demo/kick?dry_run=false&reason=spam {"reason":"spam"}"#,
        ),
        (
            "node drain edge-1 --dry-run --reason disk",
            "POST /v1/nodes/edge-1/drain?dry_run=true&reason=disk null",
        ),
        (
            "node invite --roles edge,voter --ttl 60",
            r#"POST /v1/nodes/invites?dry_run=false {"roles":["edge","voter"],"ttl_secs":60}"#,
        ),
        (
            "actor move stream/demo --to edge-1 --yes",
            r#"POST /v1/actors/stream/demo/move?dry_run=false {"to":"edge-1"}"#,
        ),
        (
            "account create alice --role streamer --password-stdin --reason R",
            r#"POST /v1/accounts?dry_run=false&reason=R {"name":"alice","roles":["streamer"],"password":"correct horse battery"}"#,
        ),
        (
            "account create alice",
            r#"POST /v1/accounts?dry_run=false {"name":"alice","roles":["viewer"],"password":null}"#,
        ),
        ("account role alice --none", r#"PUT /v1/accounts/alice/roles?dry_run=false {"roles":[]}"#),
        ("account disable alice --dry-run", "POST /v1/accounts/alice/disable?dry_run=true null"),
        ("account list --after alice --limit 3", "GET /v1/accounts?after=alice&limit=3"),
        (
            "token create --scope read,key.create --expires 1h --label ci",
            r#"POST /v1/tokens?dry_run=false {"account":null,"label":"ci","scopes":["read","key.create"],"channel":null,"expires_at":"2023-11-14T23:13:20.000Z"}"#,
        ),
        (
            "auth can-i key.create --channel demo --as alice",
            r#"POST /v1/auth/can-i {"action":"key.create","channel":"demo","account":"alice"}"#,
        ),
        ("actor list --kind stream --node a", "GET /v1/actors?kind=stream&node=a"),
        ("viewing list --channel demo --limit 3", "GET /v1/viewings?channel=demo&limit=3"),
        (
            "event list --since 5 --kind stream.* --limit 2",
            "GET /v1/events?since=5&limit=2&kind=stream.*",
        ),
    ] {
        let ran = piped(line).await;
        assert_eq!(ran.exit, Exit::Ok, "{line}: {}", ran.err);
        assert_eq!(ran.asked, [asked], "{line}");
    }
}

#[tokio::test]
async fn the_only_working_key_need_not_be_named() {
    let ran = piped("key revoke demo --yes").await;
    let asked = [
        "GET /v1/channels/demo/keys",
        "DELETE /v1/channels/demo/keys/key_0000000000000001?dry_run=false",
    ];
    assert_eq!(ran.asked, asked);
    assert_eq!(piped("key revoke two --yes").await.exit, Exit::Usage);
    assert_eq!(piped("key rotate none --yes").await.exit, Exit::NotFound);
}
