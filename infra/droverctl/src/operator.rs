//! Who it is that runs the command, as the audit log tells it.

use std::env;

use operations::Operator;

use crate::deployment::Deployment;

impl Deployment {
    /// The user of this machine, and the id (which is no secret) of the key that AWS knows the caller by: CloudTrail knows whose it is.
    pub(crate) fn operator(&self) -> Operator {
        let user =
            ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| env::var(name).ok().filter(|user| !user.is_empty()));
        let user = user.unwrap_or_else(|| "somebody".to_owned());
        match env::var("AWS_ACCESS_KEY_ID") {
            Ok(key) if !self.is_local() => Operator::droverctl(&format!("{user} with {key}")),
            _ => Operator::droverctl(&user),
        }
    }
}
