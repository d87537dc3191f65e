/*
 * structures/members.c -- the members of a large collection. The picture is in members.h.
 *
 * Invariants (members_check() asserts them):
 *   1. No two members have the same name, and none whose name is an integer keeps it as text.
 *   2. A name is in the table's pointer if and only if it fits there and the member has nothing
 *      else.
 *   3. A block has the size that its contents take.
 */
#include "structures/members.h"

#include "base/bits.h"

#include "base/bytes.h"
#include "base/number.h"

#include <string.h>

enum {
    MEMBER_SIZE_BITS = 31, /* of the head */
    MEMBER_SIZE_1 = 29,
    MEMBER_SIZE_4 = 30,
    MEMBER_SIZE_8 = 31,
    MEMBER_INTEGER = 32,
    MEMBER_VALUE = 64,
    MEMBER_TIMED = 128,

    MEMBER_TIMED_SIZE = 12,
    MEMBER_HEADER_MAX = 1 + MEMBER_TIMED_SIZE + 8 + 10, /* all but name and value */

    /* Bits of an integer in a pointer: a table keeps 48, and one of them is taken. */
    MEMBER_DIRECT_BITS = sizeof(void *) < 8 ? 31 : 47
};

/* What a member consists of. */
struct member_parts {
    kv_slice text; /* the name, unless it is an integer */
    int64_t integer;
    bool is_integer;
    bool has_value;
    kv_slice value;
    bool is_timed;       /* there is room for a deadline, which may be KV_NEVER */
    int64_t deadline_ms; /* KV_NEVER: none */
    uint32_t deadline_id;
};

/* -------------------------------------------------------------------------------- in the pointer */

static bool member_is_direct(const struct member *member)
{
    return ((uintptr_t)member & 1) != 0;
}

static bool member_fits_directly(int64_t integer)
{
    int64_t limit = INT64_C(1) << (MEMBER_DIRECT_BITS - 1);
    return integer >= -limit && integer < limit;
}

static struct member *member_direct(int64_t integer)
{
    uint64_t mask = (UINT64_C(1) << (MEMBER_DIRECT_BITS + 1)) - 1;
    return (struct member *)(uintptr_t)(((uint64_t)integer << 1 | 1) & mask);
}

static int64_t member_direct_integer(const struct member *member)
{
    uint64_t word = (uint64_t)(uintptr_t)member << (63 - MEMBER_DIRECT_BITS);
    return (int64_t)word >> (64 - MEMBER_DIRECT_BITS); /* brings the sign down */
}

/* ----------------------------------------------------------------------------------- in a block */

/* The bytes that an integer takes, and reading it back from them. */
static size_t member_integer_size(int64_t integer)
{
    uint64_t bits = (uint64_t)(integer < 0 ? ~integer : integer);
    size_t size = 1;
    while (size < 8 && bits >> (8 * size - 1) != 0) size++;
    return size;
}

static int64_t member_load_integer(const uint8_t *at, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++) word |= (uint64_t)at[i] << 8 * i;
    unsigned unused = (unsigned)(64 - 8 * size);
    return (int64_t)(word << unused) >> unused;
}

/* The bytes after the head that the size of a name takes. */
static size_t member_size_size(size_t size)
{
    if (size < MEMBER_SIZE_1) return 0;
    if (size <= UINT8_MAX) return 1;
    return size <= UINT32_MAX ? 4 : 8;
}

/* Bytes of a number of 7 bits a byte. */
static size_t member_varint_size(uint64_t number)
{
    size_t size = 1;
    while (number >>= 7) size++;
    return size;
}

static uint8_t *member_store_varint(uint8_t *at, uint64_t number)
{
    for (; number >= 128; number >>= 7) *at++ = (uint8_t)(number | 128);
    *at++ = (uint8_t)number;
    return at;
}

static const uint8_t *member_load_varint(const uint8_t *at, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *at++;
        *number |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return at;
    }
}

/* Where the name of a block is, and its size. */
KV_INLINE const uint8_t *member_name_at(const struct member *member, size_t *size)
{
    const uint8_t *at = (const uint8_t *)member;
    unsigned head = *at++;
    if ((head & MEMBER_TIMED) != 0) at += MEMBER_TIMED_SIZE;
    unsigned code = head & MEMBER_SIZE_BITS;
    if (KV_LIKELY(code < MEMBER_SIZE_1)) {
        *size = code;
        return at;
    }
    if (code == MEMBER_SIZE_1) {
        *size = at[0];
        return at + 1;
    }
    if (code == MEMBER_SIZE_4) {
        *size = bytes_load32(at);
        return at + 4;
    }
    *size = (size_t)bytes_load64(at);
    return at + 8;
}

