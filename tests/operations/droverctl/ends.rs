//! How the command ends, and what it says then: in words, and for programs.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use serde_json::Value as Json;
use table::{Clock, new_id};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Each exit code, by what leads to it. The numbers are documented: scripts rely on them.
#[tokio::test]
async fn each_end_has_its_exit_code() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let id = new_id(Clock::system().now()).to_string();
    let whole = format!("extract/nobody/{id}");
    for (arguments, code, word) in [
        (&["dead-letters", "list", "--limit", "1"][..], 0, ""),
        (&["jobs", "list"], 0, ""),
        (&["doctor", "--url", NOWHERE], 1, ""),
        (&["jobs"], 2, "Usage"),
        (&["jobs", "show", "x"], 2, "UUID"),
        (&["jobs", "list", "--status", "failed"], 2, "--tenant"),
        (&["jobs", "list", "--after", "x"], 2, "--after"),
        (&["jobs", "list", "--limit", "101"], 2, "101"),
        (&["--stack", "a b", "jobs", "list"], 2, "stack"),
        (&["keys", "create", "--user", &id, "--name", "x"], 3, "users create"),
        (&["jobs", "show", &id], 3, "jobs list"),
        (&["jobs", "show", &whole], 3, "jobs list"),
        (&["jobs", "logs", &whole], 3, "jobs list"),
        (&["jobs", "logs", &whole, "--after", "3"], 3, "jobs list"),
        (&["jobs", "parts", &whole], 3, "jobs list"),
        (&["jobs", "retry", &whole, "--part", "1"], 3, "#1"),
        (&["schedules", "pause", &id], 3, "schedules list"),
        (&["credentials", "list", "nowhere"], 3, "credentials platforms"),
        (&["credentials", "reset", "999999999"], 3, "credential/999999999"),
        (&["proxies", "show", "999999999"], 3, "proxies list"),
        (&["tasks", "show", "999999999"], 3, "tasks list"),
        (&["tasks", "release", "999999999", "--yes"], 3, "task/999999999"),
        (&["tasks", "cancel", "999999999", "--yes"], 3, "task/999999999"),
        (&["tasks", "retry", "999999999"], 3, "task/999999999"),
        (&["tasks", "list", "--campaign", "1"], 2, "--state"),
        (&["tasks", "list", "--state", "open", "--type", ""], 2, "letters"),
        (&["users", "show", "--user", &id], 3, "users create"),
        (&["users", "promote", "--user", &id], 3, "users create"),
        (&["users", "remove-password", "--user", &id, "--yes"], 3, "users create"),
        (&["keys", "list", "--user", &id], 3, "users create"),
        (&["keys", "revoke", "x", "--user", &id, "--yes"], 3, "keys list"),
        (&["usage", &id], 3, "no account"),
        (&["--stack", "there-is-none", "doctor"], 3, "--stack"),
        (&["--stack", "there-is-none", "jobs", "list"], 3, "--stack"),
        (&["maintenance", "--clear-all"], 4, "--yes"),
        (&["dead-letters", "purge", "--all"], 4, "--yes"),
        (&["dead-letters", "redrive", "--all"], 4, "--yes"),
        (&["credentials", "release", "1"], 4, "--yes"),
        (&["proxies", "disable", "1"], 4, "--yes"),
        (&["tasks", "release", "1"], 4, "--yes"),
        (&["tasks", "cancel", "1"], 4, "--yes"),
        (&["users", "deactivate", "--user", &id], 4, "--yes"),
        (&["users", "remove-password", "--user", &id], 4, "--yes"),
        (&["portal-users", "deactivate", "--name", "nobody"], 4, "--yes"),
    ] {
        let said = stack.droverctl(arguments).await?;
        ensure!(said.code == Some(code), "{arguments:?} ended with {:?}, not {code}: {}", said.code, said.errors);
        ensure!(said.errors.contains(word), "{arguments:?} says nothing of {word:?}: {}", said.errors);
        ensure!(
            code == 0 || code == 1 || said.output.is_empty(),
            "{arguments:?} answered all the same: {}",
            said.output
        );
    }
    Ok(())
}

#[tokio::test]
async fn nobody_there_is_an_end_of_its_own() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for arguments in [&["jobs", "list"][..], &["doctor"], &["proxies", "list"]] {
        let said = stack
            .droverctl_in(arguments, &[("AWS_ENDPOINT_URL", NOWHERE), ("AWS_ENDPOINT_URL_DYNAMODB", NOWHERE)])
            .await?;
        ensure!(said.code == Some(5) && said.errors.contains("AWS_ENDPOINT_URL"), "{arguments:?}: {said:?}");
    }
    Ok(())
}

/// A program reads one object, of an error too, and nothing beside it.
#[tokio::test]
async fn an_error_is_an_object_for_programs() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let id = new_id(Clock::system().now());
    let said = stack.droverctl(&["jobs", "show", &id.to_string(), "--output", "json"]).await?;
    let told: Json = serde_json::from_str(&said.errors).with_context(|| said.errors.clone())?;
    let error = &told["error"];
    ensure!(error["code"] == "not_found" && error["exit_code"] == 3, "{told}");
    ensure!(error["message"] == format!("there is no job {id}") && error["next"].is_string(), "{told}");
    ensure!(said.output.is_empty(), "{said:?}");
    // So is one of a line that was not understood.
    for arguments in [&["jobs", "list", "--limit", "101", "--output", "json"][..], &["-o", "json", "jobs"]] {
        let said = stack.droverctl(arguments).await?;
        let told: Json = serde_json::from_str(&said.errors).with_context(|| said.errors.clone())?;
        ensure!(said.code == Some(2) && said.output.is_empty(), "{said:?}");
        ensure!(told["error"]["code"] == "usage" && told["error"]["exit_code"] == 2, "{told}");
    }
    Ok(())
}

/// Neither a file nor a program gets colours; `--format` is `--output` by its older name.
#[tokio::test]
async fn what_is_no_terminal_gets_text_alone() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    for arguments in [&["doctor", "--url", NOWHERE][..], &["jobs", "list"], &["jobs", "show", "x"], &["top"]] {
        let said = stack.droverctl(arguments).await?;
        let all = said.output + &said.errors;
        ensure!(!all.contains('\u{1b}'), "{arguments:?}: {all:?}");
    }
    for option in ["--output", "--format", "-o"] {
        let said = stack.droverctl(&["dead-letters", "list", option, "json"]).await?;
        let answer: Json = serde_json::from_str(&said.output)?;
        ensure!(answer["letters"].is_array(), "{option}: {answer}");
    }
    Ok(())
}
