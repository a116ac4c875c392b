//! Texts that do not fit: which column gives way first, and what of a text stays.

use super::text::{cell, clean, fit, width};

/// A column is not made narrower than this.
const COLUMN_MIN: usize = 6;
/// The same of one that gives way first.
const FIRST_MIN: usize = 8;
/// What stands between those who act for each other.
const FOR: &str = " for ";
/// Of each of them at least so much is shown.
const LINK_MIN: usize = 4;

/// How a column gives way where the terminal is narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Never: half an id is none, and cannot be copied.
    Never,
    /// Before all others.
    First,
    /// As the widest of the others, at its end.
    End,
    /// The same, in its middle: both ends tell.
    Middle,
    /// The same, of each who acts for another; and before all others once none has room to spare.
    Chain,
}

/// A column of a table: its head, how wide it usually is and may be, and how it gives way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(super) text: &'static str,
    pub(super) usual: usize,
    pub(super) most: usize,
    /// What it keeps as long as another column can give way.
    pub(super) least: usize,
    pub(super) cut: Cut,
}

impl Head {
    pub(crate) const fn new(text: &'static str, most: usize, cut: Cut) -> Head {
        Head { text, usual: 0, most, least: COLUMN_MIN, cut }
    }

    /// As wide as this before anything wider has come.
    pub(crate) const fn usual(self, usual: usize) -> Head {
        Head { usual, ..self }
    }

    /// Not narrower than this as long as another column can give way.
    pub(crate) const fn least(self, least: usize) -> Head {
        Head { least, ..self }
    }
}

impl From<(&'static str, usize)> for Head {
    fn from((text, most): (&'static str, usize)) -> Head {
        Head::new(text, most, Cut::End)
    }
}

/// Widths with which a row has room, as far as the columns give way.
pub(super) fn fitted<const N: usize>(
    mut widths: [usize; N],
    heads: &[Head; N],
    room: usize,
) -> [usize; N] {
    let needed = |widths: &[usize; N]| widths.iter().sum::<usize>() + 2 * N;
    let widest = |widths: &[usize; N], gives: &dyn Fn(&Head, usize) -> bool| {
        let columns = (0..N).filter(|at| heads[*at].cut != Cut::Never);
        columns.filter(|at| gives(&heads[*at], widths[*at])).max_by_key(|at| widths[*at])
    };
    while needed(&widths) > room {
        let first = widest(&widths, &|head, width| head.cut == Cut::First && width > FIRST_MIN);
        let spare = || widest(&widths, &|head, width| width > head.least);
        let chain = || widest(&widths, &|head, width| head.cut == Cut::Chain && width > COLUMN_MIN);
        let any = || widest(&widths, &|_, width| width > COLUMN_MIN);
        let Some(at) = first.or_else(spare).or_else(chain).or_else(any) else { break };
        widths[at] -= 1;
    }
    widths
}

/// Cut or filled to a width.
pub(super) fn cut_cell(text: &str, cut: Cut, width: usize) -> String {
    match cut {
        Cut::Middle => cell(&fit_middle(text, width), width),
        Cut::Chain => cell(&fit_chain(text, width), width),
        Cut::Never | Cut::First | Cut::End => cell(text, width),
    }
}

/// Cut to a width in its middle, with a mark.
fn fit_middle(text: &str, room: usize) -> String {
    let text = clean(text);
    if width(&text) <= room {
        return text;
    }
    // What comes last tells more: the name behind its type.
    let tail_room = room.saturating_sub(1) * 2 / 3;
    let begins = text.char_indices().map(|(at, _)| at);
    let tail = begins.map(|at| &text[at..]).find(|tail| width(tail) <= tail_room);
    let tail = tail.unwrap_or_default();
    format!("{}{tail}", fit(&text, room.saturating_sub(width(tail))))
}

/// What was done and to what, cut to a width: the first gives way as long as both have room.
pub(crate) fn fit_pair(did: &str, what: &str, room: usize) -> String {
    let whole = format!("{did} {what}");
    let whole = whole.trim_end();
    if width(whole) <= room || what.is_empty() {
        return fit(whole, room);
    }
    let what = fit_middle(what, room * 3 / 5);
    format!("{} {what}", fit(did, room.saturating_sub(width(&what) + 1)))
}

/// `a for b` cut to a width so that something of both stays; what is quoted is one word.
pub(crate) fn fit_chain(text: &str, room: usize) -> String {
    let text = clean(text);
    let links: Vec<&str> = text.split(FOR).collect();
    let between = FOR.len() * (links.len() - 1);
    let is_short = room < between + LINK_MIN * links.len();
    if width(&text) <= room || links.len() < 2 || is_short || text.contains('"') {
        return fit(&text, room);
    }
    let mut widths: Vec<usize> = links.iter().map(|link| width(link)).collect();
    while widths.iter().sum::<usize>() + between > room {
        let Some(widest) = widths.iter_mut().max() else { break };
        *widest -= 1;
    }
    let shown = links.iter().zip(widths).map(|(link, width)| fit(link, width));
    shown.collect::<Vec<_>>().join(FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_most_stays() {
        let bucket = "AWS::S3::Bucket/ledger-of-the-house";
        assert_eq!(fit_middle(bucket, 18), "AWS::S…f-the-house");
        assert_eq!(fit_middle("会計部/帳簿", 6), "会…簿");
        assert_eq!(fit_middle("short", 5), "short");
        assert_eq!(fit_middle("longer", 1), "…");
        assert_eq!(fit_pair("refund.create", "pay/7f31", 22), "refund.create pay/7f31");
        assert_eq!(fit_pair("refund.create", "pay/7f31", 18), "refund.c… pay/7f31");
        assert_eq!(fit_pair("limit.check", bucket, 18), "limit.… AWS…-house");
        assert_eq!(fit_pair("refund.create", "", 9), "refund.c…");
        let who = "refund-bot for alice@shop.example";
        assert_eq!(fit_chain(who, 33), who);
        assert_eq!(fit_chain(who, 20), "refund-… for alice@…");
        assert_eq!(fit_chain(who, 12), "refund-bot …", "there is no room for both");
        assert_eq!(fit_chain("\"x for alice and more\"", 12), "\"x for alic…");
        assert_eq!(fit_chain("somebody alone", 9), "somebody…");
    }

    #[test]
    fn the_widest_gives_way_each_keeps_its_least_and_an_id_is_never_cut() {
        let heads = |cuts: [Cut; 3]| cuts.map(|cut| Head::new("", 40, cut));
        let ends = heads([Cut::End; 3]);
        assert_eq!(fitted([8, 20, 12], &ends, 46), [8, 20, 12]);
        assert_eq!(fitted([8, 20, 12], &ends, 36), [8, 11, 11]);
        assert_eq!(fitted([8, 20, 12], &ends, 1), [6, 6, 6]);
        let mut heads = heads([Cut::Never, Cut::Chain, Cut::End]);
        heads[1] = heads[1].least(13);
        heads[2] = heads[2].least(14);
        assert_eq!(fitted([14, 20, 30], &heads, 54), [14, 17, 17]);
        assert_eq!(fitted([14, 20, 30], &heads, 47), [14, 13, 14]);
        assert_eq!(fitted([14, 20, 30], &heads, 43), [14, 9, 14], "who gives way first");
        assert_eq!(fitted([14, 20, 12], &heads, 1), [14, 6, 6]);
        heads[2].cut = Cut::First;
        assert_eq!(fitted([14, 20, 12], &heads, 49), [14, 20, 9]);
    }
}
