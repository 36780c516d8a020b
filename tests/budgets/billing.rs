//! The cost of one request at each endpoint of billing, and of Lemon Squeezy's webhooks: of DynamoDB, and of Lemon Squeezy, which is the others here.
//!
//! A user has five billing requests a minute, so each request is another user's, whom the function has seen once.

use anyhow::{Context, ensure};
use drover_tests::store::{Happening, WEBHOOKS, Webhook};
use extract::Plan;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

use super::cost::Cost;
use super::requests::{KEY, cost_of, measured, over};
use crate::contracts::billing::{Buyer, Shop, wanted};

/// What a function costs more that has not read the store's secrets.
const SECRETS: Cost = Cost::new(0, 0.0, 0.0, 2);

/// What is asked, by whom.
#[derive(Clone, Copy)]
enum Of {
    /// By somebody who has bought nothing.
    User(&'static str, fn() -> Json),
    /// By somebody who has bought nothing, and has asked the same before.
    Again(&'static str, fn() -> Json),
    /// By a subscriber.
    Subscriber(&'static str, fn() -> Json),
    /// Nothing: Lemon Squeezy tells this event of a purchase, after those before it.
    Event(&'static str),
    /// An event that it has told before.
    EventAgain(&'static str),
}

/// A request: what it is, and what it may cost.
struct Bound {
    what: &'static str,
    method: Method,
    of: Of,
    status: u16,
    cost: Cost,
}

/// Every endpoint. Each request is counted by the rate limiter: one write unit in each cost.
fn bounds() -> Vec<Bound> {
    use Of::{Again, Event, EventAgain, Subscriber, User};
    let bound = |what, method, of, status, cost| Bound { what, method, of, status, cost };
    let event = |what, name, cost| bound(what, Method::POST, Event(name), 200, cost);
    let (post, checkout) = (Method::POST, "/billing/create-checkout");
    let asked = Cost::new(2, 1.0, 1.0, 1);
    //                                                                          DynamoDB, read, written, others
    vec![
        bound("plans", Method::GET, User("/billing/plans", nothing), 200, Cost::new(1, 0.0, 1.0, 0)),
        bound(
            "subscription",
            Method::GET,
            Subscriber("/billing/subscription", nothing),
            200,
            Cost::new(3, 2.0, 1.0, 0),
        ),
        bound("checkout", post.clone(), User(checkout, professional), 200, Cost::new(6, 3.0, 3.0, 1)),
        bound("checkout, again", post.clone(), Again(checkout, professional), 200, Cost::new(3, 2.0, 1.0, 0)),
        bound("checkout, at fault", post.clone(), User(checkout, nothing), 400, Cost::new(1, 0.0, 1.0, 0)),
        bound("change the plan", Method::PUT, Subscriber("/billing/subscription", enterprise), 200, asked),
        bound("cancel", post.clone(), Subscriber("/billing/subscription/cancel", nothing), 200, asked),
        bound("resume", post.clone(), Subscriber("/billing/subscription/resume", nothing), 200, asked),
        bound("portal", post.clone(), Subscriber("/billing/portal", nothing), 200, asked),
        bound("invoices", Method::GET, Subscriber("/billing/invoices", nothing), 200, asked),
        event("told of an order", "order_created", Cost::new(1, 0.0, 1.0, 0)),
        // The event, what is known, the checkout's owner.
        event("told of a subscription", "subscription_created", Cost::new(5, 3.0, 7.0, 0)),
        // The event, what is known, the account, and the two entries of its ledger.
        event("told of a payment", "subscription_payment_success", Cost::new(5, 3.0, 11.0, 0)),
        bound("told again", post.clone(), EventAgain("subscription_payment_success"), 200, Cost::new(5, 3.0, 1.0, 0)),
        bound("no such path", Method::GET, User("/billing/nowhere", nothing), 404, Cost::new(1, 0.0, 1.0, 0)),
    ]
}

fn nothing() -> Json {
    json!({})
}

fn professional() -> Json {
    wanted(Plan::Professional)
}

fn enterprise() -> Json {
    wanted(Plan::Enterprise)
}

#[tokio::test]
async fn every_endpoint_of_billing_is_within_its_budget() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let mut faults = Vec::new();
    for mut bound in bounds() {
        bound.cost = bound.cost.measurable_on(&shop.stack);
        let costs = measured(&bound.cost, async || {
            let request = request(&shop, &bound).await?;
            cost_of(&shop.stack, "billing", request, bound.status).await
        });
        faults.extend(over(bound.what, &costs.await.context(bound.what)?, &bound.cost, &KEY.plus(&SECRETS))?);
    }
    ensure!(faults.is_empty(), "over budget:\n{}", faults.join("\n"));
    Ok(())
}

/// The request, with all done that goes before it.
async fn request(shop: &Shop, bound: &Bound) -> anyhow::Result<RequestBuilder> {
    match bound.of {
        Of::User(path, body) => {
            let user = shop.user().await?;
            user.get("/billing/subscription").await?;
            Ok(user.request(bound.method.clone(), path).json(&body()))
        }
        Of::Again(path, body) => {
            let user = shop.user().await?;
            user.send(bound.method.clone(), path, &body()).await?.success(bound.status)?;
            Ok(user.request(bound.method.clone(), path).json(&body()))
        }
        Of::Subscriber(path, body) => {
            let Buyer { user, subscription, .. } = shop.subscriber(Plan::Professional).await?;
            shop.store.happen(subscription, Happening::Nothing).await?;
            Ok(user.request(bound.method.clone(), path).json(&body()))
        }
        Of::Event(name) => {
            let Buyer { user, events, .. } = shop.buyer(Plan::Professional).await?;
            let (before, event) = until(&events, name)?;
            shop.store.tell(before).await?;
            Ok(sent(user.anonymous(Method::POST, WEBHOOKS), event))
        }
        Of::EventAgain(name) => {
            let Buyer { user, events, .. } = shop.buyer(Plan::Professional).await?;
            shop.store.tell(&events).await?;
            Ok(sent(user.anonymous(Method::POST, WEBHOOKS), until(&events, name)?.1))
        }
    }
}

fn until<'events>(events: &'events [Webhook], name: &str) -> anyhow::Result<(&'events [Webhook], &'events Webhook)> {
    let place = events.iter().position(|event| event.name == name).context("no such event")?;
    Ok((&events[..place], &events[place]))
}

fn sent(request: RequestBuilder, event: &Webhook) -> RequestBuilder {
    request.header("x-signature", event.signature.as_deref().unwrap_or_default()).body(event.body.clone())
}
