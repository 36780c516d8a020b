//! The credential queue's pools: what is in each, who has it, and what an operator does about it.

use credentials::audit::{Event, Trail};
use credentials::{
    AdminError, Credential, CredentialView, Credentials, Import, ImportError, ImportForm, Imported, Platform, Status,
};
use serde::Serialize;
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::{Clock, Millis, Table, TableError, cursor};
use uuid::Uuid;

use crate::act::{Act, ActError, Acted};
use crate::audit::{Action, Audit, Outcome, Told};
use crate::operator::Operator;
use crate::page::{ListError, Listing, Paging};
use crate::shown;

/// The longest place in a trail, in bytes (the service's limit of a sort key).
const LONGEST_PLACE: usize = 1_000;

/// What is told of an import that did not come to its end.
const INTERRUPTED: &str = "it was interrupted: some may have been added";

/// The pools of all platforms.
#[derive(Clone)]
pub struct Pools {
    credentials: Credentials,
    trail: Trail,
    audit: Audit,
    clock: Clock,
}

/// Something that was done to a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrailEvent {
    /// What: `claimed`, `success`, `failure`, `released`, `created`, ….
    pub action: String,
    /// When.
    #[serde(serialize_with = "shown::moment")]
    pub at: Millis,
    /// By whom: the id of an API key, `recovery`, an operator's address and id, or `droverctl:` and an identity.
    pub by: String,
    /// More, such as an error message.
    pub detail: Option<String>,
}

/// What an operator does to a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialAct {
    /// Makes a failed or resting one available, its failures forgotten.
    Reset,
    /// Switches it off; who holds it loses it.
    Disable,
    /// Switches it on.
    Enable,
    /// Takes it from who holds it.
    Release,
}

impl CredentialAct {
    /// Every act.
    pub const ALL: [Self; 4] = [Self::Reset, Self::Disable, Self::Enable, Self::Release];

    /// What it is called.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Release => "release",
        }
    }

    /// The act that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == name)
    }

    /// Whether it can be done to a credential that stands so. (Only a lease that has not run out can be taken back; one that has is over.)
    #[must_use]
    pub const fn fits(self, status: Status) -> bool {
        match self {
            Self::Reset => matches!(status, Status::Failed | Status::Cooldown),
            Self::Disable => !matches!(status, Status::Disabled),
            Self::Enable => matches!(status, Status::Disabled),
            Self::Release => matches!(status, Status::InUse),
        }
    }

    const fn action(self) -> Action {
        match self {
            Self::Reset => Action::ResetCredential,
            Self::Disable => Action::DisableCredential,
            Self::Enable => Action::EnableCredential,
            Self::Release => Action::ReleaseCredential,
        }
    }
}

impl Pools {
    /// These credentials, their trails and the audit log in the table `events`.
    #[must_use]
    pub fn new(credentials: Credentials, events: Table, clock: Clock) -> Self {
        Self { credentials, trail: Trail::new(events.clone()), audit: Audit::new(events, clock.clone()), clock }
    }

    /// What `CREDENTIALS_TABLE`, `CREDENTIALS_KEY` and `EVENTS_TABLE` name. Only an import needs the key.
    pub fn from_environment(config: &SdkConfig, clock: Clock) -> Result<Self, SettingError> {
        let events = Table::new(dynamodb(config), &setting("EVENTS_TABLE")?);
        Ok(Self::new(Credentials::from_environment(config, clock.clone())?, events, clock))
    }

    /// All platforms, by name, with how their pools are run. One request.
    pub async fn platforms(&self) -> Result<Vec<Platform>, TableError> {
        self.credentials.platforms().await
    }

    /// A page of a platform's credentials, those that stand so or all: those that are free first, the longest free first of them; then those that are in use
    /// or rest, by until when; then those that failed or are disabled, by since when. None if there is no such platform. At most eight requests: one for the
    /// platform, up to six of an index, one for the credentials.
    pub async fn credentials(
        &self,
        platform: &str,
        status: Option<Status>,
        paging: Paging<'_>,
    ) -> Result<Option<Listing<CredentialView>>, ListError> {
        if self.credentials.platform(platform).await?.is_none() {
            return Ok(None);
        }
        let listing = self.credentials.list(Some(platform), status, paging.limit() as usize, paging.after()).await;
        let listing = listing.map_err(|error| match error {
            AdminError::Table(error) => ListError::Table(error),
            AdminError::Cursor | AdminError::Missing | AdminError::NotNow(_) | AdminError::Seal(_) => ListError::Cursor,
        })?;
        let now = self.clock.now();
        let items = listing.credentials.iter().map(|credential| CredentialView::of(credential, now)).collect();
        Ok(Some(Listing { items, next: listing.next }))
    }