static unsigned member_head(const struct member *member)
{
    return *(const uint8_t *)member;
}

static struct member_parts member_parts(const struct member *member)
{
    struct member_parts parts = {.deadline_ms = KV_NEVER};
    if (member_is_direct(member)) {
        parts.is_integer = true;
        parts.integer = member_direct_integer(member);
        return parts;
    }
    unsigned head = member_head(member);
    size_t size;
    const uint8_t *name = member_name_at(member, &size);
    parts.is_integer = (head & MEMBER_INTEGER) != 0;
    if (parts.is_integer) parts.integer = member_load_integer(name, size);
    else parts.text = (kv_slice){name, size};
    parts.has_value = (head & MEMBER_VALUE) != 0;
    if (parts.has_value) parts.value = member_value(member);
    parts.is_timed = (head & MEMBER_TIMED) != 0;
    parts.deadline_ms = member_deadline(member);
    parts.deadline_id = member_deadline_id(member);
    return parts;
}

static size_t member_parts_name_size(const struct member_parts *parts)
{
    return parts->is_integer ? member_integer_size(parts->integer) : parts->text.size;
}

/* The size of the block; 0 if there is none to be had of that size. */
static size_t member_parts_size(const struct member_parts *parts)
{
    size_t name = member_parts_name_size(parts);
    if (name > SIZE_MAX / 4 || parts->value.size > SIZE_MAX / 4) return 0;
    size_t size = 1 + member_size_size(name) + name;
    if (parts->has_value) size += member_varint_size(parts->value.size) + parts->value.size;
    if (parts->is_timed) size += MEMBER_TIMED_SIZE;
    return size;
}

static size_t member_block_size(const struct member *member)
{
    struct member_parts parts = member_parts(member);
    return member_parts_size(&parts);
}

static void member_copy(uint8_t *at, kv_slice from)
{
    if (from.size > 0) memcpy(at, from.data, from.size);
}

static uint8_t *member_write_name(uint8_t *at, uint8_t *head, const struct member_parts *parts)
{
    size_t size = member_parts_name_size(parts);
    size_t size_size = member_size_size(size);
    *head |= (uint8_t)(size_size == 0   ? size
                       : size_size == 1 ? MEMBER_SIZE_1
                       : size_size == 4 ? MEMBER_SIZE_4
                                        : MEMBER_SIZE_8);
    for (size_t i = 0; i < size_size; i++) *at++ = (uint8_t)((uint64_t)size >> 8 * i);
    if (parts->is_integer) {
        for (size_t i = 0; i < size; i++) at[i] = (uint8_t)((uint64_t)parts->integer >> 8 * i);
    } else {
        member_copy(at, parts->text);
    }
    return at + size;
}

static void member_write(struct member *member, const struct member_parts *parts)
{
    uint8_t *head = (uint8_t *)member;
    uint8_t *at = head + 1;
    *head =
        (uint8_t)((parts->is_integer ? MEMBER_INTEGER : 0) | (parts->has_value ? MEMBER_VALUE : 0));
    if (parts->is_timed) {
        *head |= MEMBER_TIMED;
        bytes_store64(at, (uint64_t)parts->deadline_ms);
        bytes_store32(at + 8, parts->deadline_id);
        at += MEMBER_TIMED_SIZE;
    }
    at = member_write_name(at, head, parts);
    if (!parts->has_value) return;
    at = member_store_varint(at, parts->value.size);
    member_copy(at, parts->value);
}

/* A member of these parts; NULL when there is no memory. */
static struct member *member_create(struct memory *memory, const struct member_parts *parts)
{
    if (parts->is_integer && !parts->has_value && !parts->is_timed &&
        member_fits_directly(parts->integer)) {
        return member_direct(parts->integer);
    }
    size_t size = member_parts_size(parts);
    if (size == 0) return NULL;
    struct member *member = memory_get(memory, size);
    if (member != NULL) member_write(member, parts);
    return member;
}

