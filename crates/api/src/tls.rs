//! TLS in front of the API: certificates, which can be replaced while connections come, and the
//! handshake. TLS 1.2 and 1.3; HTTP/2 for clients that ask for it, HTTP/1.1 for all others.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error as RustlsError, ServerConfig};
use tokio_rustls::server::TlsStream;

/// What clients may ask for, what is liked best first.
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];
const HTTP_2: &[u8] = b"h2";

/// Why a certificate or its key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsError {
    /// The certificate is no PEM text with certificates.
    Certificate(String),
    /// The private key is no PEM text with a key.
    PrivateKey(String),
    /// The key is not that of the certificate.
    Mismatch,
    /// Both are there, and still no good.
    Unusable(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::Certificate(why) => write!(f, "the certificate cannot be read: {why}"),
            TlsError::PrivateKey(why) => write!(f, "the private key cannot be read: {why}"),
            TlsError::Mismatch => f.write_str("the private key is not that of the certificate"),
            TlsError::Unusable(why) => write!(f, "the certificate cannot be used: {why}"),
        }
    }
}

impl std::error::Error for TlsError {}

/// The certificate that a server shows, and its key.
pub struct Tls(RwLock<Arc<ServerConfig>>);

impl fmt::Debug for Tls {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// With a certificate, those that vouch for it behind it, and its private key, as PEM.
    pub fn new(certificates: &[u8], private_key: &[u8]) -> Result<Tls, TlsError> {
        Ok(Tls(RwLock::new(config(certificates, private_key)?)))
    }

    /// Shows another certificate to those who connect from now on. If it is no good, the one
    /// before it stays.
    pub fn replace(&self, certificates: &[u8], private_key: &[u8]) -> Result<(), TlsError> {
        let config = config(certificates, private_key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(config).accept(stream).await
    }
}

/// Whether the client asked for HTTP/2.
pub(crate) fn speaks_http_2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}

fn config(certificates: &[u8], private_key: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = chain(certificates)?;
    let key = PrivateKeyDer::from_pem_slice(private_key)
        .map_err(|error| TlsError::PrivateKey(no_key(&error, private_key)))?;
    let unusable = |error: RustlsError| match error {
        RustlsError::InconsistentKeys(_) => TlsError::Mismatch,
        RustlsError::InvalidCertificate(why) => {
            TlsError::Certificate(format!("it is damaged ({why})"))
        }
        RustlsError::General(why) => TlsError::PrivateKey(why),
        other => TlsError::Unusable(other.to_string()),
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => {
            Err(TlsError::Certificate("there is no `BEGIN CERTIFICATE` in it".to_owned()))
        }
        Ok(chain) => Ok(chain),
        Err(error) => Err(TlsError::Certificate(format!("it is damaged ({error})"))),
    }
}

/// Why a text holds no key. Nothing of the text is repeated.
fn no_key(error: &PemError, pem: &[u8]) -> String {
    let has = |text: &str| pem.windows(text.len()).any(|window| window == text.as_bytes());
    if has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") {
        return "it is encrypted; `openssl pkey` takes the passphrase away".to_owned();
    }
    match error {
        PemError::NoItemsFound => "there is no `BEGIN PRIVATE KEY` in it".to_owned(),
        _ => "it is damaged".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn check(certificate: &str, key: &str, expected: &Expect) {
        let outcome = Tls::new(certificate.as_bytes(), key.as_bytes());
        let shown = outcome.map_or_else(|error| error.to_string(), |_| "good".to_owned());
        expected.assert_eq(&shown);
    }

    #[test]
    fn what_is_wrong_with_certificates_and_keys_is_told() {
        let (certificate, key) = pair();
        let (other, _) = pair();
        check(&certificate, &key, &expect!["good"]);
        check(&other, &key, &expect!["the private key is not that of the certificate"]);
        check(
            "",
            &key,
            &expect!["the certificate cannot be read: there is no `BEGIN CERTIFICATE` in it"],
        );
        check(
            &key,
            &key,
            &expect!["the certificate cannot be read: there is no `BEGIN CERTIFICATE` in it"],
        );
        check(
            &certificate,
            "",
            &expect!["the private key cannot be read: there is no `BEGIN PRIVATE KEY` in it"],
        );
        check(
            &certificate,
            &certificate,
            &expect!["the private key cannot be read: there is no `BEGIN PRIVATE KEY` in it"],
        );
        check(
            &certificate.replace("MII", "M*I"),
            &key,
            &expect![
                "the certificate cannot be read: it is damaged (base64 decode error: InvalidCharacter(42))"
            ],
        );
        check(
            &certificate,
            &key.replace("MI", "M*"),
            &expect!["the private key cannot be read: it is damaged"],
        );
        let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        check(
            &certificate,
            &encrypted,
            &expect![
                "the private key cannot be read: it is encrypted; `openssl pkey` takes the passphrase away"
            ],
        );
        let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        check(
            nonsense,
            &key,
            &expect!["the certificate cannot be read: it is damaged (BadEncoding)"],
        );
        let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        check(
            &certificate,
            nonsense,
            &expect![
                "the private key cannot be read: failed to parse private key as RSA, ECDSA, or EdDSA"
            ],
        );
    }

    #[test]
    fn one_that_is_no_good_replaces_nothing() {
        let (certificate, key) = pair();
        let tls = Tls::new(certificate.as_bytes(), key.as_bytes()).unwrap();
        let shown = |tls: &Tls| Arc::as_ptr(&tls.0.read().unwrap());
        let before = shown(&tls);
        tls.replace(b"", key.as_bytes()).unwrap_err();
        assert_eq!(shown(&tls), before);
        tls.replace(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_ne!(shown(&tls), before);
        assert!(!format!("{tls:?}").contains(&key));
    }
}
