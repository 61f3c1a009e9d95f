// The situations of the official Preview 1 suite that concern paths. Where it allows several errnos, this asks for the
// one that Linux programs expect.
#include "suite.h"

#define FOLLOW __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW
#define CREAT __WASI_OFLAGS_CREAT
#define DIRECTORY __WASI_OFLAGS_DIRECTORY

static __wasi_errno_t try_open(__wasi_fd_t dir, const char *path, __wasi_oflags_t oflags) {
    __wasi_fd_t fd;
    return open_at(dir, path, oflags, NO_RIGHTS, &fd);
}

static __wasi_errno_t try_follow(__wasi_fd_t dir, const char *path, __wasi_oflags_t oflags) {
    __wasi_fd_t fd;
    __wasi_errno_t errno_ = __wasi_path_open(dir, FOLLOW, path, oflags, 0, 0, 0, &fd);
    if (!errno_) {
        HOLDS(fd > 2);
        DO(__wasi_fd_close(fd));
    }
    return errno_;
}

static void opens(__wasi_fd_t dir, const char *path, __wasi_oflags_t oflags) {
    DO(__wasi_fd_close(OPEN(dir, path, oflags, NO_RIGHTS)));
}

static void remove_scratch(__wasi_fd_t dir, __wasi_fd_t scratch) {
    DO(__wasi_fd_close(scratch));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// What was removed can be made again under its name.
static void removed_and_made_again(__wasi_fd_t dir) {
    make_file(dir, "file.cleanup");
    opens(dir, "file.cleanup", 0);
    DO(__wasi_path_unlink_file(dir, "file.cleanup"));
    make_file(dir, "file.cleanup");
    DO(__wasi_path_unlink_file(dir, "file.cleanup"));

    DO(__wasi_path_create_directory(dir, "dir.cleanup"));
    opens(dir, "dir.cleanup", DIRECTORY);
    DO(__wasi_path_remove_directory(dir, "dir.cleanup"));
    DO(__wasi_path_create_directory(dir, "dir.cleanup"));
    DO(__wasi_path_remove_directory(dir, "dir.cleanup"));
}

// A dangling link that is not followed is a loop, and no directory.
static void dangling_link(__wasi_fd_t dir) {
    DO(__wasi_path_symlink("nowhere", dir, "link.cleanup"));
    FAILS(NOTDIR, try_open(dir, "link.cleanup", DIRECTORY));
    FAILS(LOOP, try_open(dir, "link.cleanup", 0));
    DO(__wasi_path_unlink_file(dir, "link.cleanup"));
}

// A link to itself, which even following cannot open.
static void link_loop(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    DO(__wasi_path_symlink("link", scratch, "link"));
    FAILS(LOOP, try_open(scratch, "link", 0));
    FAILS(LOOP, try_follow(scratch, "link", 0));
    DO(__wasi_path_unlink_file(scratch, "link"));
    remove_scratch(dir, scratch);
}

// Opening a link without following it, to a directory and to a file.
static void link_not_followed(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    DO(__wasi_path_create_directory(scratch, "to"));
    DO(__wasi_path_symlink("to", scratch, "link"));
    FAILS(NOTDIR, try_open(scratch, "link", DIRECTORY));
    FAILS(LOOP, try_open(scratch, "link", 0));
    DO(try_follow(scratch, "link", DIRECTORY));
    DO(__wasi_path_unlink_file(scratch, "link"));
    DO(__wasi_path_remove_directory(scratch, "to"));

    make_file(scratch, "to");
    DO(__wasi_path_symlink("to", scratch, "link"));
    FAILS(NOTDIR, try_open(scratch, "link", DIRECTORY));
    FAILS(LOOP, try_open(scratch, "link", 0));
    FAILS(NOTDIR, try_follow(scratch, "link", DIRECTORY));
    DO(try_follow(scratch, "link", 0));
    DO(__wasi_path_unlink_file(scratch, "to"));
    DO(__wasi_path_unlink_file(scratch, "link"));
    remove_scratch(dir, scratch);
}

// Absolute paths, detours, NULs, slashes at the end, and more `..` than there are directories.
static void odd_paths(__wasi_fd_t dir) {
    DO(__wasi_path_create_directory(dir, SCRATCH));
    // Fewer rights than elsewhere: what creates and opens is enough.
    __wasi_fd_t scratch;
    DO(__wasi_path_open(dir, 0, SCRATCH, DIRECTORY,
                        __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_READDIR | __WASI_RIGHTS_PATH_CREATE_FILE |
                            __WASI_RIGHTS_PATH_CREATE_DIRECTORY | __WASI_RIGHTS_PATH_REMOVE_DIRECTORY |
                            __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_PATH_UNLINK_FILE,
                        READ_WRITE | __WASI_RIGHTS_FD_READDIR | __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_SEEK, 0,
                        &scratch));
    DO(__wasi_path_create_directory(scratch, "a"));
    DO(__wasi_path_create_directory(scratch, "a/b"));
    make_file(scratch, "a/b/file");
    FAILS(PERM, try_open(scratch, "/a/b/file", 0));
    opens(scratch, "a/.//b/../../a/b/../b///./file", 0);
    FAILS(NOTDIR, try_open(scratch, "a/b/file/", 0));
    FAILS(NOTDIR, try_open(scratch, "a/b/file///", 0));
    opens(scratch, "a/b/", 0);
    opens(scratch, "a/b///", 0);
    char out[300];
    snprintf(out, sizeof out, "a/b/../../../%s/a/b/file", directory_name);
    FAILS(PERM, try_open(scratch, out, 0));
    FAILS(PERM, try_open(scratch, "a/b/../../../" SCRATCH "/a/b/file", 0));
    // The C library measures paths itself: this one has a NUL in it.
    __wasi_fd_t fd;
    extern int32_t raw_path_open(int32_t, int32_t, const char *, int32_t, int32_t, int64_t, int64_t, int32_t, __wasi_fd_t *)
        __attribute__((import_module("wasi_snapshot_preview1"), import_name("path_open")));
    FAILS(INVAL, raw_path_open((int32_t)scratch, 0, "a/b/file", sizeof "a/b/file", 0, 0, 0, 0, &fd));
    DO(__wasi_path_unlink_file(scratch, "a/b/file"));
    DO(__wasi_path_remove_directory(scratch, "a/b"));
    DO(__wasi_path_remove_directory(scratch, "a"));
    remove_scratch(dir, scratch);
}

// Files, directories and links are what they are, followed and not.
static void kinds(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    DO(__wasi_path_create_directory(scratch, "sub"));
    make_file(scratch, "sub/file");
    DO(__wasi_path_symlink("sub/file", scratch, "to_file"));
    DO(__wasi_path_symlink("sub", scratch, "to_sub"));
    static const struct {
        const char *path;
        __wasi_filetype_t itself, followed;
    } expected[] = {
        {"sub", __WASI_FILETYPE_DIRECTORY, __WASI_FILETYPE_DIRECTORY},
        {"sub/file", __WASI_FILETYPE_REGULAR_FILE, __WASI_FILETYPE_REGULAR_FILE},
        {"to_file", __WASI_FILETYPE_SYMBOLIC_LINK, __WASI_FILETYPE_REGULAR_FILE},
        {"to_sub", __WASI_FILETYPE_SYMBOLIC_LINK, __WASI_FILETYPE_DIRECTORY},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        IS(filestat_at(scratch, 0, expected[i].path).filetype, expected[i].itself);
        IS(filestat_at(scratch, FOLLOW, expected[i].path).filetype, expected[i].followed);
    }
    DO(__wasi_path_unlink_file(scratch, "to_file"));
    DO(__wasi_path_unlink_file(scratch, "to_sub"));
    DO(__wasi_path_unlink_file(scratch, "sub/file"));
    DO(__wasi_path_remove_directory(scratch, "sub"));
    remove_scratch(dir, scratch);
}

// Flags stay with a descriptor; times are set by path; a time given twice changes nothing.
static void flags_and_times(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir), fd;
    HOLDS(fdstat(scratch).fs_rights_base & __WASI_RIGHTS_PATH_FILESTAT_GET);
    __wasi_fdflags_t flags = __WASI_FDFLAGS_APPEND | __WASI_FDFLAGS_SYNC;
    DO(__wasi_path_open(scratch, 0, "file", CREAT, READ_WRITE | __WASI_RIGHTS_PATH_FILESTAT_GET, 0, flags, &fd));
    IS(fdstat(fd).fs_flags & flags, flags);
    __wasi_filestat_t before = filestat_at(scratch, 0, "file");
    IS(before.size, 0);
    __wasi_timestamp_t time = before.mtim - 100;
    DO(__wasi_path_filestat_set_times(scratch, 0, "file", 0, time, __WASI_FSTFLAGS_MTIM));
    IS(filestat_at(scratch, 0, "file").mtim, time);
    FAILS(INVAL, __wasi_path_filestat_set_times(scratch, 0, "file", 0, time,
                                                __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW));
    IS(filestat_at(scratch, 0, "file").mtim, time);
    FAILS(INVAL, __wasi_path_filestat_set_times(scratch, 0, "file", 0, 0, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW));
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(scratch, "file"));
    remove_scratch(dir, scratch);
}

