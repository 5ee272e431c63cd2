//! Bad definitions and what AWS says of them.

use expect_test::expect;

use super::{check_all, diagnose, jsonata, machines, single, states};
use crate::MachineType;

#[test]
fn machine_fields() {
    let pass = r#""A":{"Type":"Pass","End":true}"#;
    check_all(
        &machines(&[
            "",
            r#""StartAt":"A""#,
            &format!(r#""States":{{{pass}}}"#),
            r#""StartAt":"A","States":{}"#,
            r#""StartAt":1,"States":[]"#,
            &format!(r#""StartAt":"A","States":{{{pass}}},"Foo":1,"comment":"x""#),
            &format!(r#""StartAt":"A","States":{{{pass}}},"Version":"2.0","Comment":5"#),
            &format!(r#""StartAt":"A","States":{{{pass}}},"TimeoutSeconds":-1"#),
            &format!(r#""StartAt":"A","States":{{{pass}}},"TimeoutSeconds":100000000"#),
            &format!(r#""StartAt":"A","States":{{{pass}}},"TimeoutSeconds":1.5"#),
            &format!(r#""StartAt":"A","States":{{{pass}}},"TimeoutSeconds":"1""#),
            &format!(r#""StartAt":"A","States":{{{pass}}},"TimeoutSeconds":0"#),
            &format!(r#""StartAt":"A","States":{{{pass}}},"QueryLanguage":5"#),
            &format!(r#""StartAt":"A","States":{{{pass}}},"QueryLanguage":"jsonpath""#),
        ]),
        expect![[r#"
            {}
                SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /
            {"StartAt":"A"}
                SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /
            {"States":{"A":{"Type":"Pass","End":true}}}
                SCHEMA_VALIDATION_FAILED: These fields are required: [StartAt] at /
            {"StartAt":"A","States":{}}
                SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States
            {"StartAt":1,"States":[]}
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /StartAt
                SCHEMA_VALIDATION_FAILED: Expected value of type [OBJECT] at /States
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true}},"Foo":1,"comment":"x"}
                SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /
                SCHEMA_VALIDATION_FAILED: Field 'comment' is not supported at /
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true}},"Version":"2.0","Comment":5}
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [1.0] at /Version
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /Comment
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true}},"TimeoutSeconds":-1}
                SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /TimeoutSeconds
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true}},"TimeoutSeconds":100000000}
                SCHEMA_VALIDATION_FAILED: Maximum value is 99999999 at /TimeoutSeconds
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true}},"TimeoutSeconds":1.5}
                SCHEMA_VALIDATION_FAILED: Expected value of type Integer at /TimeoutSeconds
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true}},"TimeoutSeconds":"1"}
                SCHEMA_VALIDATION_FAILED: Expected value of type Integer at /TimeoutSeconds
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true}},"TimeoutSeconds":0}
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true}},"QueryLanguage":5}
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /QueryLanguage
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":true}},"QueryLanguage":"jsonpath"}
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [JSONPath, JSONata] at /QueryLanguage
        "#]],
    );
    let others = ["[]", "\"text\"", "1", "null", "true"].map(str::to_owned);
    check_all(
        &others,
        expect![[r#"
        []
            SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null
        "text"
            SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null
        1
            SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null
        null
            SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null
        true
            SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null
    "#]],
    );
}

#[test]
fn transitions() {
    check_all(
        &states(&[
            r#""B":{"Type":"Pass","End":true}"#,
            r#""A":{"Type":"Pass","Next":"C"},"B":{"Type":"Pass","End":true}"#,
            r#""A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}"#,
            r#""A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Pass","Next":"A"}"#,
            r#""A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Pass","End":true}"#,
            r#""A":{"Type":"Pass","Next":"C"}"#,
            r#""A":{"Type":"Pass"},"B":{"Type":"Succeed"}"#,
            r#""A":{"Type":"Pass","Next":"B","End":true},"B":{"Type":"Succeed"}"#,
            r#""A":{"Type":"Pass","Next":"B","End":false},"B":{"Type":"Succeed"}"#,
            r#""A":{"Type":"Pass","End":"true"},"B":{"Type":"Succeed"}"#,
            r#""A":{"Type":"Pass","Next":1},"B":{"Type":"Succeed"}"#,
            r#""A":{"Type":"Succeed","Next":"B","End":true},"B":{"Type":"Succeed"}"#,
            r#""A":{"Type":"Choice","Choices":[{"Variable":"$.x","IsPresent":true,"Next":"X"}],"Default":"Y"},"B":{"Type":"Succeed"}"#,
            r#""A":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","Catch":[{"ErrorEquals":["States.ALL"],"Next":"X"}],"End":true}"#,
            r#""A":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Succeed"}}}],"End":true}"#,
            r#""A":{"Type":"Map","ItemProcessor":{"StartAt":"X","States":{"B":{"Type":"Pass","End":true}}},"End":true}"#,
            r#""A":{"Type":"Map","Iterator":{"StartAt":"B","States":{"B":{"Type":"Pass","Next":"C"},"C":{"Type":"Pass","Next":"B"}}},"End":true}"#,
            r#""A":{"Type":"Pass","Next":"a/b"},"a/b":{"Type":"Pass","End":true},"c/d":{"Type":"Pass","End":true}"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"B":{"Type":"Pass","End":true}}}
                MISSING_TRANSITION_TARGET: Missing 'Next' target: A at /StartAt
                MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"C"},"B":{"Type":"Pass","End":true}}}
                MISSING_TRANSITION_TARGET: Missing 'Next' target: C at /States/A/Next
                MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"}}}
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Pass","Next":"A"}}}
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Pass","End":true}}}
                MISSING_TRANSITION_TARGET: State "C" is not reachable. at /States/C
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"C"}}}
                MISSING_TRANSITION_TARGET: Missing 'Next' target: C at /States/A/Next
                MISSING_END_STATE: Workflow has no terminal state at null
            {"StartAt":"A","States":{"A":{"Type":"Pass"},"B":{"Type":"Succeed"}}}
                SCHEMA_VALIDATION_FAILED: This object should have only one of the following fields: [Next, End] at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B","End":true},"B":{"Type":"Succeed"}}}
                SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [Next, End] at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B","End":false},"B":{"Type":"Succeed"}}}
            {"StartAt":"A","States":{"A":{"Type":"Pass","End":"true"},"B":{"Type":"Succeed"}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [BOOLEAN] at /States/A/End
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":1},"B":{"Type":"Succeed"}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/Next
            {"StartAt":"A","States":{"A":{"Type":"Succeed","Next":"B","End":true},"B":{"Type":"Succeed"}}}
                SCHEMA_VALIDATION_FAILED: Field 'Next' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Field 'End' is not supported at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.x","IsPresent":true,"Next":"X"}],"Default":"Y"},"B":{"Type":"Succeed"}}}
                MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Choices[0]/Next
                MISSING_TRANSITION_TARGET: Missing 'Next' target: Y at /States/A/Default
                MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","Catch":[{"ErrorEquals":["States.ALL"],"Next":"X"}],"End":true}}}
                MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Catch[0]/Next
            {"StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","Next":"A"},"C":{"Type":"Succeed"}}}],"End":true}}}
                MISSING_TRANSITION_TARGET: Missing 'Next' target: A at /States/A/Branches[0]/States/B/Next
                MISSING_TRANSITION_TARGET: State "C" is not reachable. at /States/A/Branches[0]/States/C
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"X","States":{"B":{"Type":"Pass","End":true}}},"End":true}}}
                MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/ItemProcessor/StartAt
                MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/A/ItemProcessor/States/B
            {"StartAt":"A","States":{"A":{"Type":"Map","Iterator":{"StartAt":"B","States":{"B":{"Type":"Pass","Next":"C"},"C":{"Type":"Pass","Next":"B"}}},"End":true}}}
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"a/b"},"a/b":{"Type":"Pass","End":true},"c/d":{"Type":"Pass","End":true}}}
                MISSING_TRANSITION_TARGET: State "c/d" is not reachable. at /States/c/d
        "#]],
    );
}

