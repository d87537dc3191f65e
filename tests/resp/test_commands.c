/*
 * tests/resp/test_commands.c -- the commands one by one: what is said, what is answered.
 *
 * Each exchange was had with redis-server 7.0.15, whose answers these are, byte for byte, but for
 * what later versions added; the longer and random form of this is
 * tests/integration/differential.py.
 */
#include "server.h"

#include <float.h>

struct exchange {
    const char *line, *answer;
};

/* An exchange a line, however long. */
/* clang-format off */

static const struct exchange about_strings[] = {
    {"SET k v", "+OK\r\n"},
    {"GET k", "$1\r\nv\r\n"},
    {"GET none", "$-1\r\n"},
    {"SET k 10 NX", "$-1\r\n"},
    {"SET k 10 XX GET", "$1\r\nv\r\n"},
    {"SET none 10 XX", "$-1\r\n"},
    {"SET none 10 XX GET", "$-1\r\n"},
    {"SET k 20 NX GET", "$2\r\n10\r\n"},
    {"SET k v EX 100", "+OK\r\n"},
    {"TTL k", ":100\r\n"},
    {"SET k v KEEPTTL", "+OK\r\n"},
    {"TTL k", ":100\r\n"},
    {"SET k v2", "+OK\r\n"},
    {"TTL k", ":-1\r\n"},
    {"SET k v PX 100000", "+OK\r\n"},
    {"TTL k", ":100\r\n"},
    {"SET k v EX 0", "-ERR invalid expire time in 'set' command\r\n"},
    {"SET k v EX -1", "-ERR invalid expire time in 'set' command\r\n"},
    {"SET k v EX x", "-ERR value is not an integer or out of range\r\n"},
    {"SET k v EX", "-ERR syntax error\r\n"},
    {"SET k v EX 10 PX 10", "-ERR syntax error\r\n"},
    {"SET k v EX 10 KEEPTTL", "-ERR syntax error\r\n"},
    {"SET k v NX XX", "-ERR syntax error\r\n"},
    {"SET k v FOO", "-ERR syntax error\r\n"},
    {"SET k v PXAT 9223372036854775807", "+OK\r\n"},
    {"SET k v EX 9223372036854775807", "-ERR invalid expire time in 'set' command\r\n"},
    {"SET k", "-ERR wrong number of arguments for 'set' command\r\n"},
    {"SETNX k 1", ":0\r\n"},
    {"SETNX fresh 1", ":1\r\n"},
    {"SETEX k 100 w", "+OK\r\n"},
    {"SETEX k 0 w", "-ERR invalid expire time in 'setex' command\r\n"},
    {"PSETEX k 100000 w", "+OK\r\n"},
    {"TTL k", ":100\r\n"},
    {"PSETEX k -1 w", "-ERR invalid expire time in 'psetex' command\r\n"},
    {"GETSET k x", "$1\r\nw\r\n"},
    {"GETSET fresh2 x", "$-1\r\n"},
    {"GETDEL fresh2", "$1\r\nx\r\n"},
    {"GETDEL fresh2", "$-1\r\n"},
    {"GETEX k", "$1\r\nx\r\n"},
    {"GETEX k EX 100", "$1\r\nx\r\n"},
    {"TTL k", ":100\r\n"},
    {"GETEX k PERSIST", "$1\r\nx\r\n"},
    {"TTL k", ":-1\r\n"},
    {"GETEX k EX 0", "-ERR invalid expire time in 'getex' command\r\n"},
    {"GETEX none EX 0", "$-1\r\n"},
    {"GETEX k KEEPTTL", "-ERR syntax error\r\n"},
    {"GETEX k PERSIST EX 10", "-ERR syntax error\r\n"},
    {"APPEND k yz", ":3\r\n"},
    {"APPEND new abc", ":3\r\n"},
    {"STRLEN k", ":3\r\n"},
    {"STRLEN none", ":0\r\n"},
    {"SETRANGE new 1 BB", ":3\r\n"},
    {"GET new", "$3\r\naBB\r\n"},
    {"SETRANGE new 5 X", ":6\r\n"},
    {"GET new", "$6\r\naBB\000\000X\r\n"},
    {"SETRANGE new -1 x", "-ERR offset is out of range\r\n"},
    {"SETRANGE none 3 \"\"", ":0\r\n"},
    {"EXISTS none", ":0\r\n"},
    {"SETRANGE new 536870912 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"},
    {"GETRANGE new 0 1", "$2\r\naB\r\n"},
    {"GETRANGE new -1 -1", "$1\r\nX\r\n"},
    {"GETRANGE new 5 1", "$0\r\n\r\n"},
    {"GETRANGE none 0 -1", "$0\r\n\r\n"},
    {"GETRANGE new a 1", "-ERR value is not an integer or out of range\r\n"},
    {"SUBSTR new 0 0", "$1\r\na\r\n"},
    {"INCR n", ":1\r\n"},
    {"INCRBY n 41", ":42\r\n"},
    {"DECR n", ":41\r\n"},
    {"DECRBY n 1", ":40\r\n"},
    {"DECRBY n -9223372036854775808", "-ERR decrement would overflow\r\n"},
    {"INCRBY n 9223372036854775807", "-ERR increment or decrement would overflow\r\n"},
    {"INCRBY n 1.5", "-ERR value is not an integer or out of range\r\n"},
    {"INCR k", "-ERR value is not an integer or out of range\r\n"},
    {"SET big 9223372036854775807", "+OK\r\n"},
    {"INCR big", "-ERR increment or decrement would overflow\r\n"},
    {"INCRBYFLOAT f 1.5", "$3\r\n1.5\r\n"},
    {"INCRBYFLOAT f 1e2", "$5\r\n101.5\r\n"},
    {"INCRBYFLOAT f -0.5", "$3\r\n101\r\n"},
    {"INCRBYFLOAT f abc", "-ERR value is not a valid float\r\n"},
    {"INCRBYFLOAT k 1", "-ERR value is not a valid float\r\n"},
    {"INCRBYFLOAT f inf", "-ERR increment would produce NaN or Infinity\r\n"},
    {"MSET a 1 b 2 a 3", "+OK\r\n"},
    {"MGET a b none k", "*4\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n$3\r\nxyz\r\n"},
    {"MSET a", "-ERR wrong number of arguments for 'mset' command\r\n"},
    {"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command\r\n"},
    {"MSETNX a 9 c 9", ":0\r\n"},
    {"MSETNX c 9 d 9", ":1\r\n"},
    {"MGET a c d", "*3\r\n$1\r\n3\r\n$1\r\n9\r\n$1\r\n9\r\n"},
    {"RPUSH list x", ":1\r\n"},
    {"GET list", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SET list v GET", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"STRLEN list", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"APPEND list x", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"INCR list", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"GETRANGE list 0 -1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"MGET list a", "*2\r\n$-1\r\n$1\r\n3\r\n"},
    {"SET list now-a-string", "+OK\r\n"},
    {"GET list", "$12\r\nnow-a-string\r\n"},
    {"MSET s1 ohmytext s2 mynewtext", "+OK\r\n"},
    {"LCS s1 s2", "$6\r\nmytext\r\n"},
    {"LCS s1 s2 LEN", ":6\r\n"},
    {"LCS s1 s2 IDX", "*4\r\n$7\r\nmatches\r\n*2\r\n*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n$3\r\nlen\r\n:6\r\n"},
    {"LCS s1 s2 IDX MINMATCHLEN 4 WITHMATCHLEN", "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n$3\r\nlen\r\n:6\r\n"},
    {"LCS s1 s2 LEN IDX", "-ERR If you want both the length and indexes, please just use IDX.\r\n"},
    {"LCS s1 none", "$0\r\n\r\n"},
    {"LCS s1 s2 FOO", "-ERR syntax error\r\n"},
    {"RPUSH l2 x", ":1\r\n"},
    {"LCS s1 l2", "-ERR The specified keys must contain string values\r\n"},
};

