use proptest::prelude::*;

use super::*;

fn token() -> Token {
    Token::new(Fingerprint([9; 32]), Timestamp(1_800_000_000_000)).unwrap()
}

#[test]
fn a_token_is_one_word_that_round_trips() {
    let token = token();
    let text = token.to_string();
    assert!(text.starts_with("weir1_") && !text.contains(char::is_whitespace));
    assert_eq!(format!(" {text}\n").parse(), Ok(token));
}

#[test]
fn a_token_hides_its_secret_from_logs() {
    let token = token();
    assert!(!format!("{token:?}").contains(&hex(&token.secret.0)));
}

#[test]
fn what_is_stored_of_a_secret_depends_on_the_clusters_key() {
    let token = token();
    assert_ne!(token.secret_hash(&[1; 32]), token.secret_hash(&[2; 32]));
    assert_eq!(token.secret_hash(&[1; 32]), token.secret.hash(&[1; 32]));
}

proptest! {
    #[test]
    fn a_mistyped_token_is_noticed(at in 6_usize..126, to in "[0-9a-f]") {
        let text = token().to_string();
        let mut typed = text.clone();
        typed.replace_range(at..=at, &to);
        prop_assume!(typed != text);
        prop_assert_eq!(typed.parse::<Token>(), Err(InvalidToken));
    }

    #[test]
    fn any_text_is_a_token_or_an_error(text in ".{0,200}") {
        let _ = text.parse::<Token>();
        prop_assert_eq!(format!("weir1_{text}").parse::<Token>(), Err(InvalidToken));
    }
}
