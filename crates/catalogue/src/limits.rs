//! Bounds of a catalogue.

/// Bytes of one file.
pub const FILE_BYTES_MAX: usize = 16 << 20;
/// Bytes of all files of a catalogue.
pub const ALL_BYTES_MAX: usize = 64 << 20;
/// Files of a catalogue.
pub const FILES_MAX: usize = 20_000;
/// Services of a catalogue, patterns among them.
pub const SERVICES_MAX: usize = 100_000;
/// Actions that one service declares.
pub(crate) const SERVICE_ACTIONS_MAX: usize = 1_000;
/// Actions that all services declare.
pub(crate) const ACTIONS_MAX: usize = 200_000;
/// Bytes of the name of a service, a team or an action.
pub(crate) const NAME_BYTES_MAX: usize = 256;
/// Bytes of a contact, a tier or a lifecycle.
pub(crate) const WORD_BYTES_MAX: usize = 512;
/// Containers within containers of a YAML document.
pub(crate) const YAML_DEPTH_MAX: usize = 64;
/// Values of one YAML document.
pub(crate) const YAML_NODES_MAX: usize = 100_000;
/// Keys of one map of a YAML document.
pub(crate) const YAML_KEYS_MAX: usize = 1_000;
