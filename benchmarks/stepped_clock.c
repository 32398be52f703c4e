/* The system's clock, set while programs run, for the programs of one installation alone: preloaded into each, it answers what they
   ask the C library for the time of day with the kernel's answer and so many nanoseconds. How many stands in a file that all of them
   map, so that all clocks are set at once. Clocks that only go on (CLOCK_MONOTONIC and its like) are the kernel's, as they are when a
   real clock is set. benchmarks/stepped_clock.py compiles it and says what it cannot do. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile long long *set_by;

__attribute__((constructor)) static void open_file(void) {
    const char *name = getenv("STEPPED_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *set_by, PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) set_by = mapped;
    close(file);
}

static void add(struct timespec *moment, long long nanoseconds) {
    long long whole = moment->tv_nsec + nanoseconds % 1000000000LL;
    moment->tv_sec += nanoseconds / 1000000000LL;
    if (whole < 0) { whole += 1000000000LL; moment->tv_sec--; }
    if (whole >= 1000000000LL) { whole -= 1000000000LL; moment->tv_sec++; }
    moment->tv_nsec = whole;
}

static int now(clockid_t which, struct timespec *moment) {
    static int (*ask)(clockid_t, struct timespec *);
    /* The library's own, which does not enter the kernel. */
    if (!ask) ask = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int answer = ask ? ask(which, moment) : (int)syscall(SYS_clock_gettime, which, moment);
    if (answer == 0 && set_by && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) add(moment, *set_by);
    return answer;
}

int clock_gettime(clockid_t which, struct timespec *moment) { return now(which, moment); }

int gettimeofday(struct timeval *restrict moment, void *restrict zone) {
    struct timespec found;
    (void)zone;
    if (now(CLOCK_REALTIME, &found)) return -1;
    moment->tv_sec = found.tv_sec;
    moment->tv_usec = found.tv_nsec / 1000;
    return 0;
}

int timespec_get(struct timespec *moment, int base) {
    return base == TIME_UTC && now(CLOCK_REALTIME, moment) == 0 ? base : 0;
}

time_t time(time_t *moment) {
    struct timespec found;
    if (now(CLOCK_REALTIME, &found)) return (time_t)-1;
    if (moment) *moment = found.tv_sec;
    return found.tv_sec;
}

/* Waits until a time of day: the kernel waits by its own clock. */
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    static int (*wait)(sem_t *, const struct timespec *);
    struct timespec by_kernel = *until;
    if (!wait) wait = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
    if (set_by) add(&by_kernel, -*set_by);
    return wait(semaphore, &by_kernel);
}
