/*
 * resp/unique.h -- names that nobody else has: ids of runs and histories, files that are not
 * finished.
 */
#ifndef KV_RESP_UNIQUE_H
#define KV_RESP_UNIQUE_H

#include <stddef.h>

enum { UNIQUE_MAX = 40 };

/* Writes that many hexadecimal digits, an even number of at most UNIQUE_MAX, and a terminator. */
void unique_digits(char *text, size_t count);

#endif
