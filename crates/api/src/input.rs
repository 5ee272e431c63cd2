//! The input an execution is started with.

use asl::{MachineType, Payload};

use crate::api::Api;
use crate::arn::{Qualifier, StateMachineArn, state_machine_arn};
use crate::dispatch::Call;
use crate::error::{ApiError, ErrorType};
use crate::name;
use runtime::{StartRequest, split_test_case};

/// Takes the request of StartExecution or StartSyncExecution apart. AWS looks for the state
/// machine before it looks at name and input; here that happens only when one of them is wrong.
pub(crate) fn start_request(call: &Call<'_>) -> Result<StartRequest, ApiError> {
    let state_machine = call.request.required_text("stateMachineArn");
    let plain = without_test_case(call, state_machine);
    let arn = state_machine_arn(plain)?.without_label()?;
    let name = call.request.text("name");
    let empty = || call.api.empty_input.clone();
    let checked = name.map_or(Ok(()), name::check).and_then(|()| given_or(call, empty()));
    let input = match checked {
        Ok(input) => input,
        Err(error) => {
            machine_type(call, plain, arn)?;
            return Err(error);
        }
    };
    let trace_header = call.trace_header.or_else(|| call.request.text("traceHeader"));
    Ok(StartRequest {
        state_machine_arn: state_machine.to_owned(),
        name: name.map(str::to_owned),
        input,
        trace_header: trace_header
            .map(str::to_owned)
            .or_else(|| call.trace_parent.and_then(trace_header_of)),
    })
}

/// The W3C's `traceparent` in the form of X-Ray, which says the same:
/// `00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01` ->
/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
fn trace_header_of(trace_parent: &str) -> Option<String> {
    let mut parts = trace_parent.trim().split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_id = |text: &str, length: usize| {
        text.len() == length
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && text.bytes().any(|byte| byte != b'0')
    };
    // Later versions may have more parts; the first four stay.
    let is_whole = parts.next().is_none() || version != "00";
    if version.len() != 2 || version == "ff" || !is_id(trace, 32) || !is_id(parent, 16) || !is_whole
    {
        return None;
    }
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1;
    let (seconds, rest) = trace.split_at(8);
    Some(format!("Root=1-{seconds}-{rest};Parent={parent};Sampled={sampled}"))
}

/// The ARN of a state machine without the test case that may stand behind it where there are
/// mocks.
pub(crate) fn without_test_case<'t>(call: &Call<'_>, arn: &'t str) -> &'t str {
    plain_arn(call.api, arn)
}

/// As [`without_test_case`].
pub(crate) fn plain_arn<'t>(api: &Api, arn: &'t str) -> &'t str {
    if api.runtime.has_mocks() { split_test_case(arn).0 } else { arn }
}

/// The type of the state machine that a plain, version or alias ARN leads to.
pub(crate) fn machine_type(
    call: &Call<'_>,
    text: &str,
    arn: StateMachineArn<'_>,
) -> Result<MachineType, ApiError> {
    machine_type_of(call.api, text, arn)
}

/// As [`machine_type`].
pub(crate) fn machine_type_of(
    api: &Api,
    text: &str,
    arn: StateMachineArn<'_>,
) -> Result<MachineType, ApiError> {
    let runtime = &api.runtime;
    match arn.qualifier {
        None => Ok(runtime.state_machine(text)?.machine_type),
        Some(Qualifier::Version(_)) => {
            Ok(runtime.state_machine_version(text)?.machine.machine_type)
        }
        Some(Qualifier::Alias(alias)) => {
            let no_such = || ApiError::state_machine_does_not_exist(text);
            runtime.state_machine_alias(text).map_err(|_| no_such())?;
            let plain = &text[..text.len() - alias.len() - 1];
            Ok(runtime.state_machine(plain).map_err(|_| no_such())?.machine_type)
        }
    }
}

/// The request's `input`, or another where there is none.
pub(crate) fn given_or(call: &Call<'_>, default: Payload) -> Result<Payload, ApiError> {
    let Some(text) = call.request.text("input") else { return Ok(default) };
    let invalid = |detail: &str| {
        let message = format!("Invalid State Machine Execution Input: '{detail}'");
        ApiError::new(ErrorType::InvalidExecutionInput, message)
    };
    if text.trim_ascii().is_empty() {
        return Err(invalid("Invalid execution input."));
    }
    asl::parse_json(text).map_err(|error| invalid(&error.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_parent_is_told_in_the_form_of_x_ray() {
        let trace = "5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8";
        let shown = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=";
        for (given, expected) in [
            (format!("00-{trace}-01"), Some(format!("{shown}1"))),
            (format!("00-{trace}-02"), Some(format!("{shown}0"))),
            (format!("01-{trace}-01-more"), Some(format!("{shown}1"))),
            (format!("00-{trace}-01-more"), None),
            (format!("ff-{trace}-01"), None),
            (format!("00-{trace}"), None),
            (format!("00-{}-01", trace.to_uppercase()), None),
            ("00-00000000000000000000000000000000-53995c3f42cd8ad8-01".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(trace_header_of(&given), expected, "{given}");
        }
    }
}
