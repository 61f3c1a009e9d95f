//! What differs from system to system: descriptors, waiting, clocks, directory streams, error numbers.
//!
//! No other file of `wasi` names `rustix`. Nothing here knows of a guest; paths are resolved in `sandbox.rs`.

#[cfg(not(unix))]
compile_error!("WASI needs a Unix host: descriptors, poll(2) and directory streams are not written for others yet");

mod clock;
mod directory;
mod errno;
mod file;
mod wait;

pub(super) use clock::{cpu_time, monotonic, realtime, resolution};
pub(super) use directory::DirectoryStream;
pub(super) use file::{
    HostFile, SEARCH_DIRECTORY, SEARCH_ONLY, filestat, filetype_of_mode, is_access_denied, is_nonblocking,
    not_with_a_handle, open_flags, set_times_of_handle, sync_directory, sync_directory_data, timestamp,
};
pub(super) use wait::{Interest, Ready, Waitable, Wake, wait};
