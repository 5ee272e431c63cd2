//! Our own paths beside AWS's API, under `/api/`: what they are called, and who answers them.
//! `docs/openapi.json` describes them; a test holds the two together.

mod events;
mod executions;
mod express;
mod jobs;
mod parameters;
mod tree;

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use crate::api::Api;
use crate::arn::Arn;
use crate::error::{ApiError, ErrorType};
use crate::json::JsonObject;
use parameters::Parameters;

pub(crate) use events::EventBody;

/// What all of them begin with.
pub(crate) const PREFIX: &str = "/api/";
/// Those that are answered elsewhere.
pub(crate) const OF_OTHERS: [&str; 2] = ["/api/approvals", "/api/usage"];
/// The description of all this.
const OPEN_API: &str = include_str!("../../../docs/openapi.json");

/// How a request is answered.
pub(crate) enum Answer {
    Json(Vec<u8>),
    /// Server-sent events.
    Events(EventBody),
    /// There is nothing more to come.
    NoContent,
}

/// Why a request is not answered.
#[derive(Debug)]
pub(crate) enum Refusal {
    NotFound,
    Api(ApiError),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Refusal {
        Refusal::Api(error)
    }
}

impl From<runtime::RuntimeError> for Refusal {
    fn from(error: runtime::RuntimeError) -> Refusal {
        Refusal::Api(error.into())
    }
}

impl Refusal {
    /// Its status and body: `code` and `message`.
    pub(crate) fn answer(&self) -> (StatusCode, Vec<u8>) {
        let mut body = JsonObject::new();
        match self {
            Refusal::NotFound => {
                body.text("code", "NotFound");
                body.text("message", "Nothing is here. /api/openapi.json says what there is.");
                (StatusCode::NOT_FOUND, body.finish())
            }
            Refusal::Api(error) => {
                body.text("code", error.code());
                body.text("message", error.message.as_deref().unwrap_or_default());
                (error.plain_status(), body.finish())
            }
        }
    }
}

/// What can be asked for. `{}` stands for a part of the path, percent-encoded or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    OpenApi,
    Search,
    Describe,
    Events,
    Tree,
    ListExpress,
    DescribeExpress,
    ExpressHistory,
    ListJobs,
    DescribeJob,
    JobLog,
}

const ROUTES: [(&str, Route); 11] = [
    ("/api/openapi.json", Route::OpenApi),
    ("/api/executions", Route::Search),
    ("/api/executions/{}", Route::Describe),
    ("/api/executions/{}/events", Route::Events),
    ("/api/executions/{}/tree", Route::Tree),
    ("/api/express", Route::ListExpress),
    ("/api/express/{}", Route::DescribeExpress),
    ("/api/express/{}/history", Route::ExpressHistory),
    ("/api/jobs", Route::ListJobs),
    ("/api/jobs/{}", Route::DescribeJob),
    ("/api/jobs/{}/log", Route::JobLog),
];

/// The route of a path, and the part of it that names something.
fn find(path: &str) -> Option<(Route, String)> {
    ROUTES.iter().find_map(|(pattern, route)| {
        let Some((before, after)) = pattern.split_once("{}") else {
            return (path == *pattern).then(|| (*route, String::new()));
        };
        let named = path.strip_prefix(before)?.strip_suffix(after)?;
        let is_one_part = !named.is_empty() && !named.contains('/');
        // Names of Map Runs' executions have a slash, which must be encoded here.
        is_one_part.then(|| parameters::decode(named)).flatten().map(|named| (*route, named))
    })
}

/// Answers a GET of a path under `/api/`. The caller may look, at what is in `account` if one is
/// given.
pub(crate) async fn answer(
    api: &Arc<Api>,
    head: &Parts,
    account: Option<&str>,
) -> Result<Answer, Refusal> {
    let Some((route, named)) = find(head.uri.path()) else { return Err(Refusal::NotFound) };
    // Whose job it is stands in the job.
    let is_job = matches!(route, Route::DescribeJob | Route::JobLog);
    if let Some(account) = account
        && !named.is_empty()
        && !is_job
        && Arn::parse(&named).map_err(ApiError::from)?.account != account
    {
        let message = format!("The execution {named} is in another account");
        return Err(ApiError::new(ErrorType::AccessDenied, message).into());
    }
    let query = Parameters::parse(head.uri.query().unwrap_or_default())?;
    let json = match route {
        Route::OpenApi => OPEN_API.as_bytes().to_vec(),
        Route::Search => executions::search(api, &query, account).await?,
        Route::Describe => executions::describe(api, &named, &query).await?,
        Route::Events => return events::follow(api, &named, &query, &head.headers).await,
        Route::Tree => tree::tree(api, &named, &query).await?,
        Route::ListExpress => express::list(api, &query, account)?,
        Route::DescribeExpress => express::describe(api, &named, &query)?,
        Route::ExpressHistory => express::history(api, &named, &query)?,
        Route::ListJobs => jobs::list(api, &query, account).await?,
        Route::DescribeJob => jobs::describe(api, &named, &query, account).await?,
        Route::JobLog => jobs::log(api, &named, &query, account).await?,
    };
    Ok(Answer::Json(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described_and_every_description_has_its_route() {
        let document: serde_json::Value = serde_json::from_str(OPEN_API).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let described: Vec<String> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(path, item)| {
                let method = if path == "/api/approvals" { "post" } else { "get" };
                assert!(item[method]["responses"]["200"].is_object(), "{path}");
                let name = path.split(['{', '}']).nth(1);
                name.map_or(path.clone(), |name| path.replace(name, ""))
            })
            .filter(|path| !OF_OTHERS.contains(&path.as_str()))
            .collect();
        let routes: Vec<&str> = ROUTES.iter().map(|(pattern, _)| *pattern).collect();
        assert_eq!(described, routes);
        for (pattern, route) in ROUTES {
            assert_eq!(
                find(&pattern.replace("{}", "a%3Ab")),
                Some((route, {
                    if pattern.contains("{}") { "a:b".to_owned() } else { String::new() }
                }))
            );
        }
        assert_eq!(find("/api/executions/"), None);
        assert_eq!(find("/api/executions/a/b/events"), None);
        assert_eq!(find("/api/executions/%zz"), None);
    }
}
