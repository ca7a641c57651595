//! One method per route about money. A person is named by the id or the name of the account.

use weir_model::api::Mutation;
use weir_model::api::money::{
    AccountQuery, CreditWallet, ExportQuery, PayoutQuery, RecordQuery, RefundCharge, RequestPayout,
    SendTip, SetStanding, StatementQuery,
};
use weir_model::approval::{ApprovalInfo, MoneyOutcome};
use weir_model::charge::LedgerId;
use weir_model::money::{
    AccountBalance, ExportPiece, LedgerExplanation, LedgerInfo, LedgerRecord, MoneyReceipt,
    PayoutInfo, StatementInfo, Verification, Wallet,
};
use weir_model::provider::{OpenTopUp, ProviderDetail, ProviderInfo, TopUpPage};

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
    pub async fn trial_balance(&self, query: &AccountQuery) -> Answer<Vec<AccountBalance>> {
        self.query("/v1/ledger/trial-balance", query).await
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

    /// `POST /v1/wallets/{account}/credit`.
    pub async fn credit(
        &self,
        account: &str,
        body: &CreditWallet,
        how: &Mutation,
    ) -> Answer<MoneyOutcome> {
        self.post(&format!("/v1/wallets/{}/credit", segment(account)), body, how).await
    }

    /// `POST /v1/wallets/{account}/freeze`.
    pub async fn freeze(
        &self,
        account: &str,
        body: &SetStanding,
        how: &Mutation,
    ) -> Answer<MoneyReceipt> {
        self.post(&format!("/v1/wallets/{}/freeze", segment(account)), body, how).await
    }

    /// `POST /v1/wallets/{account}/unfreeze`.
    pub async fn unfreeze(
        &self,
        account: &str,
        body: &SetStanding,
        how: &Mutation,
    ) -> Answer<MoneyReceipt> {
        self.post(&format!("/v1/wallets/{}/unfreeze", segment(account)), body, how).await
    }

    /// `POST /v1/tips`.
    pub async fn tip(&self, body: &SendTip, how: &Mutation) -> Answer<MoneyOutcome> {
        self.post("/v1/tips", body, how).await
    }

    /// `POST /v1/refunds`.
    pub async fn refund(&self, body: &RefundCharge, how: &Mutation) -> Answer<MoneyOutcome> {
        self.post("/v1/refunds", body, how).await
    }

    /// `GET /v1/payouts`.
    pub async fn payouts(&self, query: &PayoutQuery) -> Answer<Vec<PayoutInfo>> {
        self.query("/v1/payouts", query).await
    }

    /// `POST /v1/payouts`.
    pub async fn request_payout(
        &self,
        body: &RequestPayout,
        how: &Mutation,
    ) -> Answer<MoneyOutcome> {
        self.post("/v1/payouts", body, how).await
    }

    /// `POST /v1/payouts/{id}/paid`.
    pub async fn payout_paid(&self, id: LedgerId, how: &Mutation) -> Answer<MoneyOutcome> {
        self.post(&format!("/v1/payouts/{id}/paid"), &(), how).await
    }

    /// `POST /v1/payouts/{id}/fail`.
    pub async fn payout_failed(&self, id: LedgerId, how: &Mutation) -> Answer<MoneyOutcome> {
        self.post(&format!("/v1/payouts/{id}/fail"), &(), how).await
    }

    /// `GET /v1/approvals`.
    pub async fn approvals(&self) -> Answer<Vec<ApprovalInfo>> {
        self.read("/v1/approvals").await
    }

    /// `POST /v1/approvals/{id}/confirm`.
    pub async fn confirm_approval(&self, id: LedgerId, how: &Mutation) -> Answer<MoneyReceipt> {
        self.post(&format!("/v1/approvals/{id}/confirm"), &(), how).await
    }

    /// `POST /v1/approvals/{id}/reject`.
    pub async fn reject_approval(&self, id: LedgerId, how: &Mutation) -> Answer<ApprovalInfo> {
        self.post(&format!("/v1/approvals/{id}/reject"), &(), how).await
    }

    /// `GET /v1/providers`.
    pub async fn providers(&self) -> Answer<Vec<ProviderInfo>> {
        self.read("/v1/providers").await
    }

    /// `GET /v1/providers/{name}`.
    pub async fn provider(&self, name: &str) -> Answer<ProviderDetail> {
        self.read(&format!("/v1/providers/{}", segment(name))).await
    }

    /// `POST /v1/providers/{name}/events/{event}/dismiss`.
    pub async fn dismiss_event(
        &self,
        name: &str,
        event: LedgerId,
        how: &Mutation,
    ) -> Answer<MoneyReceipt> {
        self.post(&format!("/v1/providers/{}/events/{event}/dismiss", segment(name)), &(), how)
            .await
    }

    /// `POST /v1/topups`.
    pub async fn open_top_up(&self, body: &OpenTopUp, how: &Mutation) -> Answer<TopUpPage> {
        self.post("/v1/topups", body, how).await
    }
}
