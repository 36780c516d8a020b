//! `/api/captcha/domains`: the sites whose captchas may be solved, for administrators.

use api::query::Parameters;
use api::worker::{Administrator, Error, PageQuery, page};
use axum::Json as Answer;
use axum::extract::{Path, State};
use input::{Fault, schema};
use serde::Serialize;
use utoipa::ToSchema;
use worker::{CaptchaDomain, DomainName};

use crate::App;

input::parameters! {
    /// The domain of a path.
    pub(crate) DomainPath {
        path "domain" "The site's domain." => schema::domain(),
    }
}

/// A site whose captchas may be solved.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "domain": "example.com", "listed_by": "018d0a7c-5f80-7000-8000-000000000001", "created_at": "2025-12-03T10:00:00Z",
}))]
pub(crate) struct DomainView {
    domain: String,
    /// The id of the administrator's token.
    listed_by: String,
    #[schema(schema_with = schema::moment)]
    created_at: String,
}

/// A page of sites.
#[derive(Serialize, ToSchema)]
pub(crate) struct Domains {
    domains: Vec<DomainView>,
    /// What the next page is asked for by; null where there is none.
    next_cursor: Option<String>,
}

/// A site.
#[derive(Serialize, ToSchema)]
pub(crate) struct DomainShown {
    domain: DomainView,
}

/// A site that is listed now.
#[derive(Serialize, ToSchema)]
pub(crate) struct DomainListed {
    message: &'static str,
    domain: DomainView,
}

/// What was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {
    message: &'static str,
}

type Named = Result<Path<String>, axum::extract::rejection::PathRejection>;

/// `GET /api/captcha/domains?limit=&cursor=`: those that are listed, by name.
#[utoipa::path(get, path = "/api/captcha/domains", tag = "Worker services", params(PageQuery),
    responses((status = 200, body = Domains), (status = 403)))]
pub(crate) async fn list(
    State(app): State<App>,
    _: Administrator,
    given: Parameters,
) -> Result<Answer<Domains>, Error> {
    let list = async |limit, after: Option<&str>| app.records.captcha_domains(limit, after).await;
    let page = page(&given, list).await?;
    Ok(Answer(Domains { domains: page.records.iter().map(view).collect(), next_cursor: page.next }))
}

/// `GET /api/captcha/domains/{domain}`: one that is listed.
#[utoipa::path(get, path = "/api/captcha/domains/{domain}", tag = "Worker services", params(DomainPath),
    responses((status = 200, body = DomainShown), (status = 400), (status = 403)))]
pub(crate) async fn show(
    State(app): State<App>,
    _: Administrator,
    domain: Named,
) -> Result<Answer<DomainShown>, Error> {
    let domain = app.records.find_captcha_domain(&name(domain)?).await?.ok_or_else(missing)?;
    Ok(Answer(DomainShown { domain: view(&domain) }))
}

/// `PUT /api/captcha/domains/{domain}`: lists a site, as the operator's own or as one that may be tested.
#[utoipa::path(put, path = "/api/captcha/domains/{domain}", tag = "Worker services", params(DomainPath),
    responses((status = 200, body = DomainListed), (status = 400), (status = 403)))]
pub(crate) async fn list_one(
    State(app): State<App>,
    admin: Administrator,
    domain: Named,
) -> Result<Answer<DomainListed>, Error> {
    let domain = app.records.list_captcha_domain(name(domain)?, &admin.key_id).await?;
    Ok(Answer(DomainListed { message: "Domain listed successfully", domain: view(&domain) }))
}

/// `DELETE /api/captcha/domains/{domain}`: takes a site off the list.
#[utoipa::path(delete, path = "/api/captcha/domains/{domain}", tag = "Worker services", params(DomainPath),
    responses((status = 200, body = Done), (status = 400), (status = 403)))]
pub(crate) async fn unlist(State(app): State<App>, _: Administrator, domain: Named) -> Result<Answer<Done>, Error> {
    if !app.records.unlist_captcha_domain(&name(domain)?).await? {
        return Err(missing());
    }
    Ok(Answer(Done { message: "Domain removed successfully" }))
}

fn name(given: Named) -> Result<DomainName, Error> {
    let name = given.ok().and_then(|Path(name)| name.parse().ok());
    name.ok_or_else(|| Fault::new("domain", worker::NoDomainName.to_string()).into())
}

fn missing() -> Error {
    Error::not_found("This domain is not listed")
}

fn view(domain: &CaptchaDomain) -> DomainView {
    DomainView {
        domain: domain.domain.to_string(),
        listed_by: domain.listed_by.clone(),
        created_at: domain.created_at.to_string(),
    }
}
