//! What a page takes in a browser, in time, processor time and memory, beside the same page fetched without one. Of a site on this machine:
//! what is measured is the browser.
//!
//!   cargo build --workspace --profile local --bins
//!   CHROMIUM=$(localstack/python browser) target/local/rendered-page target/handbook/usr/share/doc/debian-handbook/html/en-US

mod processes;
mod site;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use aws_sdk_dynamodb::config::BehaviorVersion;
use browser::{Browser, RenderOptions};
use scraping::{FetchOptions, Fetcher};
use table::{Clock, Table};

use crate::processes::Group;

/// How often a browser is started, and how often each page is rendered.
const STARTS: usize = 10;
const PAGES: usize = 30;
/// How often it is looked how much memory there is.
const SAMPLE: Duration = Duration::from_millis(25);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let handbook = PathBuf::from(std::env::args().nth(1).context("name the folder of the handbook")?);
    let chromium = std::env::var_os("CHROMIUM").context("CHROMIUM names the browser")?;
    let settings = browser::Settings { sandboxed: false, ..browser::Settings::of(chromium.into()) };
    let url = site::serve(handbook).await?;
    let fetcher = fetcher()?;

    let page = format!("{url}/short");
    // The site's robots.txt is read once, and the browser's file from the disk.
    Browser::new(settings.clone()).render(&fetcher, &page, &waiting("h1")).await.outcome?;
    let mut starts = Measured::default();
    for _ in 0..STARTS {
        let browser = Browser::new(settings.clone());
        let began = Instant::now();
        browser.render(&fetcher, &page, &waiting("h1")).await.outcome?;
        let took = began.elapsed();
        let group = Group(browser.process().await.context("no browser")?);
        starts.add(took, group.processor_time());
        starts.memory = starts.memory.max(group.memory());
    }
    println!("| | ms (median, min) | processor time, ms (mean) | memory, MB |\n|---|---|---|---|");
    println!("| the first page: a browser is started | {starts} |");

    let browser = Browser::new(settings);
    browser.render(&fetcher, &page, &waiting("h1")).await.outcome?;
    let group = Group(browser.process().await.context("no browser")?);
    println!("| a browser that has nothing to do | – | – | {} |", group.memory());
    for (name, path, selector) in [
        ("a short page", "/short", "h1"),
        ("one built by a script", "/built", ".row"),
        ("one of the handbook's", "/handbook/sect.apt-get.html", "h2"),
    ] {
        let page = format!("{url}{path}");
        let mut without = Measured::default();
        for _ in 0..PAGES {
            let began = Instant::now();
            fetcher.fetch(&page, FetchOptions::default()).await?;
            without.add(began.elapsed(), Duration::ZERO);
        }
        println!("| {name}, without a browser | {} | – | – |", without.times());
        let waited = rendered(&browser, &fetcher, &page, &waiting(selector)).await?;
        println!("| {name}, until a selector matches | {waited} |");
        let settled = rendered(&browser, &fetcher, &page, &RenderOptions::default()).await?;
        println!("| {name}, until it is at rest | {settled} |");
    }
    Ok(())
}

async fn rendered(
    browser: &Browser,
    fetcher: &Fetcher,
    page: &str,
    options: &RenderOptions,
) -> anyhow::Result<Measured> {
    let group = Group(browser.process().await.context("no browser")?);
    let most = Arc::new(AtomicU64::new(0));
    let (seen, looked_at) = (Arc::clone(&most), Group(group.0));
    let looking = tokio::spawn(async move {
        loop {
            seen.fetch_max(looked_at.memory(), Ordering::Relaxed);
            tokio::time::sleep(SAMPLE).await;
        }
    });
    let mut measured = Measured::default();
    for _ in 0..PAGES {
        let (began, before) = (Instant::now(), group.processor_time());
        browser.render(fetcher, page, options).await.outcome?;
        // What is cleared up later counts with the next page.
        measured.add(began.elapsed(), group.processor_time().saturating_sub(before));
    }
    looking.abort();
    measured.memory = most.load(Ordering::Relaxed);
    Ok(measured)
}

fn waiting(selector: &str) -> RenderOptions {
    RenderOptions { wait_for_selector: Some(selector.to_owned()), ..RenderOptions::default() }
}

fn fetcher() -> anyhow::Result<Fetcher> {
    // Without an interval nobody is asked for a turn: there is no table.
    let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest()).build();
    let limits = Table::new(aws_sdk_dynamodb::Client::from_conf(config), "limits");
    let settings = scraping::Settings {
        addresses: "127.77.0.0/16".parse().ok().context("a network")?,
        host_interval: Duration::ZERO,
        ..scraping::Settings::default()
    };
    Ok(Fetcher::new(settings, limits, Clock::system())?)
}

#[derive(Default)]
struct Measured {
    times: Vec<Duration>,
    processor: Duration,
    memory: u64,
}

impl Measured {
    fn add(&mut self, time: Duration, processor: Duration) {
        self.times.push(time);
        self.processor += processor;
    }

    fn times(&self) -> String {
        let mut times: Vec<_> = self.times.iter().map(Duration::as_secs_f64).collect();
        times.sort_by(f64::total_cmp);
        let (median, least) = (times[times.len() / 2], times[0]);
        format!("{:.1}, {:.1}", median * 1_000.0, least * 1_000.0)
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pages = u32::try_from(self.times.len()).unwrap_or(u32::MAX);
        let processor = (self.processor / pages).as_millis();
        write!(out, "{} | {processor} | {}", self.times(), self.memory)
    }
}
