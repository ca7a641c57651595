//! The ledger as this API sees it.

use futures_util::future::BoxFuture;
use serde_json::Value;
use weir_model::ApiError;

use crate::actors::books::{Books, Question};

/// An answer on its way: the JSON of what the question's documentation names.
pub type Told<'a> = BoxFuture<'a, Result<Value, ApiError>>;

/// Whoever knows what the ledger says.
pub trait Money: Send + Sync {
    /// Asks.
    fn ask(&self, question: Question) -> Told<'_>;
}

impl Money for Books {
    fn ask(&self, question: Question) -> Told<'_> {
        Box::pin(self.ask(question))
    }
}
