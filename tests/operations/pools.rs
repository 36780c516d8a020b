//! The credential queue's pools and the worker API's fleet, as an operator has them.

use anyhow::{Context, bail, ensure};
use credentials::{ImportError, ImportForm, Status};
use drover_tests::{Stack, eventually};
use operations::{ActError, Acted, Action, CredentialAct, Fleet, Outcome, Paging};
use reqwest::Method;
use serde_json::json;
use table::{Clock, new_id};
use worker::{Filter, Listed, TaskStatus};

use super::console::{entries_of, somebody, within};

#[tokio::test]
async fn a_pool_is_seen_and_seen_to() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (pools, operations, by) = (stack.pools(), stack.operations().await?, somebody());
    let pool = stack.pool(5).await?;
    let held = pool.scraper.claim_one(&pool.platform).await?;
    let rests = pool.scraper.claim_one(&pool.platform).await?;
    let failure = json!({"error_message": "blocked", "cooldown_minutes": 60});
    pool.scraper.report(rests.id, "failure", Some(rests.token), &failure).await?.success(200)?;
    let failed = pool.scraper.claim_one(&pool.platform).await?;
    let failure = json!({"error_message": "banned", "cooldown_minutes": 0});
    pool.scraper.report(failed.id, "failure", Some(failed.token), &failure).await?.success(200)?;

    let ids = async |status| -> anyhow::Result<Vec<u64>> {
        let page = within(8, pools.credentials(&pool.platform, status, Paging::new(100, None))).await??;
        let mut ids: Vec<_> = page.context("no platform")?.items.iter().map(|one| one.id).collect();
        ids.sort_unstable();
        Ok(ids)
    };
    ensure!(ids(None).await? == pool.ids, "{:?}", ids(None).await?);
    for (status, expected) in [(Status::InUse, held.id), (Status::Cooldown, rests.id), (Status::Failed, failed.id)] {
        ensure!(ids(Some(status)).await? == [expected], "{status:?}: {:?}", ids(Some(status)).await?);
    }
    ensure!(ids(Some(Status::Available)).await?.len() == 2, "{:?}", ids(Some(Status::Available)).await?);
    ensure!(pools.credentials("no-such-platform", None, Paging::new(9, None)).await?.is_none(), "there is no such");
    let shown = within(1, pools.credential(held.id)).await??.context("it is gone")?;
    ensure!(shown.in_use_by.as_deref() == Some(&*pool.scraper.id) && shown.lease_expires_at.is_some(), "{shown:?}");

    for (act, id, after) in [
        (CredentialAct::Release, held.id, Status::Available),
        (CredentialAct::Reset, failed.id, Status::Available),
        (CredentialAct::Disable, rests.id, Status::Disabled),
        (CredentialAct::Enable, rests.id, Status::Available),
    ] {
        ensure!(within(3, pools.act(&by, act, id, None)).await?? == Acted::Done(None), "{act:?}");
        let stands = pools.credential(id).await?.context("it is gone")?.status;
        ensure!(stands == after, "{act:?}: {stands:?}");
        if act != CredentialAct::Disable {
            let again = pools.act(&by, act, id, None).await?;
            ensure!(matches!(again, Acted::Refused(_)), "{act:?} twice: {again:?}");
        }
    }
    ensure!(pools.act(&by, CredentialAct::Reset, u64::MAX, None).await.is_err(), "there is no such");
    // Its own trail tells of it too, by the same name.
    eventually("the trail tells who released it", async || {
        let trail = within(1, pools.trail(held.id, Paging::new(100, None))).await??;
        Ok(trail.items.into_iter().find(|event| event.by == by.to_string() && event.action == "taken back"))
    })
    .await?;
    let entries = entries_of(&operations, &by).await?;
    ensure!(entries.iter().filter(|entry| entry.outcome == Outcome::Done).count() == 4, "{entries:?}");
    ensure!(entries.iter().any(|entry| entry.on == format!("credential/{}", held.id)), "{entries:?}");
    Ok(())
}

