/*
 * resp/config.c -- parameters: the registry, CONFIG GET and CONFIG SET.
 */
#include "resp/config.h"

#include "resp/aof_io.h"

#include <stdio.h>
#include <stdlib.h>

kv_status config_open(struct config *config)
{
    *config = (struct config){.io = &aof_io_system};
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0) return KV_NOMEM;
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    int error = pthread_mutex_init(&config->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return error == 0 ? KV_OK : KV_NOMEM;
}

void config_close(struct config *config)
{
    free(config->entries);
    pthread_mutex_destroy(&config->lock);
}

void config_lock(struct config *config)
{
    pthread_mutex_lock(&config->lock);
}

void config_unlock(struct config *config)
{
    pthread_mutex_unlock(&config->lock);
}

/* ------------------------------------------------------------------------------------- registry */

static bool config_has_name(const struct config_entry *entry, kv_slice name)
{
    const kvresp_parameter *parameter = entry->parameter;
    return text_is(name, parameter->name) ||
           (parameter->alias != NULL && text_is(name, parameter->alias));
}

struct config_entry *config_find(const struct config *config, kv_slice name)
{
    for (size_t i = 0; i < config->count; i++)
        if (config_has_name(&config->entries[i], name)) return &config->entries[i];
    return NULL;
}

static kv_status config_make_room(struct config *config, size_t more)
{
    size_t grown = config->capacity;
    while (grown - config->count < more) grown = grown < 64 ? 64 : 2 * grown;
    if (grown == config->capacity) return KV_OK;
    struct config_entry *entries = realloc(config->entries, grown * sizeof *entries);
    if (entries == NULL) return KV_NOMEM;
    config->entries = entries;
    config->capacity = grown;
    return KV_OK;
}

kv_status config_add(struct config *config, struct config_entry entry)
{
    struct config_entry *old = config_find(config, kv_text(entry.parameter->name));
    if (old != NULL) {
        if (!old->is_stand_in) return KV_BADARG;
        entry.was_set = old->was_set;
        entry.under = old->parameter;
        entry.under_context = old->context;
        *old = entry;
        return KV_OK;
    }
    if (config_make_room(config, 1) != KV_OK) return KV_NOMEM;
    size_t at = config->count;
    for (; at > 0 && strcmp(config->entries[at - 1].parameter->name, entry.parameter->name) > 0;
         at--)
        config->entries[at] = config->entries[at - 1];
    config->entries[at] = entry;
    config->count++;
    return KV_OK;
}

kv_status kvresp_config_add(kvresp *resp, const kvresp_parameter *table, size_t count,
                            void *context)
{
    struct config *config = &resp->config;
    kv_status status = KV_OK;
    config_lock(config);
    for (size_t i = 0; i < count && status == KV_OK; i++) {
        const struct config_entry *taken = config_find(config, kv_text(table[i].name));
        if (taken != NULL && !taken->is_stand_in) status = KV_BADARG;
    }
    if (status == KV_OK) status = config_make_room(config, count);
    for (size_t i = 0; i < count && status == KV_OK; i++)
        status =
            config_add(config, (struct config_entry){.parameter = &table[i], .context = context});
    config_unlock(config);
    return status;
}

void config_remove(struct config *config, const void *context)
{
    size_t kept = 0;
    for (size_t i = 0; i < config->count; i++) {
        struct config_entry entry = config->entries[i];
        bool is_meant = entry.context == context;
        if (is_meant && entry.under == NULL) continue;
        if (is_meant)
            entry = (struct config_entry){.parameter = entry.under,
                                          .context = entry.under_context,
                                          .is_stand_in = true,
                                          .was_set = entry.was_set};
        config->entries[kept++] = entry;
    }
    config->count = kept;
}

bool config_is_sensitive(struct config *config, kv_slice name)
{
    config_lock(config);
    const struct config_entry *entry = config_find(config, name);
    bool is_sensitive = entry != NULL && entry->parameter->flags & KVRESP_PARAMETER_SENSITIVE;
    config_unlock(config);
    return is_sensitive;
}

/* ----------------------------------------------------------------------------------- CONFIG SET */

/* One parameter of a CONFIG SET. */
struct config_wish {
    struct config_entry *entry;
    kv_slice name, value;
    kv_buffer old;
    bool is_applied;
};

