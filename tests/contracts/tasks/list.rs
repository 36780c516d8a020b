//! `GET /tasks`: pages, orders, filters.

use std::time::Duration;

use drover_tests::quiet::QuietTasks;
use drover_tests::{Stack, User};
use extract::TaskType;
use reqwest::Method;
use serde_json::{Value as Json, json};
use table::{Clock, Millis};

/// 2024-01-15T10:00:00Z.
const BEGUN: Millis = Millis(1_705_312_800_000);

/// A user with six tasks, an hour apart, of every status and type.
async fn user_with_tasks() -> anyhow::Result<User> {
    let stack = Stack::from_environment()?;
    let user = stack.user().await?;
    let clock = Clock::fake(BEGUN);
    let quiet = QuietTasks::new(&stack, clock.clone()).await?;
    let mut tasks = Vec::new();
    for (name, task_type) in [
        ("cherries", TaskType::SimpleScraping),
        ("Apples", TaskType::SimpleScraping),
        ("élan", TaskType::AdvancedScraping),
        ("bananas & co", TaskType::BulkScraping),
        ("Daily apples", TaskType::Monitoring),
        ("figs", TaskType::SimpleScraping),
    ] {
        tasks.push(quiet.pending(&user, name, task_type).await?);
        clock.advance(Duration::from_hours(1));
    }
    // Two stay pending; the others change an hour apart, and not in their order.
    quiet.complete(&tasks[3]).await?;
    clock.advance(Duration::from_hours(1));
    quiet.fail(&tasks[1]).await?;
    clock.advance(Duration::from_hours(1));
    let _running = quiet.run(&tasks[4]).await?;
    anyhow::ensure!(user.call(Method::DELETE, &format!("/tasks/{}", tasks[0].id)).await?.status == 200);
    Ok(user)
}

async fn names(user: &User, query: &str) -> anyhow::Result<Vec<String>> {
    let tasks = user.get(&format!("/tasks?{query}")).await?;
    let tasks = tasks.as_array().cloned().unwrap_or_default();
    Ok(tasks.iter().filter_map(|task| Some(task["name"].as_str()?.to_owned())).collect())
}

/// The names in the order of their creation.
const NAMES: [&str; 6] = ["cherries", "Apples", "élan", "bananas & co", "Daily apples", "figs"];
const ORDERS: [&str; 4] = ["created_at", "updated_at", "name", "status"];

#[tokio::test]
async fn each_order_goes_both_ways() -> anyhow::Result<()> {
    let user = user_with_tasks().await?;
    let by_change = ["élan", "figs", "bananas & co", "Apples", "Daily apples", "cherries"];
    let by_name = ["Apples", "bananas & co", "cherries", "Daily apples", "figs", "élan"];
    for (order, expected) in [("created_at", NAMES), ("updated_at", by_change), ("name", by_name)] {
        assert_eq!(names(&user, &format!("sort_by={order}&sort_order=asc")).await?, expected, "by {order}");
        let backwards: Vec<_> = expected.into_iter().rev().collect();
        assert_eq!(
            names(&user, &format!("sort_by={order}&sort_order=desc")).await?,
            backwards,
            "by {order}, backwards"
        );
        assert_eq!(names(&user, &format!("sort_by={order}")).await?, backwards, "by {order}, unless said otherwise");
    }
    assert_eq!(names(&user, "").await?, NAMES.into_iter().rev().collect::<Vec<_>>());

    // Which of those with one status is first is not said.
    let by_status = ["cancelled", "completed", "failed", "pending", "pending", "running"];
    for (order, expected) in [("asc", by_status.to_vec()), ("desc", by_status.into_iter().rev().collect())] {
        let tasks = user.get(&format!("/tasks?sort_by=status&sort_order={order}")).await?;
        let statuses: Vec<_> = tasks.as_array().into_iter().flatten().map(|task| task["status"].clone()).collect();
        assert_eq!(statuses, expected);
    }
    Ok(())
}

#[tokio::test]
async fn each_filter_works_in_each_order() -> anyhow::Result<()> {
    for order in ORDERS {
        filters_work(order).await?;
    }
    Ok(())
}