// A link has times of its own; following it reaches those of the file.
static void times_of_links(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t fd = OPEN(scratch, "file", CREAT, READ_WRITE | __WASI_RIGHTS_PATH_FILESTAT_GET);
    __wasi_timestamp_t file_time = filestat_at(scratch, 0, "file").mtim;
    DO(__wasi_path_symlink("file", scratch, "link"));
    __wasi_timestamp_t link_time = filestat_at(scratch, 0, "link").mtim;
    DO(__wasi_path_filestat_set_times(scratch, 0, "link", 0, link_time - 200, __WASI_FSTFLAGS_MTIM));
    IS(filestat_at(scratch, 0, "link").mtim, link_time - 200);
    IS(filestat_at(scratch, 0, "file").mtim, file_time);
    IS(filestat_at(scratch, FOLLOW, "link").mtim, file_time);
    DO(__wasi_path_filestat_set_times(scratch, FOLLOW, "link", 0, link_time, __WASI_FSTFLAGS_MTIM));
    IS(filestat_at(scratch, 0, "file").mtim, link_time);
    IS(filestat_at(scratch, 0, "link").mtim, link_time - 200);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(scratch, "link"));
    DO(__wasi_path_unlink_file(scratch, "file"));
    remove_scratch(dir, scratch);
}

