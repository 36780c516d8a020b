//! `GET /billing/invoices`

use drover_tests::store::Happening;
use extract::Plan;
use serde_json::json;

use super::Shop;

#[tokio::test]
async fn an_invoice_is_shown_as_the_contract_has_it() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Professional).await?;
    let invoices = buyer.user.get("/billing/invoices").await?;
    let invoice = &invoices[0];
    let (id, at) = (invoice["id"].as_str().unwrap_or_default(), &invoice["created_at"]);
    assert!(
        invoice["download_url"]
            .as_str()
            .is_some_and(|url| url.starts_with("https://stand-in.lemonsqueezy.com/invoice/"))
    );
    assert_eq!(
        invoices,
        json!([{
            "id": id,
            "number": format!("INV-{id}"),
            "amount": 29.99,
            "currency": "USD",
            "status": "paid",
            "created_at": at,
            "due_date": at,
            "paid_at": at,
            "download_url": invoice["download_url"],
        }])
    );
    Ok(())
}

#[tokio::test]
async fn all_of_them_are_shown_the_newest_first() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let buyer = shop.subscriber(Plan::Enterprise).await?;
    // More than Lemon Squeezy gives on a page.
    for _ in 0..120 {
        shop.store.happen(buyer.subscription, Happening::Renewed).await?;
    }
    shop.store.happen(buyer.subscription, Happening::Refunded).await?;
    shop.store.happen(buyer.subscription, Happening::PaymentFailed).await?;
    let invoices = buyer.user.get("/billing/invoices").await?;
    let invoices = invoices.as_array().cloned().unwrap_or_default();
    assert_eq!(invoices.len(), 122);
    assert_eq!(
        [0, 1, 2].map(|at| invoices[at]["status"].clone()),
        [json!("pending"), json!("refunded"), json!("paid")]
    );
    let times: Vec<_> = invoices.iter().map(|invoice| invoice["created_at"].as_str().unwrap_or_default()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b));
    Ok(())
}
