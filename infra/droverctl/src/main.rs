//! `droverctl`: what an operator does with a deployment, from a terminal.

#![expect(clippy::doc_markdown, reason = "the comments of arguments are its help text")]

mod audit;
mod call;
mod cli;
mod cloudwatch;
mod confirm;
mod credentials;
mod dead_letters;
mod deployment;
mod doctor;
mod failure;
mod identity;
mod jobs;
mod maintenance;
mod names;
mod operations;
mod operator;
mod output;
mod pages;
mod parameters;
mod passwords;
mod plain;
mod portal;
mod proxies;
mod recount;
mod schedules;
mod session_keys;
mod top;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::failure::complain;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = cli.output;
    let exit = match Box::pin(cli.run()).await {
        Ok(answer) => {
            answer.print(format);
            answer.exit
        }
        Err(error) => complain(&error, format),
    };
    exit.into()
}
