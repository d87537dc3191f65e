/*
 * tests/api/caller.c -- see the header.
 */
#include "caller_internal.h"

#include "caller_streams.h"

#include <string.h>

/* --------------------------------------------------------------------------------- what is seen */

void caller_see(struct caller *caller, uint64_t word)
{
    uint64_t state = caller->seen ^ word;
    caller->seen = fixture_random(&state);
}

void caller_see_bytes(struct caller *caller, kv_slice bytes)
{
    uint64_t hash = bytes.size;
    for (size_t i = 0; i < bytes.size; i++) hash = hash * 31 + ((const uint8_t *)bytes.data)[i];
    caller_see(caller, hash);
}

static void caller_see_buffer(struct caller *caller, kv_status status)
{
    if (status == KV_OK)
        caller_see_bytes(caller, kv_bytes(caller->buffer.data, caller->buffer.size));
}

static bool caller_visit(void *context, kv_slice item)
{
    caller_see_bytes(context, item);
    return true;
}

static bool caller_visit_at(void *context, size_t index, const kv_slice *item)
{
    caller_see(context, index);
    caller_see_bytes(context, item != NULL ? *item : kv_bytes("absent", 6));
    return true;
}

static bool caller_visit_position(void *context, uint64_t position)
{
    caller_see(context, position);
    return true;
}

void caller_begin_range(void *context, uint64_t count)
{
    caller_see(context, count);
}

/* Keys come in an order of the store's own: their sum is seen. */
static bool caller_sum_keys(void *context, kv_slice key)
{
    uint64_t hash = key.size;
    for (size_t i = 0; i < key.size; i++) hash = hash * 31 + ((const uint8_t *)key.data)[i];
    *(uint64_t *)context += hash;
    return true;
}

static bool caller_visit_match(void *context, const kv_lcs_match *match)
{
    caller_see(context, match->first_start ^ match->second_end << 20);
    return true;
}

static void caller_done(void *context, kv_waiter *waiter, const kv_wait_result *result)
{
    (void)waiter;
    caller_see(context, (uint64_t)result->status);
    for (size_t i = 0; i < result->element_count; i++)
        caller_see_bytes(context, result->elements[i]);
}

/* ------------------------------------------------------------------------------ random material */

#define CALLER_VALUES    12
#define CALLER_ARGUMENTS 20

struct caller_names {
    char bytes[CALLER_ARGUMENTS][16];
};

static kv_slice caller_key(struct caller *caller, struct caller_names *names, size_t index)
{
    int size = snprintf(names->bytes[index], sizeof names->bytes[index], "key:%u",
                        (unsigned)caller_below(caller, caller->keys));
    return kv_bytes(names->bytes[index], (size_t)size);
}

static kv_slice caller_value(struct caller *caller)
{
    static const char large[20000] = "a large value, with zeros behind";
    static const char *const small[CALLER_VALUES - 2] = {
        "",
        "0",
        "17",
        "-9223372036854775808",
        "9223372036854775807",
        "3.25",
        "a",
        "abcabcabd",
        "007",
        "a text of some length, which is not stored as a number but within its entry",
    };
    uint64_t pick = caller_below(caller, CALLER_VALUES);
    if (pick == CALLER_VALUES - 1) return kv_bytes(large, 1 + caller_below(caller, sizeof large));
    if (pick == CALLER_VALUES - 2) return kv_bytes(large, caller_below(caller, 1500));
    return KV_TEXT(small[pick]);
}

/* An element: often one of a few, so that there is something to find. */
kv_slice caller_element(struct caller *caller)
{
    static const char *const few[] = {"a", "b", "c", "1", "2"};
    if (caller_below(caller, 4) == 0) return caller_value(caller);
    return KV_TEXT(few[caller_below(caller, 5)]);
}

int64_t caller_index(struct caller *caller)
{
    return (int64_t)caller_below(caller, 21) - 10;
}

static int64_t caller_ttl(struct caller *caller)
{
    return (int64_t)caller_below(caller, 3) == 0 ? 100000 : (int64_t)caller_below(caller, 300);
}

kv_end caller_end(struct caller *caller)
{
    return caller_below(caller, 2) == 0 ? KV_HEAD : KV_TAIL;
}

static kv *caller_database(struct caller *caller, kv *db)
{
    uint64_t pick = caller_below(caller, 6);
    return kv_select(db, pick < 3 ? 0 : (uint32_t)pick % 3);
}

/* ------------------------------------------------------------------------------------ the calls */

static kv_status caller_set(struct caller *caller, kv *db, kv_slice key)
{
    static const unsigned conditions[] = {
        0, 0, 0, KV_IF_ABSENT, KV_IF_PRESENT, KV_IF_EQUAL, KV_IF_DIFFERS, KV_IF_VERSION};
    kv_set_options options = KV_OPTIONS(kv_set_options);
    uint64_t version = 0;
    kv_status old = KV_OK;
    options.flags = conditions[caller_below(caller, sizeof conditions / sizeof *conditions)];
    if (caller_below(caller, 4) == 0) options.flags |= KV_GET_OLD;
    options.old_value = &caller->buffer;
    options.old_status = &old;
    options.if_equal = caller_value(caller);
    if ((options.flags & KV_IF_VERSION) != 0 && caller_below(caller, 2) == 0) {
        if (kv_version_of(db, key, &options.if_version) != KV_OK) return KV_NOMEM;
    }
    switch (caller_below(caller, 5)) {
    case 0: options.flags |= KV_KEEP_TTL; break;
    case 1: options.ttl_ms = 1 + caller_ttl(caller); break;
    case 2: options.deadline_ms = kv_now(db) + caller_index(caller); break;
    default: break;
    }
    if (caller_below(caller, 5) == 0) options.version = &version;
    kv_status status = CALL(kv_set)(db, key, caller_value(caller), &options);
    if ((options.flags & KV_GET_OLD) != 0 && status >= 0) {
        caller_see(caller, (uint64_t)old);
        if (old == KV_OK) caller_see_buffer(caller, KV_OK);
    }
    return status;
}

static kv_status caller_get(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    kv_getex_options getex = KV_OPTIONS(kv_getex_options);
    kv_status status;
    uint64_t number = 0;
    switch (caller_below(caller, 9)) {
    case 0: status = CALL(kv_get)(db, key, &caller->buffer); break;
    case 1: status = CALL(kv_getdel)(db, key, &caller->buffer); break;
    case 2:
        if (caller_below(caller, 2) == 0) getex.flags = KV_PERSIST;
        else getex.ttl_ms = 1 + caller_ttl(caller);
        status = CALL(kv_getex)(db, key, &getex, &caller->buffer);
        break;
    case 3:
        getex.deadline_ms = kv_now(db) + caller_index(caller);
        status = CALL(kv_getex)(db, key, &getex, &caller->buffer);
        break;
    case 4:
        status =
            CALL(kv_getrange)(db, key, caller_index(caller), caller_index(caller), &caller->buffer);
        break;
    case 5: return CALL(kv_read)(db, key, caller_visit, caller);
    case 6:
        return CALL(kv_read_range)(db, key, caller_index(caller), caller_index(caller),
                                   caller_visit, caller);
    case 7:
        status = CALL(kv_strlen)(db, key, &number);
        caller_see(caller, number);
        return status;
    default:
        if (caller_below(caller, 8) != 0) return KV_OK; /* it costs so much more than the others */
        status =
            CALL(kv_lcs)(db, key, other, 2, &number, &caller->buffer, caller_visit_match, caller);
        if (status == KV_OK) caller_see(caller, number);
        break;
    }
    caller_see_buffer(caller, status);
    return status;
}

