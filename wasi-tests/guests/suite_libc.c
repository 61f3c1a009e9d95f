// The situations of the official Preview 1 suite that a C library meets: clocks, files by path, sockets that are none.
// Like a program of C, it finds its directory by name; the files are there already.
#include "suite.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Relative to the current directory, which is `/`.
static const char *in_directory(const char *name) {
    if (!strcmp(directory_name, "/")) return name;
    static char paths[2][300];
    static int which;
    char *path = paths[which ^= 1];
    snprintf(path, sizeof paths[0], "%s/%s", directory_name, name);
    return path;
}

static void clock_resolutions(__wasi_fd_t none) {
    (void)none;
    struct timespec resolution;
    IS(clock_getres(CLOCK_MONOTONIC, &resolution), 0);
    HOLDS(resolution.tv_sec > 0 || resolution.tv_nsec > 0);
    IS(clock_getres(CLOCK_REALTIME, &resolution), 0);
    HOLDS(resolution.tv_sec > 0 || resolution.tv_nsec > 0);
}

// Two readings differ: time passes between them.
static void clock_readings(__wasi_fd_t none) {
    (void)none;
    struct timespec first, second;
    IS(clock_gettime(CLOCK_REALTIME, &first), 0);
    HOLDS(first.tv_sec > 1500000000);
    IS(clock_gettime(CLOCK_MONOTONIC, &first), 0);
    IS(clock_gettime(CLOCK_MONOTONIC, &second), 0);
    HOLDS(first.tv_sec < second.tv_sec || (first.tv_sec == second.tv_sec && first.tv_nsec < second.tv_nsec));
    __wasi_timestamp_t time, earlier;
    DO(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &time));
    DO(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &earlier));
    DO(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &time));
    HOLDS(earlier <= time);
}

// Entries have the inodes that a look at each gives.
static void list_directory(__wasi_fd_t none) {
    (void)none;
    int fd = open(in_directory("fopendir.dir"), O_RDONLY | O_DIRECTORY), found = 0;
    HOLDS(fd >= 0);
    DIR *dir = fdopendir(fd);
    HOLDS(dir);
    ino_t inodes[2] = {0};
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        HOLDS(!strcmp(entry->d_name, "file-0") || !strcmp(entry->d_name, "file-1"));
        struct stat stat;
        IS(fstatat(fd, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW), 0);
        IS(stat.st_ino, entry->d_ino);
        inodes[entry->d_name[5] - '0'] = entry->d_ino;
        found++;
    }
    closedir(dir);
    IS(found, 2);
    HOLDS(inodes[0] != inodes[1]);
}

static void open_file(__wasi_fd_t none) {
    (void)none;
    FILE *file = fopen(in_directory("file"), "r");
    HOLDS(file);
    IS(fclose(file), 0);
}

// Nothing was granted: the C library does not even ask.
static void open_without_grant(__wasi_fd_t none) {
    (void)none;
    HOLDS(!fopen(in_directory("file"), "r"));
    IS(errno, ENOTCAPABLE);
}

static void seek_in_stream(__wasi_fd_t none) {
    (void)none;
    FILE *file = fopen(in_directory("lseek.txt"), "r");
    HOLDS(file);
    char bytes[4];
    IS(fread(bytes, 1, 4, file), 4);
    fflush(file);
    IS(lseek(fileno(file), 0, SEEK_CUR), 4);
    IS(fread(bytes, 1, 1, file), 1);
    fflush(file);
    IS(lseek(fileno(file), 0, SEEK_CUR), 5);
    IS(bytes[0], '4');
    IS(lseek(fileno(file), 0, SEEK_SET), 0);
    IS(lseek(fileno(file), 0, SEEK_END), 8);
    IS(fclose(file), 0);
}

static void read_at(__wasi_fd_t none) {
    (void)none;
    int fd = open(in_directory("pread.txt"), O_RDONLY);
    HOLDS(fd > 2);
    char bytes[3];
    IS(pread(fd, bytes, 3, 4), 3);
    HOLDS(!memcmp(bytes, "d-t", 3));
    IS(close(fd), 0);
}

static void write_at(__wasi_fd_t none) {
    (void)none;
    const char *path = in_directory("writeable/text.cleanup");
    HOLDS(access(path, F_OK));
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    HOLDS(fd > 2);
    IS(pwrite(fd, "fourteen bytes", 14, 0), 14);
    IS(pwrite(fd, "-teen", 5, 3), 5);
    IS(close(fd), 0);
    fd = open(path, O_RDONLY);
    char bytes[20];
    IS(read(fd, bytes, sizeof bytes), 14);
    HOLDS(!memcmp(bytes, "fou-teen bytes", 14));
    IS(close(fd), 0);
    IS(remove(path), 0);
}

// With O_APPEND, a write at a place goes there and leaves the position alone, as POSIX has it. (Linux would append.)
static void append_at(__wasi_fd_t none) {
    (void)none;
    const char *path = in_directory("append.cleanup");
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0666);
    HOLDS(fd > 2);
    IS(write(fd, "ab", 2), 2);
    IS(lseek(fd, 0, SEEK_SET), 0);
    IS(write(fd, "cd", 2), 2);
    IS(lseek(fd, 0, SEEK_CUR), 4);
    IS(pwrite(fd, "efg", 3, 0), 3);
    IS(lseek(fd, 0, SEEK_CUR), 4);
    IS(lseek(fd, 0, SEEK_END), 4);
    IS(close(fd), 0);
    IS(unlink(path), 0);

    FILE *file = fopen(path, "a+");
    HOLDS(file);
    IS(fwrite("abcd", 1, 4, file), 4);
    IS(fflush(file), 0);
    IS(pwrite(fileno(file), "efgh", 4, 0), 4);
    IS(lseek(fileno(file), 0, SEEK_END), 4);
    IS(fclose(file), 0);
    IS(unlink(path), 0);
}

static void shutdown_nothing(__wasi_fd_t none) {
    (void)none;
    HOLDS(shutdown(3, SHUT_RD));
    IS(errno, EBADF);
}

static void shutdown_stdout(__wasi_fd_t none) {
    (void)none;
    HOLDS(shutdown(STDOUT_FILENO, SHUT_RD));
    IS(errno, ENOTSOCK);
}

static void two_files_differ(__wasi_fd_t none) {
    (void)none;
    struct stat one, other;
    int first = open(in_directory("file"), O_RDONLY), second = open(in_directory("lseek.txt"), O_RDONLY);
    HOLDS(first > 2 && second > 2);
    IS(fstat(first, &one), 0);
    IS(fstat(second, &other), 0);
    HOLDS(one.st_dev == other.st_dev && one.st_ino != other.st_ino);
}

static const Situation situations[] = {
    {"clock_resolutions", clock_resolutions},
    {"clock_readings", clock_readings},
    {"list_directory", list_directory},
    {"open_file", open_file},
    {"open_without_grant", open_without_grant},
    {"seek_in_stream", seek_in_stream},
    {"read_at", read_at},
    {"write_at", write_at},
    {"append_at", append_at},
    {"shutdown_nothing", shutdown_nothing},
    {"shutdown_stdout", shutdown_stdout},
    {"two_files_differ", two_files_differ},
};

int main(int argc, char **argv) {
    return PLAY(situations, argc, argv, false);
}
