//! What the ledger says, from any node: one that keeps it answers itself, every other asks one that does.
//!
//! An answer holds everything that was acknowledged anywhere before it was asked for, when the cluster can say what that
//! is; without a leader it is what the answering node has.

mod acts;
mod fit;
pub mod names;
mod payouts;
mod plan;
mod providers;
mod read;
mod sales;
mod verify;

pub use plan::{receipt_of, refused};

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use weir_ledger::Currency;
use weir_model::charge::LedgerId;
use weir_model::money::{ExportFormat, LedgerInfo, PersonalAccount};
use weir_model::{AccountId, ApiError, ErrorCode, NodeId, Role};

use crate::link::Link;
use crate::link::request::{CallError, Kind, Refusal};
use crate::raft::Consensus;
use crate::store::Store;
use crate::store::ledger::Ledger;
use verify::Job;

/// Kind of a request for an answer of the ledger.
const ASK: &str = "ledger.ask";
/// Names of the bills of as many parties as a session has.
const QUESTION_BYTES_MAX: usize = 32 << 10;
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// Records of one answer at most; each is some hundred bytes of JSON.
pub const RECORDS_MAX: usize = weir_model::limits::ANSWER_ROWS_MAX;
/// Accounts of one answer at most.
pub const ACCOUNTS_MAX: usize = weir_model::limits::ANSWER_ACCOUNTS_MAX;
/// Confirming what is newest takes a round to the voters.
const CONFIRM_PATIENCE: Duration = Duration::from_millis(500);
/// Reading a thousand records takes a fraction.
const ASK_PATIENCE: Duration = Duration::from_secs(5);

/// What can be asked.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub enum Question {
    /// Where it stands.
    Stand,
    /// Records from `from` on, or the newest when there is none.
    Records {
        /// The first.
        from: Option<u64>,
        /// At most so many.
        limit: usize,
    },
    /// One record in sentences.
    Explain {
        /// Which.
        seq: u64,
    },
    /// What is on accounts, in the order in which they came into being.
    TrialBalance {
        /// So many are left out, from the first.
        from: usize,
        /// At most so many.
        limit: usize,
    },
    /// What a person has.
    Wallet {
        /// Who.
        account: AccountId,
    },
    /// What happened on an account of a person.
    Statement {
        /// Whose.
        account: AccountId,
        /// Which one.
        of: PersonalAccount,
        /// Up to this record; the newest when there is none.
        upto: Option<u64>,
        /// At most so many lines, the newest.
        limit: usize,
    },
    /// What there is of the bill of a party of a session: none, or a [`weir_ledger::state::Session`].
    Bill {
        /// Its name in the ledger.
        bill: u128,
    },
    /// What bills can come to, units: what was taken for each, what is reserved for it, and what its payer has beside. One
    /// number for each, in the same order.
    Means {
        /// The bills by their names in the ledger, and their payers.
        bills: Vec<(u128, AccountId)>,
    },
    /// What staff did.
    Acts {
        /// Only entries before this record.
        before: Option<u64>,
        /// At most so many, the newest.
        limit: usize,
    },
    /// What a request would bring about: a [`MoneyReceipt`](weir_model::money::MoneyReceipt). Nothing changes.
    Rehearse {
        /// What would be asked before it.
        first: Vec<weir_ledger::Request>,
        /// What would be asked.
        request: Box<weir_ledger::Request>,
        /// Shows only what would be on accounts of this person; on all when there is none.
        of: Option<AccountId>,
    },
    /// Something that tickets are sold for: a [`TicketEvent`](weir_model::api::sale::TicketEvent).
    TicketEvent {
        /// Which.
        event: LedgerId,
    },
    /// The newest of them.
    TicketEvents {
        /// At most so many.
        limit: usize,
    },
    /// Until when somebody is a member: a [`Membership`](weir_ledger::row::Membership).
    Member {
        /// Who.
        account: AccountId,
        /// Of which channel, as the ledger calls it.
        channel: u128,
    },
    /// The newest payouts, of everybody or of one account.
    Payouts {
        /// Whose.
        account: Option<AccountId>,
        /// At most so many.
        limit: usize,
    },
    /// A payment provider by the books.
    Provider {
        /// Which.
        provider: weir_ledger::request::Provider,
    },
    /// A piece of all records in another program's words.
    Export {
        /// Whose.
        format: ExportFormat,
        /// The first record.
        from: u64,
        /// It goes on where another piece ended, and has no header.
        continues: bool,
    },
    /// How far the newest [`Self::Verify`] is, when there ever was one: an optional
    /// [`Verification`](weir_model::money::Verification). Begins nothing.
    Verified,
    /// Looks at every record; begins when nobody does already, and tells how far it is.
    Verify {
        /// Begins anew when the last one is over.
        begin: bool,
    },
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Books {
    own: Option<Own>,
    link: Link,
    store: Store,
    consensus: Consensus,
}

/// The ledger of this node.
#[derive(Clone)]
struct Own {
    ledger: Ledger,
    consensus: Consensus,
    job: Arc<Job>,
}

