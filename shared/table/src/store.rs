//! One table: typed reads, conditional writes, queries.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use aws_sdk_dynamodb::types::{
    DeleteRequest, KeysAndAttributes, PutRequest, ReturnValue, ReturnValuesOnConditionCheckFailure, Select,
    WriteRequest,
};
use futures::{TryStreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Item, TableError, classify};
use crate::expression::{Condition, Terms, Update};
use crate::key::Key;

/// The most items of one batch write (the service's limit).
const WRITE_BATCH: usize = 25;
/// How many batches are written at once.
const BATCHES_AT_ONCE: usize = 8;
/// How often a batch's unprocessed rest is asked for again.
const BATCH_TRIES: u32 = 6;

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: Arc<str>,
}

/// What to find: a partition, a range of sort keys, an order and a bound.
#[derive(Clone, Debug)]
pub struct Query {
    index: Option<&'static str>,
    key: Condition,
    descending: bool,
    limit: Option<u32>,
    consistent: bool,
    start: Option<Item>,
    only: Option<Condition>,
}

/// A page of a query's answer.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on, if there may be more.
    pub next: Option<Item>,
}

impl Query {
    /// Everything whose key satisfies `key`: an equality of the partition key, and maybe a condition on the sort key.
    #[must_use]
    pub const fn new(key: Condition) -> Self {
        Self { index: None, key, descending: false, limit: None, consistent: false, start: None, only: None }
    }

    /// Looks in this index.
    #[must_use]
    pub const fn index(mut self, name: &'static str) -> Self {
        self.index = Some(name);
        self
    }

    /// From the largest sort key down.
    #[must_use]
    pub const fn descending(mut self, descending: bool) -> Self {
        self.descending = descending;
        self
    }

    /// Reads at most so many items a page.
    #[must_use]
    pub const fn limit(mut self, items: u32) -> Self {
        self.limit = Some(items);
        self
    }

    /// Sees every write that was answered before; twice the price, and not in a global index.
    #[must_use]
    pub const fn consistent(mut self) -> Self {
        self.consistent = true;
        self
    }

    /// Leaves out what does not satisfy this. It is read, counted by the limit, and paid for, as well.
    #[must_use]
    pub fn only(mut self, condition: Option<Condition>) -> Self {
        self.only = condition;
        self
    }

    /// Goes on where a page ended.
    #[must_use]
    pub fn start(mut self, at: Option<Item>) -> Self {
        self.start = at;
        self
    }
}

