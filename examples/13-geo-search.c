/*
 * 13-geo-search.c -- what is near: places added by longitude and latitude, found by circle, box and
 * polygon.
 *
 * Places are a sorted set whose scores are places on a grid, so that a search looks only at members
 * around the area, however many there are in all; and what works on sorted sets works on them.
 */
#include "kvstore.h"

#include <stdio.h>
#include <stdlib.h>

#define STATIONS KV_TEXT("stations")

/* An error here means that memory is exhausted, or that this program is wrong. */
static void must(kv_status status)
{
    if (status >= 0) return;
    fprintf(stderr, "%s\n", kv_strerror(status));
    exit(1);
}

/* The visitor counts what it is shown. */
static bool print(void *context, const kv_geo_found *found)
{
    printf("  %-14.*s %6.2f km\n", (int)found->member.size, (const char *)found->member.data,
           found->distance);
    ++*(int *)context;
    return true;
}

static int search(kv *db, const kv_geosearch_options *options)
{
    int count = 0;
    must(kv_geosearch(db, STATIONS, options, NULL, print, &count));
    return count;
}

int main(void)
{
    kv *db;
    const kv_geo_place stations[] = {
        {KV_TEXT("Hauptbahnhof"), {13.3694, 52.5251}}, {KV_TEXT("Ostbahnhof"), {13.4347, 52.5103}},
        {KV_TEXT("Zoo"), {13.3327, 52.5072}},          {KV_TEXT("Spandau"), {13.1977, 52.5345}},
        {KV_TEXT("Suedkreuz"), {13.3653, 52.4756}},    {KV_TEXT("Potsdam"), {13.0667, 52.3915}}};
    must(kv_open(NULL, &db));
    must(kv_geoadd(db, STATIONS, stations, 6, 0, NULL, NULL));

    printf("within 5 km of the Brandenburg Gate:\n");
    kv_geosearch_options options = KV_OPTIONS(kv_geosearch_options);
    options.center = (kv_geo_point){13.3777, 52.5163};
    options.radius = 5;
    options.unit = KV_GEO_KILOMETRES;
    options.order = KV_GEO_NEAREST;
    int near = search(db, &options);

    printf("the one that is nearest to Zoo, and Zoo:\n");
    kv_slice zoo = KV_TEXT("Zoo");
    kv_geosearch_options around = options;
    around.member = &zoo;
    around.radius = 1000;
    around.count = 2;
    int nearest = search(db, &around);

    printf("on a map of 20 km by 6 km around the Gate:\n");
    kv_geosearch_options map = options;
    map.shape = KV_GEO_BOX;
    map.width = 20;
    map.height = 6;
    int on_map = search(db, &map);

    printf("in a delivery area, with distances from its middle:\n");
    const kv_geo_point corners[] = {{13.30, 52.49}, {13.42, 52.49}, {13.42, 52.54}, {13.30, 52.54}};
    kv_geosearch_options delivery = options;
    delivery.shape = KV_GEO_POLYGON;
    delivery.vertices = corners;
    delivery.vertex_count = 4;
    int delivered = search(db, &delivery);

    /* The result may be kept: here a sorted set of distances. */
    uint64_t stored;
    double distance;
    options.store_distances = true;
    must(kv_geosearchstore(db, KV_TEXT("near"), STATIONS, &options, &stored));
    must(kv_zscore(db, KV_TEXT("near"), KV_TEXT("Hauptbahnhof"), &distance));
    printf("%llu are kept; to Hauptbahnhof it is %.2f km\n", (unsigned long long)stored, distance);

    kv_close(db);
    return near != 4 || nearest != 2 || on_map != 3 || delivered != 2;
}
