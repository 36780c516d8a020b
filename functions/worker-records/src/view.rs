//! Records as callers see them.

use input::schema::moment as moments;
use serde::Serialize;
use table::Millis;
use utoipa::ToSchema;
use worker::{
    Backlink, BacklinkStatus, BacklinkType, Kind, Proxy, ProxyType, SiteAccount, SiteAccountStatus, Standing,
};

/// How a kind of record is shown and spoken of.
pub(crate) trait View {
    /// What kind it is.
    const KIND: Kind;
    /// One of them, as a field.
    const ONE: &'static str;
    /// Several, as a field.
    const MANY: &'static str;
    /// One of them, at the beginning of a sentence.
    const TITLE: &'static str;

    /// How it is shown.
    type Shown: Serialize + ToSchema;

    /// All that is known of it, but for secrets.
    fn shown(&self, now: Millis) -> Self::Shown;
}

/// A backlink.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 100, "campaign_id": 45, "url": "https://example.com/article#comment-123", "type": "comment", "status": "submitted",
    "keyword": "seo tools", "anchor_text": "Best SEO Tools", "site_account_id": 10, "verified_at": null,
    "created_at": "2025-12-03T10:00:00Z", "updated_at": "2025-12-03T10:00:00Z",
}))]
pub(crate) struct BacklinkView {
    id: u64,
    campaign_id: u64,
    url: String,
    #[serde(rename = "type")]
    backlink_type: BacklinkType,
    status: BacklinkStatus,
    keyword: Option<String>,
    anchor_text: Option<String>,
    site_account_id: Option<u64>,
    verified_at: Option<String>,
    #[schema(schema_with = moments)]
    created_at: String,
    #[schema(schema_with = moments)]
    updated_at: String,
}

/// A site account.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 10, "campaign_id": 45, "site_domain": "example.com", "username": "user123", "email": "user@example.com",
    "status": "created", "verification_link": null, "verified_at": null,
    "created_at": "2025-12-03T10:00:00Z", "updated_at": "2025-12-03T10:00:00Z",
}))]
pub(crate) struct SiteAccountView {
    id: u64,
    campaign_id: u64,
    site_domain: String,
    username: Option<String>,
    email: Option<String>,
    status: SiteAccountStatus,
    verification_link: Option<String>,
    verified_at: Option<String>,
    #[schema(schema_with = moments)]
    created_at: String,
    #[schema(schema_with = moments)]
    updated_at: String,
}

/// A proxy as administrators see it: without its password.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1, "host": "proxy.example.com", "port": 8080, "username": "user", "has_password": true, "type": "http", "country": "US",
    "is_active": true, "is_disabled": false, "error_count": 0, "rests": 0, "retry_at": null, "last_failed_at": null,
    "last_succeeded_at": null, "created_at": "2025-12-03T10:00:00Z", "updated_at": "2025-12-03T10:00:00Z",
}))]
pub(crate) struct ProxyView {
    id: u64,
    host: String,
    port: u64,
    username: Option<String>,
    has_password: bool,
    #[serde(rename = "type")]
    proxy_type: ProxyType,
    country: Option<String>,
    /// Whether it may be used now.
    is_active: bool,
    /// Whether an administrator has switched it off.
    is_disabled: bool,
    /// How often it has failed since it last worked.
    error_count: u64,
    /// How often it was put to rest since it last worked.
    rests: u64,
    /// When its rest ends.
    retry_at: Option<String>,
    last_failed_at: Option<String>,
    last_succeeded_at: Option<String>,
    #[schema(schema_with = moments)]
    created_at: String,
    #[schema(schema_with = moments)]
    updated_at: String,
}

/// A proxy as the worker that is to use it sees it.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 1, "host": "proxy.example.com", "port": 8080, "username": "user", "password": "pass", "type": "http", "country": "US",
    "is_active": true, "error_count": 0,
}))]
pub(crate) struct UsableProxy {
    id: u64,
    host: String,
    port: u64,
    username: Option<String>,
    password: Option<String>,
    #[serde(rename = "type")]
    proxy_type: ProxyType,
    country: Option<String>,
    is_active: bool,
    error_count: u64,
}

impl View for Backlink {
    const KIND: Kind = Kind::Backlink;
    const ONE: &'static str = "backlink";
    const MANY: &'static str = "backlinks";
    const TITLE: &'static str = "Backlink";

    type Shown = BacklinkView;

    fn shown(&self, _: Millis) -> Self::Shown {
        BacklinkView {
            id: self.id,
            campaign_id: self.campaign_id,
            url: self.url.clone(),
            backlink_type: self.backlink_type,
            status: self.status,
            keyword: self.keyword.clone(),
            anchor_text: self.anchor_text.clone(),
            site_account_id: self.site_account_id,
            verified_at: moment(self.verified_at),
            created_at: self.created_at.to_string(),
            updated_at: self.updated_at.to_string(),
        }
    }
}

impl View for SiteAccount {
    const KIND: Kind = Kind::SiteAccount;
    const ONE: &'static str = "site_account";
    const MANY: &'static str = "site_accounts";
    const TITLE: &'static str = "Site account";

    type Shown = SiteAccountView;

    fn shown(&self, _: Millis) -> Self::Shown {
        SiteAccountView {
            id: self.id,
            campaign_id: self.campaign_id,
            site_domain: self.site_domain.clone(),
            username: self.username.clone(),
            email: self.email.clone(),
            status: self.status,
            verification_link: self.verification_link.clone(),
            verified_at: moment(self.verified_at),
            created_at: self.created_at.to_string(),
            updated_at: self.updated_at.to_string(),
        }
    }
}

impl View for Proxy {
    const KIND: Kind = Kind::Proxy;
    const ONE: &'static str = "proxy";
    const MANY: &'static str = "proxies";
    const TITLE: &'static str = "Proxy";

    type Shown = ProxyView;

    fn shown(&self, now: Millis) -> Self::Shown {
        let standing = self.standing(now);
        let retry_at = match standing {
            Standing::Resting(until) => Some(until),
            Standing::Active | Standing::Disabled => None,
        };
        ProxyView {
            id: self.id,
            host: self.host.clone(),
            port: self.port,
            username: self.username.clone(),
            has_password: self.sealed_password.is_some(),
            proxy_type: self.proxy_type,
            country: self.country.clone(),
            is_active: standing == Standing::Active,
            is_disabled: standing == Standing::Disabled,
            error_count: self.error_count,
            rests: self.rests,
            retry_at: moment(retry_at),
            last_failed_at: moment(self.last_failed_at),
            last_succeeded_at: moment(self.last_succeeded_at),
            created_at: self.created_at.to_string(),
            updated_at: self.updated_at.to_string(),
        }
    }
}

/// A proxy, with its password in clear.
pub(crate) fn usable(proxy: &Proxy, password: Option<&str>, now: Millis) -> UsableProxy {
    UsableProxy {
        id: proxy.id,
        host: proxy.host.clone(),
        port: proxy.port,
        username: proxy.username.clone(),
        password: password.map(str::to_owned),
        proxy_type: proxy.proxy_type,
        country: proxy.country.clone(),
        is_active: proxy.standing(now) == Standing::Active,
        error_count: proxy.error_count,
    }
}

fn moment(moment: Option<Millis>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}
