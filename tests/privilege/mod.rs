//! Least privilege (docs/decisions/0010-least-privilege.md): every function is refused whatever is not its own, and may do what is. What is
//! its own stands in `grants.txt`. Every action is tried with every resource of the stack, by calls that are signed with the credentials of
//! the function's role: a policy is not read here but obeyed.

mod checker;
mod deployed;
mod emulator;
mod functions;
mod grants;
mod policies;
mod probes;
mod scratch;
mod trust;

use std::collections::BTreeSet;
use std::fmt;

use anyhow::ensure;
use deployed::Deployed;
use drover_tests::Stack;
use drover_tests::aws::{Caller, Outcome, Told};
use futures::{StreamExt, TryStreamExt};
use grants::Right;
use probes::Probe;

/// How many calls are under way at once.
const AT_ONCE: usize = 8;

/// The stack, with every way to try it.
struct Lab {
    stack: Stack,
    operator: Caller,
    deployed: Deployed,
    probes: Vec<Probe>,
}

impl Lab {
    async fn open() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let operator = stack.operator().await?;
        stack.set_provider_keys().await?;
        stack.set_sign_in_secret().await?;
        let deployed = Deployed::find(&stack, &operator).await?;
        let probes = probes::all(&deployed, &operator).await?;
        Ok(Self { stack, operator, deployed, probes })
    }

    /// Tries everything, and tells what is wrong for a caller who may do `own` and nothing else.
    async fn faults(&self, caller: &Caller, own: &BTreeSet<Right>) -> anyhow::Result<Vec<Fault>> {
        let tried = self.probes.iter().map(async |probe| {
            let is_own = own.iter().any(|right| right.covers(&probe.action, &probe.resource));
            let wanted = if is_own { &probe.allowed } else { &Outcome::Refused };
            let told = caller.call(&probe.call).await?;
            anyhow::Ok((told.outcome != *wanted).then(|| Fault { probe: probe.clone(), is_own, told }))
        });
        // Found in any order, told in one.
        let found: Vec<_> = futures::stream::iter(tried).buffered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Something that a caller may do though it is not its own, or may not though it is.
struct Fault {
    probe: Probe,
    is_own: bool,
    told: Told,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.is_own { "its own" } else { "not its own" };
        let (Probe { action, resource, .. }, Told { outcome, body }) = (&self.probe, &self.told);
        write!(f, "{action} of {resource}, which is {whose}: {outcome:?} {body}")
    }
}

/// Fails if there are faults.
fn none<F: fmt::Display>(faults: impl IntoIterator<Item = F>) -> anyhow::Result<()> {
    let faults: Vec<_> = faults.into_iter().map(|fault| fault.to_string()).collect();
    ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}
