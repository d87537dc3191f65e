/*
 * resp/commands_bitmaps.c -- strings as bits: SETBIT, BITCOUNT, BITOP and their kin. BITFIELD is in
 * commands_bitfield.c.
 */
#include "resp/commands.h"

bool bit_offset_argument(struct call *call, size_t index, unsigned field_bits, uint64_t *offset)
{
    kv_slice text = call->arguments[index];
    int64_t number, scale = 1;
    if (field_bits > 0 && text.size > 0 && *(const char *)text.data == '#') {
        text = kv_bytes((const char *)text.data + 1, text.size - 1);
        scale = field_bits;
    }
    bool is_valid = text_parse_integer(text, &number) && number >= 0 && number <= INT64_MAX / scale;
    bool is_limited = !(call->session->flags & SESSION_TRUSTED);
    if (is_valid && is_limited)
        is_valid = (uint64_t)(number * scale) / 8 < resp_bulk_max(call->resp);
    if (is_valid) *offset = (uint64_t)(number * scale);
    else call_error(call, "ERR bit offset is not an integer or out of range");
    return is_valid;
}

void getbit_command(struct call *call)
{
    uint64_t offset;
    bool bit = false;
    if (!bit_offset_argument(call, 2, 0, &offset)) return;
    kv_status status = kv_getbit(call->db, call->arguments[1], offset, &bit);
    if (status != KV_OK) call_fail(call, status);
    else writer_integer(call->reply, bit);
}

void setbit_command(struct call *call)
{
    uint64_t offset;
    int64_t bit;
    bool old = false;
    if (!bit_offset_argument(call, 2, 0, &offset)) return;
    if (!call_integer_between(call, 3, 0, 1, &bit, "ERR bit is not an integer or out of range"))
        return;
    kv_status status = kv_setbit(call->db, call->arguments[1], offset, bit != 0, &old);
    if (status != KV_OK) call_fail(call, status);
    else writer_integer(call->reply, old);
}

/* BYTE or BIT, at `index` if there are so many arguments. False: answered. */
static bool unit_argument(struct call *call, size_t index, kv_unit *unit)
{
    *unit = KV_UNIT_BYTE;
    if (index >= call->count || call_is(call, index, "byte")) return true;
    *unit = KV_UNIT_BIT;
    if (call_is(call, index, "bit")) return true;
    call_error(call, ERROR_SYNTAX);
    return false;
}

void bitcount_command(struct call *call)
{
    int64_t start = 0, end = -1;
    kv_unit unit;
    uint64_t count = 0;
    if (call->count > 5) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    if (call->count > 2 && !call_integer(call, 2, &start, NULL)) return;
    if (call->count > 3 && !call_integer(call, 3, &end, NULL)) return;
    if (!unit_argument(call, 4, &unit)) return;
    kv_status status = kv_bitcount(call->db, call->arguments[1], start, end, unit, &count);
    if (status != KV_OK) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)count);
}

void bitpos_command(struct call *call)
{
    int64_t bit, start = 0, end = -1;
    kv_unit unit;
    uint64_t position = 0;
    if (!call_integer(call, 2, &bit, NULL)) return;
    if (bit != 0 && bit != 1) {
        call_error(call, "ERR The bit argument must be 1 or 0.");
        return;
    }
    if (call->count > 6) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    if (call->count > 3 && !call_integer(call, 3, &start, NULL)) return;
    if (!unit_argument(call, 5, &unit)) return;
    if (call->count > 4 && !call_integer(call, 4, &end, NULL)) return;
    kv_status status = kv_bitpos(call->db, call->arguments[1], bit == 1, start,
                                 call->count > 4 ? &end : NULL, unit, &position);
    if (status < 0) call_fail(call, status);
    else writer_integer(call->reply, status == KV_OK ? (int64_t)position : -1);
}

static const struct {
    const char *name;
    kv_bit_operation operation;
} bit_operations[] = {{"and", KV_BIT_AND},     {"or", KV_BIT_OR},     {"xor", KV_BIT_XOR},
                      {"not", KV_BIT_NOT},     {"diff", KV_BIT_DIFF}, {"diff1", KV_BIT_DIFF1},
                      {"andor", KV_BIT_ANDOR}, {"one", KV_BIT_ONE}};

static bool bit_operation_argument(struct call *call, kv_bit_operation *operation)
{
    for (size_t i = 0; i < sizeof bit_operations / sizeof *bit_operations; i++) {
        *operation = bit_operations[i].operation;
        if (call_is(call, 1, bit_operations[i].name)) return true;
    }
    call_error(call, ERROR_SYNTAX);
    return false;
}

/* Whether the operation takes so many keys. False: answered. */
static bool bit_operation_takes(struct call *call, kv_bit_operation operation, size_t count)
{
    const char *name = operation == KV_BIT_DIFF    ? "DIFF"
                       : operation == KV_BIT_DIFF1 ? "DIFF1"
                                                   : "ANDOR";
    switch (operation) {
    case KV_BIT_NOT:
        if (count == 1) return true;
        call_error(call, "ERR BITOP NOT must be called with a single source key.");
        return false;
    case KV_BIT_DIFF:
    case KV_BIT_DIFF1:
    case KV_BIT_ANDOR:
        if (count > 1) return true;
        call_error_format(call, "ERR BITOP %s must be called with at least two source keys.", name);
        return false;
    default: return true;
    }
}

void bitop_command(struct call *call)
{
    kv_bit_operation operation;
    uint64_t length = 0;
    size_t count = call->count - 3;
    if (!bit_operation_argument(call, &operation)) return;
    if (!bit_operation_takes(call, operation, count)) return;
    kv_status status =
        kv_bitop(call->db, operation, call->arguments[2], call->arguments + 3, count, &length);
    if (status != KV_OK) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)length);
}
