//! The ARNs of Step Functions: taking them apart, putting them together, and AWS's errors for
//! those that are not what an operation wants.

use crate::error::{ApiError, ErrorType};

/// An ARN of this service, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'t> {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: &'t str,
    pub region: &'t str,
    pub account: &'t str,
    pub resource: Resource<'t>,
}

/// What an ARN names. Names are not checked: an ill-formed one names nothing that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource<'t> {
    /// `stateMachine:<name>[/<label>][:<version or alias>]`
    StateMachine {
        name: &'t str,
        /// The distributed Map state whose processor it is.
        label: Option<&'t str>,
        qualifier: Option<Qualifier<'t>>,
    },
    /// `execution:<machine>[/<label>]:<name>`
    Execution { machine: &'t str, label: Option<&'t str>, name: &'t str },
    /// `express:<machine>[/<label>]:<name>:<id>`
    Express { machine: &'t str, label: Option<&'t str>, name: &'t str, id: &'t str },
    /// `mapRun:<machine>/<label>:<id>`; `id` keeps whatever stands behind the label.
    MapRun { machine: &'t str, label: &'t str, id: &'t str },
    /// `activity:<name>`
    Activity { name: &'t str },
}

/// What follows the name of a state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qualifier<'t> {
    Version(u64),
    Alias(&'t str),
}

/// Why a text is not an ARN of this service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArnError<'t> {
    /// It does not begin as one: the whole text.
    Prefix(&'t str),
    /// The type of the resource is not known, or the rest does not fit it: the type.
    ResourceType(&'t str),
}

impl<'t> Arn<'t> {
    /// Takes an ARN apart.
    pub fn parse(text: &'t str) -> Result<Arn<'t>, ArnError<'t>> {
        let prefix = || ArnError::Prefix(text);
        let mut parts = text.splitn(6, ':');
        let mut part = || parts.next().ok_or_else(prefix);
        if part()? != "arn" {
            return Err(prefix());
        }
        let partition = part()?;
        let service = part()?;
        let region = part()?;
        let account = part()?;
        let resource = part()?;
        if service != "states" || [partition, region, account].iter().any(|part| part.is_empty()) {
            return Err(prefix());
        }
        let resource = Resource::parse(resource)?;
        Ok(Arn { partition, region, account, resource })
    }
}

/// The account in a text that looks like an ARN of this service; none in others.
pub(crate) fn account_of(text: &str) -> Option<&str> {
    let mut parts = text.splitn(6, ':');
    let is_ours = parts.next() == Some("arn") && parts.nth(1) == Some("states");
    parts.nth(1).filter(|_| is_ours)
}

impl<'t> Resource<'t> {
    fn parse(text: &'t str) -> Result<Resource<'t>, ArnError<'t>> {
        let (resource_type, rest) = text.split_once(':').unwrap_or((text, ""));
        let wrong = ArnError::ResourceType(resource_type);
        let parts = || rest.splitn(3, ':');
        let resource = match resource_type {
            "stateMachine" => {
                let (name, qualifier) = match rest.split_once(':') {
                    None => (rest, None),
                    Some((_, "")) => return Err(wrong),
                    Some((name, qualifier)) => (name, Some(Qualifier::parse(qualifier))),
                };
                let (name, label) = split_label(name);
                Resource::StateMachine { name, label, qualifier }
            }
            "execution" => {
                let mut parts = parts();
                let (machine, label) = split_label(parts.next().ok_or(wrong)?);
                let name = parts.next().ok_or(wrong)?;
                if parts.next().is_some() {
                    return Err(wrong);
                }
                Resource::Execution { machine, label, name }
            }
            "express" => {
                let mut parts = parts();
                let (machine, label) = split_label(parts.next().ok_or(wrong)?);
                let name = parts.next().ok_or(wrong)?;
                let id = parts.next().ok_or(wrong)?;
                Resource::Express { machine, label, name, id }
            }
            "mapRun" => {
                let (machine, rest) = rest.split_once('/').ok_or(wrong)?;
                let (label, id) = rest.split_once(':').ok_or(wrong)?;
                Resource::MapRun { machine, label, id }
            }
            "activity" => Resource::Activity { name: rest },
            _ => return Err(wrong),
        };
        Ok(resource)
    }

    /// The type as ARNs spell it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Resource::StateMachine { .. } => "stateMachine",
            Resource::Execution { .. } => "execution",
            Resource::Express { .. } => "express",
            Resource::MapRun { .. } => "mapRun",
            Resource::Activity { .. } => "activity",
        }
    }
}

impl<'t> Qualifier<'t> {
    fn parse(text: &'t str) -> Qualifier<'t> {
        match text.parse() {
            Ok(version) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Qualifier::Version(version)
            }
            _ => Qualifier::Alias(text),
        }
    }
}

fn split_label(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((name, label)) => (name, Some(label)),
        None => (text, None),
    }
}

