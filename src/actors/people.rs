//! People who come to the door: they register, sign in, and are known again by what they bring.
//!
//! Rules and budgets are those of [`weir_people`], accounts and tokens those of the store; this is where the two meet the
//! clock, the random numbers and the processors. A place in the budgets is taken before a password is looked at and given
//! back when it was right, so that guessing costs the same at once as one after the other.

mod config;
mod metrics;
mod passwords;
mod refusal;

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::Registry;
use weir_model::address::network;
use weir_model::api::people::Credentials;
use weir_model::{Account, AccountName, AccountRole, Secret, Token, TokenKind};
use weir_people::limits::BUDGET_KEYS_MAX;
use weir_people::{Budgets, Password, Scopes, Spent};

use super::clock;
use super::events::Events;
use crate::store::{Bearer, NewToken, PasswordHash, Store, StoreError, TokenRefusal};
use metrics::Metrics;
use passwords::Passwords;

pub use config::{Config, Registration};
pub use refusal::Refusal;

/// The door. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct People {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    store: Store,
    events: Events,
    passwords: Passwords,
    attempts: Mutex<Attempts>,
    metrics: Metrics,
}

/// Who may still try.
struct Attempts {
    by_address: Budgets<IpAddr>,
    by_account: Budgets<AccountName>,
    registrations: Budgets<IpAddr>,
}

/// Somebody who was let in.
pub struct SignedIn {
    /// Who it is.
    pub account: Account,
    /// By which token he is known from now on.
    pub token: Token,
    /// The token's secret; it stands nowhere else.
    pub secret: String,
}

impl People {
    /// The door of a node.
    ///
    /// # Errors
    /// When the names of its figures are taken.
    pub fn new(
        config: Config,
        store: Store,
        events: Events,
        registry: &Registry,
    ) -> prometheus::Result<Self> {
        let attempts = Mutex::new(Attempts {
            by_address: Budgets::new(config.address_rate(), BUDGET_KEYS_MAX),
            by_account: Budgets::new(config.account_rate(), BUDGET_KEYS_MAX),
            registrations: Budgets::new(config.registration_rate(), BUDGET_KEYS_MAX),
        });
        let (passwords, metrics) = (Passwords::new(), Metrics::new(registry)?);
        let inner = Inner { config, store, events, passwords, attempts, metrics };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Who may register here.
    #[must_use]
    pub fn registration(&self) -> Registration {
        self.inner.config.registration
    }

    /// Who brings the token with this secret.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub fn bearer(&self, secret: &str) -> Result<Bearer, TokenRefusal> {
        self.inner.store.bearer(secret, clock::now())
    }

    /// The hash of a password that keeps the rules.
    ///
    /// # Errors
    /// When it does not, or too many wait for a hash.
    pub async fn hash(&self, name: &AccountName, secret: &Secret) -> Result<PasswordHash, Refusal> {
        let password = Password::new(secret, name)?;
        self.inner.passwords.hash(password).await
    }

    /// Makes an account for somebody who came from `from`, and lets him in.
    ///
    /// # Errors
    /// When nobody may register, or not so; or the name or the password does not do; or too many came from there.
    pub async fn register(&self, from: IpAddr, given: &Credentials) -> Result<SignedIn, Refusal> {
        let made = self.try_register(from, given).await;
        self.inner.metrics.registered(made.as_ref().err());
        if let Ok(made) = &made {
            let (name, id) = (made.account.name.to_string(), made.account.id.to_string());
            let text = format!("account {name} registered");
            let fields =
                [("account", id), ("name", name), ("roles", made.account.roles.to_string())];
            self.inner.events.emit("account.created", None, text, &fields);
        }
        made
    }

    async fn try_register(&self, from: IpAddr, given: &Credentials) -> Result<SignedIn, Refusal> {
        let role = given.role.unwrap_or(AccountRole::Viewer);
        self.inner.config.registration.check(role)?;
        let name: AccountName = given.name.parse()?;
        weir_people::name::check(&name)?;
        let password = Password::new(&given.password, &name)?;
        let network = network(from);
        let taken = self.inner.attempts.lock().registrations.take(&network, clock::monotonic_ms());
        taken.map_err(Refusal::TooManyRegistrations)?;
        if self.inner.store.account(name.as_str()).is_ok() {
            return Err(Refusal::NameTaken(name));
        }
        let hash = match self.inner.passwords.hash(password).await {
            Ok(hash) => hash,
            Err(refusal) => {
                let mut attempts = self.inner.attempts.lock();
                attempts.registrations.give_back(&network, clock::monotonic_ms());
                return Err(refusal);
            }
        };
        let roles = [role].into_iter().collect();
        let made = self.inner.store.create_account(name.clone(), roles, Some(hash), clock::now());
        let account = made.await.map_err(|error| match error {
            StoreError::Exists { .. } => Refusal::NameTaken(name),
            other => Refusal::Store(other),
        })?;
        self.let_in(account, 0).await
    }

