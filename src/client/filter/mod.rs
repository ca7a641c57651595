//! The filter of lists, one language for the console (`/`) and the command line (`--filter`).
//!
//! A filter that compares nothing is a text to look for; one that does is an expression over the fields of the JSON:
//!
//! ```text
//! demo              rows with this text, in any case; "a=b" in quotes when it holds signs
//! !demo             rows without it
//! ~ngtrn            rows with a word that has these letters in this order
//! re:^night-\d+     rows that fit a regular expression
//! bitrate>4M and (viewers<10 or not playable)
//! state==live && codec=~"h26|av1" && since<10m
//! ```
//!
//! `and`, `or`, `not` may be written `&&`, `||`, `!`. The fields and their kinds are tables in [`fields`]; a part may go
//! by its last name (`codec` for `tracks.codec`). Of a list one element must fit. Pure: the clock is an argument.

mod eval;
pub mod fields;
mod parse;
#[cfg(test)]
mod tests;
mod words;

use serde::Serialize;
use serde_json::Value;
use weir_model::Timestamp;

use eval::Expr;
use fields::Fields;

/// Longest filter: several lines of a terminal.
pub const CHARS_MAX: usize = 1000;

/// Memory of a compiled regular expression, bytes: some hundred classes of Unicode characters.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Which rows stay. The empty filter lets all pass.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    typed: String,
    inverse: bool,
    test: Test,
}

#[derive(Debug, Clone, Default)]
enum Test {
    #[default]
    All,
    /// In lower case.
    Has(String),
    /// Words, in lower case.
    Fuzzy(Vec<String>),
    Fits(Box<regex::Regex>),
    Expr(Box<Expr>),
}

/// Why a filter is not understood. Its text is a sentence, then what was typed with a mark below the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}\n  {typed}\n  {:at$}{:^<len$}", self.sentence(), "", "")]
pub struct FilterError {
    /// Place of the first wrong character, counted from zero.
    pub at: usize,
    /// Characters that are wrong.
    pub len: usize,
    /// What is wrong there and what could stand there.
    pub why: String,
    typed: String,
}

impl FilterError {
    fn new(typed: &str, at: usize, len: usize, why: String) -> Self {
        let typed = typed.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { at, len, why, typed }
    }

    /// All on one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("at character {}: {}", self.at + 1, self.why)
    }
}

impl Filter {
    /// Understands what was typed.
    ///
    /// # Errors
    /// The place and the reason, with the names of the fields when one was misspelt.
    pub fn parse(typed: &str, fields: Fields) -> Result<Self, FilterError> {
        if typed.chars().count() > CHARS_MAX {
            let why = format!("a filter has at most {CHARS_MAX} characters");
            return Err(FilterError::new("", 0, 1, why));
        }
        let trimmed = typed.trim();
        let (inverse, rest) = match trimmed.strip_prefix('!') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, trimmed),
        };
        let place = |rest: &str| typed.trim_end().chars().count() - rest.chars().count();
        let test = if let Some(text) = rest.strip_prefix("re:") {
            let wrong =
                |why| FilterError::new(typed, place(text), text.chars().count().max(1), why);
            match text {
                "" => Test::All,
                _ => Test::Fits(Box::new(pattern(text).map_err(wrong)?)),
            }
        } else if let Some(text) = rest.strip_prefix('~') {
            let words: Vec<_> = text.to_lowercase().split_whitespace().map(Into::into).collect();
            if words.is_empty() { Test::All } else { Test::Fuzzy(words) }
        } else if words::compares(trimmed) {
            let test = Test::Expr(Box::new(parse::expression(typed, fields)?));
            return Ok(Self { typed: trimmed.into(), inverse: false, test });
        } else {
            match unquoted(rest) {
                "" => Test::All,
                text => Test::Has(text.to_lowercase()),
            }
        };
        Ok(Self { typed: trimmed.into(), inverse, test })
    }

    /// Whether it hides nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.test, Test::All)
    }

    /// As typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Whether a row stays: `text` is what one reads in it, `json` its fields; only what is needed is asked for.
    pub fn keeps(
        &self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> Value,
        now: Timestamp,
    ) -> bool {
        let found = match &self.test {
            Test::All => return true,
            Test::Has(needle) => text().to_lowercase().contains(needle),
            Test::Fuzzy(words) => has_letters(&text().to_lowercase(), words),
            Test::Fits(pattern) => pattern.is_match(&text()),
            Test::Expr(expr) => expr.fits(&json(), now),
        };
        found != self.inverse
    }

    /// Whether a thing that is known by its JSON only stays; its text is all texts and numbers in it,
    /// each on a line of its own.
    pub fn keeps_json(&self, thing: &impl Serialize, now: Timestamp) -> bool {
        if self.is_empty() {
            return true;
        }
        let json = serde_json::to_value(thing).unwrap_or_default();
        let text = || {
            let mut text = String::new();
            gather(&json, &mut text);
            text
        };
        self.keeps(text, || json.clone(), now)
    }
}

/// A regular expression that ignores case and stays small; the error is one sentence.
fn pattern(text: &str) -> Result<regex::Regex, String> {
    let built = regex::RegexBuilder::new(text)
        .case_insensitive(true)
        .multi_line(true)
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build();
    built.map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        format!("no regular expression: {}", last.trim_start_matches("error: "))
    })
}

/// Whether each of `words` has its letters, in order, in one word of `text`.
fn has_letters(text: &str, words: &[String]) -> bool {
    let within = |wanted: &str, word: &str| {
        let mut letters = word.chars();
        wanted.chars().all(|c| letters.any(|letter| letter == c))
    };
    words.iter().all(|wanted| text.split_whitespace().any(|word| within(wanted, word)))
}

fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

fn gather(value: &Value, text: &mut String) {
    match value {
        Value::String(own) => {
            text.push_str(own);
            text.push('\n');
        }
        Value::Number(n) => text.push_str(&format!("{n}\n")),
        Value::Array(all) => all.iter().for_each(|one| gather(one, text)),
        Value::Object(all) => all.values().for_each(|one| gather(one, text)),
        Value::Null | Value::Bool(_) => {}
    }
}
