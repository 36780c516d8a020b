//! Names of addresses that are not public.

use super::{Fate, Trap, each_meets_its_fate};

#[tokio::test]
async fn no_name_of_an_inner_address_is_connected_to() -> anyhow::Result<()> {
    const LOOPBACK: Fate = Fate::Failed("localhost resolves to");
    let trap = Trap::set().await?;
    let port = trap.port;
    let mut addresses: Vec<_> = [
        ("localhost", LOOPBACK),
        ("LOCALHOST", LOOPBACK),
        ("LocalHost", LOOPBACK),
        ("%6c%6f%63alhost", LOOPBACK),
        ("\u{24db}ocalhost", LOOPBACK),
        ("loc\u{ad}alhost", LOOPBACK),
    ]
    .map(|(host, fate)| (format!("http://{host}:{port}/"), fate))
    .to_vec();
    addresses.push((format!("https://localhost:{port}/"), LOOPBACK));
    // Whether a final dot makes another name, resolvers do not agree; none leads inside.
    addresses.push((format!("http://localhost.:{port}/"), Fate::Failed("localhost.")));
    for name in names_of_this_machine()? {
        addresses.push((format!("http://{name}:{port}/"), Fate::Failed("was refused: ")));
    }
    each_meets_its_fate(addresses).await?;
    trap.stayed_empty().await
}

/// The other names that the machine's own table of hosts has, each of an address that is not public.
fn names_of_this_machine() -> anyhow::Result<Vec<String>> {
    let hosts = std::fs::read_to_string("/etc/hosts")?;
    let mut names = Vec::new();
    for line in hosts.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let inner =
            words.next().and_then(|address| address.parse().ok()).and_then(scraping::address::special_kind).is_some();
        names.extend(words.filter(|name| inner && *name != "localhost").map(str::to_owned));
    }
    // What has a public address as well is connected to there.
    names.retain(|name| {
        std::net::ToSocketAddrs::to_socket_addrs(&(name.as_str(), 80))
            .is_ok_and(|mut found| found.all(|address| scraping::address::special_kind(address.ip()).is_some()))
    });
    names.dedup();
    names.truncate(10);
    Ok(names)
}
