//! Each limit: its number, its unit, and where it comes from.

use super::error::Error;
use super::types::PAGE_BYTES;

/// What the guests of one store may use together.
///
/// A grow that would pass a limit answers -1 as the specification allows, an instantiation fails with
/// [`Error::Limit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLimits {
    /// Bytes of all memories together. Default: 4 GiB, the most a 32-bit memory can have.
    pub memory: u64,
    /// Bytes of all objects together. Default: 1 GiB. A guest that needs more at one time ends with
    /// [`Trap::GcHeapExhausted`](crate::Trap::GcHeapExhausted).
    pub gc_heap: u64,
    /// Elements of any one table. Default: 10,000,000 (80 MB).
    pub table_elements: u64,
    /// Instances. Default: 10,000.
    pub instances: usize,
    /// Memories. Default: 10,000.
    pub memories: usize,
    /// Tables. Default: 10,000.
    pub tables: usize,
    /// Bytes of exceptions that something refers to. Default: 64 MiB.
    pub exceptions: u64,
    /// Bytes of the value stack of one run: the depth of calls. Default: 8 MiB.
    pub stack: usize,
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        StoreLimits {
            memory: 65_536 * PAGE_BYTES,
            gc_heap: 1 << 30,
            table_elements: 10_000_000,
            instances: 10_000,
            memories: 10_000,
            tables: 10_000,
            exceptions: 64 << 20,
            stack: 8 << 20,
        }
    }
}

impl StoreLimits {
    /// Refuses the next of something when there are already `have`.
    pub(crate) fn check_count(what: &'static str, have: usize, limit: usize) -> Result<(), Error> {
        if have < limit {
            return Ok(());
        }
        Err(Error::limit(
            what,
            what,
            limit as u64,
            have as u64 + 1,
            "raise it in `StoreLimits`",
        ))
    }
}

/// Pages of 64 KiB a 32-bit memory can have. Spec: valid/types.html#memory-types
pub(crate) const MAX_PAGES: u64 = 65_536;

/// Elements a table can have: those with indices of 64 bits are no larger than others here.
/// Spec: valid/types.html#table-types
pub(crate) const MAX_TABLE_ELEMENTS: u64 = u32::MAX as u64;
