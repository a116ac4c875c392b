//! The state behind a simulated disk, and where faults strike.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::dice::Dice;
use super::disk::{Crash, Fault};
use super::names::Names;
use super::sectors::Sectors;

/// A fault that waits for its step.
pub(super) struct Planned {
    pub(super) step: String,
    pub(super) skip: u64,
    pub(super) fault: Fault,
}

pub(super) struct State {
    pub(super) names: Names,
    pub(super) files: BTreeMap<u64, Sectors>,
    next_inode: u64,
    dice: Dice,
    pub(super) bytes_max: u64,
    pub(super) life: u64,
    pub(super) dead: bool,
    pub(super) planned: Vec<Planned>,
    pub(super) steps: Vec<String>,
}

impl State {
    pub(super) fn new(seed: u64) -> State {
        State {
            names: Names::new(),
            files: BTreeMap::new(),
            next_inode: 1,
            dice: Dice::new(seed),
            bytes_max: u64::MAX,
            life: 0,
            dead: false,
            planned: Vec::new(),
            steps: Vec::new(),
        }
    }

    pub(super) fn copy(&self) -> State {
        State {
            names: self.names.clone(),
            files: self.files.clone(),
            dice: self.dice.clone(),
            planned: Vec::new(),
            steps: Vec::new(),
            ..*self
        }
    }

    /// Bytes of the files that have a name; one that is only open takes no room.
    pub(super) fn used(&self) -> u64 {
        let named: BTreeSet<u64> = self.names.inodes().collect();
        named.iter().filter_map(|inode| self.files.get(inode)).map(Sectors::len).sum()
    }

    pub(super) fn free(&self) -> u64 {
        match self.bytes_max {
            u64::MAX => u64::MAX,
            bytes_max => bytes_max.saturating_sub(self.used()),
        }
    }

    pub(super) fn crash(&mut self, how: Crash) {
        self.life += 1;
        self.dead = false;
        self.planned.clear();
        if how != Crash::Killed {
            let dice = &mut self.dice;
            let odds = |dice: &mut Dice| {
                if how == Crash::PowerLoss { dice.pick(&[0, 1, 4, 7, 8]) } else { 0 }
            };
            let kept = odds(dice);
            self.names.lose_power(|| dice.chance(kept, 8));
            for file in self.files.values_mut() {
                let kept = odds(dice);
                file.lose_power(|| dice.chance(kept, 8));
            }
        }
        let linked: BTreeSet<u64> = self.names.inodes().collect();
        self.files.retain(|inode, _| linked.contains(inode));
    }

    /// Does a step, unless a fault strikes it.
    pub(super) fn step<T>(
        &mut self,
        name: String,
        act: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let fault = self.fault(&name);
        self.steps.push(name);
        match fault {
            None => act(self),
            Some(Fault::Error) => Err(io::Error::other("the device failed")),
            Some(fault) => {
                if fault == Fault::DieAfter {
                    // What it would have answered, nobody hears.
                    let _ = act(self);
                }
                self.dead = true;
                Err(dead())
            }
        }
    }

    fn fault(&mut self, step: &str) -> Option<Fault> {
        let mut struck = None;
        self.planned.retain_mut(|planned| {
            let fits = step.starts_with(&planned.step);
            if !fits || planned.skip > 0 {
                planned.skip -= u64::from(fits);
                return true;
            }
            struck = Some(planned.fault);
            false
        });
        struck
    }

    pub(super) fn create(&mut self, path: &str) -> io::Result<u64> {
        self.names.create(path, self.next_inode)?;
        self.files.insert(self.next_inode, Sectors::default());
        self.next_inode += 1;
        Ok(self.next_inode - 1)
    }

    /// An open file.
    pub(super) fn file(&mut self, inode: u64) -> io::Result<&mut Sectors> {
        self.files.get_mut(&inode).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn write(&mut self, inode: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let free = self.free();
        let file = self.file(inode)?;
        let fits = file.len().saturating_add(free).saturating_sub(offset).min(bytes.len() as u64);
        file.write(offset, &bytes[..fits as usize]);
        if fits < bytes.len() as u64 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    pub(super) fn fail_sync(&mut self, inode: u64) {
        if let Some(file) = self.files.get_mut(&inode) {
            file.fail_sync(&mut self.dice);
        }
    }
}

pub(super) fn dead() -> io::Error {
    io::Error::other("this process is dead")
}
