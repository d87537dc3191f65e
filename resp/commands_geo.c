/*
 * resp/commands_geo.c -- places on the globe: adding, measuring, searching.
 */
#include "resp/commands.h"

#include <math.h>
#include <stdio.h>

/* What a search is asked for. */
struct geo_wish {
    kv_geosearch_options options;
    size_t source;               /* the argument that is the key searched */
    const kv_slice *destination; /* NULL: the places are the reply */
    bool may_store;              /* STORE and STOREDIST are options */
    bool is_search;              /* of GEOSEARCH(STORE), where center and shape are options */
    bool with_distance, with_hash, with_point;
    bool has_point;
    int64_t count;
};

/* --------------------------------------------------------------------------------------- errors */

#define GEO_NO_MEMBER "ERR could not decode requested zset member"

static bool geo_has_key(struct call *call, const struct geo_wish *wish)
{
    kv_object_info info = KV_OPTIONS(kv_object_info); /* which leaves no trace */
    return kv_object(call->db, call->arguments[wish->source], &info) == KV_OK;
}

/*
 * What is wrong with the key, or with the member that is the center, comes before what is wrong
 * with the arguments behind; but as long as nothing is, no command looks for the key twice. False:
 * answered. Without a wish there is nothing to look at.
 */
static bool geo_key_is_fit(struct call *call, const struct geo_wish *wish)
{
    if (wish == NULL) return true;
    kv_slice key = call->arguments[wish->source];
    const kv_slice *member = wish->options.member;
    double score;
    kv_status status =
        member != NULL ? kv_zscore(call->db, key, *member, &score) : kv_zcard(call->db, key, NULL);
    if (status < 0) {
        call_fail(call, status);
    } else if (status == KV_NONE && member != NULL && geo_has_key(call, wish)) {
        call_error(call, GEO_NO_MEMBER);
    } else {
        return true;
    }
    return false;
}

/* Answers with an error. */
static bool geo_fail(struct call *call, const struct geo_wish *wish, const char *error)
{
    if (geo_key_is_fit(call, wish)) call_error(call, error);
    return false;
}

/* ------------------------------------------------------------------------------------ arguments */

/* Longitude and latitude from argument `index` on. False: answered. */
static bool geo_point_argument(struct call *call, const struct geo_wish *wish, size_t index,
                               kv_geo_point *point)
{
    if (kv_parse_double(call->arguments[index], &point->longitude) != KV_OK ||
        kv_parse_double(call->arguments[index + 1], &point->latitude) != KV_OK)
        return geo_fail(call, wish, "ERR value is not a valid float");
    if (kv_geo_is_valid(*point)) return true;
    if (geo_key_is_fit(call, wish))
        call_error_format(call, "ERR invalid longitude,latitude pair %f,%f", point->longitude,
                          point->latitude);
    return false;
}

/* These read from argument `index` on, and give what is wrong, or NULL. */

static const char *geo_read_unit(const struct call *call, size_t index, kv_geo_unit *unit)
{
    static const char *const names[] = {"m", "km", "ft", "mi"};
    for (int i = 0; i < 4; i++) {
        if (!call_is(call, index, names[i])) continue;
        *unit = (kv_geo_unit)i;
        return NULL;
    }
    return "ERR unsupported unit provided. please use M, KM, FT, MI";
}

static const char *geo_read_circle(const struct call *call, size_t index,
                                   kv_geosearch_options *options)
{
    options->shape = KV_GEO_CIRCLE;
    if (kv_parse_double(call->arguments[index], &options->radius) != KV_OK)
        return "ERR need numeric radius";
    if (options->radius < 0) return "ERR radius cannot be negative";
    return geo_read_unit(call, index + 1, &options->unit);
}

static const char *geo_read_box(const struct call *call, size_t index,
                                kv_geosearch_options *options)
{
    options->shape = KV_GEO_BOX;
    if (kv_parse_double(call->arguments[index], &options->width) != KV_OK)
        return "ERR need numeric width";
    if (kv_parse_double(call->arguments[index + 1], &options->height) != KV_OK)
        return "ERR need numeric height";
    if (options->width < 0 || options->height < 0) return "ERR height or width cannot be negative";
    return geo_read_unit(call, index + 2, &options->unit);
}

