//! Regions, partitions of regions, and the endpoints of services in them.

use serde::Deserialize;

use crate::shape::Service;
use crate::stored::partitions;

/// A partition: `aws`, `aws-cn`, `aws-us-gov`, …
#[derive(Debug, Deserialize)]
pub struct Partition {
    pub id: Box<str>,
    /// What the names of its regions look like; of the form `^(us|eu)\-\w+\-\d+$`.
    region_regex: Box<str>,
    /// `amazonaws.com`
    pub dns_suffix: Box<str>,
    /// Those known when the data was made; others may match by their beginning.
    regions: Vec<Box<str>>,
}

/// Where a service is called, and what its signature is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub url: String,
    pub signing_region: String,
    pub signing_name: String,
}

/// The partition of a region; `aws` for one that belongs to none.
pub fn partition_of(region: &str) -> &'static Partition {
    let partitions = partitions();
    let known = partitions.iter().find(|one| one.regions.iter().any(|known| &**known == region));
    known
        .or_else(|| partitions.iter().find(|one| one.has_prefix_of(region)))
        .unwrap_or_else(|| partitions.first().expect("the data begins with aws"))
}

impl Partition {
    /// Whether a region that the data does not know looks like one of these: its first part is
    /// among those that the pattern lists.
    fn has_prefix_of(&self, region: &str) -> bool {
        let pattern = self.region_regex.trim_start_matches('^');
        let (prefixes, rest) = match pattern.strip_prefix('(').and_then(|it| it.split_once(')')) {
            Some((prefixes, rest)) => (prefixes, rest),
            None => pattern.split_at(pattern.find("\\-\\w").unwrap_or(pattern.len())),
        };
        if !rest.starts_with("\\-\\w") {
            return false;
        }
        prefixes.split('|').any(|prefix| {
            let prefix = prefix.replace('\\', "");
            let words = region.strip_prefix(&prefix).and_then(|rest| rest.strip_prefix('-'));
            words.is_some_and(|words| words.split('-').count() == 2)
        })
    }
}

impl Service {
    /// AWS's endpoint of this service in a region.
    pub fn endpoint(&self, region: &str) -> Endpoint {
        let partition = partition_of(region);
        let (url, signing_region, signing_name) = self
            .endpoints
            .get(region)
            .or_else(|| self.endpoints.get(&*partition.id))
            .unwrap_or(&self.endpoint);
        let or = |text: &str, other: &str| match text {
            "" => other.to_owned(),
            text => text.to_owned(),
        };
        Endpoint {
            url: url.replace("{region}", region).replace("{dnsSuffix}", &partition.dns_suffix),
            signing_region: or(signing_region, region),
            signing_name: or(signing_name, &self.signing_name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::expect;

    use super::*;

    #[test]
    fn endpoints_are_those_of_aws() {
        let mut shown = String::new();
        for (service, region) in [
            ("dynamodb", "us-east-1"),
            ("dynamodb", "cn-north-1"),
            ("dynamodb", "eu-newtown-7"),
            ("iam", "eu-west-1"),
            ("iam", "cn-north-1"),
            ("iam", "us-gov-west-1"),
            ("route53", "ap-south-1"),
            ("sts", "eu-west-1"),
            ("sfn", "us-gov-west-1"),
            ("sqs", "us-east-1"),
            ("s3", "eu-central-1"),
            ("cloudfront", "us-west-2"),
            ("organizations", "us-west-2"),
            ("cloudwatchlogs", "ca-central-1"),
            ("bedrockruntime", "us-west-2"),
            ("sts", "us-nowhere"),
        ] {
            let endpoint = crate::find(service).unwrap().endpoint(region);
            let Endpoint { url, signing_region, signing_name } = endpoint;
            let _ = writeln!(shown, "{service} {region}: {url} {signing_region}/{signing_name}");
        }
        expect![[r#"
            dynamodb us-east-1: https://dynamodb.us-east-1.amazonaws.com us-east-1/dynamodb
            dynamodb cn-north-1: https://dynamodb.cn-north-1.amazonaws.com.cn cn-north-1/dynamodb
            dynamodb eu-newtown-7: https://dynamodb.eu-newtown-7.amazonaws.com eu-newtown-7/dynamodb
            iam eu-west-1: https://iam.amazonaws.com us-east-1/iam
            iam cn-north-1: https://iam.cn-north-1.amazonaws.com.cn cn-north-1/iam
            iam us-gov-west-1: https://iam.us-gov.amazonaws.com us-gov-west-1/iam
            route53 ap-south-1: https://route53.amazonaws.com us-east-1/route53
            sts eu-west-1: https://sts.eu-west-1.amazonaws.com eu-west-1/sts
            sfn us-gov-west-1: https://states.us-gov-west-1.amazonaws.com us-gov-west-1/states
            sqs us-east-1: https://sqs.us-east-1.amazonaws.com us-east-1/sqs
            s3 eu-central-1: https://s3.eu-central-1.amazonaws.com eu-central-1/s3
            cloudfront us-west-2: https://cloudfront.amazonaws.com us-east-1/cloudfront
            organizations us-west-2: https://organizations.us-east-1.amazonaws.com us-east-1/organizations
            cloudwatchlogs ca-central-1: https://logs.ca-central-1.amazonaws.com ca-central-1/logs
            bedrockruntime us-west-2: https://bedrock-runtime.us-west-2.amazonaws.com us-west-2/bedrock
            sts us-nowhere: https://sts.us-nowhere.amazonaws.com us-nowhere/sts
        "#]].assert_eq(&shown);
    }

    #[test]
    fn partitions_of_regions() {
        let check = |region, id| assert_eq!(&*partition_of(region).id, id, "{region}");
        check("eu-west-1", "aws");
        check("eu-new-9", "aws");
        check("cn-northwest-1", "aws-cn");
        check("us-gov-new-1", "aws-us-gov");
        check("us-iso-east-1", "aws-iso");
        check("somewhere", "aws");
    }
}
