//! As whom the source is asked: a credential of the operator's pool, where one is configured, lent for one piece of work and reported on after it, so
//! that one which the source blocks or slows down rests.

use std::time::Duration;

use credentials::{Credentials, Platform, Report, Secret};
use lease::Holder;
use serde_json::Value as Json;
use table::Clock;
use table::aws::{SdkConfig, SettingError, setting};
use thiserror::Error;
use yt_dlp::{Access, Fault};

/// What the pool's audit trail calls us.
const CALLER: &str = "video-scraper";
/// The name of the secret's value with the cookies, as a Netscape cookie file.
const COOKIES: &str = "cookies";
/// How long a credential rests that was blocked, where the source does not say how long it wants to be left alone, in minutes.
const REST_MINUTES: u64 = 30;

/// Why nobody can be lent.
#[derive(Debug, Error)]
pub(crate) enum AccountError {
    /// All credentials are in use, or rest.
    #[error("no account is free for it")]
    NoneFree,
    /// The pool cannot be asked. Why is in the log.
    #[error("the accounts cannot be asked")]
    Unavailable,
}

/// The pool that `VIDEO_CREDENTIALS` names; none: the source is asked as nobody.
pub(crate) struct Accounts {
    pool: Option<(Credentials, String)>,
    clock: Clock,
}

/// Somebody to ask as.
pub(crate) struct Loan {
    pub(crate) access: Access,
    /// The credential, and the token of its lease.
    credential: Option<(u64, u64)>,
}

impl Accounts {
    /// What `VIDEO_CREDENTIALS` names (a platform of the credential queue), in the table `CREDENTIALS_TABLE`; empty for none.
    pub(crate) fn from_environment(config: &SdkConfig, clock: Clock) -> Result<Self, SettingError> {
        let platform = setting("VIDEO_CREDENTIALS").unwrap_or_default();
        let pool = if platform.is_empty() {
            None
        } else {
            Some((Credentials::from_environment(config, clock.clone())?, platform))
        };
        Ok(Self { pool, clock })
    }

    /// Lends somebody, for as long as a function may run.
    pub(crate) async fn lend(&self, lease: Duration) -> Result<Loan, AccountError> {
        let Some((pool, name)) = &self.pool else { return Ok(Loan { access: Access::default(), credential: None }) };
        let unavailable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "no credential can be had");
            AccountError::Unavailable
        };
        let platform: Platform = pool
            .platform(name)
            .await
            .map_err(|error| unavailable(&error))?
            .ok_or_else(|| unavailable(&format!("there is no platform {name}")))?;
        let grant = pool.next(&platform, CALLER, None, Some(lease)).await.map_err(|error| unavailable(&error))?;
        let grant = grant.ok_or(AccountError::NoneFree)?;
        let access = Access { cookies: cookies(&grant.secret), ..Access::default() };
        Ok(Loan { access, credential: Some((grant.credential.id, grant.token)) })
    }

    /// Takes somebody back, with what came of the work; none: it was not ended. A report that fails is a report less: the lease ends by itself.
    pub(crate) async fn take_back<T>(&self, loan: Loan, came: Option<&Result<T, Fault>>) {
        let (Some((pool, _)), Some((id, token))) = (&self.pool, loan.credential) else { return };
        let report = report(came);
        if let Err(error) = pool.report(id, Holder::Token(token), CALLER, &report).await {
            tracing::warn!(%error, credential = id, at = %self.clock.now(), "how a credential did was not reported");
        }
    }
}

/// What is said of a credential after a piece of work.
fn report<T>(came: Option<&Result<T, Fault>>) -> Report {
    match came {
        Some(Ok(_)) => Report::Success { message: None },
        Some(Err(fault)) if fault.cools_down() => {
            let asked = match fault {
                Fault::RateLimited { retry_after } => retry_after.map(|pause| pause.as_secs().div_ceil(60)),
                _ => None,
            };
            let error = format!("{}: {fault}", fault.code());
            Report::Failure { error, cooldown_minutes: asked.unwrap_or(REST_MINUTES).max(1) }
        }
        // Nothing is known of it, or nothing was the account's fault.
        Some(Err(_)) | None => Report::Release,
    }
}

fn cookies(secret: &Secret) -> Option<String> {
    match secret {
        Secret::Credentials { credentials } => credentials.get(COOKIES).and_then(Json::as_str).map(str::to_owned),
        Secret::EmailPassword { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_rests_after_a_block_and_not_after_what_is_not_its_fault() {
        let rests = |fault: Fault| match report(Some(&Err::<(), _>(fault))) {
            Report::Failure { cooldown_minutes, .. } => Some(cooldown_minutes),
            _ => None,
        };
        let asked = |seconds| Fault::RateLimited { retry_after: Some(Duration::from_secs(seconds)) };
        for (fault, minutes) in [
            (Fault::Blocked, Some(30)),
            (Fault::LoginRequired, Some(30)),
            (Fault::RateLimited { retry_after: None }, Some(30)),
            (asked(0), Some(1)),
            (asked(61), Some(2)),
            (Fault::Gone, None),
            (Fault::Private, None),
            (Fault::Network("reset".to_owned()), None),
            (Fault::TimedOut { limit: Duration::from_secs(1) }, None),
        ] {
            let told = format!("{fault:?}");
            assert_eq!(rests(fault), minutes, "{told}");
        }
        assert_eq!(report(Some(&Ok(()))), Report::Success { message: None });
        assert_eq!(report::<()>(None), Report::Release, "it was cancelled, or out of time");
    }
}
