//! What operators have of the stack, as the console and `droverctl` have it: the library itself, in the test's own process, so that what a call costs is
//! counted exactly.

use credentials::Credentials;
use jobs::Queue;
use operations::{Deliveries, Fleet, Operations, Pools};
use table::Clock;

use crate::stack::Stack;

impl Stack {
    /// The jobs of all kinds, of whose messages no worker hears.
    pub async fn operations(&self) -> anyhow::Result<Operations> {
        let jobs = async |kind| self.unheard_jobs(kind, Clock::system()).await;
        let tasks = jobs(extract::QUEUE_KIND).await?;
        let (portals, videos) = (jobs(portals::QUEUE_KIND).await?, jobs(videos::QUEUE_KIND).await?);
        let webhooks = Queue::new(&self.config, self.queue_url("webhooks").await?);
        let deliveries = Deliveries { table: self.table("webhooks"), queue: webhooks };
        Ok(Operations::new(tasks, portals, videos, self.results().await?, deliveries, self.table("events")))
    }

    /// The pools of the credential queue.
    #[must_use]
    pub fn pools(&self) -> Pools {
        let (clock, key) = (Clock::system(), format!("alias/{}-credentials", self.name));
        let credentials = Credentials::new(&self.config, self.table("credentials"), clock.clone(), key);
        Pools::new(credentials, self.table("events"), clock)
    }

    /// The worker API's tasks and proxies.
    #[must_use]
    pub fn worker_fleet(&self) -> Fleet {
        Fleet::new(self.table("worker"), self.table("events"), Clock::system())
    }
}
