//! Accounts and tokens, as the store's callers see them: without the hashes of their secrets.
//!
//! Everything is read from this node's memory, so what the log brought holds here at once. A change waits until this node
//! has it too: whoever was told that he is signed in is known to the node that told him.

use std::fmt;

use weir_model::text::one_line;
use weir_model::{
    Account, AccountId, AccountName, AccountRoles, ChannelName, Timestamp, Token, TokenId,
    TokenKind,
};
use weir_people::limits::{API_TOKEN_MS_MAX, LOGIN_TOKEN_MS_MAX};
use weir_people::{Scopes, name};

use super::catalog::{self, AccountChange, Catalog, Command, NewAccount, no_account};
use super::identity::{self, Purpose};
use super::record::Hex32;
use super::{Store, StoreError};

/// A password's hash as PHC string. It opens nothing, but it can be guessed at, so it is never shown.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps it.
    #[must_use]
    pub fn new(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The string itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What signing in needs to know of an account.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Which account.
    pub account: Account,
    /// The hash of its password, if it has one.
    pub password: Option<PasswordHash>,
    /// Goes into the token: a token for an account that was changed meanwhile is refused.
    pub epoch: u64,
}

/// Whoever showed a token that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The account as it is right now.
    pub account: Account,
    /// What it showed.
    pub token: Token,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Its account can do nothing.
    #[error("the account of this token is disabled")]
    Disabled,
    /// Its end has passed.
    #[error("the token has expired")]
    Expired,
    /// No such token, or no longer.
    #[error("the token is unknown, or it was revoked")]
    Unknown,
}

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose.
    pub account: AccountId,
    /// How it comes to be.
    pub kind: TokenKind,
    /// Which program holds it.
    pub label: String,
    /// What it is limited to.
    pub scopes: Scopes,
    /// The only channel it is good for.
    pub channel: Option<ChannelName>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// That of the [`Credential`] that let this one in; the account's own when absent.
    pub epoch: Option<u64>,
}

impl Store {
    /// An account by its id or its name.
    ///
    /// # Errors
    /// When there is none.
    pub fn account(&self, id_or_name: &str) -> Result<Account, StoreError> {
        let catalog = self.inner.held.catalog.read();
        let people = &catalog.people;
        let found = match id_or_name.parse::<AccountId>() {
            Ok(id) => people.accounts.get(&id),
            Err(_) => id_or_name.parse().ok().and_then(|name| people.by_name(&name)),
        };
        // What was asked for may be anything; only what could be a name is repeated.
        let shown: String = id_or_name.chars().filter(|c| !c.is_control()).take(32).collect();
        found.map(Account::from).ok_or_else(|| no_account(&shown))
    }

    /// At most `limit` accounts by name, those whose name comes after `after`.
    #[must_use]
    pub fn accounts(&self, after: Option<&AccountName>, limit: usize) -> Vec<Account> {
        self.inner.held.catalog.read().people.page(after, limit).map(Account::from).collect()
    }

    /// How many accounts and tokens there are.
    #[must_use]
    pub fn count_people(&self) -> (usize, usize) {
        let catalog = self.inner.held.catalog.read();
        (catalog.people.accounts.len(), catalog.people.tokens.len())
    }

    /// What signing in as `name` needs.
    #[must_use]
    pub fn credential(&self, name: &AccountName) -> Option<Credential> {
        let catalog = self.inner.held.catalog.read();
        let account = catalog.people.by_name(name)?;
        let (password, epoch) = (account.password.clone(), account.epoch);
        Some(Credential { account: Account::from(account), password, epoch })
    }

    /// Makes an account. The password is hashed already.
    ///
    /// # Errors
    /// When the name is reserved or taken, or there are too many accounts.
    pub async fn create_account(
        &self,
        name: AccountName,
        roles: AccountRoles,
        password: Option<PasswordHash>,
        now: Timestamp,
    ) -> Result<Account, StoreError> {
        name::check(&name).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let id = AccountId(identity::id()?);
        let new = NewAccount { id, name, roles, password, now };
        let made = self.change(Command::CreateAccount(new)).await?.account()?;
        self.until_people(|catalog| catalog.people.accounts.contains_key(&id)).await;
        Ok(made)
    }

    /// Gives an account these roles and no others.
    ///
    /// # Errors
    /// When there is none, or it is the founding operator and would be none any more.
    pub async fn set_roles(
        &self,
        account: AccountId,
        roles: AccountRoles,
    ) -> Result<Account, StoreError> {
        self.change_account(account, AccountChange::Roles(roles)).await
    }

