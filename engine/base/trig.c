/*
 * base/trig.c -- see trig.h.
 *
 * A `struct twin` is the unevaluated sum of two doubles, `high` being the sum rounded: about 106
 * bits. The first terms of the Taylor series, which decide the last bit of the result, are added up
 * as twins; those behind are so small that their errors as plain doubles do not matter.
 *
 * The exact operations rest on IEEE 754 doubles that are rounded to nearest at each step: not on
 * -ffast-math, and not on the 387, where results are still right to the last bit or two. Nor does a
 * compiler that joins products and sums (FMA) change more than the last bit.
 *
 * Source: Dekker, "A floating-point technique for extending the available precision", Numer. Math.
 * 1971, for the sums and products; the series are Taylor's.
 */
#include "base/trig.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct twin {
    double high, low;
};

/* -------------------------------------------------------------------------------------- exactly */

/* The sum of any two doubles; of two of which the first is not the lesser one. */
static struct twin twin_sum(double a, double b)
{
    double sum = a + b;
    double part = sum - a;
    return (struct twin){sum, (a - (sum - part)) + (b - part)};
}

static struct twin twin_ordered_sum(double a, double b)
{
    double sum = a + b;
    return (struct twin){sum, b - (sum - a)};
}

/* The 26 bits of a double that come first, and those behind. */
static struct twin twin_halves(double a)
{
    uint64_t bits;
    double high;
    memcpy(&bits, &a, sizeof bits);
    bits &= ~((UINT64_C(1) << 27) - 1);
    memcpy(&high, &bits, sizeof high);
    return (struct twin){high, a - high};
}

static struct twin twin_product(double a, double b)
{
    double product = a * b;
    struct twin x = twin_halves(a), y = twin_halves(b);
    double error = ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low;
    return (struct twin){product, error};
}

/* ------------------------------------------------------------------------------- nearly exactly */

static struct twin twin_add(struct twin a, struct twin b)
{
    struct twin sum = twin_sum(a.high, b.high);
    return twin_ordered_sum(sum.high, sum.low + (a.low + b.low));
}

static struct twin twin_multiply(struct twin a, struct twin b)
{
    struct twin product = twin_product(a.high, b.high);
    return twin_ordered_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}

static struct twin twin_of(double a)
{
    return (struct twin){a, 0};
}

static struct twin twin_negative(struct twin a)
{
    return (struct twin){-a.high, -a.low};
}

/* Whether it is so small that only the first term of a series has to be a twin. */
static bool twin_is_tiny(struct twin a)
{
    return a.high > -1.0 / 64 && a.high < 1.0 / 64;
}

/* ------------------------------------------------------------------------------ sine and cosine */

/* 1/3!, 1/5!, 1/4! and pi/2, each with what its double lacks. */
static const struct twin trig_third = {0.16666666666666666, 9.25185853854297e-18};
static const struct twin trig_fifth = {0.008333333333333333, 1.1564823173178714e-19};
static const struct twin trig_fourth = {0.041666666666666664, 2.3129646346357427e-18};
static const struct twin trig_right = {1.5707963267948966, 6.123233995736766e-17};
static const double trig_right_rest = -1.4973849048591833e-33;

/*
 * The sine of r, at most pi/4 from 0:  r - r^3 (1/3! - r^2 (1/5! - r^2 (1/7! - ...))).
 */
static struct twin trig_sin_small(struct twin r)
{
    if (twin_is_tiny(r)) {
        double square = r.high * r.high;
        double less = 1.0 / 6 - square * (1.0 / 120 - square * (1.0 / 5040 - square / 362880));
        return twin_ordered_sum(r.high, r.low - r.high * square * less);
    }
    struct twin square = twin_multiply(r, r);
    double z = square.high;
    /* 1/7! - z/9! + ... - z^6/19! */
    double rest = 1.984126984126984e-4 -
                  z * (2.7557319223985893e-6 -
                       z * (2.505210838544172e-8 -
                            z * (1.6059043836821613e-10 -
                                 z * (7.647163731819816e-13 -
                                      z * (2.8114572543455206e-15 - z * 8.22063524662433e-18)))));
    struct twin sum = twin_add(trig_fifth, twin_negative(twin_product(z, rest)));
    sum = twin_add(trig_third, twin_negative(twin_multiply(square, sum)));
    return twin_add(r, twin_negative(twin_multiply(twin_multiply(square, r), sum)));
}

/* The cosine of the same:  1 - r^2 (1/2! - r^2 (1/4! - r^2 (1/6! - ...))). */
static struct twin trig_cos_small(struct twin r)
{
    struct twin square = twin_multiply(r, r);
    double z = square.high;
    /* 1/6! - z/8! + ... + z^7/20! */
    double rest =
        1.388888888888889e-3 -
        z * (2.48015873015873e-5 -
             z * (2.755731922398589e-7 -
                  z * (2.08767569878681e-9 -
                       z * (1.1470745597729725e-11 -
                            z * (4.779477332387385e-14 -
                                 z * (1.5619206968586225e-16 - z * 4.110317623312165e-19))))));
    struct twin sum = twin_add(trig_fourth, twin_negative(twin_product(z, rest)));
    sum = twin_add(twin_of(0.5), twin_negative(twin_multiply(square, sum)));
    return twin_add(twin_of(1), twin_negative(twin_multiply(square, sum)));
}