static kv_status caller_change_string(struct caller *caller, kv *db, kv_slice key)
{
    static const char *const increments[] = {"0.5", "-1e3", "17", "abc", "1e4932", "1e4932"};
    uint64_t length = 0;
    int64_t sum = 0;
    kv_status status;
    switch (caller_below(caller, 7)) {
    case 0: status = CALL(kv_append)(db, key, caller_value(caller), &length); break;
    case 1:
        status =
            CALL(kv_setrange)(db, key, caller_below(caller, 2000), caller_value(caller), &length);
        break;
    case 2: status = CALL(kv_incrby)(db, key, caller_index(caller), &sum); break;
    case 3: status = CALL(kv_decrby)(db, key, caller_index(caller), &sum); break;
    case 4: status = CALL(kv_incr)(db, key, &sum); break;
    case 5: status = CALL(kv_decr)(db, key, &sum); break;
    default:
        status = CALL(kv_incrbyfloat)(db, key, KV_TEXT(increments[caller_below(caller, 6)]),
                                      &caller->buffer);
        caller_see_buffer(caller, status);
        break;
    }
    if (status == KV_OK) caller_see(caller, length + (uint64_t)sum);
    return status;
}

static kv_status caller_fields(struct caller *caller, kv *db, kv_slice key)
{
    kv_field_operation operations[CALLER_ARGUMENTS];
    size_t count = caller_below(caller, caller_below(caller, 3) == 0 ? CALLER_ARGUMENTS : 3);
    for (size_t i = 0; i < count; i++) {
        operations[i] = (kv_field_operation){.kind = (kv_field_kind)caller_below(caller, 3),
                                             .is_signed = caller_below(caller, 2) == 0,
                                             .bits = (uint8_t)(1 + caller_below(caller, 63)),
                                             .overflow = (kv_overflow)caller_below(caller, 3),
                                             .offset = caller_below(caller, 600)};
        int shift = operations[i].bits - (operations[i].bits > 7 ? 8 : 1);
        operations[i].value = ((int64_t)caller_below(caller, 200) - 100) * (INT64_C(1) << shift);
    }
    kv_status status = CALL(kv_bitfield)(db, key, operations, count);
    for (size_t i = 0; i < count && status == KV_OK; i++) {
        caller_see(caller, (uint64_t)operations[i].status);
        if (operations[i].status == KV_OK) caller_see(caller, (uint64_t)operations[i].result);
    }
    return status;
}

static kv_status caller_bits(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    struct caller_names names;
    kv_slice keys[3] = {key, other, caller_key(caller, &names, 0)};
    uint64_t offset = caller_below(caller, caller_below(caller, 4) == 0 ? 20000 : 200), number = 0;
    int64_t start = caller_index(caller), end = caller_index(caller);
    bool bit = caller_below(caller, 2) == 0;
    kv_unit unit = (kv_unit)caller_below(caller, 2);
    kv_status status;
    switch (caller_below(caller, 8)) {
    case 0:
    case 1:
        status = CALL(kv_setbit)(db, key, offset, bit, &bit);
        number = bit;
        break;
    case 2:
        status = CALL(kv_getbit)(db, key, offset, &bit);
        number = bit;
        break;
    case 3: status = CALL(kv_bitcount)(db, key, start, end, unit, &number); break;
    case 4:
        status = CALL(kv_bitpos)(db, key, bit, start, offset % 2 == 0 ? &end : NULL, unit, &number);
        break;
    case 5:
    case 6: {
        kv_bit_operation operation = (kv_bit_operation)caller_below(caller, 8);
        size_t count = operation == KV_BIT_NOT ? 1 : 2 + caller_below(caller, 2);
        kv_slice destination = keys[caller_below(caller, 3)];
        status = CALL(kv_bitop)(db, operation, destination, keys, count, &number);
        break;
    }
    default: return caller_fields(caller, db, key);
    }
    if (status == KV_OK) caller_see(caller, number);
    return status;
}

static kv_status caller_estimate(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    kv_slice keys[2] = {key, other}, elements[CALLER_ARGUMENTS];
    char bytes[CALLER_ARGUMENTS][4];
    size_t count = caller_below(caller, caller_below(caller, 4) == 0 ? CALLER_ARGUMENTS : 3);
    uint64_t number = 0;
    bool changed = false;
    kv_status status;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < 2; j++) bytes[i][j] = (char)caller_below(caller, 256);
        elements[i] = kv_bytes(bytes[i], caller_below(caller, 3));
    }
    switch (caller_below(caller, 8)) {
    case 0: status = CALL(kv_pfmerge)(db, key, &other, caller_below(caller, 2)); break;
    case 1: status = CALL(kv_pfcount)(db, keys, caller_below(caller, 3), &number); break;
    case 2: status = caller_below(caller, 4) == 0 ? CALL(kv_pfdense)(db, key) : KV_OK; break;
    default:
        status = CALL(kv_pfadd)(db, key, elements, count, &changed);
        number = changed;
        break;
    }
    if (status == KV_OK) caller_see(caller, number);
    return status;
}

static kv_status caller_many(struct caller *caller, kv *db)
{
    struct caller_names names;
    kv_slice keys[CALLER_ARGUMENTS], values[CALLER_ARGUMENTS];
    size_t count = 1 + caller_below(caller, caller_below(caller, 4) == 0 ? CALLER_ARGUMENTS : 3);
    uint64_t number = 0;
    kv_status status;
    for (size_t i = 0; i < count; i++) {
        keys[i] = caller_key(caller, &names, i);
        values[i] = caller_value(caller);
    }
    switch (caller_below(caller, 7)) {
    case 0: return CALL(kv_mget)(db, keys, count, caller_visit_at, caller);
    case 1: return CALL(kv_mset)(db, keys, values, count);
    case 2: return CALL(kv_msetnx)(db, keys, values, count);
    case 3: status = CALL(kv_del)(db, keys, count, &number); break;
    case 4: status = CALL(kv_unlink)(db, keys, count, &number); break;
    case 5: status = CALL(kv_exists)(db, keys, count, &number); break;
    default: status = CALL(kv_touch)(db, keys, count, &number); break;
    }
    if (status == KV_OK) caller_see(caller, number);
    return status;
}

