//! What is deployed, as CloudFormation tells: so that nothing new is forgotten.

use anyhow::{Context, ensure};
use drover_tests::aws::{Call, Caller};
use drover_tests::{Stack, mails};
use reqwest::Method;
use serde_json::Value as Json;

/// The stack's resources and functions.
pub(super) struct Deployed {
    pub resources: Vec<Resource>,
    pub functions: Vec<Function>,
}

/// A resource of the stack.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// As `AWS::DynamoDB::Table`.
    pub kind: String,
    /// In the template.
    pub name: String,
    /// In AWS: a name, an address or an id, as the kind has it.
    pub id: String,
    pub arn: Option<String>,
}

/// A function of the stack.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// In the template.
    pub name: String,
    /// The ARN of its role.
    pub role: String,
    /// The name of its log, in the template.
    pub log: String,
}

impl Function {
    /// The name of its role.
    pub(super) fn role_name(&self) -> &str {
        self.role.rsplit('/').next().unwrap_or_default()
    }
}

impl Deployed {
    pub(super) async fn find(stack: &Stack, operator: &Caller) -> anyhow::Result<Self> {
        let account = operator.ask(&sts("GetCallerIdentity", &[])).await?.text("Account")?;
        let mut resources = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let mut parameters = vec![("StackName", stack.name.as_str())];
            parameters.extend(next.as_deref().map(|token| ("NextToken", token)));
            let page =
                operator.ask(&Call::query("cloudformation", "2010-05-15", "ListStackResources", &parameters)).await?;
            let of = |element: &str| page.texts(element);
            let named = of("LogicalResourceId").into_iter().zip(of("PhysicalResourceId"));
            resources.extend(named.zip(of("ResourceType")).map(|((name, id), kind)| {
                let arn = arn_of(&kind, &id, operator.region(), &account);
                Resource { kind, name, id, arn }
            }));
            next = of("NextToken").into_iter().next();
            if next.is_none() {
                break;
            }
        }
        // What CloudFormation cannot make, and an operator sets: folders of encrypted parameters.
        for (name, folder) in FOLDERS {
            let id = format!("/{}/{folder}", stack.name);
            let arn = format!("arn:aws:ssm:{}:{account}:parameter{id}", operator.region());
            resources.push(Resource {
                kind: "AWS::SSM::Parameter".to_owned(),
                name: name.to_owned(),
                id,
                arn: Some(arn),
            });
        }
        resources.push(Resource {
            kind: "AWS::SES::EmailIdentity".to_owned(),
            name: "MailIdentity".to_owned(),
            id: mails::SENDER.to_owned(),
            arn: Some(format!("arn:aws:ses:{}:{account}:identity/{}", operator.region(), mails::SENDER)),
        });
        let mut deployed = Self { resources, functions: Vec::new() };
        for resource in deployed.resources.iter().filter(|resource| resource.kind == "AWS::Lambda::Function") {
            let path = format!("/2015-03-31/functions/{}/configuration", resource.id);
            let settings = operator.ask(&Call::rest("lambda", Method::GET, path)).await?.json()?;
            deployed.functions.push(Function {
                name: resource.name.clone(),
                role: settings["Role"].as_str().context("no role")?.to_owned(),
                log: deployed.log_of(&settings)?,
            });
        }
        ensure!(!deployed.functions.is_empty(), "the stack {} has no functions", stack.name);
        Ok(deployed)
    }

    fn log_of(&self, settings: &Json) -> anyhow::Result<String> {
        let group = settings["LoggingConfig"]["LogGroup"].as_str();
        let log = self.resources.iter().find(|resource| Some(resource.id.as_str()) == group);
        Ok(log.with_context(|| format!("it logs to what is not of the stack: {settings}"))?.name.clone())
    }

    /// What an ARN (or the beginning of some) stands for: the resource's name in the template and what follows its ARN. Other people's stays
    /// as it is.
    pub(super) fn name_of(&self, arn: &str) -> String {
        let of_the_stack = self.resources.iter().find_map(|resource| {
            let rest = arn.strip_prefix(resource.arn.as_deref()?)?;
            (rest.is_empty() || rest.starts_with(['/', ':'])).then(|| format!("{}{rest}", resource.name))
        });
        of_the_stack.unwrap_or_else(|| arn.to_owned())
    }

    /// The ARN of what has this name: the other way of [`Self::name_of`].
    pub(super) fn arn_of(&self, name: &str) -> String {
        let end = name.find(['/', ':', '?']).unwrap_or(name.len());
        let resource = self.resources.iter().find(|resource| resource.name == name[..end]);
        let rest = name[end..].split('?').next().unwrap_or_default();
        resource
            .and_then(|resource| Some(format!("{}{rest}", resource.arn.as_ref()?)))
            .unwrap_or_else(|| name.to_owned())
    }
}

/// The folders of parameters, as the table of grants calls them.
const FOLDERS: [(&str, &str); 6] = [
    ("DriveKey", "google-drive"),
    ("ConsoleSessionKeys", "console-sessions"),
    ("PortalSessionKeys", "portal-sessions"),
    ("ProviderKeys", "providers"),
    ("SessionKeys", "sessions"),
    ("SignInSecrets", "sign-in"),
    ("StoreSecrets", "lemon-squeezy"),
];

/// A call of STS.
pub(super) fn sts(action: &str, parameters: &[(&str, &str)]) -> Call {
    Call::query("sts", "2011-06-15", action, parameters)
}

/// The ARN of a resource that policies name.
fn arn_of(kind: &str, id: &str, region: &str, account: &str) -> Option<String> {
    Some(match kind {
        "AWS::DynamoDB::Table" => format!("arn:aws:dynamodb:{region}:{account}:table/{id}"),
        "AWS::SQS::Queue" => format!("arn:aws:sqs:{region}:{account}:{}", id.rsplit('/').next()?),
        "AWS::KMS::Key" => format!("arn:aws:kms:{region}:{account}:key/{id}"),
        "AWS::S3::Bucket" => format!("arn:aws:s3:::{id}"),
        "AWS::Logs::LogGroup" => format!("arn:aws:logs:{region}:{account}:log-group:{id}"),
        "AWS::SNS::Topic" => id.to_owned(),
        "AWS::Lambda::Function" => format!("arn:aws:lambda:{region}:{account}:function:{id}"),
        "AWS::ApiGatewayV2::Api" => format!("arn:aws:execute-api:{region}:{account}:{id}"),
        "AWS::IAM::Role" => format!("arn:aws:iam::{account}:role/{id}"),
        _ => return None,
    })
}
