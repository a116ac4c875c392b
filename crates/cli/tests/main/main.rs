//! The whole program, as a person or a service uses it: one test binary.

mod life;
mod support;
