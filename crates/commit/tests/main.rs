//! The commit path as a whole, in a simulated world.
//!
//! `simulation` runs seeds: `COUNTERFOIL_SEEDS=N` says how many, `COUNTERFOIL_SEED=S` from which.
//! What must hold is judged by `witness`, which trusts receipts alone, and by the crate `verify`,
//! which trusts bytes alone.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, and says where")]

mod aside;
mod crashes;
mod damage;
mod day;
mod faults;
mod forged;
mod ids;
mod keys;
mod lock;
mod marks;
mod ping;
mod put_back;
mod refusals;
mod rotation;
mod roundtrip;
mod runs;
mod simulation;
mod strangers;
mod suspect;
mod tamper;
mod witness;
mod world;
