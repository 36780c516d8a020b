//! Every field of every body that the extraction cloud takes: values of other types, and the whole as no JSON.

use drover_tests::raw::RawRequest;
use drover_tests::{User, id_of};
use extract::Plan;
use futures::future::try_join_all;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::bodies::wrong_texts_of;
use super::{Case, Victim, by};
use crate::contracts::billing::wanted;

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Switch,
    List,
    Number,
}

/// Who sends a body.
#[derive(Clone, Copy)]
enum Sender {
    /// The one whose thing it is about.
    Owner,
    /// Users by their keys, each no more than so many.
    Keys(usize),
    /// Users by their sessions, each no more than so many.
    Sessions(usize),
    Nobody,
}

/// An endpoint that takes a body.
struct Taker {
    method: &'static str,
    path: String,
    sender: Sender,
    /// A body that it takes.
    valid: Json,
    fields: &'static [(&'static str, Kind)],
    /// The field that holds the text `Extract`, if one does.
    text: Option<&'static str>,
}

/// An object in an object in an object …, as deep as a body may be.
fn deep() -> Json {
    (0..100).fold(json!(1), |inner, _| json!({"a": inner}))
}

/// Values that are not of a kind. (None is null, which says of many fields that they are not given.)
fn not_of(kind: Kind) -> Vec<Json> {
    let others = |more: &[Json]| [more, &[json!({}), json!({"$ne": 1}), json!({"S": "x"}), deep()]].concat();
    match kind {
        Kind::Text => others(&[
            json!(0),
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!(18_446_744_073_709_551_615_u64),
            json!(true),
            json!([]),
            json!(["x"]),
        ]),
        Kind::Switch => others(&[json!("true"), json!(""), json!(0), json!(1), json!(-0.0), json!([]), json!([true])]),
        Kind::List => others(&[json!("x"), json!(""), json!("[]"), json!(5), json!(false), json!([[[]]]), json!([{}])]),
        Kind::Number => others(&[
            json!("5"),
            json!(""),
            json!("NaN"),
            json!(true),
            json!([]),
            json!([5]),
            json!(5.000_001),
            json!(-5),
            json!(1e19),
            json!(9_007_199_254_740_993_u64),
        ]),
    }
}

impl Taker {
    fn bodies(&self) -> Vec<(String, Vec<u8>)> {
        let mut bodies = Vec::new();
        for (field, kind) in self.fields {
            for value in not_of(*kind) {
                let name = format!("{field}: {:.60}", value.to_string());
                let mut body = self.valid.clone();
                body[*field] = value;
                bodies.push((name, body.to_string().into_bytes()));
            }
        }
        bodies.extend(self.text.into_iter().flat_map(|field| wrong_texts_of(&self.valid, field)));
        bodies
    }

    async fn attack(&self, victim: &Victim) -> anyhow::Result<()> {
        let bodies = self.bodies();
        let per_user = match self.sender {
            Sender::Keys(most) | Sender::Sessions(most) => most,
            Sender::Owner | Sender::Nobody => bodies.len(),
        };
        let attackers = try_join_all(bodies.chunks(per_user).map(|_| victim.stack.user())).await?;
        let sessions = match self.sender {
            Sender::Sessions(_) => {
                try_join_all(attackers.iter().map(|attacker| victim.stack.session_of(&attacker.id))).await?
            }
            _ => Vec::new(),
        };
        let cases = bodies.into_iter().enumerate().map(|(at, (name, body))| {
            let request = match self.sender {
                Sender::Owner => by(&victim.user, self.method, &self.path),
                Sender::Keys(most) => by(&attackers[at / most], self.method, &self.path),
                Sender::Sessions(most) => RawRequest::new(self.method, &self.path)
                    .header("Authorization", format!("Bearer {}", sessions[at / most].token)),
                Sender::Nobody => RawRequest::new(self.method, &self.path),
            };
            let request = request.header("Content-Type", "application/json").body(body);
            Case::new(format!("{} {} {name}", self.method, self.path), request, 400)
        });
        victim.withstands(cases.collect(), &attackers).await
    }
}

fn task() -> Json {
    let config = json!({"urls": ["https://example.com/products"], "selectors": {"title": "h1"}});
    json!({"name": "Extract", "task_type": "simple_scraping", "config": config})
}

#[tokio::test]
async fn no_task_or_change_of_one_has_fields_of_other_types() -> anyhow::Result<()> {
    use Kind::{Number, Text};
    let victim = Victim::new().await?;
    let new: &[_] = &[("name", Text), ("description", Text), ("task_type", Text), ("priority", Number)];
    let takers = [
        Taker {
            method: "POST",
            path: "/tasks".to_owned(),
            sender: Sender::Keys(25),
            valid: task(),
            fields: new,
            text: None,
        },
        Taker {
            method: "PUT",
            path: format!("/tasks/{}", victim.open.id),
            sender: Sender::Owner,
            valid: json!({"name": "Extract"}),
            fields: &[("name", Text), ("description", Text), ("priority", Number)],
            text: Some("name"),
        },
    ];
    for taker in takers {
        taker.attack(&victim).await?;
    }
    Ok(())
}

