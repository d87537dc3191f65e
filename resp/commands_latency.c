/*
 * resp/commands_latency.c -- LATENCY: histograms of all commands, and the events that took long.
 */
#include "resp/commands.h"

#include <stdio.h>

void latency_command(struct call *call)
{
    call_subcommand_error(call);
}

/* ----------------------------------------------------------------------------------- histograms */

enum { HISTOGRAM_STEPS = 34 }; /* up to above the longest that a histogram can hold */

/*
 * Redis's steps double from 1.024 microseconds on, and each is named by the longest duration that
 * its histograms, with two decimal digits, cannot tell from its end: 1, 2, 4, 8, 16, 33, 66...
 */
static uint64_t histogram_step_us(int step)
{
    return ((UINT64_C(1032) << step) - 1) / 1000;
}

/* Writes the steps in which there are calls, with how many took no longer. */
static void histogram_write(struct call *call, const struct command *command,
                            const struct latencies *latencies)
{
    struct writer *reply = call->reply;
    writer_bulk(reply, kv_text(command->facts.name));
    writer_map(reply, 2);
    writer_bulk(reply, KV_TEXT("calls"));
    writer_integer(reply, (int64_t)latencies->count);
    writer_bulk(reply, KV_TEXT("histogram_usec"));
    size_t began = reply->size - reply->start, steps = 0;
    uint64_t before = 0;
    for (int i = 0; i < HISTOGRAM_STEPS && before < latencies->count; i++) {
        uint64_t below = latencies_below(latencies, UINT64_C(1024) << i);
        if (below == before) continue;
        writer_integer(reply, (int64_t)histogram_step_us(i));
        writer_integer(reply, (int64_t)below);
        before = below;
        steps++;
    }
    writer_end_deferred(reply, began, '%', steps);
}

/* Writes the histogram of a command that was called; returns whether it was. */
static size_t histogram_show(struct call *call, const struct command *command)
{
    struct latencies latencies;
    statistics_latencies(&call->resp->statistics, command, &latencies);
    if (latencies.count == 0) return 0;
    histogram_write(call, command, &latencies);
    return 1;
}

/* The same of the command of this name, or, if it is a container, of all that are in it. */
static size_t histogram_show_named(struct call *call, kv_slice name)
{
    const struct command *command = command_map_find_full(&call->resp->commands, name);
    if (command == NULL) return 0;
    size_t shown = histogram_show(call, command);
    const struct command *at = command_first_subcommand(command);
    for (; at != NULL; at = command_next_subcommand(at)) shown += histogram_show(call, at);
    return shown;
}

void latency_histogram_command(struct call *call)
{
    size_t began = call->reply->size - call->reply->start, shown = 0;
    if (call->count == 2)
        for (size_t i = 0; i < command_table_size; i++)
            shown += histogram_show(call, &command_table[i]);
    for (size_t i = 2; i < call->count; i++)
        shown += histogram_show_named(call, call->arguments[i]);
    writer_end_deferred(call->reply, began, '%', shown);
}

/* --------------------------------------------------------------------------------------- events */

static void latency_begin(void *context, size_t count)
{
    writer_array(((struct call *)context)->reply, count);
}

static void latency_write_latest(void *context, const struct latency_event *event)
{
    struct writer *reply = ((struct call *)context)->reply;
    const struct latency_sample *last = &event->samples[event->count - 1];
    writer_array(reply, 4);
    writer_bulk(reply, kv_text(event->name));
    writer_integer(reply, last->time_s);
    writer_integer(reply, (int64_t)last->ms);
    writer_integer(reply, (int64_t)event->worst_ms);
}

void latency_latest_command(struct call *call)
{
    latency_read(&call->resp->latency, NULL, latency_begin, latency_write_latest, call);
}

static void latency_write_history(void *context, const struct latency_event *event)
{
    struct writer *reply = ((struct call *)context)->reply;
    writer_array(reply, event->count);
    for (size_t i = 0; i < event->count; i++) {
        writer_array(reply, 2);
        writer_integer(reply, event->samples[i].time_s);
        writer_integer(reply, (int64_t)event->samples[i].ms);
    }
}

void latency_history_command(struct call *call)
{
    size_t found =
        latency_read(&call->resp->latency, &call->arguments[2], NULL, latency_write_history, call);
    if (found == 0) writer_array(call->reply, 0);
}

void latency_reset_command(struct call *call)
{
    size_t removed = 0;
    if (call->count == 2) removed = latency_reset(&call->resp->latency, NULL);
    for (size_t i = 2; i < call->count; i++)
        removed += latency_reset(&call->resp->latency, &call->arguments[i]);
    writer_integer(call->reply, (int64_t)removed);
}

