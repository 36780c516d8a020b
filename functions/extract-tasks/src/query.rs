//! Query strings: every parameter with its bounds, every fault told.

use api::extract_cloud::{Detail, Error};
use extract::{SortBy, TaskQuery, TaskType};
use jobs::Status;
use table::Millis;
use utoipa::ToSchema;

/// The largest page number taken; what lies deeper is out of reach anyway.
pub(crate) const LAST_PAGE: u32 = 1_000_000;
/// The most tasks a page.
pub(crate) const LARGEST_TASK_PAGE: u32 = 100;
/// The most log lines a page.
pub(crate) const LARGEST_LOG_PAGE: u32 = 500;
/// The longest text to search names for.
pub(crate) const LONGEST_SEARCH: usize = 200;

/// A query string's pairs, and the faults found in them so far.
struct Parameters {
    pairs: Vec<(String, String)>,
    faults: Vec<Detail>,
}

/// A page of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogQuery {
    pub(crate) page: u32,
    pub(crate) page_size: u32,
}

/// What of a task is downloaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Content {
    /// The values.
    #[default]
    Values,
    /// What has changed of them.
    Changes,
}

/// Reads the parameters of `GET /tasks/{id}/download`.
pub(crate) fn content(query: Option<&str>) -> Result<Content, Error> {
    let mut given = Parameters::read(query);
    let wanted = given.one_of("content", &[("values", Content::Values), ("changes", Content::Changes)]);
    given.checked(wanted.unwrap_or_default())
}

/// Reads the parameters of `GET /tasks`.
pub(crate) fn tasks(query: Option<&str>) -> Result<TaskQuery, Error> {
    let mut given = Parameters::read(query);
    let wanted = TaskQuery {
        page: given.number("page", 1, LAST_PAGE),
        page_size: given.number("page_size", 20, LARGEST_TASK_PAGE),
        sort_by: given.one_of("sort_by", &SortBy::ALL).unwrap_or_default(),
        descending: given.one_of("sort_order", &[("asc", false), ("desc", true)]).unwrap_or(true),
        statuses: given.any_of("status", &Status::ALL.map(|status| (status.as_str(), status))),
        task_types: given.any_of("task_type", &TaskType::ALL.map(|kind| (kind.as_str(), kind))),
        created_after: given.moment("created_after"),
        created_before: given.moment("created_before"),
        name_contains: given.text("name_contains"),
    };
    given.checked(wanted)
}

/// Reads the parameters of `GET /tasks/{id}/logs`.
pub(crate) fn logs(query: Option<&str>) -> Result<LogQuery, Error> {
    let mut given = Parameters::read(query);
    let wanted = LogQuery {
        page: given.number("page", 1, LAST_PAGE),
        page_size: given.number("page_size", 50, LARGEST_LOG_PAGE),
    };
    given.checked(wanted)
}

impl Parameters {
    fn read(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        Self { pairs, faults: Vec::new() }
    }

    /// The last value of a parameter, as is usual where one is given twice; an empty one counts as not given.
    fn last(&self, name: &str) -> Option<String> {
        self.pairs
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    }

    fn fault(&mut self, name: &str, message: String) {
        self.faults.push(Detail { field: name.to_owned(), message });
    }

    fn number(&mut self, name: &str, default: u32, largest: u32) -> u32 {
        let Some(text) = self.last(name) else { return default };
        match text.parse() {
            Ok(number) if (1..=largest).contains(&number) => number,
            _ => {
                self.fault(name, format!("must be a whole number from 1 to {largest}"));
                default
            }
        }
    }

