//! `/api/tasks` and `/api/campaigns`.

use drover_tests::Stack;
use drover_tests::worker::Worker;
use serde_json::{Value as Json, json};
use table::{Condition, Item, Query};

use super::{Attack, changed, withstand};
use crate::hostile::bodies::wrong_texts;

/// Requests a minute, by address.
const LIMIT: u64 = 120;

/// The one under attack: a campaign with a task that the worker has locked, and one that is due.
struct Victim {
    stack: Stack,
    admin: Worker,
    worker: Worker,
    campaign: u64,
    locked: u64,
    due: u64,
}

impl Victim {
    async fn new() -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let (admin, worker) = (stack.worker_administrator()?, stack.worker().await?);
        let campaign = admin.campaign().await?;
        let new = json!({"campaign_id": campaign, "type": "hostile"});
        let (locked, due) = (admin.task(&new).await?, admin.task(&new).await?);
        worker.lock(locked).await?;
        Ok(Self { stack, admin, worker, campaign, locked, due })
    }

    /// Its tasks as they are stored, and how many its campaign has that are due.
    async fn belongings(&self) -> anyhow::Result<(Vec<Option<Item>>, usize)> {
        let table = self.stack.table("worker");
        let mut items = Vec::new();
        for id in [self.locked, self.due] {
            items.push(table.get_item(&table::Key::new(format!("TASK#{id}"), "RECORD"), true).await?);
        }
        let due = Query::new(Condition::equal("campaign_id", self.campaign)).index("claimable_of_campaign");
        Ok((items, table.query_items(due).await?.items.len()))
    }

    async fn withstands(&self, attacks: &[Attack]) -> anyhow::Result<()> {
        let before = self.belongings().await?;
        withstand(&self.stack.url, LIMIT, attacks).await?;
        assert_eq!(self.belongings().await?, before);
        Ok(())
    }
}

fn long(length: usize) -> Json {
    json!("x".repeat(length))
}

#[tokio::test]
async fn no_body_that_is_no_task_makes_one() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let valid = json!({"campaign_id": victim.campaign, "type": "comment", "payload": {"a": 1}, "max_retries": 3});
    let not_numbers = [json!(null), json!(0), json!(-1), json!(1.5), json!(1e300), json!("5"), json!([1]), json!({})];
    let wrong: Vec<(&str, Vec<Json>)> = vec![
        ("campaign_id", [&not_numbers[..], &[json!(u64::MAX), json!(9_007_199_254_740_991_u64)]].concat()),
        (
            "type",
            vec![
                json!(null),
                json!(5),
                json!(""),
                json!(" "),
                json!("a\u{0}b"),
                json!("a\nb"),
                json!([]),
                long(51),
                long(100_000),
            ],
        ),
        ("payload", vec![json!([]), json!("{}"), json!(5), json!(true), json!({"a": "x".repeat(400_000)})]),
        (
            "max_retries",
            vec![json!(-1), json!(1.5), json!("3"), json!(1_000_000), json!(u64::MAX), json!([]), json!(true)],
        ),
    ];
    let mut attacks: Vec<_> =
        changed(&valid, &wrong).iter().map(|body| Attack::json(&victim.admin, "POST", "/tasks", body)).collect();
    let whole = [json!(null), json!([]), json!([valid]), json!("text"), json!(5), json!({})];
    let many = [
        json!({"tasks": []}),
        json!({"tasks": null, "campaign_id": 1}),
        json!({"tasks": {"0": valid}}),
        json!({"tasks": [null]}),
        json!({"tasks": [valid, 5]}),
        json!({"tasks": [valid, {"type": "comment"}]}),
        json!({"tasks": [valid], "partial": "yes"}),
        json!({"tasks": vec![valid.clone(); 501]}),
    ];
    attacks.extend(whole.iter().chain(&many).map(|body| Attack::json(&victim.admin, "POST", "/tasks", body)));
    attacks.extend(wrong_texts().into_iter().map(|(name, body)| {
        let attack = Attack::new(&victim.admin, "POST", "/tasks", body, 400);
        Attack { name, ..attack }
    }));
    let names = [json!(null), json!(5), json!(""), json!("\t"), json!("a\u{0}"), json!(["x"]), long(201)];
    attacks.extend(names.iter().map(|name| Attack::json(&victim.admin, "POST", "/campaigns", &json!({"name": name}))));
    let settings = [json!([]), json!("x"), json!(5)];
    attacks.extend(
        settings
            .iter()
            .map(|of| Attack::json(&victim.admin, "POST", "/campaigns", &json!({"name": "A", "settings": of}))),
    );
    assert!(attacks.len() >= 70, "{}", attacks.len());
    victim.withstands(&attacks).await
}

