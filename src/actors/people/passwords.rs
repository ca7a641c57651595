//! Passwords to hashes, off the executor and never many at once: argon2id (RFC 9106) with the parameters that the OWASP
//! password storage cheat sheet names first.
//!
//! Only this file names the library.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use weir_people::Password;

use super::Refusal;
use crate::store::{PasswordHash, StoreError};

/// Memory of one hash, KiB.
const MEMORY_KIB: u32 = 19_456;

/// Passes over it.
const PASSES: u32 = 2;

/// Hashes at the same time: 38 MiB and two processors at most, whoever knocks.
const RUNNING_MAX: usize = 2;

/// Hashes that wait for their turn: about a second of them. Further ones are refused and counted as `busy`.
const WAITING_MAX: usize = 64;

/// Bytes of a salt (RFC 9106 section 3.1).
const SALT_BYTES: usize = 16;

/// What a password is compared with when there is none to compare with, so that it takes as long. Nobody knows a
/// password for it, and the answer is not looked at.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlzIQ$\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The place where passwords are hashed.
pub(super) struct Passwords {
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Passwords {
    pub(super) fn new() -> Self {
        let running = Arc::new(Semaphore::new(RUNNING_MAX));
        Self { running, waiting: Semaphore::new(WAITING_MAX) }
    }

    /// The hash of a password with a new salt.
    pub(super) async fn hash(&self, password: Password) -> Result<PasswordHash, Refusal> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|error| failed(&error))?;
        let made = self.run(move || hash(&password, &salt)).await?;
        made.map_err(|error| failed(&error))
    }

    /// Whether `password` is the one that `kept` was made of. Takes as long when there is none.
    pub(super) async fn fits(
        &self,
        password: Password,
        kept: Option<PasswordHash>,
    ) -> Result<bool, Refusal> {
        self.run(move || {
            let known = kept.as_ref().map_or(NOBODYS, PasswordHash::as_str);
            let same = Argon2::default().verify_password(password.as_bytes(), known).is_ok();
            same && kept.is_some()
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let waiting = self.waiting.try_acquire().map_err(|_| Refusal::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await;
        drop(waiting);
        // The place is held by the work itself: whoever gives up waiting does not make room for another one.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(running);
            done
        });
        done.await.map_err(|error| failed(&error))
    }
}

fn hash(password: &Password, salt: &[u8]) -> Result<PasswordHash, argon2::password_hash::Error> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let made = argon2.hash_password_with_salt(password.as_bytes(), salt)?;
    Ok(PasswordHash::new(made.to_string()))
}

fn failed(error: &impl ToString) -> Refusal {
    Refusal::Store(StoreError::Io(format!("a password cannot be hashed: {}", error.to_string())))
}

#[cfg(test)]
mod tests {
    use weir_model::Secret;

    use super::*;

    fn password(text: &str) -> Password {
        Password::claimed(&Secret::new(text)).unwrap()
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_only_and_names_its_parameters() {
        let passwords = Passwords::new();
        let kept = passwords.hash(password("correct horse")).await.unwrap();
        assert!(kept.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.as_str());
        let other = passwords.hash(password("correct horse")).await.unwrap();
        assert_ne!(kept, other, "each has a salt of its own");
        assert!(passwords.fits(password("correct horse"), Some(kept.clone())).await.unwrap());
        assert!(!passwords.fits(password("correct hors"), Some(kept)).await.unwrap());
        assert!(!passwords.fits(password("correct horse"), None).await.unwrap());
    }

    #[test]
    fn nobodys_hash_is_computed_like_any_other() {
        let own = hash(&password("x"), &[1; SALT_BYTES]).unwrap();
        let parameters = |phc: &str| phc.rsplitn(3, '$').last().unwrap().to_owned();
        assert_eq!(parameters(own.as_str()), parameters(NOBODYS));
        assert_eq!(own.as_str().len(), NOBODYS.len());
        let parsed = argon2::password_hash::phc::PasswordHash::new(NOBODYS).unwrap();
        assert_eq!(parsed.hash.unwrap().len(), 32);
    }

    #[tokio::test]
    async fn what_is_too_much_is_refused_at_once() {
        let passwords = Passwords::new();
        let _all = passwords.waiting.try_acquire_many(WAITING_MAX as u32).unwrap();
        assert!(matches!(passwords.hash(password("x")).await, Err(Refusal::Busy)));
    }
}
