//! The verifier from outside: one binary for all its integration tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod folder;
mod keys;
mod live;
mod succession;
mod support;
mod tree;
mod vectors;
mod verdicts;
