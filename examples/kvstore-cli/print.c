/*
 * kvstore-cli/print.c -- replies for people: with their types, or as plain text.
 */
#include "kvstore-cli/print.h"

#include <ctype.h>
#include <inttypes.h>

static void put(FILE *out, kv_slice text)
{
    if (text.size > 0) fwrite(text.data, 1, text.size, out);
}

static void put_quoted(FILE *out, kv_slice text)
{
    static const char special[] = "\n\r\t\a\b", letters[] = "nrtab";
    const unsigned char *bytes = text.data;
    putc('"', out);
    for (size_t i = 0; i < text.size; i++) {
        const char *found = bytes[i] == '\0' ? NULL : strchr(special, bytes[i]);
        if (found != NULL) fprintf(out, "\\%c", letters[found - special]);
        else if (bytes[i] == '"' || bytes[i] == '\\') fprintf(out, "\\%c", bytes[i]);
        else if (bytes[i] >= 0x20 && bytes[i] < 0x7f) putc(bytes[i], out);
        else fprintf(out, "\\x%02x", bytes[i]);
    }
    putc('"', out);
}

/* True if the typed form of a reply takes several lines. */
static bool has_lines(const kvresp_reply *reply)
{
    if (reply->attributes != NULL) return true;
    bool is_map = reply->kind == KVRESP_MAP || reply->kind == KVRESP_ATTRIBUTE;
    if (reply->count > (is_map ? 2u : 1u)) return true;
    for (size_t i = 0; i < reply->count; i++)
        if (has_lines(&reply->elements[i])) return true;
    return false;
}

static void put_typed(FILE *out, const kvresp_reply *reply, int indent);

/*
 * Elements are numbered, and what is inside one is indented by the width of its number. The first
 * stands where the cursor is: the element around it has printed its own number there.
 */
static void put_elements(FILE *out, const kvresp_reply *reply, int indent, char mark,
                         const char *empty)
{
    bool is_map = reply->kind == KVRESP_MAP || reply->kind == KVRESP_ATTRIBUTE;
    size_t step = is_map ? 2 : 1;
    if (reply->count == 0) {
        fputs(empty, out);
        return;
    }
    int width = snprintf(NULL, 0, "%zu", reply->count / step);
    for (size_t i = 0; i < reply->count; i += step) {
        if (i > 0) fprintf(out, "\n%*s", indent, "");
        fprintf(out, "%*zu%c ", width, i / step + 1, mark);
        put_typed(out, &reply->elements[i], indent + width + 2);
        if (!is_map) continue;
        const kvresp_reply *value = &reply->elements[i + 1];
        fputs(" => ", out);
        if (has_lines(value)) fprintf(out, "\n%*s", indent + width + 2, "");
        put_typed(out, value, indent + width + 2);
    }
}

static void put_typed(FILE *out, const kvresp_reply *reply, int indent)
{
    if (reply->attributes != NULL) {
        put_elements(out, reply->attributes, indent, '|', "(empty attribute)");
        fprintf(out, "\n%*s", indent, "");
    }
    switch (reply->kind) {
    case KVRESP_SIMPLE:
    case KVRESP_VERBATIM:
    case KVRESP_BIG_NUMBER: put(out, reply->text); break;
    case KVRESP_ERROR:
    case KVRESP_BULK_ERROR:
        fputs("(error) ", out);
        put(out, reply->text);
        break;
    case KVRESP_INTEGER: fprintf(out, "(integer) %" PRId64, reply->integer); break;
    case KVRESP_BULK: put_quoted(out, reply->text); break;
    case KVRESP_NULL: fputs("(nil)", out); break;
    case KVRESP_DOUBLE:
        fputs("(double) ", out);
        put(out, reply->text);
        break;
    case KVRESP_BOOLEAN: fputs(reply->integer ? "(true)" : "(false)", out); break;
    case KVRESP_ARRAY: put_elements(out, reply, indent, ')', "(empty array)"); break;
    case KVRESP_SET: put_elements(out, reply, indent, '~', "(empty set)"); break;
    case KVRESP_MAP:
    case KVRESP_ATTRIBUTE: put_elements(out, reply, indent, '#', "(empty hash)"); break;
    case KVRESP_PUSH: put_elements(out, reply, indent, ')', "(empty push)"); break;
    }
}

/* Attributes are not the reply, and plain text is for programs: they are left out. */
static void put_raw(FILE *out, const kvresp_reply *reply)
{
    switch (reply->kind) {
    case KVRESP_NULL: break;
    case KVRESP_INTEGER: fprintf(out, "%" PRId64, reply->integer); break;
    case KVRESP_BOOLEAN: fputs(reply->integer ? "(true)" : "(false)", out); break;
    case KVRESP_ERROR:
    case KVRESP_BULK_ERROR:
        put(out, reply->text);
        putc('\n', out);
        break;
    case KVRESP_ARRAY:
    case KVRESP_SET:
    case KVRESP_PUSH:
        for (size_t i = 0; i < reply->count; i++) {
            if (i > 0) putc('\n', out);
            put_raw(out, &reply->elements[i]);
        }
        break;
    case KVRESP_MAP:
    case KVRESP_ATTRIBUTE:
        for (size_t i = 0; i + 1 < reply->count; i += 2) {
            if (i > 0) putc('\n', out);
            put_raw(out, &reply->elements[i]);
            putc(' ', out);
            put_raw(out, &reply->elements[i + 1]);
        }
        break;
    default: put(out, reply->text);
    }
}

void print_typed(FILE *out, const kvresp_reply *reply)
{
    put_typed(out, reply, 0);
    putc('\n', out);
}

void print_raw(FILE *out, const kvresp_reply *reply)
{
    put_raw(out, reply);
    putc('\n', out);
}
