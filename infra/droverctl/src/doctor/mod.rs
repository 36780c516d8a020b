//! `droverctl doctor`: looks at everything that a deployment stands on, and says what is wrong with it and how to mend it.
//!
//! What should be is what was deployed: CloudFormation knows the template, and what it made of it. What is, each service tells. Nothing is changed.

mod alarms;
mod api;
mod expected;
mod files;
mod finding;
mod functions;
mod keys;
mod letters;
mod parameters;
mod queues;
mod report;
mod roles;
mod rules;
mod sources;
mod tables;

use std::future::Future;

use clap::Args;
use futures::StreamExt;
use futures::stream::iter;

use crate::deployment::Deployment;
use crate::output::Answer;

use expected::Expected;
use finding::Finding;

/// How many things are looked at at once: no service throttles so few.
const AT_ONCE: usize = 8;

/// Look at everything that the deployment stands on: what is wrong with it, why that matters, and how to mend it.
///
/// Compares what is there with what was deployed: tables with their indexes, streams, time to live and point-in-time recovery; queues with their
/// dead-letter queues and what waits in them; functions, their versions, aliases and roles; event sources; rules and when they last ran; keys and
/// parameters; alarms; dead letters; whether the API answers, and what its clock says. It changes nothing and reads no secret. What a local cloud
/// lacks is said and not held against it. The exit code is 1 if there is a fault.
#[derive(Args)]
pub(crate) struct Doctor {
    /// Where the API is; where the stack says, unless given
    #[arg(long, env = "DROVER_URL", value_name = "URL")]
    url: Option<String>,
    /// List each thing that is as it should be, too
    #[arg(long)]
    all: bool,
}

impl Doctor {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let expected = Expected::of(deployment).await?;
        // Whether roles were changed takes longest to tell, by far, and asks another service than all the rest.
        let (roles, others) = tokio::join!(
            Box::pin(roles::look(deployment, &expected)),
            Box::pin(others(deployment, &expected, self.url.as_deref()))
        );
        let findings = [expected.findings(), others, roles].concat();
        Ok(report::report(&deployment.stack, &findings, self.all))
    }
}

async fn others(deployment: &Deployment, expected: &Expected, url: Option<&str>) -> Vec<Finding> {
    let mut findings = tables::look(deployment, expected).await;
    findings.extend(queues::look(deployment, expected).await);
    findings.extend(functions::look(deployment, expected).await);
    findings.extend(sources::look(deployment, expected).await);
    findings.extend(rules::look(deployment, expected).await);
    findings.extend(keys::look(deployment, expected).await);
    findings.extend(parameters::look(deployment, expected).await);
    findings.extend(files::look(deployment, expected).await);
    findings.extend(alarms::look(deployment, expected).await);
    findings.extend(letters::look(deployment).await);
    findings.extend(api::look(deployment, expected, url).await);
    findings
}

/// What comes of looking at each thing, some at once, in their order.
async fn each<T, F: Future<Output = Vec<Finding>>>(
    things: impl IntoIterator<Item = T>,
    look: impl FnMut(T) -> F,
) -> Vec<Finding> {
    seen(things, look).await.into_iter().flatten().collect()
}

/// The same of what is judged only when all of it was seen.
async fn seen<T, F: Future>(things: impl IntoIterator<Item = T>, look: impl FnMut(T) -> F) -> Vec<F::Output> {
    iter(things.into_iter().map(look)).buffered(AT_ONCE).collect().await
}
