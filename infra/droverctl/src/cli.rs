//! What there is to say to the command.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::audit::AuditCommand;
use crate::credentials::CredentialCommand;
use crate::dead_letters::DeadLetterCommand;
use crate::deployment::Deployment;
use crate::doctor::Doctor;
use crate::failure::Failure;
use crate::identity::{KeyCommand, UserCommand};
use crate::jobs::JobCommand;
use crate::maintenance::Maintenance;
use crate::output::{Answer, Format, emit};
use crate::portal::{PortalAccountCommand, PortalUserCommand};
use crate::proxies::ProxyCommand;
use crate::recount::Recount;
use crate::schedules::ScheduleCommand;
use crate::session_keys::SessionKeyCommand;
use crate::tasks::TaskCommand;
use crate::top::Top;
use crate::usage::UsageCommand;

/// What comes after the options of `--help`.
const MANUAL: &str = "\
Examples:
  droverctl doctor                                   what is wrong with the deployment, and how to mend it
  droverctl top                                      how everything stands, as it moves
  droverctl jobs list --state failed --kind video
  droverctl jobs logs JOB --follow
  droverctl credentials list linkedin --status failed
  droverctl users create --email a@example.com --name A
  droverctl dead-letters list --output json | jq '.letters[].id'
  droverctl maintenance --clean-failed --dry-run
  source <(droverctl completion bash)                also: zsh, fish

Environment:
  AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
                      whose account, and where; of a profile of the AWS CLI:
                      eval \"$(aws configure export-credentials --profile NAME --format env)\"
  AWS_ENDPOINT_URL    the local cloud; unset for AWS
  DROVER_STACK        the stack's name, as --stack
  DROVER_URL          where the API is, as doctor's --url
  NO_COLOR            no colours; without a terminal there are none either

Exit codes:
  0  done
  1  something failed, or doctor found a fault
  2  not understood, or something is missing in the environment
  3  what was named is not there
  4  refused: its state does not allow it, or nobody said yes
  5  AWS or the API was not reached, or does not accept the credentials
With --output json an error is one JSON object on standard error: error.code, .exit_code, .message, .next.
Answers go to standard output, and nothing else does. The names of fields stay; new ones may come.";

/// What an operator does with a deployment of Drover.
#[derive(Parser)]
#[command(name = "droverctl", version, max_term_width = 100, after_long_help = MANUAL, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The name of the CloudFormation stack
    #[arg(long, env = "DROVER_STACK", default_value = "drover", value_parser = stack_name, global = true)]
    stack: String,
    /// How answers are printed
    #[arg(long, short, value_enum, visible_alias = "format", default_value_t = Format::Text, global = true)]
    pub(crate) output: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Top(Top),
    Doctor(Doctor),
    /// List, show, cancel and retry jobs, and read their logs
    #[command(subcommand)]
    Jobs(JobCommand),
    /// List, run, pause and resume schedules
    #[command(subcommand)]
    Schedules(ScheduleCommand),
    /// See who has which credentials, and put them right
    #[command(subcommand)]
    Credentials(CredentialCommand),
    /// List, show, release, cancel and retry tasks of the worker API
    #[command(subcommand)]
    Tasks(TaskCommand),
    /// List proxies, and switch them on and off
    #[command(subcommand)]
    Proxies(ProxyCommand),
    /// Manage dead letters, the messages that kept failing
    #[command(subcommand)]
    DeadLetters(DeadLetterCommand),
    Maintenance(Maintenance),
    Recount(Recount),
    Usage(UsageCommand),
    Audit(AuditCommand),
    /// Manage users, and who of them are operators
    #[command(subcommand)]
    Users(UserCommand),
    /// Manage API keys
    #[command(subcommand)]
    Keys(KeyCommand),
    /// Manage the users who log in to the portal jobs
    #[command(subcommand)]
    PortalUsers(PortalUserCommand),
    /// Manage what portal jobs log in with at the portals
    #[command(subcommand)]
    PortalAccounts(PortalAccountCommand),
    /// Manage the keys that sessions are signed with
    #[command(subcommand)]
    SessionKeys(SessionKeyCommand),
    /// Print what completes this command's words in a shell: source <(droverctl completion bash)
    Completion {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
}

