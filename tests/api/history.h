/*
 * tests/api/history.h -- what threads did to one key and when, and whether one order of it explains
 * what they saw.
 *
 * A history is linearizable (Herlihy & Wing 1990) if its operations can be put in an order in which
 * each result is right, such that an operation that ended before another began also comes before
 * it. The search is Wing & Gong's (1993) with Lowe's memory of what was tried (2017): it places one
 * operation after another and goes back when none fits. A store is linearizable if the history of
 * each key is.
 */
#ifndef KV_TESTS_API_HISTORY_H
#define KV_TESTS_API_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A key holds nothing (no elements), one value (register: a list of one) or the elements of a list;
 * all are small numbers.
 */
enum history_kind {
    HISTORY_READ,      /* result: the value; 0 if there is none */
    HISTORY_WRITE,     /* argument */
    HISTORY_SWAP,      /* argument is written; result: what was there before, or 0 */
    HISTORY_COMPARE,   /* argument is written if `expected` is there; result: 1 if so */
    HISTORY_ADD,       /* argument is added; result: the sum */
    HISTORY_REMOVE,    /* result: 1 if there was something */
    HISTORY_ERASE,     /* a flush: no result */
    HISTORY_PUSH_HEAD, /* argument; result: the length after */
    HISTORY_PUSH_TAIL,
    HISTORY_POP_HEAD, /* result: the element, or 0 if there was none */
    HISTORY_POP_TAIL,
    HISTORY_LENGTH /* result */
};

struct history_operation {
    enum history_kind kind;
    uint32_t argument, expected, result;
    uint64_t began, ended; /* in one count of all events */
};

#define HISTORY_MAX 64 /* operations of one key */

struct history {
    size_t count;
    struct history_operation operations[HISTORY_MAX];
};

/* True if there is an order that explains it, starting with an absent key. */
bool history_is_linearizable(const struct history *history);

/* Writes a history to standard error. */
void history_print(const struct history *history);

#endif
