//! Bodies as the document tells them. What answers consist of has the name of its kind of record, so that they have no types of their own.

use input::schema::{self, PartialSchema, ToSchema};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use worker::{Backlink, BacklinkFields, Fields, Proxy, ProxyFields, SiteAccount, SiteAccountFields};

use crate::proxies::PROXIES;
use crate::view::{UsableProxy, View};

input::forms! {
    /// A backlink that was placed.
    pub(crate) NewBacklink of BacklinkFields, needs BacklinkFields::NEEDED, example {
        "campaign_id": 45, "url": "https://example.com/article#comment-123", "type": "comment", "keyword": "seo tools",
        "anchor_text": "Best SEO Tools", "status": "submitted", "site_account_id": 10
    };
    /// Any fields of a backlink.
    pub(crate) BacklinkChange of BacklinkFields, needs [], example
        {"status": "verified", "verified_at": "2025-12-03T10:15:00Z"};
    /// A site account that was opened.
    pub(crate) NewSiteAccount of SiteAccountFields, needs SiteAccountFields::NEEDED, example
        {"campaign_id": 45, "site_domain": "example.com", "username": "user123", "email": "user@example.com", "status": "created"};
    /// Any fields of a site account.
    pub(crate) SiteAccountChange of SiteAccountFields, needs [], example
        {"status": "verified", "verified_at": "2025-12-03T10:15:00Z"};
    /// A proxy that is to be made.
    pub(crate) NewProxy of ProxyFields, needs ProxyFields::NEEDED, example
        {"host": "proxy.example.com", "port": 8080, "username": "user", "password": "pass", "type": "http", "country": "US"};
    /// Any fields of a proxy.
    pub(crate) ProxyChange of ProxyFields, needs [], example {"is_active": false};
}

/// One proxy, or many.
pub(crate) enum NewProxies {}

impl PartialSchema for NewProxies {
    fn schema() -> RefOr<Schema> {
        schema::one_or_many::<NewProxy>(PROXIES)
    }
}

impl ToSchema for NewProxies {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((NewProxy::name().into_owned(), NewProxy::schema()));
        NewProxy::schemas(schemas);
    }
}

/// Answers about one kind of record.
macro_rules! answers {
    ($($name:ident of $record:ty { $($field:expr => $schema:expr),* $(,)? }, $told:literal;)*) => {$(
        #[doc = $told]
        pub(crate) enum $name {}
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                schema::answer($told, vec![$(($field, $schema)),*])
            }
        }
        impl ToSchema for $name {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                type Shown = <$record as View>::Shown;
                schemas.push((Shown::name().into_owned(), Shown::schema()));
                Shown::schemas(schemas);
            }
        }
    )*};
}

fn message() -> RefOr<Schema> {
    RefOr::T(schema::any_text().into())
}

fn one<R: View>() -> RefOr<Schema> {
    schema::reference::<R::Shown>()
}

fn many<R: View>() -> RefOr<Schema> {
    schema::list_of::<R::Shown>()
}

answers! {
    BacklinkMade of Backlink {"message" => message(), Backlink::ONE => one::<Backlink>()}, "A backlink that was made.";
    BacklinkShown of Backlink {Backlink::ONE => one::<Backlink>()}, "A backlink.";
    BacklinkPage of Backlink {Backlink::MANY => many::<Backlink>(), "next_cursor" => schema::cursor()}, "A page of backlinks.";
    SiteAccountMade of SiteAccount {"message" => message(), SiteAccount::ONE => one::<SiteAccount>()}, "A site account that was made.";
    SiteAccountShown of SiteAccount {SiteAccount::ONE => one::<SiteAccount>()}, "A site account.";
    SiteAccountPage of SiteAccount {SiteAccount::MANY => many::<SiteAccount>(), "next_cursor" => schema::cursor()},
        "A page of site accounts.";
    ProxyMade of Proxy {"message" => message(), Proxy::ONE => one::<Proxy>()}, "A proxy that was made or changed.";
    ProxyShown of Proxy {Proxy::ONE => one::<Proxy>()}, "A proxy.";
    ProxyPage of Proxy {Proxy::MANY => many::<Proxy>(), "next_cursor" => schema::cursor()}, "A page of proxies.";
    Done of Proxy {"message" => message()}, "What was done.";
}

/// A page of proxies for workers.
pub(crate) enum UsableProxies {}

impl PartialSchema for UsableProxies {
    fn schema() -> RefOr<Schema> {
        let fields = vec![(Proxy::MANY, schema::list_of::<UsableProxy>()), ("next_cursor", schema::cursor())];
        schema::answer("Proxies that may be used, with their passwords.", fields)
    }
}

impl ToSchema for UsableProxies {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((UsableProxy::name().into_owned(), UsableProxy::schema()));
        UsableProxy::schemas(schemas);
    }
}

/// A proxy that was made, or what became of each of many.
pub(crate) enum ProxiesMade {}

impl PartialSchema for ProxiesMade {
    fn schema() -> RefOr<Schema> {
        schema::made_one_or_many(PROXIES, one::<Proxy>())
    }
}

impl ToSchema for ProxiesMade {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ProxyMade::schemas(schemas);
    }
}
