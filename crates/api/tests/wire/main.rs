//! The server over real connections: transcripts of every operation, and hostile clients.

mod hostile;
mod server;
mod transcripts;
