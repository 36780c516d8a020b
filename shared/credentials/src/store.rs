//! The credentials of all platforms, and the platforms' settings.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lease::Pools;
use secrets::Sealer;
use table::aws::{SdkConfig, SettingError, dynamodb, setting};
use table::cost::RequestMeter;
use table::{Clock, Condition, Key, Millis, Query, Table, TableError};

use crate::guess::Guesses;
use crate::platform::{Platform, known_from_the_start};

/// How long a warm function trusts what it knows of a platform.
const TRUSTED: Duration = Duration::from_secs(30);
/// The partition of the platforms' settings.
const PLATFORMS: &str = "PLATFORMS";

/// The credentials of all platforms.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) table: Table,
    pub(crate) pools: Pools,
    pub(crate) sealer: Sealer,
    pub(crate) clock: Clock,
    platforms: Arc<Mutex<Known>>,
    pub(crate) guesses: Guesses,
}

/// Platforms by name, each with the moment until which it is trusted.
type Known = HashMap<String, (Platform, Millis)>;

#[derive(serde::Serialize)]
struct StoredPlatform<'platform> {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    platform: &'platform Platform,
}

impl Credentials {
    /// The credentials that `CREDENTIALS_TABLE` and `CREDENTIALS_KEY` (the KMS key that seals them) name.
    pub fn from_environment(config: &SdkConfig, clock: Clock) -> Result<Self, SettingError> {
        let table = Table::new(dynamodb(config), &setting("CREDENTIALS_TABLE")?);
        Ok(Self::new(config, table, clock, setting("CREDENTIALS_KEY")?))
    }

    /// Those in `table`, sealed with the KMS key of this id, ARN or alias.
    #[must_use]
    pub fn new(config: &SdkConfig, table: Table, clock: Clock, kms_key: String) -> Self {
        let kms = aws_sdk_kms::config::Builder::from(config).interceptor(RequestMeter).build();
        Self {
            pools: Pools::new(table.clone()),
            table,
            sealer: Sealer::new(aws_sdk_kms::Client::from_conf(kms), kms_key),
            clock,
            platforms: Arc::default(),
            guesses: Guesses::default(),
        }
    }

    /// A platform's settings, if there is such a platform. A warm function asks the table every 30 seconds, and each time for a platform
    /// that it does not know: another function may have added it a moment ago.
    pub async fn platform(&self, name: &str) -> Result<Option<Platform>, TableError> {
        let now = self.clock.now();
        if let Some((platform, until)) = self.known().get(name)
            && now < *until
        {
            return Ok(Some(platform.clone()));
        }
        self.platform_now(name).await
    }

    /// A platform's settings as they are now, if there is such a platform.
    pub async fn platform_now(&self, name: &str) -> Result<Option<Platform>, TableError> {
        if !Platform::is_name(name) {
            return Ok(None);
        }
        let stored: Option<Platform> = self.table.get(&key_of(name)).await?;
        let found = stored.or_else(|| known_from_the_start().into_iter().find(|platform| platform.name == name));
        self.remember(found.iter());
        Ok(found)
    }

    /// All platforms' settings, by name.
    pub async fn platforms(&self) -> Result<Vec<Platform>, TableError> {
        let query = Query::new(Condition::equal("pk", PLATFORMS)).limit(1_000).consistent();
        let stored = self.table.query::<Platform>(query).await?.items;
        let platforms: BTreeMap<_, _> = known_from_the_start()
            .into_iter()
            .chain(stored)
            .map(|platform| (platform.name.clone(), platform))
            .collect();
        self.remember(platforms.values());
        Ok(platforms.into_values().collect())
    }

    /// Sets a platform's settings; one of a new name is added.
    pub async fn set_platform(&self, platform: &Platform) -> Result<(), TableError> {
        self.table.replace(&StoredPlatform { key: key_of(&platform.name), platform }).await?;
        self.remember([platform]);
        Ok(())
    }

    fn remember<'platform>(&self, platforms: impl IntoIterator<Item = &'platform Platform>) {
        let until = self.clock.now().after(TRUSTED);
        let mut known = self.known();
        for platform in platforms {
            known.insert(platform.name.clone(), (platform.clone(), until));
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.platforms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key_of(platform: &str) -> Key {
    Key::new(PLATFORMS, platform)
}
