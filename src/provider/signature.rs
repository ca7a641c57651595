//! Signatures of what is sent: `t=1700000000,v1=5257a8…`, an HMAC-SHA256 over the time, a point and the bytes as they
//! are sent. Several `v1`, and several secrets, are good while one secret is changed for the next.

use std::fmt;

use aws_lc_rs::hmac;

/// The header that carries it.
pub const HEADER: &str = "weir-signature";
/// Seconds that the signer's clock may be off, and a message may be on its way.
pub const TOLERANCE_S: u64 = 300;
/// Secrets that are good at one time.
pub const SECRETS_MAX: usize = 4;
/// Characters of a secret at least.
pub const SECRET_CHARS_MIN: usize = 24;
/// Signatures of one message that are looked at.
const SIGNATURES_MAX: usize = 8;
const HEADER_CHARS_MAX: usize = 2_048;

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// There is no signature in the header.
    #[error("the header `{HEADER}` has to say `t=SECONDS,v1=HEX`")]
    Malformed,
    /// It was signed at another time.
    #[error(
        "it was signed more than {TOLERANCE_S} s ago, or will be; set both clocks right and sign it anew"
    )]
    Late,
    /// No secret of ours made it.
    #[error("the signature is not made with a secret of this provider over these bytes")]
    Wrong,
}

/// Text that is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Too short.
    #[error("a secret has at least {SECRET_CHARS_MIN} characters")]
    Short,
    /// None or too many.
    #[error("there are 1 to {SECRETS_MAX} secrets")]
    Count,
}

/// What both sides know. Never shown.
#[derive(Clone)]
pub struct Secrets(Vec<hmac::Key>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

impl Secrets {
    /// The newest first: with it we sign, and all of them are believed.
    ///
    /// # Errors
    /// When there is none, there are too many, or one is too short.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidSecret> {
        let key = |secret: &str| match secret.len() >= SECRET_CHARS_MIN {
            true => Ok(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())),
            false => Err(InvalidSecret::Short),
        };
        let keys: Vec<hmac::Key> =
            secrets.into_iter().map(|secret| key(secret.trim())).collect::<Result<_, _>>()?;
        match (1..=SECRETS_MAX).contains(&keys.len()) {
            true => Ok(Self(keys)),
            false => Err(InvalidSecret::Count),
        }
    }

    /// The header of a message that is sent at `now`, in seconds since 1970.
    #[must_use]
    pub fn sign(&self, now: u64, body: &[u8]) -> String {
        let signature = self.0.first().map(|key| hex(hmac::sign(key, &signed(now, body)).as_ref()));
        format!("t={now},v1={}", signature.unwrap_or_default())
    }

    /// Believes a message that one of the secrets signed about `now`.
    ///
    /// # Errors
    /// Says why not.
    pub fn verify(&self, header: &str, body: &[u8], now: u64) -> Result<(), Unsigned> {
        let (time, signatures) = parse(header).ok_or(Unsigned::Malformed)?;
        if now.abs_diff(time) > TOLERANCE_S {
            return Err(Unsigned::Late);
        }
        let message = signed(time, body);
        let is_good = |signature: &Vec<u8>| {
            // Each comparison takes the same time wherever they differ.
            self.0.iter().any(|key| hmac::verify(key, &message, signature).is_ok())
        };
        match signatures.iter().any(is_good) {
            true => Ok(()),
            false => Err(Unsigned::Wrong),
        }
    }
}

fn signed(time: u64, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{time}.").into_bytes();
    message.extend_from_slice(body);
    message
}

