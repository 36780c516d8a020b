//! One attempt at a job: its pages one after the other, each kept before the next is asked for, and then its files.

use std::sync::Arc;
use std::time::Duration;

use jobs::{Kept, Level, Lines, Lost, Run};
use portals::{Held, PortalAccount, PortalJob};
use recipes::{Batch, Fault, Recipe, Remedy, Scrape, ScrapeError, SignIn};
use secrets::SealError;
use spool::{Unstored, discard, stored};
use tokio::time::Instant;
use url::Url;

use crate::ending::End;
use crate::memory::Memory;
use crate::next::Next;
use crate::{App, Worker, files};

/// Steps are recorded at most so often while pages come sooner, and at least so often while one takes longer. A job that was cancelled stops then.
pub(crate) const STEP: Duration = Duration::from_secs(2);
/// What a killed worker has had since its last checkpoint is asked for again: there is one at least so often.
const CHECKPOINT: Duration = Duration::from_secs(30);
/// How long a part may take to be stored. The time of the attempt may be up by then: there is some left for that.
const PART: Duration = Duration::from_secs(10);

/// One attempt at a job.
pub(crate) struct Attempt<'a> {
    pub(crate) app: &'a App,
    pub(crate) job: &'a PortalJob,
    pub(crate) worker: Worker<'a>,
    recipe: Arc<Recipe>,
    pub(crate) run: Kept,
    pub(crate) memory: Memory,
    pub(crate) lines: Lines,
    /// How many attempts were made since the last checkpoint, this one among them.
    pub(crate) attempts: u64,
    /// When a step was recorded last; none before the first page, so that callers soon see that there is one.
    recorded_at: Option<Instant>,
    checkpointed_at: Instant,
    /// Files that are there, or may be, and that no checkpoint names.
    pub(crate) unnamed: Vec<String>,
    /// Whether how the job ends is in its checkpoint.
    pub(crate) is_decided: bool,
}

/// Why no more pages come.
enum Stop {
    /// All were had, and add up.
    Whole,
    /// The time is up.
    OutOfTime,
    /// The portal is not as it should be.
    Portal(ScrapeError),
    /// Something of our own failed.
    Fault(anyhow::Error),
}

impl<'a> Attempt<'a> {
    pub(crate) fn new(app: &'a App, recipe: Arc<Recipe>, run: Run, job: &'a PortalJob, worker: Worker<'a>) -> Self {
        let memory = Memory::read(job.job.checkpoint.as_deref());
        Self {
            is_decided: memory.end().is_some(),
            app,
            job,
            worker,
            recipe,
            run: Kept::new(run),
            memory,
            lines: Lines::new(app.jobs.jobs.clock.clone()),
            attempts: job.job.attempts,
            recorded_at: None,
            checkpointed_at: Instant::now(),
            unnamed: Vec::new(),
        }
    }

    /// Does what is left of the job, as far as there is time, but for recording what becomes of it.
    pub(crate) async fn work(&mut self) -> Result<Next, Lost> {
        let next = match self.memory.end() {
            Some(end) => Next::End(end.clone()),
            None => Box::pin(self.read_portal()).await?,
        };
        match next {
            Next::End(end) => Box::pin(self.tell(end)).await,
            next => Ok(next),
        }
    }

    async fn read_portal(&mut self) -> Result<Next, Lost> {
        let portal = self.job.portal;
        let Some(base) = self.app.sites.of(portal) else {
            return Ok(Next::End(End::failed(format!("This deployment does not read the portal {}", portal.as_str()))));
        };
        let account = match self.app.jobs.hold_account(self.job, self.run.token()).await? {
            Held::Ours(account) => account,
            Held::Gone => return Ok(Next::End(End::failed("The account is not registered any more"))),
            Held::Busy => return Ok(Next::Wait),
        };
        match self.sign_in(&account).await {
            Ok(sign_in) => Box::pin(self.scrape(base, sign_in)).await,
            Err(SealError::Damaged) => {
                Ok(Next::End(End::failed("The account's credentials cannot be opened: they have to be set again")))
            }
            Err(error) => Ok(self.interrupted(&error.into())),
        }
    }

    async fn sign_in(&self, account: &PortalAccount) -> Result<SignIn, SealError> {
        let credentials = self.app.accounts.open(account).await?;
        let text = |secret: &secrets::Password| secret.reveal().to_owned();
        Ok(SignIn { user: text(&credentials.username), password: text(&credentials.password) })
    }

    async fn scrape(&mut self, base: &Url, sign_in: SignIn) -> Result<Next, Lost> {
        let stop = match self.visit(base, sign_in).await? {
            Stop::Whole => return Box::pin(self.write()).await,
            // What was had is not to be asked for again.
            stop => self.store_part().await?.map_or_else(Stop::Fault, |()| stop),
        };
        Ok(match stop {
            Stop::Portal(error) => match error.remedy() {
                Remedy::Later => self.again(error.to_string()),
                Remedy::Anew => self.anew(&error),
                Remedy::Nothing => Next::End(End::failed(error.to_string())),
            },
            Stop::Fault(error) => self.interrupted(&error),
            Stop::Whole | Stop::OutOfTime => self.put_down("No page could be had in the time that one attempt has"),
        })
    }

