//! What the node of these tests says of the ledger and of the audit log.

use weir_model::audit::{ActOutcome, AuditEntry};
use weir_model::charge::ChargeName;
use weir_model::money::{
    AccountBalance, ExportPiece, LedgerExplanation, LedgerFault, LedgerInfo, LedgerRecord, Posting,
    PostingStage, StatementInfo, StatementLine, Verification, Wallet,
};
use weir_model::{AccountId, Timestamp};

use super::*;

/// Whether a path is about the ledger, or asks what somebody has.
pub(crate) fn knows(path: &str) -> bool {
    ["/v1/ledger", "/v1/audit"].iter().any(|noun| path.contains(noun))
        || path.starts_with("GET /v1/wallets")
}

/// The body for `METHOD /path?query`.
pub(crate) fn answer(line: &str) -> String {
    let (path, query) = line.split_once('?').unwrap_or((line, ""));
    match path {
        "GET /v1/ledger" => json(&stand(true)),
        "GET /v1/ledger/records" => json(&[record(8, "tip")]),
        "GET /v1/ledger/records/8" => json(&LedgerExplanation {
            record: record(8, "tip"),
            sentences: vec!["Record 8: tip asked for by acc_0000000000000002.".into()],
        }),
        "GET /v1/ledger/trial-balance" => json(&[balance("user:acc_0000000000000002:wallet")]),
        "GET /v1/ledger/export" if query.contains("continues=true") => {
            json(&ExportPiece { text: "second\n".into(), next: None })
        }
        "GET /v1/ledger/export" => json(&ExportPiece { text: "first\n".into(), next: Some(1_001) }),
        "POST /v1/ledger/verification" | "GET /v1/ledger/verification" => json(&verified(None)),
        "GET /v1/audit" => json(&[entry(5)]),
        "GET /v1/wallets/alice" => json(&wallet()),
        _ => json(&statement()),
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    NOW.plus_ms(-1000 * seconds)
}

fn stand(is_even: bool) -> LedgerInfo {
    LedgerInfo {
        currency: Some("EUR".into()),
        decimals: 2,
        seq: 8,
        at: Some(ago(60)),
        hash: "0123abcd".into(),
        accounts: 3,
        is_even,
    }
}

fn posting(account: &str, stage: PostingStage, debit: Option<&str>) -> Posting {
    let credit = if debit.is_none() { Some("5.00".into()) } else { None };
    Posting { account: account.into(), stage, debit: debit.map(Into::into), credit }
}

fn record(seq: u64, what: &str) -> LedgerRecord {
    LedgerRecord {
        seq,
        at: ago(60),
        what: what.into(),
        by: AccountId(2),
        reason: "great song".into(),
        refused: None,
        postings: vec![
            posting("user:acc_0000000000000002:wallet", PostingStage::Posted, Some("5.00")),
            posting("creator:acc_0000000000000001:pending", PostingStage::Posted, None),
            posting("user:acc_0000000000000002:wallet", PostingStage::Reserved, Some("1.00")),
        ],
        charges: vec![ChargeName::Tip(1)],
        hash: "0123abcd".into(),
    }
}

fn balance(account: &str) -> AccountBalance {
    AccountBalance {
        account: account.into(),
        class: "liabilities".into(),
        debits: "5.00".into(),
        credits: "100.00".into(),
        reserved: "1.00".into(),
        balance: "95.00".into(),
        standing: "open".into(),
    }
}

fn verified(fault: Option<LedgerFault>) -> Verification {
    let (began_at, ended_at) = (ago(9), Some(ago(8)));
    Verification { running: false, checked: 8, of: 8, fault, began_at, ended_at }
}

fn entry(seq: u64) -> AuditEntry {
    AuditEntry {
        seq,
        at: ago(30),
        by: AccountId(1),
        name: "alice".parse().ok(),
        action: "stream.end".into(),
        target: "/v1/streams/demo/kick".into(),
        detail: String::new(),
        token: "operator".into(),
        reason: "spam".into(),
        outcome: ActOutcome::Begun,
        of: None,
        why: None,
        hash: "0123abcd".into(),
    }
}

fn wallet() -> Wallet {
    Wallet {
        account: AccountId(2),
        currency: Some("EUR".into()),
        available: "94.00".into(),
        reserved: "1.00".into(),
        pending: "0.00".into(),
        payable: "0.00".into(),
        debt: "0.00".into(),
        standing: "open".into(),
    }
}

fn statement() -> StatementInfo {
    let line = StatementLine {
        seq: 8,
        at: ago(60),
        what: "tip".into(),
        reason: "great song".into(),
        debit: "5.00".into(),
        credit: "0.00".into(),
        balance: "95.00".into(),
    };
    StatementInfo {
        account: "user:acc_0000000000000002:wallet".into(),
        currency: Some("EUR".into()),
        opening: "100.00".into(),
        lines: vec![line],
        closing: "95.00".into(),
    }
}

/// A node whose ledger is damaged.
fn damaged(line: &str) -> (&'static str, String) {
    let fault = LedgerFault { seq: 4, what: "its hash is another one".into() };
    let body = match line.contains("verification") {
        true => json(&verified(Some(fault))),
        false => json(&stand(false)),
    };
    ("200 OK", body)
}

#[tokio::test]
async fn a_damaged_ledger_is_said_with_code_11() {
    for (line, said) in [
        ("ledger verify", "record 4 is not as it was made: its hash is another one"),
        ("ledger show", "debits are not credits"),
    ] {
        let ran = told_by(damaged, line).await;
        assert_eq!(ran.exit, Exit::Critical, "{line}: {}", ran.err);
        assert!(ran.err.contains(said) && !ran.out.is_empty(), "{line}: {}", ran.err);
    }
}

#[tokio::test]
async fn an_export_is_one_text_of_all_pieces_and_never_json() {
    let ran = piped("ledger export --format csv --from 7").await;
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Ok, "first\nsecond\n"));
    let asked = [
        "GET /v1/ledger/export?format=csv&from=7",
        "GET /v1/ledger/export?format=csv&from=1001&continues=true",
    ];
    assert_eq!(ran.asked, asked);
    let ran = piped("ledger export -o json").await;
    assert_eq!((ran.exit, ran.asked.len()), (Exit::Usage, 0), "{}", ran.err);
    let ran = piped("ledger export --format excel").await;
    assert!(ran.err.contains("hledger, beancount, csv"), "{}", ran.err);
}