static kv_status caller_batch(struct caller *caller, kv *db)
{
    struct caller_names names;
    kv_operation operations[CALLER_ARGUMENTS];
    kv_buffer buffers[CALLER_ARGUMENTS] = {{0}};
    size_t count = caller_below(caller, CALLER_ARGUMENTS);
    for (size_t i = 0; i < count; i++) {
        operations[i] = (kv_operation){.kind = (kv_operation_kind)caller_below(caller, 10),
                                       .key = caller_key(caller, &names, i),
                                       .value = caller_value(caller),
                                       .number = caller_index(caller),
                                       .buffer = &buffers[i]};
        if (operations[i].kind == KV_OPERATION_EXPIRE || caller_below(caller, 4) == 0) {
            operations[i].ttl_ms = caller_ttl(caller);
        }
    }
    kv_status status = CALL(kv_batch)(db, operations, count);
    for (size_t i = 0; i < count; i++) {
        if (status == KV_OK) {
            caller_see(caller, (uint64_t)operations[i].status);
            if (operations[i].status == KV_OK) {
                caller_see(caller, (uint64_t)operations[i].number);
                caller_see_bytes(caller, kv_bytes(buffers[i].data, buffers[i].size));
            }
        }
        kv_buffer_free(&buffers[i]);
    }
    return status;
}

/* A copy by way of bytes, which are not the same in every store. */
static kv_status caller_restore(struct caller *caller, kv *db, kv_slice key, kv *elsewhere,
                                kv_slice other)
{
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    options.replace = caller_below(caller, 2) == 0;
    if (caller_below(caller, 3) == 0) options.ttl_ms = caller_ttl(caller);
    else if (caller_below(caller, 4) == 0) options.deadline_ms = kv_now(db) + caller_index(caller);
    options.idle_ms = (int64_t)caller_below(caller, 3) * 1000;
    caller->buffer.size = 0;
    kv_status status = caller_below(caller, 2) == 0
                           ? CALL(kv_dump)(db, key, &caller->buffer)
                           : CALL(kv_dump_as)(db, key, 10, &caller->buffer);
    if (status != KV_OK) return status;
    caller_see(caller, 1);
    kv_slice payload = {caller->buffer.data, caller->buffer.size};
    return CALL(kv_restore)(elsewhere, other, payload, &options);
}

static kv_status caller_change_key(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    kv *elsewhere = caller_database(caller, db);
    kv_object_info info = KV_OPTIONS(kv_object_info);
    int64_t milliseconds = 0;
    uint64_t version = 0;
    kv_type type = KV_TYPE_NONE;
    kv_status status;
    static const unsigned flags[] = {0,
                                     0,
                                     0,
                                     KV_EXPIRE_NX,
                                     KV_EXPIRE_XX,
                                     KV_EXPIRE_GT,
                                     KV_EXPIRE_LT,
                                     KV_EXPIRE_XX | KV_EXPIRE_GT,
                                     KV_EXPIRE_GT | KV_EXPIRE_LT};
    unsigned condition = flags[caller_below(caller, sizeof flags / sizeof *flags)];
    switch (caller_below(caller, 14)) {
    case 0: return CALL(kv_rename)(db, key, other);
    case 1: return CALL(kv_renamenx)(db, key, other);
    case 2:
    case 3: return CALL(kv_copy)(db, key, elsewhere, other, caller_below(caller, 2) == 0);
    case 4: return CALL(kv_move)(db, key, elsewhere);
    case 5: return CALL(kv_expire)(db, key, caller_ttl(caller), condition);
    case 6: return CALL(kv_expire_at)(db, key, kv_now(db) + caller_index(caller), condition);
    case 7: return CALL(kv_persist)(db, key);
    case 8: status = CALL(kv_ttl)(db, key, &milliseconds); break;
    case 9: status = CALL(kv_deadline)(db, key, &milliseconds); break;
    case 10:
        status = CALL(kv_object)(db, key, &info);
        if (status == KV_OK)
            caller_see(caller, info.length + (uint64_t)info.type + (uint64_t)info.deadline_ms);
        return status;
    case 11:
    case 12: return caller_restore(caller, db, key, elsewhere, other);
    default:
        status = CALL(kv_type_of)(db, key, &type);
        caller_see(caller, type);
        if (status == KV_OK) status = CALL(kv_version_of)(db, key, &version);
        return status;
    }
    if (status == KV_OK) caller_see(caller, (uint64_t)milliseconds);
    return status;
}

static kv_status caller_push(struct caller *caller, kv *db, kv_slice key)
{
    kv_slice values[CALLER_ARGUMENTS];
    size_t count = 1 + caller_below(caller, caller_below(caller, 5) == 0 ? CALLER_ARGUMENTS : 3);
    uint64_t length = 0;
    kv_status status;
    for (size_t i = 0; i < count; i++) values[i] = caller_element(caller);
    switch (caller_below(caller, 6)) {
    case 0: status = CALL(kv_lpushx)(db, key, values, count, &length); break;
    case 1: status = CALL(kv_rpushx)(db, key, values, count, &length); break;
    case 2:
    case 3: status = CALL(kv_lpush)(db, key, values, count, &length); break;
    default: status = CALL(kv_rpush)(db, key, values, count, &length); break;
    }
    if (status >= 0) caller_see(caller, length);
    return status;
}

static kv_status caller_pop(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    kv_slice keys[2] = {key, other};
    uint64_t count = caller_below(caller, 6);
    size_t index = 0;
    kv_status status;
    switch (caller_below(caller, 6)) {
    case 0: status = CALL(kv_lpop)(db, key, &caller->buffer); break;
    case 1: status = CALL(kv_rpop)(db, key, &caller->buffer); break;
    case 2:
        status = CALL(kv_pop)(db, key, caller_end(caller), count, caller_visit, caller, NULL);
        return status;
    case 3:
        status = CALL(kv_lmpop)(db, keys, 2, caller_end(caller), 1 + count, &index, caller_visit,
                                caller);
        caller_see(caller, index);
        return status;
    default:
        status =
            CALL(kv_lmove)(db, key, other, caller_end(caller), caller_end(caller), &caller->buffer);
        break;
    }
    caller_see_buffer(caller, status);
    return status;
}

