//! Events in Weir's own words: what a provider, or the platform's payment backend, says.
//!
//! ```json
//! {"id": "evt_17", "type": "topup.paid", "created": 1700000000,
//!  "data": {"payment": "pay_3", "account": "acc_0000000000000001", "amount": "20.00", "currency": "EUR"}}
//! ```
//!
//! | type | data |
//! |---|---|
//! | `topup.paid` | `payment`, `account`, `amount`, `currency` |
//! | `topup.settled` | `payment`, `amount`, `fee`, `currency`: ours to take out, less the fee |
//! | `dispute.opened` | `dispute`, `payment`, `amount`, `fee`, `currency` |
//! | `dispute.won`, `dispute.lost` | `dispute` |
//! | `payout.paid`, `payout.failed`, `payout.canceled` | `payout`: our id of it |
//! | `refund.paid`, `refund.failed` | `refund`: our id of it |
//! | `balance.report` | `pending`, `available`, `currency`: what the provider holds for us |
//!
//! `id`, `payment` and `dispute` are the provider's own names: 1 to 64 visible ASCII characters. `created` is in seconds
//! since 1970. Amounts are text with the ledger's digits. Further fields are passed over.

use serde::Deserialize;
use weir_ledger::request::{Command, Provider};
use weir_ledger::request::{ProviderCommand, PspRef, Refs};
use weir_ledger::row::{At, DisputeState, Id, News, Notice, PayoutState};
use weir_ledger::{Amount, Currency, Request};
use weir_model::AccountId;
use weir_model::charge::LedgerId;

/// Bytes of an event.
pub const EVENT_BYTES_MAX: usize = 256 << 10;

/// An event that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    id: PspRef,
    created: At,
    data: Data,
}

/// Bytes that are no event, or one that this ledger cannot take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEvent {
    /// It is too long.
    #[error("an event has at most {EVENT_BYTES_MAX} bytes")]
    TooLong,
    /// It is not written like one.
    #[error("this is no event of a payment provider: {0}")]
    Malformed(String),
    /// Nobody here knows what to do with it.
    #[error("there are no events of type `{0}`; send none of them")]
    UnknownType(String),
    /// It counts something else.
    #[error("the ledger counts {ours}, and the event {theirs}")]
    Currency {
        /// What the ledger counts.
        ours: String,
        /// What the event counts.
        theirs: String,
    },
    /// An amount is none.
    #[error("{0}")]
    Amount(String),
}