    /// Sets an account's password; every token of it ends.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn set_password(
        &self,
        account: AccountId,
        password: PasswordHash,
    ) -> Result<Account, StoreError> {
        self.change_account(account, AccountChange::Password(password)).await
    }

    /// Lets an account do nothing any more; every token of it ends.
    ///
    /// # Errors
    /// When there is none, or it is the founding operator.
    pub async fn disable_account(
        &self,
        account: AccountId,
        now: Timestamp,
    ) -> Result<Account, StoreError> {
        self.change_account(account, AccountChange::Disable { at: now }).await
    }

    /// Lets a disabled account sign in again.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn enable_account(&self, account: AccountId) -> Result<Account, StoreError> {
        self.change_account(account, AccountChange::Enable).await
    }

    /// Ends every token of an account, those made on purpose too.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn log_out(&self, account: AccountId) -> Result<Account, StoreError> {
        self.change_account(account, AccountChange::LogOut).await
    }

    async fn change_account(
        &self,
        account: AccountId,
        change: AccountChange,
    ) -> Result<Account, StoreError> {
        let before = self.account(&account.to_string())?;
        let epoch = self.epoch_of(account)?;
        let ends = match change {
            AccountChange::Roles(_) | AccountChange::Enable => false,
            AccountChange::Disable { .. } => before.disabled_at.is_none(),
            AccountChange::Password(_) | AccountChange::LogOut => true,
        };
        let changed = self.change(Command::ChangeAccount { account, change }).await?.account()?;
        self.until_people(|catalog| match catalog.people.accounts.get(&account) {
            // Nobody is told that tokens ended which this node still takes.
            Some(here) if ends => here.epoch > epoch,
            Some(here) => Account::from(here) == changed,
            None => false,
        })
        .await;
        Ok(changed)
    }

    /// An account's tokens, oldest first.
    #[must_use]
    pub fn tokens(&self, account: AccountId) -> Vec<Token> {
        let catalog = self.inner.held.catalog.read();
        let Some(owner) = catalog.people.accounts.get(&account) else { return Vec::new() };
        catalog.people.tokens_of(account).into_iter().map(|token| token.show(owner)).collect()
    }

    /// A token by its id.
    #[must_use]
    pub fn token(&self, id: TokenId) -> Option<Token> {
        let catalog = self.inner.held.catalog.read();
        let token = catalog.people.tokens.get(&id)?;
        catalog.people.accounts.get(&token.account).map(|owner| token.show(owner))
    }

    /// Makes a token; the secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// When the account does not exist, is disabled, was changed meanwhile or has too many tokens, or the end has
    /// passed or lies too far ahead.
    pub async fn create_token(
        &self,
        new: NewToken,
        now: Timestamp,
    ) -> Result<(Token, String), StoreError> {
        let (secret, id) = (identity::token_secret()?, TokenId(identity::id()?));
        let (longest, days) = match new.kind {
            TokenKind::Api => (API_TOKEN_MS_MAX, 365),
            TokenKind::Login => (LOGIN_TOKEN_MS_MAX, 30),
        };
        if new.expires_at.since_ms(now) > longest {
            return Err(StoreError::Invalid(format!("a token is good for {days} days at most")));
        }
        let epoch = match new.epoch {
            Some(epoch) => epoch,
            None => self.epoch_of(new.account)?,
        };
        let record = catalog::NewToken {
            id,
            account: new.account,
            hash: self.token_hash(&secret),
            kind: new.kind,
            label: one_line("label", &new.label)?,
            scopes: new.scopes.words().to_vec(),
            channel: new.channel,
            expires_at: new.expires_at,
            epoch,
            now,
        };
        let made = self.change(Command::CreateToken(record)).await?.token()?;
        self.until_people(|catalog| catalog.people.tokens.contains_key(&id)).await;
        Ok((made, secret))
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// When there is none of that id, or no longer.
    pub async fn revoke_token(&self, id: TokenId) -> Result<Token, StoreError> {
        let revoked = self.change(Command::RevokeToken { token: id }).await?.token()?;
        self.until_people(|catalog| !catalog.people.tokens.contains_key(&id)).await;
        Ok(revoked)
    }

    /// Who shows the token with this secret at `now`.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub fn bearer(&self, secret: &str, now: Timestamp) -> Result<Bearer, TokenRefusal> {
        let hash = self.token_hash(secret);
        let catalog = self.inner.held.catalog.read();
        let token = catalog.people.token_by_hash(&hash).ok_or(TokenRefusal::Unknown)?;
        let account = catalog.people.accounts.get(&token.account).ok_or(TokenRefusal::Unknown)?;
        if account.disabled_at.is_some() {
            return Err(TokenRefusal::Disabled);
        }
        if token.epoch != account.epoch {
            return Err(TokenRefusal::Unknown);
        }
        if token.expires_at <= now {
            return Err(TokenRefusal::Expired);
        }
        Ok(Bearer { account: Account::from(account), token: token.show(account) })
    }

    fn token_hash(&self, secret: &str) -> Hex32 {
        let shared = self.inner.held.catalog.read().shared();
        identity::hash(&shared.hash_secret, Purpose::Token, secret)
    }

    fn epoch_of(&self, account: AccountId) -> Result<u64, StoreError> {
        let catalog = self.inner.held.catalog.read();
        let found = catalog.people.accounts.get(&account);
        found.map(|account| account.epoch).ok_or_else(|| no_account(&account))
    }

    async fn until_people(&self, is_here: impl Fn(&Catalog) -> bool) {
        self.until_here(self.inner.held.people.subscribe(), is_here).await;
    }
}
