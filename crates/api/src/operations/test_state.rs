//! TestState: one state alone, with a mocked result or a real call.

use std::sync::Arc;

use asl::{MachineType, Payload, Program, StateIndex, StateKind, VariableMap};
use engine::{Inspection, StateTest, TaskFailure, TestedState};
use runtime::{HttpInspection, HttpInspector, StateTestError, StateTestRequest};

use crate::arn::{arn_prefix, role_arn};
use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::{ApiError, ErrorType};
use crate::input;
use crate::json::JsonObject;
use crate::request::Members;
use crate::shapes::{ARN, CAUSE, DEFINITION, ERROR};
use crate::test_state::{context, mock};

/// The name of a state that is given alone.
const STATE_NAME: &str = "StateName";

/// The name of a state in a request.
const NAME: Kind = Kind::sensitive(1, 80);

pub(crate) const OPERATION: Operation = Operation {
    name: "TestState",
    request: &[
        Member::required("definition", DEFINITION),
        Member::optional("roleArn", ARN),
        Member::optional("input", Kind::payload()),
        Member::optional("inspectionLevel", Kind::one_of(&[INFO, "DEBUG", TRACE])),
        Member::optional("revealSecrets", Kind::Boolean),
        Member::optional("variables", Kind::payload()),
        Member::optional("stateName", NAME),
        Member::optional(
            "mock",
            Kind::Structure(&[
                Member::optional("result", Kind::payload()),
                Member::optional(
                    "errorOutput",
                    Kind::Structure(&[
                        Member::optional("error", ERROR),
                        Member::optional("cause", CAUSE),
                    ]),
                ),
                Member::optional("fieldValidationMode", mock::MODE),
            ]),
        ),
        Member::optional("context", Kind::payload()),
        Member::optional(
            "stateConfiguration",
            Kind::Structure(&[
                Member::optional("retrierRetryCount", Kind::at_least(0)),
                Member::optional("errorCausedByState", NAME),
                Member::optional("mapIterationFailureCount", Kind::at_least(0)),
                Member::optional("mapItemReaderData", Kind::payload()),
            ]),
        ),
    ],
    run: Some(|call| Box::pin(run(call))),
};

/// The level that shows nothing but what came of the state.
const INFO: &str = "INFO";
/// The level that also shows what an HTTP Task sends and receives.
const TRACE: &str = "TRACE";

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let request = &call.request;
    let role = request.text("roleArn");
    role.map_or(Ok(()), role_arn)?;
    let mock = request.structure("mock");
    check_members(request)?;
    let program = Arc::new(compile(request).await?);
    let state = find_state(request, &program)?;
    check_state(&program, state, mock.is_some(), role.is_some())?;
    let test = StateTest {
        state,
        input: input::given_or(&call, call.api.empty_input.clone())?,
        variables: variables(request)?,
        context: request
            .text("context")
            .map(|text| context::read(text, &program.state(state).kind))
            .transpose()?,
        mock: mock.map(|mock| mocked(mock, &program, state)).transpose()?,
        retries: retries(request)?,
        error_is_of_task: error_is_of_task(request, &program, state)?,
        failed_iterations: configured_number(request, "mapIterationFailureCount"),
        item_reader_data: configuration(request)
            .and_then(|configuration| configuration.text("mapItemReaderData"))
            .map(Into::into),
    };
    let reveals_secrets = request.boolean("revealSecrets") == Some(true);
    let inspector = (request.text("inspectionLevel") == Some(TRACE))
        .then(|| Arc::new(HttpInspector::new(reveals_secrets)));
    let prefix = arn_prefix(call.caller.region, call.caller.account, "");
    let tested = call.api.runtime.test_state(StateTestRequest {
        program: Arc::clone(&program),
        test,
        arn_scope: prefix.trim_end_matches(':').to_owned(),
        role_arn: role.map(Into::into),
        inspector: inspector.clone(),
    });
    let tested = tested.await.map_err(|error| match error {
        StateTestError::TooManyFailedIterations => ApiError::validation(
            "Map iteration failure count must be less than or equal to the number of Map iterations",
        ),
        // AWS's own words for it are not known.
        StateTestError::DoesNotEnd => ApiError::validation("An expression did not end"),
    })?;
    let is_inspected = request.text("inspectionLevel").is_some_and(|level| level != INFO);
    let http = inspector.map(|inspector| inspector.seen()).unwrap_or_default();
    Ok(describe(&tested, &program, is_inspected, &http))
}

