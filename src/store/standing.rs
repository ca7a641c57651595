//! Who somebody was known to be a while ago, and whether that holds: for what is signed once and used for minutes.

use weir_model::{AccountId, Timestamp, TokenId};

use super::Store;

/// That somebody was known to be an account, and by what. It holds until the account is disabled or logged out
/// everywhere, and for as long as the token is good by which it was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Which account.
    pub account: AccountId,
    /// That of the account then; it changes when every token of the account ends.
    pub epoch: u64,
    /// By which token; none when somebody else vouched for it.
    pub token: Option<TokenId>,
}

impl Store {
    /// How an account stands that is known by `token`, or by somebody's word; none when there is no such account or it
    /// can do nothing.
    #[must_use]
    pub fn standing(&self, account: AccountId, token: Option<TokenId>) -> Option<Standing> {
        let catalog = self.inner.held.catalog.read();
        let found = catalog.people.accounts.get(&account)?;
        found.disabled_at.is_none().then_some(Standing { account, epoch: found.epoch, token })
    }

    /// Whether somebody is known still, at `now`.
    #[must_use]
    pub fn stands(&self, standing: &Standing, now: Timestamp) -> bool {
        let Standing { account, epoch, token } = *standing;
        let catalog = self.inner.held.catalog.read();
        let found = catalog.people.accounts.get(&account);
        let is_known = found.is_some_and(|one| one.disabled_at.is_none() && one.epoch == epoch);
        let is_good = |token| {
            let token = catalog.people.tokens.get(&token);
            let same = token.filter(|token| (token.account, token.epoch) == (account, epoch));
            same.is_some_and(|token| token.expires_at > now)
        };
        is_known && token.is_none_or(is_good)
    }
}

#[cfg(test)]
mod tests;
