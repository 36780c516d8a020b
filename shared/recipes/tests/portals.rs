//! The engine against three portals, over TCP: what it gives is what they have, or an error that says what is wrong.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails in a test's helper fails the test")]

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::BehaviorVersion;
use portal_stand_in::{Account, Plan, Portal, StandIn, What};
use recipes::{Batch, Cursor, Recipe, Recipes, Remedy, Scrape, ScrapeError, SignIn};
use scraping::export::{Format, Row, RowWriter};
use scraping::{Fetcher, Settings};
use serde_json::Value;
use table::{Clock, Millis, Table};

const USER: &str = "anna@example.com";
const PASSWORD: &str = "open & sesame";
const PORTALS: [Portal; 3] = [Portal::Pwmr, Portal::Bwmr, Portal::Ewmr];

/// A portal with one account, and who reads it.
struct Reader {
    stand_in: StandIn,
    portal: Portal,
    recipe: Arc<Recipe>,
    fetcher: Fetcher,
}

/// What came of a scrape: the rows of all pages that were given, and how it ended.
struct Outcome {
    rows: Vec<Row>,
    cursor: Option<Cursor>,
    error: Option<ScrapeError>,
}

impl Reader {
    async fn of(portal: Portal, records: u64, plan: Plan) -> Self {
        let stand_in = StandIn::start("127.77.8.1").await.unwrap();
        stand_in.put(portal, USER, Account { password: PASSWORD.to_owned(), records, plan, ..Account::default() });
        let settings = Settings {
            addresses: "127.77.8.0/24".parse().unwrap(),
            host_interval: Duration::ZERO,
            max_page_bytes: 4 * 1024 * 1024,
            ..Settings::default()
        };
        // Never asked: the rate is switched off.
        let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::latest()).build();
        let limits = Table::new(aws_sdk_dynamodb::Client::from_conf(config), "limits");
        let fetcher = Fetcher::new(settings, limits, Clock::fake(Millis(1_793_000_000_000))).unwrap();
        let recipe = Recipes::load().unwrap().of(portal.name()).unwrap();
        Self { stand_in, portal, recipe, fetcher }
    }

    fn scrape(&self, password: &str, cursor: Option<Cursor>) -> Scrape<'_> {
        let base = self.stand_in.base(self.portal).parse().unwrap();
        let sign_in = SignIn { user: USER.to_owned(), password: password.to_owned() };
        Scrape::new(&self.fetcher, Arc::clone(&self.recipe), &base, sign_in, cursor).unwrap()
    }

    async fn all(&self) -> Outcome {
        self.all_from(None).await
    }

    /// Reads from a cursor to the end, or to the first error.
    async fn all_from(&self, cursor: Option<Cursor>) -> Outcome {
        let mut scrape = self.scrape(PASSWORD, cursor);
        let mut outcome = Outcome { rows: Vec::new(), cursor: None, error: None };
        loop {
            match scrape.next_page().await {
                Ok(Some(Batch { rows, cursor, .. })) => {
                    outcome.rows.extend(rows);
                    outcome.cursor = Some(cursor);
                }
                Ok(None) => return outcome,
                Err(error) => return Outcome { error: Some(error), ..outcome },
            }
        }
    }

    fn truth(&self) -> Vec<Row> {
        self.stand_in.records(self.portal, USER).into_iter().map(|record| record.truth).collect()
    }

    fn attempts(&self) -> u32 {
        self.stand_in.attempts(self.portal, USER)
    }

    fn sign_ins(&self) -> u32 {
        self.stand_in.sign_ins(self.portal, USER)
    }
}

impl Outcome {
    /// All rows; panics if it ended with an error.
    fn whole(self) -> Vec<Row> {
        match self.error {
            Some(error) => panic!("after {} rows: {error}", self.rows.len()),
            None => self.rows,
        }
    }

    fn error(&self) -> String {
        self.error.as_ref().map_or_else(|| format!("no error, {} rows", self.rows.len()), ToString::to_string)
    }
}

/// Compares row by row, so that a difference can be read.
fn assert_same(found: &[Row], truth: &[Row]) {
    for (at, (found, truth)) in found.iter().zip(truth).enumerate() {
        assert_eq!(found, truth, "row {at}");
    }
    assert_eq!(found.len(), truth.len());
}

