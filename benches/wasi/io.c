// io TASK COUNT: what `wasi` measures, on the granted directory `/`.
//
// - `copy`: `/source` to `/copy`, by reads and writes of 64 KiB; COUNT is ignored.
// - `lines-file`, `lines-pipe`: COUNT lines to `/lines` or to standard output, a write each.
// - `readdir`: the entries of `/many`, COUNT of them, with a buffer of 1 MiB.
// - `readdir-libc`: the same through the C library, whose buffer is smaller.
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

static char buffer[1 << 20];

static void copy(void) {
    int from = open("/source", O_RDONLY), to = open("/copy", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (from < 0 || to < 0) exit(1);
    for (ssize_t length; (length = read(from, buffer, 65536));)
        if (length < 0 || write(to, buffer, length) != length) exit(2);
    if (close(to) || close(from)) exit(3);
}

static void lines(int fd, int count) {
    static const char line[] = "a line as programs write them to a log, of about the usual length\n";
    for (int i = 0; i < count; i++)
        if (write(fd, line, sizeof line - 1) != sizeof line - 1) exit(4);
    if (close(fd)) exit(5);
}

static void by_library(int expected) {
    DIR *dir = opendir("/many");
    if (!dir) exit(6);
    int entries = 0;
    while (readdir(dir)) entries++;
    closedir(dir);
    // With `.` and `..`.
    if (entries != expected + 2) exit(7);
}

static void by_pages(int expected) {
    int dir = open("/many", O_RDONLY | O_DIRECTORY), entries = 0;
    if (dir < 0) exit(8);
    __wasi_dircookie_t next = 0;
    for (__wasi_size_t used = sizeof buffer; used == sizeof buffer;) {
        if (__wasi_fd_readdir(dir, (uint8_t *)buffer, sizeof buffer, next, &used)) exit(9);
        for (size_t at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
            __wasi_dirent_t head;
            memcpy(&head, buffer + at, sizeof head);
            at += sizeof head + head.d_namlen;
            if (at > used) break;
            next = head.d_next;
            entries++;
        }
    }
    close(dir);
    if (entries != expected + 2) exit(10);
}

int main(int argc, char **argv) {
    if (argc < 3) return 11;
    const char *task = argv[1];
    int count = atoi(argv[2]);
    if (!strcmp(task, "copy")) copy();
    else if (!strcmp(task, "lines-file")) lines(open("/lines", O_WRONLY | O_CREAT | O_TRUNC, 0666), count);
    else if (!strcmp(task, "lines-pipe")) lines(STDOUT_FILENO, count);
    else if (!strcmp(task, "readdir-libc")) by_library(count);
    else if (!strcmp(task, "readdir")) by_pages(count);
    else return 12;
    return 0;
}
