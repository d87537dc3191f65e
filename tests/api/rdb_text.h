/*
 * tests/api/rdb_text.h -- bytes of the RDB format, written so that one can read them.
 *
 *     "12 01 02 0a  0a000000 0100 81'a'02 ff"
 *
 * Bytes are two hexadecimal digits each, texts stand between quotes, and anything else is for the
 * eye.
 */
#ifndef KV_TESTS_API_RDB_TEXT_H
#define KV_TESTS_API_RDB_TEXT_H

#include "kvstore.h"

#include <stdint.h>
#include <string.h>

static inline unsigned rdb_text_digit(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Writes the bytes, for which there is room, and gives how many there are. */
static inline size_t rdb_text_bytes(uint8_t *bytes, const char *text)
{
    size_t size = 0;
    for (const char *at = text; *at != 0; at++) {
        if (*at == '\'') {
            for (at++; *at != '\''; at++) bytes[size++] = (uint8_t)*at;
        } else if (strchr("0123456789abcdef", *at) != NULL) {
            bytes[size++] = (uint8_t)(rdb_text_digit(at[0]) << 4 | rdb_text_digit(at[1]));
            at++;
        }
    }
    return size;
}

/* Writes the checksum of `size` bytes behind them. */
static inline void rdb_text_sum(uint8_t *bytes, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ ((sum & 1) != 0 ? UINT64_C(0x95ac9329ac4bc9b5) : 0);
    }
    for (int i = 0; i < 8; i++) bytes[size + (size_t)i] = (uint8_t)(sum >> 8 * i);
}

/* Values in every encoding there was, type first, and what fixture_show() makes of them. */
static const struct {
    const char *value, *shown;
} rdb_values[] = {
    /* Strings: plain, of each kind of integer, compressed. */
    {"00 00", "''"},
    {"00 05 'hello'", "'hello'"},
    {"00 40 05 'hello'", "'hello'"},
    {"00 80 00000005 'hello'", "'hello'"},
    {"00 81 0000000000000005 'hello'", "'hello'"},
    {"00 c0 ff", "'-1'"},
    {"00 c1 0080", "'-32768'"},
    {"00 c2 ffffff7f", "'2147483647'"},
    {"00 c3 05 12 00'a' e008 00", "'aaaaaaaaaaaaaaaaaa'"},
    /* Lists. */
    {"01 02 01'a' c0 07", "[a 7]"},
    {"0a 10  10000000 0c000000 0200 00f2 02 01'a' ff", "[1 a]"},
    {"0a 11  11000000 0c000000 0200 00f2 02 02'ab' ff", "[1 ab]"},
    {"0e 02  0f 0f000000 0a000000 0100 00 02'ab' ff  0f 0f000000 0a000000 0100 00 02'cd' ff",
     "[ab cd]"},
    {"0e 02  0b 0b000000 0a000000 0000 ff  0f 0f000000 0a000000 0100 00 02'cd' ff", "[cd]"},
    {"12 02 01 03'xyz' 02 0a  0a000000 0100 81'a'02 ff", "[xyz a]"},
    {"12 01 02 0a  0a000000 0100 81'a'02 ff", "[a]"},
    {"12 01 02 0a  0a000000 ffff 81'a'02 ff", "[a]"},
    /* Sets. */
    {"02 02 01'a' c0 07", "[a 7]"},
    {"0b 0c 02000000 02000000 fbff 2c01", "[-5 300]"},
    {"14 0d 0d000000 0200 81'a'02 81'b'02 ff", "[a b]"},
    /* Sorted sets. */
    {"03 03 01'a' 03'1.5' 01'b' fe 01'c' ff", "[c:-inf a:1.5 b:inf]"},
    {"05 02 01'a' 000000000000f03f 01'b' 000000000000e0bf", "[b:-0.5 a:1]"},
    {"0c 15  15000000 12000000 0400 00 01'a' 03 f2 02 01'b' 03 f3 ff", "[a:1 b:2]"},
    {"11 14  14000000 0400 81'b'02 83'0.5'04 81'a'02 0101 ff", "[b:0.5 a:1]"},
    /* Hashes. */
    {"04 02 01'a' c0 01 01'b' 03'two'", "[a:1 b:two]"},
    {"09 0c 02 01'a' 01 00 '1' 02'bc' 00 00 ff", "[a:1 bc:]"},
    {"0d 15  15000000 12000000 0400 00 01'a' 03 f2 02 01'b' 03 f3 ff", "[a:1 b:2]"},
    {"10 0c  0c000000 0200 81'a'02 0101 ff", "[a:1]"},
    {"16 01 81 0000018d00000000 01'a' 01'1'", "[a:1]"},
    {"17 16  16000000 0300 81'a'02 0101 f4 000000008d010000 09 ff", "[a:1]"},
    {"18 000000008d010000 02 01 01'a' 01'1' 00 01'b' 01'2'", "[a:1 b:2]"},
    {"19 000000008d010000 16  16000000 0300 81'a'02 0101 f4 000000008d010000 09 ff", "[a:1]"},
};

#define RDB_VALUES (sizeof rdb_values / sizeof *rdb_values)

/* A node with the entry 1-1, as Redis writes it; and what follows the nodes. */
#define RDB_NODE                                 \
    "10 0000000000000001 0000000000000001 1d 1d" \
    "0000000a0001010001010181660200010201000100018176020401ff "
#define RDB_LATER_NODE                           \
    "10 0000000000000002 0000000000000001 1d 1d" \
    "0000000a0001010001010181660200010201000100018176020401ff "
#define RDB_TOTALS "01 01 01 01 01 00 00 01 "

#define RDB_ID_1   "0000000000000001 0000000000000001 "
#define RDB_ID_2   "0000000000000002 0000000000000001 "
#define RDB_TIME   "00000000 01000000 "

#endif
