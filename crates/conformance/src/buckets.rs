//! Buckets that a case's test made: the objects in them, for Map states that read and write S3.
//! What the case has an answer for is answered so; the rest is served from here.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serde_json::Value;

/// The objects of a case, by `/bucket/key`.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    objects: Mutex<BTreeMap<String, Bytes>>,
    /// Whether the case has a bucket at all.
    are_there: bool,
}

impl Buckets {
    /// The buckets and objects that `surroundings` of a case make.
    pub(crate) fn of(surroundings: &[Value]) -> Buckets {
        let mut buckets = Buckets::default();
        for entry in surroundings.iter().filter(|entry| entry["service"] == "s3") {
            let text = |name: &str| entry["request"][name].as_str().unwrap_or_default();
            match entry["operation"].as_str() {
                Some("CreateBucket") => buckets.are_there = true,
                Some("PutObject") => {
                    let path = format!("/{}/{}", text("Bucket"), text("Key"));
                    let body = Bytes::from(text("Body").to_owned());
                    buckets.held().insert(path, body);
                }
                _ => {}
            }
        }
        buckets
    }

    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.objects.lock().expect("nothing panics while it is held")
    }

    /// Answers a call; none where the case has no buckets, or has not this object.
    pub(crate) fn answer(
        &self,
        operation: &str,
        path: &str,
        body: &Bytes,
    ) -> Option<Response<Full<Bytes>>> {
        if !self.are_there {
            return None;
        }
        let etag = format!("\"{:032x}\"", path.len());
        let response = Response::builder().status(200).header("etag", etag);
        let body = match operation {
            "PutObject" => {
                self.held().insert(path.to_owned(), body.clone());
                Bytes::new()
            }
            "GetObject" => self.held().get(path)?.clone(),
            _ => return None,
        };
        Some(response.body(Full::new(body)).expect("the parts are valid"))
    }
}