#[tokio::test]
async fn credentials_are_imported_and_never_shown() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (pools, operations, by) = (stack.pools(), stack.operations().await?, somebody());
    let pool = stack.pool(0).await?;
    let text = "name,email,password\nOne,a@example.com,s3cret-1\nTwo,b@example.com,s3cret-2\n";
    let imported = pools.import(&by, &pool.platform, ImportForm::Csv, text, None).await?.context("no platform")?;
    ensure!(imported.imported == 2, "{imported:?}");
    let page = pools.credentials(&pool.platform, None, Paging::new(9, None)).await?.context("no platform")?;
    let shown = serde_json::to_string(&page)?;
    ensure!(page.items.len() == 2 && !shown.contains("s3cret"), "{shown}");
    let claimed = pool.scraper.claim_one(&pool.platform).await?;
    ensure!(claimed.body["password"].as_str().is_some_and(|word| word.starts_with("s3cret-")), "{claimed:?}");
    let wrong = pools.import(&by, &pool.platform, ImportForm::Csv, "name,email\nOne,a@example.com\n", None).await;
    ensure!(wrong.is_err_and(|error| !error.to_string().contains("a@example.com")), "it was imported");
    let entries = entries_of(&operations, &by).await?;
    ensure!(entries.len() == 1 && entries[0].detail.as_deref() == Some("2 imported"), "{entries:?}");
    Ok(())
}

#[tokio::test]
async fn a_credential_is_taken_only_from_the_holder_that_was_shown() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (pools, by, pool) = (stack.pools(), somebody(), stack.pool(1).await?);
    let before = pool.scraper.claim_one(&pool.platform).await?;
    let seen = pools.credential(before.id).await?.context("it is gone")?.lease_token;
    pool.scraper.report(before.id, "release", Some(before.token), &json!({})).await?.success(200)?;
    let next = pool.scraper.claim_one(&pool.platform).await?;
    ensure!(next.id == before.id && next.token > seen, "{next:?}");
    let late = pools.act(&by, CredentialAct::Release, next.id, Some(seen)).await?;
    ensure!(late == Acted::Refused("somebody else has it now".to_owned()), "{late:?}");
    let held = pools.credential(next.id).await?.context("it is gone")?;
    ensure!(held.status == Status::InUse && held.lease_token == next.token, "{held:?}");
    let taken = pools.act(&by, CredentialAct::Release, next.id, Some(next.token)).await?;
    ensure!(taken == Acted::Done(None), "{taken:?}");
    Ok(())
}

/// What a failure has interrupted is sent again, and adds nothing twice.
#[tokio::test]
async fn an_import_that_is_sent_again_goes_on_where_it_stopped() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (pools, by, pool) = (stack.pools(), somebody(), stack.pool(0).await?);
    let id = Some(new_id(Clock::system().now()));
    let line = |number| format!("N{number},n{number}@example.com,p\n");
    let text: String = std::iter::once("name,email,password\n".to_owned()).chain((1..=20).map(line)).collect();
    let send = async |text: &str| pools.import(&by, &pool.platform, ImportForm::Csv, text, id).await;
    let first = send(&text).await?.context("no platform")?;
    let numbers = first.first_id.context("none")?..=first.last_id.context("none")?;
    // As if it had stopped after the first nine: the rest is gone, and so is one of those that were there, by an administrator.
    for number in numbers.clone().skip(9).chain([*numbers.start()]) {
        let path = format!("/credentials/{number}");
        pool.admin.admin(Method::DELETE, &path, &json!({}), 200).await?;
    }
    let again = send(&text).await?.context("no platform")?;
    ensure!(again == first, "{again:?} after {first:?}");
    let page = pools.credentials(&pool.platform, None, Paging::new(100, None)).await?.context("no platform")?;
    let mut there: Vec<_> = page.items.iter().map(|one| one.id).collect();
    there.sort_unstable();
    ensure!(there == numbers.skip(1).collect::<Vec<_>>(), "{there:?}");
    let other = send("name,email,password\nAnother,a@example.com,p\n").await;
    ensure!(matches!(other, Err(ImportError::Another)), "it was taken for the same");
    Ok(())
}

