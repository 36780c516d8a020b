//! One process of the browser, with what belongs to it: its pipe, its folder, its children.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::net::UnixStream as Pair;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::cdp::{CdpError, Connection};
use crate::flags::flags;
use crate::profile::Profile;
use crate::settings::Settings;

/// How long the browser may take to start: 0.2 seconds from a warm disk, seconds from a layer that was never read.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How much of what it said is logged if it did not start.
const LAST_WORDS: i64 = 2_000;
/// What of our environment it gets. Not what lies there besides: the credentials of a function's role.
const ENVIRONMENT: [&str; 4] = ["PATH", "LANG", "TZ", "LD_LIBRARY_PATH"];

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
    group: Group,
    _profile: Profile,
}

/// A process and its children, which are killed together.
#[derive(Debug)]
struct Group {
    leader: Child,
}

impl Chromium {
    pub(crate) async fn start(settings: &Settings, user_agent: &str) -> Result<Self, StartError> {
        let profile = Profile::new(&std::env::temp_dir())?;
        let words = File::options().create_new(true).read(true).write(true).open(profile.path().join("words"))?;
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        let group =
            Group::start(settings, &flags(settings, user_agent, profile.path()), profile.path(), theirs, &words)?;
        let connection = Connection::over(UnixStream::from_std(ours)?);
        let version = timeout(START_LIMIT, connection.command("Browser.getVersion", json!({}))).await;
        let version = version
            .unwrap_or(Err(CdpError::Gone))
            .map_err(|source| StartError::Silent { last_words: last(words), source })?;
        let product = version["product"].as_str().unwrap_or("Chromium").to_owned();
        tracing::info!(product, pid = group.leader.id(), "the browser has started");
        Ok(Self { connection, product, pages: AtomicUsize::new(0), group, _profile: profile })
    }

    /// Whether it may have one more page; counts it.
    pub(crate) fn takes_a_page(&self, of: usize) -> bool {
        !self.connection.is_closed() && self.pages.fetch_add(1, Ordering::Relaxed) < of
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> Option<u32> {
        self.group.leader.id()
    }
}

impl Group {
    fn start(settings: &Settings, flags: &[String], home: &Path, pipe: Pair, words: &File) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", LIMITED, &(settings.max_memory / 1024).to_string()]);
        command.arg(&settings.executable).args(flags).env_clear();
        command.envs(ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("HOME", home).env("TMPDIR", home);
        if let Some(beside) = settings.executable.parent() {
            if beside.join("fonts.conf").is_file() {
                command.env("FONTCONFIG_PATH", beside);
            }
            if beside.join("lib").is_dir() {
                command.env("LD_LIBRARY_PATH", beside.join("lib"));
            }
        }
        command.current_dir(home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(words.try_clone()?);
        command.process_group(0).kill_on_drop(true);
        // It reads commands from 3 and writes answers to 4.
        let pipes = vec![
            FdMapping { parent_fd: pipe.try_clone()?.into(), child_fd: 3 },
            FdMapping { parent_fd: pipe.into(), child_fd: 4 },
        ];
        command.fd_mappings(pipes).map_err(io::Error::other)?;
        Ok(Self { leader: command.spawn()? })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody has waited for the leader: its number is still its own, and so is its group's.
        if let Some(leader) = self.leader.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
        }
    }
}

fn last(mut words: File) -> String {
    let mut text = Vec::new();
    let _ = words.seek(SeekFrom::End(-LAST_WORDS)).or_else(|_| words.rewind().map(|()| 0));
    let _ = words.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}