/* -------------------------------------------------------------------------------------- replies */

/* Four decimals, in any locale: what printf() writes behind its decimal point is the last four. */
static void geo_write_distance(struct writer *reply, double distance)
{
    char text[400], digits[400];
    int size = snprintf(text, sizeof text, "%.4f", distance);
    size_t whole = strspn(text, "-0123456789");
    if (size < 5 || (size_t)size >= sizeof text) {
        writer_null(reply);
        return;
    }
    memcpy(digits, text, whole);
    digits[whole] = '.';
    memcpy(digits + whole + 1, text + size - 4, 4);
    writer_bulk(reply, kv_bytes(digits, whole + 5));
}

/* Up to 17 decimals, no zeros at the end: how Redis prints coordinates. A double in RESP3. */
static void geo_write_coordinate(struct writer *reply, double degrees)
{
    char text[64], digits[64];
    int size = snprintf(text, sizeof text, "%.17f", degrees);
    size_t whole = strspn(text, "-0123456789"), decimals = 17;
    memcpy(digits, text, whole);
    digits[whole] = '.';
    memcpy(digits + whole + 1, text + size - 17, 17);
    while (decimals > 0 && digits[whole + decimals] == '0') decimals--;
    size_t length = decimals > 0 ? whole + 1 + decimals : whole;
    if (reply->protocol <= 2) {
        writer_bulk(reply, kv_bytes(digits, length));
        return;
    }
    WRITER_LITERAL(reply, ",");
    writer_raw(reply, digits, length);
    WRITER_LITERAL(reply, "\r\n");
}

static void geo_write_point(struct writer *reply, kv_geo_point point)
{
    writer_array(reply, 2);
    geo_write_coordinate(reply, point.longitude);
    geo_write_coordinate(reply, point.latitude);
}

/* ---------------------------------------------------------------------------- adding, measuring */

struct geoadd_wish {
    size_t first;
    unsigned flags;
    bool changed;
};

static void geoadd_options(struct call *call, struct geoadd_wish *wish)
{
    size_t i = 2;
    for (; i < call->count; i++) {
        if (call_is(call, i, "nx")) wish->flags |= KV_ZADD_NX;
        else if (call_is(call, i, "xx")) wish->flags |= KV_ZADD_XX;
        else if (call_is(call, i, "ch")) wish->changed = true;
        else break;
    }
    wish->first = i;
}

/* The places from the wish's first on. NULL: answered. */
static kv_geo_place *geoadd_places(struct call *call, const struct geoadd_wish *wish, size_t *count)
{
    *count = (call->count - wish->first) / 3;
    if (text_reserve(&call->worker->value, *count * sizeof(kv_geo_place)) != KV_OK) {
        call_fail(call, KV_NOMEM);
        return NULL;
    }
    kv_geo_place *places = call->worker->value.data;
    for (size_t i = 0; i < *count; i++) {
        size_t at = wish->first + 3 * i;
        if (!geo_point_argument(call, NULL, at, &places[i].point)) return NULL;
        places[i].member = call->arguments[at + 2];
    }
    return places;
}

void geoadd_command(struct call *call)
{
    struct geoadd_wish wish = {0};
    size_t count;
    geoadd_options(call, &wish);
    if ((call->count - wish.first) % 3 != 0 || wish.first == call->count ||
        wish.flags == (KV_ZADD_NX | KV_ZADD_XX)) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    kv_geo_place *places = geoadd_places(call, &wish, &count);
    if (places == NULL) return;
    uint64_t added = 0, updated = 0;
    kv_status status =
        kv_geoadd(call->db, call->arguments[1], places, count, wish.flags, &added, &updated);
    if (status != KV_OK) call_fail(call, status);
    else writer_integer(call->reply, (int64_t)(wish.changed ? added + updated : added));
}

void geodist_command(struct call *call)
{
    kv_geo_unit unit = KV_GEO_METRES;
    double distance;
    if (call->count > 5) {
        call_error(call, ERROR_SYNTAX);
        return;
    }
    const char *error = call->count == 5 ? geo_read_unit(call, 4, &unit) : NULL;
    if (error != NULL) {
        call_error(call, error);
        return;
    }
    kv_status status =
        kv_geodist(call->db, call->arguments[1], call->arguments[2], call->arguments[3], &distance);
    if (status == KV_NONE) writer_null(call->reply);
    else if (status != KV_OK) call_fail(call, status);
    else geo_write_distance(call->reply, distance / kv_geo_metres(unit));
}

