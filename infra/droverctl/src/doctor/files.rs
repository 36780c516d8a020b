//! Buckets: that they are there, and shut to the public.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::types::PublicAccessBlockConfiguration;

use crate::call::{CallFault, Trouble};
use crate::deployment::Deployment;

use super::each;
use super::expected::{Expected, Resource};
use super::finding::{About, Finding};

pub(super) async fn look(deployment: &Deployment, expected: &Expected) -> Vec<Finding> {
    // The local cloud has no names of hosts.
    let config = Builder::from(&deployment.config).force_path_style(deployment.is_local()).build();
    let client = &Client::from_conf(config);
    each(expected.of_kind("AWS::S3::Bucket"), |bucket| look_at(client, bucket)).await
}

async fn look_at(client: &Client, bucket: &Resource) -> Vec<Finding> {
    let about = About::new("bucket", &bucket.name);
    if let Err(error) = client.head_bucket().bucket(&bucket.name).send().await {
        return vec![about.unseen("the bucket", &CallFault::of(&error))];
    }
    if bucket.properties["PublicAccessBlockConfiguration"].is_null() {
        return vec![about.ok("there")];
    }
    let asked = client.get_public_access_block().bucket(&bucket.name).send().await;
    let block = match asked {
        Ok(answer) => Ok(answer.public_access_block_configuration),
        Err(error) => match CallFault::of(&error) {
            // A bucket whose block was taken away answers that there is none.
            fault if matches!(fault.trouble, Trouble::Missing | Trouble::Other) => Ok(None),
            fault => Err(fault),
        },
    };
    match block {
        Ok(block) => vec![judge(&about, &bucket.name, block.as_ref())],
        Err(fault) => vec![about.unseen("whether it is shut to the public", &fault)],
    }
}

fn judge(about: &About, name: &str, block: Option<&PublicAccessBlockConfiguration>) -> Finding {
    let is_shut = block.is_some_and(|block| {
        [block.block_public_acls, block.block_public_policy, block.ignore_public_acls, block.restrict_public_buckets]
            .iter()
            .all(|part| *part == Some(true))
    });
    if is_shut {
        return about.ok("there, and shut to the public");
    }
    about.fault(
        "it is not shut to the public: one wrong policy and everybody reads results",
        format!(
            "aws s3api put-public-access-block --bucket {name} --public-access-block-configuration \
             BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_bucket_that_is_not_shut_is_found() {
        let block = |policy| {
            let all = PublicAccessBlockConfiguration::builder().block_public_acls(true).ignore_public_acls(true);
            all.restrict_public_buckets(true).block_public_policy(policy).build()
        };
        let about = About::new("bucket", "b");
        for (block, verdict) in
            [(Some(block(true)), Verdict::Ok), (Some(block(false)), Verdict::Fault), (None, Verdict::Fault)]
        {
            assert_eq!(judge(&about, "b", block.as_ref()).verdict, verdict);
        }
    }
}
