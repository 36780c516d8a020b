//! Connections for whoever speaks for himself, as a browser does: by the same rules as pages are fetched.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use url::Host;

use crate::address::AddressPolicy;
use crate::fetch::{CONNECT_TIMEOUT, Fault, Unresolved, resolve};

/// Connects to hosts at addresses that the policy allows.
#[derive(Clone, Debug)]
pub struct Dialer {
    policy: AddressPolicy,
}

impl Dialer {
    /// One that goes by `policy`.
    #[must_use]
    pub const fn new(policy: AddressPolicy) -> Self {
        Self { policy }
    }

    /// Connects to a host, as a URL would name it, within 10 seconds. What is connected to is the address that was judged.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Fault> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let too_long = |_| Fault::connecting(Some(io::ErrorKind::TimedOut));
        let addresses = timeout_at(deadline, self.addresses(host, port)).await.map_err(too_long)??;
        let mut failed = None;
        for address in addresses {
            match timeout_at(deadline, TcpStream::connect(address)).await.map_err(too_long)? {
                Ok(stream) => {
                    // A slower connection, and no reason to have none.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => failed = failed.or(Some(error.kind())),
            }
        }
        Err(Fault::connecting(failed))
    }

    /// The addresses of a host, as a URL would name it, that may be connected to: one at least.
    pub async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
        let literal = match Host::parse(host).map_err(Fault::InvalidUrl)? {
            Host::Ipv4(address) => SocketAddr::new(address.into(), port),
            Host::Ipv6(address) => SocketAddr::new(address.into(), port),
            Host::Domain(name) => {
                return resolve(&self.policy, &name, port).await.map_err(|unresolved| match unresolved {
                    Unresolved::NotPublic(error) => Fault::ResolvedAddress { host: error.host, refusal: error.refusal },
                    Unresolved::Unknown(error) => Fault::UnknownHost(error.host),
                });
            }
        };
        self.policy.check(literal).map_err(Fault::Address)?;
        Ok(vec![literal])
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn hosts_are_judged_however_they_are_spelt() {
        let dialer = Dialer::new("127.77.0.0/16".parse().unwrap());
        for (host, judged) in [
            ("127.77.0.1", None),
            ("127.77.1", None),
            ("0x7f4d0001", None),
            ("127.0.0.1", Some("was refused: 127.0.0.1 is a loopback address")),
            ("2130706433", Some("was refused: 127.0.0.1 is a loopback address")),
            ("0177.1", Some("was refused: 127.0.0.1 is a loopback address")),
            ("[::1]", Some("was refused: ::1 is a loopback address")),
            ("[::ffff:127.0.0.1]", Some("was refused: ::ffff:127.0.0.1 is a loopback address")),
            ("169.254.169.254", Some("was refused: 169.254.169.254 is the address of a cloud metadata service")),
            ("10.0.0.1", Some("was refused: 10.0.0.1 is a private address")),
            ("nowhere.invalid", Some("could not be reached: the host name nowhere.invalid could not be resolved")),
            ("a b", Some("is not a valid URL: invalid international domain name")),
        ] {
            let found = dialer.addresses(host, 80).await;
            assert_eq!(found.as_ref().err().map(ToString::to_string).as_deref(), judged, "{host}: {found:?}");
        }
        let named = dialer.addresses("localhost", 80).await.unwrap_err().to_string();
        assert!(named.starts_with("was refused: localhost resolves to "), "{named}");
    }

    #[tokio::test]
    async fn what_was_judged_is_connected_to() {
        let listener = TcpListener::bind("127.77.0.9:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let dialer = Dialer::new("127.77.0.9".parse().unwrap());
        assert_eq!(
            dialer.connect("127.77.9", port).await.unwrap().peer_addr().unwrap(),
            listener.local_addr().unwrap()
        );
        drop(listener);
        let fault = dialer.connect("127.77.0.9", port).await.unwrap_err();
        assert_eq!(fault.to_string(), "could not be reached: the connection was refused");
    }
}
