//! Where in what a publisher sends its stream key is.
//!
//! Encoders put it in the stream name and append queries of their own (`?token=…&clientConfigId=…`);
//! those with a single URL field may put it in the last part of the application path instead.

use super::amf::Value;

/// Longest key that is looked up, bytes. Ours have 26 characters; the rest is for keys made elsewhere.
pub const KEY_BYTES_MAX: usize = 256;

/// The key of a publisher that names its stream `name` after connecting to `app` at `tc_url`; none when
/// there is none, or when it is longer than [`KEY_BYTES_MAX`].
#[must_use]
pub fn stream_key(name: &str, app: &str, tc_url: &str) -> Option<String> {
    let named = without_query(name).trim_matches('/');
    let raw = if named.is_empty() {
        last_of_several(without_query(app)).or_else(|| {
            let (_, after_scheme) = without_query(tc_url).split_once("://")?;
            let (_, path) = after_scheme.split_once('/')?;
            last_of_several(path)
        })?
    } else {
        named
    };
    let key = percent_decoded(raw);
    (!key.is_empty() && key.len() <= KEY_BYTES_MAX).then_some(key)
}

/// The text property `name` of a `connect` object, or nothing.
#[must_use]
pub fn text_property<'a>(object: Option<&'a Value>, name: &str) -> &'a str {
    object.and_then(|object| object.property(name)).and_then(Value::text).unwrap_or_default()
}

fn without_query(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
}

/// The last part of a path of at least two: the first one is the application.
fn last_of_several(path: &str) -> Option<&str> {
    let (application, last) = path.trim_matches('/').rsplit_once('/')?;
    (!application.is_empty()).then_some(last)
}

/// `%41` becomes `A`; what is not an escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let escape = match (first, behind) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escape {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_stream_name_without_its_query() {
        for (name, key) in [
            ("k", "k"),
            ("k?token=abc&clientConfigId=1", "k"),
            ("k?a=b/c", "k"),
            ("a/b", "a/b"),
            ("/k/", "k"),
            ("a%2Fb%20c%zz%4", "a/b c%zz%4"),
            ("%C3%A9", "é"),
        ] {
            assert_eq!(stream_key(name, "live/", "rtmp://h/live").as_deref(), Some(key), "{name}");
        }
    }

    #[test]
    fn a_missing_name_is_taken_from_the_application_path_or_the_url() {
        assert_eq!(stream_key("", "live/k", "").as_deref(), Some("k"));
        assert_eq!(stream_key("?x=1", "/live/k/?x=2", "").as_deref(), Some("k"));
        assert_eq!(stream_key("", "live", "rtmp://h:1935/live/k").as_deref(), Some("k"));
        assert_eq!(stream_key("", "live", "rtmp://h:1935/live"), None);
        assert_eq!(stream_key("", "", ""), None);
    }

    #[test]
    fn a_key_that_is_too_long_is_none() {
        assert!(stream_key(&"k".repeat(KEY_BYTES_MAX), "live", "").is_some());
        assert_eq!(stream_key(&"k".repeat(KEY_BYTES_MAX + 1), "live", ""), None);
    }
}
