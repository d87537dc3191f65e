/*
 * resp/commands_command.c -- COMMAND: the command table, told to clients. command_facts.h has the
 * shapes of the replies.
 */
#include "resp/commands.h"

/* ------------------------------------------------------------------------- sets of simple words */

static unsigned bits_count(uint32_t bits)
{
    unsigned count = 0;
    for (; bits != 0; bits &= bits - 1) count++;
    return count;
}

/* The names of the bits as a set of simple strings, each behind `mark` if it is not 0. */
static void write_bits(struct writer *reply, uint32_t bits, const char *const *names, char mark)
{
    char text[32] = {mark};
    writer_set(reply, bits_count(bits));
    for (unsigned i = 0; i < 32; i++) {
        if (!(bits & 1u << i)) continue;
        strncpy(text + (mark != 0), names[i], sizeof text - 2);
        writer_simple(reply, text);
    }
}

static const char *const command_flag_names[] = {COMMAND_FLAG_NAMES};
static const char *const command_category_names[] = {COMMAND_CATEGORY_NAMES};
static const char *const command_key_flag_names[] = {COMMAND_KEY_FLAG_NAMES};
static const char *const command_group_names[] = {COMMAND_GROUP_NAMES};
static const char *const command_argument_type_names[] = {COMMAND_ARGUMENT_TYPE_NAMES};
static const char *const command_argument_flag_names[] = {COMMAND_ARGUMENT_FLAG_NAMES};
_Static_assert(sizeof command_flag_names / sizeof(char *) == COMMAND_FLAG_COUNT,
               "a name for each flag");
_Static_assert(sizeof command_category_names / sizeof(char *) == CATEGORY_COUNT,
               "a name for each category");
_Static_assert(sizeof command_key_flag_names / sizeof(char *) == KEY_FLAG_COUNT,
               "a name for each flag");
_Static_assert(sizeof command_group_names / sizeof(char *) == GROUP_COUNT, "a name for each group");
_Static_assert(sizeof command_argument_type_names / sizeof(char *) == ARGUMENT_TYPE_COUNT,
               "a name for each type");

/* --------------------------------------------------------------------------------- COMMAND INFO */

static void write_pair(struct writer *reply, const char *name, int64_t value)
{
    writer_bulk_text(reply, name);
    writer_integer(reply, value);
}

/* The halves of a key specification of which nothing can be told. */
static void write_unknown(struct writer *reply, const char *name)
{
    writer_bulk_text(reply, name);
    writer_map(reply, 2);
    writer_bulk_text(reply, "type");
    writer_bulk_text(reply, "unknown");
    writer_bulk_text(reply, "spec");
    writer_map(reply, 0);
}

static void write_begin_search(struct writer *reply, const struct command_keys *keys)
{
    writer_bulk_text(reply, "begin_search");
    writer_map(reply, 2);
    writer_bulk_text(reply, "type");
    writer_bulk_text(reply, keys->keyword != NULL ? "keyword" : "index");
    writer_bulk_text(reply, "spec");
    if (keys->keyword == NULL) {
        writer_map(reply, 1);
        write_pair(reply, "index", keys->first);
    } else {
        writer_map(reply, 2);
        writer_bulk_text(reply, "keyword");
        writer_bulk_text(reply, keys->keyword);
        write_pair(reply, "startfrom", keys->first);
    }
}

static void write_find_keys(struct writer *reply, const struct command_keys *keys)
{
    writer_bulk_text(reply, "find_keys");
    writer_map(reply, 2);
    writer_bulk_text(reply, "type");
    writer_bulk_text(reply, keys->is_counted ? "keynum" : "range");
    writer_bulk_text(reply, "spec");
    writer_map(reply, 3);
    if (keys->is_counted) {
        write_pair(reply, "keynumidx", 0);
        write_pair(reply, "firstkey", 1);
        write_pair(reply, "keystep", keys->step);
    } else {
        write_pair(reply, "lastkey", keys->last);
        write_pair(reply, "keystep", keys->step);
        write_pair(reply, "limit", keys->keyword != NULL && keys->last < 0 && !keys->is_rest ? 2 : 0);
    }
}