    fn one_of<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.last(name)?;
        let chosen = choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value);
        if chosen.is_none() {
            self.fault(name, format!("must be one of {}", names(choices)));
        }
        chosen
    }

    /// An array: given several times, as `status=a&status=b` or `status[]=a`, or in one value with commas.
    fn any_of<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Vec<T> {
        let in_brackets = format!("{name}[]");
        let given: Vec<String> = self
            .pairs
            .iter()
            .filter(|(key, _)| key == name || *key == in_brackets)
            .flat_map(|(_, value)| value.split(','))
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect();
        let mut chosen = Vec::new();
        for text in given {
            let Some((_, value)) = choices.iter().find(|(choice, _)| *choice == text) else {
                self.fault(name, format!("must be any of {}", names(choices)));
                break;
            };
            chosen.push(*value);
        }
        chosen
    }

    fn moment(&mut self, name: &str) -> Option<Millis> {
        let text = self.last(name)?;
        // In a query string an unescaped "+" of a zone arrives as a space.
        let moment = Millis::parse(&text).or_else(|| Millis::parse(&text.replace(' ', "+")));
        if moment.is_none() {
            self.fault(name, "must be an ISO 8601 date or date-time, such as 2024-01-15T10:30:00Z".to_owned());
        }
        moment
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let text = self.last(name)?;
        if text.chars().count() > LONGEST_SEARCH {
            self.fault(name, format!("must have at most {LONGEST_SEARCH} characters"));
        }
        if text.contains('\0') {
            self.fault(name, "must not hold a NUL character".to_owned());
        }
        Some(text)
    }

    fn checked<T>(self, wanted: T) -> Result<T, Error> {
        if self.faults.is_empty() { Ok(wanted) } else { Err(Error::Validation(self.faults)) }
    }
}

fn names<T>(choices: &[(&str, T)]) -> String {
    choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_given_is_the_first_twenty_newest_first() {
        let query = tasks(None).unwrap();
        assert_eq!((query.page, query.page_size, query.sort_by, query.descending), (1, 20, SortBy::CreatedAt, true));
        assert_eq!((query.statuses.len(), query.task_types.len()), (0, 0));
    }

    #[test]
    fn arrays_come_in_every_usual_spelling() {
        for query in ["status=pending&status=failed", "status[]=pending&status[]=failed", "status=pending,failed"] {
            assert_eq!(tasks(Some(query)).unwrap().statuses, [Status::Pending, Status::Failed], "{query}");
        }
    }

    #[test]
    fn moments_come_with_and_without_an_escaped_plus() {
        for query in ["created_after=2024-01-15T11:30:00%2B01:00", "created_after=2024-01-15T11:30:00+01:00"] {
            assert_eq!(tasks(Some(query)).unwrap().created_after, Some(Millis(1_705_314_600_000)), "{query}");
        }
    }

    #[test]
    fn the_values_are_downloaded_unless_the_changes_are_asked_for() {
        for (query, wanted) in [
            (None, Some(Content::Values)),
            (Some("content="), Some(Content::Values)),
            (Some("content=values"), Some(Content::Values)),
            (Some("content=changes&other=1"), Some(Content::Changes)),
            (Some("content=Changes"), None),
            (Some("content=all"), None),
        ] {
            assert_eq!(content(query).ok(), wanted, "{query:?}");
        }
    }

    #[test]
    fn each_fault_names_its_parameter() {
        for (query, field) in [
            ("page=0", "page"),
            ("page=-1", "page"),
            ("page=1e3", "page"),
            ("page=99999999999999999999", "page"),
            ("page_size=101", "page_size"),
            ("sort_by=price", "sort_by"),
            ("sort_order=up", "sort_order"),
            ("status=done", "status"),
            ("status=pending,done", "status"),
            ("task_type=quantum", "task_type"),
            ("created_after=yesterday", "created_after"),
            ("created_before=2024-13-01", "created_before"),
            (&format!("name_contains={}", "x".repeat(201)), "name_contains"),
            ("name_contains=a%00b", "name_contains"),
        ] {
            let Err(Error::Validation(faults)) = tasks(Some(query)) else { panic!("{query} was taken") };
            assert_eq!(faults[0].field, field);
        }
    }
}
