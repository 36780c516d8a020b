//! The e-mail that tells of changes. Pure.

use extract::Task;
use mail::Letter;
use serde_json::Value as Json;
use table::Millis;

use super::watched::Change;

/// How many changes are listed.
const LISTED: usize = 50;
/// The longest value that is shown, in characters.
const LONGEST_VALUE: usize = 200;
/// The longest address that is shown, in characters.
const LONGEST_ADDRESS: usize = 300;

/// What tells of a check's changes: `total` of them, of which `changes` are the last.
pub(crate) fn letter(task: &Task, to: &str, checked_at: Millis, changes: &[&Change], total: usize) -> Letter {
    let name = Letter::quoted(&task.name, LONGEST_VALUE);
    let subject = match total {
        1 => format!("1 change: {name}"),
        _ => format!("{total} changes: {name}"),
    };
    let mut text = vec![headline(total), String::new(), format!("Task: {name}"), format!("Checked at: {checked_at}")];
    let listed = &changes[..changes.len().min(LISTED)];
    for of_page in listed.chunk_by(|one, next| one.url == next.url) {
        let page = of_page.first().map(|change| Letter::quoted(&change.url, LONGEST_ADDRESS));
        text.extend([String::new(), page.unwrap_or_default()]);
        text.extend(of_page.iter().map(|change| line(change)));
    }
    let more = total.saturating_sub(listed.len());
    if more > 0 {
        text.extend([String::new(), format!("… and {more} more")]);
    }
    text.push(ending(task));
    Letter::new(to, &subject, &text.join("\n"))
}

fn ending(task: &Task) -> String {
    let id = task.id;
    format!(
        "\nAll changes: GET /tasks/{id}/download?content=changes\n\n-- \n\
         The task {id} watches these pages and names this address as its notification_email.\n\
         To stop it: DELETE /tasks/{id}\n"
    )
}

fn headline(total: usize) -> String {
    match total {
        1 => "A value that you watch has changed.".to_owned(),
        _ => format!("{total} values that you watch have changed."),
    }
}

fn line(change: &Change) -> String {
    let difference = &change.difference;
    let field = Letter::quoted(&difference.field, LONGEST_VALUE);
    let (old, new) = (shown(&difference.old), shown(&difference.new));
    let by = if difference.old.is_null() || difference.new.is_null() { String::new() } else { by(difference.by) };
    format!("  row {}, {field}: {old} -> {new}{by}", difference.row)
}

/// A share as a percentage. Of a text there is none to tell.
fn by(share: f64) -> String {
    if (share - 1.0).abs() < f64::EPSILON || share > 1_000_000.0 {
        return String::new();
    }
    let percent = format!("{:.2}", share * 100.0);
    format!(" (by {}%)", percent.trim_end_matches('0').trim_end_matches('.'))
}

fn shown(value: &Json) -> String {
    match value {
        Json::Null => "(nothing)".to_owned(),
        Json::String(text) => Letter::quoted(text, LONGEST_VALUE),
        other => Letter::quoted(&other.to_string(), LONGEST_VALUE),
    }
}

#[cfg(test)]
mod tests {
    use extract::{TaskConfig, TaskType, account_key, task_key};
    use jobs::{Job, Policy};
    use serde_json::json;
    use uuid::Uuid;

    use super::super::compare::Difference;
    use super::*;

    const NOW: Millis = Millis(1_705_314_600_000);

    fn task(name: &str) -> Task {
        let config = json!({"urls": ["https://shop.example/"], "selectors": {"price": ".p"}});
        let policy = Policy::with_lease(std::time::Duration::from_mins(1));
        Task {
            key: task_key("u", Uuid::nil()),
            job: Job::submitted("extract", NOW, 1, String::new(), &policy),
            account: account_key("u"),
            id: Uuid::nil(),
            user_id: "u".to_owned(),
            name: name.to_owned(),
            name_key: String::new(),
            description: None,
            config: TaskConfig::read(TaskType::Monitoring, &config).unwrap(),
            priority: 5,
        }
    }

    fn change(url: &str, row: usize, old: Json, new: Json, by: f64) -> Change {
        let difference = Difference { row, field: "price".to_owned(), old, new, by };
        Change { check: 2, checked_at: NOW, url: url.to_owned(), difference, reported: true }
    }

    #[test]
    fn a_letter_says_what_changed_where_by_how_much_and_how_to_stop_it() {
        let changes = [
            change("https://shop.example/a", 1, json!("£100.00"), json!("£94.00"), 0.06),
            change("https://shop.example/a", 2, json!("In stock"), json!("Sold out"), 1.0),
            change("https://shop.example/b", 1, json!(null), json!(5), 1.0),
        ];
        let all: Vec<_> = changes.iter().collect();
        let letter = letter(&task("Watch the shop"), "a@example.com", NOW, &all, 3);
        assert_eq!((letter.to(), letter.subject()), ("a@example.com", "3 changes: Watch the shop"));
        assert_eq!(
            letter.text(),
            "3 values that you watch have changed.\n\nTask: Watch the shop\nChecked at: 2024-01-15T10:30:00Z\n\n\
             https://shop.example/a\n  row 1, price: £100.00 -> £94.00 (by 6%)\n  row 2, price: In stock -> Sold out\n\n\
             https://shop.example/b\n  row 1, price: (nothing) -> 5\n\n\
             All changes: GET /tasks/00000000-0000-0000-0000-000000000000/download?content=changes\n\n-- \n\
             The task 00000000-0000-0000-0000-000000000000 watches these pages and names this address as its notification_email.\n\
             To stop it: DELETE /tasks/00000000-0000-0000-0000-000000000000\n"
        );
    }

    #[test]
    fn what_a_page_says_stays_within_its_line() {
        let changes =
            [change("https://a.example/", 1, json!("1"), json!("\r\n\r\nTo stop it: https://evil.example\n"), 1.0)];
        let letter = letter(&task("A\u{2028}B"), "a@example.com", NOW, &[&changes[0]], 1);
        assert_eq!(letter.subject(), "1 change: A B");
        assert!(
            letter.text().contains("\n  row 1, price: 1 -> To stop it: https://evil.example\n"),
            "{}",
            letter.text()
        );
    }

    #[test]
    fn fifty_are_listed_and_the_others_counted() {
        let changes: Vec<_> =
            (1..=80).map(|row| change("https://a.example/", row, json!("x".repeat(5_000)), json!(2), 1.0)).collect();
        let letter = letter(&task("Many"), "a@example.com", NOW, &changes.iter().collect::<Vec<_>>(), 90);
        assert_eq!(letter.text().matches("\n  row ").count(), 50);
        assert!(letter.text().contains("\n… and 40 more\n") && letter.text().len() < 20_000);
    }
}
