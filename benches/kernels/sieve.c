// Byte loads and stores in short loops: the sieve of Eratosthenes over one byte per odd number.
//
// `n` is the number of rounds. The upper end moves a little each round, so that no round's answer can be reused.
#include <stdint.h>

enum { HALF = 64 * 1024 };
static uint8_t composite[HALF];

int64_t run(int32_t n) {
    int64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        uint32_t end = HALF - (uint32_t)(round & 63);
        for (uint32_t i = 0; i < end; i++)
            composite[i] = 0;
        uint32_t count = 1; // 2, the prime that has no byte
        for (uint32_t i = 1; i < end; i++) { // byte i stands for the number 2i + 1
            if (composite[i])
                continue;
            count++;
            uint32_t step = 2 * i + 1;
            for (uint32_t j = i + step; j < end; j += step)
                composite[j] = 1;
        }
        sum = sum * 31 + count;
    }
    return sum;
}
