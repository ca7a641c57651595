//! Whether a change comes from a page of ours: browsers say where a request was caused, in headers that no script can
//! set (Fetch Metadata, and RFC 6454 section 7). Programs that are no browsers send neither, and carry no foreign cookies.

use http::header;
use http::request::Parts;
use weir_model::ErrorCode;

use super::Refused;

/// Refuses what another site caused.
pub(in crate::edge) fn check(parts: &Parts) -> Result<(), Refused> {
    let foreign = || {
        let message = "this was asked for by another site, or by another address of this one";
        Refused::new(ErrorCode::Forbidden, message)
    };
    let told = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if told("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return Err(foreign());
    }
    let Some(origin) = told(header::ORIGIN.as_str()) else { return Ok(()) };
    // HTTP/2 has it in the address, HTTP/1.1 in a header.
    let own = parts.uri.authority().map(|own| own.as_str()).or_else(|| told(header::HOST.as_str()));
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    match (host, own) {
        (Some(host), Some(own)) if host.eq_ignore_ascii_case(own) => Ok(()),
        _ => Err(foreign()),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn passes(headers: &[(&str, &str)]) -> bool {
        let mut request = Request::post("/auth/login");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap().into_parts().0).is_ok()
    }

    #[test]
    fn a_page_of_our_own_and_a_program_pass() {
        assert!(passes(&[("host", "watch.example")]));
        assert!(passes(&[("host", "watch.example:8080"), ("origin", "http://watch.example:8080")]));
        assert!(passes(&[
            ("host", "watch.example"),
            ("origin", "https://Watch.example"),
            ("sec-fetch-site", "same-origin"),
        ]));
    }

    #[test]
    fn another_site_does_not() {
        for headers in [
            &[("host", "watch.example"), ("origin", "https://evil.example")][..],
            &[("host", "watch.example"), ("origin", "https://watch.example.evil.example")],
            &[("host", "watch.example"), ("origin", "https://watch.example:444")],
            &[("host", "watch.example"), ("origin", "null")],
            &[("host", "watch.example"), ("sec-fetch-site", "cross-site")],
            &[("host", "watch.example"), ("sec-fetch-site", "same-site")],
            &[("host", "watch.example"), ("sec-fetch-site", "none")],
            &[("origin", "https://watch.example")],
        ] {
            assert!(!passes(headers), "{headers:?}");
        }
    }
}
