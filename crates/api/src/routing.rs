//! The routing configuration of an alias: read from requests, and AWS's errors for it.

use runtime::Route;

use crate::arn::{Qualifier, state_machine_arn};
use crate::constraints::{Kind, Member};
use crate::error::ApiError;
use crate::request::Members;
use crate::shapes::ARN;

/// The rule of `routingConfiguration`.
pub(crate) const ROUTING_CONFIGURATION: Kind = Kind::bounded_list(
    &Kind::Structure(&[
        Member::required("stateMachineVersionArn", ARN),
        Member::required("weight", Kind::Integer { min: 0, max: 100 }),
    ]),
    1,
    2,
);

/// The request's `routingConfiguration`, if it has one, checked: one or two different versions
/// of one state machine, whose weights make 100.
pub(crate) fn read(request: &Members<'_>) -> Result<Option<Vec<Route>>, ApiError> {
    let Some(given) = request.structures("routingConfiguration") else { return Ok(None) };
    let routes: Vec<Route> = given
        .map(|route| Route {
            version_arn: route.required_text("stateMachineVersionArn").into(),
            weight: route
                .integer("weight")
                .and_then(|weight| u8::try_from(weight).ok())
                .expect("the constraints were checked, and the table bounds it"),
        })
        .collect();
    let arns = || routes.iter().map(|route| &*route.version_arn).collect::<Vec<_>>().join(", ");
    for route in &routes {
        let arn = state_machine_arn(&route.version_arn)?.without_label()?;
        if !matches!(arn.qualifier, Some(Qualifier::Version(_))) {
            return Err(invalid(format!(
                "Routing configuration must contain state machine version ARNs. Received: [{}]",
                arns()
            )));
        }
    }
    if let [one, other] = &routes[..] {
        if one.version_arn == other.version_arn {
            return Err(invalid(format!(
                "Routing configuration must contain distinct state machine version ARNs. \
                 Received: [{}]",
                arns()
            )));
        }
        if machine_of(one) != machine_of(other) {
            return Err(invalid(format!(
                "Routing configuration must contain versions of the same state machine. \
                 Received: [{}]",
                arns()
            )));
        }
    }
    if routes.iter().map(|route| u32::from(route.weight)).sum::<u32>() != 100 {
        let weights: Vec<String> = routes.iter().map(|route| route.weight.to_string()).collect();
        return Err(invalid(format!(
            "Sum of routing configuration weights must equal 100. Received: [{}]",
            weights.join(", ")
        )));
    }
    Ok(Some(routes))
}

/// Checks that routes lead to versions of the state machine that an alias belongs to.
pub(crate) fn check_belong(routes: &[Route], alias_arn: &str) -> Result<(), ApiError> {
    let machine = alias_arn.rsplit_once(':').map(|(machine, _)| machine);
    match routes.iter().all(|route| Some(machine_of(route)) == machine) {
        true => Ok(()),
        false => Err(invalid(format!(
            "Routing configuration must contain versions of the state machine of the alias. \
             Received: [{}]",
            routes.iter().map(|route| &*route.version_arn).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// The state machine that checked routes belong to.
pub(crate) fn state_machine(routes: &[Route]) -> &str {
    routes.first().map_or("", machine_of)
}

fn machine_of(route: &Route) -> &str {
    route.version_arn.rsplit_once(':').map_or("", |(machine, _)| machine)
}

fn invalid(message: String) -> ApiError {
    ApiError::validation_because("INVALID_ROUTING_CONFIGURATION", message)
}
