//! `/auth/login`.

use std::time::Duration;

use api::portal::{Error, Form};
use api::{RateLimit, source_address};
use axum::Json as Answer;
use axum::extract::{FromRequest, Request, State};
use input::Fault;
use portals::{LONGEST_EMAIL, LONGEST_PASSWORD, LogInError};
use secrets::{Password, fingerprint};
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::document::LoginForm;

/// How often it may be tried from an address, and with a name: each is counted apart, and whatever comes of it.
const ATTEMPTS: RateLimit = RateLimit { scope: "portal-login", requests: 10, window: Duration::from_mins(1) };

/// A token.
#[derive(Serialize, ToSchema)]
#[schema(as = PortalToken, example = json!({"access_token": "eyJ0eXAiOiJKV1QiLCJhbGci.…", "token_type": "bearer"}))]
pub(crate) struct TokenView {
    access_token: String,
    token_type: &'static str,
}

/// `POST /auth/login`: a token, good for an hour, for a user's name and password, which come as a form. Ten attempts a minute may come from an
/// address, and ten be made with a name.
#[utoipa::path(post, path = "/auth/login", tag = "Portal jobs", security(()),
    request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenView), (status = 401, description = "Another password, or no such user"), (status = 429)))]
pub(crate) async fn log_in(State(app): State<App>, request: Request) -> Result<Answer<TokenView>, Error> {
    // Before anything is read: whoever sends what is no form is counted too.
    app.count(&format!("IP#{}", source_address(&request))).await?;
    let Form(form) = Form::from_request(request, &app).await?;
    let needed = |name| move || Fault::new(name, "is required");
    let name = form.text("username", LONGEST_EMAIL)?.ok_or_else(needed("username"))?;
    let password = Password::given(form.text("password", LONGEST_PASSWORD)?.ok_or_else(needed("password"))?);
    let logins = &app.gate.logins;
    let by_name = format!("NAME#{}", fingerprint(&name.to_lowercase()));
    let (counted, user) = tokio::join!(app.count(&by_name), logins.users.find(name));
    // Before anything is hashed: that is what guessing would cost us.
    counted?;
    let user = user?;
    let opens = logins.opens(user.as_ref(), &password).await.map_err(LogInError::from)?;
    let user = user.filter(|_| opens).ok_or_else(Error::wrong_password)?;
    let token = logins.token(&user).await.map_err(LogInError::from)?;
    Ok(Answer(TokenView { access_token: token, token_type: "bearer" }))
}

impl App {
    /// Counts an attempt. One that cannot be counted is not made: else guesses were free whenever the table is slow.
    async fn count(&self, by: &str) -> Result<(), Error> {
        let decision = self.limiter.hit(by, ATTEMPTS).await?;
        if decision.allowed { Ok(()) } else { Err(Error::rate_limited(decision.retry_after)) }
    }
}
