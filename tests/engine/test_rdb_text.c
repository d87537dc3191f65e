/* tests/engine/test_rdb_text.c -- rdb/rdb_source and rdb/rdb_sink: lengths, texts, numbers. */
#include "rdb/rdb_sink.h"
#include "rdb/rdb_source.h"

#include "../unit.h"
#include "fixture_alloc.h"

#include <string.h>

static struct fixture_alloc host;
static struct alloc alloc;
static kv_buffer buffer;

static void setup(void)
{
    fixture_alloc_begin(&host);
    alloc_init(&alloc, &host.hooks);
}

static void teardown(void)
{
    kv_buffer_free(&buffer);
    fixture_alloc_end(&host);
}

static struct rdb_source source_of(const void *bytes, size_t size)
{
    return (struct rdb_source){bytes, (const uint8_t *)bytes + size, &alloc, 1 << 20};
}

START_TEST(lengths_come_back_in_the_fewest_bytes)
{
    static const struct {
        uint64_t length;
        size_t size;
    } cases[] = {{0, 1},
                 {63, 1},
                 {64, 2},
                 {16383, 2},
                 {16384, 5},
                 {UINT32_MAX, 5},
                 {UINT64_C(1) << 32, 9},
                 {UINT64_MAX, 9}};
    setup();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rdb_sink sink;
        uint64_t length = 0;
        rdb_sink_open(&sink, &buffer);
        rdb_write_length(&sink, cases[i].length);
        ck_assert_int_eq(rdb_sink_close(&sink), KV_OK);
        ck_assert_uint_eq(buffer.size, cases[i].size);
        for (size_t cut = 0; cut < buffer.size; cut++) {
            struct rdb_source source = source_of(buffer.data, cut);
            ck_assert(!rdb_read_length(&source, &length));
        }
        struct rdb_source source = source_of(buffer.data, buffer.size);
        ck_assert(rdb_read_length(&source, &length));
        ck_assert_uint_eq(length, cases[i].length);
        ck_assert_uint_eq(rdb_left(&source), 0);
    }
    teardown();
}
END_TEST

static size_t check_text(kv_slice written)
{
    struct rdb_sink sink;
    struct rdb_text text;
    rdb_sink_open(&sink, &buffer);
    rdb_write_text(&sink, written);
    ck_assert_int_eq(rdb_sink_close(&sink), KV_OK);
    struct rdb_source source = source_of(buffer.data, buffer.size);
    ck_assert_int_eq(rdb_read_text(&source, &text), KV_OK);
    ck_assert_uint_eq(rdb_left(&source), 0);
    ck_assert_uint_eq(text.bytes.size, written.size);
    if (written.size > 0) ck_assert_mem_eq(text.bytes.data, written.data, written.size);
    rdb_text_free(&source, &text);
    for (size_t cut = 0; cut < buffer.size && cut < 100; cut++) {
        source = source_of(buffer.data, cut);
        ck_assert_int_eq(rdb_read_text(&source, &text), KV_CORRUPT);
    }
    return buffer.size;
}

START_TEST(texts_come_back_in_the_shortest_form)
{
    static const struct {
        const char *text;
        size_t size;
    } cases[] = {{"", 1},           {"0", 2},           {"127", 2},         {"128", 3},
                 {"-128", 2},       {"-129", 3},        {"32768", 5},       {"-32768", 3},
                 {"2147483647", 5}, {"-2147483648", 5}, {"2147483648", 11}, {"01", 3},
                 {"-0", 3},         {"+1", 3},          {"hello", 6}};
    static char many[5000];
    setup();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_uint_eq(check_text(kv_text(cases[i].text)), cases[i].size);
    memset(many, 'x', sizeof many);
    ck_assert_uint_eq(check_text(kv_bytes(many, 20)), 21); /* not worth trying */
    ck_assert_uint_lt(check_text(kv_bytes(many, 21)), 21);
    ck_assert_uint_lt(check_text(kv_bytes(many, sizeof many)), 100);
    srand((unsigned)unit_seed());
    for (size_t i = 0; i < sizeof many; i++) many[i] = (char)rand();
    ck_assert_uint_eq(check_text(kv_bytes(many, sizeof many)), 2 + sizeof many);
    teardown();
}
END_TEST

