/*
 * resp/command.h -- the command table: what each command is called, what is true of it, who
 * executes it.
 *
 * The table is the module's table of contents: command_facts.h has the facts, one row a command,
 * and the row's identifier names the handler, `identifier_command`, in the file of its group
 * (commands_strings.c, commands_lists.c...). A subcommand is a row of its own, "client|id", after
 * its container; a container without a handler of its own only says that a subcommand is unknown.
 *
 * To add a command: a row in command_facts.h and a function.
 */
#ifndef KV_RESP_COMMAND_H
#define KV_RESP_COMMAND_H

#include "resp/command_facts.h"
#include "resp/text.h"

struct call;

/*
 * Executes the command of the call and writes one reply. The number of arguments has been checked.
 */
typedef void command_handler(struct call *call);

struct command {
    command_handler *handler;
    struct command_facts facts;
};

extern const struct command command_table[];
extern const size_t command_table_size;

/* A command's place in the table: a key for arrays of statistics. */
static inline size_t command_index(const struct command *command)
{
    return (size_t)(command - command_table);
}

static inline bool command_is_subcommand(const struct command *command)
{
    return strchr(command->facts.name, '|') != NULL;
}

/* The first subcommand of a container, or NULL; then the next one, or NULL. */
const struct command *command_first_subcommand(const struct command *container);
const struct command *command_next_subcommand(const struct command *subcommand);

/* The subcommand of `container` that is called `name`, in any case; or NULL. */
const struct command *command_find_subcommand(const struct command *container, kv_slice name);

static inline bool command_arity_fits(const struct command *command, size_t count)
{
    int arity = command->facts.arity;
    return arity >= 0 ? count == (size_t)arity : count >= (size_t)-arity;
}

static inline bool command_has_keys(const struct command *command)
{
    const struct command_keys *keys = command->facts.keys;
    return keys != NULL && !(keys->flags & KEY_NOT_KEY);
}

/*
 * True for commands without keys that look at or change the store as a whole, and for those whose
 * keys the arguments do not tell, so that EXEC must hold all of it.
 */
bool command_sees_everything(const struct command *command);

/* ----------------------------------------------------------------------------- keys in requests */

typedef void command_visit_key(void *context, size_t index, unsigned flags);

/*
 * Shows which arguments are keys and what the command does to them (enum command_key_flag). KV_OK;
 * KV_NONE if the command has no keys; KV_BADARG if the arguments are no such command (too few, a
 * wrong number of keys).
 */
kv_status command_find_keys(const struct command *command, const kv_slice *arguments, size_t count,
                            command_visit_key *visit, void *context);

/* ------------------------------------------------------------------------------ finding by name */

enum {
    COMMAND_NAME_MAX = 16, /* of those in the map's slots */
    COMMAND_SLOTS = 1024,
    COMMAND_LONGER = 4 /* commands with longer names: GEORADIUSBYMEMBER */
};

/*
 * What the hot path needs to know of a command, in the slot where its name leads. Names have mostly
 * no more than 16 letters and are kept as two words of eight, in lower case; the others are few.
 */
struct command_slot {
    uint64_t name[2];
    const struct command *command; /* NULL: a free slot */
    uint32_t arity_min, arity_max; /* of the fast path; never fits where a look is needed */
    uint16_t first_key;            /* of commands with a single key at a fixed place; 0: others */
    uint16_t flags;                /* of the facts */
    uint8_t member;                /* of the facts, of those with a first_key */
    bool is_deep;                  /* with a first_key: its value is a collection */
    bool is_short;                 /* takes about as long each time, and not long */
    uint8_t mark_at; /* where the name has what is no letter, as BITFIELD_RO; 0: it has none */
    char mark;
};

/* Open addressing, at most half full; made once for each kvresp. */
struct command_map {
    struct command_slot slots[COMMAND_SLOTS];
    struct command_slot longer[COMMAND_LONGER];
};

void command_map_build(struct command_map *map);

/* Spreads a name over the slots; the multipliers are the golden ratio's and splitmix64's. */
static inline size_t command_map_start(uint64_t first, uint64_t second)
{
    return (size_t)((first * 0x9e3779b97f4a7c15u ^ second * 0xbf58476d1ce4e5b9u) >> 54);
}

/*
 * Loads `size` bytes of a name, at most 8, as a word in lower case with zeros behind. Setting bit 5
 * makes capitals small and maps no other byte to a small letter, so nothing else matches the
 * letters of a name; a mark in it, an underscore or a point, is looked at once more. Where the
 * machine is little-endian 8 bytes are read whatever the size, and those too many masked out.
 */
static inline uint64_t command_load_name(const void *name, size_t size)
{
    uint64_t word = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    static const uint64_t mask[9] = {
        0x0,          0xff,           0xffff,           0xffffff,          0xffffffff,
        0xffffffffff, 0xffffffffffff, 0xffffffffffffff, 0xffffffffffffffff};
    memcpy(&word, name, 8);
    return (word | 0x2020202020202020u) & mask[size];
#else
    memcpy(&word, name, size);
    for (size_t i = 0; i < size; i++) ((uint8_t *)&word)[i] |= 0x20;
    return word;
#endif
}

/* The command of a name that is longer than those in the slots; or NULL. */
const struct command_slot *command_map_find_longer(const struct command_map *map, kv_slice name);

/*
 * Finds a command by its name, in any case. 16 bytes from `name` on may be read, whatever its size.
 */
static inline const struct command_slot *command_map_find_padded(const struct command_map *map,
                                                                 const void *name, size_t size)
{
    if (TEXT_UNLIKELY(size > COMMAND_NAME_MAX || size == 0))
        return command_map_find_longer(map, kv_bytes(name, size));
    uint64_t first = command_load_name(name, size < 8 ? size : 8);
    uint64_t second = size > 8 ? command_load_name((const char *)name + 8, size - 8) : 0;
    for (size_t i = command_map_start(first, second);; i = (i + 1) % COMMAND_SLOTS) {
        const struct command_slot *slot = &map->slots[i];
        if (TEXT_LIKELY(slot->name[0] == first && slot->name[1] == second)) {
            bool is_exact =
                slot->mark_at == 0 || ((const char *)name)[slot->mark_at] == slot->mark;
            return is_exact ? slot : NULL;
        }
        if (slot->command == NULL) return NULL;
    }
}

/* The same for a name of which no more than its size may be read. */
const struct command_slot *command_map_find(const struct command_map *map, kv_slice name);

/* The command called `name`, which may be "container|subcommand"; or NULL. */
const struct command *command_map_find_full(const struct command_map *map, kv_slice name);

#endif
