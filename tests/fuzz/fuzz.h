/*
 * fuzz - one parser fed with bytes.  With libFuzzer a target is linked alone;
 * with any compiler replay.c feeds it the corpus and mutations of it.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Must not crash, leak or run long, whatever the bytes are. */
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#endif
