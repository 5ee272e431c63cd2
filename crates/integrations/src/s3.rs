//! What Map Runs do with S3: reading objects in parts, listing them, writing them, in parts where
//! they are large. Everything goes through the generic client: routes, endpoints, credentials and
//! repeated attempts are those of any other call.

use bytes::Bytes;
use runtime::ItemReading;
use serde_json::{Map, Value, json};

use crate::aws::{AwsCall, AwsClient, AwsError, AwsResponse, CallContext};

/// Bytes that are read at once.
pub(crate) const PART_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes of a part of an upload; S3 wants 5 MiB at least, and 10,000 parts at most.
pub(crate) const UPLOAD_PART_BYTES: usize = 8 * 1024 * 1024;

/// S3 as it is reached from one region.
#[derive(Clone)]
pub(crate) struct S3 {
    client: AwsClient,
    region: Box<str>,
}

/// A part of an object.
pub(crate) struct Part {
    pub(crate) bytes: Bytes,
    /// Bytes of the whole object.
    pub(crate) total: u64,
    /// What the object must still be when its next part is read.
    pub(crate) etag: Option<String>,
}

/// An upload in parts.
pub(crate) struct Upload {
    /// Bucket, Key, ExpectedBucketOwner.
    target: Map<String, Value>,
    id: String,
    parts: Vec<Value>,
}

impl S3 {
    pub(crate) fn new(client: &AwsClient, region: &str) -> S3 {
        S3 { client: client.clone(), region: region.into() }
    }

    /// S3 as a Map Run reaches it that reads its items.
    pub(crate) fn of_reading(client: &AwsClient, reading: &ItemReading) -> S3 {
        S3::new(client, &reading.region)
    }

    async fn call(
        &self,
        operation: &str,
        parameters: Map<String, Value>,
        payload: Option<Bytes>,
    ) -> Result<AwsResponse, AwsError> {
        let service = service_models::find("s3").expect("the models have S3");
        let operation = service.operation(operation).expect("the model has the operation");
        let parameters = Value::Object(parameters);
        let context = CallContext::new(&self.region);
        let call = AwsCall { service, operation, parameters: &parameters, payload, context };
        self.client.call(&call).await
    }

    /// Reads a part of an object: the first [`PART_BYTES`] from `from` on. `object` has `Bucket`,
    /// `Key`, and what else GetObject takes.
    pub(crate) async fn part(
        &self,
        object: &Map<String, Value>,
        from: u64,
        etag: Option<&str>,
    ) -> Result<Part, AwsError> {
        let mut parameters = object.clone();
        let range = format!("bytes={from}-{}", from + PART_BYTES - 1);
        parameters.insert("Range".to_owned(), range.into());
        if let Some(etag) = etag {
            parameters.insert("IfMatch".to_owned(), etag.into());
        }
        let answer = match self.call("GetObject", parameters, None).await {
            // An empty object has no ranges.
            Err(AwsError::Service(fault)) if fault.status == 416 && from == 0 => {
                self.call("GetObject", object.clone(), None).await
            }
            other => other,
        }?;
        let bytes = answer.payload.unwrap_or_default();
        let text = |name: &str| answer.output.get(name).and_then(Value::as_str);
        let total = text("ContentRange")
            .filter(|_| answer.status == 206)
            .and_then(|range| range.rsplit_once('/')?.1.parse().ok())
            .unwrap_or(from + bytes.len() as u64);
        Ok(Part { total, etag: text("ETag").map(str::to_owned), bytes })
    }

    /// Reads the end of an object: these many bytes, or all if it is shorter.
    pub(crate) async fn range(
        &self,
        object: &Map<String, Value>,
        from: u64,
        length: u64,
        etag: Option<&str>,
    ) -> Result<Bytes, AwsError> {
        let mut parameters = object.clone();
        let range = format!("bytes={from}-{}", from + length.max(1) - 1);
        parameters.insert("Range".to_owned(), range.into());
        if let Some(etag) = etag {
            parameters.insert("IfMatch".to_owned(), etag.into());
        }
        let answer = self.call("GetObject", parameters, None).await?;
        let bytes = answer.payload.unwrap_or_default();
        // A server may not know ranges, and answer all of it.
        Ok(match answer.status {
            206 => bytes,
            _ => {
                let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                bytes.slice(from..from.saturating_add(length).min(bytes.len()))
            }
        })
    }

