//! The errnos of each function beside the general ones: what the guest does first, and the arguments of the call.

use super::world::{ALL, LISTENER, World};

/// A function, its errno, and what makes the arguments.
type Case = (&'static str, &'static str, fn(&mut World) -> Vec<u64>);

const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 6;
const NONBLOCK: u64 = 1 << 2;
const MTIM_NOW: u64 = 1 << 3;
/// A length or offset that no file can have.
const TOO_FAR: u64 = 1 << 63;
/// More iovecs than one call takes.
const TOO_MANY: u64 = (1 << 16) + 1;
const RESULT: u64 = 0xb800;

/// The good arguments, less the change.
fn but(world: &mut World, function: &str, at: usize, word: u64) -> Vec<u64> {
    let mut words = world.good(function);
    words[at] = word;
    words
}

/// The good arguments with another descriptor, opened with only some rights.
fn with_rights(world: &mut World, function: &str, rights: u64) -> Vec<u64> {
    let fd = world.open("f", rights, 0);
    but(world, function, 0, fd)
}

/// The good arguments with a descriptor from the directory that is for looking at.
fn read_only(world: &mut World, function: &str) -> Vec<u64> {
    let fd = world.open_in(4, "f", READ);
    but(world, function, 0, fd)
}

/// The good arguments with another first path.
fn at_path(world: &mut World, function: &str, path: &str) -> Vec<u64> {
    let mut words = world.good(function);
    let place = if function.starts_with("path_filestat") || function == "path_open" || function == "path_link" {
        2
    } else {
        1
    };
    words[place..place + 2].copy_from_slice(&world.path(path));
    words
}

/// The good arguments with another second path.
fn to_path(world: &mut World, function: &str, from: &str, to: &str) -> Vec<u64> {
    let mut words = at_path(world, function, from);
    let last = words.len() - 2;
    words[last..].copy_from_slice(&world.path(to));
    words
}

