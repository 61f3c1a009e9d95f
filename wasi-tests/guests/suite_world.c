// The situations of the official Preview 1 suite that need no directory: arguments, variables, streams, random bytes,
// waiting. The situation is the last argument, so that those about arguments see the others as they were given.
#include "suite.h"

static void is_list(char **pointers, __wasi_size_t count, const char *bytes, __wasi_size_t size,
                    const char *const *expected) {
    // One string behind the other, and all of them the size that was told.
    const char *at = bytes;
    for (__wasi_size_t i = 0; i < count; i++) {
        HOLDS(pointers[i] == at);
        if (expected && strcmp(at, expected[i])) broken(__LINE__, at, i);
        at += strlen(at) + 1;
    }
    IS(at - bytes, size);
}

static void arguments(__wasi_fd_t none) {
    (void)none;
    __wasi_size_t count, size;
    char *pointers[8], bytes[256];
    DO(__wasi_args_sizes_get(&count, &size));
    IS(count, 5);
    DO(__wasi_args_get((uint8_t **)pointers, (uint8_t *)bytes));
    static const char *const expected[] = {"suite_world.wasm", "first", "the \"second\" one", "3", "arguments"};
    is_list(pointers, count, bytes, size, expected);
}

// None but the program's name, which is not looked for here, and the situation's.
static void no_arguments(__wasi_fd_t none) {
    (void)none;
    __wasi_size_t count, size;
    DO(__wasi_args_sizes_get(&count, &size));
    IS(count, 2);
}

static void variables(__wasi_fd_t none) {
    (void)none;
    __wasi_size_t count, size;
    char *pointers[8], bytes[256];
    DO(__wasi_environ_sizes_get(&count, &size));
    IS(count, 3);
    DO(__wasi_environ_get((uint8_t **)pointers, (uint8_t *)bytes));
    static const char *const expected[] = {"a=text", "b=with \" in it", "c=two\nlines"};
    is_list(pointers, count, bytes, size, expected);
}

static void no_variables(__wasi_fd_t none) {
    (void)none;
    __wasi_size_t count, size;
    DO(__wasi_environ_sizes_get(&count, &size));
    IS(count, 0);
    IS(size, 0);
}

static void write_nowhere(__wasi_fd_t none) {
    (void)none;
    __wasi_size_t count;
    FAILS(BADF, __wasi_fd_write((__wasi_fd_t)-31337, NULL, 0, &count));
}

static void write_stdout(__wasi_fd_t none) {
    (void)none;
    __wasi_size_t count;
    DO(write_bytes(1, "hello", 5, &count));
    IS(count, 5);
}

static void exit_with_33(__wasi_fd_t none) {
    (void)none;
    __wasi_proc_exit(33);
}

static void exit_with_0(__wasi_fd_t none) {
    (void)none;
    __wasi_proc_exit(0);
}

static void random_bytes(__wasi_fd_t none) {
    (void)none;
    static uint8_t bytes[1024];
    DO(__wasi_random_get(bytes, 32));
    DO(__wasi_random_get(bytes, 0));
    memset(bytes, 0, sizeof bytes);
    DO(__wasi_random_get(bytes, sizeof bytes));
    int others = 0;
    for (size_t i = 0; i < sizeof bytes; i++) others += bytes[i] != 0;
    HOLDS(others > 900);
}

static void yield_now(__wasi_fd_t none) {
    (void)none;
    DO(__wasi_sched_yield());
}

#define MILLISECONDS 1000000ull

static __wasi_subscription_t clock_after(__wasi_userdata_t userdata, __wasi_timestamp_t timeout) {
    __wasi_subscription_t subscription = {.userdata = userdata, .u.tag = __WASI_EVENTTYPE_CLOCK};
    subscription.u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    subscription.u.u.clock.timeout = timeout;
    return subscription;
}

static __wasi_subscription_t stream(__wasi_userdata_t userdata, __wasi_eventtype_t type, __wasi_fd_t fd) {
    __wasi_subscription_t subscription = {.userdata = userdata, .u.tag = type};
    subscription.u.u.fd_read.file_descriptor = fd;
    return subscription;
}

// Input that is there, or a time that has passed: one of them, without an error.
static void poll_stdin(__wasi_fd_t none) {
    (void)none;
    __wasi_subscription_t wanted[] = {clock_after(12, 50 * MILLISECONDS), stream(34, __WASI_EVENTTYPE_FD_READ, 0)};
    __wasi_event_t events[2];
    __wasi_size_t count;
    DO(__wasi_poll_oneoff(wanted, events, 2, &count));
    HOLDS(count == 1 || count == 2);
    for (__wasi_size_t i = 0; i < count; i++) {
        IS(events[i].error, __WASI_ERRNO_SUCCESS);
        if (events[i].type == __WASI_EVENTTYPE_CLOCK)
            IS(events[i].userdata, 12);
        else {
            IS(events[i].type, __WASI_EVENTTYPE_FD_READ);
            IS(events[i].userdata, 34);
        }
    }
    printf("%s\n", events[count - 1].userdata == 34 ? "input" : "time");
}

// Both outputs can be written before the time is over.
static void poll_outputs(__wasi_fd_t none) {
    (void)none;
    bool ready[3] = {false};
    while (!ready[1] || !ready[2]) {
        __wasi_subscription_t wanted[3];
        int subscriptions = 0;
        for (__wasi_fd_t fd = 1; fd <= 2; fd++)
            if (!ready[fd]) wanted[subscriptions++] = stream(fd, __WASI_EVENTTYPE_FD_WRITE, fd);
        wanted[subscriptions++] = clock_after(99, 5000 * MILLISECONDS);
        __wasi_event_t events[3];
        __wasi_size_t count;
        DO(__wasi_poll_oneoff(wanted, events, subscriptions, &count));
        for (__wasi_size_t i = 0; i < count; i++) {
            IS(events[i].error, __WASI_ERRNO_SUCCESS);
            IS(events[i].type, __WASI_EVENTTYPE_FD_WRITE);
            HOLDS(events[i].userdata == 1 || events[i].userdata == 2);
            ready[events[i].userdata] = true;
        }
    }
}

static const Situation situations[] = {
    {"arguments", arguments},
    {"no_arguments", no_arguments},
    {"variables", variables},
    {"no_variables", no_variables},
    {"write_nowhere", write_nowhere},
    {"write_stdout", write_stdout},
    {"exit_with_33", exit_with_33},
    {"exit_with_0", exit_with_0},
    {"random_bytes", random_bytes},
    {"yield_now", yield_now},
    {"poll_stdin", poll_stdin},
    {"poll_outputs", poll_outputs},
};

int main(int argc, char **argv) {
    char *last[] = {argv[0], argv[argc - 1]};
    return PLAY(situations, 2, last, false);
}
