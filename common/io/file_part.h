/* What file.c and folder.c share; nobody else's business. */
#ifndef RELEVO_COMMON_IO_FILE_PART_H
#define RELEVO_COMMON_IO_FILE_PART_H

#include "common/core/error.h"

/* "PATH: cannot ACT: " and errno in words; its kind from errno. Always false. */
bool file_failed (const char *path, const char *act, struct error *error);

/* Syncs the folder in which `path` lies. */
bool folder_sync_of (const char *path, struct error *error);

#endif
