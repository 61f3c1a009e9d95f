// Runs a kernel natively and prints its checksum: the expectation that the harness holds every engine to.
// Built by build.sh with each kernel in turn; not a kernel itself.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int64_t run(int32_t n);

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        printf("%s%" PRId64, i > 1 ? " " : "", run(atoi(argv[i])));
    printf("\n");
    return 0;
}