static kv_status caller_change_list(struct caller *caller, kv *db, kv_slice key)
{
    uint64_t number = 0;
    kv_status status;
    switch (caller_below(caller, 9)) {
    case 0: status = CALL(kv_llen)(db, key, &number); break;
    case 1:
        status = CALL(kv_lindex)(db, key, caller_index(caller), &caller->buffer);
        caller_see_buffer(caller, status);
        return status;
    case 2: return CALL(kv_lset)(db, key, caller_index(caller), caller_element(caller));
    case 3:
    case 4: {
        bool before = caller_below(caller, 2) == 0;
        kv_slice pivot = caller_element(caller);
        status = CALL(kv_linsert)(db, key, before, pivot, caller_element(caller), &number);
        break;
    }
    case 5:
        status = CALL(kv_lrem)(db, key, caller_index(caller) / 4, caller_element(caller), &number);
        break;
    case 6: return CALL(kv_ltrim)(db, key, caller_index(caller) / 3, caller_index(caller));
    case 7:
        return CALL(kv_lrange)(db, key, caller_index(caller), caller_index(caller),
                               caller_begin_range, caller_visit, caller);
    default: {
        kv_slice element = caller_element(caller);
        return CALL(kv_lpos)(db, key, element, caller_index(caller) / 4, 2, 0,
                             caller_visit_position, caller);
    }
    }
    if (status == KV_OK) caller_see(caller, number);
    return status;
}

/* Fields come in any order: the sum of what is seen. */
static bool caller_sum_fields(void *context, kv_slice field, kv_slice value)
{
    struct caller one = {.seen = 0};
    caller_see_bytes(&one, field);
    caller_see_bytes(&one, value);
    *(uint64_t *)context += one.seen;
    return true;
}

static bool caller_count_fields(void *context, kv_slice field, kv_slice value)
{
    (void)field, (void)value;
    ++*(uint64_t *)context;
    return true;
}

static kv_slice caller_field(struct caller *caller)
{
    static const char *const few[] = {"a",  "b", "c",  "1", "2",  "-17", "field d", "e",
                                      "ff", "g", "hh", "i", "jj", "",    "kkk",     "l"};
    return KV_TEXT(few[caller_below(caller, sizeof few / sizeof *few)]);
}

static kv_status caller_change_hash(struct caller *caller, kv *db, kv_slice key)
{
    static const char *const increments[] = {"0.5", "-1e3", "17", "abc", "1e4932"};
    kv_slice pairs[2 * CALLER_ARGUMENTS], fields[CALLER_ARGUMENTS];
    size_t count = 1 + caller_below(caller, caller_below(caller, 4) == 0 ? CALLER_ARGUMENTS : 3);
    uint64_t number = 0;
    int64_t sum = 0;
    kv_status status;
    for (size_t i = 0; i < count; i++) {
        fields[i] = pairs[2 * i] = caller_field(caller);
        pairs[2 * i + 1] = caller_element(caller);
    }
    switch (caller_below(caller, 10)) {
    case 0: return CALL(kv_hsetnx)(db, key, pairs[0], pairs[1]);
    case 1:
    case 2: status = CALL(kv_hdel)(db, key, fields, count, &number); break;
    case 3: return CALL(kv_hgetdel)(db, key, fields, count, caller_visit_at, caller);
    case 4:
        status = CALL(kv_hincrby)(db, key, fields[0], caller_index(caller), &sum);
        number = (uint64_t)sum;
        break;
    case 5:
        status = CALL(kv_hincrbyfloat)(
            db, key, fields[0], KV_TEXT(increments[caller_below(caller, 5)]), &caller->buffer);
        caller_see_buffer(caller, status);
        return status;
    default: status = CALL(kv_hset)(db, key, pairs, count, &number); break;
    }
    if (status == KV_OK) caller_see(caller, number);
    return status;
}

static kv_status caller_see_results(struct caller *caller, kv_status status,
                                    const kv_field_result *results, size_t count)
{
    for (size_t i = 0; i < count && status >= 0; i++) caller_see(caller, (uint64_t)results[i]);
    return status;
}

static kv_status caller_time_hash(struct caller *caller, kv *db, kv_slice key)
{
    static const unsigned conditions[] = {
        0, 0, 0, KV_EXPIRE_NX, KV_EXPIRE_XX, KV_EXPIRE_GT, KV_EXPIRE_LT};
    kv_slice fields[CALLER_ARGUMENTS], pairs[2 * CALLER_ARGUMENTS];
    size_t count = 1 + caller_below(caller, caller_below(caller, 4) == 0 ? CALLER_ARGUMENTS : 3);
    kv_field_result results[CALLER_ARGUMENTS];
    int64_t deadlines_ms[CALLER_ARGUMENTS];
    unsigned condition = conditions[caller_below(caller, sizeof conditions / sizeof *conditions)];
    kv_getex_options getex = KV_OPTIONS(kv_getex_options);
    kv_hsetex_options setex = KV_OPTIONS(kv_hsetex_options);
    kv_status status;
    for (size_t i = 0; i < count; i++) {
        fields[i] = pairs[2 * i] = caller_field(caller);
        pairs[2 * i + 1] = caller_element(caller);
    }
    switch (caller_below(caller, 8)) {
    case 0:
    case 1:
        status = CALL(kv_hexpire)(db, key, caller_ttl(caller), condition, fields, count, results);
        return caller_see_results(caller, status, results, count);
    case 2: {
        int64_t deadline_ms = kv_now(db) + caller_index(caller);
        status = CALL(kv_hexpire_at)(db, key, deadline_ms, condition, fields, count, results);
        return caller_see_results(caller, status, results, count);
    }
    case 3:
        status = CALL(kv_hpersist)(db, key, fields, count, results);
        return caller_see_results(caller, status, results, count);
    case 4:
        if (caller_below(caller, 3) == 0) getex.flags = KV_PERSIST;
        else getex.ttl_ms = 1 + caller_ttl(caller);
        return CALL(kv_hgetex)(db, key, fields, count, &getex, caller_visit_at, caller);
    case 5:
    case 6:
        if (caller_below(caller, 3) == 0) setex.flags = KV_KEEP_TTL;
        else if (caller_below(caller, 4) == 0)
            setex.deadline_ms = kv_now(db) + caller_index(caller);
        else setex.ttl_ms = 1 + caller_ttl(caller);
        if (caller_below(caller, 4) == 0) setex.flags |= KV_IF_ABSENT;
        else if (caller_below(caller, 4) == 0) setex.flags |= KV_IF_PRESENT;
        return CALL(kv_hsetex)(db, key, pairs, count, &setex);
    default:
        status = CALL(kv_hdeadline)(db, key, fields, count, deadlines_ms);
        for (size_t i = 0; i < count && status >= 0; i++)
            caller_see(caller, (uint64_t)deadlines_ms[i]);
        return status;
    }
}

