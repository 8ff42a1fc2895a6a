/* Bytes that end where memory ends: reading one past them stops the test. And cutting a stream of
 * bytes into pieces in every way that matters. */
#ifndef HALFOPEN_TESTS_GUARDED_H
#define HALFOPEN_TESTS_GUARDED_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* A copy whose last byte is the last before a page that cannot be touched. */
uint8_t *guarded_copy(const void *bytes, size_t len);
void guarded_free(uint8_t *bytes, size_t len);

/* Writes down what a parser makes of bytes given in pieces: first, then step at a time. */
typedef void (*slice_reader)(const uint8_t *bytes, size_t len, size_t first, size_t step,
                             struct text *out);

/* Reads whole, one byte at a time and cut in two at every place, each from guarded memory. Returns
 * how many of these differ from the whole. */
size_t slices_that_differ(slice_reader, const void *bytes, size_t len);
/* The next piece: how many of left bytes, at position at. */
size_t slice_len(size_t at, size_t left, size_t first, size_t step);

#endif
