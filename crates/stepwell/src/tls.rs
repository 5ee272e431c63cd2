//! `[tls]`: the certificate that the server shows. It comes from files, which are read again when
//! they change, or is made here for development, by an authority kept in the data directory.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::Tls;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::DataPlace;
use crate::failure::Failure;

/// The folder of the authority, in the data directory.
const FOLDER: &str = "tls";
const AUTHORITY: &str = "ca.pem";
const AUTHORITY_KEY: &str = "ca-key.pem";
/// How often files are looked at, and how often a certificate made here is made anew.
const LOOK: Duration = Duration::from_secs(5);
const RENEW: Duration = Duration::from_secs(24 * 60 * 60);
/// Days for which an authority and its certificates are good. Some clients refuse certificates
/// that are good for longer than 825 days.
const AUTHORITY_DAYS: i64 = 3650;
const CERTIFICATE_DAYS: i64 = 90;

/// `[tls]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsTable {
    certificate: Option<PathBuf>,
    private_key: Option<PathBuf>,
    #[serde(default)]
    self_signed: bool,
    #[serde(default)]
    names: Vec<String>,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsSettings {
    /// No TLS.
    Off,
    Files {
        certificate: PathBuf,
        private_key: PathBuf,
    },
    /// With these names beside those of this machine.
    SelfSigned {
        names: Vec<String>,
    },
}

impl TlsTable {
    /// Files are relative to `folder`.
    pub(crate) fn settle(self, folder: &Path) -> Result<TlsSettings, String> {
        let TlsTable { certificate, private_key, self_signed, names } = self;
        match (certificate, private_key, self_signed) {
            (None, None, true) => Ok(TlsSettings::SelfSigned { names }),
            _ if !names.is_empty() => {
                Err("names go with self_signed; others are in the certificate".to_owned())
            }
            (None, None, false) => Ok(TlsSettings::Off),
            (Some(certificate), Some(private_key), false) => Ok(TlsSettings::Files {
                certificate: folder.join(certificate),
                private_key: folder.join(private_key),
            }),
            (_, _, true) => {
                Err("self_signed makes certificate and private_key, none may be given".to_owned())
            }
            _ => Err("certificate and private_key go together".to_owned()),
        }
    }
}

impl TlsSettings {
    pub(crate) fn is_on(&self) -> bool {
        *self != TlsSettings::Off
    }
}

/// The server's certificate, and what vouches for it where that was made here.
pub(crate) struct Certificate {
    pub(crate) tls: Arc<Tls>,
    pub(crate) authority: Option<PathBuf>,
    source: Source,
}

/// How it is made again.
enum Source {
    Files { certificate: PathBuf, private_key: PathBuf },
    Authority { authority: Box<Authority>, names: Vec<String> },
}

impl Certificate {
    /// Reads or makes it; none where there is no TLS. `address` is where the server listens.
    pub(crate) fn open(
        settings: &TlsSettings,
        data: &DataPlace,
        address: IpAddr,
    ) -> Result<Option<Certificate>, Failure> {
        match settings {
            TlsSettings::Off | TlsSettings::Files { .. } => Certificate::of_files(settings),
            TlsSettings::SelfSigned { names } => {
                let DataPlace::Folder(data) = data else {
                    return Err(Failure::usage(
                        "tls: self_signed keeps its authority in the data directory, and there \
                         is none",
                    )
                    .hint("name one with --data, or give certificate and private_key"));
                };
                let folder = data.join(FOLDER);
                let authority = Authority::open(&folder).map_err(Failure::unsuccessful)?;
                let (authority, names) = (Box::new(authority), names_of(address, names));
                let source = Source::Authority { authority, names };
                let path = folder.join(AUTHORITY);
                let path = fs::canonicalize(&path).unwrap_or(path);
                Certificate::of(source, Some(path)).map(Some)
            }
        }
    }

    /// Reads it; none where it does not come from files.
    pub(crate) fn of_files(settings: &TlsSettings) -> Result<Option<Certificate>, Failure> {
        let TlsSettings::Files { certificate, private_key } = settings else { return Ok(None) };
        let (certificate, private_key) = (certificate.clone(), private_key.clone());
        Certificate::of(Source::Files { certificate, private_key }, None).map(Some)
    }

    fn of(source: Source, authority: Option<PathBuf>) -> Result<Certificate, Failure> {
        let failed = |problem: String| Failure::usage(format!("tls: {problem}"));
        let (certificate, private_key) = source.read().map_err(failed)?;
        let tls = Tls::new(&certificate, &private_key)
            .map_err(|error| failed(format!("{}{error}", source.place())))?;
        Ok(Certificate { tls: Arc::new(tls), authority, source })
    }

    /// Shows another certificate as soon as there is one, for as long as this is polled.
    pub(crate) async fn keep(self) {
        let mut hang_up = match signal(SignalKind::hangup()) {
            Ok(hang_up) => hang_up,
            Err(error) => return tracing::error!(%error, "cannot listen to SIGHUP"),
        };
        let mut seen = self.source.state();
        loop {
            let is_asked = tokio::select! {
                Some(()) = hang_up.recv() => true,
                () = tokio::time::sleep(self.source.pause()) => false,
            };
            let state = self.source.state();
            if is_asked || state != seen || state.is_none() {
                seen = state;
                self.renew();
            }
        }
    }

    fn renew(&self) {
        let read = self.source.read();
        let replaced = read.and_then(|(certificate, private_key)| {
            self.tls.replace(&certificate, &private_key).map_err(|error| error.to_string())
        });
        match replaced {
            Ok(()) => tracing::info!("the TLS certificate was read again"),
            Err(problem) => tracing::error!(problem, "the TLS certificate stays as it was"),
        }
    }
}

