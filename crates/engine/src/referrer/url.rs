//! The page that a `Referer` or `Origin` header names. It does not match; [`pattern`](super::pattern) does.
//!
//! Invariant: a page has one scheme, one host, one port and one canonical path.

use core::net::Ipv6Addr;

use crate::path::CanonicalPath;

/// The page named by a `Referer` or `Origin`; query and fragment are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageUrl<'a> {
    pub(super) scheme: Scheme,
    pub(super) host: Host<'a>,
    pub(super) port: u16,
    pub(super) path: CanonicalPath<'a>,
}

/// The header does not name a page in one clear way: `null`, another scheme, userinfo, odd bytes, an odd path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the referrer does not name a page")]
pub struct MalformedReferrer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// A host: labels of letters, digits, `-` and `_` in any case, or an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host<'a> {
    Name(&'a [u8]),
    V6(Ipv6Addr),
}

impl<'a> PageUrl<'a> {
    /// Reads the value of a `Referer` or `Origin` header.
    pub fn parse(value: &'a [u8]) -> Result<PageUrl<'a>, MalformedReferrer> {
        if !value.iter().all(u8::is_ascii_graphic) {
            return Err(MalformedReferrer);
        }
        let url = value.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or(value);
        let (scheme, rest) = Scheme::split(url).ok_or(MalformedReferrer)?;
        let (authority, path) = split_path(rest);
        let (host, port) = split_port(authority).ok_or(MalformedReferrer)?;
        if path.is_some_and(holds_another_address) {
            return Err(MalformedReferrer);
        }
        Ok(PageUrl {
            scheme,
            host: Host::parse(host).ok_or(MalformedReferrer)?,
            port: port.unwrap_or(scheme.default_port()),
            path: CanonicalPath::parse_page(path.unwrap_or(b"/")).map_err(|_| MalformedReferrer)?,
        })
    }
}

impl Scheme {
    /// The scheme and what follows `://`; none for other schemes.
    pub(super) fn split(url: &[u8]) -> Option<(Scheme, &[u8])> {
        let end = url.windows(3).position(|three| three == b"://")?;
        let (name, rest) = url.split_at_checked(end)?;
        let scheme = match name {
            _ if name.eq_ignore_ascii_case(b"http") => Scheme::Http,
            _ if name.eq_ignore_ascii_case(b"https") => Scheme::Https,
            _ => return None,
        };
        Some((scheme, rest.strip_prefix(b"://")?))
    }

    pub(super) fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl<'a> Host<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Option<Host<'a>> {
        if let Some(inside) = text.strip_prefix(b"[") {
            let address = core::str::from_utf8(inside.strip_suffix(b"]")?).ok()?;
            return address.parse().ok().map(Host::V6);
        }
        let label = |label: &[u8]| {
            (1..=63).contains(&label.len())
                && label.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let good = text.len() <= 253 && text.split(|&byte| byte == b'.').all(label);
        good.then_some(Host::Name(text))
    }
}

/// Whether a path goes on with `,https://…`: proxies join two headers so, and two headers name no page.
fn holds_another_address(path: &[u8]) -> bool {
    path.split(|&byte| byte == b',').skip(1).any(|rest| Scheme::split(rest).is_some())
}

/// Splits before the first `/`.
pub(super) fn split_path(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|&byte| byte == b'/').and_then(|at| text.split_at_checked(at)) {
        Some((authority, path)) => (authority, Some(path)),
        None => (text, None),
    }
}

/// Splits a port off: plain digits, no leading zero. The outer option is for malformed ones.
pub(super) fn split_port(authority: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let is_inside_brackets = authority.ends_with(b"]");
    let Some(colon) = authority.iter().rposition(|&byte| byte == b':').filter(|_| !is_inside_brackets) else {
        return Some((authority, None));
    };
    let (host, port) = authority.split_at_checked(colon)?;
    let digits = port.strip_prefix(b":")?;
    let plain = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
    let port = core::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()?;
    Some((host, Some(port)))
}
