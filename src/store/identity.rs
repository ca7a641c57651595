//! Secrets and ids: how they are made, written and compared.
//!
//! A secret is random and long enough that nobody guesses it, so a fast keyed hash is enough: the database
//! alone opens nothing, and finding a key by its hash tells nothing about the secret by its timing.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use weir_model::limits::KEY_SECRET_BYTES;
use weir_model::local::OPERATOR_TOKEN_FILE;
use weir_model::{AccountId, AccountRole, Incarnation, NodeId, Timestamp};
use weir_people::name::OPERATOR;

use super::StoreError;
use super::record::{AccountRecord, ClusterRecord, Hex32, NodeRecord};

/// The operator token lives long and opens everything: 256 random bits.
const TOKEN_BYTES: usize = 32;

/// Its length as text.
const TOKEN_CHARS: usize = (TOKEN_BYTES * 8).div_ceil(5);

/// Crockford's alphabet in lower case: no `i`, `l`, `o`, `u`, so that a key can be read out loud.
const BASE_32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What a hash is for; the same text never has the same hash for two purposes.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    StreamKey,
    OperatorToken,
    /// Makes the key under which invitations are hashed.
    Invitations,
    /// Makes the key of viewers' tickets.
    Tickets,
    Token,
}

/// A new secret for a stream key.
pub(super) fn key_secret() -> Result<String, StoreError> {
    random::<KEY_SECRET_BYTES>().map(|bytes| base_32(&bytes))
}

/// What every token's secret begins with, so that one that lies around is known for what it is.
const TOKEN_PREFIX: &str = "wt_";

/// A new secret for a token.
pub(super) fn token_secret() -> Result<String, StoreError> {
    random::<KEY_SECRET_BYTES>().map(|bytes| format!("{TOKEN_PREFIX}{}", base_32(&bytes)))
}

/// A new random id.
pub(super) fn id() -> Result<u64, StoreError> {
    random::<8>().map(u64::from_be_bytes)
}

/// The keyed hash of `secret`.
pub(super) fn hash(hash_secret: &Hex32, purpose: Purpose, secret: &str) -> Hex32 {
    let purpose: &[u8] = match purpose {
        Purpose::StreamKey => b"weir stream key\0",
        Purpose::OperatorToken => b"weir operator token\0",
        Purpose::Invitations => b"weir invitations\0",
        Purpose::Tickets => b"weir tickets\0",
        Purpose::Token => b"weir token\0",
    };
    let mut hasher = blake3::Hasher::new_keyed(&hash_secret.0);
    hasher.update(purpose).update(secret.as_bytes());
    Hex32(*hasher.finalize().as_bytes())
}

/// Compares two hashes in constant time.
pub(super) fn same(one: &Hex32, other: &Hex32) -> bool {
    blake3::Hash::from_bytes(one.0) == blake3::Hash::from_bytes(other.0)
}

/// What a node is made with at its first start, beside its operator's account.
pub(super) fn new_node(now: Timestamp) -> Result<(NodeRecord, AccountRecord), StoreError> {
    let id = NodeId(id()?);
    let node = NodeRecord {
        id,
        name: node_name(id),
        made_at: now,
        hash_secret: Hex32(random()?),
        // The hash of no text; replaced by that of the token before the node is used.
        operator_token: Hex32([0; 32]),
    };
    let name =
        OPERATOR.parse().map_err(|error| StoreError::Invalid(format!("{OPERATOR}: {error}")))?;
    let roles = [AccountRole::Operator].into_iter().collect();
    let operator = AccountRecord::new(AccountId(self::id()?), name, roles, None, now);
    Ok((node, operator))
}

/// The record of a node whose own is lost; what the nodes share comes back by itself.
pub(super) fn node_again(id: NodeId, now: Timestamp) -> NodeRecord {
    let none = Hex32([0; 32]);
    NodeRecord { id, name: node_name(id), made_at: now, hash_secret: none, operator_token: none }
}

/// The number of this start: larger than that of every start before it, also when the clock went back.
pub(super) fn next_start(dir: &Path, now: Timestamp) -> Result<Incarnation, StoreError> {
    let file = dir.join("node.start");
    let before = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    let next = before.map_or(0, |before: u64| before.saturating_add(1));
    let start = next.max(u64::try_from(now.0).unwrap_or_default());
    write_private(&file, &format!("{start}\n"))
        .map_err(|error| StoreError::Io(format!("writing {} failed: {error}", file.display())))?;
    Ok(Incarnation(start))
}

fn node_name(id: NodeId) -> String {
    format!("node-{:04x}", id.0 >> 48)
}

/// Where the operator token lies.
pub(super) fn token_file(dir: &Path) -> PathBuf {
    dir.join(OPERATOR_TOKEN_FILE)
}

/// Says that a store was made here, and whose: sled takes a file that it cannot make sense of for an
/// empty one, and an empty store must not be mistaken for a new one.
pub(super) fn marker_file(dir: &Path) -> PathBuf {
    dir.join("node.id")
}

/// The id in the marker, if there is one.
pub(super) fn marked(dir: &Path) -> Option<String> {
    std::fs::read_to_string(marker_file(dir)).ok().map(|text| text.trim().to_owned())
}

