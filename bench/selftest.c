/*
 * bench/selftest.c -- checks the measuring instruments: the reply counter, the histogram, the
 * floor.
 *
 * bench/run.py runs it before anything is measured. Plain C, as Check may not be there.
 */
#include "floor.h"
#include "replies.h"

#define EXPECT(condition)                                                            \
    do {                                                                             \
        if (!(condition)) fail("%s:%d: not so: %s", __FILE__, __LINE__, #condition); \
    } while (0)

/* 13 replies: 2 with errors (one of them nested), 4 nulls (one of them nested). */
static const char stream[] = "+OK\r\n"
                             ":-42\r\n"
                             "$0\r\n\r\n"
                             "$12\r\n*3\r\n-ERR\r\n+\n\r\n"
                             "$-1\r\n"
                             "*-1\r\n"
                             "*0\r\n"
                             "*3\r\n*2\r\n$1\r\na\r\n*0\r\n:7\r\n*1\r\n*1\r\n$-1\r\n"
                             "_\r\n"
                             "%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n,1.5\r\n"
                             "-ERR first\r\n"
                             "*2\r\n-ERR second\r\n#t\r\n"
                             "+PONG\r\n";

static void expect_whole_stream(const struct replies *replies)
{
    EXPECT(replies->complete == 13);
    EXPECT(replies->nils == 4);
    EXPECT(replies->errors == 2);
    EXPECT(strcmp(replies->error_text, "ERR first") == 0);
    EXPECT(replies->expected == 0 && replies->type == 0 && replies->skip == 0);
}

static void replies_are_counted_however_the_stream_is_cut(void)
{
    size_t size = sizeof stream - 1;
    for (size_t first = 0; first <= size; first++) {
        for (size_t second = first; second <= size; second++) {
            struct replies replies = {0};
            replies_read(&replies, stream, first);
            replies_read(&replies, stream + first, second - first);
            replies_read(&replies, stream + second, size - second);
            expect_whole_stream(&replies);
        }
    }
    struct replies replies = {0};
    for (size_t i = 0; i < size; i++) replies_read(&replies, stream + i, 1);
    expect_whole_stream(&replies);
    replies_read(&replies, "*2\r\n+a\r\n", 8);
    EXPECT(replies.complete == 13 && replies.expected == 1);
}

static void histogram_cells_cover_every_value_to_one_part_in_64(void)
{
    for (int bit = 0; bit < 64; bit++) {
        for (int64_t offset = -2; offset <= 2; offset++) {
            uint64_t value = (1ull << bit) + (uint64_t)offset;
            size_t cell = histogram_cell(value);
            EXPECT(cell < HISTOGRAM_CELLS);
            EXPECT(histogram_cell_top(cell) >= value);
            EXPECT(histogram_cell_top(cell) - value <= value / HISTOGRAM_STEP);
            EXPECT(cell == 0 || histogram_cell_top(cell - 1) < value);
        }
    }
}

static void histogram_quantiles_are_those_of_the_samples(void)
{
    static struct histogram histogram;
    for (uint64_t i = 1; i <= 10000; i++) histogram_add(&histogram, i, 1);
    uint64_t p50 = histogram_quantile(&histogram, 0.5),
             p9999 = histogram_quantile(&histogram, 0.9999);
    EXPECT(p50 >= 5000 && p50 <= 5000 + 5000 / HISTOGRAM_STEP);
    EXPECT(p9999 >= 9999 && p9999 <= 10000);
    EXPECT(histogram_quantile(&histogram, 1) == 10000);
    EXPECT(histogram_mean(&histogram) == 5000.5);
    histogram_add(&histogram, 20000, 30000);
    EXPECT(histogram_quantile(&histogram, 0.5) == 20000);
}

static void floor_table_keeps_the_last_value_of_each_key(void)
{
    enum { KEYS = 50000 };
    struct floor_table table = floor_create(KEYS);
    struct random random = {7};
    uint32_t *model = calloc(KEYS, sizeof *model); /* 0: never set; else the number in the value */
    EXPECT(model != NULL);
    char key[KEY_SIZE], value[FLOOR_VALUE_SIZE] = {0};

    for (uint32_t i = 1; i <= 2 * KEYS; i++) {
        uint64_t number = random_below(&random, KEYS);
        write_key(key, "key:", number);
        memcpy(value, &i, sizeof i);
        floor_set(&table, key, value);
        model[number] = i;
    }
    for (uint64_t first = 0; first + 16 <= KEYS; first += 16) {
        char keys[16][KEY_SIZE], values[16][FLOOR_VALUE_SIZE];
        const char *pointers[16];
        size_t present = 0;
        for (uint64_t i = 0; i < 16; i++) {
            write_key(keys[i], "key:", first + i);
            pointers[i] = keys[i];
            present += model[first + i] != 0;
        }
        EXPECT(floor_mget(&table, pointers, 16, values) == present);
        for (uint64_t i = 0; i < 16; i++) {
            EXPECT(floor_get(&table, keys[i], value) == (model[first + i] != 0));
            if (model[first + i] == 0) continue;
            EXPECT(memcmp(value, &model[first + i], sizeof model[0]) == 0);
            EXPECT(memcmp(values[i], &model[first + i], sizeof model[0]) == 0);
        }
    }
    floor_destroy(&table);
    free(model);
}

int main(void)
{
    replies_are_counted_however_the_stream_is_cut();
    histogram_cells_cover_every_value_to_one_part_in_64();
    histogram_quantiles_are_those_of_the_samples();
    floor_table_keeps_the_last_value_of_each_key();
    puts("the instruments measure");
    return 0;
}
