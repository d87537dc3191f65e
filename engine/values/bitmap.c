/*
 * values/bitmap.c -- see bitmap.h.
 *
 * Counting asks for AVX2 when the program runs, as one build serves all processors of the
 * architecture, and what every x86-64 has is no instruction that counts. The table of sixteen
 * nibbles in a register is Mula's (Mula, Kurz, Lemire 2018, section 3.1); elsewhere words are
 * counted in parallel within a register (Warren, Hacker's Delight, 5-1).
 *
 * Combining needs no such thing: a block of each source goes through the nearest cache, in loops
 * over a constant number of words, for which any compiler finds wide enough registers.
 */
#include "values/bitmap.h"

#include "base/bytes.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define BITMAP_AVX2
#include <immintrin.h>
#endif

/* ------------------------------------------------------------------------------------- counting */

#ifdef BITMAP_AVX2
#define BITMAP_TARGET __attribute__((target("avx2")))
#define BITMAP_STRIDE 256 /* bytes; a lane then counts up to 64 */

BITMAP_TARGET static inline __m256i bitmap_count_lanes(const uint8_t *bytes)
{
    const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                            2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    __m256i word = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i low = _mm256_and_si256(word, nibble);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(word, 4), nibble);
    return _mm256_add_epi8(_mm256_shuffle_epi8(counts, low), _mm256_shuffle_epi8(counts, high));
}

/* Of so many strides. */
BITMAP_TARGET static uint64_t bitmap_count_strides(const uint8_t *bytes, size_t strides)
{
    __m256i sum = _mm256_setzero_si256();
    for (; strides > 0; strides--, bytes += BITMAP_STRIDE) {
        __m256i lanes = bitmap_count_lanes(bytes);
        for (int i = 32; i < BITMAP_STRIDE; i += 32)
            lanes = _mm256_add_epi8(lanes, bitmap_count_lanes(bytes + i));
        sum = _mm256_add_epi64(sum, _mm256_sad_epu8(lanes, _mm256_setzero_si256()));
    }
    uint64_t parts[4];
    _mm256_storeu_si256((__m256i *)(void *)parts, sum);
    return parts[0] + parts[1] + parts[2] + parts[3];
}

#undef BITMAP_TARGET
#endif

