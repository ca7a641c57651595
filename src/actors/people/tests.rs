//! The door over a real store: who is let in, how soon who is not may come again.

use weir_model::Timestamp;

use super::*;

struct Bench {
    people: People,
    store: Store,
    _dir: tempfile::TempDir,
}

fn bench(config: Config) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Timestamp(0)).unwrap();
    let people = People::new(config, store.clone(), Events::new(), &Registry::new()).unwrap();
    Bench { people, store, _dir: dir }
}

fn given(name: &str, password: &str) -> Credentials {
    Credentials { name: name.into(), password: Secret::new(password), role: None }
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

const GOOD: &str = "correct horse battery";

#[tokio::test]
async fn who_registered_is_known_by_his_token_until_he_logs_out() {
    let Bench { people, store, _dir } = bench(Config::default());
    let alice = people.register(address(1), &given("Alice", GOOD)).await.unwrap();
    assert_eq!(alice.account.roles.to_string(), "viewer");
    let again = people.login(address(2), &given("alice", GOOD)).await.unwrap();
    assert_ne!(alice.secret, again.secret);
    let bearer = people.bearer(&again.secret).unwrap();
    assert_eq!(bearer.account, alice.account);
    people.log_out(&bearer).await.unwrap();
    people.log_out(&bearer).await.unwrap();
    assert_eq!(people.bearer(&again.secret), Err(TokenRefusal::Unknown));
    people.log_out_everywhere(&people.bearer(&alice.secret).unwrap()).await.unwrap();
    assert!(people.bearer(&alice.secret).is_err() && store.tokens(alice.account.id).is_empty());
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_are_told_the_same() {
    let Bench { people, .. } = bench(Config::default());
    people.register(address(1), &given("alice", GOOD)).await.unwrap();
    for (name, password) in [("alice", "wrong"), ("nobody_here", GOOD), ("no name", GOOD)] {
        let refusal = people.login(address(1), &given(name, password)).await.err().unwrap();
        assert_eq!(refusal.to_string(), Refusal::Wrong.to_string(), "{name}");
    }
    // The operator has no password.
    assert!(people.login(address(1), &given("operator", "")).await.is_err());
}

#[tokio::test]
async fn wrong_passwords_are_slowed_by_address_and_by_account_and_right_ones_cost_nothing() {
    let config = Config { failures_per_address: 3, failures_per_account: 5, ..Config::default() };
    let Bench { people, .. } = bench(config);
    people.register(address(1), &given("alice", GOOD)).await.unwrap();
    people.register(address(1), &given("bobby", GOOD)).await.unwrap();
    for _ in 0..7 {
        people.login(address(1), &given("alice", GOOD)).await.unwrap();
    }
    for _ in 0..3 {
        let wrong = people.login(address(2), &given("alice", "wrong")).await.err().unwrap();
        assert!(matches!(wrong, Refusal::Wrong));
    }
    let slowed = people.login(address(2), &given("bobby", GOOD)).await.err().unwrap();
    assert!(matches!(slowed, Refusal::TooManyOfAddress(_)), "{slowed}");
    assert!((1..=30).contains(&slowed.retry_secs().unwrap()));
    for _ in 0..2 {
        let _ = people.login(address(3), &given("alice", "wrong")).await;
    }
    let slowed = people.login(address(4), &given("alice", GOOD)).await.err().unwrap();
    assert!(matches!(slowed, Refusal::TooManyOfAccount(..)), "{slowed}");
    people.login(address(4), &given("bobby", GOOD)).await.unwrap();
    let kinds: Vec<String> =
        people.inner.events.newest(100).into_iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&"login.locked".to_owned()), "{kinds:?}");
}

#[tokio::test]
async fn many_guesses_at_once_cost_as_much_as_one_after_the_other() {
    let config = Config { failures_per_address: 3, ..Config::default() };
    let Bench { people, .. } = bench(config);
    let guesses = (0..20).map(|n| {
        let people = people.clone();
        async move { people.login(address(9), &given("alice", &format!("guess {n}"))).await }
    });
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|one| matches!(one, Err(Refusal::Wrong))).count();
    assert_eq!(looked_at, 3);
}

#[tokio::test]
async fn registration_is_for_whom_the_configuration_says() {
    let streamer = Credentials { role: Some(AccountRole::Streamer), ..given("alice", GOOD) };
    let operator = Credentials { role: Some(AccountRole::Operator), ..given("alice", GOOD) };
    let closed = bench(Config { registration: Registration::Closed, ..Config::default() });
    let refused = closed.people.register(address(1), &given("alice", GOOD)).await;
    assert!(matches!(refused, Err(Refusal::Closed)));
    let viewers = bench(Config::default());
    for wish in [&streamer, &operator] {
        let refused = viewers.people.register(address(1), wish).await;
        assert!(matches!(refused, Err(Refusal::Role(_))));
    }
    let streamers = bench(Config { registration: Registration::Streamers, ..Config::default() });
    let refused = streamers.people.register(address(1), &operator).await;
    assert!(matches!(refused, Err(Refusal::Role(AccountRole::Operator))));
    let made = streamers.people.register(address(1), &streamer).await.unwrap();
    assert_eq!(made.account.roles.to_string(), "streamer");
}

#[tokio::test]
async fn names_and_passwords_that_do_not_do_are_refused_and_an_address_registers_a_few_only() {
    let Bench { people, .. } = bench(Config { registrations_per_address: 2, ..Config::default() });
    for (name, password) in
        [("a", GOOD), ("admin", GOOD), ("alice", "short"), ("password_", "password")]
    {
        assert!(people.register(address(1), &given(name, password)).await.is_err(), "{name}");
    }
    people.register(address(1), &given("alice", GOOD)).await.unwrap();
    let taken = people.register(address(1), &given("ALICE", GOOD)).await;
    assert!(matches!(taken, Err(Refusal::NameTaken(_))));
    let third = people.register(address(1), &given("bobby", GOOD)).await;
    assert!(matches!(third, Err(Refusal::TooManyRegistrations(_))));
    people.register(address(2), &given("bobby", GOOD)).await.unwrap();
}

#[tokio::test]
async fn a_disabled_account_is_told_so_only_when_it_knows_its_password() {
    let Bench { people, store, _dir } = bench(Config::default());
    let alice = people.register(address(1), &given("alice", GOOD)).await.unwrap();
    store.disable_account(alice.account.id, Timestamp(5)).await.unwrap();
    assert!(people.bearer(&alice.secret).is_err());
    let right = people.login(address(1), &given("alice", GOOD)).await;
    assert!(matches!(right, Err(Refusal::Disabled)));
    let wrong = people.login(address(1), &given("alice", "wrong")).await;
    assert!(matches!(wrong, Err(Refusal::Wrong)));
    store.enable_account(alice.account.id).await.unwrap();
    people.login(address(1), &given("alice", GOOD)).await.unwrap();
}
