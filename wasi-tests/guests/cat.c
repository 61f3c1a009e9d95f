// Copies standard input to standard output, 64 KiB at a time.
#include <unistd.h>

static char buffer[1 << 16];

int main(void) {
    ssize_t got;
    while ((got = read(0, buffer, sizeof buffer)) > 0) {
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(1, buffer + done, got - done);
            if (put < 0) return 1;
            done += put;
        }
    }
    return got < 0 ? 2 : 0;
}