/* ---------------------------------------------------------------------------------------- graph */

enum { GRAPH_ROWS = 4, GRAPH_COLUMNS = 80, GRAPH_LEVELS = 3 };

struct graph {
    struct call *call;
    kv_buffer *text;
    const struct latency_event *event;
    uint64_t low, high;
};

/* How high a sample stands, of GRAPH_ROWS * GRAPH_LEVELS levels. */
static int graph_level(const struct graph *graph, size_t index)
{
    enum { LEVELS = GRAPH_ROWS * GRAPH_LEVELS };
    uint64_t range = graph->high > graph->low ? graph->high - graph->low : 1;
    double height = (double)(graph->event->samples[index].ms - graph->low);
    int level = (int)(height * LEVELS / (double)range);
    return level < LEVELS ? level : LEVELS - 1;
}

/* What row `row`, the top one 0, shows of a sample. */
static char graph_mark(const struct graph *graph, size_t index, int row)
{
    int above = graph_level(graph, index) - (GRAPH_ROWS - 1 - row) * GRAPH_LEVELS;
    if (above < 0) return ' ';
    return above < GRAPH_LEVELS ? "_o#"[above] : '|';
}

/* How long ago a sample was, in one unit. */
static int graph_label(const struct graph *graph, size_t index, char label[32])
{
    int64_t ago_s = kv_now(graph->call->worker->view) / 1000 - graph->event->samples[index].time_s;
    if (ago_s < 60) return snprintf(label, 32, "%llds", (long long)ago_s);
    if (ago_s < 3600) return snprintf(label, 32, "%lldm", (long long)ago_s / 60);
    if (ago_s < 86400) return snprintf(label, 32, "%lldh", (long long)ago_s / 3600);
    return snprintf(label, 32, "%lldd", (long long)ago_s / 86400);
}

/* Writes row `row` of the labels, which stand upright. False if none is so long. */
static bool graph_write_labels(struct graph *graph, size_t from, size_t count, int row)
{
    char line[GRAPH_COLUMNS + 1], label[32];
    bool has_any = false;
    for (size_t i = 0; i < count; i++) {
        bool is_there = row < graph_label(graph, from + i, label);
        line[i] = is_there ? label[row] : ' ';
        has_any |= is_there;
    }
    line[count] = '\n';
    if (has_any) text_append(graph->text, kv_bytes(line, count + 1));
    return has_any;
}

/* Draws samples side by side, their ages below. */
static void graph_draw(struct graph *graph, size_t from, size_t count)
{
    char line[GRAPH_COLUMNS + 1];
    for (int row = 0; row < GRAPH_ROWS; row++) {
        for (size_t i = 0; i < count; i++) line[i] = graph_mark(graph, from + i, row);
        line[count] = '\n';
        text_append(graph->text, kv_bytes(line, count + 1));
    }
    memset(line, ' ', count); /* a row apart */
    text_append(graph->text, kv_bytes(line, count + 1));
    for (int row = 0; graph_write_labels(graph, from, count, row); row++) continue;
}

static void graph_measure(struct graph *graph, const struct latency_event *event)
{
    graph->event = event;
    graph->low = graph->high = event->samples[0].ms;
    for (size_t i = 1; i < event->count; i++) {
        uint64_t ms = event->samples[i].ms;
        if (ms < graph->low) graph->low = ms;
        if (ms > graph->high) graph->high = ms;
    }
}

static void latency_write_graph(void *context, const struct latency_event *event)
{
    struct graph *graph = context;
    graph_measure(graph, event);
    text_format(graph->text, "%s - high %llu ms, low %llu ms (all time high %llu ms)\n",
                event->name, (unsigned long long)graph->high, (unsigned long long)graph->low,
                (unsigned long long)event->worst_ms);
    for (int i = 0; i < GRAPH_COLUMNS; i++) text_append_string(graph->text, "-");
    text_append_string(graph->text, "\n");
    for (size_t from = 0; from < event->count; from += GRAPH_COLUMNS) {
        size_t left = event->count - from;
        if (from > 0) text_append_string(graph->text, "\n");
        graph_draw(graph, from, left < GRAPH_COLUMNS ? left : GRAPH_COLUMNS);
    }
}

void latency_graph_command(struct call *call)
{
    struct graph graph = {.call = call, .text = &call->worker->text};
    kv_slice name = call->arguments[2];
    graph.text->size = 0;
    if (latency_read(&call->resp->latency, &name, NULL, latency_write_graph, &graph) > 0) {
        writer_verbatim(call->reply, "txt", text_of_buffer(graph.text));
    } else {
        name = text_terminated(name);
        call_error_format(call, "ERR No samples available for event '%.*s'",
                          (int)(name.size < 128 ? name.size : 128), (const char *)name.data);
    }
}

