//! Parallel and Map states.

use expect_test::expect;

use super::super::{check_all, diagnose, single};
use crate::MachineType;

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
