//! Whether a row's JSON fits an expression.

use serde_json::Value;
use weir_model::Timestamp;

use super::fields::codec_name;
use super::words::Sign;

/// An understood expression.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// The field is there, and neither false, nor zero, nor empty.
    There(String),
    Compare(String, Sign, Operand),
}

/// What a field is compared with.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Nothing,
    Number(f64),
    Flag(bool),
    /// In lower case.
    Text(String),
    /// In lower case; the codec's name people use counts too.
    Codec(String),
    /// The place of a word in its order.
    Place(&'static [&'static str], usize),
    Like(Box<regex::Regex>),
    CodecLike(Box<regex::Regex>),
    /// Milliseconds before now.
    Ago(i64),
    /// Milliseconds after now.
    Ahead(i64),
    At(Timestamp),
}

impl Expr {
    pub(super) fn fits(&self, row: &Value, now: Timestamp) -> bool {
        match self {
            Self::Both(a, b) => a.fits(row, now) && b.fits(row, now),
            Self::Either(a, b) => a.fits(row, now) || b.fits(row, now),
            Self::Not(inner) => !inner.fits(row, now),
            Self::There(path) => any(row, path, &|leaf| is_there(leaf)),
            // Of several parts one must fit; then `!=` is the opposite of `==`: none does.
            Self::Compare(path, Sign::Unequal | Sign::Unlike, with) => {
                !any(row, path, &|leaf| with.fits(Sign::Equal, leaf, now))
            }
            Self::Compare(path, sign, with) => any(row, path, &|leaf| with.fits(*sign, leaf, now)),
        }
    }
}

fn is_there(leaf: &Value) -> bool {
    match leaf {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
    }
}

/// Whether `test` holds for a value at `path`; lists are looked through, and what is missing counts as null.
fn any(value: &Value, path: &str, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(all) if all.is_empty() => test(&Value::Null),
        Value::Array(all) => all.iter().any(|one| any(one, path, test)),
        Value::Object(all) if !path.is_empty() => {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            any(all.get(name).unwrap_or(&Value::Null), rest, test)
        }
        leaf => test(leaf),
    }
}

impl Operand {
    fn fits(&self, sign: Sign, leaf: &Value, now: Timestamp) -> bool {
        let ordered = |order: Option<std::cmp::Ordering>| order.is_some_and(|o| holds(sign, o));
        let text = || leaf.as_str().map(str::to_lowercase);
        match self {
            Self::Nothing => leaf.is_null(),
            Self::Flag(flag) => leaf.as_bool() == Some(*flag),
            // A named text may hold a number.
            Self::Number(with) => {
                let number = leaf.as_f64().or_else(|| leaf.as_str()?.parse().ok());
                ordered(number.and_then(|number| number.partial_cmp(with)))
            }
            Self::Text(with) => text().is_some_and(|text| text == *with),
            Self::Codec(with) => {
                text().is_some_and(|text| text == *with || codec_name(&text) == with)
            }
            Self::Place(words, place) => {
                let own = text().and_then(|text| words.iter().position(|word| *word == text));
                ordered(own.map(|own| own.cmp(place)))
            }
            Self::Like(pattern) => leaf.as_str().is_some_and(|text| pattern.is_match(text)),
            Self::CodecLike(pattern) => leaf
                .as_str()
                .is_some_and(|text| pattern.is_match(text) || pattern.is_match(codec_name(text))),
            Self::Ago(span) => ordered(at(leaf).map(|at| now.since_ms(at).cmp(span))),
            Self::Ahead(span) => ordered(at(leaf).map(|at| at.since_ms(now).cmp(span))),
            Self::At(with) => ordered(at(leaf).map(|at| at.cmp(with))),
        }
    }
}

fn at(leaf: &Value) -> Option<Timestamp> {
    leaf.as_str()?.parse().ok()
}

const fn holds(sign: Sign, order: std::cmp::Ordering) -> bool {
    match sign {
        Sign::Less => order.is_lt(),
        Sign::LessEqual => order.is_le(),
        Sign::More => order.is_gt(),
        Sign::MoreEqual => order.is_ge(),
        Sign::Equal | Sign::Unequal | Sign::Like | Sign::Unlike => order.is_eq(),
    }
}
