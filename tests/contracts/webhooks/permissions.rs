//! What a key needs: to see webhooks the right to see tasks, to change them the right to manage keys as well.

use api::identity::Permission;
use drover_tests::Stack;
use drover_tests::receiver::Receiver;
use drover_tests::user::id_of;
use extract::Plan;
use reqwest::Method;
use serde_json::json;

const SEE: &[Permission] = &[Permission::TasksRead];
const CHANGE: &[Permission] = &[Permission::TasksRead, Permission::KeysManage];

#[tokio::test]
async fn each_endpoint_wants_its_permissions_and_no_other() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let server = Receiver::start(&[]).await?;
    let endpoints = [
        (Method::GET, "", SEE),
        (Method::POST, "", CHANGE),
        (Method::GET, "/{id}", SEE),
        (Method::PUT, "/{id}", CHANGE),
        (Method::DELETE, "/{id}", CHANGE),
        (Method::POST, "/{id}/test", CHANGE),
        (Method::POST, "/{id}/rotate-secret", CHANGE),
        (Method::GET, "/{id}/attempts", SEE),
    ];
    let all = Permission::ALL.map(|(_, permission)| permission);
    for (method, path, needed) in endpoints {
        let body = json!({"url": server.url()});
        for missing in needed {
            let others: Vec<_> = all.into_iter().filter(|known| known != missing).collect();
            let without = stack.user_with(Plan::Professional, 10, &others).await?;
            let path = format!("/webhooks{}", path.replace("{id}", "00000000-0000-0000-0000-000000000000"));
            let answer = without.send(method.clone(), &path, &body).await?;
            let message = answer.error(403, "authorization_error")?;
            assert!(message.contains(missing.as_str()), "{method} {path}: {message}");
        }
        let with = stack.user_with(Plan::Free, 10, needed).await?;
        // One of its own, where the key may make one.
        let made = with.send(Method::POST, "/webhooks", &body).await?;
        let id = if needed == CHANGE { id_of(&made.success(201)?)?.to_owned() } else { "none".to_owned() };
        let answer = with.send(method.clone(), &format!("/webhooks{}", path.replace("{id}", &id)), &body).await?;
        assert!(answer.status != 401 && answer.status != 403, "{method} {path}: {answer:?}");
    }
    Ok(())
}
