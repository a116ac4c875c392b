//! Who comes into the next frame: deficit round robin in bytes over logs (Shreedhar, Varghese
//! 1995), so that one loud tenant cannot keep the others waiting.

use std::collections::{BTreeMap, VecDeque};

/// Bytes a log may add to a frame in each turn.
const QUANTUM_BYTES: usize = 256 << 10;

/// What waits, by log.
pub(crate) struct Fair<T> {
    queues: BTreeMap<String, Waiting<T>>,
    /// Logs with something waiting, next first.
    turns: VecDeque<String>,
    count: usize,
}

struct Waiting<T> {
    items: VecDeque<(usize, T)>,
    credit_bytes: usize,
}

impl<T> Default for Fair<T> {
    fn default() -> Self {
        Fair { queues: BTreeMap::new(), turns: VecDeque::new(), count: 0 }
    }
}

impl<T> Fair<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn push(&mut self, log: &str, bytes: usize, item: T) {
        self.count += 1;
        if let Some(waiting) = self.queues.get_mut(log) {
            waiting.items.push_back((bytes, item));
            return;
        }
        let items = VecDeque::from([(bytes, item)]);
        self.queues.insert(log.to_owned(), Waiting { items, credit_bytes: 0 });
        self.turns.push_back(log.to_owned());
    }

    /// Takes all that waits for one log.
    pub(crate) fn remove(&mut self, log: &str) -> Vec<T> {
        let Some(waiting) = self.queues.remove(log) else { return Vec::new() };
        self.turns.retain(|turn| turn != log);
        self.count -= waiting.items.len();
        waiting.items.into_iter().map(|(_, item)| item).collect()
    }

    /// Takes what goes into one frame of at most `bytes_max`, but at least one item.
    pub(crate) fn take(&mut self, bytes_max: usize) -> Vec<T> {
        let (mut taken, mut room) = (Vec::new(), bytes_max);
        while let Some(log) = self.turns.pop_front() {
            let Some(waiting) = self.queues.get_mut(&log) else { continue };
            waiting.credit_bytes += QUANTUM_BYTES;
            let mut full = false;
            while let Some((bytes, _)) = waiting.items.front() {
                let bytes = *bytes;
                full = bytes > room && !taken.is_empty();
                if full || (bytes > waiting.credit_bytes && !taken.is_empty()) {
                    break;
                }
                waiting.credit_bytes = waiting.credit_bytes.saturating_sub(bytes);
                room = room.saturating_sub(bytes);
                taken.extend(waiting.items.pop_front().map(|(_, item)| item));
                self.count -= 1;
            }
            if waiting.items.is_empty() {
                self.queues.remove(&log);
            } else if full {
                // It has waited longest: it is first in the next frame.
                self.turns.push_front(log);
                break;
            } else {
                self.turns.push_back(log);
            }
            if room == 0 {
                break;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loud_log_does_not_keep_a_quiet_one_waiting() {
        let mut fair = Fair::default();
        for n in 0..100 {
            fair.push("loud", 300 << 10, ("loud", n));
        }
        fair.push("quiet", 1 << 10, ("quiet", 0));
        let frame = fair.take(4 << 20);
        assert!(frame.contains(&("quiet", 0)), "{frame:?}");
        assert!(frame.len() >= 12, "a frame is filled: {}", frame.len());
        let order: Vec<i32> = frame.iter().filter(|f| f.0 == "loud").map(|f| f.1).collect();
        assert!(order.is_sorted());
    }

    #[test]
    fn everything_comes_out_once() {
        let mut fair = Fair::default();
        for n in 0..50_usize {
            fair.push(["a", "b", "c"][n % 3], n * 50_000, n);
        }
        let mut seen = Vec::new();
        while !fair.is_empty() {
            let frame = fair.take(1 << 20);
            assert!(!frame.is_empty());
            seen.extend(frame);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..50).collect::<Vec<_>>());
    }
}