static const __wasi_rights_t LINK_RIGHTS = __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_PATH_LINK_SOURCE |
                                           __WASI_RIGHTS_PATH_LINK_TARGET | __WASI_RIGHTS_FD_FILESTAT_GET |
                                           __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_PATH_UNLINK_FILE;

static __wasi_fd_t open_linked(__wasi_fd_t dir, const char *path, __wasi_oflags_t oflags) {
    __wasi_fd_t fd;
    DO(__wasi_path_open(dir, 0, path, oflags, LINK_RIGHTS, LINK_RIGHTS, 0, &fd));
    HOLDS(fd > 2);
    return fd;
}

// Two descriptors of one file are alike in all that can be asked for.
static void alike(__wasi_fd_t left, __wasi_fd_t right) {
    __wasi_filestat_t a = filestat(left), b = filestat(right);
    HOLDS(a.dev == b.dev && a.ino == b.ino && a.filetype == b.filetype && a.nlink == b.nlink && a.size == b.size);
    HOLDS(a.atim == b.atim && a.mtim == b.mtim && a.ctim == b.ctim);
    __wasi_fdstat_t c = fdstat(left), d = fdstat(right);
    HOLDS(c.fs_filetype == d.fs_filetype && c.fs_flags == d.fs_flags);
    HOLDS(c.fs_rights_base == d.fs_rights_base && c.fs_rights_inheriting == d.fs_rights_inheriting);
}

