//! Knows how Drover talks to DynamoDB: clients with time limits, typed items, conditional updates, transactions, what each call
//! cost, and the clock and ids that items are stamped with. Knows nothing of what any item means.

pub mod aws;
pub mod clock;
pub mod cost;
pub mod cursor;
mod error;
mod evaluate;
mod expression;
mod id;
mod key;
mod store;
pub mod testing;
mod transaction;

pub use clock::{Clock, Millis};
pub use error::{Item, TableError};
pub use expression::{Comparison, Condition, Update, Value};
pub use id::{new_id, new_nonce, smallest_id_at};
pub use key::Key;
pub use store::{Page, Query, Table, decode, encode};
pub use transaction::Transaction;

pub use aws_sdk_dynamodb::types::AttributeValue;