#[test]
fn names() {
    let long = "n".repeat(81);
    let ok = "ü".repeat(80);
    check_all(
        &states(&[
            &format!(r#""A":{{"Type":"Pass","Next":"{long}"}},"{long}":{{"Type":"Succeed"}}"#),
            &format!(r#""A":{{"Type":"Pass","Next":"{ok}"}},"{ok}":{{"Type":"Succeed"}}"#),
            r#""A":{"Type":"Pass","Next":""},"":{"Type":"Succeed"}"#,
            r#""A":{"Type":"Parallel","Branches":[{"StartAt":"X","States":{"X":{"Type":"Pass","End":true}}},{"StartAt":"X","States":{"X":{"Type":"Pass","End":true}}}],"End":true}"#,
            r#""A":{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}"#,
            r#""A":{"Type":"Pass","Next":"B"},"B":5"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"},"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn":{"Type":"Succeed"}}}
                INVALID_STATE_NAME: Invalid State name: State 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn' exceeds the 80-character limit allowed by the service at /States/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü"},"üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü":{"Type":"Succeed"}}}
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":""},"":{"Type":"Succeed"}}}
                INVALID_STATE_NAME: Invalid State name: State name cannot be empty at /States/
            {"StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[{"StartAt":"X","States":{"X":{"Type":"Pass","End":true}}},{"StartAt":"X","States":{"X":{"Type":"Pass","End":true}}}],"End":true}}}
                DUPLICATE_STATE_NAME: Duplicate State name: X at /States/A/Branches[1]/States/X
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}},"End":true}}}
                DUPLICATE_STATE_NAME: Duplicate State name: A at /States/A/ItemProcessor/States/A
            {"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":5}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [OBJECT] at /States/B
        "#]],
    );
}

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

