/*
 * base/lzf.c -- see lzf.h.
 *
 * The compressor remembers for each hash of three bytes where it saw them last. Where the text has
 * not repeated itself for a while it looks at every second place, then every third, and so on, so
 * that what cannot be compressed costs little.
 */
#include "base/lzf.h"

#include "base/bytes.h"

enum {
    LZF_RUN_MAX = 32, /* of bytes as they are */
    LZF_COPY_MIN = 3,
    LZF_COPY_MAX = 264,
    LZF_BACK_MAX = 8192, /* how far back a copy begins */
    LZF_SLOT_BITS = 12,
    LZF_PATIENCE = 6 /* 2 to this many places without a copy, and the step grows by one */
};

static unsigned lzf_slot(const uint8_t *at)
{
    uint32_t three = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
    return three * UINT32_C(2654435761) >> (32 - LZF_SLOT_BITS); /* Knuth vol. 3, 6.4 */
}

/* How many bytes are the same at both places, up to `most`. */
static size_t lzf_match(const uint8_t *a, const uint8_t *b, size_t most)
{
    size_t size = 0;
    while (size < most && a[size] == b[size]) size++;
    return size;
}

/* Writes bytes as they are. NULL if they do not fit. */
static uint8_t *lzf_put_plain(const uint8_t *from, size_t size, uint8_t *out, const uint8_t *end)
{
    while (size > 0) {
        size_t run = size < LZF_RUN_MAX ? size : LZF_RUN_MAX;
        if ((size_t)(end - out) < run + 1) return NULL;
        *out++ = (uint8_t)(run - 1);
        memcpy(out, from, run);
        out += run;
        from += run;
        size -= run;
    }
    return out;
}

static uint8_t *lzf_put_copy(size_t back, size_t size, uint8_t *out, const uint8_t *end)
{
    size_t high = (back - 1) >> 8, length = size - 2;
    bool is_short = length < 7;
    if (end - out < (is_short ? 2 : 3)) return NULL;
    if (is_short) {
        *out++ = (uint8_t)(length << 5 | high);
    } else {
        *out++ = (uint8_t)(7 << 5 | high);
        *out++ = (uint8_t)(length - 7);
    }
    *out++ = (uint8_t)(back - 1);
    return out;
}

KV_INTERNAL size_t lzf_compress(kv_slice text, uint8_t *out, size_t room)
{
    /* The lower half of where each three bytes were last, or 0, which is checked like any. */
    uint32_t seen[1 << LZF_SLOT_BITS] = {0};
    const uint8_t *begin = text.data, *end = begin + text.size;
    const uint8_t *at = begin, *plain = begin; /* what is written up to here */
    uint8_t *to = out;
    const uint8_t *out_end = out + room;
    while (to != NULL && end - at >= LZF_COPY_MIN) {
        size_t position = (size_t)(at - begin);
        uint32_t *slot = &seen[lzf_slot(at)];
        size_t back = (uint32_t)((uint32_t)position - *slot);
        *slot = (uint32_t)position;
        size_t size = 0;
        if (back - 1 < LZF_BACK_MAX && back <= position) {
            size_t left = (size_t)(end - at);
            size = lzf_match(at, at - back, left < LZF_COPY_MAX ? left : LZF_COPY_MAX);
        }
        if (size < LZF_COPY_MIN) {
            at += 1 + ((size_t)(at - plain) >> LZF_PATIENCE);
            continue;
        }
        to = lzf_put_plain(plain, (size_t)(at - plain), to, out_end);
        if (to != NULL) to = lzf_put_copy(back, size, to, out_end);
        at += size;
        plain = at;
    }
    if (to != NULL) to = lzf_put_plain(plain, (size_t)(end - plain), to, out_end);
    return to != NULL ? (size_t)(to - out) : 0;
}

/*
 * Copies bytes that came before; the ranges overlap if `back` is less than `size`. Where there is
 * room behind it writes up to 7 bytes more, which are to be written anyway.
 */
static void lzf_copy(uint8_t *out, const uint8_t *end, size_t back, size_t size)
{
    const uint8_t *from = out - back;
    if (back >= 8 && (size_t)(end - out) >= size + 8) {
        for (size_t i = 0; i < size; i += 8) memcpy(out + i, from + i, 8);
    } else {
        for (size_t i = 0; i < size; i++) out[i] = from[i];
    }
}

/* Copies bytes as they are, LZF_RUN_MAX at once where there are as many on both sides. */
static void lzf_copy_plain(uint8_t *out, const uint8_t *out_end, const uint8_t *at,
                           const uint8_t *end, size_t size)
{
    bool is_wide = end - at >= LZF_RUN_MAX && out_end - out >= LZF_RUN_MAX;
    if (is_wide) memcpy(out, at, LZF_RUN_MAX);
    else memcpy(out, at, size);
}

KV_INTERNAL bool lzf_expand(kv_slice bytes, uint8_t *out, size_t size)
{
    const uint8_t *at = bytes.data, *end = at + bytes.size;
    uint8_t *begin = out, *out_end = out + size;
    while (at < end) {
        size_t control = *at++;
        if (control < LZF_RUN_MAX) {
            size_t run = control + 1;
            if ((size_t)(end - at) < run || (size_t)(out_end - out) < run) return false;
            lzf_copy_plain(out, out_end, at, end, run);
            at += run;
            out += run;
            continue;
        }
        size_t run = control >> 5;
        if (run == 7) {
            if (at == end) return false;
            run += *at++;
        }
        run += 2;
        if (at == end) return false;
        size_t back = ((control & 0x1f) << 8) + *at++ + 1;
        if ((size_t)(out - begin) < back || (size_t)(out_end - out) < run) return false;
        lzf_copy(out, out_end, back, run);
        out += run;
    }
    return out == out_end;
}
