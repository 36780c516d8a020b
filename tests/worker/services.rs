//! What the tests of both services share.

use std::time::Duration;

use drover_tests::Stack;
use drover_tests::function::{FunctionProcess, Invoked};
use drover_tests::providers::StandIns;
use drover_tests::worker::Worker;
use reqwest::Method;
use serde_json::Value as Json;

use super::limits::in_one_window;

/// A worker who uses the services, with an administrator, and the stand-ins for their providers.
pub(super) struct Services {
    pub stack: Stack,
    pub admin: Worker,
    pub worker: Worker,
    pub stand_ins: StandIns,
}

impl Services {
    pub async fn new() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        stack.set_provider_keys().await?;
        let (admin, worker) = (stack.worker_administrator()?, stack.worker().await?);
        Ok(Self { stack, admin, worker, stand_ins: StandIns::from_environment()? })
    }

    /// A site of its own, whose captchas may be solved.
    pub async fn site(&self) -> anyhow::Result<String> {
        let site = format!("site-{}.example", uuid::Uuid::new_v4().simple());
        self.admin.elsewhere()?.call(Method::PUT, &format!("/captcha/domains/{site}")).await?.success(200)?;
        Ok(site)
    }

    /// The function, on its own, with other settings.
    pub async fn process(&self, settings: &[(&str, &str)]) -> anyhow::Result<FunctionProcess> {
        let mut environment = self.stack.environment_of("worker-services").await?;
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        FunctionProcess::start("worker-services", &environment).await
    }

    /// Asks a function on its own, as the worker.
    pub async fn ask(
        &self,
        process: &FunctionProcess,
        path: &str,
        key: Option<&str>,
        body: &Json,
    ) -> anyhow::Result<Invoked> {
        let mut headers = vec![("X-API-Token", self.worker.token.as_str()), ("Content-Type", "application/json")];
        headers.extend(key.map(|key| ("Idempotency-Key", key)));
        process.request_from(self.worker.address, "POST", &format!("/api{path}"), &headers, &body.to_string()).await
    }
}

/// A minute of the limits' clock with enough left for a test.
pub(super) async fn alone() {
    in_one_window(Duration::from_secs(30)).await;
}
