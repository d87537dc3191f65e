/*
 * tests/api/notes.h -- what a journal or a history delivers, as text: "0 SET a x;" for each change, a
 * line for each group.
 */
#ifndef KV_TESTS_API_NOTES_H
#define KV_TESTS_API_NOTES_H

#include "fixture.h"

struct notes {
    char text[4000];
    size_t size;
    kv_follower *follower;
};

static inline void notes_write(struct notes *notes, const char *format, int size, const char *text)
{
    size_t room = sizeof notes->text - notes->size;
    int written = snprintf(notes->text + notes->size, room, format, size, text);
    MUST(written >= 0 && (size_t)written < room);
    notes->size += (size_t)written;
}

static inline void notes_take(void *context, const kv_change *changes, size_t count)
{
    static const char *const causes[] = {"", "expired ", "evicted ", "message "};
    struct notes *notes = context;
    for (size_t i = 0; i < count; i++) {
        notes_write(notes, "%.*s", 10, causes[changes[i].cause]);
        notes_write(notes, "%d%s", (int)changes[i].database, "");
        for (size_t j = 0; j < changes[i].argument_count; j++) {
            kv_slice word = changes[i].arguments[j];
            notes_write(notes, " %.*s", (int)word.size, word.size > 0 ? word.data : "");
        }
        notes_write(notes, "%.*s", 1, ";");
    }
    notes_write(notes, "%.*s", 1, "\n");
}

static inline void notes_clear(struct notes *notes)
{
    notes->size = 0;
    notes->text[0] = 0;
}

static inline void notes_begin(struct notes *notes, kv *db)
{
    notes_clear(notes);
    ck_assert_int_eq(kv_follow(db, notes_take, notes, &notes->follower), KV_OK);
}

/* The same with messages. */
static inline void notes_begin_with_messages(struct notes *notes, kv *db)
{
    notes_clear(notes);
    ck_assert_int_eq(kv_follow_messages(db, notes_take, notes, &notes->follower), KV_OK);
}

static inline void notes_end(struct notes *notes)
{
    kv_unfollow(notes->follower);
}

/* Asserts what was delivered since the last time. */
#define notes_expect(notes, expected)              \
    do {                                           \
        ck_assert_str_eq((notes)->text, expected); \
        notes_clear(notes);                        \
    } while (0)

#endif
