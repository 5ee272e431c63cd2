mod suite;

use serde_json::json;

use super::*;
use crate::environment::with_environment;
use crate::{Payload, Timestamp, VariableMap, Variables};

/// Answers questions at once.
struct Here(std::cell::RefCell<Answering>);

impl Elsewhere for Here {
    fn ask(&self, question: &str) -> Result<String, Unanswered> {
        Ok(self.0.borrow_mut().answer(question, |_| {}).expect("it is a question"))
    }
}

fn evaluate(text: &str, input: &Value) -> Result<Value, String> {
    evaluate_at(None, text, input)
}

fn evaluate_at(
    elsewhere: Option<&dyn Elsewhere>,
    text: &str,
    input: &Value,
) -> Result<Value, String> {
    let expression = Expression::compile(text).map_err(|error| format!("{error:?}"))?;
    let variables: VariableMap = [
        ("list", json!([1, 2, 3])),
        ("one", json!([{"k": [7]}])),
        ("object", json!({"a": {"b": null}, "list": [{"c": 1}, {"c": 2}]})),
        ("number", json!(5)),
        ("sum", json!("shadows")),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), Payload::from(value)))
    .collect();
    let outcome = with_environment(input, |environment| {
        let environment = Environment {
            result: Some(&json!({"r": 1.0})),
            variables: Variables { scopes: &[&variables] },
            now: Timestamp(1_700_000_000_123),
            elsewhere,
            ..*environment
        };
        expression.evaluate(&environment, "Output/x")
    });
    outcome.map_err(|error| {
        assert_eq!(error.error, "States.QueryEvaluationError");
        assert_eq!(error.location.as_deref(), Some("Output/x"));
        let start =
            format!("The JSONata expression '{}' specified for the field 'Output/x' ", text.trim());
        error.cause.strip_prefix(&start).unwrap_or(&error.cause).to_owned()
    })
}

fn check(text: &str, expected: &str) {
    let input = json!({"a": {"b": 1}, "items": [{"n": "x", "v": 1}, {"n": "y", "v": 2}], "big": 9_007_199_254_740_993_i64,
        "float": 1.0, "single": [1], "empty": [], "nested": [[1], [2, 3]], "nil": null});
    let elsewhere = Here(Default::default());
    for elsewhere in [None, Some(&elsewhere as &dyn Elsewhere)] {
        let answer = match evaluate_at(elsewhere, text, &input) {
            Ok(value) => value.to_string(),
            Err(failure) => failure,
        };
        assert_eq!(answer, expected, "{text}, elsewhere: {}", elsewhere.is_some());
    }
}

