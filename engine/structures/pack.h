/*
 * structures/pack.h -- a small collection in one block of bytes, in Redis's listpack format.
 *
 * The bytes are exactly those that Redis keeps and writes into RDB files, so a pack goes to and
 * from a file as it is. All numbers are little-endian but the back length, which is read from its
 * end:
 *
 *     size:4  count:2  element...  FF         size: of all; count: 65535 means too many, count them
 *     element:  head and data, back length    the latter: of the former, 7 bits in each byte
 *
 *     head       data                         head       data
 *     0xxxxxxx   -        an integer 0..127   11110001   2 bytes  an integer of 16 bits
 *     10xxxxxx   x bytes  text                11110010   3 bytes  of 24 bits
 *     110xxxxx   1 byte   a 13-bit integer    11110011   4 bytes  of 32 bits
 *     1110xxxx   1 byte + text of x:12 bytes  11110100   8 bytes  of 64 bits
 *     11110000   4 bytes + text of so many    11111111   -        the end
 *
 * A value that is the canonical text of an int64_t is kept as an integer and comes back as that
 * text.
 *
 * Ownership  A pack floats in a block of its owner's memory: the listpack may have free room before
 *            and behind it, so that work at either end moves nothing.
 * Failure    Making room can fail; editing cannot. Reserve first, then edit: what was reserved is
 *            there, and taking elements out needs no memory at all. (That is why a pack knows the
 *            size of its block: were it derived from the listpack's, each removal would have to
 *            find a smaller block, and could fail. It costs 8 bytes a pack.)
 * Positions  `at` points to an element, or to PACK_END behind the last one. It is good until the
 *            pack is edited or moved by a reservation; an index survives both.
 * Limits     A listpack never exceeds PACK_SIZE_MAX bytes.
 * Source     https://github.com/antirez/listpack/blob/master/listpack.md for the format.
 */
#ifndef KV_STRUCTURES_PACK_H
#define KV_STRUCTURES_PACK_H

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/memory.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most bytes of a listpack. Redis refuses to grow one beyond that, too. */
#define PACK_SIZE_MAX   ((size_t)1 << 30)

#define PACK_HEADER     6    /* size and count */
#define PACK_EMPTY_SIZE 7    /* the header and the end */
#define PACK_END        0xFF /* the byte behind the last element */
#define PACK_TEXT_SIZE  21   /* room for the text of any int64_t, and to spare */

struct pack {
    uint32_t capacity; /* bytes of room */
    uint32_t start;    /* where in it the listpack begins */
    uint8_t room[];
};

/*
 * The size up to which a growing pack asks for no more than this: base/memory.h keeps 24 bytes
 * before a large block and glibc 8, which makes 4096 of it. Other allocators have a class of 4096.
 */
#define PACK_PAGE (4096 - 8 - 24 - sizeof(struct pack))

/*
 * Values measured once, on the way into a pack: they stay the caller's, and are copied when put in.
 */
struct pack_run {
    const kv_slice *values;
    size_t count;
    size_t size; /* of all of them as elements */
};

/* A value to look for, prepared once for many comparisons. */
struct pack_needle {
    kv_slice text;
    int64_t integer;
    bool is_integer;
    uint64_t tail, tail_mask; /* its last bytes, up to 8, as the last ones of a word in memory */
};

/* What an element holds: an integer, or else a text lent from the pack. */
struct pack_item {
    kv_slice text;
    int64_t integer;
    bool is_integer;
};

/* -------------------------------------------------------------------------------- reading: O(1) */

static inline const uint8_t *pack_begin(const struct pack *pack)
{
    return pack->room + pack->start;
}

/* The size of the listpack in bytes. */
static inline size_t pack_size(const struct pack *pack)
{
    return bytes_load32(pack_begin(pack));
}

/* The listpack itself, as an RDB file has it. Lent. */
static inline kv_slice pack_bytes(const struct pack *pack)
{
    kv_slice bytes = {pack_begin(pack), pack_size(pack)};
    return bytes;
}

/* The size of the block a pack lives in: what it must be given back with. */
static inline size_t pack_block_size(const struct pack *pack)
{
    return sizeof *pack + pack->capacity;
}

/* The size of an element's head and data. */
static inline size_t pack_entry_size(const uint8_t *at)
{
    uint8_t head = at[0];
    if (head < 0x80) return 1;
    if (head < 0xC0) return 1 + (size_t)(head & 0x3F);
    if (head < 0xE0) return 2;
    if (head < 0xF0) return 2 + ((size_t)(head & 0x0F) << 8 | at[1]);
    if (head == 0xF0) return 5 + (size_t)bytes_load32(at + 1);
    return head == 0xF4 ? 9 : (size_t)(head - 0xF1) + 3;
}