/// A node with records, and entries of the audit log, 1 to 3000. Every hundredth record is a tip.
fn long(line: &str) -> (&'static str, String) {
    let (_, query) = line.split_once('?').unwrap_or((line, ""));
    let number = |name: &str| -> Option<u64> {
        query.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    let limit = number("limit").unwrap();
    if line.contains("/v1/audit") {
        let end = number("before").unwrap_or(3_001);
        let entries: Vec<AuditEntry> = (end.saturating_sub(limit).max(1)..end)
            .map(|seq| AuditEntry { target: format!("/v1/{}", seq % 100), ..entry(seq) })
            .collect();
        return ("200 OK", json(&entries));
    }
    let from = number("from").unwrap_or(3_001 - limit);
    let what = |seq: u64| if seq.is_multiple_of(100) { "tip" } else { "top-up" };
    let records: Vec<LedgerRecord> =
        (from..(from + limit).min(3_001)).map(|seq| record(seq, what(seq))).collect();
    ("200 OK", json(&records))
}

#[tokio::test]
async fn a_filter_looks_behind_the_newest_until_so_many_fit() {
    for (line, first, last, asked) in [
        ("ledger tail --limit 12 --filter what==tip", 1_900, 3_000, 2),
        ("ledger tail --limit 3 --filter what==tip", 2_800, 3_000, 1),
        ("ledger tail --limit 12 --from 1 --filter what==tip", 100, 1_200, 2),
        ("ledger tail --limit 99 --filter what==tip", 100, 3_000, 3),
        ("audit list --limit 12 --filter target==/v1/7", 1_807, 2_907, 2),
        ("audit list --limit 99 --before 1001 --filter target==/v1/7", 7, 907, 2),
    ] {
        let ran = told_by(long, &format!("{line} -o jsonl")).await;
        assert_eq!(ran.exit, Exit::Ok, "{line}: {}", ran.err);
        let seqs: Vec<u64> = ran
            .out
            .lines()
            .map(|line| {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                row["seq"].as_u64().unwrap()
            })
            .collect();
        assert_eq!((seqs.first(), seqs.last()), (Some(&first), Some(&last)), "{line}");
        assert!(seqs.is_sorted() && seqs.len() as u64 == (last - first) / 100 + 1, "{line}");
        assert_eq!(ran.asked.len(), asked, "{line}: {:?}", ran.asked);
    }
}

/// A node with 6,000 accounts of a ledger in which money moves.
fn many(line: &str) -> (&'static str, String) {
    let (path, query) = line.split_once('?').unwrap_or((line, ""));
    if path == "GET /v1/ledger" {
        return ("200 OK", json(&stand(true)));
    }
    let from = if query.contains("from=5000") { 5_000 } else { 0 };
    let accounts = (from..6_000.min(from + 5_000)).rev();
    let rows: Vec<AccountBalance> =
        accounts.map(|nth| balance(&format!("user:{nth:04}:wallet"))).collect();
    ("200 OK", json(&rows))
}

#[tokio::test]
async fn a_trial_balance_is_read_page_by_page_and_sorted() {
    let ran = told_by(many, "ledger trial-balance").await;
    let rows: Vec<&str> = ran.out.lines().collect();
    assert_eq!((ran.exit, rows.len()), (Exit::Ok, 6_000), "{}", ran.err);
    assert!(rows.is_sorted() && ran.err.is_empty(), "{}", ran.err);
}

#[tokio::test]
async fn a_list_that_the_node_cut_says_so() {
    let ran = piped("payout list --limit 1").await;
    assert_eq!(ran.err, "only the newest; raise --limit to see more\n");
    let ran = piped("payout list").await;
    assert_eq!(ran.err, "");
}
