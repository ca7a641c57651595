//! What a password must be: long rather than odd (NIST SP 800-63B section 5.1.1.2).

use std::fmt;

use weir_model::{AccountName, Secret};
use zeroize::Zeroizing;

/// Characters of a password.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=128;

/// Passwords that everybody tries first, in small letters, among those long enough to be asked about.
const COMMONEST: [&str; 48] = [
    "00000000",
    "11111111",
    "11223344",
    "12121212",
    "123123123",
    "12341234",
    "12345678",
    "123456789",
    "1234567890",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "87654321",
    "987654321",
    "aa123456",
    "abc12345",
    "abcd1234",
    "abcdefgh",
    "adminadmin",
    "asdfasdf",
    "asdfghjkl",
    "baseball",
    "changeme",
    "computer",
    "dragon123",
    "football",
    "football1",
    "iloveyou",
    "iloveyou1",
    "internet",
    "jennifer",
    "letmein1",
    "michelle",
    "p@ssw0rd",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "princess",
    "qwer1234",
    "qwerty12",
    "qwerty123",
    "qwertyuiop",
    "starwars",
    "sunshine",
    "superman",
    "trustno1",
    "welcome1",
];

/// A password that keeps the rules, wiped from memory when it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// Why a password is not good enough. The sentence never holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// It has too few or too many characters, or some that cannot be typed.
    #[error("a password has 8 to 128 characters, and no control characters")]
    Length,
    /// It is the account's name.
    #[error("the password is the account's name; choose another one")]
    Name,
    /// Everybody tries it first.
    #[error("this password is among the first that anybody would try; choose another one")]
    Common,
}

impl Password {
    /// A password for the account of this name.
    ///
    /// # Errors
    /// Why it is not good enough.
    pub fn new(secret: &Secret, name: &AccountName) -> Result<Self, WeakPassword> {
        let text = secret.expose();
        // Nobody counts the characters of a book to refuse it.
        let long = text.len() > 4 * PASSWORD_CHARS.end();
        if long
            || !PASSWORD_CHARS.contains(&text.chars().count())
            || text.contains(char::is_control)
        {
            return Err(WeakPassword::Length);
        }
        let folded = Zeroizing::new(text.to_lowercase());
        if *folded == name.as_str() {
            return Err(WeakPassword::Name);
        }
        if COMMONEST.contains(&folded.as_str()) {
            return Err(WeakPassword::Common);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// What somebody typed who claims to know it; only the length is bounded.
    ///
    /// # Errors
    /// When no account can have this password.
    pub fn claimed(secret: &Secret) -> Result<Self, WeakPassword> {
        if secret.expose().len() > 4 * PASSWORD_CHARS.end() {
            return Err(WeakPassword::Length);
        }
        Ok(Self(Zeroizing::new(secret.expose().to_owned())))
    }

    /// The bytes to be hashed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), WeakPassword> {
        Password::new(&Secret::new(text), &"alice_longname".parse().unwrap()).map(drop)
    }

    #[test]
    fn a_password_is_long_enough_and_neither_the_name_nor_a_common_one() {
        assert_eq!(check("correct horse battery"), Ok(()));
        assert_eq!(check("pässwörd"), Ok(()), "characters are counted, not bytes");
        assert_eq!(check("short"), Err(WeakPassword::Length));
        assert_eq!(check(&"x".repeat(129)), Err(WeakPassword::Length));
        assert_eq!(check("with a\0 zero"), Err(WeakPassword::Length));
        assert_eq!(check("Alice_LongName"), Err(WeakPassword::Name));
        assert_eq!(check("PassWord123"), Err(WeakPassword::Common));
        let long = COMMONEST.iter().all(|one| one.len() >= *PASSWORD_CHARS.start());
        assert!(long && COMMONEST.is_sorted());
    }

    #[test]
    fn a_password_is_never_shown() {
        let password = Password::claimed(&Secret::new("correct horse")).unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
        assert!(Password::claimed(&Secret::new("x".repeat(513))).is_err());
    }
}
