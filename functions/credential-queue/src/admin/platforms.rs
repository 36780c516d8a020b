//! `/platforms` and `/pools`.

use api::scraper_credentials::{Administrator, Body, Error};
use axum::Json as Answer;
use axum::extract::State;
use credentials::Platform;
use serde_json::{Value as Json, json};

use crate::App;
use crate::input::{self, Name};

/// The most platforms there are.
const MOST: usize = 500;
/// The bounds of the settings in seconds and minutes.
const LEASE_SECONDS: (u64, u64) = (30, 43_200);
const MINUTES: u64 = 43_200;

/// `GET /platforms`: all platforms with their settings.
pub(crate) async fn list(State(app): State<App>, _: Administrator) -> Result<Answer<Json>, Error> {
    Ok(Answer(json!({"platforms": app.credentials.platforms().await?})))
}

/// `GET /platforms/{name}`: one platform's settings.
pub(crate) async fn show(
    State(app): State<App>,
    _: Administrator,
    Name(name): Name,
) -> Result<Answer<Platform>, Error> {
    Ok(Answer(app.credentials.platform_now(&name).await?.ok_or_else(|| Error::not_found("Platform not found"))?))
}

/// `PUT /platforms/{name}`: adds a platform, or changes the settings that are given.
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
        ("lease_seconds", LEASE_SECONDS.0, LEASE_SECONDS.1),
        ("cooldown_base_minutes", 0, MINUTES),
        ("cooldown_cap_minutes", 0, MINUTES),
        ("retire_after", 1, 1_000_000),
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
pub(crate) async fn statistics(
    State(app): State<App>,
    _: Administrator,
    Name(name): Name,
) -> Result<Answer<Json>, Error> {
    let platform = app.credentials.platform_now(&name).await?.ok_or_else(|| Error::not_found("Platform not found"))?;
    let mut body = json!(app.credentials.statistics(&name).await?);
    body["platform"] = platform.name.clone().into();
    body["settings"] = json!(platform);
    Ok(Answer(body))
}
