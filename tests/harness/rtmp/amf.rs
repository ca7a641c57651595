//! AMF0, as much as the commands of a publisher need.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Bool(bool),
    Text(String),
    Object(Vec<(String, Self)>),
    Null,
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// A field of an object.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => {
                out.push(0);
                out.extend(number.to_be_bytes());
            }
            Self::Bool(value) => out.extend([1, u8::from(*value)]),
            Self::Text(text) => {
                out.push(2);
                write_short(out, text);
            }
            Self::Object(fields) => {
                out.push(3);
                for (name, value) in fields {
                    write_short(out, name);
                    value.write(out);
                }
                out.extend([0, 0, 9]);
            }
            Self::Null => out.push(5),
        }
    }
}

fn write_short(out: &mut Vec<u8>, text: &str) {
    out.extend(u16::try_from(text.len()).expect("a short text").to_be_bytes());
    out.extend(text.as_bytes());
}

/// All values of a command; what it does not know ends the list.
pub(crate) fn read_all(mut data: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while let Some(value) = read(&mut data) {
        values.push(value);
    }
    values
}

fn read(data: &mut &[u8]) -> Option<Value> {
    match take(data, 1)?[0] {
        0 => Some(Value::Number(f64::from_be_bytes(take(data, 8)?.try_into().ok()?))),
        1 => Some(Value::Bool(take(data, 1)?[0] != 0)),
        2 => read_short(data).map(Value::Text),
        3 => read_fields(data),
        5 | 6 => Some(Value::Null),
        8 => {
            take(data, 4)?;
            read_fields(data)
        }
        _ => None,
    }
}

fn read_fields(data: &mut &[u8]) -> Option<Value> {
    let mut fields = Vec::new();
    loop {
        let name = read_short(data)?;
        if name.is_empty() && data.first() == Some(&9) {
            take(data, 1)?;
            return Some(Value::Object(fields));
        }
        fields.push((name, read(data)?));
    }
}

fn read_short(data: &mut &[u8]) -> Option<String> {
    let length = u16::from_be_bytes(take(data, 2)?.try_into().ok()?);
    Some(String::from_utf8_lossy(take(data, usize::from(length))?).into_owned())
}

fn take<'a>(data: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = data.split_at_checked(count)?;
    *data = rest;
    Some(taken)
}

#[test]
fn values_round_trip() {
    let object = Value::Object(vec![
        ("code".into(), Value::text("NetStream.Publish.Start")),
        ("inner".into(), Value::Object(vec![("n".into(), Value::Number(1.5))])),
    ]);
    let values =
        vec![Value::text("onStatus"), Value::Number(0.0), Value::Null, Value::Bool(true), object];
    let mut data = Vec::new();
    values.iter().for_each(|value| value.write(&mut data));
    assert_eq!(read_all(&data), values);
    assert_eq!(values[4].field("code"), Some(&Value::text("NetStream.Publish.Start")));
    assert_eq!(read_all(&data[..data.len() - 1]).len(), 4);
}
