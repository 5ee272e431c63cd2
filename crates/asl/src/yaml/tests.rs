use expect_test::{Expect, expect};

use serde_json::Value;

use crate::{Definition, MachineType, render_diagnostic};

/// The definition as JSON, or why it is refused.
fn check(yaml: &str, expected: Expect) {
    let definition = Definition::from_yaml(yaml);
    let shown = match definition.to_json() {
        Some(json) => serde_json::from_str::<Value>(&json).unwrap().to_string(),
        None => {
            let compiled = definition.compile(MachineType::Standard);
            let found = compiled.diagnostics.iter();
            found.map(|found| render_diagnostic("a.asl.yaml", yaml, found)).collect()
        }
    };
    expected.assert_eq(&shown);
}

#[test]
fn scalars_are_those_of_the_core_schema() {
    check(
        "a: [~, null, true, False, 1, -2, +3, 0x1F, 0o17, 007, 1.0, .5, 5., 1e3, -1.5E-2]\n\
         b: ['1', \"true\", !!str 1, !!float 1, yes, no, 1_000, 1.2.3, 12e, '', 2024-01-02T03:04:05Z]\n\
         c: 18446744073709551615\n\
         d: 18446744073709551616\n\
         e: |\n  two\n  lines\n\
         f: >-\n  one\n  line\n\
         g:\n\
         1: one\n",
        expect![[
            r#"{"a":[null,null,true,false,1,-2,3,31,15,7,1.0,0.5,5.0,1000.0,-0.015],"b":["1","true","1",1,"yes","no","1_000","1.2.3","12e","","2024-01-02T03:04:05Z"],"c":18446744073709551615,"d":1.8446744073709552e+19,"e":"two\nlines\n","f":"one line","g":null,"1":"one"}"#
        ]],
    );
}

#[test]
fn anchors_aliases_and_merge_keys_are_followed() {
    check(
        "retry: &retry\n  - ErrorEquals: [States.ALL]\n    MaxAttempts: 2\n\
         base: &base {Type: Task, Retry: *retry}\n\
         a:\n  <<: *base\n  Type: Pass\n\
         b:\n  <<: [*base, {End: true, Type: no}]\n",
        expect![[
            r#"{"retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":2}],"base":{"Type":"Task","Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":2}]},"a":{"Type":"Pass","Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":2}]},"b":{"Type":"Task","Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":2}],"End":true}}"#
        ]],
    );
}