    /// The whole of an object that must be small.
    pub(crate) async fn whole(
        &self,
        object: &Map<String, Value>,
        limit: u64,
    ) -> Result<Option<Bytes>, AwsError> {
        let first = self.part(object, 0, None).await?;
        if first.total > limit {
            return Ok(None);
        }
        let mut bytes = first.bytes.to_vec();
        while (bytes.len() as u64) < first.total {
            let next = self.part(object, bytes.len() as u64, first.etag.as_deref()).await?;
            if next.bytes.is_empty() {
                break;
            }
            bytes.extend_from_slice(&next.bytes);
        }
        Ok(Some(bytes.into()))
    }

    /// A page of a listing, and where the next one begins.
    pub(crate) async fn list(
        &self,
        listing: &Map<String, Value>,
        token: Option<&str>,
    ) -> Result<(Vec<Value>, Option<String>), AwsError> {
        let mut parameters = listing.clone();
        if let Some(token) = token {
            parameters.insert("ContinuationToken".to_owned(), token.into());
        }
        let answer = self.call("ListObjectsV2", parameters, None).await?;
        let mut output = answer.output;
        let contents = match output.get_mut("Contents").map(Value::take) {
            Some(Value::Array(contents)) => contents,
            _ => Vec::new(),
        };
        let is_truncated = output.get("IsTruncated").and_then(Value::as_bool) == Some(true);
        let next = output.get("NextContinuationToken").and_then(Value::as_str);
        Ok((contents, next.filter(|_| is_truncated).map(str::to_owned)))
    }

    /// Writes an object at once. `target` has `Bucket`, `Key`, and what else PutObject takes.
    pub(crate) async fn put(
        &self,
        target: &Map<String, Value>,
        bytes: Bytes,
    ) -> Result<(), AwsError> {
        self.call("PutObject", target.clone(), Some(bytes)).await.map(|_| ())
    }

    /// Begins to write an object in parts.
    pub(crate) async fn begin_upload(
        &self,
        target: &Map<String, Value>,
    ) -> Result<Upload, AwsError> {
        let answer = self.call("CreateMultipartUpload", target.clone(), None).await?;
        let id = answer.output.get("UploadId").and_then(Value::as_str).unwrap_or_default();
        Ok(Upload { target: target.clone(), id: id.to_owned(), parts: Vec::new() })
    }

    /// Writes the next part.
    pub(crate) async fn upload(&self, upload: &mut Upload, bytes: Bytes) -> Result<(), AwsError> {
        let number = upload.parts.len() + 1;
        let mut parameters = upload.target.clone();
        parameters.insert("UploadId".to_owned(), upload.id.clone().into());
        parameters.insert("PartNumber".to_owned(), number.into());
        let answer = self.call("UploadPart", parameters, Some(bytes)).await?;
        let etag = answer.output.get("ETag").cloned().unwrap_or_default();
        upload.parts.push(json!({ "PartNumber": number, "ETag": etag }));
        Ok(())
    }

    /// Makes the parts an object.
    pub(crate) async fn complete(&self, upload: Upload) -> Result<(), AwsError> {
        let mut parameters = upload.target;
        parameters.insert("UploadId".to_owned(), upload.id.into());
        parameters.insert("MultipartUpload".to_owned(), json!({ "Parts": upload.parts }));
        self.call("CompleteMultipartUpload", parameters, None).await.map(|_| ())
    }

    /// Throws the parts away. What fails is left to the bucket's own rules.
    pub(crate) async fn abort(&self, upload: Upload) {
        let mut parameters = upload.target;
        parameters.insert("UploadId".to_owned(), upload.id.into());
        if let Err(error) = self.call("AbortMultipartUpload", parameters, None).await {
            tracing::debug!(?error, "parts of an export stay in the bucket");
        }
    }
}

/// What S3 answered, in the words of AWS's optimized integrations.
pub(crate) fn cause(error: AwsError) -> String {
    match error {
        AwsError::Parameters(problems) => problems.join(", "),
        AwsError::Service(fault) => {
            let extended = match &fault.extended_request_id {
                Some(id) => format!("; S3 Extended Request ID: {id}"),
                None => String::new(),
            };
            format!(
                "{} (Service: Amazon S3; Status Code: {}; Error Code: {}; Request ID: {}{extended}; Proxy: null)",
                fault.message.as_deref().unwrap_or("null"),
                fault.status,
                fault.code.as_deref().unwrap_or("null"),
                fault.request_id.as_deref().unwrap_or("null"),
            )
        }
        AwsError::Client { message, .. }
        | AwsError::NotConfigured(message)
        | AwsError::Role { message, .. } => message,
    }
}