/* Deadlines of members, of a sorted set or of a set. */
static kv_status caller_time_members(struct caller *caller, kv *db, kv_slice key)
{
    kv_slice members[CALLER_ARGUMENTS];
    size_t count = 1 + caller_below(caller, caller_below(caller, 4) == 0 ? CALLER_ARGUMENTS : 3);
    kv_field_result results[CALLER_ARGUMENTS];
    bool is_sorted = caller_below(caller, 2) == 0;
    kv_status status;
    for (size_t i = 0; i < count; i++)
        members[i] = caller_below(caller, 2) == 0 ? caller_field(caller) : caller_element(caller);
    if (caller_below(caller, 4) == 0) {
        status = is_sorted ? CALL(kv_zpersist)(db, key, members, count, results)
                           : CALL(kv_spersist)(db, key, members, count, results);
    } else {
        int64_t ttl_ms = caller_ttl(caller);
        status = is_sorted ? CALL(kv_zexpire)(db, key, ttl_ms, 0, members, count, results)
                           : CALL(kv_sexpire)(db, key, ttl_ms, 0, members, count, results);
    }
    return caller_see_results(caller, status, results, count);
}

static kv_status caller_read_hash(struct caller *caller, kv *db, kv_slice key)
{
    kv_slice fields[3] = {caller_field(caller), caller_field(caller), caller_field(caller)};
    uint64_t number = 0, cursor = 0;
    kv_status status;
    switch (caller_below(caller, 8)) {
    case 0:
        status = CALL(kv_hget)(db, key, fields[0], &caller->buffer);
        caller_see_buffer(caller, status);
        return status;
    case 1: return CALL(kv_hmget)(db, key, fields, 3, caller_visit_at, caller);
    case 2: return CALL(kv_hexists)(db, key, fields[0]);
    case 3: status = CALL(kv_hstrlen)(db, key, fields[0], &number); break;
    case 4: status = CALL(kv_hlen)(db, key, &number); break;
    case 5:
        status =
            CALL(kv_hrandfield)(db, key, caller_index(caller), NULL, caller_count_fields, &number);
        break;
    case 6:
        do status = CALL(kv_hscan)(db, key, &cursor, 5, caller_sum_fields, &number);
        while (status == KV_OK && cursor != 0);
        break;
    default: status = CALL(kv_hgetall)(db, key, NULL, caller_sum_fields, &number); break;
    }
    if (status >= 0) caller_see(caller, number);
    return status;
}

static bool caller_count_members(void *context, kv_slice member)
{
    (void)member;
    ++*(uint64_t *)context;
    return true;
}

/* Which members are popped is chance: all of them are, or none. */
static kv_status caller_change_set(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    kv_slice members[CALLER_ARGUMENTS], keys[3] = {key, other, key};
    size_t count = 1 + caller_below(caller, caller_below(caller, 4) == 0 ? CALLER_ARGUMENTS : 3);
    size_t key_count = 1 + caller_below(caller, 3);
    uint64_t number = 0, sum = 0;
    kv_status status;
    for (size_t i = 0; i < count; i++)
        members[i] = caller_below(caller, 2) == 0 ? caller_field(caller) : caller_element(caller);
    switch (caller_below(caller, 12)) {
    case 0:
    case 1: status = CALL(kv_srem)(db, key, members, count, &number); break;
    case 2: return CALL(kv_smove)(db, key, other, members[0]);
    case 3:
        number = caller_below(caller, 3) == 0 ? UINT64_MAX : 0;
        status = CALL(kv_spop)(db, key, number, caller_sum_keys, &sum, &number);
        caller_see(caller, sum);
        break;
    case 4: status = CALL(kv_sinterstore)(db, other, keys, key_count, &number); break;
    case 5: status = CALL(kv_sunionstore)(db, other, keys, key_count, &number); break;
    case 6: status = CALL(kv_sdiffstore)(db, key, keys, key_count, &number); break;
    default: status = CALL(kv_sadd)(db, key, members, count, &number); break;
    }
    if (status == KV_OK) caller_see(caller, number);
    return status;
}

static kv_status caller_read_set(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    kv_slice members[3] = {caller_field(caller), caller_element(caller), caller_field(caller)};
    kv_slice keys[3] = {key, other, key};
    size_t key_count = 1 + caller_below(caller, 3);
    uint64_t number = 0, cursor = 0;
    bool found[3] = {false};
    kv_status status;
    switch (caller_below(caller, 12)) {
    case 0: return CALL(kv_sismember)(db, key, members[0]);
    case 1:
        status = CALL(kv_smismember)(db, key, members, 3, found);
        number = found[0] + 2u * found[1] + 4u * found[2];
        break;
    case 2: status = CALL(kv_scard)(db, key, &number); break;
    case 3:
        status = CALL(kv_srandmember)(db, key, caller_index(caller), NULL, caller_count_members,
                                      &number);
        break;
    case 4:
        do status = CALL(kv_sscan)(db, key, &cursor, 5, caller_sum_keys, &number);
        while (status == KV_OK && cursor != 0);
        break;
    case 5: status = CALL(kv_sinter)(db, keys, key_count, caller_sum_keys, &number); break;
    case 6: status = CALL(kv_sunion)(db, keys, key_count, caller_sum_keys, &number); break;
    case 7: status = CALL(kv_sdiff)(db, keys, key_count, caller_sum_keys, &number); break;
    case 8: status = CALL(kv_sintercard)(db, keys, key_count, 2, &number); break;
    case 9: status = CALL(kv_sunioncard)(db, keys, key_count, 5, &number); break;
    case 10: status = CALL(kv_sdiffcard)(db, keys, key_count, 0, &number); break;
    default: status = CALL(kv_smembers)(db, key, NULL, caller_sum_keys, &number); break;
    }
    if (status >= 0) caller_see(caller, number);
    return status;
}

/* Without patterns that name keys, which would have to be declared. */
static kv_status caller_sort(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    static const kv_slice constant = {"nosort", 6}, get[2] = {{"#", 1}, {"nothing", 7}};
    kv_sort_options options = KV_OPTIONS(kv_sort_options);
    uint64_t stored = 0;
    options.alphabetic = caller_below(caller, 3) > 0;
    options.descending = caller_below(caller, 2) == 0;
    options.limited = caller_below(caller, 2) == 0;
    options.offset = caller_index(caller);
    options.count = caller_index(caller);
    if (caller_below(caller, 2) == 0) {
        kv_status status =
            CALL(kv_sort)(db, key, &options, caller_begin_range, caller_visit_at, caller);
        return status;
    }
    if (caller_below(caller, 4) == 0) options.by = &constant;
    if (caller_below(caller, 4) == 0) options.get = get, options.get_count = 2;
    kv_status status = CALL(kv_sortstore)(db, other, key, &options, &stored);
    if (status == KV_OK) caller_see(caller, stored);
    return status;
}

/*
 * Waits that find something end; the others are called off. In a transaction they end by
 * themselves.
 */
