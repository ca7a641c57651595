//! The ledger as this API sees it.

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use weir_ledger::{Amount, Currency, Request};
use weir_model::{ApiError, ErrorCode};

use super::Context;
use super::error::Refusal;
use crate::actors::books::{Books, Question};
use crate::actors::teller::{self, Teller, Untold};

/// An answer on its way: the JSON of what the question's documentation names.
pub type Told<'a> = BoxFuture<'a, Result<Value, ApiError>>;

/// Whoever knows what the ledger says, and has it do things.
pub trait Money: Send + Sync {
    /// Asks.
    fn ask(&self, question: Question) -> Told<'_>;

    /// What it counts.
    fn currency(&self) -> BoxFuture<'_, Result<Currency, ApiError>>;

    /// Has something done. The same request may be sent again; it is done once.
    fn act<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<teller::Told, Untold>>;
}

/// The ledger of the cluster, from any of its nodes.
pub struct Cashier {
    books: Books,
    teller: Teller,
}

impl Cashier {
    /// Asks the one and has the other do things.
    #[must_use]
    pub fn new(books: &Books, teller: &Teller) -> Self {
        Self { books: books.clone(), teller: teller.clone() }
    }
}

impl Money for Cashier {
    fn ask(&self, question: Question) -> Told<'_> {
        Box::pin(self.books.ask(question))
    }

    fn currency(&self) -> BoxFuture<'_, Result<Currency, ApiError>> {
        Box::pin(self.books.currency())
    }

    fn act<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<teller::Told, Untold>> {
        Box::pin(self.teller.ask(request))
    }
}

/// What the ledger says to a question.
pub(super) async fn told<T: DeserializeOwned>(
    ctx: &Context,
    question: Question,
) -> Result<T, ApiError> {
    let unreadable =
        |error| ApiError::new(ErrorCode::Internal, format!("the ledger's answer: {error}"));
    serde_json::from_value(ctx.money.ask(question).await?).map_err(unreadable)
}

/// An amount as people type it.
pub(super) fn amount(currency: &Currency, text: &str) -> Result<Amount, Refusal> {
    currency.parse(text).map_err(|error| Refusal::new(ErrorCode::Invalid, error.to_string()))
}
