//! What a payment provider is asked for, and the seam behind which it lies.

use std::fmt;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use weir_model::AccountId;
use weir_model::charge::LedgerId;

/// A viewer wants to pay something in. Nothing is in the books before the provider says that it was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUpIntent {
    /// Our name of it, and the provider's idempotency key.
    pub reference: LedgerId,
    /// Whose wallet; the event that it was paid names it.
    pub account: AccountId,
    /// How much.
    pub amount: String,
    /// Of what.
    pub currency: String,
}

/// A streamer is to be paid. It is reserved in the books before anybody is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutIntent {
    /// Our name of it, and the provider's idempotency key.
    pub payout: LedgerId,
    /// Who.
    pub account: AccountId,
    /// How much.
    pub amount: String,
    /// Of what.
    pub currency: String,
}

/// Where a viewer pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// The page on which he does.
    pub url: String,
}

/// Why a provider did not take something, or nobody knows whether it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An answer on its way.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// A processor of payments. What it does it does once for each reference; what became of it, its events say.
pub trait PaymentProvider: Send + Sync {
    /// Opens a page on which a viewer pays.
    fn top_up<'a>(&'a self, intent: &'a TopUpIntent) -> Answer<'a, Checkout>;

    /// Sends a streamer what he is to be paid. The same intent may come again.
    fn pay_out<'a>(&'a self, intent: &'a PayoutIntent) -> Answer<'a, ()>;

    /// Whether it knows of that payout.
    fn knows(&self, payout: LedgerId) -> Answer<'_, bool>;
}
