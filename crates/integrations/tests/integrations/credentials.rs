//! Where credentials of outgoing calls come from, each place with a stand-in: which key signs a
//! call, and who was asked for it how often.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use asl::{Payload, Resource};
use bytes::Bytes;
use expect_test::{Expect, expect};
use http::Response;
use jiff::Timestamp;
use runtime::TaskRunner;
use serde_json::{Value, json};

use crate::web::{Seen, Web};
use crate::world::{Failure, World, call};

/// A moment that is so many seconds from now.
fn soon(seconds: u64) -> String {
    let moment = SystemTime::now() + Duration::from_secs(seconds);
    Timestamp::try_from(moment).unwrap().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Everybody who is asked on the way to a call, and the service that is called. Every key has
/// the number of the request that asked for it. `lives` is how long they hold, in seconds.
async fn everybody(lives: u64) -> Web {
    let asked = AtomicU32::new(0);
    Web::answering(move |request| answer(request, lives, &asked)).await
}

fn answer(request: &Seen, lives: u64, asked: &AtomicU32) -> Response<Bytes> {
    let number = || asked.fetch_add(1, Ordering::Relaxed) + 1;
    let response = |status: u16, body: String| {
        Response::builder().status(status).body(Bytes::from(body)).unwrap()
    };
    let path = request.target.split('?').next().unwrap();
    let metadata = |name: &str| {
        json!({"AccessKeyId": format!("{name}{}", number()), "SecretAccessKey": "s",
            "Token": "t", "Expiration": soon(lives)})
        .to_string()
    };
    match (request.method.as_str(), path) {
        ("PUT", "/latest/api/token") => response(200, "imds-token".to_owned()),
        ("GET", path) if path.starts_with("/latest/") => {
            if request.header("x-aws-ec2-metadata-token") != Some("imds-token") {
                return response(401, String::new());
            }
            match path.rsplit('/').next().unwrap() {
                "" => response(200, "machine-role\n".to_owned()),
                role => response(200, metadata(role)),
            }
        }
        ("GET", "/container" | "/v2/credentials/x") => {
            match request.header("authorization").unwrap_or("none") {
                "none" | "Bearer pod" => response(200, metadata("container")),
                _ => response(403, String::new()),
            }
        }
        ("GET", "/federation/credentials") => {
            let token = request.header("x-amz-sso_bearer_token").unwrap();
            let expiry = SystemTime::now() + Duration::from_secs(lives);
            let expiry = expiry.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
            let id = format!("sso-{token}-{}", number());
            let body = json!({"roleCredentials": {"accessKeyId": id, "secretAccessKey": "s",
                "sessionToken": "t", "expiration": u64::try_from(expiry).unwrap()}});
            response(200, body.to_string())
        }
        ("POST", "/token") => {
            let body =
                json!({"accessToken": "renewed", "expiresIn": 3_600, "refreshToken": "next"});
            response(200, body.to_string())
        }
        _ if request.body.starts_with("Action=AssumeRole") => assumed(request, lives, number()),
        _ => response(200, "{}".to_owned()),
    }
}

/// STS: the role's name becomes a part of the key's.
fn assumed(request: &Seen, lives: u64, number: u32) -> Response<Bytes> {
    let form: BTreeMap<&str, &str> =
        request.body.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    let action = form["Action"];
    let role = form["RoleArn"].rsplit("%2F").next().unwrap();
    if role == "forbidden" {
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
            <Message>User: me is not authorized to perform: sts:AssumeRole</Message></Error>\
            <RequestId>R</RequestId></ErrorResponse>";
        return Response::builder().status(403).body(Bytes::from(body)).unwrap();
    }
    let body = format!(
        "<{action}Response><{action}Result><Credentials><AccessKeyId>{role}{number}</AccessKeyId>\
         <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{}\
         </Expiration></Credentials></{action}Result></{action}Response>",
        soon(lives)
    );
    Response::builder().status(200).body(Bytes::from(body)).unwrap()
}

/// Who signed a request, or that nobody did.
fn signer(request: &Seen) -> String {
    let header = request.header("authorization").unwrap_or_default();
    let key = header.split("Credential=").nth(1).and_then(|rest| rest.split('/').next());
    key.unwrap_or("nobody").to_owned()
}

/// What a request was for.
fn purpose(request: &Seen) -> String {
    let form = |name: &str| {
        let start = format!("{name}=");
        let pair = request.body.split('&').find_map(|pair| pair.strip_prefix(&start));
        pair.map(|value| value.replace("%2F", "/").replace("%3A", ":"))
    };
    match request.header("x-amz-target") {
        Some(_) => format!("call by {}", signer(request)),
        None if request.body.starts_with("Action=") => {
            let mut text = format!("{} {}", form("Action").unwrap(), form("RoleArn").unwrap());
            for name in ["RoleSessionName", "ExternalId", "DurationSeconds", "WebIdentityToken"] {
                if let Some(value) = form(name).filter(|value| value != "stepwell") {
                    text.push_str(&format!(" {name}={value}"));
                }
            }
            format!("{text} by {}", signer(request))
        }
        None => format!("{} {}", request.method, request.target),
    }
}

/// A world with variables and files. `{web}` is the stand-ins' URL, `{home}` the folder.
fn world(web: &Web, home: &Path, variables: &[(&str, &str)], files: &[(&str, &str)]) -> World {
    let fill =
        |text: &str| text.replace("{web}", &web.url("")).replace("{home}", home.to_str().unwrap());
    for (name, text) in files {
        let path = home.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, fill(text)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    World::with_config(|config| {
        config.container_endpoint = Some(web.url(""));
        config.aws.instance_metadata = true;
        config.environment.insert("AWS_ENDPOINT_URL".to_owned(), web.url(""));
        config.environment.insert("HOME".to_owned(), home.to_str().unwrap().to_owned());
        for (name, value) in variables {
            config.environment.insert((*name).to_owned(), fill(value));
        }
    })
}

async fn list_tables(world: &World, credentials: Option<Value>) -> Result<(), Failure> {
    let resource = Resource::parse("arn:aws:states:::aws-sdk:dynamodb:listTables").unwrap();
    let mut call = call(resource, json!({}));
    call.dispatch.credentials = credentials.map(Payload::from_value);
    world.integrations.run(call).await.map(|_| ()).map_err(Failure::from)
}

/// Makes two calls; shows the requests.
async fn check(lives: u64, variables: &[(&str, &str)], files: &[(&str, &str)], expected: Expect) {
    let web = everybody(lives).await;
    let home = tempfile::tempdir().unwrap();
    let world = world(&web, home.path(), variables, files);
    let mut shown = String::new();
    for _ in 0..2 {
        if let Err(failure) = list_tables(&world, None).await {
            let text = failure.to_string().replace(&web.url(""), "WEB");
            shown.push_str(&format!("{text}\n").replace(home.path().to_str().unwrap(), "HOME"));
        }
    }
    for request in web.requests() {
        shown.push_str(&purpose(&request));
        shown.push('\n');
    }
    expected.assert_eq(&shown);
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "env"), ("AWS_SECRET_ACCESS_KEY", "s")];
const CONTAINER: (&str, &str) = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{web}/container");
const IMDS: (&str, &str) = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{web}");
const IDENTITY: [(&str, &str); 2] =
    [("AWS_ROLE_ARN", "arn:aws:iam::1:role/pod"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/token")];

/// Each place goes before those below it, which are there as well.
#[tokio::test]
async fn the_first_place_counts() {
    let config =
        (".aws/config", "[default]\naws_access_key_id = file\naws_secret_access_key = s\n");
    let token = ("token", "jwt\n");
    let all = [&KEYS[..], &IDENTITY, &[CONTAINER, IMDS]].concat();
    check(
        3_600,
        &all,
        &[config, token],
        expect![[r#"
        call by env
        call by env
    "#]],
    )
    .await;
    check(
        3_600,
        &all[2..],
        &[config, token],
        expect![[r#"
        call by file
        call by file
    "#]],
    )
    .await;
    check(
        3_600,
        &all[2..],
        &[token],
        expect![[r#"
        AssumeRoleWithWebIdentity arn:aws:iam::1:role/pod WebIdentityToken=jwt by nobody
        call by pod1
        call by pod1
    "#]],
    )
    .await;
    check(
        3_600,
        &all[4..],
        &[],
        expect![[r#"
        GET /container
        call by container1
        call by container1
    "#]],
    )
    .await;
    check(
        3_600,
        &all[5..],
        &[],
        expect![[r#"
        PUT /latest/api/token
        GET /latest/meta-data/iam/security-credentials/
        GET /latest/meta-data/iam/security-credentials/machine-role
        call by machine-role1
        call by machine-role1
    "#]],
    )
    .await;
    check(
        3_600,
        &[IMDS, ("AWS_EC2_METADATA_DISABLED", "true")],
        &[],
        expect![[r#"
        call by test
        call by test
    "#]],
    )
    .await;
}

/// What ends within five minutes is fetched anew.
#[tokio::test]
async fn credentials_are_renewed_before_they_end() {
    check(
        240,
        &IDENTITY,
        &[("token", "jwt")],
        expect![[r#"
        AssumeRoleWithWebIdentity arn:aws:iam::1:role/pod WebIdentityToken=jwt by nobody
        call by pod1
        AssumeRoleWithWebIdentity arn:aws:iam::1:role/pod WebIdentityToken=jwt by nobody
        call by pod2
    "#]],
    )
    .await;
    check(
        240,
        &[CONTAINER],
        &[],
        expect![[r#"
        GET /container
        call by container1
        GET /container
        call by container2
    "#]],
    )
    .await;
    check(
        240,
        &[IMDS],
        &[],
        expect![[r#"
        PUT /latest/api/token
        GET /latest/meta-data/iam/security-credentials/
        GET /latest/meta-data/iam/security-credentials/machine-role
        call by machine-role1
        PUT /latest/api/token
        GET /latest/meta-data/iam/security-credentials/
        GET /latest/meta-data/iam/security-credentials/machine-role
        call by machine-role2
    "#]],
    )
    .await;
}

#[tokio::test]
async fn containers_say_who_they_are() {
    let relative = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x");
    check(
        3_600,
        &[relative],
        &[],
        expect![[r#"
        GET /v2/credentials/x
        call by container1
        call by container1
    "#]],
    )
    .await;
    let file = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "{home}/pod");
    check(
        3_600,
        &[CONTAINER, file],
        &[("pod", "Bearer pod\n")],
        expect![[r#"
        GET /container
        call by container1
        call by container1
    "#]],
    )
    .await;
    // The variable is for those without a file.
    let variable = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer other");
    let both = [CONTAINER, file, variable];
    check(
        3_600,
        &both,
        &[("pod", "Bearer pod")],
        expect![[r#"
        GET /container
        call by container1
        call by container1
    "#]],
    )
    .await;
    // AWS itself is not called without; a stand-in is.
    check(
        3_600,
        &[CONTAINER, variable],
        &[],
        expect![[r#"
        GET /container
        call by test
        GET /container
        call by test
    "#]],
    )
    .await;
    let far = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/credentials");
    check(3_600, &[far, ("AWS_ENDPOINT_URL", "")], &[], expect![[r#"
        DynamoDb.SdkClientException: Unable to load credentials from any of the providers in the chain: AWS_CONTAINER_CREDENTIALS_FULL_URI is http://example.com/credentials, which is neither https nor an agent of this machine
        DynamoDb.SdkClientException: Unable to load credentials from any of the providers in the chain: AWS_CONTAINER_CREDENTIALS_FULL_URI is http://example.com/credentials, which is neither https nor an agent of this machine
    "#]]).await;
}

#[tokio::test]
async fn profiles_lead_to_roles() {
    let config = "[profile work]\nrole_arn = arn:aws:iam::1:role/work\nsource_profile = middle\n\
        external_id = x\nrole_session_name = me\nduration_seconds = 900\n\
        [profile middle]\nrole_arn = arn:aws:iam::1:role/middle\nsource_profile = base\n\
        [profile loop]\nrole_arn = arn:aws:iam::1:role/loop\nsource_profile = loop2\n\
        [profile loop2]\nrole_arn = arn:aws:iam::1:role/loop\nsource_profile = loop\n\
        [profile env]\nrole_arn = arn:aws:iam::1:role/env\ncredential_source = Environment\n\
        [profile ecs]\nrole_arn = arn:aws:iam::1:role/ecs\ncredential_source = EcsContainer\n\
        [profile ec2]\nrole_arn = arn:aws:iam::1:role/ec2\ncredential_source = Ec2InstanceMetadata\n\
        [profile web]\nrole_arn = arn:aws:iam::1:role/web\nweb_identity_token_file = {home}/token\n\
        [profile mfa]\nrole_arn = arn:aws:iam::1:role/mfa\nsource_profile = base\nmfa_serial = m\n";
    let credentials = "[base]\naws_access_key_id = base\naws_secret_access_key = s\n";
    let files = [(".aws/config", config), (".aws/credentials", credentials), ("token", "jwt")];
    let profile = |name| ("AWS_PROFILE", name);
    check(3_600, &[profile("work")], &files, expect![[r#"
        AssumeRole arn:aws:iam::1:role/middle by base
        AssumeRole arn:aws:iam::1:role/work RoleSessionName=me ExternalId=x DurationSeconds=900 by middle1
        call by work2
        call by work2
    "#]]).await;
    check(
        3_600,
        &[profile("ecs"), CONTAINER],
        &files,
        expect![[r#"
        GET /container
        AssumeRole arn:aws:iam::1:role/ecs by container1
        call by ecs2
        call by ecs2
    "#]],
    )
    .await;
    check(
        3_600,
        &[profile("ec2"), IMDS],
        &files,
        expect![[r#"
        PUT /latest/api/token
        GET /latest/meta-data/iam/security-credentials/
        GET /latest/meta-data/iam/security-credentials/machine-role
        AssumeRole arn:aws:iam::1:role/ec2 by machine-role1
        call by ec22
        call by ec22
    "#]],
    )
    .await;
    check(
        3_600,
        &[profile("web")],
        &files,
        expect![[r#"
        AssumeRoleWithWebIdentity arn:aws:iam::1:role/web WebIdentityToken=jwt by nobody
        call by web1
        call by web1
    "#]],
    )
    .await;
    for (name, reason) in [
        ("loop", "leads through more than 5 source profiles"),
        ("mfa", "wants a code of a device (mfa_serial), which nobody can give to a server"),
        ("env", "has no keys"),
    ] {
        let web = everybody(3_600).await;
        let home = tempfile::tempdir().unwrap();
        let variables = [profile(name), ("AWS_ENDPOINT_URL", "")];
        let world = world(&web, home.path(), &variables, &files);
        let failure = list_tables(&world, None).await.unwrap_err();
        assert!(failure.cause.ends_with(reason), "{name}: {failure}");
    }
}

#[tokio::test]
async fn programs_print_credentials() {
    let script = "#!/bin/sh\necho run >> {home}/runs\n\
        echo \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"$1\\\", \\\"SecretAccessKey\\\": \\\"s\\\"}\"\n";
    let config = "[default]\ncredential_process = {home}/print 'my key'\n\
        [profile role]\nrole_arn = arn:aws:iam::1:role/role\nsource_profile = default\n\
        [profile bad]\ncredential_process = {home}/absent\n";
    let files = [(".aws/config", config), ("print", script)];
    check(
        3_600,
        &[],
        &files,
        expect![[r#"
        call by my key
        call by my key
    "#]],
    )
    .await;
    check(
        3_600,
        &[("AWS_PROFILE", "role")],
        &files,
        expect![[r#"
        AssumeRole arn:aws:iam::1:role/role by my key
        call by role1
        call by role1
    "#]],
    )
    .await;
    check(3_600, &[("AWS_PROFILE", "bad"), ("AWS_ENDPOINT_URL", "")], &files, expect![[r#"
        DynamoDb.SdkClientException: Unable to load credentials from any of the providers in the chain: credential_process cannot be run: No such file or directory (os error 2)
        DynamoDb.SdkClientException: Unable to load credentials from any of the providers in the chain: credential_process cannot be run: No such file or directory (os error 2)
    "#]]).await;
}

#[tokio::test]
async fn tokens_of_identity_center_are_used_and_renewed() {
    let config = "[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = dev\n\
        [sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n\
        [profile old]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n\
        sso_account_id = 1\nsso_role_name = dev\n";
    let sha = |text: &str| {
        let digest = <sha1::Sha1 as sha1::Digest>::digest(text);
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(".aws/sso/cache/{digits}.json")
    };
    let of_session = sha("corp");
    let of_url = sha("https://corp.awsapps.com/start");
    let kept = json!({"accessToken": "kept", "expiresAt": soon(3_600)}).to_string();
    check(
        3_600,
        &[],
        &[(".aws/config", config), (&of_session, &kept)],
        expect![[r#"
            GET /federation/credentials?role_name=dev&account_id=1
            call by sso-kept-1
            call by sso-kept-1
        "#]],
    )
    .await;
    let old = [(".aws/config", config), (of_url.as_str(), kept.as_str())];
    check(
        3_600,
        &[("AWS_PROFILE", "old")],
        &old,
        expect![[r#"
            GET /federation/credentials?role_name=dev&account_id=1
            call by sso-kept-1
            call by sso-kept-1
        "#]],
    )
    .await;
    // The token has ended, and can be renewed; the CLI finds the new one.
    let ended = json!({"accessToken": "ended", "expiresAt": "2020-01-01T00:00:00Z",
        "refreshToken": "r", "clientId": "c", "clientSecret": "s",
        "registrationExpiresAt": soon(3_600)});
    let web = everybody(3_600).await;
    let home = tempfile::tempdir().unwrap();
    let text = ended.to_string();
    let files = [(".aws/config", config), (of_session.as_str(), text.as_str())];
    let renewing = world(&web, home.path(), &[], &files);
    list_tables(&renewing, None).await.unwrap();
    assert_eq!(signer(&web.last()), "sso-renewed-1");
    let body: Value = serde_json::from_str(&web.requests()[0].body).unwrap();
    assert_eq!((&body["grantType"], &body["refreshToken"]), (&json!("refresh_token"), &json!("r")));
    let now = std::fs::read_to_string(home.path().join(&of_session)).unwrap();
    let now: Value = serde_json::from_str(&now).unwrap();
    assert_eq!((&now["accessToken"], &now["refreshToken"]), (&json!("renewed"), &json!("next")));
    assert_eq!(now["clientId"], "c");
    // It has ended for good.
    let ended = json!({"accessToken": "ended", "expiresAt": "2020-01-01T00:00:00Z"}).to_string();
    let files = [(".aws/config", config), (of_session.as_str(), ended.as_str())];
    check(3_600, &[("AWS_ENDPOINT_URL", "")], &files, expect![[r#"
        DynamoDb.SdkClientException: Unable to load credentials from any of the providers in the chain: the SSO token has ended of the profile 'default'; log in by 'aws sso login --profile default'
        DynamoDb.SdkClientException: Unable to load credentials from any of the providers in the chain: the SSO token has ended of the profile 'default'; log in by 'aws sso login --profile default'
    "#]]).await;
}

/// `Credentials` of a Task: a role by itself, whose credentials are kept.
#[tokio::test]
async fn tasks_assume_roles() {
    let web = everybody(3_600).await;
    let home = tempfile::tempdir().unwrap();
    let world = world(&web, home.path(), &KEYS, &[]);
    for role in ["one", "one", "two"] {
        let credentials = json!({"RoleArn": format!("arn:aws:iam::2:role/{role}")});
        list_tables(&world, Some(credentials)).await.unwrap();
    }
    let shown: Vec<String> = web.requests().iter().map(purpose).collect();
    expect![[r#"
        AssumeRole arn:aws:iam::2:role/one by env
        call by one1
        call by one1
        AssumeRole arn:aws:iam::2:role/two by env
        call by two2"#]]
    .assert_eq(&shown.join("\n"));
    let credentials = json!({"RoleArn": "arn:aws:iam::2:role/forbidden"});
    let failure = list_tables(&world, Some(credentials)).await.unwrap_err();
    expect!["States.TaskFailed: The role arn:aws:iam::111111111111:role/machine is not authorized to assume the task state's role, arn:aws:iam::2:role/forbidden."]
        .assert_eq(&failure.to_string());
}
