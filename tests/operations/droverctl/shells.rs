//! What shells complete, and what the command tells of itself.

use anyhow::ensure;
use drover_tests::Stack;

const COMMANDS: [&str; 18] = [
    "audit",
    "completion",
    "credentials",
    "dead-letters",
    "doctor",
    "jobs",
    "keys",
    "maintenance",
    "portal-accounts",
    "portal-users",
    "proxies",
    "recount",
    "schedules",
    "session-keys",
    "tasks",
    "top",
    "usage",
    "users",
];

#[tokio::test]
async fn each_shell_is_given_every_command() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for shell in ["bash", "zsh", "fish"] {
        let said = stack.droverctl(&["completion", shell]).await?;
        ensure!(said.success && said.errors.is_empty(), "{said:?}");
        let missing: Vec<_> = COMMANDS.iter().filter(|command| !said.output.contains(**command)).collect();
        ensure!(missing.is_empty(), "{shell} does not complete {missing:?}");
    }
    Ok(())
}

/// As somebody would who has never seen the command.
#[tokio::test]
async fn the_help_says_what_there_is_how_it_ends_and_what_it_needs() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let said = stack.droverctl(&["--help"]).await?;
    let words = ["Examples:", "Exit codes:", "AWS_REGION", "DROVER_STACK", "NO_COLOR", "--output"];
    let missing: Vec<_> = COMMANDS.iter().chain(&words).filter(|word| !said.output.contains(**word)).collect();
    ensure!(said.success && missing.is_empty(), "the help says nothing of {missing:?}:\n{}", said.output);
    for command in COMMANDS {
        let said = stack.droverctl(&[command, "--help"]).await?;
        ensure!(said.success && said.output.contains("Usage: droverctl"), "{command}: {said:?}");
    }
    Ok(())
}
