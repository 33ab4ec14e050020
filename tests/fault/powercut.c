/* Writes down, in order, what a process does to its database files: each write with its bytes, each sync.
   Loaded with LD_PRELOAD. From this record tests/fault/kit_powercut.py makes the disks that a power cut could
   have left behind. One call at a time: a write that ends while a sync runs must not count as synced. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int record_fd = -2;

struct head { uint32_t op, path; int64_t at, length; };

static int watched(int fd, char *path, size_t room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t got = readlink(link, path, room - 1);
    if (got <= 0) return 0;
    path[got] = 0;
    return strstr(path, ".db") != NULL && strstr(path, "-shm") == NULL;
}

static void note(char op, const char *path, int64_t at, int64_t length, const void *data) {
    if (record_fd == -2) {
        const char *name = getenv("POWERCUT_RECORD");
        record_fd = name ? open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    }
    if (record_fd < 0) return;
    struct head head = {(uint32_t)op, (uint32_t)strlen(path), at, length};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path}, {(void *)data, data ? (size_t)length : 0}};
    if (writev(record_fd, parts, data ? 3 : 2) < 0) abort();
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)

#define WRITER(name, off) \
ssize_t name(int fd, const void *data, size_t length, off at) { \
    REAL(ssize_t, #name, int, const void *, size_t, off); \
    char path[4096]; \
    if (!watched(fd, path, sizeof path)) return real(fd, data, length, at); \
    pthread_mutex_lock(&turn); \
    ssize_t done = real(fd, data, length, at); \
    if (done > 0) note('w', path, at, done, data); \
    pthread_mutex_unlock(&turn); \
    return done; \
}
WRITER(pwrite, off_t)
WRITER(pwrite64, off64_t)

#define PLAIN(name, op, arguments, call, at, ...) \
int name arguments { \
    REAL(int, #name, __VA_ARGS__); \
    char path[4096]; \
    if (!watched(fd, path, sizeof path)) return real call; \
    pthread_mutex_lock(&turn); \
    int done = real call; \
    if (done == 0) note(op, path, at, 0, NULL); \
    pthread_mutex_unlock(&turn); \
    return done; \
}
PLAIN(fsync, 's', (int fd), (fd), 0, int)
PLAIN(fdatasync, 's', (int fd), (fd), 0, int)
PLAIN(ftruncate, 't', (int fd, off_t size), (fd, size), size, int, off_t)
PLAIN(ftruncate64, 't', (int fd, off64_t size), (fd, size), size, int, off64_t)
