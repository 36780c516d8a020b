//! The cost of one request at each endpoint of billing, and of Lemon Squeezy's webhooks: of DynamoDB, and of Lemon Squeezy, which is the others here.
//!
//! A user has five billing requests a minute, so each request is another user's, whom the function has seen once.

use anyhow::{Context, ensure};
use drover_tests::User;
use drover_tests::answer::Answer;
use drover_tests::store::{Happening, WEBHOOKS, Webhook};
use extract::Plan;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::bound::Bound;
use super::cost::Cost;
use super::requests::{KEY, cost_of, measured, over};
use crate::contracts::billing::{Buyer, Shop, wanted};

/// What a function costs more that has not read the store's secrets.
const SECRETS: Cost = Cost::new(0, 0.0, 0.0, 2);

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    /// Somebody who has bought nothing.
    User,
    /// Somebody who has bought nothing, and has asked the same before.
    Again,
    /// A subscriber.
    Subscriber,
    /// Lemon Squeezy, which tells this event of a purchase, after those before it.
    Event(&'static str),
    /// The same with an event that it has told before.
    EventAgain(&'static str),
}

/// Every endpoint. Each request is counted by the rate limiter: one write unit in each cost.
pub(super) fn bounds() -> Vec<Bound<Of>> {
    use Of::{Again, Event, EventAgain, Subscriber, User};
    const SUBSCRIPTION: &str = "/billing/subscription";
    const CHECKOUT: &str = "/billing/create-checkout";
    let (professional, enterprise) = (Some(wanted(Plan::Professional)), Some(wanted(Plan::Enterprise)));
    let post = |what, path, body, of, status, cost| Bound::new(what, Method::POST, path, body, of, status, cost);
    let told = |what, of, cost| post(what, WEBHOOKS, None, of, 200, cost);
    let asked = Cost::new(2, 1.0, 1.0, 1);
    //                                                                          DynamoDB, read, written, others
    vec![
        Bound::get("plans", "/billing/plans", User, 200, Cost::new(1, 0.0, 1.0, 0)),
        Bound::get("subscription", SUBSCRIPTION, Subscriber, 200, Cost::new(3, 2.0, 1.0, 0)),
        post("checkout", CHECKOUT, professional.clone(), User, 200, Cost::new(6, 3.0, 3.0, 1)),
        post("checkout, again", CHECKOUT, professional, Again, 200, Cost::new(3, 2.0, 1.0, 0)),
        post("checkout, at fault", CHECKOUT, Some(json!({})), User, 400, Cost::new(1, 0.0, 1.0, 0)),
        Bound::new("change the plan", Method::PUT, SUBSCRIPTION, enterprise, Subscriber, 200, asked),
        post("cancel", "/billing/subscription/cancel", None, Subscriber, 200, asked),
        post("resume", "/billing/subscription/resume", None, Subscriber, 200, asked),
        post("portal", "/billing/portal", None, Subscriber, 200, asked),
        Bound::get("invoices", "/billing/invoices", Subscriber, 200, asked),
        told("told of an order", Event("order_created"), Cost::new(1, 0.0, 1.0, 0)),
        // The event, what is known, the checkout's owner.
        told("told of a subscription", Event("subscription_created"), Cost::new(5, 3.0, 7.0, 0)),
        // The event, what is known, the account, and the two entries of its ledger; and who waits for the slots that have come.
        told("told of a payment", Event("subscription_payment_success"), Cost::new(6, 4.0, 11.0, 0)),
        told("told again", EventAgain("subscription_payment_success"), Cost::new(5, 3.0, 1.0, 0)),
        Bound::get("no such path", "/billing/nowhere", User, 404, Cost::new(1, 0.0, 1.0, 0)),
    ]
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
async fn request(shop: &Shop, bound: &Bound<Of>) -> anyhow::Result<RequestBuilder> {
    let asked = |user: &User| bound.with_body(user.request(bound.method.clone(), bound.path));
    match bound.by {
        Of::User => {
            let user = shop.user().await?;
            user.get("/billing/subscription").await?;
            Ok(asked(&user))
        }
        Of::Again => {
            let user = shop.user().await?;
            Answer::of(asked(&user).send().await?).await?.success(bound.status)?;
            Ok(asked(&user))
        }
        Of::Subscriber => {
            let Buyer { user, subscription, .. } = shop.subscriber(Plan::Professional).await?;
            shop.store.happen(subscription, Happening::Nothing).await?;
            Ok(asked(&user))
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
