/*
 * tests/api/test_local.c -- a store that is a copy of another one (KV_SETTING_EXPIRE 2): deadlines
 * that were set here are its own affair, those that came from the other store never are.
 */
#include "notes.h"
#include "one_store.h"

#include <string.h>

#define SOON (FIXTURE_START_MS + 100)

static kv *applier; /* what the other store says comes by this view */

static void setup_copy(void)
{
    store_setup();
    MUST(kv_view_open(db, &applier) == KV_OK);
    kv_view_expires(applier, false);
    MUST(kv_configure(db, KV_SETTING_EXPIRE, 2) == KV_OK);
}

static void teardown_copy(void)
{
    kv_view_close(applier);
    store_teardown();
}

static void set_until(kv *view, const char *key, int64_t deadline_ms)
{
    kv_set_options options = KV_OPTIONS(kv_set_options);
    options.deadline_ms = deadline_ms;
    MUST(kv_set(view, K(key), K("text"), &options) == KV_OK);
}

static uint64_t keys(void)
{
    kv_statistics now = KV_OPTIONS(kv_statistics);
    MUST(kv_stats(db, &now) == KV_OK);
    return now.keys;
}

/* Lets everything become due, and reclaims what may be. */
static void pass_and_tick(void)
{
    fixture_pass(&fx, 200);
    kv_view_refresh(applier);
    MUST(kv_tick(db, 0) == KV_OK);
    kv_check(db);
}

static bool is_kept(const char *key)
{
    kv_slice name = K(key);
    uint64_t count = 0;
    MUST(kv_exists(applier, &name, 1, &count) == KV_OK);
    return count == 1;
}

/* --------------------------------------------------------------------------------------- claims */

START_TEST(what_was_set_here_goes_and_is_told)
{
    struct notes notes = {0};
    set_until(applier, "theirs", SOON - 50);
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
    set_until(db, "ours", SOON);
    fixture_set(db, "kept", "1");
    kv *third = kv_select(db, 3);
    fixture_set(third, "later", "1");
    ck_assert_int_eq(kv_expire(third, K("later"), 150, 0), KV_OK);
    ck_assert_int_le(kv_next_deadline(db), SOON);
    notes_begin(&notes, db);
    pass_and_tick();
    ck_assert_str_eq(notes.text, "expired 0 DEL ours;\nexpired 3 DEL later;\n");
    notes_end(&notes);
    ck_assert_uint_eq(keys(), 2);
    ck_assert(is_kept("theirs"));
    kv_statistics now = KV_OPTIONS(kv_statistics);
    ck_assert_int_eq(kv_stats(db, &now), KV_OK);
    ck_assert_uint_eq(now.expired, 2);
    ck_assert_uint_eq(now.keys_with_ttl, 1);
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
}
END_TEST

START_TEST(without_ticks_writes_reclaim_it)
{
    char key[32];
    set_until(applier, "theirs", SOON);
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "ours %d", i);
        set_until(db, key, SOON);
    }
    fixture_pass(&fx, 200);
    for (int i = 0; i < 4000 && keys() > 2; i++) {
        snprintf(key, sizeof key, "kept %d", i);
        fixture_set(db, key, "1");
        MUST(kv_del(db, (kv_slice[]){K(key)}, 1, NULL) == KV_OK);
    }
    ck_assert_uint_eq(keys(), 1);
    ck_assert(is_kept("theirs"));
    kv_check(db);
}
END_TEST

/* What the other store may do to a key that has a deadline of this one. */
static void they_set(void)
{
    set_until(applier, "k", SOON); /* the same instant */
}

static void they_expire(void)
{
    MUST(kv_expire_at(applier, K("k"), SOON, 0) == KV_OK);
}

static void they_expire_later(void)
{
    MUST(kv_expire_at(applier, K("k"), SOON + 1, 0) == KV_OK);
}

static void they_expire_far(void)
{
    MUST(kv_expire_at(applier, K("k"), INT64_C(1) << 60, 0) == KV_OK);
    MUST(kv_expire_at(applier, K("k"), SOON, 0) == KV_OK);
}

