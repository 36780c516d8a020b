//! `droverctl top`: how everything stands, as it moves.

mod frame;
mod keys;
mod screen;

use std::pin::pin;
use std::time::Duration;

use clap::Args;
use futures::StreamExt;
use futures::stream::unfold;
use serde_json::json;
use table::TableError;
use tallies::{Last, Overview, Rates, Tallies};
use tokio::time::{MissedTickBehavior, interval};

use crate::deployment::Deployment;
use crate::output::{Answer, Format};

use frame::Frame;
use keys::Keys;
use screen::Screen;
pub(crate) use screen::mind_signals;

/// How wide and high it is where nobody knows.
const USUAL: (u16, u16) = (80, 24);

/// Watch how everything stands: what runs, waits and fails, what happens a minute, and who has which credentials.
///
/// Three queries each time, whatever there is of everything. q or Ctrl-C ends it. Without a terminal, with --once, or with --output json it prints once.
#[derive(Args)]
pub(crate) struct Top {
    /// How often it looks, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=3600))]
    every: u16,
    /// Print how everything stands now, and end
    #[arg(long)]
    once: bool,
}

impl Top {
    pub(crate) async fn run(self, deployment: &Deployment, format: Format) -> anyhow::Result<Answer> {
        let tallies = Tallies::new(deployment.table("tallies"), deployment.clock.clone());
        if self.once || format == Format::Json || !screen::is_there() {
            let (overview, rates) = Box::pin(look(&tallies)).await?;
            let frame = Frame { title: title(deployment), overview: &overview, rates: &rates, trouble: None };
            let text = frame.lines(deployment.clock.now()).join("\n") + "\n";
            let at = deployment.clock.now().to_string();
            let json = json!({"at": at, "overview": overview, "last_hour": rates});
            return Ok(Answer { text: Some(text), ..Answer::from(json) });
        }
        Box::pin(self.watch(deployment, &tallies)).await?;
        Ok(Answer::nothing())
    }

    async fn watch(&self, deployment: &Deployment, tallies: &Tallies) -> anyhow::Result<()> {
        // What cannot be read at all is told as any error is, and not on a screen that is gone a moment later.
        let (mut overview, mut rates) = Box::pin(look(tallies)).await?;
        let (screen, mut keys) = (Screen::open()?, Keys::listen());
        let mut ticks = interval(Duration::from_secs(self.every.into()));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        // A look that is under way goes on, whatever key is pressed meanwhile.
        let mut looks = pin!(unfold(ticks, |mut ticks| async move {
            ticks.tick().await;
            Some((Box::pin(look(tallies)).await, ticks))
        }));
        let mut trouble = None;
        loop {
            let frame = Frame {
                title: format!("{}   every {} s   q ends", title(deployment), self.every),
                overview: &overview,
                rates: &rates,
                trouble: trouble.as_deref(),
            };
            let (width, height) = screen::size().unwrap_or(USUAL);
            screen.draw(&frame.fitted(deployment.clock.now(), width.into(), height.into()))?;
            // A key ends it also while it looks, which may take as long as a call may.
            tokio::select! {
                ended = keys.ended() => if ended { return Ok(()) },
                Some(seen) = looks.next() => match seen {
                    Ok(seen) => ((overview, rates), trouble) = (seen, None),
                    // It may be over the next time: what was seen last stays.
                    Err(error) => trouble = Some(error.to_string()),
                },
            }
        }
    }
}

fn title(deployment: &Deployment) -> String {
    let region = deployment.config.region().map_or("?", |region| region.as_ref());
    format!("{}  {region}", deployment.stack)
}

async fn look(tallies: &Tallies) -> Result<(Overview, Rates), TableError> {
    tokio::try_join!(tallies.overview(), tallies.rates(Last::Hour))
}
