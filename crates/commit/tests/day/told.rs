//! What the logs of a tenant tell of incidents.

use std::sync::Arc;

use commit::{Log, Stepped};
use event::Fields;

/// Counted over all partitions of a tenant, those that were set aside too.
#[derive(Default)]
pub struct Told {
    pub partitions: usize,
    pub starts: usize,
    /// Starts on a folder that was not closed.
    pub unclean: usize,
    pub stops: usize,
    pub jumps: usize,
    pub closes: usize,
    /// Closes by the day's order.
    pub ordered: usize,
    /// Keys that took over, and those that were told to be gone since.
    pub keys: usize,
    pub retired: usize,
    /// Logs that say why they go on for another: number of the folder that was set aside.
    pub findings: Vec<u64>,
    /// Number that the folder was set aside with, or would be next, journal file and offset.
    pub cuts: Vec<(u64, String, u64)>,
}

impl Told {
    /// What can be read, and what stood at the end of logs that were set aside without a signature.
    pub fn by(stepped: &Stepped, tenant: &str, unsigned: &[(String, u64, Fields)]) -> Told {
        let mut told = Told::default();
        let next = stepped.set_aside().len() as u64 + 1;
        for log in stepped.logs().values().filter(|log| log.meta.tenant == tenant) {
            told.partitions += 1;
            told.log(log, log.damaged().map_or(next, |damaged| damaged.aside.number));
        }
        for (_, number, fields) in unsigned.iter().filter(|(of, ..)| of == tenant) {
            told.hear(fields, *number);
        }
        told
    }

    fn log(&mut self, log: &Arc<Log>, number: u64) {
        let (keys, retired) = (self.keys, self.retired);
        for seq in 0..log.checkpoint().size {
            let (fields, _) = log.read_checked(seq).expect("every entry can be read");
            self.hear(&fields, number);
        }
        if log.damaged().is_some() {
            return;
        }
        let (name, keys) = (log.meta.name(), self.keys - keys);
        assert_eq!(log.key_periods().len(), keys + 1, "{name}: each of its keys is told");
        let left = keys - (self.retired - retired);
        assert!(left <= usize::from(log.successor().is_some()), "{name}: {left} overlaps are left");
    }

    fn hear(&mut self, fields: &Fields, number: u64) {
        let text = |path: &str| fields.string(path).unwrap_or_default();
        match text(r#"["action"]"#).as_str() {
            "server.start" => {
                let closed = fields.text(r#"["attributes","closed_in_order"]"#);
                self.starts += 1;
                self.unclean += usize::from(closed == Some("false"));
            }
            "server.stop" => self.stops += 1,
            "clock.jump" => self.jumps += 1,
            "log.close" => {
                self.closes += 1;
                self.ordered += usize::from(text(r#"["reason","text"]"#) == "the day's order");
            }
            "log.open" => {
                let finding = text(r#"["attributes","damage","number"]"#).parse::<u64>();
                // Of the start that opens it, a log says no more than this.
                self.starts += usize::from(finding.is_ok());
                self.unclean += usize::from(finding.is_ok());
                self.findings.extend(finding);
            }
            "key.rotate" => self.keys += 1,
            "key.retire" => self.retired += 1,
            "journal.cut" => {
                let offset = text(r#"["attributes","offset"]"#).parse();
                let file = text(r#"["attributes","file"]"#);
                self.cuts.push((number, file, offset.expect("an offset")));
            }
            _ => {}
        }
    }
}
