//! Founds the ledger: its first record says what it is and what it counts. Without it no money moves.

use std::time::Duration;

use weir_ledger::request::{ControlCommand, Refs};
use weir_ledger::row::Founding;
use weir_ledger::{Command, Currency, InvalidCurrency, Request};
use weir_model::AccountId;

use super::Teller;
use crate::actors::tasks::Tasks;
use crate::raft::Consensus;
use crate::store::ledger::Ledger;

/// How often a node looks whether it has to do it, until it is done.
const LOOK: Duration = Duration::from_millis(500);

/// `[ledger]`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What the ledger counts: 3 to 8 capital letters, an ISO 4217 code or the site's own tokens.
    pub currency: String,
    /// Digits behind the point: 0, 2 or 3.
    pub decimals: u8,
    /// The platform's part of what streamers earn, in hundredths of a percent: 2000 is a fifth.
    pub fee_bps: u32,
    /// More than this, decimal text, staff moves only when two of them want it; absent, one is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve_above: Option<String>,
}

impl Default for Config {
    /// Euros, all of which are the streamer's.
    fn default() -> Self {
        Self { currency: "EUR".into(), decimals: 2, fee_bps: 0, approve_above: None }
    }
}

impl Config {
    /// What is counted.
    ///
    /// # Errors
    /// When that is no currency.
    pub fn currency(&self) -> Result<Currency, InvalidCurrency> {
        Currency::new(&self.currency, self.decimals)
    }

    /// Refuses what no ledger counts.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let currency = self.currency().map_err(|error| format!("ledger.currency: {error}"))?;
        if let Some(text) = &self.approve_above {
            currency.parse(text).map_err(|error| format!("ledger.approve_above: {error}"))?;
        }
        let whole = weir_ledger::split::WHOLE_BPS;
        match self.fee_bps <= whole {
            true => Ok(()),
            false => Err(format!("ledger.fee_bps: at most {whole}, which is all of it")),
        }
    }
}

/// What founding needs.
pub struct Parts {
    /// The ledger of this node, if it keeps one.
    pub ledger: Option<Ledger>,
    /// Says whether this node leads: the leader founds it.
    pub consensus: Consensus,
    /// What it is: its name is the same on every node, so that it is done once whoever leads.
    pub founding: Founding,
}

impl Teller {
    /// Has the ledger founded, unless it was before; what it counts is what is configured as long as no account was
    /// ever touched. When a node leads already, it is done when this returns.
    pub async fn found(&self, parts: Parts, tasks: &Tasks) {
        let Parts { ledger, consensus, founding } = parts;
        let Some(ledger) = ledger else { return };
        let wanted = founding.clone();
        let is_due = move || {
            ledger.read(|state| {
                state.founding().is_none()
                    || (state.accounts() == 0 && state.founding() != Some(&wanted))
            })
        };
        if consensus.leads() && is_due() {
            self.ask_to_found(&founding).await;
        }
        let teller = self.clone();
        tasks.spawn("ledger founding", |handle| async move {
            let founded = async {
                while is_due() {
                    if consensus.leads() {
                        teller.ask_to_found(&founding).await;
                    }
                    tokio::time::sleep(LOOK).await;
                }
            };
            tokio::select! {
                () = founded => {}
                () = handle.stopping() => {}
            }
        });
    }

    async fn ask_to_found(&self, founding: &Founding) {
        let command = Command::Control(ControlCommand::Found(founding.clone()));
        let (reason, refs) = ("the cluster was founded".to_owned(), Refs::default());
        // It is nobody's wish: a cluster has a ledger.
        let request = Request { id: 0, by: AccountId(0), reason, refs, command };
        match self.ask(&request).await.map(|told| told.answer.result) {
            Ok(Ok(_)) => tracing::info!("the ledger is founded"),
            Ok(Err(refusal)) => tracing::error!(%refusal, "founding the ledger"),
            Err(error) => tracing::warn!(%error, "founding the ledger"),
        }
    }
}
