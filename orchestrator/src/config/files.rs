//! The files that a configuration is composed of, as one text: offsets count on from file to file.

use std::ops::Range;

use super::{Source, problem::Place};

/// One file, or several one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    /// Each with the offset of its first byte.
    list: Vec<(usize, Source)>,
}

impl Files {
    /// A single file.
    pub(crate) fn one(source: Source) -> Self {
        Self { list: vec![(0, source)] }
    }

    /// Adds a file; returns the offset of its first byte.
    pub(crate) fn add(&mut self, source: Source) -> usize {
        // Between two files there is a byte that belongs to neither, so that the end of one is not the start of the next.
        let start = self.list.last().map_or(0, |(start, last)| start + last.text.len() + 1);
        self.list.push((start, source));
        start
    }

    /// The files, in the order they were added.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.list.iter().map(|(_, source)| source)
    }

    /// The file that an offset is in.
    pub(crate) fn at(&self, offset: usize) -> Option<(usize, &Source)> {
        let after = self.list.partition_point(|(start, _)| *start <= offset);
        let (start, source) = self.list.get(after.checked_sub(1)?)?;
        Some((*start, source))
    }

    /// A part of the text of one file.
    pub(crate) fn slice(&self, span: Range<usize>) -> Option<&str> {
        let (start, source) = self.at(span.start)?;
        source.text.get(span.start - start..span.end.checked_sub(start)?)
    }

    /// Which of the files a place is in.
    pub(crate) fn position(&self, place: &Place) -> Option<usize> {
        self.sources().position(|source| source.path == place.path)
    }

    /// Where lines begin.
    pub(crate) fn lines(&self) -> Lines<'_> {
        let breaks =
            |source: &Source| source.text.match_indices('\n').map(|(at, _)| at + 1).collect::<Vec<_>>();
        let begin = |source| std::iter::once(0).chain(breaks(source)).collect();
        Lines { files: self, starts: self.sources().map(begin).collect() }
    }
}

/// Where the lines of files begin.
pub(crate) struct Lines<'f> {
    files: &'f Files,
    starts: Vec<Vec<usize>>,
}

impl Lines<'_> {
    /// Offsets as file, line and column.
    pub(crate) fn place(&self, span: Range<usize>) -> Option<Place> {
        let (first_byte, source) = self.files.at(span.start)?;
        let number = self.files.sources().position(|other| std::ptr::eq(other, source))?;
        let start = floor(&source.text, span.start - first_byte);
        let end = floor(&source.text, span.end.saturating_sub(first_byte).max(start));
        let starts = self.starts.get(number)?;
        let line = starts.partition_point(|first| *first <= start);
        let first = starts[line - 1];
        let column = source.text[first..start].chars().count() + 1;
        Some(Place { path: source.path.clone(), line, column, span: start..end })
    }
}

/// The nearest character boundary at or before an offset.
fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
