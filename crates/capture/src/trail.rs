//! Where a walk over a value stands, without owning a step until somebody asks.

use event::Step;

/// The way from a root to a value, innermost step first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trail<'t> {
    /// The root itself.
    Root,
    /// The member of an object.
    Key(&'t Trail<'t>, &'t str),
    /// The element of an array.
    Index(&'t Trail<'t>, usize),
}

impl Trail<'_> {
    /// The steps, outermost first.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut trail = self;
        loop {
            trail = match trail {
                Trail::Root => break,
                Trail::Key(up, key) => {
                    steps.push(Step::Key((*key).to_owned()));
                    up
                }
                Trail::Index(up, index) => {
                    steps.push(Step::Index(*index));
                    up
                }
            };
        }
        steps.reverse();
        steps
    }
}
