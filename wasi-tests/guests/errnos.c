// Provokes errnos, and prints `FUNCTION ERRNO` for each that came as expected; what did not goes to standard error.
//
// Granted: 3 a directory with `file`, `sub/inner`, `empty`, the links `link` (to `file`) and `loop` (to itself) and the
// pipe `fifo`; 4 a read-only one with `file`; 5 the host's /dev; 6 a listener on which a connection waits, 7 one on which
// none does. Standard input is given, both outputs are captured, and 64 descriptors may be open.
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

// The functions as the host has them: wasi-libc's measure paths themselves and take no bad pointers.
#define IMPORT(name, ...) \
    extern int32_t name(__VA_ARGS__) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))
typedef const void *In;
typedef void *Out;
IMPORT(args_get, Out, Out);
IMPORT(args_sizes_get, Out, Out);
IMPORT(environ_get, Out, Out);
IMPORT(environ_sizes_get, Out, Out);
IMPORT(clock_res_get, int32_t, Out);
IMPORT(clock_time_get, int32_t, int64_t, Out);
IMPORT(fd_advise, int32_t, int64_t, int64_t, int32_t);
IMPORT(fd_allocate, int32_t, int64_t, int64_t);
IMPORT(fd_close, int32_t);
IMPORT(fd_datasync, int32_t);
IMPORT(fd_fdstat_get, int32_t, Out);
IMPORT(fd_fdstat_set_flags, int32_t, int32_t);
IMPORT(fd_fdstat_set_rights, int32_t, int64_t, int64_t);
IMPORT(fd_filestat_get, int32_t, Out);
IMPORT(fd_filestat_set_size, int32_t, int64_t);
IMPORT(fd_filestat_set_times, int32_t, int64_t, int64_t, int32_t);
IMPORT(fd_pread, int32_t, In, int32_t, int64_t, Out);
IMPORT(fd_prestat_get, int32_t, Out);
IMPORT(fd_prestat_dir_name, int32_t, Out, int32_t);
IMPORT(fd_pwrite, int32_t, In, int32_t, int64_t, Out);
IMPORT(fd_read, int32_t, In, int32_t, Out);
IMPORT(fd_readdir, int32_t, Out, int32_t, int64_t, Out);
IMPORT(fd_renumber, int32_t, int32_t);
IMPORT(fd_seek, int32_t, int64_t, int32_t, Out);
IMPORT(fd_sync, int32_t);
IMPORT(fd_tell, int32_t, Out);
IMPORT(fd_write, int32_t, In, int32_t, Out);
IMPORT(path_create_directory, int32_t, In, int32_t);
IMPORT(path_filestat_get, int32_t, int32_t, In, int32_t, Out);
IMPORT(path_filestat_set_times, int32_t, int32_t, In, int32_t, int64_t, int64_t, int32_t);
IMPORT(path_link, int32_t, int32_t, In, int32_t, int32_t, In, int32_t);
IMPORT(path_open, int32_t, int32_t, In, int32_t, int32_t, int64_t, int64_t, int32_t, Out);
IMPORT(path_readlink, int32_t, In, int32_t, Out, int32_t, Out);
IMPORT(path_remove_directory, int32_t, In, int32_t);
IMPORT(path_rename, int32_t, In, int32_t, int32_t, In, int32_t);
IMPORT(path_symlink, In, int32_t, int32_t, In, int32_t);
IMPORT(path_unlink_file, int32_t, In, int32_t);
IMPORT(poll_oneoff, In, Out, int32_t, Out);
IMPORT(random_get, Out, int32_t);
IMPORT(sock_accept, int32_t, int32_t, Out);
IMPORT(sock_recv, int32_t, In, int32_t, int32_t, Out, Out);
IMPORT(sock_send, int32_t, In, int32_t, int32_t, Out);
IMPORT(sock_shutdown, int32_t, int32_t);

