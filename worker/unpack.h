/*
 * unpack - a zip archive into a folder, as a process of its own that may do
 * nothing else: own user, no network, the folder as its root, limits on CPU
 * time and bytes.
 *
 * Refused: what is not a zip (ERR_INVALID), more bytes or entries than
 * allowed (ERR_TOO_LARGE), and what no honest archive holds (ERR_DENIED):
 * names and links that lead out, devices, set-id bits.
 */
#ifndef WORKER_UNPACK_H
#define WORKER_UNPACK_H

#include "worker/spec.h"

#define UNPACK_ARCHIVE_FD 4
#define UNPACK_FOLDER_FD 5
/* With most_entries 0 the bytes are not looked at, and go in there. */
#define UNPACK_RAW_NAME "memory"

/* Sends a REPORT_UNPACKED; fails only if the process cannot be locked in. */
int unpack_main(const struct spec *, struct err *);
/* The work alone.  *bytes is what was written. */
int unpack_archive(int archive, int folder, const struct spec *,
    uint64_t *bytes, struct err *);

#endif
