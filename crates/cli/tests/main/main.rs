//! The whole program, as a person or a service uses it: one test binary.

mod access;
mod config;
mod contract;
mod corpora;
mod doctor;
mod explain;
mod fake;
mod http;
mod life;
mod metrics;
mod owners;
mod packaged;
mod pages;
mod pressure;
mod quota;
mod room;
mod session;
mod status;
mod stop;
mod supervised;
mod support;
mod tail;
mod tour;
mod upgrade;
mod wary;
mod wire;
