//! `/auth/login`, and what its token opens.

use std::time::{Duration, Instant};

use anyhow::ensure;
use drover_tests::Stack;
use drover_tests::answer::Answer;
use drover_tests::portal::PortalClient;
use reqwest::Method;
use serde_json::json;

const REFUSED: &str = "Incorrect username or password";

#[tokio::test]
async fn a_name_and_a_password_give_a_token_as_the_contract_shows_it() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.portal_client().await?;
    let answer = client.try_log_in(&client.name.to_uppercase(), &client.password).await?.success(200)?;
    let fields: Vec<_> = answer.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    ensure!(fields == ["access_token", "token_type"] && answer["token_type"] == "bearer", "{fields:?}");
    ensure!(client.get("/cpcb/queue").await? == json!([]));
    Ok(())
}

/// As a browser sends its `FormData`.
#[tokio::test]
async fn a_form_may_come_in_parts() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.portal_client().await?;
    let part =
        |name, value: &str| format!("--x1\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    for (password, status) in [(client.password.as_str(), 200), ("another", 401)] {
        let body = format!("{}{}--x1--\r\n", part("username", &client.name), part("password", password));
        let request =
            client.anonymous(Method::POST, "/auth/login").header("Content-Type", "multipart/form-data; boundary=x1");
        let answer = Answer::of(request.body(body).send().await?).await?;
        anyhow::ensure!(answer.status == status, "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_told_alike() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.portal_client().await?;
    for (name, password) in [
        (client.name.as_str(), "another password"),
        (client.name.as_str(), &client.password.to_uppercase()),
        ("nobody", client.password.as_str()),
        ("nobody\u{1f600}", "another password"),
    ] {
        let answer = client.try_log_in(name, password).await?;
        ensure!(answer.portal_error(401)? == REFUSED, "{name}: {answer:?}");
    }
    Ok(())
}

/// How often a known and an unknown name are tried in turn, and how often a known one is before the next: a minute takes ten of it.
const TIMED: u32 = 200;
const TIMED_OF_A_NAME: u32 = 8;

#[tokio::test]
#[ignore = "a measurement: nothing else should be at work on the machine"]
async fn an_unknown_name_takes_as_long_as_a_known_one_over_http() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (mut known, mut unknown) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..TIMED / TIMED_OF_A_NAME {
        let victim = stack.portal_client().await?;
        for guess in 0..TIMED_OF_A_NAME {
            let nobody = format!("{}-{guess}", victim.name);
            for (name, sum) in [(&victim.name, &mut known), (&nobody, &mut unknown)] {
                let caller = victim.elsewhere()?;
                let begun = Instant::now();
                let answer = caller.try_log_in(name, "a guess").await?;
                *sum += begun.elapsed();
                ensure!(answer.portal_error(401)? == REFUSED);
            }
        }
    }
    let of = |sum: Duration| (sum / TIMED).as_secs_f64() * 1_000.0;
    println!("known {:.1} ms, unknown {:.1} ms, ratio {:.3}", of(known), of(unknown), of(unknown) / of(known));
    Ok(())
}

#[tokio::test]
async fn guesses_are_answered_ten_times_a_minute_for_each_name_and_each_address() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let victim = stack.portal_client().await?;
    // One name from many addresses. A minute that ends meanwhile lets ten more in.
    let mut refused = None;
    for _ in 0..21 {
        let answer = victim.elsewhere()?.try_log_in(&victim.name, "a guess").await?;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        ensure!(answer.portal_error(401)? == REFUSED);
    }
    is_told_to_wait(refused)?;
    // Many names from one address.
    let other = stack.portal_client().await?;
    let mut refused = None;
    for guess in 0..21 {
        let answer = other.try_log_in(&format!("{}-{guess}", victim.name), "a guess").await?;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    is_told_to_wait(refused)
}