/// Writes the marker.
pub(super) fn mark(dir: &Path, id: NodeId) -> Result<(), StoreError> {
    write_private(&marker_file(dir), &format!("{id}\n")).map_err(|error| {
        StoreError::Io(format!("writing {} failed: {error}", marker_file(dir).display()))
    })
}

/// Whether the token in the file is the one that the cluster knows.
pub(super) fn token_fits(dir: &Path, shared: &ClusterRecord) -> bool {
    let Ok(text) = std::fs::read_to_string(token_file(dir)) else { return false };
    same(&hash(&shared.hash_secret, Purpose::OperatorToken, text.trim()), &shared.operator_token)
}

/// Writes a new token's file and answers with the token's hash. A missing file or one that does not fit
/// thus means a new token: who can delete the file could read it, and deleting it is how to replace it.
pub(super) fn new_token(dir: &Path, shared: &ClusterRecord) -> Result<Hex32, StoreError> {
    let token = random::<TOKEN_BYTES>().map(|bytes| base_32(&bytes))?;
    write_private(&token_file(dir), &format!("{token}\n")).map_err(|error| {
        StoreError::Io(format!("writing {} failed: {error}", token_file(dir).display()))
    })?;
    Ok(hash(&shared.hash_secret, Purpose::OperatorToken, &token))
}

/// Writes a token that is to replace the one there is, beside its file, and answers with its hash. What an attempt
/// without an answer wrote is written no second time: it may be good already.
pub(super) fn next_token(dir: &Path, shared: &ClusterRecord) -> Result<Hex32, StoreError> {
    let file = next_token_file(dir);
    let kept = std::fs::read_to_string(&file).ok().map(|text| text.trim().to_owned());
    let token = match kept.filter(|text| text.len() == TOKEN_CHARS) {
        Some(token) => token,
        None => random::<TOKEN_BYTES>().map(|bytes| base_32(&bytes))?,
    };
    write_private(&file, &format!("{token}\n"))
        .map_err(|error| StoreError::Io(format!("writing {} failed: {error}", file.display())))?;
    Ok(hash(&shared.hash_secret, Purpose::OperatorToken, &token))
}

/// The token of [`next_token`] is the cluster's now: its file takes the place of the old one.
pub(super) fn take_next_token(dir: &Path) -> Result<(), StoreError> {
    let (next, file) = (next_token_file(dir), token_file(dir));
    let taken = std::fs::rename(&next, &file).and_then(|()| File::open(dir)?.sync_all());
    taken.map_err(|error| {
        let (next, file) = (next.display(), file.display());
        StoreError::Io(format!(
            "the new token is good and in {next}; renaming it to {file} failed: {error}"
        ))
    })
}

fn next_token_file(dir: &Path) -> PathBuf {
    dir.join(format!("{OPERATOR_TOKEN_FILE}.next"))
}

/// Takes the token's file away.
pub(super) fn drop_token(dir: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(token_file(dir)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let file = token_file(dir);
            Err(StoreError::Io(format!("removing {} failed: {error}", file.display())))
        }
        _ => Ok(()),
    }
}

/// Replaces a file by one that only its owner reads; nobody ever sees half of it.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Io(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// Base 32 without padding; the last character holds what is left of the bits.
fn base_32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        bits = (bits << 8 | u32::from(*byte)) & 0xfff;
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(digit(bits >> held));
        }
    }
    if held > 0 {
        text.push(digit(bits << (5 - held)));
    }
    text
}

fn digit(bits: u32) -> char {
    char::from(BASE_32[(bits & 31) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_26_characters_that_no_two_keys_share() {
        let (one, other) = (key_secret().unwrap(), key_secret().unwrap());
        assert_eq!(one.len(), 26);
        assert!(one.bytes().all(|byte| BASE_32.contains(&byte)));
        assert_ne!(one, other);
    }

    #[test]
    fn each_start_has_a_larger_number_also_when_the_clock_went_back() {
        let dir = tempfile::tempdir().unwrap();
        let start = |now| next_start(dir.path(), Timestamp(now)).unwrap();
        assert_eq!(start(1_000), Incarnation(1_000));
        assert_eq!(start(500), Incarnation(1_001));
        assert_eq!(start(2_000), Incarnation(2_000));
    }

    #[test]
    fn base_32_spends_every_bit() {
        assert_eq!(base_32(&[0xff; 5]), "zzzzzzzz");
        assert_eq!(base_32(&[0x00, 0x44, 0x32, 0x14, 0xc7]), "01234567");
        assert_eq!(base_32(&[0xff; 16]).len(), 26);
        assert_eq!(base_32(&[0x80]), "g0");
    }

    #[test]
    fn a_hash_is_bound_to_its_purpose_and_to_the_node() {
        let (node, other) = (Hex32([1; 32]), Hex32([2; 32]));
        let key = hash(&node, Purpose::StreamKey, "secret");
        assert!(same(&key, &hash(&node, Purpose::StreamKey, "secret")));
        assert!(!same(&key, &hash(&node, Purpose::OperatorToken, "secret")));
        assert!(!same(&key, &hash(&other, Purpose::StreamKey, "secret")));
    }
}
