//! One object: fetched, unpacked, parsed and given on at the same time.

use std::io::{ErrorKind, Read};

use bytes::{Buf, Bytes};
use runtime::ItemSink;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::{Format, Give, ReadError, csv, failed, json, json_lines, parquet, source};
use crate::s3::{PART_BYTES, S3};

/// Bytes of an object at most (AWS quota).
const OBJECT_BYTES_MAX: u64 = 10 * 1024 * 1024 * 1024;
/// Items that are handed over together.
const BATCH_ITEMS: usize = 256;
const BATCH_BYTES: usize = 256 * 1024;

/// Items that were parsed, each with whether it is the member of an object.
type Batch = Vec<(String, bool)>;

/// Reads an object and gives its items to the sink.
pub(super) async fn read(
    s3: &S3,
    object: &Map<String, Value>,
    format: &Format,
    sink: &mut ItemSink,
) -> Result<(), ReadError> {
    let (give, items) = mpsc::channel(2);
    let from = source(object);
    if matches!(format, Format::Parquet) {
        let file = parquet::RemoteFile::open(s3, object).await?;
        let parse =
            tokio::task::spawn_blocking(move || give_all(give, |give| parquet::read(file, give)));
        let (parsed, taken) = tokio::join!(parse, take(items, &from, sink));
        taken?;
        return parsed.unwrap_or_else(|_| Err(failed("The file could not be read as Parquet.")));
    }
    let (parts, bytes) = mpsc::channel(1);
    let compression = compression(object);
    let format = format.clone();
    let parse = tokio::task::spawn_blocking(move || {
        give_all(give, |give| {
            let bytes = Fetched { parts: bytes, current: Bytes::new(), is_whole: false };
            parse(compression.open(bytes)?, &format, give)
        })
    });
    let (fetched, parsed, taken) =
        tokio::join!(fetch(s3, object, parts), parse, take(items, &from, sink));
    fetched?;
    taken?;
    parsed.unwrap_or_else(|_| Err(failed("The file could not be read.")))
}

fn parse(input: impl Read, format: &Format, give: &mut Give<'_>) -> Result<(), ReadError> {
    match format {
        Format::Csv { delimiter, headers } => csv::read(input, *delimiter, headers, give),
        Format::Json { pointer } => json::read(input, pointer.as_deref(), give),
        Format::JsonLines => json_lines::read(input, give),
        Format::Parquet => unreachable!("it is read from its end"),
    }
}

/// Fetches an object, part after part, as it was when the first part was fetched.
async fn fetch(
    s3: &S3,
    object: &Map<String, Value>,
    parts: mpsc::Sender<Option<Bytes>>,
) -> Result<(), ReadError> {
    let (mut from, mut etag) = (0, None);
    loop {
        let part = s3.part(object, from, etag.as_deref()).await?;
        if part.total > OBJECT_BYTES_MAX {
            return Err(failed(format!("The object is larger than {OBJECT_BYTES_MAX} bytes.")));
        }
        from += part.bytes.len() as u64;
        let is_last = from >= part.total || part.bytes.is_empty();
        if from < part.total && part.bytes.is_empty() {
            return Err(failed("The object ended before its end."));
        }
        etag = etag.or(part.etag);
        // Nobody may want more.
        if parts.send(Some(part.bytes)).await.is_err() {
            return Ok(());
        }
        if is_last {
            // Without this word the parser knows that the object broke off.
            let _ = parts.send(None).await;
            return Ok(());
        }
        debug_assert!(from % PART_BYTES == 0, "only the last part is short");
    }
}

/// Gives items to the sink until it is full.
async fn take(
    mut items: mpsc::Receiver<Batch>,
    source: &str,
    sink: &mut ItemSink,
) -> Result<(), ReadError> {
    while let Some(batch) = items.recv().await {
        for (item, is_pair) in batch {
            sink.set_source(source, is_pair);
            sink.put(item).await.map_err(|error| failed(error.to_string()))?;
        }
        if sink.is_full() {
            return Err(ReadError::Unwanted);
        }
    }
    Ok(())
}

/// Runs a parser, and hands over what it gives in batches.
fn give_all(
    items: mpsc::Sender<Batch>,
    parse: impl FnOnce(&mut Give<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut batch = Batch::new();
    let mut bytes = 0;
    let mut give = |item: String, is_pair: bool| {
        bytes += item.len();
        batch.push((item, is_pair));
        if batch.len() < BATCH_ITEMS && bytes < BATCH_BYTES {
            return Ok(());
        }
        bytes = 0;
        let batch = std::mem::take(&mut batch);
        items.blocking_send(batch).map_err(|_| ReadError::Unwanted)
    };
    let outcome = parse(&mut give);
    if !batch.is_empty() && items.blocking_send(batch).is_err() {
        return Err(ReadError::Unwanted);
    }
    outcome
}

/// The parts of an object, as they come.
struct Fetched {
    parts: mpsc::Receiver<Option<Bytes>>,
    current: Bytes,
    is_whole: bool,
}

impl Read for Fetched {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() && !self.is_whole {
            match self.parts.blocking_recv() {
                Some(Some(part)) => self.current = part,
                Some(None) => self.is_whole = true,
                None => return Err(ErrorKind::ConnectionAborted.into()),
            }
        }
        let count = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

/// Reads some bytes; 0 at the end.
pub(super) fn read_some(input: &mut impl Read, buffer: &mut [u8]) -> Result<usize, ReadError> {
    loop {
        match input.read(buffer) {
            Ok(count) => return Ok(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(read_error(&error)),
        }
    }
}

/// What went wrong with the bytes.
pub(super) fn read_error(error: &std::io::Error) -> ReadError {
    match error.kind() {
        ErrorKind::ConnectionAborted => ReadError::Unfetched,
        _ => failed(format!("The object cannot be decompressed: {error}")),
    }
}

/// How an object is packed, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstandard,
}

fn compression(object: &Map<String, Value>) -> Compression {
    let key = object.get("Key").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| key.ends_with(ending));
    if ends(&[".gz", ".gzip"]) {
        Compression::Gzip
    } else if ends(&[".zst", ".zstd"]) {
        Compression::Zstandard
    } else {
        Compression::None
    }
}

impl Compression {
    fn open(self, bytes: Fetched) -> Result<Box<dyn Read>, ReadError> {
        Ok(match self {
            Compression::None => Box::new(bytes),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
            Compression::Zstandard => Box::new(
                zstd::stream::read::Decoder::new(bytes).map_err(|error| read_error(&error))?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_how_objects_are_packed() {
        let check = |key: &str, expected: Compression| {
            let object = Map::from_iter([("Key".to_owned(), key.into())]);
            assert_eq!(compression(&object), expected, "{key}");
        };
        check("a/b.csv", Compression::None);
        check("a/b.csv.gz", Compression::Gzip);
        check("b.JSONL.GZ", Compression::Gzip);
        check("myObject.csv.zstd", Compression::Zstandard);
        check("b.json.zst", Compression::Zstandard);
        check("gz", Compression::None);
    }
}
