//! Clients that connect with TLS: by HTTP/1.1 and HTTP/2, signed or not, well or badly.

use std::sync::Arc;

use api::{AccessKeys, Tls};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
};

use crate::roles::{keys, signed_headers};
use crate::server::Server;

/// A certificate that vouches for itself, and its key.
struct Pair {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Pair {
    fn new() -> Pair {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        Pair { certificate: parameters.self_signed(&key).unwrap(), key }
    }

    fn tls(&self) -> Arc<Tls> {
        let (certificate, key) = (self.certificate.pem(), self.key.serialize_pem());
        Arc::new(Tls::new(certificate.as_bytes(), key.as_bytes()).unwrap())
    }

    async fn connect_with(
        &self,
        server: &Server,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(server.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    async fn connect(
        &self,
        server: &Server,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.connect_with(server, &[&TLS13, &TLS12], protocols).await
    }
}

/// Asks once by HTTP/1.1 and reads to the end.
async fn ask(mut stream: TlsStream<TcpStream>, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn http_1_with_and_without_being_asked_for() {
    let pair = Pair::new();
    let server = Server::start_tls(pair.tls(), AccessKeys::default()).await;
    for protocols in [&[][..], &["http/1.1"]] {
        for (version, expected) in
            [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)]
        {
            let stream = pair.connect_with(&server, &[version], protocols).await.unwrap();
            assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
            let answer = ask(stream, HEALTH).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn signed_calls_by_http_2() {
    let pair = Pair::new();
    let server = Server::start_tls(pair.tls(), keys()).await;
    let stream = pair.connect(&server, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    for (role, expected) in [("reader", "200"), ("worker", "400")] {
        let mut request = Request::post("https://localhost/");
        for (name, value) in signed_headers(role, "ListStateMachines", "{}") {
            if name != "host" {
                request = request.header(name, value);
            }
        }
        let request = request.body(Full::new(Bytes::from("{}"))).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status().as_u16().to_string();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(status, expected, "{body}");
        // What is refused is refused for the role, not for the signature.
        let is_denied = body.contains("AccessDeniedException");
        assert_eq!(is_denied, role == "worker", "{body}");
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_new_certificate_shows_to_those_who_connect_after_it() {
    let (first, second) = (Pair::new(), Pair::new());
    let tls = first.tls();
    let server = Server::start_tls(Arc::clone(&tls), AccessKeys::default()).await;
    let before = first.connect(&server, &[]).await.unwrap();
    let (certificate, key) = (second.certificate.pem(), second.key.serialize_pem());
    tls.replace(certificate.as_bytes(), key.as_bytes()).unwrap();
    first.connect(&server, &[]).await.unwrap_err();
    let after = second.connect(&server, &[]).await.unwrap();
    for stream in [before, after] {
        assert!(ask(stream, HEALTH).await.starts_with("HTTP/1.1 200"));
    }
    server.stop().await;
}

#[tokio::test]
async fn who_does_not_speak_tls_gets_no_answer_and_holds_up_nobody() {
    let pair = Pair::new();
    let server = Server::start_tls(pair.tls(), AccessKeys::default()).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(HEALTH).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is reset has no answer either.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    // One that says nothing does not keep the server from stopping.
    let silent = TcpStream::connect(server.address).await.unwrap();
    let stream = pair.connect(&server, &[]).await.unwrap();
    assert!(ask(stream, HEALTH).await.starts_with("HTTP/1.1 200"));
    server.stop().await;
    drop(silent);
}

/// Posts JSON to a path by a connection of its own; the body of the answer.
async fn post(pair: &Pair, server: &Server, path: &str, target: &str, body: &Value) -> Value {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\
         Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AWSStepFunctions.{target}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = ask(pair.connect(server, &[]).await.unwrap(), request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(body).unwrap()
}

#[tokio::test]
async fn links_to_approvals_lead_to_where_tls_is() {
    let pair = Pair::new();
    let server = Server::start_tls(pair.tls(), AccessKeys::default()).await;
    let call = async |target: &str, body: Value| post(&pair, &server, "/", target, &body).await;
    let activity = call("CreateActivity", json!({"name": "a"})).await["activityArn"].clone();
    let task = json!({"Type": "Task", "Resource": activity, "End": true});
    let definition = json!({"StartAt": "T", "States": {"T": task}}).to_string();
    let role = "arn:aws:iam::123456789012:role/any";
    let machine = json!({"name": "m", "definition": definition, "roleArn": role});
    let machine = call("CreateStateMachine", machine).await["stateMachineArn"].clone();
    call("StartExecution", json!({"stateMachineArn": machine})).await;
    let task = call("GetActivityTask", json!({"activityArn": activity})).await;
    let request = json!({"taskToken": task["taskToken"]});
    let approval = post(&pair, &server, "/api/approvals", "", &request).await;
    let url = approval["url"].as_str().unwrap();
    assert!(url.starts_with("https://example.org/"), "{url}");
    server.stop().await;
}