impl Cli {
    /// Whether it may draw on the terminal, which is to be put right however it ends.
    pub(crate) const fn draws(&self) -> bool {
        matches!(self.command, Command::Top(_))
    }

    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        if let Command::Completion { shell } = self.command {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Self::command(), "droverctl", &mut script);
            emit(&String::from_utf8(script)?);
            return Ok(Answer::nothing());
        }
        let deployment = &Deployment::of(self.stack)?;
        let format = self.output;
        Ok(match self.command {
            Command::Top(command) => Box::pin(command.run(deployment, format)).await?,
            Command::Jobs(command) => Box::pin(command.run(deployment, format)).await?,
            Command::Schedules(command) => Box::pin(command.run(deployment)).await?,
            Command::Credentials(command) => Box::pin(command.run(deployment)).await?,
            Command::Tasks(command) => Box::pin(command.run(deployment)).await?,
            Command::Proxies(command) => Box::pin(command.run(deployment)).await?,
            Command::Recount(command) => Box::pin(command.run(deployment)).await?,
            Command::Usage(command) => Box::pin(command.run(deployment)).await?,
            Command::Audit(command) => Box::pin(command.run(deployment)).await?,
            Command::Doctor(command) => Box::pin(command.run(deployment)).await?,
            Command::Users(command) => Box::pin(command.run(deployment)).await?.into(),
            Command::Keys(command) => Box::pin(command.run(deployment)).await?,
            Command::PortalUsers(command) => Box::pin(command.run(deployment)).await?.into(),
            Command::PortalAccounts(command) => Box::pin(command.run(deployment)).await?.into(),
            Command::SessionKeys(command) => Box::pin(command.run(deployment)).await?.into(),
            Command::Maintenance(command) => Box::pin(command.run(deployment, format)).await?.into(),
            Command::DeadLetters(command) => Box::pin(command.run(deployment)).await?,
            Command::Completion { .. } => Answer::nothing(),
        })
    }
}

/// Whether the arguments of a line that was not understood ask for answers that a program reads.
pub(crate) fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut is_value = false;
    for argument in arguments {
        let argument = argument.to_string_lossy();
        let is_name = matches!(argument.as_ref(), "-o" | "--output" | "--format");
        let value = ["--output=", "--format=", "-o=", "-o"].iter().find_map(|name| argument.strip_prefix(name));
        if (is_value && argument == "json") || (!is_name && value == Some("json")) {
            return true;
        }
        is_value = is_name;
    }
    false
}

/// What is wrong with a line, without what else there is to say, which has many lines.
pub(crate) fn not_understood(error: &clap::Error) -> Failure {
    let message = if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        "a command is missing".to_owned()
    } else {
        let text = error.render().to_string();
        let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        message.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    Failure::usage(message).next("droverctl --help, or --help after the command")
}

/// A name that CloudFormation takes.
fn stack_name(text: &str) -> Result<String, String> {
    let is_name = text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_name {
        Ok(text.to_owned())
    } else {
        Err("a stack's name is letters, digits and hyphens, beginning with a letter".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn answers_are_asked_for_in_a_form_by_either_name() {
        for arguments in [["--output", "json"], ["-o", "json"], ["--format", "json"]] {
            let line = ["droverctl", "doctor"].into_iter().chain(arguments);
            assert_eq!(Cli::try_parse_from(line).unwrap().output, Format::Json);
        }
    }

    #[test]
    fn a_line_that_is_not_understood_is_told_of_in_the_form_it_asks_for() {
        for (line, is_json, word) in [
            ("droverctl jobs list --limit 101 --output json", true, "101"),
            ("droverctl -o json jobs show", true, "JOB"),
            ("droverctl -ojson jobs", true, "a command is missing"),
            ("droverctl --format=json nothing", true, "nothing"),
            ("droverctl jobs show x --output text", false, "UUID"),
            ("droverctl jobs list --output", false, "--output"),
            ("droverctl jobs list --output xml", false, "xml"),
        ] {
            let arguments = || line.split(' ').map(OsString::from);
            assert_eq!(asks_for_json(arguments()), is_json, "{line}");
            let error = Cli::try_parse_from(arguments()).err().unwrap();
            let message = not_understood(&error).to_string();
            assert!(message.contains(word) && !message.contains('\n') && !message.starts_with("error"), "{message}");
        }
    }

    #[test]
    fn every_command_and_option_is_explained() {
        fn walk(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} says nothing", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {} says nothing", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn each_shell_gets_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "droverctl", &mut script);
            let script = String::from_utf8(script).unwrap();
            for word in ["doctor", "dead-letters", "redrive", "session-keys", "run-now", "output"] {
                assert!(script.contains(word), "{shell} does not complete {word}");
            }
        }
    }
}
