/*
 * base/random.c -- seeds from the system; unbiased numbers below a limit.
 *
 * The seed is spread over the state by SplitMix64, as the authors of xoshiro advise, so that a
 * small seed does not give a poor start and the state is never all zero.
 */
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__) && defined(__has_include)
#if __has_include(<sys/random.h>)
#include <sys/random.h>
#define RANDOM_HAS_GETRANDOM 1
#endif
#endif

/* One step of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014). */
static uint64_t random_splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Each source returns how many bytes it filled. */
static size_t random_from_kernel(uint8_t *bytes, size_t size)
{
    size_t done = 0;
#ifdef RANDOM_HAS_GETRANDOM
    while (done < size) {
        ssize_t got = getrandom(bytes + done, size - done, 0);
        if (got > 0) done += (size_t)got;
        else if (got < 0 && errno != EINTR) break;
    }
#else
    (void)bytes;
    (void)size;
#endif
    return done;
}

static size_t random_from_device(uint8_t *bytes, size_t size)
{
    int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(file, bytes + done, size - done);
        if (got > 0) done += (size_t)got;
        else if (got == 0 || errno != EINTR) break;
    }
    close(file);
    return done;
}

static void random_from_circumstances(uint8_t *bytes, size_t size)
{
    struct timespec wall = {0, 0}, up = {0, 0};
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &up);
    uint64_t state = (uint64_t)wall.tv_sec << 30 ^ (uint64_t)wall.tv_nsec;
    state = random_splitmix(&state) ^ ((uint64_t)up.tv_sec << 30 ^ (uint64_t)up.tv_nsec);
    state = random_splitmix(&state) ^ (uint64_t)(uintptr_t)bytes;
    state = random_splitmix(&state) ^ (uint64_t)getpid();
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word = random_splitmix(&state);
        memcpy(bytes + at, &word, size - at < sizeof word ? size - at : sizeof word);
    }
}

KV_INTERNAL void random_system(void *bytes, size_t size)
{
    uint8_t *at = bytes;
    size_t done = random_from_kernel(at, size);
    if (done < size) done += random_from_device(at + done, size - done);
    if (done < size) random_from_circumstances(at + done, size - done);
}

KV_INTERNAL void random_seed(struct random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) random->state[i] = random_splitmix(&seed);
}

KV_INTERNAL void random_seed_from_system(struct random *random)
{
    uint64_t seed;
    random_system(&seed, sizeof seed);
    random_seed(random, seed);
}

/*
 * Masking to the next power of two and rejecting what lies above: fewer than two draws on average,
 * without a division and without needing 128-bit arithmetic.
 */
KV_INTERNAL uint64_t random_below(struct random *random, uint64_t limit)
{
    assert(limit > 0);

    uint64_t mask = limit - 1;
    mask |= mask >> 1;
    mask |= mask >> 2;
    mask |= mask >> 4;
    mask |= mask >> 8;
    mask |= mask >> 16;
    mask |= mask >> 32;

    uint64_t drawn;
    do drawn = random_next(random) & mask;
    while (drawn >= limit);
    return drawn;
}

#undef RANDOM_HAS_GETRANDOM
