// Text for the compressors, the same on every machine: words of a made-up language by a skewed choice, with repeated
// phrases and lines, so that matches, literals and entropy coding all have work.
#ifndef TEXT_H
#define TEXT_H
#include <stddef.h>
#include <stdint.h>

static uint32_t text_state;

static uint32_t text_random(void) {
    text_state ^= text_state << 13;
    text_state ^= text_state >> 17;
    text_state ^= text_state << 5;
    return text_state;
}

static char text_words[2048][12];
static uint8_t text_word_length[2048];

static void make_words(void) {
    static const char syllables[32][4] = {"ka", "lo", "mi", "ren", "tu", "sa", "vel", "or", "in", "ta", "du",
                                          "pe", "shi", "no", "ar", "el", "qua", "bri", "co", "fe", "gu", "ha",
                                          "jo", "we", "xi", "yu", "zo", "an", "est", "ir", "om", "ul"};
    for (int w = 0; w < 2048; w++) {
        int length = 0;
        for (uint32_t parts = 1 + text_random() % 3; parts > 0; parts--)
            for (const char *s = syllables[text_random() % 32]; *s != 0; s++)
                text_words[w][length++] = *s;
        text_word_length[w] = (uint8_t)length;
    }
}

// Fills `text` with `length` bytes, the same each time.
static void make_text(uint8_t *text, size_t length) {
    text_state = 12345;
    make_words();
    size_t at = 0, column = 0;
    while (at < length) {
        uint32_t r = text_random();
        if (at > 4096 && r % 16 == 0) { // a phrase again
            size_t from = at - 1 - text_random() % 4000, count = 8 + text_random() % 60;
            for (; count > 0 && at < length; count--)
                text[at++] = text[from++];
            continue;
        }
        // The product of two uniform choices: some words are frequent, most are rare.
        uint32_t w = (text_random() % 2048) * (text_random() % 2048) >> 11;
        for (int i = 0; i < text_word_length[w] && at < length; i++, column++)
            text[at++] = (uint8_t)text_words[w][i];
        if (at < length)
            text[at++] = column > 70 ? (column = 0, '\n') : r % 97 == 1 ? (uint8_t)('0' + r % 10) : ' ';
    }
}

// FNV-1a of `length` bytes.
static uint64_t hash_of(const uint8_t *bytes, size_t length) {
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}
#endif
