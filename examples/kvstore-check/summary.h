/*
 * kvstore-check/summary.h -- what a store holds: keys by database and type, the largest of them.
 */
#ifndef EXAMPLES_KVSTORE_CHECK_SUMMARY_H
#define EXAMPLES_KVSTORE_CHECK_SUMMARY_H

#include "kvstore.h"

#include <stdio.h>

/* Prints it, with so many of the largest keys. KV_OK or KV_NOMEM. */
kv_status summary_print(FILE *to, kv *db, size_t largest);

/* A text in quotes, with what cannot be printed as \x00; no more than some hundred bytes. */
void summary_print_quoted(FILE *to, kv_slice text);

#endif
