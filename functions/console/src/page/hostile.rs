//! Whatever the texts of jobs, credentials, schedules, letters and proxies hold, pages show it, and browsers do nothing of it.

use credentials::{CredentialView, Status as Standing};
use jobs::{DeadLetter, Status};
use maud::Markup;
use operations::{
    Hold, JobName, JobRow, Kind, Parts, ProxyRow, ScheduleKind, ScheduleName, ScheduleRow, TaskRow, TrailEvent,
};
use serde_json::json;
use table::Millis;
use uuid::Uuid;
use worker::{ProxyType, TaskStatus};

use super::{credentials as pools, jobs as lists, letters, proxies, schedule, schedules, tasks};
use crate::frame::Frame;

/// What would show on a page that does not see to it: markup, quotes, what ends a terminal's line, what turns writing around, what nobody sees.
const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "&lt;b&gt; &amp; {{7*7}} ${7*7}",
    "\u{1b}]8;;http://evil.example\u{7}\u{1b}[2J\r\n\0\u{9b}31m",
    "\u{202e}txt.exe\u{2066}\u{200b}\u{feff}",
    "a\u{2028}b\u{85}c 🎉 Grüße",
];

fn frame() -> Frame {
    Frame::sample("/console/jobs/video/1", "a@example.com")
}

/// Nothing of a text is markup, an attribute of its own, or obeyed.
fn is_harmless(what: &str, text: &str, page: &[Markup]) {
    let page: String = page.iter().map(|part| part.0.as_str()).collect();
    for part in ["<script", "<img", "<b>", "href=\"javascript"] {
        assert!(!page.contains(part), "{what}, {text:?}: {part} in {page}");
    }
    let is_obeyed = |letter: char| {
        letter.is_control() && letter != '\n'
            || matches!(letter, '\u{2028}' | '\u{202e}' | '\u{2066}' | '\u{200b}' | '\u{feff}')
    };
    assert!(!page.contains(is_obeyed), "{what}, {text:?}: {page:?}");
}

fn job(text: &str) -> JobRow {
    JobRow {
        name: JobName { kind: Kind::Video, tenant: text.to_owned(), id: Uuid::nil() },
        sort: "profile",
        title: text.to_owned(),
        status: Status::Failed,
        rests: false,
        paused: false,
        progress: 40,
        parts: Some(Parts { total: 4, open: 1, failed: 2 }),
        held: Some(Hold { by: text.to_owned(), until: Millis(1_705_314_660_000), token: 7 }),
        attempts: 3,
        redrives: 0,
        units_used: 0,
        due_at: None,
        created_at: Millis(1_705_314_000_000),
        started_at: None,
        updated_at: Millis(1_705_314_000_000),
        completed_at: None,
        error: Some(text.to_owned()),
    }
}

fn credential(text: &str) -> CredentialView {
    CredentialView {
        id: 7,
        platform: text.to_owned(),
        name: text.to_owned(),
        status: Standing::InUse,
        in_use_by: Some(text.to_owned()),
        session_id: Some(text.to_owned()),
        lease_token: 7,
        lease_expires_at: Some("2024-01-15T10:30:00Z".to_owned()),
        cooldown_until: None,
        failure_count: 1,
        consecutive_failures: 1,
        success_count: 1,
        use_count: 2,
        last_error: Some(text.to_owned()),
        last_used_at: None,
        created_at: "2024-01-15T10:30:00Z".to_owned(),
        updated_at: "2024-01-15T10:30:00Z".to_owned(),
    }
}

fn schedule_of(text: &str) -> ScheduleRow {
    ScheduleRow {
        name: ScheduleName { kind: ScheduleKind::Video, tenant: text.to_owned(), id: Uuid::nil() },
        title: text.to_owned(),
        what: text.to_owned(),
        every: text.to_owned(),
        paused: false,
        next_run_at: Some(Millis(1_705_314_660_000)),
        last_run_at: None,
        last_outcome: Some(Status::Completed),
        last_error: Some(text.to_owned()),
        active_run: None,
        runs: None,
    }
}

fn task(text: &str) -> TaskRow {
    TaskRow {
        id: 7,
        campaign_id: 1,
        task_type: text.to_owned(),
        status: TaskStatus::Running,
        held: Some(Hold { by: text.to_owned(), until: Millis(1_705_314_660_000), token: 7 }),
        due_at: None,
        retry_count: 1,
        max_retries: 3,
        error: Some(text.to_owned()),
        created_at: Millis(1_705_314_000_000),
        updated_at: Millis(1_705_314_000_000),
        finished_at: None,
    }
}

fn proxy(text: &str) -> ProxyRow {
    ProxyRow {
        id: 7,
        host: text.to_owned(),
        port: 8080,
        proxy_type: ProxyType::Http,
        country: Some(text.to_owned()),
        username: Some(text.to_owned()),
        has_password: true,
        status: "active",
        resting_until: None,
        error_count: 0,
        last_failed_at: None,
        last_succeeded_at: None,
        created_at: Millis(1_705_314_000_000),
    }
}

#[test]
fn what_texts_hold_is_shown_and_does_nothing() {
    let frame = frame();
    for text in HOSTILE {
        is_harmless("a job", text, &lists::row(&frame, &job(text)));
        is_harmless("a task in a list", text, &tasks::row(&frame, &task(text)));
        is_harmless("a task", text, &[tasks::state_of(&frame, &task(text))]);
        is_harmless("a proxy", text, &proxies::row(&frame, &proxy(text)));
        is_harmless("a credential in a list", text, &pools::row(&frame, &credential(text)));
        is_harmless("a credential", text, &[pools::state_of(&frame, &credential(text))]);
        let event =
            TrailEvent { action: text.to_owned(), at: Millis(0), by: text.to_owned(), detail: Some(text.to_owned()) };
        is_harmless("an event", text, &pools::event(&event));
        is_harmless("a schedule in a list", text, &schedules::row(&frame, &schedule_of(text)));
        is_harmless("a schedule", text, &[schedule::state_of(&frame, &schedule_of(text))]);
        let letter = json!({
            "queue": "video", "message_id": "1", "body": text, "sent_at": 0, "verdict": text,
        });
        let letter: DeadLetter = serde_json::from_value(letter).unwrap();
        is_harmless("a letter", text, &letters::row(&frame, &letter));
    }
}
