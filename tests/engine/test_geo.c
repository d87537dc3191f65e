/*
 * tests/engine/test_geo.c -- base/geo.h and base/trig.h: places, distances, areas.
 */
#include "base/geo.h"

#include "base/random.h"
#include "base/trig.h"

#include "../unit.h"

#include <math.h>
#include <string.h>

static double random_between(struct random *random, double low, double high)
{
    return low + (high - low) * ((double)(random_next(random) >> 11) / 9007199254740992.0);
}

static kv_geo_point random_point(struct random *random, double degrees)
{
    return (kv_geo_point){random_between(random, -degrees, degrees),
                          random_between(random, -degrees / 2.2, degrees / 2.2)};
}

/* How many doubles lie between two. */
static double steps_between(double a, double b)
{
    return fabs(a - b) / (nextafter(fabs(b), INFINITY) - fabs(b));
}

START_TEST(functions_agree_with_the_host_to_the_last_bit)
{
    struct random random;
    long different = 0, tried = 300000;
    random_seed(&random, unit_seed());
    for (long i = 0; i < tried; i++) {
        double x = random_between(&random, -6.28, 6.28), y = random_between(&random, 0, 1);
        if (i % 3 == 0) x /= 1000;
        if (i % 3 == 1) y = 1 - y / 1000;
        MUST(steps_between(trig_sin(x), sin(x)) <= 1);
        MUST(steps_between(trig_cos(x), cos(x)) <= 1);
        MUST(steps_between(trig_asin(y), asin(y)) <= 1);
        MUST(trig_sqrt(y) == sqrt(y));
        different += trig_sin(x) != sin(x);
        double quarter = x / 4;
        MUST(fabs(trig_sin_roughly(quarter) - sin(quarter)) <= 1e-11 * fabs(sin(quarter)));
        MUST(fabs(trig_cos_roughly(quarter) - cos(quarter)) <= 1e-12);
    }
    ck_assert_int_le(different, tried / 50); /* one of the two is not the nearest double */
    ck_assert(trig_sin(0) == 0 && trig_cos(0) == 1 && trig_asin(0) == 0 && trig_sqrt(0) == 0);
    ck_assert(trig_asin(1) == asin(1) && trig_asin(2) == asin(1));
    ck_assert(trig_sqrt(1e-260) == 0 && trig_sqrt(INFINITY) == (double)INFINITY);
    ck_assert(trig_sqrt(2) == sqrt(2) && trig_sqrt(1e-200) == sqrt(1e-200));
}
END_TEST

START_TEST(a_hash_leads_back_to_the_place)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int i = 0; i < 100000; i++) {
        kv_geo_point point = random_point(&random, 180);
        uint64_t hash = geo_hash(point);
        kv_geo_point back = geo_point(hash);
        MUST(hash < UINT64_C(1) << 52);
        MUST(fabs(back.longitude - point.longitude) <= 360.0 / (1 << 26));
        MUST(fabs(back.latitude - point.latitude) <= 171.0 / (1 << 26));
        MUST(geo_hash(back) == hash);
    }
}
END_TEST

START_TEST(the_grid_has_edges)
{
    ck_assert(geo_is_on_grid((kv_geo_point){180, 85.05112878}));
    ck_assert(geo_is_on_grid((kv_geo_point){-180, -85.05112878}));
    ck_assert(!geo_is_on_grid((kv_geo_point){180.1, 0}));
    ck_assert(!geo_is_on_grid((kv_geo_point){0, 85.06}));
    ck_assert(!geo_is_on_grid((kv_geo_point){(double)NAN, 0}));
    ck_assert(!geo_is_on_grid((kv_geo_point){0, (double)NAN}));
    kv_geo_point corner = geo_point(geo_hash((kv_geo_point){180, 85.05112878}));
    ck_assert(corner.longitude == 180);
    ck_assert(fabs(corner.latitude - 85.05112878) < 1e-9);
}
END_TEST

START_TEST(well_known_places_have_well_known_hashes)
{
    /* Palermo and Catania, as in Redis's manual. */
    const kv_geo_point palermo = {13.361389, 38.115556}, catania = {15.087269, 37.502669};
    char text[11];
    ck_assert_uint_eq(geo_hash(palermo), UINT64_C(3479099956230698));
    ck_assert_uint_eq(geo_hash(catania), UINT64_C(3479447370796909));
    geo_text(geo_point(geo_hash(palermo)), text);
    ck_assert(memcmp(text, "sqc8b49rny0", 11) == 0);
    geo_text(geo_point(geo_hash(catania)), text);
    ck_assert(memcmp(text, "sqdtr74hyu0", 11) == 0);
    double distance = geo_distance(geo_point(geo_hash(palermo)), geo_point(geo_hash(catania)));
    ck_assert(fabs(distance - 166274.1516) < 0.00005);
    ck_assert(fabs(geo_distance((kv_geo_point){0, 0}, (kv_geo_point){180, 0}) -
                   TRIG_PI * 6372797.560856) < 1e-6);
    ck_assert(geo_distance(palermo, palermo) == 0);
}
END_TEST

/* Asserts that what is in the area is in one of its ranges, and only in one. */
static void assert_covered(struct geo_area *area, kv_geo_point point)
{
    struct geo_range ranges[GEO_CELLS];
    double distance;
    point = geo_point(geo_hash(point));
    geo_prepare(area);
    if (!geo_contains(area, point, &distance)) return;
    size_t count = geo_ranges(area, ranges), times = 0;
    uint64_t hash = geo_hash(point);
    for (size_t i = 0; i < count; i++) times += hash >= ranges[i].low && hash < ranges[i].high;
    MUST(times == 1);
}