impl Books {
    /// Answers what other nodes ask from now on, when this one keeps a ledger.
    #[must_use]
    pub fn start(
        ledger: Option<Ledger>,
        consensus: &Consensus,
        link: &Link,
        store: &Store,
    ) -> Self {
        let own =
            ledger.map(|ledger| Own { ledger, consensus: consensus.clone(), job: Arc::default() });
        if let Some(own) = own.clone() {
            serve(link, own);
        }
        Self { own, link: link.clone(), store: store.clone(), consensus: consensus.clone() }
    }

    /// Asks the ledger.
    ///
    /// # Errors
    /// When it refuses, or no node that keeps it can be reached.
    pub async fn ask<T: DeserializeOwned>(&self, question: Question) -> Result<T, ApiError> {
        let answer = match &self.own {
            Some(own) => own.answer(question).await?,
            None => self.elsewhere(&question).await?,
        };
        let unreadable =
            |error| ApiError::new(ErrorCode::Internal, format!("the ledger's answer: {error}"));
        serde_json::from_value(answer).map_err(unreadable)
    }

    /// What the ledger counts.
    ///
    /// # Errors
    /// When nobody can say so now, or the ledger is not founded yet.
    pub async fn currency(&self) -> Result<Currency, ApiError> {
        let stand: LedgerInfo = self.ask(Question::Stand).await?;
        let known = stand.currency.and_then(|code| Currency::new(&code, stand.decimals).ok());
        known.ok_or_else(|| {
            ApiError::new(ErrorCode::Unavailable, "the ledger is not founded yet; ask again")
        })
    }

    async fn elsewhere(&self, question: &Question) -> Result<Value, ApiError> {
        let body = Bytes::from(serde_json::to_vec(question).map_err(internal)?);
        for node in self.keepers() {
            match self.link.call(node, ASK, body.clone(), ASK_PATIENCE).await {
                Ok(answer) => {
                    let answer: Result<Value, ApiError> =
                        serde_json::from_slice(&answer).map_err(internal)?;
                    return answer;
                }
                Err(CallError::Refused(refusal)) => {
                    return Err(ApiError::new(ErrorCode::Unavailable, refusal.message));
                }
                Err(error @ CallError::TooLong(..)) => {
                    return Err(ApiError::new(ErrorCode::Invalid, error.to_string()));
                }
                // The next one keeps the same.
                Err(_) => {}
            }
        }
        let text = "no node that keeps the ledger can be reached";
        Err(ApiError::new(ErrorCode::Unavailable, text).hint("`weir node list` shows the voters"))
    }

    /// Who keeps the ledger, the leader first.
    fn keepers(&self) -> Vec<NodeId> {
        let leader = self.consensus.leader();
        let cluster = self.store.cluster();
        let voters = cluster.members.iter().filter(|member| member.is_alive());
        let voters = voters.filter(|member| member.profile.roles.contains(Role::Voter));
        let mut all: Vec<NodeId> = voters.map(|member| member.id).collect();
        all.sort_by_key(|node| Some(*node) != leader);
        all
    }
}

/// What `ledger` answers by itself. Blocks.
///
/// # Errors
/// When it refuses.
pub fn answer(ledger: &Ledger, question: &Question) -> Result<Value, ApiError> {
    read::answer(ledger, question)
}

impl Own {
    async fn answer(&self, question: Question) -> Result<Value, ApiError> {
        if !matches!(question, Question::Verify { .. } | Question::Verified) {
            let confirmed = self.consensus.read_barrier(CONFIRM_PATIENCE).await;
            // Without a quorum what is here is all there is to say; but a receipt is for ever.
            if confirmed.is_err() && matches!(question, Question::Bill { .. }) {
                let text = "no leader confirms what is newest in the ledger";
                return Err(ApiError::new(ErrorCode::Unavailable, text).hint("ask again"));
            }
        }
        let own = self.clone();
        let answer = tokio::task::spawn_blocking(move || own.look(&question)).await;
        let broken =
            |error| ApiError::new(ErrorCode::Internal, format!("the ledger's reader: {error}"));
        answer.map_err(broken)?
    }

    fn look(&self, question: &Question) -> Result<Value, ApiError> {
        match question {
            Question::Verified => value(&self.job.newest().transpose()?),
            Question::Verify { begin } => value(&self.job.run(&self.ledger, *begin)?),
            other => read::answer(&self.ledger, other),
        }
    }
}

fn value<T: serde::Serialize>(answer: &T) -> Result<Value, ApiError> {
    serde_json::to_value(answer).map_err(internal)
}

fn internal(error: serde_json::Error) -> ApiError {
    ApiError::new(ErrorCode::Internal, error.to_string())
}

fn serve(link: &Link, own: Own) {
    let limits = Kind { request_bytes_max: QUESTION_BYTES_MAX, answer_bytes_max: ANSWER_BYTES_MAX };
    link.on_request(ASK, limits, move |_, body| {
        let own = own.clone();
        Box::pin(async move {
            let failed = |error: serde_json::Error| Refusal::new("ledger", error.to_string());
            let question: Question = serde_json::from_slice(&body).map_err(failed)?;
            let answer = own.answer(question).await;
            let answer = serde_json::to_vec(&answer).map_err(failed)?;
            if answer.len() > ANSWER_BYTES_MAX {
                let text = format!("an answer of {} bytes is too long; ask for less", answer.len());
                return Err(Refusal::new("too_long", text));
            }
            Ok(Bytes::from(answer))
        })
    });
}
