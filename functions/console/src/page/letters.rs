//! `/console/dead-letters`: messages that kept failing; why, and what is done about them.

use api::query::Parameters;
use axum::extract::{Path, State};
use axum::response::Response;
use jobs::{DeadLetter, LetterId, Redriven};
use maud::{Markup, html};
use operations::QUEUES;

use super::{PAGE, tabs};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section};
use crate::notice::Notice;
use crate::view::badge::{Tone, badge};
use crate::view::confirm::Question;
use crate::view::facts::facts;
use crate::view::pager::pager;
use crate::view::table::table;
use crate::view::text::{clipped, shown};
use crate::view::time::{moment, moment_or_none, nothing};

/// How many letters are deleted at once.
const PURGED: u32 = 100;
const MISSING: Fault = Fault::NotFound("There is no such letter. It may have been deleted");

/// `GET /console/dead-letters`.
pub(crate) async fn list(State(app): State<App>, frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let queue = parameters.word("queue", &QUEUES)?.map(|place| QUEUES[place]);
    let after = parameters.text("cursor", 300)?;
    let after =
        after.map(|text| LetterId::read(text).ok_or_else(|| Fault::Invalid("cursor: it is of no letter".to_owned())));
    let after = after.transpose()?;
    let page = app.operations.letters(queue, after.as_ref(), PAGE).await?;
    let here = queue.map_or_else(|| "/dead-letters".to_owned(), |queue| format!("/dead-letters?queue={queue}"));
    let mut choices = vec![("All queues", "/dead-letters".to_owned(), queue.is_none())];
    choices.extend(QUEUES.iter().map(|each| (*each, format!("/dead-letters?queue={each}"), queue == Some(*each))));
    let rows: Vec<_> = page.letters.iter().map(|letter| row(&frame, letter)).collect();
    let next = page.next.as_ref().map(ToString::to_string);
    let columns = ["Sent", "Queue", "What became of it", "Redriven"];
    let body = html! {
        h1 { "Dead letters" }
        p.soft { "Messages that kept failing. What each was for has failed, unless it says otherwise. They are kept for 90 days." }
        (tabs(&frame, "Queues", &choices))
        @if let Some(queue) = queue {
            @if !page.letters.is_empty() {
                div.actions {
                    a.button.danger href=(frame.to(&format!("/dead-letters/purge?queue={queue}"))) { "Delete the newest " (PURGED) "…" }
                }
            }
        }
        div #list data-live {
            (table("Dead letters, the newest first", &columns, &rows, "There are none. That is how it should be."))
            (pager(&frame.to(&here), after.is_none(), next.as_deref()))
        }
    };
    Ok(frame.page(Section::DeadLetters, "Dead letters", &body))
}

/// `GET /console/dead-letters/{id}`.
pub(crate) async fn show(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let letter = letter_of(&app, &id).await?;
    let told = [
        ("Queue", html! { (shown(&letter.queue)) }),
        ("Sent", moment(letter.sent_at, frame.now)),
        ("Redriven", moment_or_none(letter.redriven_at, frame.now)),
        ("Message", html! { span.mono { (shown(&letter.message_id)) } }),
    ];
    let body = html! {
        p.crumbs { a href=(frame.to("/dead-letters")) { "Dead letters" } }
        h1 { "Dead letter" }
        p.fault { (clipped(&letter.verdict, 2_000)) }
        (facts(&told))
        h2 { "What it said" }
        pre { (clipped(&letter.body, 20_000)) }
        div.actions {
            @if letter.redriven_at.is_none() {
                (frame.form(&path_of(&letter, "redrive"), &html! { button { "Redrive" } }))
            }
            a.button.danger href=(frame.to(&path_of(&letter, "purge"))) { "Delete…" }
        }
    };
    Ok(frame.page(Section::DeadLetters, "Dead letter", &body))
}

