//! People's own words, on their way out.

use weir_model::text::is_hidden;

/// Somebody's words on one line, with nothing that a terminal, a reader's eye or a parser would obey.
#[must_use]
pub fn inert(text: &str) -> String {
    text.chars().map(|one| if is_obeyed(one) { ' ' } else { one }).collect()
}

/// Control characters, what is not seen or turns the direction, and the one that takes the meaning of the next away.
fn is_obeyed(one: char) -> bool {
    one.is_control() || is_hidden(one) || one == '\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words_on_one_line() {
        let hostile =
            "a\nb\u{1b}[2J\\\u{2028}\u{2029}\u{202e}\u{2066}\u{200f}\u{feff}\u{e0041}c\u{85}";
        assert_eq!(inert(hostile), "a b [2J        c ");
        assert_eq!(inert("für 5 € – “so” 💶"), "für 5 € – “so” 💶");
    }
}
