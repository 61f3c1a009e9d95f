// ChaCha20, a block in four vectors: 32-bit additions, rotations of 16 and 8 bits as shuffles of bytes, and of lanes.
#include <stdint.h>

typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));

static u32x4 rotate(u32x4 a, int bits) {
    return a << bits | a >> (32 - bits);
}
static u32x4 rotate16(u32x4 a) {
    u8x16 b = (u8x16)a;
    return (u32x4)__builtin_shufflevector(b, b, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}
static u32x4 rotate8(u32x4 a) {
    u8x16 b = (u8x16)a;
    return (u32x4)__builtin_shufflevector(b, b, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
}

static void quarters(u32x4 *a, u32x4 *b, u32x4 *c, u32x4 *d) {
    *a += *b, *d = rotate16(*d ^ *a);
    *c += *d, *b = rotate(*b ^ *c, 12);
    *a += *b, *d = rotate8(*d ^ *a);
    *c += *d, *b = rotate(*b ^ *c, 7);
}

int64_t run(int32_t n) {
    u32x4 key = {1, 2, 3, 4}, more = {5, 6, 7, 8}, sum = {0};
    u32x4 words = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (int32_t block = 0; block < n; block++) {
        u32x4 nonce = {(uint32_t)block, 9, 10, 11};
        u32x4 a = words, b = key, c = more, d = nonce;
        for (int round = 0; round < 10; round++) {
            quarters(&a, &b, &c, &d);
            b = __builtin_shufflevector(b, b, 1, 2, 3, 0);
            c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
            d = __builtin_shufflevector(d, d, 3, 0, 1, 2);
            quarters(&a, &b, &c, &d);
            b = __builtin_shufflevector(b, b, 3, 0, 1, 2);
            c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
            d = __builtin_shufflevector(d, d, 1, 2, 3, 0);
        }
        sum = rotate(sum, 1) ^ ((a + words) + (b + key)) ^ ((c + more) ^ (d + nonce));
    }
    return (int64_t)((uint64_t)(sum[0] ^ sum[2]) << 32 | (sum[1] ^ sum[3]));
}
