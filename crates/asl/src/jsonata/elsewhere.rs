//! Evaluations elsewhere: a step of an evaluation can neither be interrupted nor be kept from
//! taking memory, so whoever can end a process lets those that may take long be done in one.
//! A question and its answer are JSON; how they get there and back is not known here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Expression, StatesReferences};
use super::{FUNCTIONS_STACK_BYTES, Failure, INTERNAL, MEMORY_EXCEEDED, TIME_EXCEEDED, UNCODED};
use crate::{
    ContextObject, Environment, EvaluationError, Payload, Timestamp, VariableMap, Variables,
    parse_json,
};
use jlens_core::Error;

/// Somewhere else to evaluate what may take long.
pub trait Elsewhere {
    /// Puts a question to an [`Answering`] and gives its answer.
    fn ask(&self, question: &str) -> Result<String, Unanswered>;
}

/// Why a question was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// It took longer than an expression may.
    TookTooLong,
    /// It took more memory than an expression may.
    TookTooMuchMemory,
    /// Nothing could be asked.
    NotAsked,
}

/// How many compiled expressions are kept.
const EXPRESSIONS_MAX: usize = 1_000;

/// Answers questions, one after the other.
#[derive(Debug, Default)]
pub struct Answering {
    expressions: BTreeMap<String, Arc<Expression>>,
}

impl Answering {
    /// The answer to a question; nothing where it is none. `before` is told before the
    /// evaluation how many bytes of a stack are set aside for it.
    pub fn answer(&mut self, question: &str, before: impl FnOnce(usize)) -> Option<String> {
        let question = parse_json(question).ok()?;
        let question = question.value();
        let expression = self.expression(question.get("text")?.as_str()?)?;
        before(if expression.analysis.makes_functions { FUNCTIONS_STACK_BYTES } else { 0 });
        let location = question.get("location")?.as_str()?;
        let outcome = with_environment(question, |environment| {
            expression.evaluate_at(environment, &location)
        })?;
        let answer = match outcome {
            Ok(value) => json!({ "value": value }),
            Err(error) => json!({ "cause": error.cause }),
        };
        Some(answer.to_string())
    }

    fn expression(&mut self, text: &str) -> Option<Arc<Expression>> {
        if let Some(expression) = self.expressions.get(text) {
            return Some(Arc::clone(expression));
        }
        if self.expressions.len() >= EXPRESSIONS_MAX {
            self.expressions.clear();
        }
        let expression = Arc::new(Expression::compile(text).ok()?);
        self.expressions.insert(text.to_owned(), Arc::clone(&expression));
        Some(expression)
    }
}

/// What the expression may look at, as a question tells it.
fn with_environment<T>(
    question: &Value,
    evaluate: impl FnOnce(&Environment<'_>) -> T,
) -> Option<T> {
    let states = question.get("states")?;
    let build = || states.get("context").cloned().unwrap_or_default();
    let context = ContextObject::new(&build);
    let variables: VariableMap = question
        .get("variables")?
        .as_object()?
        .iter()
        .map(|(name, value)| (name.as_str().into(), Payload::from(value.clone())))
        .collect();
    Some(evaluate(&Environment {
        input: states.get("input").unwrap_or(&Value::Null),
        states_input: None,
        result: states.get("result"),
        error_output: states.get("errorOutput"),
        context: &context,
        variables: Variables { scopes: &[&variables] },
        now: Timestamp(question.get("now")?.as_i64()?),
        random: &std::cell::Cell::new(question.get("seed")?.as_u64()?),
        interrupt: None,
        elsewhere: None,
    }))
}

impl Expression {
    /// Lets the evaluation be done elsewhere.
    pub(super) fn ask(
        &self,
        elsewhere: &dyn Elsewhere,
        environment: &Environment<'_>,
        location: &dyn std::fmt::Display,
    ) -> Result<Value, EvaluationError> {
        let location = location.to_string();
        let failed = |code: &str, message: &str| {
            let error = Error::new(code).with("message", message);
            Err(self.explain(Failure::Thrown(error), environment, &location))
        };
        let question = self.question(environment, &location).to_string();
        let answer = match elsewhere.ask(&question) {
            Ok(answer) => answer,
            Err(Unanswered::TookTooLong) => return failed(TIME_EXCEEDED, ""),
            Err(Unanswered::TookTooMuchMemory) => return failed(UNCODED, MEMORY_EXCEEDED),
            Err(Unanswered::NotAsked) => return failed(INTERNAL, ""),
        };
        let answer = parse_json(&answer).ok();
        let answer = answer.as_ref().map(Payload::value);
        let member = |name: &str| answer.and_then(|answer| answer.get(name));
        match (member("value"), member("cause").and_then(Value::as_str)) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(cause)) => Err(EvaluationError::query(cause, location)),
            (None, None) => failed(INTERNAL, ""),
        }
    }

    /// The question: the expression, and of everything it may look at what it mentions.
    fn question(&self, environment: &Environment<'_>, location: &str) -> Value {
        let StatesReferences { input, result, error_output, context } = self.analysis.states;
        let members = [
            ("input", input.then(|| environment.states_input.unwrap_or(environment.input))),
            ("result", environment.result.filter(|_| result)),
            ("errorOutput", environment.error_output.filter(|_| error_output)),
            ("context", context.then(|| environment.context.value())),
        ];
        let states: Map<String, Value> = members
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
            .collect();
        // A variable that is named as a function takes its place.
        let names = self.analysis.variables.iter().chain(&self.analysis.functions);
        let variables: Map<String, Value> = names
            .filter_map(|name| Some((name.clone(), environment.variables.get(name)?.clone())))
            .collect();
        json!({
            "text": &*self.text,
            "location": location,
            "states": states,
            "variables": variables,
            "now": environment.now.0,
            "seed": environment.next_random(),
        })
    }
}
