//! Machines: their fields, transitions and names.

use expect_test::expect;

use super::super::{check_all, machines, states};

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
