//! Bad definitions and what AWS says of them.

mod data;
mod error_handling;
mod machine;
mod maps;
mod states;
mod tasks;
