// raise N: sends itself a WASI signal, and prints the errno if that returns.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) int32_t proc_raise(int32_t signal);

int main(int argc, char **argv) {
    int signal = argc > 1 ? atoi(argv[1]) : 0;
    printf("%d\n", proc_raise(signal));
    return 0;
}
