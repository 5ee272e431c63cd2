//! Types of states and the fields of each, Wait, Choice, and both query languages.

use expect_test::expect;

use super::super::{check_all, jsonata, single};

#[test]
fn types_and_fields() {
    check_all(
        &single(&[
            r#""End":true"#,
            r#""Type":"Foo","End":true"#,
            r#""Type":7,"End":true"#,
            r#""Type":"Pass","End":true,"Foo":1,"Catch":[],"Retry":[],"TimeoutSeconds":5,"comment":"c""#,
            r#""Type":"Succeed","Assign":{"x":1},"ResultPath":"$.a""#,
            r#""Type":"Fail","InputPath":"$","Output":1,"Assign":{"x":1}"#,
            r#""Type":"Wait","Seconds":1,"Parameters":{},"ResultPath":null,"End":true"#,
            r#""Type":"Pass","Output":1,"End":true"#,
            r#""Type":"Pass","Arguments":1,"End":true"#,
            r#""Type":"Pass","QueryLanguage":"JSONata","InputPath":"$.a","Output":1,"End":true"#,
            r#""Type":"Pass","QueryLanguage":"foo","InputPath":"$.a","End":true"#,
            r#""Type":"Pass","QueryLanguage":5,"InputPath":"$.a","End":true"#,
            r#""Type":"Pass","Comment":{},"End":true"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"End":true}}}
                SCHEMA_VALIDATION_FAILED: These fields are required: [Type] at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Foo","End":true}}}
                SCHEMA_VALIDATION_FAILED: The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map] at /States/A/Type
            {"StartAt":"A","States":{"A":{"Type":7,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/Type
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true,"Foo":1,"Catch":[],"Retry":[],"TimeoutSeconds":5,"comment":"c"}}}
                SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Field 'Catch' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Field 'Retry' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Field 'TimeoutSeconds' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Field 'comment' is not supported at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Succeed","Assign":{"x":1},"ResultPath":"$.a"}}}
                SCHEMA_VALIDATION_FAILED: Field 'Assign' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Field 'ResultPath' is not supported at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Fail","InputPath":"$","Output":1,"Assign":{"x":1}}}}
                SCHEMA_VALIDATION_FAILED: Field 'InputPath' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Field 'Output' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Field 'Assign' is not supported at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":1,"Parameters":{},"ResultPath":null,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Field 'Parameters' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Field 'ResultPath' is not supported at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Pass","Output":1,"End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Pass","Arguments":1,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Field 'Arguments' is not supported at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Pass","QueryLanguage":"JSONata","InputPath":"$.a","Output":1,"End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Pass","QueryLanguage":"foo","InputPath":"$.a","End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [JSONPath, JSONata] at /States/A/QueryLanguage
            {"StartAt":"A","States":{"A":{"Type":"Pass","QueryLanguage":5,"InputPath":"$.a","End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/QueryLanguage
            {"StartAt":"A","States":{"A":{"Type":"Pass","Comment":{},"End":true}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/Comment
        "#]],
    );
}

#[test]
fn query_languages() {
    check_all(
        &jsonata(&[
            r#""Type":"Pass","QueryLanguage":"JSONPath","Output":{"v":"{% 1 %}"},"End":true"#,
            r#""Type":"Map","QueryLanguage":"JSONPath","MaxConcurrency":-1,"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true"#,
            r#""Type":"Pass","QueryLanguage":"jsonata","Output":{"v":"{% 1 %}"},"End":true"#,
            r#""Type":"Pass","InputPath":"$.a","OutputPath":"$.b","ResultPath":"$.c","Parameters":{},"Result":1,"End":true"#,
            r#""Type":"Wait","SecondsPath":"$.a","End":true"#,
            r#""Type":"Fail","ErrorPath":"$.a","CausePath":"$.b""#,
            r#""Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}]"#,
            r#""Type":"Map","ItemsPath":"$.a","MaxConcurrencyPath":"$.b","Parameters":{},"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true"#,
            r#""Type":"Map","ItemProcessor":{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true"#,
            r#""Type":"Parallel","Branches":[{"QueryLanguage":"JSONata","TimeoutSeconds":1,"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}],"End":true"#,
        ]),
        expect![[r#"
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","QueryLanguage":"JSONPath","Output":{"v":"{% 1 %}"},"End":true}}}
                SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at /States/A
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Map","QueryLanguage":"JSONPath","MaxConcurrency":-1,"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at /States/A
                SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /States/A/MaxConcurrency
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","QueryLanguage":"jsonata","Output":{"v":"{% 1 %}"},"End":true}}}
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [JSONPath, JSONata] at /States/A/QueryLanguage
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","InputPath":"$.a","OutputPath":"$.b","ResultPath":"$.c","Parameters":{},"Result":1,"End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'OutputPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'ResultPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'Parameters' is only supported for the 'JSONPath' QueryLanguage at /States/A
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'Result' is only supported for the 'JSONPath' QueryLanguage at /States/A
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Wait","SecondsPath":"$.a","End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'SecondsPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Fail","ErrorPath":"$.a","CausePath":"$.b"}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'ErrorPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'CausePath' is only supported for the 'JSONPath' QueryLanguage at /States/A
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}]}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'Variable' is only supported for the 'JSONPath' QueryLanguage at /States/A/Choices[0]
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'IsNull' is only supported for the 'JSONPath' QueryLanguage at /States/A/Choices[0]
                MISSING_END_STATE: Workflow has no terminal state at null
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Map","ItemsPath":"$.a","MaxConcurrencyPath":"$.b","Parameters":{},"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'ItemsPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'MaxConcurrencyPath' is only supported for the 'JSONPath' QueryLanguage at /States/A
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'Parameters' is only supported for the 'JSONPath' QueryLanguage at /States/A
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: Field 'QueryLanguage' is not supported at /States/A/ItemProcessor
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[{"QueryLanguage":"JSONata","TimeoutSeconds":1,"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}],"End":true}}}
                SCHEMA_VALIDATION_FAILED: Field 'QueryLanguage' is not supported at /States/A/Branches[0]
                SCHEMA_VALIDATION_FAILED: Field 'TimeoutSeconds' is not supported at /States/A/Branches[0]
        "#]],
    );
    check_all(
        &single(&[
            r#""Type":"Map","QueryLanguage":"JSONata","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","Output":1,"End":true}}},"End":true"#,
            r#""Type":"Parallel","QueryLanguage":"JSONata","Branches":[{"StartAt":"P","States":{"P":{"Type":"Pass","Output":1,"End":true}}}],"End":true"#,
            r#""Type":"Map","Items":[1],"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Map","QueryLanguage":"JSONata","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","Output":1,"End":true}}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/A/ItemProcessor/States/P
            {"StartAt":"A","States":{"A":{"Type":"Parallel","QueryLanguage":"JSONata","Branches":[{"StartAt":"P","States":{"P":{"Type":"Pass","Output":1,"End":true}}}],"End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/A/Branches[0]/States/P
            {"StartAt":"A","States":{"A":{"Type":"Map","Items":[1],"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Items' is only supported for the 'JSONata' QueryLanguage at /States/A
        "#]],
    );
}

#[test]
fn waits() {
    check_all(
        &single(&[
            r#""Type":"Wait","End":true"#,
            r#""Type":"Wait","Seconds":1,"Timestamp":"2024-01-01T00:00:00Z","End":true"#,
            r#""Type":"Wait","Seconds":-1,"End":true"#,
            r#""Type":"Wait","Seconds":10000000000000000,"End":true"#,
            r#""Type":"Wait","Seconds":"{% 1 %}","End":true"#,
            r#""Type":"Wait","Timestamp":"2024-01-01","End":true"#,
            r#""Type":"Wait","Timestamp":"2024-01-01T00:00:00","End":true"#,
            r#""Type":"Wait","Timestamp":5,"End":true"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Wait","End":true}}}
                SCHEMA_VALIDATION_FAILED: This object should have only one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp] at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":1,"Timestamp":"2024-01-01T00:00:00Z","End":true}}}
                SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [SecondsPath, Seconds, TimestampPath, Timestamp] at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":-1,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /States/A/Seconds
            {"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":10000000000000000,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Maximum value is 99999999 at /States/A/Seconds
            {"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":"{% 1 %}","End":true}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type Integer at /States/A/Seconds
            {"StartAt":"A","States":{"A":{"Type":"Wait","Timestamp":"2024-01-01","End":true}}}
                SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp
            {"StartAt":"A","States":{"A":{"Type":"Wait","Timestamp":"2024-01-01T00:00:00","End":true}}}
                SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp
            {"StartAt":"A","States":{"A":{"Type":"Wait","Timestamp":5,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/Timestamp
        "#]],
    );
}

#[test]
fn choices() {
    check_all(
        &single(&[
            r#""Type":"Choice""#,
            r#""Type":"Choice","Choices":[]"#,
            r#""Type":"Choice","Choices":{}"#,
            r#""Type":"Choice","Choices":[5]"#,
            r#""Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true}],"End":true"#,
            r#""Type":"Choice","Choices":[{"Next":"A"}]"#,
            r#""Type":"Choice","Choices":[{"Variable":"$.a","Next":"A"}]"#,
            r#""Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"StringEquals":"x","Next":"A"}]"#,
            r#""Type":"Choice","Choices":[{"Variable":"$.a","And":[],"Next":"A"}]"#,
            r#""Type":"Choice","Choices":[{"And":[{"Variable":"$.a","IsNull":true,"Next":"A"},{"Not":{"Variable":"a","IsNull":1}}],"Next":"A"}]"#,
            r#""Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":"1","Next":"A","Foo":1}]"#,
            r#""Type":"Choice","Choices":[{"Variable":"$.a[*]","StringEqualsPath":"b","Next":"A"}]"#,
            r#""Type":"Choice","Choices":[{"Variable":"$.a","TimestampEquals":"2024","Next":"A","Assign":{"1":1}}]"#,
            r#""Type":"Choice","Choices":[{"Condition":"{% true %}","Output":1,"Next":"A"}]"#,
            r#""Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}],"Default":5"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Choice"}}}
                SCHEMA_VALIDATION_FAILED: These fields are required: [Choices] at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[]}}}
                SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/A/Choices
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":{}}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [ARRAY] at /States/A/Choices
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[5]}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [OBJECT] at /States/A/Choices[0]
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true}],"End":true}}}
                SCHEMA_VALIDATION_FAILED: Field 'End' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: These fields are required: [Next] at /States/A/Choices[0]
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Next":"A"}]}}}
                SCHEMA_VALIDATION_FAILED: The object must have only one of the following fields, [And, Or, Not, Variable, Condition] at /States/A/Choices[0]
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","Next":"A"}]}}}
                SCHEMA_VALIDATION_FAILED: This object should have only one of the following fields: [StringEquals, StringEqualsPath, StringLessThan, StringLessThanPath, StringGreaterThan, StringGreaterThanPath, StringLessThanEquals, StringLessThanEqualsPath, StringGreaterThanEquals, StringGreaterThanEqualsPath, StringMatches, NumericEquals, NumericEqualsPath, NumericLessThan, NumericLessThanPath, NumericGreaterThan, NumericGreaterThanPath, NumericLessThanEquals, NumericLessThanEqualsPath, NumericGreaterThanEquals, NumericGreaterThanEqualsPath, BooleanEquals, BooleanEqualsPath, TimestampEquals, TimestampEqualsPath, TimestampLessThan, TimestampLessThanPath, TimestampGreaterThan, TimestampGreaterThanPath, TimestampLessThanEquals, TimestampLessThanEqualsPath, TimestampGreaterThanEquals, TimestampGreaterThanEqualsPath, IsNull, IsPresent, IsNumeric, IsString, IsBoolean, IsTimestamp] at /States/A/Choices[0]
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"StringEquals":"x","Next":"A"}]}}}
                SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [StringEquals, StringEqualsPath, StringLessThan, StringLessThanPath, StringGreaterThan, StringGreaterThanPath, StringLessThanEquals, StringLessThanEqualsPath, StringGreaterThanEquals, StringGreaterThanEqualsPath, StringMatches, NumericEquals, NumericEqualsPath, NumericLessThan, NumericLessThanPath, NumericGreaterThan, NumericGreaterThanPath, NumericLessThanEquals, NumericLessThanEqualsPath, NumericGreaterThanEquals, NumericGreaterThanEqualsPath, BooleanEquals, BooleanEqualsPath, TimestampEquals, TimestampEqualsPath, TimestampLessThan, TimestampLessThanPath, TimestampGreaterThan, TimestampGreaterThanPath, TimestampLessThanEquals, TimestampLessThanEqualsPath, TimestampGreaterThanEquals, TimestampGreaterThanEqualsPath, IsNull, IsPresent, IsNumeric, IsString, IsBoolean, IsTimestamp] at /States/A/Choices[0]
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","And":[],"Next":"A"}]}}}
                SCHEMA_VALIDATION_FAILED: The object must have only one of the following fields, [And, Or, Not, Variable, Condition] at /States/A/Choices[0]
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"And":[{"Variable":"$.a","IsNull":true,"Next":"A"},{"Not":{"Variable":"a","IsNull":1}}],"Next":"A"}]}}}
                SCHEMA_VALIDATION_FAILED: Field 'Next' is not supported at /States/A/Choices[0]/And[0]
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with '$' at /States/A/Choices[0]/And[1]/Not/Variable
                SCHEMA_VALIDATION_FAILED: Expected value of type [BOOLEAN] at /States/A/Choices[0]/And[1]/Not/IsNull
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":"1","Next":"A","Foo":1}]}}}
                SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /States/A/Choices[0]
                SCHEMA_VALIDATION_FAILED: Expected value of type [NUMBER] at /States/A/Choices[0]/NumericEquals
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a[*]","StringEqualsPath":"b","Next":"A"}]}}}
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/A/Choices[0]/Variable
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with '$' at /States/A/Choices[0]/StringEqualsPath
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","TimestampEquals":"2024","Next":"A","Assign":{"1":1}}]}}}
                SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Choices[0]/TimestampEquals
                INVALID_VARIABLE_NAME: Invalid variable name '1': the variable name contains invalid characters. at /States/A/Choices[0]/Assign/1
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Condition":"{% true %}","Output":1,"Next":"A"}]}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Condition' is only supported for the 'JSONata' QueryLanguage at /States/A/Choices[0]
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/A/Choices[0]
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}],"Default":5}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/Default
                MISSING_END_STATE: Workflow has no terminal state at null
        "#]],
    );
}
