// `global.get` and `global.set`: a random number generator (Marsaglia's xorwow) whose whole state is in globals of the
// module, which is where C compilers otherwise put only the stack pointer.
//
// `n` is thousands of numbers drawn.
#include <stdint.h>

#ifdef __wasm__
// Address space 1 is that of the module's globals; `volatile`, because the state would be in locals for the whole loop.
#define GLOBAL volatile __attribute__((address_space(1)))
#else
#define GLOBAL volatile
#endif

static GLOBAL uint32_t x, y, z, w, v, counter;

int64_t run(int32_t n) {
    uint64_t sum = 0;
    x = 123456789, y = 362436069, z = 521288629, w = 88675123, v = 5783321, counter = 6615241;
    for (int32_t i = 0; i < n; i++) {
        for (int k = 0; k < 1000; k++) {
            uint32_t t = x ^ x >> 2, last = v;
            x = y;
            y = z;
            z = w;
            w = last;
            v = last ^ last << 4 ^ (t ^ t << 1);
            counter = counter + 362437;
            sum += counter + v;
        }
    }
    return (int64_t)sum;
}