static kv_status caller_wait(struct caller *caller, kv *db, kv_slice key, kv_slice other)
{
    kv_slice keys[2] = {key, other};
    kv_wait_options options = KV_OPTIONS(kv_wait_options);
    kv_waiter *waiter;
    bool moves = caller_below(caller, 2) == 0;
    options.keys = keys;
    options.key_count = moves ? 1 : 2;
    options.end = caller_end(caller);
    options.destination = moves ? &other : NULL;
    options.to_end = caller_end(caller);
    options.count = moves ? 1 : caller_below(caller, 4);
    options.done = caller_done;
    options.context = caller;
    kv_status status = CALL(kv_wait)(db, &options, &waiter);
    if (status == KV_PENDING) MUST(kv_wait_cancel(waiter) == KV_OK);
    return status == KV_PENDING ? KV_TIMEOUT : status;
}

static kv_status caller_whole(struct caller *caller, kv *db)
{
    uint64_t sum = 0, count = 0, cursor = 0, removed = 0;
    kv_status status = KV_OK;
    char pattern[16];
    int size = snprintf(pattern, sizeof pattern, "*%u", (unsigned)caller_below(caller, 10));
    uint64_t pick = caller_below(caller, 8);
    if ((pick == 4 || pick == 5) && caller->is_careful) pick = 0;
    if (pick > 5 && caller->swaps_no_databases) pick = 0;
    switch (pick) {
    case 0:
        status = CALL(kv_keys)(db, kv_bytes(pattern, (size_t)size), caller_sum_keys, &sum);
        break;
    case 1: status = CALL(kv_randomkey)(db, &caller->buffer); break;
    case 2:
        status = CALL(kv_count)(db, &count); /* which expired ones it counts is the store's own
                                                affair */
        break;
    case 3:
        do {
            status =
                CALL(kv_delete_matching)(db, kv_bytes(pattern, (size_t)size), &cursor, 5, &removed);
            if (status != KV_OK) break;
            sum += removed;
        } while (cursor != 0);
        break;
    case 4:
        if (caller_below(caller, 4) == 0) status = CALL(kv_flush)(db, caller_below(caller, 2) == 0);
        break;
    case 5:
        if (caller_below(caller, 8) == 0)
            status = CALL(kv_flush_all)(db, caller_below(caller, 2) == 0);
        break;
    default: status = CALL(kv_swapdb)(db, caller_database(caller, db)); break;
    }
    caller_see(caller, sum);
    return status;
}

static void caller_see_of_stream(void *context, uint64_t word)
{
    caller_see(context, word);
}

static kv_status caller_stream(struct caller *caller, kv *db, kv_slice key, bool changes)
{
    struct stream_caller streams = {&caller->seed, caller_see_of_stream, caller, caller->last};
    kv_status status =
        changes ? caller_change_stream(&streams, db, key) : caller_read_stream(&streams, db, key);
    caller->last = streams.last;
    return status;
}

kv_status caller_call(struct caller *caller, kv *db)
{
    struct caller_names names;
    kv *view = caller_database(caller, db);
    kv_slice key = caller_key(caller, &names, 0);
    kv_slice other = caller_key(caller, &names, 1);
    uint64_t pick = caller_below(caller, 194);
    kv_status status;
    if (pick < 14) status = caller_set(caller, view, key);
    else if (pick < 24) status = caller_get(caller, view, key, other);
    else if (pick < 36) status = caller_change_string(caller, view, key);
    else if (pick < 44) status = caller_many(caller, view);
    else if (pick < 47) status = caller_batch(caller, view);
    else if (pick < 63) status = caller_change_key(caller, view, key, other);
    else if (pick < 76) status = caller_push(caller, view, key);
    else if (pick < 84) status = caller_pop(caller, view, key, other);
    else if (pick < 94) status = caller_change_list(caller, view, key);
    else if (pick < 97) status = caller_wait(caller, view, key, other);
    else if (pick < 100) status = caller_whole(caller, view);
    else if (pick < 110) status = caller_change_hash(caller, view, key);
    else if (pick < 115) status = caller_read_hash(caller, view, key);
    else if (pick < 125) status = caller_bits(caller, view, key, other);
    else if (pick < 135) status = caller_change_set(caller, view, key, other);
    else if (pick < 140) status = caller_read_set(caller, view, key, other);
    else if (pick < 155) status = caller_call_zset(caller, view, key, other);
    else if (pick < 162) status = caller_time_hash(caller, view, key);
    else if (pick < 170) status = caller_estimate(caller, view, key, other);
    else if (pick < 185) status = caller_stream(caller, view, key, pick < 182);
    else if (pick < 190) status = caller_sort(caller, view, key, other);
    else status = caller_time_members(caller, view, key);
    caller_see(caller, (uint64_t)status);
    return status;
}

void caller_fill(struct caller *caller, kv *db, int calls)
{
    bool was_careful = caller->is_careful;
    caller->is_careful = true;
    for (int i = 0; i < calls; i++) (void)caller_call(caller, db);
    caller->is_careful = was_careful;
}

void caller_free(struct caller *caller)
{
    kv_buffer_free(&caller->buffer);
}

/* --------------------------------------------------------------------------------------- replay */

int64_t caller_number(kv_slice text)
{
    char digits[32] = {0};
    MUST(text.size > 0 && text.size < sizeof digits);
    memcpy(digits, text.data, text.size);
    char *end;
    long long number = strtoll(digits, &end, 10);
    MUST(*end == 0);
    return number;
}

bool caller_is(kv_slice word, const char *text)
{
    return word.size == strlen(text) && memcmp(word.data, text, word.size) == 0;
}

static kv_end caller_end_named(kv_slice word)
{
    MUST(caller_is(word, "LEFT") || caller_is(word, "RIGHT"));
    return caller_is(word, "LEFT") ? KV_HEAD : KV_TAIL;
}

static kv_status caller_replay_set(kv *db, const kv_slice *words, size_t count)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    if (count == 4) {
        MUST(caller_is(words[3], "KEEPTTL"));
        options.flags = KV_KEEP_TTL;
    } else if (count == 5) {
        MUST(caller_is(words[3], "PXAT"));
        options.deadline_ms = caller_number(words[4]);
    } else {
        MUST(count == 3);
    }
    return kv_set(db, words[1], words[2], &options);
}

static kv_status caller_replay_fields(kv *db, const kv_slice *words, size_t count)
{
    static const char *const overflows[] = {"WRAP", "SAT", "FAIL"};
    kv_field_operation operations[CALLER_ARGUMENTS];
    size_t operation_count = 0;
    kv_overflow overflow = KV_OVERFLOW_WRAP;
    for (size_t i = 2; i < count;) {
        if (caller_is(words[i], "OVERFLOW")) {
            for (int j = 0; j < 3; j++)
                if (caller_is(words[i + 1], overflows[j])) overflow = (kv_overflow)j;
            i += 2;
            continue;
        }
        MUST(caller_is(words[i], "SET") || caller_is(words[i], "INCRBY"));
        MUST(i + 3 < count && operation_count < CALLER_ARGUMENTS);
        const char *type = words[i + 1].data;
        operations[operation_count++] = (kv_field_operation){
            .kind = caller_is(words[i], "SET") ? KV_FIELD_SET : KV_FIELD_INCRBY,
            .is_signed = *type == 'i',
            .bits = (uint8_t)caller_number(kv_bytes(type + 1, words[i + 1].size - 1)),
            .overflow = overflow,
            .offset = (uint64_t)caller_number(words[i + 2]),
            .value = caller_number(words[i + 3])};
        i += 4;
    }
    return kv_bitfield(db, words[1], operations, operation_count);
}

