/*
 * values/hyperloglog.c -- see hyperloglog.h.
 *
 * Eight registers are unpacked or packed at a time within a 64-bit word, and raised there too, by
 * comparing bytes whose highest bit is free. Any processor does that at some registers a cycle.
 */
#include "values/hyperloglog.h"

#include "base/bits.h"
#include "base/bytes.h"

#include <math.h>

#define HYPERLOGLOG_INDEX_BITS 14
#define HYPERLOGLOG_HASH_BITS  (64 - HYPERLOGLOG_INDEX_BITS) /* what the values are made of */
#define HYPERLOGLOG_VALUES     64                            /* that 6 bits can hold */

#define HYPERLOGLOG_IS_DENSE   0
#define HYPERLOGLOG_IS_SPARSE  1

/* What one run can hold. */
#define HYPERLOGLOG_ZERO_MAX  64
#define HYPERLOGLOG_VAL_MAX   4
#define HYPERLOGLOG_VALUE_MAX 32

/* ------------------------------------------------------------------------------------- hashing */

/* MurmurHash64A. */
static uint64_t hyperloglog_hash(kv_slice element)
{
    const uint64_t m = UINT64_C(0xc6a4a7935bd1e995);
    const uint8_t *at = element.data;
    uint64_t hash = UINT64_C(0xadc83b19) ^ (element.size * m);
    for (size_t words = element.size / 8; words > 0; words--, at += 8) {
        uint64_t word = bytes_load64(at) * m;
        hash = (hash ^ (word ^ word >> 47) * m) * m;
    }
    size_t left = element.size % 8;
    if (left > 0) {
        uint64_t word = 0;
        for (size_t i = left; i > 0; i--) word = word << 8 | at[i - 1];
        hash = (hash ^ word) * m;
    }
    hash = (hash ^ hash >> 47) * m;
    return hash ^ hash >> 47;
}

KV_INTERNAL struct hyperloglog_mark hyperloglog_mark_of(kv_slice element)
{
    uint64_t hash = hyperloglog_hash(element);
    uint64_t rest = hash >> HYPERLOGLOG_INDEX_BITS | UINT64_C(1) << HYPERLOGLOG_HASH_BITS;
    return (struct hyperloglog_mark){(uint16_t)(hash % HYPERLOGLOG_REGISTERS),
                                     (uint8_t)(bits_lowest(rest) + 1)};
}

/* -------------------------------------------------------------------------------------- header */

KV_INTERNAL bool hyperloglog_is_one(kv_slice text)
{
    if (text.size < HYPERLOGLOG_HEADER || memcmp(text.data, "HYLL", 4) != 0) return false;
    uint8_t encoding = ((const uint8_t *)text.data)[4];
    if (encoding == HYPERLOGLOG_IS_DENSE) return text.size == HYPERLOGLOG_DENSE;
    return encoding == HYPERLOGLOG_IS_SPARSE;
}

KV_INTERNAL bool hyperloglog_cached(kv_slice text, uint64_t *cardinality)
{
    *cardinality = bytes_load64((const uint8_t *)text.data + 8);
    return *cardinality >> 63 == 0;
}

KV_INTERNAL void hyperloglog_cache(uint8_t *bytes, uint64_t cardinality)
{
    bytes_store64(bytes + 8, cardinality);
}

KV_INTERNAL void hyperloglog_forget_cached(uint8_t *bytes)
{
    bytes[15] |= 0x80;
}

static const uint8_t *hyperloglog_end(kv_slice text)
{
    return (const uint8_t *)text.data + text.size;
}

/* ----------------------------------------------------------------------------------------- runs */

/* Reads the run at `at`; false if it goes beyond the end. */
KV_INLINE bool hyperloglog_read_run(const uint8_t *at, const uint8_t *end,
                                    struct hyperloglog_run *run)
{
    unsigned low = *at & 0x3f;
    if (*at >= 0x80) {
        uint8_t value = (uint8_t)((*at >> 2 & 31) + 1);
        *run = (struct hyperloglog_run){KV_RUN_VALUE, value, low % 4 + 1, 1};
    } else if (*at < 0x40) {
        *run = (struct hyperloglog_run){KV_RUN_ZERO, 0, low + 1, 1};
    } else {
        if (end - at < 2) return false;
        *run = (struct hyperloglog_run){KV_RUN_LONG_ZERO, 0, (low << 8 | at[1]) + 1, 2};
    }
    return true;
}

