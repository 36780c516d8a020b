//! What a piece of work costs: how many requests it made of AWS, and how much of DynamoDB's capacity they consumed.
//!
//! [`metered`] runs a future and gives what it cost; an interceptor in every client that [`crate::aws`] makes does the counting.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::operation::{
    batch_get_item, batch_write_item, delete_item, get_item, put_item, query, scan, transact_write_items, update_item,
};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextMut,
    BeforeTransmitInterceptorContextRef, Input,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde::Serialize;

/// What a piece of work has cost. Every attempt counts as a request, also one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Requests made of DynamoDB.
    pub dynamodb_requests: u32,
    /// DynamoDB read request units consumed.
    pub read_units: f64,
    /// DynamoDB write request units consumed; a refused write is not reported by DynamoDB, and not in here.
    pub write_units: f64,
    /// Requests made of other services (S3, SQS, providers).
    pub other_requests: u32,
}

impl Cost {
    /// Both together.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            dynamodb_requests: self.dynamodb_requests + more.dynamodb_requests,
            read_units: self.read_units + more.read_units,
            write_units: self.write_units + more.write_units,
            other_requests: self.other_requests + more.other_requests,
        }
    }

    /// Writes the cost to the log, beside what it is the cost of.
    pub fn log(&self, message: &str) {
        tracing::info!(
            dynamodb_requests = self.dynamodb_requests,
            read_units = self.read_units,
            write_units = self.write_units,
            other_requests = self.other_requests,
            "{message}"
        );
    }
}

tokio::task_local! {
    static METER: Arc<Mutex<Cost>>;
}

/// Runs `work` and gives its result with what it cost. Tasks that it spawns are not counted.
pub async fn metered<F: Future>(work: F) -> (F::Output, Cost) {
    let meter = Arc::new(Mutex::new(Cost::default()));
    let output = METER.scope(Arc::clone(&meter), work).await;
    let cost = *meter.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    (output, cost)
}

fn count(change: impl FnOnce(&mut Cost)) {
    let _ = METER.try_with(|meter| change(&mut meter.lock().unwrap_or_else(std::sync::PoisonError::into_inner)));
}

/// Counts a request that no client of AWS makes.
pub fn count_other_request() {
    count(|cost| cost.other_requests += 1);
}

/// Counts the requests of a DynamoDB client and the capacity they consume, which it asks DynamoDB to tell.
#[derive(Debug)]
pub(crate) struct DynamoDbMeter;

/// Counts the requests of any other client.
#[derive(Debug)]
pub struct RequestMeter;

/// Asks for the consumed capacity if the input is of one of these operations.
macro_rules! ask_for_capacity {
    ($input:expr, $($operation:ty),+ $(,)?) => {
        $(if let Some(input) = $input.downcast_mut::<$operation>() {
            input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
            return;
        })+
    };
}

fn ask_for_capacity(input: &mut Input) {
    ask_for_capacity!(
        input,
        update_item::UpdateItemInput,
        get_item::GetItemInput,
        query::QueryInput,
        scan::ScanInput,
        put_item::PutItemInput,
        delete_item::DeleteItemInput,
        transact_write_items::TransactWriteItemsInput,
        batch_get_item::BatchGetItemInput,
        batch_write_item::BatchWriteItemInput,
    );
}

/// The units that an output says were consumed, if it is of one of these operations.
macro_rules! units_of {
    ($output:expr, $($operation:ty),+ $(,)?) => {
        0.0 $(+ $output.downcast_ref::<$operation>().map_or(0.0, |output| {
            output.consumed_capacity().into_iter().filter_map(ConsumedCapacity::capacity_units).sum::<f64>()
        }))+
    };
}

#[dyn_dispatch_hint]
impl Intercept for DynamoDbMeter {
    fn name(&self) -> &'static str {
        "DynamoDbMeter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        ask_for_capacity(context.input_mut());
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        count(|cost| cost.dynamodb_requests += 1);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else { return Ok(()) };
        let read = units_of!(
            output,
            batch_get_item::BatchGetItemOutput,
            get_item::GetItemOutput,
            query::QueryOutput,
            scan::ScanOutput,
        );
        let written = units_of!(
            output,
            batch_write_item::BatchWriteItemOutput,
            delete_item::DeleteItemOutput,
            put_item::PutItemOutput,
            transact_write_items::TransactWriteItemsOutput,
            update_item::UpdateItemOutput,
        );
        count(|cost| {
            cost.read_units += read;
            cost.write_units += written;
        });
        Ok(())
    }
}

#[dyn_dispatch_hint]
impl Intercept for RequestMeter {
    fn name(&self) -> &'static str {
        "RequestMeter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        count(|cost| cost.other_requests += 1);
        Ok(())
    }
}
