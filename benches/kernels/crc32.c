// br_table and byte loads: a state machine reads generated text character by character and classifies its
// tokens (words, integers, decimals, hexadecimal numbers, strings, comments); a table-driven CRC-32 runs over
// each token's kind and bytes. The `switch` has one dense case per state, which becomes a br_table.
//
// `n` is the number of texts of 16 KiB.
#include <stdint.h>

enum { LENGTH = 16 * 1024 };
enum State { SPACE, WORD, ZERO, INTEGER, POINT, FRACTION, HEX, STRING, ESCAPE, SLASH, COMMENT, OPERATOR, STATES };

static uint8_t text[LENGTH];
static uint32_t table[256];

static void make_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? (c >> 1) ^ 0xedb88320u : c >> 1;
        table[i] = c;
    }
}

static uint32_t crc_byte(uint32_t crc, uint8_t byte) { return table[(crc ^ byte) & 0xff] ^ (crc >> 8); }

static void make_text(uint32_t seed) {
    static const char alphabet[] = "abcdefg xyz_0x01234567890.5e \"\\\"/\n 0xff, (a+b) 3.14 //c\n\"s\"     ";
    _Static_assert(sizeof alphabet == 64 + 1, "indexed by six bits");
    for (uint32_t i = 0; i < LENGTH; i++) {
        seed = seed * 1664525u + 1013904223u;
        // Mostly run on through the alphabet, now and then jump: tokens get a length, and the order stays irregular.
        uint32_t at = (seed >> 24) < 48 ? seed >> 18 : i + (seed >> 31);
        text[i] = (uint8_t)alphabet[at & 63];
    }
}

static int is_letter(uint8_t c) { return (uint8_t)((c | 32) - 'a') < 26 || c == '_'; }
static int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }
static int is_hex(uint8_t c) { return is_digit(c) || (uint8_t)((c | 32) - 'a') < 6; }

static enum State begin(uint8_t c) {
    if (c == ' ' || c == '\n')
        return SPACE;
    if (is_letter(c))
        return WORD;
    if (c == '0')
        return ZERO;
    if (is_digit(c))
        return INTEGER;
    if (c == '"')
        return STRING;
    if (c == '/')
        return SLASH;
    return c == '.' ? POINT : OPERATOR;
}

int64_t run(int32_t n) {
    uint32_t crc = 0xffffffffu;
    uint32_t seen[STATES] = {0};
    make_table();
    // The check value every description of CRC-32 gives, for "123456789".
    for (uint8_t c = '1'; c <= '9'; c++)
        crc = crc_byte(crc, c);
    if (~crc != 0xcbf43926u)
        return -1;
    for (int32_t round = 0; round < n; round++) {
        make_text((uint32_t)round);
        enum State state = SPACE;
        for (uint32_t i = 0; i < LENGTH; i++) {
            uint8_t c = text[i];
            enum State next;
            switch (state) {
            case SPACE:
                next = begin(c);
                break;
            case WORD:
                next = is_letter(c) || is_digit(c) ? WORD : begin(c);
                break;
            case ZERO:
                next = c == 'x' ? HEX : is_digit(c) ? INTEGER : c == '.' ? POINT : begin(c);
                break;
            case INTEGER:
                next = is_digit(c) ? INTEGER : c == '.' ? POINT : begin(c);
                break;
            case POINT:
                next = is_digit(c) ? FRACTION : begin(c);
                break;
            case FRACTION:
                next = is_digit(c) || c == 'e' ? FRACTION : begin(c);
                break;
            case HEX:
                next = is_hex(c) ? HEX : begin(c);
                break;
            case STRING:
                next = c == '\\' ? ESCAPE : c == '"' ? SPACE : STRING;
                break;
            case ESCAPE:
                next = STRING;
                break;
            case SLASH:
                next = c == '/' ? COMMENT : begin(c);
                break;
            case COMMENT:
                next = c == '\n' ? SPACE : COMMENT;
                break;
            default:
                next = begin(c);
                break;
            }
            if (next != state) {
                seen[next]++;
                crc = crc_byte(crc, (uint8_t)next);
            }
            crc = crc_byte(crc, c);
            state = next;
        }
    }
    uint64_t sum = crc;
    for (int i = 0; i < STATES; i++)
        sum = sum * 1000003 + seen[i];
    return (int64_t)sum;
}
