//! Users and their keys in a terminal, and what the audit log says of what was done to them.

use anyhow::{Context, ensure};
use drover_tests::Stack;
use serde_json::Value as Json;
use table::{Clock, new_id};

/// How many pages are looked through: other tests do much at the same time.
const PAGES: usize = 20;

/// What the audit log has of a thing, the newest first.
async fn written_down(stack: &Stack, on: &str) -> anyhow::Result<Vec<String>> {
    let (mut found, mut after) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        let mut arguments = vec!["audit", "--limit", "100"];
        if let Some(after) = &after {
            arguments.extend(["--after", after]);
        }
        let page = stack.operate(&arguments).await?;
        let entries = page["entries"].as_array().context("no entries")?;
        let of_it = entries.iter().filter(|entry| entry["on"] == on);
        found.extend(of_it.map(|entry| format!("{} {}", shown(&entry["action"]), shown(&entry["outcome"]))));
        // What is told of first was done first of all.
        if found.last().is_some_and(|last| last.starts_with("create")) {
            break;
        }
        after = page["next"].as_str().map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    Ok(found)
}

fn shown(value: &Json) -> &str {
    value.as_str().unwrap_or("?")
}

/// What makes operators and keys is in the audit log as all else is, with whom it was done to.
#[tokio::test]
async fn whatever_is_done_to_a_user_and_their_keys_is_written_down() -> anyhow::Result<()> {
    let stack = Stack::from_environment()?;
    let email = format!("{}@example.com", new_id(Clock::system().now()));
    let created = stack.operate(&["users", "create", "--email", &email, "--name", "A", "--operator"]).await?;
    let user = created["user_id"].as_str().context("no id")?;
    let is_operator = async || {
        let shown = stack.operate(&["users", "show", "--user", user]).await?;
        ensure!(shown["email"] == email.as_str() && shown["is_active"] == true, "{shown}");
        shown["is_operator"].as_bool().context("no word of it")
    };
    ensure!(is_operator().await?, "no operator was made");
    stack.operate(&["users", "demote", "--user", user]).await?;
    ensure!(!is_operator().await?, "they are an operator still");
    // Who is none may have a password from before; this one has not.
    let removed = stack.operate(&["users", "remove-password", "--user", user, "--yes"]).await?;
    ensure!(removed["removed"] == false, "{removed}");

    let key = stack.operate(&["keys", "create", "--user", user, "--name", "k", "--all-permissions"]).await?;
    let id = key["key_id"].as_str().context("no key")?;
    let secret = key["api_key"].as_str().context("no key")?;
    let listed = stack.droverctl(&["keys", "list", "--user", user, "--output", "json"]).await?;
    ensure!(listed.output.contains(id) && !listed.output.contains(secret), "{listed:?}");
    let revoked = stack.operate(&["keys", "revoke", id, "--user", user, "--yes"]).await?;
    ensure!(revoked["is_active"] == false, "{revoked}");

    stack.operate(&["users", "deactivate", "--user", user, "--yes"]).await?;
    let refused = stack.droverctl(&["keys", "create", "--user", user, "--name", "k", "--all-permissions"]).await?;
    ensure!(refused.code == Some(4) && refused.errors.contains("deactivated"), "{refused:?}");

    let of_user = written_down(&stack, &format!("user/{user}")).await?;
    ensure!(
        of_user == ["deactivate_user done", "remove_password done", "demote_user done", "create_user done"],
        "{of_user:?}"
    );
    let of_key = written_down(&stack, &format!("key/{id}")).await?;
    ensure!(of_key == ["revoke_key done", "create_key done"], "{of_key:?}");
    let audit = stack.droverctl(&["audit", "--limit", "100", "--output", "json"]).await?;
    ensure!(!audit.output.contains(secret), "the audit log has a key in clear");
    Ok(())
}
