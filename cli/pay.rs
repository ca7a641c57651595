//! `weir tip` and `weir refund`.

use weir_model::ChannelName;
use weir_model::api::money::{RefundCharge, SendTip};
use weir_model::charge::ChargeName;

use crate::act::{Once, insist, outcome};
use crate::session::{Done, Session};

pub(crate) const TIP_EXAMPLES: &str = "Examples:\n  weir tip demo 5.00 --message 'great show'\n  \
    weir tip demo 5.00 --from alice --dry-run";

pub(crate) const REFUND_EXAMPLES: &str = "Examples:\n  \
    weir refund tip:0123456789abcdef0123456789abcdef --reason 'sent twice'\n  \
    weir refund session:0123456789abcdef0000000000000001 2.50 --dry-run";

/// A tip.
#[derive(Debug, clap::Args)]
pub(crate) struct Tip {
    /// To the owner of this channel.
    channel: ChannelName,
    /// How much, in the ledger's currency.
    amount: String,
    /// Who pays, by name or id; whose token it is when absent.
    #[arg(long, value_name = "ACCOUNT")]
    from: Option<String>,
    /// What is said with it.
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    once: Once,
}

/// A refund.
#[derive(Debug, clap::Args)]
pub(crate) struct Refund {
    /// Which payment, as `weir ledger explain` prints it: tip:ID, session:ID.
    charge: ChargeName,
    /// How much of it; all that is left when absent.
    amount: Option<String>,
    #[command(flatten)]
    once: Once,
}

pub(crate) async fn tip(session: &mut Session<'_>, tip: Tip) -> Done {
    let (how, id) = (session.mutation(), tip.once.id(session)?);
    let Tip { channel, amount, from, message, .. } = tip;
    let body = SendTip { id: Some(id), channel, amount, from, message };
    let done = insist(session, id, async || session.client.tip(&body, &how).await).await?;
    outcome(session, &done)
}

pub(crate) async fn refund(session: &mut Session<'_>, refund: Refund) -> Done {
    let Refund { charge, amount, once } = refund;
    let much = amount.clone().unwrap_or_else(|| "all that is left".into());
    session.confirm(&format!("Give back {much} of {charge}?")).await?;
    let (how, id) = (session.mutation(), once.id(session)?);
    let body = RefundCharge { id: Some(id), charge, amount };
    let done = insist(session, id, async || session.client.refund(&body, &how).await).await?;
    outcome(session, &done)
}
