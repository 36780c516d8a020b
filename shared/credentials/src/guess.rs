//! What a warm function believes of a credential that is reported on, so that it need not be read first. A guess is a condition of the
//! write: a wrong one costs a request, and is never acted on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::platform::PoolPolicy;

/// How many credentials a warm function remembers.
const REMEMBERED: usize = 10_000;

/// What is believed of one credential.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guess {
    /// The policy under which it was claimed.
    pub(crate) policy: PoolPolicy,
    /// How often it has failed in a row.
    pub(crate) consecutive_failures: u64,
}

/// What is believed of all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guesses(Arc<Mutex<HashMap<u64, Guess>>>);

impl Guesses {
    pub(crate) fn of(&self, credential: u64) -> Guess {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&credential).cloned().unwrap_or_default()
    }

    pub(crate) fn learn(&self, credential: u64, guess: Guess) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= REMEMBERED {
            guesses.clear();
        }
        guesses.insert(credential, guess);
    }
}
