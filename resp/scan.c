/*
 * resp/scan.c -- see scan.h.
 */
#include "resp/scan.h"

/* As strtoul() reads it: an empty text is 0, a sign is allowed. */
static bool scan_cursor(kv_slice text, uint64_t *cursor)
{
    const char *at = text.data, *end = at + text.size;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+') && end - at > 1) at++;
    *cursor = 0;
    for (; at < end; at++) {
        unsigned digit = (unsigned)*at - '0';
        if (digit > 9 || *cursor > (UINT64_MAX - digit) / 10) return false;
        *cursor = *cursor * 10 + digit;
    }
    if (negative) *cursor = 0 - *cursor;
    return true;
}

bool scan_begin(struct call *call, size_t index, struct scan_wish *wish)
{
    *wish = (struct scan_wish){.count = 10};
    if (scan_cursor(text_terminated(call->arguments[index]), &wish->cursor)) return true;
    call_error(call, "ERR invalid cursor");
    return false;
}

kv_status scan_option(struct call *call, size_t *index, struct scan_wish *wish)
{
    size_t at = *index;
    if (at + 1 >= call->count) return KV_NONE;
    if (call_is(call, at, "count")) {
        if (!call_integer(call, at + 1, &wish->count, NULL)) return KV_BADARG;
        if (wish->count < 1) {
            call_error(call, ERROR_SYNTAX);
            return KV_BADARG;
        }
    } else if (call_is(call, at, "match")) {
        wish->has_match = true;
        wish->match = call->arguments[at + 1];
    } else {
        return KV_NONE;
    }
    *index = at + 2;
    return KV_OK;
}

bool scan_options(struct call *call, size_t index, struct scan_wish *wish)
{
    kv_status status = KV_OK;
    while (status == KV_OK && index < call->count) status = scan_option(call, &index, wish);
    if (status == KV_NONE) call_error(call, ERROR_SYNTAX);
    return status == KV_OK;
}

void scan_end(struct call *call, size_t began, uint64_t cursor, uint64_t count)
{
    writer_end_deferred(call->reply, began, '*', count);
    uint8_t digits[TEXT_INTEGER_SIZE];
    struct writer head = {.protocol = 2};
    writer_array(&head, 2);
    writer_bulk(&head, kv_bytes(digits, (size_t)(text_write_unsigned(digits, cursor) - digits)));
    call_put_before(call, began, &head);
}

void scan_nothing(struct call *call)
{
    writer_array(call->reply, 2);
    writer_bulk(call->reply, kv_bytes("0", 1));
    writer_array(call->reply, 0);
}
