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
        expect![[""]],
    );
    let others = ["[]", "\"text\"", "1", "null", "true"].map(str::to_owned);
    check_all(&others, expect![[""]]);
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
    );
    check_all(
        &single(&[
            r#""Type":"Map","QueryLanguage":"JSONata","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","Output":1,"End":true}}},"End":true"#,
            r#""Type":"Parallel","QueryLanguage":"JSONata","Branches":[{"StartAt":"P","States":{"P":{"Type":"Pass","Output":1,"End":true}}}],"End":true"#,
            r#""Type":"Map","Items":[1],"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true"#,
        ]),
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
    );
}

#[test]
fn express() {
    let resources = [
        "arn:aws:states:us-east-1:123456789012:activity:a",
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "arn:aws:states:::states:startExecution.sync",
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:::states:startExecution",
    ];
    let mut shown = String::new();
    for resource in resources {
        let state = format!(
            r#""Type":"Task","Resource":"{resource}","Parameters":{{"StateMachineArn":"s","QueueUrl":"q","MessageBody":1}},"End":true"#
        );
        shown += &diagnose(&single(&[&state])[0], MachineType::Express);
        // The children of a distributed Map may be Express in a Standard machine.
        let map = format!(
            r#""Type":"Map","ItemProcessor":{{"ProcessorConfig":{{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"}},"StartAt":"T","States":{{"T":{{{state}}}}}}},"End":true"#
        );
        shown += &diagnose(&single(&[&map])[0], MachineType::Standard);
        shown += &diagnose(&single(&[&map])[0], MachineType::Express);
    }
    expect![[""]].assert_eq(&shown);
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
        expect![[""]],
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
        expect![[""]],
    );
}

#[test]
fn retriers_and_catchers() {
    let task = r#""Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true"#;
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
    check_all(&single(&definitions.each_ref().map(String::as_str)), expect![[""]]);
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
        format!(r#""Type":"Map","ItemProcessor":{{{item},"Foo":1,"ProcessorConfig":5}},"End":true"#),
        format!(r#""Type":"Map","ItemProcessor":{{{item},"ProcessorConfig":{{"Mode":"X"}}}},"End":true"#),
        format!(r#""Type":"Map","ItemProcessor":{{{item},"ProcessorConfig":{{"Mode":"INLINE","ExecutionType":"STANDARD"}}}},"End":true"#),
        format!(r#""Type":"Map","ItemProcessor":{{{item},"ProcessorConfig":{{"Mode":"DISTRIBUTED"}}}},"End":true"#),
        format!(r#""Type":"Map","ItemProcessor":{{{item},"ProcessorConfig":{{"Mode":"DISTRIBUTED","ExecutionType":"FAST"}}}},"End":true"#),
        format!(r#""Type":"Map","ItemProcessor":{{{item}}},"ItemSelector":{{}},"Parameters":{{}},"ItemsPath":"x","MaxConcurrency":-1,"End":true"#),
        format!(r#""Type":"Map","ItemProcessor":{{{item}}},"ItemsPath":"$$.Execution.Input.a","MaxConcurrencyPath":"$$.Execution.Input.n","End":true"#),
        format!(r#""Type":"Map","ItemProcessor":{{{item}}},"MaxConcurrency":1,"MaxConcurrencyPath":"$.a","ToleratedFailurePercentage":101,"ToleratedFailureCount":-1,"End":true"#),
        format!(r#""Type":"Map","ItemProcessor":{{{item}}},"MaxConcurrency":9223372036854775807,"ToleratedFailurePercentage":-0.5,"End":true"#),
        format!(r#""Type":"Map","ItemProcessor":{{{item}}},"ItemReader":{{}},"ItemBatcher":{{}},"ResultWriter":{{}},"Label":"L","End":true"#),
    ];
    check_all(&single(&definitions.each_ref().map(String::as_str)), expect![[""]]);
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
    check_all(&single(&definitions.each_ref().map(String::as_str)), expect![[""]]);
    let twice = r#""Type":"Parallel","Branches":[{"StartAt":"A1","States":{"A1":{PROCESSOR,"Label":"L"}}},{"StartAt":"A2","States":{"A2":{PROCESSOR,"Label":"L"}}}],"End":true"#;
    let twice = twice.replacen("PROCESSOR", &processor.replace("\"P\"", "\"P1\""), 1);
    let twice = twice.replacen("PROCESSOR", &processor.replace("\"P\"", "\"P2\""), 1);
    let found = diagnose(&single(&[&twice])[0], MachineType::Standard);
    expect![[""]].assert_eq(&found);
}

#[test]
fn findings_come_in_document_order() {
    check_all(
        &states(&[
            r#""A":{"Type":"Pass","Foo":1,"InputPath":"x","ResultPath":"y","Next":"X"},"B":{"Type":"Parallel","Branches":[{"StartAt":"C","States":{"C":{"Type":"Wait","Seconds":-1,"Bar":1,"End":true}}}],"Baz":1,"End":true}"#,
        ]),
        expect![[""]],
    );
}
