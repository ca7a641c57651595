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
}

impl Default for Config {
    /// Euros, all of which are the streamer's.
    fn default() -> Self {
        Self { currency: "EUR".into(), decimals: 2, fee_bps: 0 }
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
        self.currency().map_err(|error| format!("ledger.currency: {error}"))?;
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
    /// What it counts.
    pub currency: Currency,
    /// In whose name.
    pub by: AccountId,
}

impl Teller {
    /// Has the ledger founded, unless it was before; its currency is the configured one as long as no account was
    /// ever touched.
    pub fn found(&self, parts: Parts, tasks: &Tasks) {
        let Some(ledger) = parts.ledger.clone() else { return };
        let teller = self.clone();
        tasks.spawn("ledger founding", |handle| async move {
            loop {
                if let Some(founding) = due(&ledger, &parts.currency) {
                    if parts.consensus.leads() {
                        teller.ask_to_found(founding, parts.by).await;
                    }
                } else if ledger.read(|state| state.accounts()) > 0 {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = handle.stopping() => return,
                }
            }
        });
    }

    async fn ask_to_found(&self, founding: Founding, by: AccountId) {
        let command = Command::Control(ControlCommand::Found(founding));
        let (reason, refs) = (String::new(), Refs::default());
        let told = self.ask(&Request { id: 0, by, reason, refs, command }).await;
        match told.map(|told| told.answer.result) {
            Ok(Ok(_)) => tracing::info!("the ledger is founded"),
            // Another leader did it at the same moment; else it is asked again.
            Ok(Err(refusal)) => tracing::debug!(%refusal, "the ledger is not founded"),
            Err(error) => tracing::debug!(%error, "the ledger is not founded yet"),
        }
    }
}

/// What the ledger has to be founded as; none when it is, or cannot be any other any more.
fn due(ledger: &Ledger, currency: &Currency) -> Option<Founding> {
    let (founding, accounts) = ledger.read(|state| (state.founding().cloned(), state.accounts()));
    match founding {
        Some(known) if known.currency == *currency || accounts > 0 => None,
        Some(known) => Some(Founding { currency: currency.clone(), ..known }),
        None => {
            let halves = (getrandom::u64().ok()?, getrandom::u64().ok()?);
            let name = (u128::from(halves.0) << 64) | u128::from(halves.1);
            Some(Founding { ledger: name, currency: currency.clone() })
        }
    }
}
