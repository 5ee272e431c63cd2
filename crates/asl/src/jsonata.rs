//! JSONata expressions (`{% … %}`): the one place that knows the crate `jlens-core`.
//!
//! The text is wrapped so that `$states` and the variables are read from the values where they
//! are; a plain path through them (`$states.input.order.id`), the most frequent expression by
//! far, does not evaluate anything.

mod analysis;
mod condition;
mod elsewhere;
mod functions;
mod interrupt;
mod values;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use jlens_core::ast::BinaryOp;
use jlens_core::{Error, Node, NodeKind, Options, Span};
use serde_json::Value;

use self::analysis::{Analysis, Comparison};
use self::condition::Condition;
pub use self::elsewhere::{Answering, Elsewhere, Unanswered};
use self::functions::{INTERNAL, MEMORY_EXCEEDED, TIME_EXCEEDED, UNCODED};
pub use self::interrupt::Interrupt;
use self::values::{Inputs, Root, ValueBuilder, normalised};
use crate::intrinsics::uuid;
use crate::{Environment, EvaluationError};

/// How deep an evaluation may nest on AWS.
const DEPTH_MAX: usize = 100;
/// How many levels the wrapping adds.
const WRAPPING_DEPTH: usize = 2;
/// How many numbers an array may hold on AWS.
const ARRAY_LENGTH_MAX: usize = 873_782;
/// How many bytes a text may have on AWS.
const TEXT_BYTES_MAX: usize = 6_990_256;
/// How many bytes of JSON a result may have: far more than a payload.
const RESULT_BYTES_MAX: usize = 8 << 20;
/// How many steps an evaluation may take: somewhat more than AWS takes in its second.
const STEPS_MAX: u64 = 5_000_000;
/// How many steps one may take that makes functions in functions. A chain of them is dropped
/// from end to end in one go, and each needs a few hundred bytes of the stack for it.
const STEPS_MAKING_FUNCTIONS_MAX: u64 = 2_000_000;
/// The bytes of the stack for such a one: only what is used of them takes memory.
const FUNCTIONS_STACK_BYTES: usize = 1 << 30;
/// How many results of arithmetic in one expression may be infinite.
const INFINITE_RESULTS_MAX: usize = 16;

/// A compiled JSONata expression.
#[derive(Debug)]
pub struct Expression {
    text: Box<str>,
    program: Program,
    analysis: Box<Analysis>,
}

#[derive(Debug)]
enum Program {
    /// A path of names; the code is for where it meets an array.
    Names(Names, Code),
    /// Comparisons of such paths with constants. The code is for what only it can decide.
    Condition(Box<Condition>, Code),
    Code(Code),
}

/// A path of names from `$states` or a variable.
#[derive(Debug)]
struct Names {
    variable: Box<str>,
    names: Vec<Box<str>>,
}

/// The text, wrapped and compiled.
#[derive(Debug)]
struct Code {
    expression: jlens_core::Expression,
    /// How many bytes stand before the text, which follows as it is; none where the text was
    /// changed.
    prefix: Option<usize>,
    depth_max: usize,
    /// Whether the evaluation needs the functions that count.
    counts: bool,
}

/// Why an expression does not compile.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpressionError {
    /// `INVALID_JSONATA_EXPRESSION`: the parser's message without its code.
    Invalid(String),
    /// `UNSUPPORTED_JSONATA_EXPRESSION`:
    /// `Reference to 'phone' at the top level is not supported.`
    Unsupported(String),
}

impl ExpressionError {
    /// AWS's code of the diagnostic.
    pub fn code(&self) -> &'static str {
        match self {
            ExpressionError::Invalid(_) => "INVALID_JSONATA_EXPRESSION",
            ExpressionError::Unsupported(_) => "UNSUPPORTED_JSONATA_EXPRESSION",
        }
    }

    /// AWS's text of the diagnostic.
    pub fn message(&self) -> &str {
        match self {
            ExpressionError::Invalid(message) | ExpressionError::Unsupported(message) => message,
        }
    }
}

/// Which members of `$states` an expression mentions. All are set where it uses `$states` whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatesReferences {
    pub input: bool,
    pub result: bool,
    pub error_output: bool,
    pub context: bool,
}

impl Expression {
    /// Whether a string is an expression: it starts with `{%` and ends with `%}`. Gives the
    /// text between, trimmed.
    pub fn delimited(text: &str) -> Option<&str> {
        let inner = text.strip_prefix("{%")?.strip_suffix("%}")?;
        Some(inner.trim())
    }

