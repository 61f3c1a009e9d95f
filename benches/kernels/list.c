// Dependent loads: a singly linked list of nodes in scattered order is walked, reversed, and taken apart and
// put together again. `n` is the number of turns over all nodes.
#include <stdint.h>

enum { NODES = 4096 };
typedef struct Node {
    struct Node *next;
    uint32_t value;
    uint32_t pad[2]; // 16 bytes in wasm: a node is one load away from its neighbour, never in the same word
} Node;

static Node node[NODES];
static uint16_t position[NODES];

static Node *scatter(void) {
    uint32_t seed = 2463534242u;
    for (uint32_t i = 0; i < NODES; i++)
        position[i] = (uint16_t)i;
    for (uint32_t i = NODES - 1; i > 0; i--) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t j = (seed >> 8) % (i + 1);
        uint16_t t = position[i];
        position[i] = position[j];
        position[j] = t;
    }
    Node *head = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        Node *p = &node[position[i]];
        p->value = i;
        p->next = head;
        head = p;
    }
    return head;
}

static Node *reverse(Node *head) {
    Node *done = 0;
    while (head) {
        Node *next = head->next;
        head->next = done;
        done = head;
        head = next;
    }
    return done;
}

// Odd values to the front, even ones behind, each group in its old order.
static Node *part(Node *head) {
    Node *odd = 0, *even = 0;
    Node **odd_end = &odd, **even_end = &even;
    for (Node *p = head; p; p = p->next) {
        if (p->value & 1) {
            *odd_end = p;
            odd_end = &p->next;
        } else {
            *even_end = p;
            even_end = &p->next;
        }
    }
    *even_end = 0;
    *odd_end = even;
    return odd;
}

int64_t run(int32_t n) {
    Node *head = scatter();
    uint64_t sum = 0;
    for (int32_t turn = 0; turn < n; turn++) {
        uint32_t walk = 0;
        for (Node *p = head; p; p = p->next) {
            walk = walk * 3 + p->value;
            p->value += walk & 1;
        }
        sum = sum * 31 + walk;
        if ((turn & 3) == 1)
            head = reverse(head);
        if ((turn & 7) == 5)
            head = part(head);
    }
    return (int64_t)sum;
}