// A second name of a file is the file; what is there already, directories and slashes at the end are refused.
static void hard_link(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t file = open_linked(scratch, "file", CREAT);
    DO(__wasi_path_link(scratch, 0, "file", scratch, "link"));
    __wasi_fd_t linked = open_linked(scratch, "link", 0);
    alike(file, linked);
    DO(__wasi_fd_close(linked));
    DO(__wasi_path_unlink_file(scratch, "link"));

    DO(__wasi_path_create_directory(scratch, "sub"));
    __wasi_fd_t sub = open_linked(scratch, "sub", DIRECTORY);
    DO(__wasi_path_link(scratch, 0, "file", sub, "link"));
    linked = open_linked(sub, "link", 0);
    alike(file, linked);
    DO(__wasi_fd_close(linked));
    DO(__wasi_fd_close(file));
    DO(__wasi_path_unlink_file(sub, "link"));
    DO(__wasi_fd_close(sub));

    make_file(scratch, "link");
    FAILS(EXIST, __wasi_path_link(scratch, 0, "file", scratch, "link"));
    DO(__wasi_path_unlink_file(scratch, "link"));
    FAILS(EXIST, __wasi_path_link(scratch, 0, "file", scratch, "file"));
    FAILS(EXIST, __wasi_path_link(scratch, 0, "file", scratch, "sub"));
    FAILS(PERM, __wasi_path_link(scratch, 0, "sub", scratch, "link"));
    DO(__wasi_path_remove_directory(scratch, "sub"));
    FAILS(NOENT, __wasi_path_link(scratch, 0, "file", scratch, "link/"));
    DO(__wasi_path_unlink_file(scratch, "file"));
    remove_scratch(dir, scratch);
}

// Symbolic links get second names themselves: what they point to does not matter.
static void hard_link_to_link(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    make_file(scratch, "file");
    static const char *const targets[] = {"nowhere", "symlink"};
    for (int i = 0; i < 2; i++) {
        DO(__wasi_path_symlink(targets[i], scratch, "symlink"));
        DO(__wasi_path_link(scratch, 0, "symlink", scratch, "link"));
        IS(filestat_at(scratch, 0, "link").filetype, __WASI_FILETYPE_SYMBOLIC_LINK);
        DO(__wasi_path_unlink_file(scratch, "symlink"));
        DO(__wasi_path_unlink_file(scratch, "link"));
    }
    DO(__wasi_path_symlink("nowhere", scratch, "symlink"));
    FAILS(EXIST, __wasi_path_link(scratch, 0, "file", scratch, "symlink"));
    FAILS(INVAL, __wasi_path_link(scratch, FOLLOW, "symlink", scratch, "link"));
    DO(__wasi_path_unlink_file(scratch, "symlink"));
    DO(__wasi_path_unlink_file(scratch, "file"));
    remove_scratch(dir, scratch);
}

static void create_existing(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    make_file(scratch, "file");
    FAILS(EXIST, try_open(scratch, "file", CREAT | __WASI_OFLAGS_EXCL));
    DO(__wasi_path_unlink_file(scratch, "file"));
    remove_scratch(dir, scratch);
}

static void below_a_file(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t file = OPEN(scratch, "file", CREAT, NO_RIGHTS);
    FAILS(NOTDIR, try_open(file, "new", CREAT));
    DO(__wasi_fd_close(file));
    DO(__wasi_path_unlink_file(scratch, "file"));
    remove_scratch(dir, scratch);
}

static void missing(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    FAILS(NOENT, try_open(scratch, "file", 0));
    remove_scratch(dir, scratch);
}

static void directory_nonblocking(__wasi_fd_t dir) {
    __wasi_fd_t fd;
    DO(__wasi_path_open(dir, 0, ".", 0, 0, 0, __WASI_FDFLAGS_NONBLOCK, &fd));
    DO(__wasi_fd_close(fd));
}