#[test]
fn what_json_cannot_say_is_refused() {
    check(
        "a: 1\na: 2\n",
        expect![[r#"
            a.asl.yaml:1:1: error[INVALID_YAML_DESCRIPTION]: the key 'a' comes again further down
              |
            1 | a: 1
              | ^
        "#]],
    );
    check(
        "a: .inf\n",
        expect![[r#"
        a.asl.yaml:1:4: error[INVALID_YAML_DESCRIPTION]: .inf cannot be said in JSON
          |
        1 | a: .inf
          |    ^^^^
    "#]],
    );
    check(
        "a: !Sub '${x}'\n",
        expect![[r#"
        a.asl.yaml:1:4: error[INVALID_YAML_DESCRIPTION]: the tag !Sub has no meaning here
          |
        1 | a: !Sub '${x}'
          |    ^^^^^^^^^^^
    "#]],
    );
    check(
        "a: !!int x\n",
        expect![[r#"
            a.asl.yaml:1:4: error[INVALID_YAML_DESCRIPTION]: 'x' does not fit the tag !!int
              |
            1 | a: !!int x
              |    ^^^^^^^
        "#]],
    );
    check(
        "? [a]\n: 1\n",
        expect![[r#"
        a.asl.yaml:1:3: error[INVALID_YAML_DESCRIPTION]: a key must be a scalar
          |
        1 | ? [a]
          |   ^
    "#]],
    );
    check(
        "a: &x\n  b: *x\n",
        expect![[r#"
        a.asl.yaml:2:6: error[INVALID_YAML_DESCRIPTION]: an alias cannot name what it stands in
          |
        2 |   b: *x
          |      ^^
    "#]],
    );
    check(
        "a: 1\n---\nb: 2\n",
        expect![[r#"
        a.asl.yaml:2:1: error[INVALID_YAML_DESCRIPTION]: a definition is one document, and here begins another
          |
        2 | ---
          | ^^^
    "#]],
    );
    check(
        "<<: 1\n",
        expect![[r#"
        a.asl.yaml:1:5: error[INVALID_YAML_DESCRIPTION]: << takes mappings
          |
        1 | <<: 1
          |     ^
    "#]],
    );
}

#[test]
fn syntax_errors_have_a_place() {
    check(
        "States:\n  A: {Type: Pass\n  B: 1\n",
        expect![[r#"
        a.asl.yaml:3:4: error[INVALID_YAML_DESCRIPTION]: while parsing a flow mapping, did not find expected ',' or '}'
          |
        3 |   B: 1
          |    ^
    "#]],
    );
    check(
        "a: b: c\n",
        expect![[r#"
        a.asl.yaml:1:5: error[INVALID_YAML_DESCRIPTION]: mapping values are not allowed in this context
          |
        1 | a: b: c
          |     ^
    "#]],
    );
    check(
        "a: *nothing\n",
        expect![[r#"
        a.asl.yaml:1:4: error[INVALID_YAML_DESCRIPTION]: while parsing node, found unknown anchor
          |
        1 | a: *nothing
          |    ^
    "#]],
    );
    check(
        "- a\n",
        expect![[r#"
        a.asl.yaml:1:1: error[SCHEMA_VALIDATION_FAILED]: Definition must be a valid JSON object
          |
        1 | - a
          | ^^^
    "#]],
    );
    check(
        "",
        expect![[r#"
        a.asl.yaml:1:1: error[SCHEMA_VALIDATION_FAILED]: Definition must be a valid JSON object
    "#]],
    );
}

#[test]
fn findings_point_into_the_yaml() {
    let yaml = "\
# Ships an order
StartAt: Ship
States:
  Ship:
    Type: Task
    Resource: arn:aws:states:::lambda:invoke
    Timeout: 3
    Parameters:
      Payload.$: $.[
    Retry:
      - ErrorEquals: [States.ALL]
        MaxAttempts: many
    Next: Päck
  Done: {Type: Succeed}
";
    let found = Definition::from_yaml(yaml).compile(MachineType::Standard).diagnostics;
    let shown: String =
        found.iter().map(|found| render_diagnostic("ship.asl.yaml", yaml, found)).collect();
    expect![[r#"
        ship.asl.yaml:7:5: error[SCHEMA_VALIDATION_FAILED]: Field 'Timeout' is not supported
          |
        7 |     Timeout: 3
          |     ^^^^^^^
          = at /States/Ship
        ship.asl.yaml:9:7: error[SCHEMA_VALIDATION_FAILED]: The field 'FunctionName' is required but was missing
          |
        9 |       Payload.$: $.[
          |       ^^^^^^^^^^^^^^
          = at /States/Ship/Parameters
        ship.asl.yaml:9:7: error[SCHEMA_VALIDATION_FAILED]: The value for the field 'Payload.$' must be a valid JSONPath or a valid intrinsic function call
          |
        9 |       Payload.$: $.[
          |       ^^^^^^^^^^^^^^
          = at /States/Ship/Parameters
        ship.asl.yaml:12:22: error[SCHEMA_VALIDATION_FAILED]: Expected value of type Integer
           |
        12 |         MaxAttempts: many
           |                      ^^^^
          = at /States/Ship/Retry[0]/MaxAttempts
        ship.asl.yaml:13:11: error[MISSING_TRANSITION_TARGET]: Missing 'Next' target: Päck
           |
        13 |     Next: Päck
           |           ^^^^
          = at /States/Ship/Next
        ship.asl.yaml:14:3: error[MISSING_TRANSITION_TARGET]: State "Done" is not reachable.
           |
        14 |   Done: {Type: Succeed}
           |   ^^^^
          = at /States/Done
    "#]].assert_eq(&shown);
}

#[test]
fn a_few_lines_cannot_become_a_mountain() {
    let mut yaml = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let inner = format!("*a{}, ", level - 1).repeat(10);
        yaml.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    let found = Definition::from_yaml(&yaml).compile(MachineType::Standard).diagnostics;
    assert_eq!(found[0].message, "more than 200000 values");
    let deep = "[".repeat(100_000);
    let found = Definition::from_yaml(&deep).compile(MachineType::Standard).diagnostics;
    assert_eq!(found[0].code, "INVALID_YAML_DESCRIPTION");
}