    /// Compiles the text between `{%` and `%}`.
    pub fn compile(text: &str) -> Result<Expression, ExpressionError> {
        let text = text.trim();
        let ast =
            jlens_core::parse(text).map_err(|error| ExpressionError::Invalid(message(&error)))?;
        let mut analysis = analysis::analyse(&ast)?;
        analysis.is_arithmetic =
            matches!(&ast.root.kind, NodeKind::Binary { op, .. } if arithmetic(*op));
        let code = match with_states_in_place(text, &analysis) {
            Some(text) => Code { prefix: None, ..Code::new(&text, &analysis, &[], false)? },
            None => Code::new(text, &analysis, &analysis.comparisons, true)?,
        };
        let program = match (names_of(&ast.root), Condition::of(&ast.root)) {
            (Some(names), _) => Program::Names(names, code),
            (None, Some(condition)) => Program::Condition(condition.into(), code),
            (None, None) => Program::Code(code),
        };
        Ok(Expression { text: text.into(), program, analysis: analysis.into() })
    }

    /// Whether an evaluation may take longer than its text and its data tell: it repeats itself,
    /// or looks at the same values many times.
    pub fn may_take_long(&self) -> bool {
        self.analysis.may_take_long
    }

    /// The text between `{%` and `%}`, trimmed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the variables the expression reads, without `$`; `states` and functions
    /// are not among them.
    pub fn variables(&self) -> &BTreeSet<String> {
        &self.analysis.variables
    }

    /// Which members of `$states` the expression mentions.
    pub fn states_references(&self) -> StatesReferences {
        self.analysis.states
    }

    /// Members of `$states` that the expression mentions and that there never are.
    pub fn unknown_states_members(&self) -> &BTreeSet<String> {
        &self.analysis.unknown_states_members
    }

