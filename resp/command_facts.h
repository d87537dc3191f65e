/*
 * resp/command_facts.h -- what is true of each command, whoever executes it: the data that
 * COMMAND INFO and COMMAND DOCS return.
 *
 * Included plainly, this file declares the types. Included with COMMAND defined, it also spells out
 * one COMMAND(identifier, fields of struct command_facts...) for each command and subcommand, so
 * that the command table joins these facts with its handlers and neither list is written twice:
 *
 *     #define COMMAND(identifier, ...) static command_handler identifier##_command;
 *     #include "command_facts.h"
 *     #undef COMMAND
 *     #define COMMAND(identifier, ...) {identifier##_command, {.name = __VA_ARGS__}},
 *     static const struct command commands[] = {
 *     #include "command_facts.h"
 *     };
 *     #undef COMMAND
 *
 * The rows are sorted by group, then by name. A subcommand bears the name of its container, a bar
 * and its own, "client|id", and follows its container at once. Lists (tips, history, keys,
 * arguments) end with an empty member, and are NULL when there is nothing.
 *
 * The facts are those of Redis 7.2. Against 7.0.15, with which the tests compare, these differ: the
 * arity of COMMAND GETKEYS and GETKEYSANDFLAGS (-4 there), the flag noscript of BLPOP, BRPOP,
 * BLMOVE and BRPOPLPUSH (set there), denyoom of SUBSCRIBE and its like (not set there),
 * CLIENT SETINFO and NO-TOUCH (absent there). Of later versions are what hashes do with deadlines,
 * HGETDEL, HSCAN's NOVALUES, SET's IFEQ, BITCOUNT without an end, XACKDEL, XDELEX and the references
 * of XADD and XTRIM, with the number of the version that has them. All else in
 * COMMAND INFO is equal, byte for byte, but the words of the notes and the order of subcommands,
 * which there is that of a hash table; the sentences of COMMAND DOCS are our own.
 *
 * The shape of the replies, since no manual gives it in full (RESP2 in brackets where it differs):
 *
 *   COMMAND INFO    An array with, for each name, null or an array of ten: name, arity, flags,
 *                   first key, last key, step, categories, tips, key specifications, subcommands.
 *                   The third and the last four are sets [arrays]. A subcommand is again an array
 *                   of ten. Flags and categories are simple strings, categories with an @; names
 *                   and tips are bulk strings. Names are looked up in any case, subcommands as
 *                   "client|id".
 *   key specification
 *                   A map [flat array]: notes (if there is one), flags (a set of simple strings),
 *                   begin_search {type: index, spec: {index: 1}}, then find_keys, either
 *                   {type: range, spec: {lastkey: 0, keystep: 1, limit: 0}} or
 *                   {type: keynum, spec: {keynumidx: 0, firstkey: 1, keystep: 1}}.
 *   COMMAND DOCS    A map [flat array] from name to map; unknown names are left out. Its keys,
 *                   absent if there is nothing to say: summary, since, group, complexity, doc_flags
 *                   (a set of the simple strings deprecated, syscmd), deprecated_since,
 *                   replaced_by, history (a set of arrays of two), arguments (an array),
 *                   subcommands (a map from name to map).
 *   argument        A map [flat array]: name, type, key_spec_index (of keys only), token, since,
 *                   deprecated_since, flags (a set of the simple strings optional, multiple,
 *                   multiple_token), arguments (an array of the same).
 */
#ifndef KV_RESP_COMMAND_FACTS_H
#define KV_RESP_COMMAND_FACTS_H

#include <stddef.h>
#include <stdint.h>

/* What a command does and where it may run. COMMAND INFO names them in this order. */
enum command_flag {
    COMMAND_WRITE = 1 << 0,
    COMMAND_READONLY = 1 << 1,
    COMMAND_DENYOOM = 1 << 2,      /* refused when memory is short */
    COMMAND_ADMIN = 1 << 3,
    COMMAND_PUBSUB = 1 << 4, /* about channels */
    COMMAND_NOSCRIPT = 1 << 5,
    COMMAND_BLOCKING = 1 << 6,     /* may wait */
    COMMAND_LOADING = 1 << 7,      /* allowed while the data is being loaded */
    COMMAND_STALE = 1 << 8,        /* allowed on a replica that has lost its primary */
    COMMAND_SKIP_SLOWLOG = 1 << 9, /* its arguments are no concern of the slow log */
    COMMAND_FAST = 1 << 10,        /* O(1) or O(log n) */
    COMMAND_NO_AUTH = 1 << 11,     /* allowed before the client has said who it is */
    COMMAND_NO_ASYNC_LOADING = 1 << 12, /* refused while other data are loaded beside those of old */
    COMMAND_NO_MULTI = 1 << 13,         /* refused inside a transaction */
    COMMAND_MOVABLEKEYS = 1 << 14, /* first, last and step do not tell where the keys are */
    COMMAND_ALLOW_BUSY = 1 << 15,  /* allowed while a script runs too long */
    COMMAND_FLAG_COUNT = 16
};

#define COMMAND_FLAG_NAMES                                                                         \
    "write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading", "stale", \
        "skip_slowlog", "fast", "no_auth", "no_async_loading", "no_multi", "movablekeys",             \
        "allow_busy"

/* The categories of access control. COMMAND INFO names them in this order. */
enum command_category {
    CATEGORY_KEYSPACE = 1 << 0,
    CATEGORY_READ = 1 << 1,
    CATEGORY_WRITE = 1 << 2,
    CATEGORY_SET = 1 << 3,
    CATEGORY_SORTEDSET = 1 << 4,
    CATEGORY_LIST = 1 << 5,
    CATEGORY_HASH = 1 << 6,
    CATEGORY_STRING = 1 << 7,
    CATEGORY_BITMAP = 1 << 8,
    CATEGORY_HYPERLOGLOG = 1 << 9,
    CATEGORY_GEO = 1 << 10,
    CATEGORY_STREAM = 1 << 11,
    CATEGORY_PUBSUB = 1 << 12,
    CATEGORY_ADMIN = 1 << 13,
    CATEGORY_FAST = 1 << 14,
    CATEGORY_SLOW = 1 << 15,
    CATEGORY_BLOCKING = 1 << 16,
    CATEGORY_DANGEROUS = 1 << 17,
    CATEGORY_CONNECTION = 1 << 18,
    CATEGORY_TRANSACTION = 1 << 19,
    CATEGORY_SCRIPTING = 1 << 20,
    CATEGORY_COUNT = 21
};

#define COMMAND_CATEGORY_NAMES                                                                     \
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap",           \
        "hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking",             \
        "dangerous", "connection", "transaction", "scripting"

enum command_group {
    GROUP_GENERIC,
    GROUP_STRING,
    GROUP_LIST,
    GROUP_HASH,
    GROUP_SET,
    GROUP_SORTED_SET,
    GROUP_GEO,
    GROUP_BITMAP,
    GROUP_HYPERLOGLOG,
    GROUP_STREAM,
    GROUP_PUBSUB,
    GROUP_TRANSACTIONS,
    GROUP_CONNECTION,
    GROUP_SERVER,
    GROUP_COUNT
};

#define COMMAND_GROUP_NAMES                                                                        \
    "generic", "string", "list", "hash", "set", "sorted-set", "geo", "bitmap", "hyperloglog",      \
        "stream", "pubsub", "transactions", "connection", "server"

/*
 * What a command does to a key: one of the four kinds of access, in capitals on the wire, and what
 * becomes of the value. COMMAND INFO and GETKEYSANDFLAGS name them in this order.
 */
enum command_key_flag {
    KEY_RO = 1 << 0, /* reads */
    KEY_RW = 1 << 1, /* reads or removes a part, and writes */
    KEY_OW = 1 << 2, /* overwrites, whatever was there */
    KEY_RM = 1 << 3, /* removes */
    KEY_ACCESS = 1 << 4,
    KEY_UPDATE = 1 << 5,
    KEY_INSERT = 1 << 6,
    KEY_DELETE = 1 << 7,
    KEY_NOT_KEY = 1 << 8,        /* it is none, but a cluster would place it as if it were */
    KEY_INCOMPLETE = 1 << 9,      /* there may be others */
    KEY_VARIABLE_FLAGS = 1 << 10, /* the arguments decide: SET without GET is KEY_OW | KEY_UPDATE */
    KEY_FLAG_COUNT = 11
};

#define COMMAND_KEY_FLAG_NAMES                                                                     \
    "RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "incomplete",        \
        "variable_flags"

/* Where keys stand in a request, whose argument 0 is the name of the command (or container). */
struct command_keys {
    int8_t first;       /* the first key, or, if is_counted, the number of keys; 0 ends the list.
                           With a keyword: the argument from which on it is looked for */
    int8_t last;        /* the last key, from the first; below zero: from the end, -1 the last */
    int8_t step;        /* from key to key */
    uint8_t is_counted; /* the argument at `first` says how many keys follow it */
    uint8_t is_unknown; /* the arguments do not name them (SORT's patterns), or an option from
                           `first` on does */
    uint16_t flags;     /* enum command_key_flag */
    const char *note;   /* why the flags are as they are, or NULL */
    const char *keyword; /* not NULL: the first half of what follows this word are keys, or, if
                            `last` is 0, one key */
    uint8_t is_rest;     /* with a keyword: all that follows it are keys, and those above are not */
};

enum command_argument_type {
    ARGUMENT_STRING,
    ARGUMENT_INTEGER,
    ARGUMENT_DOUBLE,
    ARGUMENT_KEY,
    ARGUMENT_PATTERN,
    ARGUMENT_UNIX_TIME,
    ARGUMENT_TOKEN,  /* a word that stands for itself */
    ARGUMENT_ONE_OF, /* one of `arguments` */
    ARGUMENT_BLOCK,  /* all of `arguments`, in order */
    ARGUMENT_TYPE_COUNT
};

#define COMMAND_ARGUMENT_TYPE_NAMES                                                                \
    "string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"

enum command_argument_flag {
    ARGUMENT_OPTIONAL = 1 << 0,
    ARGUMENT_MULTIPLE = 1 << 1,
    ARGUMENT_MULTIPLE_TOKEN = 1 << 2, /* each time with its token before it */
    ARGUMENT_FLAG_COUNT = 3
};

#define COMMAND_ARGUMENT_FLAG_NAMES "optional", "multiple", "multiple_token"

/* One argument, for COMMAND DOCS: the words a client needs for a usage line. */
struct command_argument {
    const char *name; /* NULL ends the list */
    uint8_t type;     /* enum command_argument_type */
    uint8_t flags;    /* enum command_argument_flag */
    uint8_t key_spec; /* of a key, or what makes keys: which member of `keys` finds it */
    const char *token, *since, *deprecated_since;
    const struct command_argument *arguments; /* of ONE_OF and BLOCK */
};

/* The order of the members up to `summary` is the order of the values in a row. */
struct command_facts {
    const char *name;
    int8_t arity; /* the number of arguments with the name; negative: at least so many */
    uint32_t flags;
    uint32_t categories; /* beyond those that the flags imply; see command_categories() */
    uint8_t group;
    uint8_t tier; /* who needs it: 1 every client, 2 many, 3 few, 4 people and tests; not told */
    const char *since, *complexity, *summary;
    const char *deprecated_since, *replaced_by;
    uint8_t is_system; /* DOCS: doc_flags names it "syscmd" */
    const char *const *tips;
    const struct command_keys *keys;
    uint8_t member; /* which argument is the first field or member that is looked up; not told */
    const char *const *history; /* pairs: the version, what changed in it */
    const struct command_argument *arguments;
};

/* All categories of a command. */
static inline uint32_t command_categories(const struct command_facts *facts)
{
    uint32_t categories = facts->categories;
    if (facts->flags & COMMAND_WRITE) categories |= CATEGORY_WRITE;
    if (facts->flags & COMMAND_READONLY) categories |= CATEGORY_READ;
    if (facts->flags & COMMAND_ADMIN) categories |= CATEGORY_ADMIN | CATEGORY_DANGEROUS;
    if (facts->flags & COMMAND_BLOCKING) categories |= CATEGORY_BLOCKING;
    return categories | (facts->flags & COMMAND_FAST ? CATEGORY_FAST : CATEGORY_SLOW);
}

/*
 * First key, last key and step as COMMAND INFO gives them: one range over all keys that are not
 * counted, three zeros if there is none. A last key below zero counts from the end of the request.
 */
static inline void command_key_range(const struct command_facts *facts, int range[3])
{
    range[0] = range[1] = range[2] = 0;
    for (const struct command_keys *keys = facts->keys; keys != NULL && keys->first != 0; keys++) {
        if (keys->is_counted || keys->is_unknown || keys->keyword != NULL) continue;
        if (range[0] == 0) range[0] = keys->first;
        range[1] = keys->last < 0 ? keys->last : keys->first + keys->last;
        range[2] = keys->step;
    }
}

#endif

#ifdef COMMAND

/* Words for the rows. The macros take any number of designated members after what they name. */
#define TEXTS(...) (const char *const[]){__VA_ARGS__, NULL}
#define KEYS(...) (const struct command_keys[]){__VA_ARGS__, {.first = 0}}
#define KEY_AT(at, ...) {.first = at, .step = 1, .flags = __VA_ARGS__}
#define KEYS_FROM(at, end, by, ...) {.first = at, .last = end, .step = by, .flags = __VA_ARGS__}
#define KEYS_COUNTED_AT(at, ...) {.first = at, .step = 1, .is_counted = 1, .flags = __VA_ARGS__}
#define KEYS_AFTER(word, at, ...) \
    {.keyword = word, .first = at, .last = -1, .step = 1, .flags = __VA_ARGS__}
#define KEYS_REST_AFTER(word, at, ...) \
    {.keyword = word, .first = at, .last = -1, .step = 1, .is_rest = 1, .flags = __VA_ARGS__}
#define KEY_AFTER(word, at, ...) {.keyword = word, .first = at, .step = 1, .flags = __VA_ARGS__}
#define KEYS_UNKNOWN_FROM(at, ...) {.first = at, .step = 1, .is_unknown = 1, .flags = __VA_ARGS__}
#define ARGUMENTS(...) (const struct command_argument[]){__VA_ARGS__, {.name = NULL}}
#define STRING(...) {.type = ARGUMENT_STRING, .name = __VA_ARGS__}
#define INTEGER(...) {.type = ARGUMENT_INTEGER, .name = __VA_ARGS__}
#define DOUBLE(...) {.type = ARGUMENT_DOUBLE, .name = __VA_ARGS__}
#define KEY(...) {.type = ARGUMENT_KEY, .name = __VA_ARGS__}
#define PATTERN(...) {.type = ARGUMENT_PATTERN, .name = __VA_ARGS__}
#define UNIX_TIME(...) {.type = ARGUMENT_UNIX_TIME, .name = __VA_ARGS__}
#define TOKEN(...) {.type = ARGUMENT_TOKEN, .name = __VA_ARGS__}
#define ONE_OF(...) {.type = ARGUMENT_ONE_OF, .name = __VA_ARGS__}
#define BLOCK(...) {.type = ARGUMENT_BLOCK, .name = __VA_ARGS__}

/* clang-format off: a row reads as prose, one kind of fact a line */

/* Keys. */

COMMAND(copy, "copy", -3, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_KEYSPACE, GROUP_GENERIC, 2,
        "6.2.0", "O(1) for strings, otherwise O(N), N being the number of elements.",
        "Copies a value to another key, in this database or another.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS), KEY_AT(2, KEY_OW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1),
            INTEGER("destination-db", .token = "DB", .flags = ARGUMENT_OPTIONAL),
            TOKEN("replace", .token = "REPLACE", .flags = ARGUMENT_OPTIONAL)))
COMMAND(del, "del", -2, COMMAND_WRITE, CATEGORY_KEYSPACE, GROUP_GENERIC, 1, "1.0.0",
        "O(N), N being the number of keys; their memory is given back after the reply.",
        "Deletes keys, whatever they hold.",
        .tips = TEXTS("request_policy:multi_shard", "response_policy:agg_sum"),
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RM | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(dump, "dump", 2, COMMAND_READONLY, CATEGORY_KEYSPACE, GROUP_GENERIC, 1, "2.6.0",
        "O(N), N being the size of the value.",
        "Gives the value of a key as bytes that RESTORE takes, here or on another server.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(exists, "exists", -2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 1,
        "1.0.0", "O(N), N being the number of keys.",
        "Counts how many of the named keys exist; a key named twice counts twice.",
        .tips = TEXTS("request_policy:multi_shard", "response_policy:agg_sum"),
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RO)),
        .history = TEXTS("3.0.3", "Takes several keys."),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(expire, "expire", -3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 1,
        "1.0.0", "O(1)", "Lets a key expire after a number of seconds.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .history = TEXTS("7.0.0", "Takes NX, XX, GT and LT."),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("seconds"),
            ONE_OF("condition", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"),
                    TOKEN("gt", .token = "GT"), TOKEN("lt", .token = "LT")))))
COMMAND(expireat, "expireat", -3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 2,
        "1.2.0", "O(1)", "Lets a key expire at an instant, in seconds of Unix time.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .history = TEXTS("7.0.0", "Takes NX, XX, GT and LT."),
        .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-seconds"),
            ONE_OF("condition", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"),
                    TOKEN("gt", .token = "GT"), TOKEN("lt", .token = "LT")))))
COMMAND(expiretime, "expiretime", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_KEYSPACE,
        GROUP_GENERIC, 2, "7.0.0", "O(1)", "Tells when a key expires, in seconds of Unix time.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(keys, "keys", 2, COMMAND_READONLY, CATEGORY_KEYSPACE | CATEGORY_DANGEROUS, GROUP_GENERIC, 1,
        "1.0.0", "O(N), N being the number of keys in the database.",
        "Lists every key that matches a pattern.",
        .tips = TEXTS("request_policy:all_shards", "nondeterministic_output_order"),
        .arguments = ARGUMENTS(PATTERN("pattern")))
