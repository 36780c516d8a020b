//! What becomes of a job in the deployed stack: its portal, a stand-in, is read to the end, or the job says why not.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use drover_tests::eventually;
use drover_tests::portal_site::{Reader, Sheet};
use portal_stand_in::{Account, Plan, What};
use portals::Portal;
use reqwest::Method;
use serde_json::{Value as Json, json};

fn has(records: u64, plan: Plan) -> Account {
    Account { records, plan, ..Account::default() }
}

fn id_of(job: &Json) -> anyhow::Result<&str> {
    job["job_id"].as_str().context("no id")
}

/// Compares row by row, so that a difference can be read.
fn same(found: &Sheet, truth: &Sheet) -> anyhow::Result<()> {
    for (at, (found, truth)) in found.iter().zip(truth).enumerate() {
        ensure!(found == truth, "row {at}: {found:?}, and not {truth:?}");
    }
    ensure!(found.len() == truth.len(), "{} rows, and not {}", found.len(), truth.len());
    Ok(())
}

#[tokio::test]
async fn the_files_have_what_the_portal_has_row_by_row() -> anyhow::Result<()> {
    for (portal, records) in [(Portal::Pwmr, 1_234), (Portal::Bwmr, 2_345), (Portal::Ewmr, 678)] {
        let reader = Reader::open().await?;
        let account = reader.account(portal, has(records, Plan::default())).await?;
        let job = reader.read(&account).await?;
        same(&reader.sheet(&job).await?, &reader.site.truth(portal, &account.email).await?)?;
        ensure!(job["message"] == format!("Scrape completed successfully: {records} records"), "{job}");
        ensure!(job["entity_name"] == "Ganga & Söhne Recycling" && job["worker"].is_string(), "{job}");
        ensure!(reader.site.sign_ins(portal, &account.email).await? == 1);
        // Nothing of the work is left beside the two files.
        let stored = eventually("the parts are gone", async || {
            let stored = reader.stored(id_of(&job)?).await?;
            Ok((stored.len() == 2).then_some(stored))
        });
        let stored = stored.await?;
        let extensions: BTreeSet<_> = stored.iter().filter_map(|key| key.rsplit('.').next()).collect();
        ensure!(extensions == BTreeSet::from(["csv", "xlsx"]), "{stored:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_live_log_tells_what_a_scrape_does() -> anyhow::Result<()> {
    let reader = Reader::open().await?;
    let account = reader.account(Portal::Pwmr, has(250, Plan::default())).await?;
    let job = reader.read(&account).await?;
    let told = reader.client.call(Method::GET, &format!("/logs/stream?job_id={}", id_of(&job)?)).await?;
    ensure!(told.status == 200, "{told:?}");
    let said: Vec<_> = told.text()?.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    ensure!(said.first() == Some(&"Attempt 1: signing in"), "{said:?}");
    ensure!(said.iter().filter(|line| line.contains("page")).count() > 1, "{said:?}");
    Ok(())
}

#[tokio::test]
async fn the_accounts_owner_is_told_how_it_ended() -> anyhow::Result<()> {
    let reader = Reader::open().await?;
    let well = reader.account(Portal::Bwmr, has(12, Plan::default())).await?;
    let badly = reader.account(Portal::Bwmr, has(500, Plan::default().always(What::ColumnRenamed, 2))).await?;
    let (job, failed) = (reader.read(&well).await?, reader.ended(&reader.start(&badly).await?).await?);
    let mails = reader.stack.mails_to(&well.email).await?;
    ensure!(mails.len() == 1 && mails[0].subject == "Scrape of bwmr completed", "{mails:?}");
    ensure!(mails[0].text.contains("All 12 records") && mails[0].text.contains(id_of(&job)?), "{mails:?}");
    let mails = reader.stack.mails_to(&badly.email).await?;
    ensure!(mails.len() == 1 && mails[0].subject == "Scrape of bwmr failed", "{mails:?}");
    ensure!(mails[0].text.contains(failed["message"].as_str().context("no message")?), "{mails:?} of {failed}");
    Ok(())
}

#[tokio::test]
async fn sessions_that_end_and_servers_that_fail_cost_time_and_no_record() -> anyhow::Result<()> {
    for (portal, plan) in [
        (Portal::Pwmr, Plan::default().sessions_of(12).with(What::Status(503), 3, 2)),
        (Portal::Bwmr, Plan::default().sessions_of(4).with(What::Cut, 2, 1)),
        (Portal::Ewmr, Plan::default().sessions_of(9).with(What::LoginForm, 2, 1)),
    ] {
        let reader = Reader::open().await?;
        let account = reader.account(portal, has(900, plan)).await?;
        let job = reader.read(&account).await?;
        same(&reader.sheet(&job).await?, &reader.site.truth(portal, &account.email).await?)?;
        ensure!(reader.site.sign_ins(portal, &account.email).await? > 1);
    }
    Ok(())
}

#[tokio::test]
async fn records_that_move_while_they_are_read_are_read_anew() -> anyhow::Result<()> {
    let reader = Reader::open().await?;
    let account = reader.account(Portal::Bwmr, has(700, Plan::default().with(What::RowTwice, 3, 1))).await?;
    let job = reader.read(&account).await?;
    same(&reader.sheet(&job).await?, &reader.site.truth(Portal::Bwmr, &account.email).await?)?;
    ensure!(reader.site.sign_ins(Portal::Bwmr, &account.email).await? == 2);
    Ok(())
}

#[tokio::test]
async fn a_job_that_cannot_be_done_says_why_and_has_no_file() -> anyhow::Result<()> {
    for (portal, what, page, reason) in [
        (
            Portal::Pwmr,
            What::ColumnMissing,
            2,
            "Procurement, page 2: the page's layout has changed: the table has no column",
        ),
        (Portal::Ewmr, What::BadDate, 2, "Producers, page 2: row 1: '"),
        (Portal::Bwmr, What::TotalMissing, 3, "Transactions, page 3: the page's layout has changed: there is no total"),
        (Portal::Bwmr, What::LoginForm, 2, "Transactions, page 2: the portal shows its login form instead of the page"),
    ] {
        let reader = Reader::open().await?;
        let account = reader.account(portal, has(900, Plan::default().always(what, page))).await?;
        let job = reader.ended(&reader.start(&account).await?).await?;
        let told = job["message"].as_str().unwrap_or_default();
        ensure!(job["status"] == "failed" && told.starts_with(reason), "{what:?}: {job}");
        ensure!(job["files"] == json!([]), "{job}");
        let path = format!("/cpcb/queue/job/{}/download", id_of(&job)?);
        reader.client.call(Method::GET, &path).await?.portal_error(404)?;
        eventually("nothing is left", async || Ok(reader.stored(id_of(&job)?).await?.is_empty().then_some(()))).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() -> anyhow::Result<()> {
    let reader = Reader::open().await?;
    // The portal knows it with another password.
    let account = reader.stack.portal_account(&reader.client.tenant, Portal::Pwmr).await?;
    reader.site.put(Portal::Pwmr, &account.email, &Account::default()).await?;
    let job = reader.ended(&reader.start(&account).await?).await?;
    let told = "the portal did not accept the name and password, and says: Invalid user name or password.";
    ensure!(job["status"] == "failed" && job["message"] == told && job["entity_name"] == Json::Null, "{job}");
    Ok(())
}

#[tokio::test]
async fn one_job_at_a_time_signs_in_with_an_account() -> anyhow::Result<()> {
    let reader = Reader::open().await?;
    let account = reader.account(Portal::Ewmr, has(300, Plan::default().everywhere(What::Slow(150)))).await?;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(reader.start(&account).await?);
    }
    let truth = reader.site.truth(Portal::Ewmr, &account.email).await?;
    for job in &jobs {
        let job = reader.ended(job).await?;
        ensure!(job["status"] == "completed", "{job}");
        same(&reader.sheet(&job).await?, &truth)?;
    }
    // Each signed in once: none was signed out by another.
    ensure!(reader.site.sign_ins(Portal::Ewmr, &account.email).await? == 3);
    Ok(())
}

#[tokio::test]
async fn a_job_that_is_deleted_while_it_runs_stops_and_leaves_nothing() -> anyhow::Result<()> {
    let reader = Reader::open().await?;
    let account = reader.account(Portal::Pwmr, has(3_000, Plan::default().everywhere(What::Slow(400)))).await?;
    let job = reader.start(&account).await?;
    eventually("records come", async || {
        let told = reader.shown(&job).await?;
        Ok(told["message"].as_str().is_some_and(|told| told.ends_with(" of 3000 records")).then_some(()))
    })
    .await?;
    let path = format!("/cpcb/queue/job/{job}");
    reader.client.call(Method::DELETE, &path).await?.success(200)?;
    reader.client.call(Method::GET, &path).await?.portal_error(404)?;
    // Its worker has stopped: who begins now is the only one who signs in.
    let quick = Account { password: drover_tests::portal::portal_password(), ..has(100, Plan::default()) };
    reader.site.put(Portal::Pwmr, &account.email, &quick).await?;
    let next = reader.read(&account).await?;
    same(&reader.sheet(&next).await?, &reader.site.truth(Portal::Pwmr, &account.email).await?)?;
    eventually("nothing is left", async || Ok(reader.stored(&job).await?.is_empty().then_some(()))).await?;
    Ok(())
}