// A granted directory has the rights that C libraries rely on, and can be opened again with all, some or none of them.
static void rights_of_grants(__wasi_fd_t dir) {
    (void)dir;
    __wasi_fd_t grant = granted(directory_name), fd;
    __wasi_fdstat_t stat = fdstat(grant);
    const __wasi_rights_t base = __WASI_RIGHTS_PATH_CREATE_DIRECTORY | __WASI_RIGHTS_PATH_CREATE_FILE |
                                 __WASI_RIGHTS_PATH_LINK_SOURCE | __WASI_RIGHTS_PATH_LINK_TARGET | __WASI_RIGHTS_PATH_OPEN |
                                 __WASI_RIGHTS_FD_READDIR | __WASI_RIGHTS_PATH_READLINK | __WASI_RIGHTS_PATH_RENAME_SOURCE |
                                 __WASI_RIGHTS_PATH_RENAME_TARGET | __WASI_RIGHTS_PATH_SYMLINK |
                                 __WASI_RIGHTS_PATH_REMOVE_DIRECTORY | __WASI_RIGHTS_PATH_UNLINK_FILE |
                                 __WASI_RIGHTS_PATH_FILESTAT_GET | __WASI_RIGHTS_PATH_FILESTAT_SET_TIMES |
                                 __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_FILESTAT_SET_TIMES;
    const __wasi_rights_t inheriting = base | READ_WRITE | __WASI_RIGHTS_FD_DATASYNC | __WASI_RIGHTS_FD_SEEK |
                                       __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS | __WASI_RIGHTS_FD_SYNC | __WASI_RIGHTS_FD_TELL |
                                       __WASI_RIGHTS_FD_ADVISE | __WASI_RIGHTS_FD_ALLOCATE |
                                       __WASI_RIGHTS_FD_FILESTAT_SET_SIZE | __WASI_RIGHTS_POLL_FD_READWRITE;
    IS(stat.fs_rights_base & base, base);
    IS(stat.fs_rights_inheriting & inheriting, inheriting);
    DO(__wasi_path_open(grant, 0, ".", 0, stat.fs_rights_base, stat.fs_rights_inheriting, 0, &fd));
    opens(grant, ".", 0);
    opens(grant, ".", DIRECTORY);
    DO(open_at(grant, ".", DIRECTORY, __WASI_RIGHTS_FD_READ, &fd));
    FAILS(ISDIR, open_at(grant, ".", DIRECTORY, READ_WRITE, &fd));
}

static void write_some(__wasi_fd_t fd, size_t length) {
    char bytes[50] = {0};
    __wasi_size_t count;
    DO(write_bytes(fd, bytes, length, &count));
    IS(count, length);
}

// What a file was opened for is what can be done with it.
static void opened_for(__wasi_fd_t dir) {
    const char *path = "file.cleanup";
    make_file(dir, path);
    char bytes[100];
    __wasi_size_t count;

    __wasi_fd_t fd = OPEN(dir, path, 0, __WASI_RIGHTS_FD_READ);
    IS(fdstat(fd).fs_rights_base & READ_WRITE, __WASI_RIGHTS_FD_READ);
    DO(read_bytes(fd, bytes, sizeof bytes, &count));
    IS(count, 0);
    FAILS(BADF, write_bytes(fd, bytes, 50, &count));
    DO(__wasi_fd_close(fd));

    fd = OPEN(dir, path, 0, __WASI_RIGHTS_FD_WRITE);
    IS(fdstat(fd).fs_rights_base & READ_WRITE, __WASI_RIGHTS_FD_WRITE);
    FAILS(BADF, read_bytes(fd, bytes, sizeof bytes, &count));
    write_some(fd, 50);
    DO(__wasi_fd_close(fd));

    fd = OPEN(dir, path, 0, READ_WRITE | __WASI_RIGHTS_FD_FILESTAT_GET);
    IS(fdstat(fd).fs_rights_base & READ_WRITE, READ_WRITE);
    DO(read_bytes(fd, bytes, sizeof bytes, &count));
    IS(count, 50);
    write_some(fd, 25);
    IS(filestat(fd).size, 75);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(dir, path));
}

static void renamed(__wasi_fd_t scratch, __wasi_oflags_t oflags) {
    DO(__wasi_path_rename(scratch, "from", scratch, "to"));
    FAILS(NOENT, try_open(scratch, "from", oflags));
    opens(scratch, "to", oflags);
}

// Onto nothing, onto an empty directory, onto a file; not onto a full directory, nor one kind onto the other.
static void rename_(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    DO(__wasi_path_create_directory(scratch, "from"));
    renamed(scratch, DIRECTORY);
    DO(__wasi_path_create_directory(scratch, "from"));
    renamed(scratch, DIRECTORY);

    make_file(scratch, "to/file");
    DO(__wasi_path_create_directory(scratch, "from"));
    FAILS(NOTEMPTY, __wasi_path_rename(scratch, "from", scratch, "to"));
    FAILS(NOTDIR, __wasi_path_rename(scratch, "from", scratch, "to/file"));
    DO(__wasi_path_unlink_file(scratch, "to/file"));
    DO(__wasi_path_remove_directory(scratch, "from"));
    DO(__wasi_path_remove_directory(scratch, "to"));

    make_file(scratch, "from");
    renamed(scratch, 0);
    make_file(scratch, "from");
    renamed(scratch, 0);
    DO(__wasi_path_unlink_file(scratch, "to"));

    make_file(scratch, "from");
    DO(__wasi_path_create_directory(scratch, "to"));
    FAILS(ISDIR, __wasi_path_rename(scratch, "from", scratch, "to"));
    DO(__wasi_path_remove_directory(scratch, "to"));
    DO(__wasi_path_unlink_file(scratch, "from"));
    remove_scratch(dir, scratch);
}

