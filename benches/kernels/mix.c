// What small controllers do, in the proportions of nothing in particular: a linked list is sorted and searched, small
// integer matrices are multiplied, numbers are recognised in text by a state machine, and a 16-bit CRC is taken of all
// results, so that each part depends on the one before.
//
// `n` is how many times.
#include <stdint.h>

enum { ITEMS = 200, SIZE = 12, TEXT = 400 };

static uint16_t crc16(uint16_t crc, uint16_t value) {
    for (int i = 0; i < 16; i++, value >>= 1) {
        int odd = (crc ^ value) & 1;
        crc >>= 1;
        if (odd)
            crc ^= 0xa001;
    }
    return crc;
}

// --- lists

struct item {
    struct item *next;
    int16_t key, place;
};

static struct item items[ITEMS];

static int by_key(const struct item *a, const struct item *b) { return a->key - b->key; }
static int by_place(const struct item *a, const struct item *b) { return a->place - b->place; }

// Merge sort from the bottom up: runs of `length` items are merged in pairs until there is only one.
static struct item *sort(struct item *list, int (*compare)(const struct item *, const struct item *)) {
    for (int length = 1;; length *= 2) {
        struct item *rest = list, *head = 0, **tail = &head;
        int merges = 0;
        while (rest != 0) {
            struct item *left = rest, *right = rest;
            int lefts = 0, rights = length;
            for (; lefts < length && right != 0; lefts++)
                right = right->next;
            while (lefts > 0 || (rights > 0 && right != 0)) {
                int from_left = lefts > 0 && (rights == 0 || right == 0 || compare(left, right) <= 0);
                struct item **from = from_left ? &left : &right;
                *tail = *from;
                tail = &(*from)->next;
                *from = (*from)->next;
                if (from_left)
                    lefts--;
                else
                    rights--;
            }
            rest = right;
            merges++;
        }
        *tail = 0;
        list = head;
        if (merges <= 1)
            return list;
    }
}

static struct item *reverse(struct item *list) {
    struct item *reversed = 0;
    while (list != 0) {
        struct item *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static uint16_t lists(uint16_t seed) {
    for (int i = 0; i < ITEMS; i++) {
        seed = (uint16_t)(seed * 25173u + 13849u);
        items[i] = (struct item){i + 1 < ITEMS ? &items[i + 1] : 0, (int16_t)(seed & 0x3ff), (int16_t)i};
    }
    struct item *list = sort(items, by_key);
    uint16_t found = 0;
    for (int16_t key = 0; key < 64; key++) {
        const struct item *at = list;
        while (at != 0 && at->key != key * 16)
            at = at->next;
        found = (uint16_t)(found * 3 + (at != 0 ? at->place : 7));
        list = reverse(list);
    }
    list = sort(list, by_place);
    return crc16(found, (uint16_t)list->key);
}

// --- matrices

static int16_t a[SIZE][SIZE], b[SIZE][SIZE];
static int32_t c[SIZE][SIZE];

static uint16_t matrices(uint16_t seed) {
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            seed = (uint16_t)(seed * 25173u + 13849u);
            a[i][j] = (int16_t)(seed >> 4);
            b[j][i] = (int16_t)((seed >> 6) + i - j);
        }
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIZE; k++)
                sum += a[i][k] * b[k][j] >> 2;
            c[i][j] = sum;
        }
    uint16_t crc = seed;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++)
            crc = (uint16_t)(crc * 5 + (c[i][j] > c[j][i] ? c[i][j] & 0xff : c[j][i] >> 8));
    return crc16(crc, (uint16_t)c[3][5]);
}

// --- text

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, INVALID, STATES };

static enum state step(enum state state, char ch) {
    int digit = ch >= '0' && ch <= '9', sign = ch == '+' || ch == '-';
    switch (state) {
    case START: return digit ? INTEGER : sign ? SIGN : ch == '.' ? POINT : INVALID;
    case SIGN: return digit ? INTEGER : ch == '.' ? POINT : INVALID;
    case INTEGER: return digit ? INTEGER : ch == '.' ? FRACTION : ch == 'e' ? EXPONENT : INVALID;
    case POINT: return digit ? FRACTION : INVALID;
    case FRACTION: return digit ? FRACTION : ch == 'e' ? EXPONENT : INVALID;
    case EXPONENT: return digit ? SCIENTIFIC : sign ? EXPONENT_SIGN : INVALID;
    case EXPONENT_SIGN: return digit ? SCIENTIFIC : INVALID;
    case SCIENTIFIC: return digit ? SCIENTIFIC : INVALID;
    default: return INVALID;
    }
}

static char text[TEXT];

static uint16_t numbers(uint16_t seed) {
    static const char *const samples[8] = {"5012", "-874", "+.35", "7.3e5", "-110.700", "+0.644e-12", "T0.3e-1F", "1e1.5"};
    uint16_t ended[STATES] = {0};
    int at = 0;
    while (at < TEXT - 16) {
        seed = (uint16_t)(seed * 25173u + 13849u);
        for (const char *s = samples[seed >> 13]; *s != 0; s++)
            text[at++] = *s;
        text[at++] = ',';
    }
    text[(seed >> 3) % (unsigned)at] ^= 1;
    enum state state = START;
    for (int i = 0; i < at; i++) {
        if (text[i] == ',') {
            ended[state]++;
            state = START;
        } else {
            state = step(state, text[i]);
        }
    }
    for (int i = 0; i < STATES; i++)
        seed = crc16(seed, ended[i]);
    return seed;
}

int64_t run(int32_t n) {
    uint64_t sum = 0;
    uint16_t crc = 0x1234;
    for (int32_t i = 0; i < n; i++) {
        crc = crc16(crc, lists(crc));
        crc = crc16(crc, matrices(crc));
        crc = crc16(crc, numbers(crc));
        sum = sum * 31 + crc;
    }
    return (int64_t)sum;
}
