//! The client. A request is asked once more only after a fault of the connection: nothing that is asked here does harm twice, since a
//! checkout that nobody is shown is paid by nobody, and all else says how a thing is to be.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use outbound::Outbound;
use parameters::Parameters;
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::document::{Document, List, Resource, Typed};
use crate::fault::Fault;
use crate::resources::{Charge, Checkout, Customer, Invoice, NewCheckout, Subscription, subscription_change};

const MEDIA_TYPE: &str = "application/vnd.api+json";
/// As the parameter of the key is called.
const KEY: &str = "api-key";
/// How many invoices one page has (the API's most).
const PAGE: u32 = 100;
/// How many pages of invoices are read: 25 years of months, and as many changes.
const PAGES: u32 = 6;

/// The store that is sold from.
#[derive(Clone, Debug)]
pub struct Store {
    /// The base URL of the API, as `https://api.lemonsqueezy.com`.
    pub address: String,
    /// By which Lemon Squeezy knows the store.
    pub id: u64,
    /// Whether only test cards are taken.
    pub test_mode: bool,
}

/// Lemon Squeezy, as it is called for one store.
#[derive(Clone)]
pub struct LemonSqueezy {
    outbound: Arc<Outbound>,
    secrets: Parameters,
    store: Store,
}

impl LemonSqueezy {
    /// The store that `store` names, with the key that is the parameter `api-key` of `secrets`. How long a request may take is `outbound`'s.
    #[must_use]
    pub const fn new(outbound: Arc<Outbound>, secrets: Parameters, store: Store) -> Self {
        Self { outbound, secrets, store }
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Makes a checkout.
    pub async fn create_checkout(&self, new: &NewCheckout<'_>) -> Result<Resource<Checkout>, Fault> {
        let document = new.document(&self.store);
        self.one(Method::POST, "checkouts", Some(&document)).await
    }

    /// Changes what is subscribed to.
    pub async fn change_variant(&self, id: u64, variant: u64, charge: Charge) -> Result<Resource<Subscription>, Fault> {
        let attributes = json!({"variant_id": variant, "invoice_immediately": charge == Charge::Now});
        self.change(id, &attributes).await
    }

    /// Has a subscription end with its period.
    pub async fn cancel(&self, id: u64) -> Result<Resource<Subscription>, Fault> {
        self.one(Method::DELETE, &format!("subscriptions/{id}"), None).await
    }

    /// Has a subscription that is cancelled go on, as long as it has not ended.
    pub async fn resume(&self, id: u64) -> Result<Resource<Subscription>, Fault> {
        self.change(id, &json!({"cancelled": false})).await
    }

    /// A customer, with addresses that are fresh.
    pub async fn customer(&self, id: u64) -> Result<Resource<Customer>, Fault> {
        self.one(Method::GET, &format!("customers/{id}"), None).await
    }

    /// The invoices of these subscriptions, of each the newest first; of very many only the newest. All of it may take `time_limit`.
    pub async fn invoices(&self, subscriptions: &[u64], time_limit: Duration) -> Result<Vec<Resource<Invoice>>, Fault> {
        let asked = try_join_all(subscriptions.iter().map(|subscription| self.invoices_of(*subscription)));
        let timed_out = Fault::from(outbound::Fault::TimedOut(time_limit));
        let told = tokio::time::timeout(time_limit, asked).await.unwrap_or(Err(timed_out))?;
        Ok(told.into_iter().flatten().collect())
    }

    async fn invoices_of(&self, subscription: u64) -> Result<Vec<Resource<Invoice>>, Fault> {
        let mut invoices = Vec::new();
        for number in 1..=PAGES {
            let path = format!(
                "subscription-invoices?filter[subscription_id]={subscription}&page[number]={number}&page[size]={PAGE}"
            );
            let list: List = self.ask(Method::GET, &path, None).await?;
            let page = list.data.into_iter().map(|resource| resource.typed().map_err(|_| outbound::Fault::Garbled));
            invoices.extend(page.collect::<Result<Vec<_>, _>>()?);
            if number >= list.meta.page.last_page {
                break;
            }
        }
        Ok(invoices)
    }

    async fn change(&self, id: u64, attributes: &Json) -> Result<Resource<Subscription>, Fault> {
        let document = subscription_change(id, attributes);
        self.one(Method::PATCH, &format!("subscriptions/{id}"), Some(&document)).await
    }

    async fn one<T: Typed + DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        document: Option<&Json>,
    ) -> Result<Resource<T>, Fault> {
        let answer: Document = self.ask(method, path, document).await?;
        answer.data.typed().map_err(|_| outbound::Fault::Garbled.into())
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, document: Option<&Json>) -> Result<T, Fault> {
        let key = self.secrets.get(KEY).await?;
        let request = self.outbound.client()?.request(method, format!("{}/v1/{path}", self.store.address));
        let request = with_document(request.header("accept", MEDIA_TYPE).bearer_auth(key.reveal()), document);
        let request = request.build().map_err(|_| outbound::Fault::Unreachable)?;
        let reply = self.outbound.send(request, outbound::Fault::is_of_transport).await?;
        let retry_after = reply.headers.get("retry-after").and_then(|value| value.to_str().ok());
        if let Some(fault) = Fault::of_status(reply.status, retry_after) {
            if matches!(fault, Fault::Refused(401 | 403)) {
                // By the next request the operator may have set another.
                self.secrets.forget_refused(KEY);
            }
            return Err(fault);
        }
        serde_json::from_slice(&reply.body).map_err(|_| outbound::Fault::Garbled.into())
    }
}

fn with_document(request: RequestBuilder, document: Option<&Json>) -> RequestBuilder {
    match document {
        Some(document) => request.header("content-type", MEDIA_TYPE).body(document.to_string()),
        None => request,
    }
}
