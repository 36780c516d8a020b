//! Records as callers see them.

use serde::Serialize;
use serde_json::{Value as Json, json};
use table::Millis;
use worker::{Backlink, Kind, Proxy, SiteAccount, Standing};

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

    /// All that is known of it, but for secrets.
    fn shown(&self, now: Millis) -> Json;
}

impl View for Backlink {
    const KIND: Kind = Kind::Backlink;
    const ONE: &'static str = "backlink";
    const MANY: &'static str = "backlinks";
    const TITLE: &'static str = "Backlink";

    fn shown(&self, _: Millis) -> Json {
        json!({
            "id": self.id,
            "campaign_id": self.campaign_id,
            "url": self.url,
            "type": self.backlink_type,
            "status": self.status,
            "keyword": self.keyword,
            "anchor_text": self.anchor_text,
            "site_account_id": self.site_account_id,
            "verified_at": moment(self.verified_at),
            "created_at": self.created_at.to_string(),
            "updated_at": self.updated_at.to_string(),
        })
    }
}

impl View for SiteAccount {
    const KIND: Kind = Kind::SiteAccount;
    const ONE: &'static str = "site_account";
    const MANY: &'static str = "site_accounts";
    const TITLE: &'static str = "Site account";

    fn shown(&self, _: Millis) -> Json {
        json!({
            "id": self.id,
            "campaign_id": self.campaign_id,
            "site_domain": self.site_domain,
            "username": self.username,
            "email": self.email,
            "status": self.status,
            "verification_link": self.verification_link,
            "verified_at": moment(self.verified_at),
            "created_at": self.created_at.to_string(),
            "updated_at": self.updated_at.to_string(),
        })
    }
}

impl View for Proxy {
    const KIND: Kind = Kind::Proxy;
    const ONE: &'static str = "proxy";
    const MANY: &'static str = "proxies";
    const TITLE: &'static str = "Proxy";

    fn shown(&self, now: Millis) -> Json {
        let standing = self.standing(now);
        let retry_at = match standing {
            Standing::Resting(until) => Some(until),
            Standing::Active | Standing::Disabled => None,
        };
        json!({
            "id": self.id,
            "host": self.host,
            "port": self.port,
            "username": self.username,
            "has_password": self.sealed_password.is_some(),
            "type": self.proxy_type,
            "country": self.country,
            "is_active": standing == Standing::Active,
            "is_disabled": standing == Standing::Disabled,
            "error_count": self.error_count,
            "rests": self.rests,
            "retry_at": moment(retry_at),
            "last_failed_at": moment(self.last_failed_at),
            "last_succeeded_at": moment(self.last_succeeded_at),
            "created_at": self.created_at.to_string(),
            "updated_at": self.updated_at.to_string(),
        })
    }
}

/// A proxy as the worker that is to use it sees it.
pub(crate) fn usable(proxy: &Proxy, password: Option<&str>, now: Millis) -> Json {
    json!({
        "id": proxy.id,
        "host": proxy.host,
        "port": proxy.port,
        "username": proxy.username,
        "password": password,
        "type": proxy.proxy_type,
        "country": proxy.country,
        "is_active": proxy.standing(now) == Standing::Active,
        "error_count": proxy.error_count,
    })
}

fn moment(moment: Option<Millis>) -> impl Serialize {
    moment.map(|moment| moment.to_string())
}