impl From<ArnError<'_>> for ApiError {
    fn from(error: ArnError<'_>) -> ApiError {
        match error {
            ArnError::Prefix(text) => invalid_arn(format!("Invalid ARN prefix: {text}")),
            ArnError::ResourceType(resource_type) => wrong_type(resource_type),
        }
    }
}

fn invalid_arn(detail: String) -> ApiError {
    ApiError::new(ErrorType::InvalidArn, format!("Invalid Arn: '{detail}'"))
}

fn wrong_type(resource_type: &str) -> ApiError {
    invalid_arn(format!("Resource type not valid in this context: {resource_type}"))
}

/// The state machine an ARN names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateMachineArn<'t> {
    pub(crate) label: Option<&'t str>,
    pub(crate) qualifier: Option<Qualifier<'t>>,
}

impl StateMachineArn<'_> {
    /// Refuses the processors of distributed Map states, which most operations do not take.
    pub(crate) fn without_label(self) -> Result<Self, ApiError> {
        match self.label {
            None => Ok(self),
            Some(_) => Err(ApiError::validation_because(
                "API_DOES_NOT_SUPPORT_LABELED_ARNS",
                "This operation does not support labeled state machine ARNs",
            )),
        }
    }
}

/// Checks that a text is the ARN of a state machine and of none of its versions and aliases:
/// those do not exist as state machines.
pub(crate) fn plain_state_machine_arn(text: &str) -> Result<(), ApiError> {
    match state_machine_arn(text)?.without_label()?.qualifier {
        None => Ok(()),
        Some(_) => Err(ApiError::state_machine_does_not_exist(text)),
    }
}

/// Checks that a text is the ARN of a version.
pub(crate) fn version_arn(text: &str) -> Result<(), ApiError> {
    match state_machine_arn(text)?.without_label()?.qualifier {
        Some(Qualifier::Version(_)) => Ok(()),
        _ => Err(wrong_type("stateMachine")),
    }
}

/// Checks that a text is the ARN of an alias.
pub(crate) fn alias_arn(text: &str) -> Result<(), ApiError> {
    match state_machine_arn(text)?.without_label()?.qualifier {
        Some(Qualifier::Alias(_)) => Ok(()),
        _ => Err(wrong_type("stateMachine")),
    }
}

/// Takes the ARN of a state machine, a version or an alias apart.
pub(crate) fn state_machine_arn(text: &str) -> Result<StateMachineArn<'_>, ApiError> {
    match Arn::parse(text)?.resource {
        Resource::StateMachine { label, qualifier, .. } => Ok(StateMachineArn { label, qualifier }),
        other => Err(wrong_type(other.type_name())),
    }
}

/// Checks that a text is the ARN of a Standard execution.
pub(crate) fn execution_arn(text: &str) -> Result<(), ApiError> {
    match Arn::parse(text)?.resource {
        Resource::Execution { .. } => Ok(()),
        other => Err(wrong_type(other.type_name())),
    }
}

/// Checks that a text is the ARN of a Standard execution or of a Map Run's child.
pub(crate) fn described_execution_arn(text: &str) -> Result<(), ApiError> {
    match Arn::parse(text)?.resource {
        Resource::Execution { .. } | Resource::Express { label: Some(_), .. } => Ok(()),
        other => Err(wrong_type(other.type_name())),
    }
}

/// Checks that a text is the ARN of a Map Run.
pub(crate) fn map_run_arn(text: &str) -> Result<(), ApiError> {
    match Arn::parse(text)?.resource {
        Resource::MapRun { .. } => Ok(()),
        other => Err(wrong_type(other.type_name())),
    }
}

/// Checks that a text is the ARN of an activity.
pub(crate) fn activity_arn(text: &str) -> Result<(), ApiError> {
    match Arn::parse(text)?.resource {
        Resource::Activity { .. } => Ok(()),
        other => Err(wrong_type(other.type_name())),
    }
}

