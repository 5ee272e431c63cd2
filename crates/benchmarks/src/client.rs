//! A lean HTTP/1.1 client: one connection that is kept, one request at a time.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Client {
    pub(crate) async fn connect(address: &str) -> Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: vec![0; 4096], filled: 0 })
    }

    /// Sends a whole request and reads the body of its answer, which must be a success.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.exchange(request).await.map(|(_, body)| body)
    }

    /// The same with the answer's head.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(&str, &[u8])> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        loop {
            if self.filled == self.buffer.len() {
                ensure!(self.filled < ANSWER_BYTES_MAX, "the answer is too long");
                self.buffer.resize(self.filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            ensure!(read > 0, "the server closed the connection");
            self.filled += read;
            if let Some((body, end)) = answer(&self.buffer[..self.filled])? {
                ensure!(end == self.filled, "the server sent more than one answer");
                let head = std::str::from_utf8(&self.buffer[..body]).context("the head is text")?;
                return Ok((head, &self.buffer[body..end]));
            }
        }
    }

    /// Calls an operation.
    pub(crate) async fn call(&mut self, operation: &str, body: &Value) -> Result<Value> {
        let answer = self.send(&request(operation, &body.to_string())).await;
        let answer = answer.with_context(|| operation.to_owned())?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(answer)?)
    }
}

/// A request with the headers that an AWS SDK sends.
pub(crate) fn request(operation: &str, body: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\n\
         Host: 127.0.0.1:8083\r\n\
         Accept-Encoding: identity\r\n\
         X-Amz-Target: AWSStepFunctions.{operation}\r\n\
         Content-Type: application/x-amz-json-1.0\r\n\
         User-Agent: benchmark/1.0 md/like#an-sdk ua/2.1 os/linux lang/rust cfg/retry-mode#standard\r\n\
         X-Amz-Date: 20260101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/states/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
         Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n\
         Content-Length: {}\r\n\
         \r\n\
         {body}",
        body.len()
    )
    .into_bytes()
}

/// Where the body of an answer begins and ends, once all of it is there.
fn answer(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let body = head + 4;
    let text = std::str::from_utf8(&bytes[..head]).context("the head of the answer is no text")?;
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let mut length = None;
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<usize>()?);
        }
    }
    let end = body + length.context("the answer has no length")?;
    if bytes.len() < end {
        return Ok(None);
    }
    if !status.starts_with("HTTP/1.1 2") {
        bail!("{status}: {}", String::from_utf8_lossy(&bytes[body..end]));
    }
    Ok(Some((body, end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_once_they_are_whole() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        for end in 0..whole.len() {
            assert_eq!(answer(&whole[..end]).unwrap(), None);
        }
        assert_eq!(answer(whole).unwrap(), Some((whole.len() - 2, whole.len())));
        assert!(answer(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 1\r\n\r\nx").is_err());
        assert!(answer(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
