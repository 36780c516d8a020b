//! Asking before what cannot be undone.

use std::io::{IsTerminal, Write, stderr, stdin};

use clap::Args;

use crate::failure::Failure;
use crate::plain::plain;

/// What every command takes that destroys something.
#[derive(Args)]
pub(crate) struct Sure {
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What is destroyed, and whether that is sure.
#[derive(Args)]
pub(crate) struct Sudden<What: Args> {
    #[command(flatten)]
    pub(crate) what: What,
    #[command(flatten)]
    pub(crate) sure: Sure,
}

/// Goes on only if the person at the terminal says so, or has said so by `--yes`.
pub(crate) fn confirm(question: &str, is_sure: bool) -> anyhow::Result<()> {
    if is_sure {
        return Ok(());
    }
    if !stdin().is_terminal() || !stderr().is_terminal() {
        let next = "say --yes if that is wanted; nothing was done";
        return Err(Failure::refused(format!("{question} There is nobody to ask")).next(next).into());
    }
    // Not among what is answered, which may go to a file.
    eprint!("{} [y/N] ", plain(question));
    stderr().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Failure::refused("nothing was done").into()) }
}