COMMAND(migrate, "migrate", -6, COMMAND_WRITE | COMMAND_MOVABLEKEYS,
        CATEGORY_KEYSPACE | CATEGORY_DANGEROUS, GROUP_GENERIC, 3, "2.6.0",
        "As DUMP here and RESTORE over there, O(N) each, N being the size of the values.",
        "Moves keys to another server.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(3, KEY_RW | KEY_ACCESS | KEY_DELETE),
            KEYS_REST_AFTER("KEYS", -2, KEY_RW | KEY_ACCESS | KEY_DELETE | KEY_INCOMPLETE)),
        .history = TEXTS("3.0.0", "Takes COPY and REPLACE.", "3.0.6", "Takes KEYS.",
            "4.0.7", "Takes AUTH.", "6.0.0", "Takes AUTH2."),
        .arguments = ARGUMENTS(STRING("host"), INTEGER("port"),
            ONE_OF("key_or_empty_string", .arguments = ARGUMENTS(KEY("key"),
                TOKEN("empty_string", .token = ""))),
            INTEGER("destination-db"), INTEGER("timeout"),
            TOKEN("copy", .token = "COPY", .since = "3.0.0", .flags = ARGUMENT_OPTIONAL),
            TOKEN("replace", .token = "REPLACE", .since = "3.0.0", .flags = ARGUMENT_OPTIONAL),
            ONE_OF("authentication", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(STRING("password", .token = "AUTH", .since = "4.0.7",
                        .flags = ARGUMENT_OPTIONAL),
                    BLOCK("username_password", .token = "AUTH2", .since = "6.0.0",
                        .flags = ARGUMENT_OPTIONAL,
                        .arguments = ARGUMENTS(STRING("username"), STRING("password"))))),
            KEY("key", .key_spec = 1, .token = "KEYS", .since = "3.0.6",
                .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(move, "move", 3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 2, "1.0.0",
        "O(1)", "Moves a key to another database.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("db")))
COMMAND(object, "object", -2, 0, 0, GROUP_GENERIC, 2, "2.2.3", "That of the subcommand.",
        "Looks at how a value is kept.")
COMMAND(object_encoding, "object|encoding", 3, COMMAND_READONLY, CATEGORY_KEYSPACE, GROUP_GENERIC,
        2, "2.2.3", "O(1)", "Names the internal form of the value at a key.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(2, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(object_freq, "object|freq", 3, COMMAND_READONLY, CATEGORY_KEYSPACE, GROUP_GENERIC, 2,
        "4.0.0", "O(1)", "Tells how often a key is used, on a logarithmic scale.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(2, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(object_help, "object|help", 2, COMMAND_LOADING | COMMAND_STALE, CATEGORY_KEYSPACE,
        GROUP_GENERIC, 4, "6.2.0", "O(1)", "Lists the subcommands of OBJECT.")
COMMAND(object_idletime, "object|idletime", 3, COMMAND_READONLY, CATEGORY_KEYSPACE, GROUP_GENERIC,
        2, "2.2.3", "O(1)", "Tells for how many seconds a key has not been used.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(2, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(object_refcount, "object|refcount", 3, COMMAND_READONLY, CATEGORY_KEYSPACE, GROUP_GENERIC,
        2, "2.2.3", "O(1)", "Tells how many references the value at a key has.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(2, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(persist, "persist", 2, COMMAND_WRITE | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 2,
        "2.2.0", "O(1)", "Lets a key live for ever again.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(pexpire, "pexpire", -3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 1,
        "2.6.0", "O(1)", "Lets a key expire after a number of milliseconds.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .history = TEXTS("7.0.0", "Takes NX, XX, GT and LT."),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("milliseconds"),
            ONE_OF("condition", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"),
                    TOKEN("gt", .token = "GT"), TOKEN("lt", .token = "LT")))))
COMMAND(pexpireat, "pexpireat", -3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC,
        2, "2.6.0", "O(1)", "Lets a key expire at an instant, in milliseconds of Unix time.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .history = TEXTS("7.0.0", "Takes NX, XX, GT and LT."),
        .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-milliseconds"),
            ONE_OF("condition", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"),
                    TOKEN("gt", .token = "GT"), TOKEN("lt", .token = "LT")))))
COMMAND(pexpiretime, "pexpiretime", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_KEYSPACE,
        GROUP_GENERIC, 2, "7.0.0", "O(1)",
        "Tells when a key expires, in milliseconds of Unix time.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(pttl, "pttl", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 1,
        "2.6.0", "O(1)", "Tells how many milliseconds a key has left.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("2.8.0", "Answers -2 when there is no such key."),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(randomkey, "randomkey", 1, COMMAND_READONLY, CATEGORY_KEYSPACE, GROUP_GENERIC, 2, "1.0.0",
        "O(1)", "Returns some key, chosen at random.",
        .tips = TEXTS("request_policy:all_shards", "nondeterministic_output"))
COMMAND(rename, "rename", 3, COMMAND_WRITE, CATEGORY_KEYSPACE, GROUP_GENERIC, 2, "1.0.0", "O(1)",
        "Gives a key another name, replacing what had that name.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_OW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), KEY("newkey", .key_spec = 1)))
COMMAND(renamenx, "renamenx", 3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 2,
        "1.0.0", "O(1)", "Gives a key another name if nothing has that name.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_OW | KEY_INSERT)),
        .history = TEXTS("3.2.0", "Renaming a key to its own name is no error."),
        .arguments = ARGUMENTS(KEY("key"), KEY("newkey", .key_spec = 1)))
COMMAND(restore, "restore", -4, COMMAND_WRITE | COMMAND_DENYOOM,
        CATEGORY_KEYSPACE | CATEGORY_DANGEROUS, GROUP_GENERIC, 2, "2.6.0",
        "O(N), N being the size of the value; O(N*log(N)) for a sorted set.",
        "Creates a key with the value that DUMP gave as bytes.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE)),
        .history = TEXTS("3.0.0", "Takes REPLACE.", "5.0.0", "Takes ABSTTL.",
            "5.0.0", "Takes IDLETIME and FREQ."),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("ttl"), STRING("serialized-value"),
            TOKEN("replace", .token = "REPLACE", .since = "3.0.0", .flags = ARGUMENT_OPTIONAL),
            TOKEN("absttl", .token = "ABSTTL", .since = "5.0.0", .flags = ARGUMENT_OPTIONAL),
            INTEGER("seconds", .token = "IDLETIME", .since = "5.0.0", .flags = ARGUMENT_OPTIONAL),
            INTEGER("frequency", .token = "FREQ", .since = "5.0.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(restore_asking, "restore-asking", -4, COMMAND_WRITE | COMMAND_DENYOOM,
        CATEGORY_KEYSPACE | CATEGORY_DANGEROUS, GROUP_SERVER, 3, "3.0.0",
        "As RESTORE.", "RESTORE, as nodes of a cluster send it to each other.", .is_system = 1,
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE)),
        .history = TEXTS("3.0.0", "Takes REPLACE.", "5.0.0", "Takes ABSTTL.",
            "5.0.0", "Takes IDLETIME and FREQ."),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("ttl"), STRING("serialized-value"),
            TOKEN("replace", .token = "REPLACE", .since = "3.0.0", .flags = ARGUMENT_OPTIONAL),
            TOKEN("absttl", .token = "ABSTTL", .since = "5.0.0", .flags = ARGUMENT_OPTIONAL),
            INTEGER("seconds", .token = "IDLETIME", .since = "5.0.0", .flags = ARGUMENT_OPTIONAL),
            INTEGER("frequency", .token = "FREQ", .since = "5.0.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(scan, "scan", -2, COMMAND_READONLY, CATEGORY_KEYSPACE, GROUP_GENERIC, 1, "2.8.0",
        "O(1) a call, O(N) for all N keys.", "Walks the keys a few at a time, by a cursor.",
        .tips = TEXTS("nondeterministic_output", "request_policy:special"),
        .history = TEXTS("6.0.0", "Takes TYPE."),
        .arguments = ARGUMENTS(INTEGER("cursor"),
            PATTERN("pattern", .token = "MATCH", .flags = ARGUMENT_OPTIONAL),
            INTEGER("count", .token = "COUNT", .flags = ARGUMENT_OPTIONAL),
            STRING("type", .token = "TYPE", .since = "6.0.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(sort, "sort", -2, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
        CATEGORY_SET | CATEGORY_SORTEDSET | CATEGORY_LIST | CATEGORY_DANGEROUS, GROUP_GENERIC, 1,
        "1.0.0", "O(N log N), N being the number of elements; O(N) if they are not to be sorted.",
        "Sorts the elements of a list, set or sorted set, or what they stand for.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS),
            KEYS_UNKNOWN_FROM(2, KEY_RO | KEY_ACCESS,
                .note = "Those of BY and GET follow from the elements."),
            KEYS_UNKNOWN_FROM(2, KEY_OW | KEY_UPDATE,
                .note = "STORE may stand anywhere among the options.")),
        .arguments = ARGUMENTS(KEY("key"),
            PATTERN("pattern", .key_spec = 1, .token = "BY", .flags = ARGUMENT_OPTIONAL),
            BLOCK("offset_count", .token = "LIMIT", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count"))),
            PATTERN("pattern", .key_spec = 1, .token = "GET",
                .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN),
            ONE_OF("order", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("asc", .token = "ASC"),
                    TOKEN("desc", .token = "DESC"))),
            TOKEN("sorting", .token = "ALPHA", .flags = ARGUMENT_OPTIONAL),
            KEY("destination", .key_spec = 2, .token = "STORE", .flags = ARGUMENT_OPTIONAL)))
COMMAND(sort_ro, "sort_ro", -2, COMMAND_READONLY | COMMAND_MOVABLEKEYS,
        CATEGORY_SET | CATEGORY_SORTEDSET | CATEGORY_LIST | CATEGORY_DANGEROUS, GROUP_GENERIC, 1,
        "7.0.0", "O(N log N), N being the number of elements; O(N) if they are not to be sorted.",
        "Sorts the elements of a list, set or sorted set, and stores nothing.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS),
            KEYS_UNKNOWN_FROM(2, KEY_RO | KEY_ACCESS,
                .note = "Those of BY and GET follow from the elements.")),
        .arguments = ARGUMENTS(KEY("key"),
            PATTERN("pattern", .key_spec = 1, .token = "BY", .flags = ARGUMENT_OPTIONAL),
            BLOCK("offset_count", .token = "LIMIT", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count"))),
            PATTERN("pattern", .key_spec = 1, .token = "GET",
                .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN),
            ONE_OF("order", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("asc", .token = "ASC"),
                    TOKEN("desc", .token = "DESC"))),
            TOKEN("sorting", .token = "ALPHA", .flags = ARGUMENT_OPTIONAL)))
COMMAND(touch, "touch", -2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 2,
        "3.2.1", "O(N), N being the number of keys.",
        "Marks keys as just used and counts those that exist.",
        .tips = TEXTS("request_policy:multi_shard", "response_policy:agg_sum"),
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(ttl, "ttl", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 1,
        "1.0.0", "O(1)", "Tells how many seconds a key has left.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("2.8.0", "Answers -2 when there is no such key."),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(type, "type", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 1,
        "1.0.0", "O(1)", "Tells the type of the value at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(unlink, "unlink", -2, COMMAND_WRITE | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_GENERIC, 1,
        "4.0.0", "O(N), N being the number of keys; their memory is given back after the reply.",
        "Deletes keys; the same as DEL, under the name clients use when they want no waiting.",
        .tips = TEXTS("request_policy:multi_shard", "response_policy:agg_sum"),
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RM | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))

/* Strings. */
COMMAND(wait, "wait", 3, COMMAND_BLOCKING, CATEGORY_BLOCKING | CATEGORY_CONNECTION, GROUP_GENERIC, 3,
        "3.0.0", "O(1)", "Waits until replicas have what this connection wrote.",
        .tips = TEXTS("request_policy:all_shards", "response_policy:agg_min"),
        .arguments = ARGUMENTS(INTEGER("numreplicas"), INTEGER("timeout")))
COMMAND(waitaof, "waitaof", 4, COMMAND_BLOCKING, CATEGORY_BLOCKING | CATEGORY_CONNECTION,
        GROUP_GENERIC, 3, "7.2.0", "O(1)",
        "Waits until the append-only files, here and of replicas, have what this connection wrote.",
        .tips = TEXTS("request_policy:all_shards", "response_policy:agg_min"),
        .arguments = ARGUMENTS(INTEGER("numlocal"), INTEGER("numreplicas"), INTEGER("timeout")))

COMMAND(append, "append", 3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_STRING,
        GROUP_STRING, 1, "2.0.0", "O(N), N being the number of bytes added, amortised.",
        "Adds bytes to the end of the string at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_INSERT)),
        .arguments = ARGUMENTS(KEY("key"), STRING("value")))
COMMAND(decr, "decr", 2, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_STRING,
        GROUP_STRING, 1, "1.0.0", "O(1)", "Subtracts one from the integer at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(decrby, "decrby", 3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_STRING,
        GROUP_STRING, 1, "1.0.0", "O(1)", "Subtracts a number from the integer at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("decrement")))
COMMAND(get, "get", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_STRING, GROUP_STRING, 1, "1.0.0",
        "O(1)", "Returns the string at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(getdel, "getdel", 2, COMMAND_WRITE | COMMAND_FAST, CATEGORY_STRING, GROUP_STRING, 2,
        "6.2.0", "O(1)", "Returns the string at a key and deletes the key.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(getex, "getex", -2, COMMAND_WRITE | COMMAND_FAST, CATEGORY_STRING, GROUP_STRING, 2, "6.2.0",
        "O(1)", "Returns the string at a key and may change when it expires.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE,
                .note = "With an option it changes the deadline.")),
        .arguments = ARGUMENTS(KEY("key"),
            ONE_OF("expiration", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("seconds", .token = "EX"),
                    INTEGER("milliseconds", .token = "PX"),
                    UNIX_TIME("unix-time-seconds", .token = "EXAT"),
                    UNIX_TIME("unix-time-milliseconds", .token = "PXAT"),
                    TOKEN("persist", .token = "PERSIST")))))
COMMAND(getrange, "getrange", 4, COMMAND_READONLY, CATEGORY_STRING, GROUP_STRING, 2, "2.4.0",
        "O(N), N being the number of bytes returned.", "Returns part of the string at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("end")))
COMMAND(getset, "getset", 3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_STRING,
        GROUP_STRING, 2, "1.0.0", "O(1)",
        "Stores a string under a key and returns the one it replaces.",
        .deprecated_since = "6.2.0",
        .replaced_by = "SET with GET",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), STRING("value")))
