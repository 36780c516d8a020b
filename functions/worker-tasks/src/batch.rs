//! Many tasks in one request: which of them can be made, what is wrong with the others, and what each is told. Pure.

use std::collections::{BTreeMap, BTreeSet};

use api::worker::Error;
use input::{Fault, form};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use worker::{NewTask, Numbering, Task};

/// How many tasks one request makes at most.
const MOST_TASKS: usize = 500;

/// The tasks of a request, each with its place in it.
pub(crate) struct Batch {
    size: u64,
    /// Whether what is valid is made, where not all is.
    is_partial: bool,
    valid: Vec<(u64, NewTask)>,
    faults: Vec<(u64, Fault)>,
}

#[derive(Deserialize, garde::Validate)]
struct BatchForm {
    #[garde(required, length(min = 1, max = MOST_TASKS))]
    tasks: Option<Vec<Json>>,
    #[garde(skip)]
    partial: Option<bool>,
}

impl Batch {
    /// Reads a body with `tasks`.
    pub(crate) fn read(body: &Json) -> Result<Self, Error> {
        let BatchForm { tasks, partial } = form(body)?;
        let tasks = tasks.unwrap_or_default();
        let (mut valid, mut faults) = (Vec::new(), Vec::new());
        for (place, task) in (0..).zip(&tasks) {
            match form::<NewTask>(task) {
                Ok(task) => valid.push((place, task)),
                Err(more) => faults.extend(more.into_iter().map(|fault| (place, fault))),
            }
        }
        Ok(Self { size: tasks.len() as u64, is_partial: partial.unwrap_or(false), valid, faults })
    }

    /// How many tasks the request has.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// The campaigns whose the valid ones are to be.
    pub(crate) fn campaigns(&self) -> BTreeSet<u64> {
        self.valid.iter().map(|(_, task)| task.campaign_id()).collect()
    }

    /// Takes out the tasks of campaigns that there are not.
    pub(crate) fn take_out(&mut self, missing: &BTreeSet<u64>) {
        for (place, _) in self.valid.extract_if(.., |(_, task)| missing.contains(&task.campaign_id())) {
            self.faults.push((place, no_such_campaign()));
        }
    }

    /// Goes on only if something may be made: all of it, or, if the request says so, what is valid.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.faults.is_empty() || self.is_partial {
            return Ok(());
        }
        let mut faults: Vec<_> = self.faults.iter().collect();
        faults.sort_by_key(|(place, _)| *place);
        let within = |(place, fault): &(u64, Fault)| {
            let dot = if fault.field.is_empty() { "" } else { "." };
            Fault::new(format!("tasks[{place}]{dot}{}", fault.field), fault.message.clone())
        };
        Err(faults.into_iter().map(within).collect::<Vec<_>>().into())
    }

    /// The tasks that are to be made, and what each place of the request is told. Every place has a number, whether or not it is used: so a
    /// task has the same one when the request comes again.
    pub(crate) fn numbered(self, numbering: Numbering) -> (Vec<Task>, Vec<Json>) {
        let mut told: BTreeMap<u64, Json> = BTreeMap::new();
        for (place, fault) in self.faults {
            let field = if fault.field.is_empty() { "task" } else { &fault.field };
            let errors =
                &mut told.entry(place).or_insert_with(|| json!({"index": place, "errors": {}}))["errors"][field];
            match errors {
                Json::Array(messages) => messages.push(fault.message.into()),
                nothing => *nothing = json!([fault.message]),
            }
        }
        let tasks: Vec<_> =
            self.valid.into_iter().map(|(place, task)| task.at(numbering.first + place, numbering.at)).collect();
        told.extend(tasks.iter().map(|task| {
            let place = task.id - numbering.first;
            (place, json!({"index": place, "id": task.id}))
        }));
        (tasks, told.into_values().collect())
    }
}

/// What is wrong with a task of a campaign that there is not.
pub(crate) fn no_such_campaign() -> Fault {
    Fault::new("campaign_id", "there is no such campaign")
}

#[cfg(test)]
mod tests {
    use table::Millis;

    use super::*;

    fn body(partial: bool) -> Json {
        json!({"partial": partial, "tasks": [
            {"campaign_id": 5, "type": "comment"},
            {"campaign_id": 0, "type": ""},
            "text",
            {"campaign_id": 6, "type": "profile", "payload": {"a": 1}, "max_retries": 0},
        ]})
    }

    #[test]
    fn all_are_made_or_none_and_every_fault_is_told_by_its_place() {
        let batch = Batch::read(&body(false)).unwrap();
        let told = batch.check().unwrap_err().body();
        let fields: Vec<_> = told["errors"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["tasks[1].campaign_id", "tasks[1].type", "tasks[2]"]);
    }

    #[test]
    fn what_is_valid_is_made_if_asked_for_and_each_is_told_its_own() {
        let mut batch = Batch::read(&body(true)).unwrap();
        assert_eq!(batch.campaigns(), BTreeSet::from([5, 6]));
        batch.take_out(&BTreeSet::from([5]));
        batch.check().unwrap();
        let (tasks, told) = batch.numbered(Numbering { first: 100, at: Millis(7) });
        assert_eq!(tasks.iter().map(|task| (task.id, task.campaign_id)).collect::<Vec<_>>(), [(103, 6)]);
        assert_eq!(told[0], json!({"index": 0, "errors": {"campaign_id": ["there is no such campaign"]}}));
        assert!(told[1]["errors"]["type"].is_array() && told[2]["errors"]["task"].is_array());
        assert_eq!(told[3], json!({"index": 3, "id": 103}));
    }

    #[test]
    fn a_batch_has_1_to_500_tasks() {
        for wrong in [
            json!({"tasks": []}),
            json!({"tasks": 5}),
            json!({"tasks": vec![json!({}); 501]}),
            json!({"tasks": [{}], "partial": "yes"}),
        ] {
            assert!(Batch::read(&wrong).is_err());
        }
    }
}
