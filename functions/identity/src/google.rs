//! `/auth/google`: signing in with the identity provider, by OpenID Connect's code flow.

use api::extract_cloud::{Body, Error, Reply, SESSION_COOKIE, SIGN_IN_COOKIE, cookie, expired_cookie, new_cookie};
use api::identity::{Login, SESSION_LENGTH, SIGN_IN_PATIENCE, User, UserChange};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use extract::Plan;
use serde::Serialize;
use table::{Transaction, new_id};
use utoipa::ToSchema;

use crate::document::CallbackBody;
use crate::provider::{Begun, Person, SignInError};
use crate::view::SignedIn;
use crate::{App, account_of, input};

/// The cookie that tells a page's scripts what to repeat of the session.
pub(crate) const CSRF_COOKIE: &str = "__Host-csrf";

/// Where to sign in.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"auth_url": "https://accounts.google.com/o/oauth2/v2/auth?…", "state": "random_state_string"}))]
pub(crate) struct SignInAddress {
    auth_url: String,
    state: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "access_token": "eyJhbGciOiJFZERTQSJ9.…", "token_type": "bearer", "expires_in": 3600, "csrf_token": "f2a6…",
    "user": {"id": "018d0a7c-5f80-7000-8000-000000000001", "email": "user@example.com", "full_name": "John Doe",
        "avatar_url": null, "subscription_tier": "professional", "compute_units_remaining": 7500, "is_active": true,
        "created_at": "2024-01-01T00:00:00Z"},
}))]
pub(crate) struct SignedInSession<'user> {
    access_token: String,
    token_type: &'static str,
    /// In seconds.
    expires_in: u64,
    /// What a browser repeats as `X-CSRF-Token` with every request that changes something.
    csrf_token: String,
    user: SignedIn<'user>,
}

/// `GET /auth/google`: where to sign in.
#[utoipa::path(get, path = "/auth/google", tag = "Sign-in", security(()),
    responses((status = 200, body = SignInAddress), (status = 502)))]
pub(crate) async fn begin(State(app): State<App>) -> Result<Response, Error> {
    let Begun { url, state, sign_in } = app.provider.begin().await?;
    app.gate.identity.begin_sign_in(&state, sign_in).await?;
    let mut response = Reply(StatusCode::OK, SignInAddress { auth_url: url, state: state.clone() }).into_response();
    if let Some(kept) = new_cookie(SIGN_IN_COOKIE, &state, SIGN_IN_PATIENCE, false) {
        response.headers_mut().append(header::SET_COOKIE, kept);
    }
    Ok(response)
}

/// `POST /auth/google`: signs in whoever the provider's code is of. Who has never been here becomes a user.
#[utoipa::path(post, path = "/auth/google", tag = "Sign-in", security(()), request_body = CallbackBody,
    responses((status = 200, body = SignedInSession), (status = 401), (status = 403), (status = 502)))]
pub(crate) async fn finish(State(app): State<App>, headers: HeaderMap, Body(body): Body) -> Result<Response, Error> {
    let (code, told) = input::callback(&body)?;
    let state = state_of(told, cookie(&headers, SIGN_IN_COOKIE))?;
    let sign_in = app.gate.identity.take_sign_in(&state).await?;
    let sign_in = sign_in.ok_or_else(|| {
        Error::invalid("state", "is of no sign-in under way: it was used before, or is older than ten minutes")
    })?;
    let person = app.provider.redeem(code, sign_in).await?;
    let user = user_of(&app, person).await?;
    if !user.is_active {
        return Err(Error::Authorization("This account is deactivated".to_owned()));
    }
    let (issued, account) = tokio::join!(app.gate.sessions.issue(&user.id), account_of(&app, &user.id));
    let (session, token) = issued.map_err(|error| {
        tracing::error!(%error, "nobody can sign in");
        Error::Internal
    })?;
    let answer = SignedInSession {
        access_token: token.clone(),
        token_type: "bearer",
        expires_in: SESSION_LENGTH.as_secs(),
        csrf_token: session.csrf.clone(),
        user: SignedIn::new(&user, &account?),
    };
    let mut response = Reply(StatusCode::OK, answer).into_response();
    let cookies = [
        new_cookie(SESSION_COOKIE, &token, SESSION_LENGTH, false),
        new_cookie(CSRF_COOKIE, &session.csrf, SESSION_LENGTH, true),
        expired_cookie(SIGN_IN_COOKIE),
    ];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The state that a sign-in came back with: told, or kept by the browser; both must agree, or a page has sent somebody else's code along.
fn state_of(told: Option<String>, kept: Option<&str>) -> Result<String, Error> {
    match (told, kept.filter(|kept| !kept.is_empty())) {
        (Some(told), Some(kept)) if told != kept => {
            Err(Error::invalid("state", "is not the one that this browser began with"))
        }
        (Some(told), _) => Ok(told),
        (None, Some(kept)) => Ok(kept.to_owned()),
        (None, None) => {
            Err(Error::invalid("state", "is required, as GET /auth/google told it, where its cookie is not sent"))
        }
    }
}

/// The user that a person signs in as: by issuer and subject, whatever their address is now. Of all first sign-ins at once, one makes the user.
async fn user_of(app: &App, person: Person) -> Result<User, Error> {
    let (identity, now) = (&app.gate.identity, app.gate.clock.now());
    let login = if let Some(login) = identity.find_login(&person.issuer, &person.subject).await? {
        login
    } else {
        let user = User {
            id: new_id(now).to_string(),
            email: person.email.clone(),
            full_name: person.name,
            avatar_url: person.picture,
            is_operator: false,
            is_active: true,
            created_at: now,
            updated_at: None,
        };
        let login = Login { issuer: person.issuer, subject: person.subject, user_id: user.id.clone() };
        let opening = app.accounts.add_opening(Transaction::new(), &user.id, Plan::Free, None)?;
        let counts = identity.add_login(opening, login, &user).await?;
        if counts.user_id == user.id {
            return Ok(user);
        }
        counts
    };
    let user = identity.find_user(&login.user_id).await?.ok_or(Error::Internal)?;
    if user.email == person.email {
        return Ok(user);
    }
    Ok(identity.change_user(&user.id, UserChange { email: Some(person.email), ..UserChange::default() }).await?)
}

impl From<SignInError> for Error {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Off(_) => Self::Dependency(error.to_string()),
            SignInError::Provider(_) => {
                tracing::error!(%error, "the identity provider failed");
                Self::Dependency(error.to_string())
            }
            SignInError::Code => Self::invalid("code", error.to_string()),
            SignInError::Token(reason) => {
                tracing::warn!(reason, "an ID token was refused");
                Self::Authentication("The identity provider's token was refused")
            }
            SignInError::Unverified => Self::Authorization(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_told_or_kept_and_both_agree() {
        for (told, kept, state) in [
            (Some("a"), None, Some("a")),
            (None, Some("a"), Some("a")),
            (Some("a"), Some("a"), Some("a")),
            (Some("a"), Some(""), Some("a")),
            (Some("a"), Some("b"), None),
            (None, Some(""), None),
            (None, None, None),
        ] {
            assert_eq!(state_of(told.map(str::to_owned), kept).ok().as_deref(), state, "{told:?} {kept:?}");
        }
    }
}
