/* Parsers under bytes nobody chose: what must hold whatever comes in is asserted. libFuzzer calls
 * one of them (make fuzz); the corpora in tests/fuzz/corpus/NAME run as unit tests. */
#ifndef HALFOPEN_TESTS_FUZZ_H
#define HALFOPEN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

void fuzz_frame(const uint8_t *bytes, size_t len);
void fuzz_http(const uint8_t *bytes, size_t len);
void fuzz_yaml(const uint8_t *bytes, size_t len);
void fuzz_trace(const uint8_t *bytes, size_t len);

#endif