struct config_change {
    struct config *config;
    struct config_wish *wishes;
    size_t count;
    unsigned powers;
    char *message;
};

/* At the start nobody said CONFIG SET, and the host knows which line or option it was. */
static const char *config_blame(struct config_change *change, const struct config_wish *wish,
                                const char *reason)
{
    if (change->powers & CONFIG_STARTING) {
        snprintf(change->message, CONFIG_MESSAGE_SIZE, "%s", reason);
        return change->message;
    }
    kv_slice name = text_terminated(wish->name);
    snprintf(change->message, CONFIG_MESSAGE_SIZE,
             "CONFIG SET failed (possibly related to argument '%.*s') - %s",
             (int)(name.size < 100 ? name.size : 100), (const char *)name.data, reason);
    return change->message;
}

/* Whether two wishes are about one parameter, by the same of its names. */
static bool config_is_repeated(const struct config_wish *one, const struct config_wish *other)
{
    const char *name = one->entry->parameter->name;
    return one->entry == other->entry && text_is(one->name, name) == text_is(other->name, name);
}

/*
 * Finds all the parameters; they must exist, be named once, and may be set now. One that is named
 * by its alias, too, has the value that comes last.
 */
static const char *config_resolve(struct config_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        struct config_wish *wish = &change->wishes[i];
        wish->entry = config_find(change->config, wish->name);
        if (wish->entry == NULL) {
            kv_slice name = text_terminated(wish->name);
            snprintf(change->message, CONFIG_MESSAGE_SIZE,
                     "Unknown option or number of arguments for CONFIG SET - '%.*s'",
                     (int)(name.size < 128 ? name.size : 128), (const char *)name.data);
            return change->message;
        }
        unsigned flags = wish->entry->parameter->flags;
        if (flags & KVRESP_PARAMETER_IMMUTABLE && !(change->powers & CONFIG_STARTING))
            return config_blame(change, wish, "can't set immutable config");
        if (flags & KVRESP_PARAMETER_PROTECTED && !(change->powers & CONFIG_PROTECTED))
            return config_blame(change, wish, "can't set protected config");
        for (size_t j = 0; j < i; j++)
            if (config_is_repeated(&change->wishes[j], wish))
                return config_blame(change, wish, "duplicate parameter");
    }
    return NULL;
}

static const char *config_check(struct config_change *change)
{
    char text[CONFIG_REASON_SIZE];
    for (size_t i = 0; i < change->count; i++) {
        struct config_wish *wish = &change->wishes[i];
        const kvresp_parameter *parameter = wish->entry->parameter;
        const char *reason = parameter->check != NULL
                                 ? parameter->check(wish->entry->context, wish->value, text)
                                 : NULL;
        if (reason == NULL && parameter->apply == NULL && !(change->powers & CONFIG_STARTING))
            reason = "can't set immutable config";
        if (reason != NULL) return config_blame(change, wish, reason);
    }
    return NULL;
}

/* Makes what was applied undone, the last first. */
static void config_take_back(struct config_change *change)
{
    char ignored[CONFIG_REASON_SIZE];
    for (size_t i = change->count; i-- > 0;) {
        struct config_wish *wish = &change->wishes[i];
        if (wish->is_applied)
            wish->entry->parameter->apply(wish->entry->context, text_of_buffer(&wish->old),
                                          ignored);
    }
}

static const char *config_apply(struct config_change *change)
{
    char text[CONFIG_REASON_SIZE];
    for (size_t i = 0; i < change->count; i++) {
        struct config_wish *wish = &change->wishes[i];
        const kvresp_parameter *parameter = wish->entry->parameter;
        if (parameter->apply == NULL) continue;
        const char *reason = "memory is exhausted";
        if (parameter->read(wish->entry->context, &wish->old) == KV_OK)
            reason = parameter->apply(wish->entry->context, wish->value, text);
        if (reason != NULL) {
            config_blame(change, wish, reason);
            config_take_back(change);
            return change->message;
        }
        wish->is_applied = true;
    }
    return NULL;
}

