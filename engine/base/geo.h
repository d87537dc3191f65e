/*
 * base/geo.h -- places on the globe as numbers of 52 bits, distances, and what lies in an area.
 *
 * A place is put on a grid of 2^26 by 2^26 cells, from 180 degrees west to 180 east and from
 * 85.05112878 degrees south to as far north (where the Mercator projection is square). The bits of
 * its column and row, one from each by turns, are its hash: places that are near each other mostly
 * have hashes that are, and all places of a larger cell have one range of hashes.
 *
 *     hash   x y x y ... x y       x: a bit of the column (longitude), y: of the row (latitude)
 *
 * So an area is searched by the ranges of at most nine cells, with a look at each place in them.
 * Grid, cells and arithmetic are those of Redis, step by step: results are the same to the last
 * digit that is printed.
 *
 * Source: G. M. Morton, "A computer oriented geodetic data base", IBM 1966, for the order; the
 * haversine formula for distances, on a globe with a radius of 6372797.560856 metres.
 */
#ifndef KV_BASE_GEO_H
#define KV_BASE_GEO_H

#include "base/attributes.h"

#include "kvstore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEO_CELLS 9 /* at most, to search for an area */

enum geo_kind { GEO_CIRCLE, GEO_BOX, GEO_POLYGON };

/* An area. Lengths are in units of so many metres. */
struct geo_area {
    enum geo_kind kind;
    kv_geo_point center;
    double unit;
    double radius;                /* of a circle */
    double width, height;         /* of a box */
    const kv_geo_point *vertices; /* of a polygon, which is `center`ed by geo_center() */
    size_t vertex_count;

    /* Made by geo_prepare(), so that most places outside are seen to be without much arithmetic. */
    double center_cosine;
    double far_latitude;  /* what is this many radians to the north or south is outside */
    double far_haversine; /* and what has more than this, to the east or west in a box */
};

/* A range of hashes: from `low` on, below `high`. */
struct geo_range {
    uint64_t low, high;
};

/* Whether a place is on the grid. Not if it is nan. */
KV_INTERNAL bool geo_is_on_grid(kv_geo_point point);

/* The hash of a place on the grid, and the middle of the cell that a hash means. */
KV_INTERNAL uint64_t geo_hash(kv_geo_point point);
KV_INTERNAL kv_geo_point geo_point(uint64_t hash);

/* The standard geohash of a place: 11 letters, of which the last is always 0. */
KV_INTERNAL void geo_text(kv_geo_point point, char text[11]);

/* Metres between two places, by the haversine formula. */
KV_INTERNAL double geo_distance(kv_geo_point a, kv_geo_point b);

/* The mean of the vertices, from which distances are measured. */
KV_INTERNAL kv_geo_point geo_center(const kv_geo_point *vertices, size_t count);

/* Makes what is to be known of an area before it is searched. */
KV_INTERNAL void geo_prepare(struct geo_area *area);

/* The ranges of hashes to look through for an area, in Redis's order. Gives how many. */
KV_INTERNAL size_t geo_ranges(const struct geo_area *area, struct geo_range ranges[GEO_CELLS]);

/* Whether a place is in the area; *distance receives the metres from its center then. */
KV_INTERNAL bool geo_contains(const struct geo_area *area, kv_geo_point point, double *distance);

#endif