/// What fits together and what does not, whatever the state is.
fn check_members(request: &Members<'_>) -> Result<(), ApiError> {
    let Some(mock) = request.structure("mock") else {
        let only_mocked = [
            ("Context", request.text("context").is_some()),
            ("RetrierRetryCount", configured_number(request, "retrierRetryCount").is_some()),
            ("ErrorCausedByState", error_caused_by(request).is_some()),
            (
                "MapIterationFailureCount",
                configured_number(request, "mapIterationFailureCount").is_some(),
            ),
            (
                "MapItemReaderData",
                configuration(request)
                    .is_some_and(|given| given.text("mapItemReaderData").is_some()),
            ),
        ];
        return match only_mocked.iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => Err(ApiError::validation(format!(
                "TestState does not support {name} when a mock is not specified."
            ))),
            None => Ok(()),
        };
    };
    if request.boolean("revealSecrets") == Some(true) {
        return Err(ApiError::validation(
            "TestState does not support RevealSecrets when a mock is specified.",
        ));
    }
    if mock.text("result").is_some() == mock.structure("errorOutput").is_some() {
        return Err(ApiError::validation(
            "A test mock should have only one of the following fields: [result, errorOutput].",
        ));
    }
    Ok(())
}

/// The state alone, or the state machine that has it.
async fn compile(request: &Members<'_>) -> Result<Program, ApiError> {
    let definition = request.required_text("definition").to_owned();
    let is_machine = request.text("stateName").is_some();
    // A definition of 1 MB takes a while: others are served in the meantime.
    let compiled = tokio::task::spawn_blocking(move || match is_machine {
        true => asl::compile(&definition, MachineType::Standard),
        false => asl::compile_state(&definition, STATE_NAME, MachineType::Standard),
    });
    let compiled = compiled.await.map_err(|error| {
        tracing::error!(%error, "compiling a definition failed");
        ApiError::bare(ErrorType::InternalFailure)
    })?;
    compiled.program.ok_or_else(|| ApiError::invalid_definition(&compiled.diagnostics))
}

fn find_state(request: &Members<'_>, program: &Program) -> Result<StateIndex, ApiError> {
    let name = request.text("stateName").unwrap_or(STATE_NAME);
    state_named(program, name).ok_or_else(|| ApiError::validation("State not found in definition"))
}

fn state_named(program: &Program, name: &str) -> Option<StateIndex> {
    let place = program.states.iter().position(|state| *state.name == *name)?;
    u32::try_from(place).ok().map(StateIndex)
}

/// Which states can be tested with a mock, and which without.
fn check_state(
    program: &Program,
    state: StateIndex,
    is_mocked: bool,
    has_role: bool,
) -> Result<(), ApiError> {
    let kind = &program.state(state).kind;
    match kind {
        StateKind::Map(_) | StateKind::Parallel { .. } | StateKind::Task(_) if is_mocked => Ok(()),
        StateKind::Map(_) | StateKind::Parallel { .. } => Err(ApiError::new(
            ErrorType::InvalidDefinition,
            "TestState API does not support Map or Parallel states. Supported state types \
             include: [Task, Wait, Pass, Succeed, Fail, Choice]",
        )),
        StateKind::Task(task) if mock::is_needed(&task.resource) => Err(ApiError::validation(
            "TestState does not support Activity, '.sync' or '.waitForTaskToken' Tasks when a \
             mock is not specified.",
        )),
        StateKind::Task(_) if !has_role => {
            Err(ApiError::validation("RoleArn must be specified when testing a Task state"))
        }
        kind if is_mocked => Err(ApiError::validation(format!(
            "State type '{}' is not supported when a mock is specified",
            kind.name()
        ))),
        _ => Ok(()),
    }
}

fn variables(request: &Members<'_>) -> Result<VariableMap, ApiError> {
    let Some(text) = request.text("variables") else { return Ok(VariableMap::new()) };
    let given = asl::parse_json(text).ok();
    let object = given.as_ref().and_then(|given| given.value().as_object());
    let object =
        object.ok_or_else(|| ApiError::validation("Variables must be a valid JSON object"))?;
    let pairs = object.iter();
    Ok(pairs.map(|(name, value)| (name.as_str().into(), Payload::from(value.clone()))).collect())
}

/// What the mock gives, checked against what the state can get.
fn mocked(
    mock: &Members<'_>,
    program: &Program,
    state: StateIndex,
) -> Result<Result<Payload, TaskFailure>, ApiError> {
    if let Some(error) = mock.structure("errorOutput") {
        return Ok(Err(TaskFailure {
            error: error.text("error").map(Into::into),
            cause: error.text("cause").map(Into::into),
        }));
    }
    let text = mock.text("result").unwrap_or_default();
    let result = asl::parse_json(text)
        .map_err(|_| ApiError::validation("Mocked result must be valid JSON"))?;
    mock::check(&result, &program.state(state).kind, mock.text("fieldValidationMode"))?;
    Ok(Ok(result))
}

fn configuration<'r, 'b>(request: &'r Members<'b>) -> Option<&'r Members<'b>> {
    request.structure("stateConfiguration")
}

