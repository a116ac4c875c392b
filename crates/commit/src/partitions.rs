//! Which log follows which: a tenant's partitions, as their `log.json` names them.

use std::collections::BTreeMap;

use crate::open::OpenError;
use crate::rising::Rising;

/// The origins, each behind that of the log it follows. An error if a log follows one that is not
/// there, is another tenant's, or is followed by another log already.
pub(crate) fn in_order(rising: &BTreeMap<String, Rising>) -> Result<Vec<String>, OpenError> {
    let mut next: BTreeMap<&str, &str> = BTreeMap::new();
    let mut order: Vec<String> = Vec::with_capacity(rising.len());
    for (origin, log) in rising {
        let Some(before) = &log.meta.follows else {
            order.push(origin.clone());
            continue;
        };
        // That one was set aside, or taken away since.
        if log.meta.damage.is_some() {
            order.push(origin.clone());
            continue;
        }
        let file = format!("logs/{}/log.json", log.meta.name());
        let wrong = |what: &str| Err(OpenError::damaged(&file, what));
        match rising.get(before) {
            None => return wrong("the log that it follows is missing"),
            Some(other) if other.meta.tenant != log.meta.tenant => {
                return wrong("the log that it follows is another tenant's");
            }
            Some(_) => {}
        }
        if next.insert(before, origin).is_some() {
            return wrong("another log follows the same one");
        }
    }
    let mut at = 0;
    while let Some(origin) = order.get(at) {
        if let Some(after) = next.remove(origin.as_str()) {
            order.push((*after).to_owned());
        }
        at += 1;
    }
    // What is left goes round in a circle.
    match next.into_values().next() {
        None => Ok(order),
        Some(origin) => {
            let name = origin.rsplit('/').next().unwrap_or(origin);
            let file = format!("logs/{name}/log.json");
            Err(OpenError::damaged(&file, "the logs that it follows lead back to it"))
        }
    }
}
