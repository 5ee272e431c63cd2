//! The API of a Kubernetes cluster: where it is and how we prove who we are, as a kubeconfig or the
//! service account of the pod that the server is in says it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asl::Definition;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;

use crate::client::HttpClient;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Where a pod finds who it is.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// What tells a pod where the API is.
const HOST_VARIABLE: &str = "KUBERNETES_SERVICE_HOST";
const PORT_VARIABLE: &str = "KUBERNETES_SERVICE_PORT";

/// The cluster that runs Jobs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesConfig {
    /// The file that says where the API is and who we are. Default: `KUBECONFIG`, the service
    /// account of the pod that the server is in, or `~/.kube/config`.
    #[serde(default)]
    pub kubeconfig: Option<PathBuf>,
    /// Which of its contexts. Default: the current one.
    #[serde(default)]
    pub context: Option<String>,
    /// Where Jobs are made. Default: the context's, or the pod's, or `default`.
    #[serde(default)]
    pub namespace: Option<String>,
    /// A proxy that proves who we are by itself, such as `kubectl proxy`, instead of all this.
    #[serde(default)]
    pub proxy: Option<String>,
}

/// A cluster, connected to when it is first needed.
pub(super) struct Cluster {
    config: KubernetesConfig,
    environment: BTreeMap<String, String>,
    connection: Mutex<Option<Arc<Connection>>>,
}

/// A way to the API.
struct Connection {
    client: HttpClient,
    /// Without a slash at the end.
    url: String,
    namespace: String,
    token: Token,
}

enum Token {
    None,
    Text(String),
    /// It is renewed from time to time.
    File(PathBuf),
}

/// An answer that is no success, or none.
#[derive(Debug)]
pub(super) struct Refused {
    /// None if there was no answer.
    pub(super) status: Option<StatusCode>,
    pub(super) message: String,
}

impl Refused {
    pub(super) fn is(&self, status: StatusCode) -> bool {
        self.status == Some(status)
    }

    /// Whether asking again may help.
    pub(super) fn passes(&self) -> bool {
        self.status.is_none_or(|status| {
            status.is_server_error() || matches!(status.as_u16(), 401 | 408 | 429)
        })
    }
}

fn no_answer(message: impl Into<String>) -> Refused {
    Refused { status: None, message: message.into() }
}

impl Cluster {
    pub(super) fn new(config: KubernetesConfig, environment: BTreeMap<String, String>) -> Cluster {
        Cluster { config, environment, connection: Mutex::default() }
    }

    /// Where Jobs are made.
    pub(super) async fn namespace(&self) -> Result<String, Refused> {
        Ok(self.connect().await?.namespace.clone())
    }

