//! Bodies as the document tells them.

use ::input::schema::{self, PartialSchema, ToSchema, answer, any_text, moment, one_of, or_null, reference, told};
use extract::Plan;
use serde_json::{Value as Json, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Object, Schema, Type};

use crate::input::{CheckoutForm, PlanForm};

::input::forms! {
    /// What is bought.
    pub(crate) CheckoutBody of CheckoutForm, needs ["plan_id", "success_url"], example {
        "plan_id": "professional", "success_url": "https://example.com/billing/success",
        "cancel_url": "https://example.com/billing/cancel"
    };
    /// What is wanted in place of the plan that there is.
    pub(crate) PlanBody of PlanForm, needs ["plan_id"], example {"plan_id": "enterprise"};
}

::input::parameters! {
    /// By what Lemon Squeezy's events are known to be its own.
    pub(crate) Signature {
        header "X-Signature" "HMAC-SHA-256 of the body, in hexadecimal digits." => any_text(),
    }
}

fn integer() -> RefOr<Schema> {
    RefOr::T(Object::with_type(Type::Integer).into())
}

fn amount() -> RefOr<Schema> {
    RefOr::T(Object::with_type(Type::Number).into())
}

fn of(schema: impl Into<Schema>) -> RefOr<Schema> {
    RefOr::T(schema.into())
}

/// What makes a plan, as lists and subscriptions show it.
fn plan() -> Vec<(&'static str, RefOr<Schema>)> {
    vec![
        ("id", of(one_of(Plan::ALL.map(Plan::as_str)))),
        ("name", of(any_text())),
        ("price", told_amount("A month.")),
        ("currency", of(any_text())),
        ("compute_units_limit", integer()),
        ("features", of(ArrayBuilder::new().items(any_text()).build())),
    ]
}

fn told_amount(description: &str) -> RefOr<Schema> {
    told(Object::with_type(Type::Number), description)
}

/// What views are built of by hand (`view`, `plans`, `invoices`).
macro_rules! answers {
    ($($name:ident $(of $inner:ident)?, $told:literal, $fields:expr, $example:expr;)*) => {$(
        #[doc = $told]
        pub(crate) enum $name {}
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                schema::shown(answer($told, $fields), $told, $example)
            }
        }
        impl ToSchema for $name {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                let _ = &schemas;
                $(schemas.push(($inner::name().into_owned(), $inner::schema()));)?
            }
        }
    )*};
}

fn listed_plan() -> Json {
    json!({
        "id": "professional", "name": "Professional", "price": 29.99, "currency": "USD", "compute_units_limit": 10000,
        "features": ["10,000 compute units/month", "Up to 5 concurrent tasks"], "tier": "pro", "billing_interval": "monthly",
    })
}

fn subscription() -> Json {
    json!({
        "id": "1", "plan_id": "professional", "status": "active", "current_period_start": "2024-01-01T00:00:00Z",
        "current_period_end": "2024-02-01T00:00:00Z", "cancel_at_period_end": false,
    })
}

answers! {
    ListedPlan, "A plan.",
        plan().into_iter().chain([("tier", of(one_of(["free", "pro", "enterprise"]))), ("billing_interval", of(any_text()))]).collect(),
        listed_plan();
    SubscriptionView, "A subscription; of the free plan, without an id.", vec![
        ("id", or_null(of(any_text()))),
        ("plan_id", or_null(of(any_text()))),
        ("status", of(any_text())),
        ("current_period_start", of(moment())),
        ("current_period_end", of(moment())),
        ("cancel_at_period_end", of(schema::flag())),
    ], subscription();
    SubscriptionOverview of SubscriptionView, "All of a user's subscription.", vec![
        ("subscription", reference::<SubscriptionView>()),
        ("plan", answer("The plan.", plan())),
        ("usage", answer("What is used of it.", vec![
            ("compute_units_used", integer()),
            ("compute_units_remaining", integer()),
            ("compute_units_limit", integer()),
            ("usage_percentage", amount()),
        ])),
        ("billing", answer("What comes next.", vec![
            ("next_billing_date", or_null(of(moment()))),
            ("payment_method", or_null(of(any_text()))),
        ])),
    ], json!({
        "subscription": subscription(),
        "plan": {"id": "professional", "name": "Professional", "price": 29.99, "currency": "USD", "compute_units_limit": 10000,
            "features": ["10,000 compute units/month"]},
        "usage": {"compute_units_used": 2500, "compute_units_remaining": 7500, "compute_units_limit": 10000,
            "usage_percentage": 25.0},
        "billing": {"next_billing_date": "2024-02-01T00:00:00Z", "payment_method": "card_ending_4242"},
    });
    SubscriptionChanged of SubscriptionView, "What became of a subscription.", vec![
        ("message", of(any_text())),
        ("subscription", or_null(reference::<SubscriptionView>())),
    ], json!({"message": "The subscription ends with its period", "subscription": subscription()});
    CheckoutMade, "Where a plan is bought.", vec![("checkout_url", of(any_text())), ("checkout_id", of(any_text()))],
        json!({"checkout_url": "https://store.lemonsqueezy.com/checkout/…", "checkout_id": "ch_123456789"});
    PortalAddress, "Where a customer manages cards and addresses.", vec![("portal_url", of(any_text()))],
        json!({"portal_url": "https://store.lemonsqueezy.com/billing/…"});
    InvoiceView, "What was charged.", vec![
        ("id", of(any_text())),
        ("number", of(any_text())),
        ("amount", amount()),
        ("currency", of(any_text())),
        ("status", of(any_text())),
        ("created_at", of(moment())),
        ("due_date", of(moment())),
        ("paid_at", or_null(of(moment()))),
        ("download_url", or_null(of(any_text()))),
    ], json!({
        "id": "1", "number": "INV-1", "amount": 29.99, "currency": "USD", "status": "paid", "created_at": "2024-01-01T00:00:00Z",
        "due_date": "2024-01-01T00:00:00Z", "paid_at": "2024-01-01T00:05:00Z", "download_url": "https://example.com/invoice.pdf",
    });
    EventTaken, "What became of an event.", vec![("message", of(any_text()))], json!({"message": "recorded"});
}
