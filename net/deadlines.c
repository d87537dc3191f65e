/*
 * net/deadlines.c -- connections that must be run at some instant: a binary heap, earliest first.
 */
#include "net/deadlines.h"

#include <stdlib.h>

static void deadlines_put(struct deadlines *heap, struct deadline *deadline, size_t place)
{
    heap->items[place] = deadline;
    deadline->place = place;
}

static void deadlines_sift(struct deadlines *heap, struct deadline *deadline, size_t place)
{
    while (place > 1 && heap->items[place / 2]->at_ms > deadline->at_ms) {
        deadlines_put(heap, heap->items[place / 2], place);
        place /= 2;
    }
    for (;;) {
        size_t child = 2 * place;
        if (child > heap->count) break;
        if (child < heap->count && heap->items[child + 1]->at_ms < heap->items[child]->at_ms)
            child++;
        if (heap->items[child]->at_ms >= deadline->at_ms) break;
        deadlines_put(heap, heap->items[child], place);
        place = child;
    }
    deadlines_put(heap, deadline, place);
}

bool deadlines_set(struct deadlines *heap, struct deadline *deadline, int64_t at_ms)
{
    if (deadline->place == 0) {
        if (heap->count + 1 >= heap->capacity) {
            size_t capacity = heap->capacity == 0 ? 16 : 2 * heap->capacity;
            struct deadline **items = realloc(heap->items, capacity * sizeof *items);
            if (items == NULL) return false;
            heap->items = items;
            heap->capacity = capacity;
        }
        deadlines_put(heap, deadline, ++heap->count);
    }
    deadline->at_ms = at_ms;
    deadlines_sift(heap, deadline, deadline->place);
    return true;
}

void deadlines_remove(struct deadlines *heap, struct deadline *deadline)
{
    size_t place = deadline->place;
    if (place == 0) return;
    deadline->place = 0;
    struct deadline *last = heap->items[heap->count--];
    if (last != deadline) deadlines_sift(heap, last, place);
}

struct deadline *deadlines_first(const struct deadlines *heap)
{
    return heap->count == 0 ? NULL : heap->items[1];
}

void deadlines_free(struct deadlines *heap)
{
    free(heap->items);
    *heap = (struct deadlines){0};
}
