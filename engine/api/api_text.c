/*
 * api/api_text.c -- patterns and numbers for hosts: base/glob.h and base/number.h under public
 * names.
 */
#include "base/glob.h"
#include "base/number.h"

bool kv_match(kv_slice pattern, kv_slice text, bool ignore_case)
{
    return glob_match(pattern, text, ignore_case);
}

kv_status kv_parse_double(kv_slice text, double *value)
{
    double number;
    if (!number_parse_double(text, &number)) return KV_NOTFLOAT;
    if (value != NULL) *value = number;
    return KV_OK;
}

size_t kv_format_double(char text[32], double value)
{
    return number_format_double_shortest(text, value);
}
