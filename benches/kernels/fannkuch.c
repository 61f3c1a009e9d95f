// Small integer arrays permuted in place: for every permutation of n numbers, how many prefix reversals until the
// first number is the smallest. Dependent loads and stores, short loops whose length is hard to predict.
#include <stdint.h>

enum { MAX = 12 };

int64_t run(int32_t n) {
    int32_t perm[MAX], work[MAX], turns[MAX];
    if (n < 2 || n > MAX)
        return -1;
    for (int32_t i = 0; i < n; i++) {
        perm[i] = i;
        turns[i] = 0;
    }
    int64_t checksum = 0;
    int32_t most = 0;
    uint32_t index = 0;
    for (;;) {
        if (perm[0] != 0) {
            for (int32_t i = 0; i < n; i++)
                work[i] = perm[i];
            int32_t flips = 0;
            int32_t first = work[0];
            do {
                for (int32_t lo = 0, hi = first; lo < hi; lo++, hi--) {
                    int32_t t = work[lo];
                    work[lo] = work[hi];
                    work[hi] = t;
                }
                flips++;
                first = work[0];
            } while (first != 0);
            if (flips > most)
                most = flips;
            checksum += (index & 1) ? -flips : flips;
        }
        // The next permutation: rotate ever longer prefixes, counting how often each was rotated.
        int32_t level = 1;
        for (;;) {
            if (level == n)
                return checksum * 1000 + most;
            int32_t head = perm[0];
            for (int32_t i = 0; i < level; i++)
                perm[i] = perm[i + 1];
            perm[level] = head;
            if (++turns[level] <= level)
                break;
            turns[level] = 0;
            level++;
        }
        index++;
    }
}