static void they_persist(void)
{
    MUST(kv_persist(applier, K("k")) == KV_OK);
}

static void they_begin_anew(void)
{
    MUST(kv_del(applier, (kv_slice[]){K("k")}, 1, NULL) == KV_OK);
    set_until(applier, "k", SOON);
}

static void they_rename(void)
{
    set_until(applier, "other", SOON);
    MUST(kv_rename(applier, K("other"), K("k")) == KV_OK);
}

static void they_copy(void)
{
    set_until(applier, "other", SOON);
    MUST(kv_copy(applier, K("other"), applier, K("k"), true) == KV_OK);
}

static void they_flush(void)
{
    MUST(kv_flush(applier, false) == KV_OK);
    set_until(applier, "k", SOON);
}

static void they_swap(void)
{
    set_until(kv_select(applier, 1), "k", SOON);
    MUST(kv_swapdb(applier, kv_select(applier, 1)) == KV_OK);
}

static void they_read_and_set(void)
{
    kv_getex_options options = KV_OPTIONS(kv_getex_options);
    options.deadline_ms = SOON;
    MUST(kv_getex(applier, K("k"), &options, NULL) == KV_OK);
}

static void (*const theirs[])(void) = {
    they_set,     they_expire,     they_expire_later, they_expire_far,
    they_persist, they_begin_anew, they_rename,       they_copy,
    they_flush,   they_swap,       they_read_and_set,
};

START_TEST(what_they_set_is_theirs_whatever_the_key_was)
{
    set_until(db, "k", SOON);
    set_until(db, "ours", SOON);
    theirs[_i]();
    kv_check(db);
    pass_and_tick();
    ck_assert(is_kept("k"));
    ck_assert(!is_kept("ours"));
}
END_TEST

/* Calls that leave the deadline as it is, and so whose it is. */
static void change(kv *view, int call)
{
    kv_set_options keep = KV_OPTIONS(kv_set_options);
    kv_slice long_text = {"a text that is longer than the one before, and so is written anew", 65};
    char large[2000] = "";
    keep.flags = KV_KEEP_TTL;
    switch (call) {
    case 0: MUST(kv_append(view, K("k"), K("x"), NULL) == KV_OK); break;
    case 1: MUST(kv_set(view, K("k"), K("5"), &keep) == KV_OK); break;
    case 2: MUST(kv_set(view, K("k"), long_text, &keep) == KV_OK); break;
    case 3: MUST(kv_setrange(view, K("k"), 3000, K("x"), NULL) == KV_OK); break;
    case 4: MUST(kv_set(view, K("k"), (kv_slice){large, sizeof large}, &keep) == KV_OK); break;
    case 5:
        MUST(kv_set(view, K("k"), K("5"), &keep) == KV_OK);
        MUST(kv_incr(view, K("k"), NULL) == KV_OK);
        break;
    case 6:
        MUST(kv_set(view, K("k"), K("5"), &keep) == KV_OK);
        MUST(kv_incrbyfloat(view, K("k"), K("0.5"), NULL) == KV_OK);
        break;
    case 7: {
        uint64_t version;
        MUST(kv_version_of(view, K("k"), &version) == KV_OK);
        break;
    }
    }
}

START_TEST(who_keeps_a_deadline_leaves_it_whose_it_is)
{
    kv *setter = _i % 2 == 0 ? db : applier, *changer = _i / 2 % 2 == 0 ? db : applier;
    set_until(setter, "k", SOON);
    change(changer, _i / 4);
    kv_check(db);
    pass_and_tick();
    ck_assert_int_eq(is_kept("k"), setter == applier);
}
END_TEST