static void member_destroy(struct memory *memory, struct member *member)
{
    if (member_is_direct(member)) return;
    memory_free(memory, member, member_block_size(member));
}

/* -------------------------------------------------------------------------------- reading a member */

KV_INTERNAL kv_slice member_text(const struct member *member, char scratch[MEMBER_TEXT_SIZE])
{
    int64_t integer;
    if (member_integer(member, &integer))
        return (kv_slice){scratch, number_format_int64(scratch, integer)};
    size_t size;
    const uint8_t *name = member_name_at(member, &size);
    return (kv_slice){name, size};
}

KV_INTERNAL bool member_integer(const struct member *member, int64_t *integer)
{
    if (member_is_direct(member)) {
        *integer = member_direct_integer(member);
        return true;
    }
    if ((member_head(member) & MEMBER_INTEGER) == 0) return false;
    size_t size;
    const uint8_t *name = member_name_at(member, &size);
    *integer = member_load_integer(name, size);
    return true;
}

KV_INTERNAL kv_slice member_value(const struct member *member)
{
    if (member_is_direct(member) || (member_head(member) & MEMBER_VALUE) == 0)
        return (kv_slice){NULL, 0};
    size_t name_size;
    const uint8_t *at = member_name_at(member, &name_size) + name_size;
    uint64_t size;
    at = member_load_varint(at, &size);
    return (kv_slice){at, (size_t)size};
}

static bool member_is_timed(const struct member *member)
{
    return !member_is_direct(member) && (member_head(member) & MEMBER_TIMED) != 0;
}

KV_INTERNAL int64_t member_deadline(const struct member *member)
{
    if (!member_is_timed(member)) return KV_NEVER;
    return (int64_t)bytes_load64((const uint8_t *)member + 1);
}

KV_INTERNAL uint32_t member_deadline_id(const struct member *member)
{
    return member_is_timed(member) ? bytes_load32((const uint8_t *)member + 9) : 0;
}

KV_INTERNAL void member_set_deadline_id(struct member *member, uint32_t id)
{
    assert(member_is_timed(member));
    bytes_store32((uint8_t *)member + 9, id);
}

/* --------------------------------------------------------------------------------------- names */

KV_INTERNAL void member_name_set_integer(struct member_name *name, int64_t integer)
{
    name->is_integer = true;
    name->mark = false;
    name->integer = integer;
    name->hashed = (kv_slice){&name->integer, sizeof name->integer};
}

KV_INTERNAL void member_name_set(struct member_name *name, kv_slice text)
{
    int64_t integer;
    if (number_parse_int64(text, &integer)) {
        member_name_set_integer(name, integer);
    } else {
        name->is_integer = name->mark = false;
        name->hashed = text;
    }
}

KV_INTERNAL void member_name_set_member(struct member_name *name, const struct member *member)
{
    int64_t integer;
    if (member_integer(member, &integer)) {
        member_name_set_integer(name, integer);
    } else {
        name->is_integer = name->mark = false;
        name->hashed.data = member_name_at(member, &name->hashed.size);
    }
}

KV_INTERNAL void members_name(const struct siphash_key *key, kv_slice text,
                              struct member_name *name)
{
    member_name_set(name, text);
    name->hash = siphash(key, name->hashed.data, name->hashed.size);
}

KV_INTERNAL void member_names_hash(const struct siphash_key *key, struct member_name *names,
                                   size_t count)
{
    uint64_t hashes[MEMBERS_BATCH];
    for (size_t first = 0; first < count; first += MEMBERS_BATCH) {
        size_t some = count - first < MEMBERS_BATCH ? count - first : MEMBERS_BATCH;
        siphash_many(key, &names[first].hashed, sizeof *names, some, hashes);
        for (size_t i = 0; i < some; i++) names[first + i].hash = hashes[i];
    }
}

KV_INTERNAL void members_names(const struct siphash_key *key, const kv_slice *texts, size_t count,
                               struct member_name *names)
{
    for (size_t i = 0; i < count; i++) member_name_set(&names[i], texts[i]);
    member_names_hash(key, names, count);
}

KV_INTERNAL void members_names_of(const struct siphash_key *key,
                                  const struct member *const *members, size_t count,
                                  struct member_name *names)
{
    for (size_t i = 0; i < count; i++) member_name_set_member(&names[i], members[i]);
    member_names_hash(key, names, count);
}

