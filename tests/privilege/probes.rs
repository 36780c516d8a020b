//! Ways to try what may be done with each kind of resource. None of them changes anything, even where it is allowed: each reads, or fails
//! past the question whether it may.

use anyhow::{Context, bail};
use api::identity::{PUBLIC_KEYS, SIGNING_KEY};
use drover_tests::aws::{Call, Caller, Outcome};
use drover_tests::{providers, store};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::deployed::{Deployed, Resource};
use super::policies::iam;

/// What the operator puts where it is to be found: the name of an object, and of a stream of each log.
const MARK: &str = "privilege";

/// Kinds of resources with nothing in them that a function could want: who may change them is said by policies, which are compared whole.
const NOTHING_TO_TRY: &[&str] = &[
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::KMS::Alias",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::QueryDefinition",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
];

/// One way to try one action with one resource.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    /// As IAM names it.
    pub action: String,
    /// By its name in the template, with what follows its ARN.
    pub resource: String,
    pub call: Call,
    /// What comes of it for who may.
    pub allowed: Outcome,
}

/// Every way to try every resource of the stack. A resource of a kind that is not known here is an error: it would go untried.
pub(super) async fn all(deployed: &Deployed, operator: &Caller) -> anyhow::Result<Vec<Probe>> {
    let mut probes = Vec::new();
    for resource in &deployed.resources {
        match resource.kind.as_str() {
            "AWS::DynamoDB::Table" => probes.extend(of_table(resource, operator).await?),
            "AWS::SQS::Queue" => probes.extend(of_queue(resource)),
            "AWS::KMS::Key" => probes.extend(of_key(resource, operator).await?),
            "AWS::S3::Bucket" => probes.extend(of_bucket(resource, operator).await?),
            "AWS::Logs::LogGroup" => probes.extend(of_log(resource, operator).await?),
            "AWS::SNS::Topic" => probes.extend(of_topic(resource)),
            "AWS::Lambda::Function" => probes.extend(of_function(resource)),
            "AWS::IAM::Role" => probes.extend(of_role(resource)),
            "AWS::ApiGatewayV2::Api" => probes.extend(of_sockets(resource)),
            "AWS::SES::EmailIdentity" => probes.extend(of_sender(resource)),
            "AWS::SSM::Parameter" => probes.extend(of_parameters(resource, operator).await?),
            kind if NOTHING_TO_TRY.contains(&kind) => {}
            kind => bail!("tests/privilege/probes.rs knows no way to try {}, a {kind}", resource.name),
        }
    }
    Ok(probes)
}

fn probe(action: &str, resource: &str, call: Call, allowed: Outcome) -> Probe {
    Probe { action: action.to_owned(), resource: resource.to_owned(), call, allowed }
}

fn failed(code: &str) -> Outcome {
    Outcome::Failed(code.to_owned())
}

