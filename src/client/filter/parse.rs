//! From the words of an expression to what it asks: `or` binds weakest, then `and`, then `not`.

use weir_model::time::span_ms;

use super::eval::{Expr, Operand};
use super::fields::{self, Field, Fields, Kind};
use super::words::{Placed, Sign, Word, split};
use super::{FilterError, pattern};

/// Brackets and `not` inside each other: more than anybody types, and little stack.
const DEPTH_MAX: usize = 32;

/// Understands an expression.
pub(super) fn expression(typed: &str, fields: Fields) -> Result<Expr, FilterError> {
    let words = split(typed)?;
    let mut parser = Parser { typed, fields, words: &words, at: 0, depth: 0 };
    let expr = parser.either()?;
    match parser.peek() {
        None => Ok(expr),
        Some(Word::Close) => Err(parser.wrong("this bracket was never opened")),
        Some(_) => Err(parser.wrong("`and` or `or` is missing in front of this")),
    }
}

struct Parser<'a> {
    typed: &'a str,
    fields: Fields,
    words: &'a [Placed],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Word> {
        self.words.get(self.at).map(|placed| &placed.word)
    }

    /// Steps over a word when it is the one.
    fn take(&mut self, word: &Word) -> bool {
        let is = self.peek() == Some(word);
        self.at += usize::from(is);
        is
    }

    /// A complaint about the next word, or about the end when there is none.
    fn wrong(&self, why: &str) -> FilterError {
        let end = self.typed.chars().count();
        let (at, len) = self.words.get(self.at).map_or((end, 1), |placed| (placed.at, placed.len));
        FilterError::new(self.typed, at, len, why.into())
    }

    fn either(&mut self) -> Result<Expr, FilterError> {
        let mut expr = self.both()?;
        while self.take(&Word::Or) {
            expr = Expr::Either(Box::new(expr), Box::new(self.both()?));
        }
        Ok(expr)
    }

    fn both(&mut self) -> Result<Expr, FilterError> {
        let mut expr = self.one()?;
        while self.take(&Word::And) {
            expr = Expr::Both(Box::new(expr), Box::new(self.one()?));
        }
        Ok(expr)
    }

    fn one(&mut self) -> Result<Expr, FilterError> {
        if self.depth >= DEPTH_MAX {
            return Err(self.wrong("too many brackets inside each other"));
        }
        self.depth += 1;
        let expr = if self.take(&Word::Not) {
            Expr::Not(Box::new(self.one()?))
        } else if self.take(&Word::Open) {
            let inner = self.either()?;
            if !self.take(&Word::Close) {
                return Err(self.wrong("a closing bracket is missing here"));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn comparison(&mut self) -> Result<Expr, FilterError> {
        let Some(Word::Bare(name)) = self.peek() else {
            return Err(self.wrong(&format!("a field's name is missing here; {}", self.known())));
        };
        let (name, field) = self.field(name)?;
        self.at += 1;
        let Some(Word::Sign(sign)) = self.peek() else { return Ok(Expr::There(name)) };
        self.at += 1;
        let operand = self.operand(&field, *sign)?;
        self.at += 1;
        Ok(Expr::Compare(name, *sign, operand))
    }

    fn field(&self, name: &str) -> Result<(String, Field), FilterError> {
        if let Some(field) = fields::find(self.fields, name) {
            return Ok((field.name.to_owned(), field));
        }
        let named = |field: &&Field| {
            let own = name.strip_prefix(field.name).and_then(|rest| rest.strip_prefix('.'));
            field.kind == Kind::Named && own.is_some_and(|own| !own.is_empty())
        };
        if let Some(field) = self.fields.iter().find(named) {
            return Ok((name.to_owned(), *field));
        }
        let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        let meant = match fields::nearest(&names, name) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => ";".into(),
        };
        Err(self.wrong(&format!("there is no field `{name}`{meant} {}", self.known())))
    }

    fn known(&self) -> String {
        let names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        format!("fields: {}", names.join(", "))
    }

    /// What stands behind the sign, as the field understands it.
    fn operand(&self, field: &Field, sign: Sign) -> Result<Operand, FilterError> {
        let (text, bare) = match self.peek() {
            Some(Word::Bare(text)) => (text.as_str(), true),
            Some(Word::Quoted(text)) => (text.as_str(), false),
            _ => return Err(self.wrong(&format!("a value is missing behind `{}`", sign.as_str()))),
        };
        let about = |why: String| self.wrong(&format!("`{}` {why}", field.name));
        if matches!(sign, Sign::Like | Sign::Unlike) {
            let like = || pattern(text).map(Box::new).map_err(|why| self.wrong(&why));
            return match field.kind {
                Kind::Text | Kind::Word(_) | Kind::Named => like().map(Operand::Like),
                Kind::Codec => like().map(Operand::CodecLike),
                _ => Err(about("is no text; compare it with == != < <= > >=".into())),
            };
        }
        if bare && matches!(text, "none" | "null") {
            return equality(sign, Operand::Nothing).ok_or_else(|| about(NOTHING.into()));
        }
        value(field.kind, text, sign).map_err(about)
    }
}

const NOTHING: &str = "can only be == none or != none";
const PLAIN: &str = "has no order; compare it with == != =~ !~";

fn equality(sign: Sign, operand: Operand) -> Option<Operand> {
    matches!(sign, Sign::Equal | Sign::Unequal).then_some(operand)
}

fn value(kind: Kind, text: &str, sign: Sign) -> Result<Operand, String> {
    let plain = |operand| equality(sign, operand).ok_or_else(|| PLAIN.to_owned());
    match kind {
        Kind::Text => plain(Operand::Text(text.to_lowercase())),
        Kind::Codec => plain(Operand::Codec(text.to_lowercase())),
        Kind::Named => match (number(text), equality(sign, Operand::Nothing)) {
            (Some(number), None) => Ok(Operand::Number(number)),
            (_, Some(_)) => Ok(Operand::Text(text.to_lowercase())),
            (None, None) => Err("can only be larger or smaller than a number".into()),
        },
        Kind::Number => number(text).map(Operand::Number).ok_or_else(|| {
            let meant = match text.strip_suffix('m').and_then(number) {
                Some(_) => format!("; did you mean {}?", text.to_uppercase()),
                None => String::new(),
            };
            format!("is a number like 12, 500k, 4M or 1.5G, not `{text}`{meant}")
        }),
        Kind::Flag => match (text, equality(sign, Operand::Nothing)) {
            ("true" | "yes", Some(_)) => Ok(Operand::Flag(true)),
            ("false" | "no", Some(_)) => Ok(Operand::Flag(false)),
            _ => Err("is == true or == false".into()),
        },
        Kind::Word(words) => place(words, text),
        Kind::Since => time(text, Operand::Ago),
        Kind::Until => time(text, Operand::Ahead),
        Kind::Whole => Err(format!("has parts and {NOTHING}; or name a part of it")),
    }
}

fn place(words: &'static [&'static str], text: &str) -> Result<Operand, String> {
    let found = words.iter().position(|word| word.eq_ignore_ascii_case(text));
    found.map(|place| Operand::Place(words, place)).ok_or_else(|| {
        let meant = fields::nearest(words, text);
        let meant = meant.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        format!("is one of {}, not `{text}`{meant}", words.join(", "))
    })
}

fn time(text: &str, span: fn(i64) -> Operand) -> Result<Operand, String> {
    if let Some(ms) = span_ms(text) {
        return Ok(span(ms));
    }
    let wrong = || {
        format!(
            "is a time: a span like 90s, 10m, 2h, 7d or an instant like 2030-01-31T12:00:00Z, not `{text}`"
        )
    };
    text.parse().map(Operand::At).map_err(|_| wrong())
}

/// A number with its unit: `12`, `500k`, `4M`, `1.5G`, `2T`, and `Ki`, `Mi`, `Gi` for sizes.
fn number(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 9] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("k", 1e3),
        ("K", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("", 1.0),
    ];
    let (digits, unit) =
        UNITS.iter().find_map(|(unit, by)| Some((text.strip_suffix(unit)?, by)))?;
    // `inf` and `nan` are numbers to Rust and words to people.
    let plain = digits.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let number: f64 = digits.parse().ok().filter(|n: &f64| plain && n.is_finite())?;
    Some(number * unit)
}
