//! What each plan decides.

use proptest::prelude::*;

use weir_model::AccountId;

use super::*;

fn name(text: &str) -> ChannelName {
    text.parse().unwrap()
}

fn channel(text: &str) -> ChannelRecord {
    ChannelRecord {
        name: name(text),
        title: text.into(),
        owner: AccountId(1),
        created_at: Timestamp(0),
        access: weir_model::Access::Public,
    }
}

fn new_key(id: u64, now: i64) -> NewKey {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&id.to_be_bytes());
    NewKey {
        id: KeyId(id),
        hash: Hex32(hash),
        label: format!("key {id}"),
        expires_at: None,
        now: Timestamp(now),
    }
}

fn apply<T>(catalog: &mut Catalog, planned: Planned<T>) -> Result<T, StoreError> {
    let (changes, answer) = planned?;
    for change in &changes {
        catalog.apply(change);
    }
    Ok(answer)
}

fn with_demo() -> Catalog {
    let mut catalog = Catalog::default();
    let planned = catalog.plan_channel(channel("demo"));
    apply(&mut catalog, planned).unwrap();
    catalog
}

#[test]
fn a_second_channel_of_the_same_name_is_refused() {
    let catalog = with_demo();
    assert!(matches!(catalog.plan_channel(channel("demo")), Err(StoreError::Exists { .. })));
}

#[test]
fn a_key_needs_its_channel_and_a_future() {
    let catalog = with_demo();
    let elsewhere = catalog.plan_key(&name("other"), new_key(1, 0));
    assert!(matches!(elsewhere, Err(StoreError::NotFound { .. })));
    let dead = NewKey { expires_at: Some(Timestamp(5)), ..new_key(1, 5) };
    assert!(matches!(catalog.plan_key(&name("demo"), dead), Err(StoreError::Invalid(_))));
}

#[test]
fn revoking_twice_keeps_the_first_instant() {
    let mut catalog = with_demo();
    let demo = name("demo");
    let planned = catalog.plan_key(&demo, new_key(1, 0));
    apply(&mut catalog, planned).unwrap();
    let planned = catalog.plan_revocation(&demo, KeyId(1), Timestamp(5));
    apply(&mut catalog, planned).unwrap();
    let (changes, key) = catalog.plan_revocation(&demo, KeyId(1), Timestamp(9)).unwrap();
    assert!(changes.is_empty());
    assert_eq!(key.revoked_at, Some(Timestamp(5)));
}

#[test]
fn a_key_of_another_channel_is_not_found() {
    let mut catalog = with_demo();
    let planned = catalog.plan_channel(channel("other"));
    apply(&mut catalog, planned).unwrap();
    let planned = catalog.plan_key(&name("demo"), new_key(1, 0));
    apply(&mut catalog, planned).unwrap();
    let wrong = catalog.plan_revocation(&name("other"), KeyId(1), Timestamp(1));
    assert!(matches!(wrong, Err(StoreError::NotFound { .. })));
}

#[test]
fn rotation_keeps_label_and_end_and_refuses_a_revoked_key() {
    let mut catalog = with_demo();
    let demo = name("demo");
    let first = NewKey { expires_at: Some(Timestamp(100)), ..new_key(1, 0) };
    let planned = catalog.plan_key(&demo, first);
    apply(&mut catalog, planned).unwrap();
    let planned = catalog.plan_rotation(&demo, KeyId(1), None, new_key(2, 10));
    let second = apply(&mut catalog, planned).unwrap();
    assert_eq!((second.label.as_str(), second.expires_at), ("key 1", Some(Timestamp(100))));
    assert_eq!(catalog.keys[&KeyId(1)].revoked_at, Some(Timestamp(10)));
    let again = catalog.plan_rotation(&demo, KeyId(1), None, new_key(3, 11));
    assert!(matches!(again, Err(StoreError::Conflict(_))));
}

