//! What an HTTP Task sent and received, as the level TRACE of TestState shows it.

use std::sync::{Mutex, PoisonError};

/// A place for what one call of an HTTP Task sends and receives.
#[derive(Debug, Default)]
pub struct HttpInspector {
    /// Whether what the connection adds to the request is shown, too.
    pub reveals_secrets: bool,
    seen: Mutex<HttpInspection>,
}

/// The request and its answer, each as far as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpInspection {
    pub request: Option<HttpRequestSeen>,
    pub response: Option<HttpResponseSeen>,
}

/// A request, in the words of `inspectionData.request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequestSeen {
    pub protocol: String,
    pub method: String,
    pub url: String,
    /// `[name: value, name: value]`
    pub headers: String,
    pub body: Option<String>,
}

/// An answer, in the words of `inspectionData.response`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponseSeen {
    pub protocol: String,
    pub status_code: String,
    pub status_message: String,
    /// `[name: value, name: value]`
    pub headers: String,
    pub body: Option<String>,
}

impl HttpInspector {
    pub fn new(reveals_secrets: bool) -> HttpInspector {
        HttpInspector { reveals_secrets, seen: Mutex::default() }
    }

    /// Notes the request; an answer to an earlier one is forgotten.
    pub fn saw_request(&self, request: HttpRequestSeen) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = HttpInspection { request: Some(request), response: None };
    }

    /// Notes the answer.
    pub fn saw_response(&self, response: HttpResponseSeen) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).response = Some(response);
    }

    /// What was seen so far.
    pub fn seen(&self) -> HttpInspection {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
