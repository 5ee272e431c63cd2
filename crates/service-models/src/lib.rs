//! AWS's service models as data: which operations a service has, what they take and answer, how
//! that is written on the wire, and where the service is.
//!
//! The data is one file, made by `cargo xtask models` from the package botocore; a service is
//! unpacked when it is first asked for. [`find`] takes the id that `aws-sdk:` resources use.
//! Nothing here speaks to a service: the client is in `integrations/src/aws/`.

mod naming;
mod region;
mod shape;
mod stored;

pub use naming::{exception_name, property_name};
pub use region::{Endpoint, Partition, partition_of};
pub use shape::{
    Location, Member, Operation, Protocol, Reference, Service, Shape, ShapeType, TimestampFormat,
    XmlNamespace,
};
pub use stored::{ServiceEntry, find, services, source};
