// exit N: ends with that exit code, after writing a word that no newline follows.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    printf("leaving");
    exit(argc > 1 ? (int)strtoul(argv[1], NULL, 0) : 0);
}
