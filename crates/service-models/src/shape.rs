//! A service's model: its operations, and the shapes of what they take and answer. Field names
//! in the stored form are short, since they are written many times; `xtask/service_models.py`
//! writes them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::naming::{capitalized, exception_name, property_name};

/// URL with `{region}` and `{dnsSuffix}`, signing region, signing name; empty where it is the
/// usual one.
pub(crate) type StoredEndpoint = (Box<str>, Box<str>, Box<str>);

/// A service.
#[derive(Debug, Deserialize)]
pub struct Service {
    /// As `aws-sdk:` resources name it.
    #[serde(skip)]
    pub id: Box<str>,
    /// Before the dot of error names: `DynamoDb`.
    pub prefix: Box<str>,
    /// botocore's name, by which the AWS CLI calls it: `stepfunctions`.
    pub folder: Box<str>,
    /// As endpoint variables name it, in capitals and with `_`: `Secrets Manager`.
    pub service_id: Box<str>,
    pub protocol: Protocol,
    /// `1.0` or `1.1`
    #[serde(default)]
    pub json_version: Option<Box<str>>,
    pub api_version: Box<str>,
    pub endpoint_prefix: Box<str>,
    pub signing_name: Box<str>,
    /// `v4`, or what is not spoken: `v2`, `bearer`.
    pub signature: Box<str>,
    #[serde(default)]
    pub target_prefix: Option<Box<str>>,
    #[serde(default)]
    pub xml_namespace: Option<Box<str>>,
    /// Whether answers name errors of an older protocol in a header.
    #[serde(default)]
    pub query_compatible: bool,
    /// Whether `aws-sdk:` resources reach it on AWS.
    #[serde(default)]
    pub offered: bool,
    /// As most regions have it.
    pub(crate) endpoint: StoredEndpoint,
    /// What differs, by partition or region.
    #[serde(default)]
    pub(crate) endpoints: BTreeMap<Box<str>, StoredEndpoint>,
    /// By name.
    pub operations: Vec<Operation>,
    /// By name.
    shapes: Vec<Shape>,
}

/// How requests and answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    Json,
    RestJson,
    Query,
    Ec2,
    RestXml,
    /// Not spoken by the client: no service that `aws-sdk:` resources reach needs it.
    #[serde(rename = "smithy-rpc-v2-cbor")]
    Cbor,
}

/// An operation.
#[derive(Debug, Deserialize)]
pub struct Operation {
    #[serde(rename = "n")]
    pub name: Box<str>,
    #[serde(rename = "m")]
    pub method: Box<str>,
    /// With labels in braces, and perhaps a query: `/{Bucket}/{Key+}?tagging`.
    #[serde(rename = "u")]
    pub uri: Box<str>,
    #[serde(rename = "i", default)]
    pub input: Option<Reference>,
    #[serde(rename = "o", default)]
    pub output: Option<Reference>,
    /// The element around the result, in the query protocol.
    #[serde(rename = "W", default)]
    pub result_wrapper: Option<Box<str>>,
    #[serde(rename = "e", default)]
    errors: Vec<u32>,
    /// Before the host's name, with labels: `sync-`, `{AccountId}.`.
    #[serde(rename = "p", default)]
    pub host_prefix: Option<Box<str>>,
    /// Whether the body must have a checksum.
    #[serde(rename = "c", default)]
    pub needs_checksum: bool,
    /// The member that chooses the checksum's algorithm.
    #[serde(rename = "a", default)]
    pub checksum_member: Option<Box<str>>,
    /// Whether it is called without a signature.
    #[serde(rename = "N", default)]
    pub is_unsigned: bool,
    /// Whether the signature leaves the body out.
    #[serde(rename = "U", default)]
    pub has_unsigned_payload: bool,
    /// Whether the endpoint must first be asked for.
    #[serde(rename = "d", default)]
    pub needs_endpoint_discovery: bool,
    /// Whether `aws-sdk:` resources cannot call it.
    #[serde(rename = "R", default)]
    pub is_refused: bool,
}

/// A use of a shape, with the traits that belong to the use.
#[derive(Debug, Deserialize)]
pub struct Reference {
    #[serde(rename = "s")]
    shape: u32,
    #[serde(rename = "l", default)]
    pub location: Option<Location>,
    #[serde(rename = "L", default)]
    pub location_name: Option<Box<str>>,
    #[serde(rename = "q", default)]
    pub query_name: Option<Box<str>>,
    #[serde(rename = "f", default)]
    pub is_flattened: bool,
    #[serde(rename = "a", default)]
    pub is_xml_attribute: bool,
    #[serde(rename = "S", default)]
    pub is_streaming: bool,
    /// Whether a header holds Base64 of JSON.
    #[serde(rename = "j", default)]
    pub is_json: bool,
    #[serde(rename = "i", default)]
    pub is_idempotency_token: bool,
    #[serde(rename = "T", default)]
    pub timestamp_format: Option<TimestampFormat>,
    #[serde(rename = "h", default)]
    pub is_host_label: bool,
    #[serde(rename = "x", default)]
    pub xml_namespace: Option<XmlNamespace>,
}

