//! `GET /tasks/{task_id}/download`.

use std::fmt::Write as _;
use std::io::Cursor;
use std::time::Duration;

use calamine::{Data, Reader, Xlsx};
use drover_tests::answer::{Answer, is_timestamp};
use drover_tests::quiet::QuietTasks;
use drover_tests::site::Site;
use drover_tests::{Stack, User, id_of};
use extract::TaskType;
use reqwest::{Method, redirect};
use serde_json::{Value as Json, json};
use table::Clock;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

const SHEET: &str = "<table>
    <tr><td>=1+1</td><td>a, b</td></tr>
    <tr><td>+44 20</td><td>say \"hi\"</td></tr>
    <tr><td>-5.5</td><td>two
      lines</td></tr>
    <tr><td>@sum</td><td>=HYPERLINK(\"http://evil.example\")</td></tr>
    <tr><td>-cmd</td></tr>
  </table>";

async fn result(user: &User, config: Json) -> anyhow::Result<Answer> {
    let task = user.create_task(config).await?;
    let task = user.ended(&task).await?;
    anyhow::ensure!(task["status"] == "completed", "{task}");
    Answer::of(user.download(&task).await?).await
}

#[tokio::test]
async fn json_is_an_array_of_rows_in_the_selectors_order() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let site = Site::of([("/a", "<h1>A</h1><p>1</p><p>2</p>".to_owned()), ("/b", "<h1>B</h1>".to_owned())]).await?;
    let selectors = json!({"text": {"selector": "p", "type": "integer"}, "title": "h1"});
    let task = user.create_task(json!({"urls": [site.url("/a"), site.url("/b")], "selectors": selectors})).await?;
    let task = user.ended(&task).await?;
    let answer = Answer::of(user.download(&task).await?).await?;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let disposition = format!("attachment; filename=\"{}.json\"", id_of(&task)?);
    assert_eq!(answer.header("content-disposition"), Some(disposition.as_str()));
    let expected =
        "[\n  {\"text\":1,\"title\":\"A\"},\n  {\"text\":2,\"title\":null},\n  {\"text\":null,\"title\":\"B\"}\n]\n";
    assert_eq!(answer.text()?, expected);
    Ok(())
}

#[tokio::test]
async fn csv_is_quoted_and_holds_no_formulas() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let site = Site::of([("/", SHEET.to_owned())]).await?;
    let selectors = json!({"=first": "td:first-child", "second, third": "td:nth-child(2)"});
    let answer =
        result(&user, json!({"urls": [site.url("/")], "selectors": selectors, "output_format": "csv"})).await?;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(answer.header("content-disposition").is_some_and(|name| name.ends_with(".csv\"")), "{answer:?}");
    let expected = [
        "'=first,\"second, third\"",
        "'=1+1,\"a, b\"",
        "'+44 20,\"say \"\"hi\"\"\"",
        "-5.5,two lines",
        "'@sum,\"'=HYPERLINK(\"\"http://evil.example\"\")\"",
        "'-cmd,",
        "",
    ];
    assert_eq!(answer.text()?.split("\r\n").collect::<Vec<_>>(), expected);
    Ok(())
}

#[tokio::test]
async fn a_workbook_keeps_types_and_holds_no_formulas() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let site = Site::of([("/", SHEET.to_owned())]).await?;
    let selectors = json!({
        "=first": "td:first-child",
        "number": {"selector": "td:first-child", "type": "number"},
        "all": {"selector": "td:nth-child(2)", "multiple": true},
    });
    let answer =
        result(&user, json!({"urls": [site.url("/")], "selectors": selectors, "output_format": "xlsx"})).await?;
    let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    assert_eq!(answer.header("content-type"), Some(media_type));
    assert!(answer.header("content-disposition").is_some_and(|name| name.ends_with(".xlsx\"")), "{answer:?}");

    // Read by another implementation.
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(answer.body.clone()))?;
    let sheet = book.worksheet_range("Sheet1")?;
    let text = |text: &str| Data::String(text.to_owned());
    assert_eq!(sheet.rows().next(), Some([text("=first"), text("number"), text("all")].as_slice()));
    let firsts: Vec<_> = sheet.rows().skip(1).map(|row| row[0].clone()).collect();
    assert_eq!(firsts, ["=1+1", "+44 20", "-5.5", "@sum", "-cmd"].map(text));
    assert_eq!(sheet.get((3, 1)), Some(&Data::Float(-5.5)));
    let all: Json = serde_json::from_str(&sheet.get((1, 2)).map(ToString::to_string).unwrap_or_default())?;
    assert_eq!(all[3], "=HYPERLINK(\"http://evil.example\")");
    assert_eq!(book.worksheet_formula("Sheet1")?.used_cells().count(), 0);
    Ok(())
}

