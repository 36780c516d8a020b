//! The functions of the stack, each by its role.

use anyhow::ensure;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use drover_tests::id_of;
use drover_tests::site::Site;
use reqwest::Method;
use serde_json::json;
use tokio::sync::Mutex;

use super::grants::{self, OF_NO_RESOURCE};
use super::policies::rights_of;
use super::scratch::{assume, remove_policy, set_policy};
use super::{Lab, none};

/// Held by what reads the deployed roles whole, and by what changes one for a moment.
static ROLES: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn every_function_may_do_what_is_its_own_and_is_refused_all_else() -> anyhow::Result<()> {
    let lab = Lab::open().await?;
    let mut faults = Vec::new();
    for function in &lab.deployed.functions {
        // The emulator lets its operator stand in for Lambda, which alone the role trusts.
        let caller = assume(&lab.operator, &function.role).await?;
        let found = lab.faults(&caller, &grants::own(function)?).await?;
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", function.name)));
    }
    println!("{} calls by each of {} functions", lab.probes.len(), lab.deployed.functions.len());
    none(faults)
}

#[tokio::test]
async fn every_role_says_what_the_table_says_and_no_more() -> anyhow::Result<()> {
    let (lab, _roles) = (Lab::open().await?, ROLES.lock().await);
    let mut faults = Vec::new();
    for function in &lab.deployed.functions {
        let own = grants::own(function)?;
        let given = rights_of(function.role_name(), &lab.operator, &lab.deployed).await?;
        let name = &function.name;
        faults.extend(given.difference(&own).map(|right| format!("{name} may do what is not its own: {right}")));
        faults.extend(own.difference(&given).map(|right| format!("{name} may not do what is its own: {right}")));
        // A right of which nothing was tried is one of which nothing is known.
        let untried = |right: &&grants::Right| {
            right.resource != OF_NO_RESOURCE
                && !lab.probes.iter().any(|probe| right.covers(&probe.action, &probe.resource))
        };
        faults.extend(own.iter().filter(untried).map(|right| format!("nothing tries {right}, of {name}")));
    }
    none(faults)
}

/// So the function does act as its role, and what it may do is asked each time.
#[tokio::test]
async fn a_function_cannot_do_what_is_taken_from_its_role() -> anyhow::Result<()> {
    let (lab, _roles) = (Lab::open().await?, ROLES.lock().await);
    let user = lab.stack.user().await?;
    let site = Site::serve(Router::new().route("/page", get(async || Html("<p class=t>One</p>")))).await?;
    let task = user.create_task(json!({"urls": [site.url("/page")], "selectors": {"title": ".t"}})).await?;
    user.ended(&task).await?;
    user.download(&task).await?;

    let files = lab.deployed.arn_of(&format!("ResultsBucket/results/{}/*", user.id));
    let denied = json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": files});
    let function = lab.deployed.functions.iter().find(|function| function.name == "ExtractTasksFunction");
    let role = function.map(super::deployed::Function::role_name).unwrap_or_default();
    let name = format!("test-{}", user.id);
    set_policy(&lab.operator, role, &name, &json!({"Version": "2012-10-17", "Statement": [denied]})).await?;
    let without = user.call(Method::GET, &format!("/tasks/{}/download", id_of(&task)?)).await;
    remove_policy(&lab.operator, role, &name).await?;

    let without = without?;
    ensure!(without.status == 500, "the function was not refused: {without:?}");
    user.download(&task).await?;
    Ok(())
}
