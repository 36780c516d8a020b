//! How the proxies on the way have done.

use indexmap::IndexMap;

/// How a proxy has done with the connections of one owner; the best of them is what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conduct {
    /// It could not be spoken with.
    Unreachable,
    /// It could, and took no connection to where it should go: its own fault, or that place's. It need not say which.
    Refused,
    /// It took one there. What became of it there is not the proxy's fault.
    Worked,
}

/// How a proxy did with one page, or one video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyUse {
    /// Its number.
    pub id: u64,
    /// Whether it took connections to where they should go.
    pub worked: bool,
}

/// What is to be told of the proxies that the same thing was tried through, one after the other. One is to blame for a refusal if another took
/// connections for it; if none did it may be the host that is down, and nobody is: else whoever names such a host could put all proxies to rest.
#[must_use]
pub fn judge(attempts: &[(u64, Conduct)]) -> Vec<ProxyUse> {
    let mut best: IndexMap<u64, Conduct> = IndexMap::new();
    for (id, conduct) in attempts {
        let known = best.entry(*id).or_insert(*conduct);
        *known = (*known).max(*conduct);
    }
    let some_worked = best.values().any(|conduct| *conduct == Conduct::Worked);
    let told = |(id, conduct)| match conduct {
        Conduct::Worked => Some(ProxyUse { id, worked: true }),
        Conduct::Refused if !some_worked => None,
        Conduct::Refused | Conduct::Unreachable => Some(ProxyUse { id, worked: false }),
    };
    best.into_iter().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::Conduct::{Refused, Unreachable, Worked};
    use super::*;

    #[test]
    fn a_proxy_is_blamed_for_what_is_its_own_fault() {
        let told = |attempts: &[(u64, Conduct)]| -> Vec<_> {
            judge(attempts).into_iter().map(|told| (told.id, told.worked)).collect()
        };
        assert_eq!(told(&[]), []);
        assert_eq!(told(&[(1, Worked)]), [(1, true)]);
        assert_eq!(told(&[(1, Unreachable), (2, Worked)]), [(1, false), (2, true)]);
        assert_eq!(told(&[(1, Refused), (2, Worked)]), [(1, false), (2, true)]);
        // The host may be down.
        assert_eq!(told(&[(1, Refused), (2, Refused), (3, Unreachable)]), [(3, false)]);
        // Once for each page.
        assert_eq!(told(&[(1, Unreachable), (1, Unreachable)]), [(1, false)]);
        assert_eq!(told(&[(1, Unreachable), (2, Refused), (1, Worked)]), [(1, true), (2, false)]);
    }
}
