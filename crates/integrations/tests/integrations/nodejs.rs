//! Functions in JavaScript.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::world::{World, without_ids};

const APP: &str = r"
exports.async = async (event) => event;
exports.callback = (event, context, callback) => {
  setImmediate(() => callback(null, event));
};
exports.nested = { deep: async () => 'deep' };
exports.describe = async (event, context) => ({
  functionName: context.functionName,
  functionVersion: context.functionVersion,
  invokedFunctionArn: context.invokedFunctionArn,
  memoryLimitInMB: context.memoryLimitInMB,
  logGroupName: context.logGroupName,
  awsRequestId: context.awsRequestId,
  inTime: context.getRemainingTimeInMillis() > 2000 && context.getRemainingTimeInMillis() <= 3000,
  executionEnv: process.env.AWS_EXECUTION_ENV.replace(/\d+/, ''),
  trace: process.env._X_AMZN_TRACE_ID.slice(0, 7),
});
exports.nothing = async () => {};
exports.silent = () => {};
exports.never = () => new Promise(() => {});
exports.succeed = (event, context) => context.succeed('done');
exports.unserializable = async () => 1n;

class Custom extends Error {
  constructor(message) {
    super(message);
    this.name = 'CustomError';
  }
}
exports.throws = () => { throw new Custom('größer'); };
exports.rejects = async () => { throw new Custom('größer'); };
exports.fails = (event, context, callback) => callback(new Custom('größer'));
exports.failsWithText = (event, context, callback) => callback('only text');
exports.unhandled = async () => {
  Promise.reject(new Custom('nobody waits'));
  await new Promise(() => setInterval(() => {}, 1000));
};
exports.uncaught = async () => {
  setImmediate(() => { throw new Custom('nobody catches'); });
  await new Promise(() => setInterval(() => {}, 1000));
};
exports.exits = async () => process.exit(4);
exports.logs = async (event) => { console.log('größer', { a: 1 }); console.error('bad'); };
let visits = 0;
exports.visit = async () => [process.pid, ++visits];
exports.number = 1;
";

fn one(handler: &str) -> World {
    let handler = format!("index.{handler}");
    World::new(&[("index.js", APP)], json!({"f": {"runtime": "nodejs", "handler": handler}}))
}

async fn check(handler: &str, event: Value, expected: &Expect) {
    let world = one(handler);
    let text = match world.call("f", event).await {
        Ok(output) => without_ids(&output.to_string()),
        Err(failure) => {
            // The lines of the trace are those of this installation of Node.js.
            let mut cause: Value = serde_json::from_str(&failure.cause).unwrap();
            if let Some(trace) = cause.get_mut("trace").and_then(Value::as_array_mut) {
                trace.truncate(1);
            }
            format!("{}: {cause}", failure.error)
        }
    };
    expected.assert_eq(&text);
}

