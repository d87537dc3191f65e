/*
 * tests/resp/test_snapshots.c -- background snapshots stand in line, are cancelled, and fail as
 * their writers do.
 */
#include "server.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

/* What was done to a job. */
struct target {
    kvresp_snapshot_job job;
    kvresp *resp;
    atomic_int begun, written, done, failed_begin;
    _Atomic kv_status status;
    kv_status write_status, begin_status;
    atomic_bool is_held;  /* its writer waits */
    struct target *after; /* done() submits it */
    int order;
    pthread_t thread;
};

static atomic_int order;

static kv_status target_begin(void *context, kv_snapshot_options *options)
{
    struct target *target = context;
    ck_assert_uint_eq(options->size, sizeof *options);
    atomic_fetch_add(&target->begun, 1);
    return target->begin_status;
}

static kv_status target_write(void *context, kv_slice bytes)
{
    struct target *target = context;
    atomic_fetch_add(&target->written, (int)bytes.size);
    target->thread = pthread_self();
    while (atomic_load(&target->is_held)) usleep(1000);
    return target->write_status;
}

static void target_done(void *context, kv_status status)
{
    struct target *target = context;
    target->order = atomic_fetch_add(&order, 1);
    if (target->after != NULL)
        ck_assert_int_eq(kvresp_snapshot_submit(target->resp, &target->after->job), KV_OK);
    target->status = status;
    atomic_fetch_add(&target->done, 1);
}

static void target_init(struct target *target, kvresp *resp)
{
    *target = (struct target){.resp = resp};
    target->job = KV_OPTIONS(kvresp_snapshot_job);
    target->job.name = "test";
    target->job.begin = target_begin;
    target->job.write = target_write;
    target->job.done = target_done;
    target->job.context = target;
}

static void submit(struct target *target)
{
    ck_assert_int_eq(kvresp_snapshot_submit(target->resp, &target->job), KV_OK);
}

static void await(struct target *target)
{
    kvresp_snapshot_await(target->resp, &target->job);
    ck_assert_int_eq(target->done, 1);
}

static void await_writing(struct target *target)
{
    while (atomic_load(&target->written) == 0) usleep(1000);
}

static kv *db;
static kvresp *resp;
static struct target a, b, c;

static void open_all(bool without_thread)
{
    kvresp_options options = KV_OPTIONS(kvresp_options);
    options.no_snapshot_thread = without_thread;
    ck_assert_int_eq(kv_open(NULL, &db), KV_OK);
    ck_assert_int_eq(kvresp_open(db, &options, &resp), KV_OK);
    ck_assert_int_eq(kv_set(db, KV_TEXT("key"), KV_TEXT("value"), NULL), KV_OK);
    target_init(&a, resp);
    target_init(&b, resp);
    target_init(&c, resp);
    order = 0;
}

static void set_up(void)
{
    open_all(false);
}

static void set_up_without_thread(void)
{
    open_all(true);
}

static void tear_down(void)
{
    kvresp_close(resp);
    kv_close(db);
}

START_TEST(jobs_are_done_one_after_another_in_a_thread_of_their_own)
{
    a.is_held = true;
    submit(&a);
    await_writing(&a);
    submit(&b);
    submit(&c);
    ck_assert_int_eq(kvresp_snapshot_submit(resp, &a.job), KV_BUSY);
    ck_assert_int_eq(kvresp_snapshot_submit(resp, &c.job), KV_BUSY);
    ck_assert_int_eq(b.begun, 0);
    a.is_held = false;
    await(&c);
    await(&a);
    await(&b);
    ck_assert_int_eq(a.order, 0);
    ck_assert_int_eq(b.order, 1);
    ck_assert_int_eq(c.order, 2);
    ck_assert_int_eq(a.status, KV_OK);
    ck_assert_int_eq(c.status, KV_OK);
    ck_assert(!pthread_equal(a.thread, pthread_self()));
    ck_assert_int_gt(a.written, 9);

    a.done = 0;
    submit(&a); /* the thread has ended, perhaps: there is another */
    await(&a);
}
END_TEST

