//! ValidateStateMachineDefinition.

use asl::{Diagnostic, Severity};

use crate::constraints::{Kind, Member};
use crate::dispatch::{Call, Operation};
use crate::error::{ApiError, ErrorType};
use crate::json::JsonObject;
use crate::shapes::{DEFINITION, STATE_MACHINE_TYPE, page_items};
use crate::state_machine::machine_type;

pub(crate) const OPERATION: Operation = Operation {
    name: "ValidateStateMachineDefinition",
    request: &[
        Member::required("definition", DEFINITION),
        Member::optional("type", STATE_MACHINE_TYPE),
        Member::optional("severity", Kind::one_of(&["ERROR", WARNING])),
        Member::optional("maxResults", Kind::Integer { min: 0, max: 100 }),
    ],
    run: Some(|call| Box::pin(run(call))),
};

/// The severity from which warnings are shown too.
const WARNING: &str = "WARNING";

async fn run(call: Call<'_>) -> Result<Vec<u8>, ApiError> {
    let definition = call.request.required_text("definition").to_owned();
    let machine_type = machine_type(&call.request);
    // A definition of 1 MB takes a while: others are served in the meantime.
    let compiled =
        tokio::task::spawn_blocking(move || asl::compile(&definition, machine_type)).await;
    let diagnostics = match compiled {
        Ok(compiled) => compiled.diagnostics,
        Err(error) => {
            tracing::error!(%error, "compiling a definition failed");
            return Err(ApiError::bare(ErrorType::InternalFailure));
        }
    };
    let with_warnings = call.request.text("severity") == Some(WARNING);
    let is_error = |found: &&Diagnostic| found.severity == Severity::Error;
    let result = if diagnostics.iter().any(|found| is_error(&found)) { "FAIL" } else { "OK" };
    let mut shown: Vec<&Diagnostic> =
        diagnostics.iter().filter(|found| with_warnings || is_error(found)).collect();
    let items = page_items(call.request.integer("maxResults"));
    let truncated = shown.len() > items;
    shown.truncate(items);

    let mut response = JsonObject::new();
    response.text("result", result);
    response.objects("diagnostics", shown, |item, diagnostic| {
        let severity = match diagnostic.severity {
            Severity::Error => "ERROR",
            Severity::Warning => WARNING,
        };
        item.text("severity", severity);
        item.text("code", diagnostic.code);
        item.text("message", &diagnostic.message);
        item.optional_text("location", diagnostic.location.as_deref());
    });
    response.boolean("truncated", truncated);
    Ok(response.finish())
}