/*
 * The size of a back length. The limits are one short of what the bits would hold, as Redis has
 * them.
 */
static inline size_t pack_back_size(size_t entry_size)
{
    if (entry_size <= 127) return 1;
    if (entry_size < 16383) return 2;
    if (entry_size < 2097151) return 3;
    return entry_size < 268435455 ? 4 : 5;
}

/* The size of a whole element. */
static inline size_t pack_element_size(const uint8_t *at)
{
    size_t size = pack_entry_size(at);
    return size + pack_back_size(size);
}

/* The first element, or PACK_END; and the one behind `at`, which is an element. */
static inline const uint8_t *pack_first(const struct pack *pack)
{
    return pack_begin(pack) + PACK_HEADER;
}

static inline const uint8_t *pack_next(const uint8_t *at)
{
    return at + pack_element_size(at);
}

/* Where PACK_END is. */
static inline const uint8_t *pack_end(const struct pack *pack)
{
    return pack_begin(pack) + pack_size(pack) - 1;
}

/* The element before `at`; NULL if `at` is the first. The last one, NULL if the pack is empty. */
KV_INTERNAL const uint8_t *pack_prev(const struct pack *pack, const uint8_t *at);
KV_INTERNAL const uint8_t *pack_last(const struct pack *pack);

/* The number of elements. O(1) up to 65534, then O(n). */
KV_INTERNAL size_t pack_count(const struct pack *pack);

/* The element at `index`; NULL if there is none. O(n), from the nearer end. */
KV_INTERNAL const uint8_t *pack_seek(const struct pack *pack, size_t index);

/* What the element holds. Texts are lent until the pack changes. */
KV_INTERNAL struct pack_item pack_get(const uint8_t *at);

/* The same as text, which is in the pack or, of an integer, in `scratch`. */
KV_INTERNAL kv_slice pack_text_of_any(const uint8_t *at, char scratch[PACK_TEXT_SIZE]);

static inline kv_slice pack_text(const uint8_t *at, char scratch[PACK_TEXT_SIZE])
{
    if (KV_UNLIKELY((at[0] & 0xC0) != 0x80)) return pack_text_of_any(at, scratch);
    kv_slice text = {at + 1, at[0] & 0x3F};
    return text;
}

/* -------------------------------------------------------------------------------------- finding */

KV_INTERNAL struct pack_needle pack_needle(kv_slice value);

/* Whether the element is that value, however it is kept. */
KV_INTERNAL bool pack_equals_any(const uint8_t *at, const struct pack_needle *needle);

/*
 * The tails are compared first: what is kept together often begins alike. The word that ends with
 * an element's text begins in the element, the one before it or the header.
 */
static inline bool pack_equals(const uint8_t *at, const struct pack_needle *needle)
{
    if (KV_UNLIKELY((at[0] & 0xC0) != 0x80)) return pack_equals_any(at, needle);
    size_t size = at[0] & 0x3F;
    if (size != needle->text.size) return false;
    uint64_t tail = bytes_load64(at + 1 + size - 8) & needle->tail_mask;
    if (tail != needle->tail) return false;
    return size <= 8 || memcmp(at + 1, needle->text.data, size - 8) == 0;
}

/*
 * The first element from `from` (an element or PACK_END) on that is the needle, or PACK_END; adds
 * to *passed how many lie before it.
 */
KV_INTERNAL KV_UNUSED const uint8_t *pack_find_next(const uint8_t *from,
                                                    const struct pack_needle *needle,
                                                    uint64_t *passed);

/*
 * The first element from `from` (an element or PACK_END) on that is the needle, passing over `skip`
 * elements after each one compared: 1 looks at the fields of a hash only. NULL if there is none.
 */
KV_INTERNAL KV_UNUSED const uint8_t *pack_find(const uint8_t *from,
                                               const struct pack_needle *needle, size_t skip);

/* --------------------------------------------------------------------------------------- blocks */

/*
 * An empty pack with room for `size` bytes of elements, to be put in at `end` without moving any.
 * KV_OK, KV_TOOBIG, KV_NOMEM.
 */
KV_INTERNAL kv_status pack_create(struct memory *memory, size_t size, kv_end end,
                                  struct pack **pack);

/*
 * Sees to it that elements of `grow` bytes can be put in: at `end` without moving any, elsewhere by
 * moving those between. The pack may move, to a block with an eighth to spare, so that growing by
 * small steps costs O(1) a byte. KV_OK, KV_TOOBIG, KV_NOMEM.
 */
