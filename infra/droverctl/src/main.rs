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
#[cfg(test)]
mod promised;
mod proxies;
mod recount;
mod schedules;
mod session_keys;
mod tasks;
mod top;
mod typed;
mod usage;

use std::env::args_os;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::failure::complain;
use crate::output::Format;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && cli::asks_for_json(args_os()) => {
            return complain(&cli::not_understood(&error).into(), Format::Json).into();
        }
        // In words, as is what is no error: help and the version.
        Err(error) => error.exit(),
    };
    let format = cli.output;
    if cli.draws() {
        top::mind_signals();
    }
    let run = async {
        let answer = Box::pin(cli.run()).await?;
        answer.print(format);
        anyhow::Ok(answer.exit)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let end = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run));
    end.unwrap_or_else(|error| complain(&error, format)).into()
}