/// Checks the ARN of a role: any service's ARN will do, since nobody assumes it.
pub(crate) fn role_arn(text: &str) -> Result<(), ApiError> {
    let mut parts = text.splitn(6, ':');
    if parts.next() == Some("arn") && parts.nth(4).is_some_and(|resource| !resource.is_empty()) {
        Ok(())
    } else {
        Err(ApiError::new(ErrorType::InvalidArn, format!("Invalid Role Arn: '{text}'")))
    }
}

/// The partition a region belongs to.
pub fn partition_of(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// What the ARNs of this service's resources in a region and account begin with, up to and with
/// the colon behind the type: `arn:aws:states:us-east-1:123456789012:stateMachine:`.
pub fn arn_prefix(region: &str, account: &str, resource_type: &str) -> String {
    let partition = partition_of(region);
    format!("arn:{partition}:states:{region}:{account}:{resource_type}:")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let shown = match Arn::parse(text) {
            Ok(arn) => format!("{:?}", arn.resource),
            Err(error) => format!("{error:?}"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn every_kind_is_taken_apart() {
        let check = |resource: &str, expected| {
            check(&format!("arn:aws:states:us-east-1:123456789012:{resource}"), expected);
        };
        check(
            "stateMachine:Ship.it",
            expect![[r#"StateMachine { name: "Ship.it", label: None, qualifier: None }"#]],
        );
        check(
            "stateMachine:Ship:12",
            expect![[
                r#"StateMachine { name: "Ship", label: None, qualifier: Some(Version(12)) }"#
            ]],
        );
        check(
            "stateMachine:Ship:PROD",
            expect![[
                r#"StateMachine { name: "Ship", label: None, qualifier: Some(Alias("PROD")) }"#
            ]],
        );
        check(
            "stateMachine:Ship/Label:3",
            expect![[
                r#"StateMachine { name: "Ship", label: Some("Label"), qualifier: Some(Version(3)) }"#
            ]],
        );
        check(
            "execution:Ship:run-1",
            expect![[r#"Execution { machine: "Ship", label: None, name: "run-1" }"#]],
        );
        check(
            "express:Ship:run-1:id",
            expect![[r#"Express { machine: "Ship", label: None, name: "run-1", id: "id" }"#]],
        );
        check(
            "mapRun:Ship/Label:id",
            expect![[r#"MapRun { machine: "Ship", label: "Label", id: "id" }"#]],
        );
        check("activity:work", expect![[r#"Activity { name: "work" }"#]]);
        check(
            "execution:Ship/Label:id",
            expect![[r#"Execution { machine: "Ship", label: Some("Label"), name: "id" }"#]],
        );
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        check("", expect![[r#"Prefix("")"#]]);
        check("not-an-arn", expect![[r#"Prefix("not-an-arn")"#]]);
        check("arn:aws:states", expect![[r#"Prefix("arn:aws:states")"#]]);
        check(
            "arn:aws:lambda:us-east-1:123456789012:function:f",
            expect![[r#"Prefix("arn:aws:lambda:us-east-1:123456789012:function:f")"#]],
        );
        check(
            "arn:aws:states::123456789012:activity:a",
            expect![[r#"Prefix("arn:aws:states::123456789012:activity:a")"#]],
        );
        check("arn:aws:states:r:1:thing:x", expect![[r#"ResourceType("thing")"#]]);
        check("arn:aws:states:r:1:execution:x", expect![[r#"ResourceType("execution")"#]]);
        check("arn:aws:states:r:1:execution:x:y:z", expect![[r#"ResourceType("execution")"#]]);
        check("arn:aws:states:r:1:stateMachine:x:", expect![[r#"ResourceType("stateMachine")"#]]);
        check("arn:aws:states:r:1:", expect![[r#"ResourceType("")"#]]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(
            text in "(arn|.{0,3})(:(aws|states|stateMachine|express|mapRun|[a-z0-9/:]{0,9}|.{0,3})){0,9}",
        ) {
            let _ = Arn::parse(&text);
            let _ = role_arn(&text);
        }
    }

    #[test]
    fn partitions_follow_regions() {
        assert_eq!(
            arn_prefix("cn-north-1", "1", "activity"),
            "arn:aws-cn:states:cn-north-1:1:activity:"
        );
        assert_eq!(partition_of("us-gov-west-1"), "aws-us-gov");
    }

    #[test]
    fn roles_are_arns_of_any_service() {
        role_arn("arn:aws:iam::123456789012:role/name").unwrap();
        assert!(role_arn("role").is_err());
        assert!(role_arn("arn:aws:iam::123456789012:").is_err());
    }
}
