//! The rules a definition must keep beyond its syntax.