#[tokio::test]
async fn answers_come_by_promise_or_callback() {
    let event = json!({"b": [1.5, null], "a": "größer 😀"});
    for handler in ["async", "callback"] {
        check(handler, event.clone(), &expect![[r#"{"b":[1.5,null],"a":"größer 😀"}"#]]).await;
    }
    check("nested.deep", json!({}), &expect![[r#""deep""#]]).await;
    check("succeed", json!({}), &expect![[r#""done""#]]).await;
    for handler in ["nothing", "silent", "never"] {
        check(handler, json!({}), &expect!["null"]).await;
    }
}

#[tokio::test]
async fn large_payloads_go_both_ways() {
    let event = json!("ö".repeat(150_000));
    assert_eq!(one("async").call("f", event.clone()).await, Ok(event));
}

#[tokio::test]
async fn the_context_describes_the_invocation() {
    check("describe", json!({}), &expect![[r#"{"functionName":"f","functionVersion":"$LATEST","invokedFunctionArn":"arn:aws:lambda:us-east-1:111111111111:function:f","memoryLimitInMB":"128","logGroupName":"/aws/lambda/f","awsRequestId":"<id>","inTime":true,"executionEnv":"AWS_Lambda_nodejs.x","trace":"Root=1-"}"#]]).await;
}

#[tokio::test]
async fn errors_are_failures() {
    let expected = expect![[
        r#"CustomError: {"errorType":"CustomError","errorMessage":"größer","trace":["CustomError: größer"]}"#
    ]];
    for handler in ["rejects", "fails"] {
        check(handler, json!({}), &expected).await;
    }
    check("throws", json!({}), &expected).await;
    check(
        "failsWithText",
        json!({}),
        &expect![[r#"string: {"errorType":"string","errorMessage":"only text","trace":[]}"#]],
    )
    .await;
    check("unserializable", json!({}), &expect![[r#"Error: {"errorType":"Error","errorMessage":"Unable to stringify response body","trace":["Error: Unable to stringify response body"]}"#]]).await;
}

#[tokio::test]
async fn errors_that_nobody_awaits_end_the_process() {
    check("unhandled", json!({}), &expect![[r#"Runtime.UnhandledPromiseRejection: {"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"CustomError: nobody waits","trace":["Runtime.UnhandledPromiseRejection: CustomError: nobody waits"]}"#]]).await;
    check("uncaught", json!({}), &expect![[r#"CustomError: {"errorType":"CustomError","errorMessage":"nobody catches","trace":["CustomError: nobody catches"]}"#]]).await;
    let world = one("exits");
    expect![[r#"Runtime.ExitError: {"errorType":"Runtime.ExitError","errorMessage":"RequestId: <id> Error: Runtime exited with error: exit status 4"}"#]]
        .assert_eq(&world.call("f", json!({})).await.unwrap_err().to_string());
}

#[tokio::test]
async fn a_handler_that_cannot_be_loaded_is_the_failure() {
    check("missing", json!({}), &expect![[r#"Runtime.HandlerNotFound: {"errorType":"Runtime.HandlerNotFound","errorMessage":"index.missing is undefined or not exported","trace":["Runtime.HandlerNotFound: index.missing is undefined or not exported"]}"#]]).await;
    check("number", json!({}), &expect![[r#"Runtime.HandlerNotFound: {"errorType":"Runtime.HandlerNotFound","errorMessage":"index.number is not a function","trace":["Runtime.HandlerNotFound: index.number is not a function"]}"#]]).await;
    let world = World::new(
        &[("broken.js", "exports.f = );\n")],
        json!({
            "absent": {"runtime": "nodejs", "handler": "absent.f"},
            "broken": {"runtime": "nodejs", "handler": "broken.f"},
        }),
    );
    let failure = world.call("absent", json!({})).await.unwrap_err();
    assert_eq!(failure.error, "Runtime.ImportModuleError");
    assert!(failure.cause.contains("Error: Cannot find module 'absent'"), "{failure}");
    let failure = world.call("broken", json!({})).await.unwrap_err();
    assert_eq!(failure.error, "Runtime.UserCodeSyntaxError");
    assert!(failure.cause.contains("SyntaxError: Unexpected token"), "{failure}");
}

#[tokio::test]
async fn es_modules_are_loaded() {
    let module = "export const f = async () => import.meta.url.slice(0, 5);\n";
    let world = World::new(
        &[
            ("plain.mjs", module),
            ("package/package.json", r#"{"type": "module"}"#),
            ("package/src/index.js", module),
            ("common.cjs", "module.exports.f = async () => 'common';\n"),
        ],
        json!({
            "plain": {"runtime": "nodejs", "handler": "plain.f"},
            "package": {"runtime": "nodejs", "handler": "package/src/index.f"},
            "common": {"runtime": "nodejs", "handler": "common.f"},
        }),
    );
    assert_eq!(world.call("plain", json!({})).await, Ok(json!("file:")));
    assert_eq!(world.call("package", json!({})).await, Ok(json!("file:")));
    assert_eq!(world.call("common", json!({})).await, Ok(json!("common")));
}

#[tokio::test]
async fn warm_processes_are_used_again() {
    let world = one("visit");
    let first = world.call("f", json!({})).await.unwrap();
    let second = world.call("f", json!({})).await.unwrap();
    assert_eq!(first[0], second[0]);
    assert_eq!(second[1], 2);
}

#[tokio::test]
async fn console_lines_carry_the_request() {
    let world = one("logs");
    world.call("f", json!({})).await.unwrap();
    let lines = world.integrations.function_logs(Some("f"), 0);
    let texts: Vec<_> = lines.iter().map(|line| without_ids(&line.text[25..])).collect();
    assert_eq!(texts, ["<id>\tINFO\tgrößer { a: 1 }", "<id>\tERROR\tbad"]);
}
