//! Where people are sent back to: which URIs an app may register, and which of them it means.
//!
//! Invariant: a person is only ever sent to a URI that was registered, letter by letter; on loopback any port will do
//! (RFC 8252, section 7.3); the host that people are told is the one that a browser goes to.

use reqwest::Url;

const MAX_LENGTH: usize = 1024;
/// By address: what `localhost` means, somebody else may decide.
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Why a URI cannot be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// It is none.
    #[error("expected a URI of at most 1024 plain characters, such as `https://app.example.com/callback`")]
    NoUri,
    /// It has what none may have.
    #[error("a redirect URI has no fragment, no user name and no `*`: it is compared letter by letter")]
    Part,
    /// A browser would make another host of it.
    #[error(
        "a redirect URI's host is written as browsers read it: in small letters, without the port 443, as in `https://app.example.com/callback`"
    )]
    Host,
    /// It leads where anybody could listen.
    #[error(
        "expected `https://…`, `http://127.0.0.1/…` or `http://[::1]/…` (any port), `http://localhost/…`, or a scheme of the app's own with a dot in it, such as `com.example.app:/callback`"
    )]
    Scheme,
}

/// A URI that may be registered.
pub(super) fn parse(text: &str) -> Result<String, Refused> {
    let text = text.trim();
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if text.len() > MAX_LENGTH || !text.bytes().all(plain) {
        return Err(Refused::NoUri);
    }
    let url = Url::parse(text).map_err(|_| Refused::NoUri)?;
    if text.contains(['*', '#']) || !url.username().is_empty() || url.password().is_some() || has_user(text) {
        return Err(Refused::Part);
    }
    match url.scheme() {
        "https" if text.starts_with("https://") && authority(text) == read(&url) => Ok(text.to_owned()),
        "https" if text.starts_with("https://") => Err(Refused::Host),
        "http" if is_loopback(text) => Ok(text.to_owned()),
        "https" | "http" => Err(Refused::Scheme),
        scheme if scheme.contains('.') && text.starts_with(scheme) => Ok(text.to_owned()),
        _ => Err(Refused::Scheme),
    }
}

/// An empty user name is one as well.
fn has_user(text: &str) -> bool {
    authority(text).contains('@')
}

