//! `/auth/me` and `/auth/logout`.

use api::extract_cloud::{Body, Caller, Error, Reply, SESSION_COOKIE, expired_cookie};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::document::ProfileChange;
use crate::google::CSRF_COOKIE;
use crate::view::Me;
use crate::{App, account_of, input};

/// What was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoggedOut {
    message: &'static str,
}

/// `GET /auth/me`: who is calling, whatever their key may do otherwise.
#[utoipa::path(get, path = "/auth/me", tag = "Sign-in", responses((status = 200, body = Me)))]
pub(crate) async fn show(State(app): State<App>, caller: Caller) -> Result<Reply<Me>, Error> {
    let (user, account) = tokio::join!(app.gate.identity.find_user(&caller.user_id), account_of(&app, &caller.user_id));
    let user = user?.ok_or(Error::Authentication("There is no such user any more"))?;
    Ok(Reply(StatusCode::OK, Me::new(user, &account?)))
}

/// `PUT /auth/me`: changes the profile of who is signed in.
#[utoipa::path(put, path = "/auth/me", tag = "Sign-in", request_body = ProfileChange,
    responses((status = 200, body = Me)))]
pub(crate) async fn update(State(app): State<App>, caller: Caller, Body(body): Body) -> Result<Reply<Me>, Error> {
    caller.session()?;
    let change = input::profile(&body)?;
    let user = app.gate.identity.change_user(&caller.user_id, change).await?;
    let account = account_of(&app, &user.id).await?;
    Ok(Reply(StatusCode::OK, Me::new(user, &account)))
}

/// `POST /auth/logout`: ends the session. A browser's cookies go too.
#[utoipa::path(post, path = "/auth/logout", tag = "Sign-in", responses((status = 200, body = LoggedOut)))]
pub(crate) async fn logout(State(app): State<App>, caller: Caller) -> Result<Response, Error> {
    app.gate.identity.end_session(caller.session()?).await?;
    let mut response = Reply(StatusCode::OK, LoggedOut { message: "Logged out" }).into_response();
    for gone in [SESSION_COOKIE, CSRF_COOKIE].into_iter().filter_map(expired_cookie) {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    Ok(response)
}
