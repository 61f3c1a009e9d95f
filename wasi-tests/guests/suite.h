// For guests made of situations: `GUEST SITUATION [DIRECTORY]` plays one, on the granted directory of that name (`/`
// unless given), and ends with 0 if all went as the situation says, else with 1 and a line on standard error.
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

#define NO_RIGHTS ((__wasi_rights_t)0)
#define READ_WRITE (__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE)

// Of a situation: its name and what it does with the granted directory.
typedef struct {
    const char *name;
    void (*play)(__wasi_fd_t dir);
} Situation;

static const char *directory_name = "/";

static inline _Noreturn void broken(int line, const char *what, long long got) {
    fprintf(stderr, "line %d: %s: %lld\n", line, what, got);
    exit(1);
}

#define HOLDS(condition) ((condition) ? (void)0 : broken(__LINE__, #condition, 0))
#define IS(left, right)                                              \
    do {                                                             \
        long long is_ = (long long)(left);                           \
        if (is_ != (long long)(right)) broken(__LINE__, #left " is not " #right, is_); \
    } while (0)
// A call that succeeds, and one that fails in this way.
#define DO(call) IS(call, __WASI_ERRNO_SUCCESS)
#define FAILS(errno, call) IS(call, __WASI_ERRNO_##errno)

static inline __wasi_errno_t open_at(__wasi_fd_t dir, const char *path, __wasi_oflags_t oflags, __wasi_rights_t rights,
                                     __wasi_fd_t *fd) {
    return __wasi_path_open(dir, 0, path, oflags, rights, 0, 0, fd);
}

// An open that succeeds, with a number beyond the standard streams'.
#define OPEN(dir, path, oflags, rights)                      \
    ({                                                       \
        __wasi_fd_t fd_;                                     \
        DO(open_at(dir, path, oflags, rights, &fd_));        \
        HOLDS(fd_ > 2);                                      \
        fd_;                                                 \
    })

static inline void make_file(__wasi_fd_t dir, const char *path) {
    DO(__wasi_fd_close(OPEN(dir, path, __WASI_OFLAGS_CREAT, NO_RIGHTS)));
}

static inline __wasi_errno_t write_bytes(__wasi_fd_t fd, const void *bytes, size_t length, __wasi_size_t *count) {
    __wasi_ciovec_t iovec = {bytes, length};
    return __wasi_fd_write(fd, &iovec, 1, count);
}

static inline __wasi_errno_t read_bytes(__wasi_fd_t fd, void *bytes, size_t length, __wasi_size_t *count) {
    __wasi_iovec_t iovec = {bytes, length};
    return __wasi_fd_read(fd, &iovec, 1, count);
}

static inline __wasi_fdstat_t fdstat(__wasi_fd_t fd) {
    __wasi_fdstat_t stat;
    DO(__wasi_fd_fdstat_get(fd, &stat));
    return stat;
}

static inline __wasi_filestat_t filestat(__wasi_fd_t fd) {
    __wasi_filestat_t stat;
    DO(__wasi_fd_filestat_get(fd, &stat));
    return stat;
}

static inline __wasi_filestat_t filestat_at(__wasi_fd_t dir, __wasi_lookupflags_t flags, const char *path) {
    __wasi_filestat_t stat;
    DO(__wasi_path_filestat_get(dir, flags, path, &stat));
    return stat;
}

// The granted directory of that name.
static inline __wasi_fd_t granted(const char *name) {
    for (__wasi_fd_t fd = 3;; fd++) {
        __wasi_prestat_t prestat;
        if (__wasi_fd_prestat_get(fd, &prestat)) break;
        if (prestat.tag != __WASI_PREOPENTYPE_DIR) continue;
        size_t length = prestat.u.dir.pr_name_len;
        char found[256];
        if (length >= sizeof found) continue;
        DO(__wasi_fd_prestat_dir_name(fd, (uint8_t *)found, length));
        if (length == strlen(name) && !memcmp(found, name, length)) return fd;
    }
    broken(__LINE__, name, -1);
}

// The granted directory opened once more, with all its rights.
static inline __wasi_fd_t granted_again(void) {
    __wasi_fd_t grant = granted(directory_name), fd;
    __wasi_fdstat_t stat = fdstat(grant);
    DO(__wasi_path_open(grant, 0, ".", __WASI_OFLAGS_DIRECTORY, stat.fs_rights_base, stat.fs_rights_inheriting, 0, &fd));
    HOLDS(fd > grant);
    return fd;
}

// A new directory below, with the rights that programs of a C library ask for. Its name ends so that a run that failed
// is cleaned up by who knows the convention.
#define SCRATCH "scratch.cleanup"
static inline __wasi_fd_t scratch_in(__wasi_fd_t dir) {
    DO(__wasi_path_create_directory(dir, SCRATCH));
    __wasi_rights_t base = __WASI_RIGHTS_FD_READDIR | __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_PATH_CREATE_DIRECTORY |
                           __WASI_RIGHTS_PATH_CREATE_FILE | __WASI_RIGHTS_PATH_LINK_SOURCE | __WASI_RIGHTS_PATH_LINK_TARGET |
                           __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_PATH_READLINK | __WASI_RIGHTS_PATH_RENAME_SOURCE |
                           __WASI_RIGHTS_PATH_RENAME_TARGET | __WASI_RIGHTS_PATH_FILESTAT_GET |
                           __WASI_RIGHTS_PATH_FILESTAT_SET_SIZE | __WASI_RIGHTS_PATH_FILESTAT_SET_TIMES |
                           __WASI_RIGHTS_PATH_SYMLINK | __WASI_RIGHTS_PATH_REMOVE_DIRECTORY | __WASI_RIGHTS_PATH_UNLINK_FILE;
    __wasi_rights_t inheriting = READ_WRITE | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS | __WASI_RIGHTS_FD_SYNC |
                                 __WASI_RIGHTS_FD_TELL | __WASI_RIGHTS_FD_ADVISE | __WASI_RIGHTS_FD_ALLOCATE |
                                 __WASI_RIGHTS_FD_READDIR | __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE |
                                 __WASI_RIGHTS_FD_FILESTAT_SET_TIMES | __WASI_RIGHTS_PATH_LINK_SOURCE |
                                 __WASI_RIGHTS_PATH_LINK_TARGET | __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_PATH_UNLINK_FILE |
                                 __WASI_RIGHTS_PATH_FILESTAT_GET;
    __wasi_fd_t fd;
    DO(__wasi_path_open(dir, 0, SCRATCH, __WASI_OFLAGS_DIRECTORY, base, inheriting, 0, &fd));
    HOLDS(fd > 2);
    return fd;
}

static inline int play(const Situation *situations, size_t count, int argc, char **argv, bool with_directory) {
    if (argc > 2) directory_name = argv[2];
    for (size_t i = 0; i < count; i++) {
        if (argc < 2 || strcmp(situations[i].name, argv[1])) continue;
        situations[i].play(with_directory ? granted_again() : 0);
        return 0;
    }
    fprintf(stderr, "there is no situation `%s`\n", argc > 1 ? argv[1] : "");
    return 1;
}
#define PLAY(situations, argc, argv, with_directory) \
    play(situations, sizeof(situations) / sizeof *(situations), argc, argv, with_directory)