static const struct exchange about_bitmaps[] = {
    {"SETBIT k 7 1", ":0\r\n"},
    {"SETBIT k 7 0", ":1\r\n"},
    {"SETBIT k 100 1", ":0\r\n"},
    {"GETBIT k 100", ":1\r\n"},
    {"GETBIT k 101", ":0\r\n"},
    {"GETBIT none 4294967295", ":0\r\n"},
    {"SETBIT k 4294967296 1", "-ERR bit offset is not an integer or out of range\r\n"},
    {"SETBIT k -1 1", "-ERR bit offset is not an integer or out of range\r\n"},
    {"SETBIT k #1 1", "-ERR bit offset is not an integer or out of range\r\n"},
    {"SETBIT k 1 2", "-ERR bit is not an integer or out of range\r\n"},
    {"SETBIT k 1 x", "-ERR bit is not an integer or out of range\r\n"},
    {"GETBIT k x", "-ERR bit offset is not an integer or out of range\r\n"},
    {"SET s foobar", "+OK\r\n"},
    {"BITCOUNT s", ":26\r\n"},
    {"BITCOUNT s 0 0", ":4\r\n"},
    {"BITCOUNT s 5 30 BIT", ":17\r\n"},
    {"BITCOUNT s 1 1 bYtE", ":6\r\n"},
    {"BITCOUNT s 1 1 HELLO", "-ERR syntax error\r\n"},
    {"BITCOUNT s 1 1 BIT x", "-ERR syntax error\r\n"},
    {"BITCOUNT s 5", ":4\r\n"},
    {"BITCOUNT s 1 x", "-ERR value is not an integer or out of range\r\n"},
    {"BITCOUNT none 1 x", "-ERR value is not an integer or out of range\r\n"},
    {"BITPOS s 1", ":1\r\n"},
    {"BITPOS s 0 1", ":8\r\n"},
    {"BITPOS s 1 2 -1", ":17\r\n"},
    {"BITPOS s 1 7 15 BIT", ":9\r\n"},
    {"BITPOS s 1 20", ":-1\r\n"},
    {"BITPOS none 1", ":-1\r\n"},
    {"BITPOS none 0 7 8 BIT", ":0\r\n"},
    {"BITPOS s 2", "-ERR The bit argument must be 1 or 0.\r\n"},
    {"BITPOS s x", "-ERR value is not an integer or out of range\r\n"},
    {"BITPOS s 1 x", "-ERR value is not an integer or out of range\r\n"},
    {"BITPOS s 1 0 1 HELLO", "-ERR syntax error\r\n"},
    {"BITPOS s 1 0 1 BIT x", "-ERR syntax error\r\n"},
    {"BITOP NOT r s", ":6\r\n"},
    {"BITCOUNT r", ":22\r\n"},
    {"BITOP AND r s none", ":6\r\n"},
    {"GET r", "$6\r\n\000\000\000\000\000\000\r\n"},
    {"BITOP OR r none", ":0\r\n"},
    {"EXISTS r", ":0\r\n"},
    {"BITOP NOT r s s", "-ERR BITOP NOT must be called with a single source key.\r\n"},
    {"BITOP NAND r s s", "-ERR syntax error\r\n"},
    {"BITOP AND r", "-ERR wrong number of arguments for 'bitop' command\r\n"},
    {"MSET a aaa b ab c b", "+OK\r\n"},
    {"BITOP DIFF r a b c", ":3\r\n"},
    {"GET r", "$3\r\n\000\001a\r\n"},
    {"BITOP diff1 r a b c", ":3\r\n"},
    {"GET r", "$3\r\n\002\002\000\r\n"},
    {"BITOP ANDOR r a b c", ":3\r\n"},
    {"GET r", "$3\r\na`\000\r\n"},
    {"BITOP ONE r a b c", ":3\r\n"},
    {"GET r", "$3\r\n\002\003a\r\n"},
    {"BITOP ONE r a", ":3\r\n"},
    {"BITOP DIFF r a", "-ERR BITOP DIFF must be called with at least two source keys.\r\n"},
    {"BITOP Diff1 r a", "-ERR BITOP DIFF1 must be called with at least two source keys.\r\n"},
    {"BITOP ANDOR r a", "-ERR BITOP ANDOR must be called with at least two source keys.\r\n"},
    {"BITFIELD f INCRBY i5 100 1 GET u4 0", "*2\r\n:1\r\n:0\r\n"},
    {"BITFIELD f SET u8 #1 300", "*1\r\n:0\r\n"},
    {"BITFIELD f GET u8 8", "*1\r\n:44\r\n"},
    {"BITFIELD f OVERFLOW SAT SET u8 #1 300 OVERFLOW FAIL INCRBY u8 8 1 GET u8 8", "*3\r\n:44\r\n$-1\r\n:255\r\n"},
    {"BITFIELD f", "*0\r\n"},
    {"BITFIELD f OVERFLOW WRAP", "*0\r\n"},
    {"BITFIELD f OVERFLOW X", "-ERR Invalid OVERFLOW type specified\r\n"},
    {"BITFIELD f OVERFLOW", "-ERR syntax error\r\n"},
    {"BITFIELD f GET u8", "-ERR syntax error\r\n"},
    {"BITFIELD f SET u8 0", "-ERR syntax error\r\n"},
    {"BITFIELD f GET u64 0", "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.\r\n"},
    {"BITFIELD f GET i64 0", "*1\r\n:71776119061217280\r\n"},
    {"BITFIELD f GET u8 #9223372036854775807", "-ERR bit offset is not an integer or out of range\r\n"},
    {"BITFIELD f SET u8 0 x", "-ERR value is not an integer or out of range\r\n"},
    {"BITFIELD_RO f GET u8 8 GET u1 #8", "*2\r\n:255\r\n:1\r\n"},
    {"BITFIELD_RO f SET u8 8 1", "-ERR BITFIELD_RO only supports the GET subcommand\r\n"},
    {"RPUSH list x", ":1\r\n"},
    {"SETBIT list 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"GETBIT list 0", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"BITCOUNT list", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"BITPOS list 1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"BITOP NOT r list", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"BITFIELD list", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"BITOP NOT list s", ":6\r\n"},
};

static const struct exchange about_hyperloglogs[] = {
    {"PFADD k a b c", ":1\r\n"},
    {"PFADD k b", ":0\r\n"},
    {"PFADD k", ":0\r\n"},
    {"PFADD new", ":1\r\n"},
    {"PFCOUNT k", ":3\r\n"},
    {"PFCOUNT k new none", ":3\r\n"},
    {"PFCOUNT none", ":0\r\n"},
    {"STRLEN k", ":27\r\n"},
    {"OBJECT ENCODING k", "$3\r\nraw\r\n"},
    {"PFDEBUG ENCODING k", "+sparse\r\n"},
    {"PFDEBUG decode k", "$44\r\nZ:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603\r\n"},
    {"PFDEBUG TODENSE k", ":1\r\n"},
    {"PFDEBUG TODENSE k", ":0\r\n"},
    {"PFDEBUG ENCODING k", "+dense\r\n"},
    {"PFDEBUG DECODE k", "-ERR HLL encoding is not sparse\r\n"},
    {"PFDEBUG NOSUCH k", "-ERR Unknown PFDEBUG subcommand 'NOSUCH'\r\n"},
    {"PFDEBUG NOSUCH none", "-ERR The specified key does not exist\r\n"},
    {"STRLEN k", ":12304\r\n"},
    {"PFCOUNT k", ":3\r\n"},
    {"PFADD l x y", ":1\r\n"},
    {"PFMERGE sum new l", "+OK\r\n"},
    {"PFDEBUG ENCODING sum", "+sparse\r\n"},
    {"PFMERGE sum k l", "+OK\r\n"},
    {"PFCOUNT sum", ":5\r\n"},
    {"PFDEBUG ENCODING sum", "+dense\r\n"},
    {"PFMERGE sum2", "+OK\r\n"},
    {"PFCOUNT sum2", ":0\r\n"},
    {"SET s abc", "+OK\r\n"},
    {"PFADD s x", "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"},
    {"PFCOUNT s", "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"},
    {"PFCOUNT k s", "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"},
    {"PFMERGE s k", "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"},
    {"PFMERGE k s", "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"},
    {"PFDEBUG ENCODING s", "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"},
    {"SET s 12345678901234567", "+OK\r\n"},
    {"PFCOUNT s", "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"},
    {"SET s \"HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x00\"", "+OK\r\n"},
    {"PFCOUNT s", "-INVALIDOBJ Corrupted HLL object detected\r\n"},
    {"PFCOUNT k s", "-INVALIDOBJ Corrupted HLL object detected\r\n"},
    {"PFADD s a", "-INVALIDOBJ Corrupted HLL object detected\r\n"},
    {"PFMERGE k s", "-INVALIDOBJ Corrupted HLL object detected\r\n"},
    {"PFDEBUG TODENSE s", "-INVALIDOBJ Corrupted HLL object detected\r\n"},
    {"PFDEBUG DECODE s", "$3\r\nz:1\r\n"},
    {"RPUSH list x", ":1\r\n"},
    {"PFADD list x", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"PFCOUNT list", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"PFMERGE list k", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"PFDEBUG DECODE list", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"PFADD", "-ERR wrong number of arguments for 'pfadd' command\r\n"},
    {"PFCOUNT", "-ERR wrong number of arguments for 'pfcount' command\r\n"},
    {"PFSELFTEST", "+OK\r\n"},
    {"CONFIG SET hll-sparse-max-bytes 20", "+OK\r\n"},
    {"PFADD fresh a", ":1\r\n"},
    {"PFDEBUG ENCODING fresh", "+dense\r\n"},
};

