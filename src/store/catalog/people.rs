//! Accounts and tokens: the indexes over them, and what each change of them does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use weir_model::{
    Account, AccountId, AccountName, AccountRole, AccountRoles, ChannelName, Timestamp, Token,
    TokenId, TokenKind,
};
use weir_people::limits::{
    ACCOUNTS_MAX, FORGOTTEN_AT_ONCE_MAX, TOKENS_MAX, TOKENS_PER_ACCOUNT_MAX,
};
use weir_people::name::OPERATOR;

use super::super::entry::{Change, Entry};
use super::super::record::{AccountRecord, Hex32, TokenRecord, words};
use super::super::{PasswordHash, StoreError};
use super::{Catalog, Planned};

/// Tokens of an account that are made on purpose: some places are always left to sign in.
const API_TOKENS_MAX: usize = TOKENS_PER_ACCOUNT_MAX - 8;

/// Who there is, and by what they are known.
#[derive(Default)]
pub(in crate::store) struct People {
    pub(in crate::store) accounts: BTreeMap<AccountId, AccountRecord>,
    by_name: BTreeMap<AccountName, AccountId>,
    pub(in crate::store) tokens: BTreeMap<TokenId, TokenRecord>,
    by_hash: HashMap<Hex32, TokenId>,
    by_account: BTreeMap<AccountId, BTreeSet<TokenId>>,
    /// Counts changes since the start, for whoever waits for one.
    pub(in crate::store) changes: u64,
}

/// What a new account is made of.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::store) struct NewAccount {
    pub(in crate::store) id: AccountId,
    pub(in crate::store) name: AccountName,
    pub(in crate::store) roles: AccountRoles,
    pub(in crate::store) password: Option<PasswordHash>,
    pub(in crate::store) now: Timestamp,
}

/// What is changed about an account.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum AccountChange {
    /// It has these roles and no others.
    Roles(AccountRoles),
    /// It signs in with this password; every token ends.
    Password(PasswordHash),
    /// It can do nothing any more; every token ends.
    Disable {
        at: Timestamp,
    },
    Enable,
    /// Every token ends.
    LogOut,
}

impl AccountChange {
    /// Whether it only takes rights away: made also while the disk is nearly full.
    pub(super) const fn takes_away(&self) -> bool {
        matches!(self, Self::Disable { .. } | Self::LogOut)
    }
}

/// What a new token is made of.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::store) struct NewToken {
    pub(in crate::store) id: TokenId,
    pub(in crate::store) account: AccountId,
    pub(in crate::store) hash: Hex32,
    pub(in crate::store) kind: TokenKind,
    pub(in crate::store) label: String,
    pub(in crate::store) scopes: Vec<String>,
    pub(in crate::store) channel: Option<ChannelName>,
    pub(in crate::store) expires_at: Timestamp,
    /// The account's when whoever asks was let in.
    pub(in crate::store) epoch: u64,
    pub(in crate::store) now: Timestamp,
}

impl People {
    pub(super) fn put_account(&mut self, account: &AccountRecord) {
        self.changes += 1;
        // Of two with one name, which no change makes, the first one keeps it.
        self.by_name.entry(account.name.clone()).or_insert(account.id);
        self.accounts.insert(account.id, account.clone());
    }

    pub(super) fn remove_account(&mut self, id: AccountId) {
        self.changes += 1;
        let Some(old) = self.accounts.remove(&id) else { return };
        if self.by_name.get(&old.name) == Some(&id) {
            self.by_name.remove(&old.name);
        }
    }

    pub(super) fn put_token(&mut self, token: &TokenRecord) {
        self.remove_token(token.id);
        self.by_hash.insert(token.hash, token.id);
        self.by_account.entry(token.account).or_default().insert(token.id);
        self.tokens.insert(token.id, token.clone());
    }