fn configured_number(request: &Members<'_>, name: &str) -> Option<u64> {
    configuration(request)?.integer(name)?.try_into().ok()
}

fn error_caused_by<'r>(request: &'r Members<'_>) -> Option<&'r str> {
    configuration(request)?.text("errorCausedByState")
}

/// How often the retrier was used before: as the configuration says, or the context object.
fn retries(request: &Members<'_>) -> Result<u32, ApiError> {
    let configured = configured_number(request, "retrierRetryCount");
    let shown = || context::retry_count(request.text("context")?);
    let retries = configured.or_else(shown).unwrap_or(0);
    Ok(u32::try_from(retries).unwrap_or(u32::MAX))
}

/// Whether the mocked error comes from a Task inside the tested Map or Parallel.
fn error_is_of_task(
    request: &Members<'_>,
    program: &Program,
    tested: StateIndex,
) -> Result<bool, ApiError> {
    let Some(name) = error_caused_by(request) else { return Ok(false) };
    let found = state_named(program, name).filter(|state| is_inside(program, *state, tested));
    let found = found.ok_or_else(|| ApiError::validation("State not found in definition"))?;
    Ok(matches!(program.state(found).kind, StateKind::Task(_)))
}

fn is_inside(program: &Program, state: StateIndex, container: StateIndex) -> bool {
    let mut scope = program.state(state).scope;
    while let Some(outer) = program.scope(scope).container {
        if outer == container {
            return true;
        }
        scope = program.state(outer).scope;
    }
    false
}

fn describe(
    tested: &TestedState,
    program: &Program,
    is_inspected: bool,
    http: &HttpInspection,
) -> Vec<u8> {
    let mut response = JsonObject::with_capacity(1024);
    response.optional_text("output", tested.output.as_ref().map(Payload::text));
    response.optional_text("error", tested.error.as_deref());
    response.optional_text("cause", tested.cause.as_deref());
    if is_inspected {
        response.object("inspectionData", |data| {
            let is_jsonata = program_is_jsonata(program, tested);
            inspect(data, &tested.inspection, is_jsonata);
            inspect_http(data, http);
        });
    }
    response.optional_text("nextState", tested.next.map(|next| &*program.state(next).name));
    response.text("status", tested.status.name());
    response.finish()
}

/// What an HTTP Task sent and received.
fn inspect_http(data: &mut JsonObject, seen: &HttpInspection) {
    if let Some(request) = &seen.request {
        data.object("request", |data| {
            data.text("protocol", &request.protocol);
            data.text("method", &request.method);
            data.text("url", &request.url);
            data.text("headers", &request.headers);
            data.optional_text("body", request.body.as_deref());
        });
    }
    if let Some(response) = &seen.response {
        data.object("response", |data| {
            data.text("protocol", &response.protocol);
            data.text("statusCode", &response.status_code);
            data.text("statusMessage", &response.status_message);
            data.text("headers", &response.headers);
            data.optional_text("body", response.body.as_deref());
        });
    }
}

fn program_is_jsonata(program: &Program, tested: &TestedState) -> bool {
    program.state(tested.state).query_language == asl::QueryLanguage::Jsonata
}

fn inspect(data: &mut JsonObject, seen: &Inspection, is_jsonata: bool) {
    let arguments = if is_jsonata { "afterArguments" } else { "afterParameters" };
    let texts = [
        ("input", &seen.input),
        ("afterInputPath", &seen.after_input_path),
        (arguments, &seen.after_arguments),
        ("result", &seen.result),
        ("afterResultSelector", &seen.after_result_selector),
        ("afterResultPath", &seen.after_result_path),
        ("variables", &seen.variables),
        ("afterItemsPath", &seen.after_items_path),
        ("afterItemsPointer", &seen.after_items_pointer),
        ("afterItemSelector", &seen.after_item_selector),
        ("afterItemBatcher", &seen.after_item_batcher),
    ];
    for (key, payload) in texts {
        data.optional_text(key, payload.as_ref().map(Payload::text));
    }
    let numbers = [
        ("toleratedFailureCount", seen.tolerated_failure_count),
        ("maxConcurrency", seen.max_concurrency),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            data.number(key, number.unsigned_abs());
        }
    }
    if let Some(percentage) = seen.tolerated_failure_percentage {
        data.value("toleratedFailurePercentage", &percentage.into());
    }
    if seen.retry_index.is_some() || seen.catch_index.is_some() {
        data.object("errorDetails", |details| {
            let numbers = [
                ("catchIndex", seen.catch_index.map(|index| index as u64)),
                ("retryIndex", seen.retry_index.map(|index| index as u64)),
                ("retryBackoffIntervalSeconds", seen.retry_backoff_seconds.map(i64::unsigned_abs)),
            ];
            for (key, number) in numbers {
                if let Some(number) = number {
                    details.number(key, number);
                }
            }
        });
    }
}