async fn of_table(table: &Resource, operator: &Caller) -> anyhow::Result<Vec<Probe>> {
    let dynamodb =
        |operation: &str, body: &Json| Call::json("dynamodb", &format!("DynamoDB_20120810.{operation}"), body);
    let (id, name) = (table.id.as_str(), table.name.as_str());
    let this = json!({"TableName": id});
    let described = operator.ask(&dynamodb("DescribeTable", &this)).await?.json()?;
    let described = &described["Table"];
    let key = absent_key(described)?;
    let read = and(&this, json!({"Key": key}));
    // A condition that does not hold: there is no such item.
    let partition = &described["KeySchema"][0]["AttributeName"];
    let untrue =
        json!({"ConditionExpression": "attribute_exists(#key)", "ExpressionAttributeNames": {"#key": partition}});
    let put = and(&and(&this, json!({"Item": key})), untrue.clone());
    let delete = and(&read, untrue);
    let update = and(&delete, json!({"UpdateExpression": "REMOVE nothing"}));
    let transaction = |member: &str, body: &Json| json!({"TransactItems": [{member: body}]});
    let batch = |entries: Json| json!({"RequestItems": {id: entries}});
    let (unmet, cancelled) = (failed("ConditionalCheckFailedException"), failed("TransactionCanceledException"));
    let mut probes: Vec<_> = [
        ("BatchGetItem", "BatchGetItem", batch(json!({"Keys": [key]})), Outcome::Done),
        ("BatchWriteItem", "BatchWriteItem", batch(json!([{"DeleteRequest": {"Key": key}}])), Outcome::Done),
        ("ConditionCheckItem", "TransactWriteItems", transaction("ConditionCheck", &delete), cancelled.clone()),
        ("DeleteItem", "DeleteItem", delete.clone(), unmet.clone()),
        ("DeleteItem", "TransactWriteItems", transaction("Delete", &delete), cancelled.clone()),
        ("DescribeTable", "DescribeTable", this.clone(), Outcome::Done),
        ("GetItem", "GetItem", read.clone(), Outcome::Done),
        ("GetItem", "TransactGetItems", transaction("Get", &read), Outcome::Done),
        ("PartiQLSelect", "ExecuteStatement", json!({"Statement": format!("SELECT * FROM \"{id}\"")}), Outcome::Done),
        ("PutItem", "PutItem", put.clone(), unmet.clone()),
        ("PutItem", "TransactWriteItems", transaction("Put", &put), cancelled.clone()),
        ("UpdateItem", "UpdateItem", update.clone(), unmet),
        ("UpdateItem", "TransactWriteItems", transaction("Update", &update), cancelled),
    ]
    .map(|(action, operation, body, allowed)| {
        probe(&format!("dynamodb:{action}"), name, dynamodb(operation, &body), allowed)
    })
    .into();
    let none = Vec::new();
    let indexes = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"];
    let indexes = indexes.iter().flat_map(|kind| described[kind].as_array().unwrap_or(&none));
    for part in std::iter::once(described).chain(indexes) {
        let (resource, read) = match part["IndexName"].as_str() {
            Some(index) => (format!("{name}/index/{index}"), and(&this, json!({"IndexName": index, "Limit": 1}))),
            None => (name.to_owned(), and(&this, json!({"Limit": 1}))),
        };
        let partition = part["KeySchema"][0]["AttributeName"].as_str().context("no key")?;
        let query = json!({
            "KeyConditionExpression": "#key = :key",
            "ExpressionAttributeNames": {"#key": partition},
            "ExpressionAttributeValues": {":key": absent_value(described, partition)},
        });
        probes.push(probe("dynamodb:Query", &resource, dynamodb("Query", &and(&read, query)), Outcome::Done));
        probes.push(probe("dynamodb:Scan", &resource, dynamodb("Scan", &read), Outcome::Done));
    }
    if let Some(arn) = described["LatestStreamArn"].as_str() {
        probes.extend(of_stream(table, arn, operator).await?);
    }
    Ok(probes)
}

/// The key of an item that is not there.
fn absent_key(table: &Json) -> anyhow::Result<Json> {
    let parts = table["KeySchema"].as_array().context("no key")?;
    let names = parts.iter().filter_map(|part| part["AttributeName"].as_str());
    Ok(names.map(|name| (name.to_owned(), absent_value(table, name))).collect())
}

/// A value, of its type, that no item has for a key's attribute.
fn absent_value(table: &Json, attribute: &str) -> Json {
    let mut defined = table["AttributeDefinitions"].as_array().into_iter().flatten();
    let is_number = defined.any(|each| each["AttributeName"] == attribute && each["AttributeType"] == "N");
    if is_number { json!({"N": "-1"}) } else { json!({"S": MARK}) }
}

/// A request with more said.
fn and(request: &Json, more: Json) -> Json {
    let mut request = request.clone();
    if let (Some(said), Json::Object(more)) = (request.as_object_mut(), more) {
        said.extend(more);
    }
    request
}