static void rename_with_slashes(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    DO(__wasi_path_create_directory(scratch, "from"));
    DO(__wasi_path_rename(scratch, "from/", scratch, "to"));
    DO(__wasi_path_rename(scratch, "to", scratch, "from/"));
    DO(__wasi_path_rename(scratch, "from/", scratch, "to/"));
    DO(__wasi_path_rename(scratch, "to", scratch, "from"));
    DO(__wasi_path_remove_directory(scratch, "from"));
    remove_scratch(dir, scratch);
}

static void symlink_with_slashes(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    FAILS(NOENT, __wasi_path_symlink("to", scratch, "link/"));
    DO(__wasi_path_symlink("to", scratch, "link"));
    DO(__wasi_path_unlink_file(scratch, "link"));
    DO(__wasi_path_create_directory(scratch, "link"));
    FAILS(EXIST, __wasi_path_symlink("to", scratch, "link/"));
    FAILS(EXIST, __wasi_path_symlink("to", scratch, "link"));
    DO(__wasi_path_remove_directory(scratch, "link"));
    make_file(scratch, "link");
    FAILS(NOTDIR, __wasi_path_symlink("to", scratch, "link/"));
    FAILS(EXIST, __wasi_path_symlink("to", scratch, "link"));
    DO(__wasi_path_unlink_file(scratch, "link"));
    remove_scratch(dir, scratch);
}

// A link's text comes whole, or cut to the room there is; room beyond it stays as it was.
static void readlink_(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    make_file(scratch, "target");
    DO(__wasi_path_symlink("target", scratch, "link"));
    char text[10] = {0};
    __wasi_size_t length;
    DO(__wasi_path_readlink(scratch, "link", (uint8_t *)text, sizeof text, &length));
    IS(length, 6);
    HOLDS(!memcmp(text, "target\0\0\0\0", 10));
    memset(text, '?', sizeof text);
    DO(__wasi_path_readlink(scratch, "link", (uint8_t *)text, 4, &length));
    IS(length, 4);
    HOLDS(!memcmp(text, "targ??????", 10));
    DO(__wasi_path_unlink_file(scratch, "target"));
    DO(__wasi_path_unlink_file(scratch, "link"));
    remove_scratch(dir, scratch);
}

static void remove_with_slashes(__wasi_fd_t dir) {
    DO(__wasi_path_create_directory(dir, "dir.cleanup"));
    DO(__wasi_path_remove_directory(dir, "dir.cleanup"));
    DO(__wasi_path_create_directory(dir, "dir.cleanup"));
    DO(__wasi_path_remove_directory(dir, "dir.cleanup/"));
    make_file(dir, "file.cleanup");
    FAILS(NOTDIR, __wasi_path_remove_directory(dir, "file.cleanup"));
    FAILS(NOTDIR, __wasi_path_remove_directory(dir, "file.cleanup/"));
    DO(__wasi_path_unlink_file(dir, "file.cleanup"));
}

static void unlink_with_slashes(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    DO(__wasi_path_create_directory(scratch, "sub"));
    FAILS(ISDIR, __wasi_path_unlink_file(scratch, "sub"));
    FAILS(ISDIR, __wasi_path_unlink_file(scratch, "sub/"));
    DO(__wasi_path_remove_directory(scratch, "sub"));
    make_file(scratch, "file");
    FAILS(NOTDIR, __wasi_path_unlink_file(scratch, "file/"));
    DO(__wasi_path_unlink_file(scratch, "file"));
    remove_scratch(dir, scratch);
}

static void remove_full_directory(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    DO(__wasi_path_create_directory(scratch, "a"));
    DO(__wasi_path_create_directory(scratch, "a/b"));
    FAILS(NOTEMPTY, __wasi_path_remove_directory(scratch, "a"));
    DO(__wasi_path_remove_directory(scratch, "a/b"));
    DO(__wasi_path_remove_directory(scratch, "a"));
    remove_scratch(dir, scratch);
}

