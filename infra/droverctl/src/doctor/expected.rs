//! What should be there: what CloudFormation made of the template.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::TemplateStage;
use aws_smithy_types::DateTime;
use serde_json::Value as Json;
use table::Millis;

use crate::call::{CallFault, Trouble};
use crate::deployment::Deployment;
use crate::failure::Failure;

use super::finding::{About, Finding};

/// A thing that was deployed.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// What the template calls it.
    pub(super) logical: String,
    /// What it is, as `AWS::DynamoDB::Table`.
    pub(super) kind: String,
    /// What its service knows it by; empty where that is not told.
    pub(super) name: String,
    /// As the template has them, with references; null where that cannot be read.
    pub(super) properties: Json,
}

/// A stack as it was deployed.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    stack: String,
    status: String,
    why: Option<String>,
    /// When it was last deployed.
    pub(super) deployed_at: Option<Millis>,
    /// Why the template could not be read, if it could not.
    unread: Option<CallFault>,
    /// Whether it is in a local cloud, which may not tell of templates.
    is_local: bool,
    /// What the template has and CloudFormation has not made.
    lost: Vec<String>,
    resources: Vec<Resource>,
    /// What it was deployed with.
    pub(super) parameters: BTreeMap<String, String>,
    /// What it tells.
    pub(super) outputs: BTreeMap<String, String>,
}

impl Expected {
    pub(super) async fn of(deployment: &Deployment) -> anyhow::Result<Self> {
        let (client, name) = (Client::new(&deployment.config), &deployment.stack);
        let stacks = client.describe_stacks().stack_name(name).send().await.map_err(|error| no_stack(name, &error))?;
        let Some(stack) = stacks.stacks().first() else {
            return Err(Failure::not_found(format!("there is no stack {name}")).into());
        };
        let listed = client.list_stack_resources().stack_name(name).into_paginator().items().send();
        let template = client.get_template().stack_name(name).template_stage(TemplateStage::Processed).send();
        let (listed, template) = tokio::join!(listed.collect::<Result<Vec<_>, _>>(), template);
        let listed = listed.map_err(|error| no_stack(name, &error))?;
        // Without a template it is still seen whether things are there.
        let template: Result<Json, _> = template.map_err(|error| CallFault::of(&error)).and_then(|answer| {
            serde_json::from_str(&answer.template_body.unwrap_or_default()).map_err(|_| CallFault::unreadable())
        });
        let mut expected = Self {
            stack: name.clone(),
            status: stack.stack_status().map(ToString::to_string).unwrap_or_default(),
            why: stack.stack_status_reason().map(str::to_owned),
            deployed_at: stack.last_updated_time().or(stack.creation_time()).and_then(moment),
            unread: template.as_ref().err().cloned(),
            is_local: deployment.is_local(),
            ..Self::default()
        };
        for parameter in stack.parameters() {
            let value = parameter.resolved_value().or(parameter.parameter_value()).unwrap_or_default();
            expected.parameters.insert(parameter.parameter_key().unwrap_or_default().to_owned(), value.to_owned());
        }
        for output in stack.outputs() {
            let (key, value) = (output.output_key().unwrap_or_default(), output.output_value().unwrap_or_default());
            expected.outputs.insert(key.to_owned(), value.to_owned());
        }
        let made = listed.iter().filter_map(|made| {
            let (logical, kind) = (made.logical_resource_id()?, made.resource_type()?);
            Some((logical, kind, made.physical_resource_id().unwrap_or_default()))
        });
        expected.take(made, template.as_ref().ok());
        Ok(expected)
    }

    /// Takes what was made, with what the template says of it.
    fn take<'a>(&mut self, made: impl Iterator<Item = (&'a str, &'a str, &'a str)>, template: Option<&Json>) {
        let planned = template.and_then(|template| template["Resources"].as_object());
        for (logical, kind, name) in made {
            let properties = planned.and_then(|planned| planned.get(logical)).map(|plan| plan["Properties"].clone());
            self.resources.push(Resource {
                logical: logical.to_owned(),
                kind: kind.to_owned(),
                name: name.to_owned(),
                properties: properties.unwrap_or_default(),
            });
        }
        for (logical, plan) in planned.into_iter().flatten() {
            let is_made = self.resources.iter().any(|resource| resource.logical == *logical);
            // What has a condition may well not be made; what SAM has not unfolded is not made under its own name.
            let is_meant =
                plan.get("Condition").is_none() && !plan["Type"].as_str().unwrap_or("?").contains("Serverless");
            if is_meant && !is_made {
                self.lost.push(logical.clone());
            }
        }
    }

    /// What there is of a kind.
    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(move |resource| resource.kind == kind && !resource.name.is_empty())
    }

    /// What a reference of the template's is to: `{"Ref": …}` or `{"Fn::GetAtt": …}`.
    pub(super) fn referred(&self, reference: &Json) -> Option<&Resource> {
        let attribute = &reference["Fn::GetAtt"];
        let logical = reference["Ref"].as_str().or_else(|| attribute[0].as_str()).or_else(|| attribute.as_str())?;
        let logical = logical.split('.').next().unwrap_or(logical);
        self.resources.iter().find(|resource| resource.logical == logical)
    }

    /// Whether a parameter of the template says something: neither that there is none, nor no.
    pub(super) fn is_set(&self, parameter: &str) -> bool {
        self.parameters.get(parameter).is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
    }

    /// How the stack itself is.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let about = About::new("stack", &self.stack);
        let mut wrong = Vec::new();
        let events = format!("aws cloudformation describe-stack-events --stack-name {}", self.stack);
        let status = match &self.why {
            Some(why) => format!("it is {}: {why}", self.status),
            None => format!("it is {}", self.status),
        };
        match self.status.as_str() {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => {}
            "UPDATE_ROLLBACK_COMPLETE" => {
                wrong.push(about.warning(
                    format!("{status}: the last deployment failed and was undone"),
                    format!("see why: {events}; mend it, and deploy again"),
                ));
            }
            going if going.ends_with("_IN_PROGRESS") => {
                wrong.push(about.warning(status.clone(), "a deployment is under way: look again when it is over"));
            }
            _ => wrong.push(about.fault(status.clone(), format!("see why: {events}"))),
        }
        match &self.unread {
            None => {}
            // An emulator may have none to show.
            Some(_) if self.is_local => wrong.push(
                about.not_checked("its template cannot be read here: only whether things are there is looked at"),
            ),
            Some(fault) => wrong.push(about.fault(
                format!("its template cannot be read, and nothing was compared with it: {fault}"),
                fault.next().unwrap_or_else(|| format!("aws cloudformation get-template --stack-name {}", self.stack)),
            )),
        }
        for logical in &self.lost {
            wrong.push(
                About::new("stack", logical)
                    .fault("the template has it, and it was not made", format!("see why: {events}")),
            );
        }
        about.or_ok(wrong, status)
    }
}