#[tokio::test]
async fn metadata_says_of_each_row_where_it_is_from() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let site = Site::of([("/", "<h1>A</h1>".to_owned())]).await?;
    let page = site.url("/?q=a,b");
    let config = |format: &str| json!({"urls": [page], "selectors": {"title": "h1"}, "include_metadata": true, "output_format": format});
    let rows = result(&user, config("json")).await?.json()?;
    let fetched_at = rows[0]["_fetched_at"].as_str().unwrap_or_default();
    assert!(is_timestamp(fetched_at), "{rows}");
    let expected = json!([{"_url": page, "_final_url": page, "_status": 200, "_fetched_at": fetched_at, "title": "A"}]);
    assert_eq!(rows, expected);

    let csv = result(&user, config("csv")).await?;
    let lines: Vec<_> = csv.text()?.split("\r\n").collect();
    assert_eq!(lines[0], "_url,_final_url,_status,_fetched_at,title");
    assert!(lines[1].starts_with(&format!("\"{page}\",\"{page}\",200,")) && lines[1].ends_with("Z,A"), "{lines:?}");
    Ok(())
}

#[tokio::test]
async fn a_large_result_is_fetched_from_where_the_answer_says() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    let mut page = String::new();
    for paragraph in 0..80 {
        write!(page, "<p>{paragraph} {}</p>", "x".repeat(60_000))?;
    }
    let site = Site::of([("/", page)]).await?;
    let task = user.create_task(json!({"urls": [site.url("/")], "selectors": {"text": "p"}})).await?;
    let task = user.ended(&task).await?;
    assert_eq!(task["status"], "completed", "{task}");

    let client = reqwest::Client::builder().redirect(redirect::Policy::none()).timeout(PATIENCE).build()?;
    let url = format!("{}/tasks/{}/download", Stack::from_environment()?.url, id_of(&task)?);
    let answer = Answer::of(client.get(url).bearer_auth(&user.key).send().await?).await?;
    assert_eq!(answer.status, 302);
    let address = answer.header("location").unwrap_or_default().to_owned();
    let file = Answer::of(client.get(&address).send().await?).await?;
    assert_eq!((file.status, file.header("content-type")), (200, Some("application/json")));
    assert!(
        file.header("content-disposition").is_some_and(|name| name.contains(id_of(&task).unwrap_or("?"))),
        "{address}"
    );
    let rows = file.json()?;
    assert_eq!(rows.as_array().map(Vec::len), Some(80));
    assert_eq!(rows[79]["text"].as_str().map(str::len), Some("79 ".len() + 60_000));

    user.call(Method::DELETE, &format!("/tasks/{}", id_of(&task)?)).await?;
    assert_eq!(client.get(&address).send().await?.status(), 404, "the file is gone with its task");
    Ok(())
}

#[tokio::test]
async fn there_is_nothing_to_download_before_the_end() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let quiet = QuietTasks::new(&stack, Clock::system()).await?;
    let (waits, fails) = tokio::try_join!(
        quiet.pending(&user, "Waits", TaskType::SimpleScraping),
        quiet.pending(&user, "Fails", TaskType::SimpleScraping)
    )?;
    quiet.fail(&fails).await?;
    for task in [waits, fails] {
        let answer = user.call(Method::GET, &format!("/tasks/{}/download", task.id)).await?;
        assert!(answer.error(404, "resource_not_found")?.contains("no results"), "{answer:?}");
    }
    Ok(())
}