async fn of_stream(table: &Resource, arn: &str, operator: &Caller) -> anyhow::Result<Vec<Probe>> {
    let streams =
        |operation: &str, body: &Json| Call::json("dynamodb", &format!("DynamoDBStreams_20120810.{operation}"), body);
    let stream = json!({"StreamArn": arn});
    let described = operator.ask(&streams("DescribeStream", &stream)).await?.json()?;
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let from = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "LATEST"});
    let iterator = operator.ask(&streams("GetShardIterator", &from)).await?.json()?;
    let name =
        format!("{}{}", table.name, arn.strip_prefix(table.arn.as_deref().context("no ARN")?).context("a stream")?);
    let of_table = json!({"TableName": table.id});
    Ok([
        ("DescribeStream", &stream),
        ("GetRecords", &iterator),
        ("GetShardIterator", &from),
        ("ListStreams", &of_table),
    ]
    .map(|(operation, body)| probe(&format!("dynamodb:{operation}"), &name, streams(operation, body), Outcome::Done))
    .into())
}

fn of_queue(queue: &Resource) -> Vec<Probe> {
    let url = queue.id.as_str();
    let receipt = json!({"QueueUrl": url, "ReceiptHandle": "none", "VisibilityTimeout": 0});
    let (nothing, empty) = (json!({"QueueUrl": url, "Entries": []}), "EmptyBatchRequest");
    [
        ("ChangeMessageVisibility", "ChangeMessageVisibility", &receipt, failed("ReceiptHandleIsInvalid")),
        ("ChangeMessageVisibility", "ChangeMessageVisibilityBatch", &nothing, failed(empty)),
        ("DeleteMessage", "DeleteMessage", &receipt, failed("ReceiptHandleIsInvalid")),
        ("DeleteMessage", "DeleteMessageBatch", &nothing, failed(empty)),
        ("GetQueueAttributes", "GetQueueAttributes", &json!({"QueueUrl": url}), Outcome::Done),
        ("ListQueueTags", "ListQueueTags", &json!({"QueueUrl": url}), Outcome::Done),
        // No number of messages at all: one that was received would be missing to who waits for it.
        (
            "ReceiveMessage",
            "ReceiveMessage",
            &json!({"QueueUrl": url, "MaxNumberOfMessages": 0}),
            failed("InvalidParameterValue"),
        ),
        ("SendMessage", "SendMessage", &json!({"QueueUrl": url, "MessageBody": ""}), failed("MissingParameter")),
        ("SendMessage", "SendMessageBatch", &nothing, failed(empty)),
    ]
    .map(|(action, operation, body, allowed)| {
        probe(
            &format!("sqs:{action}"),
            &queue.name,
            Call::json("sqs", &format!("AmazonSQS.{operation}"), body),
            allowed,
        )
    })
    .into()
}

async fn of_key(key: &Resource, operator: &Caller) -> anyhow::Result<Vec<Probe>> {
    let kms = |operation: &str, body: &Json| Call::json("kms", &format!("TrentService.{operation}"), body);
    let fresh = json!({"KeyId": key.id, "KeySpec": "AES_256"});
    let sealed = operator.ask(&kms("GenerateDataKey", &fresh)).await?.json()?;
    let sealed = &sealed["CiphertextBlob"];
    Ok([
        ("Decrypt", &json!({"KeyId": key.id, "CiphertextBlob": sealed})),
        // What is sealed names its key itself.
        ("Decrypt", &json!({"CiphertextBlob": sealed})),
        ("DescribeKey", &json!({"KeyId": key.id})),
        ("Encrypt", &json!({"KeyId": key.id, "Plaintext": "AAAA"})),
        ("GenerateDataKey", &fresh),
        ("GenerateDataKeyWithoutPlaintext", &fresh),
        ("GetKeyPolicy", &json!({"KeyId": key.id, "PolicyName": "default"})),
    ]
    .map(|(operation, body)| probe(&format!("kms:{operation}"), &key.name, kms(operation, body), Outcome::Done))
    .into())
}

