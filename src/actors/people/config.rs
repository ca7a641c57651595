//! `[people]` of `cluster.toml`.

use std::fmt;

use weir_model::AccountRole;
use weir_people::Rate;
use weir_people::limits::LOGIN_TOKEN_MS_MAX;

use super::Refusal;

/// An hour in milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// `[people]`: accounts, and how often they may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who may make an account for himself on the viewers' address.
    pub registration: Registration,
    /// How long a log-in lasts. Hours, at most 720 (30 days).
    pub login_hours: u32,
    /// Wrong passwords at once from one IPv4 address or IPv6 /64 network.
    pub failures_per_address: u32,
    /// Wrong passwords at once for one account, from wherever they come: more than one address has, or whoever wants
    /// to shut somebody out could do it alone.
    pub failures_per_account: u32,
    /// Seconds until one more wrong password is let through, by address and by account.
    pub failure_refill_secs: u32,
    /// New accounts at once from one IPv4 address or IPv6 /64 network.
    pub registrations_per_address: u32,
    /// Seconds until one more account may be made from there.
    pub registration_refill_secs: u32,
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Nobody; operators make accounts.
    Closed,
    /// Viewers.
    #[default]
    Viewers,
    /// Viewers and streamers.
    Streamers,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            registration: Registration::Viewers,
            login_hours: 336,
            failures_per_address: 20,
            failures_per_account: 60,
            failure_refill_secs: 30,
            registrations_per_address: 10,
            registration_refill_secs: 600,
        }
    }
}

impl Config {
    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// A sentence that names the key and its range.
    pub fn check(&self) -> Result<(), &'static str> {
        if !(1..=720).contains(&self.login_hours) {
            return Err("people.login_hours must be 1 to 720");
        }
        let bursts =
            [self.failures_per_address, self.failures_per_account, self.registrations_per_address];
        if bursts.iter().any(|burst| !(1..=10_000).contains(burst)) {
            return Err(
                "people.failures_per_address, failures_per_account and registrations_per_address must be 1 to 10000",
            );
        }
        let refills = [self.failure_refill_secs, self.registration_refill_secs];
        if refills.iter().any(|secs| !(1..=86_400).contains(secs)) {
            return Err(
                "people.failure_refill_secs and registration_refill_secs must be 1 to 86400",
            );
        }
        Ok(())
    }

    pub(super) fn login_ms(&self) -> i64 {
        (i64::from(self.login_hours) * HOUR_MS).min(LOGIN_TOKEN_MS_MAX)
    }

    pub(super) fn address_rate(&self) -> Rate {
        rate(self.failures_per_address, self.failure_refill_secs)
    }

    pub(super) fn account_rate(&self) -> Rate {
        rate(self.failures_per_account, self.failure_refill_secs)
    }

    pub(super) fn registration_rate(&self) -> Rate {
        rate(self.registrations_per_address, self.registration_refill_secs)
    }
}

fn rate(burst: u32, refill_secs: u32) -> Rate {
    Rate { burst, refill_ms: u64::from(refill_secs) * 1000 }
}

impl Registration {
    /// Whether somebody may register with this role.
    pub(super) fn check(self, role: AccountRole) -> Result<(), Refusal> {
        match (self, role) {
            (Self::Viewers | Self::Streamers, AccountRole::Viewer)
            | (Self::Streamers, AccountRole::Streamer) => Ok(()),
            (Self::Closed, _) => Err(Refusal::Closed),
            (Self::Viewers | Self::Streamers, role) => Err(Refusal::Role(role)),
        }
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Viewers => "viewers",
            Self::Streamers => "streamers",
        })
    }
}