impl Table {
    /// The table `name`, reached through `client`.
    #[must_use]
    pub fn new(client: Client, name: &str) -> Self {
        Self { client, name: Arc::from(name) }
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Reads an item, seeing every write that was answered before.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, TableError> {
        self.get_item(key, true).await?.map(decode).transpose()
    }

    /// Reads an item for half the price; it may be some moments old.
    pub async fn get_stale<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, TableError> {
        self.get_item(key, false).await?.map(decode).transpose()
    }

    /// Reads an item as it is stored.
    pub async fn get_item(&self, key: &Key, consistent: bool) -> Result<Option<Item>, TableError> {
        let request = self.client.get_item().table_name(self.name()).set_key(Some(key.attributes()));
        let answer = request.consistent_read(consistent).send().await.map_err(|error| classify(&error))?;
        Ok(answer.item)
    }

    /// Reads the items of up to 100 keys, in the order of the keys; those that are not there are left out.
    pub async fn get_many<T: DeserializeOwned>(&self, keys: &[Key]) -> Result<Vec<T>, TableError> {
        Ok(serde_dynamo::from_items(self.read_many(keys, true).await?)?)
    }

    /// Reads the items of up to 100 keys as [`Self::get_many`] does, as they are stored, for half the price; they may be some moments old.
    pub async fn get_many_stale_items(&self, keys: &[Key]) -> Result<Vec<Item>, TableError> {
        self.read_many(keys, false).await
    }

    async fn read_many(&self, keys: &[Key], consistent: bool) -> Result<Vec<Item>, TableError> {
        let mut found: Vec<Item> = Vec::with_capacity(keys.len());
        let mut wanted: Vec<Item> = keys.iter().map(Key::attributes).collect();
        let mut tries = 0;
        while !wanted.is_empty() {
            let attributes = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(consistent).build();
            let attributes = attributes.map_err(|error| TableError::Broken(error.to_string()))?;
            let request = self.client.batch_get_item().request_items(self.name(), attributes);
            let answer = request.send().await.map_err(|error| classify(&error))?;
            found.extend(answer.responses.and_then(|mut tables| tables.remove(self.name())).unwrap_or_default());
            wanted = answer
                .unprocessed_keys
                .and_then(|mut tables| tables.remove(self.name()))
                .map(|rest| rest.keys)
                .unwrap_or_default();
            tries = self.pause_for_rest(tries, wanted.len()).await?;
        }
        let has =
            |item: &Item, name: &str, part: &String| item.get(name).and_then(|found| found.as_s().ok()) == Some(part);
        let position = |item: &Item| keys.iter().position(|key| has(item, "pk", &key.pk) && has(item, "sk", &key.sk));
        found.sort_by_key(|item| position(item));
        Ok(found)
    }

    /// Finds one page of items.
    pub async fn query<T: DeserializeOwned>(&self, query: Query) -> Result<Page<T>, TableError> {
        let page = self.query_items(query).await?;
        Ok(Page { items: serde_dynamo::from_items(page.items)?, next: page.next })
    }

    /// Finds one page of items, as they are stored.
    pub async fn query_items(&self, query: Query) -> Result<Page<Item>, TableError> {
        let mut terms = Terms::default();
        let key = query.key.render(&mut terms);
        let filter = query.only.map(|condition| condition.render(&mut terms));
        let (names, values) = terms.into_maps();
        let answer = self
            .client
            .query()
            .table_name(self.name())
            .set_index_name(query.index.map(str::to_owned))
            .key_condition_expression(key)
            .set_filter_expression(filter)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .scan_index_forward(!query.descending)
            .set_limit(query.limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX)))
            .set_exclusive_start_key(query.start)
            .set_select(query.index.map(|_| Select::AllProjectedAttributes))
            .consistent_read(query.consistent)
            .send()
            .await
            .map_err(|error| classify(&error))?;
        Ok(Page { items: answer.items.unwrap_or_default(), next: answer.last_evaluated_key })
    }

    /// Reads a page of an index, or of the table itself where none is named, from its beginning, whatever the partition, as it is stored: the whole of
    /// it costs as much as it is large. For an operator's tool; no request may wait for it.
    #[expect(clippy::disallowed_methods, reason = "an operator asks for everything, and is told what it costs")]
    pub async fn sweep(
        &self,
        index: impl Into<Option<&'static str>> + Send,
        start: Option<Item>,
    ) -> Result<Page<Item>, TableError> {
        let index = index.into();
        let request = self.client.scan().table_name(self.name()).set_index_name(index.map(str::to_owned));
        let request = request.set_select(index.map(|_| Select::AllProjectedAttributes)).set_exclusive_start_key(start);
        let answer = request.send().await.map_err(|error| classify(&error))?;
        Ok(Page { items: answer.items.unwrap_or_default(), next: answer.last_evaluated_key })
    }

    /// Writes a whole item over what may be there.
    pub async fn replace<T: Serialize + Sync>(&self, item: &T) -> Result<(), TableError> {
        let request = self.client.put_item().table_name(self.name()).set_item(Some(serde_dynamo::to_item(item)?));
        request.send().await.map_err(|error| classify(&error))?;
        Ok(())
    }

    /// Writes a whole item if `condition` holds.
    pub async fn put<T: Serialize + Sync>(&self, item: &T, condition: Condition) -> Result<(), TableError> {
        let (condition, (names, values)) = condition.rendered();
        self.client
            .put_item()
            .table_name(self.name())
            .set_item(Some(serde_dynamo::to_item(item)?))
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await
            .map_err(|error| {
                refusal(&error, |error| match error {
                    PutItemError::ConditionalCheckFailedException(failed) => Some(failed),
                    _ => None,
                })
            })?;
        Ok(())
    }

    /// Changes an item (which need not be there, unless the update's condition says so) and gives it as it is now.
    pub async fn update(&self, key: &Key, update: Update) -> Result<Item, TableError> {
        let rendered = update.render();
        let (names, values) = rendered.terms.into_maps();
        let answer = self
            .client
            .update_item()
            .table_name(self.name())
            .set_key(Some(key.attributes()))
            .set_update_expression(rendered.update)
            .set_condition_expression(rendered.condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await
            .map_err(|error| {
                refusal(&error, |error| match error {
                    UpdateItemError::ConditionalCheckFailedException(failed) => Some(failed),
                    _ => None,
                })
            })?;
        Ok(answer.attributes.unwrap_or_default())
    }

    /// The item that a condition on it refused, as it was. An engine that does not tell it (DynamoDB Local of 2020) is asked for it.
    pub async fn refused(&self, key: &Key, mut told: Vec<Option<Item>>) -> Result<Option<Item>, TableError> {
        match told.pop().flatten() {
            Some(item) => Ok(Some(item)),
            None => self.get_item(key, true).await,
        }
    }

    /// Deletes an item, and says whether it was there.
    pub async fn delete(&self, key: &Key) -> Result<bool, TableError> {
        let request = self.client.delete_item().table_name(self.name()).set_key(Some(key.attributes()));
        let answer = request.return_values(ReturnValue::AllOld).send().await.map_err(|error| classify(&error))?;
        Ok(answer.attributes.is_some())
    }

    /// Deletes an item if `condition` holds, and says whether it is gone now: also if it was before, as after a lost answer.
    pub async fn delete_if(&self, key: &Key, condition: &Condition) -> Result<bool, TableError> {
        let (condition, (names, values)) = condition.rendered();
        let request = self.client.delete_item().table_name(self.name()).set_key(Some(key.attributes()));
        let deleted = request
            .condition_expression(condition)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await
            .map_err(|error| {
                refusal(&error, |error| match error {
                    DeleteItemError::ConditionalCheckFailedException(failed) => Some(failed),
                    _ => None,
                })
            });
        match deleted {
            Ok(_) => Ok(true),
            Err(TableError::ConditionFailed(told)) => Ok(self.refused(key, told).await?.is_none()),
            Err(error) => Err(error),
        }
    }

    /// Deletes an item and gives it as it was: of all who ask at once, one gets it.
    pub async fn take<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, TableError> {
        let request = self.client.delete_item().table_name(self.name()).set_key(Some(key.attributes()));
        // Without a condition DynamoDB Local of 2020 gives the same old item to several.
        let request = request.condition_expression("attribute_exists(pk)").return_values(ReturnValue::AllOld);
        let taken = request.send().await.map_err(|error| {
            refusal(&error, |error| match error {
                DeleteItemError::ConditionalCheckFailedException(failed) => Some(failed),
                _ => None,
            })
        });
        match taken {
            Ok(answer) => answer.attributes.map(decode).transpose(),
            Err(TableError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes items over what may be there, without condition: for records that are only ever written once, as log lines.
    pub async fn put_many<T: Serialize + Sync>(&self, items: &[T]) -> Result<(), TableError> {
        self.write_batches(items.iter().map(put_request).collect::<Result<_, _>>()?).await
    }

    /// Deletes items, whether they are there or not, without condition.
    pub async fn delete_many(&self, keys: &[Key]) -> Result<(), TableError> {
        self.write_batches(keys.iter().map(delete_request).collect::<Result<_, _>>()?).await
    }

    /// Writes in batches, some of them at once: of thousands the first must not be old when the last is written.
    async fn write_batches(&self, writes: Vec<WriteRequest>) -> Result<(), TableError> {
        let batches = stream::iter(writes.chunks(WRITE_BATCH).map(Ok));
        batches.try_for_each_concurrent(BATCHES_AT_ONCE, |batch| self.write_batch(batch.to_vec())).await
    }

    async fn write_batch(&self, mut writes: Vec<WriteRequest>) -> Result<(), TableError> {
        let mut tries = 0;
        while !writes.is_empty() {
            let request = self.client.batch_write_item().request_items(self.name(), writes);
            let answer = request.send().await.map_err(|error| classify(&error))?;
            writes = answer.unprocessed_items.and_then(|mut tables| tables.remove(self.name())).unwrap_or_default();
            tries = self.pause_for_rest(tries, writes.len()).await?;
        }
        Ok(())
    }

    /// Waits before a batch's rest is asked for again, longer each time, and gives up in the end.
    async fn pause_for_rest(&self, tries: u32, rest: usize) -> Result<u32, TableError> {
        if rest > 0 && tries + 1 >= BATCH_TRIES {
            return Err(TableError::Unavailable(format!("{rest} items of a batch stay unprocessed")));
        }
        if rest > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(25 << tries)).await;
        }
        Ok(tries + 1)
    }
}

/// A value as the item it is stored as.
pub fn encode<T: Serialize>(value: &T) -> Result<Item, TableError> {
    Ok(serde_dynamo::to_item(value)?)
}

/// An item as its type.
pub fn decode<T: DeserializeOwned>(item: Item) -> Result<T, TableError> {
    Ok(serde_dynamo::from_item(item)?)
}

/// A failed condition with the item as it was; anything else as it is.
fn refusal<E, R>(
    error: &SdkError<E, R>,
    failed_condition: fn(&E) -> Option<&ConditionalCheckFailedException>,
) -> TableError
where
    E: ProvideErrorMetadata + std::fmt::Debug,
    R: std::fmt::Debug,
{
    match error.as_service_error().and_then(failed_condition) {
        Some(failed) => TableError::ConditionFailed(vec![failed.item.clone()]),
        None => classify(error),
    }
}

fn put_request<T: Serialize>(item: &T) -> Result<WriteRequest, TableError> {
    let put = PutRequest::builder().set_item(Some(serde_dynamo::to_item(item)?)).build();
    let put = put.map_err(|error| TableError::Broken(error.to_string()))?;
    Ok(WriteRequest::builder().put_request(put).build())
}

fn delete_request(key: &Key) -> Result<WriteRequest, TableError> {
    let delete = DeleteRequest::builder().set_key(Some(key.attributes())).build();
    let delete = delete.map_err(|error| TableError::Broken(error.to_string()))?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}
