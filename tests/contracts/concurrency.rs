//! How many tasks of a user run at once, and which of those that wait goes first.

use anyhow::{Context, ensure};
use api::identity::Permission;
use drover_tests::held::HeldPage;
use drover_tests::quiet::QuietTasks;
use drover_tests::site::Site;
use drover_tests::{Stack, User, eventually, id_of, key_of};
use extract::{Plan, Task, TaskType, account_key};
use jobs::{Slots, Status, ledger};
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Millis, Update};

const PAGE: &str = "<p class=t>One</p>";

async fn user(stack: &Stack, plan: Plan) -> anyhow::Result<User> {
    stack.user_with(plan, 100, &Permission::ALL.map(|(_, permission)| permission)).await
}

async fn slots(stack: &Stack, user: &User) -> anyhow::Result<Slots> {
    Ok(stack.account(user).await?.slots)
}

/// Creates so many tasks that all wait for the page.
async fn held_tasks(user: &User, site: &Site, count: usize) -> anyhow::Result<Vec<Json>> {
    let mut tasks = Vec::with_capacity(count);
    for _ in 0..count {
        tasks.push(user.create_task(json!({"urls": [site.url("/held")], "selectors": {"title": ".t"}})).await?);
    }
    Ok(tasks)
}

/// Waits until so many messages of these tasks were dropped because no slot was free: so nobody is about to claim one.
async fn refused(stack: &Stack, tasks: &[Json], since: Millis, count: usize) -> anyhow::Result<()> {
    eventually(&format!("{count} messages find no slot"), async || {
        let lines = stack.log_lines("extract-scraper", since, &["no slot is free"]).await?;
        let about = |line: &&Json| {
            let job = line["job"].as_str().unwrap_or_default();
            tasks.iter().any(|task| id_of(task).is_ok_and(|id| job.ends_with(id)))
        };
        Ok((lines.iter().filter(about).count() >= count).then_some(()))
    })
    .await
}

/// A rest of a task that has used a unit.
fn rest(until: Millis) -> jobs::Rest<'static> {
    jobs::Rest { until, units_used: 1, checkpoint: "checkpoint", result: None, note: None }
}

async fn statuses(stack: &Stack, user: &User, tasks: &[Json]) -> anyhow::Result<Vec<Status>> {
    let mut statuses = Vec::with_capacity(tasks.len());
    for task in tasks {
        statuses.push(stack.stored_task(&key_of(user, task)?).await?.context("a task is gone")?.job.status);
    }
    Ok(statuses)
}

#[tokio::test]
async fn as_many_run_at_once_as_the_plan_has_and_the_others_wait() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (since, page) = (Clock::system().now(), HeldPage::default());
    let (free, other) = (user(&stack, Plan::Free).await?, user(&stack, Plan::Free).await?);
    let site = Site::serve(page.alone(PAGE)).await?;
    let tasks = held_tasks(&free, &site, 5).await?;
    page.visitor(2).await?;
    refused(&stack, &tasks, since, 3).await?;
    let found = statuses(&stack, &free, &tasks).await?;
    let running = found.iter().filter(|status| **status == Status::Running).count();
    let waiting = found.iter().filter(|status| **status == Status::Pending).count();
    ensure!((running, waiting, page.visits_so_far()) == (2, 3, 2), "{found:?}");
    ensure!(slots(&stack, &free).await?.slots_free == 0);

    // What one user waits for is nothing to another.
    held_tasks(&other, &site, 1).await?;
    page.visitor(3).await?;
    page.let_go();
    for task in &tasks {
        let task = stack.ended(&key_of(&free, task)?).await?;
        ensure!((task.job.status, task.job.attempts) == (Status::Completed, 1), "{task:?}");
    }
    let account = stack.account(&free).await?;
    ensure!((account.slots.slots, account.slots.slots_free, account.jobs_open) == (2, 2, 0), "{account:?}");
    ledger::check(&stack.accounts().ledger(&free.id).await?, &account)?;
    Ok(())
}

