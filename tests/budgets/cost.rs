//! Costs as they are bounded and as they are logged.

use std::fmt;

use anyhow::Context;
use drover_tests::Stack;
use serde_json::Value as Json;

/// What a request or a message costs. `dynamodb` and `others` (S3, SQS) are numbers of requests; `read` and `written` are DynamoDB's
/// request units. `refused` is how many of the requests are single writes whose condition fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) dynamodb: u32,
    pub(crate) read: f64,
    pub(crate) written: f64,
    pub(crate) others: u32,
    refused: u32,
}

impl Cost {
    /// Nothing at all.
    pub(crate) const NOTHING: Self = Self::new(0, 0.0, 0.0, 0);

    /// `dynamodb` requests, `read` and `written` units, `others`.
    pub(crate) const fn new(dynamodb: u32, read: f64, written: f64, others: u32) -> Self {
        Self { dynamodb, read, written, others, refused: 0 }
    }

    /// The cost of a request one of whose single writes is refused.
    pub(crate) const fn refused(self) -> Self {
        Self { refused: self.refused + 1, ..self }
    }

    /// The bound as the stack's engine can be held to it. DynamoDB Local of 2020 counts an index's capacity otherwise, and tells nothing of the
    /// item that refused a write: it is read.
    pub(crate) const fn measurable_on(self, stack: &Stack) -> Self {
        if stack.counts_capacity {
            return self;
        }
        Self { dynamodb: self.dynamodb + self.refused, read: f64::INFINITY, written: f64::INFINITY, ..self }
    }

    /// The cost that a log line tells.
    pub(crate) fn logged(line: &Json) -> anyhow::Result<Self> {
        let count = |name: &str| line[name].as_u64().and_then(|count| u32::try_from(count).ok()).context("no count");
        let units = |name: &str| line[name].as_f64().context("no units");
        Ok(Self::new(
            count("dynamodb_requests")?,
            units("read_units")?,
            units("write_units")?,
            count("other_requests")?,
        ))
    }

    /// Whether nothing of it is above `bound`.
    pub(crate) fn is_within(&self, bound: &Self) -> bool {
        self.dynamodb <= bound.dynamodb
            && self.read <= bound.read
            && self.written <= bound.written
            && self.others <= bound.others
    }

    /// The cost with another on top.
    pub(crate) fn plus(&self, more: &Self) -> Self {
        Self::new(
            self.dynamodb + more.dynamodb,
            self.read + more.read,
            self.written + more.written,
            self.others + more.others,
        )
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dynamodb, read, written, others, .. } = self;
        write!(f, "{dynamodb} requests of DynamoDB ({read} read, {written} written), {others} others")
    }
}

/// Whether one of several measurements of the same thing is within a bound: the others met a busy machine, or each other.
pub(crate) fn one_is_within(costs: &[Cost], bound: &Cost) -> bool {
    costs.iter().any(|cost| cost.is_within(bound))
}

/// The least of several measurements of the same thing.
pub(crate) fn least(costs: &[Cost]) -> Option<Cost> {
    costs.iter().copied().reduce(|least, cost| if cost.is_within(&least) { cost } else { least })
}