pub const CASES: &[Case] = &[
    ("clock_res_get", "inval", |w| but(w, "clock_res_get", 0, 4)),
    ("clock_time_get", "inval", |w| but(w, "clock_time_get", 0, 4)),
    ("fd_advise", "isdir", |w| but(w, "fd_advise", 0, 3)),
    ("fd_advise", "spipe", |w| but(w, "fd_advise", 0, 0)),
    ("fd_advise", "notcapable", |w| with_rights(w, "fd_advise", READ)),
    ("fd_advise", "inval", |w| but(w, "fd_advise", 3, 6)),
    ("fd_allocate", "isdir", |w| but(w, "fd_allocate", 0, 3)),
    ("fd_allocate", "spipe", |w| but(w, "fd_allocate", 0, 1)),
    ("fd_allocate", "rofs", |w| read_only(w, "fd_allocate")),
    ("fd_allocate", "notcapable", |w| with_rights(w, "fd_allocate", WRITE)),
    ("fd_allocate", "inval", |w| but(w, "fd_allocate", 2, TOO_FAR)),
    ("fd_datasync", "notcapable", |w| with_rights(w, "fd_datasync", READ)),
    ("fd_datasync", "inval", |w| but(w, "fd_datasync", 0, 1)),
    ("fd_fdstat_set_flags", "notcapable", |w| {
        with_rights(w, "fd_fdstat_set_flags", READ)
    }),
    ("fd_fdstat_set_flags", "inval", |w| {
        but(w, "fd_fdstat_set_flags", 1, 1 << 9)
    }),
    ("fd_fdstat_set_flags", "notsup", |w| {
        but(w, "fd_fdstat_set_flags", 1, 1 << 4)
    }),
    ("fd_fdstat_set_rights", "notcapable", |w| {
        let fd = w.open("f", READ, 0);
        vec![fd, READ | WRITE, 0]
    }),
    ("fd_filestat_get", "notcapable", |w| {
        with_rights(w, "fd_filestat_get", READ)
    }),
    ("fd_filestat_set_size", "isdir", |w| {
        but(w, "fd_filestat_set_size", 0, 3)
    }),
    ("fd_filestat_set_size", "spipe", |w| {
        but(w, "fd_filestat_set_size", 0, 1)
    }),
    ("fd_filestat_set_size", "rofs", |w| read_only(w, "fd_filestat_set_size")),
    ("fd_filestat_set_size", "notcapable", |w| {
        with_rights(w, "fd_filestat_set_size", WRITE)
    }),
    ("fd_filestat_set_size", "inval", |w| {
        but(w, "fd_filestat_set_size", 1, TOO_FAR)
    }),
    ("fd_filestat_set_times", "rofs", |w| {
        read_only(w, "fd_filestat_set_times")
    }),
    ("fd_filestat_set_times", "notcapable", |w| {
        with_rights(w, "fd_filestat_set_times", READ)
    }),
    ("fd_filestat_set_times", "inval", |w| {
        but(w, "fd_filestat_set_times", 3, 0b11)
    }),
    ("fd_pread", "isdir", |w| but(w, "fd_pread", 0, 3)),
    ("fd_pread", "spipe", |w| but(w, "fd_pread", 0, 0)),
    ("fd_pread", "inval", |w| but(w, "fd_pread", 3, TOO_FAR)),
    ("fd_prestat_dir_name", "nametoolong", |w| {
        but(w, "fd_prestat_dir_name", 2, 0)
    }),
    ("fd_pwrite", "isdir", |w| but(w, "fd_pwrite", 0, 3)),
    ("fd_pwrite", "spipe", |w| but(w, "fd_pwrite", 0, 1)),
    ("fd_pwrite", "inval", |w| but(w, "fd_pwrite", 3, TOO_FAR)),
    ("fd_pwrite", "nospc", |w| {
        let full = w.open_in(5, "full", ALL);
        but(w, "fd_pwrite", 0, full)
    }),
    ("fd_read", "isdir", |w| but(w, "fd_read", 0, 3)),
    ("fd_read", "again", |w| {
        let words = but(w, "fd_read", 0, 0);
        w.ok("fd_read", &words);
        w.ok("fd_fdstat_set_flags", &[0, NONBLOCK]);
        words
    }),
    ("fd_read", "inval", |w| but(w, "fd_read", 2, TOO_MANY)),
    ("fd_readdir", "notdir", |w| with_rights(w, "fd_readdir", READ)),
    ("fd_readdir", "notcapable", |w| {
        let fd = w.open_directory("d", 0);
        but(w, "fd_readdir", 0, fd)
    }),
    ("fd_seek", "isdir", |w| but(w, "fd_seek", 0, 3)),
    ("fd_seek", "spipe", |w| but(w, "fd_seek", 0, 0)),
    ("fd_seek", "inval", |w| but(w, "fd_seek", 1, -1i64 as u64)),
    ("fd_seek", "inval", |w| but(w, "fd_seek", 2, 3)),
    ("fd_seek", "notcapable", |w| with_rights(w, "fd_seek", READ)),
    ("fd_sync", "notcapable", |w| with_rights(w, "fd_sync", READ)),
    ("fd_sync", "inval", |w| but(w, "fd_sync", 0, 1)),
    ("fd_tell", "isdir", |w| but(w, "fd_tell", 0, 3)),
    ("fd_tell", "spipe", |w| but(w, "fd_tell", 0, 0)),
    ("fd_tell", "notcapable", |w| with_rights(w, "fd_tell", READ)),
    ("fd_write", "isdir", |w| but(w, "fd_write", 0, 3)),
    ("fd_write", "again", |w| {
        w.open("fifo", READ, NONBLOCK);
        let fd = w.open("fifo", WRITE, NONBLOCK);
        let words = but(w, "fd_write", 0, fd);
        w.iovec(1 << 15);
        while w.calls.call("fd_write", &words).unwrap() == 0 {}
        words
    }),
    ("fd_write", "pipe", |w| {
        let reader = w.open("fifo", READ, NONBLOCK);
        let fd = w.open("fifo", WRITE, NONBLOCK);
        w.ok("fd_close", &[reader]);
        but(w, "fd_write", 0, fd)
    }),
    ("fd_write", "nospc", |w| {
        let words = but(w, "fd_write", 0, 1);
        w.ok("fd_write", &words);
        w.ok("fd_write", &words);
        words
    }),
    ("fd_write", "inval", |w| but(w, "fd_write", 2, TOO_MANY)),
    ("path_create_directory", "exist", |w| {
        at_path(w, "path_create_directory", "d")
    }),
    ("path_create_directory", "noent", |w| {
        at_path(w, "path_create_directory", "x/y")
    }),
    ("path_filestat_get", "inval", |w| but(w, "path_filestat_get", 1, 2)),
    ("path_filestat_get", "noent", |w| {
        at_path(w, "path_filestat_get", "none")
    }),
    ("path_filestat_get", "loop", |w| {
        let mut words = at_path(w, "path_filestat_get", "loop");
        words[1] = 1;
        words
    }),
    ("path_filestat_set_times", "inval", |w| {
        but(w, "path_filestat_set_times", 6, 1 << 4)
    }),
    ("path_filestat_set_times", "noent", |w| {
        let mut words = at_path(w, "path_filestat_set_times", "none");
        words[6] = MTIM_NOW;
        words
    }),
    ("path_filestat_set_times", "loop", |w| {
        let mut words = at_path(w, "path_filestat_set_times", "loop");
        words[1] = 1;
        words[6] = MTIM_NOW;
        words
    }),
    ("path_link", "inval", |w| but(w, "path_link", 1, 1)),
    ("path_link", "exist", |w| to_path(w, "path_link", "f", "g")),
    ("path_link", "noent", |w| to_path(w, "path_link", "none", "new")),
    ("path_link", "perm", |w| to_path(w, "path_link", "d", "new")),
    ("path_open", "inval", |w| but(w, "path_open", 4, 0b11)),
    ("path_open", "noent", |w| at_path(w, "path_open", "none")),
    ("path_open", "exist", |w| but(w, "path_open", 4, 0b101)),
    ("path_open", "isdir", |w| {
        let mut words = at_path(w, "path_open", "d");
        words[5] = WRITE;
        words
    }),
    ("path_open", "loop", |w| at_path(w, "path_open", "l")),
    ("path_open", "mfile", |w| {
        let words = w.good("path_open");
        w.fill();
        words
    }),
    ("path_open", "nxio", |w| {
        let mut words = at_path(w, "path_open", "fifo");
        words[5] = WRITE;
        words[7] = NONBLOCK;
        words
    }),
    ("path_open", "rofs", |w| {
        let mut words = but(w, "path_open", 0, 4);
        words[5] = WRITE;
        words
    }),
    ("path_readlink", "inval", |w| at_path(w, "path_readlink", "f")),
    ("path_readlink", "noent", |w| at_path(w, "path_readlink", "none")),
    ("path_remove_directory", "noent", |w| {
        at_path(w, "path_remove_directory", "none")
    }),
    ("path_remove_directory", "notempty", |w| {
        at_path(w, "path_remove_directory", "d")
    }),
    ("path_remove_directory", "inval", |w| {
        at_path(w, "path_remove_directory", "d/.")
    }),
    ("path_rename", "noent", |w| to_path(w, "path_rename", "none", "new")),
    ("path_rename", "notempty", |w| to_path(w, "path_rename", "empty", "d")),
    ("path_rename", "isdir", |w| to_path(w, "path_rename", "f", "empty")),
    ("path_rename", "inval", |w| to_path(w, "path_rename", "d", "d/new")),
    ("path_symlink", "exist", |w| {
        let mut words = w.good("path_symlink");
        words[3..].copy_from_slice(&w.path("g"));
        words
    }),
    ("path_symlink", "noent", |w| {
        let mut words = w.good("path_symlink");
        words[3..].copy_from_slice(&w.path("x/y"));
        words
    }),
    ("path_unlink_file", "noent", |w| at_path(w, "path_unlink_file", "none")),
    ("path_unlink_file", "isdir", |w| at_path(w, "path_unlink_file", "d")),
    ("poll_oneoff", "inval", |w| but(w, "poll_oneoff", 2, 0)),
    ("poll_oneoff", "inval", |w| but(w, "poll_oneoff", 2, 1025)),
    ("proc_raise", "inval", |_| vec![31]),
    ("sock_accept", "notsock", |w| but(w, "sock_accept", 0, 3)),
    ("sock_accept", "inval", |w| but(w, "sock_accept", 1, 1)),
    ("sock_accept", "inval", |w| {
        let connection = w.connection();
        vec![connection, 0, RESULT]
    }),
    ("sock_accept", "again", |w| {
        w.connection();
        w.ok("fd_fdstat_set_flags", &[LISTENER, NONBLOCK]);
        vec![LISTENER, 0, RESULT]
    }),
    ("sock_accept", "mfile", |w| {
        w.fill();
        vec![LISTENER, 0, RESULT]
    }),
    ("sock_accept", "notcapable", |w| {
        w.ok("fd_fdstat_set_rights", &[LISTENER, 0, 0]);
        vec![LISTENER, 0, RESULT]
    }),
    ("sock_recv", "notsock", |w| but(w, "sock_recv", 0, 3)),
    ("sock_recv", "notconn", |w| but(w, "sock_recv", 0, LISTENER)),
    ("sock_recv", "inval", |w| but(w, "sock_recv", 3, 1 << 5)),
    ("sock_recv", "again", |w| {
        let words = w.good("sock_recv");
        w.ok("sock_recv", &words);
        w.ok("fd_fdstat_set_flags", &[words[0], NONBLOCK]);
        words
    }),
    ("sock_send", "notsock", |w| but(w, "sock_send", 0, 3)),
    ("sock_send", "notconn", |w| but(w, "sock_send", 0, LISTENER)),
    ("sock_send", "inval", |w| but(w, "sock_send", 3, 1)),
    ("sock_send", "again", |w| {
        let words = w.good("sock_send");
        w.ok("fd_fdstat_set_flags", &[words[0], NONBLOCK]);
        w.iovec(1 << 16);
        while w.calls.call("sock_send", &words).unwrap() == 0 {}
        words
    }),
    ("sock_send", "pipe", |w| {
        let words = w.good("sock_send");
        w.ok("sock_shutdown", &[words[0], 2]);
        words
    }),
    ("sock_shutdown", "notsock", |w| but(w, "sock_shutdown", 0, 3)),
    ("sock_shutdown", "notconn", |w| but(w, "sock_shutdown", 0, LISTENER)),
    ("sock_shutdown", "inval", |w| but(w, "sock_shutdown", 1, 0)),
    ("sock_shutdown", "notcapable", |w| {
        let words = w.good("sock_shutdown");
        w.ok("fd_fdstat_set_rights", &[words[0], READ, 0]);
        words
    }),
];
