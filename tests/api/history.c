/*
 * tests/api/history.c -- see the header.
 */
#include "history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The key's state while operations are tried: at most one element for each push. */
struct history_state {
    uint32_t count;
    uint32_t items[HISTORY_MAX];
};

/* One combination of operations placed and state reached, which led nowhere. */
struct history_tried {
    struct history_tried *next;
    uint64_t placed;
    struct history_state state;
};

#define HISTORY_BUCKETS 4096

struct history_search {
    const struct history *history;
    struct history_tried *tried[HISTORY_BUCKETS];
};

static void history_insert(struct history_state *state, uint32_t index, uint32_t item)
{
    memmove(state->items + index + 1, state->items + index,
            (state->count - index) * sizeof *state->items);
    state->items[index] = item;
    state->count++;
}

static uint32_t history_take(struct history_state *state, uint32_t index)
{
    if (state->count == 0) return 0;
    uint32_t item = state->items[index];
    state->count--;
    memmove(state->items + index, state->items + index + 1,
            (state->count - index) * sizeof *state->items);
    return item;
}

static void history_write(struct history_state *state, uint32_t item)
{
    state->count = 1;
    state->items[0] = item;
}

/* What the operation would have given in this state, which it changes. */
static uint32_t history_apply(struct history_state *state,
                              const struct history_operation *operation)
{
    uint32_t old = state->count > 0 ? state->items[0] : 0;
    switch (operation->kind) {
    case HISTORY_READ: return old;
    case HISTORY_WRITE: history_write(state, operation->argument); return 0;
    case HISTORY_SWAP: history_write(state, operation->argument); return old;
    case HISTORY_COMPARE:
        if (old != operation->expected) return 0;
        history_write(state, operation->argument);
        return 1;
    case HISTORY_ADD:
        history_write(state, old + operation->argument);
        return old + operation->argument;
    case HISTORY_REMOVE: state->count = 0; return old != 0;
    case HISTORY_ERASE: state->count = 0; return 0;
    case HISTORY_PUSH_HEAD: history_insert(state, 0, operation->argument); return state->count;
    case HISTORY_PUSH_TAIL:
        history_insert(state, state->count, operation->argument);
        return state->count;
    case HISTORY_POP_HEAD: return history_take(state, 0);
    case HISTORY_POP_TAIL: return history_take(state, state->count > 0 ? state->count - 1 : 0);
    case HISTORY_LENGTH: return state->count;
    }
    return 0;
}

/* Notes a combination; false if it was noted before. */
static bool history_note(struct history_search *search, uint64_t placed,
                         const struct history_state *state)
{
    uint64_t hash = placed * UINT64_C(0x9e3779b97f4a7c15);
    size_t bytes = state->count * sizeof *state->items;
    struct history_tried **bucket = &search->tried[hash >> 52];
    for (struct history_tried *t = *bucket; t != NULL; t = t->next) {
        if (t->placed == placed && t->state.count == state->count &&
            memcmp(t->state.items, state->items, bytes) == 0) {
            return false;
        }
    }
    struct history_tried *tried = malloc(sizeof *tried);
    if (tried == NULL) abort();
    *tried = (struct history_tried){*bucket, placed, *state};
    *bucket = tried;
    return true;
}

/* The first end among the operations not placed yet: what began later cannot be next. */
static uint64_t history_horizon(const struct history *history, uint64_t placed)
{
    uint64_t horizon = UINT64_MAX;
    for (size_t i = 0; i < history->count; i++) {
        if ((placed >> i & 1) == 0 && history->operations[i].ended < horizon)
            horizon = history->operations[i].ended;
    }
    return horizon;
}

static bool history_place(struct history_search *search, uint64_t placed,
                          const struct history_state *state)
{
    const struct history *history = search->history;
    uint64_t all = history->count == 64 ? UINT64_MAX : (UINT64_C(1) << history->count) - 1;
    if (placed == all) return true;
    if (!history_note(search, placed, state)) return false;
    uint64_t horizon = history_horizon(history, placed);
    for (size_t i = 0; i < history->count; i++) {
        const struct history_operation *operation = &history->operations[i];
        if ((placed >> i & 1) != 0 || operation->began > horizon) continue;
        struct history_state after = *state;
        if (history_apply(&after, operation) != operation->result) continue;
        if (history_place(search, placed | UINT64_C(1) << i, &after)) return true;
    }
    return false;
}

bool history_is_linearizable(const struct history *history)
{
    struct history_search *search = calloc(1, sizeof *search);
    struct history_state *state = calloc(1, sizeof *state);
    if (search == NULL || state == NULL) abort();
    search->history = history;
    bool found = history_place(search, 0, state);
    for (size_t i = 0; i < HISTORY_BUCKETS; i++) {
        while (search->tried[i] != NULL) {
            struct history_tried *next = search->tried[i]->next;
            free(search->tried[i]);
            search->tried[i] = next;
        }
    }
    free(state);
    free(search);
    return found;
}

void history_print(const struct history *history)
{
    static const char *const names[] = {"read",      "write",    "swap",     "compare",
                                        "add",       "remove",   "erase",    "push head",
                                        "push tail", "pop head", "pop tail", "length"};
    for (size_t i = 0; i < history->count; i++) {
        const struct history_operation *o = &history->operations[i];
        fprintf(stderr, "%6" PRIu64 " - %6" PRIu64 "  %s %u (%u): %u\n", o->began, o->ended,
                names[o->kind], o->argument, o->expected, o->result);
    }
}
