//! Where exceptions that reach a function are caught: a table beside its code, which nothing looks at until something is
//! thrown.
//!
//! Regions are stretches of code: the body of a `try_table` or of a legacy `try`. They nest. A legacy `delegate` is a
//! region without clauses, from which the search goes on elsewhere than in the next region outwards.

/// No region, no slot.
pub(crate) const NONE: u32 = u32::MAX;

/// The table of one function.
#[derive(Default)]
pub(crate) struct Catches {
    /// By `begin`, outer ones first.
    pub regions: Box<[Region]>,
    /// The slots of the function's pins, to be loaded again where an exception is caught: two of integers, two of f64, one
    /// of f32. 0 where there is none, which does no harm.
    pub pins: [u32; 5],
}

/// A stretch of code with what catches exceptions there.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// The words it covers.
    pub begin: u32,
    pub end: u32,
    /// The region around it.
    pub outer: u32,
    /// Where the search goes on when no clause fits: `outer`, unless it is a `delegate`.
    pub next: u32,
    pub clauses: Vec<Clause>,
}

/// One `catch`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clause {
    /// Index of the tag in the module; `None` for every exception.
    pub tag: Option<u32>,
    /// Where code goes on: a label, and when it has an address the word.
    pub target: u32,
    /// First of the slots for the values of the exception, if it is caught by its tag.
    pub payload: u32,
    /// The slot for a reference to the exception.
    pub reference: u32,
}

impl Catches {
    /// The clause that catches an exception at `word`; `is_tag` says whether its tag is the module's tag of that index.
    pub(crate) fn find(&self, word: u32, mut is_tag: impl FnMut(u32) -> bool) -> Option<&Clause> {
        let mut at = (self.regions.partition_point(|region| region.begin <= word) as u32).wrapping_sub(1);
        // The last region that begins before the word may have ended: then one around it is meant.
        while let Some(region) = self.regions.get(at as usize)
            && region.end <= word
        {
            at = region.outer;
        }
        while let Some(region) = self.regions.get(at as usize) {
            if let Some(clause) = region.clauses.iter().find(|clause| clause.tag.is_none_or(&mut is_tag)) {
                return Some(clause);
            }
            at = region.next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(range: std::ops::Range<u32>, outer: u32, next: u32, clauses: &[(Option<u32>, u32)]) -> Region {
        let clause = |&(tag, target)| Clause {
            tag,
            target,
            payload: 0,
            reference: NONE,
        };
        Region {
            begin: range.start,
            end: range.end,
            outer,
            next,
            clauses: clauses.iter().map(clause).collect(),
        }
    }

    #[test]
    fn the_innermost_region_that_covers_a_word_is_asked_first() {
        let catches = Catches {
            regions: Box::new([
                region(0..100, NONE, NONE, &[(None, 1)]),
                region(10..50, 0, 0, &[(Some(7), 2), (Some(8), 3)]),
                region(10..20, 1, 1, &[(Some(9), 4)]),
                // A delegate past the region around it.
                region(30..40, 1, 0, &[]),
                region(60..60, 0, 0, &[(None, 5)]),
            ]),
            pins: [0; 5],
        };
        let target = |word, tag| catches.find(word, |at| at == tag).map(|clause| clause.target);
        assert_eq!(target(5, 7), Some(1));
        assert_eq!(target(15, 9), Some(4));
        assert_eq!(target(15, 8), Some(3));
        assert_eq!(target(15, 1), Some(1));
        assert_eq!(target(25, 9), Some(1));
        assert_eq!(target(25, 7), Some(2));
        assert_eq!(target(35, 7), Some(1));
        assert_eq!(target(45, 7), Some(2));
        assert_eq!(target(60, 7), Some(1));
        assert_eq!(target(100, 7), None);
        assert_eq!(Catches::default().find(0, |_| true).map(|clause| clause.target), None);
    }
}
