// Recursive calls: the price of entering and leaving a function.
//
// Both recursive results are needed with different weights, so the compiler cannot turn one of the two
// calls into a loop by accumulating, as it does with the plain `fib(n - 1) + fib(n - 2)`.
#include <stdint.h>

static uint32_t fib(uint32_t n) {
    if (n < 2)
        return n + 1;
    uint32_t a = fib(n - 1);
    uint32_t b = fib(n - 2);
    return (a ^ (b << 1)) + 1;
}

int64_t run(int32_t n) { return fib((uint32_t)n); }
