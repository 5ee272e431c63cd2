//! Answers that are streams of events (`application/vnd.amazon.eventstream`): frames with
//! headers, a payload, and checks over both.

use bytes::{Buf, Bytes};

use super::checksum::crc32;

/// Bytes of a frame beside its headers and payload: two lengths, two checks.
const FRAME_BYTES: usize = 16;
/// Bytes of lengths and the check over them.
const PRELUDE_BYTES: usize = 12;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamEvent {
    /// `event`, `exception` or `error`.
    pub(crate) message_type: String,
    /// What it is: `contentBlockDelta`, `throttlingException`, or a code.
    pub(crate) name: String,
    /// Of an `error`.
    pub(crate) message: Option<String>,
    pub(crate) payload: Bytes,
}

/// Reads the frames of a whole answer.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(mut body: Bytes) -> Result<Vec<StreamEvent>, String> {
    let mut events = Vec::new();
    while body.has_remaining() {
        let length = body.get(..4).map(|mut bytes| bytes.get_u32() as usize);
        let length = length.filter(|length| (FRAME_BYTES..=body.len()).contains(length));
        let length = length.ok_or("the event stream is cut off")?;
        events.push(frame(body.split_to(length))?);
    }
    Ok(events)
}

fn frame(mut bytes: Bytes) -> Result<StreamEvent, String> {
    let whole = bytes.len();
    let broken = || "a frame of the event stream is broken".to_owned();
    let is_whole = crc32(&bytes[..PRELUDE_BYTES - 4]) == be(&bytes[PRELUDE_BYTES - 4..])
        && crc32(&bytes[..whole - 4]) == be(&bytes[whole - 4..]);
    let headers_length = be(&bytes[4..]) as usize;
    if !is_whole || headers_length > whole - FRAME_BYTES {
        return Err(broken());
    }
    bytes.truncate(whole - 4);
    bytes.advance(PRELUDE_BYTES);
    let mut headers = bytes.split_to(headers_length);
    let mut event = StreamEvent {
        message_type: "event".to_owned(),
        name: String::new(),
        message: None,
        payload: bytes,
    };
    while headers.has_remaining() {
        let (name, value) = header(&mut headers).ok_or_else(broken)?;
        let Some(value) = value else { continue };
        match name.as_str() {
            ":message-type" => event.message_type = value,
            ":event-type" | ":exception-type" | ":error-code" => event.name = value,
            ":error-message" => event.message = Some(value),
            _ => {}
        }
    }
    Ok(event)
}

/// The number at the beginning of bytes that are long enough.
fn be(mut bytes: &[u8]) -> u32 {
    bytes.get_u32()
}

/// A header; its value if it is a text.
fn header(bytes: &mut Bytes) -> Option<(String, Option<String>)> {
    let length = bytes.try_get_u8().ok()? as usize;
    let name = take(bytes, length)?;
    let kind = bytes.try_get_u8().ok()?;
    // True, false; integers of 1, 2, 4 and 8 bytes; bytes; text; a moment; a UUID.
    let length = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | 7 => bytes.try_get_u16().ok()? as usize,
        9 => 16,
        _ => return None,
    };
    let value = take(bytes, length)?;
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).ok();
    let value = if kind == 7 { Some(text(value)?) } else { None };
    Some((text(name)?, value))
}

fn take(bytes: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

/// A frame with these headers, which are texts.
#[cfg(test)]
pub(crate) fn write(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for (name, value) in headers {
        packed.push(u8::try_from(name.len()).unwrap());
        packed.extend(name.bytes());
        packed.push(7);
        packed.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        packed.extend(value.bytes());
    }
    let length = u32::try_from(FRAME_BYTES + packed.len() + payload.len()).unwrap();
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
    frame.extend(crc32(&frame).to_be_bytes());
    frame.extend(packed);
    frame.extend(payload);
    frame.extend(crc32(&frame).to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_and_broken_ones_refused() {
        let mut bytes = write(&[(":message-type", "event"), (":event-type", "a")], b"{}");
        bytes.extend(write(&[(":message-type", "error"), (":error-code", "c")], b""));
        let events = parse(Bytes::from(bytes.clone())).unwrap();
        assert_eq!(events.len(), 2);
        assert_eq!((events[0].name.as_str(), &events[0].payload[..]), ("a", &b"{}"[..]));
        assert_eq!((events[1].message_type.as_str(), events[1].name.as_str()), ("error", "c"));
        assert_eq!(parse(Bytes::new()), Ok(Vec::new()));
        for length in 1..bytes.len() {
            let is_frame = length == bytes.len() - events_length(&bytes);
            assert_eq!(parse(Bytes::copy_from_slice(&bytes[..length])).is_ok(), is_frame);
        }
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert!(parse(Bytes::from(wrong)).is_err(), "{at}");
        }
    }

    /// The length of the second of two frames.
    fn events_length(bytes: &[u8]) -> usize {
        bytes.len() - be(bytes) as usize
    }
}