#[tokio::test]
async fn no_sign_in_profile_or_key_has_fields_of_other_types() -> anyhow::Result<()> {
    use Kind::{List, Switch, Text};
    let victim = Victim::new().await?;
    let key: &[_] = &[("name", Text), ("description", Text), ("permissions", List), ("test", Switch)];
    let takers = [
        Taker {
            method: "POST",
            path: "/auth/google".to_owned(),
            sender: Sender::Nobody,
            valid: json!({"code": "Extract", "state": "unknown"}),
            fields: &[("code", Text), ("state", Text)],
            text: Some("code"),
        },
        Taker {
            method: "PUT",
            path: "/auth/me".to_owned(),
            sender: Sender::Sessions(8),
            valid: json!({"full_name": "Extract"}),
            fields: &[("full_name", Text), ("avatar_url", Text)],
            text: Some("full_name"),
        },
        Taker {
            method: "POST",
            path: "/api-keys".to_owned(),
            sender: Sender::Keys(80),
            valid: json!({"name": "Extract", "permissions": ["tasks:read"]}),
            fields: key,
            text: Some("name"),
        },
    ];
    for taker in takers {
        taker.attack(&victim).await?;
    }
    Ok(())
}

#[tokio::test]
async fn no_purchase_has_fields_of_other_types() -> anyhow::Result<()> {
    use Kind::Text;
    let victim = Victim::new().await?;
    let taker = Taker {
        method: "POST",
        path: "/billing/create-checkout".to_owned(),
        sender: Sender::Keys(4),
        valid: wanted(Plan::Professional),
        fields: &[("plan_id", Text), ("success_url", Text), ("cancel_url", Text)],
        text: None,
    };
    taker.attack(&victim).await
}

#[tokio::test]
async fn no_webhook_or_change_of_one_has_fields_of_other_types() -> anyhow::Result<()> {
    use Kind::{List, Switch, Text};
    let fields: &[_] = &[("url", Text), ("description", Text), ("events", List), ("is_active", Switch)];
    let valid = json!({"url": "https://example.com/hook", "description": "Extract"});
    let victim = Victim::new().await?;
    // Of nothing that the victim does: it would be delivered sooner or later, and change what is theirs.
    let silent = json!({"url": "https://example.com/hook", "events": ["task.cancelled"]});
    let own = victim.user.send(Method::POST, "/webhooks", &silent).await?.success(201)?;
    let path = format!("/webhooks/{}", id_of(&own)?);
    for (method, path, sender) in [("POST", "/webhooks".to_owned(), Sender::Keys(80)), ("PUT", path, Sender::Owner)] {
        Taker { method, path, sender, valid: valid.clone(), fields, text: Some("description") }.attack(&victim).await?;
    }
    Ok(())
}

/// Bodies that are taken: what is unusual and no fault. Nothing of it may be refused, nor come back otherwise than it was sent.
#[tokio::test]
async fn what_is_unusual_and_no_fault_is_taken_and_shown_as_it_was_sent() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let user: &User = &victim.user;
    for name in [
        "\u{1f577}\u{fe0f}".to_owned(),
        "e\u{301}".to_owned(),
        "\u{202e}txet".to_owned(),
        "\u{200b}zero width".to_owned(),
        "\u{10ffff}".to_owned(),
        "\u{feff}mark".to_owned(),
        "\u{5d0}\u{5d1}".to_owned(),
        "{{7*7}}${7*7}<%= 7*7 %>".to_owned(),
        "'; DROP TABLE tasks; --".to_owned(),
        "<script>alert(1)</script>".to_owned(),
        "\\u0000".to_owned(),
        "__proto__".to_owned(),
        "\u{1f577}".repeat(200),
    ] {
        let body = json!({"url": "https://example.com/hook", "description": name});
        let shown = user.send(Method::POST, "/webhooks", &body).await?.success(201)?;
        let path = format!("/webhooks/{}", id_of(&shown)?);
        assert_eq!((&shown["description"], &user.get(&path).await?["description"]), (&json!(name), &json!(name)));
        user.call(Method::DELETE, &path).await?.success(200)?;
        let renamed = json!({"name": name});
        let shown = user.send(Method::PUT, &format!("/tasks/{}", victim.open.id), &renamed).await?.success(200)?;
        assert_eq!(shown["name"], json!(name));
    }
    Ok(())
}
