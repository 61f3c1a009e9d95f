// The loop of an interpreter: a `switch` over dense codes in an unforeseeable order, so a `br_table` per iteration.
//
// A register machine with sixteen registers runs a generated program; `n` is how many times.
#include <stdint.h>

enum { ADD, SUB, MUL, XOR, AND, OR, SHIFT_LEFT, SHIFT_RIGHT, ROTATE, MOVE, CONSTANT, LOAD, STORE, SKIP_IF_LESS, SKIP_IF_ODD,
       END };
enum { LENGTH = 4096, MEMORY = 256 };

struct instruction {
    uint8_t code, to, a, b;
};

static struct instruction program[LENGTH];
static uint32_t memory[MEMORY], reg[16];

static void make_program(void) {
    uint32_t seed = 1;
    for (int i = 0; i < LENGTH; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t r = seed >> 8;
        program[i] = (struct instruction){r % END, r >> 4 & 15, r >> 8 & 15, r >> 12 & 15};
    }
    // A skip never leads past the end.
    program[LENGTH - 2].code = MOVE;
    program[LENGTH - 1].code = END;
}

static void interpret(void) {
    for (const struct instruction *at = program;; at++) {
        uint32_t a = reg[at->a], b = reg[at->b], *to = &reg[at->to];
        switch (at->code) {
        case ADD: *to = a + b; break;
        case SUB: *to = a - b; break;
        case MUL: *to = a * b; break;
        case XOR: *to = a ^ b; break;
        case AND: *to = a & b; break;
        case OR: *to = a | b; break;
        case SHIFT_LEFT: *to = a << (b & 31); break;
        case SHIFT_RIGHT: *to = a >> (b & 31); break;
        case ROTATE: *to = a << (b & 31) | a >> (-b & 31); break;
        case MOVE: *to = a; break;
        case CONSTANT: *to = (uint32_t)at->a << 20 | at->b; break;
        case LOAD: *to = memory[a % MEMORY]; break;
        case STORE: memory[a % MEMORY] = b + at->to; break;
        case SKIP_IF_LESS: at += a < b; break;
        case SKIP_IF_ODD: at += a & 1; break;
        default: return;
        }
    }
}

int64_t run(int32_t n) {
    make_program();
    for (int i = 0; i < 16; i++)
        reg[i] = 0x9e3779b9u * (uint32_t)(i + 1);
    for (int i = 0; i < MEMORY; i++)
        memory[i] = 0;
    for (int32_t i = 0; i < n; i++) {
        reg[i & 15] ^= (uint32_t)i;
        interpret();
    }
    uint64_t sum = 0;
    for (int i = 0; i < 16; i++)
        sum = sum * 1000003 + reg[i];
    for (int i = 0; i < MEMORY; i++)
        sum = sum * 1000003 + memory[i];
    return (int64_t)sum;
}