static const struct exchange about_lists[] = {
    {"RPUSH l a b c", ":3\r\n"},
    {"LPUSH l z y", ":5\r\n"},
    {"LRANGE l 0 -1", "*5\r\n$1\r\ny\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"},
    {"LRANGE l -2 -1", "*2\r\n$1\r\nb\r\n$1\r\nc\r\n"},
    {"LRANGE l 5 10", "*0\r\n"},
    {"LRANGE none 0 -1", "*0\r\n"},
    {"LRANGE l a b", "-ERR value is not an integer or out of range\r\n"},
    {"LLEN l", ":5\r\n"},
    {"LLEN none", ":0\r\n"},
    {"LPUSHX none x", ":0\r\n"},
    {"RPUSHX l d", ":6\r\n"},
    {"LINDEX l 0", "$1\r\ny\r\n"},
    {"LINDEX l -1", "$1\r\nd\r\n"},
    {"LINDEX l 99", "$-1\r\n"},
    {"LINDEX none x", "$-1\r\n"},
    {"LINDEX l x", "-ERR value is not an integer or out of range\r\n"},
    {"LSET l 0 Y", "+OK\r\n"},
    {"LSET l 99 x", "-ERR index out of range\r\n"},
    {"LSET none 0 x", "-ERR no such key\r\n"},
    {"LSET l x x", "-ERR value is not an integer or out of range\r\n"},
    {"LINSERT l BEFORE a 0", ":7\r\n"},
    {"LINSERT l AFTER nothere 0", ":-1\r\n"},
    {"LINSERT none BEFORE a 0", ":0\r\n"},
    {"LINSERT l FOO a 0", "-ERR syntax error\r\n"},
    {"LRANGE l 0 -1", "*7\r\n$1\r\nY\r\n$1\r\nz\r\n$1\r\n0\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n"},
    {"LPOS l a", ":3\r\n"},
    {"LPOS l nothere", "$-1\r\n"},
    {"LPOS l a RANK 0", "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list\r\n"},
    {"LPOS l a RANK -1", ":3\r\n"},
    {"LPOS l a RANK -9223372036854775807", "$-1\r\n"},
    {"LPOS l a RANK -9223372036854775808", "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n"},
    {"LPOS l a COUNT 0", "*1\r\n:3\r\n"},
    {"LPOS none a COUNT 1", "*0\r\n"},
    {"LPOS l a COUNT -1", "-ERR COUNT can't be negative\r\n"},
    {"LPOS l a MAXLEN 1", "$-1\r\n"},
    {"LPOS l a MAXLEN -1", "-ERR MAXLEN can't be negative\r\n"},
    {"LPOS l a FOO 1", "-ERR syntax error\r\n"},
    {"RPUSH m x y x y x", ":5\r\n"},
    {"LREM m 1 x", ":1\r\n"},
    {"LREM m -1 x", ":1\r\n"},
    {"LREM m 0 y", ":2\r\n"},
    {"LREM none 0 x", ":0\r\n"},
    {"LREM m x x", "-ERR value is not an integer or out of range\r\n"},
    {"LRANGE m 0 -1", "*1\r\n$1\r\nx\r\n"},
    {"LTRIM l 1 3", "+OK\r\n"},
    {"LRANGE l 0 -1", "*3\r\n$1\r\nz\r\n$1\r\n0\r\n$1\r\na\r\n"},
    {"LTRIM none 0 1", "+OK\r\n"},
    {"LTRIM l x 1", "-ERR value is not an integer or out of range\r\n"},
    {"LPOP l", "$1\r\nz\r\n"},
    {"RPOP l", "$1\r\na\r\n"},
    {"LPOP l 0", "*0\r\n"},
    {"LPOP l -1", "-ERR value is out of range, must be positive\r\n"},
    {"LPOP l x", "-ERR value is out of range, must be positive\r\n"},
    {"LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command\r\n"},
    {"LPOP l 5", "*1\r\n$1\r\n0\r\n"},
    {"LPOP l", "$-1\r\n"},
    {"LPOP none 1", "*-1\r\n"},
    {"EXISTS l", ":0\r\n"},
    {"RPUSH src 1 2 3", ":3\r\n"},
    {"LMOVE src dst LEFT RIGHT", "$1\r\n1\r\n"},
    {"LMOVE src dst RIGHT LEFT", "$1\r\n3\r\n"},
    {"LRANGE dst 0 -1", "*2\r\n$1\r\n3\r\n$1\r\n1\r\n"},
    {"LMOVE none dst LEFT LEFT", "$-1\r\n"},
    {"LMOVE src dst FOO LEFT", "-ERR syntax error\r\n"},
    {"RPOPLPUSH src src", "$1\r\n2\r\n"},
    {"RPOPLPUSH src dst", "$1\r\n2\r\n"},
    {"EXISTS src", ":0\r\n"},
    {"LMPOP 2 none dst LEFT", "*2\r\n$3\r\ndst\r\n*1\r\n$1\r\n2\r\n"},
    {"LMPOP 1 dst RIGHT COUNT 5", "*2\r\n$3\r\ndst\r\n*2\r\n$1\r\n1\r\n$1\r\n3\r\n"},
    {"LMPOP 1 none LEFT", "*-1\r\n"},
    {"LMPOP 0 dst LEFT", "-ERR numkeys should be greater than 0\r\n"},
    {"LMPOP x dst LEFT", "-ERR numkeys should be greater than 0\r\n"},
    {"LMPOP 2 dst LEFT", "-ERR syntax error\r\n"},
    {"LMPOP 1 dst FOO", "-ERR syntax error\r\n"},
    {"LMPOP 1 dst LEFT COUNT 0", "-ERR count should be greater than 0\r\n"},
    {"LMPOP 1 dst LEFT COUNT 1 COUNT 1", "-ERR syntax error\r\n"},
    {"RPUSH q 1 2 3 4 5", ":5\r\n"},
    {"BLPOP none q 0", "*2\r\n$1\r\nq\r\n$1\r\n1\r\n"},
    {"BRPOP q 1", "*2\r\n$1\r\nq\r\n$1\r\n5\r\n"},
    {"BLMPOP 0 2 none q LEFT COUNT 2", "*2\r\n$1\r\nq\r\n*2\r\n$1\r\n2\r\n$1\r\n3\r\n"},
    {"BLMOVE q q2 LEFT LEFT 0", "$1\r\n4\r\n"},
    {"BRPOPLPUSH q2 q 0", "$1\r\n4\r\n"},
    {"BLPOP q x", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP q -1", "-ERR timeout is negative\r\n"},
    {"BLPOP q 9223372036854775", "*2\r\n$1\r\nq\r\n$1\r\n4\r\n"},
    {"BLMOVE q q2 FOO LEFT 0", "-ERR syntax error\r\n"},
    {"BLMPOP x 1 none LEFT", "-ERR timeout is not a float or out of range\r\n"},
    {"SET s v", "+OK\r\n"},
    {"LPUSH s x", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"RPOP s", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"LRANGE s 0 -1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"LMOVE s d LEFT LEFT", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"LMOVE q s LEFT LEFT", "$-1\r\n"},
    {"BLPOP s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"LMPOP 2 s q LEFT", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
};

static const struct exchange about_hashes[] = {
    {"HSET h a 1 b 2 a 3", ":2\r\n"},
    {"HSET h b 4 c 5", ":1\r\n"},
    {"HSET h a", "-ERR wrong number of arguments for 'hset' command\r\n"},
    {"HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command\r\n"},
    {"HMSET h d 6 e seven", "+OK\r\n"},
    {"HMSET h a 1 b", "-ERR wrong number of arguments for 'hmset' command\r\n"},
    {"HGET h a", "$1\r\n3\r\n"},
    {"HGET h x", "$-1\r\n"},
    {"HGET none x", "$-1\r\n"},
    {"HMGET h a x e", "*3\r\n$1\r\n3\r\n$-1\r\n$5\r\nseven\r\n"},
    {"HMGET none a b", "*2\r\n$-1\r\n$-1\r\n"},
    {"HMGET h", "-ERR wrong number of arguments for 'hmget' command\r\n"},
    {"HGETALL h", "*10\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n4\r\n$1\r\nc\r\n$1\r\n5\r\n$1\r\nd\r\n$1\r\n6\r\n$1\r\ne\r\n$5\r\nseven\r\n"},
    {"HGETALL none", "*0\r\n"},
    {"HKEYS h", "*5\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n"},
    {"HVALS h", "*5\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n$5\r\nseven\r\n"},
    {"HLEN h", ":5\r\n"},
    {"HLEN none", ":0\r\n"},
    {"HSTRLEN h e", ":5\r\n"},
    {"HSTRLEN h x", ":0\r\n"},
    {"HEXISTS h a", ":1\r\n"},
    {"HEXISTS h x", ":0\r\n"},
    {"HEXISTS none x", ":0\r\n"},
    {"HSETNX h a 9", ":0\r\n"},
    {"HSETNX h f 9", ":1\r\n"},
    {"HINCRBY h a 10", ":13\r\n"},
    {"HINCRBY h e 1", "-ERR hash value is not an integer\r\n"},
    {"HINCRBY h a x", "-ERR value is not an integer or out of range\r\n"},
    {"HINCRBY h a 9223372036854775807", "-ERR increment or decrement would overflow\r\n"},
    {"HINCRBYFLOAT h a 0.5", "$4\r\n13.5\r\n"},
    {"HINCRBYFLOAT h e 1", "-ERR hash value is not a float\r\n"},
    {"HINCRBYFLOAT h a x", "-ERR value is not a valid float\r\n"},
    {"HINCRBYFLOAT h a inf", "-ERR value is NaN or Infinity\r\n"},
    {"HINCRBYFLOAT h new 1e-3", "$5\r\n0.001\r\n"},
    {"HDEL h new x a", ":2\r\n"},
    {"HDEL none x", ":0\r\n"},
    {"HRANDFIELD none", "$-1\r\n"},
    {"HRANDFIELD none 5", "*0\r\n"},
    {"HRANDFIELD h 0", "*0\r\n"},
    {"HRANDFIELD h 100", "*5\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n$1\r\nf\r\n"},
    {"HRANDFIELD h 100 WITHVALUES", "*10\r\n$1\r\nb\r\n$1\r\n4\r\n$1\r\nc\r\n$1\r\n5\r\n$1\r\nd\r\n$1\r\n6\r\n$1\r\ne\r\n$5\r\nseven\r\n$1\r\nf\r\n$1\r\n9\r\n"},
    {"HRANDFIELD h x", "-ERR value is not an integer or out of range\r\n"},
    {"HRANDFIELD h -9223372036854775808", "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n"},
    {"HRANDFIELD h 1 FOO", "-ERR syntax error\r\n"},
    {"HRANDFIELD h 1 WITHVALUES FOO", "-ERR syntax error\r\n"},
    {"HRANDFIELD h 9223372036854775807 WITHVALUES", "-ERR value is out of range\r\n"},
    {"HSCAN h 0", "*2\r\n$1\r\n0\r\n*10\r\n$1\r\nb\r\n$1\r\n4\r\n$1\r\nc\r\n$1\r\n5\r\n$1\r\nd\r\n$1\r\n6\r\n$1\r\ne\r\n$5\r\nseven\r\n$1\r\nf\r\n$1\r\n9\r\n"},
    {"HSCAN h 0 MATCH [bc] COUNT 1", "*2\r\n$1\r\n0\r\n*4\r\n$1\r\nb\r\n$1\r\n4\r\n$1\r\nc\r\n$1\r\n5\r\n"},
    {"HSCAN none 0 FOO", "*2\r\n$1\r\n0\r\n*0\r\n"},
    {"HSCAN h 0 FOO", "-ERR syntax error\r\n"},
    {"HSCAN h x", "-ERR invalid cursor\r\n"},
    {"HSCAN h 0 COUNT 0", "-ERR syntax error\r\n"},
    {"OBJECT ENCODING h", "$8\r\nlistpack\r\n"},
    {"HSET h long xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ":1\r\n"},
    {"OBJECT ENCODING h", "$9\r\nhashtable\r\n"},
    {"TYPE h", "+hash\r\n"},
    {"SET s v", "+OK\r\n"},
    {"HSET s a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HGET s a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HMGET s a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HGETALL s", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HLEN s", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HDEL s a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HINCRBY s a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HINCRBYFLOAT s a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HRANDFIELD s 1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HSCAN s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"GET h", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HDEL h b c d e f long", ":6\r\n"},
    {"EXISTS h", ":0\r\n"},
};

static const struct exchange about_hashes_in_resp3[] = {
    {"SET s v", "+OK\r\n"},
    {"HSET h a 1 b 2", ":2\r\n"},
    {"HGETALL h", "%2\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n"},
    {"HKEYS h", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"HRANDFIELD h 5 WITHVALUES", "*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n"},
    {"HRANDFIELD none", "_\r\n"},
    {"HMGET h a x", "*2\r\n$1\r\n1\r\n_\r\n"},
    {"HSCAN h 0", "*2\r\n$1\r\n0\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n"},
    /* Of later versions. */
    {"HSCAN h 0 NOVALUES", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"HGETDEL h FIELDS 2 a x", "*2\r\n$1\r\n1\r\n_\r\n"},
    {"HGETDEL h FIELDS 0 a", "-ERR Number of fields must be a positive integer\r\n"},
    {"HGETDEL h FIELDS x a", "-ERR Number of fields must be a positive integer\r\n"},
    {"HGETDEL h FIELDS 2 a", "-ERR The `numfields` parameter must match the number of arguments\r\n"},
    {"HGETDEL h FOO 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n"},
    {"HGETDEL none FIELDS 1 a", "*1\r\n_\r\n"},
    {"HGETDEL s FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HGETDEL h FIELDS 1 b", "*1\r\n$1\r\n2\r\n"},
    {"EXISTS h", ":0\r\n"},
};

static const struct exchange about_sets[] = {
    {"SADD s 3 1 2 1", ":3\r\n"},
    {"SADD s 1", ":0\r\n"},
    {"SADD s", "-ERR wrong number of arguments for 'sadd' command\r\n"},
    {"SMEMBERS s", "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n"},
    {"SMEMBERS none", "*0\r\n"},
    {"SCARD s", ":3\r\n"},
    {"SCARD none", ":0\r\n"},
    {"SISMEMBER s 2", ":1\r\n"},
    {"SISMEMBER s 02", ":0\r\n"},
    {"SISMEMBER none 2", ":0\r\n"},
    {"SMISMEMBER s 1 x 3", "*3\r\n:1\r\n:0\r\n:1\r\n"},
    {"SMISMEMBER none 1 x", "*2\r\n:0\r\n:0\r\n"},
    {"SMISMEMBER s", "-ERR wrong number of arguments for 'smismember' command\r\n"},
    {"OBJECT ENCODING s", "$6\r\nintset\r\n"},
    {"TYPE s", "+set\r\n"},
    {"SADD w a", ":1\r\n"},
    {"SADD w 1", ":1\r\n"},
    {"OBJECT ENCODING w", "$8\r\nlistpack\r\n"},
    {"SADD v xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ":1\r\n"},
    {"OBJECT ENCODING v", "$9\r\nhashtable\r\n"},
    {"SREM s 9 1", ":1\r\n"},
    {"SREM none 1", ":0\r\n"},
    {"SMOVE s t 2", ":1\r\n"},
    {"SMOVE s t 2", ":0\r\n"},
    {"SMOVE none t 2", ":0\r\n"},
    {"SMOVE t t 2", ":1\r\n"},
    {"SMOVE t t 3", ":0\r\n"},
    {"SMEMBERS t", "*1\r\n$1\r\n2\r\n"},
    {"SRANDMEMBER none", "$-1\r\n"},
    {"SRANDMEMBER none 5", "*0\r\n"},
    {"SRANDMEMBER s 0", "*0\r\n"},
    {"SRANDMEMBER t 100", "*1\r\n$1\r\n2\r\n"},
    {"SRANDMEMBER t -3", "*3\r\n$1\r\n2\r\n$1\r\n2\r\n$1\r\n2\r\n"},
    {"SRANDMEMBER t", "$1\r\n2\r\n"},
    {"SRANDMEMBER t x", "-ERR value is not an integer or out of range\r\n"},
    {"SRANDMEMBER t -9223372036854775808", "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n"},
    {"SRANDMEMBER t 1 2", "-ERR syntax error\r\n"},
    {"SPOP none", "$-1\r\n"},
    {"SPOP none 3", "*0\r\n"},
    {"SPOP t 0", "*0\r\n"},
    {"SPOP t -1", "-ERR value is out of range, must be positive\r\n"},
    {"SPOP t x", "-ERR value is out of range, must be positive\r\n"},
    {"SPOP t 1 2", "-ERR syntax error\r\n"},
    {"SPOP t 5", "*1\r\n$1\r\n2\r\n"},
    {"SPOP s", "$1\r\n3\r\n"},
    {"EXISTS s t", ":0\r\n"},
    {"SADD a 1 2 3 4", ":4\r\n"},
    {"SADD b 3 4 5 6", ":4\r\n"},
    {"SADD c 4", ":1\r\n"},
    {"SINTER a b", "*2\r\n$1\r\n3\r\n$1\r\n4\r\n"},
    {"SINTER a b c", "*1\r\n$1\r\n4\r\n"},
    {"SINTER a none", "*0\r\n"},
    {"SINTER a", "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n"},
    {"SUNION a b c", "*6\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n"},
    {"SUNION none", "*0\r\n"},
    {"SDIFF a b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
    {"SDIFF a b c none", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
    {"SDIFF none a", "*0\r\n"},
    {"SINTERSTORE d a b", ":2\r\n"},
    {"SMEMBERS d", "*2\r\n$1\r\n3\r\n$1\r\n4\r\n"},
    {"SUNIONSTORE d a b", ":6\r\n"},
    {"SMEMBERS d", "*6\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n"},
    {"SDIFFSTORE a a b", ":2\r\n"},
    {"SMEMBERS a", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
    {"SINTERSTORE a a none", ":0\r\n"},
    {"EXISTS a", ":0\r\n"},
    {"SINTERCARD 2 b d", ":4\r\n"},
    {"SINTERCARD 2 b d LIMIT 2", ":2\r\n"},
    {"SINTERCARD 2 b d LIMIT 0", ":4\r\n"},
    {"SINTERCARD 2 b d LIMIT 1 LIMIT 3", ":3\r\n"},
    {"SINTERCARD 2 b d LIMIT", "-ERR syntax error\r\n"},
    {"SINTERCARD 2 b d LIMIT x", "-ERR LIMIT can't be negative\r\n"},
    {"SINTERCARD 2 b d LIMIT -1", "-ERR LIMIT can't be negative\r\n"},
    {"SINTERCARD 2 b d FOO 1", "-ERR syntax error\r\n"},
    {"SINTERCARD 0 b", "-ERR numkeys should be greater than 0\r\n"},
    {"SINTERCARD x b", "-ERR numkeys should be greater than 0\r\n"},
    {"SINTERCARD 2 b", "-ERR Number of keys can't be greater than number of args\r\n"},
    {"SSCAN b 0", "*2\r\n$1\r\n0\r\n*4\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n"},
    {"SSCAN b 0 MATCH [35] COUNT 1", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\n3\r\n$1\r\n5\r\n"},
    {"SSCAN none 0 FOO", "*2\r\n$1\r\n0\r\n*0\r\n"},
    {"SSCAN b 0 FOO", "-ERR syntax error\r\n"},
    {"SSCAN b x", "-ERR invalid cursor\r\n"},
    {"SSCAN b 0 COUNT 0", "-ERR syntax error\r\n"},
    {"SET text v", "+OK\r\n"},
    {"SADD text a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SREM text a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SISMEMBER text a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SMISMEMBER text a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SCARD text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SMEMBERS text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SMOVE text b 1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SMOVE b text 3", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SMOVE none text 3", ":0\r\n"},
    {"SPOP text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SPOP text 0", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SRANDMEMBER text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SRANDMEMBER text 1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SSCAN text 0", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SINTER none text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SINTERSTORE d none text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SUNION text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SDIFF b text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SINTERCARD 2 none text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"GET b", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"SINTERSTORE text b", ":4\r\n"},
    {"TYPE text", "+set\r\n"},
};

static const struct exchange about_sets_in_resp3[] = {
    {"SADD s 1 2", ":2\r\n"},
    {"SMEMBERS s", "~2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
    {"SMEMBERS none", "~0\r\n"},
    {"SPOP none", "_\r\n"},
    {"SPOP none 1", "~0\r\n"},
    {"SRANDMEMBER none", "_\r\n"},
    {"SRANDMEMBER none 1", "*0\r\n"},
    {"SRANDMEMBER s 5", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
    {"SINTER s s", "~2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
    {"SUNION none", "~0\r\n"},
    {"SDIFF s none", "~2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
    {"SISMEMBER s 1", ":1\r\n"},
    {"SMISMEMBER s 1 x", "*2\r\n:1\r\n:0\r\n"},
    {"SSCAN s 0", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
    {"SPOP s 0", "~0\r\n"},
    {"SPOP s 5", "~2\r\n$1\r\n1\r\n$1\r\n2\r\n"},
};

static const struct exchange about_streams[] = {
    {"XADD s 1-1 a 1 b 2", "$3\r\n1-1\r\n"},
    {"XADD s 1-* a 3 b 4", "$3\r\n1-2\r\n"},
    {"XADD s 1-1 a 1", "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n"},
    {"XADD s 0-0 a 1", "-ERR The ID specified in XADD must be greater than 0-0\r\n"},
    {"XADD s 1 a 1", "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n"},
    {"XADD s 2 c 5", "$3\r\n2-0\r\n"},
    {"XADD s x a 1", "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s 3-1 a", "-ERR wrong number of arguments for 'xadd' command\r\n"},
    {"XADD s MAXLEN 1 MINID 1 3-1 a b", "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible\r\n"},
    {"XADD s MAXLEN -1 3-1 a b", "-ERR The MAXLEN argument must be >= 0.\r\n"},
    {"XADD s MAXLEN = 5 LIMIT 1 3-1 a b", "-ERR syntax error, LIMIT cannot be used without the special ~ option\r\n"},
    {"XADD s LIMIT 1 3-1 a b", "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy\r\n"},
    {"XADD none NOMKSTREAM 1-1 a b", "$-1\r\n"},
    {"XLEN s", ":3\r\n"},
    {"XLEN none", ":0\r\n"},
    {"XRANGE s - +", "*3\r\n*2\r\n$3\r\n1-1\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n*2\r\n$3\r\n1-2\r\n*4\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n4\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\n5\r\n"},
    {"XRANGE s (1-1 2 COUNT 1", "*1\r\n*2\r\n$3\r\n1-2\r\n*4\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n4\r\n"},
    {"XRANGE s - + COUNT 0", "*-1\r\n"},
    {"XRANGE s (18446744073709551615-18446744073709551615 +", "-ERR invalid start ID for the interval\r\n"},
    {"XREVRANGE s + - COUNT 2", "*2\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\n5\r\n*2\r\n$3\r\n1-2\r\n*4\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n4\r\n"},
    {"TYPE s", "+stream\r\n"},
    {"OBJECT ENCODING s", "$6\r\nstream\r\n"},
    {"XREAD COUNT 1 STREAMS s none 1-1 0", "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-2\r\n*4\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n4\r\n"},
    {"XREAD STREAMS s $", "*-1\r\n"},
    {"XREAD STREAMS s >", "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.\r\n"},
    {"XREAD STREAMS s", "-ERR wrong number of arguments for 'xread' command\r\n"},
    {"XGROUP CREATE s g 0", "+OK\r\n"},
    {"XGROUP CREATE s g 0", "-BUSYGROUP Consumer Group name already exists\r\n"},
    {"XGROUP CREATE none g 0", "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.\r\n"},
    {"XGROUP CREATE new g $ MKSTREAM", "+OK\r\n"},
    {"XREADGROUP GROUP g alice COUNT 2 STREAMS s >", "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n*2\r\n$3\r\n1-2\r\n*4\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n4\r\n"},
    {"XREADGROUP GROUP g bob NOACK STREAMS s >", "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\n5\r\n"},
    {"XREADGROUP GROUP g alice STREAMS s 0", "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n*2\r\n$3\r\n1-2\r\n*4\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n4\r\n"},
    {"XREADGROUP GROUP nope alice STREAMS s >", "-NOGROUP No such key 's' or consumer group 'nope' in XREADGROUP with GROUP option\r\n"},
    {"XREADGROUP GROUP g alice STREAMS s $", "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.\r\n"},
    {"XPENDING s g", "*4\r\n:2\r\n$3\r\n1-1\r\n$3\r\n1-2\r\n*1\r\n*2\r\n$5\r\nalice\r\n$1\r\n2\r\n"},
    {"XPENDING s nope", "-NOGROUP No such key 's' or consumer group 'nope'\r\n"},
    {"XPENDING new g", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n"},
    {"XPENDING s g IDLE 100000 - + 10", "*0\r\n"},
    {"XPENDING s g - + 10 bob", "*0\r\n"},
    {"XCLAIM s g bob 0 1-1 JUSTID", "*1\r\n$3\r\n1-1\r\n"},
    {"XCLAIM s g bob 100000 1-2", "*0\r\n"},
    {"XCLAIM s g bob 0 2-0 FORCE", "*1\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\n5\r\n"},
    {"XCLAIM s g bob 0 1-1 FOO", "-ERR Unrecognized XCLAIM option 'FOO'\r\n"},
    {"XCLAIM s nope bob 0 1-1", "-NOGROUP No such key 's' or consumer group 'nope'\r\n"},
    {"XAUTOCLAIM s g carol 0 0 COUNT 1 JUSTID", "*3\r\n$3\r\n1-2\r\n*1\r\n$3\r\n1-1\r\n*0\r\n"},
    {"XAUTOCLAIM s g carol 0 1-2 COUNT 0", "-ERR COUNT must be > 0\r\n"},
    {"XACK s g 1-1 9-9", ":1\r\n"},
    {"XACK none g 1-1", ":0\r\n"},
    {"XACK s g x", "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XGROUP CREATECONSUMER s g dave", ":1\r\n"},
    {"XGROUP CREATECONSUMER s g dave", ":0\r\n"},
    {"XGROUP DELCONSUMER s g bob", ":1\r\n"},
    {"XGROUP SETID s g 1-1 ENTRIESREAD 1", "+OK\r\n"},
    {"XGROUP SETID s nope 0", "-NOGROUP No such consumer group 'nope' for key name 's'\r\n"},
    {"XINFO GROUPS s", "*1\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:3\r\n$7\r\npending\r\n:1\r\n$17\r\nlast-delivered-id\r\n$3\r\n1-1\r\n$12\r\nentries-read\r\n:1\r\n$3\r\nlag\r\n:2\r\n"},
    {"XINFO GROUPS none", "-ERR no such key\r\n"},
    {"XINFO CONSUMERS s nope", "-NOGROUP No such consumer group 'nope' for key name 's'\r\n"},
    {"XINFO FOO s", "-ERR unknown subcommand 'FOO'. Try XINFO HELP.\r\n"},
    {"XDEL s 1-1 9-9", ":1\r\n"},
    {"XTRIM s MAXLEN 1", ":1\r\n"},
    {"XTRIM s MINID 9", ":1\r\n"},
    {"XTRIM s MAXLEN ~ 0 LIMIT 1", ":0\r\n"},
    {"XTRIM none MAXLEN 0", ":0\r\n"},
    {"XTRIM s FOO 0", "-ERR syntax error\r\n"},
    {"XLEN s", ":0\r\n"},
    {"EXISTS s", ":1\r\n"},
    {"XSETID s 9-9", "+OK\r\n"},
    {"XSETID s 9-9 ENTRIESADDED 40 MAXDELETEDID 10-1", "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id\r\n"},
    {"XSETID none 1-1", "-ERR no such key\r\n"},
    {"XGROUP DESTROY s g", ":1\r\n"},
    {"XGROUP DESTROY s g", ":0\r\n"},
    {"SET text v", "+OK\r\n"},
    {"XADD text * a b", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XLEN text", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XREAD STREAMS text 0", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XGROUP CREATE text g 0", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
};

/* As the manuals of Redis 7.4 and 8.2 have it. */
static const struct exchange about_references_of_streams[] = {
    {"XADD s 1-1 a 1", "$3\r\n1-1\r\n"},
    {"XADD s 1-2 a 2", "$3\r\n1-2\r\n"},
    {"XADD s 1-3 a 3", "$3\r\n1-3\r\n"},
    {"XADD s 1-4 a 4", "$3\r\n1-4\r\n"},
    {"XADD s 1-5 a 5", "$3\r\n1-5\r\n"},
    {"XGROUP CREATE s g 0", "+OK\r\n"},
    {"XGROUP CREATE s h 0", "+OK\r\n"},
    {"XREADGROUP GROUP g c COUNT 4 STREAMS s >", "*1\r\n*2\r\n$1\r\ns\r\n*4\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$3\r\n1-2\r\n*2\r\n$1\r\na\r\n$1\r\n2\r\n*2\r\n$3\r\n1-3\r\n*2\r\n$1\r\na\r\n$1\r\n3\r\n*2\r\n$3\r\n1-4\r\n*2\r\n$1\r\na\r\n$1\r\n4\r\n"},
    {"XDELEX s KEEPREF IDS 2 1-1 9-9", "*2\r\n:1\r\n:-1\r\n"},
    {"XPENDING s g", "*4\r\n:4\r\n$3\r\n1-1\r\n$3\r\n1-4\r\n*1\r\n*2\r\n$1\r\nc\r\n$1\r\n4\r\n"},
    {"XDELEX s DELREF IDS 1 1-2", "*1\r\n:1\r\n"},
    {"XPENDING s g - + 10", "*3\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:0\r\n:1\r\n*4\r\n$3\r\n1-3\r\n$1\r\nc\r\n:0\r\n:1\r\n*4\r\n$3\r\n1-4\r\n$1\r\nc\r\n:0\r\n:1\r\n"},
    {"XDELEX s ACKED IDS 2 1-3 1-5", "*2\r\n:2\r\n:2\r\n"},
    {"XACK s g 1-3", ":1\r\n"},
    {"XDELEX s ACKED IDS 1 1-3", "*1\r\n:2\r\n"},
    {"XREADGROUP GROUP h c STREAMS s >", "*1\r\n*2\r\n$1\r\ns\r\n*3\r\n*2\r\n$3\r\n1-3\r\n*2\r\n$1\r\na\r\n$1\r\n3\r\n*2\r\n$3\r\n1-4\r\n*2\r\n$1\r\na\r\n$1\r\n4\r\n*2\r\n$3\r\n1-5\r\n*2\r\n$1\r\na\r\n$1\r\n5\r\n"},
    {"XACK s h 1-3 1-4", ":2\r\n"},
    {"XDELEX s ACKED IDS 1 1-3", "*1\r\n:1\r\n"},
    {"XDELEX none IDS 2 1-1 1-2", "*2\r\n:-1\r\n:-1\r\n"},
    {"XDELEX s IDS 0 1-1", "-ERR Number of IDs must be a positive integer\r\n"},
    {"XDELEX s IDS x 1-1", "-ERR Number of IDs must be a positive integer\r\n"},
    {"XDELEX s IDS 2 1-1", "-ERR The `numids` parameter must match the number of arguments\r\n"},
    {"XDELEX s FOO IDS 1 1-1", "-ERR syntax error\r\n"},
    {"XDELEX s IDS 1 x", "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XDELEX s IDS 1", "-ERR wrong number of arguments for 'xdelex' command\r\n"},
    {"XACKDEL s g IDS 2 1-4 9-9", "*2\r\n:1\r\n:-1\r\n"},
    {"XRANGE s - +", "*1\r\n*2\r\n$3\r\n1-5\r\n*2\r\n$1\r\na\r\n$1\r\n5\r\n"},
    {"XADD s 2-1 a 6", "$3\r\n2-1\r\n"},
    {"XREADGROUP GROUP g c STREAMS s >", "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-5\r\n*2\r\n$1\r\na\r\n$1\r\n5\r\n*2\r\n$3\r\n2-1\r\n*2\r\n$1\r\na\r\n$1\r\n6\r\n"},
    {"XACKDEL s g ACKED IDS 1 2-1", "*1\r\n:2\r\n"},
    {"XREADGROUP GROUP h c STREAMS s >", "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n2-1\r\n*2\r\n$1\r\na\r\n$1\r\n6\r\n"},
    {"XACKDEL s h ACKED IDS 2 2-1 1-5", "*2\r\n:1\r\n:2\r\n"},
    {"XACKDEL s g DELREF IDS 1 1-5", "*1\r\n:1\r\n"},
    {"XPENDING s h", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n"},
    {"XACKDEL s nope IDS 1 1-5", "*1\r\n:-1\r\n"},
    {"XACKDEL none g IDS 1 1-5", "*1\r\n:-1\r\n"},
    {"XACKDEL s g IDS 0 1-5", "-ERR Number of IDs must be a positive integer\r\n"},
    {"XACKDEL s g KEEPREF DELREF IDS 1 1-5", "-ERR syntax error\r\n"},
    {"XLEN s", ":0\r\n"},
    {"XADD s DELREF MAXLEN = 1 3-1 a 7", "$3\r\n3-1\r\n"},
    {"XREADGROUP GROUP g c STREAMS s >", "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n3-1\r\n*2\r\n$1\r\na\r\n$1\r\n7\r\n"},
    {"XADD s MAXLEN = 0 ACKED 3-2 a 8", "$3\r\n3-2\r\n"},
    {"XLEN s", ":2\r\n"},
    {"XTRIM s MAXLEN = 0 ACKED", ":0\r\n"},
    {"XACK s g 3-1", ":1\r\n"},
    {"XTRIM s MAXLEN = 0 KEEPREF", ":2\r\n"},
    {"XTRIM s KEEPREF MAXLEN = 0", ":0\r\n"},
    {"XREAD STREAMS s +", "*-1\r\n"},
    {"XADD s 4-1 last entry", "$3\r\n4-1\r\n"},
    {"XREAD STREAMS s +", "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n4-1\r\n*2\r\n$4\r\nlast\r\n$5\r\nentry\r\n"},
    {"XREAD COUNT 9 STREAMS none s + +", "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n4-1\r\n*2\r\n$4\r\nlast\r\n$5\r\nentry\r\n"},
    {"SET text v", "+OK\r\n"},
    {"XDELEX text IDS 1 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XACKDEL text g IDS 1 1-1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XINFO STREAM s FULL FOO", "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.\r\n"},
};

/* As the manuals of Redis 7.4 and 8.0 have it. */
static const struct exchange about_deadlines_of_fields[] = {
    {"HSET h a 1 b 2 c 3", ":3\r\n"},
    {"HEXPIRE h 100 FIELDS 2 a x", "*2\r\n:1\r\n:-2\r\n"},
    {"HTTL h FIELDS 3 a b x", "*3\r\n:100\r\n:-1\r\n:-2\r\n"},
    {"HPEXPIRE h 100001 FIELDS 1 a", "*1\r\n:1\r\n"},
    {"HTTL h FIELDS 1 a", "*1\r\n:101\r\n"},
    {"HPTTL h FIELDS 2 a c", "*2\r\n:100001\r\n:-1\r\n"},
    {"OBJECT ENCODING h", "$10\r\nlistpackex\r\n"},
    {"HEXPIREAT h 70000000000 FIELDS 1 a", "*1\r\n:1\r\n"},
    {"HEXPIRETIME h FIELDS 2 a b", "*2\r\n:70000000000\r\n:-1\r\n"},
    {"HPEXPIREAT h 70000000000001 FIELDS 1 a", "*1\r\n:1\r\n"},
    {"HPEXPIRETIME h FIELDS 1 a", "*1\r\n:70000000000001\r\n"},
    {"HEXPIRETIME h FIELDS 1 a", "*1\r\n:70000000001\r\n"},
    {"HEXPIRE h 100 NX FIELDS 2 a b", "*2\r\n:0\r\n:1\r\n"},
    {"HEXPIRE h 200 XX FIELDS 2 b c", "*2\r\n:1\r\n:0\r\n"},
    {"HEXPIRE h 100 GT FIELDS 2 b c", "*2\r\n:0\r\n:0\r\n"},
    {"HEXPIRE h 100 lt fields 2 b c", "*2\r\n:1\r\n:1\r\n"},
    {"HPERSIST h FIELDS 3 c a x", "*3\r\n:1\r\n:1\r\n:-2\r\n"},
    {"HPERSIST h FIELDS 1 a", "*1\r\n:-1\r\n"},
    {"HGETALL h", "*6\r\n$1\r\nb\r\n$1\r\n2\r\n$1\r\nc\r\n$1\r\n3\r\n$1\r\na\r\n$1\r\n1\r\n"},
    {"HEXPIRE h 0 FIELDS 2 c x", "*2\r\n:2\r\n:-2\r\n"},
    {"HKEYS h", "*2\r\n$1\r\nb\r\n$1\r\na\r\n"},
    {"HSET h b 3", ":0\r\n"},
    {"HTTL h FIELDS 1 b", "*1\r\n:-1\r\n"},
    {"HEXPIRE none 100 FIELDS 2 a b", "*2\r\n:-2\r\n:-2\r\n"},
    {"HTTL none FIELDS 1 a", "*1\r\n:-2\r\n"},
    {"HPERSIST none FIELDS 1 a", "*1\r\n:-2\r\n"},
    {"HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0\r\n"},
    {"HEXPIRE h x FIELDS 1 a", "-ERR value is not an integer or out of range\r\n"},
    {"HEXPIRE h 70368744177 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command\r\n"},
    {"HPEXPIREAT h 70368744177664 FIELDS 1 a", "-ERR invalid expire time in 'hpexpireat' command\r\n"},
    {"HPEXPIREAT h 70368744177663 FIELDS 1 a", "*1\r\n:1\r\n"},
    {"HEXPIRE h 1 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0\r\n"},
    {"HEXPIRE h 1 FIELDS 2 a", "-ERR The `numfields` parameter must match the number of arguments\r\n"},
    {"HEXPIRE h 1 FOO 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n"},
    {"HEXPIRE h 1 NX FOO 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n"},
    {"HTTL h FIELDS 0 a", "-ERR Number of fields must be a positive integer\r\n"},
    {"HTTL h FIELDS 2 a", "-ERR The `numfields` parameter must match the number of arguments\r\n"},
    {"HTTL h a b 2", "-ERR Mandatory argument FIELDS is missing or not at the right position\r\n"},
    {"HTTL h FIELDS 1", "-ERR wrong number of arguments for 'httl' command\r\n"},
    {"HGETEX h FIELDS 2 a x", "*2\r\n$1\r\n1\r\n$-1\r\n"},
    {"HGETEX h EX 100 FIELDS 1 b", "*1\r\n$1\r\n3\r\n"},
    {"HTTL h FIELDS 1 b", "*1\r\n:100\r\n"},
    {"HGETEX h PERSIST FIELDS 1 b", "*1\r\n$1\r\n3\r\n"},
    {"HTTL h FIELDS 1 b", "*1\r\n:-1\r\n"},
    {"HGETEX h PXAT 1 FIELDS 1 b", "*1\r\n$1\r\n3\r\n"},
    {"HEXISTS h b", ":0\r\n"},
    {"HGETEX h EX FIELDS 1 b", "-ERR value is not an integer or out of range\r\n"},
    {"HGETEX none FIELDS 1 b", "*1\r\n$-1\r\n"},
    {"HSETEX h FIELDS 2 x 1 y 2", ":1\r\n"},
    {"HSETEX h EX 100 FIELDS 1 x 3", ":1\r\n"},
    {"HTTL h FIELDS 2 x y", "*2\r\n:100\r\n:-1\r\n"},
    {"HSETEX h KEEPTTL FIELDS 1 x 4", ":1\r\n"},
    {"HTTL h FIELDS 1 x", "*1\r\n:100\r\n"},
    {"HSETEX h FNX EX 5 FIELDS 2 x 1 z 1", ":0\r\n"},
    {"HSETEX h FXX EX 500 FIELDS 2 x 5 y 5", ":1\r\n"},
    {"HSETEX h FXX FIELDS 2 x 1 z 1", ":0\r\n"},
    {"HSETEX new FXX FIELDS 1 x 1", ":0\r\n"},
    {"EXISTS new", ":0\r\n"},
    {"HSETEX h PXAT 1 FIELDS 1 y 6", ":1\r\n"},
    {"HEXISTS h y", ":0\r\n"},
    {"HSETEX h FNX FXX FIELDS 1 x 1", "-ERR Only one of FXX or FNX arguments can be specified\r\n"},
    {"HSETEX h EX 1 KEEPTTL FIELDS 1 x 1", "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified\r\n"},
    {"HSETEX h FOO FIELDS 1 x 1", "-ERR unknown argument: FOO\r\n"},
    {"HSETEX h FIELDS 2 x 1", "-ERR wrong number of arguments for 'hsetex' command\r\n"},
    {"HSETEX h FIELDS 0 x 1", "-ERR invalid number of fields\r\n"},
    {"HSETEX h FIELDS 1 x", "-ERR wrong number of arguments for 'hsetex' command\r\n"},
    {"SET s v", "+OK\r\n"},
    {"HEXPIRE s x FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HTTL s FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HPERSIST s FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HGETEX s FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"HSETEX s FIELDS 1 a 1", "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
};

static const struct exchange about_keys[] = {
    {"MSET a 1 b 2 c 3", "+OK\r\n"},
    {"RPUSH l x", ":1\r\n"},
    {"EXISTS a a none", ":2\r\n"},
    {"TYPE a", "+string\r\n"},
    {"TYPE l", "+list\r\n"},
    {"TYPE none", "+none\r\n"},
    {"TOUCH a none", ":1\r\n"},
    {"DEL a none", ":1\r\n"},
    {"UNLINK b", ":1\r\n"},
    {"DBSIZE", ":2\r\n"},
    {"RENAME c d", "+OK\r\n"},
    {"RENAME none x", "-ERR no such key\r\n"},
    {"RENAME d d", "+OK\r\n"},
    {"RENAMENX d l", ":0\r\n"},
    {"RENAMENX d e", ":1\r\n"},
    {"RENAMENX e e", ":0\r\n"},
    {"COPY e f", ":1\r\n"},
    {"COPY e f", ":0\r\n"},
    {"COPY e f REPLACE", ":1\r\n"},
    {"COPY e e", "-ERR source and destination objects are the same\r\n"},
    {"COPY e g DB 99", "-ERR DB index is out of range\r\n"},
    {"COPY e g DB x", "-ERR value is not an integer or out of range\r\n"},
    {"COPY e g DB 3", ":1\r\n"},
    {"COPY e g FOO", "-ERR syntax error\r\n"},
    {"COPY none x", ":0\r\n"},
    {"MOVE e 1", ":1\r\n"},
    {"MOVE e 1", ":0\r\n"},
    {"MOVE f 0", "-ERR source and destination objects are the same\r\n"},
    {"MOVE f 99", "-ERR DB index is out of range\r\n"},
    {"MOVE f x", "-ERR value is not an integer or out of range\r\n"},
    {"SELECT 1", "+OK\r\n"},
    {"GET e", "$1\r\n3\r\n"},
    {"SELECT 0", "+OK\r\n"},
    {"EXPIRE f 100", ":1\r\n"},
    {"TTL f", ":100\r\n"},
    {"EXPIRE f 200 NX", ":0\r\n"},
    {"EXPIRE f 200 XX", ":1\r\n"},
    {"EXPIRE f 100 GT", ":0\r\n"},
    {"EXPIRE f 100 LT", ":1\r\n"},
    {"EXPIRE f 1 NX XX", "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n"},
    {"EXPIRE f 1 GT LT", "-ERR GT and LT options at the same time are not compatible\r\n"},
    {"EXPIRE f 1 FOO", "-ERR Unsupported option FOO\r\n"},
    {"EXPIRE f x", "-ERR value is not an integer or out of range\r\n"},
    {"EXPIRE f 9223372036854775807", "-ERR invalid expire time in 'expire' command\r\n"},
    {"EXPIRE none 1", ":0\r\n"},
    {"PERSIST f", ":1\r\n"},
    {"PERSIST f", ":0\r\n"},
    {"TTL f", ":-1\r\n"},
    {"TTL none", ":-2\r\n"},
    {"PTTL none", ":-2\r\n"},
    {"EXPIREAT f 33000000000", ":1\r\n"},
    {"EXPIRETIME f", ":33000000000\r\n"},
    {"PEXPIRETIME f", ":33000000000000\r\n"},
    {"PEXPIREAT f 33000000000001", ":1\r\n"},
    {"PEXPIRETIME f", ":33000000000001\r\n"},
    {"EXPIRETIME none", ":-2\r\n"},
    {"PERSIST f", ":1\r\n"},
    {"PEXPIRETIME f", ":-1\r\n"},
    {"EXPIRE f -1", ":1\r\n"},
    {"EXISTS f", ":0\r\n"},
    {"SET k v", "+OK\r\n"},
    {"PEXPIREAT k 1", ":1\r\n"},
    {"EXISTS k", ":0\r\n"},
    {"KEYS nothing*", "*0\r\n"},
    {"SCAN x", "-ERR invalid cursor\r\n"},
    {"SCAN 0 COUNT 0", "-ERR syntax error\r\n"},
    {"SCAN 0 COUNT x", "-ERR value is not an integer or out of range\r\n"},
    {"SCAN 0 MATCH", "-ERR syntax error\r\n"},
    {"SCAN 0 FOO 1", "-ERR syntax error\r\n"},
    {"SET i 123", "+OK\r\n"},
    {"OBJECT ENCODING i", "$3\r\nint\r\n"},
    {"OBJECT ENCODING none", "$-1\r\n"},
    {"OBJECT REFCOUNT l", ":1\r\n"},
    {"OBJECT FREQ i", "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.\r\n"},
    {"OBJECT FREQ none", "$-1\r\n"},
    {"OBJECT FOO i", "-ERR unknown subcommand 'FOO'. Try OBJECT HELP.\r\n"},
    {"OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command\r\n"},
    {"RANDOMKEY x", "-ERR wrong number of arguments for 'randomkey' command\r\n"},
    {"FLUSHDB FOO", "-ERR syntax error\r\n"},
    {"SWAPDB 0 1", "+OK\r\n"},
    {"EXISTS e", ":1\r\n"},
    {"SWAPDB 0 99", "-ERR DB index is out of range\r\n"},
    {"SWAPDB x 0", "-ERR invalid first DB index\r\n"},
    {"SWAPDB 0 x", "-ERR invalid second DB index\r\n"},
    {"FLUSHALL ASYNC", "+OK\r\n"},
    {"DBSIZE", ":0\r\n"},
    {"RANDOMKEY", "$-1\r\n"},
    {"KEYS *", "*0\r\n"},
    {"SCAN 0", "*2\r\n$1\r\n0\r\n*0\r\n"},
};

static const struct exchange about_server[] = {
    {"PING", "+PONG\r\n"},
    {"PING hello", "$5\r\nhello\r\n"},
    {"PING a b", "-ERR wrong number of arguments for 'ping' command\r\n"},
    {"ECHO hello", "$5\r\nhello\r\n"},
    {"ECHO", "-ERR wrong number of arguments for 'echo' command\r\n"},
    {"SELECT 99", "-ERR DB index is out of range\r\n"},
    {"SELECT x", "-ERR value is not an integer or out of range\r\n"},
    {"SELECT 3000000000", "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n"},
    {"AUTH x", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?\r\n"},
    {"AUTH default x", "+OK\r\n"},
    {"AUTH other x", "-WRONGPASS invalid username-password pair or user is disabled.\r\n"},
    {"AUTH a b c", "-ERR syntax error\r\n"},
    {"HELLO 4", "-NOPROTO unsupported protocol version\r\n"},
    {"HELLO x", "-ERR Protocol version is not an integer or out of range\r\n"},
    {"HELLO 2 FOO", "-ERR Syntax error in HELLO option 'FOO'\r\n"},
    {"HELLO 2 AUTH a", "-ERR Syntax error in HELLO option 'AUTH'\r\n"},
    {"HELLO 2 SETNAME \"a b\"", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
    {"CLIENT SETNAME \"a b\"", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n"},
    {"CLIENT SETNAME me", "+OK\r\n"},
    {"CLIENT GETNAME", "$2\r\nme\r\n"},
    {"CLIENT SETNAME \"\"", "+OK\r\n"},
    {"CLIENT GETNAME", "$-1\r\n"},
    {"CLIENT REPLY FOO", "-ERR syntax error\r\n"},
    {"CLIENT PAUSE x", "-ERR timeout is not an integer or out of range\r\n"},
    {"CLIENT PAUSE -1", "-ERR timeout is negative\r\n"},
    {"CLIENT PAUSE 1 FOO", "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n"},
    {"CLIENT UNBLOCK x", "-ERR value is not an integer or out of range\r\n"},
    {"CLIENT UNBLOCK 999", ":0\r\n"},
    {"CLIENT UNBLOCK 999 FOO", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n"},
    {"CLIENT KILL 1.2.3.4:5", "-ERR No such client\r\n"},
    {"CLIENT KILL ID x", "-ERR client-id should be greater than 0\r\n"},
    {"CLIENT KILL ID 999", ":0\r\n"},
    {"CLIENT KILL TYPE foo", "-ERR Unknown client type 'foo'\r\n"},
    {"CLIENT KILL USER foo", "-ERR No such user 'foo'\r\n"},
    {"CLIENT KILL FOO bar", "-ERR syntax error\r\n"},
    {"CLIENT KILL ID", "-ERR No such client\r\n"},
    {"CLIENT LIST TYPE foo", "-ERR Unknown client type 'foo'\r\n"},
    {"CLIENT LIST ID x", "-ERR Invalid client ID\r\n"},
    {"CLIENT LIST ID 999", "$0\r\n\r\n"},
    {"CLIENT LIST FOO", "-ERR syntax error\r\n"},
    {"CLIENT NO-EVICT on", "+OK\r\n"},
    {"CLIENT NO-EVICT x", "-ERR syntax error\r\n"},
    {"CLIENT FOO", "-ERR unknown subcommand 'FOO'. Try CLIENT HELP.\r\n"},
    {"CLIENT", "-ERR wrong number of arguments for 'client' command\r\n"},
    {"COMMAND GETKEYS MSET a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"COMMAND GETKEYS FOO x", "-ERR Invalid command specified\r\n"},
    {"COMMAND GETKEYS CONFIG GET x", "-ERR The command has no key arguments\r\n"},
    {"COMMAND GETKEYS LMPOP 0 a LEFT", "-ERR Invalid arguments specified for command\r\n"},
    {"COMMAND GETKEYSANDFLAGS SET k v", "*1\r\n*2\r\n$1\r\nk\r\n*2\r\n+OW\r\n+update\r\n"},
    {"COMMAND GETKEYSANDFLAGS SET k v GET", "*1\r\n*2\r\n$1\r\nk\r\n*3\r\n+RW\r\n+access\r\n+update\r\n"},
    {"COMMAND GETKEYSANDFLAGS LMOVE a b LEFT LEFT", "*2\r\n*2\r\n$1\r\na\r\n*3\r\n+RW\r\n+access\r\n+delete\r\n*2\r\n$1\r\nb\r\n*2\r\n+RW\r\n+insert\r\n"},
    {"COMMAND LIST FILTERBY PATTERN getd*", "*1\r\n$6\r\ngetdel\r\n"},
    {"COMMAND LIST FILTERBY FOO x", "-ERR syntax error\r\n"},
    {"COMMAND INFO get nosuch", "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n+@string\r\n+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\nbegin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n$-1\r\n"},
    {"COMMAND FOO", "-ERR unknown subcommand 'FOO'. Try COMMAND HELP.\r\n"},
    {"MEMORY USAGE none", "$-1\r\n"},
    {"MEMORY USAGE none SAMPLES x", "-ERR value is not an integer or out of range\r\n"},
    {"MEMORY USAGE none FOO 1", "-ERR syntax error\r\n"},
    {"SLOWLOG GET x", "-ERR count should be greater than or equal to -1\r\n"},
    {"SLOWLOG GET -2", "-ERR count should be greater than or equal to -1\r\n"},
    {"SLOWLOG FOO", "-ERR unknown subcommand 'FOO'. Try SLOWLOG HELP.\r\n"},
    {"SHUTDOWN FOO", "-ERR syntax error\r\n"},
    {"SHUTDOWN ABORT", "-ERR No shutdown in progress.\r\n"},
    {"SHUTDOWN SAVE NOSAVE", "-ERR syntax error\r\n"},
    {"FOO bar baz", "-ERR unknown command 'FOO', with args beginning with: 'bar' 'baz' \r\n"},
    {"foo \"a\\r\\nb\"", "-ERR unknown command 'foo', with args beginning with: 'a  b' \r\n"},
    {"QUITE", "-ERR unknown command 'QUITE', with args beginning with: \r\n"},
    {"RESET", "+RESET\r\n"},
    {"QUIT", "+OK\r\n"},
};

/* clang-format on */

/* In one session and one store, from an empty one on. */
static void assert_exchanges(const struct exchange *exchanges, size_t count)
{
    struct server server;
    server_open(&server);
    struct server_client *client = server_client(&server);
    for (size_t i = 0; i < count; i++) {
        const char *answer = say(&server, client, exchanges[i].line);
        ck_assert_msg(strcmp(answer, exchanges[i].answer) == 0, "%s\nanswers %s\nand not %s",
                      exchanges[i].line, answer, exchanges[i].answer);
    }
    server_close(&server);
}

START_TEST(strings_answer_as_redis_does)
{
    assert_exchanges(about_strings, sizeof about_strings / sizeof *about_strings);
}
END_TEST

START_TEST(bitmaps_answer_as_redis_does)
{
    assert_exchanges(about_bitmaps, sizeof about_bitmaps / sizeof *about_bitmaps);
}
END_TEST

START_TEST(hyperloglogs_answer_as_redis_does)
{
    assert_exchanges(about_hyperloglogs, sizeof about_hyperloglogs / sizeof *about_hyperloglogs);
}
END_TEST

START_TEST(lists_answer_as_redis_does)
{
    assert_exchanges(about_lists, sizeof about_lists / sizeof *about_lists);
}
END_TEST

START_TEST(hashes_answer_as_redis_does)
{
    assert_exchanges(about_hashes, sizeof about_hashes / sizeof *about_hashes);
}
END_TEST

/* The same after HELLO 3. */
static void assert_exchanges_in_resp3(const struct exchange *exchanges, size_t count)
{
    struct server server;
    server_open(&server);
    struct server_client *client = server_client(&server);
    (void)say(&server, client, "HELLO 3");
    for (size_t i = 0; i < count; i++)
        assert_says(client, exchanges[i].line, exchanges[i].answer);
    server_close(&server);
}

START_TEST(deadlines_of_fields_answer_as_redis_does)
{
    assert_exchanges(about_deadlines_of_fields,
                     sizeof about_deadlines_of_fields / sizeof *about_deadlines_of_fields);
}
END_TEST

START_TEST(hashes_answer_in_resp3_as_redis_does)
{
    assert_exchanges_in_resp3(about_hashes_in_resp3,
                              sizeof about_hashes_in_resp3 / sizeof *about_hashes_in_resp3);
}
END_TEST

START_TEST(sets_answer_as_redis_does)
{
    assert_exchanges(about_sets, sizeof about_sets / sizeof *about_sets);
}
END_TEST

START_TEST(sets_answer_in_resp3_as_redis_does)
{
    assert_exchanges_in_resp3(about_sets_in_resp3,
                              sizeof about_sets_in_resp3 / sizeof *about_sets_in_resp3);
}
END_TEST

START_TEST(streams_answer_as_redis_does)
{
    assert_exchanges(about_streams, sizeof about_streams / sizeof *about_streams);
}
END_TEST

START_TEST(references_of_streams_answer_as_redis_does)
{
    assert_exchanges(about_references_of_streams,
                     sizeof about_references_of_streams / sizeof *about_references_of_streams);
}
END_TEST

START_TEST(keys_answer_as_redis_does)
{
    assert_exchanges(about_keys, sizeof about_keys / sizeof *about_keys);
}
END_TEST

START_TEST(server_answer_as_redis_does)
{
    assert_exchanges(about_server, sizeof about_server / sizeof *about_server);
}
END_TEST

#if LDBL_MAX_10_EXP > 4000
#define WIDE "-ERR timeout is negative\r\n"
#else
#define WIDE "-ERR timeout is not a float or out of range\r\n"
#endif

/* Redis reads them as long double, and what no int64_t holds becomes the smallest. */
static const struct exchange timeouts[] = {
    {"BLPOP none 1e400", WIDE},
    {"BLPOP none 1E+4000", WIDE},
    {"BLPOP none -1e400", WIDE},
    {"BLPOP none 1e5000", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none 1e", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none 1e400x", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none 1e99999999999999999999", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none e400", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none infe400", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none 1e19", "-ERR timeout is negative\r\n"},
    {"BLPOP none 0x1p16383", WIDE},
    {"BLPOP none 1,5", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none \"1 \"", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none \" 1\"", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none nan", "-ERR timeout is not a float or out of range\r\n"},
    {"BLPOP none inf", "-ERR timeout is negative\r\n"},
    {"BLPOP none 9223372036854775.8075", "-ERR timeout is negative\r\n"},
    {"BLPOP none 9223372036854775.808", "-ERR timeout is negative\r\n"},
    {"BLPOP none 9223372036854776", "-ERR timeout is negative\r\n"},
    {"BLPOP none -0.0011", "-ERR timeout is negative\r\n"},
    {"RPUSH q a b c d e f g h", ":8\r\n"},
    {"BLPOP q -0.0005", "*2\r\n$1\r\nq\r\n$1\r\na\r\n"},
    {"BLMOVE q p LEFT RIGHT 0x.8", "$1\r\nb\r\n"},
    {"BLMPOP 0x1p3 1 q LEFT", "*2\r\n$1\r\nq\r\n*1\r\n$1\r\nc\r\n"},
    {"BLPOP q .5", "*2\r\n$1\r\nq\r\n$1\r\nd\r\n"},
#if LDBL_MANT_DIG >= 64
    {"BLPOP q 9223372036854775.807", "*2\r\n$1\r\nq\r\n$1\r\ne\r\n"},
    {"BLMOVE q p LEFT RIGHT 9223372036854775.8069", "$1\r\nf\r\n"},
    {"BLMPOP -0.001 1 q LEFT", "*2\r\n$1\r\nq\r\n*1\r\n$1\r\ng\r\n"},
    {"BLPOP q 1e-4940", "*2\r\n$1\r\nq\r\n$1\r\nh\r\n"},
#endif
};

START_TEST(timeouts_are_read_as_redis_reads_them)
{
    assert_exchanges(timeouts, sizeof timeouts / sizeof *timeouts);
}
END_TEST

START_TEST(the_tier_is_not_told)
{
    struct server server;
    server_open(&server);
    struct server_client *client = server_client(&server);
    const char *docs = say(&server, client, "COMMAND DOCS echo");
    ck_assert_ptr_nonnull(strstr(docs, "$5\r\ngroup\r\n$10\r\nconnection\r\n$10\r\ncomplexity"));
    ck_assert_ptr_null(strstr(say(&server, client, "COMMAND DOCS"), "tier"));
    assert_says(
        client, "COMMAND INFO echo",
        "*1\r\n*10\r\n$4\r\necho\r\n:2\r\n*3\r\n+loading\r\n+stale\r\n+fast\r\n:0\r\n:0\r\n:0\r\n"
        "*2\r\n+@fast\r\n+@connection\r\n*0\r\n*0\r\n*0\r\n");
    server_close(&server);
}
END_TEST

START_TEST(time_is_that_of_the_store)
{
    struct server server;
    server_open(&server);
    struct server_client *client = server_client(&server);
    server.now_ms = 1700000000123;
    assert_says(client, "TIME", "*2\r\n$10\r\n1700000000\r\n$6\r\n123000\r\n");
    server_close(&server);
}
END_TEST

START_TEST(docs_name_what_set_has_of_later_versions)
{
    struct server server;
    server_open(&server);
    struct server_client *client = server_client(&server);
    const char *docs = say(&server, client, "COMMAND DOCS set");
    ck_assert_ptr_nonnull(strstr(docs, "$16\r\ncomparison-value\r\n"));
    ck_assert_ptr_nonnull(strstr(docs, "$5\r\ntoken\r\n$4\r\nIFEQ\r\n"));
    assert_says(client, "SET k a", "+OK\r\n");
    assert_says(client, "SET k b IFEQ c", "$-1\r\n");
    assert_says(client, "SET k b IFEQ a", "+OK\r\n");
    server_close(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("commands");
    TCase *tests = tcase_create("commands");
    tcase_set_timeout(tests, 60); /* on a busy machine, with sanitizers */
    tcase_add_test(tests, strings_answer_as_redis_does);
    tcase_add_test(tests, bitmaps_answer_as_redis_does);
    tcase_add_test(tests, hyperloglogs_answer_as_redis_does);
    tcase_add_test(tests, lists_answer_as_redis_does);
    tcase_add_test(tests, hashes_answer_as_redis_does);
    tcase_add_test(tests, hashes_answer_in_resp3_as_redis_does);
    tcase_add_test(tests, sets_answer_as_redis_does);
    tcase_add_test(tests, sets_answer_in_resp3_as_redis_does);
    tcase_add_test(tests, deadlines_of_fields_answer_as_redis_does);
    tcase_add_test(tests, streams_answer_as_redis_does);
    tcase_add_test(tests, references_of_streams_answer_as_redis_does);
    tcase_add_test(tests, keys_answer_as_redis_does);
    tcase_add_test(tests, server_answer_as_redis_does);
    tcase_add_test(tests, timeouts_are_read_as_redis_reads_them);
    tcase_add_test(tests, the_tier_is_not_told);
    tcase_add_test(tests, time_is_that_of_the_store);
    tcase_add_test(tests, docs_name_what_set_has_of_later_versions);
    suite_add_tcase(suite, tests);
    return server_main(suite);
}
