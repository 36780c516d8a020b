//! Addresses written as numbers, and schemes.

use super::{Fate, Trap, each_meets_its_fate};

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_connected_to() -> anyhow::Result<()> {
    const LOOPBACK: Fate = Fate::Failed("was refused: 127.0.0.1 is a loopback address");
    let trap = Trap::set().await?;
    let port = trap.port;
    let at_the_trap = [
        ("127.0.0.1", LOOPBACK),
        ("127.1", LOOPBACK),
        ("127.0.1", LOOPBACK),
        ("2130706433", LOOPBACK),
        ("0x7f000001", LOOPBACK),
        ("0x7F.0.0.1", LOOPBACK),
        ("0x7f.1", LOOPBACK),
        ("017700000001", LOOPBACK),
        ("0177.0.0.1", LOOPBACK),
        ("0177.0.0.01", LOOPBACK),
        ("127.0.0.1.", LOOPBACK),
        ("%31%32%37.0.0.1", LOOPBACK),
        ("\u{ff11}\u{ff12}\u{ff17}.0.0.1", LOOPBACK),
        ("127\u{3002}0\u{3002}0\u{3002}1", LOOPBACK),
        ("\u{2460}\u{2461}\u{2466}.0.0.1", LOOPBACK),
        ("127.255.255.254", Fate::Failed("127.255.255.254 is a loopback address")),
        ("0", Fate::Failed("0.0.0.0 is an unspecified address")),
        ("0.0.0.0", Fate::Failed("0.0.0.0 is an unspecified address")),
        ("0x0", Fate::Failed("0.0.0.0 is an unspecified address")),
        ("0.1.2.3", Fate::Failed("0.1.2.3 is an unspecified address")),
        ("[::1]", Fate::Failed("::1 is a loopback address")),
        ("[0:0:0:0:0:0:0:1]", Fate::Failed("::1 is a loopback address")),
        ("[::]", Fate::Failed(":: is an unspecified address")),
        ("[::ffff:127.0.0.1]", Fate::Failed("::ffff:127.0.0.1 is a loopback address")),
        ("[::ffff:7f00:1]", Fate::Failed("::ffff:127.0.0.1 is a loopback address")),
        ("[0:0:0:0:0:FFFF:7F00:0001]", Fate::Failed("::ffff:127.0.0.1 is a loopback address")),
        ("[::127.0.0.1]", Fate::Failed("is a reserved address")),
        ("[64:ff9b::7f00:1]", Fate::Failed("is a loopback address")),
        ("[2002:7f00:1::]", Fate::Failed("is an address of an IPv6 tunnel")),
    ];
    let elsewhere = [
        ("10.0.0.1", "10.0.0.1 is a private address"),
        ("0xa000001", "10.0.0.1 is a private address"),
        ("012.0.0.1", "10.0.0.1 is a private address"),
        ("172.16.0.1", "172.16.0.1 is a private address"),
        ("172.31.255.255", "172.31.255.255 is a private address"),
        ("192.168.1.1", "192.168.1.1 is a private address"),
        ("3232235777", "192.168.1.1 is a private address"),
        ("169.254.169.254", "169.254.169.254 is the address of a cloud metadata service"),
        ("2852039166", "169.254.169.254 is the address of a cloud metadata service"),
        ("0xA9FEA9FE", "169.254.169.254 is the address of a cloud metadata service"),
        ("0251.0376.0251.0376", "169.254.169.254 is the address of a cloud metadata service"),
        ("[::ffff:169.254.169.254]", "is the address of a cloud metadata service"),
        ("[::ffff:a9fe:a9fe]", "is the address of a cloud metadata service"),
        ("[fd00:ec2::254]", "is the address of a cloud metadata service"),
        ("169.254.170.2", "169.254.170.2 is a link-local address"),
        ("[fe80::1]", "fe80::1 is a link-local address"),
        ("100.64.0.1", "100.64.0.1 is an address of carrier-grade NAT"),
        ("100.100.100.200", "100.100.100.200 is an address of carrier-grade NAT"),
        ("100.127.255.255", "100.127.255.255 is an address of carrier-grade NAT"),
        ("[fc00::1]", "is a private (unique local) address"),
        ("[fec0::1]", "is a private (site-local) address"),
        ("224.0.0.1", "224.0.0.1 is a multicast address"),
        ("[ff02::1]", "ff02::1 is a multicast address"),
        ("255.255.255.255", "255.255.255.255 is the broadcast address"),
        ("240.0.0.1", "240.0.0.1 is a reserved address"),
        ("192.0.2.1", "192.0.2.1 is an address for documentation"),
        ("198.18.0.1", "198.18.0.1 is an address for benchmarking"),
        ("[64:ff9b::a00:1]", "is a private address"),
        ("[2001:db8::1]", "is an address for documentation"),
        ("[100::1]", "is a reserved address"),
    ];
    let mut addresses: Vec<_> = at_the_trap.map(|(host, fate)| (format!("http://{host}:{port}/"), fate)).to_vec();
    addresses
        .extend(elsewhere.map(|(host, reason)| (format!("http://{host}/latest/meta-data/"), Fate::Failed(reason))));
    addresses.push((format!("https://127.0.0.1:{port}/"), LOOPBACK));
    addresses.push((format!("HTTP://127.0.0.1:{port}/#fragment"), LOOPBACK));
    addresses.push((format!("http:127.0.0.1:{port}"), LOOPBACK));
    addresses.push((format!("http:\\\\127.0.0.1:{port}\\x"), LOOPBACK));
    addresses.push((format!("\thttp://127.0.\n0.1:{port}/"), LOOPBACK));
    // The network of the tests' sites is allowed; what looks like it is not.
    addresses.push((format!("http://128.77.0.1@127.0.0.1:{port}/"), Fate::Refused("user name or password")));
    addresses.push((format!("http://127.0.0.1:{port}/?127.77.0.1"), LOOPBACK));
    each_meets_its_fate(addresses).await?;
    trap.stayed_empty().await
}