#[test]
fn values_are_found_where_they_are() {
    check("$states.input.a", r#"{"b":1}"#);
    check("$states.input.a.b", "1");
    check("$states.input.items.v", "[1,2]");
    check("$states.input.items[v=2].n", r#""y""#);
    check("$states.input.items[0]", r#"{"n":"x","v":1}"#);
    check("$states.input.big", "9007199254740993");
    check("$states.input.float", "1");
    check("$states.input.single", "[1]");
    check("$states.input.empty", "[]");
    check("$states.input.nested", "[[1],[2,3]]");
    check("$states.input.nil", "null");
    check("[$states.input.single]", "[1]");
    check("$states.input.items.{n: v}", r#"[{"x":1},{"y":2}]"#);
    check("$states.result", r#"{"r":1}"#);
    check("$states.context.Execution.Name", r#""n""#);
    check("$keys($states)", r#"["input","result","context"]"#);
    check("$list", "[1,2,3]");
    check("$one", r#"[{"k":[7]}]"#);
    check("$one.k", "[7]");
    check("$object.list.c", "[1,2]");
    check("$object.a.b", "null");
    check("$number + $states.input.a.b", "6");
    check("$sum", r#""shadows""#);
    check("($x := 2; $x * $number)", "10");
    check("$map($list, function($v) { $v * $number })", "[5,10,15]");
    check("$merge([$states.input.a, {'c': 2}])", r#"{"b":1,"c":2}"#);
    check("$states.input.missing", "returned nothing (undefined).");
    check("$missing.x", "returned nothing (undefined).");
    check("$states.errorOutput", "returned nothing (undefined).");
    check("$uppercase()", "returned nothing (undefined).");
    check("$number /* comment */", "5");
}

#[test]
fn direct_paths_and_evaluated_paths_agree() {
    for path in [
        "$states.input.single",
        "$states.input.empty",
        "$states.input.nested",
        "$states.input.a",
        "$states.input.nil",
        "$states.input.a.b",
        "$list",
        "$one",
        "$one.k",
        "$object.list",
        "$object.list.c",
        "$states.result",
        "$missing",
        "$object.missing",
        "$number.x",
        "$states.input.nil.x",
        "$states.nothing",
        "$states.input.items.n",
        "$states.context",
    ] {
        let input = json!({"a": {"b": [1]}, "items": [{"n": []}, {"n": [2]}], "single": [1], "empty": [], "nested": [[1]], "nil": null});
        assert_eq!(
            evaluate(path, &input),
            evaluate(&format!("({path})"), &input)
                .map_err(|error| error.replace(&format!("'({path})'"), &format!("'{path}'"))),
            "{path}"
        );
    }
}

#[test]
fn functions_of_aws_are_there() {
    check("$partition([1,2,3,4,5], 2)", "[[1,2],[3,4],[5]]");
    check("$partition([0], 3)", "[[0]]");
    check("$partition([1,2,3,4,5], 2.9)", "[[1,2],[3,4],[5]]");
    check("$partition([1,2,3])", "[[1,2,3]]");
    check("$partition([], 2)", "returned nothing (undefined).");
    check(
        "$partition([1], -1)",
        "threw an error during evaluation. D3137: Second argument must be zero or greater",
    );
    check(
        "$partition(null, 2)",
        "threw an error during evaluation. T0412: Argument 1 of function \"partition\" must be an array of undefined",
    );
    check("$range(0, 10, 3)", "[0,3,6,9]");
    check("$range(1, 9, 9)", "1");
    check("$range(10, 0, -5)", "[10,5,0]");
    check("$range(-1.7, 2, 1)", "[-1,0,1,2]");
    check("$range(5, 1, 1)", "returned nothing (undefined).");
    check("$range(1, 5)", "returned nothing (undefined).");
    check(
        "$range(1)",
        "threw an error during evaluation. T0410: Argument 2 of function \"range\" does not match function signature",
    );
    check("$count($range(1, 360145, 1))", "360145");
    check(
        "$range(1, 360146, 1)",
        "threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage",
    );
    check("$hash('input', 'SHA-1')", r#""140f86aae51ab9e1cda9b4254fe98a74eb54c1a1""#);
    check(
        "$hash('input', 'sha-1')",
        "threw an error during evaluation. D3137: Hash algorithm 'sha-1' must be one of SHA-1, SHA-384, SHA-256, SHA-512, MD5",
    );
    check("$random(42)", "0.7275636800328681");
    check("$random() < 1 and $random() >= 0", "true");
    check("$random() = $random()", "false");
    check("$length($uuid())", "36");
    check("$uuid() = $uuid()", "false");
    check(
        "$uuid(1)",
        "threw an error during evaluation. T0410: Argument 1 of function \"uuid\" does not match function signature",
    );
    check("$parse('{\"a\": [1, 1.0, -0]}')", r#"{"a":[1,1,0]}"#);
    check("$parse('{\"a\": {\"b\": 2}}').a.b", "2");
    check("$exists($parse('null'))", "true");
    check("$parse('')", "threw an error during evaluation. D3137: Invalid JSON");
    check(
        "$parse(1)",
        "threw an error during evaluation. T0410: Argument 1 of function \"parse\" does not match function signature",
    );
    check(
        "$eval('1')",
        "threw an error during evaluation. T1006: Attempted to invoke a non-function",
    );
    check(
        "$randomSeeded(1)",
        "threw an error during evaluation. T1006: Attempted to invoke a non-function",
    );
    check("$base64decode('aGk=')", r#""hi""#);
    check("$fromMillis($millis())", r#""2023-11-14T22:13:20.123Z""#);
    check("$now()", r#""2023-11-14T22:13:20.123Z""#);
    check("$shuffle([1])", "[1]");
    check("$count(null)", "1");
    let answer = evaluate("$base64decode('!!!')", &json!({})).unwrap_err();
    assert!(answer.starts_with("threw an internal error during evaluation. "), "{answer}");
}

#[test]
fn failures_are_told_in_awss_words() {
    check(
        "$abs('x')",
        "threw an error during evaluation. T0410: Argument 1 of function \"abs\" does not match function signature",
    );
    check(
        "$sum(['x'])",
        r#"threw an error during evaluation. T1006: Attempted to invoke a non-function"#,
    );
    check(
        "$max(['x'])",
        "threw an error during evaluation. T0412: Argument 1 of function \"max\" must be an array of \"numbers\"",
    );
    check("$error('mine')", "threw an error during evaluation. D3137: mine");
    check("$max", "returned an unsupported result type.");
    check("function($x) { $x }", "returned an unsupported result type.");
    let expression = Expression::compile("1").unwrap();
    assert_eq!(
        expression.unexpected_type("array", &json!(1), "Items").cause,
        "The JSONata expression '1' specified for the field 'Items' returned an unexpected result type. Expected 'array', \
         but was 'number' for value: 1"
    );
}

#[test]
fn numbers_are_printed_as_on_aws() {
    check("1.0", "1");
    check("1/2", "0.5");
    check("9007199254740993 * 1", "9007199254740992");
    check("9223372036854775807 * 1", "9223372036854776000");
    check("1/0", r#""Infinity""#);
    check("-1/0", r#""-Infinity""#);
    check("1e308 * 10", r#""Infinity""#);
    check("0/0", r#""NaN""#);
    check("[1/0, 1]", r#"["Infinity",1]"#);
    check("{'a': {'b': [-1/0]}, 'c': $number/0}", r#"{"a":{"b":["-Infinity"]},"c":"Infinity"}"#);
    check("$string(1e21)", r#""1e+21""#);
    check("-0", "0");
}

#[test]
fn hostile_expressions_end() {
    const MEMORY: &str = "threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage";
    const DEPTH: &str = "threw an error during evaluation: Stack overflow error: Check for non-terminating recursive function. \
        Consider rewriting as tail-recursive";
    const TIME: &str =
        "threw an error during evaluation: Expression evaluation timeout: Check for infinite loop";
    check("$count([1..873782])", "873782");
    check("$count([1..873783])", MEMORY);
    check(
        "($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $length($f('x', 22)))",
        "4194304",
    );
    check(
        "($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $length($f('x', 23)))",
        MEMORY,
    );
    let sum = |terms: usize| vec!["1"; terms].join("+");
    check(&sum(100), "100");
    check(&sum(101), DEPTH);
    check(&sum(200), DEPTH);
    check(&format!("{}1{}", "(".repeat(99), ")".repeat(99)), "1");
    check(&format!("{}1{}", "(".repeat(100), ")".repeat(100)), DEPTH);
    check("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(31))", "31");
    check("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(40))", DEPTH);
    check("($f := function() { $f() }; $f())", TIME);
    check(&format!("{} + $number - $number", sum(98)), "98");
    let doubled = |name: &str| {
        format!(
            "${name} := {{'a': 1}};{}",
            format!("${name} := {{'a': ${name}, 'b': ${name}}};").repeat(40)
        )
    };
    check(&format!("({}{}$x = $y)", doubled("x"), doubled("y")), MEMORY);
    check(&format!("({}$x)", doubled("x")), MEMORY);
    check("$count($distinct([1..100000]))", TIME);
    check("$count($distinct([1..5000]))", "5000");
}

#[test]
fn counted_comparisons_give_the_same() {
    check("($x := {'a': 1}; $x = {'a': 1})", "true");
    check("($x := {'a': 1}; $x /* = */ != {'a': 1} or $x.b = $x.c)", "false");
    check("($x := {'a': 1}; $x /* != */ = {'a': 1})", "true");
    check("($x := {'a': [1, 2]}; ($x.a = [1, 2]) = ($x.a != [2]) )", "true");
    check("($x := {'a': 1}; $count($states.input.items[n = $x.a or v = $x.a]))", "1");
    check("($x := {'a': 1}; $states.input.items[v = $x.a = true].n)", r#""x""#);
    check(
        "$map($states.input.items, function($i) {{'is': $i.v = $states.input.a.b ? $i.n : 'no'}})",
        r#"[{"is":"x"},{"is":"no"}]"#,
    );
    check("$distinct($states.input.items.v)", "[1,2]");
    check("$distinct($states.input.items[0].v)", "1");
    check("$distinct($states.input.single)", "[1]");
    check("$distinct([1, 1])", "[1]");
    check("$distinct([{'a': 1}, {'a': 1}, null])", r#"[{"a":1},null]"#);
    check("[$states.input.nested ~> $distinct]", "[[1],[2,3]]");
    check("$map([[1,1],[2]], $distinct)", "[[1],[2]]");
}

#[test]
fn refused_expressions() {
    let check = |text: &str, expected: &str| {
        let error = Expression::compile(text).map(|_| ()).unwrap_err();
        assert_eq!(format!("{}: {}", error.code(), error.message()), expected, "{text}");
    };
    for text in [
        "phone",
        "phone.number",
        "{'a': phone}",
        "[1, phone]",
        "$map($states.input.a, function($x) { phone })",
        "$f(phone)",
        "phone[0]",
        "1 + phone",
        "($x := phone)",
        "$states.input.a & phone",
        "phone ~> $uppercase",
        "phone = 1 ? 1 : 2",
    ] {
        check(
            text,
            "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported.",
        );
    }
    check(
        "$",
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$' at the top level is not supported.",
    );
    check(
        "$.a",
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$' at the top level is not supported.",
    );
    check("$$", "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported.");
    check("$$.a", "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported.");
    check(
        "*",
        "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '*' at the top level is not supported.",
    );
    check("1 +", "INVALID_JSONATA_EXPRESSION: Unexpected end of expression");
    check("", "INVALID_JSONATA_EXPRESSION: Unexpected end of expression");
    check("a[1,2)", "INVALID_JSONATA_EXPRESSION: Expected \"]\", got \",\"");
    check(
        "\"x",
        "INVALID_JSONATA_EXPRESSION: String literal must be terminated by a matching quote",
    );
    check(
        "{\"a\":}",
        "INVALID_JSONATA_EXPRESSION: The symbol \"}\" cannot be used as a unary operator",
    );
    check(
        "$a ?: 1",
        "INVALID_JSONATA_EXPRESSION: The symbol \":\" cannot be used as a unary operator",
    );
    check(
        "$a ?? 1",
        "INVALID_JSONATA_EXPRESSION: The symbol \"?\" cannot be used as a unary operator",
    );
    check("1) + (2", "INVALID_JSONATA_EXPRESSION: Syntax error: \")\"");
    for text in [
        "$states.input.items[value > 3]",
        "$states.input.items^(price)",
        "$states.input.items{name: price}",
        "$states.input.items.(price * 2)",
        "$states.input.items.$string($)",
        "$count($states.result[$ = 0])",
        "$states.input ~> |account|{'x': y}|",
        "$states.input.*",
        "$states.input.**",
        "$states.input.items@$i.$i.x",
    ] {
        assert!(Expression::compile(text).is_ok(), "{text}");
    }
}

#[test]
fn references_are_listed() {
    let check = |text: &str, variables: &[&str], states: &[&str]| {
        let expression = Expression::compile(text).unwrap();
        let found: Vec<&str> = expression.variables().iter().map(String::as_str).collect();
        assert_eq!(found, variables, "{text}");
        let references = expression.states_references();
        let members = [
            ("input", references.input),
            ("result", references.result),
            ("errorOutput", references.error_output),
            ("context", references.context),
        ];
        let found: Vec<&str> =
            members.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        assert_eq!(found, states, "{text}");
    };
    check("$a + $b.c", &["a", "b"], &[]);
    check("($x := $a; $x + $y)", &["a", "y"], &[]);
    check("$map($items, function($v, $i) { $v * $i * $factor })", &["factor", "items"], &[]);
    check("($f := function($n) { $f($n) }; $f($k))", &["k"], &[]);
    check("$states.input.items@$i#$j.{'x': $i, 'y': $j, 'z': $z}", &["z"], &["input"]);
    check("$states.input.items[$x = 1]", &["x"], &["input"]);
    check("$states.result & $states.errorOutput.Cause", &[], &["result", "errorOutput"]);
    check("$states", &[], &["input", "result", "errorOutput", "context"]);
    check("$keys($states)", &[], &["input", "result", "errorOutput", "context"]);
    check("$sum($list)", &["list"], &[]);
}

#[test]
fn conditions_decided_directly_and_by_the_evaluator_agree() {
    let input = json!({"n": 5, "f": 5.0, "s": "5", "nil": null, "yes": true, "list": [5],
        "items": [{"n": 5}], "o": {}});
    let names = ["n", "f", "s", "nil", "yes", "list", "items.n", "o", "missing", "n.x"];
    for name in names {
        for operator in ["=", "!=", "<", "<=", ">", ">="] {
            for constant in ["5", "4.5", "\"5\"", "null", "true", "-5"] {
                let text = format!("$states.input.{name} {operator} {constant}");
                for text in [
                    text.clone(),
                    format!("({text}) and $number = 5"),
                    format!("$number = 6 and {text}"),
                    format!("$number = 5 or {text}"),
                    format!("{text} or $missing = 1"),
                ] {
                    // What has a part that is no such comparison is evaluated.
                    let evaluated = format!("[{text}][0]");
                    assert_eq!(
                        evaluate(&text, &input).map_err(|failure| failure.replace(&text, "")),
                        evaluate(&evaluated, &input)
                            .map_err(|failure| failure.replace(&evaluated, "")),
                        "{text}"
                    );
                }
            }
        }
    }
}

#[test]
fn chains_of_functions_end_well() {
    for text in [
        "($f := function($x){ $f(function(){$x}) }; $f(1))",
        "($f := function($x){ $f({'a': function(){$x}}) }; $f(1))",
        "($g := function($x,$y){1}; $f := function($x){ $f($g($x,?)) }; $f(1))",
        "($f := function($x){ $f($uppercase ~> |$|{'a': 1}|) }; $f(1))",
    ] {
        check(
            text,
            "threw an error during evaluation: Expression evaluation timeout: Check for infinite loop",
        );
    }
}

#[test]
fn what_may_take_long_is_known_beforehand() {
    let check = |text: &str, expected: bool| {
        assert_eq!(Expression::compile(text).unwrap().may_take_long(), expected, "{text}");
    };
    check("$states.input.a & $uppercase($name)", false);
    check("$sum($states.input.lines.(price * quantity)) > 10", false);
    check("$states.input.items[price > 5].{'n': name}", false);
    check("$merge([$states.input, {'a': [1, {'b': $name}]}])", false);
    check("$map($list, function($v) { $v })", true);
    check("($x := 1; $x)", true);
    check("[1..9]", true);
    check("$contains($name, /a+/)", true);
    check("$list[$ in $other]", true);
    check("$list.($other)", true);
    check("$list{name: $}", true);
    check("$list^(name)", true);
    check("$keys($list)", true);
    check("$list.$lowercase()", false);
    check("$list ~> |$|{'a': 1}|", true);
}

#[test]
fn an_evaluation_that_may_take_long_heeds_its_interrupt() {
    let stopped = || {
        let interrupt = std::sync::Arc::new(Interrupt::default());
        interrupt.stop();
        interrupt
    };
    let evaluate = |text: &str| {
        with_environment(&json!({"a": 1}), |environment| {
            let environment = Environment { interrupt: Some(&stopped), ..*environment };
            Expression::compile(text).unwrap().evaluate(&environment, "Output")
        })
    };
    assert_eq!(evaluate("$states.input.a + 1").unwrap(), json!(2));
    let failure = evaluate("$map([1], function($v) { $v })").unwrap_err();
    assert!(failure.cause.ends_with(
        "threw an error during evaluation: Expression evaluation timeout: Check for infinite loop"
    ));
}