fn is_told_to_wait(refused: Option<Answer>) -> anyhow::Result<()> {
    let Some(refused) = refused else { anyhow::bail!("21 guesses were answered") };
    refused.portal_error(429)?;
    let wait = refused.number("retry-after")?;
    ensure!((1..=60).contains(&wait), "wait {wait} s");
    Ok(())
}

#[tokio::test]
async fn what_is_no_form_of_a_name_and_a_password_is_a_400_and_counted_too() -> anyhow::Result<()> {
    let client = Stack::from_environment()?.portal_client().await?;
    for form in ["", "username=alice", "password=x", "username=&password=x", "{\"username\": \"alice\"}"] {
        let told = client.send_form(form).await?.portal_error(400)?;
        ensure!(told.contains("username") || told.contains("password"), "{form}: {told}");
    }
    let mut statuses = Vec::new();
    for _ in 0..21 {
        statuses.push(client.send_form("").await?.status);
    }
    ensure!(statuses.contains(&429) && statuses.iter().all(|status| [400, 429].contains(status)), "{statuses:?}");
    Ok(())
}

#[tokio::test]
async fn a_token_of_one_api_opens_no_other() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let client = stack.portal_client().await?;
    for path in ["/auth/me", "/tasks", "/api-keys"] {
        let answer = client.call(Method::GET, path).await?;
        ensure!(answer.status == 401, "{path}: {answer:?}");
    }
    // An operator's key is no user's token, and a user's token is no operator's key.
    let key = std::env::var("DROVER_ADMIN_KEY")?;
    let with_key = client.with_token(&key);
    ensure!(with_key.call(Method::GET, "/cpcb/queue").await?.portal_error(401)? == "Invalid token");
    ensure!(client.call(Method::GET, "/cpcb/admin/users").await?.portal_error(401)? == "Invalid token");
    // A user of the extraction cloud has a key there, and nothing here.
    let with_key = client.with_token(&stack.user().await?.key);
    ensure!(with_key.call(Method::GET, "/cpcb/queue").await?.portal_error(401)? == "Invalid token");
    with_key.call(Method::GET, "/cpcb/admin/users").await?.portal_error(403)?;
    Ok(())
}

#[tokio::test]
async fn a_token_is_void_once_its_user_has_another_password_may_not_call_or_is_gone() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let mut client = stack.portal_client().await?;
    let path = format!("/users/{}", client.name);
    let is_void = async |client: &PortalClient| {
        let answer = client.call(Method::GET, "/cpcb/queue").await?;
        anyhow::Ok(answer.status == 401 && answer.portal_error(401)? == "Invalid token")
    };
    ensure!(!is_void(&client).await?);
    let password = format!("{}-2", client.password);
    client.administer(Method::PATCH, &path, Some(&json!({"password": password}))).await?.success(200)?;
    ensure!(is_void(&client).await?, "the old password's token is good");
    ensure!(client.try_log_in(&client.name, &client.password).await?.status == 401);
    client.password = password;
    client.token = client.log_in().await?;
    ensure!(!is_void(&client).await?);

    client.administer(Method::PATCH, &path, Some(&json!({"is_active": false}))).await?.success(200)?;
    ensure!(is_void(&client).await?, "who may not call, calls");
    ensure!(client.try_log_in(&client.name, &client.password).await?.portal_error(401)? == REFUSED);
    client.administer(Method::PATCH, &path, Some(&json!({"is_active": true}))).await?.success(200)?;
    ensure!(is_void(&client).await?, "what was void is good again");
    client.token = client.log_in().await?;
    ensure!(!is_void(&client).await?);

    client.administer(Method::DELETE, &path, None).await?.success(200)?;
    ensure!(is_void(&client).await?, "who is gone, calls");
    // Who has the name after them is another.
    let again = json!({"username": client.name, "password": client.password, "tenant": client.tenant});
    client.administer(Method::POST, "/users", Some(&again)).await?.success(201)?;
    ensure!(is_void(&client).await?, "another's token is good");
    Ok(())
}
