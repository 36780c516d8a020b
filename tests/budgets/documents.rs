//! The cost of the document of the APIs and of its pages: nothing.

use std::time::Duration;

use anyhow::{Context, ensure};
use drover_tests::Stack;

use super::cost::Cost;
use super::requests::{cost_of, measured, over};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
const FREE: Cost = Cost::new(0, 0.0, 0.0, 0);

#[tokio::test]
async fn the_document_and_its_pages_cost_nothing() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let mut faults = Vec::new();
    for (path, status) in [
        ("/openapi.json", 200),
        ("/docs", 200),
        ("/redoc", 200),
        ("/docs/assets/swagger-ui.js", 200),
        ("/docs/assets/redoc.js", 200),
        ("/docs/assets/nothing.js", 404),
    ] {
        let ask = async || cost_of(&stack, "api-docs", client.get(format!("{}{path}", stack.url)), status).await;
        let costs = measured(&FREE, ask).await.context(path)?;
        faults.extend(over(path, &costs, &FREE, &FREE)?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}
