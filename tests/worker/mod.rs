//! contracts/worker-api.md with its section of the rulings, and the administration beside it. Each test has campaigns and workers of its
//! own, and addresses of its own: limits are by address.

mod administration;
mod backlinks;
mod captcha;
mod errors;
mod fleet;
mod idempotency;
mod limits;
mod llm;
mod proxies;
mod scale;
mod services;
mod site_accounts;
mod tasks;

use drover_tests::Stack;
use drover_tests::worker::Worker;
use serde_json::json;

/// A campaign with tasks, a worker and an administrator.
struct Campaign {
    stack: Stack,
    admin: Worker,
    worker: Worker,
    id: u64,
    tasks: Vec<u64>,
}

impl Campaign {
    /// A new one with so many tasks.
    async fn with_tasks(count: usize) -> anyhow::Result<Self> {
        Self::with(count, 3).await
    }

    /// A new one with so many tasks, each tried again so often.
    async fn with(count: usize, max_retries: u64) -> anyhow::Result<Self> {
        let stack = Stack::from_environment()?;
        let (admin, worker) = (stack.worker_administrator()?, stack.worker().await?);
        let id = admin.campaign().await?;
        let mut tasks = Vec::new();
        for _ in 0..count {
            let new = json!({"campaign_id": id, "type": "comment", "max_retries": max_retries});
            tasks.push(admin.task(&new).await?);
        }
        Ok(Self { stack, admin, worker, id, tasks })
    }

    /// The numbers of its tasks that are due.
    async fn pending(&self) -> anyhow::Result<Vec<u64>> {
        self.worker.pending(&format!("campaign_id={}", self.id)).await
    }
}
