/*
 * base/trig.h -- sine, cosine, arc sine and square root without the C library's.
 *
 * Results are the double nearest to the true value (all but one in some thousands, for which it is
 * the next one), whatever C library the host has; and a program that uses kvstore.c need not link
 * the mathematical one.
 */
#ifndef KV_BASE_TRIG_H
#define KV_BASE_TRIG_H

#include "base/attributes.h"

#define TRIG_PI 3.14159265358979323846

/* Of x in radians, at most 2 * pi from 0. */
KV_INTERNAL double trig_sin(double x);
KV_INTERNAL double trig_cos(double x);

/* The same to eleven digits in a fraction of the time. Of x at most pi / 2 from 0. */
KV_INTERNAL double trig_sin_roughly(double x);
KV_INTERNAL double trig_cos_roughly(double x);

/* Of x from 0 to 1: the angle, from 0 to pi / 2. Of more than 1 as of 1. */
KV_INTERNAL double trig_asin(double x);

/* Of x from 1e-250 to 1e300: of less 0, of more x itself: enough for lengths and angles. */
KV_INTERNAL double trig_sqrt(double x);

#endif
