// wordcount [-n COUNT] FILE..: lines, words and bytes of text files, their most frequent words, and the time it took.
//
// A program as it would be written for any system: arguments, files, clocks and standard output, nothing of WASI's own.
// Build it with examples/build.sh, or natively: cc -O2 wordcount.c -o wordcount

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUCKETS = 1 << 12, LONGEST = 63 };

struct word {
    struct word *next;
    unsigned long count;
    char text[];
};

struct totals {
    unsigned long lines, words, bytes, distinct;
};

static struct word *buckets[BUCKETS];

static unsigned hash(const char *text) {
    unsigned h = 2166136261u;
    while (*text) h = (h ^ (unsigned char)*text++) * 16777619u;
    return h % BUCKETS;
}

// Counts one word; returns whether it is a new one.
static int count_word(const char *text) {
    struct word **place = &buckets[hash(text)];
    for (struct word *word = *place; word; word = word->next) {
        if (!strcmp(word->text, text)) {
            word->count++;
            return 0;
        }
    }
    size_t size = strlen(text) + 1;
    struct word *word = malloc(sizeof *word + size);
    if (!word) {
        fputs("wordcount: out of memory\n", stderr);
        exit(2);
    }
    word->next = *place;
    word->count = 1;
    memcpy(word->text, text, size);
    *place = word;
    return 1;
}

static void count_file(FILE *file, struct totals *totals) {
    char word[LONGEST + 1];
    size_t length = 0;
    int c;
    do {
        c = getc(file);
        if (c != EOF) totals->bytes++;
        totals->lines += c == '\n';
        // Letters, digits, apostrophes inside a word, and whatever is not ASCII.
        if (c != EOF && (isalnum(c) || c > 127 || (c == '\'' && length))) {
            if (length < LONGEST) word[length++] = (char)tolower(c);
        } else if (length) {
            while (length && word[length - 1] == '\'') length--;
            word[length] = 0;
            totals->words++;
            totals->distinct += count_word(word);
            length = 0;
        }
    } while (c != EOF);
}

static int more_frequent(const void *a, const void *b) {
    const struct word *left = *(struct word *const *)a, *right = *(struct word *const *)b;
    if (left->count != right->count) return left->count < right->count ? 1 : -1;
    return strcmp(left->text, right->text);
}

static void print_top(unsigned long distinct, unsigned long wanted) {
    struct word **all = malloc((distinct + 1) * sizeof *all);
    if (!all) return;
    unsigned long count = 0;
    for (int i = 0; i < BUCKETS; i++) {
        for (struct word *word = buckets[i]; word && count < distinct; word = word->next) all[count++] = word;
    }
    qsort(all, count, sizeof *all, more_frequent);
    for (unsigned long i = 0; i < count && i < wanted; i++) printf("%8lu  %s\n", all[i]->count, all[i]->text);
    free(all);
}

static double milliseconds(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now)) return 0;
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
    double begun = milliseconds(CLOCK_MONOTONIC);
    unsigned long top = 5;
    int first = 1, failed = 0;
    if (argc > 2 && !strcmp(argv[1], "-n")) {
        top = strtoul(argv[2], NULL, 10);
        first = 3;
    }
    if (first >= argc) {
        fprintf(stderr, "usage: wordcount [-n COUNT] FILE..\n");
        return 2;
    }
    struct totals all = {0};
    printf("%8s%8s%8s\n", "lines", "words", "bytes");
    for (int i = first; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            fflush(stdout);
            fprintf(stderr, "wordcount: %s: %s\n", argv[i], strerror(errno));
            failed = 1;
            continue;
        }
        struct totals one = {0};
        count_file(file, &one);
        fclose(file);
        printf("%8lu%8lu%8lu  %s\n", one.lines, one.words, one.bytes, argv[i]);
        all.lines += one.lines;
        all.words += one.words;
        all.bytes += one.bytes;
        all.distinct += one.distinct;
    }
    if (argc - first > 1) printf("%8lu%8lu%8lu  together\n", all.lines, all.words, all.bytes);
    if (all.words) {
        printf("\n%lu different words, the most frequent:\n", all.distinct);
        print_top(all.distinct, top);
    }
    char date[32] = "";
    time_t now = time(NULL);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", gmtime(&now));
    printf("\ncounted in %.2f ms on %s\n", milliseconds(CLOCK_MONOTONIC) - begun, date);
    return failed;
}