KV_INTERNAL bool hyperloglog_run(const uint8_t *at, const uint8_t *end, struct hyperloglog_run *run)
{
    return hyperloglog_read_run(at, end, run);
}

static uint8_t hyperloglog_value_run(unsigned value, unsigned count)
{
    assert(value >= 1 && value <= HYPERLOGLOG_VALUE_MAX);
    assert(count >= 1 && count <= HYPERLOGLOG_VAL_MAX);
    return (uint8_t)(0x80 | (value - 1) << 2 | (count - 1));
}

/* Writes a run of zeros; returns where it ends. */
static uint8_t *hyperloglog_write_zeros(uint8_t *at, unsigned count)
{
    assert(count >= 1 && count <= HYPERLOGLOG_REGISTERS);
    if (count <= HYPERLOGLOG_ZERO_MAX) {
        *at = (uint8_t)(count - 1);
        return at + 1;
    }
    at[0] = (uint8_t)(0x40 | (count - 1) >> 8);
    at[1] = (uint8_t)(count - 1);
    return at + 2;
}

KV_INTERNAL void hyperloglog_init(uint8_t *bytes)
{
    memset(bytes, 0, HYPERLOGLOG_HEADER);
    memcpy(bytes, "HYLL", 4);
    bytes[4] = HYPERLOGLOG_IS_SPARSE;
    (void)hyperloglog_write_zeros(bytes + HYPERLOGLOG_HEADER, HYPERLOGLOG_REGISTERS);
}

/* A visit of the runs of a sparse one, each with the register it begins with. */
typedef void hyperloglog_visit(void *context, unsigned first, const struct hyperloglog_run *run);

/*
 * Shows the runs that lie within the registers; KV_CORRUPT unless together they are just these.
 * Each use has a copy of its own with the visitor in it.
 */
KV_INLINE kv_status hyperloglog_each_run(kv_slice text, hyperloglog_visit *visit, void *context)
{
    const uint8_t *at = (const uint8_t *)text.data + HYPERLOGLOG_HEADER;
    const uint8_t *end = hyperloglog_end(text);
    unsigned first = 0;
    struct hyperloglog_run run;
    for (; at < end; at += run.size, first += run.count) {
        if (!hyperloglog_read_run(at, end, &run)) return KV_CORRUPT;
        if (run.count > HYPERLOGLOG_REGISTERS - first) return KV_CORRUPT;
        visit(context, first, &run);
    }
    return first == HYPERLOGLOG_REGISTERS ? KV_OK : KV_CORRUPT;
}

/* ------------------------------------------------------------------------------ dense registers */

/* Eight registers, a byte each, out of the six bytes that hold them; and back. */
static inline uint64_t hyperloglog_unpack(const uint8_t *bytes)
{
    uint64_t word = bytes_load32(bytes) | (uint64_t)bytes_load16(bytes + 4) << 32;
    word = (word & 0xffffff) | (word & UINT64_C(0xffffff000000)) << 8;
    word = (word & UINT64_C(0x00000fff00000fff)) | (word & UINT64_C(0x00fff00000fff000)) << 4;
    return (word & UINT64_C(0x003f003f003f003f)) | (word & UINT64_C(0x0fc00fc00fc00fc0)) << 2;
}

static inline void hyperloglog_pack(uint8_t *bytes, uint64_t word)
{
    word = (word & UINT64_C(0x003f003f003f003f)) | (word >> 2 & UINT64_C(0x0fc00fc00fc00fc0));
    word = (word & UINT64_C(0x00000fff00000fff)) | (word >> 4 & UINT64_C(0x00fff00000fff000));
    word = (word & 0xffffff) | (word >> 8 & UINT64_C(0xffffff000000));
    bytes_store32(bytes, (uint32_t)word);
    bytes_store16(bytes + 4, (uint16_t)(word >> 32));
}

/* The higher of each two bytes, all of which are below 128. */
static inline uint64_t hyperloglog_higher(uint64_t a, uint64_t b)
{
    const uint64_t tops = UINT64_C(0x8080808080808080);
    uint64_t is_a = (((a | tops) - b) & tops) >> 7; /* 1 where a is not lower */
    uint64_t mask = is_a * 0xff;
    return (a & mask) | (b & ~mask);
}

