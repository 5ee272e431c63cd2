//! `SdkHttpMetadata` and `SdkResponseMetadata`: what an optimized integration tells about the
//! HTTP answer beside the service's own fields.

use serde_json::{Map, Value, json};

/// Headers as AWS spells and orders them in `AllHttpHeaders`.
const ALL_HTTP_HEADERS: [&str; 10] = [
    "Server",
    "X-Amz-Executed-Version",
    "x-amzn-Remapped-Content-Length",
    "Connection",
    "x-amzn-RequestId",
    "x-amz-crc32",
    "Content-Length",
    "Date",
    "X-Amzn-Trace-Id",
    "Content-Type",
];

/// Name and value of each header, in any spelling and order.
pub(crate) type Headers = Vec<(String, String)>;

/// The two members in AWS's order of keys.
pub(crate) fn sdk_metadata(headers: &Headers, status: u16, request_id: &str) -> (Value, Value) {
    let mut headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (spelling(name), value.as_str())).collect();
    headers.sort_by_key(|(name, _)| {
        ALL_HTTP_HEADERS.iter().position(|known| known == name).unwrap_or(usize::MAX)
    });
    let mut all = Map::new();
    for (name, value) in &headers {
        let values = all.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(Value::from(*value));
        }
    }
    headers.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    let mut single = Map::new();
    for (name, value) in headers {
        single.insert(name.to_owned(), Value::from(value));
    }
    (
        json!({"AllHttpHeaders": all, "HttpHeaders": single, "HttpStatusCode": status}),
        json!({ "RequestId": request_id }),
    )
}

/// AWS's spelling of a header that it is known to send.
fn spelling(name: &str) -> &str {
    ALL_HTTP_HEADERS
        .iter()
        .chain(&["X-Amz-Function-Error", "X-Amz-Log-Result"])
        .find(|known| known.eq_ignore_ascii_case(name))
        .copied()
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn keys_stand_in_the_order_of_aws() {
        let headers = [
            ("date", "D"),
            ("content-type", "application/json"),
            ("content-length", "2"),
            ("connection", "keep-alive"),
            ("x-amzn-requestid", "R"),
            ("x-amzn-remapped-content-length", "0"),
            ("x-amz-executed-version", "$LATEST"),
            ("x-amzn-trace-id", "T"),
        ];
        let headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (http, response) = sdk_metadata(&headers, 200, "R");
        expect![[r#"
            {
              "AllHttpHeaders": {
                "X-Amz-Executed-Version": [
                  "$LATEST"
                ],
                "x-amzn-Remapped-Content-Length": [
                  "0"
                ],
                "Connection": [
                  "keep-alive"
                ],
                "x-amzn-RequestId": [
                  "R"
                ],
                "Content-Length": [
                  "2"
                ],
                "Date": [
                  "D"
                ],
                "X-Amzn-Trace-Id": [
                  "T"
                ],
                "Content-Type": [
                  "application/json"
                ]
              },
              "HttpHeaders": {
                "Connection": "keep-alive",
                "Content-Length": "2",
                "Content-Type": "application/json",
                "Date": "D",
                "X-Amz-Executed-Version": "$LATEST",
                "x-amzn-Remapped-Content-Length": "0",
                "x-amzn-RequestId": "R",
                "X-Amzn-Trace-Id": "T"
              },
              "HttpStatusCode": 200
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&http).unwrap());
        expect![[r#"{"RequestId":"R"}"#]].assert_eq(&response.to_string());
    }
}
