//! The names in folders: as processes see them, and as the device has them.

use std::collections::BTreeMap;
use std::io;

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File(u64),
    Folder,
}

/// A change that the device may not have yet.
#[derive(Clone)]
enum Change {
    Add(String, Node),
    Rename(String, String),
    Remove(String),
    /// From another folder, and to one: both of a number or neither.
    MoveIn(String, Node, u64),
    MoveOut(String, u64),
}

#[derive(Clone, Default)]
struct Folder {
    now: BTreeMap<String, Node>,
    device: BTreeMap<String, Node>,
    pending: Vec<Change>,
}

/// All folders by their path; the root's is empty.
#[derive(Clone)]
pub(super) struct Names {
    folders: BTreeMap<String, Folder>,
    /// Moves between folders so far.
    moves: u64,
}

impl Change {
    /// A change whose predecessor was lost has nothing to change.
    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        match self {
            Change::Add(name, node) | Change::MoveIn(name, node, _) => {
                names.insert(name.clone(), *node);
            }
            Change::Remove(name) | Change::MoveOut(name, _) => drop(names.remove(name)),
            Change::Rename(from, to) => {
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
        }
    }

    /// The number of a move between folders.
    fn number(&self) -> Option<u64> {
        match self {
            Change::MoveIn(.., number) | Change::MoveOut(_, number) => Some(*number),
            _ => None,
        }
    }
}

impl Folder {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.pending.push(change);
    }
}

impl Names {
    pub(super) fn new() -> Names {
        Names { folders: BTreeMap::from([(String::new(), Folder::default())]), moves: 0 }
    }

    pub(super) fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let folder = self.folders.get(folder).ok_or(io::ErrorKind::NotFound)?;
        Ok(folder.now.keys().cloned().collect())
    }

    pub(super) fn file(&self, path: &str) -> io::Result<u64> {
        let (folder, name) = split(path);
        match self.folders.get(folder).and_then(|f| f.now.get(name)) {
            Some(Node::File(inode)) => Ok(*inode),
            Some(Node::Folder) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// The paths of all files, with their inodes.
    pub(super) fn files(&self) -> impl Iterator<Item = (String, u64)> {
        self.folders.iter().flat_map(|(path, folder)| {
            folder.now.iter().filter_map(move |(name, node)| match node {
                Node::File(inode) => Some((join(path, name), *inode)),
                Node::Folder => None,
            })
        })
    }

    /// The files that have a name, if only on the device.
    pub(super) fn inodes(&self) -> impl Iterator<Item = u64> {
        let nodes = self.folders.values().flat_map(|f| f.now.values().chain(f.device.values()));
        nodes.filter_map(|node| match node {
            Node::File(inode) => Some(*inode),
            Node::Folder => None,
        })
    }

    /// The path of a file; one that was removed while open has none.
    pub(super) fn path_of(&self, inode: u64) -> String {
        let mut found = self.files().filter(|(_, other)| *other == inode);
        found.next().map_or_else(|| "(removed)".to_owned(), |(path, _)| path)
    }

    pub(super) fn create_folder(&mut self, path: &str) {
        if self.folders.contains_key(path) {
            return;
        }
        let (above, name) = split(path);
        self.create_folder(above);
        let above = self.folders.entry(above.to_owned()).or_default();
        above.change(Change::Add(name.to_owned(), Node::Folder));
        self.folders.insert(path.to_owned(), Folder::default());
    }

    pub(super) fn create(&mut self, path: &str, inode: u64) -> io::Result<()> {
        let (folder, name) = split(path);
        let folder = self.folders.get_mut(folder).ok_or(io::ErrorKind::NotFound)?;
        if folder.now.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        folder.change(Change::Add(name.to_owned(), Node::File(inode)));
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let inode = self.file(from)?;
        let ((folder, from), (other, to)) = (split(from), split(to));
        if folder != other {
            let number = self.moves;
            let target = self.folders.get_mut(other).ok_or(io::ErrorKind::NotFound)?;
            target.change(Change::MoveIn(to.to_owned(), Node::File(inode), number));
            let source = self.folders.get_mut(folder).ok_or(io::ErrorKind::NotFound)?;
            source.change(Change::MoveOut(from.to_owned(), number));
            self.moves += 1;
            return Ok(());
        }
        let folder = self.folders.get_mut(folder).ok_or(io::ErrorKind::NotFound)?;
        folder.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &str) -> io::Result<()> {
        self.file(path)?;
        let (folder, name) = split(path);
        let folder = self.folders.get_mut(folder).ok_or(io::ErrorKind::NotFound)?;
        folder.change(Change::Remove(name.to_owned()));
        Ok(())
    }

    pub(super) fn sync(&mut self, folder: &str) -> io::Result<()> {
        let synced = self.folders.get_mut(folder).ok_or(io::ErrorKind::NotFound)?;
        synced.device = synced.now.clone();
        let moved: Vec<u64> = synced.pending.drain(..).filter_map(|c| c.number()).collect();
        // The other half of a move goes with it.
        for folder in self.folders.values_mut() {
            let is_moved = |change: &Change| change.number().is_some_and(|n| moved.contains(&n));
            let (durable, pending) = folder.pending.drain(..).partition(is_moved);
            folder.pending = pending;
            durable.iter().for_each(|change: &Change| change.apply(&mut folder.device));
        }
        Ok(())
    }

    /// The power goes: `keep` decides for each change that was not synced. A folder whose own
    /// name is lost is lost with all that is in it.
    pub(super) fn lose_power(&mut self, mut keep: impl FnMut() -> bool) {
        let mut moves: BTreeMap<u64, bool> = BTreeMap::new();
        for folder in self.folders.values_mut() {
            for change in std::mem::take(&mut folder.pending) {
                let is_kept = match change.number() {
                    Some(number) => *moves.entry(number).or_insert_with(&mut keep),
                    None => keep(),
                };
                if is_kept {
                    change.apply(&mut folder.device);
                }
            }
            folder.now = folder.device.clone();
        }
        // Ascending: a folder is looked at after those above it.
        for path in self.folders.keys().cloned().collect::<Vec<_>>() {
            let (above, name) = split(&path);
            let named = self.folders.get(above).and_then(|f| f.now.get(name));
            if !path.is_empty() && named != Some(&Node::Folder) {
                self.folders.remove(&path);
            }
        }
    }
}

/// The folder that a path leads to, and the last name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The path of a name in a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", name) => name.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, name) => format!("{folder}/{name}"),
    }
}
