// f64 arithmetic on structures in memory: bodies attracting each other, `n` steps of the leapfrog scheme.
//
// The bodies are made up here (a heavy one in the middle and four on rough orbits around it), the force has a
// softening term so that no start can blow up. The checksum is the exact bits of the state's sum.
#include <stdint.h>

enum { BODIES = 5 };
typedef struct {
    double x, y, z, vx, vy, vz, mass;
} Body;

static Body body[BODIES];

static void place(void) {
    uint32_t seed = 12345;
    for (int i = 0; i < BODIES; i++) {
        double r[3];
        for (int k = 0; k < 3; k++) {
            seed = seed * 1664525u + 1013904223u;
            r[k] = (double)(seed >> 8) * (1.0 / 16777216.0);
        }
        double distance = i * (1.0 + 0.25 * r[0]);
        Body *b = &body[i];
        b->x = distance;
        b->y = 0.125 * r[1];
        b->z = 0.125 * r[2];
        b->vx = 0.0;
        b->vy = i == 0 ? 0.0 : __builtin_sqrt(40.0 / distance);
        b->vz = 0.03125 * r[1];
        b->mass = i == 0 ? 40.0 : 0.01 + 0.05 * r[0];
    }
}

static void step(double dt) {
    for (int i = 0; i < BODIES; i++) {
        Body *a = &body[i];
        for (int j = i + 1; j < BODIES; j++) {
            Body *b = &body[j];
            double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
            double d2 = dx * dx + dy * dy + dz * dz + 1e-4;
            double f = dt / (d2 * __builtin_sqrt(d2));
            double fb = f * b->mass, fa = f * a->mass;
            a->vx -= dx * fb;
            a->vy -= dy * fb;
            a->vz -= dz * fb;
            b->vx += dx * fa;
            b->vy += dy * fa;
            b->vz += dz * fa;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        Body *b = &body[i];
        b->x += dt * b->vx;
        b->y += dt * b->vy;
        b->z += dt * b->vz;
    }
}

int64_t run(int32_t n) {
    place();
    for (int32_t i = 0; i < n; i++)
        step(0.0009765625);
    double sum = 0.0;
    for (int i = 0; i < BODIES; i++)
        sum += body[i].x + body[i].y * 3.0 + body[i].z * 5.0 + body[i].vx * 7.0 + body[i].vy * 11.0;
    union { double d; int64_t i; } bits = {sum};
    return bits.i;
}
