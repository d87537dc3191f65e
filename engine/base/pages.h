/*
 * base/pages.h -- a store's pool of 4 KiB pages, carved from regions of 64 KiB.
 *
 * Owners of small blocks (base/memory.h) take pages from it and give them back, seldom enough for
 * one lock. The host sees allocations of one size only, just under 64 KiB, and gets each back when
 * the last of its pages is free. Where the host has no allocator of its own, what a store needs
 * beyond PAGES_BEFORE_CHUNKS comes out of larger chunks (base/chunks.h).
 */
#ifndef KV_BASE_PAGES_H
#define KV_BASE_PAGES_H

#include "base/alloc.h"
#include "base/attributes.h"
#include "base/chunks.h"
#include "base/lock.h"
#include "base/parts.h"

#include <stddef.h>
#include <stdint.h>

enum {
    PAGES_PAGE_SIZE = 4096,    /* also a page's alignment */
    PAGES_REGION_SIZE = 65536, /* also a region's alignment */
    PAGES_REGION_PAGES = PAGES_REGION_SIZE / PAGES_PAGE_SIZE,
    PAGES_BEFORE_CHUNKS = 128 /* regions: 8 MiB, to which a chunk of 2 MiB is little */
};

struct pages {
    struct alloc *alloc;
    struct parts *open;   /* the regions with a free page */
    size_t regions;       /* how many there are */
    size_t free;          /* free pages in them */
    struct chunks chunks; /* where some of them come from */
    struct lock lock;
};

KV_INTERNAL void pages_init(struct pages *pages, struct alloc *alloc);

/* A page at a multiple of 4096, contents undefined; NULL when there is no memory. */
KV_INTERNAL void *pages_get(struct pages *pages);

/* Gives a page back. */
KV_INTERNAL void pages_put(struct pages *pages, void *page);

/* How many bytes of `page` may be used: 4096, or a little less in the last page of a region. */
KV_INTERNAL size_t pages_usable(const void *page);

#if KV_DEBUG
/* Asserts the promises of pages.c. */
KV_INTERNAL KV_UNUSED void pages_check(struct pages *pages);
#endif

#endif
