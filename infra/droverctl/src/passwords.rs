//! `droverctl users set-password` and `remove-password`: what operators sign in to the console with.

use api::identity::{SetPasswordError, User};
use operations::Action;
use portals::{LONGEST_PASSWORD, SHORTEST_PASSWORD};
use secrets::{Password, Passwords};
use serde_json::{Value as Json, json};

use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::identity::{no_user, on_user};
use crate::operator::Deed;
use crate::typed::password;

pub(crate) async fn set(deployment: &Deployment, user: &str) -> anyhow::Result<Json> {
    let user = find(deployment, user).await?;
    // To anybody else the console is closed.
    if !user.is_operator {
        let message = format!("the user {} is no operator: the console is closed to them", user.id);
        return Err(Failure::refused(message).next(format!("droverctl users promote --user {}", user.id)).into());
    }
    let password = password()?;
    if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&password.chars().count()) {
        let message = format!("a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters");
        return Err(Failure::usage(message).into());
    }
    let hash = Passwords::new()?.hash(&Password::given(&password)).await?;
    let act = async {
        deployment.identity().set_password(&user, hash).await.map_err(|error| match error {
            SetPasswordError::Taken => Failure::refused(error.to_string()).into(),
            SetPasswordError::Table(error) => anyhow::Error::new(error),
        })
    };
    let deed = Deed::new(Action::SetPassword, on_user(&user.id)).detail(user.email.as_str());
    Box::pin(deployment.audited(deed, act)).await?;
    Ok(json!({"user_id": user.id, "email": user.email, "has_password": true}))
}

/// Of whomever it is: who was an operator, and is none, may have one still.
pub(crate) async fn remove(deployment: &Deployment, user: &str) -> anyhow::Result<Json> {
    let user = find(deployment, user).await?;
    let act = async { Ok(deployment.identity().remove_password(&user).await?) };
    let deed = Deed::new(Action::RemovePassword, on_user(&user.id)).detail(user.email.as_str());
    let removed = Box::pin(deployment.audited(deed, act)).await?;
    Ok(json!({"user_id": user.id, "email": user.email, "has_password": false, "removed": removed}))
}

async fn find(deployment: &Deployment, user: &str) -> anyhow::Result<User> {
    Ok(deployment.identity().find_user(user).await?.ok_or_else(|| no_user(user))?)
}
