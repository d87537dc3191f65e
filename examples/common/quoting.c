/*
 * common/quoting.c -- lines of words as Redis writes them, in configuration files and at its
 * prompt.
 */
#include "common/quoting.h"

#include <ctype.h>
#include <stdlib.h>

struct splitter {
    const char *at, *end;
    char *to;
};

static bool is_blank(char c)
{
    return isspace((unsigned char)c) || c == '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands after a backslash in double quotes. */
static void split_escape(struct splitter *s)
{
    static const char letters[] = "nrtba", bytes[] = "\n\r\t\b\a";
    char c = *s->at++;
    if (c == 'x' && s->end - s->at >= 2 && hex_digit(s->at[0]) >= 0 && hex_digit(s->at[1]) >= 0) {
        *s->to++ = (char)(hex_digit(s->at[0]) * 16 + hex_digit(s->at[1]));
        s->at += 2;
        return;
    }
    const char *letter = c == '\0' ? NULL : strchr(letters, c);
    *s->to++ = letter != NULL ? bytes[letter - letters] : c;
}

/* The rest of a quoted word. False if the closing quote is missing or something sticks to it. */
static bool split_quoted(struct splitter *s, char quote)
{
    while (s->at < s->end) {
        char c = *s->at++;
        if (c == quote) return s->at == s->end || is_blank(*s->at);
        if (c == '\\' && s->at < s->end && (quote == '"' || *s->at == '\'')) split_escape(s);
        else *s->to++ = c;
    }
    return false;
}

static bool split_word(struct splitter *s)
{
    while (s->at < s->end && !is_blank(*s->at)) {
        char c = *s->at++;
        if (c == '"' || c == '\'') return split_quoted(s, c);
        *s->to++ = c;
    }
    return true;
}

quoting quoting_split(struct words *words, const char *line, size_t size)
{
    /* No word is longer than its source, and two words have a blank between them. */
    *words = (struct words){.items = malloc((size / 2 + 1) * sizeof *words->items),
                            .bytes = malloc(size + 2)};
    if (words->items == NULL || words->bytes == NULL) {
        quoting_free(words);
        return QUOTING_NOMEM;
    }
    struct splitter s = {line, line + size, words->bytes};
    for (;;) {
        while (s.at < s.end && is_blank(*s.at)) s.at++;
        if (s.at == s.end) return QUOTING_OK;
        char *word = s.to;
        if (!split_word(&s)) {
            quoting_free(words);
            return QUOTING_UNBALANCED;
        }
        words->items[words->count++] = KV_BYTES(word, (size_t)(s.to - word));
        *s.to++ = '\0';
    }
}

void quoting_free(struct words *words)
{
    free(words->items);
    free(words->bytes);
    *words = (struct words){0};
}
