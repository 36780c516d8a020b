//! Rights, and what is each function's own: `grants.txt`, the one table of it.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::Context;

use super::deployed::Function;

const TABLE: &str = include_str!("grants.txt");
/// In place of a resource for what has none, as traces.
pub(super) const OF_NO_RESOURCE: &str = "*";

const EVERYBODY: &str = "every function";
const ITS_LOG: &str = "its log";

/// The right to do something with a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Right {
    /// As `dynamodb:GetItem`.
    pub action: String,
    /// By its name in the template, with what follows its ARN; `*` at the end stands for anything.
    pub resource: String,
}

impl Right {
    pub(super) fn new(action: &str, resource: &str) -> Self {
        Self { action: action.to_owned(), resource: resource.to_owned() }
    }

    /// Whether who has this right may do `action` with `resource`. A right to list a bucket is one to list any prefix of it.
    pub(super) fn covers(&self, action: &str, resource: &str) -> bool {
        let begins = self.resource.strip_suffix('*').is_some_and(|beginning| resource.starts_with(beginning));
        let whole = resource.split_once('?').map_or(resource, |(whole, _)| whole);
        self.action == action && (begins || self.resource == resource || self.resource == whole)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.action, self.resource)
    }
}

/// What is a function's own.
pub(super) fn own(function: &Function) -> anyhow::Result<BTreeSet<Right>> {
    let (mut rights, mut owner, mut known) = (BTreeSet::new(), "", false);
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some(row) = line.strip_prefix("    ") else {
            owner = line;
            known |= owner == function.name;
            continue;
        };
        if owner == function.name || owner == EVERYBODY {
            let (resource, actions) = row.split_once("  ").with_context(|| format!("no actions: {line}"))?;
            let (service, actions) = actions.trim().split_once(": ").with_context(|| format!("no service: {line}"))?;
            let resource = resource.replace(ITS_LOG, &function.log);
            rights.extend(actions.split(' ').map(|action| Right::new(&format!("{service}:{action}"), &resource)));
        }
    }
    anyhow::ensure!(known, "tests/privilege/grants.txt does not say what is the own of {}", function.name);
    Ok(rights)
}
