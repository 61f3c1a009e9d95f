// determined DIR: prints all that differs from run to run, unless the world it runs in is a deterministic one: random
// bytes, times, the numbers, times and order of files it makes, the bits of NaNs, what poll says of stdin.
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void now(const char *name, clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    printf("%s %lld.%09ld\n", name, (long long)time.tv_sec, time.tv_nsec);
}

static void bits(const char *name, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    printf("%s %016llx\n", name, (unsigned long long)bits);
}

int main(int argc, char **argv) {
    unsigned char random[16];
    getentropy(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++) printf("%02x", random[i]);
    printf("\n");

    now("realtime", CLOCK_REALTIME);
    now("monotonic", CLOCK_MONOTONIC);
    struct timespec hour = {3600, 0};
    if (argc > 2) nanosleep(&hour, NULL);
    now("monotonic", CLOCK_MONOTONIC);
    struct timespec cpu;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    if (argc > 2) printf("cpu %lld.%09ld\n", (long long)cpu.tv_sec, cpu.tv_nsec);

    volatile double zero = 0, infinity = INFINITY;
    bits("0/0", zero / zero);
    bits("inf-inf", infinity - infinity);
    bits("sqrt", sqrt(zero - 1));

    struct pollfd input = {.fd = 0, .events = POLLIN};
    printf("poll %d\n", poll(&input, 1, 0));
    char line[100];
    ssize_t count = read(0, line, sizeof line);
    printf("read %.*s\n", (int)count, line);

    if (argc > 1 && chdir(argv[1]) == 0) {
        const char *names[] = {"one", "two", "three", "four", "five", "six", "seven"};
        for (int i = 0; i < 7; i++) close(open(names[i], O_CREAT | O_WRONLY, 0666));
        unlink("four");
        DIR *dir = opendir(".");
        struct dirent *entry;
        while ((entry = readdir(dir))) {
            struct stat stat;
            if (lstat(entry->d_name, &stat)) continue;
            printf("%s: %d %llu %llu %llu", entry->d_name, entry->d_type, (unsigned long long)entry->d_ino,
                   (unsigned long long)stat.st_dev, (unsigned long long)stat.st_ino);
            printf(" %lld.%09ld\n", (long long)stat.st_mtim.tv_sec, stat.st_mtim.tv_nsec);
        }
    }
    return 0;
}