    pub(super) fn remove_token(&mut self, id: TokenId) {
        self.changes += 1;
        let Some(old) = self.tokens.remove(&id) else { return };
        self.by_hash.remove(&old.hash);
        if let Some(ids) = self.by_account.get_mut(&old.account) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_account.remove(&old.account);
            }
        }
    }

    /// The account of this name.
    pub(in crate::store) fn by_name(&self, name: &AccountName) -> Option<&AccountRecord> {
        self.by_name.get(name).and_then(|id| self.accounts.get(id))
    }

    /// At most `limit` accounts by name, those after `after`.
    pub(in crate::store) fn page(
        &self,
        after: Option<&AccountName>,
        limit: usize,
    ) -> impl Iterator<Item = &AccountRecord> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        let ids = self.by_name.range((from, Unbounded)).take(limit);
        ids.filter_map(|(_, id)| self.accounts.get(id))
    }

    /// An account's tokens, oldest first.
    pub(in crate::store) fn tokens_of(&self, account: AccountId) -> Vec<&TokenRecord> {
        let ids = self.by_account.get(&account).into_iter().flatten();
        let mut tokens: Vec<&TokenRecord> = ids.filter_map(|id| self.tokens.get(id)).collect();
        tokens.sort_by_key(|token| (token.created_at, token.id));
        tokens
    }

    /// The token whose secret has `hash`.
    pub(in crate::store) fn token_by_hash(&self, hash: &Hex32) -> Option<&TokenRecord> {
        self.by_hash.get(hash).and_then(|id| self.tokens.get(id))
    }

    /// The account that owns what operators make.
    pub(in crate::store) fn operator(&self) -> Option<AccountId> {
        let named = OPERATOR.parse().ok().and_then(|name| self.by_name(&name));
        let is = |account: &&AccountRecord| account.roles().contains(AccountRole::Operator);
        let found = named.filter(is).or_else(|| self.accounts.values().find(is));
        found.map(|account| account.id)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let accounts = self.accounts.values().cloned().map(Entry::Account);
        accounts.chain(self.tokens.values().cloned().map(Entry::Token))
    }

    fn account(&self, id: AccountId) -> Result<&AccountRecord, StoreError> {
        self.accounts.get(&id).ok_or_else(|| no_account(&id))
    }

    fn end_tokens(&self, account: AccountId) -> impl Iterator<Item = Change> {
        let ids = self.by_account.get(&account).into_iter().flatten();
        ids.map(|id| Change::RemoveToken(*id))
    }

    /// What has to go for one more token of an account.
    fn make_room(&self, new: &NewToken) -> Result<Vec<Change>, StoreError> {
        let tokens = self.tokens_of(new.account);
        let (mut gone, mut living): (Vec<_>, Vec<_>) =
            tokens.into_iter().partition(|token| token.expires_at <= new.now);
        let made = living.iter().filter(|token| token.kind == TokenKind::Api).count();
        if new.kind == TokenKind::Api && made >= API_TOKENS_MAX {
            let what = "tokens of one account, beside its log-ins; revoke one".into();
            return Err(StoreError::Limit { what, limit: API_TOKENS_MAX });
        }
        while living.len() >= TOKENS_PER_ACCOUNT_MAX
            && let Some(at) = living.iter().position(|token| token.kind == TokenKind::Login)
        {
            gone.push(living.remove(at));
        }
        let mut gone: BTreeSet<TokenId> = gone.into_iter().map(|token| token.id).collect();
        if self.tokens.len() - gone.len() >= TOKENS_MAX {
            let dead = self.tokens.values().filter(|token| token.expires_at <= new.now);
            gone.extend(dead.map(|token| token.id).take(FORGOTTEN_AT_ONCE_MAX));
        }
        if self.tokens.len() - gone.len() >= TOKENS_MAX {
            return Err(StoreError::Limit {
                what: "tokens of the cluster".into(),
                limit: TOKENS_MAX,
            });
        }
        Ok(gone.into_iter().map(Change::RemoveToken).collect())
    }
}

/// For whoever names an account that is not there.
pub(in crate::store) fn no_account(what: &impl std::fmt::Display) -> StoreError {
    StoreError::NotFound { what: format!("account `{what}`") }
}

impl Catalog {
    /// Makes an account.
    pub(super) fn plan_account(&self, new: NewAccount) -> Planned<Account> {
        let NewAccount { id, name, roles, password, now } = new;
        let people = &self.people;
        if people.by_name(&name).is_some() || people.accounts.contains_key(&id) {
            return Err(StoreError::Exists { what: format!("account `{name}`") });
        }
        if people.accounts.len() >= ACCOUNTS_MAX {
            let what = "accounts of one cluster".into();
            return Err(StoreError::Limit { what, limit: ACCOUNTS_MAX });
        }
        Ok(put(AccountRecord::new(id, name, roles, password, now), Vec::new()))
    }

