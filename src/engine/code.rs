//! (Placeholder; the core replaces it.)

/// Code of the functions a module defines.
pub(crate) struct CodeTable;

impl CodeTable {
    /// Nothing is translated yet.
    pub(crate) fn new(_defined: usize) -> CodeTable {
        CodeTable
    }

    /// First code word of a defined function, or of a stub that translates it.
    pub(crate) fn entry(&self, _defined: u32) -> *mut u64 {
        std::ptr::null_mut()
    }
}
