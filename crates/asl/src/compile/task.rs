//! Task states.

use super::Compiler;
use super::state::{BOTH, StateReader};
use super::values::{NumberRules, Range, Visible};
use crate::validate::Field;
use crate::validate::fields::{FieldTable, Support, check_table, require};
use crate::validate::parameters::check_parameters;
use crate::{
    MachineType, NumberField, Pattern, QueryLanguage, Resource, StateKind, Task, Template,
};

/// Timeouts and heartbeats, in seconds.
const SECONDS: NumberRules =
    NumberRules { range: Range::Integer(1, 99_999_999), from_context: true };

const CREDENTIALS_FIELDS: FieldTable = &[("RoleArn", BOTH), ("RoleArn.$", Support::JsonPathOnly)];

impl<'n> Compiler<'n> {
    pub(super) fn task(&mut self, state: &StateReader<'n, '_>) -> Option<StateKind> {
        let reader = &state.reader;
        require(&mut self.findings, reader, &["Resource"]);
        let resource_field = state.field("Resource");
        let resource = resource_field.as_ref().and_then(|field| self.resource(field, state));
        if let (Some(field), Some(resource)) = (&resource_field, &resource) {
            check_parameters(&mut self.findings, resource, field, reader, state.language);
        }
        let language = state.language;
        let timeout_seconds = self.number_field(reader, "TimeoutSeconds", language, SECONDS);
        let heartbeat_seconds = self.number_field(reader, "HeartbeatSeconds", language, SECONDS);
        self.check_heartbeat(state, timeout_seconds.as_ref(), heartbeat_seconds.as_ref());
        let credentials = state
            .field("Credentials")
            .and_then(|field| self.credentials(&field, state, resource.as_ref()));
        Some(StateKind::Task(Box::new(Task {
            resource: resource?,
            timeout_seconds,
            heartbeat_seconds,
            credentials,
        })))
    }

    fn resource(&mut self, field: &Field<'n>, state: &StateReader<'n, '_>) -> Option<Resource> {
        let arn = self.string(field)?;
        let Some(resource) = Resource::parse(arn) else {
            let message = if arn.starts_with("arn:") {
                format!(
                    "The resource provided {arn} is not recognized. The value is not a valid \
                     resource ARN, or the resource is not available in this region."
                )
            } else {
                "Value is not a valid resource ARN".to_owned()
            };
            self.findings.schema(message, &field.site);
            return None;
        };
        if state.surroundings.machine_type == MachineType::Express {
            let refused = match &resource {
                Resource::Activity { .. } => "Activity ARN",
                Resource::Service { pattern, .. } => match pattern {
                    Pattern::Sync | Pattern::Sync2 => "'.sync' service integration",
                    // AWS's text ends with a space.
                    Pattern::WaitForTaskToken => "'.waitForTaskToken' service integration ",
                    Pattern::RequestResponse => "",
                },
                Resource::LambdaFunction { .. } => "",
            };
            if !refused.is_empty() {
                let message = format!("Express state machine does not support {refused}");
                self.findings.schema(message, &field.site);
            }
        }
        Some(resource)
    }

    fn check_heartbeat(
        &mut self,
        state: &StateReader<'n, '_>,
        timeout: Option<&NumberField>,
        heartbeat: Option<&NumberField>,
    ) {
        if let (Some(NumberField::Literal(timeout)), Some(NumberField::Literal(heartbeat))) =
            (timeout, heartbeat)
            && heartbeat >= timeout
            && let Some(field) = state.field("HeartbeatSeconds")
        {
            let message = "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'";
            self.findings.schema(message, &field.site);
        }
    }

    fn credentials(
        &mut self,
        field: &Field<'n>,
        state: &StateReader<'n, '_>,
        resource: Option<&Resource>,
    ) -> Option<Template> {
        if matches!(resource, Some(Resource::Activity { .. })) {
            let message = "The field 'Credentials' is not supported for activities";
            self.findings.schema(message, &field.site);
        }
        let is_expression =
            state.language == QueryLanguage::Jsonata && field.node.as_str().is_some();
        if !is_expression {
            let reader = self.object(field)?;
            check_table(&mut self.findings, &reader, Some(state.language), CREDENTIALS_FIELDS);
            let given = ["RoleArn", "RoleArn.$"].iter().any(|key| reader.object.contains(key));
            if !given {
                let message = "The field 'RoleArn' is required but was missing";
                self.findings.schema(message, &reader.site);
            }
            if let Some(role) = reader.field("RoleArn") {
                self.string(&role);
            }
        }
        self.template(field, state.language, Visible::default())
    }
}