static void symlink_(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    make_file(scratch, "to");
    DO(__wasi_path_symlink("to", scratch, "link"));
    DO(try_follow(scratch, "link", 0));
    DO(__wasi_path_unlink_file(scratch, "link"));
    DO(__wasi_path_unlink_file(scratch, "to"));
    DO(__wasi_path_create_directory(scratch, "to"));
    DO(__wasi_path_symlink("to", scratch, "link"));
    DO(try_follow(scratch, "link", DIRECTORY));
    DO(__wasi_path_unlink_file(scratch, "link"));
    DO(__wasi_path_remove_directory(scratch, "to"));
    FAILS(PERM, __wasi_path_symlink("/", scratch, "link"));
    remove_scratch(dir, scratch);
}

// Cutting a file by path needs a right of the directory, not that of the file.
static void truncate_by_path(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    make_file(scratch, "file");
    __wasi_fdstat_t stat = fdstat(scratch);
    IS(stat.fs_filetype, __WASI_FILETYPE_DIRECTORY);
    IS(stat.fs_flags, 0);
    IS(stat.fs_rights_base & __WASI_RIGHTS_FD_FILESTAT_SET_SIZE, 0);
    HOLDS(stat.fs_rights_base & __WASI_RIGHTS_PATH_FILESTAT_SET_SIZE);
    opens(scratch, "file", __WASI_OFLAGS_TRUNC);
    __wasi_rights_t inheriting = stat.fs_rights_inheriting & ~__WASI_RIGHTS_FD_FILESTAT_SET_SIZE;
    DO(__wasi_fd_fdstat_set_rights(scratch, stat.fs_rights_base, inheriting));
    opens(scratch, "file", __WASI_OFLAGS_TRUNC);
    DO(__wasi_fd_fdstat_set_rights(scratch, stat.fs_rights_base & ~__WASI_RIGHTS_PATH_FILESTAT_SET_SIZE, inheriting));
    IS(fdstat(scratch).fs_rights_base & __WASI_RIGHTS_PATH_FILESTAT_SET_SIZE, 0);
    FAILS(PERM, try_open(scratch, "file", __WASI_OFLAGS_TRUNC));
    DO(__wasi_path_unlink_file(scratch, "file"));
    remove_scratch(dir, scratch);
}

// TRUNC empties a file that is opened for reading too.
static void truncate_when_opened(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t fd = OPEN(scratch, "text", CREAT, __WASI_RIGHTS_FD_WRITE);
    write_some(fd, 31);
    DO(__wasi_fd_close(fd));
    fd = OPEN(scratch, "text", CREAT | __WASI_OFLAGS_TRUNC, READ_WRITE);
    char bytes[100];
    __wasi_size_t count;
    DO(read_bytes(fd, bytes, sizeof bytes, &count));
    IS(count, 0);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(scratch, "text"));
    remove_scratch(dir, scratch);
}

static const Situation situations[] = {
    {"removed_and_made_again", removed_and_made_again},
    {"dangling_link", dangling_link},
    {"link_loop", link_loop},
    {"link_not_followed", link_not_followed},
    {"odd_paths", odd_paths},
    {"kinds", kinds},
    {"flags_and_times", flags_and_times},
    {"times_of_links", times_of_links},
    {"hard_link", hard_link},
    {"hard_link_to_link", hard_link_to_link},
    {"create_existing", create_existing},
    {"below_a_file", below_a_file},
    {"missing", missing},
    {"directory_nonblocking", directory_nonblocking},
    {"rights_of_grants", rights_of_grants},
    {"opened_for", opened_for},
    {"rename", rename_},
    {"rename_with_slashes", rename_with_slashes},
    {"symlink", symlink_},
    {"symlink_with_slashes", symlink_with_slashes},
    {"readlink", readlink_},
    {"remove_with_slashes", remove_with_slashes},
    {"remove_full_directory", remove_full_directory},
    {"unlink_with_slashes", unlink_with_slashes},
    {"truncate_by_path", truncate_by_path},
    {"truncate_when_opened", truncate_when_opened},
};

int main(int argc, char **argv) {
    return PLAY(situations, argc, argv, true);
}
