//! `droverctl users set-password` and `remove-password`: what operators sign in to the console with.

use api::identity::{Identity, SetPasswordError, User};
use portals::{LONGEST_PASSWORD, SHORTEST_PASSWORD};
use secrets::{Password, Passwords};
use serde_json::{Value as Json, json};

use crate::failure::Failure;
use crate::portal::password;

pub(crate) async fn set(identity: &Identity, user: &str) -> anyhow::Result<Json> {
    let user = operator(identity, user).await?;
    let password = password()?;
    if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&password.chars().count()) {
        let message = format!("a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters");
        return Err(Failure::usage(message).into());
    }
    let hash = Passwords::new()?.hash(&Password::given(&password)).await?;
    match identity.set_password(&user, hash).await {
        Err(SetPasswordError::Taken) => Err(Failure::refused(SetPasswordError::Taken.to_string()).into()),
        set => {
            set?;
            Ok(json!({"user_id": user.id, "email": user.email, "has_password": true}))
        }
    }
}

pub(crate) async fn remove(identity: &Identity, user: &str) -> anyhow::Result<Json> {
    let user = operator(identity, user).await?;
    let removed = identity.remove_password(&user).await?;
    Ok(json!({"user_id": user.id, "email": user.email, "has_password": false, "removed": removed}))
}

/// The user, who must be an operator: to anybody else the console is closed.
async fn operator(identity: &Identity, user: &str) -> anyhow::Result<User> {
    let found = identity.find_user(user).await?;
    let create = "add one with: droverctl users create --operator";
    let found = found.ok_or_else(|| Failure::not_found(format!("there is no user {user}")).next(create))?;
    if !found.is_operator {
        let message = format!("the user {user} is no operator: the console is closed to them");
        return Err(Failure::refused(message).next(format!("droverctl users promote --user {user}")).into());
    }
    Ok(found)
}
