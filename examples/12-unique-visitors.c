/*
 * 12-unique-visitors.c -- how many people came, without a list of them: a HyperLogLog a day, which
 * counts any number in 12 KB; and who came on which days, with a bitmap a day.
 *
 *     cc -O2 12-unique-visitors.c kvstore.c -lpthread
 */
#include "kvstore.h"

#include <stdio.h>
#include <stdlib.h>

enum { DAYS = 7, PEOPLE = 200000 };

static void must(kv_status status)
{
    if (status >= 0) return;
    fprintf(stderr, "%s\n", kv_strerror(status));
    exit(EXIT_FAILURE);
}

/* "visitors:3": the key of a day, in memory that lasts until the same is asked for again. */
static kv_slice key_of(const char *what, int day)
{
    static char names[2][DAYS][32];
    char *name = names[what[0] == 'v'][day];
    snprintf(name, sizeof names[0][0], "%s:%d", what, day);
    return kv_text(name);
}

/* The generator of Park and Miller is all a model of a crowd needs. */
static uint32_t next_random(uint32_t *state)
{
    *state = (uint32_t)((uint64_t)*state * 48271 % 2147483647);
    return *state;
}

/*
 * Somebody looks at a page: one call for the day's number of people, one for the days of this
 * person. Neither takes longer or more memory when the same person comes again.
 */
static void note_visit(kv *db, int day, uint32_t person)
{
    char cookie[32];
    snprintf(cookie, sizeof cookie, "visitor-%u", person);
    kv_slice element = kv_text(cookie);
    must(kv_pfadd(db, key_of("visitors", day), &element, 1, NULL));
    must(kv_setbit(db, key_of("days", day), person, true, NULL));
}

/* A week of visits; from day to day most of the people are the same. */
static void live_a_week(kv *db)
{
    uint32_t state = 1;
    for (int day = 0; day < DAYS; day++) {
        uint32_t first = (uint32_t)day * PEOPLE / 20;
        for (int visit = 0; visit < 60000; visit++)
            note_visit(db, day, first + next_random(&state) % (PEOPLE / 2));
    }
}

/* An estimate is right to about one percent; the bitmaps know the truth. */
static void compare(const char *what, uint64_t estimate, uint64_t truth)
{
    double error = 100.0 * ((double)estimate - (double)truth) / (double)truth;
    printf("%-24s %7llu people, in truth %7llu (%+.2f%%)\n", what, (unsigned long long)estimate,
           (unsigned long long)truth, error);
    if (error > 5 || error < -5) exit(EXIT_FAILURE);
}

int main(void)
{
    kv *db;
    kv_slice visitors[DAYS], days[DAYS];
    uint64_t estimate, truth;
    must(kv_open(NULL, &db));
    live_a_week(db);
    for (int day = 0; day < DAYS; day++) {
        char what[32];
        visitors[day] = key_of("visitors", day);
        days[day] = key_of("days", day);
        must(kv_pfcount(db, &visitors[day], 1, &estimate));
        must(kv_bitcount(db, days[day], 0, -1, KV_UNIT_BYTE, &truth));
        snprintf(what, sizeof what, "day %d", day + 1);
        compare(what, estimate, truth);
    }

    /* The week: who came twice counts once, so the days cannot be added up. They can be merged. */
    must(kv_pfcount(db, visitors, DAYS, &estimate));
    must(kv_bitop(db, KV_BIT_OR, KV_TEXT("days:any"), days, DAYS, NULL));
    must(kv_bitcount(db, KV_TEXT("days:any"), 0, -1, KV_UNIT_BYTE, &truth));
    compare("the week", estimate, truth);

    /* To be kept for a year: what the days were merged into, while the days go. */
    must(kv_pfmerge(db, KV_TEXT("visitors:week"), visitors, DAYS));
    must(kv_del(db, visitors, DAYS, NULL));
    must(kv_pfcount(db, (kv_slice[]){KV_TEXT("visitors:week")}, 1, &estimate));
    compare("the week, merged", estimate, truth);

    must(kv_bitop(db, KV_BIT_AND, KV_TEXT("days:all"), days, DAYS, NULL));
    must(kv_bitcount(db, KV_TEXT("days:all"), 0, -1, KV_UNIT_BYTE, &truth));
    printf("%llu came every day\n", (unsigned long long)truth);
    kv_object_info info = KV_OPTIONS(kv_object_info);
    must(kv_object(db, KV_TEXT("visitors:week"), &info));
    printf("the week takes %llu bytes\n", (unsigned long long)info.bytes);
    kv_close(db);
    return truth > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