/// `POST /console/dead-letters/{id}/redrive`.
pub(crate) async fn redrive(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let letter = letter_of(&app, &id).await?;
    let word = match Box::pin(app.operations.redrive(&frame.actor(), &letter)).await? {
        Redriven::Waits => "taken-up",
        Redriven::Sent => "sent-again",
        Redriven::Before => "redriven-before",
        Redriven::Impossible(why) => return Err(Fault::Conflict(why.to_owned())),
    };
    Ok(frame.done(&format!("/dead-letters/{}", letter.id()), Notice::of(word)))
}

/// `GET /console/dead-letters/{id}/purge`: whether it is meant.
pub(crate) async fn ask_purge(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let letter = letter_of(&app, &id).await?;
    let question = Question {
        asks: "Delete this letter?",
        about: html! {
            p { (clipped(&letter.verdict, 200)) }
            p { "Of what it was for nothing changes; it can only not be redriven any more." }
        },
        path: &path_of(&letter, "purge"),
        does: "Delete the letter",
        back: &format!("/dead-letters/{}", letter.id()),
    };
    Ok(frame.page(Section::DeadLetters, question.asks, &question.shown(&frame)))
}

/// `POST /console/dead-letters/{id}/purge`.
pub(crate) async fn purge(State(app): State<App>, frame: Frame, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = LetterId::read(&id).ok_or(MISSING)?;
    let was_there = app.operations.purge(&frame.actor(), &id).await?;
    Ok(frame.done("/dead-letters", Notice::counted("purged", u64::from(was_there))))
}

/// `GET /console/dead-letters/purge?queue=`: whether it is meant.
pub(crate) async fn ask_purge_many(frame: Frame, parameters: Parameters) -> Result<Response, Fault> {
    let queue = queue_of(&parameters)?;
    let question = Question {
        asks: "Delete the newest letters?",
        about: html! { p { "Up to " (PURGED) " letters of the queue " strong { (queue) } ". Of what they were for nothing changes." } },
        path: &format!("/dead-letters/purge?queue={queue}"),
        does: "Delete the letters",
        back: &format!("/dead-letters?queue={queue}"),
    };
    Ok(frame.page(Section::DeadLetters, question.asks, &question.shown(&frame)))
}

/// `POST /console/dead-letters/purge?queue=`.
pub(crate) async fn purge_many(
    State(app): State<App>,
    frame: Frame,
    parameters: Parameters,
) -> Result<Response, Fault> {
    let queue = queue_of(&parameters)?;
    let (purged, _) = app.operations.purge_some(&frame.actor(), queue, PURGED).await?;
    Ok(frame.done(&format!("/dead-letters?queue={queue}"), Notice::counted("purged", purged as u64)))
}

fn queue_of(parameters: &Parameters) -> Result<&'static str, Fault> {
    let place = parameters.word("queue", &QUEUES)?;
    place.map(|place| QUEUES[place]).ok_or_else(|| Fault::Invalid("queue: is required".to_owned()))
}

async fn letter_of(app: &App, id: &str) -> Result<DeadLetter, Fault> {
    let id = LetterId::read(id).ok_or(MISSING)?;
    app.operations.letter(&id).await?.ok_or(MISSING)
}

fn path_of(letter: &DeadLetter, act: &str) -> String {
    format!("/dead-letters/{}/{act}", letter.id())
}

pub(super) fn row(frame: &Frame, letter: &DeadLetter) -> Vec<Markup> {
    vec![
        html! { a href=(frame.to(&format!("/dead-letters/{}", letter.id()))) { (moment(letter.sent_at, frame.now)) } },
        html! { (shown(&letter.queue)) },
        clipped(&letter.verdict, 200),
        html! {
            @if letter.redriven_at.is_some() { (badge("redriven", Tone::Good)) " " (moment_or_none(letter.redriven_at, frame.now)) }
            @else { (nothing()) }
        },
    ]
}