#[tokio::test]
async fn no_other_scheme_and_no_user_info_is_taken() -> anyhow::Result<()> {
    const SCHEME: Fate = Fate::Refused("must begin with http:// or https://");
    const USER: Fate = Fate::Refused("must not hold a user name or password");
    let trap = Trap::set().await?;
    let port = trap.port;
    let mut addresses: Vec<_> = [
        ("file:///etc/passwd", SCHEME),
        ("file://localhost/etc/passwd", SCHEME),
        ("FILE:///etc/passwd", SCHEME),
        ("ftp://127.0.0.1/", SCHEME),
        ("gopher://127.0.0.1:6379/_FLUSHALL", SCHEME),
        ("dict://127.0.0.1:11211/stats", SCHEME),
        ("ldap://127.0.0.1/", SCHEME),
        ("data:text/html,<h1>x</h1>", SCHEME),
        ("javascript:fetch('http://127.0.0.1')", SCHEME),
        ("jar:http://127.0.0.1!/", SCHEME),
        ("view-source:http://127.0.0.1/", SCHEME),
        ("ws://127.0.0.1/", SCHEME),
        ("unix:///var/run/docker.sock", SCHEME),
        ("blob:http://127.0.0.1/x", SCHEME),
    ]
    .map(|(url, fate)| (url.to_owned(), fate))
    .to_vec();
    addresses.extend([
        (format!("http://user:word@127.0.0.1:{port}/"), USER),
        (format!("http://user@127.0.0.1:{port}/"), USER),
        (format!("http://:word@127.0.0.1:{port}/"), USER),
        (format!("http://example.com@127.0.0.1:{port}/"), USER),
        (format!("http://example.com:80@127.0.0.1:{port}/"), USER),
        (format!("http://example.com%2f@127.0.0.1:{port}/"), USER),
        (format!("http://example.com%00@127.0.0.1:{port}/"), USER),
        (format!("http://127.0.0.1:{port}@example.com@127.0.0.1:{port}/"), USER),
    ]);
    each_meets_its_fate(addresses).await?;
    trap.stayed_empty().await
}