    /// Changes an account.
    pub(super) fn plan_account_change(
        &self,
        id: AccountId,
        change: AccountChange,
    ) -> Planned<Account> {
        match change {
            AccountChange::Roles(roles) => self.plan_roles(id, roles),
            AccountChange::Password(password) => {
                self.plan_end(id, |account| account.password = Some(password))
            }
            AccountChange::Disable { at } => self.plan_disabling(id, at),
            AccountChange::Enable => self.plan_enabling(id),
            AccountChange::LogOut => self.plan_end(id, |_| {}),
        }
    }

    fn plan_roles(&self, id: AccountId, roles: AccountRoles) -> Planned<Account> {
        let mut account = self.people.account(id)?.clone();
        if is_founder(&account) && !roles.contains(AccountRole::Operator) {
            return Err(StoreError::Conflict(
                "the account `operator` stays an operator: it owns what operators make".into(),
            ));
        }
        account.roles = words(roles);
        Ok(put(account, Vec::new()))
    }

    /// One that is disabled stays as it is.
    fn plan_disabling(&self, id: AccountId, at: Timestamp) -> Planned<Account> {
        let account = self.people.account(id)?;
        if is_founder(account) {
            return Err(StoreError::Conflict(
                "the account `operator` cannot be disabled: nobody could enable it again".into(),
            ));
        }
        if account.disabled_at.is_some() {
            return Ok((Vec::new(), Account::from(account)));
        }
        self.plan_end(id, |account| account.disabled_at = Some(at))
    }

    fn plan_enabling(&self, id: AccountId) -> Planned<Account> {
        let mut account = self.people.account(id)?.clone();
        if account.disabled_at.take().is_none() {
            return Ok((Vec::new(), Account::from(&account)));
        }
        Ok(put(account, Vec::new()))
    }

    fn plan_end(&self, id: AccountId, edit: impl FnOnce(&mut AccountRecord)) -> Planned<Account> {
        let mut account = self.people.account(id)?.clone();
        account.epoch += 1;
        edit(&mut account);
        Ok(put(account, self.people.end_tokens(id).collect()))
    }

    /// Makes a token. Expired ones of its account are forgotten, and the oldest log-in when there are too many.
    pub(super) fn plan_token(&self, new: NewToken) -> Planned<Token> {
        let account = self.people.account(new.account)?;
        if account.disabled_at.is_some() {
            return Err(StoreError::Conflict(format!("account `{}` is disabled", account.name)));
        }
        // What let this one in may be gone: a password that was changed, a session that was ended.
        if new.epoch != account.epoch {
            return Err(StoreError::Conflict(
                "the account was changed meanwhile; try again".into(),
            ));
        }
        if new.expires_at <= new.now {
            return Err(StoreError::Invalid("the token would have expired already".into()));
        }
        let taken = self.people.tokens.contains_key(&new.id);
        if taken || self.people.token_by_hash(&new.hash).is_some() {
            return Err(StoreError::Exists { what: format!("token {}", new.id) });
        }
        let mut changes = self.people.make_room(&new)?;
        let NewToken {
            id,
            account: owner,
            hash,
            kind,
            label,
            scopes,
            channel,
            expires_at,
            epoch,
            now,
        } = new;
        let record = TokenRecord {
            id,
            account: owner,
            kind,
            label,
            scopes,
            channel,
            created_at: now,
            expires_at,
            epoch,
            hash,
        };
        let answer = record.show(account);
        changes.push(Change::Put(Entry::Token(record)));
        Ok((changes, answer))
    }

    /// Revokes a token, which is then no longer there.
    pub(super) fn plan_token_revocation(&self, id: TokenId) -> Planned<Token> {
        let found = self.people.tokens.get(&id);
        let token = found.ok_or_else(|| StoreError::NotFound { what: format!("token {id}") })?;
        let answer = token.show(self.people.account(token.account)?);
        Ok((vec![Change::RemoveToken(id)], answer))
    }
}

fn put(account: AccountRecord, mut changes: Vec<Change>) -> (Vec<Change>, Account) {
    let answer = Account::from(&account);
    changes.push(Change::Put(Entry::Account(account)));
    (changes, answer)
}

fn is_founder(account: &AccountRecord) -> bool {
    account.name.as_str() == OPERATOR
}

#[cfg(test)]
mod tests;
