//! The Debian Administrator's Handbook, read as JSON and as CSV, against what another parser reads in the same files (tests/oracle.py).

use anyhow::{Context, ensure};
use drover_tests::handbook::Handbook;
use drover_tests::site::Site;
use drover_tests::{Stack, User};
use serde_json::{Map, Value as Json, json};
use tokio::process::Command;

/// As many pages as one task takes.
const PAGES: usize = 100;

/// The manual, served, with some of its pages.
struct Served {
    manual: Handbook,
    site: Site,
}

impl Served {
    async fn open() -> anyhow::Result<Self> {
        let manual = Handbook::open(PAGES)?;
        let site = Site::serve(manual.pages()).await?;
        Ok(Self { manual, site })
    }

    fn urls(&self) -> Vec<String> {
        self.manual.files.iter().map(|file| self.site.url(&format!("/{file}"))).collect()
    }

    /// What the other parser reads in each file.
    async fn oracle(&self) -> anyhow::Result<Map<String, Json>> {
        let python = std::env::var("DROVER_PYTHON").context("DROVER_PYTHON is not set: run the suites by tests/run")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/oracle.py");
        let url = format!("http://{}", self.site.address);
        let output = Command::new(python)
            .arg(script)
            .arg(&self.manual.folder)
            .arg(url)
            .args(&self.manual.files)
            .output()
            .await?;
        ensure!(output.status.success(), "the oracle failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

async fn scraped(user: &User, config: Json) -> anyhow::Result<String> {
    let task = user.create_task(config).await?;
    let task = user.ended(&task).await?;
    ensure!(task["status"] == "completed" && task["error_message"].is_null(), "{task}");
    ensure!(task["compute_units_consumed"] == PAGES, "{task}");
    Ok(user.download(&task).await?.text().await?)
}

#[tokio::test]
async fn a_hundred_pages_read_as_another_parser_reads_them() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let handbook = Served::open().await?;
    let all = |selector: &str| json!({"selector": selector, "multiple": true});
    let selectors = json!({
        "title": "head > title",
        "language": {"selector": "body > [lang]", "attr": "lang"},
        "headings": all("h1, h2, h3, h4"),
        "paragraphs": all("div.para"),
        "code": all("code.literal"),
        "images": {"selector": "img", "attr": "src", "type": "url", "multiple": true},
    });
    let config = json!({"urls": handbook.urls(), "selectors": selectors, "include_metadata": true});
    let (result, oracle) = tokio::try_join!(scraped(&user, config), handbook.oracle())?;
    let rows: Vec<Map<String, Json>> = serde_json::from_str(&result)?;
    assert_eq!(rows.len(), PAGES, "a row for each page");
    let mut paragraphs = 0;
    for ((file, url), mut row) in handbook.manual.files.iter().zip(handbook.urls()).zip(rows) {
        let fetched_at = row.remove("_fetched_at");
        assert!(fetched_at.is_some_and(|at| at.is_string()), "{file}");
        let mut expected = oracle[file].as_object().cloned().context("no object")?;
        expected.remove("links");
        expected.extend(
            [("_url", json!(url)), ("_final_url", json!(url)), ("_status", json!(200))]
                .map(|(name, value)| (name.to_owned(), value)),
        );
        paragraphs += expected["paragraphs"].as_array().map_or(0, Vec::len);
        for (field, value) in &expected {
            assert_eq!(row.get(field), Some(value), "{field} of {file}");
        }
        assert_eq!(row.len(), expected.len(), "{file}");
    }
    assert!(paragraphs > 1_000, "the comparison is of something: {paragraphs}");
    Ok(())
}

#[tokio::test]
async fn every_link_of_a_hundred_pages_is_a_line_of_csv() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let handbook = Served::open().await?;
    let selectors = json!({"link": {"selector": "a[href]", "attr": "href", "type": "url"}, "text": "a[href]"});
    let config =
        json!({"urls": handbook.urls(), "selectors": selectors, "output_format": "csv", "include_metadata": true});
    let (result, oracle) = tokio::try_join!(scraped(&user, config), handbook.oracle())?;

    let mut reader = csv::Reader::from_reader(result.as_bytes());
    assert_eq!(
        reader.headers()?,
        &csv::StringRecord::from(vec!["_url", "_final_url", "_status", "_fetched_at", "link", "text"])
    );
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record?;
        found.push((record[0].to_owned(), record[4].to_owned(), record[5].to_owned()));
    }
    let mut expected = Vec::new();
    for (file, url) in handbook.manual.files.iter().zip(handbook.urls()) {
        for link in oracle[file]["links"].as_array().into_iter().flatten() {
            let text = link["text"].as_str().unwrap_or_default();
            // What a spreadsheet would take for a formula is quoted with an apostrophe.
            let is_formula = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
            let text = if is_formula { format!("'{text}") } else { text.to_owned() };
            expected.push((url.clone(), link["link"].as_str().unwrap_or_default().to_owned(), text));
        }
    }
    assert!(expected.len() > 1_500, "the comparison is of something: {}", expected.len());
    for (line, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "line {line}");
    }
    assert_eq!(found.len(), expected.len());
    Ok(())
}
