//! A process and its children.

use std::ffi::OsStr;
use std::io;
use std::process::ExitStatus;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// What of our environment a program may know. Not what lies there besides: the credentials of a function's role.
const ENVIRONMENT: [&str; 3] = ["LANG", "TZ", "LD_LIBRARY_PATH"];

/// A process with its children, which are killed together when this is dropped.
#[derive(Debug)]
pub struct Group {
    leader: Child,
}

impl Group {
    /// Starts it as `command` says, but with an environment of its own: `LANG`, `TZ` and `LD_LIBRARY_PATH` as they are here, and what `variables` names.
    pub fn start(mut command: Command, variables: &[(&str, &OsStr)]) -> io::Result<Self> {
        command.env_clear();
        command.envs(ENVIRONMENT.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(variables.iter().copied());
        command.process_group(0).kill_on_drop(true);
        Ok(Self { leader: command.spawn()? })
    }

    /// The number of its first process, until that has been waited for.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.leader.id()
    }

    /// Its standard input, output and error, where they are pipes and were not taken before.
    pub fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        (self.leader.stdin.take(), self.leader.stdout.take(), self.leader.stderr.take())
    }

    /// Waits for its first process. What that leaves behind is not killed: nothing can tell its number from a later process's any more.
    pub async fn wait(mut self) -> io::Result<ExitStatus> {
        self.leader.wait().await
    }

    fn group(&self) -> Option<Pid> {
        self.leader.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody has waited for the leader: its number is still its own, and so is its group's.
        if let Some(group) = self.group() {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use tokio::io::AsyncReadExt;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// Comes when all that hold the pipe's other end are gone.
    async fn rest(mut pipe: ChildStdout) -> String {
        let mut text = String::new();
        pipe.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn children_end_with_their_owner() {
        let mut group = Group::start(shell("sleep 1000 & echo started; sleep 1000"), &[]).unwrap();
        let (_, stdout, _) = group.pipes();
        let mut stdout = stdout.unwrap();
        assert_eq!(stdout.read_u8().await.unwrap(), b's');
        drop(group);
        assert_eq!(rest(stdout).await, "tarted\n");
    }

    #[tokio::test]
    async fn the_environment_is_its_own() {
        let mut command = shell("echo ${CARGO_MANIFEST_DIR-nothing} $OWN ${SECRET-nothing}");
        command.env("SECRET", "x");
        let mut group = Group::start(command, &[("OWN", OsStr::new("own"))]).unwrap();
        let (_, stdout, _) = group.pipes();
        assert_eq!(rest(stdout.unwrap()).await, "nothing own nothing\n");
    }
}
