//! Where a trace comes from: the header `X-Amzn-Trace-Id` (X-Ray), and ids that are made here.

use sha2::{Digest as _, Sha256};

/// Names a trace.
pub(super) type TraceId = [u8; 16];
/// Names a span in a trace.
pub(super) type SpanId = [u8; 8];

/// What a caller says about the trace that its request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceContext {
    pub(super) trace: TraceId,
    /// The caller's span.
    pub(super) parent: Option<SpanId>,
    /// Whether the caller wants spans; none: we decide.
    pub(super) sampled: Option<bool>,
}

impl TraceContext {
    /// Reads `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`. None
    /// where there is no trace id of X-Ray's form, which is 128 bits like OpenTelemetry's.
    pub(super) fn of_header(header: &str) -> Option<TraceContext> {
        let mut context = TraceContext { trace: [0; 16], parent: None, sampled: None };
        let mut is_rooted = false;
        for (name, value) in header.split(';').filter_map(|part| part.trim().split_once('=')) {
            match name {
                "Root" => {
                    let mut parts = value.split('-');
                    let (version, seconds, rest) = (parts.next()?, parts.next()?, parts.next()?);
                    if version != "1" || seconds.len() != 8 || parts.next().is_some() {
                        return None;
                    }
                    context.trace = hexadecimal(&format!("{seconds}{rest}"))?;
                    is_rooted = context.trace != [0; 16];
                }
                "Parent" => context.parent = hexadecimal(value),
                "Sampled" => {
                    context.sampled = match value {
                        "1" => Some(true),
                        "0" => Some(false),
                        _ => None,
                    };
                }
                _ => {}
            }
        }
        is_rooted.then_some(context)
    }
}

fn hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The same id for the same thing, in every process.
pub(super) fn made_id<const N: usize>(kind: &str, execution_arn: &str, number: u64) -> [u8; N] {
    let hash = Sha256::digest(format!("{kind} {number} {execution_arn}"));
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash[..N]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_x_ray_are_read() {
        let trace = [
            0x57, 0x59, 0xe9, 0x88, 0xbd, 0x86, 0x2e, 0x3f, 0xe1, 0xbe, 0x46, 0xa9, 0x94, 0x27,
            0x27, 0x93,
        ];
        let parent = Some([0x53, 0x99, 0x5c, 0x3f, 0x42, 0xcd, 0x8a, 0xd8]);
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        for (header, expected) in [
            (root.to_owned(), Some((None, None))),
            (format!("{root};Parent=53995c3f42cd8ad8;Sampled=1"), Some((parent, Some(true)))),
            (format!("Self=x; {root}; Parent=no;Sampled=0"), Some((None, Some(false)))),
            (format!("{root};Sampled=?"), Some((None, None))),
            ("Parent=53995c3f42cd8ad8".to_owned(), None),
            ("Root=1-00000000-000000000000000000000000".to_owned(), None),
            ("Root=2-5759e988-bd862e3fe1be46a994272793".to_owned(), None),
            ("Root=1-5759e98-8bd862e3fe1be46a994272793".to_owned(), None),
            ("Root=1-5759e988-bd862e3fe1be46a9942727".to_owned(), None),
            ("Root=1-2-3".to_owned(), None),
            (String::new(), None),
        ] {
            let expected =
                expected.map(|(parent, sampled)| TraceContext { trace, parent, sampled });
            assert_eq!(TraceContext::of_header(&header), expected, "{header}");
        }
    }
}
