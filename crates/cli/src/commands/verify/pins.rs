//! The file of `--remember`: the checkpoint of a log, or of a closed log and of those that followed
//! it, one below the other.
//!
//! ```text
//! <checkpoint of the log whose key the judge has><checkpoint of the one that follows it>…
//! ```
//!
//! That of a log to which only another one led stands behind it, so that the next judgement is led
//! there anew: the file gives no key.

use verify::Usage;
use verify::checkpoint::Checkpoint;

/// What begins a line of a signature, which stand last in a note.
const SIGNATURE: &str = "— ";
/// Checkpoints of one file.
const PINS_MAX: usize = 1_000;

/// A checkpoint that was saved, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) origin: String,
    pub(super) note: String,
}

/// The checkpoints of a file.
pub(super) fn read(text: &str) -> Result<Vec<Pin>, Usage> {
    let mut notes: Vec<String> = Vec::new();
    let mut was_signature = true;
    for line in text.split_inclusive('\n') {
        let is_signature = line.starts_with(SIGNATURE);
        match notes.last_mut().filter(|_| is_signature || !was_signature) {
            Some(note) => note.push_str(line),
            None => notes.push(line.to_owned()),
        }
        was_signature = is_signature;
    }
    if notes.is_empty() || notes.len() > PINS_MAX {
        return Err(Usage(format!("the saved checkpoint is none: {} stand there", notes.len())));
    }
    let pin = |note: String| match Checkpoint::parse(&note) {
        Ok(checkpoint) => Ok(Pin { origin: checkpoint.origin, note }),
        Err(fault) => Err(Usage(format!("the saved checkpoint is none: {fault}"))),
    };
    notes.into_iter().map(pin).collect()
}

/// The text of a file.
pub(super) fn text(pins: &[Pin]) -> String {
    pins.iter().map(|pin| pin.note.as_str()).collect()
}

/// The checkpoint of a log, by its origin or short name.
pub(super) fn of<'p>(pins: &'p [Pin], log: &str) -> Option<&'p Pin> {
    pins.iter().find(|pin| pin.origin == log || name(&pin.origin) == log)
}

/// The short name of a log.
pub(super) fn name(origin: &str) -> &str {
    origin.rsplit('/').next().unwrap_or(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(log: u32) -> String {
        let root = "A".repeat(43);
        let lines = "— a AAAAAQI=\n— b AAAAAQI=\n";
        format!("log.example/tlog/a-{log}\n{log}\n{root}=\n\n{lines}")
    }

    #[test]
    fn checkpoints_stand_one_below_the_other() {
        let file = [note(1), note(2), note(3)].concat();
        let pins = read(&file).expect("three");
        assert_eq!(
            pins.iter().map(|pin| name(&pin.origin)).collect::<Vec<_>>(),
            ["a-1", "a-2", "a-3"]
        );
        assert_eq!(of(&pins, "a-2").expect("the second").note, note(2));
        assert_eq!(text(&pins), file);
        for garbage in ["", "garbage", &*format!("{}garbage\n", note(1)), "— \n— \n"] {
            let wrong = read(garbage).expect_err("none").0;
            assert!(wrong.starts_with("the saved checkpoint is none: "), "{wrong}");
        }
    }
}
