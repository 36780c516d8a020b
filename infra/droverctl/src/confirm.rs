//! Asking before what cannot be undone.

use std::io::{IsTerminal, Write, stdin, stdout};

use anyhow::bail;

/// Goes on only if the person at the terminal says so, or has said so by `--yes`.
pub(crate) fn confirm(question: &str, is_sure: bool) -> anyhow::Result<()> {
    if is_sure {
        return Ok(());
    }
    if !stdin().is_terminal() {
        bail!("{question} There is nobody to ask: say --yes");
    }
    print!("{question} [y/N] ");
    stdout().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { bail!("nothing was done") }
}
