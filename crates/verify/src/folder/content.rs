//! The event list of a section: from stored fields back to event digests.
//!
//! ```text
//! per event: u32 length of what follows ‖ epoch u32 ‖ counter u64 ‖ u16 n ‖ n fields in path order
//! per field: u16 ‖ path text ‖ u8 form ‖ u32 ‖ bytes
//! form 0 text · 1 box (C ‖ box) · 2 gone (C) · 3 text with its own salt (salt ‖ text)
//! salt of form 0 = AES-256(event key, u128 rank of the field among all of the event)
//! event key      = HMAC-SHA-256(epoch key, "counterfoil/event-key/v1" ‖ 0x00 ‖ u64 counter)
//! ```
//!
//! Works in buffers that are kept from event to event: nothing is allocated per field. Sets of
//! paths that were found well-formed once are remembered, up to a limit.

use std::collections::{HashMap, HashSet};

use aes::Aes256Enc;
use aes::cipher::{Block, BlockCipherEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::reader::Reader;
use crate::digest::{Hash, Salt, commitment, event_digest, field_digest};
use crate::path;
use crate::scalar;

const EVENT_KEY_LABEL: &[u8] = b"counterfoil/event-key/v1\0";

/// The one codec of event lists.
const CODEC_ZSTD: u16 = 1;

/// Bytes that an event list may have.
const LIST_MAX: usize = 64 << 20;

/// Sets of paths remembered, and bytes in each.
const SHAPES_MAX: usize = 4096;
const SHAPE_BYTES_MAX: usize = 16 << 10;

/// The epoch keys of one log, each ready for use.
#[derive(Debug, Default)]
pub(super) struct Epochs(HashMap<u32, Hmac<Sha256>>);

/// What was found in one stored event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// `None` if two fields have one digest.
    pub(super) digest: Option<Hash>,
    /// Fields with their value.
    pub(super) shown: u64,
    /// Fields whose value is gone.
    pub(super) gone: u64,
    /// What speaks against its paths.
    pub(super) shape: Result<(), String>,
    /// Its fields, if they were asked for.
    pub(super) kept: Option<Kept>,
}

/// The fields of an event that have a value: path and text, in path order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Kept(Vec<(String, String)>);

impl Kept {
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        let field = self.0.iter().find(|(at, _)| at == path)?;
        Some(&field.1)
    }
}

/// The buffers.
#[derive(Debug, Default)]
pub(super) struct Contents {
    list: Vec<u8>,
    salts: Vec<Block<Aes256Enc>>,
    digests: Vec<Hash>,
    /// Paths of the event at hand, each with its length.
    shape: Vec<u8>,
    /// The newest value of `shape` found good: most events are shaped like the one before.
    good_shape: Vec<u8>,
    /// Values of `shape` found good.
    good_shapes: HashSet<Vec<u8>>,
}

impl Epochs {
    /// Adds the epochs that a section lists; `None` if they are cut short or one came before.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Option<()> {
        let mut rest = Reader(bytes);
        while !rest.is_empty() {
            let number = rest.u32()?;
            rest.u16()?;
            let key = Hmac::new_from_slice(rest.array::<32>()?).ok()?;
            if self.0.insert(number, key).is_some() {
                return None;
            }
        }
        Some(())
    }

    fn event_key(&self, epoch: u32, counter: u64) -> Option<[u8; 32]> {
        let mut mac = self.0.get(&epoch)?.clone();
        mac.update(EVENT_KEY_LABEL);
        mac.update(&counter.to_be_bytes());
        Some(mac.finalize().into_bytes().into())
    }
}

impl Contents {
    /// Reads an event list (codec, bytes, and how many they unpack to) and hands on what was found,
    /// event by event, or why an event cannot be read; with its fields if its number is `wanted`.
    /// An error is about the list as a whole.
    pub(super) fn read(
        &mut self,
        (codec, stored, bytes): (u16, &[u8], usize),
        epochs: &Epochs,
        origin: &str,
        wanted: &dyn Fn(usize) -> bool,
        found: &mut dyn FnMut(Result<Found, &'static str>),
    ) -> Result<(), &'static str> {
        let mut list = std::mem::take(&mut self.list);
        let outcome = unpack(codec, stored, bytes, &mut list)
            .and_then(|()| self.events(&list, epochs, origin, wanted, found));
        self.list = list;
        outcome
    }

    fn events(
        &mut self,
        list: &[u8],
        epochs: &Epochs,
        origin: &str,
        wanted: &dyn Fn(usize) -> bool,
        found: &mut dyn FnMut(Result<Found, &'static str>),
    ) -> Result<(), &'static str> {
        let (mut rest, mut number) = (Reader(list), 0);
        while !rest.is_empty() {
            let event = rest.counted().ok_or("an event is cut short")?;
            found(self.event(event, epochs, origin, wanted(number)));
            number += 1;
        }
        Ok(())
    }