fn moment(moment: &DateTime) -> Option<Millis> {
    u64::try_from(moment.to_millis().ok()?).ok().map(Millis)
}

fn no_stack<E: aws_smithy_types::error::metadata::ProvideErrorMetadata>(
    name: &str,
    error: &aws_smithy_runtime_api::client::result::SdkError<
        E,
        aws_smithy_runtime_api::client::orchestrator::HttpResponse,
    >,
) -> anyhow::Error {
    let fault = CallFault::of(error);
    if fault.trouble == Trouble::Missing {
        let next = "name it with --stack or DROVER_STACK; AWS_REGION must be its region. `aws cloudformation list-stacks` has all of a region";
        return Failure::not_found(format!("there is no stack {name} here")).next(next).into();
    }
    anyhow::Error::new(fault).context("the stack cannot be looked at")
}

/// Whether a value of a template is true: it may be a text.
pub(super) fn is_true(value: &Json) -> bool {
    value.as_bool() == Some(true) || value.as_str() == Some("true")
}

#[cfg(test)]
pub(super) fn deployed(made: &[(&str, &str, &str)], template: &Json) -> Expected {
    let mut expected = Expected { status: "CREATE_COMPLETE".to_owned(), ..Expected::default() };
    expected.take(made.iter().copied(), Some(template));
    expected
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn what_the_template_has_is_missed_unless_it_need_not_be() {
        let template = json!({"Resources": {
            "Made": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
            "Lost": {"Type": "AWS::SQS::Queue"},
            "Perhaps": {"Type": "AWS::SQS::Queue", "Condition": "HasSockets"},
            "Unfolded": {"Type": "AWS::Serverless::Function"},
        }});
        let expected = deployed(&[("Made", "AWS::SQS::Queue", "q")], &template);
        let faults: Vec<_> = expected.findings().into_iter().filter(|found| found.verdict == Verdict::Fault).collect();
        assert_eq!(faults.iter().map(|fault| fault.subject.as_str()).collect::<Vec<_>>(), ["Lost"]);
        for reference in
            [json!({"Ref": "Made"}), json!({"Fn::GetAtt": ["Made", "Arn"]}), json!({"Fn::GetAtt": "Made.Arn"})]
        {
            assert_eq!(expected.referred(&reference).map(|found| found.name.as_str()), Some("q"), "{reference}");
        }
    }

    #[test]
    fn a_stack_is_judged_by_its_status() {
        for (status, verdict) in [
            ("CREATE_COMPLETE", Verdict::Ok),
            ("UPDATE_COMPLETE", Verdict::Ok),
            ("UPDATE_IN_PROGRESS", Verdict::Warning),
            ("UPDATE_ROLLBACK_COMPLETE", Verdict::Warning),
            ("ROLLBACK_COMPLETE", Verdict::Fault),
            ("UPDATE_ROLLBACK_FAILED", Verdict::Fault),
        ] {
            let expected = Expected { status: status.to_owned(), ..Expected::default() };
            assert_eq!(expected.findings()[0].verdict, verdict, "{status}");
        }
    }

    #[test]
    fn a_template_that_cannot_be_read_is_a_fault_on_aws() {
        let denied = || CallFault::of_answer(400, "AccessDenied", "no");
        for (unread, is_local, verdicts) in [
            (None, false, &[Verdict::Ok][..]),
            (Some(denied()), false, &[Verdict::Fault]),
            (Some(CallFault::unreachable("it did not answer in time")), false, &[Verdict::Fault]),
            (Some(CallFault::unreadable()), false, &[Verdict::Fault]),
            (Some(CallFault::not_known()), true, &[Verdict::Ok, Verdict::NotChecked]),
        ] {
            let expected = Expected { status: "CREATE_COMPLETE".to_owned(), unread, is_local, ..Expected::default() };
            let found = expected.findings();
            assert_eq!(found.iter().map(|found| found.verdict).collect::<Vec<_>>(), verdicts, "{found:?}");
        }
    }

    #[test]
    fn a_parameter_that_says_no_is_not_set() {
        let mut expected = deployed(&[], &json!({"Resources": {}}));
        for (value, is_set) in
            [(None, false), (Some(""), false), (Some("0"), false), (Some("false"), false), (Some("217313"), true)]
        {
            expected.parameters =
                value.map(|value| ("LemonSqueezyStore".to_owned(), value.to_owned())).into_iter().collect();
            assert_eq!(expected.is_set("LemonSqueezyStore"), is_set, "{value:?}");
        }
    }
}
