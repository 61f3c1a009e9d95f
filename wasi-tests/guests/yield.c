// Gives its time slice away a few times.
#include <sched.h>
#include <stdio.h>

int main(void) {
    int failed = 0;
    for (int i = 0; i < 100; i++) failed += sched_yield() != 0;
    printf("%d\n", failed);
    return 0;
}
