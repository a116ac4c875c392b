//! What a file holds: on the device, and in the cache above it.
//!
//! Sectors that are zero on the device and not in the cache are not kept, so that a file made of
//! zeros costs nothing.

use std::collections::BTreeMap;
use std::ops::Range;

use super::dice::Dice;

/// Bytes that are written as a whole or not at all.
const SECTOR: usize = 512;
const ZEROS: [u8; SECTOR] = [0; SECTOR];

#[derive(Clone)]
struct Sector {
    device: [u8; SECTOR],
    cache: Option<Cached>,
}

#[derive(Clone)]
struct Cached {
    bytes: [u8; SECTOR],
    /// A sync failed: the cache holds this to be on the device, where it is not.
    lies: bool,
}

/// The content of one file.
#[derive(Clone, Default)]
pub(super) struct Sectors {
    sectors: BTreeMap<u64, Sector>,
    len: u64,
    device_len: u64,
}

impl Sector {
    fn seen(&self, past_cache: bool) -> &[u8; SECTOR] {
        match &self.cache {
            Some(cached) if !(past_cache && cached.lies) => &cached.bytes,
            _ => &self.device,
        }
    }
}

impl Sectors {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `out`, which lies inside the file.
    pub(super) fn read(&self, offset: u64, out: &mut [u8], past_cache: bool) {
        out.fill(0);
        let end = offset + out.len() as u64;
        let touched = offset / SECTOR as u64..end.div_ceil(SECTOR as u64);
        for (number, sector) in self.sectors.range(touched) {
            let (inside, outside) = overlap(*number, offset, end);
            out[outside].copy_from_slice(&sector.seen(past_cache)[inside]);
        }
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        self.len = self.len.max(end);
        for number in offset / SECTOR as u64..end.div_ceil(SECTOR as u64) {
            let (inside, outside) = overlap(number, offset, end);
            let bytes = &bytes[outside];
            match self.sectors.get_mut(&number) {
                None if bytes == &ZEROS[inside.clone()] => {}
                Some(same) if same.cache.is_none() && &same.device[inside.clone()] == bytes => {}
                _ => {
                    let new = Sector { device: ZEROS, cache: None };
                    let sector = self.sectors.entry(number).or_insert(new);
                    let mut cached = *sector.seen(false);
                    cached[inside].copy_from_slice(bytes);
                    sector.cache = Some(Cached { bytes: cached, lies: false });
                }
            }
        }
    }

    pub(super) fn sync(&mut self) {
        self.settle(|cached| if cached.lies { Fate::Stays } else { Fate::Reaches });
        self.device_len = self.len;
    }

    /// A sync that fails: some sectors reach the device, the others lie from here on.
    pub(super) fn fail_sync(&mut self, dice: &mut Dice) {
        let reach = dice.pick(&[0, 4, 8]);
        self.settle(|cached| {
            if !cached.lies && dice.chance(reach, 8) {
                return Fate::Reaches;
            }
            cached.lies = true;
            Fate::Stays
        });
    }

    /// The power goes: `keep` decides for what was not synced.
    pub(super) fn lose_power(&mut self, mut keep: impl FnMut() -> bool) {
        self.settle(|cached| if !cached.lies && keep() { Fate::Reaches } else { Fate::Lost });
        if !keep() {
            self.len = self.device_len;
        }
        self.device_len = self.len;
        self.sectors.split_off(&self.len.div_ceil(SECTOR as u64));
    }

    /// Flips bits of one byte on the device; nothing stands in the cache for it.
    pub(super) fn rot(&mut self, offset: u64, flip: u8) {
        let new = Sector { device: ZEROS, cache: None };
        let sector = self.sectors.entry(offset / SECTOR as u64).or_insert(new);
        sector.device[offset as usize % SECTOR] ^= flip;
        sector.cache = None;
    }

    fn settle(&mut self, mut fate: impl FnMut(&mut Cached) -> Fate) {
        self.sectors.retain(|_, sector| {
            let Some(cached) = &mut sector.cache else { return true };
            match fate(cached) {
                Fate::Stays => return true,
                Fate::Reaches => sector.device = cached.bytes,
                Fate::Lost => {}
            }
            sector.cache = None;
            sector.device != ZEROS
        });
    }
}

/// What becomes of a sector in the cache.
enum Fate {
    Stays,
    Reaches,
    Lost,
}

/// The part of sector `number` that lies in `offset..end`, within the sector and from `offset`.
fn overlap(number: u64, offset: u64, end: u64) -> (Range<usize>, Range<usize>) {
    let start = number * SECTOR as u64;
    let (from, to) = (start.max(offset), (start + SECTOR as u64).min(end));
    (
        (from - start) as usize..(to - start) as usize,
        (from - offset) as usize..(to - offset) as usize,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &Sectors, past_cache: bool) -> Vec<u8> {
        let mut out = vec![9; file.len() as usize];
        file.read(0, &mut out, past_cache);
        out
    }

    #[test]
    fn a_failed_sync_lies_until_the_sector_is_written_again() {
        let mut file = Sectors::default();
        file.write(0, &[1; 1024]);
        file.sync();
        file.write(500, &[2; 24]);
        // This seed lets nothing reach the device.
        let mut dice = (0..).map(Dice::new).find(|d| d.clone().pick(&[0, 4, 8]) == 0).unwrap();
        file.fail_sync(&mut dice);
        file.sync();
        assert_eq!((read(&file, false)[510], read(&file, true)[510]), (2, 1));
        file.write(500, &[3]);
        file.sync();
        assert_eq!(
            read(&file, true)[498..526],
            [[1; 2].as_slice(), &[3], &[2; 11], &[1; 14]].concat()
        );
        file.lose_power(|| true);
        assert_eq!(read(&file, false), read(&file, true));
    }

    #[test]
    fn the_power_takes_what_was_not_synced() {
        let mut file = Sectors::default();
        file.write(0, &[1; 600]);
        file.sync();
        file.write(512, &[2; 600]);
        let mut kept = file.clone();
        file.lose_power(|| false);
        assert_eq!(read(&file, false), vec![1; 600]);
        kept.lose_power(|| true);
        assert_eq!(read(&kept, true), [vec![1; 512], vec![2; 600]].concat());
    }

    #[test]
    fn zeros_cost_nothing() {
        let mut file = Sectors::default();
        file.write(0, &vec![0; 1 << 20]);
        file.write(4096, &[7]);
        file.sync();
        assert_eq!((file.sectors.len(), file.len()), (1, 1 << 20));
        file.write(4096, &[0]);
        file.sync();
        assert_eq!(file.sectors.len(), 0);
    }
}
