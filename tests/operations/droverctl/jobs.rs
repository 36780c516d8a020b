//! Jobs in a terminal: found, shown, read, cancelled and taken up again.

use anyhow::{Context, ensure};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use drover_tests::site::Site;
use drover_tests::{Stack, id_of, key_of};
use serde_json::{Value as Json, json};
use table::Update;

use super::super::unannounced;

fn ids<'a>(answer: &'a Json, list: &str) -> Vec<&'a str> {
    answer[list].as_array().into_iter().flatten().filter_map(|thing| thing["id"].as_str()).collect()
}

#[tokio::test]
async fn a_job_is_found_shown_cancelled_and_not_taken_up_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let key = unannounced(&stack, &user, "https://example.com/").await?;
    let id = key.sk.trim_start_matches("TASK#").to_owned();
    let whole = format!("extract/{}/{id}", user.id);

    let listed = stack.operate(&["jobs", "list", "--tenant", &user.id]).await?;
    ensure!(ids(&listed, "jobs") == [id.as_str()], "{listed}");
    let pending = stack.operate(&["jobs", "list", "--tenant", &user.id, "--status", "pending"]).await?;
    ensure!(ids(&pending, "jobs") == [id.as_str()], "{pending}");
    let failed = stack.operate(&["jobs", "list", "--tenant", &user.id, "--status", "failed"]).await?;
    ensure!(ids(&failed, "jobs").is_empty() && failed["jobs"].is_array(), "{failed}");

    for name in [&id, &whole] {
        let job = stack.operate(&["jobs", "show", name]).await?;
        ensure!(job["id"] == id.as_str() && job["tenant"] == user.id.as_str() && job["status"] == "pending", "{job}");
        ensure!(job["can"]["cancel"] == true, "{job}");
    }
    let asked = stack.droverctl(&["jobs", "cancel", &whole]).await?;
    ensure!(asked.code == Some(4) && asked.errors.contains("--yes"), "{asked:?}");
    let cancelled = stack.operate(&["jobs", "cancel", &whole, "--yes"]).await?;
    ensure!(cancelled["done"] == "cancelled" && cancelled["on"] == whole.as_str(), "{cancelled}");
    for arguments in [&["jobs", "cancel", whole.as_str(), "--yes"][..], &["jobs", "retry", &whole]] {
        let again = stack.droverctl(arguments).await?;
        ensure!(again.code == Some(4), "{arguments:?}: {again:?}");
    }

    let audit = stack.operate(&["audit", "--limit", "100"]).await?;
    let entries = audit["entries"].as_array().context("no entries")?;
    let of_job: Vec<_> = entries.iter().filter(|entry| entry["on"] == whole.as_str()).collect();
    let outcomes: Vec<_> = of_job.iter().filter_map(|entry| entry["outcome"].as_str()).collect();
    ensure!(outcomes == ["refused", "refused", "done"], "{of_job:?}");
    ensure!(
        of_job.iter().all(|entry| entry["by"].as_str().is_some_and(|by| by.starts_with("droverctl:"))),
        "{of_job:?}"
    );
    Ok(())
}

/// What is followed ends by itself when the job has, and has every line of the log, once.
#[tokio::test]
async fn a_log_is_followed_until_the_job_has_ended() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let site = Site::serve(Router::new().route("/", get(async || Html("<p class=t>One</p>")))).await?;
    let task = user.create_task(json!({"urls": [site.url("/")], "selectors": {"title": ".t"}})).await?;
    let key = key_of(&user, &task)?;
    let whole = format!("extract/{}/{}", user.id, id_of(&task)?);
    let followed = stack.droverctl(&["jobs", "logs", &whole, "--follow", "--output", "json"]).await?;
    ensure!(followed.success, "{followed:?}");
    let lines: Vec<Json> = followed.output.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let numbers: Vec<_> = lines.iter().filter_map(|line| line["number"].as_u64()).collect();
    ensure!(numbers == (1..=lines.len() as u64).collect::<Vec<_>>(), "{numbers:?}");
    stack.ended(&key).await?;

    let whole_log = stack.operate(&["jobs", "logs", &whole]).await?;
    ensure!(whole_log["lines"].as_array().map(Vec::len) == Some(lines.len()), "{whole_log}");
    let text = stack.droverctl(&["jobs", "logs", &whole]).await?;
    ensure!(text.output.lines().count() == lines.len(), "{}", text.output);
    let rest = stack.operate(&["jobs", "logs", &whole, "--after", &(lines.len() - 1).to_string()]).await?;
    ensure!(rest["lines"].as_array().map(Vec::len) == Some(1), "{rest}");

    let usage = stack.operate(&["usage", &user.id, "--days", "2"]).await?;
    ensure!(usage["jobs_completed"] == 1 && usage["plan"]["units_used"] == 1, "{usage}");
    Ok(())
}

/// A name and a log line of others' do nothing to the operator's terminal.
#[tokio::test]
async fn what_others_wrote_does_nothing_to_a_terminal() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let key = unannounced(&stack, &user, "https://example.com/").await?;
    // Past the API, which has rules of its own for names.
    let name = "a\u{9b}31mb\u{1b}[2J\u{202e}c";
    stack.table("extract").update(&key, Update::new().set("name", name)).await?;
    let whole = format!("extract/{}/{}", user.id, key.sk.trim_start_matches("TASK#"));
    for arguments in [&["jobs", "show", whole.as_str()][..], &["jobs", "list", "--tenant", &user.id]] {
        for format in ["text", "json"] {
            let said = stack.droverctl(&[arguments, &["--output", format]].concat()).await?;
            let is_active = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            ensure!(said.success && !said.output.contains(is_active), "{arguments:?} {format}: {:?}", said.output);
        }
    }
    let job = stack.operate(&["jobs", "show", &whole]).await?;
    ensure!(job["title"] == name, "a program is told another name: {job}");
    stack.operate(&["jobs", "cancel", &whole, "--yes"]).await?;
    Ok(())
}
