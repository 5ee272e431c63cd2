//! What the calls of `aws-sdk:` integrations may be given, by AWS's service models.

use service_models::{Member, Operation, Reference, Service, Shape, ShapeType};

use super::{Field, Findings};
use crate::QueryLanguage;
use crate::document::{Node, ObjectNode};

/// Checks the names that a definition writes down; what expressions and paths give is checked
/// when the task runs.
pub(super) fn check(
    findings: &mut Findings,
    service: &Service,
    operation: &Operation,
    parameters: &Field<'_>,
    language: QueryLanguage,
) {
    let check = Check { service, language, site: parameters };
    let Some(given) = parameters.node.as_object() else { return };
    match &operation.input {
        Some(reference) => {
            let shape = service.shape(reference);
            check.required(findings, given, shape);
            check.members(findings, given, shape);
        }
        None => {
            for member in given.iter() {
                check.not_supported(findings, &member.key, member);
            }
        }
    }
}

struct Check<'c> {
    service: &'c Service,
    language: QueryLanguage,
    site: &'c Field<'c>,
}

impl Check<'_> {
    /// The name that a key stands for, and whether its value is only known later.
    fn name<'k>(&self, key: &'k str) -> (&'k str, bool) {
        match (self.language, key.strip_suffix(".$")) {
            (QueryLanguage::JsonPath, Some(name)) => (name, true),
            _ => (key, false),
        }
    }

    fn not_supported(&self, findings: &mut Findings, name: &str, at: &crate::document::Member) {
        let message = format!("The field \"{name}\" is not supported by Step Functions");
        findings.schema(message, &self.site.site.pointing_at(at.key_span));
    }

    fn required(&self, findings: &mut Findings, given: &ObjectNode, shape: &Shape) {
        for member in shape.required().filter_map(|name| shape.member(name)) {
            // The SDK makes up tokens that nobody gives.
            let is_there = member.reference.is_idempotency_token
                || given.iter().any(|it| {
                    let (name, _) = self.name(&it.key);
                    find(shape, name).is_some_and(|found| found.name == member.name)
                });
            if !is_there {
                let message =
                    format!("The field '{}' is required but was missing", member.property);
                findings.schema(message, &self.site.site);
            }
        }
    }

    fn members(&self, findings: &mut Findings, given: &ObjectNode, shape: &Shape) {
        for member in given.iter() {
            let (name, is_dynamic) = self.name(&member.key);
            match find(shape, name) {
                None => self.not_supported(findings, name, member),
                Some(_) if is_dynamic => {}
                Some(found) => self.value(findings, &member.value, &found.reference),
            }
        }
    }

    fn value(&self, findings: &mut Findings, node: &Node, reference: &Reference) {
        let shape = self.service.shape(reference);
        if shape.is_document {
            return;
        }
        match shape.shape_type {
            ShapeType::Structure => {
                if let Some(given) = node.as_object() {
                    self.members(findings, given, shape);
                }
            }
            ShapeType::List => {
                for item in node.as_array().into_iter().flatten() {
                    self.value(findings, item, shape.element());
                }
            }
            ShapeType::Map => {
                for member in node.as_object().into_iter().flat_map(ObjectNode::iter) {
                    let (_, is_dynamic) = self.name(&member.key);
                    if !is_dynamic {
                        self.value(findings, &member.value, shape.value());
                    }
                }
            }
            _ => {}
        }
    }
}

/// The member that a name means. DynamoDB's own spelling of its types (`BOOL`) is understood
/// beside the SDK's (`Bool`); so is the older of two names that the SDK has for a member.
fn find<'s>(shape: &'s Shape, name: &str) -> Option<&'s Member> {
    shape.property(name).or_else(|| {
        let own = (&*shape.name == "AttributeValue").then(|| shape.member(name)).flatten();
        let older = |member: &&Member| service_models::property_name(&member.name) == name;
        own.or_else(|| shape.members.iter().find(older))
    })
}
