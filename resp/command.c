/*
 * resp/command.c -- the command table: facts joined with handlers, and finding in it by name.
 */
#include "resp/command.h"

#define COMMAND(identifier, ...) command_handler identifier##_command;
#include "resp/command_facts.h"
#undef COMMAND

#define COMMAND(identifier, ...) {identifier##_command, {.name = __VA_ARGS__}},
const struct command command_table[] = {
#include "resp/command_facts.h"
};
#undef COMMAND

const size_t command_table_size = sizeof command_table / sizeof command_table[0];

_Static_assert(2 * sizeof command_table / sizeof command_table[0] <= COMMAND_SLOTS,
               "the map is at most half full");
_Static_assert(COMMAND_FLAG_COUNT <= 16, "a slot keeps the flags in 16 bits");
_Static_assert(COMMAND_SLOTS == 1024, "command_map_start() yields ten bits");

/* ---------------------------------------------------------------------------------- subcommands */

const struct command *command_next_subcommand(const struct command *subcommand)
{
    const struct command *next = subcommand + 1;
    if (command_index(next) == command_table_size || !command_is_subcommand(next)) return NULL;
    size_t container = (size_t)(strchr(subcommand->facts.name, '|') - subcommand->facts.name) + 1;
    return strncmp(subcommand->facts.name, next->facts.name, container) == 0 ? next : NULL;
}

const struct command *command_first_subcommand(const struct command *container)
{
    const struct command *next = container + 1;
    if (command_is_subcommand(container) || command_index(next) == command_table_size) return NULL;
    return command_is_subcommand(next) ? next : NULL;
}

const struct command *command_find_subcommand(const struct command *container, kv_slice name)
{
    const struct command *at = command_first_subcommand(container);
    for (; at != NULL; at = command_next_subcommand(at))
        if (text_is(name, strchr(at->facts.name, '|') + 1)) return at;
    return NULL;
}

bool command_sees_everything(const struct command *command)
{
    const struct command_keys *keys = command->facts.keys;
    for (; keys != NULL && keys->first != 0; keys++)
        if (keys->is_unknown) return true;
    if (command->facts.keys != NULL) return false;
    if (command->facts.flags & (COMMAND_WRITE | COMMAND_READONLY | COMMAND_ADMIN)) return true;
    return strcmp(command->facts.name, "info") == 0;
}

/* ----------------------------------------------------------------------------- keys in requests */

static kv_status command_find_counted(const struct command_keys *keys, const kv_slice *arguments,
                                      size_t count, command_visit_key *visit, void *context)
{
    size_t at = (size_t)keys->first;
    int64_t number;
    if (at >= count || !text_parse_integer(arguments[at], &number)) return KV_BADARG;
    if (number <= 0 || (uint64_t)number > count - at - 1) return KV_BADARG;
    for (size_t i = 1; i <= (size_t)number; i++) visit(context, at + i, keys->flags);
    return KV_OK;
}

static kv_status command_find_range(const struct command_keys *keys, size_t count,
                                    command_visit_key *visit, void *context)
{
    int64_t first = keys->first;
    int64_t last = keys->last < 0 ? (int64_t)count + keys->last : first + keys->last;
    if (last >= (int64_t)count || last < first) return KV_BADARG;
    for (int64_t i = first; i <= last; i += keys->step) visit(context, (size_t)i, keys->flags);
    return KV_OK;
}

/*
 * What follows the keyword: one key, if `last` is 0, and then the keyword may be missing; or keys
 * and as many other things.
 */
static kv_status command_find_after(const struct command_keys *keys, const kv_slice *arguments,
                                    size_t count, command_visit_key *visit, void *context)
{
    char word[COMMAND_NAME_MAX + 1] = {0};
    for (size_t i = 0; keys->keyword[i] != '\0'; i++)
        word[i] = (char)text_lower((uint8_t)keys->keyword[i]);
    size_t at = (size_t)keys->first;
    while (at < count && !text_is(arguments[at], word)) at++;
    if (keys->last == 0) {
        if (at + 1 < count) visit(context, at + 1, keys->flags);
        return KV_OK;
    }
    if (at + 1 >= count || (count - at - 1) % 2 != 0) return KV_BADARG;
    for (size_t i = 0; i < (count - at - 1) / 2; i++) visit(context, at + 1 + i, keys->flags);
    return KV_OK;
}

/*
 * The destination of a SORT: what follows the last STORE that is not the value of another option.
 * The keys that patterns name are not among the arguments.
 */
static void command_find_sorted(const struct command_keys *keys, const kv_slice *arguments,
                                size_t count, command_visit_key *visit, void *context)
{
    size_t destination = 0;
    if ((keys->flags & KEY_OW) == 0) return;
    for (size_t i = (size_t)keys->first; i < count; i++) {
        if (text_is(arguments[i], "limit")) i += 2;
        else if (text_is(arguments[i], "get") || text_is(arguments[i], "by")) i++;
        else if (text_is(arguments[i], "store") && i + 1 < count) destination = i + 1;
    }
    if (destination > 0) visit(context, destination, keys->flags);
}

/* What follows KEYS in a MIGRATE, unless that is what another option is given. False: no KEYS. */
static bool command_find_migrated(const struct command_keys *keys, const kv_slice *arguments,
                                  size_t count, command_visit_key *visit, void *context)
{
    for (size_t i = 6; i < count; i++) {
        if (text_is(arguments[i], "auth")) {
            i++;
        } else if (text_is(arguments[i], "auth2")) {
            i += 2;
        } else if (text_is(arguments[i], "keys") && i + 1 < count) {
            for (size_t at = i + 1; at < count; at++)
                visit(context, at, keys->flags & ~(unsigned)KEY_INCOMPLETE);
            return true;
        }
    }
    return false;
}

