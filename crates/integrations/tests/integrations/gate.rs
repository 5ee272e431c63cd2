//! A place where a function reports and waits until a test lets it go on. A function connects,
//! sends a line, and reads until a byte or the end comes.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Where functions connect.
pub(crate) struct Gate(TcpListener);

/// A function that waits.
pub(crate) struct Visitor {
    stream: BufReader<TcpStream>,
    /// What it said: by convention its process's number.
    pub(crate) line: String,
}

impl Gate {
    pub(crate) async fn open() -> Gate {
        Gate(TcpListener::bind(("127.0.0.1", 0)).await.unwrap())
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    pub(crate) async fn visitor(&self) -> Visitor {
        let (stream, _) = self.0.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        Visitor { stream, line: line.trim_end().to_owned() }
    }
}

impl Visitor {
    pub(crate) async fn let_go(&mut self) {
        self.stream.write_all(b"x").await.unwrap();
    }

    /// Returns when the function's end of the connection is closed: with the process.
    pub(crate) async fn gone(mut self) {
        let mut rest = Vec::new();
        // A reset tells the same.
        let _ = self.stream.read_to_end(&mut rest).await;
    }
}
