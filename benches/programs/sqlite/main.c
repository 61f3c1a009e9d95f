// SQLite on a database in memory, running the statements on its standard input `argv[1]` times; prints the rows.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite3.h"

static char script[1 << 16];

// SQLITE_OS_OTHER: a system without files. A database in memory opens none, but asks for time and random numbers, which
// are the same each time here.
static int no_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    (void)vfs, (void)name, (void)flags, (void)out;
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
}
static int delete_none(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs, (void)name, (void)sync;
    return SQLITE_OK;
}
static int access_none(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    (void)vfs, (void)name, (void)flags;
    *result = 0;
    return SQLITE_OK;
}
static int same_name(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}
static int not_random(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    memset(out, 42, (size_t)size);
    return size;
}
static int no_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return microseconds;
}
static int a_fixed_day(sqlite3_vfs *vfs, double *julian) {
    (void)vfs;
    *julian = 2460000.5;
    return SQLITE_OK;
}
static int no_error(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs, (void)size, (void)out;
    return 0;
}
int sqlite3_os_init(void) {
    static sqlite3_vfs vfs = {.iVersion = 1,
                              .szOsFile = sizeof(sqlite3_file),
                              .mxPathname = 64,
                              .zName = "none",
                              .xOpen = no_file,
                              .xDelete = delete_none,
                              .xAccess = access_none,
                              .xFullPathname = same_name,
                              .xRandomness = not_random,
                              .xSleep = no_sleep,
                              .xCurrentTime = a_fixed_day,
                              .xGetLastError = no_error};
    return sqlite3_vfs_register(&vfs, 1);
}
int sqlite3_os_end(void) { return SQLITE_OK; }

static int print_row(void *unused, int columns, char **values, char **names) {
    (void)unused, (void)names;
    for (int i = 0; i < columns; i++)
        printf("%s%s", i > 0 ? "|" : "", values[i] == NULL ? "" : values[i]);
    printf("\n");
    return 0;
}

int main(int argc, char **argv) {
    int times = argc > 1 ? atoi(argv[1]) : 1;
    script[fread(script, 1, sizeof script - 1, stdin)] = 0;
    for (; times > 0; times--) {
        sqlite3 *db;
        char *error = NULL;
        if (sqlite3_open(":memory:", &db) != SQLITE_OK)
            return 1;
        if (sqlite3_exec(db, script, print_row, NULL, &error) != SQLITE_OK) {
            fprintf(stderr, "%s\n", error);
            return 2;
        }
        sqlite3_close(db);
    }
    return 0;
}