START_TEST(what_is_moved_here_is_ours)
{
    set_until(applier, "a", SOON);
    set_until(applier, "b", SOON);
    set_until(applier, "c", SOON);
    ck_assert_int_eq(kv_rename(db, K("a"), K("a2")), KV_OK);
    ck_assert_int_eq(kv_copy(db, K("b"), NULL, K("b2"), false), KV_OK);
    ck_assert_int_eq(kv_move(db, K("c"), kv_select(db, 2)), KV_OK);
    ck_assert_int_eq(kv_swapdb(db, kv_select(db, 5)), KV_OK);
    pass_and_tick();
    ck_assert_uint_eq(keys(), 1);
    ck_assert_int_eq(kv_swapdb(db, kv_select(db, 5)), KV_OK);
    ck_assert(is_kept("b"));
}
END_TEST

START_TEST(a_deadline_that_has_passed_goes_with_the_next_tick)
{
    set_until(db, "k", 5);
    ck_assert_key(db, "k", "-");
    ck_assert(is_kept("k"));
    ck_assert_int_eq(kv_tick(db, 0), KV_OK);
    ck_assert(!is_kept("k"));
}
END_TEST

START_TEST(active_expiry_may_be_off)
{
    set_until(db, "k", SOON);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_ACTIVE_EXPIRE, 0), KV_OK);
    ck_assert_int_eq(kv_next_deadline(db), KV_NEVER);
    pass_and_tick();
    ck_assert(is_kept("k"));
}
END_TEST

/* ------------------------------------------------------------------------- fields of collections */

static void put_fields(kv *view, const char *key)
{
    kv_slice pairs[] = {K("f"), K("1"), K("g"), K("2"), K("h"), K("3")};
    MUST(kv_hset(view, K(key), pairs, 3, NULL) == KV_OK);
}

static void expire_field(kv *view, const char *key, const char *field, int64_t deadline_ms)
{
    kv_slice name = K(field);
    MUST(kv_hexpire_at(view, K(key), deadline_ms, 0, &name, 1, NULL) == KV_OK);
}

static uint64_t fields(const char *key)
{
    uint64_t count = 0;
    MUST(kv_hlen(applier, K(key), &count) >= KV_OK);
    return count;
}

START_TEST(fields_go_if_all_deadlines_of_the_key_are_ours)
{
    put_fields(applier, "ours");
    expire_field(db, "ours", "f", SOON);
    expire_field(db, "ours", "g", SOON + 50);
    put_fields(db, "theirs");
    expire_field(db, "theirs", "f", SOON);
    expire_field(applier, "theirs", "g", SOON + 50);
    put_fields(db, "key theirs");
    MUST(kv_expire_at(applier, K("key theirs"), SOON + 50, 0) == KV_OK);
    expire_field(db, "key theirs", "f", SOON);
    put_fields(db, "field theirs");
    expire_field(applier, "field theirs", "f", SOON);
    MUST(kv_expire_at(db, K("field theirs"), SOON, 0) == KV_OK);
    put_fields(db, "both");
    expire_field(db, "both", "f", SOON);
    MUST(kv_expire_at(db, K("both"), SOON + 50, 0) == KV_OK);
    kv_check(db);
    pass_and_tick();
    ck_assert_uint_eq(fields("ours"), 1);
    ck_assert_uint_eq(fields("theirs"), 3);
    ck_assert_uint_eq(fields("key theirs"), 3);
    ck_assert_uint_eq(fields("field theirs"), 3);
    ck_assert(!is_kept("both"));
    kv_statistics now = KV_OPTIONS(kv_statistics);
    MUST(kv_stats(db, &now) == KV_OK);
    ck_assert_uint_ge(now.expired_fields, 2);
}
END_TEST

START_TEST(a_new_collection_with_deadlines_is_of_who_made_it)
{
    kv_hsetex_options until = KV_OPTIONS(kv_hsetex_options);
    until.deadline_ms = SOON;
    kv_slice pair[] = {K("f"), K("1")};
    ck_assert_int_eq(kv_hsetex(db, K("ours"), pair, 1, &until), KV_OK);
    ck_assert_int_eq(kv_hsetex(applier, K("theirs"), pair, 1, &until), KV_OK);
    pass_and_tick();
    ck_assert(!is_kept("ours"));
    ck_assert(is_kept("theirs"));
}
END_TEST

