use std::os::unix::fs::PermissionsExt;

use rustls::pki_types::pem::PemObject;

use super::*;

const NOON: Timestamp = Timestamp(1_800_000_000_000);
const DAY_MS: i64 = 24 * 3600 * 1000;

fn roles(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn issue(authority: &Authority, words: &[&str]) -> Result<Issued, TrustError> {
    authority.issue(NodeId(0xabc), &roles(words), &NodeKey::new()?.public(), NOON)
}

fn der(issued: &Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

#[test]
fn a_certificate_says_node_and_roles_and_no_two_have_one_serial() {
    let authority = Authority::new(NOON).unwrap();
    let first = certificate::identity(&der(&issue(&authority, &["ingest", "voter"]).unwrap()));
    let second = certificate::identity(&der(&issue(&authority, &[]).unwrap()));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.node, &first.roles), (NodeId(0xabc), &roles(&["ingest", "voter"])));
    assert_eq!(second.roles, roles(&[]));
    assert_ne!(first.serial, second.serial);
}

#[test]
fn what_is_no_node_certificate_has_no_identity() {
    let authority = Authority::new(NOON).unwrap();
    let own = CertificateDer::from_pem_slice(authority.to_pem().as_bytes()).unwrap();
    assert!(certificate::identity(&own).is_err());
    assert!(certificate::identity(&CertificateDer::from(vec![0; 40])).is_err());
}

#[test]
fn a_role_that_is_not_a_word_is_refused() {
    let authority = Authority::new(NOON).unwrap();
    for bad in ["", "Edge", "a.b", "*", &"x".repeat(33)] {
        assert_eq!(issue(&authority, &[bad]), Err(TrustError::BadRole(bad.into())), "{bad}");
    }
}

#[test]
fn the_authority_survives_a_restart_and_only_its_owner_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let made = Authority::open_or_new(dir.path(), NOON).unwrap();
    let again = Authority::open_or_new(dir.path(), NOON.plus_ms(DAY_MS)).unwrap();
    assert_eq!(made.fingerprint(), again.fingerprint());
    let file = std::fs::metadata(dir.path().join("cluster-authority.pem")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    // What it signs after the restart is believed by who knew it before.
    let key = NodeKey::new().unwrap();
    let before = made.issue(NodeId(1), &roles(&[]), &key.public(), NOON).unwrap();
    let after = again.issue(NodeId(1), &roles(&[]), &key.public(), NOON).unwrap();
    let trust = Trust::new(Credentials::new(before, &key), None).unwrap();
    let verifier = verify::Verifier(Arc::new(trust));
    let at = rustls::pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_millis(
        NOON.0.unsigned_abs(),
    ));
    use rustls::server::danger::ClientCertVerifier;
    assert!(verifier.verify_client_cert(&der(&after), &[], at).is_ok());
}

#[test]
fn a_node_finds_its_certificate_again() {
    let dir = tempfile::tempdir().unwrap();
    let found = |node| Trust::found(dir.path(), NodeId(node), &roles(&["voter"]), NOON).unwrap();
    let first = found(1);
    assert_eq!(first.issued(), found(1).issued());
    assert_eq!(Trust::open(dir.path()).unwrap().unwrap().issued(), first.issued());
    assert_ne!(found(2).issued(), first.issued());
    let file = std::fs::metadata(dir.path().join("node-certificate.json")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_certificate_says_its_key() {
    let authority = Authority::new(NOON).unwrap();
    let key = NodeKey::new().unwrap().public();
    let issued = authority.issue(NodeId(1), &roles(&[]), &key, NOON).unwrap();
    assert_eq!(certificate::identity(&der(&issued)).unwrap().key, key.fingerprint());
}

#[test]
fn the_next_key_is_ready_from_the_first_start_and_the_same_at_each() {
    let dir = tempfile::tempdir().unwrap();
    let keys = |trust: &Trust| (trust.keys(), trust.next_key().unwrap().unwrap().public());
    let found = Trust::found(dir.path(), NodeId(1), &roles(&[]), NOON).unwrap();
    let (both, next) = keys(&found);
    assert_eq!((both.len(), both[1]), (2, next.fingerprint()));
    assert_ne!(both[0], both[1]);
    assert_eq!(keys(&Trust::open(dir.path()).unwrap().unwrap()), (both.clone(), next));
    // What the version before left has none; it is made, and kept.
    let file = dir.path().join("node-certificate.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut older: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&text).unwrap();
    older.remove("next").unwrap();
    std::fs::write(&file, serde_json::to_string(&older).unwrap()).unwrap();
    let upgraded = keys(&Trust::open(dir.path()).unwrap().unwrap());
    assert_eq!(upgraded.0[0], both[0]);
    assert_ne!(upgraded.0[1], both[1]);
    assert_eq!(keys(&Trust::open(dir.path()).unwrap().unwrap()), upgraded);
    let file = std::fs::metadata(file).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_certificate_is_renewed_at_two_thirds_of_its_life() {
    let issued = issue(&Authority::new(NOON).unwrap(), &[]).unwrap();
    assert_eq!(issued.not_after.since_ms(issued.not_before), 30 * DAY_MS);
    assert!(!renew::is_due(&issued, NOON.plus_ms(20 * DAY_MS - 1)));
    assert!(renew::is_due(&issued, NOON.plus_ms(20 * DAY_MS)));
}

#[test]
fn a_certificate_of_another_node_or_cluster_does_not_replace_the_own_one() {
    let dir = tempfile::tempdir().unwrap();
    let trust = Trust::found(dir.path(), NodeId(1), &roles(&[]), NOON).unwrap();
    let key = NodeKey::new().unwrap();
    let made = |authority: &Authority, node| {
        let issued = authority.issue(NodeId(node), &roles(&[]), &key.public(), NOON).unwrap();
        trust.renew(Credentials::new(issued, &key))
    };
    let own = trust.authority().unwrap();
    assert!(made(&own, 2).is_err());
    assert!(made(&Authority::new(NOON).unwrap(), 1).is_err());
    assert_eq!(made(&own, 1), Ok(()));
}

#[test]
fn an_unreadable_file_is_an_error_and_not_a_new_beginning() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("cluster-authority.pem"), "garbage").unwrap();
    assert!(matches!(Authority::open_or_new(dir.path(), NOON), Err(TrustError::Unreadable(..))));
}

#[test]
fn no_secret_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let trust = Trust::found(dir.path(), NodeId(1), &roles(&[]), NOON).unwrap();
    let printed = format!("{trust:?} {:?}", NodeKey::new().unwrap());
    assert!(!printed.contains("PRIVATE KEY"), "{printed}");
}
