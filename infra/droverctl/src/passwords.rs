//! `droverctl users set-password` and `remove-password`: what operators sign in to the console with.

use anyhow::bail;
use api::identity::{Identity, User};
use portals::{LONGEST_PASSWORD, SHORTEST_PASSWORD};
use secrets::{Password, Passwords};
use serde_json::{Value as Json, json};

use crate::portal::password;

pub(crate) async fn set(identity: &Identity, user: &str) -> anyhow::Result<Json> {
    let user = operator(identity, user).await?;
    let password = password()?;
    let length = password.chars().count();
    if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length) {
        bail!("a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters");
    }
    let hash = Passwords::new()?.hash(&Password::given(&password)).await?;
    identity.set_password(&user, hash).await?;
    Ok(json!({"user_id": user.id, "email": user.email, "has_password": true}))
}

pub(crate) async fn remove(identity: &Identity, user: &str) -> anyhow::Result<Json> {
    let user = operator(identity, user).await?;
    let removed = identity.remove_password(&user).await?;
    Ok(json!({"user_id": user.id, "email": user.email, "has_password": false, "removed": removed}))
}

/// The user, who must be an operator: to anybody else the console is closed.
async fn operator(identity: &Identity, user: &str) -> anyhow::Result<User> {
    match identity.find_user(user).await? {
        Some(user) if user.is_operator => Ok(user),
        Some(_) => bail!("the user {user} is no operator: the console is closed to them"),
        None => bail!("there is no user {user}; add one with: droverctl users create --operator"),
    }
}
