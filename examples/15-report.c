/*
 * 15-report.c -- a report over many keys that belong together, while other threads change them.
 *
 * Two threads move money between accounts. Who adds up the balances meanwhile sees some before and
 * some after a transfer, and the sum is wrong. A frozen view shows all of them at one instant: its
 * sum is right, the report may take as long as it likes, and the transfers go on.
 */
#include "kvstore.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define ACCOUNTS 1000
#define BALANCE  100 /* of each at first */
#define REPORTS  20

static kv *db;
static atomic_bool is_over;

/* An error here means that memory is exhausted, or that this program is wrong. */
static void must(kv_status status)
{
    if (status >= 0) return;
    fprintf(stderr, "%s\n", kv_strerror(status));
    exit(1);
}

static kv_slice account(char name[24], unsigned number)
{
    return kv_bytes(name, (size_t)snprintf(name, 24, "account:%u", number));
}

/* One amount from one account to another: both change, or a report sees neither. */
static void transfer(unsigned from, unsigned to, int64_t amount)
{
    char names[2][24];
    const kv_slice keys[2] = {account(names[0], from), account(names[1], to)};
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    kv *txn;
    options.keys = keys;
    options.key_count = 2;
    must(kv_begin(db, &options, &txn));
    must(kv_decrby(txn, keys[0], amount, NULL));
    must(kv_incrby(txn, keys[1], amount, NULL));
    must(kv_commit(txn));
}

static void *teller(void *context)
{
    uint32_t chance = *(const uint32_t *)context;
    while (!atomic_load(&is_over)) {
        chance = chance * 1664525u + 1013904223u;
        transfer((chance >> 8) % ACCOUNTS, (chance >> 20) % ACCOUNTS, chance >> 28);
    }
    return NULL;
}

static bool add_balance(void *context, kv_slice balance)
{
    double *sum = context, number;
    must(kv_parse_double(balance, &number));
    *sum += number;
    return true;
}

/* What all accounts hold together, as a view shows them. */
static double sum_of(kv *view)
{
    double sum = 0;
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        char name[24];
        must(kv_read(view, account(name, i), add_balance, &sum));
    }
    return sum;
}

int main(void)
{
    pthread_t tellers[2];
    uint32_t seeds[2] = {1, 2};
    char name[24];
    must(kv_open(NULL, &db));
    for (unsigned i = 0; i < ACCOUNTS; i++) must(kv_incrby(db, account(name, i), BALANCE, NULL));
    for (int i = 0; i < 2; i++) pthread_create(&tellers[i], NULL, teller, &seeds[i]);

    int wrong_now = 0, wrong_then = 0;
    for (int i = 0; i < REPORTS; i++) {
        kv *then;
        wrong_now += sum_of(db) != ACCOUNTS * BALANCE;
        must(kv_freeze(db, NULL, &then));
        wrong_then += sum_of(then) != ACCOUNTS * BALANCE;
        must(kv_thaw(then));
    }

    atomic_store(&is_over, true);
    for (int i = 0; i < 2; i++) pthread_join(tellers[i], NULL);
    printf("of %d sums of what is there now %d were wrong, of what was there at an instant %d\n",
           REPORTS, wrong_now, wrong_then);
    kv_close(db);
    return wrong_then == 0 ? 0 : 1;
}