/* x less a whole number of right angles, at most half of one from 0; that number modulo 4. */
static struct twin trig_reduce(double x, unsigned *quadrant)
{
    int angles = (int)(x / trig_right.high + (x < 0 ? -0.5 : 0.5));
    struct twin rest = twin_of(x);
    *quadrant = (unsigned)angles & 3;
    if (angles == 0) return rest;
    rest = twin_add(rest, twin_negative(twin_product(angles, trig_right.high)));
    rest = twin_add(rest, twin_negative(twin_product(angles, trig_right.low)));
    return twin_add(rest, twin_of(-angles * trig_right_rest));
}

static struct twin trig_sin_twin(double x)
{
    unsigned quadrant;
    struct twin r = trig_reduce(x, &quadrant);
    struct twin sine = (quadrant & 1) != 0 ? trig_cos_small(r) : trig_sin_small(r);
    return (quadrant & 2) != 0 ? twin_negative(sine) : sine;
}

KV_INTERNAL double trig_sin(double x)
{
    return trig_sin_twin(x).high;
}

KV_INTERNAL double trig_cos(double x)
{
    unsigned quadrant;
    struct twin r = trig_reduce(x, &quadrant);
    struct twin cosine = (quadrant & 1) != 0 ? trig_sin_small(r) : trig_cos_small(r);
    bool is_negative = quadrant == 1 || quadrant == 2;
    return is_negative ? -cosine.high : cosine.high;
}

/* Taylor's series up to what the eleventh digit takes. */
KV_INTERNAL double trig_sin_roughly(double x)
{
    double z = x * x;
    return x * (1 - z * (1.0 / 6 -
                         z * (1.0 / 120 - z * (1.984126984126984e-4 -
                                               z * (2.7557319223985893e-6 -
                                                    z * (2.505210838544172e-8 -
                                                         z * (1.6059043836821613e-10 -
                                                              z * 7.647163731819816e-13)))))));
}

KV_INTERNAL double trig_cos_roughly(double x)
{
    double z = x * x;
    return 1 - z * (0.5 - z * (1.0 / 24 - z * (1.388888888888889e-3 -
                                               z * (2.48015873015873e-5 -
                                                    z * (2.755731922398589e-7 -
                                                         z * (2.08767569878681e-9 -
                                                              z * (1.1470745597729725e-11 -
                                                                   z * 4.779477332387385e-14)))))));
}

/* --------------------------------------------------------------------------- roots and arc sine */

/* Beyond these limits the exact operations would lose bits. */
#define TRIG_ROOT_MIN 1e-250
#define TRIG_ROOT_MAX 1e300

/* The square root: Newton's method from one with half the exponent, the last step exactly. */
static struct twin trig_sqrt_twin(double x)
{
    uint64_t bits;
    double root;
    if (x < TRIG_ROOT_MIN) return twin_of(0);
    if (x > TRIG_ROOT_MAX) return twin_of(x); /* infinite, or as good as that */
    memcpy(&bits, &x, sizeof bits);
    bits = (bits >> 1) + UINT64_C(0x1ff7a3bea91d9b1b);
    memcpy(&root, &bits, sizeof root);
    for (int i = 0; i < 4; i++) root = 0.5 * (root + x / root); /* 5, 10, 20, 40, 53 bits */
    struct twin error = twin_add(twin_of(x), twin_negative(twin_product(root, root)));
    return twin_ordered_sum(root, error.high / (2 * root));
}

KV_INTERNAL double trig_sqrt(double x)
{
    return trig_sqrt_twin(x).high;
}

/*
 * The arc sine of an `a` up to sqrt(1/2): a polynomial, right to seven digits, and one step of
 * Halley's method, exactly.
 */
static struct twin trig_asin_small(struct twin a)
{
    double x = a.high, z = x * x;
    if (twin_is_tiny(a)) {
        double more = 1.0 / 6 + z * (3.0 / 40 + z * (15.0 / 336 + z * (105.0 / 3456)));
        return twin_ordered_sum(x, a.low + x * z * more);
    }
    /* Interpolates asin(sqrt z) / sqrt z at the Chebyshev points between 0 and 1/2. */
    double angle =
        x * (1.00000008 +
             z * (0.166650979 +
                  z * (0.0754907417 +
                       z * (0.0390137921 +
                            z * (0.0601242776 + z * (-0.0535424837 + z * 0.0999071056))))));
    struct twin sine = trig_sin_small(twin_of(angle));
    double cosine = trig_cos_roughly(angle);
    double step = twin_add(a, twin_negative(sine)).high / cosine;
    return twin_sum(angle, step + step * step * sine.high / (2 * cosine));
}

KV_INTERNAL double trig_asin(double x)
{
    if (x <= 0.7) return trig_asin_small(twin_of(x)).high;
    if (x >= 1) return trig_right.high;
    /* asin x = pi/2 - 2 asin sqrt((1 - x) / 2) */
    struct twin half = trig_asin_small(trig_sqrt_twin((1 - x) / 2));
    struct twin twice = {-2 * half.high, -2 * half.low};
    return twin_add(trig_right, twice).high;
}
