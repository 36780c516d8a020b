//! `/cpcb/admin`, and the same by `droverctl`.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use drover_tests::portal::PortalClient;
use drover_tests::scraper::SECRET;
use portals::Portal;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::Item;
use uuid::Uuid;

/// A name that nobody has.
fn fresh(what: &str) -> String {
    format!("{what}-{}", Uuid::new_v4().simple())
}

#[tokio::test]
async fn a_user_is_made_shown_changed_and_deleted() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.portal_client().await?;
    let (name, password) = (fresh("Alice"), format!("{SECRET}-of-alice"));
    let new = json!({"username": name, "password": password});
    let made = client.administer(Method::POST, "/users", Some(&new)).await?.success(201)?;
    ensure!(made["username"] == *name && made["tenant"] == name.to_lowercase() && made["is_active"] == true, "{made}");
    let path = format!("/users/{}", name.to_uppercase());
    ensure!(client.administer(Method::GET, &path, None).await?.success(200)? == made);
    // The name is taken, however it is written.
    let again = json!({"username": name.to_lowercase(), "password": password});
    client.administer(Method::POST, "/users", Some(&again)).await?.portal_error(409)?;
    client.elsewhere()?.try_log_in(&name, &password).await?.success(200)?;

    client.administer(Method::PATCH, &path, Some(&json!({}))).await?.portal_error(400)?;
    let changed = client.administer(Method::PATCH, &path, Some(&json!({"is_active": false}))).await?.success(200)?;
    ensure!(changed["is_active"] == false, "{changed}");
    client.administer(Method::DELETE, &path, None).await?.success(200)?;
    for method in [Method::GET, Method::DELETE] {
        client.administer(method, &path, None).await?.portal_error(404)?;
    }
    client.administer(Method::PATCH, &path, Some(&json!({"is_active": true}))).await?.portal_error(404)?;
    Ok(())
}

#[tokio::test]
async fn an_account_is_made_shown_changed_and_deleted_and_its_credentials_are_told_to_nobody() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    let email = format!("{}@Example.com", fresh("user"));
    let new = json!({
        "tenant": client.tenant, "portal": "bwmr", "email": email, "username": "BR-17", "password": format!("{SECRET}-1"),
    });
    let made = client.administer(Method::POST, "/accounts", Some(&new)).await?.success(201)?;
    ensure!((&made["email"], &made["portal"]) == (&json!(email), &json!("bwmr")), "{made}");
    client.administer(Method::POST, "/accounts", Some(&new)).await?.portal_error(409)?;
    let path = format!("/accounts/{}/bwmr/{}", client.tenant, email.to_lowercase());
    ensure!(client.administer(Method::GET, &path, None).await?.success(200)? == made);

    let accounts = stack.portal_accounts();
    let opened = async || {
        let account = accounts.find(&client.tenant, Portal::Bwmr, &email).await?.context("no account")?;
        let opened = accounts.open(&account).await?;
        anyhow::Ok((opened.username.reveal().to_owned(), opened.password.reveal().to_owned()))
    };
    ensure!(opened().await? == ("BR-17".to_owned(), format!("{SECRET}-1")), "other credentials");
    let other = json!({"password": format!("{SECRET}-2")});
    client.administer(Method::PUT, &path, Some(&other)).await?.success(200)?;
    ensure!(opened().await? == ("BR-17".to_owned(), format!("{SECRET}-2")), "the old password, or another name");
    let named = json!({"username": "BR-18", "password": format!("{SECRET}-3")});
    client.administer(Method::PUT, &path, Some(&named)).await?.success(200)?;
    ensure!(opened().await? == ("BR-18".to_owned(), format!("{SECRET}-3")), "the old credentials");

    // What is sealed is sealed for its own item.
    let account = accounts.find(&client.tenant, Portal::Bwmr, &email).await?.context("no account")?;
    let mut moved = account.clone();
    moved.key = portals::portal_account_key("another", Portal::Bwmr, &email);
    ensure!(accounts.open(&moved).await.is_err(), "another item's credentials were opened");
    let stored: Item = stack.table("portal").get_item(&account.key, true).await?.context("no item")?;
    ensure!(!format!("{stored:?}").contains(SECRET), "credentials are stored in clear");

    client.administer(Method::DELETE, &path, None).await?.success(200)?;
    for (method, body) in [(Method::GET, None), (Method::DELETE, None), (Method::PUT, Some(&other))] {
        client.administer(method, &path, body).await?.portal_error(404)?;
    }
    Ok(())
}

#[tokio::test]
async fn an_account_without_a_name_of_its_own_logs_in_with_its_address_as_it_was_registered() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    let email = format!("{}@Example.com", fresh("User"));
    let account = stack.portal_account_named(&client.tenant, Portal::Bwmr, &email).await?;
    let path = format!("/accounts/{}/bwmr/{}", client.tenant, email.to_lowercase());
    let other = json!({"password": format!("{SECRET}-2")});
    client.administer(Method::PUT, &path, Some(&other)).await?.success(200)?;
    let accounts = stack.portal_accounts();
    let account = accounts.find(&account.tenant, Portal::Bwmr, &email).await?.context("no account")?;
    ensure!(accounts.open(&account).await?.username.reveal() == email, "another name");
    Ok(())
}

#[tokio::test]
async fn all_users_and_a_tenants_accounts_are_listed_page_by_page() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    let mut emails = Vec::new();
    for portal in [Portal::Pwmr, Portal::Ewmr, Portal::Pwmr] {
        emails.push(stack.portal_account(&client.tenant, portal).await?.email);
    }
    let told = |page: &Json, field: &str| {
        let list = page["accounts"].as_array().or(page["users"].as_array());
        list.into_iter().flatten().filter_map(|one| one[field].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    // The index may be some moments behind.
    let found = drover_tests::eventually("all accounts are listed", async || {
        let found =
            walk(&client, &format!("/accounts?tenant={}&limit=2", client.tenant), |page| told(page, "email")).await?;
        Ok((found.len() == 3).then_some(found))
    })
    .await?;
    let (mut found, mut expected) = (found, emails);
    found.sort();
    expected.sort();
    ensure!(found == expected, "{found:?}");
    drover_tests::eventually("the user is listed", async || {
        let all = walk(&client, "/users?limit=100", |page| told(page, "username")).await?;
        ensure!(all.is_sorted_by_key(|name| name.to_lowercase()), "{all:?}");
        Ok(all.contains(&client.name).then_some(()))
    })
    .await
}

async fn walk(client: &PortalClient, path: &str, names: impl Fn(&Json) -> Vec<String>) -> anyhow::Result<Vec<String>> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..1_000 {
        let page = client.administer(Method::GET, &format!("{path}&cursor={cursor}"), None).await?.success(200)?;
        found.extend(names(&page));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return Ok(found),
        }
    }
    anyhow::bail!("the pages do not end")
}
