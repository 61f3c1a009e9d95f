// Pictures of bytes: brightened and darkened with saturation, averaged, compared; then a search for a byte in them.
#include <stdint.h>

typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef int8_t i8x16 __attribute__((vector_size(16)));

enum { VECTORS = 4096 };
static u8x16 one[VECTORS], two[VECTORS], mixed[VECTORS];

static u8x16 splat(uint8_t byte) {
    return (u8x16){byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte};
}

int64_t run(int32_t n) {
    uint32_t state = 1;
    for (int32_t i = 0; i < VECTORS; i++)
        for (int32_t lane = 0; lane < 16; lane++) {
            state = state * 1664525u + 1013904223u;
            one[i][lane] = state >> 24;
            two[i][lane] = state >> 16;
        }
    int64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        u8x16 bright = splat(round * 7), dark = splat(round * 3 + 1);
        for (int32_t i = 0; i < VECTORS; i++) {
            u8x16 a = __builtin_elementwise_add_sat(one[i], bright);
            u8x16 b = __builtin_elementwise_sub_sat(two[i], dark);
            u8x16 larger = __builtin_elementwise_max(a, b), smaller = __builtin_elementwise_min(a, b);
            u8x16 keep = (u8x16)(larger - smaller > splat(64));
            mixed[i] = (larger & keep) | ((a ^ b) & ~keep);
        }
        uint8_t wanted = round;
        for (int32_t i = 0; i < VECTORS; i++)
            if (__builtin_reduce_or((i8x16)(mixed[i] == splat(wanted)))) sum += i ^ round;
        sum = sum * 31 + mixed[round & (VECTORS - 1)][round & 15];
    }
    return sum;
}