/* ------------------------------------------------------------------------------ the end of a role */

START_TEST(when_it_is_a_copy_no_more_all_is_its_own)
{
    set_until(db, "ours", SOON);
    set_until(applier, "theirs", SOON);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 1), KV_OK);
    kv_check(db);
    pass_and_tick();
    ck_assert_uint_eq(keys(), 0);
}
END_TEST

START_TEST(what_it_had_before_it_became_a_copy_is_for_the_other_store)
{
    char key[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(key, sizeof key, "k %d", i);
        set_until(db, key, SOON + i % 50);
    }
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 1), KV_OK);
    kv_check(db);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 2), KV_OK);
    set_until(db, "ours", SOON);
    pass_and_tick();
    ck_assert_uint_eq(keys(), 3000);
}
END_TEST

/* ---------------------------------------------------------------------------- memory, and at random */

START_TEST(without_memory_nothing_has_changed)
{
    for (int theirs_first = 0; theirs_first < 2; theirs_first++) {
        kv *first = theirs_first ? applier : db, *second = theirs_first ? db : applier;
        kv_status status = KV_NOMEM;
        set_until(first, "k", SOON);
        for (int allowed = 0; status != KV_OK; allowed++) {
            fixture_alloc_allow(&fx.alloc, allowed);
            status = kv_expire_at(second, K("k"), SOON + 1, 0);
            fixture_alloc_allow(&fx.alloc, -1);
            MUST(status == KV_OK || status == KV_NOMEM);
            kv_check(db);
        }
        int64_t deadline_ms = 0;
        MUST(kv_deadline(db, K("k"), &deadline_ms) == KV_OK);
        ck_assert_int_eq(deadline_ms, SOON + 1);
        MUST(kv_flush_all(db, false) == KV_OK);
    }
}
END_TEST

START_TEST(a_role_ends_without_memory_too)
{
    set_until(db, "k", SOON);
    fixture_alloc_allow(&fx.alloc, 0);
    ck_assert_int_eq(kv_configure(db, KV_SETTING_EXPIRE, 1), KV_OK);
    fixture_alloc_allow(&fx.alloc, -1);
    kv_check(db);
    pass_and_tick();
    ck_assert(!is_kept("k"));
}
END_TEST

/* Keys of the model: whether they are there, until when, and who said so. */
#define MODEL_KEYS 40

struct model {
    bool is_there, is_ours;
    int64_t deadline_ms;
};

static void model_check(const struct model *model, int64_t now_ms)
{
    for (int i = 0; i < MODEL_KEYS; i++) {
        char key[32];
        snprintf(key, sizeof key, "k%d", i);
        bool is_gone = model[i].is_ours && model[i].deadline_ms <= now_ms;
        ck_assert_msg(is_kept(key) == (model[i].is_there && !is_gone), "%s", key);
    }
}

static void model_forget_due(struct model *model, int64_t now_ms)
{
    for (int i = 0; i < MODEL_KEYS; i++)
        if (model[i].is_ours && model[i].deadline_ms <= now_ms) model[i] = (struct model){0};
}

