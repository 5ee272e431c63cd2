//! ResultWriter: the results of a distributed Map, written to S3: a file for each status and a
//! manifest. The children come one after the other, and are sent on in parts, so that memory has
//! a bound however many there are.

use asl::{Payload, ResultTransformation};
use bytes::Bytes;
use engine::{Status, TaskFailure, child_record};
use runtime::{EndedChild, ResultExport, ResultSource};
use serde_json::{Map, Value, json};

use crate::aws::{AwsClient, AwsError};
use crate::failure::task_failure;
use crate::s3::{self, S3, UPLOAD_PART_BYTES, Upload};

/// Bytes of a file at most (AWS quota).
const FILE_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;

/// Exports the results of a Map Run; the state's result.
pub(crate) async fn write_results(
    client: &AwsClient,
    export: ResultExport,
    mut results: ResultSource,
) -> Result<Payload, TaskFailure> {
    let s3 = S3::new(client, &export.region);
    let mut writing = Writing::new(s3, &export).map_err(failure)?;
    match writing.write(&export, &mut results).await {
        Ok(key) => Ok(Payload::from_value(json!({
            "MapRunArn": *export.map_run_arn,
            "ResultWriterDetails": { "Bucket": writing.text("Bucket"), "Key": key },
        }))),
        Err(error) => {
            writing.abort().await;
            Err(failure(s3::cause(error)))
        }
    }
}

fn failure(cause: String) -> TaskFailure {
    task_failure("States.ResultWriterFailed", cause)
}

/// An export under way.
struct Writing {
    s3: S3,
    /// Bucket, ExpectedBucketOwner.
    target: Map<String, Value>,
    /// What the keys of all files begin with.
    folder: String,
    shape: Shape,
    succeeded: Files,
    failed: Files,
}

/// How results are written.
#[derive(Debug, Clone, Copy)]
struct Shape {
    transformation: ResultTransformation,
    json_lines: bool,
}

/// The files of one status.
struct Files {
    status: &'static str,
    /// Those that are complete: keys and sizes.
    complete: Vec<Value>,
    current: Option<File>,
    bytes_max: u64,
}

/// A file that is being written.
struct File {
    key: String,
    size: u64,
    buffer: Vec<u8>,
    upload: Option<Upload>,
}

impl Writing {
    fn new(s3: S3, export: &ResultExport) -> Result<Writing, String> {
        let Value::Object(arguments) = export.arguments.value() else {
            return Err("The arguments of the ResultWriter are not an object.".to_owned());
        };
        let mut target = arguments.clone();
        let prefix = target.remove("Prefix");
        let prefix = prefix.as_ref().and_then(Value::as_str).unwrap_or_default();
        let run = export.map_run_arn.rsplit(':').next().unwrap_or_default();
        let folder = match prefix.trim_end_matches('/') {
            "" => run.to_owned(),
            prefix => format!("{prefix}/{run}"),
        };
        let writer = export.writer();
        let shape = Shape {
            transformation: writer.transformation.unwrap_or(ResultTransformation::None),
            json_lines: writer.json_lines,
        };
        let files = |status| Files {
            status,
            complete: Vec::new(),
            current: None,
            bytes_max: FILE_BYTES_MAX,
        };
        let (succeeded, failed) = (files("SUCCEEDED"), files("FAILED"));
        Ok(Writing { s3, target, folder, shape, succeeded, failed })
    }

