/*
 * 10-leaderboard.c -- a leaderboard: scores that count up, the top, and where one stands.
 *
 * A sorted set keeps its members in the order of their scores. Asking for a rank, for the members
 * around a rank or for those of a range of scores takes microseconds, whether there are ten of them
 * or ten million, and nothing has to be sorted.
 */
#include "kvstore.h"

#include <stdio.h>
#include <stdlib.h>

#define BOARD KV_TEXT("board")

/* An error here means that memory is exhausted, or that this program is wrong. */
static void must(kv_status status)
{
    if (status >= 0) return;
    fprintf(stderr, "%s\n", kv_strerror(status));
    exit(1);
}

static bool print(void *context, kv_slice player, double score)
{
    uint64_t *place = context;
    printf("  %llu. %-8.*s %4.0f\n", (unsigned long long)++*place, (int)player.size,
           (const char *)player.data, score);
    return true;
}

/* The members from one place to another, both included; the first place is 0. */
static void print_places(kv *db, int64_t from, int64_t to)
{
    uint64_t place = (uint64_t)from;
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    range.start = from;
    range.stop = to;
    range.reverse = true; /* the greatest score first */
    must(kv_zrange(db, BOARD, &range, NULL, print, &place));
}

/* A player with those next to him. */
static void print_around(kv *db, const char *player)
{
    uint64_t rank;
    double score;
    if (kv_zrank(db, BOARD, KV_TEXT(player), KV_TAIL, &rank, &score) != KV_OK) {
        printf("%s has not played yet\n", player);
        return;
    }
    printf("%s is number %llu with %.0f points:\n", player, (unsigned long long)rank + 1, score);
    print_places(db, rank > 0 ? (int64_t)rank - 1 : 0, (int64_t)rank + 1);
}

static uint64_t count_between(kv *db, double least, double most)
{
    uint64_t count;
    kv_zrange_options range = KV_OPTIONS(kv_zrange_options);
    range.by = KV_BY_SCORE;
    range.minimum.score = least;
    range.maximum.score = most;
    must(kv_zcount(db, BOARD, &range, &count));
    return count;
}

int main(void)
{
    kv *db;
    const kv_scored players[] = {{KV_TEXT("ann"), 120},
                                 {KV_TEXT("bob"), 90},
                                 {KV_TEXT("cleo"), 300},
                                 {KV_TEXT("dan"), 45},
                                 {KV_TEXT("eve"), 210}};
    must(kv_open(NULL, &db));
    must(kv_zadd(db, BOARD, players, 5, 0, NULL, NULL));

    /* Points come in one by one, from any thread; each is one call. */
    double score;
    must(kv_zincrby(db, BOARD, KV_TEXT("bob"), 35, 0, &score));
    printf("bob has %.0f points now\n", score);

    /* A personal best: kept only if it is greater than the one before. */
    const kv_scored best = {KV_TEXT("eve"), 180};
    uint64_t updated;
    must(kv_zadd(db, BOARD, &best, 1, KV_ZADD_GT, NULL, &updated));
    printf("eve has %s\n", updated > 0 ? "a new best" : "done better before");

    printf("the top three:\n");
    print_places(db, 0, 2);
    print_around(db, "bob");
    print_around(db, "zoe");
    uint64_t between = count_between(db, 100, 250);
    printf("%llu players have 100 to 250 points\n", (unsigned long long)between);

    /* At the end of the season the last one goes. */
    uint64_t place = 0;
    printf("relegated:\n");
    must(kv_zpop(db, BOARD, KV_HEAD, 1, print, &place, NULL));
    kv_close(db);
    return score == 125 && updated == 0 && between == 3 && place == 1 ? 0 : 1;
}
