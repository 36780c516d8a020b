//! DynamoDB Local, with the tables of the stack: an engine that bears large pools and many callers. Whoever uses it runs functions'
//! processes of their own ([`crate::function`]).

use std::collections::HashMap;

use anyhow::{Context, ensure};
use api::identity::{Identity, KeyKind};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    BillingMode, GlobalSecondaryIndex, LocalSecondaryIndex, PutRequest, TableDescription, WriteRequest,
};
use futures::{StreamExt, TryStreamExt};
use table::aws::{dynamodb, dynamodb_at};
use table::{AttributeValue, Clock, Key, Table};
use uuid::Uuid;

use crate::stack::Stack;
use crate::user::add_key;

/// The tables of the stack that have a copy here.
const TABLES: [&str; 5] = ["credentials", "events", "identity", "limits", "worker"];

/// How many items one request writes at most.
const BATCH: usize = 25;
/// How many such requests are under way at once.
const WRITERS: usize = 8;

/// The tables of a function's process.
#[derive(Debug)]
pub struct OwnTables {
    /// The environment that names them, and all else that the function is deployed with.
    pub environment: HashMap<String, String>,
    tables: HashMap<String, Table>,
}

impl OwnTables {
    /// The table of a bounded context.
    pub fn named(&self, context: &str) -> anyhow::Result<&Table> {
        self.tables.get(context).with_context(|| format!("the function has no table {context}"))
    }
}

/// The second engine.
#[derive(Debug)]
pub struct SecondEngine {
    stack: Stack,
    endpoint: String,
    client: Client,
}

impl SecondEngine {
    /// The engine that the environment names, with tables as those of `stack`, but empty, unless a test has made them already.
    pub async fn of(stack: &Stack) -> anyhow::Result<Self> {
        let endpoint = std::env::var("DROVER_DYNAMODB_LOCAL")
            .context("DROVER_DYNAMODB_LOCAL is not set: run the suites by tests/run")?;
        let (deployed, client) = (dynamodb(&stack.config), dynamodb_at(&stack.config, &endpoint));
        for table in TABLES {
            let name = format!("{}-{table}", stack.name);
            let description = deployed.describe_table().table_name(&name).send().await?;
            create(&client, &name, description.table.context("no description")?).await?;
        }
        Ok(Self { stack: stack.clone(), endpoint, client })
    }

    /// A table as the stack's of a bounded context, empty, and for one test alone.
    pub async fn fresh(&self, context: &str) -> anyhow::Result<Table> {
        let like = dynamodb(&self.stack.config).describe_table().table_name(format!("{}-{context}", self.stack.name));
        let name = format!("{}-{context}-{}", self.stack.name, Uuid::new_v4().simple());
        create(&self.client, &name, like.send().await?.table.context("no description")?).await?;
        Ok(Table::new(self.client.clone(), &name))
    }

    /// The environment that a function is deployed with, and its tables here.
    pub async fn environment_of(&self, function: &str) -> anyhow::Result<HashMap<String, String>> {
        let mut environment = self.stack.environment_of(function).await?;
        environment.insert("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), self.endpoint.clone());
        Ok(environment)
    }

    /// Empty tables for one test alone, as a function has them.
    pub async fn tables_of(&self, function: &str) -> anyhow::Result<OwnTables> {
        let mut environment = self.environment_of(function).await?;
        let (mut tables, prefix) = (HashMap::new(), format!("{}-", self.stack.name));
        for (name, value) in &mut environment {
            let Some(context) = value.strip_prefix(&prefix).filter(|_| name.ends_with("_TABLE")) else { continue };
            let table = self.fresh(context).await?;
            tables.insert(context.to_owned(), table.clone());
            table.name().clone_into(value);
        }
        Ok(OwnTables { environment, tables })
    }

    /// The key of a new administrator of an API.
    pub async fn administrator(&self, kind: KeyKind) -> anyhow::Result<String> {
        let identities = Table::new(self.client.clone(), &format!("{}-identity", self.stack.name));
        add_key(&Identity::new(identities, Clock::system()), kind, true).await
    }
}

impl SecondEngine {
    /// Writes so many copies of an item of `table`, each with a partition key of its own, and a little later in the order of the pool.
    pub async fn copy(&self, table: &str, key: &Key, copies: usize) -> anyhow::Result<()> {
        let client = &self.client;
        let name = &format!("{}-{table}", self.stack.name);
        let item = &Table::new(client.clone(), name).get_item(key, true).await?.context("there is nothing to copy")?;
        let numbers: Vec<_> = (1..=copies).collect();
        let writes = numbers.chunks(BATCH).map(async |numbers| {
            let mut requests = Vec::with_capacity(numbers.len());
            for number in numbers {
                let mut copy = item.clone();
                copy.insert("pk".to_owned(), AttributeValue::S(format!("{}-{number}", key.pk)));
                copy.insert("claimable_at".to_owned(), AttributeValue::N("1".to_owned()));
                let put = PutRequest::builder().set_item(Some(copy)).build()?;
                requests.push(WriteRequest::builder().put_request(put).build());
            }
            let answer = client.batch_write_item().request_items(name, requests).send().await?;
            ensure!(answer.unprocessed_items.is_none_or(|left| left.is_empty()), "not all of a batch was written");
            Ok(())
        });
        futures::stream::iter(writes).buffer_unordered(WRITERS).try_collect().await
    }
}

async fn create(client: &Client, name: &str, like: TableDescription) -> anyhow::Result<()> {
    let mut indexes = Vec::new();
    for index in like.global_secondary_indexes() {
        let index = GlobalSecondaryIndex::builder()
            .set_index_name(index.index_name.clone())
            .set_key_schema(index.key_schema.clone())
            .set_projection(index.projection.clone());
        indexes.push(index.build()?);
    }
    let mut local = Vec::new();
    for index in like.local_secondary_indexes() {
        let index = LocalSecondaryIndex::builder()
            .set_index_name(index.index_name.clone())
            .set_key_schema(index.key_schema.clone())
            .set_projection(index.projection.clone());
        local.push(index.build()?);
    }
    let created = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(like.attribute_definitions)
        .set_key_schema(like.key_schema)
        .set_global_secondary_indexes(if indexes.is_empty() { None } else { Some(indexes) })
        .set_local_secondary_indexes(if local.is_empty() { None } else { Some(local) })
        .send()
        .await;
    let Err(error) = created else { return Ok(()) };
    let is_there = error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception);
    if is_there { Ok(()) } else { Err(error.into()) }
}
