//! The cookie by which somebody is known again (RFC 6265): the secret of a log-in's token, for this host only.

use http::header::{self, HeaderMap, HeaderValue};

/// Its name.
const NAME: &str = "weir_session";

/// Secrets are 29 characters; whatever is longer is none.
const VALUE_CHARS_MAX: usize = 64;

/// The value that a request brought.
#[must_use]
pub fn get(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(header::COOKIE).into_iter();
    let mut pairs = pairs.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let value = pairs.find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))?;
    (!value.is_empty() && value.len() <= VALUE_CHARS_MAX).then_some(value)
}

/// Has the browser keep `value` for so many seconds. No script sees it, and other sites' forms do not send it.
pub(super) fn set(headers: &mut HeaderMap, value: &str, seconds: i64, secure: bool) {
    let secure = if secure { "; Secure" } else { "" };
    let line = format!(
        "{NAME}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
        seconds.max(0)
    );
    if let Ok(mut line) = HeaderValue::from_str(&line) {
        line.set_sensitive(true);
        headers.append(header::SET_COOKIE, line);
    }
}

/// Has the browser forget it.
pub(super) fn clear(headers: &mut HeaderMap, secure: bool) {
    set(headers, "", 0, secure);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others_and_nothing_else_is() {
        let read = |line: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, line.parse().unwrap());
            get(&headers).map(str::to_owned)
        };
        assert_eq!(read("a=b; weir_session=wt_1; c=d").as_deref(), Some("wt_1"));
        assert_eq!(read("weir_session=wt_1").as_deref(), Some("wt_1"));
        for other in ["", "weir_session=", "weir_sessions=x", "x=weir_session=y", ";;;=;="] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(read(&format!("weir_session={}", "x".repeat(65))), None);
        assert_eq!(get(&HeaderMap::new()), None);
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_header_holds_a_value_is_short_and_has_no_separator(
            line in proptest::collection::vec(0x20_u8.., 0..200),
            has_it in proptest::bool::ANY,
        ) {
            let line = if has_it { [b"weir_session=", &line[..]].concat() } else { line };
            let Ok(value) = HeaderValue::from_bytes(&line) else { return Ok(()) };
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, value);
            if let Some(value) = get(&headers) {
                proptest::prop_assert!(value.len() <= VALUE_CHARS_MAX && !value.contains(';'));
            }
        }
    }
}
