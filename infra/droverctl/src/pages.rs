//! Lists by page, and what comes of what is done to a thing of one.

use clap::Args;
use operations::{Act, ActError, Acted, ListError, Listing, Paging};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::failure::Failure;
use crate::output::{Answer, columns};

/// What every list takes.
#[derive(Args)]
pub(crate) struct Page {
    /// How many, at most
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=i64::from(operations::MOST)))]
    limit: u32,
    /// Those that come after, as `next` of the page before told it
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
}

impl Page {
    pub(crate) fn paging(&self) -> Paging<'_> {
        Paging::new(self.limit, self.after.as_deref())
    }
}

/// A page as it is answered: whole for programs, and these fields of each thing for people.
pub(crate) fn listed<T: Serialize>(
    name: &str,
    shown: &[&str],
    listing: Result<Listing<T>, ListError>,
) -> anyhow::Result<Answer> {
    let listing = listing.map_err(of_list)?;
    let items: Vec<Json> = listing.items.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    let mut text = if items.is_empty() { format!("{name}: none\n") } else { columns(&items, shown) };
    let mut answer = Map::from_iter([(name.to_owned(), Json::Array(items))]);
    if let Some(next) = listing.next {
        text.extend(["more: --after ", &next, "\n"]);
        answer.insert("next".to_owned(), json!(next));
    }
    Ok(Answer { text: Some(text), ..Answer::from(Json::Object(answer)) })
}

/// Why there is no page. What is at the bottom of it says how the command ends.
pub(crate) fn of_list(error: ListError) -> anyhow::Error {
    match error {
        ListError::Cursor => {
            Failure::usage("--after is none of this list").next("give it as `next` of the page before told it").into()
        }
        ListError::Table(error) => error.into(),
    }
}

/// What came of doing something to a thing.
pub(crate) fn acted(on: &str, verb: &str, act: Act) -> anyhow::Result<Answer> {
    match act {
        Ok(Acted::Done(more)) => Ok(json!({"on": on, "done": verb, "detail": more}).into()),
        Ok(Acted::Refused(why)) => Err(Failure::refused(format!("{on}: {why}")).into()),
        Err(ActError::Missing) => Err(Failure::not_found(format!("there is no {on}")).into()),
        Err(ActError::Table(error)) => Err(error.into()),
        Err(ActError::Results(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Row {
        id: u32,
        name: &'static str,
        more: &'static str,
    }

    #[test]
    fn people_see_some_fields_and_programs_all() {
        let row = Row { id: 1, name: "a\u{1b}[2J", more: "x" };
        let answer =
            listed("rows", &["id", "name"], Ok(Listing { items: vec![row], next: Some("on".to_owned()) })).unwrap();
        let text = anstream::adapter::strip_str(answer.text.as_deref().unwrap()).to_string();
        assert_eq!(text, "ID  NAME\n1   a [2J\nmore: --after on\n");
        assert_eq!(answer.json, json!({"rows": [{"id": 1, "name": "a\u{1b}[2J", "more": "x"}], "next": "on"}));
        let nothing = listed::<Row>("rows", &["id"], Ok(Listing { items: vec![], next: None })).unwrap();
        assert_eq!((nothing.text.as_deref(), nothing.json), (Some("rows: none\n"), json!({"rows": []})));
    }
}
