//! Sign-ins under way: what must be the same when somebody comes back from an identity provider. Each counts once.

use std::time::Duration;

use secrets::fingerprint;
use serde::{Deserialize, Serialize};
use table::{Condition, Key, Millis, TableError};

use crate::directory::{Identity, Stored};

/// How long a sign-in may take.
pub const SIGN_IN_PATIENCE: Duration = Duration::from_mins(10);

/// What is kept of a sign-in. It has no `Debug`: the verifier is a secret.
#[derive(Serialize, Deserialize)]
pub struct SignIn {
    /// What the ID token must repeat.
    pub nonce: String,
    /// What proves to the provider that the code is redeemed by who asked for it (RFC 7636).
    pub pkce_verifier: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    sign_in: SignIn,
    good_until: Millis,
    expires_at: u64,
}

impl Identity {
    /// Keeps a sign-in, to be found by its `state` within ten minutes. Of the state a hash is stored: who reads the table can end no sign-in.
    pub async fn begin_sign_in(&self, state: &str, sign_in: SignIn) -> Result<(), TableError> {
        let good_until = self.clock.now().after(SIGN_IN_PATIENCE);
        let kept = Kept { sign_in, good_until, expires_at: good_until.epoch_seconds() + 60 };
        self.table.put(&Stored { key: key_of_sign_in(state), item: &kept }, Condition::Absent("pk")).await
    }

    /// Takes a sign-in by its `state`: of all who ask, one gets it, once.
    pub async fn take_sign_in(&self, state: &str) -> Result<Option<SignIn>, TableError> {
        let kept: Option<Kept> = self.table.take(&key_of_sign_in(state)).await?;
        Ok(kept.filter(|kept| self.clock.now() < kept.good_until).map(|kept| kept.sign_in))
    }
}

fn key_of_sign_in(state: &str) -> Key {
    Key::new(format!("SIGNIN#{}", fingerprint(state)), "SIGNIN")
}