static unsigned hyperloglog_dense_get(const uint8_t *registers, unsigned index)
{
    const uint8_t *at = registers + index / 4 * 3;
    uint32_t four = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    return four >> 6 * (index % 4) & 63;
}

static void hyperloglog_dense_set(uint8_t *registers, unsigned index, unsigned value)
{
    uint8_t *at = registers + index / 4 * 3;
    unsigned shift = 6 * (index % 4);
    uint32_t four = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    four = (four & ~(UINT32_C(63) << shift)) | (uint32_t)value << shift;
    at[0] = (uint8_t)four;
    at[1] = (uint8_t)(four >> 8);
    at[2] = (uint8_t)(four >> 16);
}

KV_INTERNAL void hyperloglog_set_dense(struct hyperloglog *log, const uint8_t *registers)
{
    uint8_t *at = log->bytes + HYPERLOGLOG_HEADER;
    for (size_t i = 0; i < HYPERLOGLOG_REGISTERS; i += 8, at += 6)
        hyperloglog_pack(at, bytes_load64(registers + i));
}

/* ------------------------------------------------------------------------------------- merging */

static void hyperloglog_merge_dense(const uint8_t *dense, uint8_t *registers)
{
    for (size_t i = 0; i < HYPERLOGLOG_REGISTERS; i += 8, dense += 6) {
        uint64_t higher =
            hyperloglog_higher(hyperloglog_unpack(dense), bytes_load64(registers + i));
        bytes_store64(registers + i, higher);
    }
}

static void hyperloglog_merge_run(void *context, unsigned first, const struct hyperloglog_run *run)
{
    uint8_t *registers = context;
    if (run->value == 0) return;
    for (unsigned i = first; i < first + run->count; i++)
        if (registers[i] < run->value) registers[i] = run->value;
}

KV_INTERNAL kv_status hyperloglog_merge(kv_slice text, uint8_t *registers)
{
    if (!hyperloglog_is_dense(text))
        return hyperloglog_each_run(text, hyperloglog_merge_run, registers);
    hyperloglog_merge_dense((const uint8_t *)text.data + HYPERLOGLOG_HEADER, registers);
    return KV_OK;
}

/* ---------------------------------------------------------------------------------- estimating */

/* How many registers have each value. */
struct hyperloglog_histogram {
    uint32_t counts[HYPERLOGLOG_VALUES];
};

/*
 * The square root of a number above 0 and up to 1, correctly rounded, digit by digit: the library
 * asks for no libm, and this is for registers that only chance in 2^50 or a forger makes so high.
 */
