// 64-bit multiply, divide and remainder, signed and unsigned: counts primes among pseudo-random odd numbers by
// Fermat tests in modular arithmetic, and mixes the remainders. `n` is the number of candidates.
#include <stdint.h>

static uint64_t power_mod(uint64_t base, uint64_t exponent, uint64_t modulus) {
    uint64_t result = 1;
    base %= modulus;
    while (exponent != 0) {
        if (exponent & 1)
            result = result * base % modulus;
        base = base * base % modulus;
        exponent >>= 1;
    }
    return result;
}

int64_t run(int32_t n) {
    uint64_t seed = 0x9e3779b97f4a7c15u;
    uint64_t mix = 0;
    int32_t primes = 0;
    for (int32_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t candidate = (seed >> 33) | 0x40000001u; // below 2^31: a product of two fits in 64 bits
        uint64_t two = power_mod(2, candidate - 1, candidate);
        if (two == 1 && power_mod(3, candidate - 1, candidate) == 1)
            primes++;
        int64_t folded = (int64_t)(seed ^ mix);
        mix = mix * 31 + two + (uint64_t)(folded / (int64_t)candidate) + (uint64_t)(folded % 1000003);
    }
    return (int64_t)(mix ^ ((uint64_t)primes << 40));
}
