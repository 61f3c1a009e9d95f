// f64 arithmetic in registers: escape times on an n by n grid. Little memory, a loop-carried chain of
// multiplications and a compare on every turn.
#include <stdint.h>

int64_t run(int32_t n) {
    const int32_t limit = 100;
    int64_t sum = 0;
    double scale = 2.5 / n;
    for (int32_t row = 0; row < n; row++) {
        double ci = row * scale - 1.25;
        for (int32_t column = 0; column < n; column++) {
            double cr = column * scale - 2.0;
            double zr = 0.0, zi = 0.0, rr = 0.0, ii = 0.0;
            int32_t turns = 0;
            while (turns < limit && rr + ii <= 4.0) {
                zi = 2.0 * zr * zi + ci;
                zr = rr - ii + cr;
                rr = zr * zr;
                ii = zi * zi;
                turns++;
            }
            sum += turns ^ (column & 7);
        }
    }
    return sum;
}