async fn of_bucket(bucket: &Resource, operator: &Caller) -> anyhow::Result<Vec<Probe>> {
    let s3 = |method: Method, rest: &str| Call::rest("s3", method, format!("/{}{rest}", bucket.id));
    let mut probes = Vec::new();
    for folder in ["portals", "results", "videos", "elsewhere"] {
        let (there, absent) = (format!("/{folder}/{MARK}"), format!("/{folder}/{MARK}-absent"));
        operator.ask(&s3(Method::PUT, &there)).await?;
        let mut add = |action: &str, path: &str, call: Call, allowed: Outcome| {
            probes.push(probe(&format!("s3:{action}"), &format!("{}{path}", bucket.name), call, allowed));
        };
        add("GetObject", &there, s3(Method::GET, &there), Outcome::Done);
        add("DeleteObject", &absent, s3(Method::DELETE, &absent), Outcome::Done);
        // The checksum is of something else.
        let broken = s3(Method::PUT, &absent).header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==");
        add("PutObject", &absent, broken, failed("BadDigest"));
        let no_upload = s3(Method::DELETE, &format!("{absent}?uploadId=none"));
        add("AbortMultipartUpload", &absent, no_upload, failed("NoSuchUpload"));
        let list = format!("?list-type=2&prefix={folder}%2F{MARK}");
        add("ListBucket", &format!("?prefix={folder}/{MARK}"), s3(Method::GET, &list), Outcome::Done);
    }
    let whole = s3(Method::GET, "?list-type=2&max-keys=1");
    probes.push(probe("s3:ListBucket", &format!("{}?prefix=", bucket.name), whole, Outcome::Done));
    probes.push(probe("s3:GetBucketVersioning", &bucket.name, s3(Method::GET, "?versioning"), Outcome::Done));
    Ok(probes)
}

async fn of_log(log: &Resource, operator: &Caller) -> anyhow::Result<Vec<Probe>> {
    let logs = |operation: &str, body: &Json| Call::json("logs", &format!("Logs_20140328.{operation}"), body);
    let stream = json!({"logGroupName": log.id, "logStreamName": MARK});
    let exists = failed("ResourceAlreadyExistsException");
    // It may be there from another test.
    operator.call(&logs("CreateLogStream", &stream)).await?;
    let line = json!([{"timestamp": 0, "message": "-"}]);
    let absent = json!({"logGroupName": log.id, "logStreamName": format!("{MARK}-absent"), "logEvents": line});
    Ok([
        ("CreateLogStream", &stream, exists),
        ("FilterLogEvents", &json!({"logGroupName": log.id, "limit": 1}), Outcome::Done),
        ("GetLogEvents", &stream, Outcome::Done),
        ("PutLogEvents", &absent, failed("ResourceNotFoundException")),
    ]
    .map(|(operation, body, allowed)| {
        let resource = format!("{}:log-stream:{}", log.name, body["logStreamName"].as_str().unwrap_or_default());
        probe(&format!("logs:{operation}"), &resource, logs(operation, body), allowed)
    })
    .into())
}

fn of_topic(topic: &Resource) -> Vec<Probe> {
    let sns = |action: &str, more: &[(&str, &str)]| {
        Call::query("sns", "2010-03-31", action, &[&[("TopicArn", topic.id.as_str())], more].concat())
    };
    vec![
        probe("sns:GetTopicAttributes", &topic.name, sns("GetTopicAttributes", &[]), Outcome::Done),
        // Nobody subscribes to it here.
        probe("sns:Publish", &topic.name, sns("Publish", &[("Message", "-")]), Outcome::Done),
    ]
}