#[derive(Deserialize)]
struct Envelope {
    id: PspRef,
    #[serde(rename = "type")]
    kind: String,
    created: u64,
    data: serde_json::Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Data {
    Paid(Paid),
    Settled(Settled),
    Disputed(Disputed),
    DisputeEnded(PspRef, DisputeState),
    PayoutEnded(LedgerId, PayoutState),
    RefundEnded(LedgerId, PayoutState),
    Holds(Holds),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Paid {
    payment: PspRef,
    account: AccountId,
    amount: String,
    currency: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Settled {
    payment: PspRef,
    amount: String,
    fee: String,
    currency: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Disputed {
    dispute: PspRef,
    payment: PspRef,
    amount: String,
    fee: String,
    currency: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Holds {
    pending: String,
    available: String,
    currency: String,
}

#[derive(Deserialize)]
struct OfDispute {
    dispute: PspRef,
}

#[derive(Deserialize)]
struct OfPayout {
    payout: LedgerId,
}

#[derive(Deserialize)]
struct OfRefund {
    refund: LedgerId,
}

impl Event {
    /// The event that `bytes` say.
    ///
    /// # Errors
    /// When they say none.
    pub fn read(bytes: &[u8]) -> Result<Self, NoEvent> {
        if bytes.len() > EVENT_BYTES_MAX {
            return Err(NoEvent::TooLong);
        }
        let Envelope { id, kind, created, data } =
            serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        let created = created.checked_mul(1_000_000).map(At).filter(|at| *at <= At::LAST);
        let created = created.ok_or_else(|| {
            NoEvent::Malformed("`created` is in seconds since 1970, before the year 2200".into())
        })?;
        Ok(Self { id, created, data: Data::read(&kind, data)? })
    }

    /// Whose wallet it fills, if it fills one.
    #[must_use]
    pub const fn account(&self) -> Option<AccountId> {
        match &self.data {
            Data::Paid(paid) => Some(paid.account),
            _ => None,
        }
    }

    /// What the ledger is asked for when `provider` says this. The same event makes the same request, whenever and how
    /// often it comes.
    ///
    /// # Errors
    /// When it counts something else than `currency`, or an amount is none.
    pub fn request(&self, provider: Provider, currency: &Currency) -> Result<Request, NoEvent> {
        let reader = Reader { provider, currency };
        let notice = Notice {
            event: id_of("event", provider, &self.id),
            provider,
            name: self.id.clone(),
            created: self.created,
            news: reader.news(&self.data)?,
        };
        let refs = Refs { psp: self.subject(), ..Refs::default() };
        let command = Command::Provider(ProviderCommand::Hear(notice));
        // Providers are nobody's account.
        Ok(Request { id: 0, by: AccountId(0), reason: String::new(), refs, command })
    }

    /// What the provider calls what it is about.
    fn subject(&self) -> Option<PspRef> {
        match &self.data {
            Data::Paid(Paid { payment, .. }) | Data::Settled(Settled { payment, .. }) => {
                Some(payment.clone())
            }
            Data::Disputed(Disputed { dispute, .. }) | Data::DisputeEnded(dispute, _) => {
                Some(dispute.clone())
            }
            Data::PayoutEnded(..) | Data::RefundEnded(..) | Data::Holds(_) => None,
        }
    }
}

impl Data {
    fn read(kind: &str, data: serde_json::Value) -> Result<Self, NoEvent> {
        let dispute = |data| as_data(data).map(|OfDispute { dispute }| dispute);
        let payout = |data| as_data(data).map(|OfPayout { payout }| payout);
        let refund = |data| as_data(data).map(|OfRefund { refund }| refund);
        Ok(match kind {
            "topup.paid" => Self::Paid(as_data(data)?),
            "topup.settled" => Self::Settled(as_data(data)?),
            "dispute.opened" => Self::Disputed(as_data(data)?),
            "dispute.won" => Self::DisputeEnded(dispute(data)?, DisputeState::Won),
            "dispute.lost" => Self::DisputeEnded(dispute(data)?, DisputeState::Lost),
            "payout.paid" => Self::PayoutEnded(payout(data)?, PayoutState::Paid),
            "payout.failed" | "payout.canceled" => {
                Self::PayoutEnded(payout(data)?, PayoutState::Failed)
            }
            "refund.paid" => Self::RefundEnded(refund(data)?, PayoutState::Paid),
            "refund.failed" => Self::RefundEnded(refund(data)?, PayoutState::Failed),
            "balance.report" => Self::Holds(as_data(data)?),
            other => return Err(NoEvent::UnknownType(other.chars().take(64).collect())),
        })
    }
}

/// Reads data in the ledger's terms.
struct Reader<'a> {
    provider: Provider,
    currency: &'a Currency,
}

impl Reader<'_> {
    fn news(&self, data: &Data) -> Result<News, NoEvent> {
        Ok(match data {
            Data::Paid(Paid { payment, account, amount, currency }) => News::Paid {
                payment: self.payment(payment),
                user: *account,
                amount: self.amount(amount, currency)?,
            },
            Data::Settled(Settled { payment, amount, fee, currency }) => News::Settled {
                payment: self.payment(payment),
                amount: self.amount(amount, currency)?,
                fee: self.units(fee)?,
            },
            Data::Disputed(Disputed { dispute, payment, amount, fee, currency }) => {
                News::Disputed {
                    dispute: self.dispute(dispute),
                    payment: self.payment(payment),
                    amount: self.amount(amount, currency)?,
                    fee: self.units(fee)?,
                }
            }
            Data::DisputeEnded(dispute, state) => {
                News::DisputeEnded { dispute: self.dispute(dispute), state: *state }
            }
            Data::PayoutEnded(payout, state) => {
                News::PayoutEnded { payout: payout.number(), state: *state }
            }
            Data::RefundEnded(refund, state) => {
                News::RefundEnded { repayment: refund.number(), state: *state }
            }
            Data::Holds(Holds { pending, available, currency }) => {
                self.must_count(currency)?;
                News::Holds { pending: self.signed(pending)?, available: self.signed(available)? }
            }
        })
    }

    fn payment(&self, name: &PspRef) -> Id {
        id_of("payment", self.provider, name)
    }

    fn dispute(&self, name: &PspRef) -> Id {
        id_of("dispute", self.provider, name)
    }

    fn must_count(&self, theirs: &str) -> Result<(), NoEvent> {
        let ours = self.currency.code();
        match ours == theirs {
            true => Ok(()),
            false => Err(NoEvent::Currency {
                ours: ours.into(),
                theirs: theirs.chars().take(16).collect(),
            }),
        }
    }

    fn amount(&self, text: &str, currency: &str) -> Result<Amount, NoEvent> {
        self.must_count(currency)?;
        let short: String = text.chars().take(64).collect();
        self.currency.parse(&short).map_err(|error| NoEvent::Amount(error.to_string()))
    }

    /// An amount that may be nothing.
    fn units(&self, text: &str) -> Result<u64, NoEvent> {
        let is_nothing = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
        match is_nothing {
            true => Ok(0),
            false => self.amount(text, self.currency.code()).map(Amount::units),
        }
    }

    /// An amount that may be nothing, or less.
    fn signed(&self, text: &str) -> Result<i64, NoEvent> {
        let (is_less, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let units = i64::try_from(self.units(text)?)
            .map_err(|_| NoEvent::Amount("that is more than the ledger counts".into()))?;
        Ok(if is_less { -units } else { units })
    }
}

/// The ledger's name for what `provider` calls `name`.
#[must_use]
pub fn id_of(kind: &str, provider: Provider, name: &PspRef) -> Id {
    let mut hasher =
        blake3::Hasher::new_derive_key("weir 2026-11 what payment providers call things");
    hasher.update(kind.as_bytes()).update(&[0]).update(&provider.of().to_be_bytes());
    hasher.update(name.to_string().as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Id::from_be_bytes(half).max(1)
}

fn as_data<T: serde::de::DeserializeOwned>(data: serde_json::Value) -> Result<T, NoEvent> {
    serde_json::from_value(data).map_err(|error| malformed(&error))
}

/// The parser's words may hold what was sent: as much of them as helps.
fn malformed(error: &serde_json::Error) -> NoEvent {
    NoEvent::Malformed(error.to_string().chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euro() -> Currency {
        Currency::new("EUR", 2).unwrap()
    }

    fn provider() -> Provider {
        Provider::named("acme").unwrap()
    }

    fn news(text: &str) -> Result<News, NoEvent> {
        let request = Event::read(text.as_bytes())?.request(provider(), &euro())?;
        match request.command {
            Command::Provider(ProviderCommand::Hear(notice)) => Ok(notice.news),
            other => panic!("{other:?}"),
        }
    }

    fn event(kind: &str, data: &str) -> String {
        format!(r#"{{"id":"evt_1","type":"{kind}","created":1700000000,"more":[1],"data":{data}}}"#)
    }

    #[test]
    fn an_event_says_what_happened_in_the_ledgers_terms() {
        let paid = event(
            "topup.paid",
            r#"{"payment":"pay_1","account":"acc_0000000000000007","amount":"20.50","currency":"EUR"}"#,
        );
        let News::Paid { payment, user, amount } = news(&paid).unwrap() else { panic!() };
        assert_eq!((user, amount.units()), (AccountId(7), 2_050));
        assert_eq!(Event::read(paid.as_bytes()).unwrap().account(), Some(AccountId(7)));
        let settled = event(
            "topup.settled",
            r#"{"payment":"pay_1","amount":"20.50","fee":"0.00","currency":"EUR"}"#,
        );
        let News::Settled { payment: same, fee, .. } = news(&settled).unwrap() else { panic!() };
        assert_eq!((same, fee), (payment, 0));
        let holds =
            event("balance.report", r#"{"pending":"0","available":"-1.20","currency":"EUR"}"#);
        assert_eq!(news(&holds), Ok(News::Holds { pending: 0, available: -120 }));
        let payout = event("payout.canceled", r#"{"payout":"00000000000000000000000000000009"}"#);
        assert_eq!(news(&payout), Ok(News::PayoutEnded { payout: 9, state: PayoutState::Failed }));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let paid = |amount: &str, currency: &str| {
            let data = format!(
                r#"{{"payment":"p","account":"acc_0000000000000007","amount":"{amount}","currency":"{currency}"}}"#
            );
            event("topup.paid", &data)
        };
        assert!(news(&paid("1.00", "EUR")).is_ok());
        let wrong = [
            String::new(),
            "[]".into(),
            paid("0.00", "EUR"),
            paid("-1.00", "EUR"),
            paid("1.001", "EUR"),
            paid("1.00", "USD"),
            event("topup.unheard_of", "{}"),
            event("topup.paid", "{}"),
            event("payout.paid", r#"{"payout":"9"}"#),
            event("dispute.won", r#"{"dispute":""}"#),
            paid("1.00", "EUR").replace("1700000000", "7258118400"),
            paid("1.00", "EUR").replace("evt_1", "evt 1"),
            paid("1.00", "EUR").replace("evt_1", &"e".repeat(65)),
            format!("{}{}", paid("1.00", "EUR"), " ".repeat(EVENT_BYTES_MAX)),
        ];
        for text in wrong {
            assert!(news(&text).is_err(), "{text:.120}");
        }
    }

    #[test]
    fn names_of_different_things_and_providers_are_different_in_the_ledger() {
        let name = PspRef::try_from("x_1".to_owned()).unwrap();
        let other = Provider::named("acmd").unwrap();
        let all = [
            id_of("event", provider(), &name),
            id_of("payment", provider(), &name),
            id_of("payment", other, &name),
        ];
        assert!(all[0] != all[1] && all[1] != all[2]);
        assert_eq!(all[1], id_of("payment", provider(), &name));
    }
}
