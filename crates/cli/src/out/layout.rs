//! Lines that fit the terminal. What is piped is never cut or broken for a width.

use std::os::fd::AsFd;

use terminal_size::{Width, terminal_size_of};

use super::cut::{Cut, Head, cut_cell, fitted};
use super::text::{clean, width};
use super::{Ink, ink, line, note};

/// Columns that a label takes with the blanks around it.
const LABEL: usize = 14;

/// A text in a table, and its colour.
pub(crate) struct Cell(pub(crate) String, pub(crate) Ink);

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell(text, Ink::Plain)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell(text.to_owned(), Ink::Plain)
    }
}

/// How wide a line may be: as the terminal is, or any width where there is none.
pub(crate) fn columns(out: &impl AsFd) -> usize {
    terminal_size_of(out).map_or(usize::MAX, |(Width(columns), _)| usize::from(columns))
}

/// Prints a fact beside its label, its further lines below its first.
pub(crate) fn fact(label: &str, text: &str) {
    let room = columns(&std::io::stdout()).saturating_sub(LABEL);
    for (at, part) in wrap(text, room).iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        line(&format!("  {label:<width$}{part}", width = LABEL - 2));
    }
}

/// Prints parts of one line with dots between them; what does not fit goes to the next line.
pub(crate) fn parts(colour: Ink, parts: &[String]) {
    for text in dotted(parts, columns(&std::io::stdout())) {
        line(&ink(colour, &text));
    }
}

/// The same as a remark.
pub(crate) fn note_parts(parts: &[String]) {
    dotted(parts, columns(&std::io::stderr())).iter().for_each(|text| note(text));
}

fn dotted(parts: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            None => lines.push(part.clone()),
            Some(now) if width(now) + 3 + width(part) <= room => {
                now.push_str(&format!(" · {part}"));
            }
            Some(_) => lines.push(format!("  {part}")),
        }
    }
    lines
}

/// Prints rows below their heads. A column is as wide as what stands in it, at most as wide as
/// said; where the terminal is narrow, they give way as each is said to.
pub(crate) fn table<const N: usize, H: Into<Head>>(heads: [H; N], rows: &[[Cell; N]]) {
    let heads: [Head; N] = heads.map(Into::into);
    let natural: [usize; N] = std::array::from_fn(|at| {
        let longest = rows.iter().map(|row| width(&row[at].0)).max().unwrap_or(0);
        longest.min(heads[at].most).max(heads[at].text.len())
    });
    let cuts = heads.map(|head| head.cut);
    let widths = fitted(natural, &heads, columns(&std::io::stdout()));
    let print = |cells: [(&str, Ink); N], all: Ink| {
        let cells = cells.iter().zip(widths).enumerate().map(|(at, ((text, colour), width))| {
            let text = cut_cell(text, cuts[at], width);
            ink(*colour, if at + 1 == N { text.trim_end() } else { &text })
        });
        let cells = cells.collect::<Vec<_>>().join("  ");
        line(&match all {
            Ink::Plain => format!("  {}", cells.trim_end()),
            all => ink(all, &format!("  {cells}")),
        });
    };
    print(heads.map(|head| (head.text, Ink::Plain)), Ink::Dim);
    for row in rows {
        print(row.each_ref().map(|Cell(text, colour)| (text.as_str(), *colour)), Ink::Plain);
    }
}

/// Rows that come one by one: a column is as wide as what stood in it so far, between what is usual
/// and the most it may be; where the terminal is narrow, they give way as each is said to.
pub(crate) struct Flow<const N: usize> {
    heads: [Head; N],
    widths: [usize; N],
    begun: bool,
}

impl<const N: usize> Flow<N> {
    pub(crate) fn new(heads: [Head; N]) -> Flow<N> {
        let widths = heads.map(|head| head.usual);
        Flow { heads, widths, begun: false }
    }

    /// Prints a row, below the heads if it is the first.
    pub(crate) fn row(&mut self, cells: &[Cell; N]) {
        for (at, Cell(text, _)) in cells.iter().enumerate() {
            self.widths[at] = self.widths[at].max(width(text).min(self.heads[at].most));
        }
        let room = columns(&std::io::stdout());
        if !self.begun {
            self.begun = true;
            let heads = self.heads.map(|head| (head.text, Ink::Plain));
            line(&ink(Ink::Dim, &self.text(heads, room)));
        }
        line(&self.text(cells.each_ref().map(|Cell(text, colour)| (text.as_str(), *colour)), room));
    }

    fn text(&self, cells: [(&str, Ink); N], room: usize) -> String {
        let cuts: [Cut; N] = self.heads.map(|head| head.cut);
        let widths = fitted(self.widths, &self.heads, room);
        let cells = cells.iter().zip(widths).enumerate().map(|(at, ((text, colour), wide))| {
            // What is piped is never cut.
            let wide = if room == usize::MAX { wide.max(width(text)) } else { wide };
            let text = cut_cell(text, cuts[at], wide);
            ink(*colour, if at + 1 == N { text.trim_end() } else { &text })
        });
        format!("  {}", cells.collect::<Vec<_>>().join("  "))
    }
}

/// Lines of at most so many columns, broken at blanks. A word that is wider has a line of its own:
/// it may be a command's argument, which must stay whole to be copied.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let (mut lines, mut now) = (Vec::new(), String::new());
    for word in clean(text).split(' ') {
        if !now.trim().is_empty() && width(&now) + 1 + width(word) > room {
            lines.push(now.trim_end().to_owned());
            now = word.to_owned();
        } else if now.is_empty() {
            // Of several blanks at which a line was broken none begins the next one.
            now = word.to_owned();
        } else {
            now = format!("{now} {word}");
        }
    }
    lines.push(now.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_words_stay_whole() {
        assert_eq!(wrap("a bb  ccc", 100), ["a bb  ccc"]);
        assert_eq!(wrap("a bb  ccc", 5), ["a bb", "ccc"]);
        assert_eq!(wrap("aaaa    owner b", 7), ["aaaa", "owner b"]);
        assert_eq!(wrap("a bbbbbbbbb c", 4), ["a", "bbbbbbbbb", "c"]);
        assert_eq!(wrap("", 4), [""]);
        let parts = ["ab", "cd", "ef"].map(str::to_owned);
        assert_eq!(dotted(&parts, 99), ["ab · cd · ef"]);
        assert_eq!(dotted(&parts, 8), ["ab · cd", "  ef"]);
        assert_eq!(wrap("\u{202e}x y", 9), ["\\u{202e}x", "y"]);
    }

    #[test]
    fn rows_that_come_one_by_one_fit_and_what_is_piped_stays_whole() {
        let head = |text, most| Head::new(text, most, Cut::End);
        let mut flow = Flow::new([head("TIME", 8), head("WHO", 10), head("DID", 30)]);
        flow.widths = [8, 10, 30];
        let text = "a very long name of somebody";
        let cells = [("12:00:00", Ink::Plain), (text, Ink::Plain), (text, Ink::Plain)];
        let shown = flow.text(cells, 40);
        assert_eq!(width(&shown), 40, "{shown}");
        assert_eq!(shown, "  12:00:00  a very lo…  a very long nam…", "{shown}");
        let piped = flow.text(cells, usize::MAX);
        assert_eq!(piped.matches(text).count(), 2, "{piped}");
    }
}
