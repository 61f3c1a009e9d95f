// Virtual methods: two `call_indirect` per iteration, through a table of methods that each object points to, with
// receivers in an unforeseeable order.
//
// `n` is how many times all objects are asked.
#include <stdint.h>

enum { OBJECTS = 1024, KINDS = 6 };

struct object;
struct methods {
    uint32_t (*ask)(const struct object *, uint32_t);
    void (*tell)(struct object *, uint32_t);
};
struct object {
    const struct methods *methods;
    uint32_t a, b;
};

static uint32_t ask_sum(const struct object *o, uint32_t x) { return o->a + o->b + x; }
static uint32_t ask_product(const struct object *o, uint32_t x) { return o->a * x + o->b; }
static uint32_t ask_mix(const struct object *o, uint32_t x) { return (o->a ^ x) + (o->b >> 3); }
static void tell_first(struct object *o, uint32_t x) { o->a = x; }
static void tell_second(struct object *o, uint32_t x) { o->b += x; }

static const struct methods kinds[KINDS] = {
    {ask_sum, tell_first},      {ask_product, tell_first}, {ask_mix, tell_first},
    {ask_product, tell_second}, {ask_mix, tell_second},    {ask_sum, tell_second},
};
static struct object objects[OBJECTS];

int64_t run(int32_t n) {
    uint32_t seed = 1, x = 0;
    for (int i = 0; i < OBJECTS; i++) {
        seed = seed * 1664525u + 1013904223u;
        objects[i] = (struct object){&kinds[(seed >> 16) % KINDS], seed, seed >> 7};
    }
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (int i = 0; i < OBJECTS; i++) {
            struct object *o = &objects[i];
            x = o->methods->ask(o, x);
            o->methods->tell(o, x >> 5);
        }
        sum = sum * 31 + x;
    }
    return (int64_t)sum;
}
