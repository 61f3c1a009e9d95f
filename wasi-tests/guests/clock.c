// Looks at all four clocks, and says what is wrong with them: "monotonic: ok" and so on.
#include <stdint.h>
#include <stdio.h>
#include <wasi/api.h>

static const char *name[] = {"realtime", "monotonic", "process cputime", "thread cputime"};

int main(void) {
    for (uint32_t id = 0; id < 4; id++) {
        uint64_t last = 0, now = 0, resolution = 0, changes = 0;
        const char *problem = "ok";
        if (__wasi_clock_res_get(id, &resolution) || resolution == 0) problem = "no resolution";
        for (int i = 0; i < 20000; i++) {
            if (__wasi_clock_time_get(id, 1, &now)) problem = "cannot be read";
            if (id != 0 && now < last) problem = "runs backwards";
            changes += now != last;
            last = now;
        }
        if (changes < 2) problem = "stands still";
        if (id == 0 && now / 1000000000 < 1600000000) problem = "is not the time";
        if (id == 1 && now / 1000000000 > 3600) problem = "does not count from the start";
        printf("%s: %s\n", name[id], problem);
    }
    uint64_t time;
    printf("unknown: %d\n", __wasi_clock_time_get(4, 1, &time));
    return 0;
}
