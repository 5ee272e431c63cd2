//! Parquet: each row is an object. The file is read from its end, where it says what is where;
//! then one row group after the other.

use std::sync::Mutex;

use bytes::{Buf, Bytes};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Value};

use super::{Give, ReadError, failed};
use crate::s3::{self, PART_BYTES, S3};

/// Bytes of a row group at most (AWS quota).
const ROW_GROUP_BYTES_MAX: i64 = 256 * 1024 * 1024;
/// Bytes of a footer at most (AWS quota).
const FOOTER_BYTES_MAX: u32 = 5 * 1024 * 1024;
/// Bytes at the end of a file: the length of the footer, and four letters.
const TAIL_BYTES: u64 = 8;
/// Bytes that are fetched at once while a column is read.
const BLOCK_BYTES: u64 = 1024 * 1024;

/// Reads a file and gives its rows. Must run on a thread that may block.
pub(super) fn read(file: impl ChunkReader + 'static, give: &mut Give<'_>) -> Result<(), ReadError> {
    let broken =
        |error: ParquetError| failed(format!("The file cannot be read as Parquet: {error}"));
    let reader = SerializedFileReader::new(file).map_err(broken)?;
    for group in reader.metadata().row_groups() {
        if group.compressed_size() > ROW_GROUP_BYTES_MAX {
            return Err(failed("A row group of the Parquet file is larger than 256 MB."));
        }
    }
    for row in reader.get_row_iter(None).map_err(broken)? {
        let row = row.map_err(broken)?;
        give(asl::json_text(&object(&row)), false)?;
    }
    Ok(())
}

fn object(row: &Row) -> Value {
    let members = row.get_column_iter().map(|(name, field)| (name.clone(), value(field)));
    Value::Object(members.collect())
}

/// A field as JSON: numbers, texts, objects and arrays; moments as ISO 8601.
fn value(field: &Field) -> Value {
    let float =
        |number: f64| serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number);
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => (*value).into(),
        Field::Byte(number) => (*number).into(),
        Field::Short(number) => (*number).into(),
        Field::Int(number) => (*number).into(),
        Field::Long(number) => (*number).into(),
        Field::UByte(number) => (*number).into(),
        Field::UShort(number) => (*number).into(),
        Field::UInt(number) => (*number).into(),
        Field::ULong(number) => (*number).into(),
        Field::Float16(number) => float(f64::from(number.to_f32())),
        // The shortest spelling that means the same, not that of the wider number.
        Field::Float(number) => number.to_string().parse().map_or(Value::Null, float),
        Field::Double(number) => float(*number),
        Field::Str(text) => text.as_str().into(),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => text.into(),
            Err(_) => {
                use base64::Engine as _;
                base64::engine::general_purpose::STANDARD.encode(bytes.data()).into()
            }
        },
        Field::TimestampMillis(number) => moment(jiff::Timestamp::from_millisecond(*number)),
        Field::TimestampMicros(number) => moment(jiff::Timestamp::from_microsecond(*number)),
        Field::Group(row) => object(row),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => {
            let entry = |(key, field): &(Field, Field)| {
                let key = match value(key) {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                (key, value(field))
            };
            Value::Object(map.entries().iter().map(entry).collect::<Map<String, Value>>())
        }
        Field::Decimal(_) => {
            let text = field.to_string();
            serde_json::from_str(&text).unwrap_or_else(|_| text.into())
        }
        other => other.to_string().into(),
    }
}

fn moment(moment: Result<jiff::Timestamp, jiff::Error>) -> Value {
    moment.map_or(Value::Null, |moment| moment.to_string().into())
}

/// A file in S3 that is read in places.
pub(super) struct RemoteFile {
    s3: S3,
    object: Map<String, Value>,
    length: u64,
    etag: Option<String>,
    runtime: tokio::runtime::Handle,
    /// The beginning of the block that was fetched last, and the block: columns are read in small
    /// steps.
    block: Mutex<(u64, Bytes)>,
}

impl RemoteFile {
    /// Finds out how long it is, and that its footer is not too long.
    pub(super) async fn open(
        s3: &S3,
        object: &Map<String, Value>,
    ) -> Result<RemoteFile, ReadError> {
        let first = s3.part(object, 0, None).await?;
        let (length, etag) = (first.total, first.etag);
        if length < TAIL_BYTES {
            return Err(failed("The file cannot be read as Parquet: it is too short."));
        }
        let tail = match first.bytes.len() as u64 == length {
            true => first.bytes.slice(first.bytes.len() - TAIL_BYTES as usize..),
            false => s3.range(object, length - TAIL_BYTES, TAIL_BYTES, etag.as_deref()).await?,
        };
        if tail.len() as u64 == TAIL_BYTES && tail.clone().get_u32_le() > FOOTER_BYTES_MAX {
            return Err(failed("The footer of the Parquet file is larger than 5 MB."));
        }
        Ok(RemoteFile {
            s3: s3.clone(),
            object: object.clone(),
            length,
            etag,
            runtime: tokio::runtime::Handle::current(),
            block: Mutex::new((0, first.bytes)),
        })
    }

