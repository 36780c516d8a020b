//! A browser's processes, as the kernel knows them.

use std::path::PathBuf;
use std::time::Duration;

/// One of a group that has not ended.
struct Process {
    number: u32,
    parent: u32,
    arguments: Vec<String>,
}

/// The processes of the group that this one leads.
pub fn group(leader: u32) -> Vec<u32> {
    processes(leader).iter().map(|process| process.number).collect()
}

/// The browser itself: what was started may be a script that has started it, as Debian's is.
pub fn browser_of(leader: u32) -> u32 {
    let group = processes(leader);
    let is_browser = |process: &&Process| {
        let has = |flag: &str| process.arguments.iter().any(|argument| argument.starts_with(flag));
        has("--remote-debugging-pipe") && !has("--type=")
    };
    let all: Vec<_> = group.iter().filter(is_browser).collect();
    let has_child = |process: &&&Process| all.iter().any(|other| other.parent == process.number);
    all.iter().find(|process| !has_child(process)).expect("one of them is the browser").number
}

/// The processes that have its pages.
pub fn renderers(leader: u32) -> Vec<u32> {
    let of_pages = |process: &Process| process.arguments.iter().any(|argument| argument == "--type=renderer");
    processes(leader).iter().filter(|process| of_pages(process)).map(|process| process.number).collect()
}

/// The folder that it may write to.
pub fn folder_of(process: u32) -> PathBuf {
    let arguments = arguments(process).unwrap();
    arguments.iter().find_map(|flag| flag.strip_prefix("--user-data-dir=")).unwrap().into()
}

/// Waits for something that is to come soon.
pub async fn is_over(done: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.expect("it is over within ten seconds");
}

fn processes(leader: u32) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let of_the_group = |number: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        // Its name, which may be anything, is in brackets; then its state, its parent, its group.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let (state, parent, group) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?);
        let is_of_it = state != "Z" && group == leader.to_string();
        is_of_it.then(|| Some(Process { number, parent, arguments: arguments(number)? })).flatten()
    };
    numbers.filter_map(of_the_group).collect()
}

/// Chromium's children have theirs in one, divided by spaces.
fn arguments(process: u32) -> Option<Vec<String>> {
    let arguments = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
    let arguments = String::from_utf8_lossy(&arguments).into_owned();
    Some(arguments.split(['\0', ' ']).map(str::to_owned).collect())
}
