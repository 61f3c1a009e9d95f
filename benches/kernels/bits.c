// 64-bit shifts, rotations and bit counts: xoshiro256** draws bitboards, which are flood-filled and counted.
//
// `n` is thousands of boards.
#include <stdint.h>

static uint64_t state[4];

static uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }

static uint64_t draw(void) {
    uint64_t result = rotate(state[1] * 5, 7) * 9, t = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= t;
    state[3] = rotate(state[3], 45);
    return result;
}

// The squares of `board` connected to those of `from`, on eight by eight squares.
static uint64_t fill(uint64_t from, uint64_t board) {
    const uint64_t not_left = 0xfefefefefefefefe, not_right = 0x7f7f7f7f7f7f7f7f;
    for (uint64_t before = 0; from != before;) {
        before = from;
        from |= from << 8 | from >> 8 | (from << 1 & not_left) | (from >> 1 & not_right);
        from &= board;
    }
    return from;
}

int64_t run(int32_t n) {
    uint64_t sum = 0;
    state[0] = 0x180ec6d33cfd0aba, state[1] = 0xd5a61266f0c9392c;
    state[2] = 0xa9582618e03fc9aa, state[3] = 0x39abdc4529b1661c;
    for (int32_t i = 0; i < n * 1000; i++) {
        uint64_t board = draw() | draw();
        int areas = 0;
        for (; board != 0; areas++) {
            uint64_t area = fill(board & -board, board);
            sum += (uint64_t)(__builtin_popcountll(area) * __builtin_clzll(area));
            board &= ~area;
        }
        sum = rotate(sum, 5) ^ (uint64_t)areas;
    }
    return (int64_t)sum;
}
