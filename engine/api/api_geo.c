/*
 * api/api_geo.c -- places: sorted sets whose scores are hashes of longitude and latitude, see
 * base/geo.h.
 */
#include "base/geo.h"
#include "base/number.h"
#include "keyspace/access_collection.h"
#include "keyspace/effect.h"
#include "values/zset.h"

#include <math.h>
#include <stdlib.h>

#define GEO_NOWHERE ((kv_geo_point){(double)NAN, (double)NAN})

/*
 * The hash that a score is. Scores that came otherwise than by kv_geoadd() are cut to the integers
 * they are near, as Redis cuts them.
 */
static uint64_t geo_hash_of_score(double score)
{
    const double limit = 9223372036854775808.0;
    if (score >= limit || score <= -limit) return 0;
    return (uint64_t)(int64_t)score;
}

static kv_geo_point geo_point_of_score(double score)
{
    return geo_point(geo_hash_of_score(score));
}

/* ------------------------------------------------------------------------------ single places */

kv_status kv_geoadd(kv *db, kv_slice key, const kv_geo_place *places, size_t count, unsigned flags,
                    uint64_t *added, uint64_t *updated)
{
    if (db == NULL || places == NULL || count == 0) return KV_BADARG;
    if ((flags & ~(KV_ZADD_NX | KV_ZADD_XX)) != 0) return KV_BADARG;
    for (size_t i = 0; i < count; i++)
        if (!geo_is_on_grid(places[i].point)) return KV_BADARG;
    struct alloc *alloc = &db->view->store->alloc;
    kv_scored one, *scored = &one;
    if (count > 1) scored = alloc_get_array(alloc, count, sizeof *scored);
    if (scored == NULL) return KV_NOMEM;
    for (size_t i = 0; i < count; i++)
        scored[i] = (kv_scored){places[i].member, (double)geo_hash(places[i].point)};
    kv_status status = kv_zadd(db, key, scored, count, flags, added, updated);
    if (scored != &one) alloc_free(alloc, scored, count * sizeof *scored);
    return status;
}

