// listen [COUNT]: answers connections on the first listening socket it was granted, then ends.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wasi/api.h>

static int listener(void) {
    for (int fd = 3; fd < 100; fd++) {
        __wasi_fdstat_t stat;
        if (__wasi_fd_fdstat_get(fd, &stat)) return -1;
        if (stat.fs_filetype == __WASI_FILETYPE_SOCKET_STREAM) return fd;
    }
    return -1;
}

int main(int argc, char **argv) {
    int fd = listener();
    if (fd < 0) {
        fputs("no listening socket was granted\n", stderr);
        return 1;
    }
    int count = argc > 1 ? atoi(argv[1]) : 1;
    for (int served = 1; served <= count; served++) {
        int connection = accept(fd, NULL, NULL);
        if (connection < 0) return 2;
        char request[1024], answer[200], body[40];
        if (recv(connection, request, sizeof request, 0) < 0) return 3;
        int length = snprintf(body, sizeof body, "request %d\n", served);
        int total = snprintf(answer, sizeof answer,
                             "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                             "Content-Length: %d\r\n\r\n%s", length, body);
        if (send(connection, answer, total, 0) != total) return 4;
        if (shutdown(connection, SHUT_WR)) return 5;
        close(connection);
    }
    return 0;
}