static void write_keys(struct writer *reply, const struct command_keys *keys)
{
    size_t count = 0;
    while (keys != NULL && keys[count].first != 0) count++;
    writer_set(reply, count);
    for (size_t i = 0; i < count; i++) {
        writer_map(reply, keys[i].note != NULL ? 4 : 3);
        if (keys[i].note != NULL) {
            writer_bulk_text(reply, "notes");
            writer_bulk_text(reply, keys[i].note);
        }
        writer_bulk_text(reply, "flags");
        write_bits(reply, keys[i].flags, command_key_flag_names, 0);
        if (keys[i].is_unknown) {
            write_unknown(reply, "begin_search");
            write_unknown(reply, "find_keys");
        } else {
            write_begin_search(reply, &keys[i]);
            write_find_keys(reply, &keys[i]);
        }
    }
}

static size_t texts_count(const char *const *texts)
{
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL) count++;
    return count;
}

static void write_tips(struct writer *reply, const char *const *tips)
{
    size_t count = texts_count(tips);
    writer_set(reply, count);
    for (size_t i = 0; i < count; i++) writer_bulk_text(reply, tips[i]);
}

static size_t subcommand_count(const struct command *command)
{
    size_t count = 0;
    const struct command *at = command_first_subcommand(command);
    for (; at != NULL; at = command_next_subcommand(at)) count++;
    return count;
}

static void write_command(struct writer *reply, const struct command *command)
{
    const struct command_facts *facts = &command->facts;
    int range[3];
    command_key_range(facts, range);
    writer_array(reply, 10);
    writer_bulk_text(reply, facts->name);
    writer_integer(reply, facts->arity);
    write_bits(reply, facts->flags, command_flag_names, 0);
    for (int i = 0; i < 3; i++) writer_integer(reply, range[i]);
    write_bits(reply, command_categories(facts), command_category_names, '@');
    write_tips(reply, facts->tips);
    write_keys(reply, facts->keys);
    writer_set(reply, subcommand_count(command));
    const struct command *at = command_first_subcommand(command);
    for (; at != NULL; at = command_next_subcommand(at)) write_command(reply, at);
}

/* All commands that are no subcommands, by `write`. */
static size_t command_count_top(void)
{
    size_t count = 0;
    for (size_t i = 0; i < command_table_size; i++)
        count += !command_is_subcommand(&command_table[i]);
    return count;
}

void command_command(struct call *call)
{
    writer_array(call->reply, command_count_top());
    for (size_t i = 0; i < command_table_size; i++)
        if (!command_is_subcommand(&command_table[i]))
            write_command(call->reply, &command_table[i]);
}

void command_info_command(struct call *call)
{
    if (call->count == 2) {
        command_command(call);
        return;
    }
    writer_array(call->reply, call->count - 2);
    for (size_t i = 2; i < call->count; i++) {
        const struct command *command =
            command_map_find_full(&call->resp->commands, call->arguments[i]);
        if (command != NULL) write_command(call->reply, command);
        else writer_null(call->reply);
    }
}

void command_count_command(struct call *call)
{
    writer_integer(call->reply, (int64_t)command_count_top());
}

/* --------------------------------------------------------------------------------- COMMAND DOCS */

/* The members of a map whose count is known when they have been written. */
struct docs_map {
    struct writer *reply;
    size_t began;
    uint64_t count;
};

static struct docs_map docs_begin(struct writer *reply)
{
    return (struct docs_map){reply, writer_begin_deferred(reply), 0};
}

static void docs_end(const struct docs_map *map)
{
    writer_end_deferred(map->reply, map->began, '%', map->count);
}

static void docs_name(struct docs_map *map, const char *name)
{
    writer_bulk_text(map->reply, name);
    map->count++;
}

static void docs_text(struct docs_map *map, const char *name, const char *text)
{
    if (text == NULL) return;
    docs_name(map, name);
    writer_bulk_text(map->reply, text);
}

static void docs_arguments(struct docs_map *map, const struct command_argument *arguments);

static void docs_argument(struct writer *reply, const struct command_argument *argument)
{
    struct docs_map map = docs_begin(reply);
    docs_text(&map, "name", argument->name);
    docs_text(&map, "type", command_argument_type_names[argument->type]);
    /* A pattern that makes keys has one, never the first. */
    if (argument->type == ARGUMENT_KEY || argument->key_spec > 0) {
        docs_name(&map, "key_spec_index");
        writer_integer(reply, argument->key_spec);
    }
    docs_text(&map, "token", argument->token);
    docs_text(&map, "since", argument->since);
    docs_text(&map, "deprecated_since", argument->deprecated_since);
    if (argument->flags != 0) {
        docs_name(&map, "flags");
        write_bits(reply, argument->flags, command_argument_flag_names, 0);
    }
    docs_arguments(&map, argument->arguments);
    docs_end(&map);
}