#[tokio::test]
async fn a_cancellation_lets_the_next_one_begin() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (since, page) = (Clock::system().now(), HeldPage::default());
    let free = user(&stack, Plan::Free).await?;
    let site = Site::serve(page.alone(PAGE)).await?;
    let tasks = held_tasks(&free, &site, 3).await?;
    page.visitor(2).await?;
    refused(&stack, &tasks, since, 1).await?;
    let found = statuses(&stack, &free, &tasks).await?;
    let running = found.iter().position(|status| *status == Status::Running).context("none runs")?;
    let path = format!("/tasks/{}", id_of(&tasks[running])?);
    free.call(Method::DELETE, &path).await?.success(200)?;
    page.visitor(3).await?;
    page.let_go();
    for task in &tasks {
        stack.ended(&key_of(&free, task)?).await?;
    }
    ensure!(slots(&stack, &free).await?.slots_free == 2);
    Ok(())
}

#[tokio::test]
async fn a_higher_priority_goes_first_and_then_the_earlier_whatever_is_hinted_at() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = user(&stack, Plan::Professional).await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let mut tasks = Vec::new();
    for name in ["First", "Second", "Lowest", "Highest", "Third", "Late"] {
        tasks.push(quiet.pending(&user, name, TaskType::SimpleScraping).await?);
    }
    for (number, priority) in [(2, 1), (3, 10), (5, 1)] {
        let path = format!("/tasks/{}", tasks[number].id);
        let changed = user.send(Method::PUT, &path, &json!({"priority": priority})).await?.success(200)?;
        ensure!(changed["priority"] == priority, "{changed}");
    }
    let mut taken = Vec::new();
    while let Some((run, task)) = quiet.take(&tasks[2]).await? {
        taken.push((run, task));
    }
    let names: Vec<_> = taken.iter().map(|(_, task)| task.name.as_str()).collect();
    ensure!(names == ["Highest", "First", "Second", "Third", "Lowest"], "five run at once: {names:?}");
    // Another priority of one that runs counts when it waits again.
    let running = &taken[4].1;
    user.send(Method::PUT, &format!("/tasks/{}", running.id), &json!({"priority": 2})).await?.success(200)?;
    let (run, lowest) = taken.pop().context("none")?;
    let progress = jobs::Progress { percent: 0, units_used: 0 };
    run.pause("checkpoint", progress, Vec::new()).await?;
    let (_run, next) = quiet.take(&tasks[5]).await?.context("none was taken")?;
    ensure!(next.id == lowest.id, "{} in place of the one with priority 2", next.name);
    Ok(())
}

#[tokio::test]
async fn one_that_rests_is_passed_over_and_waits_again_when_its_rest_is_over() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = user(&stack, Plan::Professional).await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let first = quiet.pending(&user, "First", TaskType::SimpleScraping).await?;
    let second = quiet.pending(&user, "Second", TaskType::SimpleScraping).await?;
    let (run, task) = quiet.take(&first).await?.context("none was taken")?;
    ensure!(task.id == first.id);
    let resting = Clock::system().now().after(std::time::Duration::from_hours(1));
    ensure!(run.rest_until(rest(resting), Vec::new()).await? == jobs::Rested::Rests);
    let account = stack.account(&user).await?;
    ensure!((account.units_available, account.units_reserved, account.units_used) == (97, 2, 1), "{account:?}");
    ledger::check(&stack.accounts().ledger(&user.id).await?, &account)?;

    let (_second, task) = quiet.take(&first).await?.context("none was taken")?;
    ensure!(task.id == second.id, "{task:?}");
    ensure!(quiet.take(&first).await?.is_none(), "it rests");
    stack.make_due(&first.key).await?;
    let (run, task) = quiet.take(&first).await?.context("it did not wait again")?;
    ensure!((task.id, task.job.units_charged, task.job.attempts) == (first.id, 1, 1), "{task:?}");
    run.fail("as the test wants it", 1, Vec::new()).await?;
    let account = stack.account(&user).await?;
    ensure!((account.units_available, account.units_reserved, account.units_used) == (97, 1, 2), "{account:?}");
    ledger::check(&stack.accounts().ledger(&user.id).await?, &account)?;
    Ok(())
}

