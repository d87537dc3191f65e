/*
 * net/words.c -- a list of words in one block of memory.
 */
#include "net/server.h"

#include <stdlib.h>

static bool word_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Room for `count` words of `size` bytes in all, their terminators included; the bytes follow the
 * pointers.
 */
static char *words_allocate(struct words *words, size_t count, size_t size)
{
    words->items = malloc(count * sizeof *words->items + size);
    words->count = words->items == NULL ? 0 : count;
    return words->items == NULL ? NULL : (char *)(words->items + count);
}

bool words_split(struct words *words, kv_slice text)
{
    const char *bytes = text.data;
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        if (!word_is_blank(bytes[i]) && (i == 0 || word_is_blank(bytes[i - 1]))) count++;

    *words = (struct words){NULL, 0};
    if (count == 0) return true;
    char *to = words_allocate(words, count, text.size + 1);
    if (to == NULL) return false;
    size_t word = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (word_is_blank(bytes[i])) continue;
        if (i == 0 || word_is_blank(bytes[i - 1])) words->items[word++] = to;
        *to++ = bytes[i];
        if (i + 1 == text.size || word_is_blank(bytes[i + 1])) *to++ = '\0';
    }
    return true;
}

struct words words_copy(const char *const *items, size_t count)
{
    struct words words = {NULL, 0};
    size_t size = 0;
    for (size_t i = 0; i < count; i++) size += strlen(items[i]) + 1;
    char *to = count == 0 ? NULL : words_allocate(&words, count, size);
    for (size_t i = 0; i < words.count; i++) {
        size_t length = strlen(items[i]) + 1;
        words.items[i] = memcpy(to, items[i], length);
        to += length;
    }
    return words;
}

void words_free(struct words *words)
{
    free(words->items);
    *words = (struct words){NULL, 0};
}
