//! `/cpcb/admin/users`.

use api::portal::{Administrator, Body, Error};
use api::query::Parameters;
use axum::Json as Answer;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use portals::{Listing, User, UserChange, UserError, UserFields};

use super::page;
use crate::App;
use crate::document::{NewPortalUser, PortalUserChange, UserPage, UserPath};
use crate::view::{Done, UserView, UsersView};

/// What a path names, if it names anything.
type Name = Result<Path<String>, PathRejection>;

/// `GET /cpcb/admin/users?limit=&cursor=`: all users, by their names.
#[utoipa::path(get, path = "/cpcb/admin/users", tag = "Portal administration", params(UserPage), responses((status = 200, body = UsersView)))]
pub(crate) async fn list(
    State(app): State<App>,
    _: Administrator,
    given: Parameters,
) -> Result<Answer<UsersView>, Error> {
    let users = &app.gate.logins.users;
    let Listing { items, next } = page(&given, async |limit, after| users.list(limit, after).await).await?;
    Ok(Answer(UsersView { users: items.iter().map(UserView::of).collect(), next_cursor: next }))
}

/// `POST /cpcb/admin/users`: makes a user, who may log in from now on.
#[utoipa::path(post, path = "/cpcb/admin/users", tag = "Portal administration", request_body = NewPortalUser,
    responses((status = 201, body = UserView), (status = 409, description = "There is a user of this name")))]
pub(crate) async fn create(
    State(app): State<App>,
    _: Administrator,
    Body(body): Body,
) -> Result<(StatusCode, Answer<UserView>), Error> {
    let user = app.gate.logins.users.create(UserFields::read(&body)?).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Answer(UserView::of(&user))))
}

/// `GET /cpcb/admin/users/{username}`: one user.
#[utoipa::path(get, path = "/cpcb/admin/users/{username}", tag = "Portal administration", params(UserPath),
    responses((status = 200, body = UserView)))]
pub(crate) async fn show(State(app): State<App>, _: Administrator, name: Name) -> Result<Answer<UserView>, Error> {
    let user: Option<User> = app.gate.logins.users.find(&named(name)?).await?;
    user.as_ref().map(UserView::of).map(Answer).ok_or_else(missing)
}

/// `PATCH /cpcb/admin/users/{username}`: gives a user another password, or lets them call no more, or again. After another password, and of who may
/// call no more, no token is good that was given before.
#[utoipa::path(patch, path = "/cpcb/admin/users/{username}", tag = "Portal administration", params(UserPath),
    request_body = PortalUserChange, responses((status = 200, body = UserView)))]
pub(crate) async fn change(
    State(app): State<App>,
    _: Administrator,
    name: Name,
    Body(body): Body,
) -> Result<Answer<UserView>, Error> {
    let user = app.gate.logins.users.change(&named(name)?, UserChange::read(&body)?).await.map_err(refused)?;
    Ok(Answer(UserView::of(&user)))
}

/// `DELETE /cpcb/admin/users/{username}`: deletes a user; the accounts and jobs of their tenant stay.
#[utoipa::path(delete, path = "/cpcb/admin/users/{username}", tag = "Portal administration", params(UserPath),
    responses((status = 200, body = Done)))]
pub(crate) async fn delete(State(app): State<App>, _: Administrator, name: Name) -> Result<Answer<Done>, Error> {
    app.gate.logins.users.delete(&named(name)?).await.map_err(refused)?;
    Ok(Answer(Done { message: "User deleted" }))
}

fn named(name: Name) -> Result<String, Error> {
    let Path(name) = name.map_err(|_| missing())?;
    if User::may_be_called(&name) { Ok(name) } else { Err(missing()) }
}

fn missing() -> Error {
    Error::not_found("User not found")
}

fn refused(error: UserError) -> Error {
    match error {
        UserError::Missing => missing(),
        UserError::Taken => Error::conflict("There is a user of this name"),
        UserError::Empty => Error::bad_request("Nothing to change: give password or is_active"),
        UserError::Password(error) => {
            tracing::error!(%error, "a password was not hashed");
            Error::internal()
        }
        UserError::Table(error) => error.into(),
    }
}
