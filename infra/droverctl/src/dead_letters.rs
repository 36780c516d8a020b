//! `droverctl dead-letters`.

use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Subcommand};
use jobs::{DeadLetter, LetterId, Redriven};
use operations::{Operations, Operator, QUEUES};
use serde_json::{Value as Json, json};

use crate::confirm::{Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::{Exit, Failure};
use crate::output::Answer;

/// How many letters are read at a time.
const PAGE: u32 = 100;
/// How many letters are listed, at most.
const MOST_LISTED: i64 = 1_000;

#[derive(Subcommand)]
pub(crate) enum DeadLetterCommand {
    /// List messages that kept failing, the newest of each queue first
    List(List),
    /// Show one
    Show(Named),
    /// Take up again what they were for. Jobs that have failed wait for a worker again; of those that go on the message is sent again. Each letter
    /// does it once. With --queue or --all it asks, unless --yes
    Redrive(Several),
    /// Delete letters; of their jobs nothing changes. Asks, unless --yes
    Purge(Several),
}

#[derive(Args)]
pub(crate) struct List {
    /// Only those of this queue
    #[arg(long, value_parser = PossibleValuesParser::new(QUEUES))]
    queue: Option<String>,
    /// How many, at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=MOST_LISTED))]
    limit: u32,
    /// Those that come after this one, as `next` told it
    #[arg(long, value_name = "ID", value_parser = letter_id)]
    after: Option<LetterId>,
}

#[derive(Args)]
pub(crate) struct Named {
    /// The letter's id, as `list` tells it
    #[arg(value_parser = letter_id)]
    id: LetterId,
}

#[derive(Args)]
#[command(group = ArgGroup::new("which").args(["ids", "queue", "all"]).required(true))]
pub(crate) struct Selection {
    /// The letters' ids, as `list` tells them
    #[arg(value_name = "ID", value_parser = letter_id)]
    ids: Vec<LetterId>,
    /// All letters of this queue
    #[arg(long, value_parser = PossibleValuesParser::new(QUEUES))]
    queue: Option<String>,
    /// All letters of all queues
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
pub(crate) struct Several {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    sure: Sure,
}

impl Selection {
    fn named(&self) -> String {
        match (&self.queue, self.ids.len()) {
            (Some(queue), _) => format!("All dead letters of the queue {queue}"),
            (None, 0) => "All dead letters of all queues".to_owned(),
            (None, 1) => "One dead letter".to_owned(),
            (None, several) => format!("{several} dead letters"),
        }
    }
}

fn letter_id(text: &str) -> Result<LetterId, String> {
    LetterId::read(text).ok_or_else(|| "this is no letter's id: `droverctl dead-letters list` tells them".to_owned())
}

impl DeadLetterCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let by = deployment.operator();
        let operations = Box::pin(deployment.operations()).await?;
        match self {
            Self::List(list) => Ok(list.run(&operations).await?.into()),
            Self::Show(Named { id }) => Ok(view(&find(&operations, &id).await?).into()),
            Self::Redrive(Several { selection, sure: Sure { yes } }) => {
                // Those that are named were chosen one by one.
                confirm(&format!("{} are taken up again.", selection.named()), yes || !selection.ids.is_empty())?;
                redrive(selection, &by, &operations).await
            }
            Self::Purge(Several { selection, sure: Sure { yes } }) => {
                confirm(&format!("{} go.", selection.named()), yes)?;
                Ok(purge(selection, &by, &operations).await?.into())
            }
        }
    }
}

impl List {
    async fn run(self, operations: &Operations) -> anyhow::Result<Json> {
        let page = operations.letters(self.queue.as_deref(), self.after.as_ref(), self.limit).await?;
        let letters: Vec<_> = page.letters.iter().map(view).collect();
        let mut answer = json!({"letters": letters});
        if let Some(next) = page.next {
            answer["next"] = json!(next.to_string());
        }
        Ok(answer)
    }
}

fn view(letter: &DeadLetter) -> Json {
    json!({
        "id": letter.id().to_string(),
        "queue": letter.queue,
        "sent_at": letter.sent_at.to_string(),
        "verdict": letter.verdict,
        "redriven_at": letter.redriven_at.map(|at| at.to_string()),
        "body": letter.body,
    })
}

async fn find(operations: &Operations, id: &LetterId) -> anyhow::Result<DeadLetter> {
    let missing = || Failure::not_found(format!("there is no letter {id}")).next("droverctl dead-letters list");
    Ok(operations.letter(id).await?.ok_or_else(missing)?)
}

/// The letters that are named, or page by page those of a queue, or of all.
struct Letters<'a> {
    selection: Selection,
    operations: &'a Operations,
    after: Option<LetterId>,
    is_over: bool,
}

impl<'a> Letters<'a> {
    const fn new(selection: Selection, operations: &'a Operations) -> Self {
        Self { selection, operations, after: None, is_over: false }
    }

    /// The next of them; none at the end.
    async fn next(&mut self) -> anyhow::Result<Vec<DeadLetter>> {
        if self.is_over {
            return Ok(Vec::new());
        }
        if !self.selection.ids.is_empty() {
            self.is_over = true;
            let mut named = Vec::new();
            for id in &self.selection.ids {
                named.push(find(self.operations, id).await?);
            }
            return Ok(named);
        }
        let page = self.operations.letters(self.selection.queue.as_deref(), self.after.as_ref(), PAGE).await?;
        self.is_over = page.next.is_none();
        self.after = page.next;
        Ok(page.letters)
    }
}

async fn redrive(selection: Selection, by: &Operator, operations: &Operations) -> anyhow::Result<Answer> {
    let is_one = selection.ids.len() == 1;
    let (mut waits, mut sent, mut before, mut impossible, mut failed) = (0, 0, 0, Vec::new(), Vec::new());
    let mut letters = Letters::new(selection, operations);
    loop {
        let some = letters.next().await?;
        if some.is_empty() {
            break;
        }
        for letter in some {
            match operations.redrive(by, &letter).await {
                Ok(Redriven::Waits) => waits += 1,
                Ok(Redriven::Sent) => sent += 1,
                Ok(Redriven::Before) => before += 1,
                Ok(Redriven::Impossible(why)) if is_one => {
                    return Err(Failure::refused(format!("it cannot be redriven: {why}")).into());
                }
                Ok(Redriven::Impossible(why)) => {
                    impossible.push(json!({"id": letter.id().to_string(), "impossible": why}));
                }
                Err(error) if is_one => return Err(error.into()),
                // The others are not to wait for it; it can be tried again.
                Err(error) => failed.push(json!({"id": letter.id().to_string(), "failed": error.to_string()})),
            }
        }
    }
    let exit = if failed.is_empty() { Exit::Done } else { Exit::Fault };
    let counts = json!({
        "taken_up": waits, "sent_again": sent, "redriven_before": before, "impossible": impossible, "failed": failed,
    });
    Ok(Answer { exit, ..Answer::from(counts) })
}

async fn purge(selection: Selection, by: &Operator, operations: &Operations) -> anyhow::Result<Json> {
    let mut purged = 0;
    let mut letters = Letters::new(selection, operations);
    loop {
        let some = letters.next().await?;
        if some.is_empty() {
            return Ok(json!({"purged": purged}));
        }
        let ids: Vec<_> = some.iter().map(DeadLetter::id).collect();
        operations.purge_these(by, &ids).await?;
        purged += ids.len();
    }
}
