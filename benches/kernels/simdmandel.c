// Escape times of four points at once: f32x4 arithmetic, a comparison, and a test whether any lane goes on.
#include <stdint.h>

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));

int64_t run(int32_t n) {
    const int32_t limit = 100;
    int64_t sum = 0;
    float scale = 2.5f / n;
    for (int32_t row = 0; row < n; row++) {
        float y = row * scale - 1.25f;
        f32x4 ci = {y, y, y, y};
        for (int32_t column = 0; column < n; column += 4) {
            f32x4 cr = {column * scale - 2.0f, (column + 1) * scale - 2.0f, (column + 2) * scale - 2.0f,
                        (column + 3) * scale - 2.0f};
            f32x4 zr = {0}, zi = {0}, rr = {0}, ii = {0};
            i32x4 turns = {0};
            for (int32_t turn = 0; turn < limit; turn++) {
                i32x4 inside = rr + ii <= 4.0f;
                if (!__builtin_reduce_or(inside)) break;
                turns -= inside;
                zi = 2.0f * zr * zi + ci;
                zr = rr - ii + cr;
                rr = zr * zr;
                ii = zi * zi;
            }
            sum += (turns[0] ^ 1) + (turns[1] ^ 2) + (turns[2] ^ 3) + (turns[3] ^ 4);
        }
    }
    return sum;
}