KV_INTERNAL kv_slice member_name_text(const struct member_name *name,
                                      char scratch[MEMBER_TEXT_SIZE])
{
    if (!name->is_integer) return name->hashed;
    return (kv_slice){scratch, number_format_int64(scratch, name->integer)};
}

/* ------------------------------------------------------------------------------------- the table */

static uint64_t members_hash(const void *item, const void *context)
{
    struct member_name name;
    member_name_set_member(&name, item);
    return siphash(context, name.hashed.data, name.hashed.size);
}

static const struct table_kind members_table_kind = {members_hash};

/* Whether a member has the name sought. */
KV_INLINE bool members_match(const void *item, const void *sought)
{
    const struct member *member = item;
    const struct member_name *name = sought;
    if (member_is_direct(member))
        return name->is_integer && member_direct_integer(member) == name->integer;
    if (((member_head(member) & MEMBER_INTEGER) != 0) != name->is_integer) return false;
    size_t size;
    const uint8_t *at = member_name_at(member, &size);
    if (name->is_integer) return member_load_integer(at, size) == name->integer;
    return size == name->hashed.size && bytes_equal(at, name->hashed.data, size);
}

static struct table_place members_place(const struct members *members,
                                        const struct member_name *name)
{
    return table_find(&members->table, name->hash, members_match, name);
}

KV_INTERNAL void members_init(struct members *members, struct memory *memory,
                              const struct siphash_key *key)
{
    table_init_within(&members->table, memory, &members_table_kind, key);
}

KV_INTERNAL struct member *members_find(const struct members *members,
                                        const struct member_name *name)
{
    struct table_place place = members_place(members, name);
    return place.bucket != NULL ? table_item(place) : NULL;
}

KV_INTERNAL void members_fetch(const struct members *members, const struct member_name *names,
                               size_t count)
{
    struct table_walk walks[MEMBERS_BATCH];
    if (count > MEMBERS_BATCH) count = MEMBERS_BATCH;
    for (size_t i = 0; i < count; i++) walks[i] = table_walk_begin(&members->table, names[i].hash);
    for (size_t i = 0; i < count; i++) {
        if (walks[i].entry != 0) (void)table_walk_step(&walks[i], names[i].hash);
    }
}

/* ------------------------------------------------------------------------------------- changing */

static struct member_parts members_parts_of(const struct member_name *name)
{
    struct member_parts parts = {.deadline_ms = KV_NEVER, .is_integer = name->is_integer};
    if (name->is_integer) parts.integer = name->integer;
    else parts.text = name->hashed;
    return parts;
}

static kv_status members_insert(struct members *members, uint64_t hash,
                                const struct member_parts *parts)
{
    struct memory *memory = members->table.memory;
    struct member *member = member_create(memory, parts);
    if (member == NULL) return KV_NOMEM;
    if (table_reserve(&members->table, hash) != KV_OK) {
        member_destroy(memory, member);
        return KV_NOMEM;
    }
    (void)table_insert(&members->table, hash, member);
    return KV_OK;
}

KV_INTERNAL kv_status members_add(struct members *members, const struct member_name *name)
{
    if (members_place(members, name).bucket != NULL) return KV_SKIPPED;
    struct member_parts parts = members_parts_of(name);
    return members_insert(members, name->hash, &parts);
}

KV_INTERNAL kv_status members_put(struct members *members, const struct member_name *name,
                                  kv_slice value, struct member **old)
{
    struct member_parts parts = members_parts_of(name);
    parts.has_value = true;
    parts.value = value;
    struct table_place place = members_place(members, name);
    if (place.bucket == NULL) {
        kv_status status = members_insert(members, name->hash, &parts);
        if (status == KV_OK) *old = NULL;
        return status;
    }
    struct member *member = member_create(members->table.memory, &parts);
    if (member == NULL) return KV_NOMEM;
    *old = table_item(place);
    table_replace(place, member);
    return KV_OK;
}

/* Takes out what is at a place, which is there. */
static void members_remove_at(struct members *members, uint64_t hash, struct table_place place)
{
    struct member *member = table_item(place);
    table_remove(&members->table, hash, place);
    member_destroy(members->table.memory, member);
}