KV_INTERNAL kv_status pack_reserve(struct memory *memory, struct pack **pack, size_t grow,
                                   kv_end end);

/*
 * The same before or in place of the element at *at, or PACK_END, which follows the pack where it
 * goes. The shorter side will be moved, unless only the other one has room.
 */
KV_INTERNAL kv_status pack_reserve_at(struct memory *memory, struct pack **pack, const uint8_t **at,
                                      size_t grow);

/*
 * Moves a pack with more than `spare` bytes of free room to a block that just fits, if memory
 * allows.
 */
KV_INTERNAL void pack_fit(struct memory *memory, struct pack **pack, size_t spare);

/* Gives the block back. NULL is ignored. */
KV_INTERNAL void pack_destroy(struct memory *memory, struct pack *pack);

/* ----------------------------------------------------- editing: room was made, nothing can fail */

/* Measures values that are to become elements. KV_OK; KV_TOOBIG if they exceed any pack. */
KV_INTERNAL kv_status pack_measure(const kv_slice *values, size_t count, struct pack_run *run);

/* The size of `value` or of an integer as an element. */
KV_INTERNAL size_t pack_value_size(kv_slice value);
KV_INTERNAL KV_UNUSED size_t pack_integer_element_size(int64_t integer);

/* Puts the values at one end, one by one: at the head the last one given ends up first. O(run). */
KV_INTERNAL void pack_push(struct pack *pack, kv_end end, const struct pack_run *run);

/*
 * Puts the values, in order, before `at`. O(run + bytes between `at` and the nearer end with room).
 */
KV_INTERNAL void pack_insert(struct pack *pack, const uint8_t *at, const struct pack_run *run);

/* Puts one value in place of the element at `at`. The room needed is the difference in size. */
KV_INTERNAL void pack_replace(struct pack *pack, const uint8_t *at, kv_slice value);

/* The same with an integer. */
KV_INTERNAL KV_UNUSED void pack_replace_integer(struct pack *pack, const uint8_t *at,
                                                int64_t integer);

/*
 * Opens `size` bytes at the tail for `count` elements, which the caller writes one behind the other
 * before anything else is done with the pack: pack_put() gives where the next one goes.
 */
KV_INTERNAL KV_UNUSED uint8_t *pack_extend(struct pack *pack, size_t size, size_t count);
KV_INTERNAL KV_UNUSED uint8_t *pack_put(uint8_t *at, kv_slice value);
KV_INTERNAL KV_UNUSED uint8_t *pack_put_integer(uint8_t *at, int64_t integer);

/* Takes out the `count` elements from `at` on, which must be there. */
KV_INTERNAL void pack_delete(struct pack *pack, const uint8_t *at, size_t count);

/*
 * Exchanges two runs of elements that lie side by side: those from `first` to before `middle`, and
 * from there to before `end`. O(bytes).
 */
KV_INTERNAL void pack_exchange(struct pack *pack, const uint8_t *first, const uint8_t *middle,
                               const uint8_t *end);

/* Takes all elements from `at` on out of `pack` and puts them at the end of `tail`, in order. */
KV_INTERNAL void pack_split(struct pack *pack, const uint8_t *at, struct pack *tail);

/* Copies `count` elements of another pack, those from `from` on, to one end, in order. */
KV_INTERNAL void pack_copy(struct pack *pack, kv_end end, const uint8_t *from, size_t count);

/* Copies all elements of another pack to one end, in order. */
KV_INTERNAL void pack_merge(struct pack *pack, kv_end end, const struct pack *from);

/*
 * Takes out the first `limit` elements that are the needle, or the last ones if `end` is KV_TAIL.
 * Gives how many. O(n).
 */
KV_INTERNAL size_t pack_delete_equal(struct pack *pack, const struct pack_needle *needle,
                                     size_t limit, kv_end end);

/* --------------------------------------------------------------------------- bytes from outside */

/*
 * Whether untrusted bytes are a listpack: no more than its outside unless `deep`, which walks it
 * all. After a deep look every function here is safe on it. Numbers kept wider than needed are let
 * pass.
 */
KV_INTERNAL KV_UNUSED bool pack_validate(kv_slice bytes, bool deep);

/* A pack with a copy of a validated listpack. KV_OK, KV_TOOBIG, KV_NOMEM. */
KV_INTERNAL KV_UNUSED kv_status pack_load(struct memory *memory, kv_slice bytes,
                                          struct pack **pack);

#if KV_DEBUG > 0
/* Asserts all that is promised above. */
KV_INTERNAL KV_UNUSED void pack_check(const struct pack *pack);
#endif

#endif