/* Each byte of the result is the number of bits set in that of the word. */
static inline uint64_t bitmap_count_in_bytes(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    return (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
}

/* The sum of the eight bytes, each at most 255. */
static inline uint64_t bitmap_sum_bytes(uint64_t word)
{
    word = (word & UINT64_C(0x00ff00ff00ff00ff)) + (word >> 8 & UINT64_C(0x00ff00ff00ff00ff));
    return word * UINT64_C(0x0001000100010001) >> 48;
}

/* Words whose counts a byte can hold: 31 times 8 is 248. */
#define BITMAP_WORDS 31

static uint64_t bitmap_count_words(const uint8_t *bytes, size_t words)
{
    uint64_t total = 0;
    while (words > 0) {
        size_t now = words < BITMAP_WORDS ? words : BITMAP_WORDS;
        uint64_t counts = 0;
        for (size_t i = 0; i < now; i++)
            counts += bitmap_count_in_bytes(bytes_load64(bytes + 8 * i));
        total += bitmap_sum_bytes(counts);
        bytes += 8 * now;
        words -= now;
    }
    return total;
}

static uint64_t bitmap_count_bytes(const uint8_t *bytes, size_t size)
{
    uint64_t total = 0;
#ifdef BITMAP_AVX2
    if (size >= BITMAP_STRIDE && __builtin_cpu_supports("avx2")) {
        size_t strides = size / BITMAP_STRIDE;
        total = bitmap_count_strides(bytes, strides);
        bytes += strides * BITMAP_STRIDE;
        size -= strides * BITMAP_STRIDE;
    }
#endif
    total += bitmap_count_words(bytes, size / 8);
    uint64_t last = 0;
    for (size_t i = size & ~(size_t)7; i < size; i++) last = last << 8 | bytes[i];
    return total + bitmap_sum_bytes(bitmap_count_in_bytes(last));
}

/* Of fewer than 8 bits in one byte, or of none. */
static unsigned bitmap_count_some(const uint8_t *bytes, uint64_t first, uint64_t end)
{
    unsigned count = 0;
    for (; first < end; first++) count += bitmap_bit(bytes, first);
    return count;
}

KV_INTERNAL uint64_t bitmap_count(const uint8_t *bytes, uint64_t first, uint64_t end)
{
    if (first >= end) return 0;
    uint64_t whole = (first + 7) & ~UINT64_C(7), rest = end & ~UINT64_C(7);
    if (whole > rest) return bitmap_count_some(bytes, first, end);
    return bitmap_count_some(bytes, first, whole) +
           bitmap_count_bytes(bytes + whole / 8, (size_t)(rest - whole) / 8) +
           bitmap_count_some(bytes, rest, end);
}

/* ------------------------------------------------------------------------------------ searching */

/* The first byte from `at` on that differs from those of `same`, eight equal ones; or `end`. */
static size_t bitmap_skip(const uint8_t *bytes, size_t at, size_t end, uint64_t same)
{
    for (; end - at >= 32; at += 32) {
        uint64_t differ =
            (bytes_load64(bytes + at) ^ same) | (bytes_load64(bytes + at + 8) ^ same) |
            (bytes_load64(bytes + at + 16) ^ same) | (bytes_load64(bytes + at + 24) ^ same);
        if (differ != 0) break;
    }
    while (at < end && bytes[at] == (uint8_t)same) at++;
    return at;
}

KV_INTERNAL uint64_t bitmap_find(const uint8_t *bytes, bool bit, uint64_t first, uint64_t end)
{
    uint64_t at = first;
    for (; at < end && at % 8 != 0; at++) {
        if (bitmap_bit(bytes, at) == bit) return at;
    }
    if (at >= end) return end;
    at =
        8 * (uint64_t)bitmap_skip(bytes, (size_t)(at / 8), (size_t)(end / 8), bit ? 0 : UINT64_MAX);
    while (at < end && bitmap_bit(bytes, at) != bit) at++;
    return at;
}

/* ------------------------------------------------------------------------------------ combining */

/* Bytes that are combined at a time: a few such blocks fit the nearest cache. */
#define BITMAP_BLOCK 1024

static inline uint64_t bitmap_word(const uint8_t *bytes, size_t index)
{
    uint64_t word;
    memcpy(&word, bytes + 8 * index, sizeof word);
    return word;
}

/* A function that makes a word `a` of a block of the word and that of a source, `b`. */
#define BITMAP_OPERATOR(name, expression)                                      \
    static void name(uint64_t *restrict block, const uint8_t *restrict source) \
    {                                                                          \
        for (size_t i = 0; i < BITMAP_BLOCK / 8; i++) {                        \
            uint64_t a = block[i], b = bitmap_word(source, i);                 \
            block[i] = expression;                                             \
        }                                                                      \
    }

BITMAP_OPERATOR(bitmap_and, (a & b))
BITMAP_OPERATOR(bitmap_or, (a | b))
BITMAP_OPERATOR(bitmap_xor, (a ^ b))
BITMAP_OPERATOR(bitmap_without, (a & ~b))
BITMAP_OPERATOR(bitmap_from, (b & ~a))

#undef BITMAP_OPERATOR

/* `block` has the bits that were seen, `twice` those that were seen more than once. */
static void bitmap_see(uint64_t *restrict block, uint64_t *restrict twice,
                       const uint8_t *restrict source)
{
    for (size_t i = 0; i < BITMAP_BLOCK / 8; i++) {
        uint64_t word = bitmap_word(source, i);
        twice[i] |= block[i] & word;
        block[i] |= word;
    }
}

/* A block of a source; where the source ends, in `room`, with zeros. */
static const uint8_t *bitmap_block(const kv_slice *source, size_t at, uint8_t room[BITMAP_BLOCK])
{
    static const uint8_t zeros[BITMAP_BLOCK];
    if (at >= source->size) return zeros;
    size_t left = source->size - at;
    if (left >= BITMAP_BLOCK) return (const uint8_t *)source->data + at;
    memcpy(room, (const uint8_t *)source->data + at, left);
    memset(room + left, 0, BITMAP_BLOCK - left);
    return room;
}

typedef void bitmap_operator(uint64_t *restrict block, const uint8_t *restrict source);

/* Applies an operator with a block of each source. */
static void bitmap_fold(bitmap_operator *apply, const kv_slice *sources, size_t count, size_t at,
                        uint64_t *block)
{
    uint8_t room[BITMAP_BLOCK];
    for (size_t i = 0; i < count; i++) apply(block, bitmap_block(&sources[i], at, room));
}

static void bitmap_fold_one(const kv_slice *sources, size_t count, size_t at, uint64_t *block)
{
    uint64_t twice[BITMAP_BLOCK / 8] = {0};
    uint8_t room[BITMAP_BLOCK];
    for (size_t i = 0; i < count; i++)
        bitmap_see(block, twice, bitmap_block(&sources[i], at, room));
    bitmap_without(block, (const uint8_t *)twice);
}

/* Fills a block with the combination of those of the sources. */
static void bitmap_combine_block(kv_bit_operation operation, const kv_slice *sources, size_t count,
                                 size_t at, uint64_t *block)
{
    const kv_slice *others = sources + 1;
    size_t other_count = count - 1;
    memset(block, operation == KV_BIT_NOT ? 0xff : 0, BITMAP_BLOCK);
    switch (operation) {
    case KV_BIT_AND:
        bitmap_fold(bitmap_or, sources, 1, at, block);
        bitmap_fold(bitmap_and, others, other_count, at, block);
        break;
    case KV_BIT_OR: bitmap_fold(bitmap_or, sources, count, at, block); break;
    case KV_BIT_XOR: bitmap_fold(bitmap_xor, sources, count, at, block); break;
    case KV_BIT_NOT: bitmap_fold(bitmap_without, sources, 1, at, block); break;
    case KV_BIT_DIFF:
        bitmap_fold(bitmap_or, others, other_count, at, block);
        bitmap_fold(bitmap_from, sources, 1, at, block);
        break;
    case KV_BIT_DIFF1:
        bitmap_fold(bitmap_or, others, other_count, at, block);
        bitmap_fold(bitmap_without, sources, 1, at, block);
        break;
    case KV_BIT_ANDOR:
        bitmap_fold(bitmap_or, others, other_count, at, block);
        bitmap_fold(bitmap_and, sources, 1, at, block);
        break;
    case KV_BIT_ONE: bitmap_fold_one(sources, count, at, block); break;
    }
}

KV_INTERNAL bool bitmap_can_combine(kv_bit_operation operation, size_t count)
{
    switch (operation) {
    case KV_BIT_AND:
    case KV_BIT_OR:
    case KV_BIT_XOR:
    case KV_BIT_ONE: return count >= 1;
    case KV_BIT_NOT: return count == 1;
    case KV_BIT_DIFF:
    case KV_BIT_DIFF1:
    case KV_BIT_ANDOR: return count >= 2;
    }
    return false;
}

KV_INTERNAL void bitmap_combine(kv_bit_operation operation, const kv_slice *sources, size_t count,
                                uint8_t *result, size_t size)
{
    uint64_t block[BITMAP_BLOCK / 8];
    assert(bitmap_can_combine(operation, count));
    for (size_t at = 0; at < size; at += BITMAP_BLOCK) {
        /* Read entirely before any of it is written: the result may be one of the sources. */
        bitmap_combine_block(operation, sources, count, at, block);
        memcpy(result + at, block, size - at < BITMAP_BLOCK ? size - at : BITMAP_BLOCK);
    }
}

/* --------------------------------------------------------------------------------------- fields */

/*
 * A field of up to 64 bits lies in up to nine bytes: eight are read as one number, the highest byte
 * first, and the ninth beside it.
 */
struct bitmap_window {
    uint8_t bytes[9];
    size_t first; /* where they lie */
    size_t count; /* how many there are; behind them zeros */
};

static void bitmap_open_window(struct bitmap_window *window, const uint8_t *bytes, size_t size,
                               uint64_t offset)
{
    memset(window->bytes, 0, sizeof window->bytes);
    window->first = window->count = 0;
    if (offset / 8 >= size) return;
    window->first = (size_t)(offset / 8);
    window->count = size - window->first;
    if (window->count > sizeof window->bytes) window->count = sizeof window->bytes;
    memcpy(window->bytes, bytes + window->first, window->count);
}

static uint64_t bitmap_window_word(const struct bitmap_window *window)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) word = word << 8 | window->bytes[i];
    return word;
}