/// What stands behind `://`, up to the path. People are told it, so it has to be where a browser goes.
fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// Where a browser goes, as it would be written there.
fn read(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn is_loopback(text: &str) -> bool {
    let named = text.strip_prefix("http://localhost");
    let port = named.and_then(without_port);
    port.is_some() || portless(text).is_some()
}

/// Whether an app that registered one means it by what it asks for.
pub(super) fn means(registered: &str, asked: &str) -> bool {
    registered == asked || portless(registered).is_some_and(|it| portless(asked) == Some(it))
}

/// A loopback URI without its port: which of the two, and what is behind it.
fn portless(uri: &str) -> Option<(&'static str, &str)> {
    LOOPBACK.into_iter().find_map(|host| Some((host, without_port(uri.strip_prefix(host)?)?)))
}

/// What is behind a host, without the port.
fn without_port(rest: &str) -> Option<&str> {
    let rest = match rest.strip_prefix(':') {
        Some(rest) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (port, rest) = rest.split_at_checked(end)?;
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            port.parse::<u16>().ok().filter(|port| digits && *port > 0)?;
            rest
        }
        None => rest,
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
}

/// The source of a page's policy by which its form may lead there: Chromium asks it of redirects too.
pub(crate) fn source(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once(':') else { return String::new() };
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    match scheme {
        // A policy has no name for an address of IPv6.
        "http" | "https" if !authority.contains('[') => format!("{scheme}://{authority}"),
        _ => format!("{scheme}:"),
    }
}

/// Where it leads, for people.
pub(crate) fn host(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once(':') else { return String::new() };
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    match (scheme, authority) {
        ("http", _) => "this machine".to_owned(),
        ("https", authority) => authority.to_owned(),
        _ => format!("an app on this machine ({scheme})"),
    }
}

/// The URI with parameters behind it.
pub(super) fn with(uri: &str, parameters: &[(&str, &str)]) -> String {
    let Ok(mut written) = Url::parse("https://localhost") else { return uri.to_owned() };
    written.query_pairs_mut().extend_pairs(parameters);
    let query = written.query().unwrap_or_default();
    let join = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{uri}{join}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_registered() {
        for (uri, expected) in [
            ("https://app.example.com/callback", Ok(())),
            ("https://app.example.com", Ok(())),
            ("https://app.example.com:8443/cb?tenant=1", Ok(())),
            ("http://127.0.0.1/cb", Ok(())),
            ("http://127.0.0.1:8123/cb", Ok(())),
            ("http://[::1]/cb", Ok(())),
            ("http://localhost:3000/cb", Ok(())),
            ("com.example.app:/cb", Ok(())),
            ("com.example.app://cb", Ok(())),
            ("", Err(Refused::NoUri)),
            ("/cb", Err(Refused::NoUri)),
            ("https://a b/", Err(Refused::NoUri)),
            ("https://app.example.com/\"x", Err(Refused::NoUri)),
            ("https://app.example.com\\@evil.example/", Err(Refused::NoUri)),
            ("https://app.example.com/cb#x", Err(Refused::Part)),
            ("https://app.example.com/cb#", Err(Refused::Part)),
            ("https://*.example.com/cb", Err(Refused::Part)),
            ("https://user@app.example.com/cb", Err(Refused::Part)),
            ("https://@app.example.com/cb", Err(Refused::Part)),
            ("https://user:pw@app.example.com/cb", Err(Refused::Part)),
            ("http://app.example.com/cb", Err(Refused::Scheme)),
            ("http://127.0.0.1.evil.example/cb", Err(Refused::Scheme)),
            ("http://127.0.0.1:80x/cb", Err(Refused::NoUri)),
            ("http://localhost.evil.example/cb", Err(Refused::Scheme)),
            ("https:app.example.com/cb", Err(Refused::Scheme)),
            ("https:///evil.example/cb", Err(Refused::Host)),
            ("https:////evil.example/cb", Err(Refused::Host)),
            ("https://?evil.example/cb", Err(Refused::NoUri)),
            ("https://App.example.com/cb", Err(Refused::Host)),
            ("https://app.example.com:443/cb", Err(Refused::Host)),
            ("https://app.example.com:/cb", Err(Refused::Host)),
            ("https://%61pp.example.com/cb", Err(Refused::Host)),
            ("https://0x7f.1/cb", Err(Refused::Host)),
            ("https://[2001:db8::1]:8443/cb", Ok(())),
            ("HTTPS://app.example.com/cb", Err(Refused::Scheme)),
            ("javascript:alert(1)", Err(Refused::Scheme)),
            ("data:text/html,x", Err(Refused::Scheme)),
            ("myapp:/cb", Err(Refused::Scheme)),
        ] {
            assert_eq!(parse(uri).map(drop), expected, "{uri}");
        }
    }

    #[test]
    fn what_is_meant_by_what() {
        for (registered, asked, same) in [
            ("https://a.example/cb", "https://a.example/cb", true),
            ("https://a.example/cb", "https://a.example/cb/", false),
            ("https://a.example/cb", "https://A.example/cb", false),
            ("https://a.example/cb", "https://a.example:443/cb", false),
            ("https://a.example/cb", "https://a.example/cb?x=1", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true),
            ("http://127.0.0.1:8080/cb", "http://127.0.0.1:51004/cb", true),
            ("http://127.0.0.1:8080/cb", "http://127.0.0.1/cb", true),
            ("http://[::1]/cb", "http://[::1]:9/cb", true),
            ("http://127.0.0.1/cb", "http://[::1]/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1/other", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:x/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false),
            ("http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb", false),
            ("http://127.0.0.1", "http://127.0.0.1.evil.example", false),
            ("http://localhost:1/cb", "http://localhost:2/cb", false),
        ] {
            assert_eq!(means(registered, asked), same, "{registered} {asked}");
        }
    }

    #[test]
    fn where_it_leads() {
        for (uri, expected_source, expected_host) in [
            ("https://a.example:8443/cb?x", "https://a.example:8443", "a.example:8443"),
            ("http://127.0.0.1:51004/cb", "http://127.0.0.1:51004", "this machine"),
            ("http://[::1]:5/cb", "http:", "this machine"),
            ("com.example.app:/cb", "com.example.app:", "an app on this machine (com.example.app)"),
        ] {
            assert_eq!((source(uri).as_str(), host(uri).as_str()), (expected_source, expected_host), "{uri}");
        }
        for (uri, expected) in [
            ("https://a.example", "https://a.example?code=a%26b"),
            ("https://a.example/cb?x=1", "https://a.example/cb?x=1&code=a%26b"),
            ("com.example.app:/cb", "com.example.app:/cb?code=a%26b"),
        ] {
            assert_eq!(with(uri, &[("code", "a&b")]), expected);
        }
    }
}