/* Where the members of the request are, in the worker's memory. NULL: answered. */
static kv_geo_point *geo_points(struct call *call, size_t *count)
{
    *count = call->count - 2;
    kv_status status = text_reserve(&call->worker->value, *count * sizeof(kv_geo_point));
    kv_geo_point *points = call->worker->value.data;
    if (status == KV_OK)
        status = kv_geopos(call->db, call->arguments[1], call->arguments + 2, *count, points);
    if (status == KV_OK) return points;
    call_fail(call, status);
    return NULL;
}

void geopos_command(struct call *call)
{
    size_t count;
    const kv_geo_point *points = geo_points(call, &count);
    if (points == NULL) return;
    writer_array(call->reply, count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(points[i].longitude)) writer_null_array(call->reply);
        else geo_write_point(call->reply, points[i]);
    }
}

void geohash_command(struct call *call)
{
    size_t count;
    const kv_geo_point *points = geo_points(call, &count);
    if (points == NULL) return;
    writer_array(call->reply, count);
    for (size_t i = 0; i < count; i++) {
        char text[12];
        kv_geo_text(points[i], text);
        if (text[0] == '\0') writer_null(call->reply);
        else writer_bulk_text(call->reply, text);
    }
}

/* ------------------------------------------------------------------------------------ searching */

/* False: answered. */
static bool geo_circle(struct call *call, size_t index, struct geo_wish *wish)
{
    const char *error = geo_read_circle(call, index, &wish->options);
    return error == NULL || geo_fail(call, wish, error);
}

static bool geo_box(struct call *call, size_t index, struct geo_wish *wish)
{
    const char *error = geo_read_box(call, index, &wish->options);
    return error == NULL || geo_fail(call, wish, error);
}

/* The center is a member; of one given before it is asked only whether it is there. */
static bool geo_center_member(struct call *call, size_t index, struct geo_wish *wish)
{
    bool is_given_before = wish->options.member != NULL && geo_has_key(call, wish);
    if (is_given_before && !geo_key_is_fit(call, wish)) return false;
    wish->options.member = &call->arguments[index];
    return true;
}

/* A number of vertices and so many points. Gives how many arguments these are, 0: answered. */
static size_t geo_polygon(struct call *call, size_t index, struct geo_wish *wish)
{
    int64_t count;
    const char *error = NULL;
    if (!text_parse_integer(call->arguments[index], &count)) error = ERROR_NOT_INTEGER;
    else if (count < 3) error = "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices";
    else if ((uint64_t)count > (call->count - index - 1) / 2) error = ERROR_SYNTAX;
    if (error != NULL) {
        (void)geo_fail(call, wish, error);
        return 0;
    }
    if (text_reserve(&call->worker->value, (size_t)count * sizeof(kv_geo_point)) != KV_OK) {
        call_fail(call, KV_NOMEM);
        return 0;
    }
    kv_geo_point *vertices = call->worker->value.data;
    for (size_t i = 0; i < (size_t)count; i++)
        if (!geo_point_argument(call, wish, index + 1 + 2 * i, &vertices[i])) return 0;
    wish->options.shape = KV_GEO_POLYGON;
    wish->options.vertices = vertices;
    wish->options.vertex_count = (size_t)count;
    return 1 + 2 * (size_t)count;
}

/* Which of the shapes has been given. */
enum geo_given { GEO_NO_SHAPE, GEO_BY_RADIUS, GEO_BY_BOX, GEO_BY_POLYGON };

/*
 * An option of GEOSEARCH at `index`, with `left` arguments from it on; gives how many it took. 0:
 * there is no such option, or, if *answered, something is wrong with it.
 */
