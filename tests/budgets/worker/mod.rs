//! The cost of one request at each endpoint of the worker API.

mod records;
mod services;
mod tasks;

use drover_tests::worker::Worker;
use reqwest::{Method, RequestBuilder};
use serde_json::Value as Json;

use super::bound::Bound;
use super::cost::Cost;
use super::requests::{KEY, warm_up};

/// Whose token a request has.
#[derive(Clone, Copy, Debug)]
enum By {
    Worker,
    Administrator,
    Nobody,
}

impl By {
    /// What a function costs more that has not seen their key in the last 30 seconds. An administrator's has an owner, who is read as well.
    fn cold(self) -> Cost {
        match self {
            Self::Worker => KEY,
            Self::Administrator => KEY.plus(&KEY),
            Self::Nobody => Cost::NOTHING,
        }
    }
}

impl Bound<By> {
    fn worker(
        what: &'static str,
        method: Method,
        path: &'static str,
        body: Option<Json>,
        status: u16,
        cost: Cost,
    ) -> Self {
        Self::new(what, method, path, body, By::Worker, status, cost)
    }

    fn admin(
        what: &'static str,
        method: Method,
        path: &'static str,
        body: Option<Json>,
        status: u16,
        cost: Cost,
    ) -> Self {
        Self::new(what, method, path, body, By::Administrator, status, cost)
    }

    fn nobody(what: &'static str, path: &'static str, status: u16, cost: Cost) -> Self {
        Self::get(what, path, By::Nobody, status, cost)
    }

    /// The request, from an address of its own: this is about costs, not limits.
    fn request(&self, admin: &Worker, worker: &Worker, path: &str) -> anyhow::Result<RequestBuilder> {
        let request = match self.by {
            By::Worker => worker.elsewhere()?.request(self.method.clone(), path),
            By::Administrator => admin.elsewhere()?.request(self.method.clone(), path),
            By::Nobody => worker.elsewhere()?.anonymous(self.method.clone(), path),
        };
        Ok(self.with_body(request))
    }
}

/// Shows the callers' tokens to the functions, and the key of the seals.
async fn warm_up_for(callers: &[&Worker], path: &str) -> anyhow::Result<()> {
    for caller in callers {
        let caller = caller.elsewhere()?;
        warm_up(async || caller.call(Method::GET, path).await).await?;
    }
    Ok(())
}
