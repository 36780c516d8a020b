//! `GET /webhooks/{webhook_id}/attempts`.

use std::collections::BTreeSet;

use drover_tests::receiver::{Receiver, Step};
use drover_tests::{Stack, id_of};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn attempts_come_by_page_the_newest_first_each_once() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[]).await?);
    let (webhook, other) = (user.webhook(&server).await?, user.webhook(&server).await?);
    let id = id_of(&webhook)?;
    for count in 1..=5 {
        user.call(Method::POST, &format!("/webhooks/{id}/test")).await?.success(202)?;
        stack.attempts_after(&user, &webhook, count).await?;
    }
    let (mut times, mut deliveries, mut cursor, mut pages) = (Vec::new(), BTreeSet::new(), String::new(), 0);
    loop {
        let page = user.get(&format!("/webhooks/{id}/attempts?limit=2&cursor={cursor}")).await?;
        pages += 1;
        assert_eq!(page["webhook_id"], id);
        for attempt in page["attempts"].as_array().into_iter().flatten() {
            times.push(attempt["attempted_at"].as_str().unwrap_or_default().to_owned());
            assert!(deliveries.insert(attempt["delivery_id"].to_string()), "listed twice: {attempt}");
        }
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    times.reverse();
    assert!(times.is_sorted() && deliveries.len() == 5 && pages >= 3, "{times:?}");
    let of_other = user.get(&format!("/webhooks/{}/attempts", id_of(&other)?)).await?;
    assert_eq!(of_other, json!({"webhook_id": other["id"], "attempts": [], "next_cursor": null}));
    // A cursor is a place in time, whichever webhook's: with another's it shows what is older there.
    let page = user.get(&format!("/webhooks/{}/attempts?cursor={cursor}", id_of(&other)?)).await?;
    assert_eq!(page["attempts"], json!([]));
    Ok(())
}

#[tokio::test]
async fn what_an_endpoint_answers_is_shown_as_text_whatever_it_is() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (user, server) = (stack.user().await?, Receiver::start(&[Step::Answer(200, "<script>\0é".to_owned())]).await?);
    let webhook = user.webhook(&server).await?;
    user.call(Method::POST, &format!("/webhooks/{}/test", id_of(&webhook)?)).await?.success(202)?;
    let attempts = stack.attempts_after(&user, &webhook, 1).await?;
    assert_eq!(attempts[0]["response_body"], "<script>\u{fffd}é");
    Ok(())
}
