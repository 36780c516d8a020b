//! One process of the browser, with what belongs to it: its pipe, its folder, its children.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::net::UnixStream as Pair;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use serde_json::json;
use subprocess::{Group, Scratch};
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::cdp::{CdpError, Connection};
use crate::flags::flags;
use crate::settings::Settings;

/// How long the browser may take to start: 0.2 seconds from a warm disk, seconds from a layer that was never read.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How much of what it said is logged if it did not start.
const LAST_WORDS: i64 = 2_000;
/// What its folders are named after.
const PROGRAM: &str = "browser";

/// Starts what follows, with so many kibibytes of memory for it and for each of its children. Nothing else can be done between a fork and
/// its exec without code that the compiler does not check.
const LIMITED: &str = r#"ulimit -d "$0"; exec "$@""#;

/// Why there is no browser.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    #[error("it cannot be run")]
    Run(#[from] io::Error),
    #[error("it did not answer; its last words: {last_words}")]
    Silent {
        last_words: String,
        #[source]
        source: CdpError,
    },
}

/// A running browser. Dropped, it is killed with its children, and its folder removed.
#[derive(Debug)]
pub(crate) struct Chromium {
    pub(crate) connection: Connection,
    /// Its own product, as `HeadlessChrome/156.0.1.2`.
    pub(crate) product: String,
    pages: AtomicUsize,
    // Dropped before the folder that it writes to.
    group: Group,
    _profile: Scratch,
}

impl Chromium {
    pub(crate) async fn start(settings: &Settings, user_agent: &str) -> Result<Self, StartError> {
        let profile = Scratch::new(&std::env::temp_dir(), PROGRAM)?;
        let words = File::options().create_new(true).read(true).write(true).open(profile.path().join("words"))?;
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        let command = command(settings, user_agent, profile.path(), theirs, &words)?;
        let group = start(settings, command, profile.path())?;
        let connection = Connection::over(UnixStream::from_std(ours)?);
        let version = timeout(START_LIMIT, connection.command("Browser.getVersion", json!({}))).await;
        let version = version
            .unwrap_or(Err(CdpError::Gone))
            .map_err(|source| StartError::Silent { last_words: last(words), source })?;
        let product = version["product"].as_str().unwrap_or("Chromium").to_owned();
        tracing::info!(product, pid = group.id(), "the browser has started");
        Ok(Self { connection, product, pages: AtomicUsize::new(0), group, _profile: profile })
    }

    /// Whether it may have one more page; counts it.
    pub(crate) fn takes_a_page(&self, of: usize) -> bool {
        !self.connection.is_closed() && self.pages.fetch_add(1, Ordering::Relaxed) < of
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> Option<u32> {
        self.group.id()
    }
}

/// What is run: the browser, speaking through `pipe`, with its words in a file.
fn command(settings: &Settings, user_agent: &str, home: &Path, pipe: Pair, words: &File) -> io::Result<Command> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", LIMITED, &(settings.max_memory / 1024).to_string()]);
    command.arg(&settings.executable).args(flags(settings, user_agent, home));
    command.current_dir(home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(words.try_clone()?);
    // It reads commands from 3 and writes answers to 4.
    let pipes = vec![
        FdMapping { parent_fd: pipe.try_clone()?.into(), child_fd: 3 },
        FdMapping { parent_fd: pipe.into(), child_fd: 4 },
    ];
    command.fd_mappings(pipes).map_err(io::Error::other)?;
    Ok(command)
}

/// Starts it with the fonts and libraries that lie beside it, if any do.
fn start(settings: &Settings, command: Command, home: &Path) -> io::Result<Group> {
    // A browser that is a script needs other programs.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let beside = settings.executable.parent().unwrap_or(home);
    let libraries = beside.join("lib");
    let mut variables = vec![("PATH", path.as_os_str()), ("HOME", home.as_os_str()), ("TMPDIR", home.as_os_str())];
    if beside.join("fonts.conf").is_file() {
        variables.push(("FONTCONFIG_PATH", beside.as_os_str()));
    }
    if libraries.is_dir() {
        variables.push(("LD_LIBRARY_PATH", libraries.as_os_str()));
    }
    Group::start(command, &variables)
}

fn last(mut words: File) -> String {
    let mut text = Vec::new();
    let _ = words.seek(SeekFrom::End(-LAST_WORDS)).or_else(|_| words.rewind().map(|()| 0));
    let _ = words.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}
