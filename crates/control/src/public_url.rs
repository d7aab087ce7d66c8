//! Where people reach the control plane: the beginning of every link that it writes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::Uri;

/// `https://control.example.com`, without anything behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    secure: bool,
}

/// Text that is no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address to reach this by\nhint: it looks like https://control.example.com, without a path")]
pub struct InvalidPublicUrl(String);

impl PublicUrl {
    /// Of whoever listens there and says nothing else.
    pub(crate) fn of(listening: SocketAddr) -> Self {
        let mut reachable = listening;
        match reachable.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => reachable.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => reachable.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Self { text: format!("http://{reachable}"), secure: false }
    }

    /// Whether browsers come over https.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether a browser means this by an origin.
    pub(crate) fn is(&self, origin: &str) -> bool {
        self.text.eq_ignore_ascii_case(origin)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let invalid = || InvalidPublicUrl(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid()),
        };
        let authority = uri.authority().filter(|it| !it.as_str().contains('@')).ok_or_else(invalid)?;
        if uri.path() != "/" || uri.query().is_some() || text.contains('#') {
            return Err(invalid());
        }
        // As browsers write an origin: without the port that goes without saying.
        let usual = if secure { ":443" } else { ":80" };
        let authority = authority.as_str().to_ascii_lowercase();
        let authority = authority.strip_suffix(usual).unwrap_or(&authority);
        Ok(Self { text: format!("{}://{authority}", if secure { "https" } else { "http" }), secure })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expected) in [
            ("https://control.example.com", Some("https://control.example.com")),
            ("https://Control.Example.com/", Some("https://control.example.com")),
            ("https://control.example.com:443", Some("https://control.example.com")),
            ("http://[::1]:8080", Some("http://[::1]:8080")),
            ("control.example.com", None),
            ("ftp://control.example.com", None),
            ("https://user:secret@control.example.com", None),
            ("https://control.example.com/portcullis", None),
            ("https://control.example.com?x", None),
            ("https://control.example.com/#x", None),
            ("", None),
        ] {
            let parsed = text.parse::<PublicUrl>();
            assert_eq!(parsed.as_ref().map(ToString::to_string).ok().as_deref(), expected, "{text}");
            assert!(parsed.is_err() || parsed.unwrap().is_secure() == text.starts_with("https"));
        }
        assert_eq!(PublicUrl::of("0.0.0.0:80".parse().unwrap()).to_string(), "http://127.0.0.1:80");
        assert_eq!(PublicUrl::of("[::]:8080".parse().unwrap()).to_string(), "http://[::1]:8080");
    }
}
