// A bzip2 round trip, `argv[1]` times: a megabyte of text compressed with blocks of 900 kB and decompressed again.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../text.h"
#include "bzlib.h"

enum { LENGTH = 1 << 20 };
static uint8_t text[LENGTH];
static char again[LENGTH], packed[2 * LENGTH];

// The library calls this when it finds itself broken (BZ_NO_STDIO).
void bz_internal_error(int code) {
    fprintf(stderr, "bzip2: internal error %d\n", code);
    exit(4);
}

int main(int argc, char **argv) {
    for (int times = argc > 1 ? atoi(argv[1]) : 1; times > 0; times--) {
        unsigned size = sizeof packed, back = LENGTH;
        make_text(text, LENGTH);
        if (BZ2_bzBuffToBuffCompress(packed, &size, (char *)text, LENGTH, 9, 0, 0) != BZ_OK)
            return 1;
        if (BZ2_bzBuffToBuffDecompress(again, &back, packed, size, 0, 0) != BZ_OK || back != LENGTH)
            return 2;
        if (memcmp(text, again, LENGTH) != 0)
            return 3;
        printf("bzip2: %d to %u bytes, %016" PRIx64 "\n", LENGTH, size, hash_of((uint8_t *)packed, size));
    }
    return 0;
}
