//! Finding, over a whole store.

mod completeness;
mod disk;
mod following;
mod forged;
mod house;
mod ids;
mod language;
mod pages;
mod partitions;
mod resuming;
mod same_as_naive;
mod sessions;
mod traces;
