//! Host names to addresses that may be connected to. What this gives is what is connected to: nothing is looked up twice, so a
//! name server cannot give a public address to the check and another to the connection.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;

use crate::address::{AddressPolicy, Refusal};

/// None of a name's addresses may be connected to.
#[derive(Debug, Error)]
#[error("{host} has no public address")]
pub(crate) struct NoPublicAddress {
    pub(crate) host: String,
    pub(crate) refusal: Refusal,
}

/// A name that has no address.
#[derive(Debug, Error)]
#[error("{host} cannot be resolved")]
pub(crate) struct UnknownHost {
    pub(crate) host: String,
}

/// Why a name leads nowhere.
#[derive(Debug)]
pub(crate) enum Unresolved {
    /// Nowhere that may be connected to.
    NotPublic(NoPublicAddress),
    /// Nowhere at all.
    Unknown(UnknownHost),
}

/// The addresses of a host name, with this port, that may be connected to: one at least.
pub(crate) async fn resolve(policy: &AddressPolicy, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unresolved> {
    let unknown = || Unresolved::Unknown(UnknownHost { host: host.to_owned() });
    let found = tokio::net::lookup_host((host, port)).await.map_err(|_| unknown())?;
    let mut refusal = None;
    let mut allowed: Vec<SocketAddr> = Vec::new();
    for address in found {
        match policy.check_resolved(address.ip()) {
            Ok(()) => allowed.push(address),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        Some(refusal) if allowed.is_empty() => {
            Err(Unresolved::NotPublic(NoPublicAddress { host: host.to_owned(), refusal }))
        }
        None if allowed.is_empty() => Err(unknown()),
        _ => Ok(allowed),
    }
}

/// The system's resolver, filtered by the policy.
#[derive(Clone, Debug)]
pub(crate) struct GuardedResolver {
    policy: AddressPolicy,
}

impl GuardedResolver {
    pub(crate) const fn new(policy: AddressPolicy) -> Self {
        Self { policy }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, policy) = (name.as_str().to_owned(), self.policy.clone());
        Box::pin(async move {
            match resolve(&policy, &host, 0).await {
                Ok(allowed) => Ok(Box::new(allowed.into_iter()) as Addrs),
                Err(Unresolved::NotPublic(error)) => Err(error.into()),
                Err(Unresolved::Unknown(error)) => Err(error.into()),
            }
        })
    }
}
