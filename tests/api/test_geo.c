/*
 * tests/api/test_geo.c -- places: what each call promises.
 */
#include "notes.h"
#include "one_store.h"
#include "visited.h"

#include <math.h>
#include <string.h>

static void add(const char *key, const char *member, double longitude, double latitude)
{
    kv_geo_place place = {K(member), {longitude, latitude}};
    MUST(kv_geoadd(db, K(key), &place, 1, 0, NULL, NULL) == KV_OK);
}

static void add_cities(void)
{
    add("cities", "Palermo", 13.361389, 38.115556);
    add("cities", "Catania", 15.087269, 37.502669);
    add("cities", "edge1", 12.758489, 38.788135);
    add("cities", "edge2", 17.241510, 38.788135);
}

static bool note(void *context, const kv_geo_found *found)
{
    (void)context;
    visited_add_item(visited_gap(), found->member);
    visited_add(" %.1f", found->distance);
    return true;
}

START_TEST(places_are_added_and_found_again)
{
    uint64_t added = 0, updated = 0;
    kv_geo_place places[2] = {{K("a"), {13.361389, 38.115556}}, {K("b"), {-180, -85.05112878}}};
    ck_assert_int_eq(kv_geoadd(db, K("g"), places, 2, 0, &added, &updated), KV_OK);
    ck_assert_uint_eq(added, 2);
    places[0].point.latitude = 38;
    ck_assert_int_eq(kv_geoadd(db, K("g"), places, 2, KV_ZADD_NX, &added, &updated), KV_OK);
    ck_assert_uint_eq(updated, 0);
    ck_assert_int_eq(kv_geoadd(db, K("g"), places, 2, KV_ZADD_XX, &added, &updated), KV_OK);
    ck_assert_uint_eq(updated, 1);
    places[0].point.latitude = 86;
    ck_assert_int_eq(kv_geoadd(db, K("g"), places, 2, 0, NULL, NULL), KV_BADARG);
    places[0].point.latitude = (double)NAN;
    ck_assert_int_eq(kv_geoadd(db, K("g"), places, 2, 0, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_geoadd(db, K("g"), places + 1, 1, KV_ZADD_GT, NULL, NULL), KV_BADARG);
    ck_assert_int_eq(kv_geoadd(db, K("g"), places + 1, 0, 0, NULL, NULL), KV_BADARG);

    kv_slice members[3] = {K("a"), K("none"), K("b")};
    kv_geo_point points[3];
    ck_assert_int_eq(kv_geopos(db, K("g"), members, 3, points), KV_OK);
    ck_assert(fabs(points[0].longitude - 13.361389) < 1e-5 && fabs(points[0].latitude - 38) < 1e-5);
    ck_assert(isnan(points[1].longitude));
    ck_assert(fabs(points[2].longitude + 180) < 1e-5);
    ck_assert_int_eq(kv_geopos(db, K("none"), members, 1, points), KV_OK);
    ck_assert(isnan(points[0].longitude));
    fixture_set(db, "text", "x");
    ck_assert_int_eq(kv_geopos(db, K("text"), members, 1, points), KV_WRONGTYPE);
}
END_TEST

START_TEST(distances_and_texts)
{
    double distance = 0;
    char text[12];
    add_cities();
    ck_assert_int_eq(kv_geodist(db, K("cities"), K("Palermo"), K("Catania"), &distance), KV_OK);
    ck_assert(fabs(distance - 166274.1516) < 0.00005);
    ck_assert_int_eq(kv_geodist(db, K("cities"), K("Palermo"), K("none"), &distance), KV_NONE);
    ck_assert_int_eq(kv_geodist(db, K("none"), K("Palermo"), K("none"), &distance), KV_NONE);
    kv_geo_text((kv_geo_point){13.361389, 38.115556}, text);
    ck_assert_str_eq(text, "sqc8b49rny0");
    kv_geo_text((kv_geo_point){13.361389, 90}, text);
    ck_assert_str_eq(text, "");
    ck_assert(kv_geo_metres(KV_GEO_KILOMETRES) == 1000);
}
END_TEST

static kv_geosearch_options circle(double longitude, double latitude, double kilometres)
{
    kv_geosearch_options options = KV_OPTIONS(kv_geosearch_options);
    options.center = (kv_geo_point){longitude, latitude};
    options.radius = kilometres;
    options.unit = KV_GEO_KILOMETRES;
    options.order = KV_GEO_NEAREST;
    return options;
}

static kv_status search(const kv_geosearch_options *options)
{
    return kv_geosearch(db, K("cities"), options, visited_add_count, note, NULL);
}

START_TEST(places_in_circles_and_boxes_are_found)
{
    kv_geosearch_options options = circle(15, 37, 200);
    add_cities();
    ck_assert_int_eq(search(&options), KV_OK);
    ck_assert_visited("2: Catania 56.4 Palermo 190.4");
    options.order = KV_GEO_FARTHEST;
    options.count = 1;
    ck_assert_int_eq(search(&options), KV_OK);
    ck_assert_visited("1: Palermo 190.4");
    options.order = KV_GEO_UNORDERED; /* with a count: the nearest */
    ck_assert_int_eq(search(&options), KV_OK);
    ck_assert_visited("1: Catania 56.4");

    options = circle(15, 37, 0);
    options.shape = KV_GEO_BOX;
    options.width = options.height = 400;
    ck_assert_int_eq(search(&options), KV_OK);
    ck_assert_visited("4: Catania 56.4 Palermo 190.4 edge2 279.7 edge1 279.7");
    options.any = true;
    ck_assert_int_eq(search(&options), KV_BADARG);
    options.count = 3;
    options.order = KV_GEO_UNORDERED;
    ck_assert_int_eq(search(&options), KV_OK);
    ck_assert(strncmp(visited, "3:", 2) == 0);
    visited[0] = 0;
}
END_TEST

START_TEST(the_center_may_be_a_member)
{
    kv_slice member = K("Catania");
    kv_geosearch_options options = circle(0, 0, 100);
    add_cities();
    options.member = &member;
    ck_assert_int_eq(search(&options), KV_OK);
    ck_assert_visited("1: Catania 0.0");
    member = K("none");
    ck_assert_int_eq(search(&options), KV_NOTFOUND);
    ck_assert_visited("");
    ck_assert_int_eq(kv_geosearch(db, K("none"), &options, visited_add_count, note, NULL), KV_OK);
    ck_assert_visited("0:");
}
END_TEST

START_TEST(places_in_a_polygon_are_found)
{
    const kv_geo_point triangle[3] = {{13, 38}, {14, 39}, {16, 37}};
    kv_geosearch_options options = circle(0, 0, 0);
    add_cities();
    options.shape = KV_GEO_POLYGON;
    options.vertices = triangle;
    options.vertex_count = 3;
    ck_assert_int_eq(search(&options), KV_OK);
    ck_assert_visited("2: Palermo 86.1 Catania 86.3");
    options.vertex_count = 2;
    ck_assert_int_eq(search(&options), KV_BADARG);
    options.vertices = NULL;
    ck_assert_int_eq(search(&options), KV_BADARG);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    kv_geosearch_options options = circle(181, 0, 1);
    ck_assert_int_eq(search(&options), KV_BADARG);
    options = circle(0, 0, -1);
    ck_assert_int_eq(search(&options), KV_BADARG);
    options = circle(0, 0, (double)NAN);
    ck_assert_int_eq(search(&options), KV_BADARG);
    options = circle(0, 0, 1);
    options.shape = (kv_geo_shape)7;
    ck_assert_int_eq(search(&options), KV_BADARG);
    ck_assert_int_eq(search(NULL), KV_BADARG);
    ck_assert_visited("");
}
END_TEST

START_TEST(what_is_found_is_stored)
{
    struct notes notes;
    uint64_t stored = 9;
    double score = 0;
    kv_slice member = K("Catania");
    kv_geosearch_options options = circle(15, 37, 200);
    add_cities();
    notes_begin(&notes, db);
    ck_assert_int_eq(kv_geosearchstore(db, K("to"), K("cities"), &options, &stored), KV_OK);
    ck_assert_uint_eq(stored, 2);
    notes_expect(&notes, "0 GEOSEARCHSTORE to cities FROMLONLAT 15 37 BYRADIUS 200 km ASC;\n");
    ck_assert_int_eq(kv_zscore(db, K("to"), K("Palermo"), &score), KV_OK);
    ck_assert(score == 3479099956230698.0);
    options.store_distances = true;
    options.count = 1;
    ck_assert_int_eq(kv_geosearchstore(db, K("to"), K("cities"), &options, &stored), KV_OK);
    notes_expect(
        &notes,
        "0 GEOSEARCHSTORE to cities FROMLONLAT 15 37 BYRADIUS 200 km ASC COUNT 1 STOREDIST;\n");
    ck_assert_int_eq(kv_zscore(db, K("to"), K("Catania"), &score), KV_OK);
    ck_assert(fabs(score - 56.4413) < 0.0001);
    options.store_distances = false;
    options.count = UINT64_MAX; /* more than Redis reads */
    ck_assert_int_eq(kv_geosearchstore(db, K("to"), K("cities"), &options, &stored), KV_OK);
    notes_expect(&notes, "0 GEOSEARCHSTORE to cities FROMLONLAT 15 37 BYRADIUS 200 km ASC COUNT "
                         "9223372036854775807;\n");
    options = circle(0, 0, 1);
    ck_assert_int_eq(kv_geosearchstore(db, K("to"), K("cities"), &options, &stored), KV_OK);
    ck_assert_uint_eq(stored, 0);
    ck_assert_key(db, "to", "-");
    notes_expect(&notes, "0 DEL to;\n");
    options.radius = 1;
    options.member = &member;
    ck_assert_int_eq(kv_geosearchstore(db, K("cities"), K("cities"), &options, &stored), KV_OK);
    ck_assert_uint_eq(stored, 1);
    notes_end(&notes);
}
END_TEST

/* Every place is looked at, in the place of ranges of hashes. */
START_TEST(a_search_finds_what_a_look_at_all_finds)
{
    enum { PLACES = 500 };
    static char names[PLACES][8];
    uint64_t state = 7;
    for (int i = 0; i < PLACES; i++) {
        double spread = i % 3 == 0 ? 180 : 5;
        snprintf(names[i], sizeof names[i], "p%d", i);
        add("g", names[i], ((double)fixture_below(&state, 2000001) / 1e6 - 1) * spread,
            ((double)fixture_below(&state, 2000001) / 1e6 - 1) * spread / 2.2);
    }
    for (int i = 0; i < 300; i++) {
        kv_geosearch_options options = circle(0, 0, 0);
        uint64_t found = 0, expected = 0;
        kv_slice center = kv_text(names[fixture_below(&state, PLACES)]);
        options.member = &center;
        options.radius = (double)(1u << fixture_below(&state, 15));
        MUST(kv_geosearchstore(db, K("found"), K("g"), &options, &found) == KV_OK);
        for (int n = 0; n < PLACES; n++) {
            double distance;
            MUST(kv_geodist(db, K("g"), center, kv_text(names[n]), &distance) == KV_OK);
            expected += distance <= options.radius * 1000;
        }
        ck_assert_uint_eq(found, expected);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("geo");
    TCase *tcase = tcase_create("geo");
    tcase_add_checked_fixture(tcase, store_setup, store_teardown);
    tcase_set_timeout(tcase, 60);
    const TTest *const tests[] = {
        places_are_added_and_found_again,
        distances_and_texts,
        places_in_circles_and_boxes_are_found,
        the_center_may_be_a_member,
        places_in_a_polygon_are_found,
        what_makes_no_sense_is_refused,
        what_is_found_is_stored,
        a_search_finds_what_a_look_at_all_finds,
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
