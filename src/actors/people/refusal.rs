//! Why somebody is not let in, and how that is told.

use weir_model::account::InvalidAccountName;
use weir_model::{AccountName, AccountRole, ApiError, ErrorCode};
use weir_people::{NameRefusal, Spent, WeakPassword};

use crate::store::StoreError;

/// Why not. No sentence tells whether an account exists, but when its name is wanted for another one.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Too many passwords wait to be checked.
    #[error("too many people sign in at this moment; try again in a few seconds")]
    Busy,
    /// Nobody may register.
    #[error("accounts are made by the operators of this site only")]
    Closed,
    /// The password was right, but the account can do nothing.
    #[error("this account is disabled")]
    Disabled,
    /// The name cannot be one.
    #[error(transparent)]
    InvalidName(#[from] InvalidAccountName),
    /// The name belongs to somebody else.
    #[error("the name `{0}` is taken; choose another one")]
    NameTaken(AccountName),
    /// The password is not good enough.
    #[error(transparent)]
    Password(#[from] WeakPassword),
    /// The name belongs to the house.
    #[error(transparent)]
    Reserved(#[from] NameRefusal),
    /// Nobody may register so.
    #[error("nobody can register as {0} here")]
    Role(AccountRole),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many wrong passwords for this account.
    #[error("too many wrong passwords for this account; try again in {} s", .1.retry_secs())]
    TooManyOfAccount(AccountName, Spent),
    /// Too many wrong passwords from this address.
    #[error("too many wrong passwords from your address; try again in {} s", .0.retry_secs())]
    TooManyOfAddress(Spent),
    /// Too many new accounts from this address.
    #[error("too many accounts were made from your address; try again in {} s", .0.retry_secs())]
    TooManyRegistrations(Spent),
    /// Unknown name or wrong password.
    #[error("the name or the password is wrong")]
    Wrong,
}

impl Refusal {
    /// Every word of [`Self::outcome`].
    pub(super) const OUTCOMES: &[&str] = &[
        "busy",
        "closed",
        "disabled",
        "invalid",
        "taken",
        "failed",
        "account_slowed",
        "address_slowed",
        "wrong",
    ];

    /// In one word, for counters.
    pub(super) const fn outcome(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Closed | Self::Role(_) => "closed",
            Self::Disabled => "disabled",
            Self::InvalidName(_) | Self::Password(_) | Self::Reserved(_) => "invalid",
            Self::NameTaken(_) => "taken",
            Self::Store(_) => "failed",
            Self::TooManyOfAccount(..) => "account_slowed",
            Self::TooManyOfAddress(_) | Self::TooManyRegistrations(_) => "address_slowed",
            Self::Wrong => "wrong",
        }
    }

    /// Seconds after which it may be tried again, when that helps.
    #[must_use]
    pub const fn retry_secs(&self) -> Option<u64> {
        match self {
            Self::TooManyOfAccount(_, spent)
            | Self::TooManyOfAddress(spent)
            | Self::TooManyRegistrations(spent) => Some(spent.retry_secs()),
            Self::Busy => Some(2),
            _ => None,
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Busy => ErrorCode::Unavailable,
            Refusal::Closed | Refusal::Disabled | Refusal::Role(_) => ErrorCode::Forbidden,
            Refusal::InvalidName(_) | Refusal::Password(_) | Refusal::Reserved(_) => {
                ErrorCode::Invalid
            }
            Refusal::NameTaken(_) => ErrorCode::Conflict,
            Refusal::TooManyOfAccount(..)
            | Refusal::TooManyOfAddress(_)
            | Refusal::TooManyRegistrations(_) => ErrorCode::TooMany,
            Refusal::Wrong => ErrorCode::Unauthorized,
            Refusal::Store(_) => {
                let Refusal::Store(error) = refusal else {
                    return Self::new(ErrorCode::Internal, refusal.to_string());
                };
                return error.into();
            }
        };
        Self::new(code, refusal.to_string())
    }
}