static kv_status caller_replay_bitop(kv *db, const kv_slice *words, size_t count)
{
    static const char *const names[] = {"AND", "OR", "XOR", "NOT", "DIFF", "DIFF1", "ANDOR", "ONE"};
    int operation = 0;
    while (!caller_is(words[1], names[operation])) operation++;
    return kv_bitop(db, (kv_bit_operation)operation, words[2], words + 3, count - 3, NULL);
}

static kv_status caller_replay_restore(kv *db, const kv_slice *words, size_t count)
{
    kv_restore_options options = KV_OPTIONS(kv_restore_options);
    for (size_t i = 4; i < count; i++) {
        if (caller_is(words[i], "REPLACE")) options.replace = true;
        else if (caller_is(words[i], "ABSTTL")) options.deadline_ms = caller_number(words[2]);
        else if (caller_is(words[i], "IDLETIME"))
            options.idle_ms = 1000 * caller_number(words[++i]);
        else ck_abort_msg("RESTORE has %.*s", (int)words[i].size, (const char *)words[i].data);
    }
    MUST((options.deadline_ms != 0) == (caller_number(words[2]) != 0));
    return kv_restore(db, words[1], words[3], &options);
}

static kv_status caller_replay_key(kv *db, const kv_slice *words, size_t count)
{
    uint64_t removed = 0;
    if (caller_is(words[0], "SET")) return caller_replay_set(db, words, count);
    if (caller_is(words[0], "DEL")) {
        kv_status status = kv_del(db, words + 1, count - 1, &removed);
        MUST(removed == count - 1);
        return status;
    }
    if (caller_is(words[0], "RENAME")) return kv_rename(db, words[1], words[2]);
    if (caller_is(words[0], "PEXPIREAT"))
        return kv_expire_at(db, words[1], caller_number(words[2]), 0);
    if (caller_is(words[0], "PERSIST")) return kv_persist(db, words[1]);
    if (caller_is(words[0], "APPEND")) return kv_append(db, words[1], words[2], NULL);
    if (caller_is(words[0], "SETRANGE")) {
        return kv_setrange(db, words[1], (uint64_t)caller_number(words[2]), words[3], NULL);
    }
    if (caller_is(words[0], "SETBIT")) {
        bool bit = caller_number(words[3]) != 0;
        return kv_setbit(db, words[1], (uint64_t)caller_number(words[2]), bit, NULL);
    }
    if (caller_is(words[0], "PFADD")) return kv_pfadd(db, words[1], words + 2, count - 2, NULL);
    if (caller_is(words[0], "PFCOUNT")) return kv_pfcount(db, words + 1, count - 1, NULL);
    if (caller_is(words[0], "PFMERGE")) return kv_pfmerge(db, words[1], words + 2, count - 2);
    if (caller_is(words[0], "PFDEBUG")) return kv_pfdense(db, words[2]);
    if (caller_is(words[0], "BITFIELD")) return caller_replay_fields(db, words, count);
    if (caller_is(words[0], "BITOP")) return caller_replay_bitop(db, words, count);
    if (caller_is(words[0], "INCRBY"))
        return kv_incrby(db, words[1], caller_number(words[2]), NULL);
    if (caller_is(words[0], "MOVE"))
        return kv_move(db, words[1], kv_select(db, (uint32_t)caller_number(words[2])));
    if (caller_is(words[0], "COPY")) {
        MUST(count == 6 && caller_is(words[3], "DB") && caller_is(words[5], "REPLACE"));
        return kv_copy(db, words[1], kv_select(db, (uint32_t)caller_number(words[4])), words[2],
                       true);
    }
    if (caller_is(words[0], "RESTORE")) return caller_replay_restore(db, words, count);
    if (caller_is(words[0], "FLUSHDB")) return kv_flush(db, true);
    if (caller_is(words[0], "FLUSHALL")) return kv_flush_all(db, true);
    if (caller_is(words[0], "SWAPDB")) {
        return kv_swapdb(kv_select(db, (uint32_t)caller_number(words[1])),
                         kv_select(db, (uint32_t)caller_number(words[2])));
    }
    ck_abort_msg("the journal has %.*s", (int)words[0].size, (const char *)words[0].data);
}

static kv_status caller_replay_pop(kv *db, const kv_slice *words, size_t count)
{
    uint64_t popped = 0, wanted = count == 3 ? (uint64_t)caller_number(words[2]) : 1;
    kv_end end = caller_is(words[0], "LPOP") ? KV_HEAD : KV_TAIL;
    kv_status status = kv_pop(db, words[1], end, wanted, NULL, NULL, &popped);
    MUST(status != KV_OK || popped == wanted);
    return status;
}

static kv_status caller_replay_hash(kv *db, const kv_slice *words, size_t count)
{
    uint64_t removed = 0;
    if (caller_is(words[0], "HSET")) {
        MUST(count % 2 == 0);
        return kv_hset(db, words[1], words + 2, (count - 2) / 2, NULL);
    }
    if (caller_is(words[0], "HPEXPIREAT") || caller_is(words[0], "HPERSIST")) {
        bool persists = caller_is(words[0], "HPERSIST");
        size_t at = persists ? 2 : 3;
        kv_field_result results[CALLER_ARGUMENTS];
        MUST(caller_is(words[at], "FIELDS"));
        size_t fields = (size_t)caller_number(words[at + 1]);
        MUST(fields > 0 && fields <= CALLER_ARGUMENTS && fields == count - at - 2);
        kv_status status = persists ? kv_hpersist(db, words[1], words + 4, fields, results)
                                    : kv_hexpire_at(db, words[1], caller_number(words[2]), 0,
                                                    words + 5, fields, results);
        for (size_t i = 0; i < fields; i++)
            MUST(results[i] == KV_FIELD_DONE || (persists && results[i] == KV_FIELD_UNTIMED));
        return status;
    }
    if (caller_is(words[0], "HSETEX")) {
        kv_hsetex_options options = KV_OPTIONS(kv_hsetex_options);
        bool keeps = caller_is(words[2], "KEEPTTL");
        size_t at = keeps ? 3 : 4;
        if (keeps) options.flags = KV_KEEP_TTL;
        else options.deadline_ms = caller_number(words[3]);
        MUST(caller_is(words[at], "FIELDS"));
        size_t pairs = (size_t)caller_number(words[at + 1]);
        MUST(pairs > 0 && 2 * pairs == count - at - 2);
        return kv_hsetex(db, words[1], words + at + 2, pairs, &options);
    }
    if (caller_is(words[0], "HSETNX")) return kv_hsetnx(db, words[1], words[2], words[3]);
    if (caller_is(words[0], "HINCRBY"))
        return kv_hincrby(db, words[1], words[2], caller_number(words[3]), NULL);
    if (caller_is(words[0], "HDEL")) {
        kv_status status = kv_hdel(db, words[1], words + 2, count - 2, &removed);
        MUST(removed > 0);
        return status;
    }
    ck_abort_msg("the journal has %.*s", (int)words[0].size, (const char *)words[0].data);
}