async fn filters_work(order: &str) -> anyhow::Result<()> {
    let user = user_with_tasks().await?;
    for (query, expected) in [
        ("status=pending", vec!["élan", "figs"]),
        ("status=completed&status=failed", vec!["Apples", "bananas & co"]),
        ("status[]=completed&status[]=running", vec!["bananas & co", "Daily apples"]),
        ("status=cancelled,running", vec!["cherries", "Daily apples"]),
        ("status=pending&status=pending", vec!["élan", "figs"]),
        ("status=", NAMES.to_vec()),
        ("task_type=bulk_scraping", vec!["bananas & co"]),
        ("task_type=monitoring&task_type=advanced_scraping", vec!["élan", "Daily apples"]),
        ("task_type=simple_scraping&status=pending", vec!["figs"]),
        ("task_type=monitoring&status=pending", vec![]),
        ("name_contains=apples", vec!["Apples", "Daily apples"]),
        ("name_contains=APPLES", vec!["Apples", "Daily apples"]),
        ("name_contains=%C3%89LAN", vec!["élan"]),
        ("name_contains=s+%26", vec!["bananas & co"]),
        ("name_contains=kiwi", vec![]),
        ("created_after=2024-01-15T12:00:00Z", vec!["bananas & co", "Daily apples", "figs"]),
        ("created_after=2024-01-15T11:59:59Z", vec!["élan", "bananas & co", "Daily apples", "figs"]),
        ("created_after=2024-01-15T14:00:00%2B02:00", vec!["bananas & co", "Daily apples", "figs"]),
        ("created_before=2024-01-15T12:00:00Z", vec!["cherries", "Apples"]),
        ("created_before=2024-01-16", NAMES.to_vec()),
        ("created_before=2024-01-15", vec![]),
        ("created_after=2024-01-15T10:30:00Z&created_before=2024-01-15T12:30:00Z", vec!["Apples", "élan"]),
        ("created_after=2025-01-01&created_before=2024-01-01", vec![]),
        ("created_after=2024-01-15T10:30:00Z&status=pending&name_contains=i", vec!["figs"]),
    ] {
        let mut found = names(&user, &format!("{query}&sort_by={order}&sort_order=asc")).await?;
        found.sort_by_key(|name| NAMES.iter().position(|known| known == name));
        assert_eq!(found, expected, "{query} by {order}");
    }
    Ok(())
}

#[tokio::test]
async fn pages_join_without_gap_or_overlap() -> anyhow::Result<()> {
    for order in ORDERS {
        let user = user_with_tasks().await?;
        for filter in ["", "&status=pending,running,completed&name_contains=a"] {
            let query = format!("/tasks?sort_by={order}{filter}");
            let whole = user.get(&query).await?;
            for page_size in [1, 2, 3, 100] {
                assert_eq!(joined(&user, &query, page_size).await?, whole, "by {order}{filter}, {page_size} a page");
                assert_eq!(user.get(&format!("{query}&page_size={page_size}&page=7")).await?, json!([]));
            }
        }
    }
    Ok(())
}

/// All pages of a query, one after the other by their `Link` headers.
async fn joined(user: &User, query: &str, page_size: usize) -> anyhow::Result<Json> {
    let mut joined: Vec<Json> = Vec::new();
    let mut next = Some(format!("{query}&page_size={page_size}"));
    while let Some(path) = next {
        let answer = user.call(Method::GET, &path).await?;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let page = answer.json()?.as_array().cloned().unwrap_or_default();
        let link = answer.header("link");
        assert!(page.len() <= page_size && (link.is_none() || page.len() == page_size), "{path}");
        joined.extend(page);
        next = link.map(|link| {
            let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
            target.unwrap_or(link).to_owned()
        });
    }
    Ok(json!(joined))
}

#[tokio::test]
async fn a_listed_task_is_the_task_as_it_is_shown() -> anyhow::Result<()> {
    let user = user_with_tasks().await?;
    for order in ["created_at", "name"] {
        let tasks = user.get(&format!("/tasks?sort_by={order}")).await?;
        for task in tasks.as_array().into_iter().flatten() {
            assert_eq!(&user.get(&format!("/tasks/{}", drover_tests::id_of(task)?)).await?, task);
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_user_sees_their_own_tasks_alone() -> anyhow::Result<()> {
    let owner = user_with_tasks().await?;
    let stranger = Stack::from_environment()?.user().await?;
    for query in ["", "sort_by=name", "sort_by=status&status=pending", "created_after=1970-01-01", "name_contains=a"] {
        assert_eq!(stranger.get(&format!("/tasks?{query}&user_id={}", owner.id)).await?, json!([]), "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn each_parameter_has_its_bounds() -> anyhow::Result<()> {
    let user = Stack::from_environment()?.user().await?;
    for (query, fields) in [
        ("page=0", vec!["page"]),
        ("page_size=0", vec!["page_size"]),
        ("page_size=101", vec!["page_size"]),
        ("sort_by=priority", vec!["sort_by"]),
        ("sort_order=up", vec!["sort_order"]),
        ("status=done", vec!["status"]),
        ("status=pending&status=done", vec!["status"]),
        ("task_type=quantum", vec!["task_type"]),
        ("created_after=yesterday", vec!["created_after"]),
        ("created_before=2024-02-30", vec!["created_before"]),
        ("page=x&page_size=y&sort_by=z", vec!["page", "page_size", "sort_by"]),
        // So many tasks would have to be read.
        ("page=101&page_size=100", vec!["page"]),
    ] {
        assert_eq!(user.call(Method::GET, &format!("/tasks?{query}")).await?.invalid_fields()?, fields, "{query}");
    }
    assert_eq!(user.get("/tasks?page=100&page_size=100&colour=red").await?, json!([]));
    Ok(())
}
