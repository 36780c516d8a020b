//! `droverctl jobs`.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jobs::{LoggedLine, Status};
use operations::{Found, JobDetail, JobFilter, JobName, Kind, LogTail, MOST_LINES, Operations};
use serde_json::{Value as Json, json};
use table::TableError;

use crate::confirm::{Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::names::{KindName, Reference, StatusName};
use crate::output::{Answer, Format, emit};
use crate::pages::{Page, acted, listed};
use crate::plain::plain;

/// How often a log is looked at that is followed.
const PAUSE: Duration = Duration::from_secs(1);
/// After how many looks that showed nothing it is asked whether the job has ended.
const LOOKS: u32 = 3;
/// How many reads in a row may fail before what is followed is given up.
const MOST_FAILURES: u32 = 10;
/// What a list shows of a job.
const SHOWN: [&str; 9] = ["id", "kind", "tenant", "sort", "status", "progress", "created_at", "title", "error"];

#[derive(Subcommand)]
pub(crate) enum JobCommand {
    /// List jobs of a kind: those of all tenants that go on, rest, are paused or failed; or one tenant's
    List(List),
    /// Show one, without what is secret in it
    Show(Named),
    /// Print a job's log, and go on as it grows
    Logs(Logs),
    /// List the parts of one: the batches of a task, the videos of a video job
    Parts(Parts),
    /// End one that has not ended; what it has used is charged. Asks, unless --yes
    Cancel(Cancel),
    /// Take one up again that has failed; of a video job those of its videos that have, or one of them
    Retry(Retry),
}

#[derive(Args)]
pub(crate) struct List {
    /// Their kind
    #[arg(long, value_enum, default_value_t = KindName::Extract)]
    kind: KindName,
    /// How those of all tenants stand
    #[arg(long, value_enum, default_value_t = State::Open, conflicts_with = "tenant")]
    state: State,
    /// Only those of this user or tenant
    #[arg(long)]
    tenant: Option<String>,
    /// Only the tenant's of this status
    #[arg(long, value_enum, requires = "tenant")]
    status: Option<StatusName>,
    #[command(flatten)]
    page: Page,
}

#[derive(Clone, Copy, ValueEnum)]
enum State {
    /// They wait for a worker, or run
    Open,
    /// They rest until the next part of their work
    Resting,
    /// An operator has put them aside
    Paused,
    /// They failed; the last one first
    Failed,
}

#[derive(Args)]
pub(crate) struct Named {
    /// The job's id, or KIND/TENANT/ID, which saves looking for it
    #[arg(value_name = "JOB")]
    job: Reference,
}

#[derive(Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    job: Named,
    /// Go on printing as the log grows, until the job has ended
    #[arg(long, short)]
    follow: bool,
    /// Only lines after this number; the last 200 unless given
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Parts {
    #[command(flatten)]
    job: Named,
    #[command(flatten)]
    page: Page,
}

#[derive(Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    job: Named,
    /// Only this part, by its number, as `parts` tells it; of a video job
    #[arg(long, value_name = "NUMBER")]
    part: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Cancel {
    #[command(flatten)]
    job: Named,
    #[command(flatten)]
    sure: Sure,
}

impl JobCommand {
    pub(crate) async fn run(self, deployment: &Deployment, format: Format) -> anyhow::Result<Answer> {
        let operations = Box::pin(deployment.operations()).await?;
        match self {
            Self::List(list) => list.run(&operations).await,
            Self::Show(Named { job }) => show(&Box::pin(find(&operations, job)).await?, &operations).await,
            Self::Logs(logs) => Box::pin(logs.run(&operations, format)).await,
            Self::Parts(Parts { job: Named { job }, page }) => {
                let name = Box::pin(find(&operations, job)).await?;
                let parts = operations.parts(&name, page.paging()).await;
                if parts.as_ref().is_ok_and(|parts| parts.items.is_empty()) {
                    must_be_there(&name, &operations).await?;
                }
                listed("parts", &["number", "status", "progress", "attempts", "title", "error"], parts)
            }
            Self::Cancel(Cancel { job: Named { job }, sure: Sure { yes } }) => {
                let name = Box::pin(find(&operations, job)).await?;
                confirm(&format!("The job {name} is cancelled."), yes)?;
                acted(&name.to_string(), "cancelled", operations.cancel(&deployment.operator(), &name).await)
            }
            Self::Retry(Retry { job: Named { job }, part }) => {
                let (name, by) = (Box::pin(find(&operations, job)).await?, deployment.operator());
                match part {
                    Some(number) => {
                        let act = Box::pin(operations.retry_part(&by, &name, number)).await;
                        acted(&format!("{name}#{number}"), "retried", act)
                    }
                    None => acted(&name.to_string(), "retried", operations.retry(&by, &name).await),
                }
            }
        }
    }
}

impl List {
    async fn run(self, operations: &Operations) -> anyhow::Result<Answer> {
        let filter = match (self.tenant, self.state) {
            (Some(tenant), _) => JobFilter::Of(tenant, self.status.map(Status::from)),
            (None, State::Open) => JobFilter::Open,
            (None, State::Resting) => JobFilter::Resting,
            (None, State::Paused) => JobFilter::Paused,
            (None, State::Failed) => JobFilter::Failed,
        };
        listed("jobs", &SHOWN, operations.jobs(self.kind.into(), &filter, self.page.paging()).await)
    }
}

/// The job that is meant.
async fn find(operations: &Operations, job: Reference) -> anyhow::Result<JobName> {
    let (id, missing) = match job {
        Reference::Whole { kind, tenant, id } => {
            let name = Kind::named(&kind).and_then(|kind| JobName::new(kind, &tenant, id));
            return Ok(name.ok_or_else(|| {
                Failure::usage(format!("{kind} is no kind of jobs")).next("they are extract, portal and video")
            })?);
        }
        Reference::Id(id) => (id, Failure::not_found(format!("there is no job {id}"))),
    };
    match Box::pin(operations.find(id)).await? {
        Some(Found::Job(name)) => Ok(name),
        Some(Found::Schedule(name)) => Err(Failure::not_found(format!("{id} is a schedule, not a job"))
            .next(format!("droverctl schedules show {name}"))
            .into()),
        None => {
            Err(missing.next("droverctl jobs list; one that was made a moment ago is found by KIND/TENANT/ID").into())
        }
    }
}

fn missing(name: &JobName) -> anyhow::Error {
    Failure::not_found(format!("there is no job {name}")).next("droverctl jobs list").into()
}

/// What has nothing may be nothing.
async fn must_be_there(name: &JobName, operations: &Operations) -> anyhow::Result<()> {
    operations.job(name).await?.map(drop).ok_or_else(|| missing(name))
}

async fn show(name: &JobName, operations: &Operations) -> anyhow::Result<Answer> {
    let job = operations.job(name).await?.ok_or_else(|| missing(name))?;
    Ok(serde_json::to_value(job)?.into())
}

impl Logs {
    async fn run(self, operations: &Operations, format: Format) -> anyhow::Result<Answer> {
        let name = Box::pin(find(operations, self.job.job)).await?;
        let first = operations.log(&name, self.after, MOST_LINES).await?.ok_or_else(|| missing(&name))?;
        if first.lines.is_empty() {
            must_be_there(&name, operations).await?;
        }
        if !self.follow && format == Format::Json {
            let lines: Vec<_> = first.lines.iter().map(as_json).collect();
            return Ok(json!({"job": name, "lines": lines, "after": first.after}).into());
        }
        print_lines(&first.lines, format);
        if self.follow {
            follow(operations, &name, first, format).await?;
        }
        Ok(Answer::nothing())
    }
}

/// Prints what is added to a log after what was printed, until its job has ended and all of it was printed. Lines beyond a gap are told again.
async fn follow(operations: &Operations, name: &JobName, first: LogTail, format: Format) -> anyhow::Result<()> {
    let (mut after, mut printed) = (first.after, numbers(&first.lines));
    // One that has ended already is not waited for.
    let (mut quiet, mut end, mut failures) = (LOOKS - 1, None, 0);
    loop {
        let tail = match operations.log(name, Some(after), MOST_LINES).await {
            Ok(Some(tail)) => tail,
            Ok(None) => return Ok(()),
            Err(error) => {
                bear(error, &mut failures).await?;
                continue;
            }
        };
        failures = 0;
        let (is_full, goes_on) = (tail.lines.len() == MOST_LINES as usize, tail.after > after);
        let told = numbers(&tail.lines);
        let lines: Vec<_> = tail.lines.into_iter().filter(|line| !printed.contains(&line.number)).collect();
        (after, printed) = (tail.after, told);
        print_lines(&lines, format);
        if is_full && goes_on {
            continue;
        }
        quiet = if lines.is_empty() { quiet + 1 } else { 0 };
        match end {
            // A job's last lines come after its end; those of a worker that died with it never do.
            Some(count) if lines.is_empty() && (after >= count || quiet >= LOOKS) => return Ok(()),
            None if quiet >= LOOKS => {
                quiet = 0;
                match operations.job(name).await {
                    Ok(job) => end = number_of_lines(job),
                    Err(error) => bear(error, &mut failures).await?,
                }
                if end.is_some() {
                    continue;
                }
            }
            _ => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How many lines a job's log has, or will have, that has ended; one that is gone has no more.
fn number_of_lines(job: Option<JobDetail>) -> Option<u64> {
    match job {
        Some(job) if !job.row.status.is_final() => None,
        Some(job) => Some(job.log_lines),
        None => Some(0),
    }
}

/// Waits where a read was throttled or not answered, which may be over a moment later; not for ever, and not for anything else.
async fn bear(error: TableError, failures: &mut u32) -> Result<(), TableError> {
    *failures += 1;
    if !error.is_transient() || *failures >= MOST_FAILURES {
        return Err(error);
    }
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

fn as_json(line: &LoggedLine) -> Json {
    json!({
        "number": line.number,
        "at": line.at.to_string(),
        "level": line.level,
        "message": line.message,
        "metadata": line.metadata,
    })
}

fn numbers(lines: &[LoggedLine]) -> BTreeSet<u64> {
    lines.iter().map(|line| line.number).collect()
}

fn print_lines(lines: &[LoggedLine], format: Format) {
    for line in lines {
        let json = as_json(line);
        match format {
            Format::Json => emit(&format.render(&json)),
            Format::Text => emit(&format!("{}\n", shown(line, &json))),
        }
    }
}

/// A line for people: when, how much it matters, what happened.
fn shown(line: &LoggedLine, json: &Json) -> String {
    let level = json["level"].as_str().unwrap_or_default();
    let colour = match level {
        "error" => Some(anstyle::AnsiColor::Red.into()),
        "warning" => Some(anstyle::AnsiColor::Yellow.into()),
        _ => None,
    };
    let style = anstyle::Style::new().fg_color(colour);
    format!("{}  {style}{level:7}{style:#}  {}", line.at, plain(&line.message))
}

#[cfg(test)]
mod tests {
    use operations::{Hold, JobRow, Parts};
    use table::Millis;
    use uuid::Uuid;

    use super::*;

    /// The names that scripts rely on.
    #[test]
    fn a_job_has_the_fields_that_are_promised_and_a_list_shows_some() {
        let at = Millis(1_700_000_000_000);
        let row = JobRow {
            name: JobName::new(Kind::Extract, "u", Uuid::nil()).unwrap(),
            sort: "simple_scraping",
            title: "Prices".to_owned(),
            status: Status::Running,
            rests: false,
            paused: false,
            progress: 50,
            parts: Some(Parts { total: 2, open: 1, failed: 0 }),
            held: Some(Hold { by: "worker".to_owned(), until: at, token: 7 }),
            attempts: 1,
            redrives: 0,
            units_used: 3,
            due_at: Some(at),
            created_at: at,
            started_at: Some(at),
            updated_at: at,
            completed_at: None,
            error: None,
        };
        let json = serde_json::to_value(row).unwrap();
        let names: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let promised = "kind tenant id sort title status rests paused progress parts held attempts redrives units_used due_at created_at \
                        started_at updated_at completed_at error";
        assert_eq!(names, promised.split_whitespace().collect::<Vec<_>>());
        assert!(SHOWN.iter().all(|shown| names.contains(shown)), "{names:?}");
        assert_eq!(
            (json["created_at"].as_str(), json["held"]["by"].as_str()),
            (Some("2023-11-14T22:13:20Z"), Some("worker"))
        );
    }
}
