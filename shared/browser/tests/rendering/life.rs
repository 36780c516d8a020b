//! The browser's own life.

use std::path::Path;

use browser::Settings;

use crate::processes::{browser_of, folder_of, group, is_over};
use crate::site::Site;
use crate::{Tested, options, settings};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: CHROMIUM"]
async fn one_browser_serves_page_after_page_and_leaves_nothing_behind() {
    let site = Site::of("<h1>page</h1>").await;
    let tested = Tested::new();
    assert_eq!(tested.browser.process().await, None, "it was not needed yet");
    tested.page(&site.url("/")).await;
    let process = tested.browser.process().await.unwrap();
    let url = site.url("/");
    let pages = (0..6).map(|_| tested.page(&url));
    futures::future::join_all(pages).await;
    assert_eq!(tested.browser.process().await, Some(process));
    for each in group(process) {
        let limits = std::fs::read_to_string(format!("/proc/{each}/limits")).unwrap();
        let memory = limits.lines().find(|line| line.starts_with("Max data size")).unwrap();
        assert!(memory.contains(&settings().max_memory.to_string()), "{memory}");
    }
    let folder = folder_of(process);
    assert!(folder.is_dir() && group(process).len() > 1);
    // None of our environment, where a function has its credentials.
    let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains("CHROMIUM="));
    drop(tested);
    is_over(|| group(process).is_empty()).await;
    assert!(!folder.exists() && !Path::new(&format!("{}.lock", folder.display())).exists());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_browser_that_was_killed_is_replaced() {
    let site = Site::of("<h1>page</h1>").await;
    let tested = Tested::new();
    tested.page(&site.url("/")).await;
    let first = tested.browser.process().await.unwrap();
    std::process::Command::new("kill").args(["-KILL", &browser_of(first).to_string()]).status().unwrap();
    assert!(tested.page(&site.url("/")).await.text.contains("<h1>page</h1>"));
    assert_ne!(tested.browser.process().await, Some(first));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a browser: CHROMIUM"]
async fn a_browser_is_replaced_after_so_many_pages() {
    let site = Site::of("<h1>page</h1>").await;
    let tested = Tested::with(Settings { pages_per_process: 2, ..settings() });
    let mut processes = Vec::new();
    for _ in 0..6 {
        tested.page(&site.url("/")).await;
        processes.push(tested.browser.process().await.unwrap());
    }
    processes.dedup();
    assert!((2..=3).contains(&processes.len()), "{processes:?}");
}

#[tokio::test]
async fn without_a_browser_there_is_no_page_and_it_may_be_tried_again() {
    let site = Site::of("<h1>page</h1>").await;
    for executable in ["/nowhere/chromium", "/bin/true"] {
        let tested = Tested::with(Settings::of(executable.into()));
        let error = tested.render(&site.url("/"), &options()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{} was not rendered: the browser did not start", site.url("/")));
        assert!(error.is_transient());
    }
}