fn of_function(function: &Resource) -> Vec<Probe> {
    let lambda = |method: Method, rest: &str| {
        Call::rest("lambda", method, format!("/2015-03-31/functions/{}/{rest}", function.id))
    };
    let tried = lambda(Method::POST, "invocations").header("x-amz-invocation-type", "DryRun");
    vec![
        probe("lambda:GetFunctionConfiguration", &function.name, lambda(Method::GET, "configuration"), Outcome::Done),
        probe("lambda:InvokeFunction", &function.name, tried, Outcome::Done),
    ]
}

fn of_role(role: &Resource) -> Vec<Probe> {
    let name = ("RoleName", role.id.as_str());
    let broken = iam("PutRolePolicy", &[name, ("PolicyName", MARK), ("PolicyDocument", "{}")]);
    vec![
        probe("iam:GetRole", &role.name, iam("GetRole", &[name]), Outcome::Done),
        probe("iam:PutRolePolicy", &role.name, broken, failed("MalformedPolicyDocument")),
    ]
}

/// Nobody is at the other end of a connection that there is not.
fn of_sockets(api: &Resource) -> Vec<Probe> {
    let probe_of = |method: Method| {
        let path = format!("/_aws/execute-api/{}/live/@connections/nobody", api.id);
        let resource = format!("{}/live/{method}/@connections/nobody", api.name);
        let gone = failed("GoneException");
        probe("execute-api:ManageConnections", &resource, Call::rest("execute-api", method, path), gone)
    };
    vec![probe_of(Method::POST), probe_of(Method::DELETE)]
}

/// An address without a domain is refused after the question whether the caller may send.
fn of_sender(sender: &Resource) -> [Probe; 1] {
    let letter = [
        ("Source", sender.id.as_str()),
        ("Destination.ToAddresses.member.1", "nobody"),
        ("Message.Subject.Data", "-"),
        ("Message.Body.Text.Data", "-"),
    ];
    let call = Call::query("ses", "2010-12-01", "SendEmail", &letter);
    [probe("ses:SendEmail", &sender.name, call, failed("InvalidParameterValue"))]
}

async fn of_parameters(folder: &Resource, operator: &Caller) -> anyhow::Result<Vec<Probe>> {
    let ssm = |operation: &str, body: &Json| Call::json("ssm", &format!("AmazonSSM.{operation}"), body);
    let mut probes = Vec::new();
    let known = match folder.name.as_str() {
        "ConsoleSessionKeys" | "PortalSessionKeys" | "SessionKeys" => vec![(PUBLIC_KEYS, "-"), (SIGNING_KEY, "-")],
        "SignInSecrets" => vec![("client-secret", "-")],
        "DriveKey" => vec![("service-account", "-")],
        "StoreSecrets" => store::SECRETS.to_vec(),
        _ => providers::KEYS.to_vec(),
    };
    for (name, value) in known.into_iter().chain([(MARK, "-")]) {
        let path = format!("{}/{name}", folder.id);
        let (there, absent) = (json!({"Name": path}), json!({"Name": format!("{path}-absent")}));
        // Each may be there from another test.
        let new = and(&there, json!({"Value": value, "Type": "SecureString"}));
        operator.call(&ssm("PutParameter", &new)).await?;
        let mut add = |action: &str, resource: &str, body: &Json, allowed| {
            let resource = format!("{}/{resource}", folder.name);
            probes.push(probe(&format!("ssm:{action}"), &resource, ssm(action, body), allowed));
        };
        // Not decrypted, which asks for no other right: a key is nothing for a test's answers.
        add("GetParameter", name, &there, Outcome::Done);
        add("GetParameterHistory", name, &there, Outcome::Done);
        add("PutParameter", name, &new, failed("ParameterAlreadyExists"));
        add("DeleteParameter", &format!("{name}-absent"), &absent, failed("ParameterNotFound"));
    }
    Ok(probes)
}
