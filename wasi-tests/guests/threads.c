// Threads of wasi-threads, with mutexes, conditions and joins of wasi-libc.
//
// threads MODE: what the first argument says, see `main`.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// The headers that are everywhere are those for one thread; these are the declarations of the libc for many (musl's).
typedef struct pthread *pthread_t;
typedef struct { int words[6]; } pthread_mutex_t;
typedef struct { int words[12]; } pthread_cond_t;
int pthread_create(pthread_t *, const void *, void *(*)(void *), void *);
int pthread_join(pthread_t, void **);
int pthread_mutex_lock(pthread_mutex_t *);
int pthread_mutex_unlock(pthread_mutex_t *);
int pthread_cond_wait(pthread_cond_t *, pthread_mutex_t *);
int pthread_cond_timedwait(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
int pthread_cond_signal(pthread_cond_t *);

enum { THREADS = 4, ROUNDS = 2000 };

static pthread_mutex_t lock;
static pthread_cond_t changed;
static long counter;
static _Thread_local long mine;

static void must(int error, const char *what) {
    if (error != 0) {
        printf("%s: %s\n", what, strerror(error));
        exit(1);
    }
}

static void *count(void *step) {
    for (int round = 0; round < ROUNDS; round++) {
        must(pthread_mutex_lock(&lock), "lock");
        counter += (long)step;
        mine++;
        must(pthread_mutex_unlock(&lock), "unlock");
    }
    return (void *)mine;
}

static void *produce(void *arg) {
    (void)arg;
    for (int item = 1; item <= 3; item++) {
        usleep(10 * 1000);
        must(pthread_mutex_lock(&lock), "lock");
        counter = item;
        must(pthread_cond_signal(&changed), "signal");
        while (counter != 0) must(pthread_cond_wait(&changed, &lock), "wait");
        must(pthread_mutex_unlock(&lock), "unlock");
    }
    return 0;
}

static void *leave(void *arg) {
    usleep(20 * 1000);
    printf("leaving\n");
    exit((int)(long)arg);
}

static void *trap(void *arg) {
    (void)arg;
    usleep(20 * 1000);
    __builtin_trap();
}

static void *sleep_long(void *arg) {
    (void)arg;
    sleep(600);
    return 0;
}

static void *spin(void *arg) {
    for (volatile long *at = arg;; (*at)++) {}
}

static void *grow(void *arg) {
    (void)arg;
    char *block = malloc(3 << 20);
    if (block) block[(3 << 20) - 1] = 42;
    return block;
}

static pthread_t start(void *(*body)(void *), void *arg) {
    pthread_t thread;
    must(pthread_create(&thread, 0, body, arg), "create");
    return thread;
}

static void wait_forever(void) {
    must(pthread_mutex_lock(&lock), "lock");
    for (;;) must(pthread_cond_wait(&changed, &lock), "wait");
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "count";
    setvbuf(stdout, 0, _IOLBF, 0);
    if (!strcmp(mode, "count")) {
        pthread_t threads[THREADS];
        for (long i = 0; i < THREADS; i++) threads[i] = start(count, (void *)(i + 1));
        long rounds = 0;
        for (int i = 0; i < THREADS; i++) {
            void *result;
            must(pthread_join(threads[i], &result), "join");
            rounds += (long)result;
        }
        printf("counter %ld rounds %ld mine %ld\n", counter, rounds, mine);
    } else if (!strcmp(mode, "produce")) {
        pthread_t producer = start(produce, 0);
        must(pthread_mutex_lock(&lock), "lock");
        for (int seen = 0; seen < 3; seen++) {
            while (counter == 0) must(pthread_cond_wait(&changed, &lock), "wait");
            printf("item %ld\n", counter);
            counter = 0;
            must(pthread_cond_signal(&changed), "signal");
        }
        must(pthread_mutex_unlock(&lock), "unlock");
        must(pthread_join(producer, 0), "join");
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20 * 1000 * 1000;
        if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
        must(pthread_mutex_lock(&lock), "lock");
        printf("timed out: %d\n", pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT);
    } else if (!strcmp(mode, "exit-waiting")) {
        start(leave, (void *)7);
        wait_forever();
    } else if (!strcmp(mode, "exit-sleeping")) {
        start(leave, (void *)8);
        sleep(600);
    } else if (!strcmp(mode, "exit-reading")) {
        start(leave, (void *)0);
        char byte;
        read(0, &byte, 1);
    } else if (!strcmp(mode, "trap")) {
        start(trap, 0);
        start(sleep_long, 0);
        wait_forever();
    } else if (!strcmp(mode, "return")) {
        start(sleep_long, 0);
        start(spin, &counter);
        usleep(20 * 1000);
        return 9;
    } else if (!strcmp(mode, "spin")) {
        start(spin, &counter);
        spin(&mine);
    } else if (!strcmp(mode, "many")) {
        int made = 0;
        pthread_t thread;
        while (made < 100 && pthread_create(&thread, 0, sleep_long, 0) == 0) made++;
        printf("made %d, then %s\n", made, strerror(EAGAIN));
    } else if (!strcmp(mode, "grow")) {
        void *block;
        must(pthread_join(start(grow, 0), &block), "join");
        printf("%d\n", block ? ((char *)block)[(3 << 20) - 1] : -1);
    }
    return 0;
}