/// The time and every `v1`; none when there is not one time and a signature. What else is said is passed over.
fn parse(header: &str) -> Option<(u64, Vec<Vec<u8>>)> {
    if header.len() > HEADER_CHARS_MAX {
        return None;
    }
    let (mut time, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", text) if time.is_none() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                time = Some(text.parse().ok()?);
            }
            ("t", _) => return None,
            ("v1", text) if signatures.len() < SIGNATURES_MAX => signatures.push(unhex(text)?),
            _ => {}
        }
    }
    Some((time?, signatures)).filter(|(_, signatures)| !signatures.is_empty())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    if is_hex { (0..text.len()).step_by(2).map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const OLD: &str = "the-secret-of-last-year-123";
    const NEW: &str = "the-secret-of-this-year-456";

    fn secrets(all: &[&str]) -> Secrets {
        Secrets::new(all.iter().copied()).unwrap()
    }

    #[test]
    fn it_is_the_hmac_of_the_time_a_point_and_the_raw_bytes() {
        // What openssl says: printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac the-secret-of-last-year-123
        let header = secrets(&[OLD]).sign(NOW, BODY);
        assert_eq!(
            header,
            "t=1700000000,v1=c9429708236b655dd50974a1a69ed74b388559e6ec1c637f21603eb5bf10cbfd"
        );
    }

    #[test]
    fn what_a_secret_signed_is_believed_for_five_minutes() {
        let header = secrets(&[OLD]).sign(NOW, BODY);
        for now in [NOW - 300, NOW, NOW + 300] {
            assert_eq!(secrets(&[OLD]).verify(&header, BODY, now), Ok(()));
        }
        for now in [NOW - 301, NOW + 301] {
            assert_eq!(secrets(&[OLD]).verify(&header, BODY, now), Err(Unsigned::Late));
        }
        assert_eq!(secrets(&[OLD]).verify(&header, b"{}", NOW), Err(Unsigned::Wrong));
        assert_eq!(secrets(&[NEW]).verify(&header, BODY, NOW), Err(Unsigned::Wrong));
        let later = header.replace("1700000000", "1700000001");
        assert_eq!(secrets(&[OLD]).verify(&later, BODY, NOW), Err(Unsigned::Wrong));
    }

    #[test]
    fn both_secrets_are_good_while_one_follows_the_other() {
        let [old, new] = [OLD, NEW].map(|secret| secrets(&[secret]).sign(NOW, BODY));
        for header in [&old, &new] {
            assert_eq!(secrets(&[NEW, OLD]).verify(header, BODY, NOW), Ok(()));
        }
        let both = format!("{new},{}", old.split_once(',').unwrap().1);
        assert_eq!(secrets(&[OLD]).verify(&both, BODY, NOW), Ok(()));
        assert_eq!(secrets(&[NEW, OLD]).sign(NOW, BODY), new);
    }

    #[test]
    fn what_is_no_signature_is_none() {
        let good = secrets(&[OLD]).sign(NOW, BODY);
        let v1 = good.split_once(',').unwrap().1;
        let headers = [
            String::new(),
            "t=1700000000".into(),
            v1.into(),
            format!("t=1700000000,{good}"),
            format!("t=+1700000000,{v1}"),
            format!("t=99999999999999999999,{v1}"),
            format!("{good}0"),
            good.replace("v1=", "v1=zz"),
            format!("{good},{}", "x=".repeat(2_000)),
        ];
        for header in headers {
            let said = secrets(&[OLD]).verify(&header, BODY, NOW);
            assert_eq!(said, Err(Unsigned::Malformed), "{header:.90}");
        }
        assert_eq!(secrets(&[OLD]).verify(&format!("{good},v0=1"), BODY, NOW), Ok(()));
        let many = format!("t={NOW}{}", format!(",v1={}", "0".repeat(64)).repeat(8));
        let hidden = format!("{many},{v1}");
        assert_eq!(secrets(&[OLD]).verify(&hidden, BODY, NOW), Err(Unsigned::Wrong));
    }

    #[test]
    fn secrets_are_few_long_and_never_shown() {
        assert_eq!(Secrets::new(["short"]).err(), Some(InvalidSecret::Short));
        assert_eq!(Secrets::new([]).err(), Some(InvalidSecret::Count));
        assert_eq!(Secrets::new([OLD; 5]).err(), Some(InvalidSecret::Count));
        assert_eq!(format!("{:?}", secrets(&[OLD, NEW])), "2 secrets");
    }
}
