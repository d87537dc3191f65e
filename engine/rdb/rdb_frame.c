/*
 * rdb/rdb_frame.c -- see rdb_frame.h.
 */
#include "rdb/rdb_frame.h"

#include "rdb/rdb_format.h"

KV_INTERNAL const char *rdb_layout_of(unsigned type)
{
    static const char *const layouts[] = {
        [RDB_STRING] = "t",
        [RDB_LIST] = "(t)",
        [RDB_SET] = "(t)",
        [RDB_SORTED_SET] = "(ts)",
        [RDB_HASH] = "(tt)",
        [RDB_SORTED_SET_2] = "(t8)",
        [RDB_HASH_ZIPMAP] = "t",
        [RDB_LIST_ZIPLIST] = "t",
        [RDB_SET_INTSET] = "t",
        [RDB_SORTED_SET_ZIPLIST] = "t",
        [RDB_HASH_ZIPLIST] = "t",
        [RDB_LIST_QUICKLIST] = "(t)",
        [RDB_STREAM] = "(tt)"
                       "lll"
                       "(t"
                       "ll"
                       "(i8l)"
                       "(t8(i)))",
        [RDB_HASH_LISTPACK] = "t",
        [RDB_SORTED_SET_LISTPACK] = "t",
        [RDB_LIST_QUICKLIST_2] = "(lt)",
        [RDB_STREAM_2] = "(tt)"
                         "llllllll"
                         "(t"
                         "lll"
                         "(i8l)"
                         "(t8(i)))",
        [RDB_SET_LISTPACK] = "t",
        [RDB_STREAM_3] = "(tt)"
                         "llllllll"
                         "(t"
                         "lll"
                         "(i8l)"
                         "(t88(i)))",
        [RDB_HASH_TIMED_OLD] = "(ltt)",
        [RDB_HASH_TIMED_LISTPACK_OLD] = "t",
        [RDB_HASH_TIMED] = "8(ltt)",
        [RDB_HASH_TIMED_LISTPACK] = "8t",
    };
    return type < sizeof layouts / sizeof *layouts ? layouts[type] : NULL;
}

static enum rdb_framed rdb_frame_damaged(struct rdb_frame *frame, const char *expected)
{
    frame->expected = expected;
    return RDB_DAMAGED;
}

static enum rdb_framed rdb_frame_bytes(struct rdb_source *source, uint64_t size)
{
    if (size > rdb_left(source)) return RDB_SHORT;
    source->at += size;
    return RDB_FRAMED;
}

/* ---------------------------------------------------------------------------- lengths and texts */

/* The size of a length that begins with this byte; 0: none does. */
static size_t rdb_length_extent(uint8_t first)
{
    switch (first >> 6) {
    case 0: return 1;
    case 1: return 2;
    case 2: return first == 0x80 ? 5 : first == 0x81 ? 9 : 0;
    default: return 0;
    }
}

static enum rdb_framed rdb_frame_length(struct rdb_frame *frame, struct rdb_source *source,
                                        uint64_t *length)
{
    if (rdb_left(source) == 0) return RDB_SHORT;
    size_t size = rdb_length_extent(*source->at);
    if (size == 0) return rdb_frame_damaged(frame, "a length");
    if (rdb_left(source) < size) return RDB_SHORT;
    (void)rdb_read_length(source, length);
    return RDB_FRAMED;
}

/* A text that is kept as a size and so many bytes, or compressed. */
static enum rdb_framed rdb_frame_sized(struct rdb_frame *frame, struct rdb_source *source,
                                       bool is_compressed)
{
    uint64_t size, expanded = 0;
    enum rdb_framed framed = rdb_frame_length(frame, source, &size);
    if (framed == RDB_FRAMED && is_compressed) framed = rdb_frame_length(frame, source, &expanded);
    if (framed != RDB_FRAMED) return framed;
    if (size > source->text_max || expanded > source->text_max)
        return rdb_frame_damaged(frame, "a text of a size that a value may have");
    return rdb_frame_bytes(source, size);
}

