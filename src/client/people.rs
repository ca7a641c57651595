//! One method per route of accounts, tokens and rights. An account is named by its id or by its name.

use weir_model::api::Mutation;
use weir_model::api::people::{
    AccountQuery, CanI, CreateAccount, CreateToken, CreatedToken, Me, Permission, SetPassword,
    SetRoles, TokenQuery,
};
use weir_model::{Account, Token, TokenId};

use crate::Client;
use crate::cluster::segment;
use crate::routes::Answer;

/// Every method fails with the node's refusal or with what went wrong on the way.
#[allow(clippy::missing_errors_doc)]
impl Client {
    /// `GET /v1/accounts`.
    pub async fn accounts(&self, query: &AccountQuery) -> Answer<Vec<Account>> {
        self.query("/v1/accounts", query).await
    }

    /// `POST /v1/accounts`.
    pub async fn create_account(&self, body: &CreateAccount, how: &Mutation) -> Answer<Account> {
        self.post("/v1/accounts", body, how).await
    }

    /// `GET /v1/accounts/{id}`.
    pub async fn account(&self, account: &str) -> Answer<Account> {
        self.read(&path(account, "")).await
    }

    /// `PUT /v1/accounts/{id}/roles`.
    pub async fn set_roles(
        &self,
        account: &str,
        body: &SetRoles,
        how: &Mutation,
    ) -> Answer<Account> {
        self.put(&path(account, "/roles"), body, how).await
    }

    /// `PUT /v1/accounts/{id}/password`.
    pub async fn set_password(
        &self,
        account: &str,
        body: &SetPassword,
        how: &Mutation,
    ) -> Answer<Account> {
        self.put(&path(account, "/password"), body, how).await
    }

    /// `POST /v1/accounts/{id}/disable`.
    pub async fn disable_account(&self, account: &str, how: &Mutation) -> Answer<Account> {
        self.post(&path(account, "/disable"), &(), how).await
    }

    /// `POST /v1/accounts/{id}/enable`.
    pub async fn enable_account(&self, account: &str, how: &Mutation) -> Answer<Account> {
        self.post(&path(account, "/enable"), &(), how).await
    }

    /// `POST /v1/accounts/{id}/log-out`.
    pub async fn log_out_account(&self, account: &str, how: &Mutation) -> Answer<Account> {
        self.post(&path(account, "/log-out"), &(), how).await
    }

    /// `GET /v1/tokens`.
    pub async fn tokens(&self, query: &TokenQuery) -> Answer<Vec<Token>> {
        self.query("/v1/tokens", query).await
    }

    /// `POST /v1/tokens`.
    pub async fn create_token(&self, body: &CreateToken, how: &Mutation) -> Answer<CreatedToken> {
        self.post("/v1/tokens", body, how).await
    }

    /// `DELETE /v1/tokens/{id}`.
    pub async fn revoke_token(&self, id: TokenId, how: &Mutation) -> Answer<Token> {
        self.delete(&format!("/v1/tokens/{id}"), how).await
    }

    /// `POST /v1/auth/can-i`.
    pub async fn can_i(&self, body: &CanI) -> Answer<Permission> {
        self.ask("/v1/auth/can-i", body).await
    }

    /// `GET /v1/auth/me`.
    pub async fn me(&self) -> Answer<Me> {
        self.read("/v1/auth/me").await
    }
}

fn path(account: &str, rest: &str) -> String {
    format!("/v1/accounts/{}{rest}", segment(account))
}