/* --------------------------------------------------------------------------------------- doctor */

static void doctor_write_event(void *context, const struct latency_event *event)
{
    struct graph *doctor = context;
    double sum = 0, deviation = 0, count = (double)event->count;
    for (size_t i = 0; i < event->count; i++) sum += (double)event->samples[i].ms;
    for (size_t i = 0; i < event->count; i++) {
        double apart = (double)event->samples[i].ms - sum / count;
        deviation += apart < 0 ? -apart : apart;
    }
    int64_t span_s = kv_now(doctor->call->worker->view) / 1000 - event->samples[0].time_s;
    text_format(doctor->text,
                "%s: %zu seconds with a spike, about one in %.2f s; average %.0f ms, mean "
                "deviation %.0f ms, worst ever %llu ms.\n",
                event->name, event->count, (double)(span_s > 0 ? span_s : 1) / count, sum / count,
                deviation / count, (unsigned long long)event->worst_ms);
}

static const char *doctor_advice(const char *event)
{
    static const struct {
        const char *event, *advice;
    } table[] = {
        {"command", "- command: SLOWLOG GET shows which commands took long. Those whose cost grows "
                    "with a value or the keyspace (KEYS, SORT, SUNION, LRANGE of much, DEL of "
                    "something large) can be asked for less at a time, or be replaced by SCAN and "
                    "UNLINK.\n"},
        {"fast-command", "- fast-command: these do little by themselves, so it is the machine: "
                         "other programs on the same cores, swapping, or a virtual machine that "
                         "waits for its host. More --io-threads than cores do harm, too.\n"},
        {"expire-cycle", "- expire-cycle: many keys, or huge ones, expire at the same instant. "
                         "Spread their deadlines a little.\n"},
        {"aof-write", "- aof-write: the disk is slow, or shared with others that write much. "
                      "Clients notice with appendfsync always, or when much is unwritten.\n"},
        {"aof-write-active-child", "- aof-write-active-child: a snapshot wants the disk, too. Let "
                                   "save and auto-aof-rewrite-percentage begin fewer of them.\n"},
        {"aof-write-pending-fsync", "- aof-write-pending-fsync: the disk is slow to keep what is "
                                    "new. Writes of clients pause if it needs over 2 seconds.\n"},
        {"aof-fsync-always", "- aof-fsync-always: each reply to a write waits for the disk. With "
                             "appendfsync everysec none does, and a crash may cost a second.\n"},
        {"aof-rename", "- aof-rename: the file system is slow to rename files, or to keep their "
                       "names, which is done when a rewriting ends.\n"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].event, event) == 0) return table[i].advice;
    return "";
}

static void doctor_advise(void *context, const struct latency_event *event)
{
    text_append_string(((struct graph *)context)->text, doctor_advice(event->name));
}

void latency_doctor_command(struct call *call)
{
    struct graph doctor = {.call = call, .text = &call->worker->text};
    struct latency *latency = &call->resp->latency;
    int64_t threshold_ms = atomic_load(&call->resp->settings.latency_threshold_ms);
    doctor.text->size = 0;
    if (latency_read(latency, NULL, NULL, doctor_write_event, &doctor) > 0) {
        text_append_string(doctor.text, "\nWhat may help:\n\n");
        latency_read(latency, NULL, NULL, doctor_advise, &doctor);
    } else if (threshold_ms == 0) {
        text_append_string(doctor.text,
                           "Latency monitoring is switched off, so there is nothing to judge by. "
                           "CONFIG SET latency-monitor-threshold <milliseconds> switches it on.\n");
    } else {
        text_format(doctor.text,
                    "Nothing took %lld ms or longer since the monitor was reset or begun.\n",
                    (long long)threshold_ms);
    }
    writer_verbatim(call->reply, "txt", text_of_buffer(doctor.text));
}

void latency_help_command(struct call *call)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Tell in words what was slow, how often, and what may help.",
        "GRAPH <event>",
        "    Draw the samples of an event.",
        "HISTORY <event>",
        "    Return the samples of an event: time and milliseconds.",
        "LATEST",
        "    Return for each event its name, the time of its last sample, its duration and the",
        "    longest ever.",
        "RESET [<event> ...]",
        "    Forget the samples of these events, by default of all.",
        "HISTOGRAM [<command> ...]",
        "    Return for these commands, by default for all that were called, how many calls took",
        "    no longer than so many microseconds.",
        NULL};
    call_help(call, lines);
}
