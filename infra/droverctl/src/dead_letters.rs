//! `droverctl dead-letters`.

use anyhow::{Context, bail};
use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Args, Subcommand};
use jobs::{DeadLetter, LetterId, Redriven};
use operations::{Operations, QUEUES};
use serde_json::{Value as Json, json};

use crate::Deployment;
use crate::confirm::confirm;

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
    /// does it once
    Redrive(Selection),
    /// Delete letters; of their jobs nothing changes. Asks, unless --yes
    Purge(Purge),
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
pub(crate) struct Purge {
    #[command(flatten)]
    selection: Selection,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

fn letter_id(text: &str) -> Result<LetterId, String> {
    LetterId::read(text).ok_or_else(|| "this is no letter's id: `droverctl dead-letters list` tells them".to_owned())
}

impl DeadLetterCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Json> {
        let operations = Box::pin(deployment.operations()).await?;
        match self {
            Self::List(list) => list.run(&operations).await,
            Self::Show(Named { id }) => Ok(view(&find(&operations, &id).await?)),
            Self::Redrive(selection) => redrive(selection, &operations).await,
            Self::Purge(Purge { selection, yes }) => purge(selection, yes, &operations).await,
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
    operations.letter(id).await?.with_context(|| format!("there is no letter {id}"))
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

async fn redrive(selection: Selection, operations: &Operations) -> anyhow::Result<Json> {
    let is_one = selection.ids.len() == 1;
    let (mut waits, mut sent, mut before, mut impossible) = (0, 0, 0, Vec::new());
    let mut letters = Letters::new(selection, operations);
    loop {
        let some = letters.next().await?;
        if some.is_empty() {
            break;
        }
        for letter in some {
            match operations.redrive(&Deployment::operator(), &letter).await? {
                Redriven::Waits => waits += 1,
                Redriven::Sent => sent += 1,
                Redriven::Before => before += 1,
                Redriven::Impossible(why) if is_one => bail!("it cannot be redriven: {why}"),
                Redriven::Impossible(why) => impossible.push(json!({"id": letter.id().to_string(), "impossible": why})),
            }
        }
    }
    Ok(json!({"taken_up": waits, "sent_again": sent, "redriven_before": before, "impossible": impossible}))
}

async fn purge(selection: Selection, yes: bool, operations: &Operations) -> anyhow::Result<Json> {
    let which = match (&selection.queue, selection.ids.len()) {
        (Some(queue), _) => format!("All dead letters of the queue {queue} go."),
        (None, 0) => "All dead letters of all queues go.".to_owned(),
        (None, named) => format!("{named} dead letters go."),
    };
    confirm(&which, yes)?;
    let mut purged = 0;
    let mut letters = Letters::new(selection, operations);
    loop {
        let some = letters.next().await?;
        if some.is_empty() {
            return Ok(json!({"purged": purged}));
        }
        let ids: Vec<_> = some.iter().map(DeadLetter::id).collect();
        operations.purge_these(&Deployment::operator(), &ids).await?;
        purged += ids.len();
    }
}