static size_t geo_search_option(struct call *call, size_t index, size_t left, struct geo_wish *wish,
                                enum geo_given *given, bool *answered)
{
    size_t taken = 0;
    if (left > 1 && call_is(call, index, "frommember") && !wish->has_point) {
        taken = geo_center_member(call, index + 1, wish) ? 2 : 0;
    } else if (left > 2 && call_is(call, index, "fromlonlat") && wish->options.member == NULL) {
        wish->has_point = true;
        taken = geo_point_argument(call, wish, index + 1, &wish->options.center) ? 3 : 0;
    } else if (left > 2 && call_is(call, index, "byradius") && *given <= GEO_BY_RADIUS) {
        *given = GEO_BY_RADIUS;
        taken = geo_circle(call, index + 1, wish) ? 3 : 0;
    } else if (left > 3 && call_is(call, index, "bybox") &&
               (*given == GEO_NO_SHAPE || *given == GEO_BY_BOX)) {
        *given = GEO_BY_BOX;
        taken = geo_box(call, index + 1, wish) ? 4 : 0;
    } else if (left > 1 && call_is(call, index, "bypolygon") && *given == GEO_NO_SHAPE) {
        *given = GEO_BY_POLYGON;
        taken = geo_polygon(call, index + 1, wish);
        if (taken > 0) taken++;
    } else {
        return 0;
    }
    *answered = taken == 0;
    return taken;
}

/* COUNT, of which ANY is an option of its own. */
static bool geo_count(struct call *call, size_t index, struct geo_wish *wish)
{
    if (!text_parse_integer(call->arguments[index], &wish->count))
        return geo_fail(call, wish, ERROR_NOT_INTEGER);
    return wish->count > 0 || geo_fail(call, wish, "ERR COUNT must be > 0");
}

/* An option that all searches have; as above. */
static size_t geo_option(struct call *call, size_t index, size_t left, struct geo_wish *wish,
                         bool *answered)
{
    if (call_is(call, index, "withdist")) wish->with_distance = true;
    else if (call_is(call, index, "withhash")) wish->with_hash = true;
    else if (call_is(call, index, "withcoord")) wish->with_point = true;
    else if (call_is(call, index, "any")) wish->options.any = true;
    else if (call_is(call, index, "asc")) wish->options.order = KV_GEO_NEAREST;
    else if (call_is(call, index, "desc")) wish->options.order = KV_GEO_FARTHEST;
    else if (left > 1 && call_is(call, index, "count")) {
        *answered = !geo_count(call, index + 1, wish);
        return *answered ? 0 : 2;
    } else if (wish->may_store && left > 1 &&
               (call_is(call, index, "store") || call_is(call, index, "storedist"))) {
        wish->destination = &call->arguments[index + 1];
        wish->options.store_distances = call_is(call, index, "storedist");
        return 2;
    } else if (wish->is_search && wish->destination != NULL && call_is(call, index, "storedist")) {
        wish->options.store_distances = true;
    } else {
        return 0;
    }
    return 1;
}

/* What is wrong with the options together, in a form that takes the command's name; or NULL. */
static const char *geo_find_conflict(const struct geo_wish *wish, enum geo_given given)
{
    bool has_center = wish->options.member != NULL || wish->has_point;
    bool has_more = wish->with_distance || wish->with_hash || wish->with_point;
    if (wish->destination != NULL && has_more) {
        return wish->is_search ? "GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and "
                                 "WITHCOORD options"
                               : "STORE option in GEORADIUS is not compatible with WITHDIST, "
                                 "WITHHASH and WITHCOORD options";
    }
    if (wish->is_search && has_center == (given == GEO_BY_POLYGON)) {
        return has_center ? "FROMMEMBER and FROMLONLAT cannot be specified with BYPOLYGON for "
                          : "exactly one of FROMMEMBER or FROMLONLAT can be specified for ";
    }
    if (wish->is_search && given == GEO_NO_SHAPE)
        return "exactly one of BYRADIUS and BYBOX can be specified for ";
    if (wish->options.any && wish->count == 0) return "the ANY argument requires COUNT argument";
    return NULL;
}

/* Answers with a conflict: those that end with a space want to have the command's name there. */
static void geo_refuse(struct call *call, const struct geo_wish *wish, const char *conflict)
{
    kv_slice name = text_terminated(call->arguments[0]);
    bool is_named = conflict[strlen(conflict) - 1] == ' ';
    if (!geo_key_is_fit(call, wish)) return;
    call_error_format(call, "ERR %s%.*s", conflict, is_named ? (int)name.size : 0,
                      (const char *)name.data);
}

