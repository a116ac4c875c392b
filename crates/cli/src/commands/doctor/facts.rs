//! What the doctor knows. Gathered in `gather`, judged in `judge`, so that a table of facts can
//! test every judgement.

/// Everything that was found out. `None` is what was not asked for or cannot be known.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) data: Option<Folder>,
    pub(super) keys: Option<Folder>,
    pub(super) disk: Option<Disk>,
    /// fdatasync of 4 KiB, or why it could not be measured.
    pub(super) syncs: Option<Result<Syncs, String>>,
    pub(super) logs: Option<Result<Vec<Log>, String>>,
    /// What of the small files a start would refuse, in its words.
    pub(super) refused: Option<Vec<String>>,
    /// The event that a server found wrong when it last ran, or why its file says nothing.
    pub(super) suspect: Option<Result<Suspect, Unread>>,
    pub(super) clock: Clock,
    pub(super) port: Option<Port>,
    pub(super) files: Files,
    pub(super) memory: Memory,
    /// The configuration file: its origin, or what is wrong with it.
    pub(super) config: Option<Result<Option<String>, String>>,
    pub(super) server: Option<Server>,
}

/// What a folder is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Keys,
}

/// A folder of ours, or what was named as one.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) is_there: bool,
    /// Whether it is a folder at all.
    pub(super) is_folder: bool,
    /// Whether it is empty, or has what such a folder has: nobody else's is to be mended.
    pub(super) is_ours: bool,
    pub(super) mode: u32,
    /// Whether it is this user's.
    pub(super) is_own: bool,
    /// Files in it that others than their owner may touch, with their modes; the first of them.
    pub(super) open_files: Vec<(String, u32)>,
}

impl Kind {
    /// What such a folder has from its first start on.
    pub(super) fn marks(self) -> &'static [&'static str] {
        match self {
            Kind::Data => &["folder.json", "journal", "head", "logs", "lock"],
            Kind::Keys => &["frame.key", "id.key", "lock"],
        }
    }

    /// Whether a folder with these names is one, or may become one.
    pub(super) fn has(self, names: &[String]) -> bool {
        let is_mark = |name: &String| self.marks().contains(&&**name);
        let is_key = |name: &String| self == Kind::Keys && name.ends_with(".key");
        // What a new file system has of itself.
        let is_nothing = |name: &String| name == "lost+found";
        names.iter().all(is_nothing) || names.iter().any(|name| is_mark(name) || is_key(name))
    }

    /// The first of its marks, to be told.
    pub(super) fn first(self) -> String {
        format!("a {} folder ({} …)", self.word(), self.marks()[0])
    }

    fn word(self) -> &'static str {
        match self {
            Kind::Data => "data",
            Kind::Keys => "keys",
        }
    }
}

/// The file system of the data folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) kind: Option<&'static str>,
    pub(super) volume: platform::Volume,
}

/// How long syncs took, in microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Syncs {
    pub(super) count: usize,
    pub(super) p50: u64,
    pub(super) p99: u64,
}

/// A log of the folder and its key.
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) origin: String,
    /// Whether the key signs for it, with a word about a change that is under way; else why not.
    pub(super) key: Result<Option<String>, String>,
}

/// An event that is not what was signed.
#[derive(Clone, Debug)]
pub(super) struct Suspect {
    pub(super) log: String,
    pub(super) seq: u64,
    /// The file that it was read from, and the byte.
    pub(super) place: (String, u64),
}

/// Why the file of a suspect says nothing.
#[derive(Clone, Debug)]
pub(super) enum Unread {
    /// It names no event.
    Malformed,
    /// It is there and cannot be read.
    Failed(String),
}

/// Whether something keeps the clock right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Clock {
    /// Who says so, and how far it may be off where that is known.
    Synchronised(String),
    /// Who says so.
    Not(String),
    /// Nobody here can say.
    #[default]
    Unknown,
}

/// The address to listen on.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) address: String,
    pub(super) state: PortState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortState {
    Free,
    /// A Counterfoil listens there.
    Ours,
    /// Somebody else does.
    Theirs,
    /// It cannot be listened on.
    No(String),
}

/// Open files that a process of this user may have.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    pub(super) max: Option<u64>,
}

/// Memory of the machine, or of the group that this process is in, in bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) all: Option<u64>,
    pub(super) free: Option<u64>,
}

/// The server of the context.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) url: String,
    /// Its version, or why it was not reached.
    pub(super) reached: Result<String, String>,
    /// Status and first line of `/readyz`.
    pub(super) ready: Option<(u16, String)>,
    /// Status with which the token was answered; `None` without one.
    pub(super) token: Option<u16>,
}