static void docs_arguments(struct docs_map *map, const struct command_argument *arguments)
{
    size_t count = 0;
    if (arguments == NULL) return;
    while (arguments[count].name != NULL) count++;
    docs_name(map, "arguments");
    writer_array(map->reply, count);
    for (size_t i = 0; i < count; i++) docs_argument(map->reply, &arguments[i]);
}

static void docs_history(struct docs_map *map, const char *const *history)
{
    size_t count = texts_count(history);
    if (count == 0) return;
    docs_name(map, "history");
    writer_set(map->reply, count / 2);
    for (size_t i = 0; i < count; i += 2) {
        writer_array(map->reply, 2);
        writer_bulk_text(map->reply, history[i]);
        writer_bulk_text(map->reply, history[i + 1]);
    }
}

static void docs_flags(struct docs_map *map, const struct command_facts *facts)
{
    static const char *const names[] = {"deprecated", "syscmd"};
    uint32_t flags = (facts->deprecated_since != NULL) | (uint32_t)(facts->is_system ? 2 : 0);
    if (flags == 0) return;
    docs_name(map, "doc_flags");
    write_bits(map->reply, flags, names, 0);
}

/* The name and the map of one command. */
static void docs_command(struct writer *reply, const struct command *command)
{
    const struct command_facts *facts = &command->facts;
    writer_bulk_text(reply, facts->name);
    struct docs_map map = docs_begin(reply);
    docs_text(&map, "summary", facts->summary);
    docs_text(&map, "since", facts->since);
    docs_text(&map, "group", command_group_names[facts->group]);
    docs_text(&map, "complexity", facts->complexity);
    docs_flags(&map, facts);
    docs_text(&map, "deprecated_since", facts->deprecated_since);
    docs_text(&map, "replaced_by", facts->replaced_by);
    docs_history(&map, facts->history);
    docs_arguments(&map, facts->arguments);
    const struct command *at = command_first_subcommand(command);
    if (at != NULL) {
        docs_name(&map, "subcommands");
        writer_map(reply, subcommand_count(command));
        for (; at != NULL; at = command_next_subcommand(at)) docs_command(reply, at);
    }
    docs_end(&map);
}

void command_docs_command(struct call *call)
{
    struct docs_map all = docs_begin(call->reply);
    for (size_t i = 0; call->count == 2 && i < command_table_size; i++) {
        if (command_is_subcommand(&command_table[i])) continue;
        docs_command(call->reply, &command_table[i]);
        all.count++;
    }
    for (size_t i = 2; i < call->count; i++) {
        const struct command *command =
            command_map_find_full(&call->resp->commands, call->arguments[i]);
        if (command == NULL) continue;
        docs_command(call->reply, command);
        all.count++;
    }
    docs_end(&all);
}

/* --------------------------------------------------------------------------------- COMMAND LIST */

enum list_filter { LIST_ALL, LIST_MODULE, LIST_CATEGORY, LIST_PATTERN };

static bool list_is_meant(const struct command *command, enum list_filter filter, kv_slice value)
{
    uint32_t categories = command_categories(&command->facts);
    switch (filter) {
    case LIST_ALL: return true;
    case LIST_MODULE: return false; /* no command comes from a module */
    case LIST_PATTERN: return kv_match(value, kv_text(command->facts.name), true);
    case LIST_CATEGORY: break;
    }
    for (unsigned i = 0; i < CATEGORY_COUNT; i++)
        if (categories & 1u << i && text_is(value, command_category_names[i])) return true;
    return false;
}

