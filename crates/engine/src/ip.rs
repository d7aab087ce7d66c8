//! Client addresses and the networks they may call from.
//!
//! An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is IPv4 everywhere: in networks and in clients. So an IPv6
//! network never holds an IPv4 client, `::/0` included. Parsing is strict: what two readers could take for different
//! networks (leading zeros, host bits, netmasks) is refused.
//!
//! It does not decide which address is the client's; Envoy does. Invariant: [`Network::parse`] accepts what a
//! network displays as, and gives the same network.

use alloc::string::{String, ToString};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// IPv4.
    V4 {
        /// The first address.
        address: Ipv4Addr,
        /// How many leading bits count, at most 32.
        prefix: u8,
    },
    /// IPv6, never IPv4-mapped.
    V6 {
        /// The first address.
        address: Ipv6Addr,
        /// How many leading bits count, at most 128.
        prefix: u8,
    },
}

/// What one customer of a provider has: an IPv4 address, as IPv6 writes it, or a whole /64 of IPv6.
pub fn customer(address: IpAddr) -> [u8; 16] {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => (u128::from(v6) >> 64 << 64).to_be_bytes(),
    }
}

/// Why a network is refused. Whoever wrote the restriction mends it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not an address.
    #[error("`{0}` is not an address; hint: write one such as `192.0.2.1` or `2001:db8::1`, without leading zeros")]
    Address(String),
    /// A zone id: `fe80::1%eth0`.
    #[error("`{0}` has a zone id, which means nothing to another machine; hint: leave out the `%` and what follows")]
    Zone(String),
    /// A netmask or hostmask after the `/`.
    #[error("`{network}` has a netmask; hint: write {hint}")]
    Netmask {
        /// The network as given.
        network: String,
        /// What to write instead.
        hint: String,
    },
    /// Not a plain number after the `/`.
    #[error("`{0}` has no good prefix length; hint: write a plain number after the `/`, such as `/24`")]
    Prefix(String),
    /// A prefix longer than the address.
    #[error("prefix length {prefix} is too long; hint: write at most {longest}")]
    PrefixTooLong {
        /// The prefix as given.
        prefix: u32,
        /// The longest for this kind of address.
        longest: u8,
    },
    /// Bits set beyond the prefix.
    #[error(
        "`{given}` has bits set beyond its prefix; hint: write `{network}` for the network or `{address}` for the address"
    )]
    HostBits {
        /// The network as given.
        given: String,
        /// The network that holds it.
        network: Network,
        /// The address alone.
        address: IpAddr,
    },
}

impl Network {
    /// Reads an address or a range in CIDR notation.
    pub fn parse(text: &str) -> Result<Network, NetworkError> {
        let (head, tail) = match text.split_once('/') {
            Some((head, tail)) => (head, Some(tail)),
            None => (text, None),
        };
        if head.contains('%') {
            return Err(NetworkError::Zone(text.into()));
        }
        let address: IpAddr = head.parse().map_err(|_| NetworkError::Address(text.into()))?;
        match tail {
            None => Ok(Network::masked(address, u8::MAX)),
            Some(tail) => Network::with_prefix(text, address, parse_prefix(text, address, tail)?),
        }
    }

    /// Whether the network holds a client. An IPv4-mapped IPv6 client is IPv4.
    pub fn contains(&self, client: IpAddr) -> bool {
        match (*self, unmap(client)) {
            (Network::V4 { address, prefix }, IpAddr::V4(client)) => mask4(client, prefix) == mask4(address, prefix),
            (Network::V6 { address, prefix }, IpAddr::V6(client)) => mask6(client, prefix) == mask6(address, prefix),
            _ => false,
        }
    }

    fn with_prefix(text: &str, address: IpAddr, prefix: u8) -> Result<Network, NetworkError> {
        let masked = match address {
            IpAddr::V4(v4) => IpAddr::V4(mask4(v4, prefix)),
            IpAddr::V6(v6) => IpAddr::V6(mask6(v6, prefix)),
        };
        let network = Network::masked(masked, prefix);
        if masked == address {
            Ok(network)
        } else {
            Err(NetworkError::HostBits { given: text.into(), network, address: unmap(address) })
        }
    }

