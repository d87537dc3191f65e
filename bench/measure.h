/*
 * bench/measure.h -- what every benchmark program needs: clocks, random numbers, a latency
 * histogram.
 *
 * The histogram is log-linear, after G. Tene's HdrHistogram: each power of two of nanoseconds is
 * cut into 64 equal cells, so a value is known to within 1.6% from 1 ns to centuries, adding one
 * costs a few instructions, and the size is fixed.
 *
 *      value < 64    cell = value (exact)
 *      otherwise     cell = 64 * (e - 6) + (value >> (e - 6)), e being the index of the highest bit
 */
#ifndef KV_BENCH_MEASURE_H
#define KV_BENCH_MEASURE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Says what went wrong and ends the program: a benchmark has nobody to report to but its runner. */
_Noreturn static inline void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static inline void *must_allocate(size_t size)
{
    void *block = malloc(size);
    if (block == NULL) fail("out of memory: %zu bytes", size);
    return block;
}

/* ---- clocks ---- */

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) fail("clock %d cannot be read", (int)clock);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* ---- random numbers: splitmix64 (Steele, Lea, Flood 2014); one addition and a mixer ---- */

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A number below `bound`, by multiplication instead of division (Lemire 2019); bound < 2^32. */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    return ((random_next(random) >> 32) * bound) >> 32;
}

/* Letters, so that no server takes the text for a number and stores it as one. */
static inline void random_text(struct random *random, char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) text[i] = (char)('a' + random_below(random, 26));
}

/* Twelve decimal digits after a four-byte prefix: the 16-byte keys used everywhere in bench/. */
enum { KEY_SIZE = 16, KEY_PREFIX_SIZE = 4 };

static inline void write_key(char *key, const char *prefix, uint64_t number)
{
    memcpy(key, prefix, KEY_PREFIX_SIZE);
    for (int i = KEY_SIZE - 1; i >= KEY_PREFIX_SIZE; i--) {
        key[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* ---- histogram ---- */

enum { HISTOGRAM_STEP = 64, HISTOGRAM_CELLS = HISTOGRAM_STEP * (64 - 5) };

struct histogram {
    uint64_t cells[HISTOGRAM_CELLS];
    uint64_t count;
    uint64_t sum;
    uint64_t max;
};

static inline size_t histogram_cell(uint64_t value)
{
    if (value < HISTOGRAM_STEP) return (size_t)value;
    unsigned exponent = 63u - (unsigned)__builtin_clzll(value);
    return HISTOGRAM_STEP * (size_t)(exponent - 6) + (size_t)(value >> (exponent - 6));
}

/* The largest value that falls into `cell`: percentiles err upward, never downward. */
static inline uint64_t histogram_cell_top(size_t cell)
{
    if (cell < HISTOGRAM_STEP) return cell;
    unsigned shift = (unsigned)(cell / HISTOGRAM_STEP) - 1;
    uint64_t mantissa = HISTOGRAM_STEP + cell % HISTOGRAM_STEP;
    return ((mantissa + 1) << shift) - 1;
}

static inline void histogram_add(struct histogram *histogram, uint64_t value, uint64_t times)
{
    histogram->cells[histogram_cell(value)] += times;
    histogram->count += times;
    histogram->sum += value * times;
    if (value > histogram->max) histogram->max = value;
}

/* The value that a share of `quantile` (0.99: p99) of all samples does not exceed. */
static inline uint64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
    uint64_t rank = (uint64_t)(quantile * (double)histogram->count + 0.5);
    if (rank == 0) rank = 1;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_CELLS; i++) {
        seen += histogram->cells[i];
        if (seen < rank) continue;
        uint64_t top = histogram_cell_top(i);
        return top < histogram->max ? top : histogram->max;
    }
    return histogram->max;
}

static inline double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum / (double)histogram->count;
}

/* How many samples are above `value`, to within the cell that it falls into. */
static inline uint64_t histogram_above(const struct histogram *histogram, uint64_t value)
{
    uint64_t count = 0;
    for (size_t i = histogram_cell(value) + 1; i < HISTOGRAM_CELLS; i++)
        count += histogram->cells[i];
    return count;
}

/* Prints "name":{...}, a member of a JSON object. */
static inline void histogram_print(const char *name, const struct histogram *histogram)
{
    printf("\"%s\":{\"count\":%llu,\"mean\":%.0f", name, (unsigned long long)histogram->count,
           histogram_mean(histogram));
    static const struct {
        const char *name;
        double quantile;
    } quantiles[] = {
        {"p50", 0.5},       {"p99", 0.99},        {"p99.9", 0.999},
        {"p99.99", 0.9999}, {"p99.999", 0.99999}, {"max", 1},
    };
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        printf(",\"%s\":%llu", quantiles[i].name,
               (unsigned long long)histogram_quantile(histogram, quantiles[i].quantile));
    printf(",\"above 1 ms\":%llu}", (unsigned long long)histogram_above(histogram, 1000000));
}

#endif
