//! `droverctl usage`.

use clap::Args;
use operations::MOST_DAYS;
use serde_json::Value as Json;

use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::names::KindName;
use crate::output::{Answer, columns, text};

/// Show what a tenant has done and used, in all and day by day
#[derive(Args)]
pub(crate) struct UsageCommand {
    /// The user's id; of the portal and video jobs the tenant's
    tenant: String,
    /// Of which kind of jobs
    #[arg(long, value_enum, default_value_t = KindName::Extract)]
    kind: KindName,
    /// How many days, today included
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
    days: u32,
}

impl UsageCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let operations = Box::pin(deployment.operations()).await?;
        let usage = operations.usage(self.kind.into(), &self.tenant, self.days).await?;
        let missing = || {
            let next = "a tenant has an account from its first job on; is --kind right?";
            Failure::not_found(format!("{} has no account", self.tenant)).next(next)
        };
        let json = serde_json::to_value(usage.ok_or_else(missing)?)?;
        let text = laid_out(&json);
        Ok(Answer { text: Some(text), ..Answer::from(json) })
    }
}

/// First what is in all, then the days as a table.
fn laid_out(usage: &Json) -> String {
    let mut all = usage.clone();
    let days = all.as_object_mut().and_then(|all| all.shift_remove("days")).unwrap_or_default();
    // The plan is one more line for each thing of it.
    if let Some(plan) = all.as_object_mut().and_then(|all| all.shift_remove("plan")).filter(Json::is_object)
        && let (Json::Object(plan), Some(all)) = (plan, all.as_object_mut())
    {
        all.extend(plan);
    }
    let days = days.as_array().map(Vec::as_slice).unwrap_or_default();
    let table = columns(days, &["day", "submitted", "completed", "failed", "cancelled", "units_used"]);
    text(&all) + if days.is_empty() { "days: none\n" } else { table.as_str() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn usage_is_a_sum_and_a_table_of_days() {
        let day =
            json!({"day": "2026-01-01", "submitted": 2, "completed": 1, "failed": 1, "cancelled": 0, "units_used": 9});
        let usage =
            json!({"kind": "extract", "plan": {"plan": "free", "units_used": 9}, "jobs_open": 0, "days": [day]});
        let shown = anstream::adapter::strip_str(&laid_out(&usage)).to_string();
        let days = "DAY         SUBMITTED  COMPLETED  FAILED  CANCELLED  UNITS USED\n2026-01-01  2          1          1       0          9\n";
        assert_eq!(shown, format!("kind: extract\njobs_open: 0\nplan: free\nunits_used: 9\n{days}"));
    }
}
