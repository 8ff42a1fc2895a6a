/* The entry of libFuzzer; FUZZ names the function. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    FUZZ(bytes, len);
    return 0;
}