KV_INTERNAL uint64_t bitmap_field(const uint8_t *bytes, size_t size, uint64_t offset, unsigned bits)
{
    struct bitmap_window window;
    assert(bits >= 1 && bits <= 64);
    bitmap_open_window(&window, bytes, size, offset);
    unsigned shift = offset % 8;
    uint64_t word = bitmap_window_word(&window) << shift | window.bytes[8] >> (8 - shift);
    return word >> (64 - bits);
}

KV_INTERNAL void bitmap_set_field(uint8_t *bytes, size_t size, uint64_t offset, unsigned bits,
                                  uint64_t field)
{
    struct bitmap_window window;
    assert(bits >= 1 && bits <= 64);
    assert(offset + bits <= 8 * (uint64_t)size);
    bitmap_open_window(&window, bytes, size, offset);
    unsigned shift = offset % 8;
    uint64_t mask = UINT64_MAX << (64 - bits);
    field <<= 64 - bits;
    uint64_t word = (bitmap_window_word(&window) & ~(mask >> shift)) | field >> shift;
    for (int i = 0; i < 8; i++) window.bytes[i] = (uint8_t)(word >> (56 - 8 * i));
    if (shift > 0) { /* what was shifted out lies in the ninth */
        uint8_t last_mask = (uint8_t)(mask << (8 - shift)), last = (uint8_t)(field << (8 - shift));
        window.bytes[8] = (uint8_t)((window.bytes[8] & ~last_mask) | last);
    }
    memcpy(bytes + window.first, window.bytes, window.count);
}

