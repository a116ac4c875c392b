//! Names below one folder.
//!
//! Promises: what is opened, made, renamed or removed stands below the folder. A link is not
//! followed on the way, nor at its end: whoever can write to a data folder could have the server
//! move or write what stands elsewhere, and the server may write its keys. Only the folder's own
//! path may lead over links, and a folder of keys (a mounted secret is made of them).

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::named::{irregular, regular};

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);
const OWNER_ALONE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Where names are looked up.
#[derive(Clone, Debug)]
pub(crate) struct Beneath {
    pub(crate) root: PathBuf,
    /// Whether links are followed.
    pub(crate) through_links: bool,
}

impl Beneath {
    /// Opens a regular file, and nothing else.
    pub(crate) fn open(&self, name: &str, flags: OFlags) -> io::Result<File> {
        let (folder, last) = self.parent(name)?;
        // Looked at once it is open; nobody waits for the other end of a pipe.
        let flags = flags | OFlags::NONBLOCK | OFlags::CLOEXEC | self.at_a_link();
        let file = openat(folder, last, flags, OWNER_ALONE).map_err(|error| match error {
            Errno::LOOP => irregular("a link"),
            error => error.into(),
        })?;
        regular(File::from(file))
    }

    /// The names in a folder, in no order.
    pub(crate) fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::new(self.folder(folder, OFlags::RDONLY)?)? {
            let name = entry?.file_name().to_owned();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            names.push(name.into_string().map_err(|name| {
                io::Error::new(ErrorKind::InvalidData, format!("not UTF-8: {name:?}"))
            })?);
        }
        Ok(names)
    }

    /// Makes a folder, for this user alone, and those above it.
    pub(crate) fn create_folder(&self, folder: &str) -> io::Result<()> {
        let mut at = self.root(OFlags::PATH)?;
        for step in folder.split('/').filter(|step| !step.is_empty()) {
            match mkdirat(&at, step, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            at = self.step(&at, step, OFlags::PATH)?;
        }
        Ok(())
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let ((from, old), (to, new)) = (self.parent(from)?, self.parent(to)?);
        Ok(renameat(from, old, to, new)?)
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        let (folder, last) = self.parent(name)?;
        Ok(unlinkat(folder, last, AtFlags::empty())?)
    }

    pub(crate) fn sync_folder(&self, folder: &str) -> io::Result<()> {
        File::from(self.folder(folder, OFlags::RDONLY)?).sync_all()
    }

    /// The folder that a name stands in, and what it is called there.
    fn parent<'n>(&self, name: &'n str) -> io::Result<(OwnedFd, &'n str)> {
        let (folder, last) = name.rsplit_once('/').unwrap_or(("", name));
        Ok((self.folder(folder, OFlags::PATH)?, last))
    }

    fn folder(&self, name: &str, how: OFlags) -> io::Result<OwnedFd> {
        let Some((above, last)) =
            name.rsplit_once('/').or((!name.is_empty()).then_some(("", name)))
        else {
            return self.root(how);
        };
        let mut at = self.root(OFlags::PATH)?;
        for step in above.split('/').filter(|step| !step.is_empty()) {
            at = self.step(&at, step, OFlags::PATH)?;
        }
        self.step(&at, last, how)
    }

    fn root(&self, how: OFlags) -> io::Result<OwnedFd> {
        // An empty path is the folder one stands in.
        let root = if self.root.as_os_str().is_empty() { Path::new(".") } else { &self.root };
        Ok(openat(CWD, root, FOLDER | how, Mode::empty())?)
    }

    fn step(&self, at: impl AsFd, name: &str, how: OFlags) -> io::Result<OwnedFd> {
        let opened = openat(at, name, FOLDER | how | self.at_a_link(), Mode::empty());
        opened.map_err(|error| match error {
            Errno::LOOP | Errno::NOTDIR => {
                let what = "it is no folder, or a link to one, which is not followed";
                io::Error::new(ErrorKind::NotADirectory, what)
            }
            error => error.into(),
        })
    }

    fn at_a_link(&self) -> OFlags {
        if self.through_links { OFlags::empty() } else { OFlags::NOFOLLOW }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_leads_out_of_the_folder() {
        let top = std::env::temp_dir().join(format!("counterfoil-beneath-{}", std::process::id()));
        let (root, other) = (top.join("data"), top.join("keys"));
        for folder in [&root, &other] {
            fs::create_dir_all(folder).expect("made");
        }
        fs::write(other.join("a.key"), "secret").expect("written");
        let names = Beneath { root: root.clone(), through_links: false };
        names.create_folder("logs/a").expect("made");
        drop(names.open("logs/a/birth", OFlags::RDWR | OFlags::CREATE).expect("made"));
        for (link, to) in [("logs/x", "../../keys"), ("key", "../keys/a.key"), ("gone", "nowhere")]
        {
            symlink(to, root.join(link)).expect("a link");
        }
        let is_no_folder = |refused: io::Result<()>| {
            assert_eq!(refused.expect_err("a link").kind(), ErrorKind::NotADirectory);
        };
        is_no_folder(names.list("logs/x").map(drop));
        is_no_folder(names.create_folder("logs/x"));
        is_no_folder(names.create_folder("logs/x/b"));
        is_no_folder(names.rename("logs/x/a.key", "logs/a/a.key"));
        is_no_folder(names.rename("logs/a/birth", "logs/x/birth"));
        is_no_folder(names.remove("logs/x/a.key"));
        is_no_folder(names.sync_folder("logs/x"));
        is_no_folder(names.open("logs/x/a.key", OFlags::RDONLY).map(drop));
        for (link, flags) in [("key", OFlags::RDWR), ("gone", OFlags::RDWR | OFlags::CREATE)] {
            let refused = names.open(link, flags).expect_err("a link");
            assert_eq!(refused.to_string(), "it is a link; allowed is a regular file");
        }
        assert_eq!(fs::read(other.join("a.key")).expect("there"), b"secret");
        assert_eq!(fs::read_dir(&other).expect("listed").count(), 1);

        names.rename("logs/x", "logs/a/x").expect("the link itself is moved");
        names.remove("logs/a/x").expect("and removed");
        let mut all = names.list("logs/a").expect("listed");
        all.extend(names.list("").expect("listed"));
        all.sort();
        assert_eq!(all, ["birth", "gone", "key", "logs"]);
        names.sync_folder("").expect("synced");

        let through = Beneath { through_links: true, ..names };
        drop(through.open("key", OFlags::RDONLY).expect("as a secret is mounted"));
        fs::remove_dir_all(top).expect("removed");
    }
}