    fn fetch(&self, from: u64, length: u64) -> Result<Bytes, ParquetError> {
        let etag = self.etag.as_deref();
        let bytes = self.runtime.block_on(self.s3.range(&self.object, from, length, etag));
        bytes.map_err(|error| ParquetError::General(s3::cause(error)))
    }

    /// These bytes, out of the last block if they are there.
    fn bytes(&self, from: u64, length: u64) -> Result<Bytes, ParquetError> {
        let end = from.saturating_add(length).min(self.length);
        let from = from.min(end);
        let mut block = self.block.lock().expect("nobody panics while holding it");
        let inside = |(begin, bytes): &(u64, Bytes)| {
            (*begin <= from && end <= begin + bytes.len() as u64).then(|| {
                let at = (from - begin) as usize;
                bytes.slice(at..at + (end - from) as usize)
            })
        };
        if let Some(bytes) = inside(&block) {
            return Ok(bytes);
        }
        if end - from > PART_BYTES {
            return self.large(from, end);
        }
        let most = (end - from).max(BLOCK_BYTES).min(self.length - from);
        *block = (from, self.fetch(from, most)?);
        inside(&block).ok_or_else(|| ParquetError::EOF("the file ended before its end".to_owned()))
    }

    fn large(&self, mut from: u64, end: u64) -> Result<Bytes, ParquetError> {
        let mut all = Vec::new();
        while from < end {
            let part = self.fetch(from, PART_BYTES.min(end - from))?;
            if part.is_empty() {
                return Err(ParquetError::EOF("the file ended before its end".to_owned()));
            }
            from += part.len() as u64;
            all.extend_from_slice(&part);
        }
        Ok(all.into())
    }
}

impl Length for RemoteFile {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for RemoteFile {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        // Headers of pages are read so: they are short.
        let length = BLOCK_BYTES.min(self.length.saturating_sub(start));
        Ok(self.bytes(start, length)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.bytes(start, length as u64)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use parquet::data_type::{ByteArrayType, DoubleType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    /// A file with two row groups.
    fn file() -> Bytes {
        let schema = "message rows { REQUIRED INT64 id; REQUIRED BYTE_ARRAY name (UTF8); OPTIONAL DOUBLE score; \
                      REQUIRED INT64 at (TIMESTAMP_MILLIS); }";
        let schema = std::sync::Arc::new(parse_message_type(schema).unwrap());
        let properties = std::sync::Arc::new(
            WriterProperties::builder()
                .set_compression(parquet::basic::Compression::SNAPPY)
                .build(),
        );
        let mut bytes = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
        for group in 0..2_i64 {
            let mut columns = writer.next_row_group().unwrap();
            let ids = [group * 2, group * 2 + 1];
            let mut column = columns.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(&ids, None, None).unwrap();
            column.close().unwrap();
            let names = ids.map(|id| format!("name {id}").as_str().into());
            let mut column = columns.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&names, None, None).unwrap();
            column.close().unwrap();
            let mut column = columns.next_column().unwrap().unwrap();
            column.typed::<DoubleType>().write_batch(&[0.5], Some(&[1, 0]), None).unwrap();
            column.close().unwrap();
            let mut column = columns.next_column().unwrap().unwrap();
            let moments = [1_668_699_881_000, 1_668_699_881_250];
            column.typed::<Int64Type>().write_batch(&moments, None, None).unwrap();
            column.close().unwrap();
            columns.close().unwrap();
        }
        writer.close().unwrap();
        bytes.into()
    }

    #[test]
    fn rows_become_objects() {
        let mut items = Vec::new();
        read(file(), &mut |item, _| {
            items.push(item);
            Ok(())
        })
        .unwrap();
        expect![[r#"
            {"id":0,"name":"name 0","score":0.5,"at":"2022-11-17T15:44:41Z"}
            {"id":1,"name":"name 1","score":null,"at":"2022-11-17T15:44:41.25Z"}
            {"id":2,"name":"name 2","score":0.5,"at":"2022-11-17T15:44:41Z"}
            {"id":3,"name":"name 3","score":null,"at":"2022-11-17T15:44:41.25Z"}"#]]
        .assert_eq(&items.join("\n"));
    }

    #[test]
    fn what_is_no_parquet_is_said_so() {
        let outcome = read(Bytes::from_static(b"a,b\n1,2\nnothing"), &mut |_, _| Ok(()));
        expect![[r#"Failed("The file cannot be read as Parquet: Parquet error: Invalid Parquet file. Corrupt footer")"#]]
            .assert_eq(&format!("{:?}", outcome.unwrap_err()));
    }
}
