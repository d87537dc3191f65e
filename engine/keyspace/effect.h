/*
 * keyspace/effect.h -- one effect of a call, put together word by word for the journal.
 *
 *     struct effect effect;
 *     status = effect_open(&effect, &access, EFFECT_NAME("SREM"), count, size);   // may fail
 *     ... change; effect_add() each word ...                                      // cannot
 *     effect_close(&effect, &access, status == KV_OK);                            // writes it
 *
 * While nobody reads the journal all of it is one branch each.
 */
#ifndef KV_KEYSPACE_EFFECT_H
#define KV_KEYSPACE_EFFECT_H

#include "keyspace/access.h"

#define EFFECT_NAME(text) kv_bytes(text, sizeof(text) - 1)

/* Words that need no memory. */
#define EFFECT_ON_STACK 16

struct effect {
    kv_slice on_stack[EFFECT_ON_STACK];
    kv_slice *words; /* NULL: nobody reads the journal */
    size_t count, capacity;
};

/*
 * Begins an effect with a command's name and the key, with room for `count` words more that have
 * `size` bytes in all at most: so that neither adding nor writing them can fail. KV_OK or KV_NOMEM,
 * after which it needs no closing.
 */
KV_INTERNAL kv_status effect_open(struct effect *effect, struct access *access, kv_slice name,
                                  size_t count, size_t size);

/* The same where the key is not the first word: what follows the name is added by the caller. */
KV_INTERNAL kv_status effect_open_bare(struct effect *effect, struct access *access, kv_slice name,
                                       size_t count, size_t size);

/* As effect_open() for words that are known: they are added. */
KV_INTERNAL kv_status effect_open_with(struct effect *effect, struct access *access, kv_slice name,
                                       const kv_slice *words, size_t count);

/* Adds a word, whose bytes must stay until effect_close(). */
static inline void effect_add(struct effect *effect, kv_slice word)
{
    if (KV_LIKELY(effect->words == NULL)) return;
    assert(effect->count < effect->capacity);
    effect->words[effect->count++] = word;
}

/* Adds several. */
KV_INTERNAL void effect_add_all(struct effect *effect, const kv_slice *words, size_t count);

/* Writes the effect, if it `happened`, and frees it. */
KV_INTERNAL void effect_close(struct effect *effect, struct access *access, bool happened);

#endif
