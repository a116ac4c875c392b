//! Pages of docs/ as text for a terminal: what Markdown is written with is left out, and lines fit.
//!
//! Understands what our own pages use: headings, paragraphs, lists, tables and blocks of code. A
//! block stays as it is, for it may be copied.

use super::layout::wrap;
use super::text::width;
use super::{Ink, ink};

/// Longer lines are hard to read, however wide the terminal is.
const ROOM_MAX: usize = 100;
/// Columns that the last cell of a row has beside the others; with fewer it stands below them.
const LAST_MIN: usize = 24;
/// Around what stands in a table or a block.
const INDENT: &str = "  ";

/// The lines of a page where so many columns are.
pub(crate) fn page(markdown: &str, room: usize) -> Vec<String> {
    let room = room.min(ROOM_MAX);
    let (mut out, mut lines) = (Vec::new(), markdown.lines().peekable());
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let code = lines.by_ref().take_while(|line| !line.starts_with("```"));
            out.extend(code.map(|line| format!("{INDENT}{line}")));
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(line));
            }
            rows.remove(1);
            out.extend(table(&rows, room));
        } else if let Some(heading) = line.strip_prefix('#') {
            out.push(ink(Ink::Bold, &plain(heading.trim_start_matches('#').trim())));
        } else if line.is_empty() {
            out.push(String::new());
        } else {
            let mut text = line.to_owned();
            while let Some(more) = lines.next_if(|line| !begins(line)) {
                text = format!("{text} {}", more.trim());
            }
            out.extend(paragraph(&text, room));
        }
    }
    out
}

/// Rows without the marks of Markdown: the first line of each cell but the last stands whole.
pub(crate) fn table(rows: &[Vec<String>], room: usize) -> Vec<String> {
    let room = room.min(ROOM_MAX);
    let columns = rows.iter().map(Vec::len).min().unwrap_or(0);
    let Some(last) = columns.checked_sub(1) else { return Vec::new() };
    let widths: Vec<usize> =
        (0..last).map(|at| rows.iter().map(|row| width(&row[at])).max().unwrap_or(0)).collect();
    let lead = INDENT.len() + widths.iter().map(|wide| wide + 2).sum::<usize>();
    let is_beside = lead + LAST_MIN <= room;
    let below = if is_beside { lead } else { 3 * INDENT.len() };
    let mut out = Vec::new();
    for (nth, row) in rows.iter().enumerate() {
        let colour = if nth == 0 { Ink::Dim } else { Ink::Plain };
        let head = row[..last].iter().zip(&widths).fold(INDENT.to_owned(), |head, (cell, wide)| {
            format!("{head}{cell}{}", " ".repeat(wide + 2 - width(cell)))
        });
        let rest = wrap(&row[last], room.saturating_sub(below));
        let mut lines: Vec<String> =
            rest.iter().map(|line| format!("{}{line}", " ".repeat(below))).collect();
        match lines.first_mut().filter(|_| is_beside) {
            Some(first) => *first = format!("{head}{}", rest[0]),
            None => lines.insert(0, head),
        }
        out.extend(lines.iter().map(|line| ink(colour, line.trim_end())));
    }
    out
}

/// The cells of a row, as text.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    // A bar in a cell has a stroke before it.
    let cells = inner.replace("\\|", "\u{0}");
    cells.split('|').map(|cell| plain(cell.trim()).replace('\u{0}', "|")).collect()
}

/// Whether a line belongs to no paragraph before it.
fn begins(line: &str) -> bool {
    line.is_empty() || line.starts_with(['|', '#']) || line.starts_with("```") || item(line) > 0
}

/// Columns of the mark of a list's item; 0 where it is none.
fn item(line: &str) -> usize {
    let text = line.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mark = match text {
        _ if text.starts_with("- ") => 2,
        _ if digits > 0 && text[digits..].starts_with(". ") => digits + 2,
        _ => return 0,
    };
    line.len() - text.len() + mark
}

fn paragraph(text: &str, room: usize) -> Vec<String> {
    let mark = item(text);
    let lines = wrap(&plain(&text[mark..]), room.saturating_sub(mark));
    let lead = |nth| if nth == 0 { text[..mark].to_owned() } else { " ".repeat(mark) };
    lines.iter().enumerate().map(|(nth, line)| lead(nth) + line).collect()
}

/// Text without back-ticks, stars and the targets of links that lead from page to page.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for (nth, piece) in text.split('`').enumerate() {
        match nth % 2 {
            // What stands in back-ticks is as it is.
            1 => out.push_str(piece),
            _ => out.push_str(&piece.replace("**", "").replace('*', "")),
        }
    }
    without_targets(&out)
}

fn without_targets(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("](") {
        let (before, behind) = (&rest[..at], &rest[at + 2..]);
        let (Some(open), Some(close)) = (before.rfind('['), behind.find(')')) else { break };
        let (shown, target) = (&before[open + 1..], &behind[..close]);
        out.push_str(&before[..open]);
        out.push_str(shown);
        if target.starts_with("http") && target != shown {
            out.push_str(&format!(" ({target})"));
        }
        rest = &behind[close + 1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::super::plain as without_ink;
    use super::*;

    fn shown(markdown: &str, room: usize) -> String {
        page(markdown, room).iter().map(|line| without_ink(line) + "\n").collect()
    }

    #[test]
    fn nothing_of_markdown_is_left() {
        let markdown = "# The `page`\n\nWhat *is* said, [there](a.md) and\n[here](https://a.example).\n\n\
            - one `a*b` that\n  goes on\n- **two**\n\n| a | b |\n| --- | --- |\n\
            | [`x`](x.md) | long words that wrap \\| here |\n\n```json\n{ \"a\":   1 }\n```\n";
        let wanted = "The page\n\nWhat is said, there and here\n(https://a.example).\n\n\
            - one a*b that goes on\n- two\n\n  a  b\n  x  long words that wrap |\n     here\n\n  \
            { \"a\":   1 }\n";
        assert_eq!(shown(markdown, 29), wanted);
    }

    #[test]
    fn the_last_cell_stands_below_the_others_where_there_is_no_room() {
        let rows = ["code", "a_long_code_of_an_error"]
            .map(|code| vec![code.to_owned(), "some words about it".to_owned()]);
        let lines = table(&rows, 30);
        let lines: Vec<String> = lines.iter().map(|line| without_ink(line)).collect();
        assert_eq!(lines[2..], ["  a_long_code_of_an_error", "      some words about it"]);
    }
}
