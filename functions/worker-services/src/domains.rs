//! `/api/captcha/domains`: the sites whose captchas may be solved, for administrators.

use api::query::Parameters;
use api::worker::{Administrator, Error, page};
use axum::Json as Answer;
use axum::extract::{Path, State};
use input::Fault;
use serde_json::{Value as Json, json};
use worker::{CaptchaDomain, DomainName};

use crate::App;

type Named = Result<Path<String>, axum::extract::rejection::PathRejection>;

/// `GET /api/captcha/domains?limit=&cursor=`: those that are listed, by name.
pub(crate) async fn list(State(app): State<App>, _: Administrator, given: Parameters) -> Result<Answer<Json>, Error> {
    let list = async |limit, after: Option<&str>| app.records.captcha_domains(limit, after).await;
    let page = page(&given, list).await?;
    let domains: Vec<_> = page.records.iter().map(view).collect();
    Ok(Answer(json!({"domains": domains, "next_cursor": page.next})))
}

/// `GET /api/captcha/domains/{domain}`
pub(crate) async fn show(State(app): State<App>, _: Administrator, domain: Named) -> Result<Answer<Json>, Error> {
    let domain = app.records.find_captcha_domain(&name(domain)?).await?.ok_or_else(missing)?;
    Ok(Answer(json!({"domain": view(&domain)})))
}

/// `PUT /api/captcha/domains/{domain}`: lists a site, as the operator's own or as one that may be tested.
pub(crate) async fn list_one(
    State(app): State<App>,
    admin: Administrator,
    domain: Named,
) -> Result<Answer<Json>, Error> {
    let domain = app.records.list_captcha_domain(name(domain)?, &admin.key_id).await?;
    Ok(Answer(json!({"message": "Domain listed successfully", "domain": view(&domain)})))
}

/// `DELETE /api/captcha/domains/{domain}`: takes a site off the list.
pub(crate) async fn unlist(State(app): State<App>, _: Administrator, domain: Named) -> Result<Answer<Json>, Error> {
    if !app.records.unlist_captcha_domain(&name(domain)?).await? {
        return Err(missing());
    }
    Ok(Answer(json!({"message": "Domain removed successfully"})))
}

fn name(given: Named) -> Result<DomainName, Error> {
    let name = given.ok().and_then(|Path(name)| name.parse().ok());
    name.ok_or_else(|| Fault::new("domain", worker::NoDomainName.to_string()).into())
}

fn missing() -> Error {
    Error::not_found("This domain is not listed")
}

fn view(domain: &CaptchaDomain) -> Json {
    json!({
        "domain": domain.domain,
        "listed_by": domain.listed_by,
        "created_at": domain.created_at.to_string(),
    })
}
