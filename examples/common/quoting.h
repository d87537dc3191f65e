/*
 * common/quoting.h -- lines of words as Redis writes them, in configuration files and at its
 * prompt.
 *
 *     SET key "a \"quoted\" word\n\x00" 'single: only \' is special'
 *
 * Words are parted by blanks. After a closing quote there must be a blank or the end.
 */
#ifndef EXAMPLES_COMMON_QUOTING_H
#define EXAMPLES_COMMON_QUOTING_H

#include "kvstore.h"

struct words {
    size_t count;
    kv_slice *items; /* each is followed by a zero, so that text without one is a C string */
    char *bytes;
};

typedef enum quoting { QUOTING_OK, QUOTING_UNBALANCED, QUOTING_NOMEM } quoting;

/*
 * Splits a line; quoting_free() releases what it gave. After an error there is nothing to release.
 */
quoting quoting_split(struct words *words, const char *line, size_t size);
void quoting_free(struct words *words);

#endif
