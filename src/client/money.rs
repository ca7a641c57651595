//! One method per route about money. A person is named by the id or the name of the account.

use weir_model::api::Mutation;
use weir_model::api::money::{ExportQuery, RecordQuery, StatementQuery};
use weir_model::money::{
    AccountBalance, ExportPiece, LedgerExplanation, LedgerInfo, LedgerRecord, StatementInfo,
    Verification, Wallet,
};

use crate::Client;
use crate::cluster::segment;
use crate::routes::Answer;

/// Every method fails with the node's refusal or with what went wrong on the way.
#[allow(clippy::missing_errors_doc)]
impl Client {
    /// `GET /v1/ledger`.
    pub async fn ledger(&self) -> Answer<LedgerInfo> {
        self.read("/v1/ledger").await
    }

    /// `GET /v1/ledger/records`.
    pub async fn records(&self, query: &RecordQuery) -> Answer<Vec<LedgerRecord>> {
        self.query("/v1/ledger/records", query).await
    }

    /// `GET /v1/ledger/records/{seq}`.
    pub async fn explain_record(&self, seq: u64) -> Answer<LedgerExplanation> {
        self.read(&format!("/v1/ledger/records/{seq}")).await
    }

    /// `GET /v1/ledger/trial-balance`.
    pub async fn trial_balance(&self) -> Answer<Vec<AccountBalance>> {
        self.read("/v1/ledger/trial-balance").await
    }

    /// `GET /v1/ledger/export`.
    pub async fn export(&self, query: &ExportQuery) -> Answer<ExportPiece> {
        self.query("/v1/ledger/export", query).await
    }

    /// `GET /v1/ledger/verification`.
    pub async fn verification(&self) -> Answer<Verification> {
        self.read("/v1/ledger/verification").await
    }

    /// `POST /v1/ledger/verification`.
    pub async fn verify_ledger(&self) -> Answer<Verification> {
        self.post("/v1/ledger/verification", &(), &Mutation::default()).await
    }

    /// `GET /v1/wallets/{account}`.
    pub async fn wallet(&self, account: &str) -> Answer<Wallet> {
        self.read(&format!("/v1/wallets/{}", segment(account))).await
    }

    /// `GET /v1/wallets/{account}/statement`.
    pub async fn statement(&self, account: &str, query: &StatementQuery) -> Answer<StatementInfo> {
        self.query(&format!("/v1/wallets/{}/statement", segment(account)), query).await
    }
}
