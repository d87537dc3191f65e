/* What check.h needs of the fixed-width integers, on a system that has C99's header. */
#include <stdint.h>
