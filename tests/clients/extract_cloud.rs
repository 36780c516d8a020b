//! contracts/extract-cloud.md: the Python, JavaScript and curl examples.

use std::path::Path;

use anyhow::Context;
use drover_tests::node::{FETCH, node};
use drover_tests::site::Site;
use drover_tests::{Stack, User, id_of};
use serde_json::{Value as Json, json};
use tokio::process::Command;

use super::{FOLDER, Scratch, filled};

const BASE_URL: &str = "https://api.selextract.com";
const KEY: &str = "sk_prod_your_api_key_here";
const TASK: &str = "task_uuid_here";

const SHOP: &str = "<h1 class=product-title>Tea pot</h1><b class=price>£12</b><i class=rating>4.5</i>
    <h1 class=product-title>Cup</h1><b class=price>£3</b><i class=rating>5</i>";

async fn shop() -> anyhow::Result<(Stack, User, Site)> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    Ok((stack, user, Site::of([("/products", SHOP.to_owned())]).await?))
}

fn rows() -> Json {
    json!([{"title": "Tea pot", "price": "£12", "rating": "4.5"}, {"title": "Cup", "price": "£3", "rating": "5"}])
}

#[tokio::test]
async fn the_python_client_runs_as_it_stands() -> anyhow::Result<()> {
    let (stack, _, site) = shop().await?;
    let user = stack.user().await?;
    let python = std::env::var("DROVER_PYTHON").context("DROVER_PYTHON is not set: run the suites by tests/run")?;
    let scratch = Scratch::new()?;
    let program = Path::new(FOLDER).join("extract_cloud_client.py");
    let mut command = Command::new(python);
    command.arg(Path::new(FOLDER).join("run_client.py")).arg(program).args([
        &stack.url,
        &user.key,
        &site.url("/products"),
    ]);
    let told = scratch.run(&mut command).await?;
    assert!(
        told.starts_with("Task created: ") && told.ends_with("Status: completed\nResults downloaded successfully\n"),
        "{told}"
    );
    assert_eq!(scratch.read_json("results.json")?, rows());
    Ok(())
}

#[tokio::test]
async fn the_curl_examples_run_as_they_stand() -> anyhow::Result<()> {
    let (stack, user, site) = shop().await?;
    let scratch = Scratch::new()?;
    // What curl says of its progress is not for the tests' own terminal; `sh -c` has each command as it is written.
    let shell = async |commands: String| scratch.run(Command::new("sh").arg("-c").arg(commands)).await;

    let page = site.url("/products");
    let values = [(BASE_URL, stack.url.as_str()), (KEY, &user.key), ("https://example.com/products", &page)];
    let task: Json = serde_json::from_str(&shell(filled("extract_cloud_create.sh", &values)?).await?)?;
    assert_eq!((&task["status"], &task["name"]), (&json!("pending"), &json!("Extract product data")), "{task}");
    let ended = user.ended(&task).await?;

    let values = [(BASE_URL, stack.url.as_str()), (KEY, &user.key), (TASK, id_of(&task)?)];
    let status: Json = serde_json::from_str(&shell(filled("extract_cloud_status.sh", &values)?).await?)?;
    assert_eq!((&status, &status["status"]), (&ended, &json!("completed")));

    shell(filled("extract_cloud_download.sh", &values)?).await?;
    let expected = json!([{"title": "Tea pot", "price": "£12"}, {"title": "Cup", "price": "£3"}]);
    assert_eq!(scratch.read_json("results.json")?, expected);
    Ok(())
}

#[tokio::test]
async fn the_javascript_client_runs_as_it_stands() -> anyhow::Result<()> {
    let Some(mut node) = node(FETCH).await else { return Ok(()) };
    let (stack, user, site) = shop().await?;
    let scratch = Scratch::new()?;
    let page = site.url("/products");
    let values = [(BASE_URL, stack.url.as_str()), (KEY, &user.key), ("https://example-store.com/products", &page)];
    let program = filled("extract_cloud_client.js", &values)?;
    let told = scratch.run(node.arg("-e").arg(program)).await?;
    let tasks = user.get("/tasks").await?;
    let download = format!("Download URL: /tasks/{}/download\n", id_of(&tasks[0])?);
    assert!(told.contains("Task completed successfully!\n") && told.ends_with(&download), "{told}");
    let result: Json = user.download(&tasks[0]).await?.json().await?;
    assert_eq!(result, rows());
    Ok(())
}
