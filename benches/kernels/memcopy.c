// Bulk memory: memory.copy and memory.fill of many lengths, from a few bytes to 64 KiB, overlapping ones too.
//
// Most of the calls are short, as in real programs, where the cost is that of reaching memmove; most of the bytes
// are in the long ones. The lengths are not known to the compiler, so each is one bulk instruction. `n` is the
// number of rounds of 256 copies.
#include <stdint.h>

enum { SIZE = 256 * 1024 };
static uint8_t arena[SIZE];

int64_t run(int32_t n) {
    uint32_t seed = 1;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < SIZE; i++)
        arena[i] = (uint8_t)(i * 13 + (i >> 8));
    for (int32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < 256; i++) {
            seed = seed * 1664525u + 1013904223u;
            uint32_t from = (seed >> 8) & (SIZE / 2 - 1);
            seed = seed * 1664525u + 1013904223u;
            uint32_t to = (seed >> 8) & (SIZE / 2 - 1);
            uint32_t length = i < 224 ? (seed >> 26) : i < 252 ? (seed >> 22) : (seed >> 16);
            if ((i & 15) == 7)
                __builtin_memset(arena + to, (int)(seed >> 24), length);
            else
                __builtin_memmove(arena + to, arena + from, length);
        }
        sum = sum * 31 + arena[(seed >> 9) & (SIZE - 1)];
    }
    for (uint32_t i = 0; i < SIZE; i++)
        sum = sum * 31 + arena[i];
    return (int64_t)sum;
}
