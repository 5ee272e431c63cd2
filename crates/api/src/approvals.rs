//! Approvals in the browser: `GET /approve/LINK` shows what a task asks, `POST /approve/LINK` answers
//! it; and `POST /api/approvals`, which makes such links.
//!
//! Whoever has a link may answer: it stands for its task's token, and nobody can make one up. So
//! the pages want no signature, load nothing from elsewhere, need no script, and tell no other
//! site where they are. Only a `POST` answers, so that programs which look at links in mails
//! do nothing.

use asl::{Payload, Timestamp};
use bytes::Bytes;
use engine::TaskFailure;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use runtime::{Approval, ApprovalError, RuntimeError};
use serde_json::{Value, json};

use crate::api::Api;
use crate::error::{ApiError, ErrorType};
use crate::server::Encrypted;

/// Where the pages are.
pub(crate) const PATH: &str = "/approve/";
/// How long a link is good if nobody says otherwise: a week, in seconds.
const LIFETIME_SECONDS: u64 = 7 * 24 * 60 * 60;
/// Longer than any execution lasts.
const LIFETIME_SECONDS_MAX: u64 = 366 * 24 * 60 * 60;
/// Bytes of a form: a reason of as many characters as the page takes, each of which may become
/// nine bytes on the way, and the decision.
const FORM_BYTES_MAX: usize = 9 * REASON_CHARACTERS_MAX + 1024;
/// Characters of a reason that are kept: what the cause of an error may have.
const REASON_CHARACTERS_MAX: usize = 32_768;
/// The error of a task that a person rejects.
const REJECTED: &str = "Approval.Rejected";

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// Answers a request for a page.
pub(crate) async fn respond(api: &Api, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let link = head.uri.path().strip_prefix(PATH).unwrap_or_default().to_owned();
    match head.method {
        Method::GET | Method::HEAD => match api.runtime.approval(&link).await {
            Ok(approval) if approval.is_waiting => {
                page(StatusCode::OK, "Approval", &question(&approval))
            }
            Ok(_) => page(StatusCode::CONFLICT, "Answered", ANSWERED),
            Err(error) => refusal(&error),
        },
        // A page of somebody else who knows the link must not have a person's browser answer.
        Method::POST if is_from_elsewhere(&head) => {
            let text =
                "<p>An answer counts only from this server's own page. Open the link itself.</p>";
            page(StatusCode::FORBIDDEN, "Not from here", text)
        }
        Method::POST => match Limited::new(body, FORM_BYTES_MAX).collect().await {
            Ok(body) => answer(api, &link, &body.to_bytes()).await,
            Err(_) => {
                page(StatusCode::PAYLOAD_TOO_LARGE, "Too long", "<p>The reason is too long.</p>")
            }
        },
        _ => page(StatusCode::METHOD_NOT_ALLOWED, "Not allowed", "<p>Only GET and POST.</p>"),
    }
}