START_TEST(a_job_that_is_under_way_is_cancelled)
{
    a.is_held = true;
    submit(&a);
    await_writing(&a);
    submit(&b);
    ck_assert_int_eq(kvresp_snapshot_cancel(resp, &a.job), KV_OK);
    ck_assert_int_eq(kvresp_snapshot_cancel(resp, &c.job), KV_NONE);
    ck_assert_int_eq(a.done, 0);
    a.is_held = false;
    await(&a);
    ck_assert(a.status == KV_CANCELLED || a.status == KV_OK); /* its last step may have been it */
    await(&b);
    ck_assert_int_eq(b.status, KV_OK);
    ck_assert_int_eq(kvresp_snapshot_cancel(resp, &a.job), KV_NONE);
}
END_TEST

START_TEST(a_job_in_line_is_cancelled_without_waiting)
{
    a.is_held = true;
    submit(&a);
    await_writing(&a);
    submit(&b);
    submit(&c);
    ck_assert_int_eq(kvresp_snapshot_cancel(resp, &b.job), KV_OK);
    ck_assert_int_eq(b.done, 1);
    ck_assert_int_eq(b.status, KV_CANCELLED);
    ck_assert_int_eq(b.begun, 0);
    submit(&b);
    a.is_held = false;
    kvresp_snapshot_await(resp, &b.job);
    ck_assert_int_eq(b.done, 2);
    ck_assert_int_lt(c.order, b.order);
}
END_TEST

START_TEST(what_a_writer_returns_is_what_the_job_ends_with)
{
    a.write_status = KV_IOERROR;
    submit(&a);
    submit(&b);
    await(&a);
    ck_assert_int_eq(a.status, KV_IOERROR);
    await(&b);
    ck_assert_int_eq(b.status, KV_OK);
}
END_TEST

START_TEST(a_job_whose_begin_fails_takes_no_snapshot)
{
    a.begin_status = KV_NOMEM;
    submit(&a);
    await(&a);
    ck_assert_int_eq(a.status, KV_NOMEM);
    ck_assert_int_eq(a.written, 0);
}
END_TEST

START_TEST(done_may_submit_the_next)
{
    a.after = &b;
    submit(&a);
    await(&a);
    await(&b);
    ck_assert_int_eq(b.status, KV_OK);
}
END_TEST

START_TEST(a_job_waits_for_a_snapshot_of_the_hosts_own)
{
    kv_snapshot_options options = KV_OPTIONS(kv_snapshot_options);
    kv_snapshot *own;
    b.write_status = KV_OK;
    ck_assert_int_eq(kv_snapshot_begin(db, &options, target_write, &b, &own), KV_OK);
    submit(&a);
    while (a.begun == 0) usleep(1000);
    usleep(30000);
    ck_assert_int_eq(a.begun, 1);
    ck_assert_int_eq(a.done, 0);
    ck_assert_int_eq(kv_snapshot_step(own, 0), KV_OK);
    kv_snapshot_end(own);
    await(&a);
    ck_assert_int_eq(a.status, KV_OK);
    ck_assert_int_eq(a.begun, 1);
}
END_TEST

START_TEST(closing_cancels_what_is_in_line)
{
    a.is_held = true;
    submit(&a);
    await_writing(&a);
    submit(&b);
    submit(&c);
    a.is_held = false;
    kvresp_close(resp);
    resp = NULL;
    ck_assert_int_eq(a.done + b.done + c.done, 3);
    ck_assert_int_eq(c.status, KV_CANCELLED);
}
END_TEST

START_TEST(without_a_thread_cron_takes_the_steps)
{
    submit(&a);
    submit(&b);
    usleep(20000);
    ck_assert_int_eq(a.begun, 0);
    for (int i = 0; i < 10000 && b.done == 0; i++) kvresp_cron(resp, 100);
    ck_assert_int_eq(a.done, 1);
    ck_assert_int_eq(b.done, 1);
    ck_assert_int_eq(b.status, KV_OK);
    ck_assert(pthread_equal(b.thread, pthread_self()));
}
END_TEST

