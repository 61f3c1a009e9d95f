// program SCRIPT [ARG]: as program.rs, in C and its library.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                       \
    do {                                                       \
        if (!(condition)) {                                    \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
            exit(1);                                           \
        }                                                      \
    } while (0)

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void files(const char *dir) {
    char sub[200], deep[200], path[200], moved[200], copy[200], text[100];
    snprintf(sub, sizeof sub, "%s/sub", dir);
    snprintf(deep, sizeof deep, "%s/sub/deep", dir);
    snprintf(path, sizeof path, "%s/sub/text", dir);
    snprintf(moved, sizeof moved, "%s/sub/moved", dir);
    snprintf(copy, sizeof copy, "%s/sub/copy", dir);
    CHECK(!mkdir(sub, 0777) && !mkdir(deep, 0777));
    FILE *file = fopen(path, "w");
    CHECK(file && fputs("one\ntwo\n", file) >= 0 && !fclose(file));
    file = fopen(path, "a");
    CHECK(file && fputs("three\n", file) >= 0 && !fclose(file));
    file = fopen(path, "r+");
    CHECK(file && !fseek(file, 4, SEEK_SET) && fputs("TWO", file) >= 0 && !fseek(file, -6, SEEK_END));
    CHECK(fgets(text, sizeof text, file));
    printf("end %s", text);
    CHECK(!fclose(file) && !truncate(path, 8));
    file = fopen(path, "r");
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    printf("text \"");
    for (size_t i = 0; i < length; i++) text[i] == '\n' ? printf("\\n") : putchar(text[i]);
    printf("\"\n");
    CHECK(!rename(path, moved));
    file = fopen(copy, "w");
    CHECK(file && fwrite(text, 1, length, file) == length && !fclose(file));
    char *names[10];
    int count = 0;
    DIR *listing = opendir(sub);
    CHECK(listing);
    for (struct dirent *entry; (entry = readdir(listing)) && count < 10;)
        if (entry->d_name[0] != '.') names[count++] = strdup(entry->d_name);
    closedir(listing);
    qsort(names, count, sizeof *names, by_name);
    printf("names");
    for (int i = 0; i < count; i++) printf(" %s", names[i]);
    struct stat stat_;
    CHECK(!stat(copy, &stat_));
    printf("\nsize %lld\n", (long long)stat_.st_size);
    CHECK(open(path, O_RDONLY) < 0);
    printf("missing %s\n", errno == ENOENT ? "Some(NotFound)" : strerror(errno));
    CHECK(!unlink(moved) && !unlink(copy) && !rmdir(deep) && !rmdir(sub));
    printf("left %s\n", stat(sub, &stat_) ? "false" : "true");
}

static void clock_(void) {
    printf("after 2024 %s\n", time(NULL) > 1704067200 ? "true" : "false");
    struct timespec begun, ended, pause = {0, 20000000};
    clock_gettime(CLOCK_MONOTONIC, &begun);
    CHECK(!nanosleep(&pause, NULL));
    clock_gettime(CLOCK_MONOTONIC, &ended);
    long long slept = (ended.tv_sec - begun.tv_sec) * 1000000000ll + ended.tv_nsec - begun.tv_nsec;
    printf("slept %s\n", slept >= 20000000 && slept < 20000000000 ? "true" : "false");
}

static void random_(void) {
    unsigned long long first, second;
    CHECK(!getentropy(&first, sizeof first) && !getentropy(&second, sizeof second));
    printf("different %s\n", first != second ? "true" : "false");
}

static void serve(int listener, int count) {
    for (int served = 1; served <= count; served++) {
        int stream = accept(listener, NULL, NULL);
        CHECK(stream >= 0);
        char request[1024] = {0}, body[1100], answer[1200];
        CHECK(recv(stream, request, sizeof request - 1, 0) > 0);
        request[strcspn(request, "\r\n")] = 0;
        int length = snprintf(body, sizeof body, "%s is request %d\n", request, served);
        length = snprintf(answer, sizeof answer, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
        CHECK(send(stream, answer, length, 0) == length && !shutdown(stream, SHUT_WR));
        close(stream);
    }
}

int main(int argc, char **argv) {
    const char *script = argc > 1 ? argv[1] : "";
    if (!strcmp(script, "files") && argc == 3) files(argv[2]);
    else if (!strcmp(script, "clock")) clock_();
    else if (!strcmp(script, "random")) random_();
    else if (!strcmp(script, "serve") && argc == 4) serve(atoi(argv[2]), atoi(argv[3]));
    else return fputs("program files DIR | clock | random | serve FD COUNT\n", stderr), 1;
    return 0;
}
