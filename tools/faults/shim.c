/* Preloaded into a role: the disk and the wall clock as a test wants them.
 *
 * Only files below SHIM_DIR count. Each write, truncation, sync and rename of them is a step;
 * SHIM_KILL_AT=N ends the process by SIGKILL at step N, before it is done, or with SHIM_TORN=1 after
 * the first half of what is written. SHIM_FSYNC_FAILS_AT=N lets the N-th sync fail with EIO.
 * SHIM_WRITE_FAILS_AT=N lets the N-th write fail with EIO, and SHIM_SHORT=1 makes every write a short
 * one; both of files alone whose path has SHIM_ONLY in it.
 * SHIM_MARK is made when that happens; where it is there already, nothing happens.
 * SHIM_STEPS is a file that is given a byte for each step.
 * SHIM_CLOCK is a file of eight bytes: seconds that are added to the wall clock.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *dir, *mark, *only;
static int steps_fd = -1;
static long kill_at, fails_at, write_fails_at, step, sync_step, write_step;
static int torn, is_short;
static volatile int64_t *clock_offset;

static long number(const char *name) { const char *text = getenv(name); return text ? atol(text) : 0; }

__attribute__((constructor)) static void begin(void) {
    dir = getenv("SHIM_DIR");
    mark = getenv("SHIM_MARK");
    kill_at = number("SHIM_KILL_AT");
    fails_at = number("SHIM_FSYNC_FAILS_AT");
    torn = (int)number("SHIM_TORN");
    only = getenv("SHIM_ONLY");
    write_fails_at = number("SHIM_WRITE_FAILS_AT");
    is_short = (int)number("SHIM_SHORT");
    const char *steps = getenv("SHIM_STEPS");
    if (steps) steps_fd = open(steps, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const char *clock = getenv("SHIM_CLOCK");
    if (clock) {
        int fd = open(clock, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            void *page = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
            if (page != MAP_FAILED) clock_offset = page;
            close(fd);
        }
    }
}

static int ours_path(const char *path) { return dir && path && strncmp(path, dir, strlen(dir)) == 0; }

static int ours_with(int fd, const char *part) {
    char name[64], path[4096];
    if (!dir || fd == steps_fd) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return ours_path(path) && (!part || strstr(path + strlen(dir), part));
}

static int ours(int fd) { return ours_with(fd, NULL); }

static int once(void) {
    int fd = mark ? open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return 0;
    close(fd);
    return 1;
}

/* Whether this is the step at which the process ends. */
static int now(void) {
    if (steps_fd >= 0 && REAL(write)(steps_fd, ".", 1) < 0) abort();
    return ++step == kill_at && once();
}

static void end(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

static void maybe(int fd) { if (ours(fd) && now()) end(); }

/* Whether this write fails, with its errno. */
static int write_fails(int fd) {
    if (!write_fails_at || !ours_with(fd, only)) return 0;
    if (++write_step != write_fails_at || !once()) return 0;
    errno = EIO;
    return 1;
}

/* How much of a write of so many bytes is done. */
static size_t done_of(int fd, size_t count) {
    return is_short && count > 1 && ours_with(fd, only) ? (count + 1) / 2 : count;
}

ssize_t write(int fd, const void *data, size_t count) {
    if (ours(fd) && now()) {
        if (torn) REAL(write)(fd, data, count / 2);
        end();
    }
    if (write_fails(fd)) return -1;
    return REAL(write)(fd, data, done_of(fd, count));
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t at) {
    if (ours(fd) && now()) {
        if (torn) REAL(pwrite)(fd, data, count / 2, at);
        end();
    }
    if (write_fails(fd)) return -1;
    return REAL(pwrite)(fd, data, done_of(fd, count), at);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t at) {
    if (ours(fd) && now()) {
        if (torn) REAL(pwrite64)(fd, data, count / 2, at);
        end();
    }
    if (write_fails(fd)) return -1;
    return REAL(pwrite64)(fd, data, done_of(fd, count), at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (ours(fd) && now()) {
        if (torn && count > 0) {
            REAL(writev)(fd, parts, count / 2);
            REAL(write)(fd, parts[count / 2].iov_base, parts[count / 2].iov_len / 2);
        }
        end();
    }
    if (write_fails(fd)) return -1;
    if (is_short && count > 0 && ours_with(fd, only))
        return REAL(write)(fd, parts[0].iov_base, done_of(fd, parts[0].iov_len));
    return REAL(writev)(fd, parts, count);
}

int ftruncate(int fd, off_t length) { maybe(fd); return REAL(ftruncate)(fd, length); }
int ftruncate64(int fd, off64_t length) { maybe(fd); return REAL(ftruncate64)(fd, length); }

static int fails(int fd) {
    if (ours(fd) && ++sync_step == fails_at && once()) { errno = EIO; return 1; }
    return 0;
}

int fsync(int fd) { maybe(fd); return fails(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { maybe(fd); return fails(fd) ? -1 : REAL(fdatasync)(fd); }

int rename(const char *from, const char *to) {
    if (ours_path(to) && now()) end();
    return REAL(rename)(from, to);
}

int clock_gettime(clockid_t which, struct timespec *at) {
    int result = REAL(clock_gettime)(which, at);
    if (!result && clock_offset && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
        at->tv_sec += *clock_offset;
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    int result = REAL(gettimeofday)(at, zone);
    if (!result && clock_offset) at->tv_sec += *clock_offset;
    return result;
}

time_t time(time_t *at) {
    time_t result = REAL(time)(NULL) + (clock_offset ? *clock_offset : 0);
    if (at) *at = result;
    return result;
}
