#include "resp/unique.h"

#include <assert.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static bool unique_from_system(uint8_t *bytes, size_t size)
{
    int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    ssize_t got = read(file, bytes, size);
    close(file);
    return got == (ssize_t)size;
}

static uint64_t unique_clock(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*
 * Where the system gives nothing, no two calls have all of these in common: the instant, the process,
 * and the place of `bytes` on the stack of the thread. The clock goes on before the next.
 */
static void unique_from_circumstances(uint8_t *bytes, size_t size)
{
    uint64_t instant = unique_clock(CLOCK_MONOTONIC);
    while (unique_clock(CLOCK_MONOTONIC) == instant) {}
    uint64_t state = unique_clock(CLOCK_REALTIME) ^ instant << 20 ^ (uint64_t)getpid() << 40 ^
                     (uint64_t)(uintptr_t)bytes;
    for (size_t i = 0; i < size; i++) {
        state += 0x9e3779b97f4a7c15u; /* splitmix64 */
        uint64_t mixed = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
        bytes[i] = (uint8_t)((mixed ^ mixed >> 27) * 0x94d049bb133111ebu >> 56);
    }
}

void unique_digits(char *text, size_t count)
{
    uint8_t bytes[UNIQUE_MAX / 2];
    size_t size = count / 2;
    assert(count % 2 == 0);
    assert(size <= sizeof bytes);
    if (!unique_from_system(bytes, size)) unique_from_circumstances(bytes, size);
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    text[count] = '\0';
}