/// Page by page each is seen once, whatever the pages are of.
#[tokio::test]
async fn a_pool_is_listed_by_page() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (pools, by) = (stack.pools(), somebody());
    let pool = stack.pool(23).await?;
    for id in pool.ids.iter().step_by(2) {
        pools.act(&by, CredentialAct::Disable, *id, None).await?;
    }
    let disabled: Vec<_> = pool.ids.iter().copied().step_by(2).collect();
    for (status, expected) in [(None, pool.ids.clone()), (Some(Status::Disabled), disabled)] {
        let (mut seen, mut next): (Vec<u64>, Option<String>) = (Vec::new(), None);
        loop {
            let page = within(8, pools.credentials(&pool.platform, status, Paging::new(4, next.as_deref()))).await??;
            let page = page.context("no platform")?;
            ensure!(page.items.len() <= 4, "{page:?}");
            seen.extend(page.items.iter().map(|one| one.id));
            match page.next {
                Some(more) => next = Some(more),
                None => break,
            }
        }
        seen.sort_unstable();
        ensure!(seen == expected, "{status:?}: {seen:?}");
    }
    Ok(())
}

/// The numbers of all tasks of a list, by pages of two, each of which is within six requests.
async fn numbers_of(fleet: &Fleet, listed: &Listed) -> anyhow::Result<Vec<u64>> {
    let (mut seen, mut next): (Vec<u64>, Option<String>) = (Vec::new(), None);
    loop {
        let page = within(6, fleet.tasks(listed, Paging::new(2, next.as_deref()))).await??;
        ensure!(page.items.len() <= 2, "{page:?}");
        seen.extend(page.items.iter().map(|task| task.id));
        match page.next {
            Some(more) => next = Some(more),
            None => return Ok(seen),
        }
    }
}

#[tokio::test]
async fn tasks_of_the_fleet_are_listed_by_how_they_stand_and_are_ended_and_taken_up_again() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (fleet, operations, by) = (stack.worker_fleet(), stack.operations().await?, somebody());
    let (administrator, worker) = (stack.worker_administrator()?, stack.worker().await?);
    let campaign = administrator.campaign().await?;
    let mut ids = Vec::new();
    for task_type in ["comment", "comment", "profile", "comment", "profile"] {
        ids.push(administrator.task(&json!({"campaign_id": campaign, "type": task_type})).await?);
    }
    let [cancelled, failed, other, waits, locked] = ids[..] else { bail!("{ids:?}") };
    for id in [cancelled, failed, locked] {
        worker.lock(id).await?;
    }
    let error = json!({"status": "error", "error_message": "the site is gone"});
    let report = |id: u64| format!("/tasks/{id}/status");
    worker.send(Method::PUT, &report(failed), &error).await?.success(200)?;

    ensure!(within(4, fleet.cancel_task(&by, cancelled)).await?? == Acted::Done(None), "it was not cancelled");
    let late = worker.send(Method::PUT, &report(cancelled), &json!({"status": "success"})).await?;
    ensure!(late.status == 400, "who had it was heard: {late:?}");
    let row = fleet.task(cancelled).await?.context("it is gone")?;
    let told = (row.status, row.held, row.error.as_deref());
    ensure!(told == (TaskStatus::Error, None, Some("cancelled by an operator")), "{told:?}");
    ensure!(fleet.cancel_task(&by, other).await? == Acted::Done(None), "one that waits was not cancelled");
    for ended in [cancelled, failed] {
        ensure!(matches!(fleet.cancel_task(&by, ended).await?, Acted::Refused(_)), "{ended} had ended");
    }
    let of = |task_type: Option<&str>| Filter { campaign_id: Some(campaign), task_type: task_type.map(str::to_owned) };
    let lists = [
        (Listed::Open(of(None)), vec![waits, locked]),
        (Listed::Open(of(Some("comment"))), vec![waits]),
        (Listed::Failed(of(None)), vec![other, cancelled, failed]),
        (Listed::Failed(of(Some("profile"))), vec![other]),
    ];
    for (listed, expected) in lists {
        eventually(&format!("{listed:?}"), async || Ok((numbers_of(&fleet, &listed).await? == expected).then_some(())))
            .await?;
    }

    ensure!(within(3, fleet.retry_task(&by, failed)).await?? == Acted::Done(None), "it was not taken up");
    for id in [failed, waits, locked] {
        ensure!(matches!(fleet.retry_task(&by, id).await?, Acted::Refused(_)), "{id} has not failed");
    }
    let row = fleet.task(failed).await?.context("it is gone")?;
    ensure!((row.status, row.finished_at, row.retry_count) == (TaskStatus::Pending, None, 0), "{row:?}");
    worker.lock(failed).await?;
    worker.send(Method::PUT, &report(failed), &json!({"status": "success"})).await?.success(200)?;
    ensure!(matches!(fleet.retry_task(&by, failed).await?, Acted::Refused(_)), "it ended well");
    for missing in [fleet.cancel_task(&by, u64::MAX / 2).await, fleet.retry_task(&by, u64::MAX / 2).await] {
        ensure!(matches!(missing, Err(ActError::Missing)), "{missing:?}");
    }
    let entries = entries_of(&operations, &by).await?;
    let done = entries.iter().filter(|entry| entry.outcome == Outcome::Done);
    let done: Vec<_> = done.map(|entry| entry.action).collect();
    ensure!(done == [Action::RetryTask, Action::CancelTask, Action::CancelTask], "{entries:?}");
    Ok(())
}