#[tokio::test]
async fn all_records_come_row_by_row() {
    for (portal, records, pages) in [(Portal::Pwmr, 3_217, 65), (Portal::Bwmr, 5_003, 26), (Portal::Ewmr, 2_906, 119)] {
        let reader = Reader::of(portal, records, Plan::default()).await;
        let mut scrape = reader.scrape(PASSWORD, None);
        let mut rows = Vec::new();
        while let Some(batch) = scrape.next_page().await.unwrap() {
            rows.extend(batch.rows);
            assert_eq!(batch.cursor.records(), rows.len() as u64);
        }
        assert_same(&rows, &reader.truth());
        assert_eq!(scrape.entity(), Some("Ganga & Söhne Recycling"), "{portal:?}");
        assert_eq!(
            (scrape.cursor().pages(), scrape.cursor().records(), scrape.cursor().claimed()),
            (pages, records, Some(records))
        );
        assert_eq!(reader.sign_ins(), 1);
        // Nothing is asked for twice: a login, a page after it, the page behind the records, and the pages.
        assert!(
            reader.stand_in.requests(portal) <= u64::from(pages) + 4,
            "{portal:?}: {}",
            reader.stand_in.requests(portal)
        );
        assert!(scrape.next_page().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn files_equal_the_portals_own_data() {
    for (portal, records) in [(Portal::Pwmr, 501), (Portal::Bwmr, 999), (Portal::Ewmr, 550)] {
        let reader = Reader::of(portal, records, Plan::default()).await;
        let (rows, truth) = (reader.all().await.whole(), reader.truth());
        let columns: Vec<String> = reader.recipe.names().map(str::to_owned).collect();
        let written = |format: Format| {
            let mut writer = RowWriter::new(format, columns.clone(), std::io::Cursor::new(Vec::new())).unwrap();
            for row in &rows {
                writer.write(row).unwrap();
            }
            writer.finish().unwrap().file.into_inner()
        };
        let shown = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let lines: Vec<Vec<String>> = truth.iter().map(|row| row.values().map(shown).collect()).collect();

        assert_eq!(reader.recipe.file.formats, [Format::Csv, Format::Xlsx]);
        let file = written(Format::Csv);
        let mut csv = csv::Reader::from_reader(file.as_slice());
        assert_eq!(csv.headers().unwrap(), truth[0].keys().map(String::as_str).collect::<Vec<_>>());
        let read: Vec<Vec<String>> =
            csv.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        assert_eq!(read, lines, "{portal:?}");

        let mut book: calamine::Xlsx<_> =
            calamine::open_workbook_from_rs(std::io::Cursor::new(written(Format::Xlsx))).unwrap();
        let sheet = calamine::Reader::worksheet_range_at(&mut book, 0).unwrap().unwrap();
        let read: Vec<Vec<String>> =
            sheet.rows().skip(1).map(|row| row.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(read, lines, "{portal:?}");
    }
}

#[tokio::test]
async fn few_records_and_none_are_all_of_them() {
    for portal in PORTALS {
        for records in [0, 1, 25, 50, 51, 100, 200, 201] {
            let reader = Reader::of(portal, records, Plan::default()).await;
            assert_same(&reader.all().await.whole(), &reader.truth());
        }
    }
}

#[tokio::test]
async fn a_session_that_ends_is_begun_again_without_loss_or_repetition() {
    for (portal, records, requests) in
        [(Portal::Pwmr, 1_330, 9), (Portal::Pwmr, 1_330, 20), (Portal::Bwmr, 2_100, 4), (Portal::Ewmr, 900, 7)]
    {
        let reader = Reader::of(portal, records, Plan::default().sessions_of(requests)).await;
        assert_same(&reader.all().await.whole(), &reader.truth());
        assert!(reader.sign_ins() > 1, "{portal:?}: {}", reader.sign_ins());
    }
}

#[tokio::test]
async fn a_session_that_is_ended_from_outside_is_begun_again() {
    for portal in PORTALS {
        let reader = Reader::of(portal, 1_400, Plan::default()).await;
        let mut scrape = reader.scrape(PASSWORD, None);
        let mut rows = Vec::new();
        while let Some(batch) = scrape.next_page().await.unwrap() {
            rows.extend(batch.rows);
            if batch.place.page % 3 == 0 {
                reader.stand_in.expire(portal, USER);
            }
        }
        assert_same(&rows, &reader.truth());
    }
}

#[tokio::test]
async fn a_session_too_short_for_any_page_is_an_error() {
    for (portal, requests, begins, ends) in [
        (
            Portal::Pwmr,
            1,
            "Procurement, page 1: the portal shows its login form instead of the page, ",
            "also after signing in again",
        ),
        // There is no form in JSON: it says so by its status.
        (Portal::Bwmr, 2, "Transactions, page 1: http://127.77.8.1:", "401"),
    ] {
        let reader = Reader::of(portal, 500, Plan::default().sessions_of(requests)).await;
        let outcome = reader.all().await;
        let error = outcome.error();
        assert!(error.starts_with(begins) && error.ends_with(ends), "{error}");
        assert_eq!(outcome.error.as_ref().map(ScrapeError::remedy), Some(Remedy::Nothing));
        assert_eq!((outcome.rows.len(), reader.sign_ins()), (0, 4));
    }
}

#[tokio::test]
async fn an_account_that_was_let_in_before_may_be_later_where_the_portal_does_not_say_why_not() {
    for portal in PORTALS {
        let reader = Reader::of(portal, 500, Plan::default()).await;
        let mut scrape = reader.scrape(PASSWORD, None);
        let first = scrape.next_page().await.unwrap().unwrap();
        reader.stand_in.change(portal, USER, |account| account.plan = Plan::default().always(What::LoginForm, 0));
        reader.stand_in.expire(portal, USER);
        let again = scrape.next_page().await.unwrap_err();
        let later = reader.scrape(PASSWORD, Some(first.cursor)).next_page().await.unwrap_err();
        for error in [again, later] {
            let told = "the portal shows its login form after signing in, and does not say why; it accepted the name and password before";
            assert_eq!((error.to_string().as_str(), error.remedy()), (told, Remedy::Later), "{portal:?}");
        }
        // Of one that was never let in it is the password that is wrong, as far as anybody knows.
        let error = reader.scrape(PASSWORD, None).next_page().await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::Nothing, "{portal:?}: {error}");
    }
}

#[tokio::test]
async fn a_late_page_is_had_by_the_pagers_blocks() {
    const PAGE: u64 = 1_000;
    let reader = Reader::of(Portal::Pwmr, PAGE * 50 + 20, Plan::default()).await;
    let cursor = serde_json::json!({
        "portal": "pwmr", "version": 1, "listing": 0, "page": PAGE, "rows": PAGE * 50, "claimed": PAGE * 50 + 20, "overall": null,
        "earlier": 0, "pages": PAGE, "bytes": 0, "last": null, "next": null,
    });
    let mut scrape = reader.scrape(PASSWORD, Some(serde_json::from_value(cursor).unwrap()));
    let last = scrape.next_page().await.unwrap().unwrap();
    assert_eq!((last.place.page, last.rows.as_slice()), (1_001, &reader.truth()[50_000..]));
    assert!(scrape.next_page().await.unwrap().is_none());
    // The page after signing in, the first, and one for each block of ten.
    assert_eq!(reader.stand_in.asked(Portal::Pwmr, USER), PAGE / 10 + 2);
}

#[tokio::test]
async fn two_who_read_at_once_sign_each_other_out() {
    for portal in PORTALS {
        let reader = Reader::of(portal, 900, Plan::default()).await;
        let (mut one, mut other) = (reader.scrape(PASSWORD, None), reader.scrape(PASSWORD, None));
        for _ in 0..3 {
            one.next_page().await.unwrap();
            other.next_page().await.unwrap();
        }
        assert_eq!(reader.sign_ins(), 6, "{portal:?}");
    }
}

#[tokio::test]
async fn another_attempt_goes_on_from_any_page() {
    for (portal, records) in [(Portal::Pwmr, 1_130), (Portal::Bwmr, 1_130), (Portal::Ewmr, 300)] {
        let reader = Reader::of(portal, records, Plan::default()).await;
        let truth = reader.truth();
        let mut cursor = None;
        let mut rows = Vec::new();
        loop {
            // Each page by an attempt of its own, with what the one before left, in JSON.
            let mut scrape = reader.scrape(PASSWORD, cursor.take());
            let Some(batch) = scrape.next_page().await.unwrap() else { break };
            rows.extend(batch.rows);
            let kept = serde_json::to_string(&batch.cursor).unwrap();
            assert!(kept.len() < 3_000);
            cursor = Some(serde_json::from_str(&kept).unwrap());
        }
        assert_same(&rows, &truth);
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_half_way_loses_nothing() {
    for portal in PORTALS {
        let reader = Reader::of(portal, 700, Plan::default()).await;
        let mut scrape = reader.scrape(PASSWORD, None);
        let mut rows = Vec::new();
        // Cut at ever other places, until one is long enough.
        let mut patience = Duration::from_micros(500);
        loop {
            match tokio::time::timeout(patience, scrape.next_page()).await {
                Ok(page) => match page.unwrap() {
                    Some(batch) => rows.extend(batch.rows),
                    None => break,
                },
                Err(_) => patience = patience * 3 / 2,
            }
        }
        assert_same(&rows, &reader.truth());
    }
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    for portal in PORTALS {
        let plan = Plan::default()
            .with(What::Status(503), 2, 1)
            .with(What::Cut, 3, 2)
            .with(What::Status(500), 4, 1)
            .with(What::LoginForm, 5, 1)
            .with(What::SessionEnds, 6, 1)
            .with(What::Slow(300), 7, 1);
        let reader = Reader::of(portal, 1_700, plan).await;
        assert_same(&reader.all().await.whole(), &reader.truth());
    }
}

#[tokio::test]
async fn wrong_passwords_are_told_and_not_repeated() {
    for (portal, expected) in [
        (Portal::Pwmr, "the portal did not accept the name and password, and says: Invalid user name or password."),
        (
            Portal::Bwmr,
            "the portal did not accept the name and password, and says: These credentials do not match our records.",
        ),
        // It repeats the name: so it might the password.
        (Portal::Ewmr, "the portal did not accept the name and password"),
    ] {
        let reader = Reader::of(portal, 100, Plan::default()).await;
        let error = reader.scrape("wrong", None).next_page().await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.remedy()), (expected, Remedy::Nothing));
        assert_eq!((reader.attempts(), reader.sign_ins()), (1, 0));
    }
}

/// What a portal does wrong from a page on, and what is said of it. `{c}` is the third column's name, `{total}` what is claimed.
const FAULTS: [(What, &str, Remedy); 21] = [
    (What::ColumnRenamed, "the page's layout has changed: the table has no column", Remedy::Nothing),
    (What::ColumnMissing, "the page's layout has changed: the table has no column", Remedy::Nothing),
    (What::ColumnExtra, "the page's layout has changed: the table has", Remedy::Nothing),
    (What::ColumnTwice, "the page's layout has changed: ", Remedy::Nothing),
    (What::CellMissing, "the page's layout has changed: ", Remedy::Nothing),
    (What::BadDate, "row 1: '", Remedy::Nothing),
    (What::BadNumber, "row 1: '", Remedy::Nothing),
    (What::EmptyCell, "row 1: '", Remedy::Nothing),
    (What::TotalMore, "the records changed while they were read: ", Remedy::Anew),
    (What::TotalLess, "the records changed while they were read: ", Remedy::Anew),
    (What::TotalWord, "the page's layout has changed: total should be a whole number, and is 'many'", Remedy::Nothing),
    (What::TotalMissing, "the page's layout has changed: there is no total", Remedy::Nothing),
    (What::Repeat, "the page repeats the rows of an earlier one", Remedy::Anew),
    (What::RowTwice, "row ", Remedy::Anew),
    (What::NoRows, "the page's layout has changed: it shows no records, and there should be more", Remedy::Nothing),
    (What::NoTable, "the page's layout has changed: there is no ", Remedy::Nothing),
    (
        What::LoginForm,
        "the portal shows its login form instead of the page, also after signing in again",
        Remedy::Nothing,
    ),
    (What::Garbage, "", Remedy::Nothing),
    (What::Words, "", Remedy::Nothing),
    (What::Huge, "", Remedy::Nothing),
    (What::Deep, "", Remedy::Nothing),
];

#[tokio::test]
async fn each_fault_is_told_with_its_place() {
    for portal in PORTALS {
        let listing = if portal == Portal::Ewmr { "Producers" } else { reader_listing(portal) };
        for (what, expected, remedy) in FAULTS {
            let reader = Reader::of(portal, 1_000, Plan::default().always(what, 2)).await;
            let outcome = reader.all().await;
            let error = outcome.error();
            assert!(
                error.starts_with(&format!("{listing}, page 2: {expected}"))
                    || error.contains(expected) && expected.is_empty(),
                "{portal:?}, {what:?}: {error}"
            );
            assert!(error.starts_with(&format!("{listing}, page 2: ")), "{portal:?}, {what:?}: {error}");
            assert_eq!(outcome.error.as_ref().map(ScrapeError::remedy), Some(remedy), "{portal:?}, {what:?}: {error}");
            assert!(!error.contains(PASSWORD) && error.len() < 500, "{error}");
            // What was given before it is what the portal has.
            let truth = reader.truth();
            assert_same(&outcome.rows, &truth[..outcome.rows.len()]);
            assert!(!outcome.rows.is_empty());
        }
    }
}

const fn reader_listing(portal: Portal) -> &'static str {
    match portal {
        Portal::Pwmr => "Procurement",
        Portal::Bwmr => "Transactions",
        Portal::Ewmr => "Producers",
    }
}

#[tokio::test]
async fn totals_that_do_not_add_up_are_never_a_whole_file() {
    for (portal, what, expected) in [
        (
            Portal::Pwmr,
            What::TotalMore,
            "Procurement, page 3: the total does not add up: the portal claims 121 records, and shows 120",
        ),
        (
            Portal::Pwmr,
            What::TotalLess,
            "Procurement, page 3: the total does not add up: the portal claims 119 records, and shows 120",
        ),
        (
            Portal::Bwmr,
            What::TotalMore,
            "Transactions, page 2: the page's layout has changed: it shows no records, and there should be more",
        ),
        (
            Portal::Bwmr,
            What::TotalLess,
            "Transactions, page 1: the total does not add up: the portal claims 119 records, and shows 120",
        ),
        (
            Portal::Ewmr,
            What::TotalMore,
            "Producers, page 1: the total does not add up: the portal claims 21 records, and shows 20",
        ),
    ] {
        let reader = Reader::of(portal, 120, Plan::default().everywhere(what)).await;
        let outcome = reader.all().await;
        assert_eq!(outcome.error(), expected);
    }
    // A row that is missing without a word.
    let reader = Reader::of(Portal::Pwmr, 120, Plan::default().always(What::RowMissing, 2)).await;
    assert_eq!(
        reader.all().await.error(),
        "Procurement, page 3: the total does not add up: the portal claims 120 records, and shows 119"
    );
}

#[tokio::test]
async fn other_changes_are_told_where_a_portal_can_have_them() {
    for (portal, what, expected) in [
        (Portal::Pwmr, What::TwoTables, "there is more than one table (table#ctl00_Main_grdProcurement)"),
        (Portal::Ewmr, What::TwoTables, "there is more than one table (div.tab-content > table)"),
        (Portal::Pwmr, What::NoToken, "the form has no field '__RequestVerificationToken'"),
        (
            Portal::Ewmr,
            What::MoreTabs,
            "the tabs are 'Producers', 'Manufacturers', 'Recyclers', 'Refurbishers', 'Dismantlers', and the recipe has 'Producers', 'Manufacturers', 'Recyclers', 'Refurbishers'",
        ),
    ] {
        let reader = Reader::of(portal, 500, Plan::default().always(what, 2)).await;
        let place = format!("{}, page 2: the page's layout has changed: ", reader_listing(portal));
        assert_eq!(reader.all().await.error(), place + expected);
    }
    for (what, expected) in [
        (What::NoToken, "there is no token for the records (meta[name=csrf-token])"),
        (What::TwoTables, "there is more than one table (table#transactions)"),
        (
            What::ColumnRenamed,
            "the table has no column 'Producer', and has one that the recipe does not know: 'Something else'",
        ),
    ] {
        let reader = Reader::of(Portal::Bwmr, 500, Plan::default().everywhere(what)).await;
        assert_eq!(
            reader.all().await.error(),
            format!("Transactions, page 1: the page's layout has changed: {expected}")
        );
    }
    // Another page than the one that was asked for: the portals that say which one they show.
    for portal in [Portal::Pwmr, Portal::Ewmr] {
        let reader = Reader::of(portal, 500, Plan::default().always(What::FirstPage, 3)).await;
        assert_eq!(
            reader.all().await.error(),
            format!("{}, page 3: the portal showed page 1 instead", reader_listing(portal))
        );
    }
    let reader = Reader::of(Portal::Bwmr, 700, Plan::default().always(What::FirstPage, 3)).await;
    assert_eq!(reader.all().await.error(), "Transactions, page 3: the page repeats the rows of an earlier one");
    // The same table, with columns in other places.
    for portal in PORTALS {
        let reader = Reader::of(portal, 500, Plan::default().everywhere(What::ColumnsSwapped)).await;
        assert_same(&reader.all().await.whole(), &reader.truth());
    }
}

#[tokio::test]
async fn passwords_and_sessions_stay_at_the_portal() {
    for portal in PORTALS {
        for page in [0, 2] {
            let reader = Reader::of(portal, 500, Plan::default().always(What::Elsewhere, page)).await;
            let error = reader.all().await.error();
            let expected = "http://elsewhere.invalid/ was not fetched: who is signed in at http://127.77.8.1:";
            assert!(error.contains(expected), "{portal:?}, {page}: {error}");
        }
        let reader = Reader::of(portal, 500, Plan::default().always(What::Circle, 0)).await;
        let error = reader.all().await;
        assert!(error.error.is_some() && error.rows.is_empty(), "{portal:?}: {}", error.error());
    }
}

#[tokio::test]
async fn a_cursor_of_another_portal_is_refused() {
    let (one, other) =
        (Reader::of(Portal::Pwmr, 100, Plan::default()).await, Reader::of(Portal::Bwmr, 100, Plan::default()).await);
    let cursor = one.all().await.cursor;
    let base = other.stand_in.base(Portal::Bwmr).parse().unwrap();
    let sign_in = SignIn { user: USER.to_owned(), password: PASSWORD.to_owned() };
    let refused = Scrape::new(&other.fetcher, Arc::clone(&other.recipe), &base, sign_in, cursor).err().unwrap();
    assert_eq!(
        (refused.to_string().as_str(), refused.remedy()),
        ("the recipe is another one than when this was begun", Remedy::Anew)
    );
}

#[tokio::test]
async fn whatever_passes_and_whoever_dies_nothing_is_lost_or_repeated() {
    for (portal, seed) in PORTALS.into_iter().flat_map(|portal| (1..=3).map(move |seed| (portal, seed))) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut plan = Plan::default().sessions_of(random.u32(12..30));
        for what in [What::Status(502), What::Cut, What::LoginForm, What::SessionEnds] {
            plan = plan.with(what, random.u32(1..12), random.u32(1..=2));
        }
        let reader = Reader::of(portal, 600 + random.u64(0..200), plan).await;
        let (mut rows, mut cursor) = (Vec::new(), None);
        // Workers come and go: each has a few pages, and leaves what it has told.
        'workers: loop {
            let mut scrape = reader.scrape(PASSWORD, cursor.clone());
            for _ in 0..random.u32(1..6) {
                match scrape.next_page().await {
                    Ok(Some(batch)) => {
                        rows.extend(batch.rows);
                        cursor = Some(batch.cursor);
                    }
                    Ok(None) => break 'workers,
                    Err(error) => assert_eq!(error.remedy(), Remedy::Later, "{portal:?}, {seed}: {error}"),
                }
            }
        }
        assert_same(&rows, &reader.truth());
    }
}