const char *config_set(struct config *config, const kv_slice *names, const kv_slice *values,
                       size_t count, unsigned powers, char message[CONFIG_MESSAGE_SIZE])
{
    struct config_wish *wishes = calloc(count, sizeof *wishes);
    if (wishes == NULL) return "CONFIG SET failed, memory is exhausted";
    for (size_t i = 0; i < count; i++) {
        wishes[i].name = names[i];
        wishes[i].value = values[i];
    }
    struct config_change change = {config, wishes, count, powers, message};
    config_lock(config);
    const char *error = config_resolve(&change);
    if (error == NULL) error = config_check(&change);
    if (error == NULL) error = config_apply(&change);
    for (size_t i = 0; i < count && error == NULL; i++) wishes[i].entry->was_set = true;
    config_unlock(config);
    for (size_t i = 0; i < count; i++) kv_buffer_free(&wishes[i].old);
    free(wishes);
    return error;
}

const char *kvresp_config_set(kvresp *resp, const char *name, kv_slice value, bool starting,
                              char message[256])
{
    char text[CONFIG_MESSAGE_SIZE];
    kv_slice names[1] = {kv_text(name)};
    unsigned powers = CONFIG_PROTECTED | (starting ? CONFIG_STARTING : 0u);
    const char *error = config_set(&resp->config, names, &value, 1, powers, text);
    if (error == NULL) return NULL;
    snprintf(message, 256, "%.255s", error);
    return message;
}

/* ----------------------------------------------------------------------------------- CONFIG GET */

static bool config_is_pattern(kv_slice text)
{
    const char *bytes = text.data;
    for (size_t i = 0; i < text.size; i++)
        if (bytes[i] == '*' || bytes[i] == '?' || bytes[i] == '[') return true;
    return false;
}

/*
 * Whether the name is asked for; if it is by itself and not by a pattern, in the words of who asks.
 */
static bool config_is_asked(const kvresp_parameter *parameter, kv_slice *name,
                            const kv_slice *patterns, size_t count)
{
    kv_slice whole = *name;
    bool is_hidden = parameter->flags & KVRESP_PARAMETER_HIDDEN;
    for (size_t i = 0; i < count; i++) {
        if (text_is(patterns[i], (const char *)whole.data)) {
            *name = patterns[i];
            return true;
        }
        if (!is_hidden && config_is_pattern(patterns[i]) && kv_match(patterns[i], whole, true))
            return true;
    }
    return false;
}

kv_status config_get(struct config *config, const kv_slice *patterns, size_t count,
                     config_visit *visit, void *context)
{
    kv_buffer value = {0};
    kv_status status = KV_OK;
    config_lock(config);
    for (size_t i = 0; i < config->count && status == KV_OK; i++) {
        const struct config_entry *entry = &config->entries[i];
        const kvresp_parameter *parameter = entry->parameter;
        const char *names[2] = {parameter->name, parameter->alias};
        for (int j = 0; j < 2 && names[j] != NULL && status == KV_OK; j++) {
            kv_slice name = kv_text(names[j]);
            if (!config_is_asked(parameter, &name, patterns, count)) continue;
            value.size = 0;
            status = parameter->read(entry->context, &value);
            if (status == KV_OK) visit(context, name, text_of_buffer(&value));
        }
    }
    config_unlock(config);
    kv_buffer_free(&value);
    return status;
}

kv_status kvresp_config_get(kvresp *resp, const char *name, kv_buffer *value)
{
    config_lock(&resp->config);
    const struct config_entry *entry = config_find(&resp->config, kv_text(name));
    kv_status status = KV_NONE;
    if (entry != NULL) {
        value->size = 0;
        status = entry->parameter->read(entry->context, value);
    }
    config_unlock(&resp->config);
    return status;
}

/* ------------------------------------------------------------------------------- values in text */

bool config_parse_memory(kv_slice text, uint64_t *bytes)
{
    static const struct {
        const char *suffix;
        uint64_t factor;
    } units[] = {{"", 1},           {"b", 1},
                 {"k", 1000},       {"kb", 1024},
                 {"m", 1000000},    {"mb", 1024 * 1024},
                 {"g", 1000000000}, {"gb", 1024u * 1024 * 1024}};
    const char *at = text.data;
    size_t digits = 0;
    while (digits < text.size && at[digits] >= '0' && at[digits] <= '9') digits++;
    if (digits == 0 || digits > 20) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        unsigned digit = (unsigned)(at[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!text_is(kv_bytes(at + digits, text.size - digits), units[i].suffix)) continue;
        if (value > UINT64_MAX / units[i].factor) return false;
        *bytes = value * units[i].factor;
        return true;
    }
    return false;
}
