//! The file of the models: a line that names the format, the length of the index (four bytes,
//! the lowest first), the index as JSON, then a zlib block of JSON for each service, in the
//! order of the index.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

use crate::region::Partition;
use crate::shape::Service;

/// Made by `cargo xtask models`.
static DATA: &[u8] = include_bytes!("../data/services.bin");
const MAGIC: &[u8] = b"stepwell service models 1\n";

/// What the index says about a service.
#[derive(Debug)]
pub struct ServiceEntry {
    /// As `aws-sdk:` resources name it: `dynamodb`.
    pub id: Box<str>,
    /// Before the dot of error names: `DynamoDb`. The id is its lower-cased form.
    pub prefix: Box<str>,
    /// Whether `aws-sdk:` resources reach it on AWS.
    pub is_offered: bool,
    block: &'static [u8],
    unpacked_bytes: usize,
    service: OnceLock<Service>,
}

/// Id, prefix, name in the source, packed and unpacked bytes, whether it is offered.
type StoredEntry = (Box<str>, Box<str>, String, usize, usize, bool);

#[derive(Deserialize)]
struct Head {
    source: String,
    partitions: Vec<Partition>,
    services: Vec<StoredEntry>,
}

struct Index {
    source: String,
    partitions: Vec<Partition>,
    services: BTreeMap<Box<str>, ServiceEntry>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let rest = DATA.strip_prefix(MAGIC).expect("the data of this very build has this format");
    let (length, rest) = rest.split_at(4);
    let length = u32::from_le_bytes(length.try_into().expect("four bytes were split off"));
    let (head, mut blocks) = rest.split_at(length as usize);
    let head: Head = serde_json::from_slice(head).expect("the index was written for this type");
    let mut services = BTreeMap::new();
    for (id, prefix, _, packed, unpacked_bytes, is_offered) in head.services {
        let (block, others) = blocks.split_at(packed);
        blocks = others;
        let service = OnceLock::new();
        let entry =
            ServiceEntry { id: id.clone(), prefix, is_offered, block, unpacked_bytes, service };
        services.insert(id, entry);
    }
    Index { source: head.source, partitions: head.partitions, services }
});

impl ServiceEntry {
    /// The model; unpacked at the first call, and kept.
    pub fn service(&self) -> &Service {
        self.service.get_or_init(|| {
            let text = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(
                self.block,
                self.unpacked_bytes,
            )
            .expect("the block was packed by the chore that wrote the index");
            let mut service: Service =
                serde_json::from_slice(&text).expect("the block was written for this type");
            service.complete(&self.id);
            service
        })
    }
}

/// A service by its id in `aws-sdk:` resources (`dynamodb`, `sfn`, `cloudwatchlogs`), whether or
/// not AWS offers it there.
pub fn find(id: &str) -> Option<&'static Service> {
    INDEX.services.get(id).map(ServiceEntry::service)
}

/// All services, by id.
pub fn services() -> impl Iterator<Item = &'static ServiceEntry> {
    INDEX.services.values()
}

/// Where the data is from: `botocore 1.44.5`.
pub fn source() -> &'static str {
    &INDEX.source
}

pub(crate) fn partitions() -> &'static [Partition] {
    &INDEX.partitions
}