START_TEST(random_calls_agree_with_a_naive_model)
{
    uint64_t seed = unit_seed(), state = seed;
    struct model model[MODEL_KEYS] = {0};
    int64_t now_ms = FIXTURE_START_MS;
    for (int i = 0; i < fixture_rounds(20000, 400000); i++) {
        int at = (int)fixture_below(&state, MODEL_KEYS);
        bool is_ours = fixture_below(&state, 2) == 0;
        kv *view = is_ours ? db : applier;
        char key[32];
        snprintf(key, sizeof key, "k%d", at);
        struct model *k = &model[at];
        bool is_hidden = k->is_there && k->deadline_ms <= now_ms;
        if (is_ours && is_hidden) *k = (struct model){0}; /* a write of ours drops it */
        int64_t until_ms = now_ms + 1 + (int64_t)fixture_below(&state, 300);
        if (fixture_below(&state, 50) == 0) until_ms = INT64_C(1) << 61;
        switch (fixture_below(&state, 5)) {
        case 0:
            set_until(view, key, until_ms);
            *k = (struct model){true, is_ours, until_ms};
            break;
        case 1:
            if (kv_expire_at(view, K(key), until_ms, 0) == KV_OK)
                *k = (struct model){true, is_ours, until_ms};
            break;
        case 2:
            (void)kv_persist(view, K(key));
            if (k->is_there) *k = (struct model){true, false, KV_NEVER};
            break;
        case 3:
            MUST(kv_del(view, (kv_slice[]){K(key)}, 1, NULL) == KV_OK);
            *k = (struct model){0};
            break;
        case 4:
            MUST(kv_append(view, K(key), K("some more text"), NULL) == KV_OK);
            if (!k->is_there) *k = (struct model){true, false, KV_NEVER};
            break;
        }
        if (fixture_below(&state, 8) == 0) {
            fixture_pass(&fx, 40);
            now_ms += 40;
            kv_view_refresh(applier);
            MUST(kv_tick(db, 0) == KV_OK);
            model_forget_due(model, now_ms);
            model_check(model, now_ms);
        }
        if (fixture_below(&state, 2000) == 0) {
            MUST(kv_configure(db, KV_SETTING_EXPIRE, 1) == KV_OK);
            MUST(kv_configure(db, KV_SETTING_EXPIRE, 2) == KV_OK);
            for (int j = 0; j < MODEL_KEYS; j++) model[j].is_ours = false;
        }
        if (i % 100 == 0) kv_check(db);
    }
}
END_TEST

START_TEST(an_abort_gives_a_deadline_back_to_whose_it_was)
{
    kv_txn_options options = KV_OPTIONS(kv_txn_options);
    options.flags = KV_TXN_ALL | KV_TXN_ABORTABLE;
    set_until(db, "ours", SOON);
    set_until(applier, "theirs", SOON);
    kv *txn;
    MUST(kv_begin(applier, &options, &txn) == KV_OK);
    set_until(txn, "ours", SOON + 7);
    kv_abort(txn);
    MUST(kv_begin(db, &options, &txn) == KV_OK);
    set_until(txn, "theirs", SOON + 7);
    kv_abort(txn);
    kv_check(db);
    pass_and_tick();
    ck_assert(!is_kept("ours"));
    ck_assert(is_kept("theirs"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("local");
    TCase *tcase = tcase_create("local");
    tcase_add_checked_fixture(tcase, setup_copy, teardown_copy);
    tcase_add_test(tcase, what_was_set_here_goes_and_is_told);
    tcase_add_test(tcase, without_ticks_writes_reclaim_it);
    tcase_add_loop_test(tcase, what_they_set_is_theirs_whatever_the_key_was, 0,
                        (int)(sizeof theirs / sizeof *theirs));
    tcase_add_loop_test(tcase, who_keeps_a_deadline_leaves_it_whose_it_is, 0, 8 * 4);
    tcase_add_test(tcase, what_is_moved_here_is_ours);
    tcase_add_test(tcase, a_deadline_that_has_passed_goes_with_the_next_tick);
    tcase_add_test(tcase, active_expiry_may_be_off);
    tcase_add_test(tcase, fields_go_if_all_deadlines_of_the_key_are_ours);
    tcase_add_test(tcase, a_new_collection_with_deadlines_is_of_who_made_it);
    tcase_add_test(tcase, when_it_is_a_copy_no_more_all_is_its_own);
    tcase_add_test(tcase, what_it_had_before_it_became_a_copy_is_for_the_other_store);
    tcase_add_test(tcase, without_memory_nothing_has_changed);
    tcase_add_test(tcase, a_role_ends_without_memory_too);
    tcase_add_test(tcase, random_calls_agree_with_a_naive_model);
    tcase_add_test(tcase, an_abort_gives_a_deadline_back_to_whose_it_was);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
