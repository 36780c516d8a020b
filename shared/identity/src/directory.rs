//! The table of who may call, as a process has it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrets::KeyHash;
use serde::Serialize;
use table::{Clock, Key, Table};

use crate::keys::Known;

/// Who may call.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(crate) table: Table,
    pub(crate) clock: Clock,
    known: Arc<Mutex<HashMap<KeyHash, Known>>>,
}

impl Identity {
    /// Those in `table`.
    #[must_use]
    pub fn new(table: Table, clock: Clock) -> Self {
        Self { table, clock, known: Arc::default() }
    }

    /// The keys that this process knows of.
    pub(crate) fn known(&self) -> MutexGuard<'_, HashMap<KeyHash, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An item with its key, as it is stored.
#[derive(Serialize)]
pub(crate) struct Stored<'item, T> {
    #[serde(flatten)]
    pub(crate) key: Key,
    #[serde(flatten)]
    pub(crate) item: &'item T,
}
