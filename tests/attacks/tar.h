/* Archives by hand, so that they can hold what no honest tool would write. */
#ifndef RELEVO_TESTS_ATTACKS_TAR_H
#define RELEVO_TESTS_ATTACKS_TAR_H

#include "common/core/text.h"

enum tar_kind { TAR_FILE = '0', TAR_HARD_LINK = '1', TAR_LINK = '2', TAR_DEVICE = '3', TAR_FOLDER = '5' };

/* Appends one entry in ustar format, whatever its name is (at most 99 bytes). `target` of links, else "". */
void tar_add (
    struct buffer *out, enum tar_kind kind, const char *name, const char *target, unsigned mode,
    struct bytes data);
/* The two empty blocks at the end. */
void tar_end (struct buffer *out);

#endif
