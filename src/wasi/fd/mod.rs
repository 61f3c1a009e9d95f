//! The `fd_*` functions, by what they touch.

pub(super) mod preopen;
pub(super) mod read_write;
pub(super) mod readdir;
pub(super) mod stat;
pub(super) mod table;