/* "KV.SPEXPIREAT key milliseconds MEMBERS count member..." and the like. */
static kv_status caller_replay_time(kv *db, const kv_slice *words, size_t count)
{
    bool is_sorted = ((const char *)words[0].data)[3] == 'Z';
    bool persists = caller_is(words[0], is_sorted ? "KV.ZPERSIST" : "KV.SPERSIST");
    size_t at = persists ? 2 : 3, members = count - at - 2;
    kv_field_result results[CALLER_ARGUMENTS];
    kv_status status;
    MUST(caller_is(words[at], "MEMBERS") && members > 0 && members <= CALLER_ARGUMENTS);
    MUST((size_t)caller_number(words[at + 1]) == members);
    if (persists) {
        status = is_sorted ? kv_zpersist(db, words[1], words + 4, members, results)
                           : kv_spersist(db, words[1], words + 4, members, results);
    } else {
        int64_t deadline_ms = caller_number(words[2]);
        status = is_sorted
                     ? kv_zexpire_at(db, words[1], deadline_ms, 0, words + 5, members, results)
                     : kv_sexpire_at(db, words[1], deadline_ms, 0, words + 5, members, results);
    }
    for (size_t i = 0; i < members; i++)
        MUST(results[i] == KV_FIELD_DONE || (persists && results[i] == KV_FIELD_UNTIMED));
    return status;
}

static kv_status caller_replay_members(kv *db, const kv_slice *words, size_t count)
{
    uint64_t changed = 0;
    kv_status status;
    if (caller_is(words[0], "SADD")) status = kv_sadd(db, words[1], words + 2, count - 2, &changed);
    else if (caller_is(words[0], "SREM"))
        status = kv_srem(db, words[1], words + 2, count - 2, &changed);
    else if (caller_is(words[0], "SINTERSTORE"))
        status = kv_sinterstore(db, words[1], words + 2, count - 2, &changed);
    else if (caller_is(words[0], "SUNIONSTORE"))
        status = kv_sunionstore(db, words[1], words + 2, count - 2, &changed);
    else if (caller_is(words[0], "SDIFFSTORE"))
        status = kv_sdiffstore(db, words[1], words + 2, count - 2, &changed);
    else return kv_smove(db, words[1], words[2], words[3]);
    MUST(changed > 0);
    return status;
}

/* SADD, SINTERSTORE and the like, but not SET. */
static bool caller_is_of_sets(kv_slice name)
{
    static const char *const names[] = {"SADD",        "SREM",        "SMOVE",
                                        "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (caller_is(name, names[i])) return true;
    return false;
}

static kv_status caller_replay_sort(kv *db, const kv_slice *words, size_t count)
{
    kv_sort_options options = KV_OPTIONS(kv_sort_options);
    kv_slice get[2];
    uint64_t stored = 0;
    options.get = get;
    for (size_t i = 2; i + 2 < count; i++) {
        if (caller_is(words[i], "BY")) options.by = &words[++i];
        else if (caller_is(words[i], "GET")) get[options.get_count++] = words[++i];
        else if (caller_is(words[i], "DESC")) options.descending = true;
        else if (caller_is(words[i], "ALPHA")) options.alphabetic = true;
        else {
            MUST(caller_is(words[i], "LIMIT"));
            options.limited = true;
            options.offset = caller_number(words[++i]);
            options.count = caller_number(words[++i]);
        }
    }
    MUST(caller_is(words[count - 2], "STORE"));
    kv_status status = kv_sortstore(db, words[count - 1], words[1], &options, &stored);
    MUST(stored > 0);
    return status;
}

void caller_replay(kv *db, const kv_change *change)
{
    const kv_slice *words = change->arguments;
    size_t count = change->argument_count;
    kv *view = kv_select(db, change->database);
    kv_status status;
    uint64_t removed = 0;
    if (caller_replay_zset(view, words, count, &status)) MUST(status == KV_OK);
    else if (caller_is(words[0], "LPUSH"))
        status = kv_lpush(view, words[1], words + 2, count - 2, NULL);
    else if (caller_is(words[0], "RPUSH"))
        status = kv_rpush(view, words[1], words + 2, count - 2, NULL);
    else if (caller_is(words[0], "LPOP") || caller_is(words[0], "RPOP"))
        status = caller_replay_pop(view, words, count);
    else if (caller_is(words[0], "LSET"))
        status = kv_lset(view, words[1], caller_number(words[2]), words[3]);
    else if (caller_is(words[0], "LINSERT")) {
        MUST(caller_is(words[2], "BEFORE") || caller_is(words[2], "AFTER"));
        status =
            kv_linsert(view, words[1], caller_is(words[2], "BEFORE"), words[3], words[4], NULL);
    } else if (caller_is(words[0], "LREM")) {
        status = kv_lrem(view, words[1], caller_number(words[2]), words[3], &removed);
        MUST(removed > 0);
    } else if (caller_is(words[0], "LTRIM")) {
        status = kv_ltrim(view, words[1], caller_number(words[2]), caller_number(words[3]));
    } else if (caller_is(words[0], "LMOVE")) {
        status = kv_lmove(view, words[1], words[2], caller_end_named(words[3]),
                          caller_end_named(words[4]), NULL);
    } else if (words[0].size > 0 && *(const char *)words[0].data == 'H') {
        status = caller_replay_hash(view, words, count);
    } else if (words[0].size > 3 && memcmp(words[0].data, "KV.", 3) == 0) {
        status = caller_replay_time(view, words, count);
    } else if (caller_is(words[0], "SORT")) {
        status = caller_replay_sort(view, words, count);
    } else if (caller_is_of_sets(words[0])) {
        status = caller_replay_members(view, words, count);
    } else if (words[0].size > 0 && *(const char *)words[0].data == 'X') {
        status = caller_replay_stream(view, words, count);
    } else {
        status = caller_replay_key(view, words, count);
    }
    if (status != KV_OK) {
        ck_abort_msg("replay of %.*s %.*s: %s", (int)words[0].size, (const char *)words[0].data,
                     count > 1 ? (int)words[1].size : 0,
                     count > 1 ? (const char *)words[1].data : "", kv_strerror(status));
    }
}
