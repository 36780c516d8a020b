//! The processes of the local cloud's functions: which of them is at the other end of a connection, and its sudden end.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};

/// Kills (SIGKILL) the process that holds the end `address` of the TCP connection to `server`, and gives its id.
pub fn kill_holder_of(address: SocketAddr, server: SocketAddr) -> anyhow::Result<u32> {
    let pid = holder_of(address, server)?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    ensure!(name.trim() == "bootstrap", "{address} belongs to {pid}, which is {name:?} and no function");
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().context("kill cannot be run")?;
    ensure!(killed.success(), "{pid} was not killed");
    Ok(pid)
}

/// The process that holds the end `address` of the TCP connection to `server`.
fn holder_of(address: SocketAddr, server: SocketAddr) -> anyhow::Result<u32> {
    let socket = format!("socket:[{}]", inode_of(address, server)?);
    for process in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Processes that end meanwhile, and those of others, are passed over.
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        if files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|target| target == Path::new(&socket))) {
            return Ok(pid);
        }
    }
    bail!("no process holds {address}")
}

/// The inode of that socket, from the kernel's table of TCP connections. Both ends count: one local port may serve several connections, to
/// different servers.
fn inode_of(address: SocketAddr, server: SocketAddr) -> anyhow::Result<u64> {
    let (local, remote) = (in_table(address)?, in_table(server)?);
    let table = fs::read_to_string("/proc/net/tcp")?;
    // The fields of a line: number, local end, other end, state, queues, timer, retransmissions, owner, timeout, inode.
    let inode = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|fields| fields.get(1) == Some(&local.as_str()) && fields.get(2) == Some(&remote.as_str()))
        .and_then(|fields| fields.get(9)?.parse().ok());
    inode.with_context(|| format!("no connection leads from {address} to {server}"))
}

/// An address as the kernel's table writes it.
fn in_table(address: SocketAddr) -> anyhow::Result<String> {
    let IpAddr::V4(ip) = address.ip() else { bail!("{address} is not of IPv4") };
    Ok(format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port()))
}
