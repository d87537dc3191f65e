/*
 * kvstore-cli/print.h -- replies for people: with their types, or as plain text.
 *
 *     1) "a string"              a string
 *     2) 1) (integer) 7          7
 *        2) (nil)
 *
 * Both forms are redis-cli's, which scripts and eyes are used to.
 */
#ifndef KVSTORE_CLI_PRINT_H
#define KVSTORE_CLI_PRINT_H

#include "kvresp.h"

#include <stdio.h>

/* Prints a reply and the newline after it. */
void print_typed(FILE *out, const kvresp_reply *reply);
void print_raw(FILE *out, const kvresp_reply *reply);

#endif