/// Where a member stands that is not in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Location {
    Uri,
    #[serde(rename = "querystring")]
    QueryString,
    Header,
    Headers,
    StatusCode,
}

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TimestampFormat {
    #[serde(rename = "iso8601")]
    Iso8601,
    #[serde(rename = "rfc822")]
    Rfc822,
    #[serde(rename = "unixTimestamp")]
    UnixTimestamp,
}

/// URI, and perhaps a prefix.
#[derive(Debug, Deserialize)]
pub struct XmlNamespace(Vec<Box<str>>);

/// A member of a structure.
#[derive(Debug, Deserialize)]
pub struct Member {
    /// In the service's own spelling.
    #[serde(rename = "n")]
    pub name: Box<str>,
    /// In parameters and results of tasks.
    #[serde(skip)]
    pub property: Box<str>,
    #[serde(rename = "J", default)]
    java_name: Option<Box<str>>,
    #[serde(flatten)]
    pub reference: Reference,
}

/// What kind of value a shape is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShapeType {
    Structure,
    List,
    Map,
    #[serde(alias = "character")]
    String,
    Integer,
    Long,
    #[serde(alias = "double")]
    Float,
    Boolean,
    Blob,
    Timestamp,
}

/// The form of a value.
#[derive(Debug, Deserialize)]
pub struct Shape {
    #[serde(rename = "n")]
    pub name: Box<str>,
    #[serde(rename = "t")]
    pub shape_type: ShapeType,
    #[serde(rename = "m", default)]
    pub members: Vec<Member>,
    #[serde(rename = "r", default)]
    required: Vec<Box<str>>,
    #[serde(rename = "M", default)]
    element: Option<Reference>,
    #[serde(rename = "k", default)]
    key: Option<Reference>,
    #[serde(rename = "v", default)]
    value: Option<Reference>,
    #[serde(rename = "e", default)]
    pub values: Vec<Box<str>>,
    /// Of a number, or of a length.
    #[serde(rename = "<", default)]
    pub min: Option<f64>,
    #[serde(rename = ">", default)]
    pub max: Option<f64>,
    #[serde(rename = "f", default)]
    pub is_flattened: bool,
    /// The member that is the body.
    #[serde(rename = "p", default)]
    pub payload: Option<Box<str>>,
    #[serde(rename = "L", default)]
    pub location_name: Option<Box<str>>,
    #[serde(rename = "S", default)]
    pub is_streaming: bool,
    #[serde(rename = "T", default)]
    pub timestamp_format: Option<TimestampFormat>,
    /// Any JSON.
    #[serde(rename = "d", default)]
    pub is_document: bool,
    #[serde(rename = "u", default)]
    pub is_union: bool,
    #[serde(rename = "E", default)]
    pub is_event_stream: bool,
    #[serde(rename = "x", default)]
    pub is_exception: bool,
    /// Whether another element stands around the result, in the query protocol.
    #[serde(rename = "w", default)]
    pub is_wrapper: bool,
    #[serde(rename = "o", default)]
    pub xml_order: Vec<Box<str>>,
    #[serde(rename = "X", default)]
    pub xml_namespace: Option<XmlNamespace>,
    /// The code of an error, where it is not the shape's name.
    #[serde(rename = "c", default)]
    pub error_code: Option<Box<str>>,
    /// The HTTP status of an error.
    #[serde(rename = "h", default)]
    pub error_status: Option<u16>,
}

impl Service {
    /// Fills in what follows from the rest.
    pub(crate) fn complete(&mut self, id: &str) {
        self.id = id.into();
        // A shape may name its uses.
        let names: Vec<Option<Box<str>>> =
            self.shapes.iter().map(|shape| shape.location_name.clone()).collect();
        for shape in &mut self.shapes {
            let members = shape.members.iter_mut().map(|member| &mut member.reference);
            let parts = [&mut shape.element, &mut shape.key, &mut shape.value];
            for reference in members.chain(parts.into_iter().flatten()) {
                if reference.location_name.is_none() {
                    reference.location_name.clone_from(&names[reference.shape as usize]);
                }
            }
        }
        for member in self.shapes.iter_mut().flat_map(|shape| &mut shape.members) {
            member.property = match &member.java_name {
                Some(name) => capitalized(name).into(),
                None => property_name(&member.name).into(),
            };
        }
    }

