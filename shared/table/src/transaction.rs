//! Several writes that are done together or not at all.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{self, CancellationReason, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use serde::Serialize;

use crate::error::{TableError, classify};
use crate::expression::{Condition, Update};
use crate::id::new_nonce;
use crate::key::Key;
use crate::store::Table;

/// How often a transaction is tried again that was at odds with another one.
const CONFLICT_TRIES: u32 = 8;

/// Writes to several items, each with its condition, done together or not at all.
///
/// It carries an idempotency token of its own, so that a retry after a lost answer does nothing twice (DynamoDB remembers the token
/// for ten minutes).
#[derive(Debug, Default)]
pub struct Transaction {
    actions: Vec<TransactWriteItem>,
}

impl Transaction {
    /// Does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a whole item if `condition` holds.
    pub fn put<T: Serialize>(mut self, table: &Table, item: &T, condition: &Condition) -> Result<Self, TableError> {
        let (condition, (names, values)) = condition.rendered();
        let put = types::Put::builder()
            .table_name(table.name())
            .set_item(Some(serde_dynamo::to_item(item)?))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| TableError::Broken(error.to_string()))?;
        self.actions.push(TransactWriteItem::builder().put(put).build());
        Ok(self)
    }

    /// Deletes an item if `condition` holds.
    pub fn delete(mut self, table: &Table, key: &Key, condition: &Condition) -> Result<Self, TableError> {
        let (condition, (names, values)) = condition.rendered();
        let delete = types::Delete::builder()
            .table_name(table.name())
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| TableError::Broken(error.to_string()))?;
        self.actions.push(TransactWriteItem::builder().delete(delete).build());
        Ok(self)
    }

    /// Changes an item.
    pub fn update(mut self, table: &Table, key: &Key, update: Update) -> Result<Self, TableError> {
        let rendered = update.render();
        let (names, values) = rendered.terms.into_maps();
        let update = types::Update::builder()
            .table_name(table.name())
            .set_key(Some(key.attributes()))
            .set_update_expression(rendered.update)
            .set_condition_expression(rendered.condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| TableError::Broken(error.to_string()))?;
        self.actions.push(TransactWriteItem::builder().update(update).build());
        Ok(self)
    }

    /// Changes nothing of an item, but is done only if `condition` holds.
    pub fn check(mut self, table: &Table, key: &Key, condition: &Condition) -> Result<Self, TableError> {
        let (condition, (names, values)) = condition.rendered();
        let check = types::ConditionCheck::builder()
            .table_name(table.name())
            .set_key(Some(key.attributes()))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| TableError::Broken(error.to_string()))?;
        self.actions.push(TransactWriteItem::builder().condition_check(check).build());
        Ok(self)
    }

    /// Does it all.
    ///
    /// # Errors
    /// [`TableError::ConditionFailed`] holds one entry for each action, in order: `Some` of the item as it was where that action's
    /// condition failed (an empty item if there was none), else `None`.
    pub async fn commit(self, table: &Table) -> Result<(), TableError> {
        let token = new_nonce();
        let mut tries = 0;
        loop {
            let request = table.client().transact_write_items().set_transact_items(Some(self.actions.clone()));
            let Err(error) = request.client_request_token(&token).send().await else { return Ok(()) };
            let reasons = match error {
                SdkError::ServiceError(service) if service.err().is_transaction_canceled_exception() => {
                    let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.into_err() else {
                        return Err(TableError::Broken("a cancelled transaction without reasons".to_owned()));
                    };
                    cancelled.cancellation_reasons.unwrap_or_default()
                }
                other => return Err(classify(&other)),
            };
            if failed(&reasons, "ConditionalCheckFailed") {
                return Err(TableError::ConditionFailed(reasons.into_iter().map(refused_item).collect()));
            }
            let transient = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
            if !transient.iter().any(|code| failed(&reasons, code)) {
                return Err(TableError::Broken(format!("a transaction was cancelled: {reasons:?}")));
            }
            tries += 1;
            if tries >= CONFLICT_TRIES {
                return Err(TableError::Unavailable("other transactions are in the way".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(20 << tries).mul_f64(fastrand::f64())).await;
        }
    }
}

fn failed(reasons: &[CancellationReason], code: &str) -> bool {
    reasons.iter().any(|reason| reason.code() == Some(code))
}

fn refused_item(reason: CancellationReason) -> Option<crate::error::Item> {
    (reason.code() == Some("ConditionalCheckFailed")).then(|| reason.item.unwrap_or_default())
}
