//! Task states and their resources.

use expect_test::expect;

use super::super::{check_all, diagnose, single};
use crate::MachineType;

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
