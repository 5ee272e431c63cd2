use serde_json::json;

use super::*;
use crate::environment::with_environment;

fn evaluate(call: &str, input: &Value) -> String {
    let Some(call) = IntrinsicCall::parse(call) else { return "no call".to_owned() };
    match with_environment(input, |environment| call.evaluate(environment)) {
        Ok(value) => value.to_string(),
        Err(error) => {
            assert_eq!(error.error, "States.Runtime");
            error.cause.split_once("error: ").unwrap().1.to_owned()
        }
    }
}

/// The cases of `testdata/intrinsics.jsonl`, each `[call, input, value]` or
/// `[call, input, null, text of the failure]`.
#[test]
fn calls_give_what_aws_gives() {
    let path = format!("{}/../../testdata/intrinsics.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut differing = Vec::new();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (call, input) = (case[0].as_str().unwrap(), &case[1]);
        let answer = evaluate(call, input);
        let fits = match case.get(3) {
            Some(failure) => *failure == answer,
            None => serde_json::from_str::<Value>(&answer).is_ok_and(|value| value == case[2]),
        };
        if !fits {
            differing.push(format!("{call} of {input}: {answer}"));
        }
    }
    assert!(text.lines().count() > 150);
    assert_eq!(differing, Vec::<String>::new());
}

#[test]
fn failures_show_the_whole_call() {
    let call = IntrinsicCall::parse("States.Format('{}', States.Format('{}',  $.nope))").unwrap();
    let outcome = with_environment(&json!({"other": 1}), |environment| call.evaluate(environment));
    assert_eq!(
        outcome.unwrap_err().cause,
        "The function 'States.Format('{}', States.Format('{}',  $.nope))' had the following error: The JsonPath \
         argument for the field '$.nope' could not be found in the input '{\"other\":1}'"
    );
}

#[test]
fn random_values_stay_in_their_range() {
    for seed in 0..200 {
        let call = format!("States.MathRandom(-3, 4, {seed})");
        let value: i64 = evaluate(&call, &json!({})).parse().unwrap();
        assert!((-3..4).contains(&value));
        assert_eq!(evaluate(&call, &json!({})), value.to_string());
    }
    let value: i64 =
        evaluate("States.MathRandom(-2147483648, 2147483647, 1)", &json!({})).parse().unwrap();
    assert!(i32::try_from(value).is_ok());
    assert_eq!(evaluate("States.MathRandom(5, 6)", &json!({})), "5");
    let uuid: Value = serde_json::from_str(&evaluate("States.UUID()", &json!({}))).unwrap();
    let uuid = uuid.as_str().unwrap();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"));
}

#[test]
fn other_texts_are_no_calls() {
    let nested = |depth: usize| format!("{}1{}", "States.Array(".repeat(depth), ")".repeat(depth));
    assert!(IntrinsicCall::parse(&nested(10)).is_some());
    assert!(IntrinsicCall::parse(&nested(11)).is_none());
    for text in [
        "",
        "States",
        "States.Format",
        "States.Format(",
        "States.Format()x",
        "States.format('a')",
        "States.Nope()",
        "States.Array(1,)",
        "States.Array(,1)",
        "States.Array('a)",
        r"States.Array('\n')",
        "States.Array(\"a\")",
        "States.Array(a)",
        "States.Array(1 2)",
        "States.Array($.a b)",
        "Array(1)",
        "States.Array(01)",
        "States.Array($.)",
        "States.Array((1))",
        "States.Array($.a[)",
    ] {
        assert!(IntrinsicCall::parse(text).is_none(), "{text}");
    }
    for text in [
        " States.Array( 1 , 'a' ,$.a['x, y)'], null )",
        "States.Array($$.a, $v.b[0], -1.5e3, true)",
        "States.Array($.a[?(@.b == 'c')])",
        "States.ArrayLength($.a.length())",
        r"States.Array('\'\{\}\\')",
    ] {
        assert!(IntrinsicCall::parse(text).is_some(), "{text}");
    }
}
