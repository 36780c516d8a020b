//! `/admin/dead-letters`, by an operator who does not know what they do, and by somebody who is none.

use super::{Case, Victim, by};

#[tokio::test]
async fn no_letter_is_found_that_is_none_and_none_by_strangers() -> anyhow::Result<()> {
    let victim = Victim::new().await?;
    let operator = victim.stack.almighty_user().await?;
    let (long, task) = ("9".repeat(3_000), victim.open.id.to_string());
    let ids = [
        "x",
        "extract",
        "extract.1",
        "extract.1.",
        ".1.x",
        "extract.01.x",
        "extract.-1.x",
        "extract.1.x%23y",
        "extract.1.%00",
        "extract.1.%ff",
        "extract.99999999999999.x",
        "extract.1.x%2Fredrive",
        "other.1.x",
        "DEAD%23extract.1.x",
        "..%2F..%2Fetc",
        "*",
        &task,
        &long,
    ];
    let queries = [
        "queue=other",
        "queue=EXTRACT",
        "queue=*",
        "queue=%00",
        "queue=DEAD%23extract",
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=1e2",
        "limit=18446744073709551616",
        "cursor=x",
        "cursor=other.1.a",
        "cursor=extract.1.%00",
        "queue=video&cursor=extract.1.a",
    ];
    let mut cases = Vec::new();
    for id in ids {
        for (method, below) in [("GET", ""), ("DELETE", ""), ("POST", "/redrive")] {
            let (target, name) = (format!("/admin/dead-letters/{id}{below}"), format!("{method} {id:.30}{below}"));
            cases.push(Case::new(name.clone(), by(&operator, method, &target), 404));
            // Whoever is no operator learns nothing, not even what is an id.
            if id == "x" {
                cases.push(Case::new(format!("{name}, by a stranger"), by(&victim.user, method, &target), 404));
            }
        }
    }
    for query in queries {
        let target = format!("/admin/dead-letters?{query}");
        cases.push(Case::new(format!("GET ?{query}"), by(&operator, "GET", &target), 400));
        cases.push(Case::new(format!("GET ?{query}, by a stranger"), by(&victim.user, "GET", &target), 403));
    }
    victim.withstands(cases, &[operator]).await
}
