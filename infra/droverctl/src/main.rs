//! `droverctl`: what an operator does with a deployment, from a terminal.

#![expect(clippy::doc_markdown, reason = "the comments of arguments are its help text")]

mod confirm;
mod dead_letters;
mod identity;
mod maintenance;
mod operations;
mod output;
mod parameters;
mod passwords;
mod portal;
mod session_keys;

use anyhow::Context;
use clap::{Parser, Subcommand};
use table::aws::{SdkConfig, configure, dynamodb};
use table::{Clock, Table};

use crate::output::Format;

/// What an operator does with a deployment of Drover.
///
/// Region and credentials come from AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; for a profile of the
/// AWS CLI: eval "$(aws configure export-credentials --profile NAME --format env)". AWS_ENDPOINT_URL reaches the local cloud.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// The name of the CloudFormation stack
    #[arg(long, env = "DROVER_STACK", default_value = "drover", global = true)]
    stack: String,
    /// How answers are printed
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Manage users
    #[command(subcommand)]
    Users(identity::UserCommand),
    /// Manage API keys
    #[command(subcommand)]
    Keys(identity::KeyCommand),
    /// Manage the users who log in to the portal jobs
    #[command(subcommand)]
    PortalUsers(portal::PortalUserCommand),
    /// Manage what portal jobs log in with at the portals
    #[command(subcommand)]
    PortalAccounts(portal::PortalAccountCommand),
    /// Manage the keys that sessions are signed with
    #[command(subcommand)]
    SessionKeys(session_keys::SessionKeyCommand),
    Maintenance(maintenance::Maintenance),
    /// Manage dead letters, the messages that kept failing
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLetterCommand),
}

/// A deployment's tables and parameters.
struct Deployment {
    config: SdkConfig,
    client: aws_sdk_dynamodb::Client,
    stack: String,
    clock: Clock,
}

impl Deployment {
    /// The table of a bounded context; template.yaml names them so.
    fn table(&self, context: &str) -> Table {
        Table::new(self.client.clone(), &format!("{}-{context}", self.stack))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let config = configure().context("droverctl needs to know which AWS account or local cloud to talk to")?;
    let client = dynamodb(&config);
    let deployment = Deployment { config, client, stack: cli.stack, clock: Clock::system() };
    let answer = match cli.command {
        Command::Users(command) => command.run(&deployment).await?,
        Command::Keys(command) => command.run(&deployment).await?,
        Command::PortalUsers(command) => command.run(&deployment).await?,
        Command::PortalAccounts(command) => command.run(&deployment).await?,
        Command::SessionKeys(command) => Box::pin(command.run(&deployment)).await?,
        Command::Maintenance(command) => Box::pin(command.run(&deployment, cli.format)).await?,
        Command::DeadLetters(command) => Box::pin(command.run(&deployment)).await?,
    };
    print!("{}", cli.format.render(&answer));
    Ok(())
}