static uint64_t bitmap_field_mask(unsigned bits)
{
    return UINT64_MAX >> (64 - bits);
}

KV_INTERNAL kv_status bitmap_add_signed(int64_t number, int64_t increment, unsigned bits,
                                        kv_overflow overflow, uint64_t *field)
{
    int64_t maximum = (int64_t)(bitmap_field_mask(bits) >> 1), minimum = -maximum - 1;
    bool is_above = number > maximum || (increment > 0 && number > maximum - increment);
    bool is_below = number < minimum || (increment < 0 && number < minimum - increment);
    uint64_t sum = (uint64_t)number + (uint64_t)increment;
    if (is_above || is_below) {
        if (overflow == KV_OVERFLOW_FAIL) return KV_OVERFLOW;
        if (overflow == KV_OVERFLOW_SATURATE) sum = (uint64_t)(is_above ? maximum : minimum);
    }
    *field = sum & bitmap_field_mask(bits);
    return KV_OK;
}

KV_INTERNAL kv_status bitmap_add_unsigned(uint64_t number, int64_t increment, unsigned bits,
                                          kv_overflow overflow, uint64_t *field)
{
    uint64_t maximum = bitmap_field_mask(bits), sum = number + (uint64_t)increment;
    bool is_above = number > maximum || (increment > 0 && (uint64_t)increment > maximum - number);
    bool is_below = !is_above && increment < 0 && 0 - (uint64_t)increment > number;
    if (is_above || is_below) {
        if (overflow == KV_OVERFLOW_FAIL) return KV_OVERFLOW;
        if (overflow == KV_OVERFLOW_SATURATE) sum = is_above ? maximum : 0;
    }
    *field = sum & maximum;
    return KV_OK;
}

#undef BITMAP_AVX2
#undef BITMAP_STRIDE
#undef BITMAP_WORDS
#undef BITMAP_BLOCK