    fn text(&self, name: &str) -> &str {
        self.target.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Writes everything; the key of the manifest.
    async fn write(
        &mut self,
        export: &ResultExport,
        results: &mut ResultSource,
    ) -> Result<String, AwsError> {
        while let Some(child) = results.next().await {
            let texts = self.shape.texts(export, &child);
            let files = match child.end.status {
                Status::Succeeded => &mut self.succeeded,
                _ => &mut self.failed,
            };
            for text in texts {
                files.put(&self.s3, &self.target, &self.folder, self.shape, &text).await?;
            }
        }
        for files in [&mut self.succeeded, &mut self.failed] {
            files.complete(&self.s3, &self.target, self.shape).await?;
        }
        let manifest = json!({
            "DestinationBucket": self.text("Bucket"),
            "MapRunArn": *export.map_run_arn,
            "ResultFiles": {
                "FAILED": self.failed.complete,
                "PENDING": [],
                "SUCCEEDED": self.succeeded.complete,
            },
        });
        let key = format!("{}/manifest.json", self.folder);
        self.s3.put(&with_key(&self.target, &key), manifest.to_string().into()).await?;
        Ok(key)
    }

    async fn abort(self) {
        for files in [self.succeeded, self.failed] {
            if let Some(upload) = files.current.and_then(|file| file.upload) {
                self.s3.abort(upload).await;
            }
        }
    }
}

impl Shape {
    /// What a child adds to its file. A child that failed is always shown whole.
    fn texts(self, export: &ResultExport, child: &EndedChild) -> Vec<String> {
        let output = child.end.output.as_ref();
        match (self.transformation, output.filter(|_| child.end.status == Status::Succeeded)) {
            (ResultTransformation::Compact, Some(output)) => vec![compact(output)],
            (ResultTransformation::Flatten, Some(output)) => match output.value() {
                Value::Array(elements) => elements.iter().map(asl::json_text).collect(),
                _ => vec![compact(output)],
            },
            _ => {
                let is_express = export.is_express();
                let record = child_record(&export.map_run_arn, child.index, is_express, &child.end);
                vec![asl::json_text(&record)]
            }
        }
    }
}

/// On one line, however it is spelled.
fn compact(output: &Payload) -> String {
    match output.text().contains(['\n', '\r']) {
        true => asl::json_text(output.value()),
        false => output.text().to_owned(),
    }
}

fn with_key(target: &Map<String, Value>, key: &str) -> Map<String, Value> {
    let mut target = target.clone();
    target.insert("Key".to_owned(), key.into());
    target
}

impl Files {
    /// Adds a result, to a new file if the present one is full.
    async fn put(
        &mut self,
        s3: &S3,
        target: &Map<String, Value>,
        folder: &str,
        shape: Shape,
        text: &str,
    ) -> Result<(), AwsError> {
        let is_full = |file: &File| file.size + text.len() as u64 + 2 > self.bytes_max;
        if self.current.as_ref().is_some_and(is_full) {
            self.complete(s3, target, shape).await?;
        }
        let number = self.complete.len();
        let file = self.current.get_or_insert_with(|| File {
            key: format!("{folder}/{}_{number}.json", self.status),
            size: 0,
            buffer: Vec::new(),
            upload: None,
        });
        let separator = match (shape.json_lines, file.size) {
            (true, 0) => "",
            (true, _) => "\n",
            (false, 0) => "[",
            (false, _) => ",",
        };
        file.push(separator);
        file.push(text);
        if file.buffer.len() >= UPLOAD_PART_BYTES {
            file.send_part(s3, target).await?;
        }
        Ok(())
    }

    /// Ends the present file.
    async fn complete(
        &mut self,
        s3: &S3,
        target: &Map<String, Value>,
        shape: Shape,
    ) -> Result<(), AwsError> {
        let Some(file) = &mut self.current else { return Ok(()) };
        if !shape.json_lines {
            file.push("]");
        }
        let entry = json!({ "Key": file.key, "Size": file.size });
        if file.upload.is_some() {
            if !file.buffer.is_empty() {
                file.send_part(s3, target).await?;
            }
            if let Some(upload) = self.current.take().and_then(|file| file.upload) {
                s3.complete(upload).await?;
            }
        } else {
            let bytes = Bytes::from(std::mem::take(&mut file.buffer));
            s3.put(&with_key(target, &file.key), bytes).await?;
            self.current = None;
        }
        self.complete.push(entry);
        Ok(())
    }
}

impl File {
    fn push(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
        self.size += text.len() as u64;
    }

    async fn send_part(&mut self, s3: &S3, target: &Map<String, Value>) -> Result<(), AwsError> {
        let part = Bytes::from(std::mem::take(&mut self.buffer));
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let upload = s3.begin_upload(&with_key(target, &self.key)).await?;
                self.upload.insert(upload)
            }
        };
        s3.upload(upload, part).await
    }
}
