// fsop OP PATH..: one operation on files; prints what it found, or the errno's name and ends with 1.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *errno_name(int number) {
    switch (number) {
    case EACCES: return "EACCES";
    case EBADF: return "EBADF";
    case EEXIST: return "EEXIST";
    case EILSEQ: return "EILSEQ";
    case EINVAL: return "EINVAL";
    case EISDIR: return "EISDIR";
    case ELOOP: return "ELOOP";
    case ENAMETOOLONG: return "ENAMETOOLONG";
    case ENOENT: return "ENOENT";
    case ENOTCAPABLE: return "ENOTCAPABLE";
    case ENOTDIR: return "ENOTDIR";
    case ENOTEMPTY: return "ENOTEMPTY";
    case EPERM: return "EPERM";
    case EROFS: return "EROFS";
    case EXDEV: return "EXDEV";
    default: return strerror(number);
    }
}

static int failed(const char *what) {
    printf("%s: %s\n", what, errno_name(errno));
    return 1;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(const char *path) {
    DIR *dir = opendir(path);
    if (!dir) return failed("ls");
    char *names[10000];
    size_t count = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) && count < 10000) names[count++] = strdup(entry->d_name);
    closedir(dir);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) puts(names[i]);
    return 0;
}

static int copy_out(const char *path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return failed("cat");
    char buffer[4096];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, got, stdout);
    if (got < 0) return failed("cat");
    close(fd);
    return 0;
}

static int put(const char *path, const char *text, int flags) {
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0666);
    if (fd < 0) return failed("write");
    ssize_t length = strlen(text);
    if (write(fd, text, length) != length) return failed("write");
    return close(fd) ? failed("write") : 0;
}

static const char *kind(mode_t mode) {
    return S_ISDIR(mode) ? "directory" : S_ISREG(mode) ? "file" : S_ISLNK(mode) ? "link" : "other";
}

static int show(const char *path, int flags) {
    struct stat stat;
    if (fstatat(AT_FDCWD, path, &stat, flags)) return failed("stat");
    printf("%s %lld %ld\n", kind(stat.st_mode), (long long)(S_ISREG(stat.st_mode) ? stat.st_size : 0),
           (long)stat.st_mtime);
    return 0;
}

static int simple(const char *what, int result) {
    return result ? failed(what) : 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: fsop OP PATH..\n", stderr);
        return 2;
    }
    const char *op = argv[1], *path = argv[2], *more = argc > 3 ? argv[3] : "";
    if (!strcmp(op, "ls")) return list(path);
    if (!strcmp(op, "cat")) return copy_out(path);
    if (!strcmp(op, "write")) return put(path, more, O_TRUNC);
    if (!strcmp(op, "append")) return put(path, more, O_APPEND);
    if (!strcmp(op, "new")) return put(path, more, O_EXCL);
    if (!strcmp(op, "stat")) return show(path, 0);
    if (!strcmp(op, "lstat")) return show(path, AT_SYMLINK_NOFOLLOW);
    if (!strcmp(op, "mkdir")) return simple(op, mkdir(path, 0777));
    if (!strcmp(op, "rmdir")) return simple(op, rmdir(path));
    if (!strcmp(op, "rm")) return simple(op, unlink(path));
    if (!strcmp(op, "mv")) return simple(op, rename(path, more));
    if (!strcmp(op, "ln")) return simple(op, link(path, more));
    if (!strcmp(op, "symlink")) return simple(op, symlink(path, more));
    if (!strcmp(op, "truncate")) return simple(op, truncate(path, atoll(more)));
    if (!strcmp(op, "touch")) {
        struct timespec times[2] = {{.tv_sec = atol(more)}, {.tv_sec = atol(more)}};
        return simple(op, utimensat(AT_FDCWD, path, times, 0));
    }
    if (!strcmp(op, "readlink")) {
        char target[1024];
        ssize_t length = readlink(path, target, sizeof target);
        if (length < 0) return failed(op);
        printf("%.*s\n", (int)length, target);
        return 0;
    }
    fprintf(stderr, "fsop: unknown operation %s\n", op);
    return 2;
}
