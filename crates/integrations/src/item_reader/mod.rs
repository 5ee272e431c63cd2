//! ItemReader: the items of a distributed Map, read from S3.
//!
//! An object is fetched in parts and parsed on a thread that may block; between fetching,
//! parsing and keeping there are short queues, so that memory has a bound however large the object
//! is. Every format has its own file and knows nothing of S3.

mod csv;
mod java_map;
mod json;
mod json_lines;
mod listing;
mod manifest;
mod object;
mod parquet;

use asl::{CsvHeaders, InputType, ItemSource, ManifestType, ReaderConfig};
use engine::TaskFailure;
use runtime::{ItemReading, ItemSink};
use serde_json::{Map, Value};

use crate::aws::{AwsClient, AwsError};
use crate::failure::task_failure;
use crate::s3::{self, S3};

/// Bytes of one item at most (AWS quota).
pub(crate) const ITEM_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of the column names of a CSV file at most (AWS quota).
const HEADER_BYTES_MAX: usize = 10 * 1024;
/// Bytes of a manifest; AWS has no word on it.
const MANIFEST_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Why reading ended before the end.
#[derive(Debug)]
enum ReadError {
    /// Nobody takes more items.
    Unwanted,
    /// The object could not be fetched; whoever fetches it knows why.
    Unfetched,
    /// A cause text.
    Failed(String),
}

impl From<AwsError> for ReadError {
    fn from(error: AwsError) -> ReadError {
        ReadError::Failed(s3::cause(error))
    }
}

fn failed(cause: impl Into<String>) -> ReadError {
    ReadError::Failed(cause.into())
}

/// How an object is read.
#[derive(Debug, Clone)]
enum Format {
    Csv { delimiter: u8, headers: CsvHeaders },
    Json { pointer: Option<Box<str>> },
    JsonLines,
    Parquet,
}

/// Takes one item after the other: JSON text, and whether it is the member of an object.
type Give<'g> = dyn FnMut(String, bool) -> Result<(), ReadError> + 'g;

/// Reads the items of a Map Run.
pub(crate) async fn read_items(
    client: &AwsClient,
    reading: ItemReading,
    mut sink: ItemSink,
) -> Result<u64, TaskFailure> {
    let s3 = S3::of_reading(client, &reading);
    match read(&s3, &reading, &mut sink).await {
        Ok(()) | Err(ReadError::Unwanted) => Ok(sink.finish().await),
        Err(ReadError::Unfetched) => Err(failure("The object could not be read.".to_owned())),
        Err(ReadError::Failed(cause)) => Err(failure(cause)),
    }
}

fn failure(cause: String) -> TaskFailure {
    task_failure("States.ItemReaderFailed", cause)
}

async fn read(s3: &S3, reading: &ItemReading, sink: &mut ItemSink) -> Result<(), ReadError> {
    let Value::Object(arguments) = reading.arguments.value() else {
        return Err(failed("The arguments of the ItemReader are not an object."));
    };
    let reader = reading.reader();
    let config = &reader.config;
    match reader.source {
        ItemSource::Listing if config.load_and_flatten => {
            listing::read_objects(s3, arguments, &format(config)?, sink).await
        }
        ItemSource::Listing => listing::read_entries(s3, arguments, sink).await,
        ItemSource::Object => match (config.manifest_type, config.input_type) {
            (Some(ManifestType::AthenaData), _) => {
                manifest::read_athena(s3, arguments, &format(config)?, sink).await
            }
            (Some(ManifestType::S3Inventory), _) | (None, Some(InputType::Manifest)) => {
                manifest::read_inventory(s3, arguments, config, sink).await
            }
            (None, _) => {
                let format = format(config)?;
                if matches!(format, Format::Parquet) && arguments.contains_key("VersionId") {
                    return Err(failed("VersionId is not supported where InputType is PARQUET."));
                }
                object::read(s3, arguments, &format, sink).await
            }
        },
    }
}

/// How objects are read that hold the data.
fn format(config: &ReaderConfig) -> Result<Format, ReadError> {
    Ok(match config.input_type {
        Some(InputType::Csv) => Format::Csv {
            delimiter: delimiter(config),
            headers: config.csv_headers.clone().unwrap_or(CsvHeaders::FirstRow),
        },
        Some(InputType::JsonLines) => Format::JsonLines,
        Some(InputType::Parquet) => Format::Parquet,
        // Without a type AWS takes what it reads for JSON.
        Some(InputType::Json) | None => Format::Json { pointer: config.items_pointer.clone() },
        Some(InputType::Manifest) => {
            return Err(failed("InputType MANIFEST does not say how the data is to be read."));
        }
    })
}

fn delimiter(config: &ReaderConfig) -> u8 {
    config.csv_delimiter.and_then(|character| u8::try_from(character).ok()).unwrap_or(b',')
}

/// `S3://bucket/key`, or `S3://bucket`: `$$.Map.Item.Source`.
fn source(arguments: &Map<String, Value>) -> String {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    let bucket = text("Bucket").unwrap_or_default();
    match text("Key") {
        Some(key) => format!("S3://{bucket}/{key}"),
        None => format!("S3://{bucket}"),
    }
}

/// The arguments with another object in the place of what they name.
fn with_object(arguments: &Map<String, Value>, bucket: &str, key: &str) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("Bucket".to_owned(), bucket.into());
    object.insert("Key".to_owned(), key.into());
    if let Some(owner) = arguments.get("ExpectedBucketOwner") {
        object.insert("ExpectedBucketOwner".to_owned(), owner.clone());
    }
    object
}

/// An item of these bytes is too long.
fn too_long() -> ReadError {
    failed(format!("An item is longer than {ITEM_BYTES_MAX} bytes."))
}
