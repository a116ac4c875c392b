//! Causal order: whose span another event's span is inside of, which event links to which, else
//! time.
//!
//! Several events may be of one span. The one that says how long it took, the longest of them,
//! stands for the span, else the earliest; the others happened inside it. What senders say may run
//! in circles: the earliest event of a circle then begins it.

use std::collections::HashMap;

use super::facts::Facts;

/// The order of a trace's events. Places are those in the list of facts, which is by time.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Each event's cause.
    pub(crate) parents: Vec<Option<usize>>,
    /// Whether that cause is the span around it.
    pub(crate) by_span: Vec<bool>,
    pub(crate) depths: Vec<usize>,
    /// Causes before effects.
    pub(crate) order: Vec<usize>,
    /// Events that name a parent span which no event is of.
    pub(crate) orphans: Vec<(usize, String)>,
}

impl Tree {
    pub(crate) fn grow(facts: &[Facts]) -> Tree {
        let mut tree = Tree {
            parents: vec![None; facts.len()],
            by_span: vec![false; facts.len()],
            depths: vec![0; facts.len()],
            ..Tree::default()
        };
        tree.find_parents(facts);
        tree.put_in_order();
        tree
    }

    /// Where each event stands in `order`.
    pub(crate) fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(place, at)| places[*at] = place);
        places
    }

    fn find_parents(&mut self, facts: &[Facts]) {
        let mut heads: HashMap<&str, usize> = HashMap::new();
        let mut around: HashMap<&str, &str> = HashMap::new();
        let mut ids: HashMap<&str, usize> = HashMap::new();
        for (at, event) in facts.iter().enumerate() {
            ids.entry(&event.id).or_insert(at);
            let Some(span) = event.span.as_deref() else { continue };
            let head = heads.entry(span).or_insert(at);
            if event.duration_ns > facts[*head].duration_ns {
                *head = at;
            }
            if let Some(parent) = event.parent_span.as_deref() {
                around.entry(span).or_insert(parent);
            }
        }
        for (at, event) in facts.iter().enumerate() {
            let span = event.span.as_deref();
            let head = span.and_then(|span| heads.get(span)).filter(|head| **head != at);
            let stated = event.parent_span.as_deref();
            let parent = stated.or_else(|| around.get(span?).copied()).filter(|p| span != Some(p));
            let outer = parent.and_then(|parent| heads.get(parent)).filter(|outer| **outer != at);
            if let Some(cause) = head.or(outer) {
                (self.parents[at], self.by_span[at]) = (Some(*cause), true);
                continue;
            }
            if let Some(parent) = parent {
                self.orphans.push((at, parent.to_owned()));
            }
            let mut links = event.links.iter().filter_map(|id| ids.get(id.as_str()));
            self.parents[at] = links.find(|cause| **cause != at).copied();
        }
    }

    fn put_in_order(&mut self) {
        let count = self.parents.len();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (at, parent) in self.parents.iter().enumerate() {
            if let Some(parent) = parent {
                children[*parent].push(at);
            }
        }
        let mut seen = vec![false; count];
        let roots: Vec<usize> = (0..count).filter(|at| self.parents[*at].is_none()).collect();
        // Behind the roots everything once more: what is not seen by then runs in a circle.
        for root in roots.into_iter().chain(0..count) {
            if seen[root] {
                continue;
            }
            (self.parents[root], self.depths[root], seen[root]) = (None, 0, true);
            let mut stack = vec![root];
            while let Some(at) = stack.pop() {
                self.order.push(at);
                for child in children[at].iter().rev() {
                    if !seen[*child] {
                        (self.depths[*child], seen[*child]) = (self.depths[at] + 1, true);
                        stack.push(*child);
                    }
                }
            }
        }
    }
}