kv_status kv_geopos(kv *db, kv_slice key, const kv_slice *members, size_t count,
                    kv_geo_point *points)
{
    if ((members == NULL || points == NULL) && count > 0) return KV_BADARG;
    struct access access;
    kv_status status = access_open_type(&access, db, key, KV_TYPE_SORTED_SET, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    for (size_t i = 0; i < count; i++) {
        double score;
        bool is_there = zset_score(&set, members[i], &score);
        points[i] = is_there ? geo_point_of_score(score) : GEO_NOWHERE;
    }
    return access_close(&access, KV_OK);
}

kv_status kv_geodist(kv *db, kv_slice key, kv_slice first, kv_slice second, double *distance)
{
    kv_slice members[2] = {first, second};
    kv_geo_point points[2];
    kv_status status = kv_geopos(db, key, members, 2, points);
    if (status != KV_OK) return status;
    if (isnan(points[0].longitude) || isnan(points[1].longitude)) return KV_NONE;
    if (distance != NULL) *distance = geo_distance(points[0], points[1]);
    return KV_OK;
}

bool kv_geo_is_valid(kv_geo_point point)
{
    return geo_is_on_grid(point);
}

void kv_geo_text(kv_geo_point point, char text[12])
{
    text[0] = text[11] = '\0';
    if (geo_is_on_grid(point)) geo_text(point, text);
}

double kv_geo_metres(kv_geo_unit unit)
{
    static const double metres[] = {1, 1000, 0.3048, 1609.34};
    return metres[unit];
}

/* ------------------------------------------------------------------------------------ searching */

enum { GEO_NAME = 23 };

/* A place found. A long name is not copied: the member is found again by its rank. */
struct geo_found {
    double distance; /* in metres */
    double score;
    uint64_t rank;
    size_t index;      /* in the order of finding */
    uint8_t name_size; /* GEO_NAME + 1: there is none */
    char name[GEO_NAME];
};

struct geo_search {
    kv_geosearch_options options;
    struct geo_area area;
    const struct collection *set;
    struct alloc *alloc;
    struct geo_found *found;
    size_t count, capacity;
    uint64_t limit; /* of what is looked for; 0: none */
    uint64_t rank;  /* of the one that is looked at */
    double end;     /* of the range of scores that is looked through */
    kv_status status;
};

static bool geo_shape_is_valid(const kv_geosearch_options *options)
{
    switch (options->shape) {
    case KV_GEO_CIRCLE: return options->radius >= 0;
    case KV_GEO_BOX: return options->width >= 0 && options->height >= 0;
    case KV_GEO_POLYGON: break;
    default: return false;
    }
    if (options->vertices == NULL || options->vertex_count < 3) return false;
    for (size_t i = 0; i < options->vertex_count; i++)
        if (!geo_is_on_grid(options->vertices[i])) return false;
    return true;
}

static bool geo_read_options(const kv_geosearch_options *given, kv_geosearch_options *options)
{
    *options = KV_OPTIONS(kv_geosearch_options);
    if (given == NULL || given->size < sizeof given->size || given->size > sizeof *options)
        return false;
    memcpy(options, given, given->size);
    if (options->unit > KV_GEO_MILES || options->order > KV_GEO_FARTHEST) return false;
    if (options->any && options->count == 0) return false;
    bool has_center = options->member == NULL && options->shape != KV_GEO_POLYGON;
    return geo_shape_is_valid(options) && (!has_center || geo_is_on_grid(options->center));
}

/* Where the search is about: a point, a member's, or the middle of a polygon. */
static kv_status geo_find_center(const struct geo_search *search, kv_geo_point *center)
{
    const kv_geosearch_options *options = &search->options;
    double score;
    *center = options->center;
    if (options->shape == KV_GEO_POLYGON) {
        *center = geo_center(options->vertices, options->vertex_count);
    } else if (options->member != NULL) {
        if (!zset_score(search->set, *options->member, &score)) return KV_NOTFOUND;
        *center = geo_point_of_score(score);
    }
    return KV_OK;
}

static void geo_make_area(struct geo_search *search, kv_geo_point center)
{
    const kv_geosearch_options *options = &search->options;
    search->area = (struct geo_area){
        .kind = options->shape == KV_GEO_CIRCLE ? GEO_CIRCLE
                : options->shape == KV_GEO_BOX  ? GEO_BOX
                                                : GEO_POLYGON,
        .center = center,
        .unit = kv_geo_metres(options->unit),
        .radius = options->radius,
        .width = options->width,
        .height = options->height,
        .vertices = options->vertices,
        .vertex_count = options->vertex_count,
    };
    geo_prepare(&search->area);
}

static bool geo_note(struct geo_search *search, const struct geo_found *found)
{
    if (search->count == search->capacity) {
        size_t grown = search->capacity == 0 ? 16 : 2 * search->capacity;
        struct geo_found *moved = alloc_resize(
            search->alloc, search->found, search->capacity * sizeof *moved, grown * sizeof *moved);
        if (moved == NULL) {
            search->status = KV_NOMEM;
            return false;
        }
        search->found = moved;
        search->capacity = grown;
    }
    search->found[search->count++] = *found;
    return search->count != search->limit;
}

static bool geo_look(void *context, kv_slice member, double score)
{
    struct geo_search *search = context;
    struct geo_found found;
    if (score >= search->end) return false;
    found.rank = search->rank++;
    if (!geo_contains(&search->area, geo_point_of_score(score), &found.distance)) return true;
    found.score = score;
    found.index = search->count;
    found.name_size = (uint8_t)(member.size <= GEO_NAME ? member.size : GEO_NAME + 1);
    if (member.size > 0 && member.size <= GEO_NAME) memcpy(found.name, member.data, member.size);
    return geo_note(search, &found);
}

static void geo_look_through(struct geo_search *search, const struct geo_range *hashes)
{
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    range.by = KV_BY_SCORE;
    range.minimum.score = (double)hashes->low;
    range.maximum.score = (double)INFINITY; /* geo_look() knows where to stop */
    search->end = (double)hashes->high;
    uint64_t count = zset_select(search->set, &range, &search->rank);
    zset_visit(search->set, KV_HEAD, search->rank, count, geo_look, search);
}

static int geo_nearest_first(const void *a, const void *b)
{
    const struct geo_found *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int geo_farthest_first(const void *a, const void *b)
{
    const struct geo_found *x = a, *y = b;
    if (x->distance != y->distance) return x->distance > y->distance ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Puts what was found in order, and leaves out what is too much. */
static void geo_arrange(struct geo_search *search)
{
    const kv_geosearch_options *options = &search->options;
    kv_geo_order order = options->order;
    if (options->count != 0 && order == KV_GEO_UNORDERED && !options->any) order = KV_GEO_NEAREST;
    if (order != KV_GEO_UNORDERED && search->count > 1) {
        qsort(search->found, search->count, sizeof *search->found,
              order == KV_GEO_NEAREST ? geo_nearest_first : geo_farthest_first);
    }
    if (options->count != 0 && search->count > options->count)
        search->count = (size_t)options->count;
}

/* Finds the places in a set. KV_OK; KV_NOTFOUND: no such center; KV_NOMEM. */
static kv_status geo_search_run(struct geo_search *search, const struct access *access,
                                const struct collection *set)
{
    search->set = set;
    search->alloc = &access->store->alloc;
    search->limit = search->options.any ? search->options.count : 0;
    search->status = KV_OK;
    if (access->entry == NULL) return KV_OK;
    kv_geo_point center;
    kv_status status = geo_find_center(search, &center);
    if (status != KV_OK) return status;
    geo_make_area(search, center);
    struct geo_range ranges[GEO_CELLS];
    size_t count = geo_ranges(&search->area, ranges);
    for (size_t i = 0; i < count && search->status == KV_OK; i++) {
        if (search->limit != 0 && search->count >= search->limit) break;
        geo_look_through(search, &ranges[i]);
    }
    if (search->status == KV_OK) geo_arrange(search);
    return search->status;
}

static void geo_search_close(struct geo_search *search)
{
    if (search->found != NULL)
        alloc_free(search->alloc, search->found, search->capacity * sizeof *search->found);
}

/* Lends the member that was found to a visitor. */
static void geo_visit(const struct geo_search *search, const struct geo_found *found,
                      kv_visit_scored *visit, void *context)
{
    if (found->name_size <= GEO_NAME)
        (void)visit(context, kv_bytes(found->name, found->name_size), found->score);
    else zset_visit(search->set, KV_HEAD, found->rank, 1, visit, context);
}

struct geo_lending {
    const struct geo_found *found;
    double unit;
    kv_visit_geo *visit;
    void *context;
    bool goes_on;
};

static bool geo_lend(void *context, kv_slice member, double score)
{
    struct geo_lending *lending = context;
    kv_geo_found shown = {member, lending->found->distance / lending->unit,
                          geo_point_of_score(score), geo_hash_of_score(score)};
    lending->goes_on = lending->visit(lending->context, &shown);
    return true;
}

kv_status kv_geosearch(kv *db, kv_slice key, const kv_geosearch_options *given,
                       kv_range_begin *begin, kv_visit_geo *visit, void *context)
{
    struct geo_search search = {.found = NULL};
    struct access access;
    if (visit == NULL || !geo_read_options(given, &search.options)) return KV_BADARG;
    kv_status status = access_open_type(&access, db, key, KV_TYPE_SORTED_SET, ACCESS_READ);
    if (status != KV_OK) return status;
    struct collection set = access_collection(&access);
    status = geo_search_run(&search, &access, &set);
    if (status == KV_OK && begin != NULL) begin(context, search.count);
    struct geo_lending lending = {NULL, search.area.unit, visit, context, true};
    for (size_t i = 0; i < search.count && status == KV_OK && lending.goes_on; i++) {
        lending.found = &search.found[i];
        geo_visit(&search, lending.found, geo_lend, &lending);
    }
    geo_search_close(&search);
    return access_close(&access, status);
}

/* -------------------------------------------------------------------------------------- storing */

struct geo_storing {
    struct collection *result;
    struct memory *memory;
    const struct zset_rules *rules;
    double score;
    kv_status status;
};

static bool geo_store(void *context, kv_slice member, double score)
{
    struct geo_storing *storing = context;
    enum zset_outcome outcome;
    (void)score;
    storing->status = zset_put(storing->result, storing->memory, storing->rules, member, 0, false,
                               &storing->score, &outcome);
    return true;
}

/* A set of what was found, in memory of the destination's shard. */
static kv_status geo_gather(const struct geo_search *search, const struct access *destination,
                            struct collection *result)
{
    struct zset_rules rules = {access_limits(destination, KV_SETTING_SORTED_SET_PACK_COUNT),
                               &destination->store->hash_key, false};
    struct memory *memory = &destination->shard->memory;
    struct geo_storing storing = {result, memory, &rules, 0, KV_OK};
    *result = (struct collection){0};
    for (size_t i = 0; i < search->count && storing.status == KV_OK; i++) {
        const struct geo_found *found = &search->found[i];
        storing.score =
            search->options.store_distances ? found->distance / search->area.unit : found->score;
        geo_visit(search, found, geo_store, &storing);
    }
    if (storing.status != KV_OK) zset_destroy(result, memory);
    return storing.status;
}

/* What the journal is told: GEOSEARCHSTORE from a point, with all numbers as text. */
struct geo_words {
    kv_slice *words;
    size_t count, capacity;
    char *texts;
    size_t text_size, text_capacity;
};

static void geo_words_add(struct geo_words *words, kv_slice word)
{
    assert(words->count < words->capacity);
    words->words[words->count++] = word;
}

static void geo_words_add_number(struct geo_words *words, double number)
{
    char *text = words->texts + words->text_size;
    size_t size = number_format_double_shortest(text, number);
    words->text_size += size;
    assert(words->text_size <= words->text_capacity);
    geo_words_add(words, kv_bytes(text, size));
}

/* Of what may be counted there is less than an integer of Redis can say. */
static void geo_words_add_count(struct geo_words *words, uint64_t count)
{
    char *text = words->texts + words->text_size;
    size_t size = number_format_int64(text, count < INT64_MAX ? (int64_t)count : INT64_MAX);
    words->text_size += size;
    assert(words->text_size <= words->text_capacity);
    geo_words_add(words, kv_bytes(text, size));
}

static void geo_words_add_point(struct geo_words *words, kv_geo_point point)
{
    geo_words_add_number(words, point.longitude);
    geo_words_add_number(words, point.latitude);
}

static void geo_words_add_shape(struct geo_words *words, const struct geo_search *search)
{
    static const char *const units[] = {"m", "km", "ft", "mi"};
    const kv_geosearch_options *options = &search->options;
    if (options->shape == KV_GEO_POLYGON) {
        geo_words_add(words, EFFECT_NAME("BYPOLYGON"));
        geo_words_add_count(words, options->vertex_count);
        for (size_t i = 0; i < options->vertex_count; i++)
            geo_words_add_point(words, options->vertices[i]);
        return;
    }
    geo_words_add(words, EFFECT_NAME("FROMLONLAT"));
    geo_words_add_point(words, search->area.center);
    if (options->shape == KV_GEO_CIRCLE) {
        geo_words_add(words, EFFECT_NAME("BYRADIUS"));
        geo_words_add_number(words, options->radius);
    } else {
        geo_words_add(words, EFFECT_NAME("BYBOX"));
        geo_words_add_number(words, options->width);
        geo_words_add_number(words, options->height);
    }
    geo_words_add(words, kv_text(units[options->unit]));
}

static void geo_words_fill(struct geo_words *words, const struct geo_search *search,
                           kv_slice source)
{
    const kv_geosearch_options *options = &search->options;
    geo_words_add(words, source);
    geo_words_add_shape(words, search);
    if (options->order == KV_GEO_NEAREST) geo_words_add(words, EFFECT_NAME("ASC"));
    if (options->order == KV_GEO_FARTHEST) geo_words_add(words, EFFECT_NAME("DESC"));
    if (options->count != 0) {
        geo_words_add(words, EFFECT_NAME("COUNT"));
        geo_words_add_count(words, options->count);
        if (options->any) geo_words_add(words, EFFECT_NAME("ANY"));
    }
    if (options->store_distances) geo_words_add(words, EFFECT_NAME("STOREDIST"));
}

static void geo_words_close(struct geo_words *words, struct alloc *alloc)
{
    alloc_free(alloc, words->words, words->capacity * sizeof *words->words);
    alloc_free(alloc, words->texts, words->text_capacity);
}

static kv_status geo_words_open(struct geo_words *words, struct access *access,
                                const struct geo_search *search, kv_slice source)
{
    *words = (struct geo_words){.words = NULL};
    if (!access_is_journaled(access)) return KV_OK;
    struct alloc *alloc = &access->store->alloc;
    size_t vertices = search->options.shape == KV_GEO_POLYGON ? search->options.vertex_count : 0;
    if (vertices > SIZE_MAX / 256) return KV_NOMEM;
    words->capacity = 16 + 2 * vertices;
    words->text_capacity = words->capacity * NUMBER_DOUBLE_SIZE;
    words->words = alloc_get_array(alloc, words->capacity, sizeof *words->words);
    words->texts = alloc_get(alloc, words->text_capacity);
    if (words->words == NULL || words->texts == NULL) {
        geo_words_close(words, alloc);
        return KV_NOMEM;
    }
    geo_words_fill(words, search, source);
    return KV_OK;
}

/* Puts what was found under the destination's key. */
static kv_status geo_keep(const struct geo_search *search, struct access *destination,
                          kv_slice source, uint64_t *stored)
{
    struct geo_words words;
    struct collection result;
    kv_status status = geo_words_open(&words, destination, search, source);
    if (status != KV_OK) return status;
    status = geo_gather(search, destination, &result);
    if (status == KV_OK) {
        uint64_t count = zset_count(&result);
        status = access_replace_collection(destination, KV_TYPE_SORTED_SET, &result,
                                           EFFECT_NAME("GEOSEARCHSTORE"), words.words, words.count);
        if (status == KV_OK && count > 0)
            access_event(destination, KV_EVENT_SORTED_SET,
                         search->options.georadius_event ? "georadiusstore" : "geosearchstore");
        if (status == KV_OK && stored != NULL) *stored = count;
    }
    geo_words_close(&words, &destination->store->alloc);
    return status;
}

kv_status kv_geosearchstore(kv *db, kv_slice destination, kv_slice source,
                            const kv_geosearch_options *given, uint64_t *stored)
{
    struct geo_search search = {.found = NULL};
    if (db == NULL || !geo_read_options(given, &search.options)) return KV_BADARG;
    kv_slice keys[2] = {destination, source};
    struct span span;
    struct access to, from;
    span_begin(&span, db, keys, 2, 0);
    span_hold_time(&span);
    kv_status status = access_open(&to, &span.db, destination, ACCESS_WRITE);
    if (status == KV_OK) {
        status = access_open_type(&from, &span.db, source, KV_TYPE_SORTED_SET, ACCESS_READ);
        if (status == KV_OK) {
            struct collection set = access_collection(&from);
            access_find_again(&to);
            status = geo_search_run(&search, &from, &set);
            if (status == KV_OK) status = geo_keep(&search, &to, source, stored);
            geo_search_close(&search);
            (void)access_close(&from, status);
        }
        (void)access_close(&to, status);
    }
    span_end(&span);
    return status;
}