kv_status command_find_keys(const struct command *command, const kv_slice *arguments, size_t count,
                            command_visit_key *visit, void *context)
{
    const struct command_keys *keys = command->facts.keys;
    if (!command_has_keys(command)) return KV_NONE;
    if (keys[1].first != 0 && keys[1].is_rest) {
        if (command_find_migrated(&keys[1], arguments, count, visit, context)) return KV_OK;
        return command_find_range(keys, count, visit, context);
    }
    for (; keys->first != 0; keys++) {
        kv_status status = KV_OK;
        if (keys->is_unknown) command_find_sorted(keys, arguments, count, visit, context);
        else if (keys->keyword != NULL)
            status = command_find_after(keys, arguments, count, visit, context);
        else if (keys->is_counted)
            status = command_find_counted(keys, arguments, count, visit, context);
        else status = command_find_range(keys, count, visit, context);
        if (status != KV_OK) return status;
    }
    return KV_OK;
}

/* ------------------------------------------------------------------------------ finding by name */

/* Whether the groups' commands are about collections, whose members may lie far from the key. */
static bool command_is_of_collection(int group)
{
    return group == GROUP_LIST || group == GROUP_HASH || group == GROUP_SET ||
           group == GROUP_SORTED_SET || group == GROUP_GEO || group == GROUP_STREAM;
}

static void command_fill_slot(struct command_slot *slot, const struct command *command)
{
    const struct command_facts *facts = &command->facts;
    slot->command = command;
    slot->flags = (uint16_t)facts->flags;
    bool is_constant = strncmp(facts->complexity, "O(1)", 4) == 0;
    slot->is_short = (is_constant || facts->flags & COMMAND_FAST) &&
                     !(facts->flags & (COMMAND_ADMIN | COMMAND_BLOCKING));
    /* Subcommands are found, and DEBUG is allowed or not, in the slow path. */
    if (command_first_subcommand(command) != NULL || command->handler == debug_command) {
        slot->arity_min = UINT32_MAX;
        slot->arity_max = 0;
    } else {
        slot->arity_min = (uint32_t)(facts->arity < 0 ? -facts->arity : facts->arity);
        slot->arity_max = facts->arity < 0 ? UINT32_MAX : slot->arity_min;
    }
    const struct command_keys *keys = facts->keys;
    bool is_single = command_has_keys(command) && !keys->is_counted && keys->last == 0;
    slot->first_key = is_single && facts->arity != -1 ? (uint16_t)keys->first : 0;
    slot->member = facts->member;
    slot->is_deep = command_is_of_collection(facts->group);
}

static void command_map_add_longer(struct command_map *map, const struct command *command)
{
    size_t i = 0;
    while (i < COMMAND_LONGER && map->longer[i].command != NULL) i++;
    if (i < COMMAND_LONGER) command_fill_slot(&map->longer[i], command);
}

static void command_map_add(struct command_map *map, const struct command *command)
{
    char text[COMMAND_NAME_MAX] = {0};
    size_t size = strlen(command->facts.name);
    if (size > COMMAND_NAME_MAX) {
        command_map_add_longer(map, command);
        return;
    }
    memcpy(text, command->facts.name, size);
    uint64_t name[2] = {command_load_name(text, size < 8 ? size : 8),
                        command_load_name(text + 8, size > 8 ? size - 8 : 0)};
    size_t i = command_map_start(name[0], name[1]);
    while (map->slots[i].command != NULL) i = (i + 1) % COMMAND_SLOTS;
    memcpy(map->slots[i].name, name, sizeof name);
    size_t mark_at = strcspn(command->facts.name, "_.");
    map->slots[i].mark_at = mark_at < size ? (uint8_t)mark_at : 0;
    map->slots[i].mark = mark_at < size ? text[mark_at] : 0;
    command_fill_slot(&map->slots[i], command);
}

void command_map_build(struct command_map *map)
{
    memset(map, 0, sizeof *map);
    for (size_t i = 0; i < command_table_size; i++)
        if (!command_is_subcommand(&command_table[i])) command_map_add(map, &command_table[i]);
}

const struct command_slot *command_map_find_longer(const struct command_map *map, kv_slice name)
{
    if (name.size <= COMMAND_NAME_MAX) return NULL;
    for (size_t i = 0; i < COMMAND_LONGER && map->longer[i].command != NULL; i++)
        if (text_is(name, map->longer[i].command->facts.name)) return &map->longer[i];
    return NULL;
}

const struct command_slot *command_map_find(const struct command_map *map, kv_slice name)
{
    char padded[COMMAND_NAME_MAX] = {0};
    if (name.size == 0 || name.size > COMMAND_NAME_MAX) return command_map_find_longer(map, name);
    memcpy(padded, name.data, name.size);
    return command_map_find_padded(map, padded, name.size);
}

const struct command *command_map_find_full(const struct command_map *map, kv_slice name)
{
    const char *bar = name.size > 0 ? memchr(name.data, '|', name.size) : NULL;
    size_t size = bar != NULL ? (size_t)(bar - (const char *)name.data) : name.size;
    const struct command_slot *slot = command_map_find(map, kv_bytes(name.data, size));
    if (slot == NULL || bar == NULL) return slot != NULL ? slot->command : NULL;
    return command_find_subcommand(slot->command, kv_bytes(bar + 1, name.size - size - 1));
}