#define ERRNOS(X)                                                                                                        \
    X(SUCCESS) X(AGAIN) X(BADF) X(EXIST) X(FAULT) X(ILSEQ) X(INVAL) X(ISDIR) X(LOOP) X(MFILE) X(NAMETOOLONG) X(NOENT)     \
    X(NOSPC) X(NOTCONN) X(NOTDIR) X(NOTEMPTY) X(NOTSOCK) X(NOTSUP) X(NXIO) X(PERM) X(PIPE) X(ROFS) X(SPIPE) X(NOTCAPABLE)

static const char *name_of(int errno_) {
    switch (errno_) {
#define NAME(errno_) \
    case __WASI_ERRNO_##errno_: return #errno_;
        ERRNOS(NAME)
    }
    return "?";
}

static void check(int line, const char *function, int expected, int got) {
    if (got == expected) printf("%s %s\n", function, name_of(expected));
    else fprintf(stderr, "line %d: %s: %s expected, %d (%s) came\n", line, function, name_of(expected), got, name_of(got));
}

#define TRY(errno_, function, ...) check(__LINE__, #function, __WASI_ERRNO_##errno_, function(__VA_ARGS__))
#define DO(call)                                                                                          \
    do {                                                                                                  \
        int errno_ = (call);                                                                              \
        if (errno_) fprintf(stderr, "line %d: %s: %d (%s)\n", __LINE__, #call, errno_, name_of(errno_));  \
    } while (0)
#define PATH(text) text, sizeof(text) - 1
#define READ_WRITE (__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE)
#define ALL (~(int64_t)0)

enum { DIR = 3, READ_ONLY, DEVICES, LISTENER, SILENT, CLOSED = 99 };
#define NOWHERE ((void *)0xffffff00)

static char bytes[1 << 16], name[5000];
static __wasi_iovec_t some = {(uint8_t *)bytes, 16}, nowhere = {NOWHERE, 16};
static int32_t number, number2;
static int64_t number64;
static __wasi_filestat_t stat;
static __wasi_fdstat_t fdstat;

static int open_as(int dir, const char *path, int oflags, int64_t rights, int flags) {
    int fd = -1;
    DO(path_open(dir, 0, path, strlen(path), oflags, rights, ALL, flags, &fd));
    return fd;
}

// A descriptor of the file without rights.
static int without_rights(void) {
    int fd = open_as(DIR, "file", 0, READ_WRITE, 0);
    DO(fd_fdstat_set_rights(fd, 0, 0));
    return fd;
}

static void badf(void) {
    TRY(BADF, fd_advise, CLOSED, 0, 0, 0);
    TRY(BADF, fd_allocate, CLOSED, 0, 1);
    TRY(BADF, fd_close, CLOSED);
    TRY(BADF, fd_datasync, CLOSED);
    TRY(BADF, fd_fdstat_get, CLOSED, &fdstat);
    TRY(BADF, fd_fdstat_set_flags, CLOSED, 0);
    TRY(BADF, fd_fdstat_set_rights, CLOSED, 0, 0);
    TRY(BADF, fd_filestat_get, CLOSED, &stat);
    TRY(BADF, fd_filestat_set_size, CLOSED, 0);
    TRY(BADF, fd_filestat_set_times, CLOSED, 0, 0, 0);
    TRY(BADF, fd_pread, CLOSED, &some, 1, 0, &number);
    TRY(BADF, fd_prestat_get, CLOSED, bytes);
    TRY(BADF, fd_prestat_dir_name, CLOSED, bytes, 10);
    TRY(BADF, fd_pwrite, CLOSED, &some, 1, 0, &number);
    TRY(BADF, fd_read, CLOSED, &some, 1, &number);
    TRY(BADF, fd_readdir, CLOSED, bytes, 100, 0, &number);
    TRY(BADF, fd_renumber, CLOSED, DIR);
    TRY(BADF, fd_renumber, DIR, CLOSED);
    TRY(BADF, fd_seek, CLOSED, 0, 0, &number64);
    TRY(BADF, fd_sync, CLOSED);
    TRY(BADF, fd_tell, CLOSED, &number64);
    TRY(BADF, fd_write, CLOSED, &some, 1, &number);
    TRY(BADF, sock_accept, CLOSED, 0, &number);
    TRY(BADF, sock_recv, CLOSED, &some, 1, 0, &number, &number2);
    TRY(BADF, sock_send, CLOSED, &some, 1, 0, &number);
    TRY(BADF, sock_shutdown, CLOSED, __WASI_SDFLAGS_WR);
}

static void fault(void) {
    int fd = open_as(DIR, "file", 0, ALL & ~__WASI_RIGHTS_FD_READDIR, 0);
    TRY(FAULT, args_get, NOWHERE, bytes);
    TRY(FAULT, args_sizes_get, NOWHERE, &number);
    TRY(FAULT, environ_get, NOWHERE, bytes);
    TRY(FAULT, environ_sizes_get, &number, NOWHERE);
    TRY(FAULT, clock_res_get, 0, NOWHERE);
    TRY(FAULT, clock_time_get, 0, 0, NOWHERE);
    TRY(FAULT, fd_fdstat_get, fd, NOWHERE);
    TRY(FAULT, fd_filestat_get, fd, NOWHERE);
    TRY(FAULT, fd_pread, fd, &nowhere, 1, 0, &number);
    TRY(FAULT, fd_prestat_get, DIR, NOWHERE);
    TRY(FAULT, fd_prestat_dir_name, DIR, NOWHERE, 1000);
    TRY(FAULT, fd_pwrite, fd, &nowhere, 1, 0, &number);
    TRY(FAULT, fd_read, fd, &some, 1, NOWHERE);
    TRY(FAULT, fd_readdir, DIR, NOWHERE, 1000, 0, &number);
    TRY(FAULT, fd_seek, fd, 0, 0, NOWHERE);
    TRY(FAULT, fd_tell, fd, NOWHERE);
    TRY(FAULT, fd_write, fd, NOWHERE, 100, &number);
    TRY(FAULT, path_filestat_get, DIR, 0, PATH("file"), NOWHERE);
    TRY(FAULT, path_open, DIR, 0, PATH("file"), 0, 0, 0, 0, NOWHERE);
    TRY(FAULT, path_readlink, DIR, PATH("link"), NOWHERE, 1000, &number);
    TRY(FAULT, poll_oneoff, NOWHERE, bytes, 10, &number);
    TRY(FAULT, random_get, NOWHERE, 1000);
    TRY(FAULT, sock_accept, SILENT, 0, NOWHERE);
    DO(fd_close(fd));
}

// Every function with a path, on the directory `dir`, with the path and length that follow. Rename and link have two.
#define WITH_EACH_PATH_FUNCTION(errno_, dir, ...)                                         \
    TRY(errno_, path_create_directory, dir, __VA_ARGS__);                                \
    TRY(errno_, path_filestat_get, dir, 0, __VA_ARGS__, &stat);                          \
    TRY(errno_, path_filestat_set_times, dir, 0, __VA_ARGS__, 0, 0, 0);                  \
    TRY(errno_, path_link, dir, 0, __VA_ARGS__, DIR, PATH("new"));                       \
    TRY(errno_, path_link, DIR, 0, PATH("file"), dir, __VA_ARGS__);                      \
    TRY(errno_, path_open, dir, 0, __VA_ARGS__, 0, 0, 0, 0, &number);                    \
    TRY(errno_, path_readlink, dir, __VA_ARGS__, bytes, 10, &number);                    \
    TRY(errno_, path_remove_directory, dir, __VA_ARGS__);                                \
    TRY(errno_, path_rename, dir, __VA_ARGS__, DIR, PATH("new"));                        \
    TRY(errno_, path_rename, DIR, PATH("file"), dir, __VA_ARGS__);                       \
    TRY(errno_, path_symlink, PATH("file"), dir, __VA_ARGS__);                           \
    TRY(errno_, path_unlink_file, dir, __VA_ARGS__)

static void paths(void) {
    int file = open_as(DIR, "file", 0, READ_WRITE, 0);
    int powerless = open_as(DIR, ".", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READDIR, 0);
    WITH_EACH_PATH_FUNCTION(BADF, CLOSED, PATH("x"));
    WITH_EACH_PATH_FUNCTION(FAULT, DIR, NOWHERE, 1000);
    WITH_EACH_PATH_FUNCTION(ILSEQ, DIR, PATH("\xff"));
    WITH_EACH_PATH_FUNCTION(INVAL, DIR, PATH("a\0b"));
    WITH_EACH_PATH_FUNCTION(NOENT, DIR, PATH(""));
    memset(name, 'n', sizeof name);
    WITH_EACH_PATH_FUNCTION(NAMETOOLONG, DIR, name, sizeof name);
    WITH_EACH_PATH_FUNCTION(PERM, DIR, PATH("../out"));
    WITH_EACH_PATH_FUNCTION(PERM, DIR, PATH("/file"));
    WITH_EACH_PATH_FUNCTION(NOTDIR, file, PATH("x"));
    WITH_EACH_PATH_FUNCTION(NOTDIR, DIR, PATH("file/x"));
    WITH_EACH_PATH_FUNCTION(NOTCAPABLE, powerless, PATH("file"));
    TRY(ILSEQ, path_symlink, PATH("\xff"), DIR, PATH("new"));
    TRY(PERM, path_symlink, PATH("/"), DIR, PATH("new"));
    DO(fd_close(file));
    DO(fd_close(powerless));
}

static void read_only(void) {
    int file = open_as(READ_ONLY, "file", 0, __WASI_RIGHTS_FD_READ, 0);
    TRY(ROFS, fd_allocate, file, 0, 1);
    TRY(ROFS, fd_filestat_set_size, file, 0);
    TRY(ROFS, fd_filestat_set_times, file, 0, 0, __WASI_FSTFLAGS_MTIM);
    TRY(ROFS, path_create_directory, READ_ONLY, PATH("new"));
    TRY(ROFS, path_filestat_set_times, READ_ONLY, 0, PATH("file"), 0, 0, __WASI_FSTFLAGS_MTIM);
    TRY(ROFS, path_link, READ_ONLY, 0, PATH("file"), DIR, PATH("new"));
    TRY(ROFS, path_link, DIR, 0, PATH("file"), READ_ONLY, PATH("new"));
    TRY(ROFS, path_open, READ_ONLY, 0, PATH("file"), 0, __WASI_RIGHTS_FD_WRITE, 0, 0, &number);
    TRY(ROFS, path_open, READ_ONLY, 0, PATH("file"), __WASI_OFLAGS_TRUNC, 0, 0, 0, &number);
    TRY(ROFS, path_open, READ_ONLY, 0, PATH("new"), __WASI_OFLAGS_CREAT, 0, 0, 0, &number);
    TRY(ROFS, path_remove_directory, READ_ONLY, PATH("sub"));
    TRY(ROFS, path_rename, READ_ONLY, PATH("file"), DIR, PATH("new"));
    TRY(ROFS, path_rename, DIR, PATH("file"), READ_ONLY, PATH("new"));
    TRY(ROFS, path_symlink, PATH("file"), READ_ONLY, PATH("new"));
    TRY(ROFS, path_unlink_file, READ_ONLY, PATH("file"));
    DO(fd_close(file));
}

static void directories_and_streams(void) {
    TRY(ISDIR, fd_advise, DIR, 0, 0, 0);
    TRY(ISDIR, fd_allocate, DIR, 0, 1);
    TRY(ISDIR, fd_filestat_set_size, DIR, 0);
    TRY(ISDIR, fd_pread, DIR, &some, 1, 0, &number);
    TRY(ISDIR, fd_pwrite, DIR, &some, 1, 0, &number);
    TRY(ISDIR, fd_read, DIR, &some, 1, &number);
    TRY(ISDIR, fd_seek, DIR, 0, 0, &number64);
    TRY(ISDIR, fd_tell, DIR, &number64);
    TRY(ISDIR, fd_write, DIR, &some, 1, &number);
    TRY(SPIPE, fd_advise, 0, 0, 0, 0);
    TRY(SPIPE, fd_allocate, 0, 0, 1);
    TRY(SPIPE, fd_filestat_set_size, 0, 0);
    TRY(SPIPE, fd_pread, 0, &some, 1, 0, &number);
    TRY(SPIPE, fd_pwrite, 1, &some, 1, 0, &number);
    TRY(SPIPE, fd_seek, 0, 0, 0, &number64);
    TRY(SPIPE, fd_tell, 0, &number64);
    TRY(NOTDIR, fd_readdir, 0, bytes, 100, 0, &number);
    TRY(BADF, fd_read, 1, &some, 1, &number);
    TRY(BADF, fd_write, 0, &some, 1, &number);
    TRY(NAMETOOLONG, fd_prestat_dir_name, DIR, bytes, 0);
}

static void capabilities(void) {
    int fd = without_rights();
    TRY(NOTCAPABLE, fd_advise, fd, 0, 0, 0);
    TRY(NOTCAPABLE, fd_allocate, fd, 0, 1);
    TRY(NOTCAPABLE, fd_datasync, fd);
    TRY(NOTCAPABLE, fd_fdstat_set_flags, fd, 0);
    TRY(NOTCAPABLE, fd_fdstat_set_rights, fd, 1, 0);
    TRY(NOTCAPABLE, fd_filestat_get, fd, &stat);
    TRY(NOTCAPABLE, fd_filestat_set_size, fd, 0);
    TRY(NOTCAPABLE, fd_filestat_set_times, fd, 0, 0, 0);
    TRY(NOTCAPABLE, fd_seek, fd, 0, 0, &number64);
    TRY(NOTCAPABLE, fd_sync, fd);
    TRY(NOTCAPABLE, fd_tell, fd, &number64);
    DO(fd_close(fd));
    fd = open_as(DIR, ".", __WASI_OFLAGS_DIRECTORY, 0, 0);
    TRY(NOTCAPABLE, fd_readdir, fd, bytes, 100, 0, &number);
    DO(fd_close(fd));
}

static void invalid(void) {
    int fd = open_as(DIR, "file", 0, ALL & ~__WASI_RIGHTS_FD_READDIR, 0);
    TRY(INVAL, clock_res_get, 77, &number64);
    TRY(INVAL, clock_time_get, 77, 0, &number64);
    TRY(INVAL, fd_advise, fd, 0, 0, 77);
    TRY(INVAL, fd_allocate, fd, 0, 0);
    TRY(INVAL, fd_datasync, 0);
    TRY(INVAL, fd_sync, 0);
    TRY(INVAL, fd_fdstat_set_flags, fd, 0x100);
    TRY(NOTSUP, fd_fdstat_set_flags, fd, __WASI_FDFLAGS_SYNC);
    TRY(INVAL, fd_filestat_set_size, fd, -1);
    TRY(INVAL, fd_filestat_set_times, fd, 0, 0, __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW);
    TRY(INVAL, fd_pread, fd, &some, 1, -1, &number);
    TRY(INVAL, fd_pwrite, fd, &some, 1, -1, &number);
    TRY(INVAL, fd_read, fd, bytes, 65537, &number);
    TRY(INVAL, fd_write, fd, bytes, 65537, &number);
    TRY(INVAL, fd_seek, fd, 0, 77, &number64);
    TRY(INVAL, fd_seek, fd, -1, __WASI_WHENCE_SET, &number64);
    TRY(INVAL, path_filestat_get, DIR, 2, PATH("file"), &stat);
    TRY(INVAL, path_filestat_set_times, DIR, 0, PATH("file"), 0, 0, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW);
    TRY(INVAL, path_link, DIR, 1, PATH("file"), DIR, PATH("new"));
    TRY(INVAL, path_open, DIR, 0, PATH("new"), __WASI_OFLAGS_CREAT | __WASI_OFLAGS_DIRECTORY, 0, 0, 0, &number);
    TRY(INVAL, path_readlink, DIR, PATH("file"), bytes, 10, &number);
    TRY(INVAL, path_remove_directory, DIR, PATH("sub/."));
    TRY(INVAL, path_rename, DIR, PATH("sub"), DIR, PATH("sub/below"));
    TRY(INVAL, poll_oneoff, bytes, bytes, 0, &number);
    TRY(INVAL, sock_accept, LISTENER, __WASI_FDFLAGS_APPEND, &number);
    DO(fd_close(fd));
}

static void names(void) {
    TRY(EXIST, path_create_directory, DIR, PATH("sub"));
    TRY(EXIST, path_link, DIR, 0, PATH("file"), DIR, PATH("sub"));
    TRY(EXIST, path_open, DIR, 0, PATH("file"), __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, 0, 0, 0, &number);
    TRY(EXIST, path_symlink, PATH("file"), DIR, PATH("sub"));
    TRY(NOENT, path_create_directory, DIR, PATH("no/new"));
    TRY(NOENT, path_filestat_get, DIR, 0, PATH("no"), &stat);
    TRY(NOENT, path_filestat_set_times, DIR, 0, PATH("no"), 0, 0, __WASI_FSTFLAGS_MTIM_NOW);
    TRY(NOENT, path_link, DIR, 0, PATH("no"), DIR, PATH("new"));
    TRY(NOENT, path_open, DIR, 0, PATH("no"), 0, 0, 0, 0, &number);
    TRY(NOENT, path_readlink, DIR, PATH("no"), bytes, 10, &number);
    TRY(NOENT, path_remove_directory, DIR, PATH("no"));
    TRY(NOENT, path_rename, DIR, PATH("no"), DIR, PATH("new"));
    TRY(NOENT, path_symlink, PATH("file"), DIR, PATH("no/new"));
    TRY(NOENT, path_unlink_file, DIR, PATH("no"));
    TRY(ISDIR, path_open, DIR, 0, PATH("sub"), 0, __WASI_RIGHTS_FD_WRITE, 0, 0, &number);
    TRY(ISDIR, path_rename, DIR, PATH("file"), DIR, PATH("empty"));
    TRY(ISDIR, path_unlink_file, DIR, PATH("sub"));
    TRY(LOOP, path_filestat_get, DIR, 1, PATH("loop"), &stat);
    TRY(LOOP, path_filestat_set_times, DIR, 1, PATH("loop"), 0, 0, __WASI_FSTFLAGS_MTIM_NOW);
    TRY(LOOP, path_open, DIR, 1, PATH("loop"), 0, 0, 0, 0, &number);
    TRY(LOOP, path_open, DIR, 0, PATH("link"), 0, 0, 0, 0, &number);
    TRY(NOTEMPTY, path_remove_directory, DIR, PATH("sub"));
    TRY(NOTEMPTY, path_rename, DIR, PATH("empty"), DIR, PATH("sub"));
    TRY(NOTDIR, path_remove_directory, DIR, PATH("file"));
    TRY(NOTDIR, path_rename, DIR, PATH("empty"), DIR, PATH("file"));
    TRY(NXIO, path_open, DIR, 0, PATH("fifo"), 0, __WASI_RIGHTS_FD_WRITE, 0, __WASI_FDFLAGS_NONBLOCK, &number);
}

// What a subscription that cannot happen says in its event.
static void event(int line, int expected, __wasi_subscription_t wanted) {
    __wasi_event_t event;
    DO(poll_oneoff(&wanted, &event, 1, &number));
    check(line, "poll_oneoff", expected, event.error);
}

static void events(void) {
    __wasi_subscription_t wanted = {.u.tag = __WASI_EVENTTYPE_FD_READ};
    wanted.u.u.fd_read.file_descriptor = CLOSED;
    event(__LINE__, __WASI_ERRNO_BADF, wanted);
    wanted.u.u.fd_read.file_descriptor = DIR;
    event(__LINE__, __WASI_ERRNO_ISDIR, wanted);
    wanted.u.tag = __WASI_EVENTTYPE_CLOCK;
    wanted.u.u.clock.id = 77;
    event(__LINE__, __WASI_ERRNO_INVAL, wanted);
    wanted.u.u.clock.id = __WASI_CLOCKID_PROCESS_CPUTIME_ID;
    event(__LINE__, __WASI_ERRNO_NOTSUP, wanted);
}

static void sockets(void) {
    TRY(NOTSOCK, sock_accept, 0, 0, &number);
    TRY(NOTSOCK, sock_recv, 0, &some, 1, 0, &number, &number2);
    TRY(NOTSOCK, sock_send, 1, &some, 1, 0, &number);
    TRY(NOTSOCK, sock_shutdown, DIR, __WASI_SDFLAGS_WR);
    TRY(NOTCONN, sock_recv, SILENT, &some, 1, 0, &number, &number2);
    TRY(NOTCONN, sock_send, SILENT, &some, 1, 0, &number);
    TRY(NOTCONN, sock_shutdown, SILENT, __WASI_SDFLAGS_WR);
    DO(fd_fdstat_set_flags(SILENT, __WASI_FDFLAGS_NONBLOCK));
    TRY(AGAIN, sock_accept, SILENT, 0, &number);

    int stream;
    DO(sock_accept(LISTENER, __WASI_FDFLAGS_NONBLOCK, &stream));
    TRY(INVAL, sock_accept, stream, 0, &number);
    TRY(FAULT, sock_recv, stream, &nowhere, 1, 0, &number, &number2);
    TRY(FAULT, sock_send, stream, &nowhere, 1, 0, &number);
    TRY(INVAL, sock_recv, stream, &some, 1, 0x80, &number, &number2);
    TRY(INVAL, sock_send, stream, &some, 1, 1, &number);
    TRY(INVAL, sock_shutdown, stream, 0);
    TRY(AGAIN, sock_recv, stream, &some, 1, 0, &number, &number2);
    TRY(AGAIN, fd_read, stream, &some, 1, &number);
    // Nobody reads at the other end: sooner or later all on the way is full.
    __wasi_iovec_t much = {(uint8_t *)bytes, sizeof bytes};
    for (int i = 0; i < 10000 && !fd_write(stream, &much, 1, &number); i++) {}
    TRY(AGAIN, sock_send, stream, &much, 1, 0, &number);
    TRY(AGAIN, fd_write, stream, &much, 1, &number);
    DO(sock_shutdown(stream, __WASI_SDFLAGS_WR));
    TRY(PIPE, sock_send, stream, &some, 1, 0, &number);
    TRY(PIPE, fd_write, stream, &some, 1, &number);
    DO(fd_fdstat_set_rights(stream, __WASI_RIGHTS_FD_READ, 0));
    TRY(NOTCAPABLE, sock_shutdown, stream, __WASI_SDFLAGS_RD);
    DO(fd_close(stream));
    DO(fd_fdstat_set_rights(SILENT, 0, 0));
    TRY(NOTCAPABLE, sock_accept, SILENT, 0, &number);
}

static void full(void) {
    int fd = open_as(DEVICES, "full", 0, __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK, 0);
    TRY(NOSPC, fd_write, fd, &some, 1, &number);
    TRY(NOSPC, fd_pwrite, fd, &some, 1, 0, &number);
    DO(fd_close(fd));
    while (!path_open(DIR, 0, PATH("file"), 0, 0, 0, 0, &number)) {}
    TRY(MFILE, path_open, DIR, 0, PATH("file"), 0, 0, 0, 0, &number);
    TRY(MFILE, sock_accept, LISTENER, 0, &number);
}

int main(void) {
    badf();
    fault();
    paths();
    read_only();
    directories_and_streams();
    capabilities();
    invalid();
    names();
    events();
    sockets();
    full();
    return 0;
}