void command_list_command(struct call *call)
{
    enum list_filter filter = LIST_ALL;
    kv_slice value = {0};
    if (call->count == 5 && call_is(call, 2, "filterby")) {
        value = call->arguments[4];
        if (call_is(call, 3, "module")) filter = LIST_MODULE;
        else if (call_is(call, 3, "aclcat")) filter = LIST_CATEGORY;
        else if (call_is(call, 3, "pattern")) filter = LIST_PATTERN;
    }
    if (call->count != 2 && filter == LIST_ALL) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    size_t began = writer_begin_deferred(call->reply);
    uint64_t count = 0;
    for (size_t i = 0; i < command_table_size; i++) {
        if (!list_is_meant(&command_table[i], filter, value)) continue;
        writer_bulk_text(call->reply, command_table[i].facts.name);
        count++;
    }
    writer_end_deferred(call->reply, began, '*', count);
}

/* ------------------------------------------------------------------------------ COMMAND GETKEYS */

struct found_keys {
    struct call *call;
    const kv_slice *arguments;
    uint64_t count;
    bool with_flags;
    unsigned variable_flags; /* what the arguments make of KEY_VARIABLE_FLAGS */
};

static void getkeys_visit(void *context, size_t index, unsigned flags)
{
    struct found_keys *found = context;
    struct writer *reply = found->call->reply;
    found->count++;
    if (!found->with_flags) {
        writer_bulk(reply, found->arguments[index]);
        return;
    }
    if (flags & KEY_VARIABLE_FLAGS) flags = found->variable_flags;
    writer_array(reply, 2);
    writer_bulk(reply, found->arguments[index]);
    write_bits(reply, flags, command_key_flag_names, 0);
}

/* SET reads with GET only. */
static unsigned getkeys_set_flags(const kv_slice *arguments, size_t count)
{
    for (size_t i = 3; i < count; i++)
        if (text_is(arguments[i], "get")) return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    return KEY_OW | KEY_UPDATE;
}

/* BITFIELD writes unless there is nothing but GET. */
static unsigned getkeys_bitfield_flags(const kv_slice *arguments, size_t count)
{
    for (size_t i = 2; i < count;) {
        if (text_is(arguments[i], "get") && count - i > 2) i += 3;
        else if (text_is(arguments[i], "overflow") && count - i > 1) i += 2;
        else return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    return KEY_RO | KEY_ACCESS;
}

/* The flags of the two commands whose arguments decide on them. */
static unsigned getkeys_variable_flags(const struct command *command, const kv_slice *arguments,
                                       size_t count)
{
    return command->handler == bitfield_command ? getkeys_bitfield_flags(arguments, count)
                                                : getkeys_set_flags(arguments, count);
}

static void command_getkeys(struct call *call, bool with_flags)
{
    const kv_slice *arguments = call->arguments + 2;
    size_t count = call->count - 2;
    const struct command_slot *slot = command_map_find(&call->resp->commands, arguments[0]);
    const struct command *command = slot != NULL ? slot->command : NULL;
    if (command != NULL && count > 1 && command_first_subcommand(command) != NULL)
        command = command_find_subcommand(command, arguments[1]);
    if (command == NULL) {
        call_error(call, "ERR Invalid command specified");
    } else if (!command_has_keys(command)) {
        call_error(call, "ERR The command has no key arguments");
    } else if (!command_arity_fits(command, count)) {
        call_error(call, "ERR Invalid number of arguments specified for command");
    } else {
        struct found_keys found = {call, arguments, 0, with_flags,
                                   getkeys_variable_flags(command, arguments, count)};
        size_t began = writer_begin_deferred(call->reply);
        if (command_find_keys(command, arguments, count, getkeys_visit, &found) == KV_OK) {
            writer_end_deferred(call->reply, began, '*', found.count);
            return;
        }
        call->reply->size = call->reply->start + began;
        call_error(call, "ERR Invalid arguments specified for command");
    }
}

void command_getkeys_command(struct call *call)
{
    command_getkeys(call, false);
}

void command_getkeysandflags_command(struct call *call)
{
    command_getkeys(call, true);
}

void command_help_command(struct call *call)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    Return the facts about all commands.",
        "COUNT",
        "    Count the commands.",
        "DOCS [<command-name> ...]",
        "    Return the documentation of commands, all or some.",
        "GETKEYS <full-command>",
        "    Tell which arguments of a command are keys.",
        "GETKEYSANDFLAGS <full-command>",
        "    Tell which arguments are keys, and how the command uses them.",
        "INFO [<command-name> ...]",
        "    Return the facts about commands, all or some.",
        "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
        "    List the names of commands.",
        NULL};
    call_help(call, lines);
}