#[tokio::test]
async fn no_body_that_is_no_lock_or_report_changes_a_task() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let (lock, beat) = (format!("/tasks/{}/lock", victim.due), format!("/tasks/{}/heartbeat", victim.locked));
    let status = format!("/tasks/{}/status", victim.locked);
    let holds = [
        json!({"worker_id": 5}),
        json!({"worker_id": []}),
        json!({"worker_id": {"name": "x"}}),
        json!({"worker_id": "x".repeat(101)}),
        json!({"lease_seconds": 0}),
        json!({"lease_seconds": 29}),
        json!({"lease_seconds": -60}),
        json!({"lease_seconds": 43_201}),
        json!({"lease_seconds": 60.5}),
        json!({"lease_seconds": 1e300}),
        json!({"lease_seconds": "60"}),
        json!({"lease_seconds": [60]}),
        json!([]),
        json!("lock"),
    ];
    let reports = [
        json!({}),
        json!([]),
        json!({"status": null}),
        json!({"status": ""}),
        json!({"status": "SUCCESS"}),
        json!({"status": "pending"}),
        json!({"status": "running"}),
        json!({"status": 1}),
        json!({"status": ["success"]}),
        json!({"status": {"success": true}}),
        json!({"status": "success", "error": 5}),
        json!({"status": "failed", "error": ["x"]}),
        json!({"status": "failed", "error": "x".repeat(4_001)}),
        json!({"status": "success", "result": "x".repeat(33_000)}),
        json!({"status": "success", "result": vec![0; 40_000]}),
    ];
    let mut attacks: Vec<Attack> = Vec::new();
    for (method, path, bodies) in [("POST", &lock, &holds[..]), ("POST", &beat, &holds), ("PUT", &status, &reports)] {
        attacks.extend(bodies.iter().map(|body| Attack::json(&victim.worker, method, path, body)));
        let texts = wrong_texts().into_iter().filter(|(name, _)| name != "nothing" && name != "white space");
        attacks.extend(texts.filter(|(name, _)| !is_an_object(name)).map(|(name, body)| {
            let attack = Attack::new(&victim.worker, method, path, body, 400);
            Attack { name: format!("{method} {path} {name}"), ..attack }
        }));
    }
    // In another's name, and with no token or a wrong one.
    for token in ["0", "-1", "1.5", "x", "99999999999999999999", "1,2", ""] {
        let mut attack = Attack::json(&victim.worker, "PUT", &status, &json!({"status": "success"}));
        attack.request = attack.request.header("X-Lease-Token", token);
        attacks.push(Attack { name: format!("X-Lease-Token: {token}"), ..attack });
    }
    let other = victim.stack.worker().await?;
    attacks.push(Attack::json(&other, "PUT", &status, &json!({"status": "success"})));
    attacks.push(Attack::json(&other, "POST", &format!("/tasks/{}/lock", victim.locked), &json!({})));
    attacks.push(Attack::json(&other, "POST", &format!("/tasks/{}/unlock", victim.locked), &json!({})));
    attacks.push(Attack::json(&other, "POST", &beat, &json!({})));
    victim.withstands(&attacks).await
}

/// The texts that are objects of other fields, which these endpoints rightly ignore.
fn is_an_object(name: &str) -> bool {
    ["a name twice", "a deep name", "an unknown escape"].contains(&name)
}

#[tokio::test]
async fn no_path_query_or_method_leads_astray() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let (admin, worker, due) = (&victim.admin, &victim.worker, victim.due);
    let mut attacks = Vec::new();
    for id in [
        "0",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "00",
        "99999999999999999999",
        "x",
        "%00",
        "%20",
        "*",
        "%2e%2e",
        "..%2f..",
        "1%2flock",
        "TASK%231",
        "%EF%BC%91",
        "1%20OR%201=1",
        "{id}",
        "null",
        "%ff",
    ] {
        attacks.push(Attack::new(worker, "POST", &format!("/tasks/{id}/lock"), "{}", 404));
        attacks.push(Attack::get(admin, &format!("/tasks/{id}"), 404));
    }
    for path in [
        format!("/tasks/0{due}/lock"),
        format!("/tasks/{due}/lock/"),
        format!("/tasks//{due}/lock"),
        format!("/tasks/{due}/LOCK"),
    ] {
        attacks.push(Attack::new(worker, "POST", &path, "{}", 404));
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1.5",
        "limit=1e1",
        "limit=x",
        "limit=%00",
        "limit=18446744073709551616",
        "campaign_id=0",
        "campaign_id=-1",
        "campaign_id=x",
        "campaign_id=1.5",
        "campaign_id=18446744073709551616",
    ] {
        attacks.push(Attack::get(worker, &format!("/tasks/pending?{query}"), 400));
    }
    for query in [format!("type={}", "x".repeat(51)), "type=%00".to_owned()] {
        attacks.push(Attack::get(worker, &format!("/tasks/pending?{query}"), 400));
    }
    for query in ["limit=0", "limit=101", "cursor=x", "cursor=%00", "cursor=eyJhIjoxfQ", "cursor=null"] {
        attacks.push(Attack::get(admin, &format!("/tasks?{query}"), 400));
        attacks.push(Attack::get(admin, &format!("/campaigns?{query}"), 400));
    }
    for (method, path) in [
        ("DELETE", format!("/tasks/{due}")),
        ("PUT", format!("/tasks/{due}")),
        ("GET", format!("/tasks/{due}/lock")),
        ("DELETE", format!("/tasks/{due}/lock")),
        ("POST", format!("/tasks/{due}/status")),
        ("PATCH", format!("/tasks/{due}/status")),
        ("PUT", "/tasks/claim".to_owned()),
        ("DELETE", "/tasks".to_owned()),
        ("DELETE", "/campaigns/1".to_owned()),
    ] {
        attacks.push(Attack::new(admin, method, &path, "{}", 405));
    }
    let lock = format!("/tasks/{due}/lock");
    attacks.extend(Attack::without_token(worker, "POST", &lock, &worker.token));
    for name in [&"x".repeat(101), "\u{e9}"] {
        attacks.push(Attack::new(worker, "POST", &lock, "{}", 400).instead_of("X-Worker-ID", "X-Worker-ID", name));
    }
    victim.withstands(&attacks).await
}
