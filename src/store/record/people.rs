//! Records of accounts and tokens.

use weir_model::{
    Account, AccountId, AccountName, AccountRole, AccountRoles, ChannelName, Timestamp, Token,
    TokenId, TokenKind,
};

use super::super::PasswordHash;
use super::{Hex32, Record, RecordError, undecodable};

/// A person or service that can log in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct AccountRecord {
    pub(in crate::store) id: AccountId,
    pub(in crate::store) name: AccountName,
    /// Words, so that one of a newer version is kept.
    pub(in crate::store) roles: Vec<String>,
    pub(in crate::store) created_at: Timestamp,
    /// None for one that cannot sign in; version 1 has none of what follows.
    #[serde(default)]
    pub(in crate::store) password: Option<PasswordHash>,
    #[serde(default)]
    pub(in crate::store) disabled_at: Option<Timestamp>,
    /// Raised by everything that ends all tokens.
    #[serde(default)]
    pub(in crate::store) epoch: u64,
}

impl Record for AccountRecord {
    const VERSION: u8 = 2;

    fn previous(version: u8, body: &[u8]) -> Result<Self, RecordError> {
        if version != 1 {
            return Err(RecordError::UnknownVersion(version));
        }
        serde_json::from_slice(body).map_err(undecodable)
    }
}

impl AccountRecord {
    /// One that was just made.
    pub(in crate::store) fn new(
        id: AccountId,
        name: AccountName,
        roles: AccountRoles,
        password: Option<PasswordHash>,
        created_at: Timestamp,
    ) -> Self {
        let roles = words(roles);
        Self { id, name, roles, created_at, password, disabled_at: None, epoch: 0 }
    }

    /// The roles that this version knows.
    pub(in crate::store) fn roles(&self) -> AccountRoles {
        self.roles.iter().filter_map(|word| word.parse::<AccountRole>().ok()).collect()
    }
}

/// Roles as they are stored.
pub(in crate::store) fn words(roles: AccountRoles) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}

impl From<&AccountRecord> for Account {
    fn from(record: &AccountRecord) -> Self {
        Self {
            id: record.id,
            name: record.name.clone(),
            roles: record.roles(),
            password: record.password.is_some(),
            created_at: record.created_at,
            disabled_at: record.disabled_at,
        }
    }
}

/// A token with the keyed hash of its secret. A revoked one has no record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct TokenRecord {
    pub(in crate::store) id: TokenId,
    pub(in crate::store) account: AccountId,
    pub(in crate::store) kind: TokenKind,
    pub(in crate::store) label: String,
    pub(in crate::store) scopes: Vec<String>,
    pub(in crate::store) channel: Option<ChannelName>,
    pub(in crate::store) created_at: Timestamp,
    pub(in crate::store) expires_at: Timestamp,
    /// That of the account when it was made; of no use once the account's is another one.
    pub(in crate::store) epoch: u64,
    pub(in crate::store) hash: Hex32,
}

impl Record for TokenRecord {
    const VERSION: u8 = 1;
}

impl TokenRecord {
    /// The token as it is shown.
    pub(in crate::store) fn show(&self, owner: &AccountRecord) -> Token {
        Token {
            id: self.id,
            account: self.account,
            account_name: owner.name.clone(),
            kind: self.kind,
            label: self.label.clone(),
            scopes: self.scopes.clone(),
            channel: self.channel.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;

    #[test]
    fn an_account_of_the_version_before_has_no_password() {
        let old = "\u{1}{\"id\":\"acc_0000000000000001\",\"name\":\"operator\",\"roles\":[\"operator\"],\
                   \"created_at\":\"1970-01-01T00:00:00.000Z\"}";
        let roles = [AccountRole::Operator].into_iter().collect();
        let name: AccountName = "operator".parse().unwrap();
        let record = AccountRecord::new(AccountId(1), name, roles, None, Timestamp(0));
        assert_eq!(decode(old.as_bytes()), Ok(record.clone()));
        assert_eq!(decode(&encode(&record).unwrap()), Ok(record));
        let newer = decode::<AccountRecord>(b"\x03{}");
        assert_eq!(newer, Err(RecordError::UnknownVersion(3)));
    }
}
