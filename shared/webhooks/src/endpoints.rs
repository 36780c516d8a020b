//! Endpoints, kept for their owners.

use std::time::Duration;

use secrets::{SealError, Sealer};
use table::{Clock, Condition, Query, Table, TableError, Transaction, Update, new_id};
use thiserror::Error;
use uuid::Uuid;

use crate::endpoint::{Endpoint, SealedSecret};
use crate::event::TaskEvent;
use crate::input::EndpointFields;
use crate::keys::{count_key, endpoint_key, endpoints_of};
use crate::secret::WebhookSecret;

/// How many endpoints a user has at most.
const MOST_ENDPOINTS: u64 = 10;
/// For how long a secret signs beside the one that has taken its place.
const OVERLAP: Duration = Duration::from_hours(24);
/// How many secrets sign at once, at most.
const MOST_SECRETS: usize = 5;
/// How often a change that lost a race is made anew.
const RACES: u32 = 10;

/// The endpoints of all users.
#[derive(Clone)]
pub struct Endpoints {
    table: Table,
    sealer: Sealer,
    clock: Clock,
}

/// Why an endpoint was not made or changed.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// There is no such endpoint of this user.
    #[error("no such endpoint")]
    Missing,
    /// The user has as many as one may have.
    #[error("at most {MOST_ENDPOINTS} webhooks may be registered")]
    TooMany,
    /// The secret was rotated so often that no more may sign at once.
    #[error("the secret was rotated {} times within a day", MOST_SECRETS - 1)]
    RotatedTooOften,
    /// No secret could be made or sealed.
    #[error(transparent)]
    Secret(#[from] SealError),
    /// The table failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Endpoints {
    /// The endpoints in `table`, their secrets sealed by `sealer`.
    #[must_use]
    pub const fn new(table: Table, sealer: Sealer, clock: Clock) -> Self {
        Self { table, sealer, clock }
    }

    /// Registers an endpoint of `user`, of which `fields` say where it is; with it, its secret.
    pub async fn create(&self, user: &str, fields: EndpointFields) -> Result<(Endpoint, WebhookSecret), EndpointError> {
        let now = self.clock.now();
        let id = new_id(now);
        let events = fields.events_in_order().unwrap_or_else(|| TaskEvent::ALL.to_vec());
        let is_active = fields.is_active.unwrap_or(true);
        let mut endpoint = Endpoint {
            key: endpoint_key(user, id),
            id,
            user_id: user.to_owned(),
            url: fields.url.unwrap_or_default(),
            description: fields.description.filter(|description| !description.is_empty()),
            events,
            is_active,
            disabled_reason: None,
            disabled_at: (!is_active).then_some(now),
            owner_untold: false,
            failing_since: None,
            secrets: Vec::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let secret = self.add_secret(&mut endpoint).await?;
        let room =
            Condition::Any(vec![Condition::Absent("endpoints"), Condition::at_most("endpoints", MOST_ENDPOINTS - 1)]);
        let written = Transaction::new()
            .put(&self.table, &endpoint, &Condition::Absent("pk"))?
            .update(&self.table, &count_key(user), Update::new().add("endpoints", 1).when(room))?
            .commit(&self.table)
            .await;
        match written {
            Ok(()) => Ok((endpoint, secret)),
            Err(TableError::ConditionFailed(_)) => Err(EndpointError::TooMany),
            Err(error) => Err(error.into()),
        }
    }

    /// A user's endpoints, the oldest first.
    pub async fn list(&self, user: &str) -> Result<Vec<Endpoint>, TableError> {
        list(&self.table, user).await
    }

    /// A user's endpoint.
    pub async fn get(&self, user: &str, id: Uuid) -> Result<Endpoint, EndpointError> {
        self.table.get(&endpoint_key(user, id)).await?.ok_or(EndpointError::Missing)
    }

    /// Changes an endpoint. Switching it on, or giving it another address, forgets how it has failed.
    pub async fn update(&self, user: &str, id: Uuid, fields: &EndpointFields) -> Result<Endpoint, EndpointError> {
        for _ in 0..RACES {
            let mut endpoint = self.get(user, id).await?;
            self.apply(&mut endpoint, fields);
            if self.replace(&mut endpoint).await? {
                return Ok(endpoint);
            }
        }
        Err(outrun())
    }

    fn apply(&self, endpoint: &mut Endpoint, fields: &EndpointFields) {
        let now = self.clock.now();
        if let Some(url) = fields.url.as_ref().filter(|url| **url != endpoint.url) {
            url.clone_into(&mut endpoint.url);
            endpoint.failing_since = None;
        }
        if let Some(description) = &fields.description {
            endpoint.description = Some(description.clone()).filter(|description| !description.is_empty());
        }
        if let Some(events) = fields.events_in_order() {
            endpoint.events = events;
        }
        match fields.is_active {
            Some(true) if !endpoint.is_active => {
                endpoint.is_active = true;
                (endpoint.disabled_at, endpoint.disabled_reason, endpoint.failing_since) = (None, None, None);
                endpoint.owner_untold = false;
            }
            Some(false) if endpoint.is_active => {
                (endpoint.is_active, endpoint.disabled_at) = (false, Some(now));
            }
            _ => {}
        }
        endpoint.updated_at = now;
    }

    /// Gives an endpoint a new secret. Those that it had sign beside it for a day.
    pub async fn rotate(&self, user: &str, id: Uuid) -> Result<(Endpoint, WebhookSecret), EndpointError> {
        for _ in 0..RACES {
            let mut endpoint = self.get(user, id).await?;
            let now = self.clock.now();
            endpoint.secrets.retain(|secret| secret.signs_until.is_none_or(|until| now < until));
            if endpoint.secrets.len() >= MOST_SECRETS {
                return Err(EndpointError::RotatedTooOften);
            }
            for secret in &mut endpoint.secrets {
                secret.signs_until.get_or_insert(now.after(OVERLAP));
            }
            let secret = self.add_secret(&mut endpoint).await?;
            endpoint.updated_at = now;
            if self.replace(&mut endpoint).await? {
                return Ok((endpoint, secret));
            }
        }
        Err(outrun())
    }

    /// Deletes an endpoint. Deliveries that are still to be made end when their turn comes.
    pub async fn delete(&self, user: &str, id: Uuid) -> Result<(), EndpointError> {
        let one_fewer = Update::new().add("endpoints", -1).when(Condition::at_least("endpoints", 1_u64));
        let deleted = Transaction::new()
            .delete(&self.table, &endpoint_key(user, id), &Condition::Exists("pk"))?
            .update(&self.table, &count_key(user), one_fewer)?
            .commit(&self.table)
            .await;
        match deleted {
            Ok(()) => Ok(()),
            Err(TableError::ConditionFailed(_)) => Err(EndpointError::Missing),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes an endpoint if it is still as it was read; says whether it was.
    async fn replace(&self, endpoint: &mut Endpoint) -> Result<bool, TableError> {
        let unchanged = Condition::equal("version", endpoint.version);
        endpoint.version += 1;
        match self.table.put(endpoint, unchanged).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts a new secret before the others.
    async fn add_secret(&self, endpoint: &mut Endpoint) -> Result<WebhookSecret, SealError> {
        let secret = WebhookSecret::generate().ok_or(SealError::Random)?;
        let sealed = self.sealer.seal(endpoint.seal_owner(), secret.reveal().as_bytes()).await?;
        endpoint.secrets.insert(0, SealedSecret { sealed, signs_until: None });
        Ok(secret)
    }
}

/// A user's endpoints, the oldest first: one page, since nobody has more than ten.
pub(crate) async fn list(table: &Table, user: &str) -> Result<Vec<Endpoint>, TableError> {
    Ok(table.query(Query::new(endpoints_of(user)).consistent()).await?.items)
}

fn outrun() -> EndpointError {
    TableError::Unavailable("the endpoint changes faster than it can be changed".to_owned()).into()
}