    /// Evaluates the expression for the field at `location` (`Output/total`). An undefined
    /// result is an error, as on AWS.
    pub fn evaluate(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<Value, EvaluationError> {
        self.evaluate_at(environment, &location)
    }

    /// As [`Expression::evaluate`], with a location that is only printed for a failure.
    pub(crate) fn evaluate_at(
        &self,
        environment: &Environment<'_>,
        location: &dyn fmt::Display,
    ) -> Result<Value, EvaluationError> {
        if let Some(elsewhere) = environment.elsewhere.filter(|_| self.may_take_long()) {
            return self.ask(elsewhere, environment, location);
        }
        let result = match &self.program {
            Program::Code(code) => self.run(code, environment),
            Program::Names(names, code) => match names.follow(environment) {
                Followed::Value(value) => Ok(normalised(value)),
                Followed::Nothing => Err(Failure::Undefined),
                Followed::Array => self.run(code, environment),
            },
            Program::Condition(condition, code) => match condition.holds(environment) {
                Some(holds) => Ok(Value::Bool(holds)),
                None => self.run(code, environment),
            },
        };
        result.map_err(|failure| self.explain(failure, environment, location))
    }

    /// Puts a failure into AWS's words.
    fn explain(
        &self,
        failure: Failure,
        environment: &Environment<'_>,
        location: &dyn fmt::Display,
    ) -> EvaluationError {
        let failure = match failure {
            Failure::Undefined => "returned nothing (undefined).".to_owned(),
            Failure::Function => "returned an unsupported result type.".to_owned(),
            Failure::Thrown(error) => thrown(&error, environment),
        };
        self.failure(&failure, location)
    }

    fn failure(&self, failure: &str, location: &dyn fmt::Display) -> EvaluationError {
        let location = location.to_string();
        let text = &self.text;
        EvaluationError::query(
            format!(
                "The JSONata expression '{text}' specified for the field '{location}' {failure}"
            ),
            location,
        )
    }

    fn run(&self, code: &Code, environment: &Environment<'_>) -> Result<Value, Failure> {
        match code.run(environment, &self.analysis) {
            Err(Failure::Thrown(error)) if error.code() == "D1001" => {
                let infinite = Infinite { analysis: &self.analysis, environment };
                match code.prefix {
                    Some(prefix) => infinite.run(&self.text, prefix, error, INFINITE_RESULTS_MAX),
                    None if self.analysis.comparisons.is_empty() => {
                        infinite.start(&self.text, error)
                    }
                    None => Err(Failure::Thrown(error)),
                }
            }
            // Arithmetic never gives null: it was no number.
            Ok(Value::Null) if self.analysis.is_arithmetic => Ok(Value::from("NaN")),
            Err(Failure::Undefined)
                if code.gives_function(&self.text, environment, &self.analysis) =>
            {
                Err(Failure::Function)
            }
            outcome => outcome,
        }
    }

    /// The error for a result of the wrong type: `The JSONata expression '1' specified for the
    /// field 'Items' returned an unexpected result type. Expected 'array', but was 'number' for
    /// value: 1`. `expected` is AWS's word (`array`, `boolean`, `string`, `number`).
    pub fn unexpected_type(
        &self,
        expected: &str,
        value: &Value,
        location: &str,
    ) -> EvaluationError {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let failure = format!(
            "returned an unexpected result type. Expected '{expected}', but was '{found}' for \
             value: {}",
            crate::java::json_text(value)
        );
        self.failure(&failure, &location)
    }

    /// Evaluates to a boolean, or fails as [`Expression::unexpected_type`]. The location is only
    /// printed for a failure.
    pub(crate) fn evaluate_boolean_at(
        &self,
        environment: &Environment<'_>,
        location: &dyn fmt::Display,
    ) -> Result<bool, EvaluationError> {
        match self.evaluate_at(environment, location)? {
            Value::Bool(value) => Ok(value),
            value => Err(self.unexpected_type("boolean", &value, &location.to_string())),
        }
    }

    /// Evaluates to a string, or fails as [`Expression::unexpected_type`].
    pub fn evaluate_string(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<String, EvaluationError> {
        match self.evaluate(environment, location)? {
            Value::String(value) => Ok(value),
            value => Err(self.unexpected_type("string", &value, location)),
        }
    }

    /// Evaluates to an array, or fails as [`Expression::unexpected_type`].
    pub fn evaluate_array(
        &self,
        environment: &Environment<'_>,
        location: &str,
    ) -> Result<Vec<Value>, EvaluationError> {
        match self.evaluate(environment, location)? {
            Value::Array(items) => Ok(items),
            value => Err(self.unexpected_type("array", &value, location)),
        }
    }
}

/// Why an evaluation gives no value.
enum Failure {
    Undefined,
    Function,
    Thrown(Error),
}

/// AWS's words for an error of the evaluator.
fn thrown(error: &Error, environment: &Environment<'_>) -> String {
    const THREW: &str = "threw an error during evaluation";
    const TOO_DEEP: &str = "Stack overflow error: Check for non-terminating recursive function. \
                            Consider rewriting as tail-recursive";
    const TOO_LONG: &str = "Expression evaluation timeout: Check for infinite loop";
    match error.code() {
        "D1011" => format!("{THREW}: {TOO_DEEP}"),
        "D1012" | "U1003" | TIME_EXCEEDED => format!("{THREW}: {TOO_LONG}"),
        UNCODED => format!("{THREW}: {MEMORY_EXCEEDED}"),
        INTERNAL => {
            format!("threw an internal error during evaluation. {}", uuid(environment))
        }
        code => format!("{THREW}. {code}: {}", message(error)),
    }
}

/// The message of an error, with numbers as JavaScript prints them.
fn message(error: &Error) -> String {
    let is_float = |name| error.detail(name).is_some_and(Value::is_f64);
    if !["value", "value2", "exp", "token"].into_iter().any(is_float) {
        return error.message();
    }
    // All that messages with numbers in them mention.
    const DETAILS: [&str; 6] = ["value", "value2", "exp", "token", "index", "type"];
    let details = DETAILS.iter().filter_map(|name| Some((name, error.detail(name)?)));
    let printed = details.fold(Error::new(error.code()), |printed, (name, detail)| {
        printed.with(name, normalised(detail))
    });
    printed.message()
}

/// Whether nothing is done to what a node gives: no filter, no grouping, no binding.
fn is_plain(node: &Node) -> bool {
    let attributes = &node.attrs;
    !attributes.keep_array
        && !attributes.cons_array
        && !attributes.tuple
        && attributes.focus.is_none()
        && attributes.index.is_none()
        && attributes.stages.is_empty()
        && attributes.predicate.is_empty()
        && attributes.group.is_none()
        && attributes.ancestor.is_none()
}

/// The names of a node that is nothing but a path of names.
fn names_of(node: &Node) -> Option<Names> {
    if !is_plain(node) {
        return None;
    }
    let (first, rest) = match &node.kind {
        NodeKind::Path { steps, keep_singleton_array: false } => steps.split_first()?,
        NodeKind::Variable { .. } => (node, &[][..]),
        _ => return None,
    };
    let NodeKind::Variable { name: variable } = &first.kind else { return None };
    let names = rest.iter().map(|step| match &step.kind {
        NodeKind::Name { name } if is_plain(step) => Some(name.as_str().into()),
        _ => None,
    });
    let names: Vec<Box<str>> = names.collect::<Option<_>>()?;
    // All of `$states` is made by the evaluator, and functions are its own.
    let is_followed = is_plain(first)
        && (&**variable != "states" || !names.is_empty())
        && !functions::is_function(variable);
    is_followed.then(|| Names { variable: variable.as_str().into(), names })
}

enum Followed<'a> {
    Value(&'a Value),
    Nothing,
    /// An array before the last name: the rest of the path is mapped over it.
    Array,
}

impl Names {
    fn follow<'a>(&self, environment: &'a Environment<'_>) -> Followed<'a> {
        let (start, names) = if &*self.variable == "states" {
            let start = match &*self.names[0] {
                "input" => Some(environment.states_input.unwrap_or(environment.input)),
                "result" => environment.result,
                "errorOutput" => environment.error_output,
                "context" => Some(environment.context.value()),
                _ => None,
            };
            (start, &self.names[1..])
        } else {
            (environment.variables.get(&self.variable), &self.names[..])
        };
        let Some(mut value) = start else { return Followed::Nothing };
        for name in names {
            value = match value {
                Value::Object(object) => match object.get(&**name) {
                    Some(value) => value,
                    None => return Followed::Nothing,
                },
                Value::Array(_) => return Followed::Array,
                _ => return Followed::Nothing,
            };
        }
        Followed::Value(value)
    }
}

impl Code {
    /// Wraps and compiles a text that was analysed; `comparisons` are counted. `$states` is bound
    /// where the text has it.
    fn new(
        text: &str,
        analysis: &Analysis,
        comparisons: &[Comparison],
        binds_states: bool,
    ) -> Result<Code, ExpressionError> {
        let mut prefix = String::from("(");
        if !analysis.takes_context {
            if binds_states && analysis.states != StatesReferences::default() {
                prefix.push_str("$states:=$$.states;");
            }
            for name in &analysis.variables {
                prefix.push_str(&format!("${name}:=$$.`{name}`;"));
            }
        }
        if analysis.functions.contains("eval") {
            // AWS has no such function.
            prefix.push_str("$eval:=$$.`$eval`;");
        }
        let uses_distinct = analysis.functions.contains("distinct");
        if uses_distinct {
            prefix.push_str(
                "$__values:=$distinct;\
                 $distinct:=function($v)<x:x>{($__distinct($v);$__values($v))};",
            );
        }
        if !comparisons.is_empty() {
            prefix.push_str(
                "$__is:=function($l,$r){($__equal($l,$r);$l=$r)};\
                 $__not:=function($l,$r){($__equal($l,$r);$l!=$r)};",
            );
        }
        let text = counted(text, comparisons);
        let (source, depth_max) = match prefix.len() {
            1 => {
                prefix.clear();
                (text.into_owned(), DEPTH_MAX)
            }
            _ => {
                prefix.push('(');
                (format!("{prefix}{text}\n))"), DEPTH_MAX + WRAPPING_DEPTH)
            }
        };
        let expression = jlens_core::Expression::compile(&source)
            .map_err(|error| ExpressionError::Invalid(message(&error)))?;
        let prefix = comparisons.is_empty().then_some(prefix.len());
        Ok(Code { expression, prefix, depth_max, counts: uses_distinct || !comparisons.is_empty() })
    }

    fn run(&self, environment: &Environment<'_>, analysis: &Analysis) -> Result<Value, Failure> {
        let uses = |name: &str| analysis.functions.contains(name);
        let mut options = Options::new()
            .now(environment.now.0)
            .seed(if uses("shuffle") { environment.next_random() } else { 0 })
            .max_depth(self.depth_max)
            .max_array_length(ARRAY_LENGTH_MAX)
            .max_string_length(TEXT_BYTES_MAX)
            .max_result_size(RESULT_BYTES_MAX);
        options = options.max_steps(match analysis.makes_functions {
            true => STEPS_MAKING_FUNCTIONS_MAX,
            false => STEPS_MAX,
        });
        let interrupt = environment.interrupt.filter(|_| analysis.may_take_long);
        // It lives as long as the evaluation does, which whoever made it can see.
        let interrupt = interrupt.map(|make| make());
        if let Some(interrupt) = &interrupt {
            options = options.cancel_token(interrupt.token());
        }
        let mut own_bindings = (uses("random") || uses("uuid"))
            .then(|| functions::with_random(environment.next_random()));
        if self.counts {
            let bindings = own_bindings.take().unwrap_or_else(|| functions::fixed().clone());
            own_bindings = Some(functions::counting(bindings));
        }
        // A variable that is named as a function takes its place.
        for name in &analysis.functions {
            if let Some(value) = environment.variables.get(name) {
                let bindings = own_bindings.take().unwrap_or_else(|| functions::fixed().clone());
                own_bindings = Some(bindings.var(name, value.clone()));
            }
        }
        if analysis.takes_context {
            let mut bindings = own_bindings.take().unwrap_or_else(|| functions::fixed().clone());
            bindings = bind_copies(bindings, environment, analysis);
            own_bindings = Some(bindings);
        }
        let inputs = (!analysis.takes_context).then(|| Inputs::new(environment));
        let bindings = own_bindings.as_ref().unwrap_or_else(|| functions::fixed());
        let root = Root(inputs.clone());
        let evaluate = || {
            self.expression.evaluate_source_to(&root, bindings, &options, |output| {
                output.write(&mut ValueBuilder(inputs.as_ref()))
            })
        };
        let outcome = match analysis.makes_functions {
            true => stacker::grow(FUNCTIONS_STACK_BYTES, evaluate),
            false => evaluate(),
        };
        match outcome {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(Failure::Undefined),
            Err(error) => Err(Failure::Thrown(error)),
        }
    }

    /// Whether the result that is nothing as a value is a function.
    fn gives_function(
        &self,
        text: &str,
        environment: &Environment<'_>,
        analysis: &Analysis,
    ) -> bool {
        let question = format!("$type(({text}\n))");
        Code::new(&question, analysis, &[], true).is_ok_and(|code| {
            let code = Code { depth_max: code.depth_max + 2, ..code };
            matches!(code.run(environment, analysis), Ok(Value::String(kind)) if kind == "function")
        })
    }
}

/// The text with every `$states` as a path from the object of everything, which spares binding
/// it; nothing where that is not so simple.
fn with_states_in_place(text: &str, analysis: &Analysis) -> Option<String> {
    let places = &analysis.states_places;
    let is_simple = !places.is_empty()
        && !analysis.uses_states_whole
        && !analysis.takes_context
        && analysis.comparisons.is_empty();
    if !is_simple {
        return None;
    }
    let mut places = places.clone();
    places.sort_by_key(|place| place.start);
    let mut changed = String::with_capacity(text.len() + 2 * places.len());
    let mut at = 0;
    for place in places {
        if text.get(place.start..place.end) != Some("$states") {
            return None;
        }
        changed.push_str(&text[at..place.start]);
        changed.push_str("$$.states");
        at = place.end;
    }
    changed.push_str(&text[at..]);
    Some(changed)
}

/// The text with each of the comparisons made by a function that counts first.
fn counted<'t>(text: &'t str, comparisons: &[Comparison]) -> Cow<'t, str> {
    if comparisons.is_empty() {
        return Cow::Borrowed(text);
    }
    // What stands in the place of a range of the text; an outer comparison opens before an
    // inner one and closes behind it.
    let mut edits: Vec<(usize, usize, &str)> = Vec::new();
    for comparison in comparisons {
        let function = if comparison.is_negated { "$__not(" } else { "$__is(" };
        edits.push((comparison.left.start, comparison.left.start, function));
        edits.push((comparison.left.end, comparison.right.start, ","));
        edits.push((comparison.right.end, comparison.right.end, ")"));
    }
    edits.sort_by_key(|(start, _, _)| *start);
    let mut counted = String::with_capacity(text.len() + 16 * comparisons.len());
    let mut at = 0;
    for (start, end, replacement) in edits {
        counted.push_str(&text[at..start]);
        counted.push_str(replacement);
        at = end;
    }
    counted.push_str(&text[at..]);
    Cow::Owned(counted)
}

