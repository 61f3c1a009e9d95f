// echo COUNT: sends back what comes on any connection of any granted listener, all at once, until COUNT connections have
// ended. Nothing blocks but poll().
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wasi/api.h>

#define CHECK(condition)                                            \
    do {                                                            \
        if (!(condition)) {                                         \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, strerror(errno)); \
            exit(1);                                                \
        }                                                           \
    } while (0)

static struct pollfd polled[64];
static int count;

static void add(int fd) {
    CHECK(count < 64);
    // wasi-libc knows the flag only as a change of all of them.
    CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
    polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

int main(int argc, char **argv) {
    int left = argc > 1 ? atoi(argv[1]) : 1;
    int expected = atoi(getenv("LISTEN_FDS") ? getenv("LISTEN_FDS") : "0");
    for (int fd = 3;; fd++) {
        __wasi_fdstat_t stat;
        if (__wasi_fd_fdstat_get(fd, &stat)) break;
        if (stat.fs_filetype == __WASI_FILETYPE_SOCKET_STREAM) add(fd);
    }
    int listeners = count;
    CHECK(listeners == expected && listeners > 0);
    // Nobody has come yet, or somebody has: it does not wait in either case.
    for (int i = 0; i < listeners; i++) {
        int fd = accept(polled[i].fd, NULL, NULL);
        if (fd >= 0) add(fd);
        else CHECK(errno == EAGAIN);
    }
    while (left > 0) {
        CHECK(poll(polled, count, 60000) > 0);
        for (int i = count - 1; i >= 0; i--) {
            if (!polled[i].revents) continue;
            if (i < listeners) {
                int fd = accept(polled[i].fd, NULL, NULL);
                if (fd >= 0) add(fd);
                else CHECK(errno == EAGAIN);
                continue;
            }
            char bytes[256];
            ssize_t length = recv(polled[i].fd, bytes, sizeof bytes, 0);
            if (length < 0 && errno == EAGAIN) continue;
            CHECK(length >= 0);
            if (length > 0) {
                CHECK(send(polled[i].fd, bytes, length, 0) == length);
                continue;
            }
            CHECK(!close(polled[i].fd));
            polled[i] = polled[--count];
            left--;
        }
    }
    return 0;
}