#[test]
fn tasks() {
    check_all(
        &single(&[
            r#""Type":"Task","End":true"#,
            r#""Type":"Task","Resource":5,"End":true"#,
            r#""Type":"Task","Resource":"${Function}","End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::dynamodb:query","Parameters":{},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"Payload":{}},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl.$":"$.q"},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"q","MessageBody":1,"queueUrl":1,"Foo.$":"$.a"},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::aws-sdk:sqs:listQueues","Parameters":{},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":0,"HeartbeatSeconds":100000000,"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":"5","HeartbeatSeconds":1.5,"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":5,"TimeoutSecondsPath":"$.t","End":true"#,
            r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":5,"HeartbeatSeconds":5,"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSecondsPath":"t","HeartbeatSecondsPath":"$$.Execution.Input.h","End":true"#,
            r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Credentials":{},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Credentials":{"RoleArn":"r","Foo":1},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","Credentials":{"RoleArn.$":"$.r"},"End":true"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Task","End":true}}}
                SCHEMA_VALIDATION_FAILED: These fields are required: [Resource] at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":5,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type [STRING] at /States/A/Resource
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"${Function}","End":true}}}
                SCHEMA_VALIDATION_FAILED: Value is not a valid resource ARN at /States/A/Resource
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::dynamodb:query","Parameters":{},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::dynamodb:query is not recognized. The value is not a valid resource ARN, or the resource is not available in this region. at /States/A/Resource
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","End":true}}}
                SCHEMA_VALIDATION_FAILED: Parameters field is required for resource ARN: arn:aws:states:::lambda:invoke at /States/A/Resource
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"Payload":{}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field 'FunctionName' is required but was missing at /States/A/Parameters
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl.$":"$.q"},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field 'MessageBody' is required but was missing at /States/A/Parameters
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"q","MessageBody":1,"queueUrl":1,"Foo.$":"$.a"},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field "queueUrl" is not supported by Step Functions at /States/A/Parameters
                SCHEMA_VALIDATION_FAILED: The field "Foo" is not supported by Step Functions at /States/A/Parameters
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sqs:listQueues","Parameters":{},"End":true}}}
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":0,"HeartbeatSeconds":100000000,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Minimum value is 1 at /States/A/TimeoutSeconds
                SCHEMA_VALIDATION_FAILED: Maximum value is 99999999 at /States/A/HeartbeatSeconds
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":"5","HeartbeatSeconds":1.5,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Expected value of type Integer at /States/A/TimeoutSeconds
                SCHEMA_VALIDATION_FAILED: Expected value of type Integer at /States/A/HeartbeatSeconds
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":5,"TimeoutSecondsPath":"$.t","End":true}}}
                SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [TimeoutSeconds, TimeoutSecondsPath] at /States/A
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSeconds":5,"HeartbeatSeconds":5,"End":true}}}
                SCHEMA_VALIDATION_FAILED: 'HeartbeatSeconds' must be smaller than 'TimeoutSeconds' at /States/A/HeartbeatSeconds
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","TimeoutSecondsPath":"t","HeartbeatSecondsPath":"$$.Execution.Input.h","End":true}}}
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with '$' at /States/A/TimeoutSecondsPath
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Credentials":{},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field 'RoleArn' is required but was missing at /States/A/Credentials
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","Credentials":{"RoleArn":"r","Foo":1},"End":true}}}
                SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /States/A/Credentials
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","Credentials":{"RoleArn.$":"$.r"},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field 'Credentials' is not supported for activities at /States/A/Credentials
        "#]],
    );
}

