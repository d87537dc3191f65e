/*
 * base/geo.c -- see geo.h.
 */
#include "base/geo.h"

#include "base/trig.h"

#include <math.h> /* constants only: what is linked needs no -lm */

#define GEO_RADIUS   6372797.560856
#define GEO_MERCATOR 20037726.37 /* half the earth's circumference, as Redis has it */
#define GEO_EAST     180.0
#define GEO_NORTH    85.05112878 /* where Mercator's square ends */
#define GEO_DEGREE   (TRIG_PI / 180.0)

enum { GEO_STEPS = 26 }; /* bits for each axis */

/* One of 2^step by 2^step cells, by its place in the order; step 0: none. */
struct geo_cell {
    uint64_t bits;
    unsigned step;
};

struct geo_box {
    double west, east, south, north;
};

static const struct geo_box geo_grid = {-GEO_EAST, GEO_EAST, -GEO_NORTH, GEO_NORTH};

KV_INTERNAL bool geo_is_on_grid(kv_geo_point point)
{
    return point.longitude >= geo_grid.west && point.longitude <= geo_grid.east &&
           point.latitude >= geo_grid.south && point.latitude <= geo_grid.north;
}

/* --------------------------------------------------------------------------------------- hashes */

/* Puts a zero before each of 32 bits; and takes every other bit away. */
static uint64_t geo_spread(uint64_t x)
{
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x << 2) & UINT64_C(0x3333333333333333);
    return (x | x << 1) & UINT64_C(0x5555555555555555);
}

