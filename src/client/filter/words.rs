//! A typed expression as words and signs, each with its place.

use super::FilterError;

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Open,
    Close,
    And,
    Or,
    Not,
    /// A comparison.
    Sign(Sign),
    /// A name, a number, a span, a plain word.
    Bare(String),
    /// A text in quotes.
    Quoted(String),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Equal,
    Unequal,
    Like,
    Unlike,
    Less,
    LessEqual,
    More,
    MoreEqual,
}

impl Sign {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Like => "=~",
            Self::Unlike => "!~",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::More => ">",
            Self::MoreEqual => ">=",
        }
    }
}

/// A piece and the characters it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) word: Word,
    pub(super) at: usize,
    pub(super) len: usize,
}

const SIGNS: [(&str, Word); 14] = [
    ("==", Word::Sign(Sign::Equal)),
    ("!=", Word::Sign(Sign::Unequal)),
    ("=~", Word::Sign(Sign::Like)),
    ("!~", Word::Sign(Sign::Unlike)),
    ("<=", Word::Sign(Sign::LessEqual)),
    (">=", Word::Sign(Sign::MoreEqual)),
    ("&&", Word::And),
    ("||", Word::Or),
    ("=", Word::Sign(Sign::Equal)),
    ("<", Word::Sign(Sign::Less)),
    (">", Word::Sign(Sign::More)),
    ("!", Word::Not),
    ("(", Word::Open),
    (")", Word::Close),
];

/// Whether a typed text compares something, so that it is an expression and no text to look for.
pub(super) fn compares(typed: &str) -> bool {
    let chars: Vec<char> = typed.chars().collect();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        let next = chars.get(at + 1);
        match c {
            '=' | '<' | '>' => return true,
            '&' | '|' if next == Some(c) => return true,
            '"' | '\'' => match quoted(&chars, at) {
                Some((_, end)) => at = end,
                None => at += 1,
            },
            _ => at += 1,
        }
    }
    false
}

/// All pieces of an expression.
pub(super) fn split(typed: &str) -> Result<Vec<Placed>, FilterError> {
    let chars: Vec<char> = typed.chars().collect();
    let (mut at, mut words) = (0, Vec::new());
    while let Some(c) = chars.get(at) {
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let (word, end) = next(&chars, at, typed)?;
        words.push(Placed { word, at, len: end - at });
        at = end;
    }
    Ok(words)
}

fn next(chars: &[char], at: usize, typed: &str) -> Result<(Word, usize), FilterError> {
    let ahead = |text: &str| text.chars().enumerate().all(|(n, c)| chars.get(at + n) == Some(&c));
    if let Some((text, word)) = SIGNS.iter().find(|(text, _)| ahead(text)) {
        return Ok((word.clone(), at + text.len()));
    }
    if matches!(chars.get(at), Some('"' | '\'')) {
        let unclosed = || FilterError::new(typed, at, 1, "this quote is never closed".into());
        let (text, end) = quoted(chars, at).ok_or_else(unclosed)?;
        return Ok((Word::Quoted(text), end));
    }
    let bare: String = chars.iter().skip(at).take_while(|c| is_bare(**c)).collect();
    if bare.is_empty() {
        let sign = chars.get(at).copied().unwrap_or(' ');
        let why = match sign {
            '&' | '|' => {
                format!("`{sign}` stands twice: `{sign}{sign}`; in a text, put quotes round it")
            }
            _ => format!("`{sign}` has no meaning here; a text with signs needs quotes"),
        };
        return Err(FilterError::new(typed, at, 1, why));
    }
    let end = at + bare.chars().count();
    Ok(match bare.to_lowercase().as_str() {
        "and" => (Word::And, end),
        "or" => (Word::Or, end),
        "not" => (Word::Not, end),
        _ => (Word::Bare(bare), end),
    })
}

fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !"()<>=!&|~\"'".contains(c)
}

/// The text that the quote at `at` opens, and where it is over. A backslash keeps a quote inside.
fn quoted(chars: &[char], at: usize) -> Option<(String, usize)> {
    let quote = chars.get(at)?;
    let (mut text, mut at) = (String::new(), at + 1);
    loop {
        match chars.get(at)? {
            '\\' if chars.get(at + 1) == Some(quote) => {
                text.push(*quote);
                at += 1;
            }
            c if c == quote => return Some((text, at + 1)),
            c => text.push(*c),
        }
        at += 1;
    }
}