START_TEST(circles_and_boxes_are_covered)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int i = 0; i < 30000; i++) {
        double reach = pow(10, random_between(&random, 1, 6.3));
        struct geo_area area = {.kind = i % 2 == 0 ? GEO_CIRCLE : GEO_BOX,
                                .center = random_point(&random, 150),
                                .unit = 1,
                                .radius = reach,
                                .width = reach,
                                .height = reach};
        for (int n = 0; n < 5; n++) {
            double degrees = reach / 100000;
            kv_geo_point near = {area.center.longitude + random_between(&random, -degrees, degrees),
                                 area.center.latitude + random_between(&random, -degrees, degrees)};
            if (geo_is_on_grid(near)) assert_covered(&area, near);
        }
    }
}
END_TEST

START_TEST(polygons_are_covered)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int i = 0; i < 20000; i++) {
        kv_geo_point vertices[8], middle = random_point(&random, 170);
        double degrees = pow(10, random_between(&random, -4, 1.6));
        size_t count = 3 + (size_t)random_below(&random, 6);
        for (size_t n = 0; n < count; n++) {
            do {
                vertices[n].longitude =
                    middle.longitude + random_between(&random, -degrees, degrees);
                vertices[n].latitude = middle.latitude + random_between(&random, -degrees, degrees);
            } while (!geo_is_on_grid(vertices[n]));
        }
        struct geo_area area = {.kind = GEO_POLYGON,
                                .center = geo_center(vertices, count),
                                .unit = 1,
                                .vertices = vertices,
                                .vertex_count = count};
        for (int n = 0; n < 10; n++) {
            kv_geo_point near = {middle.longitude + random_between(&random, -degrees, degrees),
                                 middle.latitude + random_between(&random, -degrees, degrees)};
            if (geo_is_on_grid(near)) assert_covered(&area, near);
        }
    }
}
END_TEST

/* What is found to be outside by rough arithmetic is outside by the exact one. */
START_TEST(no_place_is_far_that_is_inside)
{
    struct random random;
    random_seed(&random, unit_seed());
    for (int i = 0; i < 200000; i++) {
        kv_geo_point at = random_point(&random, 180), place = random_point(&random, 180);
        double degrees = pow(10, random_between(&random, -6, 1));
        if (i % 4 != 0) {
            place.longitude = at.longitude + random_between(&random, -degrees, degrees);
            place.latitude = at.latitude + random_between(&random, -degrees, degrees);
        }
        if (!geo_is_on_grid(place)) continue;
        double exact = geo_distance(at, place), distance = 0;
        struct geo_area area = {.kind = GEO_CIRCLE, .center = at, .unit = 1, .radius = exact};
        geo_prepare(&area);
        MUST(geo_contains(&area, place, &distance) && distance == exact);
        area.radius = exact * (1 - 1e-12);
        geo_prepare(&area);
        MUST(exact == 0 || !geo_contains(&area, place, &distance));
        kv_geo_point beside = {at.longitude, place.latitude};
        kv_geo_point above = {place.longitude, at.latitude};
        area = (struct geo_area){.kind = GEO_BOX,
                                 .center = at,
                                 .unit = 1,
                                 .width = 2 * geo_distance(place, beside) * (1 + 1e-14),
                                 .height = 2 * geo_distance(place, above) * (1 + 1e-14)};
        geo_prepare(&area);
        MUST(geo_contains(&area, place, &distance) && distance == exact);
    }
}
END_TEST

START_TEST(a_polygon_may_be_bent)
{
    /* A letter U. */
    const kv_geo_point u[] = {{0, 0},   {30, 0},  {30, 30}, {20, 30},
                              {20, 10}, {10, 10}, {10, 30}, {0, 30}};
    struct geo_area area = {.kind = GEO_POLYGON,
                            .center = geo_center(u, 8),
                            .unit = 1,
                            .vertices = u,
                            .vertex_count = 8};
    double distance;
    geo_prepare(&area);
    ck_assert(geo_contains(&area, (kv_geo_point){5, 20}, &distance));
    ck_assert(geo_contains(&area, (kv_geo_point){25, 20}, &distance));
    ck_assert(geo_contains(&area, (kv_geo_point){15, 5}, &distance));
    ck_assert(!geo_contains(&area, (kv_geo_point){15, 20}, &distance));
    ck_assert(!geo_contains(&area, (kv_geo_point){-5, 5}, &distance));
    ck_assert(!geo_contains(&area, (kv_geo_point){35, 20}, &distance));
}
END_TEST

START_TEST(no_length_is_too_great)
{
    static const double lengths[] = {0, 1e-300, 1, 1e7, 2e7, 1e20, 1e150, 1e300, INFINITY};
    struct geo_range ranges[GEO_CELLS];
    for (int kind = GEO_CIRCLE; kind <= GEO_BOX; kind++) {
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            struct geo_area area = {.kind = (enum geo_kind)kind,
                                    .center = {179.9, -85},
                                    .unit = 1609.34,
                                    .radius = lengths[i],
                                    .width = lengths[i],
                                    .height = lengths[i]};
            size_t count = geo_ranges(&area, ranges);
            ck_assert_uint_ge(count, 1);
            for (size_t n = 0; n < count; n++) ck_assert_uint_lt(ranges[n].low, ranges[n].high);
        }
    }
}
END_TEST

int main(void)
{
    return UNIT_RUN("geo", functions_agree_with_the_host_to_the_last_bit,
                    a_hash_leads_back_to_the_place, the_grid_has_edges,
                    well_known_places_have_well_known_hashes, circles_and_boxes_are_covered,
                    polygons_are_covered, no_place_is_far_that_is_inside, a_polygon_may_be_bent,
                    no_length_is_too_great);
}