COMMAND(incr, "incr", 2, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_STRING,
        GROUP_STRING, 1, "1.0.0", "O(1)", "Adds one to the integer at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(incrby, "incrby", 3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_STRING,
        GROUP_STRING, 1, "1.0.0", "O(1)", "Adds a number to the integer at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("increment")))
COMMAND(incrbyfloat, "incrbyfloat", 3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
        CATEGORY_STRING, GROUP_STRING, 2, "2.6.0", "O(1)",
        "Adds a floating-point number to the number at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), DOUBLE("increment")))
COMMAND(lcs, "lcs", -3, COMMAND_READONLY, CATEGORY_STRING, GROUP_STRING, 2, "7.0.0",
        "O(N*M), N and M being the sizes of the strings.",
        "Finds the longest common subsequence of two strings.",
        .keys = KEYS(KEYS_FROM(1, 1, 1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key1"), KEY("key2"),
            TOKEN("len", .token = "LEN", .flags = ARGUMENT_OPTIONAL),
            TOKEN("idx", .token = "IDX", .flags = ARGUMENT_OPTIONAL),
            INTEGER("len", .token = "MINMATCHLEN", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withmatchlen", .token = "WITHMATCHLEN", .flags = ARGUMENT_OPTIONAL)))
COMMAND(mget, "mget", -2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_STRING, GROUP_STRING, 2,
        "1.0.0", "O(N), N being the number of keys.", "Returns the strings at several keys.",
        .tips = TEXTS("request_policy:multi_shard"),
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(mset, "mset", -3, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_STRING, GROUP_STRING, 2,
        "1.0.1", "O(N), N being the number of keys.", "Stores several strings at once.",
        .tips = TEXTS("request_policy:multi_shard", "response_policy:all_succeeded"),
        .keys = KEYS(KEYS_FROM(1, -1, 2, KEY_OW | KEY_UPDATE)),
        .arguments = ARGUMENTS(BLOCK("key_value", .flags = ARGUMENT_MULTIPLE,
                .arguments = ARGUMENTS(KEY("key"), STRING("value")))))
COMMAND(msetnx, "msetnx", -3, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_STRING, GROUP_STRING, 2,
        "1.0.1", "O(N), N being the number of keys.",
        "Stores several strings at once if none of the keys exists.",
        .tips = TEXTS("request_policy:multi_shard", "response_policy:agg_min"),
        .keys = KEYS(KEYS_FROM(1, -1, 2, KEY_OW | KEY_INSERT)),
        .arguments = ARGUMENTS(BLOCK("key_value", .flags = ARGUMENT_MULTIPLE,
                .arguments = ARGUMENTS(KEY("key"), STRING("value")))))
COMMAND(psetex, "psetex", 4, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_STRING, GROUP_STRING, 2,
        "2.6.0", "O(1)", "Stores a string that expires after a number of milliseconds.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("milliseconds"), STRING("value")))
COMMAND(set, "set", -3, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_STRING, GROUP_STRING, 1, "1.0.0",
        "O(1)", "Stores a string under a key, replacing whatever it held.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS,
                .note = "With GET it reads the old value too.")),
        .history = TEXTS("2.6.12", "Takes EX, PX, NX and XX.", "6.0.0", "Takes KEEPTTL.", "6.2.0",
            "Takes GET, EXAT and PXAT.", "7.0.0", "NX and GET go together.", "8.1.0",
            "Takes IFEQ."),
        .arguments = ARGUMENTS(KEY("key"), STRING("value"),
            ONE_OF("condition", .since = "2.6.12", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"),
                    STRING("comparison-value", .token = "IFEQ", .since = "8.1.0"))),
            TOKEN("get", .token = "GET", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL),
            ONE_OF("expiration", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("seconds", .token = "EX", .since = "2.6.12"),
                    INTEGER("milliseconds", .token = "PX", .since = "2.6.12"),
                    UNIX_TIME("unix-time-seconds", .token = "EXAT", .since = "6.2.0"),
                    UNIX_TIME("unix-time-milliseconds", .token = "PXAT", .since = "6.2.0"),
                    TOKEN("keepttl", .token = "KEEPTTL", .since = "6.0.0")))))
COMMAND(setex, "setex", 4, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_STRING, GROUP_STRING, 1,
        "2.0.0", "O(1)", "Stores a string that expires after a number of seconds.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("seconds"), STRING("value")))
COMMAND(setnx, "setnx", 3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_STRING,
        GROUP_STRING, 2, "1.0.0", "O(1)", "Stores a string under a key that does not exist.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_INSERT)),
        .arguments = ARGUMENTS(KEY("key"), STRING("value")))
COMMAND(setrange, "setrange", 4, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_STRING, GROUP_STRING, 2,
        "2.2.0", "O(N), N being the size of the value given and of any gap before it.",
        "Writes over part of the string at a key, from an offset on.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("offset"), STRING("value")))
COMMAND(strlen, "strlen", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_STRING, GROUP_STRING, 2,
        "2.2.0", "O(1)", "Tells the size of the string at a key.",
        .keys = KEYS(KEY_AT(1, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(substr, "substr", 4, COMMAND_READONLY, CATEGORY_STRING, GROUP_STRING, 2, "1.0.0",
        "O(N), N being the number of bytes returned.", "Returns part of the string at a key.",
        .deprecated_since = "2.0.0",
        .replaced_by = "GETRANGE",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("end")))

/* Lists. */

COMMAND(blmove, "blmove", 6, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_BLOCKING, CATEGORY_LIST,
        GROUP_LIST, 2, "6.2.0", "O(1)",
        "Moves an element from one list to another, waiting for one if need be.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)),
        .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1),
            ONE_OF("wherefrom",
                .arguments = ARGUMENTS(TOKEN("left", .token = "LEFT"),
                    TOKEN("right", .token = "RIGHT"))),
            ONE_OF("whereto",
                .arguments = ARGUMENTS(TOKEN("left", .token = "LEFT"),
                    TOKEN("right", .token = "RIGHT"))), DOUBLE("timeout")))
COMMAND(blmpop, "blmpop", -5, COMMAND_WRITE | COMMAND_BLOCKING | COMMAND_MOVABLEKEYS,
        CATEGORY_LIST, GROUP_LIST, 2, "7.0.0",
        "O(N+M), N being the number of keys and M of the elements returned.",
        "Takes elements from the first list that has any, waiting for one if need be.",
        .keys = KEYS(KEYS_COUNTED_AT(2, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .arguments = ARGUMENTS(DOUBLE("timeout"), INTEGER("numkeys"),
            KEY("key", .flags = ARGUMENT_MULTIPLE),
            ONE_OF("where",
                .arguments = ARGUMENTS(TOKEN("left", .token = "LEFT"),
                    TOKEN("right", .token = "RIGHT"))),
            INTEGER("count", .token = "COUNT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(blpop, "blpop", -3, COMMAND_WRITE | COMMAND_BLOCKING, CATEGORY_LIST, GROUP_LIST, 2, "2.0.0",
        "O(N), N being the number of keys.",
        "Takes the first element of the first list that has any, waiting for one if need be.",
        .keys = KEYS(KEYS_FROM(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .history = TEXTS("6.0.0", "The timeout may have a fraction."),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE), DOUBLE("timeout")))
COMMAND(brpop, "brpop", -3, COMMAND_WRITE | COMMAND_BLOCKING, CATEGORY_LIST, GROUP_LIST, 2, "2.0.0",
        "O(N), N being the number of keys.",
        "Takes the last element of the first list that has any, waiting for one if need be.",
        .keys = KEYS(KEYS_FROM(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .history = TEXTS("6.0.0", "The timeout may have a fraction."),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE), DOUBLE("timeout")))
COMMAND(brpoplpush, "brpoplpush", 4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_BLOCKING,
        CATEGORY_LIST, GROUP_LIST, 2, "2.2.0", "O(1)",
        "Moves the last element of one list to the head of another, waiting for one if need be.",
        .deprecated_since = "6.2.0",
        .replaced_by = "BLMOVE with RIGHT and LEFT",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)),
        .history = TEXTS("6.0.0", "The timeout may have a fraction."),
        .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1), DOUBLE("timeout")))
COMMAND(lindex, "lindex", 3, COMMAND_READONLY, CATEGORY_LIST, GROUP_LIST, 2, "1.0.0",
        "O(log N), N being the length of the list.", "Returns the element at a position of a list.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("index")))
COMMAND(linsert, "linsert", 5, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_LIST, GROUP_LIST, 2,
        "2.2.0", "O(N), N being the number of elements before the one looked for.",
        "Inserts an element before or after another.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_INSERT)),
        .arguments = ARGUMENTS(KEY("key"),
            ONE_OF("where",
                .arguments = ARGUMENTS(TOKEN("before", .token = "BEFORE"),
                    TOKEN("after", .token = "AFTER"))), STRING("pivot"), STRING("element")))
COMMAND(llen, "llen", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_LIST, GROUP_LIST, 1, "1.0.0",
        "O(1)", "Tells the length of a list.",
        .keys = KEYS(KEY_AT(1, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(lmove, "lmove", 5, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_LIST, GROUP_LIST, 2, "6.2.0",
        "O(1)", "Moves an element from one end of a list to one end of another.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)),
        .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1),
            ONE_OF("wherefrom",
                .arguments = ARGUMENTS(TOKEN("left", .token = "LEFT"),
                    TOKEN("right", .token = "RIGHT"))),
            ONE_OF("whereto",
                .arguments = ARGUMENTS(TOKEN("left", .token = "LEFT"),
                    TOKEN("right", .token = "RIGHT")))))
COMMAND(lmpop, "lmpop", -4, COMMAND_WRITE | COMMAND_MOVABLEKEYS, CATEGORY_LIST, GROUP_LIST, 2,
        "7.0.0", "O(N+M), N being the number of keys and M of the elements returned.",
        "Takes elements from the first list that has any.",
        .keys = KEYS(KEYS_COUNTED_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARGUMENT_MULTIPLE),
            ONE_OF("where",
                .arguments = ARGUMENTS(TOKEN("left", .token = "LEFT"),
                    TOKEN("right", .token = "RIGHT"))),
            INTEGER("count", .token = "COUNT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(lpop, "lpop", -2, COMMAND_WRITE | COMMAND_FAST, CATEGORY_LIST, GROUP_LIST, 1, "1.0.0",
        "O(N), N being the number of elements returned.", "Takes elements from the head of a list.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .history = TEXTS("6.2.0", "Takes a count."),
        .arguments = ARGUMENTS(KEY("key"),
            INTEGER("count", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(lpos, "lpos", -3, COMMAND_READONLY, CATEGORY_LIST, GROUP_LIST, 2, "6.0.6",
        "O(N), N being the number of elements looked at.",
        "Finds the positions of an element in a list.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), STRING("element"),
            INTEGER("rank", .token = "RANK", .flags = ARGUMENT_OPTIONAL),
            INTEGER("num-matches", .token = "COUNT", .flags = ARGUMENT_OPTIONAL),
            INTEGER("len", .token = "MAXLEN", .flags = ARGUMENT_OPTIONAL)))
COMMAND(lpush, "lpush", -3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_LIST,
        GROUP_LIST, 1, "1.0.0", "O(N), N being the number of elements added.",
        "Adds elements to the head of a list, creating the list if need be.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_INSERT)),
        .history = TEXTS("2.4.0", "Takes several elements."),
        .arguments = ARGUMENTS(KEY("key"), STRING("element", .flags = ARGUMENT_MULTIPLE)))
COMMAND(lpushx, "lpushx", -3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_LIST,
        GROUP_LIST, 2, "2.2.0", "O(N), N being the number of elements added.",
        "Adds elements to the head of a list that exists.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_INSERT)),
        .history = TEXTS("4.0.0", "Takes several elements."),
        .arguments = ARGUMENTS(KEY("key"), STRING("element", .flags = ARGUMENT_MULTIPLE)))
COMMAND(lrange, "lrange", 4, COMMAND_READONLY, CATEGORY_LIST, GROUP_LIST, 1, "1.0.0",
        "O(log N + M), N being the length of the list and M of the range.",
        "Returns the elements between two positions of a list.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("stop")))
COMMAND(lrem, "lrem", 4, COMMAND_WRITE, CATEGORY_LIST, GROUP_LIST, 2, "1.0.0",
        "O(N), N being the number of elements looked at.", "Removes elements that equal a value.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("count"), STRING("element")))
COMMAND(lset, "lset", 4, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_LIST, GROUP_LIST, 2, "1.0.0",
        "O(log N), N being the length of the list.",
        "Replaces the element at a position of a list.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("index"), STRING("element")))
COMMAND(ltrim, "ltrim", 4, COMMAND_WRITE, CATEGORY_LIST, GROUP_LIST, 2, "1.0.0",
        "O(N), N being the number of elements removed.",
        "Keeps the elements between two positions and removes the rest.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("stop")))
COMMAND(rpop, "rpop", -2, COMMAND_WRITE | COMMAND_FAST, CATEGORY_LIST, GROUP_LIST, 1, "1.0.0",
        "O(N), N being the number of elements returned.", "Takes elements from the tail of a list.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .history = TEXTS("6.2.0", "Takes a count."),
        .arguments = ARGUMENTS(KEY("key"),
            INTEGER("count", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(rpoplpush, "rpoplpush", 3, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_LIST, GROUP_LIST, 2,
        "1.2.0", "O(1)", "Moves the last element of one list to the head of another.",
        .deprecated_since = "6.2.0",
        .replaced_by = "LMOVE with RIGHT and LEFT",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)),
        .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1)))
COMMAND(rpush, "rpush", -3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_LIST,
        GROUP_LIST, 1, "1.0.0", "O(N), N being the number of elements added.",
        "Adds elements to the tail of a list, creating the list if need be.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_INSERT)),
        .history = TEXTS("2.4.0", "Takes several elements."),
        .arguments = ARGUMENTS(KEY("key"), STRING("element", .flags = ARGUMENT_MULTIPLE)))
COMMAND(rpushx, "rpushx", -3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_LIST,
        GROUP_LIST, 2, "2.2.0", "O(N), N being the number of elements added.",
        "Adds elements to the tail of a list that exists.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_INSERT)),
        .history = TEXTS("4.0.0", "Takes several elements."),
        .arguments = ARGUMENTS(KEY("key"), STRING("element", .flags = ARGUMENT_MULTIPLE)))

/* Hashes. */

COMMAND(hdel, "hdel", -3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2, "2.0.0",
        "O(N), N being the number of fields given.", "Removes fields of a hash.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)), .member = 2,
        .history = TEXTS("2.4.0", "Takes several fields."),
        .arguments = ARGUMENTS(KEY("key"), STRING("field", .flags = ARGUMENT_MULTIPLE)))
COMMAND(hexists, "hexists", 3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2,
        "2.0.0", "O(1)", "Tells whether a hash has a field.",
        .keys = KEYS(KEY_AT(1, KEY_RO)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("field")))
COMMAND(hexpire, "hexpire", -6, COMMAND_WRITE | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2, "7.4.0",
        "O(N log M), N being the number of fields given and M of those with a deadline.",
        "Makes fields of a hash expire after a number of seconds.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("seconds"),
            ONE_OF("condition", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"),
                    TOKEN("gt", .token = "GT"), TOKEN("lt", .token = "LT"))),
            BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hexpireat, "hexpireat", -6, COMMAND_WRITE | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "7.4.0",
        "O(N log M), N being the number of fields given and M of those with a deadline.",
        "Makes fields of a hash expire at a time in seconds.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-seconds"),
            ONE_OF("condition", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"),
                    TOKEN("gt", .token = "GT"), TOKEN("lt", .token = "LT"))),
            BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hexpiretime, "hexpiretime", -5, COMMAND_READONLY | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "7.4.0",
        "O(N), N being the number of fields given.",
        "Tells when fields of a hash expire, in seconds.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hget, "hget", 3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 1, "2.0.0",
        "O(1)", "Returns the value of a field of a hash.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("field")))
COMMAND(hgetall, "hgetall", 2, COMMAND_READONLY, CATEGORY_HASH, GROUP_HASH, 1, "2.0.0",
        "O(N), N being the size of the hash.", "Returns all fields of a hash and their values.",
        .tips = TEXTS("nondeterministic_output_order"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(hgetdel, "hgetdel", -5, COMMAND_WRITE | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2, "8.0.0",
        "O(N), N being the number of fields given.",
        "Returns the values of fields of a hash and removes the fields.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hgetex, "hgetex", -5, COMMAND_WRITE | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2, "8.0.0",
        "O(N log M), N being the number of fields given and M of those with a deadline.",
        "Returns the values of fields of a hash and may change when the fields expire.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"),
            ONE_OF("expiration", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("seconds", .token = "EX"),
                    INTEGER("milliseconds", .token = "PX"),
                    UNIX_TIME("unix-time-seconds", .token = "EXAT"),
                    UNIX_TIME("unix-time-milliseconds", .token = "PXAT"),
                    TOKEN("persist", .token = "PERSIST"))),
            BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hincrby, "hincrby", 4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "2.0.0", "O(1)", "Adds to the integer in a field of a hash.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("field"), INTEGER("increment")))
COMMAND(hincrbyfloat, "hincrbyfloat", 4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST,
        CATEGORY_HASH, GROUP_HASH, 2, "2.6.0", "O(1)",
        "Adds a floating-point number to the number in a field of a hash.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("field"), DOUBLE("increment")))
COMMAND(hkeys, "hkeys", 2, COMMAND_READONLY, CATEGORY_HASH, GROUP_HASH, 2, "2.0.0",
        "O(N), N being the size of the hash.", "Returns all fields of a hash.",
        .tips = TEXTS("nondeterministic_output_order"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(hlen, "hlen", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2, "2.0.0",
        "O(1)", "Tells the number of fields of a hash.",
        .keys = KEYS(KEY_AT(1, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(hmget, "hmget", -3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2, "2.0.0",
        "O(N), N being the number of fields given.", "Returns the values of fields of a hash.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("field", .flags = ARGUMENT_MULTIPLE)))
COMMAND(hmset, "hmset", -4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "2.0.0", "O(N), N being the number of fields set.",
        "Sets fields of a hash.",
        .deprecated_since = "4.0.0",
        .replaced_by = "HSET with several fields",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), BLOCK("field_value", .flags = ARGUMENT_MULTIPLE,
                .arguments = ARGUMENTS(STRING("field"), STRING("value")))))
COMMAND(hpersist, "hpersist", -5, COMMAND_WRITE | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "7.4.0",
        "O(N log M), N being the number of fields given and M of those with a deadline.",
        "Keeps fields of a hash from expiring.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hpexpire, "hpexpire", -6, COMMAND_WRITE | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "7.4.0",
        "O(N log M), N being the number of fields given and M of those with a deadline.",
        "Makes fields of a hash expire after a number of milliseconds.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("milliseconds"),
            ONE_OF("condition", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"),
                    TOKEN("gt", .token = "GT"), TOKEN("lt", .token = "LT"))),
            BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hpexpireat, "hpexpireat", -6, COMMAND_WRITE | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "7.4.0",
        "O(N log M), N being the number of fields given and M of those with a deadline.",
        "Makes fields of a hash expire at a time in milliseconds.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-milliseconds"),
            ONE_OF("condition", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"),
                    TOKEN("gt", .token = "GT"), TOKEN("lt", .token = "LT"))),
            BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hpexpiretime, "hpexpiretime", -5, COMMAND_READONLY | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "7.4.0",
        "O(N), N being the number of fields given.",
        "Tells when fields of a hash expire, in milliseconds.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hpttl, "hpttl", -5, COMMAND_READONLY | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2, "7.4.0",
        "O(N), N being the number of fields given.",
        "Tells in how many milliseconds fields of a hash expire.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hrandfield, "hrandfield", -2, COMMAND_READONLY, CATEGORY_HASH, GROUP_HASH, 2, "6.2.0",
        "O(N), N being the number of fields returned.",
        "Returns fields of a hash chosen at random.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("options", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("count"),
                    TOKEN("withvalues", .token = "WITHVALUES", .flags = ARGUMENT_OPTIONAL)))))
COMMAND(hscan, "hscan", -3, COMMAND_READONLY, CATEGORY_HASH, GROUP_HASH, 2, "2.8.0",
        "O(1) a call, O(N) for all N fields.", "Walks the fields of a hash a few at a time.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("cursor"),
            PATTERN("pattern", .token = "MATCH", .flags = ARGUMENT_OPTIONAL),
            INTEGER("count", .token = "COUNT", .flags = ARGUMENT_OPTIONAL),
            TOKEN("novalues", .token = "NOVALUES", .since = "7.4.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(hset, "hset", -4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH,
        1, "2.0.0", "O(N), N being the number of fields set.", "Sets fields of a hash.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)), .member = 2,
        .history = TEXTS("4.0.0", "Takes several fields and values."),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("field_value", .flags = ARGUMENT_MULTIPLE,
                .arguments = ARGUMENTS(STRING("field"), STRING("value")))))
COMMAND(hsetex, "hsetex", -6, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "8.0.0",
        "O(N log M), N being the number of fields given and M of those with a deadline.",
        "Sets fields of a hash that expire.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"),
            ONE_OF("condition", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("fnx", .token = "FNX"), TOKEN("fxx", .token = "FXX"))),
            ONE_OF("expiration", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("seconds", .token = "EX"),
                    INTEGER("milliseconds", .token = "PX"),
                    UNIX_TIME("unix-time-seconds", .token = "EXAT"),
                    UNIX_TIME("unix-time-milliseconds", .token = "PXAT"),
                    TOKEN("keepttl", .token = "KEEPTTL"))),
            BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    BLOCK("data", .flags = ARGUMENT_MULTIPLE,
                        .arguments = ARGUMENTS(STRING("field"), STRING("value")))))))
COMMAND(hsetnx, "hsetnx", 4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_HASH,
        GROUP_HASH, 2, "2.0.0", "O(1)", "Sets a field of a hash that it does not have yet.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_INSERT)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("field"), STRING("value")))
COMMAND(hstrlen, "hstrlen", 3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2,
        "3.2.0", "O(1)", "Tells the size of the value of a field of a hash.",
        .keys = KEYS(KEY_AT(1, KEY_RO)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("field")))
COMMAND(httl, "httl", -5, COMMAND_READONLY | COMMAND_FAST, CATEGORY_HASH, GROUP_HASH, 2, "7.4.0",
        "O(N), N being the number of fields given.",
        "Tells in how many seconds fields of a hash expire.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("fields", .token = "FIELDS",
                .arguments = ARGUMENTS(INTEGER("numfields"),
                    STRING("field", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(hvals, "hvals", 2, COMMAND_READONLY, CATEGORY_HASH, GROUP_HASH, 2, "2.0.0",
        "O(N), N being the size of the hash.", "Returns the values of all fields of a hash.",
        .tips = TEXTS("nondeterministic_output_order"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key")))

/* Sets. */

COMMAND(spexpireat, "kv.spexpireat", -6, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SET,
        GROUP_SET, 2, "7.2.0", "O(N log M), N being the number of members given and M of those with a deadline.",
        "Makes members of a set expire at a time in milliseconds, as kvstore's journal tells it.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-milliseconds"), BLOCK("members", .token = "MEMBERS",
                .arguments = ARGUMENTS(INTEGER("nummembers"),
                    STRING("member", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(spersist, "kv.spersist", -5, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SET,
        GROUP_SET, 2, "7.2.0", "O(N log M), N being the number of members given and M of those with a deadline.",
        "Keeps members of a set from expiring, as kvstore's journal tells it.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("members", .token = "MEMBERS",
                .arguments = ARGUMENTS(INTEGER("nummembers"),
                    STRING("member", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(sadd, "sadd", -3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_SET, GROUP_SET,
        1, "1.0.0", "O(N), N being the number of members.",
        "Adds members to a set, creating it if need be.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_INSERT)), .member = 2,
        .history = TEXTS("2.4.0", "Takes several members."),
        .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARGUMENT_MULTIPLE)))
COMMAND(scard, "scard", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SET, GROUP_SET, 2, "1.0.0",
        "O(1)", "Returns the number of members of a set.",
        .keys = KEYS(KEY_AT(1, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(sdiff, "sdiff", -2, COMMAND_READONLY, CATEGORY_SET, GROUP_SET, 2, "1.0.0",
        "O(N), N being the number of members of all sets.",
        "Returns the members of the first set that no other has.",
        .tips = TEXTS("nondeterministic_output_order"),
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(sdiffcard, "sdiffcard", -3, COMMAND_READONLY | COMMAND_MOVABLEKEYS, CATEGORY_SET, GROUP_SET,
        2, "8.10.0", "O(N), N being the number of members of all sets.",
        "Counts the members of the first set that no other has.",
        .keys = KEYS(KEYS_COUNTED_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(sdiffstore, "sdiffstore", -3, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_SET, GROUP_SET, 2,
        "1.0.0", "O(N), N being the number of members of all sets.",
        "Stores the members of the first set that no other has as a set.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE), KEYS_FROM(2, -1, 1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("destination"),
            KEY("key", .key_spec = 1, .flags = ARGUMENT_MULTIPLE)))
COMMAND(sinter, "sinter", -2, COMMAND_READONLY, CATEGORY_SET, GROUP_SET, 2, "1.0.0",
        "O(N*M), N being the size of the smallest set and M the number of sets.",
        "Returns the members that all sets have.",
        .tips = TEXTS("nondeterministic_output_order"),
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(sintercard, "sintercard", -3, COMMAND_READONLY | COMMAND_MOVABLEKEYS, CATEGORY_SET,
        GROUP_SET, 2, "7.0.0", "O(N*M), N being the size of the smallest set and M the number of sets.",
        "Counts the members that all sets have, up to a limit.",
        .keys = KEYS(KEYS_COUNTED_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARGUMENT_MULTIPLE),
            INTEGER("limit", .token = "LIMIT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(sinterstore, "sinterstore", -3, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_SET, GROUP_SET, 2,
        "1.0.0", "O(N*M), N being the size of the smallest set and M the number of sets.",
        "Stores the members that all sets have as a set.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE), KEYS_FROM(2, -1, 1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("destination"),
            KEY("key", .key_spec = 1, .flags = ARGUMENT_MULTIPLE)))
COMMAND(sismember, "sismember", 3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SET, GROUP_SET, 1,
        "1.0.0", "O(1)", "Tells whether a set has a member.",
        .keys = KEYS(KEY_AT(1, KEY_RO)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("member")))
COMMAND(smembers, "smembers", 2, COMMAND_READONLY, CATEGORY_SET, GROUP_SET, 1, "1.0.0",
        "O(N), N being the size of the set.", "Returns all members of a set.",
        .tips = TEXTS("nondeterministic_output_order"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(smismember, "smismember", -3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SET, GROUP_SET, 2,
        "6.2.0", "O(N), N being the number of members asked for.",
        "Tells of each of several members whether a set has it.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARGUMENT_MULTIPLE)))
COMMAND(smove, "smove", 4, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SET, GROUP_SET, 2, "1.0.0", "O(1)",
        "Moves a member from one set to another.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)),
        .arguments = ARGUMENTS(KEY("source"), KEY("destination", .key_spec = 1), STRING("member")))
COMMAND(spop, "spop", -2, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SET, GROUP_SET, 2, "1.0.0",
        "O(N), N being the number of members returned.",
        "Takes members out of a set at random.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .history = TEXTS("3.2.0", "Takes a count."),
        .arguments = ARGUMENTS(KEY("key"),
            INTEGER("count", .since = "3.2.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(srandmember, "srandmember", -2, COMMAND_READONLY, CATEGORY_SET, GROUP_SET, 2, "1.0.0",
        "O(N), N being the number of members returned.",
        "Returns members of a set at random; with a negative count some may come again.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("2.6.0", "Takes a count."),
        .arguments = ARGUMENTS(KEY("key"),
            INTEGER("count", .since = "2.6.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(srem, "srem", -3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SET, GROUP_SET, 1, "1.0.0",
        "O(N), N being the number of members.", "Removes members from a set.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)), .member = 2,
        .history = TEXTS("2.4.0", "Takes several members."),
        .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARGUMENT_MULTIPLE)))
COMMAND(sscan, "sscan", -3, COMMAND_READONLY, CATEGORY_SET, GROUP_SET, 2, "2.8.0",
        "O(1) a call, O(N) for all N members.",
        "Walks the members of a set a few at a time, by a cursor.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("cursor"),
            PATTERN("pattern", .token = "MATCH", .flags = ARGUMENT_OPTIONAL),
            INTEGER("count", .token = "COUNT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(sunion, "sunion", -2, COMMAND_READONLY, CATEGORY_SET, GROUP_SET, 2, "1.0.0",
        "O(N), N being the number of members of all sets.",
        "Returns the members that any of the sets has.",
        .tips = TEXTS("nondeterministic_output_order"),
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(sunioncard, "sunioncard", -3, COMMAND_READONLY | COMMAND_MOVABLEKEYS, CATEGORY_SET,
        GROUP_SET, 2, "8.10.0", "O(N), N being the number of members of all sets.",
        "Counts the members that any of the sets has.",
        .keys = KEYS(KEYS_COUNTED_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(sunionstore, "sunionstore", -3, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_SET, GROUP_SET, 2,
        "1.0.0", "O(N), N being the number of members of all sets.",
        "Stores the members that any of the sets has as a set.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE), KEYS_FROM(2, -1, 1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("destination"),
            KEY("key", .key_spec = 1, .flags = ARGUMENT_MULTIPLE)))

/* Sorted sets. */

COMMAND(bzmpop, "bzmpop", -5, COMMAND_WRITE | COMMAND_BLOCKING | COMMAND_MOVABLEKEYS,
        CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2, "7.0.0",
        "O(K+M log N), K being the number of keys, M of the members returned, N of the set's.",
        "Takes the lowest or highest members of the first set that has any, or waits.",
        .keys = KEYS(KEYS_COUNTED_AT(2, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .arguments = ARGUMENTS(DOUBLE("timeout"), INTEGER("numkeys"),
            KEY("key", .flags = ARGUMENT_MULTIPLE),
            ONE_OF("where",
                .arguments = ARGUMENTS(TOKEN("min", .token = "MIN"), TOKEN("max", .token = "MAX"))),
            INTEGER("count", .token = "COUNT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(bzpopmax, "bzpopmax", -3, COMMAND_WRITE | COMMAND_BLOCKING | COMMAND_FAST,
        CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2, "5.0.0",
        "O(K+log N), K being the number of keys and N of the set's members.",
        "Takes the member with the highest score from the first set that has any, or waits.",
        .keys = KEYS(KEYS_FROM(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .history = TEXTS("6.0.0", "The timeout may have a fraction."),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE), DOUBLE("timeout")))
COMMAND(bzpopmin, "bzpopmin", -3, COMMAND_WRITE | COMMAND_BLOCKING | COMMAND_FAST,
        CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2, "5.0.0",
        "O(K+log N), K being the number of keys and N of the set's members.",
        "Takes the member with the lowest score from the first set that has any, or waits.",
        .keys = KEYS(KEYS_FROM(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .history = TEXTS("6.0.0", "The timeout may have a fraction."),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE), DOUBLE("timeout")))
COMMAND(zpexpireat, "kv.zpexpireat", -6, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "7.2.0", "O(N log M), N being the number of members given and M of those with a deadline.",
        "Makes members of a sorted set expire at a time in milliseconds, as kvstore's journal tells it.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), UNIX_TIME("unix-time-milliseconds"), BLOCK("members", .token = "MEMBERS",
                .arguments = ARGUMENTS(INTEGER("nummembers"),
                    STRING("member", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(zpersist, "kv.zpersist", -5, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "7.2.0", "O(N log M), N being the number of members given and M of those with a deadline.",
        "Keeps members of a sorted set from expiring, as kvstore's journal tells it.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("members", .token = "MEMBERS",
                .arguments = ARGUMENTS(INTEGER("nummembers"),
                    STRING("member", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(zadd, "zadd", -4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 1, "1.2.0",
        "O(log N) for each member, N being the number of members of the set.",
        "Gives members of a sorted set their scores, adding those that are not there.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)), .member = 3,
        .history = TEXTS("2.4.0", "Takes several members.", "3.0.2", "Takes NX, XX, CH and INCR.",
            "6.2.0", "Takes GT and LT."),
        .arguments = ARGUMENTS(KEY("key"),
            ONE_OF("condition", .since = "3.0.2", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"))),
            ONE_OF("comparison", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("gt", .token = "GT"), TOKEN("lt", .token = "LT"))),
            TOKEN("change", .token = "CH", .since = "3.0.2", .flags = ARGUMENT_OPTIONAL),
            TOKEN("increment", .token = "INCR", .since = "3.0.2", .flags = ARGUMENT_OPTIONAL),
            BLOCK("score_member", .flags = ARGUMENT_MULTIPLE,
                .arguments = ARGUMENTS(DOUBLE("score"), STRING("member")))))
COMMAND(zcard, "zcard", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2,
        "1.2.0", "O(1)", "Counts the members of a sorted set.",
        .keys = KEYS(KEY_AT(1, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(zcount, "zcount", 4, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SORTEDSET, GROUP_SORTED_SET,
        2, "2.0.0", "O(log N), N being the number of members of the set.",
        "Counts the members whose scores are in a range.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), DOUBLE("min"), DOUBLE("max")))
COMMAND(zdiff, "zdiff", -3, COMMAND_READONLY | COMMAND_MOVABLEKEYS, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "6.2.0", "O(N), N being the number of members of all sets.",
        "Returns the members of the first sorted set that no other set has.",
        .keys = KEYS(KEYS_COUNTED_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARGUMENT_MULTIPLE),
            TOKEN("withscores", .token = "WITHSCORES", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zdiffstore, "zdiffstore", -4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
        CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2, "6.2.0",
        "O(N log M), N being the number of members of all sets and M of the result.",
        "Stores the members of the first sorted set that no other set has.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE), KEYS_COUNTED_AT(2, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("destination"), INTEGER("numkeys"),
            KEY("key", .key_spec = 1, .flags = ARGUMENT_MULTIPLE)))
COMMAND(zincrby, "zincrby", 4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "1.2.0", "O(log N), N being the number of members of the set.",
        "Adds to the score of a member.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)), .member = 3,
        .arguments = ARGUMENTS(KEY("key"), INTEGER("increment"), STRING("member")))
COMMAND(zinter, "zinter", -3, COMMAND_READONLY | COMMAND_MOVABLEKEYS, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "6.2.0",
        "O(N K+M log M), N being the size of the smallest of K sets and M of the result.",
        "Returns the members that all the sorted sets have.",
        .keys = KEYS(KEYS_COUNTED_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARGUMENT_MULTIPLE),
            INTEGER("weight", .token = "WEIGHTS", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE),
            ONE_OF("aggregate", .token = "AGGREGATE", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("sum", .token = "SUM"), TOKEN("min", .token = "MIN"),
                    TOKEN("max", .token = "MAX"))),
            TOKEN("withscores", .token = "WITHSCORES", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zintercard, "zintercard", -3, COMMAND_READONLY | COMMAND_MOVABLEKEYS, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "7.0.0", "O(N K), N being the size of the smallest of K sets.",
        "Counts the members that all the sorted sets have.",
        .keys = KEYS(KEYS_COUNTED_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARGUMENT_MULTIPLE),
            INTEGER("limit", .token = "LIMIT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zinterstore, "zinterstore", -4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
        CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2, "2.0.0",
        "O(N K+M log M), N being the size of the smallest of K sets and M of the result.",
        "Stores the members that all the sorted sets have.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE), KEYS_COUNTED_AT(2, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("destination"), INTEGER("numkeys"),
            KEY("key", .key_spec = 1, .flags = ARGUMENT_MULTIPLE),
            INTEGER("weight", .token = "WEIGHTS", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE),
            ONE_OF("aggregate", .token = "AGGREGATE", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("sum", .token = "SUM"), TOKEN("min", .token = "MIN"),
                    TOKEN("max", .token = "MAX")))))
COMMAND(zlexcount, "zlexcount", 4, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "2.8.9", "O(log N), N being the number of members of the set.",
        "Counts the members, all of one score, whose names are in a range.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), STRING("min"), STRING("max")))
COMMAND(zmpop, "zmpop", -4, COMMAND_WRITE | COMMAND_MOVABLEKEYS, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "7.0.0",
        "O(K+M log N), K being the number of keys, M of the members returned, N of the set's.",
        "Takes members with the lowest or highest scores from the first set that has any.",
        .keys = KEYS(KEYS_COUNTED_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARGUMENT_MULTIPLE),
            ONE_OF("where",
                .arguments = ARGUMENTS(TOKEN("min", .token = "MIN"), TOKEN("max", .token = "MAX"))),
            INTEGER("count", .token = "COUNT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zmscore, "zmscore", -3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "6.2.0", "O(N), N being the number of members asked for.",
        "Returns the scores of several members.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARGUMENT_MULTIPLE)))
COMMAND(zpopmax, "zpopmax", -2, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SORTEDSET, GROUP_SORTED_SET,
        2, "5.0.0", "O(M log N), M being the number of members returned and N of the set's.",
        "Takes the members with the highest scores.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zpopmin, "zpopmin", -2, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SORTEDSET, GROUP_SORTED_SET,
        2, "5.0.0", "O(M log N), M being the number of members returned and N of the set's.",
        "Takes the members with the lowest scores.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("count", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zrandmember, "zrandmember", -2, COMMAND_READONLY, CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2,
        "6.2.0", "O(N), N being the number of members returned.",
        "Returns members chosen at random.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"),
            BLOCK("options", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("count"), TOKEN("withscores",
                    .token = "WITHSCORES", .flags = ARGUMENT_OPTIONAL)))))
COMMAND(zrange, "zrange", -4, COMMAND_READONLY, CATEGORY_SORTEDSET, GROUP_SORTED_SET, 1, "1.2.0",
        "O(log N+M), N being the number of members of the set and M of those returned.",
        "Returns the members in a range of ranks, scores or names.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("6.2.0", "Takes REV, BYSCORE, BYLEX and LIMIT."),
        .arguments = ARGUMENTS(KEY("key"), STRING("start"), STRING("stop"),
            ONE_OF("sortby", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("byscore", .token = "BYSCORE"), TOKEN("bylex",
                    .token = "BYLEX"))),
            TOKEN("rev", .token = "REV", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL),
            BLOCK("offset_count", .token = "LIMIT", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count"))),
            TOKEN("withscores", .token = "WITHSCORES", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zrangebylex, "zrangebylex", -4, COMMAND_READONLY, CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2,
        "2.8.9", "O(log N+M), N being the number of members of the set and M of those returned.",
        "Returns the members, all of one score, whose names are in a range.",
        .deprecated_since = "6.2.0",
        .replaced_by = "ZRANGE with BYLEX",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), STRING("min"), STRING("max"),
            BLOCK("offset_count", .token = "LIMIT", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))))
COMMAND(zrangebyscore, "zrangebyscore", -4, COMMAND_READONLY, CATEGORY_SORTEDSET, GROUP_SORTED_SET,
        2, "1.0.5", "O(log N+M), N being the number of members of the set and M of those returned.",
        "Returns the members whose scores are in a range.",
        .deprecated_since = "6.2.0",
        .replaced_by = "ZRANGE with BYSCORE",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("2.0.0", "Takes WITHSCORES."),
        .arguments = ARGUMENTS(KEY("key"), DOUBLE("min"), DOUBLE("max"),
            TOKEN("withscores", .token = "WITHSCORES", .since = "2.0.0",
                .flags = ARGUMENT_OPTIONAL),
            BLOCK("offset_count", .token = "LIMIT", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))))
COMMAND(zrangestore, "zrangestore", -5, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "6.2.0",
        "O(log N+M log M), N being the number of members of the set and M of those stored.",
        "Stores the members in a range of ranks, scores or names as another set.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_AT(2, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("dst"), KEY("src", .key_spec = 1), STRING("min"), STRING("max"),
            ONE_OF("sortby", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("byscore", .token = "BYSCORE"), TOKEN("bylex",
                    .token = "BYLEX"))), TOKEN("rev", .token = "REV", .flags = ARGUMENT_OPTIONAL),
            BLOCK("offset_count", .token = "LIMIT", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))))
COMMAND(zrank, "zrank", -3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SORTEDSET, GROUP_SORTED_SET,
        2, "2.0.0", "O(log N), N being the number of members of the set.",
        "Tells how many members have lower scores than one.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .history = TEXTS("7.2.0", "Takes WITHSCORE."),
        .arguments = ARGUMENTS(KEY("key"), STRING("member"),
            TOKEN("withscore", .token = "WITHSCORE", .since = "7.2.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zrem, "zrem", -3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2,
        "1.2.0", "O(M log N), M being the number of members removed and N of the set's.",
        "Removes members.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)), .member = 2,
        .history = TEXTS("2.4.0", "Takes several members."),
        .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARGUMENT_MULTIPLE)))
COMMAND(zremrangebylex, "zremrangebylex", 4, COMMAND_WRITE, CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2,
        "2.8.9", "O(log N+M), N being the number of members of the set and M of those removed.",
        "Removes the members, all of one score, whose names are in a range.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), STRING("min"), STRING("max")))
COMMAND(zremrangebyrank, "zremrangebyrank", 4, COMMAND_WRITE, CATEGORY_SORTEDSET, GROUP_SORTED_SET,
        2, "2.0.0", "O(log N+M), N being the number of members of the set and M of those removed.",
        "Removes the members from one rank to another.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("stop")))
COMMAND(zremrangebyscore, "zremrangebyscore", 4, COMMAND_WRITE, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "1.2.0",
        "O(log N+M), N being the number of members of the set and M of those removed.",
        "Removes the members whose scores are in a range.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), DOUBLE("min"), DOUBLE("max")))
COMMAND(zrevrange, "zrevrange", -4, COMMAND_READONLY, CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2,
        "1.2.0", "O(log N+M), N being the number of members of the set and M of those returned.",
        "Returns the members from one rank to another, the highest score first.",
        .deprecated_since = "6.2.0",
        .replaced_by = "ZRANGE with REV",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("start"), INTEGER("stop"),
            TOKEN("withscores", .token = "WITHSCORES", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zrevrangebylex, "zrevrangebylex", -4, COMMAND_READONLY, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "2.8.9",
        "O(log N+M), N being the number of members of the set and M of those returned.",
        "Returns the members, all of one score, whose names are in a range, the last first.",
        .deprecated_since = "6.2.0",
        .replaced_by = "ZRANGE with REV and BYLEX",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), STRING("max"), STRING("min"),
            BLOCK("offset_count", .token = "LIMIT", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))))
COMMAND(zrevrangebyscore, "zrevrangebyscore", -4, COMMAND_READONLY, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "2.2.0",
        "O(log N+M), N being the number of members of the set and M of those returned.",
        "Returns the members whose scores are in a range, the highest first.",
        .deprecated_since = "6.2.0",
        .replaced_by = "ZRANGE with REV and BYSCORE",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("2.1.6", "The minimum and the maximum may be left out of the range."),
        .arguments = ARGUMENTS(KEY("key"), DOUBLE("max"), DOUBLE("min"),
            TOKEN("withscores", .token = "WITHSCORES", .flags = ARGUMENT_OPTIONAL),
            BLOCK("offset_count", .token = "LIMIT", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("offset"), INTEGER("count")))))
COMMAND(zrevrank, "zrevrank", -3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "2.0.0", "O(log N), N being the number of members of the set.",
        "Tells how many members have higher scores than one.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .history = TEXTS("7.2.0", "Takes WITHSCORE."),
        .arguments = ARGUMENTS(KEY("key"), STRING("member"),
            TOKEN("withscore", .token = "WITHSCORE", .since = "7.2.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zscan, "zscan", -3, COMMAND_READONLY, CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2, "2.8.0",
        "O(1) a call, O(N) for all N members.", "Walks the members a few at a time, by a cursor.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("8.0.0", "Takes NOSCORES, as Valkey does."),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("cursor"),
            PATTERN("pattern", .token = "MATCH", .flags = ARGUMENT_OPTIONAL),
            INTEGER("count", .token = "COUNT", .flags = ARGUMENT_OPTIONAL),
            TOKEN("noscores", .token = "NOSCORES", .since = "8.0.0",
                .flags = ARGUMENT_OPTIONAL)))
COMMAND(zscore, "zscore", 3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_SORTEDSET, GROUP_SORTED_SET,
        2, "1.2.0", "O(1)", "Returns the score of a member.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("member")))
COMMAND(zunion, "zunion", -3, COMMAND_READONLY | COMMAND_MOVABLEKEYS, CATEGORY_SORTEDSET,
        GROUP_SORTED_SET, 2, "6.2.0",
        "O(N log M), N being the number of members of all sets and M of the result.",
        "Returns the members that any of the sorted sets has.",
        .keys = KEYS(KEYS_COUNTED_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(INTEGER("numkeys"), KEY("key", .flags = ARGUMENT_MULTIPLE),
            INTEGER("weight", .token = "WEIGHTS", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE),
            ONE_OF("aggregate", .token = "AGGREGATE", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("sum", .token = "SUM"), TOKEN("min", .token = "MIN"),
                    TOKEN("max", .token = "MAX"))),
            TOKEN("withscores", .token = "WITHSCORES", .flags = ARGUMENT_OPTIONAL)))
COMMAND(zunionstore, "zunionstore", -4, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
        CATEGORY_SORTEDSET, GROUP_SORTED_SET, 2, "2.0.0",
        "O(N log M), N being the number of members of all sets and M of the result.",
        "Stores the members that any of the sorted sets has.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE), KEYS_COUNTED_AT(2, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("destination"), INTEGER("numkeys"),
            KEY("key", .key_spec = 1, .flags = ARGUMENT_MULTIPLE),
            INTEGER("weight", .token = "WEIGHTS", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE),
            ONE_OF("aggregate", .token = "AGGREGATE", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("sum", .token = "SUM"), TOKEN("min", .token = "MIN"),
                    TOKEN("max", .token = "MAX")))))

/* Geo. */

COMMAND(geoadd, "geoadd", -5, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_GEO, GROUP_GEO, 1, "3.2.0",
        "O(log N) for each member, N being the number of members of the set.",
        "Adds places, each with its longitude and latitude.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)), .member = 4,
        .history = TEXTS("6.2.0", "Takes CH, NX and XX."),
        .arguments = ARGUMENTS(KEY("key"),
            ONE_OF("condition", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nx", .token = "NX"), TOKEN("xx", .token = "XX"))),
            TOKEN("change", .token = "CH", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL),
            BLOCK("longitude_latitude_member", .flags = ARGUMENT_MULTIPLE,
                .arguments = ARGUMENTS(DOUBLE("longitude"), DOUBLE("latitude"), STRING("member")))))
COMMAND(geodist, "geodist", -4, COMMAND_READONLY, CATEGORY_GEO, GROUP_GEO, 2, "3.2.0", "O(1)",
        "Tells the distance between two places.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("member1"), STRING("member2"),
            ONE_OF("unit", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("m", .token = "M"), TOKEN("km", .token = "KM"),
                    TOKEN("ft", .token = "FT"), TOKEN("mi", .token = "MI")))))
COMMAND(geohash, "geohash", -2, COMMAND_READONLY, CATEGORY_GEO, GROUP_GEO, 2, "3.2.0",
        "O(1) for each member asked for.", "Returns the geohashes of places, as text.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARGUMENT_MULTIPLE)))
COMMAND(geopos, "geopos", -2, COMMAND_READONLY, CATEGORY_GEO, GROUP_GEO, 1, "3.2.0",
        "O(1) for each member asked for.", "Returns the longitude and latitude of places.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)), .member = 2,
        .arguments = ARGUMENTS(KEY("key"), STRING("member", .flags = ARGUMENT_MULTIPLE)))
COMMAND(georadius, "georadius", -6, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS,
        CATEGORY_GEO, GROUP_GEO, 2, "3.2.0",
        "O(N+log M), N being the number of places near the circle and M of the set's.",
        "Returns or stores the places within a distance of a point.",
        .deprecated_since = "6.2.0",
        .replaced_by = "GEOSEARCH and GEOSEARCHSTORE with BYRADIUS",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS), KEY_AFTER("STORE", 6, KEY_OW | KEY_UPDATE),
            KEY_AFTER("STOREDIST", 6, KEY_OW | KEY_UPDATE)),
        .history = TEXTS("6.2.0", "Takes ANY.", "7.0.0", "Takes units in capitals."),
        .arguments = ARGUMENTS(KEY("key"), DOUBLE("longitude"), DOUBLE("latitude"),
            DOUBLE("radius"),
            ONE_OF("unit",
                .arguments = ARGUMENTS(TOKEN("m", .token = "M"), TOKEN("km", .token = "KM"),
                    TOKEN("ft", .token = "FT"), TOKEN("mi", .token = "MI"))),
            TOKEN("withcoord", .token = "WITHCOORD", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withdist", .token = "WITHDIST", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withhash", .token = "WITHHASH", .flags = ARGUMENT_OPTIONAL),
            BLOCK("count", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT"), TOKEN("any",
                    .token = "ANY", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL))),
            ONE_OF("order", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("asc", .token = "ASC"), TOKEN("desc",
                    .token = "DESC"))),
            KEY("key", .key_spec = 1, .token = "STORE", .flags = ARGUMENT_OPTIONAL),
            KEY("key", .key_spec = 2, .token = "STOREDIST", .flags = ARGUMENT_OPTIONAL)))
COMMAND(georadius_ro, "georadius_ro", -6, COMMAND_READONLY, CATEGORY_GEO, GROUP_GEO, 2, "3.2.10",
        "O(N+log M), N being the number of places near the circle and M of the set's.",
        "Returns the places within a distance of a point.",
        .deprecated_since = "6.2.0",
        .replaced_by = "GEOSEARCH with BYRADIUS",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("6.2.0", "Takes ANY."),
        .arguments = ARGUMENTS(KEY("key"), DOUBLE("longitude"), DOUBLE("latitude"),
            DOUBLE("radius"),
            ONE_OF("unit",
                .arguments = ARGUMENTS(TOKEN("m", .token = "M"), TOKEN("km", .token = "KM"),
                    TOKEN("ft", .token = "FT"), TOKEN("mi", .token = "MI"))),
            TOKEN("withcoord", .token = "WITHCOORD", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withdist", .token = "WITHDIST", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withhash", .token = "WITHHASH", .flags = ARGUMENT_OPTIONAL),
            BLOCK("count", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT"), TOKEN("any",
                    .token = "ANY", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL))),
            ONE_OF("order", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("asc", .token = "ASC"), TOKEN("desc",
                    .token = "DESC")))))
COMMAND(georadiusbymember, "georadiusbymember", -5,
        COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_MOVABLEKEYS, CATEGORY_GEO, GROUP_GEO, 2, "3.2.0",
        "O(N+log M), N being the number of places near the circle and M of the set's.",
        "Returns or stores the places within a distance of another.",
        .deprecated_since = "6.2.0",
        .replaced_by = "GEOSEARCH and GEOSEARCHSTORE with BYRADIUS and FROMMEMBER",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS), KEY_AFTER("STORE", 5, KEY_OW | KEY_UPDATE),
            KEY_AFTER("STOREDIST", 5, KEY_OW | KEY_UPDATE)),
        .history = TEXTS("7.0.0", "Takes units in capitals."),
        .arguments = ARGUMENTS(KEY("key"), STRING("member"), DOUBLE("radius"),
            ONE_OF("unit",
                .arguments = ARGUMENTS(TOKEN("m", .token = "M"), TOKEN("km", .token = "KM"),
                    TOKEN("ft", .token = "FT"), TOKEN("mi", .token = "MI"))),
            TOKEN("withcoord", .token = "WITHCOORD", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withdist", .token = "WITHDIST", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withhash", .token = "WITHHASH", .flags = ARGUMENT_OPTIONAL),
            BLOCK("count", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT"), TOKEN("any",
                    .token = "ANY", .flags = ARGUMENT_OPTIONAL))),
            ONE_OF("order", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("asc", .token = "ASC"), TOKEN("desc",
                    .token = "DESC"))),
            KEY("key", .key_spec = 1, .token = "STORE", .flags = ARGUMENT_OPTIONAL),
            KEY("key", .key_spec = 2, .token = "STOREDIST", .flags = ARGUMENT_OPTIONAL)))
COMMAND(georadiusbymember_ro, "georadiusbymember_ro", -5, COMMAND_READONLY, CATEGORY_GEO, GROUP_GEO,
        2, "3.2.10", "O(N+log M), N being the number of places near the circle and M of the set's.",
        "Returns the places within a distance of another.",
        .deprecated_since = "6.2.0",
        .replaced_by = "GEOSEARCH with BYRADIUS and FROMMEMBER",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), STRING("member"), DOUBLE("radius"),
            ONE_OF("unit",
                .arguments = ARGUMENTS(TOKEN("m", .token = "M"), TOKEN("km", .token = "KM"),
                    TOKEN("ft", .token = "FT"), TOKEN("mi", .token = "MI"))),
            TOKEN("withcoord", .token = "WITHCOORD", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withdist", .token = "WITHDIST", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withhash", .token = "WITHHASH", .flags = ARGUMENT_OPTIONAL),
            BLOCK("count", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT"), TOKEN("any",
                    .token = "ANY", .flags = ARGUMENT_OPTIONAL))),
            ONE_OF("order", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("asc", .token = "ASC"), TOKEN("desc",
                    .token = "DESC")))))
COMMAND(geosearch, "geosearch", -7, COMMAND_READONLY, CATEGORY_GEO, GROUP_GEO, 2, "6.2.0",
        "O(N+log M), N being the number of places near the area and M of the set's.",
        "Returns the places within a circle, a box or a polygon.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("7.0.0", "Takes units in capitals.", "9.0.0",
            "Takes BYPOLYGON, as Valkey does."),
        .arguments = ARGUMENTS(KEY("key"),
            ONE_OF("from",
                .arguments = ARGUMENTS(STRING("member", .token = "FROMMEMBER"),
                    BLOCK("longitude_latitude", .token = "FROMLONLAT",
                    .arguments = ARGUMENTS(DOUBLE("longitude"), DOUBLE("latitude"))))),
            ONE_OF("by",
                .arguments = ARGUMENTS(BLOCK("circle", .arguments = ARGUMENTS(DOUBLE("radius",
                    .token = "BYRADIUS"), ONE_OF("unit", .arguments = ARGUMENTS(TOKEN("m",
                    .token = "M"), TOKEN("km", .token = "KM"), TOKEN("ft", .token = "FT"),
                    TOKEN("mi", .token = "MI"))))), BLOCK("box",
                    .arguments = ARGUMENTS(DOUBLE("width", .token = "BYBOX"), DOUBLE("height"),
                    ONE_OF("unit", .arguments = ARGUMENTS(TOKEN("m", .token = "M"), TOKEN("km",
                    .token = "KM"), TOKEN("ft", .token = "FT"), TOKEN("mi", .token = "MI"))))),
                    BLOCK("polygon", .token = "BYPOLYGON", .since = "9.0.0",
                        .arguments = ARGUMENTS(INTEGER("num-vertices"),
                            BLOCK("longitude_latitude", .flags = ARGUMENT_MULTIPLE,
                                .arguments = ARGUMENTS(DOUBLE("longitude"),
                                    DOUBLE("latitude"))))))),
            ONE_OF("order", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("asc", .token = "ASC"), TOKEN("desc",
                    .token = "DESC"))),
            BLOCK("count", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT"), TOKEN("any",
                    .token = "ANY", .flags = ARGUMENT_OPTIONAL))),
            TOKEN("withcoord", .token = "WITHCOORD", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withdist", .token = "WITHDIST", .flags = ARGUMENT_OPTIONAL),
            TOKEN("withhash", .token = "WITHHASH", .flags = ARGUMENT_OPTIONAL)))
COMMAND(geosearchstore, "geosearchstore", -8, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_GEO,
        GROUP_GEO, 2, "6.2.0",
        "O(N+M log K), N being the number of places near the area, M of those stored, K of theirs.",
        "Stores the places within a circle, a box or a polygon.",
        .keys = KEYS(KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_AT(2, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("7.0.0", "Takes units in capitals.", "9.0.0",
            "Takes BYPOLYGON, as Valkey does."),
        .arguments = ARGUMENTS(KEY("destination"), KEY("source", .key_spec = 1),
            ONE_OF("from",
                .arguments = ARGUMENTS(STRING("member", .token = "FROMMEMBER"),
                    BLOCK("longitude_latitude", .token = "FROMLONLAT",
                    .arguments = ARGUMENTS(DOUBLE("longitude"), DOUBLE("latitude"))))),
            ONE_OF("by",
                .arguments = ARGUMENTS(BLOCK("circle", .arguments = ARGUMENTS(DOUBLE("radius",
                    .token = "BYRADIUS"), ONE_OF("unit", .arguments = ARGUMENTS(TOKEN("m",
                    .token = "M"), TOKEN("km", .token = "KM"), TOKEN("ft", .token = "FT"),
                    TOKEN("mi", .token = "MI"))))), BLOCK("box",
                    .arguments = ARGUMENTS(DOUBLE("width", .token = "BYBOX"), DOUBLE("height"),
                    ONE_OF("unit", .arguments = ARGUMENTS(TOKEN("m", .token = "M"), TOKEN("km",
                    .token = "KM"), TOKEN("ft", .token = "FT"), TOKEN("mi", .token = "MI"))))),
                    BLOCK("polygon", .token = "BYPOLYGON", .since = "9.0.0",
                        .arguments = ARGUMENTS(INTEGER("num-vertices"),
                            BLOCK("longitude_latitude", .flags = ARGUMENT_MULTIPLE,
                                .arguments = ARGUMENTS(DOUBLE("longitude"),
                                    DOUBLE("latitude"))))))),
            ONE_OF("order", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("asc", .token = "ASC"), TOKEN("desc",
                    .token = "DESC"))),
            BLOCK("count", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT"), TOKEN("any",
                    .token = "ANY", .flags = ARGUMENT_OPTIONAL))),
            TOKEN("storedist", .token = "STOREDIST", .flags = ARGUMENT_OPTIONAL)))

/* Bitmaps. */

COMMAND(bitcount, "bitcount", -2, COMMAND_READONLY, CATEGORY_BITMAP, GROUP_BITMAP, 2, "2.6.0",
        "O(N), N being the size of the range.", "Counts the bits that are set in a string.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("7.0.0", "Takes BYTE and BIT.", "8.0.0", "The end may be left out."),
        .arguments = ARGUMENTS(KEY("key"),
            BLOCK("index", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("start"),
                    BLOCK("end_index", .since = "8.0.0", .flags = ARGUMENT_OPTIONAL,
                        .arguments = ARGUMENTS(INTEGER("end"),
                            ONE_OF("index_unit", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL,
                                .arguments = ARGUMENTS(TOKEN("byte", .token = "BYTE"),
                                    TOKEN("bit", .token = "BIT")))))))))
COMMAND(bitfield, "bitfield", -2, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_BITMAP, GROUP_BITMAP, 2,
        "3.2.0", "O(N), N being the number of fields.",
        "Reads and changes integers of any size within a string.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS,
                .note = "With nothing but GET it only reads.")),
        .arguments = ARGUMENTS(KEY("key"),
            ONE_OF("operation", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE,
                .arguments = ARGUMENTS(
                    BLOCK("encoding_offset", .token = "GET",
                        .arguments = ARGUMENTS(STRING("encoding"), INTEGER("offset"))),
                    BLOCK("write",
                        .arguments = ARGUMENTS(
                            ONE_OF("wrap_sat_fail", .token = "OVERFLOW", .flags = ARGUMENT_OPTIONAL,
                                .arguments = ARGUMENTS(TOKEN("wrap", .token = "WRAP"),
                                    TOKEN("sat", .token = "SAT"), TOKEN("fail", .token = "FAIL"))),
                            ONE_OF("write_operation",
                                .arguments = ARGUMENTS(
                                    BLOCK("encoding_offset_value", .token = "SET",
                                        .arguments = ARGUMENTS(STRING("encoding"),
                                            INTEGER("offset"), INTEGER("value"))),
                                    BLOCK("encoding_offset_increment", .token = "INCRBY",
                                        .arguments = ARGUMENTS(STRING("encoding"),
                                            INTEGER("offset"), INTEGER("increment")))))))))))
COMMAND(bitfield_ro, "bitfield_ro", -2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_BITMAP,
        GROUP_BITMAP, 2, "6.0.0", "O(N), N being the number of fields.",
        "Reads integers of any size within a string.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"),
            BLOCK("encoding_offset", .token = "GET",
                .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE | ARGUMENT_MULTIPLE_TOKEN,
                .arguments = ARGUMENTS(STRING("encoding"), INTEGER("offset")))))
COMMAND(bitop, "bitop", -4, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_BITMAP, GROUP_BITMAP, 2,
        "2.6.0", "O(N*M), N being the number of strings and M the size of the longest.",
        "Combines strings bit by bit and stores the result.",
        .keys = KEYS(KEY_AT(2, KEY_OW | KEY_UPDATE), KEYS_FROM(3, -1, 1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("8.2.0", "Takes DIFF, DIFF1, ANDOR and ONE."),
        .arguments = ARGUMENTS(STRING("operation"), KEY("destkey"),
            KEY("key", .key_spec = 1, .flags = ARGUMENT_MULTIPLE)))
COMMAND(bitpos, "bitpos", -3, COMMAND_READONLY, CATEGORY_BITMAP, GROUP_BITMAP, 2, "2.8.7",
        "O(N), N being the size of the range.", "Finds the first bit that is set, or clear.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("7.0.0", "Takes BYTE and BIT."),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("bit"),
            BLOCK("index", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("start"),
                    BLOCK("end_index", .flags = ARGUMENT_OPTIONAL,
                        .arguments = ARGUMENTS(INTEGER("end"),
                            ONE_OF("index_unit", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL,
                                .arguments = ARGUMENTS(TOKEN("byte", .token = "BYTE"),
                                    TOKEN("bit", .token = "BIT")))))))))
COMMAND(getbit, "getbit", 3, COMMAND_READONLY | COMMAND_FAST, CATEGORY_BITMAP, GROUP_BITMAP, 2,
        "2.2.0", "O(1)", "Returns the bit at an offset of a string.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("offset")))
COMMAND(setbit, "setbit", 4, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_BITMAP, GROUP_BITMAP, 2,
        "2.2.0", "O(1)", "Sets or clears the bit at an offset of a string.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), INTEGER("offset"), INTEGER("value")))

/* HyperLogLog. */

COMMAND(pfadd, "pfadd", -2, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_HYPERLOGLOG,
        GROUP_HYPERLOGLOG, 2, "2.8.9", "O(N), N being the number of elements.",
        "Notes elements as seen in a HyperLogLog, creating it if need be.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_INSERT)),
        .arguments = ARGUMENTS(KEY("key"),
            STRING("element", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(pfcount, "pfcount", -2, COMMAND_READONLY, CATEGORY_HYPERLOGLOG, GROUP_HYPERLOGLOG, 2,
        "2.8.9", "O(1) for one key that has not changed since; O(N), N being the number of keys.",
        "Estimates how many different elements HyperLogLogs have seen.",
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RW | KEY_ACCESS,
                .note = "The estimate is kept in the value.")),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))
COMMAND(pfdebug, "pfdebug", 3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_ADMIN,
        CATEGORY_HYPERLOGLOG, GROUP_HYPERLOGLOG, 4, "2.8.9", "O(1)",
        "Looks into a HyperLogLog.", .is_system = 1,
        .keys = KEYS(KEY_AT(2, KEY_RW | KEY_ACCESS)),
        .arguments = ARGUMENTS(STRING("subcommand"), KEY("key")))
COMMAND(pfmerge, "pfmerge", -2, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_HYPERLOGLOG,
        GROUP_HYPERLOGLOG, 2, "2.8.9", "O(N), N being the number of keys.",
        "Merges HyperLogLogs into one.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_INSERT),
            KEYS_FROM(2, -1, 1, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(KEY("destkey"),
            KEY("sourcekey", .key_spec = 1, .flags = ARGUMENT_MULTIPLE)))
COMMAND(pfselftest, "pfselftest", 1, COMMAND_ADMIN, CATEGORY_HYPERLOGLOG, GROUP_HYPERLOGLOG, 4,
        "2.8.9", "O(1)", "Tests HyperLogLogs.", .is_system = 1)

/* Streams. */

COMMAND(xack, "xack", -4, COMMAND_WRITE | COMMAND_FAST, CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0",
        "O(1) for each id.",
        "Acknowledges entries for a consumer group; answers how many were pending.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), STRING("group"), STRING("id",
            .flags = ARGUMENT_MULTIPLE)))
COMMAND(xackdel, "xackdel", -6, COMMAND_WRITE | COMMAND_FAST, CATEGORY_STREAM, GROUP_STREAM, 3,
        "8.2.0", "O(1) for each id.",
        "Acknowledges entries for a consumer group and deletes those.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), STRING("group"), ONE_OF("references",
            .flags = ARGUMENT_OPTIONAL, .arguments = ARGUMENTS(TOKEN("keepref", .token = "KEEPREF"),
            TOKEN("delref", .token = "DELREF"), TOKEN("acked", .token = "ACKED"))),
            BLOCK("ids", .token = "IDS", .arguments = ARGUMENTS(INTEGER("numids"),
                STRING("id", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(xadd, "xadd", -5, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_STREAM,
        GROUP_STREAM, 3, "5.0.0", "O(1), and O(N) to trim, N being the number of entries that go.",
        "Adds an entry to a stream.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .history = TEXTS("6.2.0", "Takes NOMKSTREAM, MINID and LIMIT.", "7.0.0",
            "Takes ids of the form ms-*.", "8.2.0", "Takes KEEPREF, DELREF and ACKED."),
        .arguments = ARGUMENTS(KEY("key"), TOKEN("nomkstream", .token = "NOMKSTREAM",
            .since = "6.2.0", .flags = ARGUMENT_OPTIONAL), ONE_OF("references", .since = "8.2.0",
            .flags = ARGUMENT_OPTIONAL, .arguments = ARGUMENTS(TOKEN("keepref", .token = "KEEPREF"),
            TOKEN("delref", .token = "DELREF"), TOKEN("acked", .token = "ACKED"))), BLOCK("trim",
            .flags = ARGUMENT_OPTIONAL, .arguments = ARGUMENTS(ONE_OF("strategy",
            .arguments = ARGUMENTS(TOKEN("maxlen", .token = "MAXLEN"), TOKEN("minid",
            .token = "MINID", .since = "6.2.0"))), ONE_OF("operator", .flags = ARGUMENT_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("equal", .token = "="), TOKEN("approximately",
            .token = "~"))), STRING("threshold"), INTEGER("count", .token = "LIMIT",
            .since = "6.2.0", .flags = ARGUMENT_OPTIONAL))), ONE_OF("id_or_auto",
            .arguments = ARGUMENTS(TOKEN("auto_id", .token = "*"), STRING("id"))),
            BLOCK("field_value", .flags = ARGUMENT_MULTIPLE, .arguments = ARGUMENTS(STRING("field"),
            STRING("value")))))
COMMAND(xautoclaim, "xautoclaim", -6, COMMAND_WRITE | COMMAND_FAST, CATEGORY_STREAM, GROUP_STREAM,
        3, "6.2.0", "O(1) if COUNT is small.",
        "Finds pending entries that have been idle for long and gives them to a consumer.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .history = TEXTS("7.0.0", "Answers with the deleted entries it found, too."),
        .arguments = ARGUMENTS(KEY("key"), STRING("group"), STRING("consumer"),
            STRING("min-idle-time"), STRING("start"), INTEGER("count", .token = "COUNT",
            .flags = ARGUMENT_OPTIONAL), TOKEN("justid", .token = "JUSTID",
            .flags = ARGUMENT_OPTIONAL)))
COMMAND(xclaim, "xclaim", -6, COMMAND_WRITE | COMMAND_FAST, CATEGORY_STREAM, GROUP_STREAM, 3,
        "5.0.0", "O(log N) for each id, N being the number of pending entries.",
        "Gives pending entries to another consumer.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .arguments = ARGUMENTS(KEY("key"), STRING("group"), STRING("consumer"),
            STRING("min-idle-time"), STRING("id", .flags = ARGUMENT_MULTIPLE), INTEGER("ms",
            .token = "IDLE", .flags = ARGUMENT_OPTIONAL), UNIX_TIME("unix-time-milliseconds",
            .token = "TIME", .flags = ARGUMENT_OPTIONAL), INTEGER("count", .token = "RETRYCOUNT",
            .flags = ARGUMENT_OPTIONAL), TOKEN("force", .token = "FORCE",
            .flags = ARGUMENT_OPTIONAL), TOKEN("justid", .token = "JUSTID",
            .flags = ARGUMENT_OPTIONAL), STRING("id", .token = "LASTID",
            .flags = ARGUMENT_OPTIONAL)))
COMMAND(xdel, "xdel", -3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0",
        "O(1) for each id.",
        "Deletes entries; answers how many there were.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), STRING("id", .flags = ARGUMENT_MULTIPLE)))
COMMAND(xdelex, "xdelex", -5, COMMAND_WRITE | COMMAND_FAST, CATEGORY_STREAM, GROUP_STREAM, 3,
    "8.2.0",
        "O(1) for each id.", "Deletes entries, minding the consumer groups that know them.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), ONE_OF("references", .flags = ARGUMENT_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("keepref", .token = "KEEPREF"), TOKEN("delref",
            .token = "DELREF"), TOKEN("acked", .token = "ACKED"))),
            BLOCK("ids", .token = "IDS", .arguments = ARGUMENTS(INTEGER("numids"),
                STRING("id", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(xgroup, "xgroup", -2, 0, 0, GROUP_STREAM, 3, "5.0.0", "That of the subcommand.",
        "Makes and steers consumer groups.")
COMMAND(xgroup_create, "xgroup|create", -5, COMMAND_WRITE | COMMAND_DENYOOM, CATEGORY_STREAM,
        GROUP_STREAM, 3, "5.0.0", "O(1)",
        "Makes a consumer group.",
        .keys = KEYS(KEY_AT(2, KEY_RW | KEY_INSERT)),
        .history = TEXTS("7.0.0", "Takes ENTRIESREAD."),
        .arguments = ARGUMENTS(KEY("key"), STRING("groupname"), ONE_OF("id",
            .arguments = ARGUMENTS(STRING("id"), TOKEN("new_id", .token = "$"))), TOKEN("mkstream",
            .token = "MKSTREAM", .flags = ARGUMENT_OPTIONAL), INTEGER("entries_read",
            .token = "ENTRIESREAD", .flags = ARGUMENT_OPTIONAL)))
COMMAND(xgroup_createconsumer, "xgroup|createconsumer", 5, COMMAND_WRITE | COMMAND_DENYOOM,
        CATEGORY_STREAM, GROUP_STREAM, 3, "6.2.0", "O(1)",
        "Makes a consumer in a group.",
        .keys = KEYS(KEY_AT(2, KEY_RW | KEY_INSERT)),
        .arguments = ARGUMENTS(KEY("key"), STRING("groupname"), STRING("consumername")))
COMMAND(xgroup_delconsumer, "xgroup|delconsumer", 5, COMMAND_WRITE, CATEGORY_STREAM, GROUP_STREAM,
        3, "5.0.0", "O(1)",
        "Removes a consumer with what is pending of it; answers how much that was.",
        .keys = KEYS(KEY_AT(2, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), STRING("groupname"), STRING("consumername")))
COMMAND(xgroup_destroy, "xgroup|destroy", 4, COMMAND_WRITE, CATEGORY_STREAM, GROUP_STREAM, 3,
        "5.0.0", "O(N), N being the number of pending entries.",
        "Removes a consumer group.",
        .keys = KEYS(KEY_AT(2, KEY_RW | KEY_DELETE)),
        .arguments = ARGUMENTS(KEY("key"), STRING("groupname")))
COMMAND(xgroup_help, "xgroup|help", 2, COMMAND_LOADING | COMMAND_STALE, CATEGORY_STREAM,
        GROUP_STREAM, 4, "5.0.0", "O(1)",
        "Lists the subcommands of XGROUP.")
COMMAND(xgroup_setid, "xgroup|setid", -5, COMMAND_WRITE, CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0",
        "O(1)",
        "Sets where a consumer group reads on.",
        .keys = KEYS(KEY_AT(2, KEY_RW | KEY_UPDATE)),
        .history = TEXTS("7.0.0", "Takes ENTRIESREAD."),
        .arguments = ARGUMENTS(KEY("key"), STRING("groupname"), ONE_OF("id",
            .arguments = ARGUMENTS(STRING("id"), TOKEN("new_id", .token = "$"))),
            INTEGER("entries_read", .token = "ENTRIESREAD", .flags = ARGUMENT_OPTIONAL)))
COMMAND(xinfo, "xinfo", -2, 0, 0, GROUP_STREAM, 3, "5.0.0", "That of the subcommand.",
        "Tells about streams, groups and consumers.")
COMMAND(xinfo_consumers, "xinfo|consumers", 4, COMMAND_READONLY, CATEGORY_STREAM, GROUP_STREAM, 3,
        "5.0.0", "O(1)",
        "Tells about the consumers of a group.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(2, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("7.2.0", "Tells inactive; idle means since the last attempt."),
        .arguments = ARGUMENTS(KEY("key"), STRING("groupname")))
COMMAND(xinfo_groups, "xinfo|groups", 3, COMMAND_READONLY, CATEGORY_STREAM, GROUP_STREAM, 3,
        "5.0.0", "O(1)",
        "Tells about the consumer groups of a stream.",
        .keys = KEYS(KEY_AT(2, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("7.0.0", "Tells entries-read and lag."),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(xinfo_help, "xinfo|help", 2, COMMAND_LOADING | COMMAND_STALE, CATEGORY_STREAM, GROUP_STREAM,
        4, "5.0.0", "O(1)",
        "Lists the subcommands of XINFO.")
COMMAND(xinfo_stream, "xinfo|stream", -3, COMMAND_READONLY, CATEGORY_STREAM, GROUP_STREAM, 3,
        "5.0.0", "O(1)",
        "Tells about a stream.",
        .keys = KEYS(KEY_AT(2, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("6.0.0", "Takes FULL.", "7.0.0",
            "Tells entries-read, lag and what was deleted.",
            "7.2.0", "Tells active-time; seen-time means the last attempt."),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("full", .token = "FULL",
            .flags = ARGUMENT_OPTIONAL, .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT",
            .flags = ARGUMENT_OPTIONAL)))))
COMMAND(xlen, "xlen", 2, COMMAND_READONLY | COMMAND_FAST, CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0",
        "O(1)",
        "Counts the entries of a stream.",
        .keys = KEYS(KEY_AT(1, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key")))
COMMAND(xpending, "xpending", -3, COMMAND_READONLY, CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0",
        "O(N), N being the number of entries shown, or of consumers.",
        "Tells which entries of a group are pending, or sums them up.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("6.2.0", "Takes IDLE and bounds that are not included."),
        .arguments = ARGUMENTS(KEY("key"), STRING("group"), BLOCK("filters",
            .flags = ARGUMENT_OPTIONAL, .arguments = ARGUMENTS(INTEGER("min-idle-time",
            .token = "IDLE", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL), STRING("start"),
            STRING("end"), INTEGER("count"), STRING("consumer", .flags = ARGUMENT_OPTIONAL)))))
COMMAND(xrange, "xrange", -4, COMMAND_READONLY, CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0",
        "O(N), N being the number of entries returned.",
        "Returns the entries between two ids.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("6.2.0", "Takes bounds that are not included."),
        .arguments = ARGUMENTS(KEY("key"), STRING("start"), STRING("end"), INTEGER("count",
            .token = "COUNT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(xread, "xread", -4, COMMAND_READONLY | COMMAND_BLOCKING | COMMAND_MOVABLEKEYS,
        CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0", "O(N), N being the number of entries returned.",
        "Returns entries of several streams behind given ids, waiting for some if need be.",
        .keys = KEYS(KEYS_AFTER("STREAMS", 1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("7.4.0", "Takes the id +."),
        .arguments = ARGUMENTS(INTEGER("count", .token = "COUNT", .flags = ARGUMENT_OPTIONAL),
            INTEGER("milliseconds", .token = "BLOCK", .flags = ARGUMENT_OPTIONAL), BLOCK("streams",
            .token = "STREAMS", .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE),
            STRING("id", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(xreadgroup, "xreadgroup", -7, COMMAND_WRITE | COMMAND_BLOCKING | COMMAND_MOVABLEKEYS,
        CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0", "O(N), N being the number of entries returned.",
        "Gives new entries to a consumer of a group, or shows its pending ones.",
        .keys = KEYS(KEYS_AFTER("STREAMS", 4, KEY_RO | KEY_ACCESS)),
        .arguments = ARGUMENTS(BLOCK("group_consumer", .token = "GROUP",
            .arguments = ARGUMENTS(STRING("group"), STRING("consumer"))), INTEGER("count",
            .token = "COUNT", .flags = ARGUMENT_OPTIONAL), INTEGER("milliseconds", .token = "BLOCK",
            .flags = ARGUMENT_OPTIONAL), TOKEN("noack", .token = "NOACK",
            .flags = ARGUMENT_OPTIONAL), BLOCK("streams", .token = "STREAMS",
            .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE), STRING("id",
            .flags = ARGUMENT_MULTIPLE)))))
COMMAND(xrevrange, "xrevrange", -4, COMMAND_READONLY, CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0",
        "O(N), N being the number of entries returned.",
        "Returns the entries between two ids, the last first.",
        .keys = KEYS(KEY_AT(1, KEY_RO | KEY_ACCESS)),
        .history = TEXTS("6.2.0", "Takes bounds that are not included."),
        .arguments = ARGUMENTS(KEY("key"), STRING("end"), STRING("start"), INTEGER("count",
            .token = "COUNT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(xsetid, "xsetid", -3, COMMAND_WRITE | COMMAND_DENYOOM | COMMAND_FAST, CATEGORY_STREAM,
        GROUP_STREAM, 3, "5.0.0", "O(1)",
        "Sets the last id of a stream.",
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_UPDATE)),
        .history = TEXTS("7.0.0", "Takes ENTRIESADDED and MAXDELETEDID."),
        .arguments = ARGUMENTS(KEY("key"), STRING("last-id"), INTEGER("entries_added",
            .token = "ENTRIESADDED", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL),
            STRING("max_deleted_entry_id", .token = "MAXDELETEDID", .since = "7.0.0",
            .flags = ARGUMENT_OPTIONAL)))
COMMAND(xtrim, "xtrim", -4, COMMAND_WRITE, CATEGORY_STREAM, GROUP_STREAM, 3, "5.0.0",
        "O(N), N being the number of entries that go.",
        "Deletes the first entries of a stream, up to a length or an id.",
        .tips = TEXTS("nondeterministic_output"),
        .keys = KEYS(KEY_AT(1, KEY_RW | KEY_DELETE)),
        .history = TEXTS("6.2.0", "Takes MINID and LIMIT.", "8.2.0",
            "Takes KEEPREF, DELREF and ACKED."),
        .arguments = ARGUMENTS(KEY("key"), BLOCK("trim", .arguments = ARGUMENTS(ONE_OF("strategy",
            .arguments = ARGUMENTS(TOKEN("maxlen", .token = "MAXLEN"), TOKEN("minid",
            .token = "MINID", .since = "6.2.0"))), ONE_OF("operator", .flags = ARGUMENT_OPTIONAL,
            .arguments = ARGUMENTS(TOKEN("equal", .token = "="), TOKEN("approximately",
            .token = "~"))), STRING("threshold"), INTEGER("count", .token = "LIMIT",
            .since = "6.2.0", .flags = ARGUMENT_OPTIONAL))), ONE_OF("references", .since = "8.2.0",
            .flags = ARGUMENT_OPTIONAL, .arguments = ARGUMENTS(TOKEN("keepref", .token = "KEEPREF"),
            TOKEN("delref", .token = "DELREF"), TOKEN("acked", .token = "ACKED")))))

/* Publish and subscribe. */

COMMAND(psubscribe, "psubscribe", -2,
        COMMAND_DENYOOM | COMMAND_PUBSUB | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_PUBSUB, GROUP_PUBSUB, 2, "2.0.0", "O(N), N being the number of patterns.",
        "Subscribes to every channel that matches one of the patterns.",
        .arguments = ARGUMENTS(BLOCK("pattern", .flags = ARGUMENT_MULTIPLE,
            .arguments = ARGUMENTS(PATTERN("pattern")))))
COMMAND(publish, "publish", 3, COMMAND_PUBSUB | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST,
        CATEGORY_PUBSUB, GROUP_PUBSUB, 1, "2.0.0",
        "O(N + M), N being the subscribers of the channel, M the patterns of all clients.",
        "Sends a message to all who are subscribed to a channel.",
        .arguments = ARGUMENTS(STRING("channel"), STRING("message")))
COMMAND(pubsub, "pubsub", -2, 0, 0, GROUP_PUBSUB, 2, "2.8.0", "That of the subcommand.",
        "Looks at channels and their subscribers.")
COMMAND(pubsub_channels, "pubsub|channels", -2, COMMAND_PUBSUB | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_PUBSUB, GROUP_PUBSUB, 2, "2.8.0", "O(N), N being the number of channels.",
        "Lists the channels that somebody is subscribed to.",
        .arguments = ARGUMENTS(PATTERN("pattern", .flags = ARGUMENT_OPTIONAL)))
COMMAND(pubsub_help, "pubsub|help", 2, COMMAND_LOADING | COMMAND_STALE, 0, GROUP_PUBSUB, 4, "6.2.0",
        "O(1)", "Lists the subcommands of PUBSUB.")
COMMAND(pubsub_numpat, "pubsub|numpat", 2, COMMAND_PUBSUB | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_PUBSUB, GROUP_PUBSUB, 2, "2.8.0", "O(1)",
        "Counts the patterns that somebody is subscribed to.")
COMMAND(pubsub_numsub, "pubsub|numsub", -2, COMMAND_PUBSUB | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_PUBSUB, GROUP_PUBSUB, 2, "2.8.0", "O(N), N being the number of channels named.",
        "Counts the subscribers of channels.",
        .arguments = ARGUMENTS(STRING("channel", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(pubsub_shardchannels, "pubsub|shardchannels", -2,
        COMMAND_PUBSUB | COMMAND_LOADING | COMMAND_STALE, CATEGORY_PUBSUB, GROUP_PUBSUB, 3, "7.0.0",
        "O(N), N being the number of shard channels.",
        "Lists the shard channels that somebody is subscribed to.",
        .arguments = ARGUMENTS(PATTERN("pattern", .flags = ARGUMENT_OPTIONAL)))
COMMAND(pubsub_shardnumsub, "pubsub|shardnumsub", -2,
        COMMAND_PUBSUB | COMMAND_LOADING | COMMAND_STALE, CATEGORY_PUBSUB, GROUP_PUBSUB, 3, "7.0.0",
        "O(N), N being the number of shard channels named.",
        "Counts the subscribers of shard channels.",
        .arguments = ARGUMENTS(STRING("shardchannel",
            .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(punsubscribe, "punsubscribe", -1,
        COMMAND_PUBSUB | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, CATEGORY_PUBSUB,
        GROUP_PUBSUB, 2, "2.0.0", "O(N), N being the number of patterns.",
        "Ends subscriptions to patterns, or to all of them.",
        .arguments = ARGUMENTS(PATTERN("pattern", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(spublish, "spublish", 3, COMMAND_PUBSUB | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST,
        CATEGORY_PUBSUB, GROUP_PUBSUB, 3, "7.0.0",
        "O(N), N being the subscribers of the shard channel.",
        "Sends a message to all who are subscribed to a shard channel.",
        .keys = KEYS(KEY_AT(1, KEY_NOT_KEY)),
        .arguments = ARGUMENTS(STRING("shardchannel"), STRING("message")))
COMMAND(ssubscribe, "ssubscribe", -2,
        COMMAND_DENYOOM | COMMAND_PUBSUB | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_PUBSUB, GROUP_PUBSUB, 3, "7.0.0", "O(N), N being the number of shard channels.",
        "Subscribes to shard channels.",
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_NOT_KEY)),
        .arguments = ARGUMENTS(STRING("shardchannel", .flags = ARGUMENT_MULTIPLE)))
COMMAND(subscribe, "subscribe", -2,
        COMMAND_DENYOOM | COMMAND_PUBSUB | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_PUBSUB, GROUP_PUBSUB, 1, "2.0.0", "O(N), N being the number of channels.",
        "Subscribes to channels.",
        .arguments = ARGUMENTS(STRING("channel", .flags = ARGUMENT_MULTIPLE)))
COMMAND(sunsubscribe, "sunsubscribe", -1,
        COMMAND_PUBSUB | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, CATEGORY_PUBSUB,
        GROUP_PUBSUB, 3, "7.0.0", "O(N), N being the number of shard channels.",
        "Ends subscriptions to shard channels, or to all of them.",
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_NOT_KEY)),
        .arguments = ARGUMENTS(STRING("shardchannel",
            .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(unsubscribe, "unsubscribe", -1,
        COMMAND_PUBSUB | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, CATEGORY_PUBSUB,
        GROUP_PUBSUB, 1, "2.0.0", "O(N), N being the number of channels.",
        "Ends subscriptions to channels, or to all of them.",
        .arguments = ARGUMENTS(STRING("channel", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))

/* Transactions. */

COMMAND(discard, "discard", 1,
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_ALLOW_BUSY,
        CATEGORY_TRANSACTION, GROUP_TRANSACTIONS, 1, "2.0.0",
        "O(N), N being the number of commands queued.", "Forgets the queued commands.")
COMMAND(exec, "exec", 1, COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_SKIP_SLOWLOG,
        CATEGORY_TRANSACTION, GROUP_TRANSACTIONS, 1, "1.2.0", "The sum of the commands queued.",
        "Executes the queued commands as one.")
COMMAND(multi, "multi", 1,
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_ALLOW_BUSY,
        CATEGORY_TRANSACTION, GROUP_TRANSACTIONS, 1, "1.2.0", "O(1)",
        "Begins a transaction: the commands that follow are queued.")
COMMAND(unwatch, "unwatch", 1,
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_ALLOW_BUSY,
        CATEGORY_TRANSACTION, GROUP_TRANSACTIONS, 2, "2.2.0",
        "O(N), N being the number of keys watched.", "Forgets the watched keys.")
COMMAND(watch, "watch", -2,
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST | COMMAND_ALLOW_BUSY,
        CATEGORY_TRANSACTION, GROUP_TRANSACTIONS, 2, "2.2.0", "O(N), N being the number of keys.",
        "Makes the next EXEC depend on keys staying as they are.",
        .keys = KEYS(KEYS_FROM(1, -1, 1, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key", .flags = ARGUMENT_MULTIPLE)))

/* Connections. */

COMMAND(auth, "auth", -2,
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST |
            COMMAND_NO_AUTH | COMMAND_ALLOW_BUSY, CATEGORY_CONNECTION, GROUP_CONNECTION, 1, "1.0.0",
        "O(1)", "Proves to the server who the client is.",
        .history = TEXTS("6.0.0", "Takes a user name."),
        .arguments = ARGUMENTS(STRING("username", .since = "6.0.0", .flags = ARGUMENT_OPTIONAL),
            STRING("password")))
COMMAND(client, "client", -2, 0, 0, GROUP_CONNECTION, 1, "2.4.0", "That of the subcommand.",
        "Inspects and steers client connections.")
COMMAND(client_getname, "client|getname", 2, COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_CONNECTION, GROUP_CONNECTION, 1, "2.6.9", "O(1)",
        "Returns the name of this connection.")
COMMAND(client_help, "client|help", 2, COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_CONNECTION, 4, "5.0.0", "O(1)", "Lists the subcommands of CLIENT.")
COMMAND(client_id, "client|id", 2, COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_CONNECTION, GROUP_CONNECTION, 1, "5.0.0", "O(1)",
        "Returns the number of this connection, unique in the life of the server.")
COMMAND(client_info, "client|info", 2, COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_CONNECTION, GROUP_CONNECTION, 2, "6.2.0", "O(1)",
        "Describes this connection in one line.",
        .tips = TEXTS("nondeterministic_output"))
COMMAND(client_kill, "client|kill", -3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_CONNECTION, 2, "2.4.0", "O(N), N being the number of connections.",
        "Closes the connections that match.",
        .history = TEXTS("2.8.12", "Takes filters, ID among them.", "3.2.0", "TYPE takes master.",
            "5.0.0", "TYPE takes replica, the new word for slave.", "6.2.0", "Takes LADDR."),
        .arguments = ARGUMENTS(ONE_OF("filter",
                .arguments = ARGUMENTS(STRING("ip:port", .deprecated_since = "2.8.12"),
                    ONE_OF("new-format", .flags = ARGUMENT_MULTIPLE,
                        .arguments = ARGUMENTS(
                            INTEGER("client-id", .token = "ID", .since = "2.8.12",
                                .flags = ARGUMENT_OPTIONAL),
                            ONE_OF("normal_master_slave_pubsub", .token = "TYPE",
                                .since = "2.8.12", .flags = ARGUMENT_OPTIONAL,
                                .arguments = ARGUMENTS(TOKEN("normal", .token = "NORMAL"),
                                    TOKEN("master", .token = "MASTER", .since = "3.2.0"),
                                    TOKEN("slave", .token = "SLAVE"),
                                    TOKEN("replica", .token = "REPLICA", .since = "5.0.0"),
                                    TOKEN("pubsub", .token = "PUBSUB"))),
                            STRING("username", .token = "USER", .flags = ARGUMENT_OPTIONAL),
                            STRING("ip:port", .token = "ADDR", .flags = ARGUMENT_OPTIONAL),
                            STRING("ip:port", .token = "LADDR", .since = "6.2.0",
                                .flags = ARGUMENT_OPTIONAL),
                            STRING("yes/no", .token = "SKIPME", .flags = ARGUMENT_OPTIONAL)))))))
COMMAND(client_list, "client|list", -2,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_CONNECTION, 2, "2.4.0", "O(N), N being the number of connections.",
        "Describes every connection, a line each.",
        .tips = TEXTS("nondeterministic_output"),
        .history = TEXTS("2.8.12", "Shows id.", "5.0.0", "Takes TYPE.", "6.0.0", "Shows user.",
            "6.2.0", "Takes ID; shows argv-mem, tot-mem, laddr and redir.", "7.0.0",
            "Shows resp, multi-mem, rbs and rbp.", "7.0.3", "Shows ssub.", "7.2.0",
            "Shows lib-name and lib-ver."),
        .arguments = ARGUMENTS(
            ONE_OF("normal_master_replica_pubsub", .token = "TYPE", .since = "5.0.0",
                .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("normal", .token = "NORMAL"),
                    TOKEN("master", .token = "MASTER"), TOKEN("replica", .token = "REPLICA"),
                    TOKEN("pubsub", .token = "PUBSUB"))),
            BLOCK("id", .token = "ID", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("client-id", .flags = ARGUMENT_MULTIPLE)))))
COMMAND(client_no_evict, "client|no-evict", 3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_CONNECTION, 2, "7.0.0", "O(1)",
        "Shields this connection from being closed when clients take too much memory.",
        .arguments = ARGUMENTS(ONE_OF("enabled",
                .arguments = ARGUMENTS(TOKEN("on", .token = "ON"), TOKEN("off", .token = "OFF")))))
COMMAND(client_no_touch, "client|no-touch", 3, COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_CONNECTION, GROUP_CONNECTION, 2, "7.2.0", "O(1)",
        "Lets this connection read keys without marking them as used.",
        .arguments = ARGUMENTS(ONE_OF("enabled",
                .arguments = ARGUMENTS(TOKEN("on", .token = "ON"), TOKEN("off", .token = "OFF")))))
COMMAND(client_pause, "client|pause", -3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_CONNECTION, 2, "2.9.50", "O(1)",
        "Holds back the commands of all clients for a while.",
        .history = TEXTS("6.2.0", "Takes a mode: WRITE or ALL."),
        .arguments = ARGUMENTS(INTEGER("timeout"),
            ONE_OF("mode", .since = "6.2.0", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("write", .token = "WRITE"),
                    TOKEN("all", .token = "ALL")))))
COMMAND(client_reply, "client|reply", 3, COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_CONNECTION, GROUP_CONNECTION, 2, "3.2.0", "O(1)",
        "Switches the replies to this connection on or off.",
        .arguments = ARGUMENTS(ONE_OF("on_off_skip",
                .arguments = ARGUMENTS(TOKEN("on", .token = "ON"), TOKEN("off", .token = "OFF"),
                    TOKEN("skip", .token = "SKIP")))))
COMMAND(client_setinfo, "client|setinfo", 4, COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_CONNECTION, GROUP_CONNECTION, 1, "7.2.0", "O(1)",
        "Records the name or the version of the client library.",
        .tips = TEXTS("request_policy:all_nodes", "response_policy:all_succeeded"),
        .arguments = ARGUMENTS(ONE_OF("attr",
                .arguments = ARGUMENTS(STRING("libname", .token = "LIB-NAME"),
                    STRING("libver", .token = "LIB-VER")))))
COMMAND(client_setname, "client|setname", 3, COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_CONNECTION, GROUP_CONNECTION, 1, "2.6.9", "O(1)", "Names this connection.",
        .arguments = ARGUMENTS(STRING("connection-name")))
COMMAND(client_unblock, "client|unblock", -3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_CONNECTION, 2, "5.0.0", "O(1)", "Ends the waiting of another client.",
        .arguments = ARGUMENTS(INTEGER("client-id"),
            ONE_OF("timeout_error", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("timeout", .token = "TIMEOUT"),
                    TOKEN("error", .token = "ERROR")))))
COMMAND(client_unpause, "client|unpause", 2,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_CONNECTION, 2, "6.2.0", "O(N), N being the number of clients held back.",
        "Ends a pause before its time.")
COMMAND(echo, "echo", 2, COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST, CATEGORY_CONNECTION,
        GROUP_CONNECTION, 1, "1.0.0", "O(1)", "Returns its argument.",
        .arguments = ARGUMENTS(STRING("message")))
COMMAND(hello, "hello", -1,
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST |
            COMMAND_NO_AUTH | COMMAND_ALLOW_BUSY, CATEGORY_CONNECTION, GROUP_CONNECTION, 1, "6.0.0",
        "O(1)", "Chooses the version of the protocol, and may log in and name the connection.",
        .history = TEXTS("6.2.0", "Without a version it describes the connection."),
        .arguments = ARGUMENTS(BLOCK("arguments", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(INTEGER("protover"),
                    BLOCK("username_password", .token = "AUTH", .flags = ARGUMENT_OPTIONAL,
                        .arguments = ARGUMENTS(STRING("username"), STRING("password"))),
                    STRING("clientname", .token = "SETNAME", .flags = ARGUMENT_OPTIONAL)))))
COMMAND(ping, "ping", -1, COMMAND_FAST, CATEGORY_CONNECTION, GROUP_CONNECTION, 1, "1.0.0", "O(1)",
        "Answers, to show that the server is alive.",
        .tips = TEXTS("request_policy:all_shards", "response_policy:all_succeeded"),
        .arguments = ARGUMENTS(STRING("message", .flags = ARGUMENT_OPTIONAL)))
COMMAND(quit, "quit", -1,
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST |
            COMMAND_NO_AUTH | COMMAND_ALLOW_BUSY, CATEGORY_CONNECTION, GROUP_CONNECTION, 1, "1.0.0",
        "O(1)", "Closes the connection.",
        .deprecated_since = "7.2.0",
        .replaced_by = "closing the connection")
COMMAND(reset, "reset", 1,
        COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST |
            COMMAND_NO_AUTH | COMMAND_ALLOW_BUSY, CATEGORY_CONNECTION, GROUP_CONNECTION, 1, "6.2.0",
        "O(1)", "Returns the connection to the state it had when it was opened.")
COMMAND(select, "select", 2, COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST, CATEGORY_CONNECTION,
        GROUP_CONNECTION, 1, "1.0.0", "O(1)", "Chooses the database that this connection uses.",
        .arguments = ARGUMENTS(INTEGER("index")))

/* The server. */

COMMAND(bgrewriteaof, "bgrewriteaof", 1,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_NO_ASYNC_LOADING, 0, GROUP_SERVER, 1, "1.0.0",
        "O(1)", "Rewrites the append-only file as short as can be, while clients go on.")
COMMAND(bgsave, "bgsave", -1, COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_NO_ASYNC_LOADING, 0,
        GROUP_SERVER, 1, "1.0.0", "O(1)",
        "Saves the data of this moment to a file, while clients go on.",
        .history = TEXTS("3.2.2", "Takes SCHEDULE.", "8.1.0", "Takes CANCEL."),
        .arguments = ARGUMENTS(ONE_OF("operation", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("schedule", .token = "SCHEDULE", .since = "3.2.2"),
                    TOKEN("cancel", .token = "CANCEL", .since = "8.1.0")))))
COMMAND(command, "command", -1, COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION, GROUP_SERVER,
        1, "2.8.13", "O(N), N being the number of commands.", "Describes all commands.",
        .tips = TEXTS("nondeterministic_output_order"))
COMMAND(command_count, "command|count", 2, COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_SERVER, 1, "2.8.13", "O(1)", "Counts the commands.")
COMMAND(command_docs, "command|docs", -2, COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_SERVER, 1, "7.0.0", "O(N), N being the number of commands asked for.",
        "Returns the documentation of commands.",
        .tips = TEXTS("nondeterministic_output_order"),
        .arguments = ARGUMENTS(
            STRING("command-name", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(command_getkeys, "command|getkeys", -3, COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_CONNECTION, GROUP_SERVER, 2, "2.8.13", "O(N), N being the number of arguments.",
        "Tells which arguments of a command are keys.")
COMMAND(command_getkeysandflags, "command|getkeysandflags", -3, COMMAND_LOADING | COMMAND_STALE,
        CATEGORY_CONNECTION, GROUP_SERVER, 2, "7.0.0", "O(N), N being the number of arguments.",
        "Tells which arguments of a command are keys, and how it uses them.")
COMMAND(command_help, "command|help", 2, COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_SERVER, 4, "5.0.0", "O(1)", "Lists the subcommands of COMMAND.")
COMMAND(command_info, "command|info", -2, COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_SERVER, 1, "2.8.13", "O(N), N being the number of commands asked for.",
        "Returns the facts about commands.",
        .tips = TEXTS("nondeterministic_output_order"),
        .history = TEXTS("7.0.0", "Without a name it describes all commands."),
        .arguments = ARGUMENTS(
            STRING("command-name", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(command_list, "command|list", -2, COMMAND_LOADING | COMMAND_STALE, CATEGORY_CONNECTION,
        GROUP_SERVER, 1, "7.0.0", "O(N), N being the number of commands.",
        "Lists the names of commands, all or some.",
        .tips = TEXTS("nondeterministic_output_order"),
        .arguments = ARGUMENTS(ONE_OF("filterby", .token = "FILTERBY", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(STRING("module-name", .token = "MODULE"),
                    STRING("category", .token = "ACLCAT"),
                    PATTERN("pattern", .token = "PATTERN")))))
COMMAND(config, "config", -2, 0, 0, GROUP_SERVER, 1, "2.0.0", "That of the subcommand.",
        "Reads and changes the configuration of the server.")
COMMAND(config_get, "config|get", -3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 1,
        "2.0.0", "O(N), N being the number of parameters, times the patterns.",
        "Returns the parameters whose names match patterns.",
        .history = TEXTS("7.0.0", "Takes several patterns."),
        .arguments = ARGUMENTS(BLOCK("parameter", .flags = ARGUMENT_MULTIPLE,
                .arguments = ARGUMENTS(STRING("parameter")))))
COMMAND(config_help, "config|help", 2, COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 4, "5.0.0",
        "O(1)", "Lists the subcommands of CONFIG.")
COMMAND(config_resetstat, "config|resetstat", 2,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 2,
        "2.0.0", "O(1)", "Starts the statistics of INFO from zero again.")
COMMAND(config_rewrite, "config|rewrite", 2,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 2,
        "2.8.0", "O(1)", "Writes the configuration in force to the file it was read from.")
COMMAND(config_set, "config|set", -4,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 1,
        "2.0.0", "O(N), N being the number of parameters named.",
        "Changes parameters, all that are named or none.",
        .tips = TEXTS("request_policy:all_nodes", "response_policy:all_succeeded"),
        .history = TEXTS("7.0.0", "Takes several parameters."),
        .arguments = ARGUMENTS(BLOCK("parameter_value", .flags = ARGUMENT_MULTIPLE,
                .arguments = ARGUMENTS(STRING("parameter"), STRING("value")))))
COMMAND(dbsize, "dbsize", 1, COMMAND_READONLY | COMMAND_FAST, CATEGORY_KEYSPACE, GROUP_SERVER, 1,
        "1.0.0", "O(1)", "Counts the keys of the database.",
        .tips = TEXTS("request_policy:all_shards", "response_policy:agg_sum"))
COMMAND(debug, "debug", -2, COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0,
        GROUP_SERVER, 4, "1.0.0", "That of the subcommand.",
        "Does what tests and the hunt for errors need.",
        .is_system = 1)
COMMAND(failover, "failover", -1, COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_STALE, 0, GROUP_SERVER,
        1, "6.2.0", "O(1)",
        "Makes this master and one of its replicas change places, without losing a write.",
        .arguments = ARGUMENTS(
            BLOCK("target", .token = "TO", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(STRING("host"), INTEGER("port"),
                    TOKEN("force", .token = "FORCE", .flags = ARGUMENT_OPTIONAL))),
            TOKEN("abort", .token = "ABORT", .flags = ARGUMENT_OPTIONAL),
            INTEGER("milliseconds", .token = "TIMEOUT", .flags = ARGUMENT_OPTIONAL)))
COMMAND(flushall, "flushall", -1, COMMAND_WRITE, CATEGORY_KEYSPACE | CATEGORY_DANGEROUS,
        GROUP_SERVER, 1, "1.0.0", "O(1) to the caller; the memory is given back after the reply.",
        "Deletes every key of every database.",
        .tips = TEXTS("request_policy:all_shards", "response_policy:all_succeeded"),
        .history = TEXTS("4.0.0", "Takes ASYNC.", "6.2.0", "Takes SYNC."),
        .arguments = ARGUMENTS(ONE_OF("async", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("async", .token = "ASYNC", .since = "4.0.0"),
                    TOKEN("sync", .token = "SYNC", .since = "6.2.0")))))
COMMAND(flushdb, "flushdb", -1, COMMAND_WRITE, CATEGORY_KEYSPACE | CATEGORY_DANGEROUS,
        GROUP_SERVER, 1, "1.0.0", "O(1) to the caller; the memory is given back after the reply.",
        "Deletes every key of the database.",
        .tips = TEXTS("request_policy:all_shards", "response_policy:all_succeeded"),
        .history = TEXTS("4.0.0", "Takes ASYNC.", "6.2.0", "Takes SYNC."),
        .arguments = ARGUMENTS(ONE_OF("async", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("async", .token = "ASYNC", .since = "4.0.0"),
                    TOKEN("sync", .token = "SYNC", .since = "6.2.0")))))
COMMAND(info, "info", -1, COMMAND_LOADING | COMMAND_STALE, CATEGORY_DANGEROUS, GROUP_SERVER, 1,
        "1.0.0", "O(1)", "Reports the state and the statistics of the server.",
        .tips = TEXTS("nondeterministic_output", "request_policy:all_shards",
            "response_policy:special"),
        .history = TEXTS("7.0.0", "Takes several sections."),
        .arguments = ARGUMENTS(STRING("section", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(lastsave, "lastsave", 1, COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST,
        CATEGORY_ADMIN | CATEGORY_DANGEROUS, GROUP_SERVER, 2, "1.0.0", "O(1)",
        "Tells when the data was last saved, in seconds of Unix time.",
        .tips = TEXTS("nondeterministic_output"))
COMMAND(latency, "latency", -2, 0, 0, GROUP_SERVER, 3, "2.8.13", "That of the subcommand.",
        "Looks at how long commands and other events take.")
COMMAND(latency_doctor, "latency|doctor", 2,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 3,
        "2.8.13", "O(1)",
        "Tells in words what was slow and what may help.",
        .tips = TEXTS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"))
COMMAND(latency_graph, "latency|graph", 3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 3,
        "2.8.13", "O(1)",
        "Draws the samples of an event.",
        .tips = TEXTS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
        .arguments = ARGUMENTS(STRING("event")))
COMMAND(latency_help, "latency|help", 2,
        COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 4,
        "2.8.13", "O(1)",
        "Lists the subcommands of LATENCY.")
COMMAND(latency_histogram, "latency|histogram", -2,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 3,
        "7.0.0", "O(N), N being the number of commands.",
        "Tells how many calls of commands took how long.",
        .tips = TEXTS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
        .arguments = ARGUMENTS(STRING("command", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(latency_history, "latency|history", 3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 3,
        "2.8.13", "O(1)",
        "Returns the samples of an event.",
        .tips = TEXTS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"),
        .arguments = ARGUMENTS(STRING("event")))
COMMAND(latency_latest, "latency|latest", 2,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 3,
        "2.8.13", "O(1)",
        "Returns the latest sample of each event.",
        .tips = TEXTS("nondeterministic_output", "request_policy:all_nodes", "response_policy:special"))
COMMAND(latency_reset, "latency|reset", -2,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 3,
        "2.8.13", "O(1)",
        "Forgets the samples of some or all events.",
        .tips = TEXTS("request_policy:all_nodes", "response_policy:all_succeeded"),
        .arguments = ARGUMENTS(STRING("event", .flags = ARGUMENT_OPTIONAL | ARGUMENT_MULTIPLE)))
COMMAND(memory, "memory", -2, 0, 0, GROUP_SERVER, 2, "4.0.0", "That of the subcommand.",
        "Looks at where memory goes.")
COMMAND(memory_help, "memory|help", 2, COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 4, "4.0.0",
        "O(1)", "Lists the subcommands of MEMORY.")
COMMAND(memory_usage, "memory|usage", -3, COMMAND_READONLY, 0, GROUP_SERVER, 2, "4.0.0",
        "O(N), N being the number of samples.", "Tells how many bytes a key and its value take.",
        .keys = KEYS(KEY_AT(2, KEY_RO)),
        .arguments = ARGUMENTS(KEY("key"),
            INTEGER("count", .token = "SAMPLES", .flags = ARGUMENT_OPTIONAL)))
COMMAND(psync, "psync", -3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_NO_ASYNC_LOADING | COMMAND_NO_MULTI, 0,
        GROUP_SERVER, 2, "2.8.0", "O(1) if it can go on; else O(N), N being the number of keys.",
        "Makes the connection that of a replica, which goes on where it was if it can.",
        .arguments = ARGUMENTS(STRING("replicationid"), INTEGER("offset")))
COMMAND(replconf, "replconf", -1,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_ALLOW_BUSY, 0,
        GROUP_SERVER, 2, "3.0.0", "O(1)", "What masters and replicas tell each other.",
        .is_system = 1)
COMMAND(role, "role", 1, COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST,
        CATEGORY_ADMIN | CATEGORY_DANGEROUS, GROUP_SERVER, 1, "2.8.12", "O(1)",
        "Tells whether this is a master or a replica, and of whom.")
COMMAND(replicaof, "replicaof", 3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_STALE | COMMAND_NO_ASYNC_LOADING, 0, GROUP_SERVER,
        1, "5.0.0", "O(1)",
        "Makes the server the replica of another one, or with NO ONE a master.",
        .arguments = ARGUMENTS(ONE_OF("args",
                .arguments = ARGUMENTS(
                    BLOCK("host-port",
                        .arguments = ARGUMENTS(STRING("host"), INTEGER("port"))),
                    BLOCK("no-one",
                        .arguments = ARGUMENTS(TOKEN("no", .token = "NO"),
                            TOKEN("one", .token = "ONE")))))))
COMMAND(save, "save", 1,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_NO_ASYNC_LOADING | COMMAND_NO_MULTI, 0,
        GROUP_SERVER, 1, "1.0.0", "O(N), N being the number of keys.",
        "Saves the data of this moment to a file and answers when that is done.")
COMMAND(shutdown, "shutdown", -1,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_LOADING | COMMAND_STALE |
            COMMAND_NO_MULTI | COMMAND_ALLOW_BUSY, 0, GROUP_SERVER, 2, "1.0.0",
        "O(N) when it saves, N being the number of keys; otherwise O(1).",
        "Saves what must be saved and stops the server.",
        .history = TEXTS("7.0.0", "Takes NOW, FORCE and ABORT."),
        .arguments = ARGUMENTS(ONE_OF("nosave_save", .flags = ARGUMENT_OPTIONAL,
                .arguments = ARGUMENTS(TOKEN("nosave", .token = "NOSAVE"),
                    TOKEN("save", .token = "SAVE"))),
            TOKEN("now", .token = "NOW", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL),
            TOKEN("force", .token = "FORCE", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL),
            TOKEN("abort", .token = "ABORT", .since = "7.0.0", .flags = ARGUMENT_OPTIONAL)))
COMMAND(slaveof, "slaveof", 3,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_STALE | COMMAND_NO_ASYNC_LOADING, 0, GROUP_SERVER,
        2, "1.0.0", "O(1)",
        "Makes the server the replica of another one, or with NO ONE a master.",
        .deprecated_since = "5.0.0", .replaced_by = "REPLICAOF",
        .arguments = ARGUMENTS(ONE_OF("args",
                .arguments = ARGUMENTS(
                    BLOCK("host-port",
                        .arguments = ARGUMENTS(STRING("host"), INTEGER("port"))),
                    BLOCK("no-one",
                        .arguments = ARGUMENTS(TOKEN("no", .token = "NO"),
                            TOKEN("one", .token = "ONE")))))))
COMMAND(slowlog, "slowlog", -2, 0, 0, GROUP_SERVER, 2, "2.2.12", "That of the subcommand.",
        "Looks at the log of slow commands.")
COMMAND(slowlog_get, "slowlog|get", -2, COMMAND_ADMIN | COMMAND_LOADING | COMMAND_STALE, 0,
        GROUP_SERVER, 2, "2.2.12", "O(N), N being the number of entries returned.",
        "Returns the latest slow commands.",
        .tips = TEXTS("request_policy:all_nodes", "nondeterministic_output"),
        .history = TEXTS("4.0.0", "Shows the address and the name of the client."),
        .arguments = ARGUMENTS(INTEGER("count", .flags = ARGUMENT_OPTIONAL)))
COMMAND(slowlog_help, "slowlog|help", 2, COMMAND_LOADING | COMMAND_STALE, 0, GROUP_SERVER, 4,
        "6.2.0", "O(1)", "Lists the subcommands of SLOWLOG.")
COMMAND(slowlog_len, "slowlog|len", 2, COMMAND_ADMIN | COMMAND_LOADING | COMMAND_STALE, 0,
        GROUP_SERVER, 2, "2.2.12", "O(1)", "Counts the entries of the log.",
        .tips = TEXTS("request_policy:all_nodes", "response_policy:agg_sum",
            "nondeterministic_output"))
COMMAND(slowlog_reset, "slowlog|reset", 2, COMMAND_ADMIN | COMMAND_LOADING | COMMAND_STALE, 0,
        GROUP_SERVER, 2, "2.2.12", "O(N), N being the number of entries.", "Empties the log.",
        .tips = TEXTS("request_policy:all_nodes", "response_policy:all_succeeded"))
COMMAND(swapdb, "swapdb", 3, COMMAND_WRITE | COMMAND_FAST, CATEGORY_KEYSPACE | CATEGORY_DANGEROUS,
        GROUP_SERVER, 2, "4.0.0",
        "O(N), N being the number of clients that watch or wait for keys of the two.",
        "Exchanges the contents of two databases.",
        .arguments = ARGUMENTS(INTEGER("index1"), INTEGER("index2")))
COMMAND(sync, "sync", 1,
        COMMAND_ADMIN | COMMAND_NOSCRIPT | COMMAND_NO_ASYNC_LOADING | COMMAND_NO_MULTI, 0,
        GROUP_SERVER, 4, "1.0.0", "O(N), N being the number of keys.",
        "Makes the connection that of a replica, as it was done before PSYNC.")
COMMAND(time, "time", 1, COMMAND_LOADING | COMMAND_STALE | COMMAND_FAST, 0, GROUP_SERVER, 2,
        "2.6.0", "O(1)", "Tells the time of the server.",
        .tips = TEXTS("nondeterministic_output"))

/* clang-format on */

#undef TEXTS
#undef KEYS
#undef KEY_AT
#undef KEYS_FROM
#undef KEYS_COUNTED_AT
#undef KEYS_AFTER
#undef KEYS_REST_AFTER
#undef ARGUMENTS
#undef STRING
#undef INTEGER
#undef DOUBLE
#undef KEY
#undef PATTERN
#undef UNIX_TIME
#undef TOKEN
#undef ONE_OF
#undef BLOCK

#endif
