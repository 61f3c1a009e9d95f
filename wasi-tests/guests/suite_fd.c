// The situations of the official Preview 1 suite that concern open descriptors. Where it allows several errnos, this
// asks for the one that Linux programs expect.
#include "suite.h"
#include <unistd.h>

// Closing a granted directory leaves one opened through it open.
static void close_granted(__wasi_fd_t dir) {
    __wasi_fd_t grant = granted(directory_name);
    DO(__wasi_fd_close(grant));
    IS(fdstat(dir).fs_filetype, __WASI_FILETYPE_DIRECTORY);
    __wasi_fdstat_t stat;
    FAILS(BADF, __wasi_fd_fdstat_get(grant, &stat));
}

// A directory takes the number of a granted one.
static void renumber_onto_granted(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir), grant = granted(directory_name);
    __wasi_filestat_t before = filestat(scratch);
    DO(__wasi_fd_renumber(scratch, grant));
    __wasi_filestat_t after = filestat(grant);
    HOLDS(before.dev == after.dev && before.ino == after.ino);
    __wasi_fdstat_t stat;
    FAILS(BADF, __wasi_fd_fdstat_get(scratch, &stat));
    DO(__wasi_fd_close(grant));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// A file takes the number of another one, with all that its descriptor is.
static void renumber(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t from = OPEN(scratch, "from", __WASI_OFLAGS_CREAT, READ_WRITE);
    __wasi_fdstat_t before = fdstat(from);
    __wasi_fd_t to = OPEN(scratch, "to", __WASI_OFLAGS_CREAT, READ_WRITE);
    DO(__wasi_fd_renumber(from, to));
    FAILS(BADF, __wasi_fd_close(from));
    __wasi_fdstat_t after = fdstat(to);
    IS(after.fs_filetype, before.fs_filetype);
    IS(after.fs_flags, before.fs_flags);
    IS(after.fs_rights_base, before.fs_rights_base);
    IS(after.fs_rights_inheriting, before.fs_rights_inheriting);
    FAILS(BADF, __wasi_fd_renumber(to, from));
    DO(__wasi_fd_close(to));
    DO(__wasi_path_unlink_file(scratch, "from"));
    DO(__wasi_path_unlink_file(scratch, "to"));
    DO(__wasi_fd_close(scratch));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// Each standard stream takes the number of an open file. The next file gets the number that this leaves free.
static void renumber_streams(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    for (__wasi_fd_t stream = 0; stream <= 2; stream++) {
        __wasi_fd_t to;
        DO(open_at(scratch, "file", __WASI_OFLAGS_CREAT, NO_RIGHTS, &to));
        DO(__wasi_fd_renumber(stream, to));
        __wasi_fdstat_t stat = fdstat(to);
        FAILS(BADF, __wasi_fd_fdstat_get(stream, &stat));
        DO(__wasi_path_unlink_file(scratch, "file"));
    }
    DO(__wasi_fd_close(scratch));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// What is for files fails on a directory.
static void directory_is_no_file(__wasi_fd_t dir) {
    IS(filestat(dir).filetype, __WASI_FILETYPE_DIRECTORY);
    __wasi_fd_t grant = granted(directory_name);
    uint8_t name[256];
    memset(name, '?', sizeof name);
    FAILS(NAMETOOLONG, __wasi_fd_prestat_dir_name(grant, name, 0));
    IS(name[0], '?');
    size_t length = strlen(directory_name);
    DO(__wasi_fd_prestat_dir_name(grant, name, length + 1));
    HOLDS(!memcmp(name, directory_name, length));

    uint8_t bytes[128] = {0};
    __wasi_size_t count;
    __wasi_filesize_t at;
    __wasi_iovec_t into = {bytes, sizeof bytes};
    __wasi_ciovec_t from = {bytes, sizeof bytes};
    FAILS(ISDIR, __wasi_fd_read(dir, &into, 1, &count));
    FAILS(ISDIR, __wasi_fd_pread(dir, &into, 1, 0, &count));
    FAILS(ISDIR, __wasi_fd_write(dir, &from, 1, &count));
    FAILS(ISDIR, __wasi_fd_pwrite(dir, &from, 1, 0, &count));
    FAILS(ISDIR, __wasi_fd_seek(dir, 0, __WASI_WHENCE_SET, &at));
    FAILS(ISDIR, __wasi_fd_seek(dir, 0, __WASI_WHENCE_CUR, &at));
    FAILS(ISDIR, __wasi_fd_seek(dir, 0, __WASI_WHENCE_END, &at));
    FAILS(ISDIR, __wasi_fd_tell(dir, &at));
    FAILS(ISDIR, __wasi_fd_allocate(dir, 0, 1));
    FAILS(ISDIR, __wasi_fd_filestat_set_size(dir, 0));
}

// A directory does not get the right to seek, even if it is asked for.
static void directory_has_no_seek(__wasi_fd_t dir) {
    DO(__wasi_path_create_directory(dir, SCRATCH));
    __wasi_fd_t fd = OPEN(dir, SCRATCH, __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_SEEK);
    __wasi_filesize_t at;
    FAILS(ISDIR, __wasi_fd_seek(fd, 0, __WASI_WHENCE_CUR, &at));
    __wasi_fdstat_t stat = fdstat(fd);
    IS(stat.fs_filetype, __WASI_FILETYPE_DIRECTORY);
    IS(stat.fs_rights_base & __WASI_RIGHTS_FD_SEEK, 0);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// Advice changes nothing that can be seen.
static void advise(__wasi_fd_t dir) {
    __wasi_fd_t fd = OPEN(dir, "advise.cleanup", __WASI_OFLAGS_CREAT,
                          READ_WRITE | __WASI_RIGHTS_FD_ADVISE | __WASI_RIGHTS_FD_FILESTAT_GET |
                              __WASI_RIGHTS_FD_FILESTAT_SET_SIZE | __WASI_RIGHTS_FD_ALLOCATE);
    IS(filestat(fd).size, 0);
    DO(__wasi_fd_filestat_set_size(fd, 100));
    IS(filestat(fd).size, 100);
    for (__wasi_advice_t advice = __WASI_ADVICE_NORMAL; advice <= __WASI_ADVICE_NOREUSE; advice++)
        DO(__wasi_fd_advise(fd, 10, 50, advice));
    IS(filestat(fd).size, 100);
    DO(__wasi_fd_allocate(fd, 100, 100));
    IS(filestat(fd).size, 200);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(dir, "advise.cleanup"));
}

// Allocating makes a file longer, never shorter.
static void allocate(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t fd = OPEN(scratch, "file", __WASI_OFLAGS_CREAT,
                          READ_WRITE | __WASI_RIGHTS_FD_ALLOCATE | __WASI_RIGHTS_FD_FILESTAT_GET);
    IS(filestat(fd).size, 0);
    DO(__wasi_fd_allocate(fd, 0, 100));
    IS(filestat(fd).size, 100);
    DO(__wasi_fd_allocate(fd, 10, 10));
    IS(filestat(fd).size, 100);
    DO(__wasi_fd_allocate(fd, 90, 20));
    IS(filestat(fd).size, 110);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(scratch, "file"));
    DO(__wasi_fd_close(scratch));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// Rights that are given up are gone, and cannot be had back.
static void set_rights(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_rights_t rights = READ_WRITE | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL;
    __wasi_fd_t fd = OPEN(scratch, "file.cleanup", __WASI_OFLAGS_CREAT, rights);
    __wasi_fdstat_t stat = fdstat(fd);
    DO(__wasi_fd_fdstat_set_rights(fd, stat.fs_rights_base, stat.fs_rights_inheriting));
    char bytes[4] = {0, 1, 2, 3}, back[4] = {9, 9, 9, 9};
    __wasi_size_t count;
    __wasi_filesize_t at;
    DO(write_bytes(fd, bytes, 4, &count));
    DO(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
    DO(read_bytes(fd, back, 4, &count));
    IS(count, 4);
    HOLDS(!memcmp(bytes, back, 4));
    DO(__wasi_fd_fdstat_set_rights(fd, stat.fs_rights_base & ~READ_WRITE, stat.fs_rights_inheriting));
    stat = fdstat(fd);
    IS(stat.fs_rights_base & READ_WRITE, 0);
    HOLDS(stat.fs_rights_base & __WASI_RIGHTS_FD_SEEK);
    FAILS(BADF, read_bytes(fd, back, 4, &count));
    FAILS(BADF, write_bytes(fd, bytes, 4, &count));
    FAILS(NOTCAPABLE, __wasi_fd_fdstat_set_rights(fd, stat.fs_rights_base | rights, stat.fs_rights_inheriting | rights));
    IS(fdstat(fd).fs_rights_base, stat.fs_rights_base);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(scratch, "file.cleanup"));
    DO(__wasi_fd_close(scratch));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// Size and time of modification are set, and the time of access stays.
static void set_size_and_times(__wasi_fd_t dir) {
    __wasi_fd_t fd = OPEN(dir, "times.cleanup", __WASI_OFLAGS_CREAT,
                          READ_WRITE | __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE |
                              __WASI_RIGHTS_FD_FILESTAT_SET_TIMES);
    IS(filestat(fd).size, 0);
    DO(__wasi_fd_filestat_set_size(fd, 100));
    __wasi_filestat_t before = filestat(fd);
    IS(before.size, 100);
    __wasi_timestamp_t time = before.mtim - 100;
    DO(__wasi_fd_filestat_set_times(fd, time, time, __WASI_FSTFLAGS_MTIM));
    __wasi_filestat_t after = filestat(fd);
    IS(after.size, 100);
    IS(after.mtim, time);
    IS(after.atim, before.atim);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(dir, "times.cleanup"));
}

// A time cannot be both given and now.
static void times_given_twice(__wasi_fd_t dir) {
    __wasi_fd_t fd = OPEN(dir, "twice.cleanup", __WASI_OFLAGS_CREAT,
                          __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_FILESTAT_SET_TIMES);
    FAILS(INVAL, __wasi_fd_filestat_set_times(fd, 100, 200, __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW));
    FAILS(INVAL, __wasi_fd_filestat_set_times(fd, 100, 200, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW));
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(dir, "twice.cleanup"));
}

static void write_hundred(__wasi_fd_t fd, uint8_t value) {
    uint8_t bytes[100];
    memset(bytes, value, sizeof bytes);
    __wasi_size_t count;
    DO(write_bytes(fd, bytes, sizeof bytes, &count));
    IS(count, 100);
}

static void read_hundred(__wasi_fd_t fd, uint8_t value) {
    uint8_t bytes[100];
    __wasi_size_t count;
    DO(read_bytes(fd, bytes, sizeof bytes, &count));
    IS(count, 100);
    for (int i = 0; i < 100; i++) IS(bytes[i], value);
}

// With APPEND each write goes to the end, wherever the position is; without it, no longer.
static void append_and_not(__wasi_fd_t dir) {
    __wasi_fd_t fd;
    __wasi_filesize_t at;
    DO(__wasi_path_open(dir, 0, "append.cleanup", __WASI_OFLAGS_CREAT,
                        READ_WRITE | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL | __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS, 0,
                        __WASI_FDFLAGS_APPEND, &fd));
    write_hundred(fd, 0);
    DO(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
    read_hundred(fd, 0);
    DO(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
    write_hundred(fd, 1);
    DO(__wasi_fd_seek(fd, 100, __WASI_WHENCE_SET, &at));
    read_hundred(fd, 1);
    DO(__wasi_fd_fdstat_set_flags(fd, 0));
    DO(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
    write_hundred(fd, 2);
    DO(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
    read_hundred(fd, 2);
    DO(__wasi_fd_close(fd));
    IS(filestat_at(dir, 0, "append.cleanup").size, 200);
    DO(__wasi_path_unlink_file(dir, "append.cleanup"));
}

// One page of a directory's entries; calls `see` for each that is whole. Returns whether it was the last page.
static bool read_page(__wasi_fd_t dir, __wasi_dircookie_t from, void (*see)(const __wasi_dirent_t *, const char *)) {
    uint8_t page[256];
    __wasi_size_t used;
    DO(__wasi_fd_readdir(dir, page, sizeof page, from, &used));
    HOLDS(used <= sizeof page);
    for (size_t at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
        __wasi_dirent_t head;
        memcpy(&head, page + at, sizeof head);
        at += sizeof head;
        if (at + head.d_namlen > used) break;
        char name[256] = {0};
        memcpy(name, page + at, head.d_namlen);
        at += head.d_namlen;
        see(&head, name);
    }
    return used < sizeof page;
}

static struct {
    int entries;
    __wasi_dirent_t heads[4];
    char names[4][8];
    __wasi_dircookie_t next;
} seen;

static void keep(const __wasi_dirent_t *head, const char *name) {
    if (seen.entries < 4) {
        seen.heads[seen.entries] = *head;
        strncpy(seen.names[seen.entries], name, 7);
    }
    seen.entries++;
    seen.next = head->d_next;
}

static const __wasi_dirent_t *kept(const char *name) {
    for (int i = 0; i < seen.entries && i < 4; i++)
        if (!strcmp(seen.names[i], name)) return &seen.heads[i];
    broken(__LINE__, name, -1);
}

// A directory lists itself, its parent and what is in it, with the inodes that a look at each gives; a cookie goes on
// after its entry; a thousand entries come in many pages, each entry once.
static void readdir(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    HOLDS(read_page(scratch, 0, keep));
    IS(seen.entries, 2);
    IS(kept(".")->d_type, __WASI_FILETYPE_DIRECTORY);
    IS(kept(".")->d_ino, filestat(scratch).ino);
    IS(kept(".")->d_namlen, 1);
    IS(kept("..")->d_type, __WASI_FILETYPE_DIRECTORY);

    __wasi_fd_t fd = OPEN(scratch, "file", __WASI_OFLAGS_CREAT, READ_WRITE | __WASI_RIGHTS_FD_FILESTAT_GET);
    __wasi_inode_t inode = filestat(fd).ino;
    DO(__wasi_fd_close(fd));
    memset(&seen, 0, sizeof seen);
    HOLDS(read_page(scratch, 0, keep));
    IS(seen.entries, 3);
    kept("."), kept("..");
    IS(kept("file")->d_type, __WASI_FILETYPE_REGULAR_FILE);
    IS(kept("file")->d_ino, inode);
    char last[8];
    memcpy(last, seen.names[2], sizeof last);
    __wasi_dircookie_t before_last = seen.heads[1].d_next;
    memset(&seen, 0, sizeof seen);
    HOLDS(read_page(scratch, before_last, keep));
    IS(seen.entries, 1);
    HOLDS(!strcmp(seen.names[0], last));
    DO(__wasi_path_unlink_file(scratch, "file"));

    char name[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "file.%d", i);
        make_file(scratch, name);
    }
    memset(&seen, 0, sizeof seen);
    while (!read_page(scratch, seen.next, keep)) {}
    IS(seen.entries, 1002);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "file.%d", i);
        DO(__wasi_path_unlink_file(scratch, name));
    }
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

static void pread_is(__wasi_fd_t fd, __wasi_filesize_t at, const char *expected, size_t length) {
    uint8_t bytes[4];
    __wasi_iovec_t halves[2] = {{bytes, 2}, {bytes + 2, 2}};
    __wasi_size_t count;
    DO(__wasi_fd_pread(fd, halves, 2, at, &count));
    IS(count, length);
    HOLDS(!memcmp(bytes, expected, length));
    memset(bytes, 9, sizeof bytes);
    __wasi_iovec_t whole = {bytes, 4};
    DO(__wasi_fd_pread(fd, &whole, 1, at, &count));
    IS(count, length);
    HOLDS(!memcmp(bytes, expected, length));
}

// Reads and writes at a place, in one piece and in several.
static void pread_pwrite(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t fd = OPEN(scratch, "file", __WASI_OFLAGS_CREAT, READ_WRITE | __WASI_RIGHTS_FD_SEEK);
    const uint8_t bytes[] = {0, 1, 2, 3};
    __wasi_ciovec_t whole = {bytes, 4}, halves[2] = {{bytes, 2}, {bytes + 2, 2}}, end = {bytes, 2};
    __wasi_size_t count;
    DO(__wasi_fd_pwrite(fd, &whole, 1, 0, &count));
    IS(count, 4);
    pread_is(fd, 0, "\0\1\2\3", 4);
    DO(__wasi_fd_pwrite(fd, halves, 2, 0, &count));
    IS(count, 4);
    pread_is(fd, 0, "\0\1\2\3", 4);
    pread_is(fd, 2, "\2\3", 2);
    pread_is(fd, 4, "", 0);
    DO(__wasi_fd_pwrite(fd, &end, 1, 2, &count));
    IS(count, 2);
    pread_is(fd, 0, "\0\1\0\1", 4);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(scratch, "file"));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// The position moves with reads and writes, beyond the end as well, never before the beginning.
static void seek_tell(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t fd = OPEN(scratch, "file", __WASI_OFLAGS_CREAT, READ_WRITE | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL);
    __wasi_filesize_t at;
    DO(__wasi_fd_tell(fd, &at));
    IS(at, 0);
    write_hundred(fd, 0);
    DO(__wasi_fd_tell(fd, &at));
    IS(at, 100);
    DO(__wasi_fd_seek(fd, -50, __WASI_WHENCE_CUR, &at));
    IS(at, 50);
    DO(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
    IS(at, 0);
    DO(__wasi_fd_seek(fd, 1000, __WASI_WHENCE_CUR, &at));
    FAILS(INVAL, __wasi_fd_seek(fd, -2000, __WASI_WHENCE_CUR, &at));
    DO(__wasi_fd_seek(fd, 0, __WASI_WHENCE_SET, &at));
    read_hundred(fd, 0);
    DO(__wasi_fd_tell(fd, &at));
    IS(at, 100);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(scratch, "file"));
    DO(__wasi_fd_close(scratch));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// What one descriptor writes another one reads at once.
static void writes_are_seen_at_once(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t reader = OPEN(scratch, "file", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_READ);
    __wasi_fd_t writer = OPEN(scratch, "file", 0, __WASI_RIGHTS_FD_WRITE);
    char byte = 1, back = 0;
    __wasi_size_t count;
    DO(write_bytes(writer, &byte, 1, &count));
    IS(count, 1);
    DO(read_bytes(reader, &back, 1, &count));
    IS(count, 1);
    IS(back, 1);
    DO(__wasi_fd_close(writer));
    DO(__wasi_fd_close(reader));
    DO(__wasi_path_unlink_file(scratch, "file"));
    DO(__wasi_fd_close(scratch));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

// A file is no terminal, whatever its rights are.
static void file_is_no_terminal(__wasi_fd_t dir) {
    __wasi_fd_t scratch = scratch_in(dir);
    __wasi_fd_t fd = OPEN(scratch, "file", __WASI_OFLAGS_CREAT, NO_RIGHTS);
    IS(isatty(fd), 0);
    DO(__wasi_fd_close(fd));
    DO(__wasi_path_unlink_file(scratch, "file"));
    DO(__wasi_fd_close(scratch));
    DO(__wasi_path_remove_directory(dir, SCRATCH));
}

static const Situation situations[] = {
    {"close_granted", close_granted},
    {"renumber_onto_granted", renumber_onto_granted},
    {"renumber", renumber},
    {"renumber_streams", renumber_streams},
    {"directory_is_no_file", directory_is_no_file},
    {"directory_has_no_seek", directory_has_no_seek},
    {"advise", advise},
    {"allocate", allocate},
    {"set_rights", set_rights},
    {"set_size_and_times", set_size_and_times},
    {"times_given_twice", times_given_twice},
    {"append_and_not", append_and_not},
    {"readdir", readdir},
    {"pread_pwrite", pread_pwrite},
    {"seek_tell", seek_tell},
    {"writes_are_seen_at_once", writes_are_seen_at_once},
    {"file_is_no_terminal", file_is_no_terminal},
};

int main(int argc, char **argv) {
    return PLAY(situations, argc, argv, true);
}
