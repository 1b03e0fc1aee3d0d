/* STAGE: artefacts are unpacked into releases/NAME.partial, synced, and renamed to releases/NAME. So a folder
   without ".partial" is always complete.

   Unpacked are tar (plain, gzip, bzip2, xz, lzma, zstd, lz4), zip, and .deb, whose data archive is read
   without its scripts. Files belong to whoever runs the installer, never to owners that an archive names. */
#ifndef RELEVO_AGENT_IO_STAGE_H
#define RELEVO_AGENT_IO_STAGE_H

#include "common/core/error.h"
#include "proto/messages.h"

struct stage_limits {
    uint64_t most_entries;
    uint64_t most_bytes; /* unpacked, of all artefacts together */
};

extern const struct stage_limits stage_limits_default;

/* `releases` is made where missing. `name` is one path component. A folder of that name is taken as done. */
bool stage (
    const char *releases, const char *name, const char *store, const struct artifact *artifacts, size_t count,
    const struct stage_limits *limits, struct error *error);

#endif
