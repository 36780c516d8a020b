//! Who it is that runs the command, and what the audit log is told of what they do.

use std::env;

use anyhow::Context;
use operations::{Action, Audit, Operator, Outcome};

use crate::deployment::Deployment;
use crate::failure::{Exit, exit_of};

impl Deployment {
    /// The user of this machine, and the id (which is no secret) of the key that AWS knows the caller by: CloudTrail knows whose it is.
    pub(crate) fn operator(&self) -> Operator {
        let user =
            ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| env::var(name).ok().filter(|user| !user.is_empty()));
        let user = user.unwrap_or_else(|| "somebody".to_owned());
        match env::var("AWS_ACCESS_KEY_ID") {
            Ok(key) if !self.is_local() => Operator::droverctl(&format!("{user} with {key}")),
            _ => Operator::droverctl(&user),
        }
    }

    /// The audit log.
    pub(crate) fn audit(&self) -> Audit {
        Audit::new(self.table("events"), self.clock.clone())
    }

    /// Does something with an entry in the audit log that is written before it, and told after it how it went. What cannot be written down is not done.
    pub(crate) async fn audited<T>(
        &self,
        deed: Deed,
        act: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let audit = self.audit();
        let asked = audit.asked(&self.operator(), deed.action, &deed.on).await;
        let asked = asked.context("nothing was done: the audit log cannot be written")?;
        let done = Box::pin(act).await;
        let (outcome, detail) = match &done {
            Ok(_) => (Outcome::Done, deed.detail),
            Err(error) => (outcome_of(error), Some(format!("{error:#}"))),
        };
        if let Err(error) = asked.ended(outcome, detail.as_deref()).await {
            anstream::eprintln!("warning: the audit log was not told how it went: {error}");
        }
        done
    }
}

/// What is done, as the audit log is told it.
pub(crate) struct Deed {
    action: Action,
    /// To what, as `user/ID`.
    on: String,
    /// What else there is to know of it.
    detail: Option<String>,
}

impl Deed {
    pub(crate) fn new(action: Action, on: impl Into<String>) -> Self {
        Self { action, on: on.into(), detail: None }
    }

    /// With what else there is to know of it, once it is done. No secret.
    pub(crate) fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

/// What has not been done was refused, or it failed: then some of it may be done.
fn outcome_of(error: &anyhow::Error) -> Outcome {
    match exit_of(error) {
        Exit::Usage | Exit::NotFound | Exit::Refused => Outcome::Refused,
        Exit::Done | Exit::Fault | Exit::Unreachable => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use crate::failure::Failure;
    use table::TableError;

    use super::*;

    #[test]
    fn what_was_refused_is_told_from_what_failed() {
        for (error, outcome) in [
            (Failure::not_found("there is no user u").into(), Outcome::Refused),
            (Failure::refused("they have a key").into(), Outcome::Refused),
            (TableError::Unavailable("no answer".to_owned()).into(), Outcome::Failed),
            (anyhow::anyhow!("the system has no randomness to give"), Outcome::Failed),
        ] {
            assert_eq!(outcome_of(&error), outcome, "{error}");
        }
    }
}