    /// Asks for JSON.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refused> {
        let (connection, request) = self.request(method, path, body).await?;
        let sent = connection.client.send(request, ANSWER_BYTES_MAX);
        let answer = tokio::time::timeout(PATIENCE, sent).await;
        let answer = answer.map_err(|_| no_answer("the cluster does not answer"))?;
        let answer = answer.map_err(no_answer)?;
        let value: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        match answer.status() {
            status if status.is_success() => Ok(value),
            status => Err(self.refused(status, &value)),
        }
    }

    /// Asks for something that comes in pieces.
    pub(super) async fn stream(&self, path: &str) -> Result<Response<Incoming>, Refused> {
        let (connection, request) = self.request(Method::GET, path, None).await?;
        let answer = connection.client.stream(request).await.map_err(no_answer)?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status => Err(self.refused(status, &Value::Null)),
        }
    }

    fn refused(&self, status: StatusCode, said: &Value) -> Refused {
        if status == StatusCode::UNAUTHORIZED {
            // The token may have been good only until now.
            *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        let said = said["message"].as_str();
        let message = said.map_or_else(|| status.to_string(), str::to_owned);
        Refused { status: Some(status), message }
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Arc<Connection>, Request<Bytes>), Refused> {
        let connection = self.connect().await?;
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", connection.url))
            .header("accept", "application/json");
        let token = match &connection.token {
            Token::None => None,
            Token::Text(token) => Some(token.clone()),
            Token::File(path) => {
                let token = std::fs::read_to_string(path);
                Some(token.map_err(|error| no_answer(format!("{}: {error}", path.display())))?)
            }
        };
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.trim()));
        }
        let request = match body {
            None => request.body(Bytes::new()),
            Some(body) => request
                .header("content-type", "application/json")
                .body(Bytes::from(body.to_string())),
        };
        let request = request.map_err(|error| no_answer(error.to_string()))?;
        Ok((connection, request))
    }

    async fn connect(&self) -> Result<Arc<Connection>, Refused> {
        let known = self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut connection = self.open().await.map_err(no_answer)?;
        if let Some(namespace) = &self.config.namespace {
            connection.namespace.clone_from(namespace);
        }
        let connection = Arc::new(connection);
        let known = &mut *self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::clone(&connection));
        Ok(connection)
    }

    async fn open(&self) -> Result<Connection, String> {
        if let Some(url) = &self.config.proxy {
            return Ok(Connection {
                client: HttpClient::new(),
                url: url.trim_end_matches('/').to_owned(),
                namespace: "default".to_owned(),
                token: Token::None,
            });
        }
        if let Some(path) = &self.config.kubeconfig {
            return self.open_kubeconfig(path).await;
        }
        if let Some(path) = self.environment.get("KUBECONFIG").filter(|path| !path.is_empty()) {
            return self.open_kubeconfig(Path::new(path)).await;
        }
        if let Some(host) = self.environment.get(HOST_VARIABLE) {
            return self.open_in_cluster(host);
        }
        match self.environment.get("HOME") {
            Some(home) => self.open_kubeconfig(&PathBuf::from(home).join(".kube/config")).await,
            None => Err("no cluster: name a 'kubeconfig' in [kubernetes]".to_owned()),
        }
    }

    /// As the pod that the server is in.
    fn open_in_cluster(&self, host: &str) -> Result<Connection, String> {
        let folder = Path::new(SERVICE_ACCOUNT);
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let port = self.environment.get(PORT_VARIABLE).map_or("443", String::as_str);
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let namespace = String::from_utf8_lossy(&read("namespace")?).trim().to_owned();
        Ok(Connection {
            client: HttpClient::of_cluster(Some(&read("ca.crt")?), None)?,
            url: format!("https://{host}:{port}"),
            namespace,
            token: Token::File(folder.join("token")),
        })
    }

    async fn open_kubeconfig(&self, path: &Path) -> Result<Connection, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
        let json = Definition::from_yaml(&text).to_json().map(std::borrow::Cow::into_owned);
        let json = json.ok_or_else(|| format!("{shown}: it is not YAML"))?;
        let file: Value =
            serde_json::from_str(&json).map_err(|error| format!("{shown}: {error}"))?;
        let named = |list: &str, kind: &str, name: &str| {
            let entries = file[list].as_array().into_iter().flatten();
            let mut found =
                entries.filter(|entry| entry["name"] == name).map(|entry| entry[kind].clone());
            found.next_back().ok_or_else(|| format!("{shown}: there is no {kind} '{name}'"))
        };
        let context = self.config.context.as_deref().or(file["current-context"].as_str());
        let context = context.ok_or_else(|| format!("{shown}: there is no current context"))?;
        let context = named("contexts", "context", context)?;
        let cluster = named("clusters", "cluster", text_of(&context, "cluster"))?;
        let user = match text_of(&context, "user") {
            "" => Value::Null,
            name => named("users", "user", name)?,
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        self.connection(&context, &cluster, &user, folder)
            .await
            .map_err(|why| format!("{shown}: {why}"))
    }

    async fn connection(
        &self,
        context: &Value,
        cluster: &Value,
        user: &Value,
        folder: &Path,
    ) -> Result<Connection, String> {
        for name in ["insecure-skip-tls-verify", "tls-server-name", "proxy-url"] {
            if !matches!(cluster[name], Value::Null | Value::Bool(false)) {
                return Err(format!("'{name}' is not supported"));
            }
        }
        let url = text_of(cluster, "server").trim_end_matches('/').to_owned();
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err("'server' of the cluster must begin with https:// or http://".to_owned());
        }
        let mut user = user.clone();
        if user["exec"].is_object() {
            user = self.ask_program(&user["exec"], folder).await?;
        }
        let authority = given(cluster, "certificate-authority", folder)?;
        let own = match (
            given(&user, "client-certificate", folder)?,
            given(&user, "client-key", folder)?,
        ) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("'client-certificate' and 'client-key' belong together".to_owned()),
        };
        let own = own.as_ref().map(|(certificate, key)| (&certificate[..], &key[..]));
        let token = match (user["token"].as_str(), user["tokenFile"].as_str()) {
            (_, Some(file)) => Token::File(folder.join(file)),
            (Some(token), None) => Token::Text(token.to_owned()),
            (None, None) => Token::None,
        };
        let namespace = Some(text_of(context, "namespace")).filter(|name| !name.is_empty());
        Ok(Connection {
            client: HttpClient::of_cluster(authority.as_deref(), own)?,
            url,
            namespace: namespace.unwrap_or("default").to_owned(),
            token,
        })
    }

    /// Runs the program that knows who we are, as kubectl does: it prints an `ExecCredential`.
    async fn ask_program(&self, exec: &Value, folder: &Path) -> Result<Value, String> {
        let name = text_of(exec, "command");
        // A path is relative to the file, a name is looked for as a shell does.
        let program = if name.contains('/') { folder.join(name) } else { PathBuf::from(name) };
        let mut command = tokio::process::Command::new(program);
        for word in exec["args"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            command.arg(word);
        }
        command.env_clear().envs(&self.environment);
        for variable in exec["env"].as_array().into_iter().flatten() {
            command.env(text_of(variable, "name"), text_of(variable, "value"));
        }
        let version = text_of(exec, "apiVersion");
        let info = serde_json::json!({"kind": "ExecCredential", "apiVersion": version,
            "spec": {"interactive": false}});
        command.env("KUBERNETES_EXEC_INFO", info.to_string());
        command.stdin(std::process::Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        let output = output.map_err(|_| format!("'{name}' does not end"))?;
        let output = output.map_err(|error| format!("'{name}': {error}"))?;
        if !output.status.success() {
            return Err(format!("'{name}' ended with {}", output.status));
        }
        let said: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("'{name}' printed no ExecCredential: {error}"))?;
        let status = &said["status"];
        let mut user = serde_json::json!({});
        if let Some(token) = status["token"].as_str() {
            user["token"] = token.into();
        }
        for (from, to) in [
            ("clientCertificateData", "client-certificate-data"),
            ("clientKeyData", "client-key-data"),
        ] {
            if let Some(pem) = status[from].as_str() {
                user[to] = BASE64.encode(pem).into();
            }
        }
        Ok(user)
    }
}

fn text_of<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// What stands in the file itself, in base64, or in a file that it names.
fn given(value: &Value, name: &str, folder: &Path) -> Result<Option<Vec<u8>>, String> {
    let data = format!("{name}-data");
    if let Some(text) = value[&data].as_str() {
        return BASE64.decode(text).map(Some).map_err(|error| format!("'{data}': {error}"));
    }
    let Some(path) = value[name].as_str() else { return Ok(None) };
    let path = folder.join(path);
    std::fs::read(&path).map(Some).map_err(|error| format!("{}: {error}", path.display()))
}