static double hyperloglog_sqrt(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    if (exponent % 2 != 0) {
        mantissa *= 2;
        exponent--;
    }
    /* The root of mantissa * 2^54 has 54 bits, of which the last one rounds. */
    uint64_t root = 0, rest = 0;
    for (int i = 53; i >= 0; i--) {
        uint64_t next = i >= 27 ? mantissa >> 2 * (i - 27) & 3 : 0;
        rest = rest << 2 | next;
        uint64_t trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    root = (root + 1) >> 1; /* never half way: the square of such a number has too many bits */
    bits = (uint64_t)(exponent / 2 + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return (double)root / 4503599627370496.0 * scale;
}

/* Ertl's sigma: of the share of registers that are 0. */
static double hyperloglog_sigma(double x)
{
    if (x == 1) return (double)INFINITY;
    double z = x, y = 1, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (before != z);
    return z;
}

/* Ertl's tau: of the share of registers that are not as high as can be. */
static double hyperloglog_tau(double x)
{
    if (x == 0 || x == 1) return 0;
    double z = 1 - x, y = 1, before;
    do {
        x = hyperloglog_sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (before != z);
    return z / 3;
}

/* The nearest integer; what does not fit 63 bits becomes 2^63, as the x86 of a Redis makes it. */
static uint64_t hyperloglog_round(double estimate)
{
    if (!(estimate < 9223372036854775808.0)) return UINT64_C(1) << 63;
    uint64_t whole = (uint64_t)estimate;
    return whole + (estimate - (double)whole >= 0.5);
}

static uint64_t hyperloglog_estimate(const struct hyperloglog_histogram *histogram)
{
    const double m = HYPERLOGLOG_REGISTERS, alpha = 0.721347520444481703680; /* 1 / (2 ln 2) */
    const uint32_t *counts = histogram->counts;
    double z = m * hyperloglog_tau((m - counts[HYPERLOGLOG_HASH_BITS + 1]) / m);
    for (int i = HYPERLOGLOG_HASH_BITS; i >= 1; i--) z = (z + counts[i]) * 0.5;
    z += m * hyperloglog_sigma(counts[0] / m);
    return hyperloglog_round(alpha * m * m / z);
}

/* Counts in four places by turns: one after another in the same place they would wait for it. */
static inline void hyperloglog_tally(uint32_t tallies[4][HYPERLOGLOG_VALUES], uint64_t word)
{
    for (int i = 0; i < 8; i++) tallies[i % 4][word >> 8 * i & (HYPERLOGLOG_VALUES - 1)]++;
}

static void hyperloglog_sum_up(uint32_t tallies[4][HYPERLOGLOG_VALUES],
                               struct hyperloglog_histogram *histogram)
{
    for (int i = 0; i < HYPERLOGLOG_VALUES; i++)
        histogram->counts[i] = tallies[0][i] + tallies[1][i] + tallies[2][i] + tallies[3][i];
}

KV_INTERNAL uint64_t hyperloglog_count_registers(const uint8_t *registers)
{
    uint32_t tallies[4][HYPERLOGLOG_VALUES] = {{0}};
    struct hyperloglog_histogram histogram;
    for (size_t i = 0; i < HYPERLOGLOG_REGISTERS; i += 8) {
        uint64_t word = bytes_load64(registers + i);
        if (word == 0) tallies[0][0] += 8; /* nearly always, if few elements were seen */
        else hyperloglog_tally(tallies, word);
    }
    hyperloglog_sum_up(tallies, &histogram);
    return hyperloglog_estimate(&histogram);
}

static void hyperloglog_count_run(void *context, unsigned first, const struct hyperloglog_run *run)
{
    struct hyperloglog_histogram *histogram = context;
    (void)first;
    histogram->counts[run->value] += run->count;
}

KV_INTERNAL kv_status hyperloglog_count(kv_slice text, uint64_t *cardinality)
{
    struct hyperloglog_histogram histogram = {{0}};
    if (hyperloglog_is_dense(text)) {
        uint32_t tallies[4][HYPERLOGLOG_VALUES] = {{0}};
        const uint8_t *end = hyperloglog_end(text);
        for (const uint8_t *at = (const uint8_t *)text.data + HYPERLOGLOG_HEADER; at < end; at += 6)
            hyperloglog_tally(tallies, hyperloglog_unpack(at));
        hyperloglog_sum_up(tallies, &histogram);
    } else {
        kv_status status = hyperloglog_each_run(text, hyperloglog_count_run, &histogram);
        if (status != KV_OK) return status;
    }
    *cardinality = hyperloglog_estimate(&histogram);
    return KV_OK;
}

/* --------------------------------------------------------------------------------- one register */

/*
 * Eight runs of one byte each are looked at as a word, so that nothing waits for the length of a
 * run to know where the next one begins. Here: which bytes are the first of a run of two, if all
 * before them are runs of one.
 */
static inline uint64_t hyperloglog_long_runs(uint64_t runs)
{
    return ~runs >> 7 & runs >> 6 & UINT64_C(0x0101010101010101);
}

/* How many registers the first n of eight runs of one byte each are for. */
static inline unsigned hyperloglog_sum_counts(uint64_t runs, unsigned n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), halves = UINT64_C(0x00ff00ff00ff00ff);
    uint64_t is_value = runs >> 7 & ones;
    uint64_t counts = (runs & (ones * 0x3f - is_value * 0x3c)) + ones; /* 0x3f - 0x3c: low 2 bits */
    if (n < 8) counts &= (UINT64_C(1) << 8 * n) - 1;
    uint64_t pairs = (counts & halves) + (counts >> 8 & halves);
    return (unsigned)(pairs * UINT64_C(0x0001000100010001) >> 48);
}

/* Where a search stands. */
struct hyperloglog_walk {
    const uint8_t *at;
    unsigned first;         /* the register that the run there begins with */
    const uint8_t *before;  /* the run before it, or itself if it is the first of all */
    const uint8_t *restart; /* a run that no search for a higher register can end in or before */
    unsigned restart_first;
};

/* Remembers a run from which a later search may begin, see hyperloglog_find(). */
static inline void hyperloglog_mark_restart(struct hyperloglog_walk *walk, unsigned index)
{
    if (walk->first + HYPERLOGLOG_VAL_MAX > index) return;
    walk->restart = walk->at;
    walk->restart_first = walk->first;
}

/*
 * Passes over runs before the register, up to eight at a time: those of one byte as a word, up to
 * the first of two bytes and with that. It ends some runs before the one with the register, or
 * near the end.
 */
static void hyperloglog_pass_over(struct hyperloglog_walk *walk, const uint8_t *end, unsigned index)
{
    while (end - walk->at > 8) {
        uint64_t runs = bytes_load64(walk->at), is_long = hyperloglog_long_runs(runs);
        unsigned n = is_long != 0 ? bits_lowest(is_long) / 8 : 8;
        unsigned passed = hyperloglog_sum_counts(runs, n);
        const uint8_t *last = walk->at + n - 1, *next = walk->at + n;
        if (is_long != 0) {
            passed += ((next[0] & 0x3fu) << 8 | next[1]) + 1;
            last = next;
            next += 2;
        }
        if (walk->first + passed > index) return;
        hyperloglog_mark_restart(walk, index);
        walk->first += passed;
        walk->before = last;
        walk->at = next;
    }
}

/* A run that was found, and where. */
struct hyperloglog_found {
    struct hyperloglog_run run;
    struct hyperloglog_walk walk;
};

/*
 * Finds the run that holds a register. A later search, for a higher one, finds a run that begins
 * behind this register or that is a value's, which is no longer than four: so it may begin with any
 * run that begins four registers before this one, and will know the run before the one it finds.
 */
static bool hyperloglog_find(kv_slice text, unsigned index, const struct hyperloglog_cursor *from,
                             struct hyperloglog_found *found)
{
    const uint8_t *at = (const uint8_t *)text.data + (from->at > 0 ? from->at : HYPERLOGLOG_HEADER);
    const uint8_t *end = hyperloglog_end(text);
    struct hyperloglog_walk walk = {at, from->first, at, at, from->first};
    struct hyperloglog_run run;
    hyperloglog_pass_over(&walk, end, index);
    while (walk.at < end && hyperloglog_read_run(walk.at, end, &run)) {
        hyperloglog_mark_restart(&walk, index);
        if (index < walk.first + run.count) {
            *found = (struct hyperloglog_found){run, walk};
            return true;
        }
        walk.before = walk.at;
        walk.first += run.count;
        walk.at += run.size;
    }
    return false;
}

/* A run of zeros for three takes 2 bytes at most, and each value 1; one of zeros was there. */
#define HYPERLOGLOG_PARTS 5

KV_INTERNAL size_t hyperloglog_room(size_t size, size_t count, size_t sparse_max)
{
    size_t room = size > HYPERLOGLOG_DENSE ? size : HYPERLOGLOG_DENSE;
    size_t most = size + (HYPERLOGLOG_PARTS - 2) * count;
    if (sparse_max < most) most = sparse_max;
    return most > room ? most : room;
}

KV_INTERNAL kv_status hyperloglog_make_dense(struct hyperloglog *log)
{
    uint8_t registers[HYPERLOGLOG_REGISTERS] = {0};
    kv_status status = hyperloglog_merge(kv_bytes(log->bytes, log->size), registers);
    if (status != KV_OK) return status;
    log->bytes[4] = HYPERLOGLOG_IS_DENSE;
    log->size = HYPERLOGLOG_DENSE;
    hyperloglog_set_dense(log, registers);
    return KV_OK;
}

/* The runs that take the place of the one found when a register of it is raised. Their size. */
static size_t hyperloglog_divide(const struct hyperloglog_found *found,
                                 struct hyperloglog_mark mark, uint8_t parts[HYPERLOGLOG_PARTS])
{
    uint8_t *at = parts;
    unsigned value = found->run.value, before = mark.index - found->walk.first;
    unsigned after = found->run.count - before - 1;
    if (before > 0 && value > 0) *at++ = hyperloglog_value_run(value, before);
    else if (before > 0) at = hyperloglog_write_zeros(at, before);
    *at++ = hyperloglog_value_run(mark.value, 1);
    if (after > 0 && value > 0) *at++ = hyperloglog_value_run(value, after);
    else if (after > 0) at = hyperloglog_write_zeros(at, after);
    return (size_t)(at - parts);
}

/*
 * Joins neighbours of equal value, where that can be one run: of five runs from the one before the
 * change on, which is as far as Redis looks, whose bytes these are to be.
 */
static void hyperloglog_join(struct hyperloglog *log, uint8_t *at)
{
    struct hyperloglog_run run, next;
    for (int i = 0; i < 5; i++) {
        uint8_t *end = log->bytes + log->size;
        if (at >= end || !hyperloglog_run(at, end, &run)) return;
        uint8_t *behind = at + run.size;
        bool is_joined = run.value > 0 && behind < end && hyperloglog_run(behind, end, &next) &&
                         next.value == run.value && run.count + next.count <= HYPERLOGLOG_VAL_MAX;
        if (is_joined) {
            *at = hyperloglog_value_run(run.value, run.count + next.count);
            memmove(behind, behind + 1, (size_t)(end - behind) - 1);
            log->size--;
        } else {
            at = behind;
        }
    }
}

/* Puts other runs in the place of the one found. */
static void hyperloglog_replace(struct hyperloglog *log, const struct hyperloglog_found *found,
                                const uint8_t *parts, size_t size)
{
    uint8_t *at = log->bytes + (found->walk.at - log->bytes);
    size_t tail = log->size - (size_t)(at - log->bytes) - found->run.size;
    memmove(at + size, at + found->run.size, tail);
    memcpy(at, parts, size);
    log->size = log->size - found->run.size + size;
}

static kv_status hyperloglog_raise_dense(struct hyperloglog *log, struct hyperloglog_mark mark,
                                         bool *raised)
{
    uint8_t *registers = log->bytes + HYPERLOGLOG_HEADER;
    *raised = hyperloglog_dense_get(registers, mark.index) < mark.value;
    if (*raised) hyperloglog_dense_set(registers, mark.index, mark.value);
    return KV_OK;
}

/* A sparse one that has no room for the change, or for the value. */
static kv_status hyperloglog_raise_made_dense(struct hyperloglog *log, struct hyperloglog_mark mark,
                                              bool *raised)
{
    kv_status status = hyperloglog_make_dense(log);
    return status == KV_OK ? hyperloglog_raise_dense(log, mark, raised) : status;
}

KV_INTERNAL kv_status hyperloglog_raise(struct hyperloglog *log, struct hyperloglog_mark mark,
                                        struct hyperloglog_cursor *cursor, bool *raised)
{
    kv_slice text = {log->bytes, log->size};
    struct hyperloglog_found found;
    uint8_t parts[HYPERLOGLOG_PARTS];
    const struct hyperloglog_cursor beginning = {0};
    if (hyperloglog_is_dense(text)) return hyperloglog_raise_dense(log, mark, raised);
    if (mark.value > HYPERLOGLOG_VALUE_MAX) return hyperloglog_raise_made_dense(log, mark, raised);
    if (!hyperloglog_find(text, mark.index, cursor != NULL ? cursor : &beginning, &found))
        return KV_CORRUPT;
    *raised = found.run.value < mark.value;
    if (cursor != NULL)
        *cursor = (struct hyperloglog_cursor){(size_t)(found.walk.restart - log->bytes),
                                              found.walk.restart_first};
    if (!*raised) return KV_OK;
    size_t size = hyperloglog_divide(&found, mark, parts);
    bool grows = size > found.run.size;
    if (grows && log->size - found.run.size + size > log->sparse_max)
        return hyperloglog_raise_made_dense(log, mark, raised);
    hyperloglog_replace(log, &found, parts, size);
    hyperloglog_join(log, log->bytes + (found.walk.before - log->bytes));
    return KV_OK;
}

#undef HYPERLOGLOG_INDEX_BITS
#undef HYPERLOGLOG_HASH_BITS
#undef HYPERLOGLOG_VALUES
#undef HYPERLOGLOG_IS_DENSE
#undef HYPERLOGLOG_IS_SPARSE
#undef HYPERLOGLOG_ZERO_MAX
#undef HYPERLOGLOG_VAL_MAX
#undef HYPERLOGLOG_VALUE_MAX
#undef HYPERLOGLOG_PARTS