START_TEST(a_first_job_that_has_not_begun_is_cancelled_without_waiting)
{
    submit(&a);
    ck_assert_int_eq(kvresp_snapshot_cancel(resp, &a.job), KV_OK);
    ck_assert_int_eq(a.done, 1);
    ck_assert_int_eq(a.status, KV_CANCELLED);
    ck_assert_int_eq(a.begun, 0);
    submit(&a);
    kvresp_snapshot_await(resp, &a.job);
    ck_assert_int_eq(a.done, 2);
    ck_assert_int_eq(a.status, KV_OK);
}
END_TEST

START_TEST(without_a_thread_who_awaits_takes_the_steps)
{
    submit(&a);
    submit(&b);
    await(&b);
    ck_assert_int_eq(a.done, 1);
    submit(&c);
    ck_assert_int_eq(kvresp_snapshot_cancel(resp, &c.job), KV_OK);
    await(&c);
    ck_assert_int_eq(c.status, KV_CANCELLED);
    submit(&c);
    kvresp_close(resp);
    resp = NULL;
    ck_assert_int_eq(c.done, 2);
}
END_TEST

/* The bytes of a snapshot under the policy. */
static int size_under(const char *policy)
{
    char why[256];
    ck_assert_ptr_null(kvresp_config_set(resp, "maxmemory-policy", KV_TEXT(policy), false, why));
    a.written = a.done = 0;
    submit(&a);
    await(&a);
    ck_assert_int_eq(a.status, KV_OK);
    return a.written;
}

START_TEST(under_a_policy_by_disuse_a_snapshot_tells_of_it)
{
    enum { HINT = 2 }; /* an opcode and some seconds, for the one key */
    int size = size_under("noeviction");
    ck_assert_int_eq(size_under("allkeys-lru"), size + HINT);
    ck_assert_int_eq(size_under("volatile-lru"), size + HINT);
    ck_assert_int_eq(size_under("volatile-ttl"), size);
    ck_assert_int_eq(size_under("allkeys-random"), size);
    ck_assert(!a.job.options.tells_idle); /* the job is its owner's */
    a.job.options.tells_idle = true;
    ck_assert_int_eq(size_under("noeviction"), size + HINT);
}
END_TEST

START_TEST(a_job_that_lacks_something_is_refused)
{
    struct target bad = a;
    bad.job.write = NULL;
    ck_assert_int_eq(kvresp_snapshot_submit(resp, &bad.job), KV_BADARG);
    bad = a;
    bad.job.size = 1;
    ck_assert_int_eq(kvresp_snapshot_submit(resp, &bad.job), KV_BADARG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshots");
    TCase *threaded = tcase_create("threaded");
    tcase_add_checked_fixture(threaded, set_up, tear_down);
    tcase_add_test(threaded, jobs_are_done_one_after_another_in_a_thread_of_their_own);
    tcase_add_test(threaded, a_job_that_is_under_way_is_cancelled);
    tcase_add_test(threaded, a_job_in_line_is_cancelled_without_waiting);
    tcase_add_test(threaded, what_a_writer_returns_is_what_the_job_ends_with);
    tcase_add_test(threaded, a_job_whose_begin_fails_takes_no_snapshot);
    tcase_add_test(threaded, done_may_submit_the_next);
    tcase_add_test(threaded, a_job_waits_for_a_snapshot_of_the_hosts_own);
    tcase_add_test(threaded, closing_cancels_what_is_in_line);
    tcase_add_test(threaded, under_a_policy_by_disuse_a_snapshot_tells_of_it);
    tcase_add_test(threaded, a_job_that_lacks_something_is_refused);
    suite_add_tcase(suite, threaded);
    TCase *own = tcase_create("without a thread");
    tcase_add_checked_fixture(own, set_up_without_thread, tear_down);
    tcase_add_test(own, without_a_thread_cron_takes_the_steps);
    tcase_add_test(own, a_first_job_that_has_not_begun_is_cancelled_without_waiting);
    tcase_add_test(own, without_a_thread_who_awaits_takes_the_steps);
    suite_add_tcase(suite, own);
    return unit_run(suite);
}
