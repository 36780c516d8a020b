//! `droverctl audit`.

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use table::Millis;

use crate::deployment::Deployment;
use crate::output::Answer;
use crate::pages::{Page, listed};

/// List what operators did, in the console and here: who, when, what, on what, and how it went. The newest first
#[derive(Args)]
pub(crate) struct AuditCommand {
    /// From the end of this day (UTC) backwards, as 2026-01-31; from now unless given
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    #[command(flatten)]
    page: Page,
}

impl AuditCommand {
    pub(crate) async fn run(self, deployment: &Deployment) -> anyhow::Result<Answer> {
        let audit = deployment.audit();
        let shown = ["at", "by", "action", "on", "outcome", "detail"];
        listed("entries", &shown, audit.list(self.from.and_then(begin), self.page.paging()).await)
    }
}

/// When a day begins.
fn begin(day: Date) -> Option<Millis> {
    let begin = day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
    u64::try_from(begin).ok().map(Millis)
}
