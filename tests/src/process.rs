//! The processes of the local cloud: which function is at the other end of a connection, and its sudden end; where they all listen.

use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Kills (SIGKILL) the process that holds the end `address` of the TCP connection to `server`, and gives its id.
pub fn kill_holder_of(address: SocketAddr, server: SocketAddr) -> anyhow::Result<u32> {
    kill_function(holder_of(address, server)?)
}

/// Kills (SIGKILL) a function that has started a program with this on its command line, and gives its id; none if there is no such program. Arguments end
/// with a zero.
pub fn kill_starter_of(argument: &str) -> anyhow::Result<Option<u32>> {
    match fastrand::choice(running(argument)?) {
        Some(program) => parent_of(&program).map(kill_function).transpose(),
        None => Ok(None),
    }
}

/// The processes with this on their command line.
pub fn running(argument: &str) -> anyhow::Result<Vec<PathBuf>> {
    let has = |process: &PathBuf| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(argument)
    };
    Ok(processes()?.into_iter().filter(has).collect())
}

/// The process that has started another; none once that has ended.
fn parent_of(process: &Path) -> Option<u32> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

fn kill_function(pid: u32) -> anyhow::Result<u32> {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    ensure!(name.trim() == "bootstrap", "{pid} is {name:?} and no function");
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().context("kill cannot be run")?;
    ensure!(killed.success(), "{pid} was not killed");
    Ok(pid)
}

/// The addresses that the processes of a stack listen on. The stack is told by what stands in their environment.
pub fn listeners_of(stack: &str) -> anyhow::Result<Vec<SocketAddr>> {
    let marker = format!("DROVER_LOCAL_STACK={stack}");
    let mut sockets = HashSet::new();
    for process in processes()? {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|variable| variable == marker.as_bytes()) {
            sockets.extend(files_of(&process));
        }
    }
    let mut listening = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for connection in fs::read_to_string(table).unwrap_or_default().lines().filter_map(Connection::read) {
            if connection.is_listening && sockets.contains(&connection.socket()) {
                listening.push(connection.local);
            }
        }
    }
    Ok(listening)
}

/// The process that holds the end `address` of the TCP connection to `server`.
fn holder_of(address: SocketAddr, server: SocketAddr) -> anyhow::Result<u32> {
    // Both ends count: one local port may serve several connections, to different servers.
    let table = fs::read_to_string("/proc/net/tcp")?;
    let connection = table
        .lines()
        .filter_map(Connection::read)
        .find(|connection| connection.local == address && connection.remote == server)
        .with_context(|| format!("no connection leads from {address} to {server}"))?;
    let socket = connection.socket();
    let holder = processes()?.into_iter().find(|process| files_of(process).any(|file| file == socket));
    let holder = holder.with_context(|| format!("no process holds {address}"))?;
    Ok(holder.file_name().and_then(|name| name.to_str()).context("no id")?.parse()?)
}

/// The folder of each process in the kernel's table.
fn processes() -> anyhow::Result<Vec<PathBuf>> {
    let is_process = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.parse::<u32>().is_ok())
    };
    Ok(fs::read_dir("/proc")?.flatten().map(|entry| entry.path()).filter(is_process).collect())
}

/// What a process's open files are. Of processes that end meanwhile, and of others' processes, none is seen.
fn files_of(process: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(process.join("fd")).into_iter().flatten().flatten().filter_map(|file| fs::read_link(file.path()).ok())
}

/// A line of the kernel's table of TCP connections.
struct Connection {
    local: SocketAddr,
    remote: SocketAddr,
    is_listening: bool,
    inode: u64,
}

impl Connection {
    /// The fields of a line: number, local end, other end, state, queues, timer, retransmissions, owner, timeout, inode.
    fn read(line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split_whitespace().collect();
        Some(Self {
            local: address(fields.get(1)?)?,
            remote: address(fields.get(2)?)?,
            is_listening: fields.get(3) == Some(&"0A"),
            inode: fields.get(9)?.parse().ok()?,
        })
    }

    /// As it is called among a process's open files.
    fn socket(&self) -> PathBuf {
        format!("socket:[{}]", self.inode).into()
    }
}

/// An address as the kernel's table writes it: words of the machine's own order, in hexadecimal digits.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let words: Vec<u8> = (0..ip.len())
        .step_by(8)
        .filter_map(|start| Some(u32::from_str_radix(ip.get(start..start + 8)?, 16).ok()?.to_ne_bytes()))
        .flatten()
        .collect();
    let ip = match words.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(words).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(words).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// The processes of a function of a stack, whose memory is of interest.
#[derive(Clone, Debug)]
pub struct Workers {
    marker: String,
    function: String,
}

impl Workers {
    /// The processes of this function. The stack is told by what stands in their environment, as in [`listeners_of`].
    #[must_use]
    pub fn of(stack: &str, function: &str) -> Self {
        let marker = format!("DROVER_LOCAL_STACK={stack}");
        Self { marker, function: format!("AWS_LAMBDA_FUNCTION_NAME={function}") }
    }

    /// Forgets how much memory each of them has had at most, so that what follows is measured.
    pub fn forget_peaks(&self) -> anyhow::Result<()> {
        for process in self.processes()? {
            fs::write(process.join("clear_refs"), "5").context("the kernel does not forget a peak")?;
        }
        Ok(())
    }

    /// What they have open.
    pub fn open_files(&self) -> anyhow::Result<HashSet<PathBuf>> {
        Ok(self.processes()?.iter().flat_map(|process| files_of(process)).collect())
    }

    /// The most memory that any of them has had since, in bytes (the kernel's `VmHWM`).
    pub fn peak(&self) -> anyhow::Result<u64> {
        let peaks = self.processes()?.into_iter().filter_map(|process| {
            let status = fs::read_to_string(process.join("status")).ok()?;
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            peak.split_whitespace().next()?.parse::<u64>().ok()
        });
        Ok(peaks.max().context("no process of the function lives")? * 1024)
    }

    fn processes(&self) -> anyhow::Result<Vec<PathBuf>> {
        let is_one = |process: &PathBuf| {
            let environment = fs::read(process.join("environ")).unwrap_or_default();
            let has = |wanted: &str| environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes());
            has(&self.function) && has(&self.marker)
        };
        Ok(processes()?.into_iter().filter(is_one).collect())
    }
}
