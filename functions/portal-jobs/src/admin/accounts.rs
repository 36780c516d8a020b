//! `/cpcb/admin/accounts`. What an account logs in with is taken, and never told.

use api::portal::{Administrator, Body, Error};
use api::query::Parameters;
use axum::Json as Answer;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use input::Fault;
use portals::{AccountError, AccountFields, CredentialFields, LONGEST_EMAIL, LONGEST_NAME, Listing, Portal, User};

use super::page;
use crate::App;
use crate::document::{AccountPage, AccountPathParameters, NewPortalAccount, PortalCredentialsBody};
use crate::view::{AccountView, AccountsView, Done};

/// The account that a path names.
pub(crate) struct AccountPath {
    tenant: String,
    portal: Portal,
    email: String,
}

impl<S: Send + Sync> FromRequestParts<S> for AccountPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let path = Path::<(String, String, String)>::from_request_parts(parts, state).await;
        let Path((tenant, portal, email)) = path.map_err(|_| missing())?;
        let portal = Portal::named(&portal).ok_or_else(missing)?;
        let can_be = User::may_be_called(&tenant) && !email.contains('\0') && email.chars().count() <= LONGEST_EMAIL;
        if can_be { Ok(Self { tenant: tenant.to_lowercase(), portal, email }) } else { Err(missing()) }
    }
}

/// `GET /cpcb/admin/accounts?tenant=&limit=&cursor=`: accounts, by tenant, portal and address.
#[utoipa::path(get, path = "/cpcb/admin/accounts", tag = "Portal administration", params(AccountPage),
    responses((status = 200, body = AccountsView)))]
pub(crate) async fn list(
    State(app): State<App>,
    _: Administrator,
    given: Parameters,
) -> Result<Answer<AccountsView>, Error> {
    let tenant = given.text("tenant", LONGEST_NAME)?;
    if tenant.is_some_and(|tenant| !User::may_be_called(tenant)) {
        return Err(Fault::new("tenant", "is no name of one").into());
    }
    let listing = page(&given, async |limit, after| app.accounts.list(tenant, limit, after).await);
    let Listing { items, next } = listing.await?;
    Ok(Answer(AccountsView { accounts: items.iter().map(AccountView::of).collect(), next_cursor: next }))
}

/// `POST /cpcb/admin/accounts`: makes an account, whose credentials are sealed.
#[utoipa::path(post, path = "/cpcb/admin/accounts", tag = "Portal administration", request_body = NewPortalAccount,
    responses((status = 201, body = AccountView), (status = 409, description = "The tenant has this account already")))]
pub(crate) async fn create(
    State(app): State<App>,
    _: Administrator,
    Body(body): Body,
) -> Result<(StatusCode, Answer<AccountView>), Error> {
    let account = app.accounts.create(AccountFields::read(&body)?).await.map_err(refused)?;
    Ok((StatusCode::CREATED, Answer(AccountView::of(&account))))
}

/// `GET /cpcb/admin/accounts/{tenant}/{portal}/{email}`: one account.
#[utoipa::path(get, path = "/cpcb/admin/accounts/{tenant}/{portal}/{email}", tag = "Portal administration",
    params(AccountPathParameters), responses((status = 200, body = AccountView)))]
pub(crate) async fn show(
    State(app): State<App>,
    _: Administrator,
    path: AccountPath,
) -> Result<Answer<AccountView>, Error> {
    let account = app.accounts.find(&path.tenant, path.portal, &path.email).await?.ok_or_else(missing)?;
    Ok(Answer(AccountView::of(&account)))
}

/// `PUT /cpcb/admin/accounts/{tenant}/{portal}/{email}`: gives an account other credentials. Jobs that begin after that log in with them.
#[utoipa::path(put, path = "/cpcb/admin/accounts/{tenant}/{portal}/{email}", tag = "Portal administration",
    params(AccountPathParameters), request_body = PortalCredentialsBody, responses((status = 200, body = AccountView)))]
pub(crate) async fn change(
    State(app): State<App>,
    _: Administrator,
    path: AccountPath,
    Body(body): Body,
) -> Result<Answer<AccountView>, Error> {
    let fields = CredentialFields::read(&body)?;
    let account = app.accounts.change(&path.tenant, path.portal, &path.email, fields).await.map_err(refused)?;
    Ok(Answer(AccountView::of(&account)))
}

/// `DELETE /cpcb/admin/accounts/{tenant}/{portal}/{email}`: deletes an account; its jobs stay.
#[utoipa::path(delete, path = "/cpcb/admin/accounts/{tenant}/{portal}/{email}", tag = "Portal administration",
    params(AccountPathParameters), responses((status = 200, body = Done)))]
pub(crate) async fn delete(State(app): State<App>, _: Administrator, path: AccountPath) -> Result<Answer<Done>, Error> {
    app.accounts.delete(&path.tenant, path.portal, &path.email).await.map_err(refused)?;
    Ok(Answer(Done { message: "Account deleted" }))
}

fn missing() -> Error {
    Error::not_found("Account not found")
}

fn refused(error: AccountError) -> Error {
    match error {
        AccountError::Missing => missing(),
        AccountError::Taken => Error::conflict("The tenant has this account already"),
        AccountError::Incomplete => Error::bad_request(error.to_string()),
        AccountError::Seal(error) => {
            tracing::error!(%error, "credentials were not sealed");
            Error::internal()
        }
        AccountError::Table(error) => error.into(),
    }
}