static enum rdb_framed rdb_frame_text(struct rdb_frame *frame, struct rdb_source *source)
{
    if (rdb_left(source) == 0) return RDB_SHORT;
    uint8_t first = *source->at;
    switch (first) {
    case 0xc0: return rdb_frame_bytes(source, 2);
    case 0xc1: return rdb_frame_bytes(source, 3);
    case 0xc2: return rdb_frame_bytes(source, 5);
    case 0xc3: source->at++; return rdb_frame_sized(frame, source, true);
    default:
        if (rdb_length_extent(first) == 0) return rdb_frame_damaged(frame, "a text");
        return rdb_frame_sized(frame, source, false);
    }
}

/* A size of one byte, and the digits; or one that stands for what is no number of digits. */
static enum rdb_framed rdb_frame_score(struct rdb_source *source)
{
    if (rdb_left(source) == 0) return RDB_SHORT;
    return rdb_frame_bytes(source, *source->at >= 253 ? 1 : 1 + (uint64_t)*source->at);
}

/* ------------------------------------------------------------------------------------- a module */

/* One value of a module with its kind; *is_last: it was the kind that ends them. */
static enum rdb_framed rdb_frame_module(struct rdb_frame *frame, struct rdb_source *source,
                                        bool *is_last)
{
    uint64_t kind, length;
    enum rdb_framed framed = rdb_frame_length(frame, source, &kind);
    if (framed != RDB_FRAMED) return framed;
    *is_last = kind == 0;
    switch (kind) {
    case 0: return RDB_FRAMED;
    case 1:
    case 2: return rdb_frame_length(frame, source, &length);
    case 3: return rdb_frame_bytes(source, 4);
    case 4: return rdb_frame_bytes(source, 8);
    case 5: return rdb_frame_text(frame, source);
    default: return rdb_frame_damaged(frame, "a value of a module");
    }
}

/* --------------------------------------------------------------------------------------- layouts */

/* Behind the bracket that closes what begins at `at`. */
static const char *rdb_layout_skip(const char *at)
{
    for (unsigned depth = 1; depth > 0; at++) {
        if (*at == '(') depth++;
        if (*at == ')') depth--;
    }
    return at;
}

static enum rdb_framed rdb_frame_open(struct rdb_frame *frame, struct rdb_source *source)
{
    uint64_t count;
    enum rdb_framed framed = rdb_frame_length(frame, source, &count);
    if (framed != RDB_FRAMED) return framed;
    frame->next++;
    if (count == 0) {
        frame->next = rdb_layout_skip(frame->next);
        return RDB_FRAMED;
    }
    assert(frame->depth < RDB_FRAME_DEPTH);
    frame->loops[frame->depth].begin = frame->next;
    frame->loops[frame->depth].left = count;
    frame->depth++;
    return RDB_FRAMED;
}

static void rdb_frame_close(struct rdb_frame *frame)
{
    if (--frame->loops[frame->depth - 1].left > 0) {
        frame->next = frame->loops[frame->depth - 1].begin;
        return;
    }
    frame->depth--;
    frame->next++;
}

/* The next thing of the layout, and moves on in that. */
static enum rdb_framed rdb_frame_thing(struct rdb_frame *frame, struct rdb_source *source)
{
    uint64_t length;
    bool is_last = true;
    enum rdb_framed framed;
    switch (*frame->next) {
    case 't': framed = rdb_frame_text(frame, source); break;
    case 'l': framed = rdb_frame_length(frame, source, &length); break;
    case 's': framed = rdb_frame_score(source); break;
    case 'i': framed = rdb_frame_bytes(source, 16); break;
    case 'm': framed = rdb_frame_module(frame, source, &is_last); break;
    case '(': return rdb_frame_open(frame, source);
    case ')': rdb_frame_close(frame); return RDB_FRAMED;
    default: framed = rdb_frame_bytes(source, (uint64_t)(*frame->next - '0')); break;
    }
    if (framed == RDB_FRAMED && is_last) frame->next++;
    return framed;
}

KV_INTERNAL enum rdb_framed rdb_frame_advance(struct rdb_frame *frame, struct rdb_source *source)
{
    while (*frame->next != '\0') {
        const uint8_t *before = source->at;
        enum rdb_framed framed = rdb_frame_thing(frame, source);
        if (KV_LIKELY(framed == RDB_FRAMED)) continue;
        source->at = before;
        return framed;
    }
    return RDB_FRAMED;
}
