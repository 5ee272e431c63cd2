//! The order in which AWS prints the fields of an evaluated JSONPath template.
//!
//! Recorded on AWS: fields without `.$` come first, in document order; those with `.$` follow,
//! in the order of a Java `HashMap` of their names. All 113 recorded objects with such fields
//! come out in this order.

use crate::java;

/// Sorts the fields that have holes of their own as AWS prints them. `name` gives a field's
/// name without `.$`.
pub(super) fn sort<T>(fields: &mut [T], name: impl Fn(&T) -> &str) {
    let mut capacity: u32 = 16;
    // Java's table doubles as soon as it is more than three quarters full.
    while fields.len() * 4 > capacity as usize * 3 {
        capacity *= 2;
    }
    // Fields in one bucket keep their order, which a stable sort does.
    fields.sort_by_key(|field| java::bucket(java::hash_of_text(name(field)), capacity));
}

#[cfg(test)]
mod tests {
    use super::sort;

    #[test]
    fn names_come_in_the_order_recorded_on_aws() {
        let check = |names: &[&str], expected: &[&str]| {
            let mut names = names.to_vec();
            sort(&mut names, |name| name);
            assert_eq!(names, expected);
        };
        check(&["StateMachineArn", "Input", "Name"], &["Input", "StateMachineArn", "Name"]);
        check(&["TaskToken", "arg1", "arg2"], &["arg2", "arg1", "TaskToken"]);
        check(
            &[
                "context_object",
                "execution",
                "execution_id",
                "execution_input",
                "execution_name",
                "execution_rolearn",
                "execution_starttime",
                "state",
                "state_enteredtime",
                "state_name",
                "statemachine",
                "statemachine_id",
                "statemachine_name",
            ],
            &[
                "execution",
                "execution_rolearn",
                "execution_name",
                "statemachine_id",
                "execution_id",
                "execution_input",
                "execution_starttime",
                "state_name",
                "state_enteredtime",
                "statemachine",
                "state",
                "context_object",
                "statemachine_name",
            ],
        );
    }
}
