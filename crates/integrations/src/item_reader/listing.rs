//! Objects of a bucket: what the listing says of each, or what is in them.

use runtime::ItemSink;
use serde_json::{Map, Value, json};

use super::{Format, ReadError, failed, object, source, with_object};
use crate::s3::S3;

/// Gives what ListObjectsV2 says of every object.
pub(super) async fn read_entries(
    s3: &S3,
    arguments: &Map<String, Value>,
    sink: &mut ItemSink,
) -> Result<(), ReadError> {
    let mut token = None;
    sink.set_source(&source(arguments), false);
    loop {
        let (contents, next) = s3.list(arguments, token.as_deref()).await?;
        for entry in &contents {
            let item = asl::json_text(&item(entry));
            sink.put(item).await.map_err(|error| failed(error.to_string()))?;
        }
        match next {
            Some(next) if !sink.is_full() => token = Some(next),
            _ => return Ok(()),
        }
    }
}

/// Reads every object of a listing that is not empty.
pub(super) async fn read_objects(
    s3: &S3,
    arguments: &Map<String, Value>,
    format: &Format,
    sink: &mut ItemSink,
) -> Result<(), ReadError> {
    let bucket = arguments.get("Bucket").and_then(Value::as_str).unwrap_or_default();
    let mut token = None;
    loop {
        let (contents, next) = s3.list(arguments, token.as_deref()).await?;
        for entry in &contents {
            let key = entry.get("Key").and_then(Value::as_str).unwrap_or_default();
            // Folders that the console made are empty objects.
            if entry.get("Size").and_then(Value::as_u64) != Some(0) {
                let named = with_object(arguments, bucket, key);
                object::read(s3, &named, format, sink).await?;
            }
        }
        match next {
            Some(next) => token = Some(next),
            None => return Ok(()),
        }
    }
}

/// An entry as AWS makes an item of it.
fn item(entry: &Value) -> Value {
    let member = |name: &str| entry.get(name).cloned().unwrap_or(Value::Null);
    let modified = entry.get("LastModified").and_then(Value::as_str);
    let modified = modified.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    json!({
        "Etag": member("ETag"),
        "LastModified": modified.map_or(Value::Null, |moment| {
            (moment.as_millisecond() as f64 / 1000.0).into()
        }),
        "Key": member("Key"),
        "Size": member("Size"),
        "StorageClass": member("StorageClass"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_aws_names() {
        let entry = json!({
            "Key": "a/b.txt",
            "LastModified": "2026-09-12T02:57:02Z",
            "ETag": "\"26c6\"",
            "ChecksumAlgorithm": ["CRC32"],
            "Size": 12,
            "StorageClass": "STANDARD",
        });
        assert_eq!(
            asl::json_text(&item(&entry)),
            r#"{"Etag":"\"26c6\"","LastModified":1.789181822E9,"Key":"a/b.txt","Size":12,"StorageClass":"STANDARD"}"#
        );
    }
}
