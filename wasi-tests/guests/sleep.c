// sleep MS: sleeps, and checks that the time has passed but was not spent executing.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <wasi/api.h>

int main(int argc, char **argv) {
    long ms = argc > 1 ? atol(argv[1]) : 10;
    uint64_t begun, ended, cpu_begun, cpu_ended;
    if (__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &begun)) return 1;
    if (__wasi_clock_time_get(__WASI_CLOCKID_THREAD_CPUTIME_ID, 1, &cpu_begun)) return 1;
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    if (nanosleep(&time, NULL)) return 2;
    if (__wasi_clock_time_get(__WASI_CLOCKID_THREAD_CPUTIME_ID, 1, &cpu_ended)) return 1;
    if (__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &ended)) return 1;
    if (ended - begun < (uint64_t)ms * 1000000) return 3;
    if (ms >= 100 && cpu_ended - cpu_begun > (uint64_t)ms * 500000) return 4;
    printf("slept %ld ms\n", ms);
    return 0;
}