    fn event(
        &mut self,
        bytes: &[u8],
        epochs: &Epochs,
        origin: &str,
        is_wanted: bool,
    ) -> Result<Found, &'static str> {
        let mut rest = Reader(bytes);
        let head = (rest.u32(), rest.u64(), rest.u16());
        let (Some(epoch), Some(counter), Some(count)) = head else { return Err("it is cut short") };
        self.make_salts(epochs.event_key(epoch, counter), count);
        self.digests.clear();
        self.shape.clear();
        let (mut shown, mut gone) = (0, 0);
        let mut kept = is_wanted.then(Kept::default);
        for rank in 0..usize::from(count) {
            let field = Field::take(&mut rest).ok_or("a field is cut short")?;
            let commitment = self.commitment(&field, rank)?;
            self.digests.push(field_digest(&commitment, field.path));
            let length = field.path.len() as u16;
            self.shape.extend_from_slice(&length.to_be_bytes());
            self.shape.extend_from_slice(field.path);
            if let Some(Kept(fields)) = &mut kept {
                fields.extend(field.texts());
            }
            *if field.form == GONE { &mut gone } else { &mut shown } += 1;
        }
        if !rest.is_empty() {
            return Err("it has more than its fields");
        }
        let digest = event_digest(origin, &mut self.digests);
        Ok(Found { digest, shown, gone, shape: self.check_shape(), kept })
    }

    /// One salt for each rank; none if the event's epoch is not known.
    fn make_salts(&mut self, key: Option<[u8; 32]>, count: u16) {
        self.salts.clear();
        let Some(key) = key else { return };
        let ranks = (0..count).map(|rank| Block::<Aes256Enc>::from(u128::from(rank).to_be_bytes()));
        self.salts.extend(ranks);
        Aes256Enc::new(&key.into()).encrypt_blocks(&mut self.salts);
    }

    fn commitment(&self, field: &Field<'_>, rank: usize) -> Result<Hash, &'static str> {
        let (salt, text): (Salt, &[u8]) = match field.form {
            TEXT => {
                let salt = self.salts.get(rank).ok_or("its epoch key is missing")?;
                ((*salt).into(), field.bytes)
            }
            OWN_SALT => {
                let (salt, text) = field.bytes.split_first_chunk().ok_or("a field is cut short")?;
                (*salt, text)
            }
            GONE => return field.bytes.try_into().map_err(|_| "a commitment is not 32 bytes"),
            _ => return Err("a field is of an unknown form"),
        };
        match scalar::is_canonical(text) {
            true => Ok(commitment(&salt, text)),
            false => Err("a value is not one canonical scalar, {} or []"),
        }
    }

    /// Row 8: paths well-formed, in order, and of one JSON value.
    fn check_shape(&mut self) -> Result<(), String> {
        if self.shape == self.good_shape {
            return Ok(());
        }
        if !self.good_shapes.contains(self.shape.as_slice()) {
            self.read_shape()?;
        }
        self.good_shape.clone_from(&self.shape);
        Ok(())
    }

    fn read_shape(&mut self) -> Result<(), String> {
        let mut rest = Reader(&self.shape);
        let mut paths = Vec::new();
        while !rest.is_empty() {
            paths.push(rest.text().ok_or("a path is not UTF-8")?);
        }
        if paths.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err("the paths are not in order".to_owned());
        }
        path::shape(paths.into_iter(), true)?;
        if self.good_shapes.len() < SHAPES_MAX && self.shape.len() <= SHAPE_BYTES_MAX {
            self.good_shapes.insert(self.shape.clone());
        }
        Ok(())
    }
}

const TEXT: u8 = 0;
const GONE: u8 = 2;
const OWN_SALT: u8 = 3;

struct Field<'a> {
    path: &'a [u8],
    form: u8,
    bytes: &'a [u8],
}

impl<'a> Field<'a> {
    fn take(rest: &mut Reader<'a>) -> Option<Field<'a>> {
        let path_bytes = usize::from(rest.u16()?);
        let path = rest.take(path_bytes)?;
        let form = rest.u8()?;
        Some(Field { path, form, bytes: rest.counted()? })
    }

    /// Path and value, of a field that has one.
    fn texts(&self) -> Option<(String, String)> {
        let value = match self.form {
            TEXT => self.bytes,
            OWN_SALT => self.bytes.get(size_of::<Salt>()..)?,
            _ => return None,
        };
        let [path, value] = [self.path, value].map(|part| String::from_utf8(part.to_vec()).ok());
        path.zip(value)
    }
}

/// Fills `list` with exactly `bytes` bytes, or fails.
fn unpack(codec: u16, stored: &[u8], bytes: usize, list: &mut Vec<u8>) -> Result<(), &'static str> {
    if bytes > LIST_MAX {
        return Err("an event list is longer than 64 MiB");
    }
    if codec != CODEC_ZSTD {
        return Err("an event list is of an unknown codec; only 1, zstd, is known");
    }
    list.resize(bytes, 0);
    let len = zstd::bulk::decompress_to_buffer(stored, list.as_mut_slice())
        .map_err(|_| "an event list does not decompress")?;
    match len == bytes {
        true => Ok(()),
        false => Err("an event list has not the length it says"),
    }
}
