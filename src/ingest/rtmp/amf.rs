//! AMF0 values from untrusted bytes: bounded in depth, number and size.
//!
//! `rml_amf0` recurses as deep as the sender likes, which overflows the stack before anybody logged in,
//! and does not know long strings, dates and typed objects; so values that come in are read here and only
//! values that go out use it.

/// Objects inside objects. Publishers nest two deep.
pub const DEPTH_MAX: usize = 16;
/// Values of one message, those inside objects included. The richest metadata seen has about forty.
pub const VALUES_MAX: usize = 1024;

/// A value that came in. Kinds that no command uses (dates, XML, references) are read and kept as
/// [`Value::Undefined`] or text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Double.
    Number(f64),
    /// Boolean.
    Boolean(bool),
    /// Short or long string or XML; bytes that are not UTF-8 are replaced.
    Text(String),
    /// Object, typed object or ECMA array, in the order of the wire.
    Object(Vec<(String, Self)>),
    /// Strict array.
    Array(Vec<Self>),
    /// Milliseconds since 1970.
    Date(f64),
    /// Null.
    Null,
    /// Undefined, unsupported or a reference.
    Undefined,
}

/// Why bytes are not AMF0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmfError {
    /// They end inside a value.
    #[error("AMF0 ends inside a value")]
    Truncated,
    /// [`DEPTH_MAX`].
    #[error("AMF0 is nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// [`VALUES_MAX`].
    #[error("AMF0 holds more than {VALUES_MAX} values")]
    TooMany,
    /// A marker that must not be sent.
    #[error("AMF0 marker {0:#04x} is not a value")]
    Marker(u8),
}

impl Value {
    /// The text, when it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, when it is one.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The property `name`, when it is an object that has one.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(all) => all.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// What AMF3 begins with inside AMF0.
const AMF3_MARKER: u8 = 0x11;

/// All values of a message body. AMF3, which no publisher sends, ends it: what came before counts.
///
/// # Errors
/// When the bytes are not AMF0 or exceed a bound.
pub fn decode(body: &[u8]) -> Result<Vec<Value>, AmfError> {
    let mut reader = Reader { rest: body, values: 0 };
    let mut out = Vec::new();
    while !reader.rest.is_empty() {
        match reader.value(0) {
            Ok(value) => out.push(value),
            Err(AmfError::Marker(AMF3_MARKER)) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(out)
}

struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, AmfError> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(AmfError::TooMany);
        }
        if depth > DEPTH_MAX {
            return Err(AmfError::TooDeep);
        }
        let [marker] = self.take()?;
        Ok(match marker {
            0x00 => Value::Number(f64::from_be_bytes(self.take()?)),
            0x01 => Value::Boolean(self.take()? != [0]),
            0x02 => Value::Text(self.short_text()?),
            0x03 => Value::Object(self.properties(depth)?),
            0x05 => Value::Null,
            0x06 | 0x0D => Value::Undefined,
            0x07 => {
                self.take::<2>()?;
                Value::Undefined
            }
            0x08 => {
                // The count is a hint; senders write 0 or too much. The end marker counts.
                self.take::<4>()?;
                Value::Object(self.properties(depth)?)
            }
            0x0A => self.strict_array(depth)?,
            0x0B => {
                let at = f64::from_be_bytes(self.take()?);
                // A time zone that the specification says to ignore.
                self.take::<2>()?;
                Value::Date(at)
            }
            0x0C | 0x0F => Value::Text(self.long_text()?),
            0x10 => {
                self.short_text()?;
                Value::Object(self.properties(depth)?)
            }
            other => return Err(AmfError::Marker(other)),
        })
    }

    fn strict_array(&mut self, depth: usize) -> Result<Value, AmfError> {
        let count = u32::from_be_bytes(self.take()?);
        // Nothing is reserved for the count: it is the sender's claim.
        let items = (0..count).map(|_| self.value(depth + 1)).collect::<Result<_, _>>()?;
        Ok(Value::Array(items))
    }