/// What tells a file from what it was before.
type FileState = (u64, u64, i64, i64);

impl Source {
    /// The certificate and its key, as PEM.
    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        match self {
            Source::Files { certificate, private_key } => {
                let read = |path: &Path| {
                    fs::read(path)
                        .map_err(|error| format!("cannot read {}: {error}", path.display()))
                };
                Ok((read(certificate)?, read(private_key)?))
            }
            Source::Authority { authority, names } => authority.issue(names),
        }
    }

    /// What is read, for messages.
    fn place(&self) -> String {
        match self {
            Source::Files { certificate, private_key } => {
                format!("{} and {}: ", certificate.display(), private_key.display())
            }
            Source::Authority { .. } => String::new(),
        }
    }

    /// None where nothing can be seen of a change.
    fn state(&self) -> Option<[Option<FileState>; 2]> {
        let Source::Files { certificate, private_key } = self else { return None };
        let state = |path: &Path| {
            let data = fs::metadata(path).ok()?;
            Some((data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
        };
        Some([state(certificate), state(private_key)])
    }

    fn pause(&self) -> Duration {
        match self {
            Source::Files { .. } => LOOK,
            Source::Authority { .. } => RENEW,
        }
    }
}

/// The names of a certificate made here: this machine from itself, the address that is listened
/// on, and others. AWS's SDKs put `sync-` before the host of StartSyncExecution.
fn names_of(address: IpAddr, others: &[String]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !address.is_unspecified() {
        names.push(address.to_string());
    }
    names.extend(others.iter().cloned());
    let is_name = |name: &&String| name.parse::<IpAddr>().is_err() && !name.starts_with('*');
    let with_prefix: Vec<String> =
        names.iter().filter(is_name).map(|name| format!("sync-{name}")).collect();
    names.extend(with_prefix);
    names.sort();
    names.dedup();
    names
}

/// What vouches for the certificates made here.
struct Authority(KeyPair);

impl Authority {
    /// The authority of a folder, which is made if there is none yet.
    fn open(folder: &Path) -> Result<Authority, String> {
        let (path, key_path) = (folder.join(AUTHORITY), folder.join(AUTHORITY_KEY));
        let cannot = |what: &str, path: &Path, error: &dyn std::fmt::Display| {
            format!("tls: cannot {what} {}: {error}", path.display())
        };
        fs::create_dir_all(folder).map_err(|error| cannot("make", folder, &error))?;
        let key = match fs::read_to_string(&key_path) {
            Ok(text) => {
                KeyPair::from_pem(&text).map_err(|error| cannot("use", &key_path, &error))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = KeyPair::generate()
                    .map_err(|error| format!("tls: cannot make a key: {error}"))?;
                write(&key_path, &key.serialize_pem())
                    .map_err(|error| cannot("write", &key_path, &error))?;
                // One of another key would vouch for nothing.
                let _ = fs::remove_file(&path);
                key
            }
            Err(error) => return Err(cannot("read", &key_path, &error)),
        };
        let authority = Authority(key);
        if !path.exists() {
            let certificate = authority
                .parameters()
                .self_signed(&authority.0)
                .map_err(|error| cannot("make", &path, &error))?;
            write(&path, &certificate.pem()).map_err(|error| cannot("write", &path, &error))?;
        }
        Ok(authority)
    }

    /// The same for the same key: what it signs is signed by what clients know.
    fn parameters(&self) -> CertificateParams {
        let mut parameters = CertificateParams::default();
        // Every authority has a name of its own, or clients that know two would mix them up.
        let key = self.0.public_key_raw();
        let number: String = key.iter().rev().take(4).map(|byte| format!("{byte:02x}")).collect();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        let name = format!("Stepwell development authority {number}");
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_dates(&mut parameters, AUTHORITY_DAYS);
        parameters
    }

    /// A new certificate for these names, and its key, as PEM.
    fn issue(&self, names: &[String]) -> Result<(Vec<u8>, Vec<u8>), String> {
        let issue = || -> Result<(Vec<u8>, Vec<u8>), rcgen::Error> {
            let key = KeyPair::generate()?;
            let mut parameters = CertificateParams::new(names.to_vec())?;
            parameters.distinguished_name = rcgen::DistinguishedName::new();
            parameters.distinguished_name.push(DnType::CommonName, "Stepwell");
            parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            parameters.use_authority_key_identifier_extension = true;
            set_dates(&mut parameters, CERTIFICATE_DAYS);
            let of_authority = self.parameters();
            let issuer = Issuer::from_params(&of_authority, &self.0);
            let certificate = parameters.signed_by(&key, &issuer)?;
            Ok((certificate.pem().into_bytes(), key.serialize_pem().into_bytes()))
        };
        issue()
            .map_err(|error| format!("cannot make a certificate for {}: {error}", names.join(", ")))
    }
}

/// Writes a file that nobody else may read, whole or not at all.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)
}

/// Makes it good from yesterday on, as clocks differ, for so many days.
fn set_dates(parameters: &mut CertificateParams, days: i64) {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let moment = |days: i64| {
        let date = today.saturating_add(jiff::Span::new().days(days));
        let number = |part: i8| u8::try_from(part).unwrap_or(1);
        date_time_ymd(i32::from(date.year()), number(date.month()), number(date.day()))
    };
    parameters.not_before = moment(-1);
    parameters.not_after = moment(days);
}
