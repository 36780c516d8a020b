//! A user's tasks: filtered, sorted, by page.

use jobs::Status;
use serde::Deserialize;
use table::{Condition, Key, Millis, Query, Table, TableError, decode, smallest_id_at};
use thiserror::Error;

use crate::keys::{TASK_PREFIX, partition};
use crate::kind::TaskType;
use crate::task::Task;

/// How many tasks are looked at for one page, at most: those before it, and those that the filters leave out.
const EXAMINED: usize = 10_000;
/// How many tasks one query reads when filters may leave some out.
const FILTERED_READ: u32 = 500;

/// What tasks are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// The time of submission.
    #[default]
    CreatedAt,
    /// The time of the last change.
    UpdatedAt,
    /// The name, whatever its case.
    Name,
    /// The status, by its letters.
    Status,
}

impl SortBy {
    /// Every order with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("created_at", Self::CreatedAt),
        ("updated_at", Self::UpdatedAt),
        ("name", Self::Name),
        ("status", Self::Status),
    ];

    const fn index(self) -> Option<&'static str> {
        match self {
            Self::CreatedAt => None,
            Self::UpdatedAt => Some("by_updated"),
            Self::Name => Some("by_name"),
            Self::Status => Some("by_status"),
        }
    }
}

/// Which tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskQuery {
    /// Which page, from 1.
    pub page: u32,
    /// How many a page.
    pub page_size: u32,
    /// The order.
    pub sort_by: SortBy,
    /// Whether the order is from the last to the first.
    pub descending: bool,
    /// Any of these statuses; all if empty.
    pub statuses: Vec<Status>,
    /// Any of these types; all if empty.
    pub task_types: Vec<TaskType>,
    /// Submitted after this.
    pub created_after: Option<Millis>,
    /// Submitted before this.
    pub created_before: Option<Millis>,
    /// The name has this in it, whatever its case.
    pub name_contains: Option<String>,
}

/// Why tasks could not be listed.
#[derive(Debug, Error)]
pub enum ListError {
    /// Too many tasks lie before the page, or are left out by the filters.
    #[error(
        "more than {EXAMINED} tasks would have to be read for this page; narrow it with created_after and created_before"
    )]
    TooFar,
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// What every index holds of a task.
#[derive(Clone, Debug, Deserialize)]
struct Listed {
    #[serde(flatten)]
    key: Key,
    status: Status,
    task_type: TaskType,
    name_key: String,
    created_at: Millis,
}

impl TaskQuery {
    fn has_filters(&self) -> bool {
        let bounded = self.created_after.is_some() || self.created_before.is_some();
        let bounds_are_filters = bounded && self.sort_by != SortBy::CreatedAt;
        bounds_are_filters || !self.statuses.is_empty() || !self.task_types.is_empty() || self.name_contains.is_some()
    }

    fn admits(&self, task: &Listed) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&task.status))
            && (self.task_types.is_empty() || self.task_types.contains(&task.task_type))
            && self.created_after.is_none_or(|after| task.created_at > after)
            && self.created_before.is_none_or(|before| task.created_at < before)
            && self.name_contains.as_ref().is_none_or(|part| task.name_key.contains(&part.to_lowercase()))
    }

    /// The part of the user's partition that is read. The bounds of creation are exact where the order is by it: ids sort by time.
    fn key_condition(&self, user: &str) -> Condition {
        let owner = Condition::equal("pk", partition(user));
        if self.sort_by != SortBy::CreatedAt {
            return owner;
        }
        let first = self.created_after.map_or(Millis(0), |after| Millis(after.0.saturating_add(1)));
        let from = format!("{TASK_PREFIX}{}", smallest_id_at(first));
        let to = match self.created_before {
            Some(before) => format!("{TASK_PREFIX}{}", smallest_id_at(before)),
            None => format!("{TASK_PREFIX}~"),
        };
        if from > to {
            // DynamoDB refuses a range that ends before it begins.
            return Condition::All(vec![owner, Condition::equal("sk", from)]);
        }
        Condition::All(vec![owner, Condition::Between("sk", from.into(), to.into())])
    }
}

/// The tasks of one page, and whether there are more.
///
/// The filters are applied here rather than by DynamoDB: it would read, and charge for, the same items, and cannot filter by an
/// attribute that the index is sorted by.
pub(crate) async fn list(table: &Table, user: &str, query: &TaskQuery) -> Result<(Vec<Task>, bool), ListError> {
    let size = query.page_size as usize;
    let before = (query.page as usize).saturating_sub(1).saturating_mul(size);
    if before.saturating_add(size) > EXAMINED {
        return Err(ListError::TooFar);
    }
    let read = if query.has_filters() { FILTERED_READ } else { u32::try_from(before + size + 1).unwrap_or(u32::MAX) };
    let mut request = Query::new(query.key_condition(user)).descending(query.descending).limit(read).consistent();
    if let Some(index) = query.sort_by.index() {
        request = request.index(index);
    }
    let (mut passed, mut examined, mut page) = (0, 0, Vec::with_capacity(size + 1));
    while page.len() <= size {
        let found = table.query_items(request.clone()).await?;
        for item in found.items {
            examined += 1;
            let listed: Listed = decode(item.clone())?;
            if query.admits(&listed) {
                passed += 1;
                if passed > before {
                    page.push((listed.key, item));
                }
            }
        }
        match found.next {
            Some(_) if examined >= EXAMINED => return Err(ListError::TooFar),
            Some(next) => request = request.start(Some(next)),
            None => break,
        }
    }
    let more = page.len() > size;
    page.truncate(size);
    if query.sort_by.index().is_none() {
        let tasks = page.into_iter().map(|(_, item)| decode(item)).collect::<Result<_, _>>()?;
        return Ok((tasks, more));
    }
    let keys: Vec<_> = page.into_iter().map(|(key, _)| key).collect();
    Ok((table.get_many(&keys).await?, more))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: TaskQuery = TaskQuery {
        page: 1,
        page_size: 20,
        sort_by: SortBy::UpdatedAt,
        descending: true,
        statuses: Vec::new(),
        task_types: Vec::new(),
        created_after: None,
        created_before: None,
        name_contains: None,
    };

    #[test]
    fn filters_admit_what_satisfies_them_all() {
        let task = Listed {
            key: Key::new("USER#u", "TASK#t"),
            status: Status::Running,
            task_type: TaskType::SimpleScraping,
            name_key: "daily prices".to_owned(),
            created_at: Millis(1_000),
        };
        let named = |part: &str| Some(part.to_owned());
        for (query, admitted) in [
            (EVERYTHING, true),
            (TaskQuery { statuses: vec![Status::Pending, Status::Running], ..EVERYTHING }, true),
            (TaskQuery { statuses: vec![Status::Failed], ..EVERYTHING }, false),
            (TaskQuery { task_types: vec![TaskType::Monitoring], ..EVERYTHING }, false),
            (TaskQuery { name_contains: named("PRICE"), ..EVERYTHING }, true),
            (TaskQuery { name_contains: named("cost"), ..EVERYTHING }, false),
            (TaskQuery { created_after: Some(Millis(999)), created_before: Some(Millis(1_001)), ..EVERYTHING }, true),
            (TaskQuery { created_after: Some(Millis(1_000)), ..EVERYTHING }, false),
            (TaskQuery { created_before: Some(Millis(1_000)), ..EVERYTHING }, false),
            (TaskQuery { statuses: vec![Status::Running], name_contains: named("cost"), ..EVERYTHING }, false),
        ] {
            assert_eq!(query.admits(&task), admitted, "{query:?}");
        }
    }
}
