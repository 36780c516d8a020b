//! What becomes of a job in the deployed stack: its portal, a stand-in, is read to the end, or the job says why not.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::eventually;
use drover_tests::portal::portal_password;
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
    for (portal, records) in [(Portal::Pwmr, 1_234), (Portal::Bwmr, 2_345), (Portal::Ewmr, 2_678)] {
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
    let said = reader.log(id_of(&job)?).await?;
    ensure!(said.first().is_some_and(|line| line == "Attempt 1: signing in"), "{said:?}");
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

/// What lets an attempt end: a server that fails once more than a page is tried in one.
const ENDS_AN_ATTEMPT: u32 = 4;

#[tokio::test]
async fn an_attempt_goes_on_from_what_the_one_before_has_kept() -> anyhow::Result<()> {
    for (portal, records, page, kept) in
        [(Portal::Pwmr, 730, 13, 600), (Portal::Bwmr, 730, 4, 600), (Portal::Ewmr, 730, 4, 75)]
    {
        let reader = Reader::open().await?;
        let plan = Plan::default().with(What::Status(503), page, ENDS_AN_ATTEMPT);
        let account = reader.account(portal, has(records, plan)).await?;
        let job = reader.read(&account).await?;
        same(&reader.sheet(&job).await?, &reader.site.truth(portal, &account.email).await?)?;
        let (said, expected) = (reader.log(id_of(&job)?).await?, format!(", to go on after {kept} records"));
        let attempts: Vec<_> = said.iter().filter(|line| line.starts_with("Attempt ")).collect();
        ensure!(attempts.len() == 2 && attempts[1].ends_with(&expected), "{portal:?}: {said:?}");
        ensure!(said.iter().filter(|line| line.contains("page 1:")).count() == listings(portal), "{said:?}");
    }
    Ok(())
}

const fn listings(portal: Portal) -> usize {
    if matches!(portal, Portal::Ewmr) { 4 } else { 1 }
}

#[tokio::test]
async fn records_that_move_between_two_attempts_are_read_anew() -> anyhow::Result<()> {
    // A record that nobody has read yet comes first from then on: the next page begins with one that was had, and the total is the same.
    for (portal, page, moved) in [(Portal::Pwmr, 5, 210), (Portal::Bwmr, 3, 410)] {
        let reader = Reader::open().await?;
        let plan = Plan::default().with(What::Moves(moved), page, 1).with(What::Status(503), page, ENDS_AN_ATTEMPT);
        let account = reader.account(portal, has(700, plan)).await?;
        let job = reader.read(&account).await?;
        same(&reader.sheet(&job).await?, &reader.site.truth(portal, &account.email).await?)?;
        let said = reader.log(id_of(&job)?).await?;
        ensure!(said.iter().any(|line| line.contains("of two records: they changed while they were read")), "{said:?}");
        ensure!(reader.site.sign_ins(portal, &account.email).await? == 3, "{said:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_account_that_is_anothers_now_is_read_anew() -> anyhow::Result<()> {
    let reader = Reader::open().await?;
    let before = has(700, Plan::default().always(What::Status(503), 3));
    let account = reader.account(Portal::Bwmr, before).await?;
    let job = reader.start(&account).await?;
    eventually("an attempt has ended", async || {
        Ok(reader.log(&job).await?.iter().any(|line| line.ends_with("it will be tried again")).then_some(()))
    })
    .await?;
    let now =
        Account { entity: "Yamuna Recycling".to_owned(), password: portal_password(), ..has(700, Plan::default()) };
    reader.site.put(Portal::Bwmr, &account.email, &now).await?;
    let job = reader.ended(&job).await?;
    ensure!(job["status"] == "completed" && job["entity_name"] == "Yamuna Recycling", "{job}");
    same(&reader.sheet(&job).await?, &reader.site.truth(Portal::Bwmr, &account.email).await?)?;
    let said = reader.log(id_of(&job)?).await?;
    ensure!(said.iter().any(|line| line.contains("is Yamuna Recycling's now; it is begun anew")), "{said:?}");
    Ok(())
}

#[tokio::test]
async fn the_last_attempt_fails_by_itself_also_where_it_would_be_begun_anew() -> anyhow::Result<()> {
    let reader = Reader::open().await?;
    // Four attempts get nowhere, and in the fifth the page is not of one piece.
    let plan = Plan::default().with(What::Status(503), 1, 4 * ENDS_AN_ATTEMPT).always(What::RowTwice, 1);
    let account = reader.account(Portal::Bwmr, has(300, plan)).await?;
    let job = reader.ended(&reader.start(&account).await?).await?;
    let told = job["message"].as_str().context("no message")?;
    ensure!(
        job["status"] == "failed" && told.starts_with("Given up after 5 attempts: Transactions, page 1: row "),
        "{job}"
    );
    ensure!(!told.contains("begun anew"), "{told}");
    ensure!(reader.stack.mails_to(&account.email).await?.len() == 1, "nobody was told of {told}");
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
    ensure!(reader.site.attempts(Portal::Pwmr, &account.email).await? == 1);
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

/// The negative control: two accounts of ours that are one at the portal are held apart by nothing, and its jobs sign each other out.
#[tokio::test]
async fn jobs_that_nothing_holds_apart_sign_each_other_out() -> anyhow::Result<()> {
    let (one, other) = (Reader::open().await?, Reader::open().await?);
    let account = one.account(Portal::Ewmr, has(300, Plan::default().everywhere(What::Slow(150)))).await?;
    let same_there = other.stack.portal_account_named(&other.client.tenant, Portal::Ewmr, &account.email).await?;
    let jobs = [(&one, one.start(&account).await?), (&other, other.start(&same_there).await?)];
    for (reader, job) in jobs {
        reader.ended(&job).await?;
    }
    let sign_ins = one.site.sign_ins(Portal::Ewmr, &account.email).await?;
    ensure!(sign_ins > 2, "{sign_ins}: the portal lets an account in more than once, and the test above shows nothing");
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
    // Its worker stops: for the time of some pages nobody asks for any.
    let asked = async || reader.site.asked(Portal::Pwmr, &account.email).await;
    eventually("the worker stops", async || {
        let before = asked().await?;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        Ok((asked().await? == before).then_some(()))
    })
    .await?;
    let (asked_before, signed_in) = (asked().await?, reader.site.sign_ins(Portal::Pwmr, &account.email).await?);
    let quick = Account { password: portal_password(), ..has(100, Plan::default()) };
    reader.site.put(Portal::Pwmr, &account.email, &quick).await?;
    let next = reader.read(&account).await?;
    same(&reader.sheet(&next).await?, &reader.site.truth(Portal::Pwmr, &account.email).await?)?;
    // Who has begun since is the only one who asks: for the page after signing in, and two of records.
    ensure!(asked().await? == asked_before + 3);
    ensure!(reader.site.sign_ins(Portal::Pwmr, &account.email).await? == signed_in + 1);
    eventually("nothing is left", async || Ok(reader.stored(&job).await?.is_empty().then_some(()))).await?;
    Ok(())
}