    /// Signs in, and takes pages for as long as there are any, and time.
    async fn visit(&mut self, base: &Url, sign_in: SignIn) -> Result<Stop, Lost> {
        let after = match self.memory.records() {
            0 => String::new(),
            records => format!(", to go on after {records} records"),
        };
        self.lines.say(Level::Info, "start", format!("Attempt {}: signing in{after}", self.attempts));
        let (recipe, cursor) = (Arc::clone(&self.recipe), self.memory.cursor().cloned());
        let mut scrape = match Scrape::new(&self.app.fetcher, recipe, base, sign_in, cursor) {
            Ok(scrape) => scrape,
            Err(error) => return Ok(Stop::Portal(error)),
        };
        loop {
            let page = Box::pin(scrape.next_page());
            match self.run.during(self.memory.progress(), STEP, self.worker.until, page).await? {
                Some(Ok(Some(batch))) => {
                    if let Err(error) = self.belongs_to(scrape.entity()) {
                        return Ok(Stop::Portal(error));
                    }
                    self.add(batch);
                }
                Some(Ok(None)) => return Ok(Stop::Whole),
                Some(Err(error)) => return Ok(Stop::Portal(error)),
                None => return Ok(Stop::OutOfTime),
            }
            if let Err(error) = self.keep().await? {
                return Ok(Stop::Fault(error));
            }
        }
    }

    /// Sees to it that what comes is of the same owner as what was had: the account may have been given other credentials meanwhile.
    fn belongs_to(&mut self, entity: Option<&str>) -> Result<(), ScrapeError> {
        match (self.memory.entity(), entity) {
            (Some(before), Some(now)) if before != now => {
                let fault = Fault::OtherEntity { before: before.to_owned(), now: now.to_owned() };
                Err(ScrapeError { place: None, fault })
            }
            _ => {
                self.memory.belongs_to(entity);
                Ok(())
            }
        }
    }

    fn add(&mut self, batch: Batch) {
        let told = format!("{}, page {}: {} records", batch.place.listing, batch.place.page, batch.rows.len());
        self.memory.add(batch);
        self.lines.say(Level::Info, "page", format!("{told}; {}", self.memory.told()));
    }

    /// After a page: sees to it that what was had is not asked for again, and tells callers how far it is, each as often as is due.
    async fn keep(&mut self) -> Result<anyhow::Result<()>, Lost> {
        let is_due = self.checkpointed_at.elapsed() >= CHECKPOINT && self.memory.has_news();
        if self.memory.is_full() || is_due {
            if let Err(error) = self.store_part().await? {
                return Ok(Err(error));
            }
            self.checkpoint().await?;
            self.recorded_at = Some(Instant::now());
        }
        if self.recorded_at.is_none_or(|at| at.elapsed() >= STEP) {
            let (message, lines) = (self.memory.told(), self.lines.take());
            let told = self.report(&message).update();
            self.run.hold().await.record_with(self.memory.progress(), told, lines).await?;
            self.recorded_at = Some(Instant::now());
        }
        Ok(Ok(()))
    }

    async fn store_part(&mut self) -> Result<anyhow::Result<()>, Lost> {
        let (progress, token) = (self.memory.progress(), self.run.token());
        let storing = Box::pin(files::store_part(&self.app.results, self.job, token, &mut self.memory));
        let until = Instant::now() + PART;
        let storing = self.run.during(progress, STEP, until, storing).await?;
        Ok(storing.unwrap_or_else(|| Err(anyhow::anyhow!("a part was not stored in {PART:?}"))))
    }

    pub(crate) async fn checkpoint(&mut self) -> Result<(), Lost> {
        let (checkpoint, lines) = (self.memory.checkpoint(), self.lines.take());
        self.run.hold().await.checkpoint(&checkpoint, self.memory.progress(), lines).await?;
        self.memory.recorded();
        (self.attempts, self.checkpointed_at) = (0, Instant::now());
        Ok(())
    }

    /// Writes the files of a job whose pages were all had.
    async fn write(&mut self) -> Result<Next, Lost> {
        let token = self.run.token();
        self.unnamed = files::result_keys(self.job, token, &self.recipe);
        let storing = Box::pin(files::store(&self.app.results, self.job, token, &self.recipe, &self.memory));
        let storing = self.run.during(self.memory.progress(), STEP, self.worker.until, storing).await?;
        let why = match stored(storing) {
            Ok(Ok((files, notes))) => {
                for note in notes {
                    self.lines.say(Level::Warning, "result", note);
                }
                return Ok(Next::End(End::Completed { files, records: self.memory.records() }));
            }
            Ok(Err(torn)) => Err(torn),
            Err(why) => Ok(why),
        };
        // Of several, some may be there.
        discard(&self.app.results, &std::mem::take(&mut self.unnamed)).await;
        let why = match why {
            Ok(why) => why,
            Err(torn) => return Ok(self.anew(&torn)),
        };
        if let Err(error) = self.store_part().await? {
            return Ok(self.interrupted(&error));
        }
        Ok(match why {
            Unstored::TooLarge(_) => Next::End(End::failed(why.to_string())),
            Unstored::OutOfTime => self.put_down(&why.to_string()),
            Unstored::Fault => self.again(why.to_string()),
        })
    }
}
