//! `[traces]`: where spans go, from the file and the variables of OpenTelemetry.

use std::fmt;

use serde::Deserialize;

/// Behind the endpoint, where the variable or the key does not name the whole URL.
const PATH: &str = "/v1/traces";

/// `[traces]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TracesTable {
    endpoint: Option<String>,
    service_name: Option<String>,
    sampling_ratio: Option<f64>,
}

/// What there shall be of traces.
#[derive(Clone, PartialEq)]
pub(crate) struct TraceSettings {
    pub(crate) url: String,
    /// Names and values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) service_name: String,
    pub(crate) sampling_ratio: f64,
}

impl fmt::Debug for TraceSettings {
    /// Without the headers, which prove who we are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceSettings").field("url", &self.url).finish_non_exhaustive()
    }
}

impl TracesTable {
    /// None where nobody says where spans go.
    pub(crate) fn settle(
        self,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<TraceSettings>, String> {
        if environment("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let with_path = |url: String| format!("{}{PATH}", url.trim_end_matches('/'));
        let url = environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
            .or_else(|| environment("OTEL_EXPORTER_OTLP_ENDPOINT").map(with_path))
            .or_else(|| self.endpoint.map(with_path));
        let Some(url) = url else { return Ok(None) };
        if !cfg!(feature = "otel") {
            return Err("this stepwell was built without the feature `otel`".to_owned());
        }
        let sampling_ratio = self.sampling_ratio.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&sampling_ratio) {
            return Err("sampling_ratio must be from 0 to 1".to_owned());
        }
        let headers = environment("OTEL_EXPORTER_OTLP_TRACES_HEADERS")
            .or_else(|| environment("OTEL_EXPORTER_OTLP_HEADERS"))
            .map_or(Ok(Vec::new()), |text| headers(&text))?;
        Ok(Some(TraceSettings {
            url,
            headers,
            service_name: environment("OTEL_SERVICE_NAME")
                .or(self.service_name)
                .unwrap_or_else(|| "stepwell".to_owned()),
            sampling_ratio,
        }))
    }
}

/// Reads `key=value,other=with%20space`.
fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part
                .split_once('=')
                .ok_or("OTEL_EXPORTER_OTLP_HEADERS must be key=value, separated by commas")?;
            Ok((name.trim().to_owned(), decoded(value.trim())?))
        })
        .collect()
}

/// A text without percent signs for bytes.
fn decoded(text: &str) -> Result<String, String> {
    let wrong = || "OTEL_EXPORTER_OTLP_HEADERS has a % that no two digits follow".to_owned();
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or_else(wrong)?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(all(test, feature = "otel"))]
mod tests {
    use super::*;

    fn settle(
        table: &str,
        variables: &[(&str, &str)],
    ) -> Result<Option<(String, String, usize)>, String> {
        let environment = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let table: TracesTable = toml::from_str(table).expect("the tests write TOML");
        let settings = table.settle(&environment)?;
        Ok(settings.map(|it| (it.url, it.service_name, it.headers.len())))
    }

    #[test]
    fn variables_go_before_the_file() {
        let file = "endpoint = \"http://a:4318/\"\nservice_name = \"mine\"";
        let url = |url: &str, name: &str, count| Ok(Some((url.to_owned(), name.to_owned(), count)));
        assert_eq!(settle("", &[]), Ok(None));
        assert_eq!(settle(file, &[]), url("http://a:4318/v1/traces", "mine", 0));
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://b/x");
        assert_eq!(settle("", &[endpoint]), url("https://b/x/v1/traces", "stepwell", 0));
        let variables = [
            endpoint,
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c/spans"),
            ("OTEL_SERVICE_NAME", "other"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=b, c=d%20e,"),
        ];
        assert_eq!(settle(file, &variables), url("https://c/spans", "other", 2));
        assert_eq!(settle(file, &[("OTEL_SDK_DISABLED", "true")]), Ok(None));
        assert!(settle("endpoint = \"http://a\"\nsampling_ratio = 1.5", &[]).is_err());
        assert!(settle(file, &[("OTEL_EXPORTER_OTLP_HEADERS", "a")]).is_err());
        assert!(settle(file, &[("OTEL_EXPORTER_OTLP_HEADERS", "a=%4")]).is_err());
        assert_eq!(headers("a=x%3Dy"), Ok(vec![("a".to_owned(), "x=y".to_owned())]));
    }
}
