//! CloudWatch, asked by its JSON protocol. AWS's own crate for it would bring a second version of `http` and arithmetic of big numbers into every build:
//! two operations are not worth that.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use outbound::Outbound;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::aws::SdkConfig;
use table::{Clock, Millis};

use crate::call::CallFault;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How far back a metric is looked for: those of SQS come up to a few minutes late.
const LOOKED_BACK: Duration = Duration::from_mins(10);
/// By how much what rules did comes late.
const LATE: Duration = Duration::from_mins(3);
const INTERFACE: &str = "GraniteServiceVersion20100801";

/// CloudWatch of a region.
pub(crate) struct CloudWatch {
    config: SdkConfig,
    outbound: Outbound,
}

impl CloudWatch {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { config: config.clone(), outbound: Outbound::new(PATIENCE) }
    }

    /// Alarms of these names, a hundred at most, those that there are.
    pub(crate) async fn alarms(&self, names: &[&str]) -> Result<Vec<Json>, CallFault> {
        let asked = json!({"AlarmNames": names, "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100});
        let mut answer = self.ask("DescribeAlarms", &asked).await?;
        let mut alarms = Vec::new();
        for kind in ["MetricAlarms", "CompositeAlarms"] {
            if let Json::Array(found) = answer[kind].take() {
                alarms.extend(found);
            }
        }
        Ok(alarms)
    }

    /// How long the oldest message of a queue has waited, if that was measured in the last minutes.
    pub(crate) async fn oldest_message(&self, queue: &str, now: Millis) -> Result<Option<Duration>, CallFault> {
        let points =
            self.points("AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName", queue), "Maximum", LOOKED_BACK, now);
        let points = points.await?;
        let when = |point: &Json| point["Timestamp"].as_f64().unwrap_or_default();
        let newest = points.iter().max_by(|a, b| when(a).total_cmp(&when(b)));
        Ok(newest.and_then(|point| Duration::try_from_secs_f64(point["Maximum"].as_f64()?).ok()))
    }

    /// Whether a rule has called anybody within a time, as far as that is known yet.
    pub(crate) async fn has_fired(&self, rule: &str, within: Duration, now: Millis) -> Result<bool, CallFault> {
        let within = within.saturating_add(LATE);
        let points = self.points("AWS/Events", "Invocations", ("RuleName", rule), "Sum", within, now).await?;
        Ok(points.iter().any(|point| point["Sum"].as_f64().is_some_and(|sum| sum > 0.0)))
    }

    /// What was measured of a thing within a time, minute by minute.
    async fn points(
        &self,
        namespace: &str,
        metric: &str,
        (kind, name): (&str, &str),
        statistic: &str,
        within: Duration,
        now: Millis,
    ) -> Result<Vec<Json>, CallFault> {
        let seconds = |at: Millis| at.0 / 1_000;
        let asked = json!({
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": kind, "Value": name}],
            "StartTime": seconds(now.before(within)),
            "EndTime": seconds(now),
            "Period": 60,
            "Statistics": [statistic],
        });
        match self.ask("GetMetricStatistics", &asked).await?["Datapoints"].take() {
            Json::Array(points) => Ok(points),
            _ => Ok(Vec::new()),
        }
    }

    async fn ask(&self, operation: &str, body: &Json) -> Result<Json, CallFault> {
        let request = self.request(operation, body).await?;
        let answer = self.outbound.send(request, outbound::Fault::is_of_transport).await;
        let answer = answer.map_err(|fault| CallFault::unreachable(format!("CloudWatch {fault}")))?;
        let told: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status == 200 {
            return Ok(told);
        }
        let message = told["message"].as_str().or_else(|| told["Message"].as_str()).unwrap_or_default();
        Err(CallFault::of_answer(answer.status, told["__type"].as_str().unwrap_or("?"), message))
    }

    async fn request(&self, operation: &str, body: &Json) -> Result<reqwest::Request, CallFault> {
        let fault = |why: &str| CallFault::unreachable(format!("CloudWatch cannot be asked: {why}"));
        let region = self.config.region().ok_or_else(|| fault("no region"))?.as_ref();
        let url = match self.config.endpoint_url() {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://monitoring.{region}.amazonaws.com/"),
        };
        let target = format!("{INTERFACE}.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", target.as_str())];
        let body = body.to_string();
        let provider = self.config.credentials_provider().ok_or_else(|| fault("no credentials"))?;
        let identity = provider.provide_credentials().await.map_err(|_| fault("no credentials"))?.into();
        // By this machine's clock, which AWS's own clients correct by what they are answered: where it is wrong, `doctor` has a line for the clock.
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("monitoring")
            .time(UNIX_EPOCH + Duration::from_millis(Clock::system().now().0))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| fault(&error.to_string()))?
            .into();
        let signable = SignableRequest::new("POST", &url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()));
        let signed =
            signable.and_then(|request| sign(request, &parameters)).map_err(|error| fault(&error.to_string()))?;
        let client = self.outbound.client().map_err(|error| fault(&error.to_string()))?;
        let mut request = client.request(Method::POST, &url);
        for (name, value) in signed.output().headers().chain(headers) {
            request = request.header(name, value);
        }
        request.body(body).build().map_err(|_| fault("its address is none"))
    }
}
