//! Where messages may go: no further than the operator allows, whoever wrote the URL and whatever its name resolves to.
//!
//! The control plane stands where the caller does not: beside databases, metadata services and its own API. Invariant: an
//! address is looked at as it is connected to, not as it was when the webhook was made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

const MAX_URL: usize = 2000;

/// What the operator allows beyond `https` to public addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebhookRules {
    /// Messages may go unencrypted.
    pub allow_http: bool,
    /// Messages may go to loopback and private addresses.
    pub allow_private: bool,
}

/// Why nothing is sent there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// It is no URL; whoever makes the webhook can fix it.
    #[error("expected a URL such as `https://hooks.example.com/portcullis`, of at most {MAX_URL} characters")]
    Syntax,
    /// It is one of something else, or of something that the operator does not allow.
    #[error(
        "expected a URL that begins with `https://`: only with --webhook-allow-http does `portcullis serve` take `http://`"
    )]
    Scheme,
    /// It holds a user name or a password.
    #[error("a webhook's URL holds no user name and no password: verify the signature instead")]
    UserInfo,
    /// Its name is known to nobody, or to the control plane's network alone. Which, and where it leads there, is in the log: whoever
    /// makes webhooks is not to ask about that network's names.
    #[error(
        "its name cannot be looked up, or leads to an address that is not public: webhooks are sent to public addresses only, or with `portcullis serve --webhook-allow-private` to private ones"
    )]
    Name,
    /// It is an address where nothing is sent to.
    #[error(
        "it leads to {0}, {1} address: webhooks are sent to public addresses only, or with `portcullis serve --webhook-allow-private` to private ones"
    )]
    Address(IpAddr, &'static str),
    /// It is a name that leads to the machine that looks it up, whoever asks (RFC 6761, 6.3).
    #[error(
        "`{0}` is a loopback name: webhooks are sent to public addresses only, or with `portcullis serve --webhook-allow-private` to private ones"
    )]
    Loopback(String),
}

impl WebhookRules {
    /// A URL that messages may go to, as far as it can be told before its name is resolved.
    pub(crate) fn parse(self, text: &str) -> Result<Url, Refused> {
        let url = Url::parse(text).ok().filter(|_| text.len() <= MAX_URL && !text.contains(char::is_whitespace));
        let url = url.ok_or(Refused::Syntax)?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err(Refused::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        let host = url.host_str().ok_or(Refused::Syntax)?;
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => self.allow(address).map(|()| url),
            Err(_) if is_loopback(host) && !self.allow_private => Err(Refused::Loopback(host.to_owned())),
            Err(_) => Ok(url),
        }
    }

    /// Fails for an address that nothing is sent to.
    pub(super) fn allow(self, address: IpAddr) -> Result<(), Refused> {
        match kind(address) {
            Kind::Public => Ok(()),
            Kind::Private(_) if self.allow_private => Ok(()),
            Kind::Private(what) | Kind::Never(what) => Err(Refused::Address(address, what)),
        }
    }
}

/// `localhost` and what is below it; host names of URLs are in small letters.
fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.strip_suffix("localhost").is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

enum Kind {
    Public,
    /// Somebody's own network: the operator may mean it.
    Private(&'static str),
    /// Nobody's server.
    Never(&'static str),
}

fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

/// As in the IANA IPv4 Special-Purpose Address Registry.
fn kind_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [127, ..] => Kind::Private("a loopback"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private("a private"),
        [100, 64..=127, ..] => Kind::Private("a shared"),
        // Cloud metadata services answer there.
        [169, 254, ..] => Kind::Never("a link-local"),
        [0, ..] => Kind::Never("an unspecified"),
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] | [240..=255, ..] => Kind::Never("a reserved"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Kind::Never("a documentation"),
        [224..=239, ..] => Kind::Never("a multicast"),
        _ => Kind::Public,
    }
}

/// As in the IANA IPv6 Special-Purpose Address Registry: what is not global unicast is not public.
fn kind_v6(address: Ipv6Addr) -> Kind {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Private("a loopback"),
        // Some cloud's metadata service: fd00:ec2::254.
        [0xfd00, 0xec2, ..] => Kind::Never("a metadata service's"),
        [0xfc00..=0xfdff, ..] => Kind::Private("a private"),
        [0xfe80..=0xfebf, ..] => Kind::Never("a link-local"),
        [0xff00..=0xffff, ..] => Kind::Never("a multicast"),
        // IPv4-mapped, and NAT64 (RFC 6052): what is in it counts.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => kind_v4(v4(high, low)),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Kind::Never("a documentation"),
        // Teredo and the like; 6to4.
        [0x2001, 0..=0x1ff, ..] | [0x2002, ..] => Kind::Never("a reserved"),
        [0x2000..=0x3fff, ..] => Kind::Public,
        _ => Kind::Never("a reserved"),
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests;
