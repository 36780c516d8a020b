//! `/platforms` and `/pools`.

use ::input::schema::{one_of, whole};
use api::scraper_credentials::{Administrator, Body, Error};
use axum::Json as Answer;
use axum::extract::State;
use credentials::{Platform, Statistics};
use serde::Serialize;
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use crate::App;
use crate::input::{self, Name, PlatformPath};
use crate::queue::{LONGEST_LEASE, SHORTEST_LEASE};

/// The most platforms there are.
const MOST: usize = 500;
/// The longest cooldown, in minutes.
const MINUTES: u64 = 43_200;
/// The most failures in a row that a credential may be given.
const MOST_FAILURES: u64 = 1_000_000;

::input::body! {
    /// The settings of a platform. A new one needs `secret`, which cannot change later.
    pub(crate) PlatformBody needs [] {
        "secret" "What its credentials consist of." => one_of(["email_password", "credentials"]),
        "lease_seconds" "How long a claim lasts, unless the caller says otherwise." => whole::<SHORTEST_LEASE, LONGEST_LEASE>(),
        "order" "Which credential goes first." => one_of(["least_recently_used", "least_used"]),
        "cooldown_base_minutes" "The cooldown after the first of consecutive failures; it doubles with each." =>
            whole::<0, MINUTES>(),
        "cooldown_cap_minutes" "The longest cooldown that doubling makes." => whole::<0, MINUTES>(),
        "retire_after" "After how many consecutive failures a credential is failed for good; null: never by itself." =>
            whole::<1, MOST_FAILURES>(),
    } example {"secret": "email_password", "lease_seconds": 900}
}

/// All platforms.
#[derive(Serialize, ToSchema)]
pub(crate) struct Platforms {
    platforms: Vec<Platform>,
}

/// How a platform's pool stands.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "total": 3, "available": 1, "in_use": 1, "cooldown": 0, "failed": 1, "disabled": 0, "platform": "linkedin",
    "settings": {"name": "linkedin", "secret": "email_password", "lease_seconds": 900, "order": "least_recently_used",
        "cooldown_base_minutes": 0, "cooldown_cap_minutes": 1440, "retire_after": null},
}))]
pub(crate) struct Pool {
    #[serde(flatten)]
    statistics: Statistics,
    platform: String,
    settings: Platform,
}

/// `GET /platforms`: all platforms with their settings.
#[utoipa::path(get, path = "/api/scraper-credentials/admin/platforms", tag = "Credential administration",
    responses((status = 200, body = Platforms)))]
pub(crate) async fn list(State(app): State<App>, _: Administrator) -> Result<Answer<Platforms>, Error> {
    Ok(Answer(Platforms { platforms: app.credentials.platforms().await? }))
}

/// `GET /platforms/{name}`: one platform's settings.
#[utoipa::path(get, path = "/api/scraper-credentials/admin/platforms/{platform}", tag = "Credential administration",
    params(PlatformPath), responses((status = 200, body = Platform)))]
pub(crate) async fn show(
    State(app): State<App>,
    _: Administrator,
    Name(name): Name,
) -> Result<Answer<Platform>, Error> {
    Ok(Answer(app.credentials.platform_now(&name).await?.ok_or_else(|| Error::not_found("Platform not found"))?))
}

/// `PUT /platforms/{name}`: adds a platform, or changes the settings that are given.
#[utoipa::path(put, path = "/api/scraper-credentials/admin/platforms/{platform}", tag = "Credential administration",
    params(PlatformPath), request_body = Option<PlatformBody>,
    responses((status = 200, body = Platform), (status = 409)))]
pub(crate) async fn set(
    State(app): State<App>,
    _: Administrator,
    Name(name): Name,
    Body(body): Body,
) -> Result<Answer<Platform>, Error> {
    if !Platform::is_name(&name) {
        return Err(Error::invalid("A platform's name is 1 to 40 lower-case letters, digits, - and _"));
    }
    let known = app.credentials.platforms().await?;
    let before = known.iter().find(|platform| platform.name == name);
    if before.is_none() && known.len() >= MOST {
        return Err(Error::conflict(format!("There are {MOST} platforms already")));
    }
    let platform = merged(&name, before, &body)?;
    app.credentials.set_platform(&platform).await?;
    Ok(Answer(platform))
}

/// The settings as they were, with those of the body in their place.
fn merged(name: &str, before: Option<&Platform>, body: &Json) -> Result<Platform, Error> {
    let mut settings = match before {
        Some(platform) => json!(platform),
        None => json!({"name": name}),
    };
    for (setting, smallest, largest) in [
        ("lease_seconds", SHORTEST_LEASE, LONGEST_LEASE),
        ("cooldown_base_minutes", 0, MINUTES),
        ("cooldown_cap_minutes", 0, MINUTES),
        ("retire_after", 1, MOST_FAILURES),
    ] {
        if let Some(value) = input::number(body, setting, smallest, largest)? {
            settings[setting] = value.into();
        }
    }
    if body.get("retire_after").is_some_and(Json::is_null) {
        settings["retire_after"] = Json::Null;
    }
    for setting in ["secret", "order"] {
        if let Some(value) = input::text(body, setting, 40)? {
            settings[setting] = value.into();
        }
    }
    if settings.get("secret").is_none() {
        return Err(Error::invalid("secret is required: email_password or credentials"));
    }
    if before.is_some_and(|platform| json!(platform.secret) != settings["secret"]) {
        return Err(Error::conflict("The secret of a platform cannot change: its credentials have the old one"));
    }
    serde_json::from_value(settings).map_err(|error| Error::invalid(error.to_string()))
}

/// `GET /pools/{name}`: how many of a platform's credentials stand where.
#[utoipa::path(get, path = "/api/scraper-credentials/admin/pools/{platform}", tag = "Credential administration",
    params(PlatformPath), responses((status = 200, body = Pool)))]
pub(crate) async fn statistics(
    State(app): State<App>,
    _: Administrator,
    Name(name): Name,
) -> Result<Answer<Pool>, Error> {
    let platform = app.credentials.platform_now(&name).await?.ok_or_else(|| Error::not_found("Platform not found"))?;
    let statistics = app.credentials.statistics(&name).await?;
    Ok(Answer(Pool { statistics, platform: platform.name.clone(), settings: platform }))
}
