//! Paths, templates, expressions and variables.

use expect_test::expect;

use super::super::{check_all, jsonata, single};

#[test]
fn paths_and_templates() {
    check_all(
        &single(&[
            r#""Type":"Pass","InputPath":"a","OutputPath":5,"End":true"#,
            r#""Type":"Pass","InputPath":"$.a[*]","OutputPath":"$$.Execution.Id","End":true"#,
            r#""Type":"Pass","ResultPath":"a","End":true"#,
            r#""Type":"Pass","ResultPath":"$.a[*]","End":true"#,
            r#""Type":"Pass","ResultPath":"$$.a","End":true"#,
            r#""Type":"Pass","ResultPath":"$v.a","End":true"#,
            r#""Type":"Pass","Parameters":{"x.$":"a","y":{"z.$":5,"w.$":"States.Foo()"}},"End":true"#,
            r#""Type":"Pass","Parameters":{"a":[{"x.$":"$.a","x":1}]},"End":true"#,
            r#""Type":"Pass","Parameters":{"x":"$.a","y":["$.b"],"z":"States.UUID()"},"Result":{"r":"$.a"},"End":true"#,
            r#""Type":"Fail","Error":"$.e","Cause":5"#,
            r#""Type":"Fail","Error":"e","ErrorPath":"$.e","CausePath":"e""#,
            r#""Type":"Wait","SecondsPath":"$.a[*]","End":true"#,
            r#""Type":"Wait","TimestampPath":"a","End":true"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Pass","InputPath":"a","OutputPath":5,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Value must be a valid JSONPath. at /States/A/InputPath
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/OutputPath
            {"StartAt":"A","States":{"A":{"Type":"Pass","InputPath":"$.a[*]","OutputPath":"$$.Execution.Id","End":true}}}
            {"StartAt":"A","States":{"A":{"Type":"Pass","ResultPath":"a","End":true}}}
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with '$' at /States/A/ResultPath
            {"StartAt":"A","States":{"A":{"Type":"Pass","ResultPath":"$.a[*]","End":true}}}
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/A/ResultPath
            {"StartAt":"A","States":{"A":{"Type":"Pass","ResultPath":"$$.a","End":true}}}
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/A/ResultPath
            {"StartAt":"A","States":{"A":{"Type":"Pass","ResultPath":"$v.a","End":true}}}
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/A/ResultPath
            {"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"x.$":"a","y":{"z.$":5,"w.$":"States.Foo()"}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call at /States/A/Parameters
                SCHEMA_VALIDATION_FAILED: The value for the field 'z.$' must be a valid JSONPath or a valid intrinsic function call at /States/A/Parameters/y
                SCHEMA_VALIDATION_FAILED: The value for the field 'w.$' must be a valid JSONPath or a valid intrinsic function call at /States/A/Parameters/y
            {"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"a":[{"x.$":"$.a","x":1}]},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The fields 'x' and 'x.$' cannot be used together at /States/A/Parameters/a[0]
            {"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"x":"$.a","y":["$.b"],"z":"States.UUID()"},"Result":{"r":"$.a"},"End":true}}}
                warning NO_DOLLAR: No .$ on a field that appears to be a JSONPath or Intrinsic Function. at /States/A/Parameters/x
                warning NO_DOLLAR: No .$ on a field that appears to be a JSONPath or Intrinsic Function. at /States/A/Parameters/z
                warning PASS_RESULT_IS_STATIC: Attempt to use a path in the result of a pass state. at /States/A/Result
            {"StartAt":"A","States":{"A":{"Type":"Fail","Error":"$.e","Cause":5}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/Cause
                warning NO_PATH: Field value looks like a path, but field name does not end with 'Path'. at /States/A/Error
            {"StartAt":"A","States":{"A":{"Type":"Fail","Error":"e","ErrorPath":"$.e","CausePath":"e"}}}
                SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [Error, ErrorPath] at /States/A
                SCHEMA_VALIDATION_FAILED: The value for the field 'CausePath' must be a valid JSONPath or a valid intrinsic function call at /States/A/CausePath
            {"StartAt":"A","States":{"A":{"Type":"Wait","SecondsPath":"$.a[*]","End":true}}}
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/A/SecondsPath
            {"StartAt":"A","States":{"A":{"Type":"Wait","TimestampPath":"a","End":true}}}
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with '$' at /States/A/TimestampPath
        "#]],
    );
}

#[test]
fn expressions() {
    check_all(
        &jsonata(&[
            r#""Type":"Pass","Output":"{% 1 + %}","End":true"#,
            r#""Type":"Pass","Output":{"v":[1,{"w":"{% a[1,2) %}"}]},"End":true"#,
            r#""Type":"Pass","Output":{"v":"{% phone %}"},"End":true"#,
            r#""Type":"Pass","Output":"{% $$ %}","End":true"#,
            r#""Type":"Pass","Output":"{% $states.errorOutput %}","End":true"#,
            r#""Type":"Pass","Output":"{% $states.result %}","Assign":{"x":"{% $states.result %}"},"End":true"#,
            r#""Type":"Pass","Output":"{% $states %}","End":true"#,
            r#""Type":"Pass","Output":"{% 1","Assign":{"x":"1 %}","y":" {% 1 %} "},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Arguments":{"QueueUrl":"{% $states.result %}","MessageBody":1},"Output":"{% $states.result %}","TimeoutSeconds":"5","HeartbeatSeconds":"{% 1 + %}","End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Arguments":"{% $states.input %}","Catch":[{"ErrorEquals":["States.ALL"],"Next":"A","ResultPath":"$.e","Output":"{% $states.errorOutput & $states.result %}"}],"End":true"#,
            r#""Type":"Wait","Seconds":"x","End":true"#,
            r#""Type":"Wait","Timestamp":"x","End":true"#,
            r#""Type":"Wait","Timestamp":"{% 1 + %}","End":true"#,
            r#""Type":"Choice","Choices":[{"Condition":"true","Next":"A"},{"Condition":1,"Next":"A"},{"Next":"A"},{"Condition":"{% 1 + %}","Output":"{% x %}","Foo":1}]"#,
            r#""Type":"Fail","Error":"{% 1 + %}","Cause":5"#,
            r#""Type":"Map","Items":"x","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true"#,
            r#""Type":"Map","Items":5,"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true"#,
        ]),
        expect![[r#"
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Output":"{% 1 + %}","End":true}}}
                INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/A/Output
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Output":{"v":[1,{"w":"{% a[1,2) %}"}]},"End":true}}}
                INVALID_JSONATA_EXPRESSION: Expected "]", got "," at /States/A/Output/v[1]/w
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Output":{"v":"{% phone %}"},"End":true}}}
                UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/A/Output/v
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Output":"{% $$ %}","End":true}}}
                UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported. at /States/A/Output
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Output":"{% $states.errorOutput %}","End":true}}}
                UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.errorOutput' does not exist. at /States/A/Output
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Output":"{% $states.result %}","Assign":{"x":"{% $states.result %}"},"End":true}}}
                UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.result' does not exist. at /States/A/Output
                UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.result' does not exist. at /States/A/Assign/x
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Output":"{% $states %}","End":true}}}
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Output":"{% 1","Assign":{"x":"1 %}","y":" {% 1 %} "},"End":true}}}
                SCHEMA_VALIDATION_FAILED: JSONata string must start with {% and end with %} at /States/A/Output
                SCHEMA_VALIDATION_FAILED: JSONata string must start with {% and end with %} at /States/A/Assign/x
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Arguments":{"QueueUrl":"{% $states.result %}","MessageBody":1},"Output":"{% $states.result %}","TimeoutSeconds":"5","HeartbeatSeconds":"{% 1 + %}","End":true}}}
                UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.result' does not exist. at /States/A/Arguments/QueueUrl
                SCHEMA_VALIDATION_FAILED: JSONata string must start with {% and end with %} at /States/A/TimeoutSeconds
                INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/A/HeartbeatSeconds
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Arguments":"{% $states.input %}","Catch":[{"ErrorEquals":["States.ALL"],"Next":"A","ResultPath":"$.e","Output":"{% $states.errorOutput & $states.result %}"}],"End":true}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONata', but field 'ResultPath' is only supported for the 'JSONPath' QueryLanguage at /States/A/Catch[0]
                UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.result' does not exist. at /States/A/Catch[0]/Output
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Wait","Seconds":"x","End":true}}}
                SCHEMA_VALIDATION_FAILED: JSONata string must start with {% and end with %} at /States/A/Seconds
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Wait","Timestamp":"x","End":true}}}
                SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Wait","Timestamp":"{% 1 + %}","End":true}}}
                INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/A/Timestamp
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Condition":"true","Next":"A"},{"Condition":1,"Next":"A"},{"Next":"A"},{"Condition":"{% 1 + %}","Output":"{% x %}","Foo":1}]}}}
                SCHEMA_VALIDATION_FAILED: JSONata string must start with {% and end with %} at /States/A/Choices[0]/Condition
                SCHEMA_VALIDATION_FAILED: JSONata string must start with {% and end with %} at /States/A/Choices[1]/Condition
                SCHEMA_VALIDATION_FAILED: The object must have only one of the following fields, [And, Or, Not, Variable, Condition] at /States/A/Choices[2]
                SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /States/A/Choices[3]
                SCHEMA_VALIDATION_FAILED: These fields are required: [Next] at /States/A/Choices[3]
                INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/A/Choices[3]/Condition
                UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'x' at the top level is not supported. at /States/A/Choices[3]/Output
                MISSING_END_STATE: Workflow has no terminal state at null
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Fail","Error":"{% 1 + %}","Cause":5}}}
                INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/A/Error
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/Cause
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Map","Items":"x","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: JSONata string must start with {% and end with %} at /States/A/Items
            {"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Map","Items":5,"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [ARRAY, OBJECT, STRING] at /States/A/Items
        "#]],
    );
}

#[test]
fn variables() {
    let long = "v".repeat(81);
    check_all(
        &single(&[
            r#""Type":"Pass","Assign":{"states":1,"states.$":"$.a"},"End":true"#,
            r#""Type":"Pass","Assign":{"x.y":1,"x[2]":1,"1a":1,"":1,"_a":1,"a b":1,"ä_9":1},"End":true"#,
            &format!(r#""Type":"Pass","Assign":{{"{long}":1}},"End":true"#),
            r#""Type":"Pass","Assign":[],"End":true"#,
            r#""Type":"Pass","Assign":{"x.$":"a"},"End":true"#,
            r#""Type":"Map","Assign":{"x":1},"ItemProcessor":{"StartAt":"B","States":{"B":{"Type":"Pass","Assign":{"x.$":"$","y":1},"End":true}}},"End":true"#,
            r#""Type":"Map","Assign":{"x":1},"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"B","States":{"B":{"Type":"Pass","Assign":{"x.$":"$"},"End":true}}},"End":true"#,
            r#""Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","Assign":{"x":1},"End":true}}},{"StartAt":"C","States":{"C":{"Type":"Pass","Assign":{"x":1},"End":true}}}],"End":true"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"states":1,"states.$":"$.a"},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The fields 'states' and 'states.$' cannot be used together at /States/A/Assign
                RESERVED_VARIABLE_NAME: Cannot assign to reserved variable '$states'. at /States/A/Assign/states
                RESERVED_VARIABLE_NAME: Cannot assign to reserved variable '$states'. at /States/A/Assign/states.$
            {"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"x.y":1,"x[2]":1,"1a":1,"":1,"_a":1,"a b":1,"ä_9":1},"End":true}}}
                INVALID_VARIABLE_NAME: Invalid variable name 'x.y': the variable name contains invalid characters. at /States/A/Assign/x.y
                INVALID_VARIABLE_NAME: Invalid variable name 'x[2]': the variable name contains invalid characters. at /States/A/Assign/x[2]
                INVALID_VARIABLE_NAME: Invalid variable name '1a': the variable name contains invalid characters. at /States/A/Assign/1a
                INVALID_VARIABLE_NAME: Invalid variable name '': the variable name contains invalid characters. at /States/A/Assign/
                INVALID_VARIABLE_NAME: Invalid variable name '_a': the variable name contains invalid characters. at /States/A/Assign/_a
                INVALID_VARIABLE_NAME: Invalid variable name 'a b': the variable name contains invalid characters. at /States/A/Assign/a b
            {"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv":1},"End":true}}}
                INVALID_VARIABLE_NAME: Invalid variable name 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv': the variable name exceeds the 80-character limit. at /States/A/Assign/vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv
            {"StartAt":"A","States":{"A":{"Type":"Pass","Assign":[],"End":true}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [OBJECT] at /States/A/Assign
            {"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"x.$":"a"},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call at /States/A/Assign
            {"StartAt":"A","States":{"A":{"Type":"Map","Assign":{"x":1},"ItemProcessor":{"StartAt":"B","States":{"B":{"Type":"Pass","Assign":{"x.$":"$","y":1},"End":true}}},"End":true}}}
                INVALID_VARIABLE_NAME: Invalid variable name 'x': the variable is already assigned in an outer scope. at /States/A/ItemProcessor/States/B/Assign/x.$
            {"StartAt":"A","States":{"A":{"Type":"Map","Assign":{"x":1},"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"B","States":{"B":{"Type":"Pass","Assign":{"x.$":"$"},"End":true}}},"End":true}}}
            {"StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","Assign":{"x":1},"End":true}}},{"StartAt":"C","States":{"C":{"Type":"Pass","Assign":{"x":1},"End":true}}}],"End":true}}}
        "#]],
    );
}
