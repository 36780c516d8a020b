//! What a client sees, while lines are written by many at once and its connection is lost again and again.

use drover_tests::{CROWD, Stack};
use uuid::Uuid;

use super::reader::{SHORT, Weather, follow_deployed, follow_streaming, functions};
use super::{Tenant, assert_whole, write};

const PATH: &str = "/logs/stream?format=json";

fn ids(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::new_v4()).collect()
}

#[tokio::test]
async fn a_client_that_loses_its_connection_sees_each_line_once_and_in_order() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _crowd = CROWD.lock().await;
    let (tenant, functions, jobs) = (Tenant::new(&stack).await?, functions(&stack, SHORT).await?, ids(4));
    let weather = Weather { drops: 10, bytes: 4_000 };
    let follow = follow_streaming(&functions, &tenant, PATH, 400, weather);
    let (reader, ()) = tokio::try_join!(follow, write(&stack, &tenant.group, &jobs, 100))?;
    assert_whole(&stack, &tenant.group, &jobs, 100, &reader.seen).await
}

/// Behind a gateway that buffers, an answer is what there is; the client comes again and misses nothing.
#[tokio::test]
async fn behind_a_gateway_that_buffers_it_sees_them_too() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let _crowd = CROWD.lock().await;
    let (tenant, jobs) = (Tenant::new(&stack).await?, ids(3));
    let weather = Weather { drops: 10, bytes: 4_000 };
    let follow = follow_deployed(&tenant, PATH, 300, weather);
    let (reader, ()) = tokio::try_join!(follow, write(&stack, &tenant.group, &jobs, 100))?;
    assert_whole(&stack, &tenant.group, &jobs, 100, &reader.seen).await?;
    anyhow::ensure!(reader.source.retry == Some(5_000), "{:?}", reader.source.retry);
    Ok(())
}

/// What issue 8 asks for, with nothing else going on.
#[tokio::test]
#[ignore = "runs alone: 5,000 lines on an emulator that does one request at a time"]
async fn fifty_lost_connections_while_five_thousand_lines_are_written() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let (tenant, functions, jobs) = (Tenant::new(&stack).await?, functions(&stack, SHORT).await?, ids(5));
    let weather = Weather { drops: 50, bytes: 20_000 };
    let follow = follow_streaming(&functions, &tenant, PATH, 5_000, weather);
    let (reader, ()) = tokio::try_join!(follow, write(&stack, &tenant.group, &jobs, 1_000))?;
    println!("{} connections were lost", reader.lost);
    assert_whole(&stack, &tenant.group, &jobs, 1_000, &reader.seen).await
}
