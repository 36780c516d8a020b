//! `/console/dead-letters`: messages that kept failing; why, and what is done about them.

use api::query::Parameters;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use jobs::{DeadLetter, LetterId, Redriven};
use maud::{Markup, html};
use operations::{LetterPage, QUEUES};

use super::{PAGE, tabs};
use crate::App;
use crate::fault::Fault;
use crate::frame::{Frame, Section, see_other};
use crate::gate::Form;
use crate::notice::Notice;
use crate::view::badge::{Tone, badge};
use crate::view::confirm::Question;
use crate::view::facts::facts;
use crate::view::pager::Page;
use crate::view::text::{clipped, shown};
use crate::view::time::{exact, moment, moment_or_none, nothing};

/// How many letters are deleted at once.
const PURGED: u32 = 100;
/// The field that says which letters are meant: their ids, with spaces between them.
const LETTERS: &str = "letters";
/// The longest that it is, in characters.
const LONGEST: usize = PURGED as usize * 220;
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
    let here = frame.to(&here);
    let shown_page = Page { address: &here, is_first: after.is_none(), next: next.as_deref() };
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
            (shown_page.listed("Dead letters, the newest first", &columns, &rows, "There are none. That is how it should be."))
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

/// `GET /console/dead-letters/purge?queue=`: whether it is meant. What is deleted is what was there when it was asked.
pub(crate) async fn ask_purge_many(
    State(app): State<App>,
    frame: Frame,
    parameters: Parameters,
) -> Result<Response, Fault> {
    let queue = queue_of(&parameters)?;
    let list = format!("/dead-letters?queue={queue}");
    let LetterPage { letters, next } = app.operations.letters(Some(queue), None, PURGED).await?;
    let (Some(newest), Some(oldest)) = (letters.first(), letters.last()) else {
        return Ok(see_other(&frame.to(&list)));
    };
    let ids: Vec<_> = letters.iter().map(|letter| letter.id().to_string()).collect();
    let question = Question {
        asks: "Delete these letters?",
        about: html! {
            p {
                @if next.is_some() { "The newest " }
                (letters.len()) " of the queue " strong { (queue) } ", sent from " (exact(oldest.sent_at)) " to " (exact(newest.sent_at)) "."
            }
            p { "Of what they were for nothing changes; they can only not be redriven any more. What comes meanwhile stays." }
        },
        path: &format!("/dead-letters/purge?queue={queue}"),
        does: "Delete the letters",
        back: &list,
    };
    let meant = ids.join(" ");
    Ok(frame.page(Section::DeadLetters, question.asks, &question.shown_with(&frame, &[(LETTERS, &meant)])))
}

/// `POST /console/dead-letters/purge?queue=`.
pub(crate) async fn purge_many(
    State(app): State<App>,
    frame: Frame,
    parameters: Parameters,
    Extension(sent): Extension<Form>,
) -> Result<Response, Fault> {
    let queue = queue_of(&parameters)?;
    let ids = meant(sent.text(LETTERS, LONGEST)?.unwrap_or_default(), queue);
    let ids = ids.ok_or_else(|| Fault::Invalid("letters: these are no letters of the queue".to_owned()))?;
    app.operations.purge_these(&frame.actor(), &ids).await?;
    Ok(frame.done(&format!("/dead-letters?queue={queue}"), Notice::counted("purged", ids.len() as u64)))
}

/// The letters of a queue that a question was about; none if they are anything else.
fn meant(text: &str, queue: &str) -> Option<Vec<LetterId>> {
    let read = |id| LetterId::read(id).filter(|id| id.queue() == queue);
    let ids: Option<Vec<_>> = text.split(' ').map(read).collect();
    ids.filter(|ids| ids.len() <= PURGED as usize)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_letters_of_the_question_are_meant() {
        let (one, other) = ("video.1.a", "video.2.b");
        let read = |text: &str| meant(text, "video").map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(read(&format!("{one} {other}")), Some(vec![one.to_owned(), other.to_owned()]));
        let many = vec![one; PURGED as usize + 1].join(" ");
        for wrong in ["", " ", "x", "extract.1.a", "video.1.a extract.1.a", "video.1.a  video.2.b", &many] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
