/* What minisign's three kinds of file have in common: comment lines, and lines of base64. For the key and
   signature sources alone. */
#ifndef RELEVO_COMMON_CORE_KEY_FILE_H
#define RELEVO_COMMON_CORE_KEY_FILE_H

#include "common/core/text.h"

#define UNTRUSTED_COMMENT "untrusted comment: "
#define TRUSTED_COMMENT "trusted comment: "

enum { UNTRUSTED_COMMENT_MOST = 1024, TRUSTED_COMMENT_MOST = 8192 };

/* Takes the next line off `rest`, without its LF. False where there is no byte left. `ret_ended` (may be
   NULL) says whether the LF was there. */
bool key_file_line (struct bytes *rest, struct bytes *ret_line, bool *ret_ended);

/* The line begins with `prefix`, and `most` bytes at most follow. */
bool key_file_comment (struct bytes line, const char *prefix, size_t most, struct bytes *ret_comment);

/* Exactly `size` bytes as the one base64 text that stands for them. */
bool key_file_decode (struct bytes line, uint8_t *ret, size_t size);

#endif
