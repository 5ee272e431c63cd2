//! The ARNs the runtime makes and takes apart.

use asl::MachineType;

/// The part behind the last colon.
pub(crate) fn last_part(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// The state machine that a version or an alias belongs to.
pub(crate) fn machine_of(qualified_arn: &str) -> &str {
    qualified_arn.rsplit_once(':').map_or(qualified_arn, |(machine, _)| machine)
}

/// The account in an ARN; empty if it has none.
pub(crate) fn account(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// The region of an ARN.
pub(crate) fn region(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

/// The ARN of an execution of a state machine. Those of Express executions end in a UUID, so
/// that a name can be used again.
pub(crate) fn execution(
    machine_arn: &str,
    machine_type: MachineType,
    name: &str,
    uuid: impl FnOnce() -> String,
) -> Box<str> {
    let (scope, machine) = machine_arn.rsplit_once(":stateMachine:").unwrap_or((machine_arn, ""));
    match machine_type {
        MachineType::Standard => format!("{scope}:execution:{machine}:{name}"),
        MachineType::Express => format!("{scope}:express:{machine}:{name}:{}", uuid()),
    }
    .into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_named_after_their_machine() {
        let machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:Order";
        assert_eq!(
            &*execution(machine, MachineType::Standard, "one", || unreachable!()),
            "arn:aws:states:eu-west-1:123456789012:execution:Order:one"
        );
        assert_eq!(
            &*execution(machine, MachineType::Express, "one", || "u".to_owned()),
            "arn:aws:states:eu-west-1:123456789012:express:Order:one:u"
        );
        assert_eq!((last_part(machine), region(machine)), ("Order", "eu-west-1"));
    }
}