START_TEST(sizes_that_are_a_lie_cost_no_memory)
{
    static const struct {
        uint8_t bytes[24];
        size_t size;
    } cases[] = {
        {{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'a'}, 10},
        {{0x80, 0xff, 0xff, 0xff, 0xff, 'a'}, 6},
        {{0x3f, 'a'}, 2},
        {{0x82, 0, 0, 0, 1, 'a'}, 6},                         /* no such length */
        {{0xc4, 1, 'a'}, 3},                                  /* no such form */
        {{0xc3, 3, 0x80, 0x7f, 0xff, 0xff, 0xff, 0, 'a'}, 9}, /* cut off, and too much */
        {{0xc3, 2, 0x80, 0x7f, 0xff, 0xff, 0xff, 0, 'a'}, 9}, /* too much of two bytes */
        {{0xc3, 2, 0, 0, 'a'}, 5},                            /* nothing is not compressed */
        {{0xc3, 2, 2, 0, 'a'}, 5},                            /* one byte, not two */
        {{0xc3, 0xc0, 2, 1, 0, 'a'}, 6},                      /* a length that is a text */
    };
    setup();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rdb_text text;
        struct rdb_source source = source_of(cases[i].bytes, cases[i].size);
        ck_assert_int_eq(rdb_read_text(&source, &text), KV_CORRUPT);
    }
    /* A sound one that is larger than allowed is not even expanded. */
    struct rdb_text text;
    struct rdb_source source = source_of(cases[6].bytes, 9);
    static uint8_t large[40000] = {0xc3, 0x80, 0, 0, 0x80, 0, 0x80, 0, 0x20, 0, 0};
    source = source_of(large, sizeof large);
    ck_assert_int_eq(rdb_read_text(&source, &text), KV_TOOBIG);
    teardown();
}
END_TEST

START_TEST(numbers_come_back)
{
    struct rdb_sink sink;
    uint64_t number;
    double real;
    setup();
    rdb_sink_open(&sink, &buffer);
    rdb_write_64(&sink, UINT64_C(0x0123456789abcdef));
    rdb_write_double(&sink, -1.5e300);
    rdb_write_16(&sink, 0x0a0b);
    ck_assert_int_eq(rdb_sink_close(&sink), KV_OK);
    ck_assert_uint_eq(buffer.size, 18);
    ck_assert_int_eq(((uint8_t *)buffer.data)[0], 0xef);
    ck_assert_int_eq(((uint8_t *)buffer.data)[16], 0x0b);
    struct rdb_source source = source_of(buffer.data, 16);
    ck_assert(rdb_read_64(&source, &number) && number == UINT64_C(0x0123456789abcdef));
    ck_assert(rdb_read_double(&source, &real) && real == -1.5e300);
    ck_assert(!rdb_read_64(&source, &number));
    teardown();
}
END_TEST

START_TEST(what_was_in_the_buffer_stays_until_the_end)
{
    struct rdb_sink sink;
    setup();
    rdb_sink_open(&sink, &buffer);
    rdb_write_bytes(&sink, kv_text("before"));
    ck_assert_int_eq(rdb_sink_close(&sink), KV_OK);
    rdb_sink_open(&sink, &buffer);
    rdb_write_bytes(&sink, kv_text("after it"));
    ck_assert_uint_eq(buffer.size, 6);
    ck_assert_mem_eq(buffer.data, "before", 6);
    ck_assert_int_eq(rdb_sink_close(&sink), KV_OK);
    ck_assert_uint_eq(buffer.size, 8);
    ck_assert_mem_eq(buffer.data, "after it", 8);
    teardown();
}
END_TEST

int main(void)
{
    return UNIT_RUN("rdb_text", lengths_come_back_in_the_fewest_bytes,
                    texts_come_back_in_the_shortest_form, sizes_that_are_a_lie_cost_no_memory,
                    numbers_come_back, what_was_in_the_buffer_stays_until_the_end);
}