    /// Lets somebody in who came from `from` and knows the password.
    ///
    /// # Errors
    /// When he does not, or was wrong too often, or the account is disabled.
    pub async fn login(&self, from: IpAddr, given: &Credentials) -> Result<SignedIn, Refusal> {
        let signed_in = self.try_login(from, given).await;
        self.inner.metrics.logged_in(signed_in.as_ref().err());
        signed_in
    }

    async fn try_login(&self, from: IpAddr, given: &Credentials) -> Result<SignedIn, Refusal> {
        let network = network(from);
        // What cannot be a name costs an attempt of its address, so that nothing here is for free.
        let named: Option<AccountName> = given.name.parse().ok();
        self.take(&network, named.as_ref())?;
        let (Some(name), Ok(password)) = (named, Password::claimed(&given.password)) else {
            return Err(Refusal::Wrong);
        };
        let credential = self.inner.store.credential(&name);
        let kept = credential.as_ref().and_then(|known| known.password.clone());
        let right = self.inner.passwords.fits(password, kept).await;
        if matches!(right, Ok(true) | Err(_)) {
            self.give_back(&network, &name);
        }
        let Some(known) = credential.filter(|_| matches!(right, Ok(true))) else {
            self.tell_if_spent(&name);
            return Err(right.err().unwrap_or(Refusal::Wrong));
        };
        if known.account.disabled_at.is_some() {
            return Err(Refusal::Disabled);
        }
        self.let_in(known.account, known.epoch).await
    }

    fn take(&self, network: &IpAddr, name: Option<&AccountName>) -> Result<(), Refusal> {
        let now = clock::monotonic_ms();
        let mut attempts = self.inner.attempts.lock();
        attempts.by_address.take(network, now).map_err(Refusal::TooManyOfAddress)?;
        let Some(name) = name else { return Ok(()) };
        let taken: Result<(), Spent> = attempts.by_account.take(name, now);
        taken.map_err(|spent| {
            // It learned nothing.
            attempts.by_address.give_back(network, now);
            Refusal::TooManyOfAccount(name.clone(), spent)
        })
    }

    fn give_back(&self, network: &IpAddr, name: &AccountName) {
        let now = clock::monotonic_ms();
        let mut attempts = self.inner.attempts.lock();
        attempts.by_address.give_back(network, now);
        attempts.by_account.give_back(name, now);
    }

    /// Tells that the last wrong password of an account was one too many; whether there is such an account is not said.
    fn tell_if_spent(&self, name: &AccountName) {
        let spent = self.inner.attempts.lock().by_account.is_spent(name, clock::monotonic_ms());
        if spent {
            let text = format!("too many wrong passwords for account {name}; it is slowed down");
            let fields = [("name", name.to_string())];
            self.inner.events.emit_refusal("login.locked", None, text, &fields);
        }
    }

    async fn let_in(&self, account: Account, epoch: u64) -> Result<SignedIn, Refusal> {
        let now = clock::now();
        let new = NewToken {
            account: account.id,
            kind: TokenKind::Login,
            label: String::new(),
            scopes: Scopes::all(),
            channel: None,
            expires_at: now.plus_ms(self.inner.config.login_ms()),
            epoch: Some(epoch),
        };
        let (token, secret) = self.inner.store.create_token(new, now).await?;
        Ok(SignedIn { account, token, secret })
    }

    /// Ends the log-in of whoever asks.
    ///
    /// # Errors
    /// When the cluster takes no changes now.
    pub async fn log_out(&self, bearer: &Bearer) -> Result<(), Refusal> {
        match self.inner.store.revoke_token(bearer.token.id).await {
            // Somebody was faster.
            Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends every token of whoever asks.
    ///
    /// # Errors
    /// When the cluster takes no changes now.
    pub async fn log_out_everywhere(&self, bearer: &Bearer) -> Result<(), Refusal> {
        let account = self.inner.store.log_out(bearer.account.id).await?;
        let text = format!("account {} was logged out everywhere", account.name);
        let fields = [("account", account.id.to_string()), ("by", account.name.to_string())];
        self.inner.events.emit("account.logged_out", None, text, &fields);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
