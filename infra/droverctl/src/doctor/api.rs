//! The API: whether it answers, and what its clock says.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use outbound::Outbound;
use serde_json::Value as Json;
use table::Millis;

use crate::deployment::Deployment;

use super::expected::Expected;
use super::finding::{About, Finding};

/// How long the answer may take: a cold function's first.
const PATIENCE: Duration = Duration::from_secs(15);
/// From how far apart clocks are told of, in seconds.
const SKEW_TOLD: u64 = 30;
/// From how far apart AWS refuses what is signed, in seconds.
const SKEW_REFUSED: u64 = 300;

pub(super) async fn look(deployment: &Deployment, expected: &Expected, url: Option<&str>) -> Vec<Finding> {
    let Some(url) = url.map(str::to_owned).or_else(|| address(deployment, expected)) else {
        let about = About::new("api", &deployment.stack);
        return vec![about.not_checked("the stack does not say where its API is: name it with --url")];
    };
    let url = format!("{}/health", url.trim_end_matches('/'));
    let about = About::new("api", &url);
    let outbound = Outbound::new(PATIENCE);
    let request = outbound
        .client()
        .map_err(|fault| fault.to_string())
        .and_then(|client| client.get(&url).build().map_err(|_| "has an address that is none".to_owned()));
    let answer = match request {
        Ok(request) => {
            outbound.send(request, outbound::Fault::is_of_transport).await.map_err(|fault| fault.to_string())
        }
        Err(fault) => Err(fault),
    };
    match answer {
        Err(fault) => vec![about.fault(
            format!("it {fault}"),
            "is the address right (--url), and does this machine reach it? If so, see the functions here and API Gateway's stage",
        )],
        Ok(answer) => {
            let date = answer.headers.get("date").and_then(|date| date.to_str().ok());
            let clock = About::new("clock", "this machine's");
            vec![judge(&about, answer.status, &answer.body), judge_clock(&clock, date, deployment.clock.now())]
        }
    }
}

/// Where the API is: as an emulator has it, or AWS.
fn address(deployment: &Deployment, expected: &Expected) -> Option<String> {
    if !deployment.is_local() {
        return expected.outputs.get("ApiUrl").cloned();
    }
    let (emulator, api) = (deployment.config.endpoint_url()?, expected.outputs.get("RestApiId")?);
    let stage = expected.outputs.get("StageName").map_or("live", String::as_str);
    Some(format!("{}/restapis/{api}/{stage}/_user_request_", emulator.trim_end_matches('/')))
}

fn judge(about: &About, status: u16, body: &[u8]) -> Finding {
    let told: Json = serde_json::from_slice(body).unwrap_or_default();
    if status == 200 && told["status"] == "healthy" {
        return about.ok("healthy");
    }
    about.fault(
        format!("it answered {status}, and is not healthy"),
        "see the log of extract-tasks, which answers there; `droverctl doctor` has a line for its function",
    )
}

fn judge_clock(about: &About, date: Option<&str>, now: Millis) -> Finding {
    let then = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let Some(then) = then.and_then(|then| u64::try_from(then.as_second()).ok()) else {
        return about.not_checked("the API does not say what time it is");
    };
    let apart = (now.0 / 1_000).abs_diff(then);
    let mend = "set this machine's clock: turn NTP on (timedatectl set-ntp true)";
    match apart {
        SKEW_REFUSED.. => about.fault(format!("it is {apart} s off: AWS refuses what it signs"), mend),
        SKEW_TOLD.. => about.warning(format!("it is {apart} s off: ages and leases are shown wrong here"), mend),
        _ => about.ok(format!("{apart} s off")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn the_api_is_well_if_it_says_so() {
        let about = About::new("api", "x");
        for (status, body, verdict) in [
            (200, r#"{"status":"healthy"}"#, Verdict::Ok),
            (200, r#"{"status":"degraded"}"#, Verdict::Fault),
            (200, "<html>", Verdict::Fault),
            (503, r#"{"status":"healthy"}"#, Verdict::Fault),
        ] {
            assert_eq!(judge(&about, status, body.as_bytes()).verdict, verdict, "{status} {body}");
        }
    }

    #[test]
    fn a_clock_may_be_off_by_what_a_request_takes() {
        let about = About::new("clock", "x");
        let now = Millis(784_111_777_000);
        for (date, verdict) in [
            (Some("Sun, 06 Nov 1994 08:49:37 GMT"), Verdict::Ok),
            (Some("Sun, 06 Nov 1994 08:49:30 GMT"), Verdict::Ok),
            (Some("Sun, 06 Nov 1994 08:48:37 GMT"), Verdict::Warning),
            (Some("Sun, 06 Nov 1994 08:58:37 GMT"), Verdict::Fault),
            (Some("yesterday"), Verdict::NotChecked),
            (None, Verdict::NotChecked),
        ] {
            assert_eq!(judge_clock(&about, date, now).verdict, verdict, "{date:?}");
        }
    }
}