#[test]
fn express() {
    let nested = r#"{"StateMachineArn":"s"}"#;
    let resources = [
        ("arn:aws:states:us-east-1:123456789012:activity:a", "{}"),
        (
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            r#"{"QueueUrl":"q","MessageBody":1}"#,
        ),
        ("arn:aws:states:::states:startExecution.sync", nested),
        ("arn:aws:states:::states:startExecution.sync:2", nested),
        ("arn:aws:states:::states:startExecution", nested),
    ];
    let mut shown = String::new();
    for (resource, parameters) in resources {
        shown += &format!("{resource}\n");
        let state = format!(
            r#""Type":"Task","Resource":"{resource}","Parameters":{parameters},"End":true"#
        );
        shown += &diagnose(&single(&[&state])[0], MachineType::Express);
        // The children of a distributed Map may be Express in a Standard machine.
        let map = format!(
            r#""Type":"Map","ItemProcessor":{{"ProcessorConfig":{{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"}},"StartAt":"T","States":{{"T":{{{state}}}}}}},"End":true"#
        );
        shown += &diagnose(&single(&[&map])[0], MachineType::Standard);
        shown += &diagnose(&single(&[&map])[0], MachineType::Express);
    }
    expect![[r#"
        arn:aws:states:us-east-1:123456789012:activity:a
            SCHEMA_VALIDATION_FAILED: Express state machine does not support Activity ARN at /States/A/Resource
            SCHEMA_VALIDATION_FAILED: Express state machine does not support Activity ARN at /States/A/ItemProcessor/States/T/Resource
            SCHEMA_VALIDATION_FAILED: The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines at /States/A/ItemProcessor/ProcessorConfig/Mode
            SCHEMA_VALIDATION_FAILED: Express state machine does not support Activity ARN at /States/A/ItemProcessor/States/T/Resource
        arn:aws:states:::sqs:sendMessage.waitForTaskToken
            SCHEMA_VALIDATION_FAILED: Express state machine does not support '.waitForTaskToken' service integration  at /States/A/Resource
            SCHEMA_VALIDATION_FAILED: Express state machine does not support '.waitForTaskToken' service integration  at /States/A/ItemProcessor/States/T/Resource
            SCHEMA_VALIDATION_FAILED: The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines at /States/A/ItemProcessor/ProcessorConfig/Mode
            SCHEMA_VALIDATION_FAILED: Express state machine does not support '.waitForTaskToken' service integration  at /States/A/ItemProcessor/States/T/Resource
        arn:aws:states:::states:startExecution.sync
            SCHEMA_VALIDATION_FAILED: Express state machine does not support '.sync' service integration at /States/A/Resource
            SCHEMA_VALIDATION_FAILED: Express state machine does not support '.sync' service integration at /States/A/ItemProcessor/States/T/Resource
            SCHEMA_VALIDATION_FAILED: The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines at /States/A/ItemProcessor/ProcessorConfig/Mode
            SCHEMA_VALIDATION_FAILED: Express state machine does not support '.sync' service integration at /States/A/ItemProcessor/States/T/Resource
        arn:aws:states:::states:startExecution.sync:2
            SCHEMA_VALIDATION_FAILED: Express state machine does not support '.sync' service integration at /States/A/Resource
            SCHEMA_VALIDATION_FAILED: Express state machine does not support '.sync' service integration at /States/A/ItemProcessor/States/T/Resource
            SCHEMA_VALIDATION_FAILED: The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines at /States/A/ItemProcessor/ProcessorConfig/Mode
            SCHEMA_VALIDATION_FAILED: Express state machine does not support '.sync' service integration at /States/A/ItemProcessor/States/T/Resource
        arn:aws:states:::states:startExecution
            SCHEMA_VALIDATION_FAILED: The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines at /States/A/ItemProcessor/ProcessorConfig/Mode
    "#]].assert_eq(&shown);
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

#[test]
fn parallels_and_maps() {
    let item = r#""StartAt":"P","States":{"P":{"Type":"Succeed"}}"#;
    let definitions = [
        r#""Type":"Parallel","End":true"#.to_owned(),
        r#""Type":"Parallel","Branches":[],"End":true"#.to_owned(),
        r#""Type":"Parallel","Branches":{},"End":true"#.to_owned(),
        r#""Type":"Parallel","Branches":[{},5,{"StartAt":"P"}],"End":true"#.to_owned(),
        r#""Type":"Map","End":true"#.to_owned(),
        format!(r#""Type":"Map","ItemProcessor":{{{item}}},"Iterator":{{{item}}},"End":true"#),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item},"Foo":1,"ProcessorConfig":5}},"End":true"#
        ),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item},"ProcessorConfig":{{"Mode":"X"}}}},"End":true"#
        ),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item},"ProcessorConfig":{{"Mode":"INLINE","ExecutionType":"STANDARD"}}}},"End":true"#
        ),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item},"ProcessorConfig":{{"Mode":"DISTRIBUTED"}}}},"End":true"#
        ),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item},"ProcessorConfig":{{"Mode":"DISTRIBUTED","ExecutionType":"FAST"}}}},"End":true"#
        ),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item}}},"ItemSelector":{{}},"Parameters":{{}},"ItemsPath":"x","MaxConcurrency":-1,"End":true"#
        ),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item}}},"ItemsPath":"$$.Execution.Input.a","MaxConcurrencyPath":"$$.Execution.Input.n","End":true"#
        ),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item}}},"MaxConcurrency":1,"MaxConcurrencyPath":"$.a","ToleratedFailurePercentage":101,"ToleratedFailureCount":-1,"End":true"#
        ),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item}}},"MaxConcurrency":9223372036854775807,"ToleratedFailurePercentage":-0.5,"End":true"#
        ),
        format!(
            r#""Type":"Map","ItemProcessor":{{{item}}},"ItemReader":{{}},"ItemBatcher":{{}},"ResultWriter":{{}},"Label":"L","End":true"#
        ),
    ];
    check_all(
        &single(&definitions.each_ref().map(String::as_str)),
        expect![[r#"
        {"StartAt":"A","States":{"A":{"Type":"Parallel","End":true}}}
            SCHEMA_VALIDATION_FAILED: These fields are required: [Branches] at /States/A
        {"StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[],"End":true}}}
            SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/A/Branches
        {"StartAt":"A","States":{"A":{"Type":"Parallel","Branches":{},"End":true}}}
            SCHEMA_VALIDATION_FAILED: Expected value of type [ARRAY] at /States/A/Branches
        {"StartAt":"A","States":{"A":{"Type":"Parallel","Branches":[{},5,{"StartAt":"P"}],"End":true}}}
            SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /States/A/Branches[0]
            SCHEMA_VALIDATION_FAILED: Expected value of type [OBJECT] at /States/A/Branches[1]
            SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /States/A/Branches[2]
        {"StartAt":"A","States":{"A":{"Type":"Map","End":true}}}
            SCHEMA_VALIDATION_FAILED: This object should have only one of the following fields: [ItemProcessor, Iterator] at /States/A
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"Iterator":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true}}}
            SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [ItemProcessor, Iterator] at /States/A
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}},"Foo":1,"ProcessorConfig":5},"End":true}}}
            SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /States/A/ItemProcessor
            SCHEMA_VALIDATION_FAILED: Expected value of type [OBJECT] at /States/A/ItemProcessor/ProcessorConfig
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}},"ProcessorConfig":{"Mode":"X"}},"End":true}}}
            SCHEMA_VALIDATION_FAILED: Value should be one of the following: [INLINE, DISTRIBUTED] at /States/A/ItemProcessor/ProcessorConfig/Mode
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}},"ProcessorConfig":{"Mode":"INLINE","ExecutionType":"STANDARD"}},"End":true}}}
            SCHEMA_VALIDATION_FAILED: Field 'ExecutionType' is not supported at /States/A/ItemProcessor/ProcessorConfig
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}},"ProcessorConfig":{"Mode":"DISTRIBUTED"}},"End":true}}}
            SCHEMA_VALIDATION_FAILED: These fields are required: [ExecutionType] at /States/A/ItemProcessor/ProcessorConfig
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}},"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"FAST"}},"End":true}}}
            SCHEMA_VALIDATION_FAILED: Value should be one of the following: [STANDARD, EXPRESS] at /States/A/ItemProcessor/ProcessorConfig/ExecutionType
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"ItemSelector":{},"Parameters":{},"ItemsPath":"x","MaxConcurrency":-1,"End":true}}}
            SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [ItemSelector, Parameters] at /States/A
            SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with '$' at /States/A/ItemsPath
            SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /States/A/MaxConcurrency
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"ItemsPath":"$$.Execution.Input.a","MaxConcurrencyPath":"$$.Execution.Input.n","End":true}}}
            SCHEMA_VALIDATION_FAILED: Value is not a Reference Path at /States/A/MaxConcurrencyPath
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"MaxConcurrency":1,"MaxConcurrencyPath":"$.a","ToleratedFailurePercentage":101,"ToleratedFailureCount":-1,"End":true}}}
            SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [MaxConcurrency, MaxConcurrencyPath] at /States/A
            SCHEMA_VALIDATION_FAILED: Maximum value is 100.0 at /States/A/ToleratedFailurePercentage
            SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /States/A/ToleratedFailureCount
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"MaxConcurrency":9223372036854775807,"ToleratedFailurePercentage":-0.5,"End":true}}}
            SCHEMA_VALIDATION_FAILED: Minimum value is 0.0 at /States/A/ToleratedFailurePercentage
        {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"ItemReader":{},"ItemBatcher":{},"ResultWriter":{},"Label":"L","End":true}}}
            SCHEMA_VALIDATION_FAILED: Field 'ItemReader' is not supported at /States/A
            SCHEMA_VALIDATION_FAILED: Field 'ItemBatcher' is not supported at /States/A
            SCHEMA_VALIDATION_FAILED: Field 'ResultWriter' is not supported at /States/A
    "#]],
    );
}