#[test]
fn a_full_channel_forgets_its_oldest_revoked_key_but_never_a_working_one() {
    let mut catalog = with_demo();
    let demo = name("demo");
    for id in 0..KEYS_PER_CHANNEL_MAX as u64 {
        let planned = catalog.plan_key(&demo, new_key(id, id as i64));
        apply(&mut catalog, planned).unwrap();
    }
    let full = catalog.plan_key(&demo, new_key(1000, 1000));
    assert!(matches!(full, Err(StoreError::Limit { .. })));
    let planned = catalog.plan_revocation(&demo, KeyId(7), Timestamp(2000));
    apply(&mut catalog, planned).unwrap();
    let planned = catalog.plan_key(&demo, new_key(1000, 2001));
    apply(&mut catalog, planned).unwrap();
    assert_eq!(catalog.keys_of(&demo).len(), KEYS_PER_CHANNEL_MAX);
    assert!(!catalog.keys.contains_key(&KeyId(7)));
    assert!(catalog.key_by_hash(&new_key(7, 0).hash).is_none());
}

#[test]
fn a_full_channel_can_rotate_each_of_its_working_keys() {
    let mut catalog = with_demo();
    let demo = name("demo");
    for id in 0..KEYS_PER_CHANNEL_MAX as u64 {
        let planned = catalog.plan_key(&demo, new_key(id, 0));
        apply(&mut catalog, planned).unwrap();
    }
    let planned = catalog.plan_rotation(&demo, KeyId(3), None, new_key(1000, 1));
    apply(&mut catalog, planned).unwrap();
    assert_eq!(catalog.keys_of(&demo).len(), KEYS_PER_CHANNEL_MAX);
    assert!(catalog.keys.contains_key(&KeyId(1000)));
}

proptest! {
    #[test]
    fn numbers_never_go_back_whatever_is_deleted_and_made_again(
        steps in prop::collection::vec((0_u8..3, 0_u8..3, 1_u64..50), 1..60),
    ) {
        let mut catalog = Catalog::default();
        let mut given: BTreeMap<ChannelName, u64> = BTreeMap::new();
        for (step, which, count) in steps {
            let name = name(&format!("c{which}"));
            let _ = match step {
                0 => apply_unit(&mut catalog, |it| it.plan_channel(channel(name.as_str()))),
                1 => apply_unit(&mut catalog, |it| it.plan_deletion(&name)),
                _ => {
                    let planned = catalog.plan_reservation(&name, count);
                    if let Ok(first) = apply(&mut catalog, planned) {
                        let below = given.insert(name, first + count).unwrap_or_default();
                        prop_assert!(first >= below);
                    }
                    Ok(())
                }
            };
        }
    }
}

fn apply_unit<T>(
    catalog: &mut Catalog,
    plan: impl FnOnce(&Catalog) -> Planned<T>,
) -> Result<(), StoreError> {
    let planned = plan(catalog);
    apply(catalog, planned).map(|_| ())
}

proptest! {
    #[test]
    fn what_is_undone_leaves_no_trace(
        steps in prop::collection::vec((0_u8..12, 0_u64..4, testing::any_command()), 1..60),
    ) {
        let mut catalog = with_demo();
        let mut undo = Vec::new();
        let mut before = catalog.records().unwrap();
        for (at, (what, n, command)) in steps.into_iter().enumerate() {
            let one = name(["demo", "a", "b", "c"][n as usize]);
            let id = KeyId(at as u64);
            let planned = match what {
                0 => catalog.plan_channel(channel(one.as_str())).map(|(changes, _)| changes),
                1 => catalog.plan_deletion(&one).map(|(changes, _)| changes),
                2 => catalog.plan_key(&one, new_key(id.0, 0)).map(|(changes, _)| changes),
                3 => catalog.plan_revocation(&one, KeyId(n), Timestamp(1)).map(|(changes, _)| changes),
                4 => catalog.plan_reservation(&one, 7).map(|(changes, _)| changes),
                6.. => catalog.plan(command, at as u64 + 1).map(|(changes, _)| changes),
                // A commit that succeeded: nothing before it is undone.
                _ => {
                    undo.clear();
                    before = catalog.records().unwrap();
                    Ok(Vec::new())
                }
            };
            for change in planned.unwrap_or_default() {
                undo.extend(catalog.undo(&change));
                catalog.apply(&change);
            }
        }
        undo.iter().rev().for_each(|change| catalog.apply(change));
        prop_assert_eq!(catalog.records().unwrap(), before);
    }
}
