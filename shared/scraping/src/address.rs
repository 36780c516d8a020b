//! Which IP addresses may be connected to: only globally routable unicast ones, and what the operator has allowed besides.
//!
//! The registries of special-purpose addresses are <https://www.iana.org/assignments/iana-ipv4-special-registry> and
//! <https://www.iana.org/assignments/iana-ipv6-special-registry>.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

/// Why an address is not a public one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// The machine itself.
    Loopback,
    /// A private network (RFC 1918).
    Private,
    /// An IPv6 private network (RFC 4193).
    UniqueLocal,
    /// An IPv6 private network of old (RFC 3879).
    SiteLocal,
    /// The local link.
    LinkLocal,
    /// A cloud's metadata service, which hands out credentials.
    Metadata,
    /// A carrier's NAT (RFC 6598).
    CarrierNat,
    /// No host: "this network".
    Unspecified,
    /// Many hosts at once.
    Multicast,
    /// All hosts of the link.
    Broadcast,
    /// Examples in books.
    Documentation,
    /// Benchmarks of network devices.
    Benchmarking,
    /// A tunnel or translator to an IPv4 address that this policy could not judge reliably.
    Tunnel,
    /// Not assigned to any host.
    Reserved,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::UniqueLocal => "a private (unique local) address",
            Self::SiteLocal => "a private (site-local) address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a cloud metadata service",
            Self::CarrierNat => "an address of carrier-grade NAT",
            Self::Unspecified => "an unspecified address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Documentation => "an address for documentation",
            Self::Benchmarking => "an address for benchmarking",
            Self::Tunnel => "an address of an IPv6 tunnel",
            Self::Reserved => "a reserved address",
        })
    }
}

/// An address that must not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{address} is {kind}")]
pub struct Refusal {
    /// The address.
    pub address: IpAddr,
    /// Why it is refused.
    pub kind: AddressKind,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, d: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// IPv4 networks that are not public; the first match names the kind.
const SPECIAL_V4: [(Ipv4Net, AddressKind); 17] = [
    (v4(0, 0, 0, 0, 8), AddressKind::Unspecified),
    (v4(10, 0, 0, 0, 8), AddressKind::Private),
    (v4(100, 64, 0, 0, 10), AddressKind::CarrierNat),
    (v4(127, 0, 0, 0, 8), AddressKind::Loopback),
    (v4(169, 254, 169, 254, 32), AddressKind::Metadata),
    (v4(169, 254, 0, 0, 16), AddressKind::LinkLocal),
    (v4(172, 16, 0, 0, 12), AddressKind::Private),
    (v4(192, 0, 0, 0, 24), AddressKind::Reserved),
    (v4(192, 0, 2, 0, 24), AddressKind::Documentation),
    (v4(192, 88, 99, 0, 24), AddressKind::Tunnel),
    (v4(192, 168, 0, 0, 16), AddressKind::Private),
    (v4(198, 18, 0, 0, 15), AddressKind::Benchmarking),
    (v4(198, 51, 100, 0, 24), AddressKind::Documentation),
    (v4(203, 0, 113, 0, 24), AddressKind::Documentation),
    (v4(224, 0, 0, 0, 4), AddressKind::Multicast),
    (v4(255, 255, 255, 255, 32), AddressKind::Broadcast),
    (v4(240, 0, 0, 0, 4), AddressKind::Reserved),
];

/// IPv6 networks that are not public; the first match names the kind. Whatever is outside `2000::/3` is reserved besides.
const SPECIAL_V6: [(Ipv6Net, AddressKind); 13] = [
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), AddressKind::Unspecified),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), AddressKind::Loopback),
    (Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128), AddressKind::Metadata),
    (v6(0xfc00, 0, 0, 0, 7), AddressKind::UniqueLocal),
    (v6(0xfe80, 0, 0, 0, 10), AddressKind::LinkLocal),
    (v6(0xfec0, 0, 0, 0, 10), AddressKind::SiteLocal),
    (v6(0xff00, 0, 0, 0, 8), AddressKind::Multicast),
    (v6(0x2001, 0xdb8, 0, 0, 32), AddressKind::Documentation),
    (v6(0x3fff, 0, 0, 0, 20), AddressKind::Documentation),
    (v6(0x2001, 0x2, 0, 0, 48), AddressKind::Benchmarking),
    (v6(0x2001, 0, 0, 0, 32), AddressKind::Tunnel), // Teredo: the IPv4 address of its server is the sender's choice.
    (v6(0x2001, 0, 0, 0, 23), AddressKind::Reserved),
    (v6(0x2002, 0, 0, 0, 16), AddressKind::Tunnel), // 6to4: deprecated (RFC 7526), and a way round any IPv4 rule.
];

