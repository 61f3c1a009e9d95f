// A small ray tracer: spheres over a chequered plane, shadows, reflections; f64 arithmetic with structures passed and
// returned by memory, short functions and branches.
//
// `n` is the width of the picture.
#include <stdint.h>

struct vector {
    double x, y, z;
};
struct sphere {
    struct vector centre;
    double radius, mirror, colour;
};

enum { SPHERES = 9 };
static struct sphere spheres[SPHERES];
static const struct vector light = {-4.0, 8.0, -5.0};

static struct vector add(struct vector a, struct vector b) { return (struct vector){a.x + b.x, a.y + b.y, a.z + b.z}; }
static struct vector sub(struct vector a, struct vector b) { return (struct vector){a.x - b.x, a.y - b.y, a.z - b.z}; }
static struct vector scale(struct vector a, double k) { return (struct vector){a.x * k, a.y * k, a.z * k}; }
static double dot(struct vector a, struct vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static struct vector unit(struct vector a) { return scale(a, 1.0 / __builtin_sqrt(dot(a, a))); }

// Distance along the ray, or a negative number.
static double hit(const struct sphere *s, struct vector from, struct vector along) {
    struct vector to = sub(s->centre, from);
    double b = dot(to, along), d = b * b - dot(to, to) + s->radius * s->radius;
    return d < 0.0 ? -1.0 : b - __builtin_sqrt(d);
}

static int nearest(struct vector from, struct vector along, double *distance) {
    int found = -1;
    for (int i = 0; i < SPHERES; i++) {
        double d = hit(&spheres[i], from, along);
        if (d > 1e-6 && d < *distance) {
            *distance = d;
            found = i;
        }
    }
    return found;
}

static double shade(struct vector at, struct vector normal) {
    struct vector to_light = sub(light, at);
    double distance = __builtin_sqrt(dot(to_light, to_light)), bright = dot(normal, scale(to_light, 1.0 / distance));
    return bright <= 0.0 || nearest(at, scale(to_light, 1.0 / distance), &distance) >= 0 ? 0.1 : 0.1 + 0.9 * bright;
}

static double trace(struct vector from, struct vector along, int depth) {
    double distance = 1e9;
    int found = nearest(from, along, &distance);
    if (found < 0) {
        if (along.y >= -1e-3)
            return 0.5 + 0.5 * along.y;
        struct vector at = add(from, scale(along, -from.y / along.y));
        int odd = ((int)__builtin_floor(at.x) + (int)__builtin_floor(at.z)) & 1;
        return (odd ? 0.9 : 0.3) * shade(at, (struct vector){0.0, 1.0, 0.0});
    }
    const struct sphere *s = &spheres[found];
    struct vector at = add(from, scale(along, distance)), normal = scale(sub(at, s->centre), 1.0 / s->radius);
    double own = s->colour * shade(at, normal);
    if (depth == 0 || s->mirror == 0.0)
        return own;
    struct vector back = sub(along, scale(normal, 2.0 * dot(along, normal)));
    return own * (1.0 - s->mirror) + s->mirror * trace(at, back, depth - 1);
}

int64_t run(int32_t n) {
    for (int i = 0; i < SPHERES; i++) {
        double radius = 0.5 + 0.1 * i;
        spheres[i] = (struct sphere){{i % 3 * 2.5 - 2.5, radius, i / 3 * 2.5}, radius, i % 2 * 0.5, 0.3 + 0.07 * i};
    }
    uint64_t sum = 0;
    for (int32_t y = 0; y < n; y++)
        for (int32_t x = 0; x < n; x++) {
            struct vector along = unit((struct vector){(x - n / 2) / (double)n, (n / 2 - y) / (double)n - 0.2, 1.0});
            double bright = trace((struct vector){0.0, 2.5, -6.0}, along, 4);
            sum = sum * 31 + (uint64_t)(bright * 255.0);
        }
    return (int64_t)sum;
}
