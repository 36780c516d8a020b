//! The credential queue: who claims, who is asked to renew and who is reported to are drawn anew for each call.

use table::Clock;

use super::rollout::{Release, Rollout};
use crate::credentials::race;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs two releases on one stack: tests/compatibility/run"]
async fn no_credential_has_two_holders_while_both_hand_out() -> anyhow::Result<()> {
    let rollout = Rollout::halfway().await?;
    let since = Clock::system().now();
    race::assert_no_violations().await?;
    for route in ["/next", "/success", "/release", "/heartbeat"] {
        let lines = rollout.log_lines("credential-queue", since, &["answered", route]).await?;
        for release in [Release::Old, Release::New] {
            let count = lines.iter().filter(|(by, _)| *by == release).count();
            println!("{route}: {count} of {} by {release:?}", lines.len());
            assert!(
                count * 3 > lines.len(),
                "{route} was hardly ever answered by {release:?}: {count} of {}",
                lines.len()
            );
        }
    }
    Ok(())
}
