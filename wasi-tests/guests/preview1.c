// Calls every function of Preview 1 on the directory granted as descriptor 3, and prints what came back.
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) int32_t proc_raise(int32_t signal);

#define SHOW(call) printf("%d  %s\n", (int)(call), #call)
#define ALL (~(__wasi_rights_t)0)

int main(void) {
    __wasi_size_t n, bytes;
    uint8_t *pointers[16], buffer[4096];
    __wasi_timestamp_t time;
    __wasi_fd_t fd, other;
    __wasi_filesize_t at;
    __wasi_fdstat_t fdstat;
    __wasi_filestat_t stat;
    __wasi_prestat_t prestat;
    __wasi_roflags_t roflags;
    __wasi_iovec_t in = {buffer, 4};
    __wasi_ciovec_t out = {(const uint8_t *)"0123456789", 10};

    SHOW(__wasi_args_sizes_get(&n, &bytes));
    SHOW(__wasi_args_get(pointers, buffer));
    SHOW(__wasi_environ_sizes_get(&n, &bytes));
    SHOW(__wasi_environ_get(pointers, buffer));
    SHOW(__wasi_clock_res_get(0, &time));
    SHOW(__wasi_clock_time_get(1, 1, &time));
    SHOW(__wasi_random_get(buffer, sizeof buffer));
    SHOW(__wasi_sched_yield());
    SHOW(proc_raise(0));

    SHOW(__wasi_fd_prestat_get(3, &prestat));
    SHOW(__wasi_fd_prestat_dir_name(3, buffer, sizeof buffer));
    printf("   granted as %.*s\n", (int)prestat.u.dir.pr_name_len, buffer);
    SHOW(__wasi_fd_prestat_get(4, &prestat));

    SHOW(__wasi_path_create_directory(3, "dir"));
    SHOW(__wasi_path_open(3, 0, "dir/file", __WASI_OFLAGS_CREAT, ALL, 0, 0, &fd));
    SHOW(__wasi_fd_allocate(fd, 0, 4));
    SHOW(__wasi_fd_advise(fd, 0, 4, __WASI_ADVICE_SEQUENTIAL));
    SHOW(__wasi_fd_write(fd, &out, 1, &n));
    SHOW(__wasi_fd_pwrite(fd, &out, 1, 20, &n));
    SHOW(__wasi_fd_tell(fd, &at));
    printf("   wrote %d, position %d\n", (int)n, (int)at);
    SHOW(__wasi_fd_seek(fd, 2, __WASI_WHENCE_SET, &at));
    SHOW(__wasi_fd_read(fd, &in, 1, &n));
    printf("   read %.*s\n", (int)n, buffer);
    SHOW(__wasi_fd_pread(fd, &in, 1, 26, &n));
    printf("   read %.*s\n", (int)n, buffer);
    SHOW(__wasi_fd_filestat_set_size(fd, 12));
    SHOW(__wasi_fd_filestat_set_times(fd, 1000000000, 2000000000, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM));
    SHOW(__wasi_fd_filestat_get(fd, &stat));
    printf("   type %d, size %d, mtim %lld\n", stat.filetype, (int)stat.size, stat.mtim);
    SHOW(__wasi_fd_datasync(fd));
    SHOW(__wasi_fd_sync(fd));
    SHOW(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_APPEND));
    SHOW(__wasi_fd_fdstat_set_rights(fd, __WASI_RIGHTS_FD_READ, 0));
    SHOW(__wasi_fd_fdstat_get(fd, &fdstat));
    printf("   type %d, flags %d, rights %llx\n", fdstat.fs_filetype, fdstat.fs_flags, fdstat.fs_rights_base);

    SHOW(__wasi_path_link(3, 0, "dir/file", 3, "dir/link"));
    SHOW(__wasi_path_symlink("file", 3, "dir/symlink"));
    SHOW(__wasi_path_readlink(3, "dir/symlink", buffer, sizeof buffer, &n));
    printf("   to %.*s\n", (int)n, buffer);
    SHOW(__wasi_path_filestat_set_times(3, 1, "dir/symlink", 0, 3000000000, __WASI_FSTFLAGS_MTIM));
    SHOW(__wasi_path_filestat_get(3, 1, "dir/symlink", &stat));
    printf("   type %d, size %d, names %d, mtim %lld\n", stat.filetype, (int)stat.size, (int)stat.nlink, stat.mtim);
    SHOW(__wasi_path_filestat_get(3, 0, "dir/symlink", &stat));
    printf("   type %d\n", stat.filetype);
    SHOW(__wasi_path_rename(3, "dir/link", 3, "moved"));
    SHOW(__wasi_path_open(3, 0, "dir", __WASI_OFLAGS_DIRECTORY, ALL & ~__WASI_RIGHTS_FD_WRITE, ALL, 0, &other));
    SHOW(__wasi_fd_readdir(other, buffer, sizeof buffer, 0, &n));
    int entries = 0;
    for (__wasi_size_t used = 0; used < n; entries++) {
        __wasi_dirent_t head;
        memcpy(&head, buffer + used, sizeof head);
        used += sizeof head + head.d_namlen;
    }
    printf("   %d entries in %d bytes\n", entries, (int)n);
    SHOW(__wasi_fd_renumber(other, fd));
    SHOW(__wasi_fd_close(fd));
    SHOW(__wasi_fd_close(other));
    SHOW(__wasi_path_unlink_file(3, "moved"));
    SHOW(__wasi_path_unlink_file(3, "dir/symlink"));
    SHOW(__wasi_path_unlink_file(3, "dir/file"));
    SHOW(__wasi_path_remove_directory(3, "dir"));

    __wasi_subscription_t wait[2] = {
        {.userdata = 7, .u = {.tag = __WASI_EVENTTYPE_CLOCK, .u.clock = {.id = 1, .timeout = 1000000}}},
        {.userdata = 8, .u = {.tag = __WASI_EVENTTYPE_FD_WRITE, .u.fd_write = {.file_descriptor = 99}}},
    };
    __wasi_event_t events[2];
    SHOW(__wasi_poll_oneoff(wait, events, 1, &n));
    printf("   %d event, for %d, of type %d, errno %d\n", (int)n, (int)events[0].userdata, events[0].type, events[0].error);
    SHOW(__wasi_poll_oneoff(wait, events, 2, &n));
    printf("   %d event, for %d, of type %d, errno %d\n", (int)n, (int)events[0].userdata, events[0].type, events[0].error);
    SHOW(__wasi_sock_accept(3, 0, &fd));
    SHOW(__wasi_sock_recv(0, &in, 1, 0, &n, &roflags));
    SHOW(__wasi_sock_send(1, &out, 1, 0, &n));
    SHOW(__wasi_sock_shutdown(99, __WASI_SDFLAGS_WR));
    fflush(stdout);
    __wasi_proc_exit(3);
}