    /// The network of an address without host bits; a prefix that is too long stands for the longest.
    fn masked(address: IpAddr, prefix: u8) -> Network {
        match (address, unmap(address)) {
            (IpAddr::V4(address), _) => Network::V4 { address, prefix: prefix.min(32) },
            (IpAddr::V6(_), IpAddr::V4(address)) if prefix >= 96 => {
                Network::V4 { address, prefix: (prefix - 96).min(32) }
            }
            (IpAddr::V6(address), _) => Network::V6 { address, prefix: prefix.min(128) },
        }
    }
}

impl fmt::Display for Network {
    /// A range of one address is written as the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Network::V4 { address, prefix: 32 } => write!(f, "{address}"),
            Network::V6 { address, prefix: 128 } => write!(f, "{address}"),
            Network::V4 { address, prefix } => write!(f, "{address}/{prefix}"),
            Network::V6 { address, prefix } => write!(f, "{address}/{prefix}"),
        }
    }
}

/// An IPv4-mapped IPv6 address as the IPv4 address it stands for; any other as it is.
pub fn unmap(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Reads Envoy's `source.address`: `192.0.2.1:443`, `[2001:db8::1]:443`, or an address alone.
///
/// A zone id is dropped: it names an interface of the proxy, not the client.
pub fn parse_source_address(text: &[u8]) -> Option<IpAddr> {
    let text = core::str::from_utf8(text).ok()?;
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (inside, port) = rest.split_once("]:")?;
        is_port(port).then(|| parse_v6(inside))??
    } else if let Some((head, port)) = text.split_once(':').filter(|(_, port)| !port.contains(':')) {
        is_port(port).then(|| head.parse::<Ipv4Addr>().ok())??.into()
    } else {
        text.parse::<Ipv4Addr>().ok().map(IpAddr::V4).or_else(|| parse_v6(text))?
    };
    Some(unmap(address))
}

fn parse_v6(text: &str) -> Option<IpAddr> {
    let bare = match text.split_once('%') {
        Some((_, "")) => return None,
        Some((bare, _)) => bare,
        None => text,
    };
    bare.parse().ok().map(IpAddr::V6)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn parse_prefix(text: &str, address: IpAddr, tail: &str) -> Result<u8, NetworkError> {
    if let Ok(mask) = tail.parse::<IpAddr>() {
        return Err(NetworkError::Netmask { network: text.into(), hint: netmask_hint(address, mask) });
    }
    let plain = tail.bytes().all(|byte| byte.is_ascii_digit()) && (tail == "0" || !tail.starts_with('0'));
    let prefix = if plain { tail.parse::<u32>().ok() } else { None };
    let prefix = prefix.ok_or_else(|| NetworkError::Prefix(text.into()))?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    match u8::try_from(prefix) {
        Ok(short) if short <= longest => Ok(short),
        _ => Err(NetworkError::PrefixTooLong { prefix, longest }),
    }
}

/// The CIDR spelling, if the mask has one.
fn netmask_hint(address: IpAddr, mask: IpAddr) -> String {
    let prefix = match mask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones(),
        IpAddr::V6(mask) => mask.to_bits().leading_ones(),
    };
    let whole = match mask {
        IpAddr::V4(mask) => mask.to_bits().count_ones() == prefix,
        IpAddr::V6(mask) => mask.to_bits().count_ones() == prefix,
    };
    let fits = whole && address.is_ipv4() == mask.is_ipv4();
    if fits { alloc::format!("`{address}/{prefix}`") } else { "a prefix length, such as `/24`".to_string() }
}

fn mask4(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    let host = 32_u32.saturating_sub(prefix.into());
    Ipv4Addr::from_bits(address.to_bits() & u32::MAX.checked_shl(host).unwrap_or(0))
}

fn mask6(address: Ipv6Addr, prefix: u8) -> Ipv6Addr {
    let host = 128_u32.saturating_sub(prefix.into());
    Ipv6Addr::from_bits(address.to_bits() & u128::MAX.checked_shl(host).unwrap_or(0))
}
