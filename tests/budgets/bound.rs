//! A row of the budgets: a request, and what it may cost.

use reqwest::{Method, RequestBuilder};
use serde_json::Value as Json;

use super::cost::Cost;

/// A request: what it is, and what it may cost. `By` is who asks, and what has to go before, as each suite needs it.
#[derive(Clone, Debug)]
pub(crate) struct Bound<By> {
    pub(crate) what: &'static str,
    pub(crate) method: Method,
    /// What is in braces stands for something that the suite has at hand.
    pub(crate) path: &'static str,
    pub(crate) body: Option<Json>,
    pub(crate) by: By,
    pub(crate) status: u16,
    pub(crate) cost: Cost,
}

/// Who asks something of the extraction cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum As {
    Nobody,
    Key,
    Session,
}

impl<By> Bound<By> {
    pub(crate) const fn new(
        what: &'static str,
        method: Method,
        path: &'static str,
        body: Option<Json>,
        by: By,
        status: u16,
        cost: Cost,
    ) -> Self {
        Self { what, method, path, body, by, status, cost }
    }

    /// A row that asks for something, without a body.
    pub(crate) const fn get(what: &'static str, path: &'static str, by: By, status: u16, cost: Cost) -> Self {
        Self::new(what, Method::GET, path, None, by, status, cost)
    }

    /// The request with its body, if it has one.
    pub(crate) fn with_body(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// What the row is about.
    pub(crate) fn endpoint(&self) -> (String, &'static str) {
        (self.method.to_string(), self.path)
    }
}