KV_INTERNAL void members_undo(struct members *members, const struct member_name *name,
                              struct member *old)
{
    struct table_place place = members_place(members, name);
    assert(place.bucket != NULL);
    if (old == NULL) {
        members_remove_at(members, name->hash, place);
    } else {
        member_destroy(members->table.memory, table_item(place));
        table_replace(place, old);
    }
}

KV_INTERNAL void members_free(struct members *members, struct member *old)
{
    if (old != NULL) member_destroy(members->table.memory, old);
}

/* Puts a member of these parts in the place of one of the same name. */
static kv_status members_rewrite(struct members *members, struct table_place place,
                                 const struct member_parts *parts)
{
    struct memory *memory = members->table.memory;
    struct member *old = table_item(place);
    struct member *member = member_create(memory, parts);
    if (member == NULL) return KV_NOMEM;
    table_replace(place, member);
    member_destroy(memory, old);
    return KV_OK;
}

KV_INTERNAL kv_status members_set_value(struct members *members, const struct member_name *name,
                                        kv_slice value)
{
    struct table_place place = members_place(members, name);
    assert(place.bucket != NULL);
    struct member *member = table_item(place);
    struct member_parts parts = member_parts(member);
    size_t old_size = parts.has_value ? member_parts_size(&parts) : 0;
    parts.has_value = true;
    parts.value = value;
    size_t new_size = member_parts_size(&parts);
    if (old_size == 0 || new_size == 0 || memory_capacity(old_size) != memory_capacity(new_size))
        return members_rewrite(members, place, &parts);
    size_t name_size;
    const uint8_t *name_at = member_name_at(member, &name_size);
    uint8_t *at = (uint8_t *)member + (name_at + name_size - (const uint8_t *)member);
    at = member_store_varint(at, value.size);
    member_copy(at, value);
    return KV_OK;
}

KV_INTERNAL kv_status members_set_deadline(struct members *members, const struct member_name *name,
                                           int64_t deadline_ms, uint32_t id, struct member **moved)
{
    struct table_place place = members_place(members, name);
    assert(place.bucket != NULL);
    struct member *member = table_item(place);
    bool was_timed = member_is_timed(member);
    *moved = member;
    if (!was_timed || deadline_ms == KV_NEVER) {
        struct member_parts parts = member_parts(member);
        parts.is_timed = deadline_ms != KV_NEVER;
        parts.deadline_ms = deadline_ms;
        parts.deadline_id = id;
        kv_status status = members_rewrite(members, place, &parts);
        if (status == KV_OK) *moved = table_item(place);
        if (status == KV_OK || !was_timed) return status;
    }
    /* Also for want of memory to write it without. */
    bytes_store64((uint8_t *)member + 1, (uint64_t)deadline_ms);
    member_set_deadline_id(member, id);
    return KV_OK;
}

KV_INTERNAL bool members_remove(struct members *members, const struct member_name *name)
{
    struct table_place place = members_place(members, name);
    if (place.bucket == NULL) return false;
    members_remove_at(members, name->hash, place);
    return true;
}

KV_INTERNAL void members_remove_member(struct members *members, struct member *member)
{
    uint64_t hash = members_hash(member, members->table.context);
    members_remove_at(members, hash, table_place_of(&members->table, hash, member));
}

/* ------------------------------------------------------------------------------------- all of it */

struct members_scanning {
    members_visit *visit;
    void *context;
    uint64_t visited;
};

static void members_scan_one(void *context, void *item)
{
    struct members_scanning *scanning = context;
    scanning->visit(scanning->context, item);
    scanning->visited++;
}

KV_INTERNAL uint64_t members_scan(const struct members *members, uint64_t cursor, uint64_t limit,
                                  members_visit *visit, void *context)
{
    struct members_scanning scanning = {visit, context, 0};
    uint64_t position = bits_reverse(cursor);
    do position = table_scan(&members->table, position, members_scan_one, &scanning);
    while (position != 0 && scanning.visited < limit);
    return bits_reverse(position);
}

KV_INTERNAL size_t members_next(const struct members *members, struct table_cursor *cursor,
                                struct member **batch, size_t room)
{
    void *items[MEMBERS_BATCH];
    size_t count =
        table_next(&members->table, cursor, items, room < MEMBERS_BATCH ? room : MEMBERS_BATCH);
    for (size_t i = 0; i < count; i++) {
        batch[i] = items[i];
        if (!member_is_direct(batch[i])) KV_PREFETCH(batch[i]);
    }
    return count;
}