#[tokio::test]
async fn one_that_is_to_rest_fails_where_too_little_is_left_for_its_next_part() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user_with(Plan::Professional, 1, &[]).await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let task = quiet.pending(&user, "Only", TaskType::SimpleScraping).await?;
    let (run, _) = quiet.take(&task).await?.context("none was taken")?;
    let resting = Clock::system().now().after(std::time::Duration::from_hours(1));
    ensure!(run.rest_until(rest(resting), Vec::new()).await? == jobs::Rested::OutOfUnits);
    let ended = stack.stored_task(&task.key).await?.context("the task is gone")?;
    let reason = ended.job.error_message.as_deref().unwrap_or_default();
    ensure!(ended.job.status == Status::Failed && reason.contains("compute units"), "{ended:?}");
    let account = stack.account(&user).await?;
    ensure!((account.units_available, account.units_reserved, account.units_used) == (0, 0, 1), "{account:?}");
    ensure!(account.slots.slots_free == account.slots.slots, "{account:?}");
    ledger::check(&stack.accounts().ledger(&user.id).await?, &account)?;
    Ok(())
}

#[tokio::test]
async fn slots_that_were_lost_come_back() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = user(&stack, Plan::Professional).await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let tasks = [
        quiet.pending(&user, "First", TaskType::SimpleScraping).await?,
        quiet.pending(&user, "Second", TaskType::SimpleScraping).await?,
    ];
    let _run = quiet.take(&tasks[0]).await?.context("none was taken")?;
    // As if a release that knows of no slots had ended four others.
    stack.table("extract").update(&account_key(&user.id), Update::new().set("slots_free", 0_u64)).await?;
    let (_other, task) = quiet.take(&tasks[1]).await?.context("the lost slots did not come back")?;
    ensure!(task.id == tasks[1].id, "{task:?}");
    ensure!(slots(&stack, &user).await?.slots_free == 3);
    Ok(())
}

#[tokio::test]
async fn what_a_release_without_turns_has_ended_or_left_holds_nobody_up() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = user(&stack, Plan::Professional).await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let mut tasks = Vec::new();
    for number in 0..12 {
        tasks.push(quiet.pending(&user, &format!("Task {number}"), TaskType::SimpleScraping).await?);
    }
    let (table, past) = (stack.table("extract"), Millis(Clock::system().now().0 - 1_000));
    for task in &tasks[..9] {
        table.update(&task.key, Update::new().set("status", "cancelled").remove("claimable_at")).await?;
    }
    let left = Update::new().set("status", "running").set("claimable_at", past).set("lease_owner", "dead");
    table.update(&tasks[9].key, left).await?;
    table.update(&tasks[10].key, Update::new().remove("turn").remove("place")).await?;

    let (_first, task) = quiet.take(&tasks[11]).await?.context("the line is held up")?;
    ensure!(task.id == tasks[11].id, "{task:?}");
    let (_left, task) = quiet.take(&tasks[9]).await?.context("nobody goes on with what was left")?;
    ensure!(task.id == tasks[9].id, "{task:?}");
    let (_new, task) = quiet.take(&tasks[10]).await?.context("what has no turn gets none")?;
    ensure!(task.id == tasks[10].id, "{task:?}");
    Ok(())
}

#[tokio::test]
async fn two_users_who_claim_at_once_touch_their_own_slots_only() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let users = [user(&stack, Plan::Professional).await?, user(&stack, Plan::Free).await?];
    let mut tasks: Vec<Task> = Vec::new();
    for user in &users {
        for number in 0..6 {
            tasks.push(quiet.pending(user, &format!("Task {number}"), TaskType::SimpleScraping).await?);
        }
    }
    // Each of them by a worker of its own, all at once.
    let taken = futures::future::try_join_all(tasks.iter().map(|task| quiet.take(task))).await?;
    let of = |user: &User| taken.iter().flatten().filter(|(_, task)| task.user_id == user.id).count();
    ensure!((of(&users[0]), of(&users[1])) == (5, 2), "{} and {}", of(&users[0]), of(&users[1]));
    for user in &users {
        ensure!(slots(&stack, user).await?.slots_free == 0);
    }
    Ok(())
}