#[tokio::test]
async fn a_task_of_the_fleet_is_released_and_a_proxy_is_switched() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (fleet, operations, by) = (stack.worker_fleet(), stack.operations().await?, somebody());
    let (administrator, worker) = (stack.worker_administrator()?, stack.worker().await?);
    let campaign = administrator.campaign().await?;
    let task = administrator.task(&json!({"campaign_id": campaign, "type": "comment"})).await?;
    worker.lock(task).await?;
    let row = within(1, fleet.task(task)).await??.context("it is gone")?;
    ensure!(row.held.is_some() && row.campaign_id == campaign, "{row:?}");
    let page = within(2, fleet.tasks(&Listed::All, Paging::new(100, None))).await??;
    ensure!(page.items.iter().any(|row| row.id == task), "it is not among the newest");
    let lock = row.held.context("nobody has locked it")?.token;
    ensure!(matches!(fleet.release_task(&by, task, lock - 1).await?, Acted::Refused(_)), "by a lock that is over");
    ensure!(within(6, fleet.release_task(&by, task, lock)).await?? == Acted::Done(None), "it was not released");
    ensure!(matches!(fleet.release_task(&by, task, lock).await?, Acted::Refused(_)), "twice");
    ensure!(fleet.task(task).await?.is_some_and(|row| row.held.is_none()), "it is still held");

    let new = json!({"host": "proxy.example.com", "port": 8080, "username": "u", "password": "s3cret"});
    let proxy = administrator.proxy(&new).await?;
    ensure!(within(3, fleet.switch_proxy(&by, proxy, false)).await?? == Acted::Done(None), "it was not switched off");
    let row = within(1, fleet.proxy(proxy)).await??.context("it is gone")?;
    ensure!(row.status == "disabled" && row.has_password, "{row:?}");
    ensure!(!serde_json::to_string(&row)?.contains("s3cret"), "{row:?}");
    ensure!(fleet.switch_proxy(&by, proxy, true).await? == Acted::Done(None), "it was not switched on");
    let page = within(2, fleet.proxies(Paging::new(100, None))).await??;
    ensure!(page.items.iter().any(|row| row.id == proxy && row.status == "active"), "it is not among the newest");
    ensure!(fleet.switch_proxy(&by, u64::MAX / 2, true).await.is_err(), "there is no such");
    let entries = entries_of(&operations, &by).await?;
    ensure!(entries.iter().filter(|entry| entry.outcome == Outcome::Done).count() == 3, "{entries:?}");
    Ok(())
}