    /// An operation by its name: `PutItem`.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        let found = self.operations.binary_search_by(|operation| (*operation.name).cmp(name));
        found.ok().and_then(|at| self.operations.get(at))
    }

    /// An operation by the action of an `aws-sdk:` resource, its name with a small first letter:
    /// `putItem`, `describeDBInstances`.
    pub fn action(&self, action: &str) -> Option<&Operation> {
        let is_camel = action.starts_with(|first: char| first.is_ascii_lowercase());
        is_camel.then(|| self.operation(&capitalized(action))).flatten()
    }

    /// The shape that a reference is about.
    pub fn shape(&self, reference: &Reference) -> &Shape {
        self.at(reference.shape)
    }

    fn at(&self, index: u32) -> &Shape {
        self.shapes.get(index as usize).expect("references count the shapes of the same service")
    }

    /// The errors that an operation names.
    pub fn errors<'s>(&'s self, operation: &'s Operation) -> impl Iterator<Item = &'s Shape> {
        operation.errors.iter().map(|index| self.at(*index))
    }

    /// The error with this code: of the operation, else of any operation.
    pub fn error<'s>(&'s self, operation: &'s Operation, code: &str) -> Option<&'s Shape> {
        let is_it =
            |shape: &&Shape| shape.error_code.as_deref() == Some(code) || &*shape.name == code;
        let of_all = || self.shapes.iter().filter(|shape| shape.is_exception).find(is_it);
        self.errors(operation).find(is_it).or_else(of_all)
    }

    /// The name of an error behind the dot: `NoSuchKeyException`; for one that the model does
    /// not have, the service's own: `S3Exception`.
    pub fn exception_of(&self, operation: &Operation, code: &str) -> String {
        match self.error(operation, code) {
            Some(shape) => exception_name(&shape.name),
            None => format!("{}Exception", self.prefix),
        }
    }
}

impl Shape {
    /// A member in the service's spelling.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| &*member.name == name)
    }

    /// The member that a parameter's or result's name means: in the spelling of tasks.
    pub fn property(&self, property: &str) -> Option<&Member> {
        self.members.iter().find(|member| &*member.property == property)
    }

    /// The names of the members that must be there, in the service's spelling.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.required.iter().map(|name| &**name)
    }

    /// What a list holds.
    ///
    /// # Panics
    /// The shape is not a list.
    pub fn element(&self) -> &Reference {
        self.element.as_ref().expect("a list has elements")
    }

    /// The keys of a map.
    ///
    /// # Panics
    /// The shape is not a map.
    pub fn key(&self) -> &Reference {
        self.key.as_ref().expect("a map has keys")
    }

    /// The values of a map.
    ///
    /// # Panics
    /// The shape is not a map.
    pub fn value(&self) -> &Reference {
        self.value.as_ref().expect("a map has values")
    }
}

impl Reference {
    /// The name on the wire.
    pub fn wire_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.location_name.as_deref().unwrap_or(name)
    }
}

impl Member {
    /// The name on the wire.
    pub fn wire_name(&self) -> &str {
        self.reference.wire_name(&self.name)
    }
}

impl XmlNamespace {
    pub fn uri(&self) -> &str {
        self.0.first().map_or("", |uri| uri)
    }

    pub fn prefix(&self) -> Option<&str> {
        self.0.get(1).map(|prefix| &**prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_reads() {
        let mut services = 0;
        let mut operations = 0;
        for entry in crate::services() {
            let service = entry.service();
            assert_eq!(service.prefix.to_lowercase(), *service.id);
            assert_eq!(service.offered, entry.is_offered);
            assert!(service.operations.is_sorted_by(|a, b| a.name < b.name), "{}", service.id);
            if service.offered {
                assert_ne!(service.protocol, Protocol::Cbor, "{}", service.id);
            }
            for shape in &service.shapes {
                match shape.shape_type {
                    ShapeType::List => _ = service.shape(shape.element()),
                    ShapeType::Map => {
                        _ = (service.shape(shape.key()), service.shape(shape.value()))
                    }
                    _ => {}
                }
                for member in &shape.members {
                    service.shape(&member.reference);
                    let found = shape.property(&member.property).unwrap();
                    assert_eq!(found.name, member.name, "{} {}", service.id, shape.name);
                }
            }
            for operation in &service.operations {
                for reference in operation.input.iter().chain(&operation.output) {
                    service.shape(reference);
                }
                assert!(service.errors(operation).all(|error| error.is_exception));
            }
            services += 1;
            operations += service.operations.len();
        }
        assert!(services > 400 && operations > 15_000, "{services} services, {operations}");
    }

    #[test]
    fn names_are_found() {
        let dynamodb = crate::find("dynamodb").unwrap();
        assert_eq!((&*dynamodb.prefix, dynamodb.protocol), ("DynamoDb", Protocol::Json));
        let put_item = dynamodb.action("putItem").unwrap();
        assert!(dynamodb.action("PutItem").is_none());
        assert_eq!(
            dynamodb.exception_of(put_item, "ConditionalCheckFailedException"),
            "ConditionalCheckFailedException"
        );
        assert_eq!(dynamodb.exception_of(put_item, "ValidationException"), "DynamoDbException");
        let value = dynamodb.shapes.iter().find(|shape| &*shape.name == "AttributeValue").unwrap();
        let properties: Vec<&str> = value.members.iter().map(|member| &*member.property).collect();
        assert_eq!(properties, ["S", "N", "B", "Ss", "Ns", "Bs", "M", "L", "Nul", "Bool"]);
        let s3 = crate::find("s3").unwrap();
        assert_eq!(
            s3.exception_of(s3.action("getObject").unwrap(), "NoSuchKey"),
            "NoSuchKeyException"
        );
        assert!(crate::find("sts").unwrap().action("assumeRole").unwrap().is_refused);
        assert!(crate::find("nothing").is_none());
    }
}