/// Whether a browser says that another site had it send this. Programs say nothing of the kind.
fn is_from_elsewhere(head: &Parts) -> bool {
    let site = head.headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

const ANSWERED: &str =
    "<p>This question has been answered, or nobody waits for the answer any more.</p>";

async fn answer(api: &Api, link: &str, form: &[u8]) -> Response<Full<Bytes>> {
    let fields = form_fields(form);
    let field =
        |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let reason: String =
        field("reason").unwrap_or_default().trim().chars().take(REASON_CHARACTERS_MAX).collect();
    let (decision, done) = match field("decision") {
        Some("approve") => {
            let output = json!({ "Approved": true, "Reason": reason });
            (Ok(Payload::from_value(output)), "You approved it.")
        }
        Some("reject") => {
            let cause = if reason.is_empty() { "No reason was given" } else { &reason };
            let failure = TaskFailure { error: Some(REJECTED.into()), cause: Some(cause.into()) };
            (Err(failure), "You rejected it.")
        }
        _ => {
            let text =
                "<p>The form says neither yes nor no. Go back and use one of the buttons.</p>";
            return page(StatusCode::BAD_REQUEST, "Not understood", text);
        }
    };
    match api.runtime.decide_approval(link, decision).await {
        Ok(()) => {
            page(StatusCode::OK, "Thank you", &format!("<p>{done} You may close this page.</p>"))
        }
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &ApprovalError) -> Response<Full<Bytes>> {
    match error {
        ApprovalError::Unknown => page(
            StatusCode::NOT_FOUND,
            "Not found",
            "<p>This link is not complete, or not one of this server.</p>",
        ),
        ApprovalError::Expired => {
            page(StatusCode::GONE, "Too late", "<p>This link is too old to be used.</p>")
        }
        ApprovalError::Failed(
            RuntimeError::TaskTimedOut
            | RuntimeError::ActivityTaskTimedOut(_)
            | RuntimeError::TaskDoesNotExist
            | RuntimeError::InvalidToken,
        ) => page(StatusCode::CONFLICT, "Answered", ANSWERED),
        ApprovalError::Failed(error) => {
            tracing::error!(%error, "an approval could not be answered");
            let text = "<p>The server cannot answer now. Please try again later.</p>";
            page(StatusCode::SERVICE_UNAVAILABLE, "Not now", text)
        }
    }
}

fn question(approval: &Approval) -> String {
    let message = match approval.message.as_str() {
        "" => String::new(),
        message => format!("<pre>{}</pre>", escape(message)),
    };
    let moment = jiff::Timestamp::from_millisecond(approval.expires.0)
        .map(|moment| moment.strftime("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default();
    format!(
        "{message}<dl><dt>State machine</dt><dd>{}</dd><dt>State</dt><dd>{}</dd><dt>Execution</dt>\
         <dd>{}</dd><dt>Good until</dt><dd>{moment}</dd></dl>\
         <form method=\"post\"><label for=\"reason\">Reason</label>\
         <textarea id=\"reason\" name=\"reason\" rows=\"4\" maxlength=\"{REASON_CHARACTERS_MAX}\"></textarea>\
         <p><button name=\"decision\" value=\"approve\">Approve</button>\n\
         <button name=\"decision\" value=\"reject\" class=\"no\">Reject</button></p></form>",
        escape(&approval.state_machine_name),
        escape(&approval.state_name),
        escape(&approval.execution_name),
    )
}

fn page(status: StatusCode, title: &str, body: &str) -> Response<Full<Bytes>> {
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style>\
         </head><body><main><h1>{title}</h1>{body}</main></body></html>\n"
    );
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;background:#f4f4f6;color:#16191f}\
    main{max-width:40rem;margin:2rem auto;padding:1.5rem;background:#fff;border:1px solid #d5dbdb;border-radius:8px}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f6;padding:1rem;font:inherit}\
    dt{font-weight:600}dd{margin:0 0 .5rem;overflow-wrap:anywhere}textarea{width:100%;box-sizing:border-box;font:inherit}\
    button{font:inherit;padding:.5rem 1.5rem;border:0;border-radius:4px;background:#067f68;color:#fff}\
    button.no{background:#b3261e}";

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The fields of a form that a browser sent.
fn form_fields(form: &[u8]) -> Vec<(String, String)> {
    let decoded = |text: &[u8]| {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.iter();
        while let Some(&byte) = rest.next() {
            let hex =
                |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
            match (byte, rest.as_slice().get(..2).and_then(hex)) {
                (b'+', _) => bytes.push(b' '),
                (b'%', Some(value)) => {
                    bytes.push(value);
                    rest.nth(1);
                }
                _ => bytes.push(byte),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    form.split(|byte| *byte == b'&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let at = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
            let value = field.get(at + 1..).unwrap_or_default();
            (decoded(&field[..at]), decoded(value))
        })
        .collect()
}

/// `POST /api/approvals`: a link for a token.
pub(crate) fn create(api: &Api, head: &Parts, body: &[u8]) -> Result<Vec<u8>, ApiError> {
    let invalid = |text: &str| ApiError::new(ErrorType::Validation, text);
    let request: Value = serde_json::from_slice(body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| invalid("The body must be a JSON object"))?;
    for name in request.as_object().into_iter().flat_map(|object| object.keys()) {
        if !["taskToken", "message", "expiresInSeconds"].contains(&name.as_str()) {
            return Err(invalid(&format!("Field '{name}' is not allowed")));
        }
    }
    let token =
        request["taskToken"].as_str().ok_or_else(|| invalid("'taskToken' must be a string"))?;
    let message = match &request["message"] {
        Value::Null => "",
        Value::String(text) => text,
        _ => return Err(invalid("'message' must be a string")),
    };
    let seconds = match &request["expiresInSeconds"] {
        Value::Null => LIFETIME_SECONDS,
        given => given
            .as_u64()
            .filter(|seconds| (1..=LIFETIME_SECONDS_MAX).contains(seconds))
            .ok_or_else(|| invalid("'expiresInSeconds' must be a number from 1 to 31622400"))?,
    };
    let expires = Timestamp(jiff::Timestamp::now().as_millisecond()).plus_seconds(seconds);
    let link = api
        .runtime
        .approval_link(token, expires, message)
        .map_err(|_| ApiError::new(ErrorType::InvalidToken, "Invalid Token: 'Invalid token'"))?;
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let base = match &api.options.approval_base_url {
        Some(base) => base.trim_end_matches('/').to_owned(),
        None if head.extensions.get::<Encrypted>().is_some() => format!("https://{host}"),
        None => format!("http://{host}"),
    };
    let expires = jiff::Timestamp::from_millisecond(expires.0).unwrap_or_default().to_string();
    Ok(json!({ "url": format!("{base}{PATH}{link}"), "expires": expires }).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_escape_what_others_wrote() {
        let approval = Approval {
            execution_arn: "a".into(),
            execution_name: "e".into(),
            state_machine_name: "m".into(),
            state_name: "<b>&\"'".into(),
            message: "</pre><script>alert(1)</script>".to_owned(),
            expires: Timestamp(0),
            is_waiting: true,
        };
        let shown = question(&approval);
        assert!(!shown.contains("<script>") && !shown.contains("<b>"), "{shown}");
        assert!(shown.contains("&lt;b&gt;&amp;&quot;&#39;"), "{shown}");
    }

    #[test]
    fn forms_are_decoded() {
        let fields = form_fields(b"decision=approve&reason=100+%25+%E2%82%AC%zz&empty=&x");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            fields,
            [
                pair("decision", "approve"),
                pair("reason", "100 % €%zz"),
                pair("empty", ""),
                pair("x", "")
            ]
        );
    }
}
