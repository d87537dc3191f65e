/*
 * tests/engine/model_sequence.h -- the naive model of a list: an array of texts, one malloc each.
 *
 * Everything is done the plainest way, so that it is right by inspection.
 */
#ifndef KV_TESTS_MODEL_SEQUENCE_H
#define KV_TESTS_MODEL_SEQUENCE_H

#include "kvstore.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct model_text {
    char *data;
    size_t size;
};

struct model_sequence {
    struct model_text *items;
    size_t count, capacity;
};

static inline kv_slice model_at(const struct model_sequence *model, size_t index)
{
    return KV_BYTES(model->items[index].data, model->items[index].size);
}

static inline bool model_is(const struct model_sequence *model, size_t index, kv_slice value)
{
    const struct model_text *item = &model->items[index];
    return item->size == value.size &&
           (value.size == 0 || memcmp(item->data, value.data, value.size) == 0);
}

static inline void model_insert(struct model_sequence *model, size_t index, kv_slice value)
{
    if (model->count == model->capacity) {
        model->capacity = model->capacity * 2 + 16;
        model->items = realloc(model->items, model->capacity * sizeof *model->items);
    }
    memmove(model->items + index + 1, model->items + index,
            (model->count - index) * sizeof *model->items);
    struct model_text text = {malloc(value.size + 1), value.size};
    if (value.size > 0) memcpy(text.data, value.data, value.size);
    model->items[index] = text;
    model->count++;
}

static inline void model_delete(struct model_sequence *model, size_t index, size_t count)
{
    if (count == 0) return;
    for (size_t i = 0; i < count; i++) free(model->items[index + i].data);
    memmove(model->items + index, model->items + index + count,
            (model->count - index - count) * sizeof *model->items);
    model->count -= count;
}

static inline void model_push(struct model_sequence *model, kv_end end, const kv_slice *values,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        model_insert(model, end == KV_HEAD ? 0 : model->count, values[i]);
    }
}

static inline size_t model_delete_equal(struct model_sequence *model, kv_slice value, size_t limit,
                                        kv_end end)
{
    size_t removed = 0;
    if (end == KV_HEAD) {
        for (size_t i = 0; i < model->count && removed < limit;) {
            if (!model_is(model, i, value)) {
                i++;
                continue;
            }
            model_delete(model, i, 1);
            removed++;
        }
    } else {
        for (size_t i = model->count; i-- > 0 && removed < limit;) {
            if (!model_is(model, i, value)) continue;
            model_delete(model, i, 1);
            removed++;
        }
    }
    return removed;
}

static inline void model_free(struct model_sequence *model)
{
    model_delete(model, 0, model->count);
    free(model->items);
    *model = (struct model_sequence){0};
}

#endif