static uint64_t geo_squeeze(uint64_t x)
{
    x &= UINT64_C(0x5555555555555555);
    x = (x | x >> 1) & UINT64_C(0x3333333333333333);
    x = (x | x >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x | x >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (x | x >> 16) & UINT64_C(0x00000000ffffffff);
}

static uint64_t geo_interleave(uint64_t row, uint64_t column)
{
    return geo_spread(row) | geo_spread(column) << 1;
}

/* The cell of a place. The very edge in the north or east is beyond the last row or column. */
static struct geo_cell geo_cell_of(const struct geo_box *grid, kv_geo_point point, unsigned step)
{
    double row = (point.latitude - grid->south) / (grid->north - grid->south);
    double column = (point.longitude - grid->west) / (grid->east - grid->west);
    double cells = (double)(UINT64_C(1) << step);
    return (struct geo_cell){geo_interleave((uint32_t)(row * cells), (uint32_t)(column * cells)),
                             step};
}

/* Where a cell's edge is: `index` cells from the first. */
static double geo_edge(double from, double to, uint64_t index, unsigned step)
{
    return from + ((double)index / (double)(UINT64_C(1) << step)) * (to - from);
}

static struct geo_box geo_cell_box(struct geo_cell cell)
{
    uint64_t row = geo_squeeze(cell.bits), column = geo_squeeze(cell.bits >> 1);
    return (struct geo_box){
        .west = geo_edge(geo_grid.west, geo_grid.east, column, cell.step),
        .east = geo_edge(geo_grid.west, geo_grid.east, column + 1, cell.step),
        .south = geo_edge(geo_grid.south, geo_grid.north, row, cell.step),
        .north = geo_edge(geo_grid.south, geo_grid.north, row + 1, cell.step),
    };
}

KV_INTERNAL uint64_t geo_hash(kv_geo_point point)
{
    return geo_cell_of(&geo_grid, point, GEO_STEPS).bits;
}

static double geo_clamp(double x, double limit)
{
    if (x > limit) return limit;
    return x < -limit ? -limit : x;
}

KV_INTERNAL kv_geo_point geo_point(uint64_t hash)
{
    struct geo_box box = geo_cell_box((struct geo_cell){hash, GEO_STEPS});
    return (kv_geo_point){geo_clamp((box.west + box.east) / 2, GEO_EAST),
                          geo_clamp((box.south + box.north) / 2, GEO_NORTH)};
}

KV_INTERNAL void geo_text(kv_geo_point point, char text[11])
{
    /* The standard's grid reaches to the poles. */
    static const struct geo_box globe = {-180, 180, -90, 90};
    uint64_t bits = geo_cell_of(&globe, point, GEO_STEPS).bits;
    for (unsigned i = 0; i < 10; i++)
        text[i] = "0123456789bcdefghjkmnpqrstuvwxyz"[bits >> (52 - 5 * (i + 1)) & 31];
    text[10] = '0'; /* for which two bits are left, too few */
}

/* ------------------------------------------------------------------------------------ distances */

static double geo_absolute(double x)
{
    return x < 0 ? -x : x;
}

static double geo_radians(double degrees)
{
    return degrees * GEO_DEGREE;
}

/* The same, of which the cosines of the latitudes are known. */
static double geo_distance_of(kv_geo_point a, double a_cosine, kv_geo_point b, double b_cosine)
{
    double east = trig_sin((geo_radians(b.longitude) - geo_radians(a.longitude)) / 2);
    double arc = geo_radians(b.latitude) - geo_radians(a.latitude);
    if (east == 0) return GEO_RADIUS * geo_absolute(arc);
    double north = trig_sin(arc / 2);
    double haversine = north * north + a_cosine * b_cosine * east * east;
    return 2.0 * GEO_RADIUS * trig_asin(trig_sqrt(haversine));
}

static double geo_cosine(kv_geo_point point)
{
    return trig_cos(geo_radians(point.latitude));
}

KV_INTERNAL double geo_distance(kv_geo_point a, kv_geo_point b)
{
    return geo_distance_of(a, geo_cosine(a), b, geo_cosine(b));
}

KV_INTERNAL kv_geo_point geo_center(const kv_geo_point *vertices, size_t count)
{
    kv_geo_point center = {0, 0};
    for (size_t i = 0; i < count; i++) {
        center.longitude += vertices[i].longitude / (double)count;
        center.latitude += vertices[i].latitude / (double)count;
    }
    return center;
}

/* Whether a ray from the point to the east crosses the polygon's edges an odd number of times. */
static bool geo_polygon_contains(const struct geo_area *area, kv_geo_point point)
{
    bool is_inside = false;
    const kv_geo_point *from = &area->vertices[area->vertex_count - 1];
    for (size_t i = 0; i < area->vertex_count; from = &area->vertices[i++]) {
        const kv_geo_point *to = &area->vertices[i];
        if ((from->latitude > point.latitude) == (to->latitude > point.latitude)) continue;
        double part = (point.latitude - from->latitude) / (to->latitude - from->latitude);
        double crossing = from->longitude + part * (to->longitude - from->longitude);
        if (point.longitude < crossing) is_inside = !is_inside;
    }
    return is_inside;
}

/* An angle and all that rough arithmetic, or rounding in the exact one, may add to it. */
static double geo_beyond(double angle)
{
    return angle * (1 + 1e-9) + 1e-15;
}

KV_INTERNAL void geo_prepare(struct geo_area *area)
{
    bool is_circle = area->kind == GEO_CIRCLE;
    double north = (is_circle ? area->radius : area->height / 2) * area->unit / GEO_RADIUS;
    double east = (is_circle ? area->radius : area->width / 2) * area->unit / GEO_RADIUS;
    area->center_cosine = geo_cosine(area->center);
    area->far_latitude = area->far_haversine = (double)INFINITY;
    if (area->kind == GEO_POLYGON) return;
    area->far_latitude = geo_beyond(north);
    if (!(east < TRIG_PI)) return; /* nothing on the globe is as far */
    double half = geo_beyond(trig_sin(east / 2));
    area->far_haversine = half * half;
}

/* Whether a place is outside for sure. A circle's haversine goes along the meridian, too. */
static bool geo_is_far(const struct geo_area *area, kv_geo_point point)
{
    double arc = geo_absolute(geo_radians(point.latitude - area->center.latitude));
    if (arc > area->far_latitude) return true;
    double turn = geo_absolute(geo_radians(point.longitude - area->center.longitude));
    double east = trig_sin_roughly((turn > TRIG_PI ? 2 * TRIG_PI - turn : turn) / 2);
    double cosine = trig_cos_roughly(geo_radians(point.latitude));
    if (area->kind == GEO_BOX) return cosine * cosine * east * east > area->far_haversine;
    double north = trig_sin_roughly(arc / 2);
    return north * north + area->center_cosine * cosine * east * east > area->far_haversine;
}

static bool geo_box_contains(const struct geo_area *area, kv_geo_point point, double cosine)
{
    kv_geo_point same_latitude = {area->center.longitude, point.latitude};
    double north = geo_radians(area->center.latitude) - geo_radians(point.latitude);
    return GEO_RADIUS * geo_absolute(north) <= area->height * area->unit / 2 &&
           geo_distance_of(point, cosine, same_latitude, cosine) <= area->width * area->unit / 2;
}

KV_INTERNAL bool geo_contains(const struct geo_area *area, kv_geo_point point, double *distance)
{
    bool is_polygon = area->kind == GEO_POLYGON;
    if (is_polygon ? !geo_polygon_contains(area, point) : geo_is_far(area, point)) return false;
    double cosine = geo_cosine(point);
    if (area->kind == GEO_BOX && !geo_box_contains(area, point, cosine)) return false;
    *distance = geo_distance_of(area->center, area->center_cosine, point, cosine);
    return area->kind != GEO_CIRCLE || *distance <= area->radius * area->unit;
}

/* --------------------------------------------------------------------------------------- ranges */

static struct geo_box geo_polygon_bounds(const struct geo_area *area)
{
    const kv_geo_point *first = area->vertices;
    struct geo_box box = {first->longitude, first->longitude, first->latitude, first->latitude};
    for (size_t i = 1; i < area->vertex_count; i++) {
        const kv_geo_point *at = &area->vertices[i];
        if (at->longitude < box.west) box.west = at->longitude;
        if (at->longitude > box.east) box.east = at->longitude;
        if (at->latitude < box.south) box.south = at->latitude;
        if (at->latitude > box.north) box.north = at->latitude;
    }
    return box;
}

/* What the area lies within, in degrees. It does not reach round the globe. */
static struct geo_box geo_bounds(const struct geo_area *area)
{
    if (area->kind == GEO_POLYGON) return geo_polygon_bounds(area);
    bool is_circle = area->kind == GEO_CIRCLE;
    double longitude = area->center.longitude, latitude = area->center.latitude;
    double height = area->unit * (is_circle ? area->radius : area->height / 2);
    double width = area->unit * (is_circle ? area->radius : area->width / 2);

    /* In the north the area is widest, in degrees, at its top, in the south at its bottom. */
    double north = height / GEO_RADIUS / GEO_DEGREE;
    double widest = latitude < 0 ? latitude - north : latitude + north;
    double east = width / GEO_RADIUS / trig_cos(widest * GEO_DEGREE) / GEO_DEGREE;
    return (struct geo_box){longitude - east, longitude + east, latitude - north, latitude + north};
}

/* Metres from the center that nothing in the area exceeds. */
static double geo_reach(const struct geo_area *area)
{
    double reach = 0, half_width = area->width / 2, half_height = area->height / 2;
    if (area->kind == GEO_CIRCLE) return area->radius * area->unit;
    if (area->kind == GEO_BOX)
        return trig_sqrt(half_width * half_width + half_height * half_height) * area->unit;
    struct geo_box box = geo_polygon_bounds(area);
    for (int corner = 0; corner < 4; corner++) {
        kv_geo_point at = {(corner & 1) != 0 ? box.west : box.east,
                           (corner & 2) != 0 ? box.south : box.north};
        double distance = geo_distance(area->center, at);
        if (distance > reach) reach = distance;
    }
    return reach;
}

/* How fine the cells may be so that nine of them cover what is within reach. */
static unsigned geo_step_for(double reach, double latitude)
{
    int step = 1;
    if (reach == 0) return GEO_STEPS;
    for (; reach < GEO_MERCATOR; step++) reach *= 2;
    step -= 2;
    /* Cells get narrow towards the poles. */
    if (latitude > 66 || latitude < -66) step--;
    if (latitude > 80 || latitude < -80) step--;
    if (step < 1) return 1;
    return step > GEO_STEPS ? GEO_STEPS : (unsigned)step;
}

/* The cell so many columns to the east and rows to the north, round the grid. */
static struct geo_cell geo_neighbor(struct geo_cell cell, int east, int north)
{
    uint64_t mask = (UINT64_C(1) << cell.step) - 1;
    uint64_t row = geo_squeeze(cell.bits), column = geo_squeeze(cell.bits >> 1);
    if (north != 0) row = (row + (uint64_t)(int64_t)north) & mask;
    if (east != 0) column = (column + (uint64_t)(int64_t)east) & mask;
    return (struct geo_cell){geo_interleave(row, column), cell.step};
}

/* Whether the cells around one reach to the bounds on all sides. */
static bool geo_neighbors_suffice(struct geo_cell cell, const struct geo_box *bounds)
{
    return geo_cell_box(geo_neighbor(cell, 0, 1)).north >= bounds->north &&
           geo_cell_box(geo_neighbor(cell, 0, -1)).south <= bounds->south &&
           geo_cell_box(geo_neighbor(cell, 1, 0)).east >= bounds->east &&
           geo_cell_box(geo_neighbor(cell, -1, 0)).west <= bounds->west;
}

/* The cell with the center, such that it and those around it cover the area. */
static struct geo_cell geo_middle(const struct geo_area *area, struct geo_box *bounds)
{
    unsigned step = geo_step_for(geo_reach(area), area->center.latitude);
    struct geo_cell cell = geo_cell_of(&geo_grid, area->center, step);
    if (step == 1) return cell; /* and all of the globe, whatever the bounds */
    *bounds = geo_bounds(area);
    if (geo_neighbors_suffice(cell, bounds)) return cell;
    return geo_cell_of(&geo_grid, area->center, step - 1);
}

static struct geo_range geo_cell_range(struct geo_cell cell)
{
    unsigned shift = 2 * (GEO_STEPS - cell.step);
    return (struct geo_range){cell.bits << shift, (cell.bits + 1) << shift};
}

KV_INTERNAL size_t geo_ranges(const struct geo_area *area, struct geo_range ranges[GEO_CELLS])
{
    static const int8_t around[GEO_CELLS][2] = {{0, 0}, {0, 1},  {0, -1}, {1, 0},  {-1, 0},
                                                {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    struct geo_box bounds = {0, 0, 0, 0};
    struct geo_cell cell = geo_middle(area, &bounds);
    /* Where the cell itself reaches beyond the bounds those on that side need no look. */
    struct geo_box box = geo_cell_box(cell);
    bool is_fine = cell.step >= 2;
    size_t count = 0;
    for (size_t i = 0; i < GEO_CELLS; i++) {
        int east = around[i][0], north = around[i][1];
        if (is_fine && north < 0 && box.south < bounds.south) continue;
        if (is_fine && north > 0 && box.north > bounds.north) continue;
        if (is_fine && east < 0 && box.west < bounds.west) continue;
        if (is_fine && east > 0 && box.east > bounds.east) continue;
        struct geo_range range = geo_cell_range(geo_neighbor(cell, east, north));
        /* Few large cells go round the globe, and neighbours are the same. */
        if (count > 0 && range.low == ranges[count - 1].low) continue;
        ranges[count++] = range;
    }
    return count;
}
