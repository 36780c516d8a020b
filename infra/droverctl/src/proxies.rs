//! `droverctl proxies`.

use clap::{Args, Subcommand};
use operations::Fleet;

use crate::confirm::{Sudden, Sure, confirm};
use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::output::Answer;
use crate::pages::{Page, acted, listed};

/// What a list shows of a proxy.
const SHOWN: [&str; 8] = ["id", "host", "port", "type", "country", "status", "resting_until", "error_count"];

#[derive(Subcommand)]
pub(crate) enum ProxyCommand {
    /// List proxies, without their passwords
    List(Page),
    /// Show one
    Show(Named),
    /// Let one be used again, its failures forgotten
    Enable(Named),
    /// Let one be used no more. Asks, unless --yes
    Disable(Sudden<Named>),
}

#[derive(Args)]
pub(crate) struct Named {
    /// The proxy's number, as `list` tells it
    id: u64,
}

impl ProxyCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let fleet = deployment.fleet();
        let by = deployment.operator();
        match self {
            Self::List(page) => listed("proxies", &SHOWN, fleet.proxies(page.paging()).await),
            Self::Show(Named { id }) => {
                let missing = || Failure::not_found(format!("there is no proxy {id}")).next("droverctl proxies list");
                Ok(serde_json::to_value(fleet.proxy(id).await?.ok_or_else(missing)?)?.into())
            }
            Self::Enable(Named { id }) => {
                acted(&format!("proxy/{id}"), "enabled", fleet.switch_proxy(&by, id, true).await)
            }
            Self::Disable(Sudden { what: Named { id }, sure: Sure { yes } }) => {
                confirm(&format!("Proxy {id} is used no more."), yes)?;
                acted(&format!("proxy/{id}"), "disabled", fleet.switch_proxy(&by, id, false).await)
            }
        }
    }
}

impl Deployment {
    /// The tasks and proxies of the worker API.
    pub(crate) fn fleet(&self) -> Fleet {
        Fleet::new(self.table("worker"), self.table("events"), self.clock.clone())
    }
}