    /// A credential, without its secret. One request.
    pub async fn credential(&self, id: u64) -> Result<Option<CredentialView>, TableError> {
        let found = self.credentials.show(id).await?;
        Ok(found.map(|credential| CredentialView::of(&credential, self.clock.now())))
    }

    /// A page of what was done to a credential, the newest first; also of one that is deleted. One request.
    pub async fn trail(&self, id: u64, paging: Paging<'_>) -> Result<Listing<TrailEvent>, ListError> {
        let place: Option<String> = paging.position()?;
        if place.as_ref().is_some_and(|place| !(1..=LONGEST_PLACE).contains(&place.len())) {
            return Err(ListError::Cursor);
        }
        let (events, next) = self.trail.read(id, paging.limit(), place.as_deref()).await?;
        let items = events.into_iter().map(TrailEvent::from).collect();
        Ok(Listing { items, next: next.and_then(|place| cursor::write(&place)) })
    }

    /// Does something to a credential. Three requests: the audit log before and after, and one write. What is released is the lease of this fencing
    /// token and no other; whoever's, where none is given.
    pub async fn act(&self, by: &Operator, act: CredentialAct, id: u64, lease: Option<u64>) -> Act {
        let asked = self.audit.asked(by, act.action(), &format!("credential/{id}")).await?;
        let name = by.to_string();
        let done = match act {
            CredentialAct::Reset => self.credentials.reset(id, &name).await,
            CredentialAct::Disable => self.credentials.disable(id, &name).await,
            CredentialAct::Enable => self.credentials.enable(id, &name).await,
            CredentialAct::Release => self.credentials.take_back(id, &name, lease).await,
        };
        asked.told(acted(done)).await
    }

    /// Adds credentials to a platform from a text of lines, as the queue's API takes them: all lines are read before any is added. None if there is no such
    /// platform. Two requests of the audit log, and one for each nine credentials and one beside. What is sent again under the same id goes on where it
    /// stopped, for three requests more and one for each hundred credentials.
    pub async fn import(
        &self,
        by: &Operator,
        platform: &str,
        form: ImportForm,
        text: &str,
        id: Option<Uuid>,
    ) -> Result<Option<Imported>, ImportError> {
        let Some(platform) = self.credentials.platform(platform).await? else { return Ok(None) };
        let import = Import::read(platform.secret, form, text)?;
        let on = format!("platform/{}", platform.name);
        let asked = self.audit.asked(by, Action::ImportCredentials, &on).await?;
        let id = id.map(|id| id.to_string());
        let imported = self.credentials.import(&platform, import, &by.to_string(), id.as_deref()).await;
        asked.told(imported).await.map(Some)
    }
}

impl Told for Imported {
    fn told(&self) -> (Outcome, Option<String>) {
        (Outcome::Done, Some(format!("{} imported", self.imported)))
    }
}

impl Told for ImportError {
    fn told(&self) -> (Outcome, Option<String>) {
        match self {
            Self::Another => (Outcome::Refused, Some("it was sent before, with other credentials".to_owned())),
            Self::Lines(_) | Self::TooMany => (Outcome::Refused, Some("its lines cannot be read".to_owned())),
            // Some may have been added before, and, where there was no answer, all.
            Self::Table(error) => (error.told().0, Some(INTERRUPTED.to_owned())),
            Self::Seal(_) => (Outcome::Failed, Some(INTERRUPTED.to_owned())),
        }
    }
}

impl From<Event> for TrailEvent {
    fn from(event: Event) -> Self {
        let Event { action, at, by, detail } = event;
        Self { action, at, by, detail }
    }
}

fn acted(done: Result<Credential, AdminError>) -> Act {
    match done {
        Ok(_) => Ok(Acted::DONE),
        Err(AdminError::NotNow(why)) => Ok(Acted::refused(why)),
        Err(AdminError::Table(error)) => Err(error.into()),
        // Neither lists nor seals anything.
        Err(AdminError::Missing | AdminError::Cursor | AdminError::Seal(_)) => Err(ActError::Missing),
    }
}

#[cfg(test)]
mod tests {
    use CredentialAct::{Disable, Enable, Release, Reset};

    use super::*;

    #[test]
    fn an_act_fits_some_states_and_is_found_by_its_name() {
        for act in CredentialAct::ALL {
            assert_eq!(CredentialAct::named(act.as_str()), Some(act));
        }
        let fitting = |status| CredentialAct::ALL.into_iter().filter(|act| act.fits(status)).collect::<Vec<_>>();
        assert_eq!(fitting(Status::Available), [Disable]);
        assert_eq!(fitting(Status::InUse), [Disable, Release]);
        assert_eq!(fitting(Status::Cooldown), [Reset, Disable]);
        assert_eq!(fitting(Status::Failed), [Reset, Disable]);
        assert_eq!(fitting(Status::Disabled), [Enable]);
    }
}