    /// Properties up to the end marker, or to the end of the bytes where a sender left it out.
    fn properties(&mut self, depth: usize) -> Result<Vec<(String, Value)>, AmfError> {
        let mut out = Vec::new();
        while !self.rest.is_empty() {
            let name = self.short_text()?;
            if name.is_empty() && self.rest.first() == Some(&0x09) {
                self.take::<1>()?;
                break;
            }
            out.push((name, self.value(depth + 1)?));
        }
        Ok(out)
    }

    fn short_text(&mut self) -> Result<String, AmfError> {
        let length = u16::from_be_bytes(self.take()?);
        self.text(usize::from(length))
    }

    fn long_text(&mut self) -> Result<String, AmfError> {
        let length = u32::from_be_bytes(self.take()?);
        self.text(usize::try_from(length).map_err(|_| AmfError::Truncated)?)
    }

    fn text(&mut self, length: usize) -> Result<String, AmfError> {
        let (text, rest) = self.rest.split_at_checked(length).ok_or(AmfError::Truncated)?;
        self.rest = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], AmfError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(AmfError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let cases: [(&[u8], Value); 12] = [
            (&[0, 0x40, 0x08, 0, 0, 0, 0, 0, 0], Value::Number(3.0)),
            (&[1, 1], Value::Boolean(true)),
            (&[2, 0, 2, b'h', b'i'], text("hi")),
            (&[3, 0, 1, b'a', 5, 0, 0, 9], Value::Object(vec![("a".into(), Value::Null)])),
            (&[5], Value::Null),
            (&[6], Value::Undefined),
            (&[8, 0, 0, 0, 99, 0, 1, b'a', 1, 0, 0, 0, 9], {
                Value::Object(vec![("a".into(), Value::Boolean(false))])
            }),
            (&[10, 0, 0, 0, 2, 5, 6], Value::Array(vec![Value::Null, Value::Undefined])),
            (&[11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Value::Date(0.0)),
            (&[12, 0, 0, 0, 1, b'l'], text("l")),
            (&[15, 0, 0, 0, 1, b'x'], text("x")),
            (&[16, 0, 1, b'T', 0, 1, b'a', 5, 0, 0, 9], {
                Value::Object(vec![("a".into(), Value::Null)])
            }),
        ];
        for (bytes, value) in cases {
            assert_eq!(decode(bytes), Ok(vec![value]), "{bytes:?}");
        }
    }

    #[test]
    fn an_array_without_its_end_marker_ends_with_the_message() {
        let bytes = [8, 0, 0, 0, 1, 0, 1, b'a', 5];
        assert_eq!(decode(&bytes), Ok(vec![Value::Object(vec![("a".into(), Value::Null)])]));
    }

    #[test]
    fn nesting_beyond_the_bound_is_an_error_and_not_a_stack_overflow() {
        for unit in [&[3_u8, 0, 1, b'a'][..], &[10, 0, 0, 0, 1], &[8, 0, 0, 0, 0, 0, 0]] {
            let deep = unit.repeat(60_000);
            assert_eq!(decode(&deep), Err(AmfError::TooDeep));
            let mut fits = unit.repeat(DEPTH_MAX);
            fits.push(5);
            assert!(decode(&fits).is_ok(), "{unit:?}");
        }
    }

    #[test]
    fn claimed_counts_and_lengths_take_no_memory() {
        assert_eq!(decode(&[10, 255, 255, 255, 255]), Err(AmfError::Truncated));
        assert_eq!(decode(&[12, 255, 255, 255, 255, b'x']), Err(AmfError::Truncated));
        assert_eq!(decode(&[2, 0, 9, b'x']), Err(AmfError::Truncated));
        assert_eq!(decode(&vec![5; VALUES_MAX + 1]), Err(AmfError::TooMany));
        assert_eq!(decode(&[0x0E]), Err(AmfError::Marker(0x0E)));
    }

    #[test]
    fn amf3_inside_ends_the_message_without_losing_what_came_before() {
        assert_eq!(decode(&[5, 0x11, 0x0A, 0x0B]), Ok(vec![Value::Null]));
    }
}
