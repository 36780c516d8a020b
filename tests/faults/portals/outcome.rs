//! What has come of a portal job, and what of that is not as it should be.

use anyhow::{Context, ensure};
use drover_tests::portal_site::{Reader, Sheet};
use portals::Portal;
use serde_json::{Value as Json, json};

/// How the message begins of a job all of whose attempts were killed.
const GIVEN_UP: &str = "Given up after 5 attempts: ";

/// What has come of a job, as its tenant, the object store and the portal tell it.
#[derive(Clone)]
pub(super) struct Outcome {
    /// What it is shown as.
    told: Json,
    /// What its files say, where it has some.
    sheet: Option<Sheet>,
    /// What the portal has.
    truth: Sheet,
    /// How many e-mails told its owner.
    mails: usize,
    /// How its message must begin, if it cannot come to anything.
    reason: Option<&'static str>,
}

/// What is spoilt of an outcome, to see whether it is noticed.
type Spoil = (&'static str, fn(&mut Outcome));

/// Of a job that has ended well.
const SPOILS: [Spoil; 7] = [
    ("a row lost", |of| drop(of.sheet.as_mut().and_then(Vec::pop))),
    ("a row twice", |of| of.sheet.iter_mut().for_each(|rows| rows.extend(rows.last().cloned()))),
    ("two rows in each other's place", |of| of.sheet.iter_mut().for_each(|rows| rows.swap(1, 2))),
    ("another cell", |of| of.sheet.iter_mut().for_each(|rows| rows[1][0].push('x'))),
    ("no files", |of| of.told["files"] = json!([])),
    ("an end that nobody was told", |of| of.mails = 0),
    ("a job that has failed without a reason", |of| {
        (of.told["status"], of.told["message"], of.sheet) = (json!("failed"), json!("Scrape failed"), None);
        of.told["files"] = json!([]);
    }),
];

impl Outcome {
    pub(super) async fn of(
        reader: &Reader,
        (portal, email): (Portal, &str),
        job: &str,
        reason: Option<&'static str>,
    ) -> anyhow::Result<Self> {
        let told = reader.shown(job).await?;
        let sheet = if told["status"] == "completed" { Some(reader.sheet(&told).await?) } else { None };
        let truth = reader.site.truth(portal, email).await?;
        let mails = reader.stack.mails_to(email).await?.len();
        Ok(Self { told, sheet, truth, mails, reason })
    }

    pub(super) fn is_completed(&self) -> bool {
        self.told["status"] == "completed"
    }

    /// Whether its workers were killed too often.
    pub(super) fn is_given_up(&self) -> bool {
        self.told["message"].as_str().is_some_and(|told| told.starts_with(GIVEN_UP))
    }

    /// What is wrong with it, if anything is.
    fn fault(&self) -> Option<String> {
        let (files, told) = (self.told["files"].as_array().map_or(0, Vec::len), &self.told);
        let message = told["message"].as_str().unwrap_or_default();
        let wrong = match (told["status"].as_str(), self.reason) {
            (Some("completed"), None) if files != 2 => "it has other files than two",
            (Some("completed"), None) if self.sheet.as_ref() != Some(&self.truth) => {
                "the files are not what the portal has"
            }
            // At least one: a worker that is killed after the e-mail and before the end has it sent again.
            (Some("completed"), None) if self.mails == 0 => "nobody was told",
            (Some("completed"), None) => return None,
            (Some("completed"), Some(_)) => "its portal is broken",
            (Some("failed"), _) if files != 0 => "it has failed, and has files",
            (Some("failed"), _) if self.is_given_up() => return None,
            (Some("failed"), Some(reason)) if message.starts_with(reason) && self.mails > 0 => return None,
            (Some("failed"), _) => "it has failed for another reason, or nobody was told",
            _ => "it has not ended",
        };
        Some(format!("{wrong}; {} e-mails; {told}", self.mails))
    }
}

/// What is wrong with any of them.
pub(super) fn faults(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().filter_map(Outcome::fault).collect()
}

/// The negative control: whatever is spoilt of one of them is noticed.
pub(super) fn assert_spoils_are_noticed(outcomes: &[Outcome]) -> anyhow::Result<()> {
    let well = outcomes.iter().find(|outcome| outcome.is_completed()).context("none has ended well")?;
    for (what, spoil) in SPOILS {
        let mut outcome = well.clone();
        spoil(&mut outcome);
        ensure!(outcome.fault().is_some(), "not noticed: {what}");
    }
    Ok(())
}