/// The only block from which global unicast addresses are assigned.
const GLOBAL_UNICAST_V6: Ipv6Net = v6(0x2000, 0, 0, 0, 3);
/// NAT64's well-known prefix: how an IPv6-only network reaches an IPv4 address, which stands in the last 32 bits.
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// Why `address` is not a public one; `None` if it is.
#[must_use]
pub fn special_kind(address: IpAddr) -> Option<AddressKind> {
    // Connecting to ::ffff:a.b.c.d is connecting to a.b.c.d.
    match address.to_canonical() {
        IpAddr::V4(address) => special_kind_v4(address),
        IpAddr::V6(address) if NAT64.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            special_kind_v4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V6(address) => {
            let special = SPECIAL_V6.iter().find(|(net, _)| net.contains(&address)).map(|(_, kind)| *kind);
            special.or_else(|| (!GLOBAL_UNICAST_V6.contains(&address)).then_some(AddressKind::Reserved))
        }
    }
}

fn special_kind_v4(address: Ipv4Addr) -> Option<AddressKind> {
    SPECIAL_V4.iter().find(|(net, _)| net.contains(&address)).map(|(_, kind)| *kind)
}

/// Which addresses may be connected to. The default allows public addresses only.
///
/// The operator's exceptions are read from a comma-separated list of addresses or networks, each with an optional port:
/// `127.0.0.1:8090, 10.1.0.0/16, [::1]:80, fd00:1::/64`. An exception with a port holds for addresses written as such in a URL,
/// not for host names: a name is resolved before its port is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    exceptions: Vec<Exception>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exception {
    network: IpNet,
    port: Option<u16>,
}

impl AddressPolicy {
    /// Whether a host name may be connected to at `address`.
    pub fn check_resolved(&self, address: IpAddr) -> Result<(), Refusal> {
        self.check_port(address, None)
    }

    /// Whether `address` may be connected to, as it is written in a URL.
    pub fn check(&self, address: SocketAddr) -> Result<(), Refusal> {
        self.check_port(address.ip(), Some(address.port()))
    }

    /// Whether it is the operator who allows `address`, as it is written in a URL.
    #[must_use]
    pub fn is_exception(&self, address: SocketAddr) -> bool {
        self.excepts(address.ip(), Some(address.port()))
    }

    fn check_port(&self, address: IpAddr, port: Option<u16>) -> Result<(), Refusal> {
        match special_kind(address) {
            Some(kind) if !self.excepts(address, port) => Err(Refusal { address, kind }),
            _ => Ok(()),
        }
    }

    fn excepts(&self, address: IpAddr, port: Option<u16>) -> bool {
        let canonical = address.to_canonical();
        self.exceptions.iter().any(|exception| {
            exception.network.contains(&canonical) && (exception.port.is_none() || exception.port == port)
        })
    }
}

/// An entry of an allow list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "'{entry}' is not an address or network with an optional port, such as 127.0.0.1:8090, 10.1.0.0/16 or [::1]:80"
)]
pub struct AddressPolicyError {
    /// The entry, as it was given.
    pub entry: String,
}

impl FromStr for AddressPolicy {
    type Err = AddressPolicyError;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let exceptions = entries.map(|entry| {
            let exception = parse_network(entry).map(|network| Exception { network, port: None });
            let exception = exception.or_else(|| {
                let (network, port) = entry.rsplit_once(':')?;
                Some(Exception { network: parse_network(network)?, port: Some(port.parse().ok()?) })
            });
            exception.ok_or_else(|| AddressPolicyError { entry: entry.to_owned() })
        });
        Ok(Self { exceptions: exceptions.collect::<Result<_, _>>()? })
    }
}

