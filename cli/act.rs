//! What every command that moves money shares: an id under which it is done once, the question again when nobody
//! answered, and the receipt.

use std::time::Duration;

use weir_client::ClientError;
use weir_model::approval::{ApprovalInfo, MoneyOutcome};
use weir_model::charge::LedgerId;
use weir_model::money::{Durability, MoneyReceipt};

use crate::exit::Failure;
use crate::output::{Sheet, Table};
use crate::session::{Done, Session};

/// How often it is asked again when nobody answered.
const AGAIN: usize = 2;
/// Before it is asked again: an election takes about as long.
const PAUSE: Duration = Duration::from_millis(500);

/// Under which id it is done.
#[derive(Debug, clap::Args)]
pub(crate) struct Once {
    /// Done once under this id, however often it is asked: a UUID, or 32 hexadecimal digits; a new one when absent.
    #[arg(long, value_name = "UUID")]
    pub(crate) id: Option<LedgerId>,
}

impl Once {
    /// The id that was given, or a new one, for all times that this command asks. A new one is said before anything is
    /// asked: whoever is interrupted then knows it.
    pub(crate) fn id(&self, session: &mut Session<'_>) -> Result<LedgerId, Failure> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let id = session.new_id()?;
        if !session.dry_run() {
            session.say(&format!("done once under the id {id}"));
        }
        Ok(id)
    }
}

/// Asks until somebody answers, a few times: what is done under `id` is done once.
pub(crate) async fn insist<T>(
    session: &Session<'_>,
    id: LedgerId,
    ask: impl AsyncFn() -> Result<T, ClientError>,
) -> Result<T, Failure> {
    repeat(session, &format!("type the same command with --id {id}"), ask).await
}

/// The same for what is done once whoever asks; `again` says how it is asked for anew.
pub(crate) async fn repeat<T>(
    session: &Session<'_>,
    again: &str,
    ask: impl AsyncFn() -> Result<T, ClientError>,
) -> Result<T, Failure> {
    let mut asked = 0;
    loop {
        let error = match ask().await {
            Ok(receipt) => return Ok(receipt),
            Err(error) => error,
        };
        if error.is_transient() && asked < AGAIN {
            asked += 1;
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        // Anything but a refusal in words may come after it was done.
        let is_unclear = error.is_transient() || matches!(error, ClientError::Decode { .. });
        let failure = Failure::from(error);
        return Err(match (is_unclear, session.dry_run()) {
            (false, _) => failure,
            (true, true) => failure.also("nothing was changed"),
            (true, false) => {
                failure.also(&format!("it may have been done: {again}, and it is done once"))
            }
        });
    }
}

/// Prints what came of what may take two people.
pub(crate) fn outcome(session: &mut Session<'_>, outcome: &MoneyOutcome) -> Done {
    match outcome {
        MoneyOutcome::Done(receipt) => told(session, receipt),
        MoneyOutcome::Proposed(info) => proposed(session, info),
    }
}

/// Prints a proposal, and what happens next.
pub(crate) fn proposed(session: &mut Session<'_>, info: &ApprovalInfo) -> Done {
    let text = session.view.one(info, || {
        Sheet(vec![
            ("proposed", info.what.clone()),
            ("amount", format!("{} {}", info.amount, info.currency)),
            ("state", info.state.to_string()),
            ("id", info.id.to_string()),
        ])
    });
    session.print(&text)?;
    if !info.next.is_empty() {
        session.say(&info.next);
    }
    Ok(())
}

/// Prints what came of it.
pub(crate) fn told(session: &mut Session<'_>, receipt: &MoneyReceipt) -> Done {
    let text = match receipt.changes.is_empty() {
        true => session.view.one(receipt, || sheet(receipt)),
        false => session.view.rows(receipt, || table(receipt)),
    };
    session.print(&text)
}

fn sheet(receipt: &MoneyReceipt) -> Sheet {
    let code = &receipt.currency;
    let safe = receipt.durability.map(|durability| match durability {
        Durability::Local => "on the disk of the only voter",
        Durability::Quorum => "on the disks of most voters",
    });
    let mut rows = vec![("done", receipt.what.clone())];
    rows.extend(
        receipt.replayed.then(|| ("before", "it was done before; nothing was done now".into())),
    );
    rows.push(("amount", format!("{} {code}", receipt.amount)));
    rows.push(("available", format!("{} {code}", receipt.available)));
    rows.extend(receipt.charge.map(|charge| ("payment", charge.to_string())));
    rows.extend(receipt.payout.map(|payout| ("payout", payout.to_string())));
    rows.extend(receipt.seq.map(|seq| ("record", seq.to_string())));
    rows.extend(receipt.id.map(|id| ("id", id.to_string())));
    rows.extend(safe.map(|safe| ("kept", safe.to_owned())));
    Sheet(rows)
}

/// Of a dry run: what is on each account, and what would be.
fn table(receipt: &MoneyReceipt) -> Table {
    let header = vec!["ACCOUNT", "BEFORE", "AFTER", "RESERVED", "AFTER", "STANDING", "AFTER"];
    let rows = receipt.changes.iter().map(|change| {
        let (before, after) = (&change.before, &change.after);
        vec![
            change.account.clone(),
            before.balance.clone(),
            after.balance.clone(),
            before.reserved.clone(),
            after.reserved.clone(),
            before.standing.clone(),
            after.standing.clone(),
        ]
    });
    Table { header, rows: rows.collect() }
}
