//! A list that only grows, in pages: growing never moves what is there, so that neither a copy nor
//! twice the room is ever needed.

/// Elements of a page; a tile or bundle of 256 never lies across two.
const PAGE: usize = 4_096;

/// The list.
#[derive(Debug)]
pub(super) struct Pages<T> {
    /// All full but the last.
    pages: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Pages { pages: Vec::new(), len: 0 }
    }
}

impl<T> Pages<T> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, value: T) {
        if self.len.is_multiple_of(PAGE) {
            // The first page of a list grows as it fills: most lists stay small.
            let room = if self.pages.is_empty() { 0 } else { PAGE };
            self.pages.push(Vec::with_capacity(room));
        }
        self.pages[self.len / PAGE].push(value);
        self.len += 1;
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.pages.get(at / PAGE)?.get(at % PAGE)
    }

    /// `count` elements from `start`, if all of them are there and in one page.
    pub(super) fn slice(&self, start: usize, count: usize) -> Option<&[T]> {
        let at = start % PAGE;
        self.pages.get(start / PAGE)?.get(at..at.checked_add(count)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_where_they_were_put() {
        let mut pages = Pages::default();
        for n in 0..3 * PAGE + 1 {
            assert_eq!(pages.len(), n);
            assert_eq!(pages.get(n), None);
            pages.push(n);
        }
        assert!((0..=3 * PAGE).all(|n| pages.get(n) == Some(&n)));
        assert_eq!(pages.slice(PAGE, PAGE).map(|s| (s[0], s.len())), Some((PAGE, PAGE)));
        assert_eq!(pages.slice(3 * PAGE, 1), Some(&[3 * PAGE][..]));
        for (start, count) in [(3 * PAGE, 2), (PAGE - 1, 2), (9 * PAGE, 1), (usize::MAX, 1)] {
            assert_eq!(pages.slice(start, count), None, "{start} {count}");
        }
    }
}
