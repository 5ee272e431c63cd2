//! Files that say in which files the items are: the manifest of an S3 inventory, and the one that
//! Athena writes beside the results of `UNLOAD`.

use asl::{CsvHeaders, ReaderConfig};
use runtime::ItemSink;
use serde_json::{Map, Value};

use super::{Format, MANIFEST_BYTES_MAX, ReadError, delimiter, failed, object, with_object};
use crate::s3::S3;

/// Reads the objects that Athena's manifest names.
pub(super) async fn read_athena(
    s3: &S3,
    arguments: &Map<String, Value>,
    format: &Format,
    sink: &mut ItemSink,
) -> Result<(), ReadError> {
    let text = whole(s3, arguments).await?;
    for (bucket, key) in athena_objects(&text)? {
        object::read(s3, &with_object(arguments, bucket, key), format, sink).await?;
    }
    Ok(())
}

/// Buckets and keys of Athena's manifest: an address on each line.
fn athena_objects(text: &str) -> Result<Vec<(&str, &str)>, ReadError> {
    let lines = text.lines().map(|line| line.trim().trim_matches('"'));
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let path = line.strip_prefix("s3://").or_else(|| line.strip_prefix("S3://"));
            path.and_then(|path| path.split_once('/'))
                .ok_or_else(|| failed(format!("The manifest names no S3 object: {line}")))
        })
        .collect()
}

/// Reads the rows of an S3 inventory.
pub(super) async fn read_inventory(
    s3: &S3,
    arguments: &Map<String, Value>,
    config: &ReaderConfig,
    sink: &mut ItemSink,
) -> Result<(), ReadError> {
    let text = whole(s3, arguments).await?;
    let inventory = Inventory::parse(&text)?;
    let headers = match &config.csv_headers {
        Some(CsvHeaders::Given(names)) => names.clone(),
        _ => inventory.columns,
    };
    let format = Format::Csv { delimiter: delimiter(config), headers: CsvHeaders::Given(headers) };
    for key in &inventory.keys {
        let file = with_object(arguments, &inventory.bucket, key);
        object::read(s3, &file, &format, sink).await?;
    }
    Ok(())
}

async fn whole(s3: &S3, arguments: &Map<String, Value>) -> Result<String, ReadError> {
    let bytes = s3.whole(arguments, MANIFEST_BYTES_MAX).await?;
    let bytes = bytes.ok_or_else(|| {
        failed(format!("The manifest is larger than {MANIFEST_BYTES_MAX} bytes."))
    })?;
    String::from_utf8(bytes.to_vec()).map_err(|_| failed("The manifest is not UTF-8 text."))
}

/// What `manifest.json` of an S3 inventory says.
#[derive(Debug, PartialEq)]
struct Inventory {
    bucket: String,
    columns: Vec<Box<str>>,
    keys: Vec<String>,
}

impl Inventory {
    fn parse(text: &str) -> Result<Inventory, ReadError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| failed(format!("The manifest is not valid JSON: {error}")))?;
        let member = |name: &str| {
            let member = value.get(name).and_then(Value::as_str);
            member.ok_or_else(|| failed(format!("The manifest has no '{name}'.")))
        };
        let format = member("fileFormat")?;
        if format != "CSV" {
            let cause = format!(
                "The S3 inventory has the format {format}. Only the format CSV is supported."
            );
            return Err(failed(cause));
        }
        let destination = member("destinationBucket")?;
        let bucket = destination.rsplit(":::").next().unwrap_or(destination).to_owned();
        let columns = member("fileSchema")?.split(',').map(|name| name.trim().into()).collect();
        let files = value.get("files").and_then(Value::as_array);
        let files = files.ok_or_else(|| failed("The manifest has no 'files'."))?;
        let keys = files.iter().map(|file| {
            let key = file.get("key").and_then(Value::as_str);
            key.map(str::to_owned).ok_or_else(|| failed("A file of the manifest has no 'key'."))
        });
        Ok(Inventory { bucket, columns, keys: keys.collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[test]
    fn manifests_of_inventories() {
        let check = |text: &str, expected: Expect| {
            expected.assert_eq(&format!("{:?}", Inventory::parse(text)));
        };
        check(
            r#"{"sourceBucket": "s", "destinationBucket": "arn:aws:s3:::inventory", "fileFormat": "CSV",
                "fileSchema": "Bucket, Key, Size", "files": [{"key": "a/b.csv.gz", "size": 7300}, {"key": "c"}]}"#,
            expect![[
                r#"Ok(Inventory { bucket: "inventory", columns: ["Bucket", "Key", "Size"], keys: ["a/b.csv.gz", "c"] })"#
            ]],
        );
        check(
            r#"{"fileFormat": "ORC"}"#,
            expect![[
                r#"Err(Failed("The S3 inventory has the format ORC. Only the format CSV is supported."))"#
            ]],
        );
        check("{}", expect![[r#"Err(Failed("The manifest has no 'fileFormat'."))"#]]);
        check(
            "x",
            expect![[
                r#"Err(Failed("The manifest is not valid JSON: expected value at line 1 column 1"))"#
            ]],
        );
    }

    #[test]
    fn manifests_of_athena() {
        let check = |text: &str, expected: Expect| {
            expected.assert_eq(&format!("{:?}", athena_objects(text)));
        };
        check(
            "s3://b/x/y.gz\n\"s3://c/z\"\r\n\n",
            expect![[r#"Ok([("b", "x/y.gz"), ("c", "z")])"#]],
        );
        check("http://x", expect![[r#"Err(Failed("The manifest names no S3 object: http://x"))"#]]);
    }
}
