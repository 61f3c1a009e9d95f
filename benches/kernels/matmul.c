// f64 loads with computed addresses: products of two dense 96 by 96 matrices, `n` of them, by the textbook's
// three loops (the inner one walks a row and a column).
#include <stdint.h>

enum { SIZE = 96 };
static double a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

int64_t run(int32_t n) {
    uint32_t seed = 7;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            seed = seed * 1664525u + 1013904223u;
            a[i][j] = (double)(seed >> 12) * (1.0 / 1048576.0) - 0.5;
            seed = seed * 1664525u + 1013904223u;
            b[i][j] = (double)(seed >> 12) * (1.0 / 1048576.0) - 0.5;
        }
    double trace = 0.0;
    for (int32_t round = 0; round < n; round++) {
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++) {
                double sum = 0.0;
                for (int k = 0; k < SIZE; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
        for (int i = 0; i < SIZE; i++) {
            trace += c[i][i];
            a[i][(i + round) % SIZE] += c[i][SIZE - 1 - i] * 0.0625; // the next product is another one
        }
    }
    union { double d; int64_t i; } bits = {trace};
    return bits.i;
}
