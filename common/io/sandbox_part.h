/* What sandbox*.c share; nobody else's business. */
#ifndef RELEVO_COMMON_IO_SANDBOX_PART_H
#define RELEVO_COMMON_IO_SANDBOX_PART_H

#include "common/io/sandbox.h"

/* Landlock. `ret_abi`: 0 where the kernel has none; then nothing was done, and that is no error. */
bool sandbox_limit_files (const struct sandbox_options *options, int *ret_abi, struct error *error);
bool sandbox_hide_files (const char *const *paths, size_t count, int *ret_abi, struct error *error);

/* seccomp, for all threads. */
bool sandbox_limit_calls (enum sandbox_network network, struct error *error);

/* "cannot ACT: " and errno in words. Always false. */
bool sandbox_failed (const char *act, struct error *error);

/* A build with a sanitizer does more than the program it watches: it reads /proc and writes reports. Only
   such a build allows for that. */
#ifdef RELEVO_SANITIZED
#define SANDBOX_SANITIZED 1
#else
#define SANDBOX_SANITIZED 0
#endif

#endif