/// A network, or one address as a network of its own; IPv6 also in brackets.
fn parse_network(text: &str) -> Option<IpNet> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let (text, bracketed) = (bare.unwrap_or(text), bare.is_some());
    let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    (!bracketed || matches!(network, IpNet::V6(_))).then_some(network)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::{Host, Url};

    use super::*;

    /// The address that a URL's host is, however it is spelt; `None` for a host name.
    fn literal(host: &str) -> Option<IpAddr> {
        let url = Url::parse(&format!("http://{host}/")).unwrap_or_else(|error| panic!("{host}: {error}"));
        match url.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    #[test]
    fn hosts_that_are_not_public_are_refused_in_every_spelling() {
        use AddressKind as Kind;
        for (host, kind) in [
            // Loopback, plain and in the spellings that URL parsers accept.
            ("127.0.0.1", Kind::Loopback),
            ("127.0.0.1.", Kind::Loopback),
            ("127.1", Kind::Loopback),
            ("127.0.1", Kind::Loopback),
            ("127.255.255.254", Kind::Loopback),
            ("2130706433", Kind::Loopback),
            ("0x7f000001", Kind::Loopback),
            ("0x7F.0.0.1", Kind::Loopback),
            ("0x7f.1", Kind::Loopback),
            ("0177.0.0.1", Kind::Loopback),
            ("017700000001", Kind::Loopback),
            ("0177.0x0.0.01", Kind::Loopback),
            ("%31%32%37.0.0.1", Kind::Loopback),
            ("127。0。0。1", Kind::Loopback),
            ("①②⑦.⓪.⓪.①", Kind::Loopback),
            ("[::1]", Kind::Loopback),
            ("[0:0:0:0:0:0:0:1]", Kind::Loopback),
            ("[::ffff:127.0.0.1]", Kind::Loopback),
            ("[::ffff:7f00:1]", Kind::Loopback),
            ("[0:0:0:0:0:ffff:127.0.0.1]", Kind::Loopback),
            ("[64:ff9b::127.0.0.1]", Kind::Loopback),
            ("[64:ff9b::7f00:1]", Kind::Loopback),
            // "This network".
            ("0.0.0.0", Kind::Unspecified),
            ("0", Kind::Unspecified),
            ("0x0", Kind::Unspecified),
            ("0.1.2.3", Kind::Unspecified),
            ("[::]", Kind::Unspecified),
            ("[::ffff:0.0.0.0]", Kind::Unspecified),
            // Private networks.
            ("10.0.0.1", Kind::Private),
            ("10.255.255.255", Kind::Private),
            ("0xa000001", Kind::Private),
            ("012.0.0.1", Kind::Private),
            ("167772161", Kind::Private),
            ("172.16.0.1", Kind::Private),
            ("172.31.255.255", Kind::Private),
            ("192.168.0.1", Kind::Private),
            ("192.168.1", Kind::Private),
            ("3232235777", Kind::Private),
            ("[::ffff:10.0.0.1]", Kind::Private),
            ("[64:ff9b::192.168.1.1]", Kind::Private),
            ("[fc00::1]", Kind::UniqueLocal),
            ("[fd12:3456:789a::1]", Kind::UniqueLocal),
            ("[fec0::1]", Kind::SiteLocal),
            // The local link, and the metadata services of clouds.
            ("169.254.1.1", Kind::LinkLocal),
            ("[fe80::1]", Kind::LinkLocal),
            ("[febf::1]", Kind::LinkLocal),
            ("169.254.170.2", Kind::LinkLocal),
            ("169.254.169.254", Kind::Metadata),
            ("2852039166", Kind::Metadata),
            ("0xa9fea9fe", Kind::Metadata),
            ("0251.0376.0251.0376", Kind::Metadata),
            ("169.254.43518", Kind::Metadata),
            ("[::ffff:169.254.169.254]", Kind::Metadata),
            ("[64:ff9b::a9fe:a9fe]", Kind::Metadata),
            ("[fd00:ec2::254]", Kind::Metadata),
            // Carriers' NAT.
            ("100.64.0.1", Kind::CarrierNat),
            ("100.127.255.255", Kind::CarrierNat),
            ("100.100.100.200", Kind::CarrierNat),
            ("[::ffff:100.64.0.1]", Kind::CarrierNat),
            // Many hosts, or none.
            ("224.0.0.1", Kind::Multicast),
            ("239.255.255.255", Kind::Multicast),
            ("[ff02::1]", Kind::Multicast),
            ("255.255.255.255", Kind::Broadcast),
            ("4294967295", Kind::Broadcast),
            ("240.0.0.1", Kind::Reserved),
            ("192.0.0.1", Kind::Reserved),
            ("192.0.2.1", Kind::Documentation),
            ("198.51.100.1", Kind::Documentation),
            ("203.0.113.9", Kind::Documentation),
            ("[2001:db8::1]", Kind::Documentation),
            ("[3fff::1]", Kind::Documentation),
            ("198.18.0.1", Kind::Benchmarking),
            ("198.19.255.255", Kind::Benchmarking),
            ("[2001:2::1]", Kind::Benchmarking),
            // Other IPv6 forms that carry an IPv4 address.
            ("[::127.0.0.1]", Kind::Reserved),
            ("[::8.8.8.8]", Kind::Reserved),
            ("[::ffff:0:127.0.0.1]", Kind::Reserved),
            ("[64:ff9b:1::127.0.0.1]", Kind::Reserved),
            ("[2002:7f00:1::]", Kind::Tunnel),
            ("[2002:a9fe:a9fe::1]", Kind::Tunnel),
            ("[2001:0:4136:e378:8000:63bf:80ff:fffe]", Kind::Tunnel),
            ("192.88.99.1", Kind::Tunnel),
            // The rest that is not assigned to hosts.
            ("[2001:10::1]", Kind::Reserved),
            ("[100::1]", Kind::Reserved),
            ("[5f00::1]", Kind::Reserved),
            ("[4000::1]", Kind::Reserved),
        ] {
            let address = literal(host).unwrap_or_else(|| panic!("{host} is not an address"));
            assert_eq!(special_kind(address), Some(kind), "{host} is {address}");
            let refusal = AddressPolicy::default().check(SocketAddr::new(address, 80)).unwrap_err();
            assert_eq!(refusal.to_string(), format!("{address} is {kind}"));
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        for host in [
            "8.8.8.8",
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "134744072",
            "[2606:4700:4700::1111]",
            "[2001:4860:4860::8888]",
            "[2a00:1450:4009::200e]",
            "[::ffff:8.8.8.8]",
            "[64:ff9b::8.8.8.8]",
        ] {
            let address = literal(host).unwrap_or_else(|| panic!("{host} is not an address"));
            assert_eq!(special_kind(address), None, "{host} is {address}");
        }
    }

    #[test]
    fn the_allow_list_excepts_addresses_networks_and_ports() {
        let policy: AddressPolicy =
            "127.0.0.1:8090, 127.77.0.0/16,[::1]:80,10.0.0.0/8:443 , fd00:1::/64,".parse().unwrap();
        for (address, allowed) in [
            ("127.0.0.1:8090", true),
            ("127.0.0.1:8091", false),
            ("[::ffff:127.0.0.1]:8090", true),
            ("127.77.3.4:1", true),
            ("127.78.0.1:1", false),
            ("[::1]:80", true),
            ("[::1]:81", false),
            ("10.9.8.7:443", true),
            ("10.9.8.7:80", false),
            ("[fd00:1::5]:9", true),
            ("[fd00:2::5]:9", false),
            ("8.8.8.8:53", true),
            ("169.254.169.254:80", false),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(policy.check(address).is_ok(), allowed, "{address}");
        }
        for (address, allowed) in [("127.77.3.4", true), ("127.0.0.1", false), ("10.9.8.7", false), ("1.1.1.1", true)] {
            assert_eq!(policy.check_resolved(address.parse().unwrap()).is_ok(), allowed, "{address}");
        }
        assert_eq!("".parse(), Ok(AddressPolicy::default()));
    }

    #[test]
    fn an_allow_list_that_cannot_be_read_says_which_entry() {
        for entry in [
            "localhost",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.0/33",
            "[127.0.0.1]:80",
            "1.2.3",
            "[::1",
            "*",
            "::1/129",
        ] {
            let error = format!("127.0.0.1,{entry}").parse::<AddressPolicy>().unwrap_err();
            assert_eq!(error.entry, entry);
            assert!(error.to_string().starts_with(&format!("'{entry}' is not an address")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn an_ipv4_address_is_judged_alike_in_the_forms_that_reach_it(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            let nat64 = Ipv6Addr::from_bits(NAT64.network().to_bits() | u128::from(bits));
            prop_assert_eq!(special_kind(plain.into()), special_kind(plain.to_ipv6_mapped().into()));
            prop_assert_eq!(special_kind(plain.into()), special_kind(nat64.into()));
        }

        #[test]
        fn what_the_standard_library_calls_special_is_refused(bits: u32, wide: u128) {
            let address = Ipv4Addr::from_bits(bits);
            if address.is_private() || address.is_loopback() || address.is_link_local() || address.is_multicast()
                || address.is_broadcast() || address.is_documentation() || address.is_unspecified() {
                prop_assert!(special_kind(address.into()).is_some());
            }
            let address = Ipv6Addr::from_bits(wide);
            if address.is_unique_local() || address.is_unicast_link_local() || address.is_multicast() {
                prop_assert!(special_kind(address.into()).is_some());
            }
        }
    }
}
