/*
 * base/attributes.h -- what the compiler can be told, and what it becomes where it cannot.
 *
 * Every macro degrades to plain C11 on an unknown compiler. Included, directly or not, by every
 * engine file before <assert.h>, because KV_DEBUG decides here whether asserts exist:
 *
 *     KV_DEBUG 0   release: no assert (NDEBUG), no checker
 *     KV_DEBUG 1   asserts; the *_check() walkers are compiled, for tests to call
 *     KV_DEBUG 2   also KV_CHECK(): structures are walked after every change
 */
#ifndef KV_BASE_ATTRIBUTES_H
#define KV_BASE_ATTRIBUTES_H

#ifndef KV_DEBUG
#define KV_DEBUG 0
#endif

/* The library never aborts its host, so an assert needs an explicit KV_DEBUG. */
#if KV_DEBUG == 0 && !defined(NDEBUG)
#define NDEBUG
#endif
#include <assert.h>

/*
 * Shared between engine files only: no symbol of its own once they are one file. A constant table
 * is declared with KV_INTERNAL_DATA and defined with KV_INTERNAL.
 */
#ifdef KV_AMALGAMATION
#define KV_INTERNAL      static
#define KV_INTERNAL_DATA static
#else
#define KV_INTERNAL
#define KV_INTERNAL_DATA extern
#endif

#if defined(__GNUC__) || defined(__clang__)
#define KV_UNUSED              __attribute__((unused))
#define KV_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define KV_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define KV_INLINE              static inline __attribute__((always_inline))
#define KV_NOINLINE            __attribute__((noinline))
#define KV_PREFETCH(p)         (__builtin_prefetch((p), 0, 3), attributes_stay())
#define KV_PREFETCH_WRITE(p)   (__builtin_prefetch((p), 1, 3), attributes_stay())
#define KV_NO_TSAN             __attribute__((no_sanitize("thread")))
#define KV_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define KV_UNUSED
#define KV_LIKELY(condition)   (condition)
#define KV_UNLIKELY(condition) (condition)
#define KV_INLINE              static inline
#define KV_NOINLINE
#define KV_PREFETCH(p)       ((void)(p))
#define KV_PREFETCH_WRITE(p) ((void)(p))
#define KV_NO_TSAN
#define KV_PRINTF(text, first)
#endif

/* Calls of a function that fetches only would be left out, as it has no effect but in time. */
#if defined(__GNUC__) || defined(__clang__)
KV_UNUSED KV_INLINE void attributes_stay(void)
{
    __asm__ volatile("" : :);
}
#endif

/* Runs a walker, `KV_CHECK(tree_check(tree))`, where KV_DEBUG asks for it. */
#if KV_DEBUG >= 2
#define KV_CHECK(call) (call)
#else
#define KV_CHECK(call) ((void)0)
#endif

/* The size of a cache line where it is not known better: every common x86 and most ARM. */
#define KV_CACHE_LINE 64

#endif
