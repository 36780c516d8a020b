//! AWS, called with anybody's credentials. Nothing is tried again and nothing is hidden: a refusal is seen as the service tells it.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, ensure};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::Method;
use serde_json::Value as Json;
use table::Clock;

use crate::Stack;
use crate::answer::Answer;

/// The emulator does one thing at a time, and may be busy with others' tests.
const PATIENCE: Duration = Duration::from_mins(1);

/// Somebody who calls AWS.
#[derive(Clone, Debug)]
pub struct Caller {
    credentials: Credentials,
    region: String,
    endpoint: String,
    client: reqwest::Client,
}

/// What is asked of a service.
#[derive(Clone, Debug)]
pub struct Call {
    service: &'static str,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// What a service answered.
#[derive(Clone, Debug)]
pub struct Told {
    /// What came of it.
    pub outcome: Outcome,
    /// The body.
    pub body: String,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// The caller may not.
    Refused,
    /// It was not done for another reason: the error's code.
    Failed(String),
}

impl Call {
    /// By the JSON protocol, as of DynamoDB: `target` names the service's interface and the operation.
    #[must_use]
    pub fn json(service: &'static str, target: &str, body: &Json) -> Self {
        let headers =
            vec![("content-type", "application/x-amz-json-1.0".to_owned()), ("x-amz-target", target.to_owned())];
        Self { service, method: Method::POST, path: "/".to_owned(), headers, body: body.to_string() }
    }

    /// By the query protocol, as of IAM: a form whose answer is XML.
    #[must_use]
    pub fn query(service: &'static str, version: &str, action: &str, parameters: &[(&str, &str)]) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", version).extend_pairs(parameters);
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        Self { service, method: Method::POST, path: "/".to_owned(), headers, body: form.finish() }
    }

    /// By REST, as of S3: `path` may have a query.
    #[must_use]
    pub fn rest(service: &'static str, method: Method, path: String) -> Self {
        Self { service, method, path, headers: Vec::new(), body: String::new() }
    }

    /// With a body of JSON.
    #[must_use]
    pub fn body(mut self, body: &Json) -> Self {
        self.body = body.to_string();
        self.header("content-type", "application/json")
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl Stack {
    /// The operator, who may do everything.
    pub async fn operator(&self) -> anyhow::Result<Caller> {
        let provider = self.config.credentials_provider().context("no credentials: run the suites by tests/run")?;
        Ok(Caller {
            credentials: provider.provide_credentials().await?,
            region: self.config.region().context("no region")?.to_string(),
            endpoint: self.config.endpoint_url().context("these suites are for a local cloud")?.to_owned(),
            client: reqwest::Client::builder().timeout(PATIENCE).build()?,
        })
    }
}

impl Caller {
    /// The same way to AWS with other credentials.
    #[must_use]
    pub fn with(&self, key: &str, secret: &str, token: Option<&str>) -> Self {
        let credentials = Credentials::new(key, secret, token.map(str::to_owned), None, "test");
        Self { credentials, ..self.clone() }
    }

    /// The caller's credentials.
    #[must_use]
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The region that is called.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Calls, and gives whatever comes of it.
    pub async fn call(&self, call: &Call) -> anyhow::Result<Told> {
        let url = format!("{}{}", self.endpoint, call.path);
        let signed = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let body = SignableBody::Bytes(call.body.as_bytes());
        let request = SignableRequest::new(call.method.as_str(), &url, signed, body)?;
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(call.service)
            .time(UNIX_EPOCH + Duration::from_millis(Clock::system().now().0))
            .settings(settings)
            .build()?
            .into();
        let (signature, _) = sign(request, &parameters)?.into_parts();
        let mut request = self.client.request(call.method.clone(), &url).body(call.body.clone());
        for (name, value) in signature.headers().chain(call.headers.iter().map(|(name, value)| (*name, value.as_str())))
        {
            request = request.header(name, value);
        }
        Told::of(&Answer::of(request.send().await?).await?)
    }

    /// Calls, and fails unless it is done.
    pub async fn ask(&self, call: &Call) -> anyhow::Result<Told> {
        let told = self.call(call).await?;
        ensure!(told.outcome == Outcome::Done, "{call:?} was not done: {told:?}");
        Ok(told)
    }
}

impl Told {
    fn of(answer: &Answer) -> anyhow::Result<Self> {
        let body = String::from_utf8(answer.body.clone())?;
        if (200..300).contains(&answer.status) {
            return Ok(Self { outcome: Outcome::Done, body });
        }
        let in_json = serde_json::from_str(&body).ok().and_then(|body: Json| Some(body["__type"].as_str()?.to_owned()));
        let in_header = || Some(answer.header("x-amzn-errortype")?.to_owned());
        let in_xml = || texts(&body, "Code").into_iter().next();
        let code = in_json
            .or_else(in_header)
            .or_else(in_xml)
            .with_context(|| format!("an error without a code: {answer:?}"))?;
        // A code may have its interface before it, or a link behind it.
        let code = code.split('#').next_back().unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
        let refused = ["AccessDenied", "AccessDeniedException", "AuthorizationError"].contains(&code.as_str());
        Ok(Self { outcome: if refused { Outcome::Refused } else { Outcome::Failed(code) }, body })
    }

    /// The body's JSON.
    pub fn json(&self) -> anyhow::Result<Json> {
        serde_json::from_str(&self.body).with_context(|| format!("no JSON: {}", self.body))
    }

    /// The texts of the body's XML elements of this name.
    #[must_use]
    pub fn texts(&self, element: &str) -> Vec<String> {
        texts(&self.body, element)
    }

    /// The text of the body's one XML element of this name.
    pub fn text(&self, element: &str) -> anyhow::Result<String> {
        self.texts(element).into_iter().next().with_context(|| format!("no {element}: {}", self.body))
    }
}

/// The texts of the elements of this name. The answers of the query protocol have neither attributes nor elements within ones of the same name.
fn texts(xml: &str, element: &str) -> Vec<String> {
    let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
    xml.split(&begin).skip(1).filter_map(|rest| Some(rest.split_once(&end)?.0.to_owned())).collect()
}
