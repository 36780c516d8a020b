//! `infra/edge/sockets.js`: what the edge makes of a caller's address, asked as it is there.

use std::path::Path;

use anyhow::{Context, ensure};
use drover_tests::node::{FETCH, node};
use serde_json::{Value as Json, json};

const ID: &str = "550e8400-e29b-41d4-a716-446655440000";

#[tokio::test]
async fn a_jobs_socket_is_the_stage_with_the_job_in_the_query() -> anyhow::Result<()> {
    let Some(mut node) = node(FETCH).await else { return Ok(()) };
    let ask = |method: &str, uri: &str, query: &Json| json!({"request": {"method": method, "uri": uri, "querystring": query, "headers": {}}});
    let query = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), json!({"value": value}))).collect::<Json>()
    };
    let job = format!("/ws/jobs/{ID}");
    let cases = [
        (job.as_str(), query(&[]), Some(query(&[("job_id", ID)]))),
        (&job, query(&[("api_key", "k")]), Some(query(&[("api_key", "k"), ("job_id", ID)]))),
        (&job, query(&[("job_id", "8")]), Some(query(&[("job_id", ID)]))),
        ("/ws/jobs/7", query(&[]), Some(query(&[("job_id", "7")]))),
        ("/ws/jobs/", query(&[]), None),
        ("/ws/jobs/7/8", query(&[]), None),
        ("/ws/jobs/7&api_key=k", query(&[]), None),
        ("/ws/jobs/%37", query(&[]), None),
        ("/ws/jobs", query(&[]), None),
        ("/ws/elsewhere/7", query(&[]), None),
        ("/a/ws/jobs/7", query(&[]), None),
        ("/live", query(&[("job_id", ID)]), None),
    ];
    let mut requests: Vec<_> = cases.iter().map(|(uri, query, _)| ask("GET", uri, query)).collect();
    requests.push(ask("POST", &job, &query(&[])));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/edge/sockets.js");
    let source = std::fs::read_to_string(file)?;
    let program = format!("{source}\nconsole.log(JSON.stringify({}.map(handler)))", json!(requests));
    let output = node.arg("-e").arg(program).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Json = serde_json::from_slice(&output.stdout)?;
    for ((uri, _, expected), answer) in cases.iter().zip(answers.as_array().context("no list")?) {
        let is_right = match expected {
            Some(query) => answer["uri"] == "/live" && answer["querystring"] == *query,
            None => answer["statusCode"] == 404 && answer["uri"].is_null(),
        };
        ensure!(is_right, "{uri}: {answer}");
    }
    let posted = &answers[cases.len()];
    ensure!(posted["statusCode"] == 405 && posted["headers"]["allow"]["value"] == "GET", "{posted}");
    Ok(())
}
