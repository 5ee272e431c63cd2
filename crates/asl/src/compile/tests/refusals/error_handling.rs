//! Retriers and catchers.

use expect_test::expect;

use super::super::{check_all, single};

#[test]
fn retriers_and_catchers() {
    let task =
        r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true"#;
    let definitions = [
        r#""Retry":{}"#,
        r#""Retry":[5]"#,
        r#""Retry":[{}]"#,
        r#""Retry":[{"ErrorEquals":[]}]"#,
        r#""Retry":[{"ErrorEquals":"E"}]"#,
        r#""Retry":[{"ErrorEquals":[5]}]"#,
        r#""Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["E"]}]"#,
        r#""Retry":[{"ErrorEquals":["E","States.ALL"]}]"#,
        r#""Retry":[{"ErrorEquals":["E"],"IntervalSeconds":-1,"MaxAttempts":-1,"BackoffRate":0.5,"MaxDelaySeconds":0,"JitterStrategy":"HALF"}]"#,
        r#""Retry":[{"ErrorEquals":["E"],"IntervalSeconds":100000000,"MaxAttempts":100000000,"MaxDelaySeconds":31622401,"Next":"A"}]"#,
        r#""Retry":[{"ErrorEquals":["E"],"IntervalSeconds":0,"MaxAttempts":"3","BackoffRate":"2"}]"#,
        r#""Catch":[{}]"#,
        r#""Catch":[{"ErrorEquals":["States.ALL"],"Next":"A"},{"ErrorEquals":["E"],"Next":"A"}]"#,
        r#""Catch":[{"ErrorEquals":["E"],"Next":"A","ResultPath":"$.a[*]","Output":1,"Foo":1}]"#,
        r#""Catch":[{"ErrorEquals":["E"],"Next":"A","Assign":{"x.$":"y"}}]"#,
    ];
    let definitions = definitions.map(|fields| format!("{task},{fields}"));
    check_all(
        &single(&definitions.each_ref().map(String::as_str)),
        expect![[r#"
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":{}}}}
            SCHEMA_VALIDATION_FAILED: Expected value of type [ARRAY] at /States/A/Retry
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[5]}}}
            SCHEMA_VALIDATION_FAILED: Expected value of type [OBJECT] at /States/A/Retry[0]
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[{}]}}}
            SCHEMA_VALIDATION_FAILED: These fields are required: [ErrorEquals] at /States/A/Retry[0]
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[{"ErrorEquals":[]}]}}}
            SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/A/Retry[0]/ErrorEquals
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[{"ErrorEquals":"E"}]}}}
            SCHEMA_VALIDATION_FAILED: Expected value of type [ARRAY] at /States/A/Retry[0]/ErrorEquals
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[{"ErrorEquals":[5]}]}}}
            SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/Retry[0]/ErrorEquals[0]
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["E"]}]}}}
            SCHEMA_VALIDATION_FAILED: States.ALL must appear alone and at end of list at /States/A/Retry[0]/ErrorEquals[0]
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[{"ErrorEquals":["E","States.ALL"]}]}}}
            SCHEMA_VALIDATION_FAILED: States.ALL must appear alone and at end of list at /States/A/Retry[0]/ErrorEquals[1]
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":-1,"MaxAttempts":-1,"BackoffRate":0.5,"MaxDelaySeconds":0,"JitterStrategy":"HALF"}]}}}
            SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /States/A/Retry[0]/IntervalSeconds
            SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /States/A/Retry[0]/MaxAttempts
            SCHEMA_VALIDATION_FAILED: Minimum value is 1.0 at /States/A/Retry[0]/BackoffRate
            SCHEMA_VALIDATION_FAILED: Minimum value is 1 at /States/A/Retry[0]/MaxDelaySeconds
            SCHEMA_VALIDATION_FAILED: Value should be one of the following: [NONE, FULL] at /States/A/Retry[0]/JitterStrategy
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":100000000,"MaxAttempts":100000000,"MaxDelaySeconds":31622401,"Next":"A"}]}}}
            SCHEMA_VALIDATION_FAILED: Field 'Next' is not supported at /States/A/Retry[0]
            SCHEMA_VALIDATION_FAILED: Maximum value is 99999999 at /States/A/Retry[0]/IntervalSeconds
            SCHEMA_VALIDATION_FAILED: Maximum value is 99999999 at /States/A/Retry[0]/MaxAttempts
            SCHEMA_VALIDATION_FAILED: Maximum value is 31622400 at /States/A/Retry[0]/MaxDelaySeconds
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":0,"MaxAttempts":"3","BackoffRate":"2"}]}}}
            SCHEMA_VALIDATION_FAILED: Expected value of type Integer at /States/A/Retry[0]/MaxAttempts
            SCHEMA_VALIDATION_FAILED: Expected value of type [NUMBER] at /States/A/Retry[0]/BackoffRate
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Catch":[{}]}}}
            SCHEMA_VALIDATION_FAILED: These fields are required: [ErrorEquals] at /States/A/Catch[0]
            SCHEMA_VALIDATION_FAILED: These fields are required: [Next] at /States/A/Catch[0]
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"A"},{"ErrorEquals":["E"],"Next":"A"}]}}}
            SCHEMA_VALIDATION_FAILED: States.ALL must appear alone and at end of list at /States/A/Catch[0]/ErrorEquals[0]
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Catch":[{"ErrorEquals":["E"],"Next":"A","ResultPath":"$.a[*]","Output":1,"Foo":1}]}}}
            SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/A/Catch[0]
            SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /States/A/Catch[0]
            SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/A/Catch[0]/ResultPath
        {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true,"Catch":[{"ErrorEquals":["E"],"Next":"A","Assign":{"x.$":"y"}}]}}}
            SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call at /States/A/Catch[0]/Assign
    "#]],
    );
}