/* Reads the options from argument `index` on. False: answered. */
static bool geo_options(struct call *call, size_t index, struct geo_wish *wish)
{
    enum geo_given given = GEO_NO_SHAPE;
    while (index < call->count) {
        bool answered = false;
        size_t left = call->count - index;
        size_t taken = geo_option(call, index, left, wish, &answered);
        if (taken == 0 && !answered && wish->is_search)
            taken = geo_search_option(call, index, left, wish, &given, &answered);
        if (taken == 0) {
            if (!answered) (void)geo_fail(call, wish, ERROR_SYNTAX);
            return false;
        }
        index += taken;
    }
    wish->options.count = (uint64_t)wish->count;
    const char *conflict = geo_find_conflict(wish, given);
    if (conflict != NULL) geo_refuse(call, wish, conflict);
    return conflict == NULL;
}

struct geo_reply {
    struct writer *reply;
    const struct geo_wish *wish;
};

static void geo_reply_begin(void *context, uint64_t count)
{
    writer_array(((struct geo_reply *)context)->reply, count);
}

static bool geo_reply_visit(void *context, const kv_geo_found *found)
{
    const struct geo_reply *places = context;
    const struct geo_wish *wish = places->wish;
    unsigned more = wish->with_distance + wish->with_hash + wish->with_point;
    if (more > 0) writer_array(places->reply, 1 + more);
    writer_bulk(places->reply, found->member);
    if (wish->with_distance) geo_write_distance(places->reply, found->distance);
    if (wish->with_hash) writer_integer(places->reply, (int64_t)found->hash);
    if (wish->with_point) geo_write_point(places->reply, found->point);
    return true;
}

static void geo_answer(struct call *call, const struct geo_wish *wish)
{
    kv_slice source = call->arguments[wish->source];
    kv_status status;
    if (wish->destination != NULL) {
        uint64_t stored = 0;
        status = kv_geosearchstore(call->db, *wish->destination, source, &wish->options, &stored);
        if (status == KV_OK) writer_integer(call->reply, (int64_t)stored);
    } else {
        struct geo_reply places = {call->reply, wish};
        status = kv_geosearch(call->db, source, &wish->options, geo_reply_begin, geo_reply_visit,
                              &places);
    }
    if (status == KV_NOTFOUND) call_error(call, GEO_NO_MEMBER);
    else if (status != KV_OK) call_fail(call, status);
}

static void geo_radius(struct call *call, bool may_store)
{
    struct geo_wish wish = {KV_OPTIONS(kv_geosearch_options), .source = 1, .may_store = may_store};
    wish.options.georadius_event = true;
    if (geo_point_argument(call, &wish, 2, &wish.options.center) && geo_circle(call, 4, &wish) &&
        geo_options(call, 6, &wish))
        geo_answer(call, &wish);
}

static void geo_radius_by_member(struct call *call, bool may_store)
{
    struct geo_wish wish = {KV_OPTIONS(kv_geosearch_options), .source = 1, .may_store = may_store};
    wish.options.georadius_event = true;
    wish.options.member = &call->arguments[2];
    const char *error = geo_read_circle(call, 3, &wish.options);
    /* Without such a key Redis takes any words for a radius and a unit. */
    if (error != NULL && !geo_has_key(call, &wish)) {
        wish.options.radius = 0;
        error = NULL;
    }
    if (error != NULL) (void)geo_fail(call, &wish, error);
    else if (geo_options(call, 5, &wish)) geo_answer(call, &wish);
}

void georadius_command(struct call *call)
{
    geo_radius(call, true);
}

void georadius_ro_command(struct call *call)
{
    geo_radius(call, false);
}

void georadiusbymember_command(struct call *call)
{
    geo_radius_by_member(call, true);
}

void georadiusbymember_ro_command(struct call *call)
{
    geo_radius_by_member(call, false);
}

void geosearch_command(struct call *call)
{
    struct geo_wish wish = {KV_OPTIONS(kv_geosearch_options), .source = 1, .is_search = true};
    if (geo_options(call, 2, &wish)) geo_answer(call, &wish);
}

void geosearchstore_command(struct call *call)
{
    struct geo_wish wish = {KV_OPTIONS(kv_geosearch_options), .source = 2, .is_search = true};
    wish.destination = &call->arguments[1];
    if (geo_options(call, 3, &wish)) geo_answer(call, &wish);
}