/// Binds copies of everything: for an expression that must not see the object of everything as
/// its context.
fn bind_copies(
    mut bindings: jlens_core::Bindings,
    environment: &Environment<'_>,
    analysis: &Analysis,
) -> jlens_core::Bindings {
    let mut states = serde_json::Map::new();
    let members = [
        ("input", Some(environment.states_input.unwrap_or(environment.input))),
        ("result", environment.result),
        ("errorOutput", environment.error_output),
        ("context", analysis.states.context.then(|| environment.context.value())),
    ];
    for (key, value) in members {
        if let Some(value) = value {
            states.insert(key.to_owned(), value.clone());
        }
    }
    bindings = bindings.var("states", Value::Object(states));
    for name in &analysis.variables {
        if let Some(value) = environment.variables.get(name) {
            bindings = bindings.var(name, value.clone());
        }
    }
    bindings
}

/// What becomes of arithmetic that leaves the numbers of JSON: AWS gives the texts `Infinity`,
/// `-Infinity` and `NaN` where the result, or an item or field of it, is such a number. The
/// evaluator throws there, so the text is put in the place of the arithmetic.
struct Infinite<'e> {
    analysis: &'e Analysis,
    environment: &'e Environment<'e>,
}

impl Infinite<'_> {
    /// Evaluates the text as it is written, so that the error names a place in it.
    fn start(&self, text: &str, error: Error) -> Result<Value, Failure> {
        let Ok(code) = Code::new(text, self.analysis, &[], true) else {
            return Err(Failure::Thrown(error));
        };
        match code.run(self.environment, self.analysis) {
            Err(Failure::Thrown(error)) if error.code() == "D1001" => {
                self.run(text, code.prefix.unwrap_or(0), error, INFINITE_RESULTS_MAX)
            }
            outcome => outcome,
        }
    }

    fn run(&self, text: &str, prefix: usize, error: Error, left: usize) -> Result<Value, Failure> {
        let replaced = error.span().and_then(|span| {
            let ast = jlens_core::parse(text).ok()?;
            let start = span.start.checked_sub(prefix)?;
            let node = result_node(&ast.root, start)?;
            let name = self.name(text, node)?;
            Some(format!("{}\"{name}\"{}", &text[..node.span.start], &text[node.span.end..]))
        });
        let Some(replaced) = replaced.filter(|_| left > 0) else {
            return Err(Failure::Thrown(error));
        };
        let Ok(code) = Code::new(&replaced, self.analysis, &[], true) else {
            return Err(Failure::Thrown(error));
        };
        match code.run(self.environment, self.analysis) {
            Err(Failure::Thrown(next)) if next.code() == "D1001" => {
                self.run(&replaced, code.prefix.unwrap_or(0), next, left - 1)
            }
            outcome => outcome,
        }
    }

    /// JavaScript's name of what the arithmetic gives.
    fn name(&self, text: &str, node: &Node) -> Option<&'static str> {
        let NodeKind::Binary { op, lhs, rhs } = &node.kind else { return None };
        let operand = |span: Span| {
            let code = Code::new(&text[span.start..span.end], self.analysis, &[], true).ok()?;
            code.run(self.environment, self.analysis).ok()?.as_f64()
        };
        let (left, right) = (operand(lhs.span)?, operand(rhs.span)?);
        let result = match op {
            BinaryOp::Add => left + right,
            BinaryOp::Sub => left - right,
            BinaryOp::Mul => left * right,
            BinaryOp::Div => left / right,
            _ => left % right,
        };
        Some(match result {
            result if result.is_nan() => "NaN",
            result if result > 0.0 => "Infinity",
            _ => "-Infinity",
        })
    }
}

fn arithmetic(operator: BinaryOp) -> bool {
    matches!(
        operator,
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod
    )
}

/// The arithmetic that starts at `start` and gives the result, or an item or field of it.
fn result_node(node: &Node, start: usize) -> Option<&Node> {
    if !node.attrs.predicate.is_empty()
        || !node.attrs.stages.is_empty()
        || node.attrs.group.is_some()
    {
        return None;
    }
    match &node.kind {
        NodeKind::Binary { op, .. } if arithmetic(*op) => {
            (node.span.start == start).then_some(node)
        }
        NodeKind::Array { items } => items.iter().find_map(|item| result_node(item, start)),
        NodeKind::Object { pairs } => pairs.iter().find_map(|(_, value)| result_node(value, start)),
        NodeKind::Block { exprs, .. } => result_node(exprs.last()?, start),
        NodeKind::Condition { then, otherwise, .. } => {
            result_node(then, start).or_else(|| result_node(otherwise.as_deref()?, start))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
