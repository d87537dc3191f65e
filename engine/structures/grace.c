/*
 * structures/grace.c -- see grace.h.
 *
 * Why two generations suffice: a reader counts itself in generation g and looks again whether g is
 * still current, so it can only see blocks that were reachable in g. A block retired during g goes
 * on list g. The generation moves from g to g+1 only when the readers of g-1 have left and list g-1
 * was freed; readers of g+1 came after every block of list g was unlinked. So list g may be freed
 * when the readers of g have left and the generation is g+1.
 */
#include "structures/grace.h"

struct grace_block {
    struct grace_block *next;
    size_t count; /* of its lines */
    bool is_of_strip;
};

KV_INTERNAL void grace_init(struct grace *grace, struct lines *lines)
{
    atomic_init(&grace->generation, 0);
    atomic_init(&grace->readers[0], 0);
    atomic_init(&grace->readers[1], 0);
    lock_init(&grace->lock);
    grace->lines = lines;
    grace->retired[0] = grace->retired[1] = NULL;
}

static void grace_free_list(struct grace *grace, struct grace_block **list)
{
    while (*list != NULL) {
        struct grace_block *block = *list;
        *list = block->next;
        lines_put(grace->lines, block, block->count, block->is_of_strip);
    }
}

KV_INTERNAL void grace_destroy(struct grace *grace)
{
    grace_free_list(grace, &grace->retired[0]);
    grace_free_list(grace, &grace->retired[1]);
}

/* Moves the generation on if the readers of the one before have left. Called with the lock held. */
static void grace_advance(struct grace *grace)
{
    uint32_t generation = atomic_load(&grace->generation);
    uint32_t before = (generation + 1) & 1; /* the parity of generation - 1 */
    if (atomic_load(&grace->readers[before]) != 0) return;
    grace_free_list(grace, &grace->retired[before]);
    atomic_store(&grace->generation, generation + 1);
}

KV_INTERNAL void grace_retire(struct grace *grace, void *block, size_t count, bool is_of_strip)
{
    struct grace_block *entry = block;
    entry->count = count;
    entry->is_of_strip = is_of_strip;
    lock_lock(&grace->lock);
    struct grace_block **list = &grace->retired[atomic_load(&grace->generation) & 1];
    entry->next = *list;
    *list = entry;
    grace_advance(grace); /* twice: with no reader about, what was just retired goes at once */
    grace_advance(grace);
    lock_unlock(&grace->lock);
}

KV_INTERNAL void grace_collect(struct grace *grace)
{
    lock_lock(&grace->lock);
    grace_advance(grace);
    grace_advance(grace);
    lock_unlock(&grace->lock);
}