#[test]
fn distributed_maps() {
    let processor = r#""Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true"#;
    let long = "l".repeat(41);
    let definitions = [
        r#""ItemReader":{}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:putObject","Arguments":{}}"#,
        r#""ItemReader":{"Resource":"arn:aws-cn:states:::s3:getObject","ReaderConfig":{"InputType":"XML","Foo":1}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV"}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"GIVEN"}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"NOWHERE","CSVDelimiter":"X"}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","CSVHeaderLocation":"FIRST_ROW"}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","MaxItems":1,"MaxItemsPath":"$.m"}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","MaxItems":100000001,"Transformation":"X","ManifestType":"X"}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:listObjectsV2","ReaderConfig":{"Transformation":"LOAD_AND_FLATTEN"}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","ItemsPointer":"data/items"}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","ManifestType":"ATHENA_DATA"}}"#,
        r#""ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSONL","CSVHeaderLocation":"GIVEN","CSVHeaders":["id"]}}"#,
        r#""ItemBatcher":{}"#,
        r#""ItemBatcher":{"MaxItemsPerBatch":-1,"MaxInputBytesPerBatch":262145,"BatchInput":{"x.$":"y"}}"#,
        r#""ResultWriter":{}"#,
        r#""ResultWriter":{"Resource":"arn:aws:states:::s3:getObject","Parameters":{}}"#,
        r#""ResultWriter":{"Resource":"arn:aws:states:::s3:putObject"}"#,
        r#""ResultWriter":{"Parameters":{},"Arguments":{}}"#,
        r#""ResultWriter":{"WriterConfig":{"Transformation":"COMPACT"}}"#,
        r#""ResultWriter":{"WriterConfig":{"Transformation":"X","OutputType":"CSV"}}"#,
        &format!(r#""Label":"{long}""#),
        r#""Label":"a b""#,
        r#""Label":"""#,
    ];
    let definitions = definitions.map(|fields| format!("{processor},{fields}"));
    check_all(
        &single(&definitions.each_ref().map(String::as_str)),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{}}}}
                SCHEMA_VALIDATION_FAILED: These fields are required: [Resource] at /States/A/ItemReader
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:putObject","Arguments":{}}}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Arguments' is only supported for the 'JSONata' QueryLanguage at /States/A/ItemReader
                SCHEMA_VALIDATION_FAILED: The field 'Resource' does not match any of the allowed values. Examples: [arn:<partition>:states:::s3:getObject, arn:<partition>:states:::s3:listObjectsV2] at /States/A/ItemReader/Resource
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws-cn:states:::s3:getObject","ReaderConfig":{"InputType":"XML","Foo":1}}}}}
                SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /States/A/ItemReader/ReaderConfig
                SCHEMA_VALIDATION_FAILED: The field 'InputType' should have one of these values: [MANIFEST, JSON, CSV, JSONL, PARQUET] at /States/A/ItemReader/ReaderConfig/InputType
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV"}}}}}
                SCHEMA_VALIDATION_FAILED: The field 'CSVHeaderLocation' is required at /States/A/ItemReader/ReaderConfig
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"GIVEN"}}}}}
                SCHEMA_VALIDATION_FAILED: These fields are required: [CSVHeaders] at /States/A/ItemReader/ReaderConfig
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"NOWHERE","CSVDelimiter":"X"}}}}}
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [FIRST_ROW, GIVEN] at /States/A/ItemReader/ReaderConfig/CSVHeaderLocation
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [COMMA, PIPE, SEMICOLON, SPACE, TAB] at /States/A/ItemReader/ReaderConfig/CSVDelimiter
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","CSVHeaderLocation":"FIRST_ROW"}}}}}
                SCHEMA_VALIDATION_FAILED: Field 'CSVHeaderLocation' is not supported at /States/A/ItemReader/ReaderConfig
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","MaxItems":1,"MaxItemsPath":"$.m"}}}}}
                SCHEMA_VALIDATION_FAILED: There should only be one of the following fields: [MaxItems, MaxItemsPath] at /States/A/ItemReader/ReaderConfig
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","MaxItems":100000001,"Transformation":"X","ManifestType":"X"}}}}}
                SCHEMA_VALIDATION_FAILED: Field 'ManifestType' is not supported at /States/A/ItemReader/ReaderConfig
                SCHEMA_VALIDATION_FAILED: Maximum value is 100000000 at /States/A/ItemReader/ReaderConfig/MaxItems
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [NONE, LOAD_AND_FLATTEN] at /States/A/ItemReader/ReaderConfig/Transformation
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [ATHENA_DATA, S3_INVENTORY] at /States/A/ItemReader/ReaderConfig/ManifestType
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:listObjectsV2","ReaderConfig":{"Transformation":"LOAD_AND_FLATTEN"}}}}}
                SCHEMA_VALIDATION_FAILED: The field 'InputType' is required at /States/A/ItemReader/ReaderConfig
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","ItemsPointer":"data/items"}}}}}
                SCHEMA_VALIDATION_FAILED: Invalid input: JSON Pointer expression must start with '/': "data/items" at /States/A/ItemReader/ReaderConfig/ItemsPointer
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","ManifestType":"ATHENA_DATA"}}}}}
                SCHEMA_VALIDATION_FAILED: Field 'ManifestType' is not supported at /States/A/ItemReader/ReaderConfig
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSONL","CSVHeaderLocation":"GIVEN","CSVHeaders":["id"]}}}}}
                SCHEMA_VALIDATION_FAILED: Field 'CSVHeaderLocation' is not supported at /States/A/ItemReader/ReaderConfig
                SCHEMA_VALIDATION_FAILED: Field 'CSVHeaders' is not supported at /States/A/ItemReader/ReaderConfig
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemBatcher":{}}}}
                SCHEMA_VALIDATION_FAILED: This object should have at least one of the following fields: [MaxItemsPerBatch, MaxItemsPerBatchPath, MaxInputBytesPerBatch, MaxInputBytesPerBatchPath] at /States/A/ItemBatcher
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ItemBatcher":{"MaxItemsPerBatch":-1,"MaxInputBytesPerBatch":262145,"BatchInput":{"x.$":"y"}}}}}
                SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /States/A/ItemBatcher/MaxItemsPerBatch
                SCHEMA_VALIDATION_FAILED: Maximum value is 262144 at /States/A/ItemBatcher/MaxInputBytesPerBatch
                SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call at /States/A/ItemBatcher/BatchInput
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ResultWriter":{}}}}
                SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/A/ResultWriter
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ResultWriter":{"Resource":"arn:aws:states:::s3:getObject","Parameters":{}}}}}
                SCHEMA_VALIDATION_FAILED: The field 'Resource' does not match any of the allowed values. Examples: [arn:<partition>:states:::s3:putObject] at /States/A/ResultWriter/Resource
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject"}}}}
                SCHEMA_VALIDATION_FAILED: These fields are required: [Parameters] at /States/A/ResultWriter
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ResultWriter":{"Parameters":{},"Arguments":{}}}}}
                SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but field 'Arguments' is only supported for the 'JSONata' QueryLanguage at /States/A/ResultWriter
                SCHEMA_VALIDATION_FAILED: These fields are required: [Resource] at /States/A/ResultWriter
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ResultWriter":{"WriterConfig":{"Transformation":"COMPACT"}}}}}
                SCHEMA_VALIDATION_FAILED: These fields are required: [OutputType] at /States/A/ResultWriter/WriterConfig
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"ResultWriter":{"WriterConfig":{"Transformation":"X","OutputType":"CSV"}}}}}
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [NONE, COMPACT, FLATTEN] at /States/A/ResultWriter/WriterConfig/Transformation
                SCHEMA_VALIDATION_FAILED: Value should be one of the following: [JSON, JSONL] at /States/A/ResultWriter/WriterConfig/OutputType
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"Label":"lllllllllllllllllllllllllllllllllllllllll"}}}
                INVALID_LABEL_NAME: Invalid Label name: Label 'lllllllllllllllllllllllllllllllllllllllll' exceeds the 40-character limit allowed by the service at /States/A/Label
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"Label":"a b"}}}
                INVALID_LABEL_NAME: Invalid Label name: Label 'a b' contains invalid characters at /States/A/Label
            {"StartAt":"A","States":{"A":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Succeed"}}},"End":true,"Label":""}}}
                INVALID_LABEL_NAME: Invalid Label name: Label name cannot be empty at /States/A/Label
        "#]],
    );
    let twice = r#""Type":"Parallel","Branches":[{"StartAt":"A1","States":{"A1":{PROCESSOR,"Label":"L"}}},{"StartAt":"A2","States":{"A2":{PROCESSOR,"Label":"L"}}}],"End":true"#;
    let twice = twice.replacen("PROCESSOR", &processor.replace("\"P\"", "\"P1\""), 1);
    let twice = twice.replacen("PROCESSOR", &processor.replace("\"P\"", "\"P2\""), 1);
    let found = diagnose(&single(&[&twice])[0], MachineType::Standard);
    expect![[r#"
            DUPLICATE_LABEL_NAME: Duplicate Label name: L at /States/A/Branches[1]/States/A2/Label
    "#]]
    .assert_eq(found.trim_start());
}

#[test]
fn findings_come_in_document_order() {
    check_all(
        &states(&[
            r#""A":{"Type":"Pass","Foo":1,"InputPath":"x","ResultPath":"y","Next":"X"},"B":{"Type":"Parallel","Branches":[{"StartAt":"C","States":{"C":{"Type":"Wait","Seconds":-1,"Bar":1,"End":true}}}],"Baz":1,"End":true}"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Pass","Foo":1,"InputPath":"x","ResultPath":"y","Next":"X"},"B":{"Type":"Parallel","Branches":[{"StartAt":"C","States":{"C":{"Type":"Wait","Seconds":-1,"Bar":1,"End":true}}}],"Baz":1,"End":true}}}
                SCHEMA_VALIDATION_FAILED: Field 'Foo' is not supported at /States/A
                SCHEMA_VALIDATION_FAILED: Value must be a valid JSONPath. at /States/A/InputPath
                SCHEMA_VALIDATION_FAILED: Value is not a Reference Path: Reference path didn't start with '$' at /States/A/ResultPath
                SCHEMA_VALIDATION_FAILED: Field 'Baz' is not supported at /States/B
                SCHEMA_VALIDATION_FAILED: Field 'Bar' is not supported at /States/B/Branches[0]/States/C
                SCHEMA_VALIDATION_FAILED: Minimum value is 0 at /States/B/Branches[0]/States/C/Seconds
                MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Next
                MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B
        "#]],
    );
}

#[test]
fn tasks_of_sdk_integrations() {
    check_all(
        &single(&[
            r#""Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:getobject","Parameters":{},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:getObject","End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:getObject","Parameters":{"Bucket.$":"$.b","key":"k"},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::aws-sdk:ec2:describeInstances","Parameters":{"Filter":[],"Filters":[{"Name":"n","Value":"v"}]},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::aws-sdk:dynamodb:putItem","Parameters":{"TableName":"t","Item":{"any":{"BOOL":true},"thing":{"Bool.$":"$.b"},"m":{"M":{"x":{"s":"1"}}}}},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::aws-sdk:rds:describeDBInstances","Parameters":{"DbInstanceIdentifier":"a","DBInstanceIdentifier":"a"},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::aws-sdk:ecs:runTask","QueryLanguage":"JSONata","Arguments":{"TaskDefinition":"{% 1 %}","networkConfiguration":{},"Overrides":{"containerOverrides":[]}},"End":true"#,
            r#""Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:copyObject","Parameters":{"Bucket":"b","Key":"k","CopySource":"s"},"End":true"#,
        ]),
        expect![[r#"
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:getobject","Parameters":{},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::aws-sdk:s3:getobject is not recognized. The value is not a valid resource ARN, or the resource is not available in this region. at /States/A/Resource
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:getObject","End":true}}}
                SCHEMA_VALIDATION_FAILED: Parameters field is required for resource ARN: arn:aws:states:::aws-sdk:s3:getObject at /States/A/Resource
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:getObject","Parameters":{"Bucket.$":"$.b","key":"k"},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field 'Key' is required but was missing at /States/A/Parameters
                SCHEMA_VALIDATION_FAILED: The field "key" is not supported by Step Functions at /States/A/Parameters
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:ec2:describeInstances","Parameters":{"Filter":[],"Filters":[{"Name":"n","Value":"v"}]},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field "Filter" is not supported by Step Functions at /States/A/Parameters
                SCHEMA_VALIDATION_FAILED: The field "Value" is not supported by Step Functions at /States/A/Parameters
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:dynamodb:putItem","Parameters":{"TableName":"t","Item":{"any":{"BOOL":true},"thing":{"Bool.$":"$.b"},"m":{"M":{"x":{"s":"1"}}}}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field "s" is not supported by Step Functions at /States/A/Parameters
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:rds:describeDBInstances","Parameters":{"DbInstanceIdentifier":"a","DBInstanceIdentifier":"a"},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field "DBInstanceIdentifier" is not supported by Step Functions at /States/A/Parameters
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:ecs:runTask","QueryLanguage":"JSONata","Arguments":{"TaskDefinition":"{% 1 %}","networkConfiguration":{},"Overrides":{"containerOverrides":[]}},"End":true}}}
                SCHEMA_VALIDATION_FAILED: The field "networkConfiguration" is not supported by Step Functions at /States/A/Arguments
                SCHEMA_VALIDATION_FAILED: The field "containerOverrides" is not supported by Step Functions at /States/A/Arguments
            {"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:s3:copyObject","Parameters":{"Bucket":"b","Key":"k","CopySource":"s"},"End":true}}}
        "#]],
    );
}
