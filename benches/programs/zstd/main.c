// A zstd round trip, `argv[1]` times: a megabyte of text compressed at several levels and decompressed again.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../text.h"
#include "zstd.h"

static const int levels[] = {1, 3, 9};
enum { LENGTH = 1 << 20 };
static uint8_t text[LENGTH], again[LENGTH], packed[2 * LENGTH];

static int round_trip(int level) {
    size_t size = ZSTD_compress(packed, sizeof packed, text, LENGTH, level);
    if (ZSTD_isError(size) || ZSTD_decompress(again, LENGTH, packed, size) != LENGTH ||
        memcmp(text, again, LENGTH) != 0)
        return 1;
    printf("zstd level %d: %d to %zu bytes, %016" PRIx64 "\n", level, LENGTH, size, hash_of(packed, size));
    return 0;
}

int main(int argc, char **argv) {
    for (int times = argc > 1 ? atoi(argv[1]) : 1; times > 0; times--) {
        make_text(text, LENGTH);
        for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
            if (round_trip(levels[i]) != 0)
                return 1;
    }
    return 0;
}
