//! One run of yt-dlp: its process, its folder, its way out.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use egress_proxy::{Allowance, EgressProxy};
use scraping::Dialer;
use subprocess::{Group, Lines, Scratch};
use tokio::io::{AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use crate::Access;
use crate::evidence::{Evidence, judge};
use crate::fault::Fault;
use crate::line::{Line, Refusal};
use crate::options::Options;
use crate::settings::Settings;

const PROGRAM: &str = "yt-dlp";
/// The longest line that is read. A video's is some kilobytes.
const MAX_LINE: usize = 512 * 1024;
/// How many failed requests are remembered.
const MAX_REFUSALS: usize = 20;
/// How many connections a run may make: one for each request, where a site closes them.
const MAX_CONNECTIONS: usize = 2_000;
/// How long its last words are waited for once it has ended.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(2);
/// How long it may take to end once it has said all.
const END_LIMIT: Duration = Duration::from_secs(10);

/// What a run may use.
pub(crate) struct Limits {
    /// How long it may take.
    pub(crate) time: Duration,
    /// How many bytes it may send and receive.
    pub(crate) bytes: u64,
}

/// One run. Dropped, its process is killed and its folder removed.
pub(crate) struct Run {
    // In the order in which they are dropped: what writes to the folder goes before it does.
    group: Group,
    lines: Lines<BufReader<ChildStdout>>,
    words: JoinSet<Words>,
    proxy: EgressProxy,
    scratch: Scratch,
    refusals: VecDeque<Refusal>,
    deadline: Instant,
    limit: Duration,
}

/// What it said on its standard error.
#[derive(Default)]
struct Words {
    error: Option<String>,
    last: String,
}

impl Run {
    /// Starts it on an address, with the options that `options` makes of its proxy's address, its cookies and its folder.
    pub(crate) async fn start(
        settings: &Settings,
        access: &Access,
        limits: &Limits,
        url: &Url,
        options: impl FnOnce(std::net::SocketAddr, Option<&Path>, &Path) -> Options,
    ) -> Result<Self, Fault> {
        let deadline = Instant::now() + limits.time;
        let ours = |what: &'static str| move |error: std::io::Error| Fault::Ours(format!("{what}: {error}"));
        let upstream = access.proxy.clone().or_else(|| settings.proxy.clone());
        let allowance = Allowance::new(limits.bytes, MAX_CONNECTIONS);
        let proxy = EgressProxy::start(Dialer::new(settings.addresses.clone()), upstream, allowance).await;
        let proxy = proxy.map_err(ours("no port for its proxy"))?;
        let scratch = Scratch::new(&settings.folder, PROGRAM).map_err(ours("no folder for it"))?;
        let cookies = access.cookies.as_deref().map(|cookies| kept(&scratch, cookies)).transpose();
        let cookies = cookies.map_err(ours("its cookies were not written"))?;
        let options = options(proxy.address(), cookies.as_deref(), scratch.path()).into_text();

        let mut group = Group::start(command(settings, url, scratch.path()), &environment(settings, scratch.path()));
        let (input, output, errors) = group.as_mut().map(Group::pipes).unwrap_or_default();
        let group = group.map_err(ours("it could not be started"))?;
        let (Some(mut input), Some(output), Some(errors)) = (input, output, errors) else {
            return Err(Fault::Ours("it has no pipes".to_owned()));
        };
        let mut words = JoinSet::new();
        words.spawn(listen(errors));
        // What is wrong with its options it tells itself, when it has ended.
        let _ = timeout_at(deadline, input.write_all(options.as_bytes())).await;
        drop(input);
        let lines = Lines::of(BufReader::new(output), MAX_LINE);
        Ok(Self { group, lines, words, proxy, scratch, refusals: VecDeque::new(), deadline, limit: limits.time })
    }

    /// The next line that means something; none when it has said all.
    pub(crate) async fn next(&mut self) -> Result<Option<Line>, Fault> {
        loop {
            let next = tokio::select! {
                next = timeout_at(self.deadline, self.lines.next()) => next,
                _ = self.proxy.exhausted() => return Err(Fault::Unsupported("it transfers more than it may".to_owned())),
            };
            let Ok(next) = next else { return Err(Fault::TimedOut { limit: self.limit }) };
            match next.map_err(|error| Fault::Ours(format!("its output could not be read: {error}")))? {
                None => return Ok(None),
                Some((_, true)) => tracing::warn!(limit = MAX_LINE, "a line of yt-dlp is too long, and left out"),
                Some((text, false)) => match Line::of(&text) {
                    Some(Line::Refusal(refusal)) => self.remember(refusal),
                    Some(line) => return Ok(Some(line)),
                    None => {}
                },
            }
        }
    }

    /// Waits until it has ended; a fault unless it ended well.
    pub(crate) async fn end(self) -> Result<Ended, Fault> {
        let Ok(status) = timeout(END_LIMIT, self.group.wait()).await else {
            return Err(Fault::Ours("yt-dlp said all, and did not end".to_owned()));
        };
        let mut words = self.words;
        let said = timeout(LAST_WORDS_LIMIT, words.join_next()).await;
        let said = said.ok().flatten().and_then(Result::ok).unwrap_or_default();
        let status = status.ok().and_then(|status| status.code());
        tracing::debug!(?status, last_words = said.last, "yt-dlp has ended");
        let evidence = Evidence {
            error: said.error,
            last_words: said.last,
            refusals: self.refusals.into(),
            connections: self.proxy.faults(),
            status,
        };
        Ok(Ended { scratch: self.scratch, evidence })
    }

    fn remember(&mut self, refusal: Refusal) {
        if self.refusals.len() == MAX_REFUSALS {
            self.refusals.pop_front();
        }
        self.refusals.push_back(refusal);
    }
}

/// A run that has ended. Its folder is there yet.
pub(crate) struct Ended {
    pub(crate) scratch: Scratch,
    evidence: Evidence,
}

impl Ended {
    /// Whether it ended without an error.
    pub(crate) fn is_well(&self) -> bool {
        self.evidence.status == Some(0)
    }

    /// What was wrong with it.
    pub(crate) fn fault(&self) -> Fault {
        judge(&self.evidence)
    }
}

fn command(settings: &Settings, url: &Url, folder: &Path) -> Command {
    let mut command = Command::new(&settings.python);
    // Alone: no variables, no site's packages, nothing of the folder that it runs in.
    command.args(["-IS", "-X", "utf8"]);
    if let Some(cache) = &settings.cache {
        let mut option = OsString::from("pycache_prefix=");
        option.push(cache);
        command.arg("-X").arg(option);
    }
    command.arg(&settings.program).args(["--ignore-config", "--config-locations", "-", "--", url.as_str()]);
    command.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Its environment, which has no `PATH`: it can start no other program.
fn environment<'a>(settings: &'a Settings, folder: &'a Path) -> Vec<(&'static str, &'a OsStr)> {
    let folder = folder.as_os_str();
    let mut variables = vec![("HOME", folder), ("TMPDIR", folder), ("PATH", OsStr::new("/nonexistent"))];
    if let Some(certificates) = &settings.certificates {
        variables.push(("SSL_CERT_FILE", certificates.as_os_str()));
    }
    variables
}

/// Its cookies, where it reads them and writes what becomes of them.
fn kept(scratch: &Scratch, cookies: &str) -> std::io::Result<PathBuf> {
    let path = scratch.path().join("cookies.txt");
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(cookies.as_bytes())?;
    Ok(path)
}

async fn listen(errors: impl AsyncRead + Unpin) -> Words {
    let mut words = Words::default();
    let mut lines = Lines::of(BufReader::new(errors), MAX_LINE);
    while let Ok(Some((line, _))) = lines.next().await {
        if let Some(error) = line.strip_prefix("ERROR: ") {
            words.error = Some(error.to_owned());
        }
        if !line.trim().is_empty() {
            words.last = line;
        }
    }
    words
}
