/* Preloaded into a process, makes its wall clock wrong: off by WRONG_CLOCK_OFFSET_S, and running at WRONG_CLOCK_RATE.
   Its monotonic clock, its timers and the kernel's timestamps stay as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

typedef int (*clock_gettime_t)(clockid_t, struct timespec *);

static clock_gettime_t real;
static double offset_s, rate = 1.0;
static struct timespec began;

__attribute__((constructor)) static void set_wrong(void)
{
    const char *text;
    real = (clock_gettime_t)dlsym(RTLD_NEXT, "clock_gettime");
    if ((text = getenv("WRONG_CLOCK_OFFSET_S")))
        offset_s = atof(text);
    if ((text = getenv("WRONG_CLOCK_RATE")))
        rate = atof(text);
    real(CLOCK_REALTIME, &began);
}

int clock_gettime(clockid_t id, struct timespec *at)
{
    if (!real)
        set_wrong();
    int failed = real(id, at);
    if (failed || id != CLOCK_REALTIME)
        return failed;
    /* From the process's start on, so that a double loses nothing. */
    double since_s = (double)(at->tv_sec - began.tv_sec) + (at->tv_nsec - began.tv_nsec) / 1e9;
    double wrong_s = since_s * rate + offset_s;
    double whole_s = floor(wrong_s);
    long nanoseconds = began.tv_nsec + (long)((wrong_s - whole_s) * 1e9);
    at->tv_sec = began.tv_sec + (time_t)whole_s + nanoseconds / 1000000000;
    at->tv_nsec = nanoseconds % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}
