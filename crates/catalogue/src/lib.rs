//! The catalogue: which team owns which service, how it is reached, what the service says it does.
//!
//! Promises: the same texts give the same catalogue and the same digest, whatever their order. A
//! text that cannot be taken as a whole is refused as a whole, with file, line and what is allowed.
//! No text makes more than its limits say: no alias is followed, depth and numbers are bounded.
//!
//! Never: knows the time, a disk or a network. Whoever calls has read the texts, and says when.
//!
//! ```text
//! owners.toml ────────┐
//!                     ├─▶ Draft, with places ─▶ Catalogue ─ digest ─ Change against another
//! catalog-info.yaml ──┘
//! ```

mod backstage;
mod change;
mod draft;
mod error;
mod limits;
mod model;
mod owners_toml;
mod yaml;

pub use change::{Change, Moved};
pub use error::CatalogueError;
pub use limits::{ALL_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX, SERVICES_MAX};
pub use model::{Catalogue, Service, Text, matching};
