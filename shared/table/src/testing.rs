//! A table of a test's own.

use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};

use crate::clock::Clock;
use crate::error::TableError;
use crate::id::new_id;
use crate::store::Table;

/// A new table without indexes, of the engine that `AWS_ENDPOINT_URL` names: a local cloud's.
pub async fn fresh_table(context: &str) -> Result<Table, TableError> {
    let broken = |error: String| TableError::Broken(error);
    let config = crate::aws::configure().map_err(|error| broken(error.to_string()))?;
    let client = crate::aws::dynamodb(&config);
    let name = format!("{context}-{}", new_id(Clock::system().now()));
    let mut request = client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, key_type) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(key_type).build();
        let attribute =
            AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S).build();
        request = request
            .key_schema(key.map_err(|error| broken(error.to_string()))?)
            .attribute_definitions(attribute.map_err(|error| broken(error.to_string()))?);
    }
    request.send().await.map_err(|error| broken(DisplayErrorContext(error).to_string()))?;
    Ok(Table::new(client, &name))
}
