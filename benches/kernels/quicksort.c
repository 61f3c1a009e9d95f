// call_indirect in a hot loop: quicksort of 8-byte records through a comparator that is chosen at run time.
//
// `n` is the number of sorts; each fills the array anew and takes the next of three orders.
#include <stdint.h>

typedef struct {
    uint32_t key;
    int32_t tag;
} Record;
typedef int32_t (*Compare)(const Record *, const Record *);

enum { COUNT = 20000 };
static Record record[COUNT];

static int32_t by_key(const Record *a, const Record *b) { return (a->key > b->key) - (a->key < b->key); }
static int32_t by_key_down(const Record *a, const Record *b) { return (b->key > a->key) - (b->key < a->key); }
static int32_t by_tag_then_key(const Record *a, const Record *b) {
    if (a->tag != b->tag)
        return a->tag < b->tag ? -1 : 1;
    return by_key(a, b);
}
// Not const: with a constant table the compiler could see through the call and inline the comparators.
static Compare volatile order[3] = {by_key, by_key_down, by_tag_then_key};

static void swap(int32_t i, int32_t j) {
    Record t = record[i];
    record[i] = record[j];
    record[j] = t;
}

static void sort(int32_t lo, int32_t hi, Compare compare) {
    while (hi - lo > 8) {
        swap(lo, lo + (hi - lo) / 2);
        Record pivot = record[lo];
        int32_t i = lo, j = hi + 1;
        for (;;) {
            do i++; while (i < hi && compare(&record[i], &pivot) < 0);
            do j--; while (compare(&record[j], &pivot) > 0);
            if (i >= j)
                break;
            swap(i, j);
        }
        swap(lo, j);
        // The shorter side by recursion, the longer by the loop: depth stays logarithmic.
        if (j - lo < hi - j) {
            sort(lo, j - 1, compare);
            lo = j + 1;
        } else {
            sort(j + 1, hi, compare);
            hi = j - 1;
        }
    }
    for (int32_t i = lo + 1; i <= hi; i++) {
        Record moving = record[i];
        int32_t j = i - 1;
        while (j >= lo && compare(&record[j], &moving) > 0) {
            record[j + 1] = record[j];
            j--;
        }
        record[j + 1] = moving;
    }
}

int64_t run(int32_t n) {
    uint32_t seed = 99;
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (int32_t i = 0; i < COUNT; i++) {
            seed = seed * 1664525u + 1013904223u;
            record[i].key = seed >> 4;
            record[i].tag = (int32_t)(seed >> 28);
        }
        Compare compare = order[round % 3];
        sort(0, COUNT - 1, compare);
        for (int32_t i = 0; i < COUNT; i += 97)
            sum = sum * 1099511628211u + (record[i].key ^ (uint32_t)record[i].tag);
        for (int32_t i = 1; i < COUNT; i++)
            if (compare(&record[i - 1], &record[i]) > 0)
                return -1;
    }
    return (int64_t)sum;
}