KV_INTERNAL kv_status members_copy(const struct members *from, struct members *to)
{
    struct table_cursor cursor = {0};
    struct member *batch[MEMBERS_BATCH];
    struct member_name names[MEMBERS_BATCH];
    size_t count;
    assert(members_count(to) == 0);
    while ((count = members_next(from, &cursor, batch, MEMBERS_BATCH)) > 0) {
        members_names_of(members_key(from), (const struct member *const *)batch, count, names);
        for (size_t i = 0; i < count; i++) {
            struct member_parts parts = member_parts(batch[i]);
            kv_status status = members_insert(to, names[i].hash, &parts);
            if (status != KV_OK) return status;
        }
    }
    return KV_OK;
}

KV_INTERNAL struct member *members_random(const struct members *members, struct random *random)
{
    assert(members_count(members) > 0);
    return table_random(&members->table, random);
}

/*
 * Goes through all and takes each with the chance (still wanted) / (still to come): Knuth vol. 2,
 * 3.4.2, algorithm S.
 */
static void members_sample_through(const struct members *members, struct random *random,
                                   uint64_t count, struct member **sample)
{
    struct table_cursor cursor = {0};
    struct member *batch[MEMBERS_BATCH];
    uint64_t to_come = members_count(members);
    while (count > 0) {
        size_t some = members_next(members, &cursor, batch, MEMBERS_BATCH);
        assert(some > 0);
        for (size_t i = 0; i < some && count > 0; i++) {
            if (random_below(random, to_come--) >= count) continue;
            *sample++ = batch[i];
            count--;
        }
    }
}

/* Notes a member in a table of 1 << bits places; false if it is there already. */
static bool members_note(struct member **noted, unsigned bits, struct member *member)
{
    size_t mask = ((size_t)1 << bits) - 1;
    size_t at = (size_t)((uint64_t)(uintptr_t)member * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits));
    for (; noted[at] != NULL; at = (at + 1) & mask) {
        if (noted[at] == member) return false;
    }
    noted[at] = member;
    return true;
}

KV_INTERNAL kv_status members_sample(const struct members *members, struct random *random,
                                     uint64_t count, struct member **sample)
{
    assert(count <= members_count(members));
    if (count > members_count(members) / 3) {
        members_sample_through(members, random, count, sample);
        return KV_OK;
    }
    if (count == 0) return KV_OK;
    unsigned bits = 1;
    while (count > UINT64_C(1) << (bits - 1)) bits++; /* twice the room that is needed */
    size_t size = sizeof *sample << bits;
    if (bits > sizeof(size_t) * 8 - 5) return KV_NOMEM;
    struct alloc *alloc = members->table.memory->pages->alloc;
    struct member **noted = alloc_get(alloc, size);
    if (noted == NULL) return KV_NOMEM;
    memset(noted, 0, size);
    while (count > 0) {
        struct member *member = members_random(members, random);
        if (!members_note(noted, bits, member)) continue;
        *sample++ = member;
        count--;
    }
    alloc_free(alloc, noted, size);
    return KV_OK;
}

/* ------------------------------------------------------------------------------------- checking */

#if KV_DEBUG > 0
static void members_check_one(void *context, void *item)
{
    const struct members *members = context;
    const struct member *member = item;
    char scratch[MEMBER_TEXT_SIZE];
    struct member_name name;
    members_name(members->table.context, member_text(member, scratch), &name);
    assert(members_find(members, &name) == member); /* so there is no other of that name */
    struct member_parts parts = member_parts(member);
    assert(parts.is_integer == name.is_integer);
    bool is_bare = !parts.has_value && !parts.is_timed;
    assert(member_is_direct(member) ==
           (parts.is_integer && is_bare && member_fits_directly(parts.integer)));
    if (member_is_direct(member)) return;
    size_t name_size;
    const uint8_t *end = member_name_at(member, &name_size) + name_size;
    if (parts.has_value) end = (const uint8_t *)parts.value.data + parts.value.size;
    assert((size_t)(end - (const uint8_t *)member) == member_parts_size(&parts));
}

KV_INTERNAL void members_check(const struct members *members)
{
    table_check(&members->table);
    table_each(&members->table, members_check_one, (void *)(uintptr_t)members);
}
#endif
