//! Programs under WASI Preview 1: `cargo test --test wasi`.
//!
//! `guests/` has programs of our own, source and `.wasm` side by side (`guests/build.sh` builds them); each file of
//! `cases/` runs one and says what must come of it. No compiler and no network is needed.

mod calls;
mod documents;
mod embedding;
mod errnos;
mod examples;
mod fuzz;
#[path = "../fuzz/src/harness.rs"]
mod harness;
mod hostile;
mod interrupts;
mod preview0;
mod runner;
mod sockets;
mod time;

/// One test per case, and one that no case is left out.
macro_rules! cases {
    ($($name:ident)*) => {
        $(#[test] fn $name() { runner::run(stringify!($name)); })*

        #[test]
        fn every_case_is_listed() {
            let mut listed = vec![$(concat!(stringify!($name), ".toml")),*];
            listed.sort_unstable();
            let mut found: Vec<String> = std::fs::read_dir(runner::here("cases"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort_unstable();
            assert_eq!(found, listed);
        }
    };
}

cases! {
    argv
    argv_none
    cat_bytes
    cat_empty
    clock
    envdump
    envdump_none
    exceptions_final
    exceptions_legacy
    exit_0
    exit_256
    exit_7
    files_append
    files_cat
    files_cat_missing
    files_escape_absolute
    files_escape_create
    files_escape_dotdot
    files_escape_link
    files_link
    files_list
    files_mkdir
    files_mkdir_nested_missing
    files_move
    files_new_existing
    files_no_directory
    files_read_only_cat
    files_read_only_create
    files_read_only_mkdir
    files_read_only_remove
    files_read_only_touch
    files_read_only_truncate
    files_read_only_write
    files_remove
    files_remove_directory
    files_rmdir_full
    files_stat
    files_symlink
    files_symlink_loop
    files_touch
    files_truncate
    files_two_directories
    files_write
    mixed
    preview1
    raise
    raise_abort
    raise_ignored
    raise_unknown
    sleep
    trap
    yield_now
}
