// An LZ77 compressor with hash chains and lazy matching, and its decompressor, on generated text.
//
// A token is a byte: below 128 so many literals plus one follow, otherwise a match of (token - 128) + 4 bytes whose
// distance follows in two bytes. `n` is how many texts of 64 KiB.
#include <stdint.h>

enum { LENGTH = 1 << 16, HASH = 1 << 12, LEAST = 4, MOST = 127 + LEAST, TRIES = 16 };

static uint8_t text[LENGTH], packed[2 * LENGTH], again[LENGTH];
static int32_t newest[HASH], older[LENGTH];

static void make_text(uint32_t seed) {
    static const char words[] = "the of and to in that is was he for it with as his on be at by had not are but from ";
    uint32_t at = 0;
    while (at < LENGTH) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t from = (seed >> 16) % (sizeof words - 1), count = 3 + (seed >> 10) % 20;
        for (; count > 0 && at < LENGTH; count--, from++)
            text[at++] = (uint8_t)words[from % (sizeof words - 1)];
        if (at < LENGTH)
            text[at++] = (uint8_t)(seed >> 25);
    }
}

static uint32_t hash(const uint8_t *p) {
    uint32_t four = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return four * 2654435761u >> 20;
}

static void insert(int32_t at) {
    if (at + LEAST > LENGTH)
        return;
    uint32_t h = hash(&text[at]);
    older[at] = newest[h];
    newest[h] = at;
}

// The longest match for what stands at `at`: its length, 0 if there is none, and where it is.
static int32_t longest(int32_t at, int32_t *where) {
    if (at + LEAST > LENGTH)
        return 0;
    int32_t best = LEAST - 1, limit = LENGTH - at < MOST ? LENGTH - at : MOST, tries = TRIES;
    for (int32_t from = newest[hash(&text[at])]; from >= 0 && tries > 0; from = older[from], tries--) {
        if (text[from + best] != text[at + best] && best < limit)
            continue;
        int32_t length = 0;
        while (length < limit && text[from + length] == text[at + length])
            length++;
        if (length > best) {
            best = length;
            *where = from;
            if (length == limit)
                break;
        }
    }
    return best >= LEAST ? best : 0;
}

static uint8_t *put_literals(uint8_t *out, int32_t from, int32_t to) {
    while (from < to) {
        int32_t count = to - from < 128 ? to - from : 128;
        *out++ = (uint8_t)(count - 1);
        for (; count > 0; count--)
            *out++ = text[from++];
    }
    return out;
}

static int32_t compress(void) {
    for (int i = 0; i < HASH; i++)
        newest[i] = -1;
    uint8_t *out = packed;
    int32_t at = 0, literals = 0;
    while (at < LENGTH) {
        int32_t where = 0, next_where = 0, length = longest(at, &where);
        insert(at);
        // One byte later there may be a longer one.
        if (length == 0 || longest(at + 1, &next_where) > length) {
            at++;
            continue;
        }
        out = put_literals(out, literals, at);
        *out++ = (uint8_t)(128 + length - LEAST);
        *out++ = (uint8_t)(at - where);
        *out++ = (uint8_t)((at - where) >> 8);
        for (int32_t end = at + length; ++at < end;)
            insert(at);
        literals = at;
    }
    return (int32_t)(put_literals(out, literals, LENGTH) - packed);
}

static int32_t decompress(int32_t size) {
    int32_t at = 0;
    for (int32_t in = 0; in < size;) {
        int32_t token = packed[in++];
        if (token < 128) {
            for (; token >= 0; token--)
                again[at++] = packed[in++];
        } else {
            int32_t from = at - (packed[in] | packed[in + 1] << 8);
            in += 2;
            for (token += LEAST - 128; token > 0; token--)
                again[at++] = again[from++];
        }
    }
    return at;
}

int64_t run(int32_t n) {
    uint64_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        make_text((uint32_t)i);
        int32_t size = compress();
        if (decompress(size) != LENGTH)
            return -1;
        for (int32_t k = 0; k < LENGTH; k++)
            if (again[k] != text[k])
                return -2;
        for (int32_t k = 0; k < size; k++)
            sum = (sum ^ packed[k]) * 1099511628211u;
    }
    return (int64_t)sum;
}
