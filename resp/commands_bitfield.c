/*
 * resp/commands_bitfield.c -- BITFIELD and BITFIELD_RO: a request with any number of steps.
 */
#include "resp/commands.h"

/* The number of bits of a field and whether it has a sign: "u8", "i64". False: answered. */
static bool field_type_argument(struct call *call, size_t index, kv_field_operation *operation)
{
    kv_slice text = call->arguments[index];
    char kind = text.size > 0 ? *(const char *)text.data : '\0';
    int64_t bits = 0;
    operation->is_signed = kind == 'i';
    if ((kind == 'i' || kind == 'u') &&
        text_parse_integer(kv_bytes((const char *)text.data + 1, text.size - 1), &bits) &&
        bits >= 1 && bits <= (operation->is_signed ? 64 : 63)) {
        operation->bits = (uint8_t)bits;
        return true;
    }
    call_error(call, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not "
                     "supported but i64 is.");
    return false;
}

static bool overflow_argument(struct call *call, size_t index, kv_overflow *overflow)
{
    if (call_is(call, index, "wrap")) *overflow = KV_OVERFLOW_WRAP;
    else if (call_is(call, index, "sat")) *overflow = KV_OVERFLOW_SATURATE;
    else if (call_is(call, index, "fail")) *overflow = KV_OVERFLOW_FAIL;
    else {
        call_error(call, "ERR Invalid OVERFLOW type specified");
        return false;
    }
    return true;
}

/* The kind of the step whose name is at `index`, if all its arguments are there. */
static bool field_kind(const struct call *call, size_t index, kv_field_kind *kind)
{
    size_t left = call->count - index - 1;
    *kind = KV_FIELD_GET;
    if (call_is(call, index, "get")) return left >= 2;
    *kind = KV_FIELD_SET;
    if (call_is(call, index, "set")) return left >= 3;
    *kind = KV_FIELD_INCRBY;
    return call_is(call, index, "incrby") && left >= 3;
}

/* Reads the step at *index, and moves that on. False: answered. */
static bool field_operation(struct call *call, size_t *index, kv_overflow overflow,
                            kv_field_operation *operation)
{
    size_t at = *index;
    *operation = (kv_field_operation){.overflow = overflow};
    if (!field_kind(call, at, &operation->kind)) {
        call_error(call, ERROR_SYNTAX);
        return false;
    }
    if (!field_type_argument(call, at + 1, operation)) return false;
    if (!bit_offset_argument(call, at + 2, operation->bits, &operation->offset)) return false;
    *index = at + 3;
    if (operation->kind == KV_FIELD_GET) return true;
    *index = at + 4;
    return call_integer(call, at + 3, &operation->value, NULL);
}

struct fields {
    kv_field_operation *operations;
    size_t count;
    bool has_writes;
};

/* Reads all steps into memory of the worker. False: answered. */
static bool fields_read(struct call *call, struct fields *fields)
{
    kv_overflow overflow = KV_OVERFLOW_WRAP;
    size_t most = (call->count - 2) / 3 + 1;
    *fields = (struct fields){0};
    if (text_reserve(&call->worker->value, most * sizeof *fields->operations) != KV_OK) {
        call_fail(call, KV_NOMEM);
        return false;
    }
    fields->operations = call->worker->value.data;
    for (size_t i = 2; i < call->count;) {
        if (call_is(call, i, "overflow") && i + 1 < call->count) {
            if (!overflow_argument(call, i + 1, &overflow)) return false;
            i += 2;
            continue;
        }
        kv_field_operation *operation = &fields->operations[fields->count++];
        if (!field_operation(call, &i, overflow, operation)) return false;
        fields->has_writes |= operation->kind != KV_FIELD_GET;
    }
    return true;
}

static void fields_do(struct call *call, const struct fields *fields)
{
    kv_status status = kv_bitfield(call->db, call->arguments[1], fields->operations, fields->count);
    if (status != KV_OK) {
        call_fail(call, status);
        return;
    }
    writer_array(call->reply, fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->operations[i].status != KV_OK) writer_null(call->reply);
        else writer_integer(call->reply, fields->operations[i].result);
    }
}

void bitfield_command(struct call *call)
{
    struct fields fields;
    if (fields_read(call, &fields)) fields_do(call, &fields);
}

void bitfield_ro_command(struct call *call)
{
    struct fields fields;
    if (!fields_read(call, &fields)) return;
    if (fields.has_writes) call_error(call, "ERR BITFIELD_RO only supports the GET subcommand");
    else fields_do(call, &fields);
}
