//! Passes and renewals come and go with what they are for.

use weir_model::Timestamp;

use super::*;
use crate::store::catalog::Command;

const FAN: AccountId = AccountId(2);

fn made(catalog: &mut Catalog, command: Command) -> Result<(), StoreError> {
    let (changes, _) = catalog.plan(command, 1)?;
    changes.iter().for_each(|change| catalog.apply(change));
    Ok(())
}

fn with_channel() -> (Catalog, ChannelName, Good) {
    let (mut catalog, name): (_, ChannelName) = (Catalog::default(), "demo".parse().unwrap());
    let (title, owner, created_at) = (String::new(), AccountId(1), Timestamp(0));
    made(&mut catalog, Command::CreateChannel { name: name.clone(), title, owner, created_at })
        .unwrap();
    let good = Good::Channel(catalog.channel(&name).unwrap().ledger_id());
    (catalog, name, good)
}

fn follow(put: &[Pass], gone: &[PassId]) -> Command {
    Command::Passes(PassChange::Follow { put: put.to_vec(), gone: gone.to_vec() })
}

fn pass(good: Good, account: u64) -> Pass {
    Pass { id: PassId { good, account: AccountId(account) }, until: Some(Timestamp(9)) }
}

#[test]
fn a_deleted_channel_takes_its_members_along_and_one_of_its_name_is_another_one() {
    let (mut catalog, name, good) = with_channel();
    let ticket = pass(Good::Event(3), FAN.0);
    made(&mut catalog, follow(&[pass(good, FAN.0), ticket], &[])).unwrap();
    let renewal =
        Renewal { account: FAN, channel: name.clone(), price: "1.00".into(), period_secs: 60 };
    made(&mut catalog, Command::Passes(PassChange::Renew(renewal))).unwrap();
    made(&mut catalog, Command::DeleteChannel { name: name.clone() }).unwrap();
    assert_eq!(catalog.passes.iter().collect::<Vec<_>>(), [&ticket]);
    assert_eq!(catalog.passes.renewals().count(), 0);
    let (title, owner, created_at) = (String::new(), AccountId(1), Timestamp(1));
    made(&mut catalog, Command::CreateChannel { name: name.clone(), title, owner, created_at })
        .unwrap();
    assert_ne!(good, Good::Channel(catalog.channel(&name).unwrap().ledger_id()));
}

#[test]
fn one_change_is_a_small_entry_of_the_log() {
    let (mut catalog, _, good) = with_channel();
    let some: Vec<Pass> = (0..=PASSES_AT_ONCE_MAX as u64).map(|n| pass(good, n)).collect();
    made(&mut catalog, follow(&some, &[])).unwrap_err();
    made(&mut catalog, follow(&some[1..], &[])).unwrap();
    assert_eq!(catalog.passes.of_good(good).count(), PASSES_AT_ONCE_MAX);
    made(&mut catalog, follow(&[], &[some[1].id, some[0].id])).unwrap();
    assert_eq!(catalog.passes.len(), PASSES_AT_ONCE_MAX - 1);
}

#[test]
fn what_is_stored_of_a_public_channel_is_what_it_always_was() {
    let (mut catalog, name, _) = with_channel();
    let text = |catalog: &Catalog| {
        let entry = Entry::Channel(catalog.channel(&name).unwrap().clone());
        String::from_utf8(entry.encode().unwrap()).unwrap()
    };
    assert!(!text(&catalog).contains("access"), "{}", text(&catalog));
    let (price, currency) = ("4.99".into(), "EUR".into());
    let access = Access::Members { price, currency, period_secs: 60 };
    made(&mut catalog, Command::SetAccess { channel: name.clone(), access }).unwrap();
    let stored = text(&catalog);
    assert!(stored.contains(r#""access":{"kind":"members""#), "{stored}");
    assert!(Entry::decode(b"channel/demo", stored.as_bytes()).is_ok());
}

#[test]
fn a_pass_is_read_from_its_own_place() {
    for good in [Good::Channel(u128::MAX), Good::Event(1)] {
        let entry = Entry::Pass(pass(good, 2));
        let bytes = entry.encode().unwrap();
        assert_eq!(Entry::decode(entry.name().as_bytes(), &bytes), Ok(entry));
    }
}
