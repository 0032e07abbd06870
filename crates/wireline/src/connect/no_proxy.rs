//! Which origins are reached without a proxy.

use std::net::IpAddr;

use crate::connect::origin::Origin;

/// Which origins are reached without a proxy: what `NO_PROXY` says. There is no standard for it; this is what curl, Go
/// and Python have in common, and CIDR, ports and `*.` beyond that where one of them has it.
///
/// The list is separated by commas, or by white space. An entry is one of these, each with or without `:port`:
///
/// | entry | is |
/// | --- | --- |
/// | `*` | every host |
/// | `example.org`, `.example.org`, `*.example.org` | this name, and all that end in `.example.org` |
/// | `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]` | this address, however it is written; with a port, IPv6 in brackets |
/// | `192.0.2.0/24`, `2001:db8::/32`, `[2001:db8::]/32` | all addresses that begin with so many of its bits |
///
/// Case and a dot at the end make no difference in a name. Names are not looked up: an address matches an origin that
/// is written as an address. `localhost` is listed or it is not excepted.
///
/// ```
/// use wireline::{NoProxy, Origin};
///
/// let direct = NoProxy::parse("localhost, .example.org:8080, 10.0.0.0/8, [::1], nonsense/x");
/// assert!(direct.matches(&Origin::parse("http://www.example.org:8080")?));
/// assert!(!direct.matches(&Origin::parse("https://www.example.org")?));
/// assert!(direct.matches(&Origin::parse("http://10.1.2.3")?));
/// assert!(direct.matches(&Origin::parse("https://[0:0:0:0:0:0:0:1]")?));
/// assert_eq!(direct.not_understood(), ["nonsense/x"]);
/// # Ok::<(), wireline::InvalidUrl>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy {
    entries: Vec<Entry>,
    not_understood: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// Without a dot at either end.
    Domain(String),
    Network(Network),
}

impl NoProxy {
    /// From a list. Never fails, as nobody's does: what is [`not_understood`](Self::not_understood) matches nothing.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let mut parsed = Self::default();
        for text in list.split(|char: char| char == ',' || char.is_whitespace()).filter(|text| !text.is_empty()) {
            match Entry::parse(text) {
                Some(entry) => parsed.entries.push(entry),
                None => parsed.not_understood.push(text.to_owned()),
            }
        }
        parsed
    }

    /// Whether an origin is reached without a proxy.
    #[must_use]
    pub fn matches(&self, origin: &Origin) -> bool {
        self.entries.iter().any(|entry| entry.matches(origin.host(), origin.port()))
    }

    /// The entries that mean nothing, as they were written.
    #[must_use]
    pub fn not_understood(&self) -> &[String] {
        &self.not_understood
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        // An IPv6 address without brackets has no port: its last group looks like one.
        if let Some(hosts) = Hosts::parse(text) {
            return Some(Self { hosts, port: None });
        }
        let (hosts, port) = text.rsplit_once(':')?;
        // Which of the colons is the port's would be a guess, but behind a prefix length or a bracket.
        if hosts.contains(':') && !hosts.contains(['/', ']']) {
            return None;
        }
        Some(Self { hosts: Hosts::parse(hosts)?, port: Some(parse_number(port)?) })
    }

    fn matches(&self, host: &str, port: u16) -> bool {
        self.port.is_none_or(|own| own == port) && self.hosts.contain(host)
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if let Some(network) = Network::parse(text) {
            return Some(Self::Network(network));
        }
        let name = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
        let name = without_root(name);
        // Hosts of origins are ASCII; an entry in another script could never match.
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (name.bytes().all(legal) && name.split('.').all(|label| !label.is_empty()))
            .then(|| Self::Domain(name.to_owned()))
    }

    fn contain(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            // `0.1` is no end of 10.0.0.1.
            Self::Domain(domain) => host.parse::<IpAddr>().is_err() && is_within(without_root(host), domain),
            Self::Network(network) => host.parse().is_ok_and(|address| network.contains(address)),
        }
    }
}

/// A name whose last dot stands for the root is the same name.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// The domain itself, or a name that ends in it behind a dot: `notexample.org` is not within `example.org`.
fn is_within(name: &str, domain: &str) -> bool {
    let Some(at) = name.len().checked_sub(domain.len()) else { return false };
    let (front, end) = name.as_bytes().split_at(at);
    end.eq_ignore_ascii_case(domain.as_bytes()) && matches!(front, [] | [.., b'.'])
}

/// Addresses that begin with the same bits. IPv4 is in it as the IPv6 addresses that stand for it (RFC 4291
/// section 2.5.5.2), so `::ffff:192.0.2.1` is 192.0.2.1 here, as it is for the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: u128,
    /// How many bits count.
    prefix: u32,
}

impl Network {
    /// An address, or an address and a prefix length.
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address = match address.strip_prefix('[') {
            Some(literal) => IpAddr::V6(literal.strip_suffix(']')?.parse().ok()?),
            None => address.parse().ok()?,
        };
        // The bits that an IPv6 address has in front of an IPv4 address.
        let front = if address.is_ipv4() { MAPPED } else { 0 };
        let prefix = match prefix {
            None => u128::BITS,
            Some(digits) => parse_number::<u32>(digits)?.checked_add(front).filter(|&bits| bits <= u128::BITS)?,
        };
        Some(Self { address: bits(address), prefix })
    }

    fn contains(self, address: IpAddr) -> bool {
        let differing = self.address ^ bits(address);
        // A prefix of 0 shifts all bits out. `::/0` is all of IPv6 and nothing of IPv4.
        let same = differing.checked_shr(u128::BITS - self.prefix).unwrap_or(0) == 0;
        same && (self.prefix >= MAPPED || address.to_canonical().is_ipv6())
    }
}

/// How many bits `::ffff:0:0` has before the IPv4 address begins.
const MAPPED: u32 = 96;

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
    .to_bits()
}

/// Digits and nothing else: `parse` alone would take a sign.
fn parse_number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
