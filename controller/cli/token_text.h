/* Tokens as people pass them on: "relevo1." and base64url without padding. */
#ifndef RELEVO_CONTROLLER_CLI_TOKEN_TEXT_H
#define RELEVO_CONTROLLER_CLI_TOKEN_TEXT_H

#include "common/core/arena.h"
#include "common/core/error.h"
#include "proto/messages.h"

enum { TOKEN_SECRET_SIZE = 32 };

bool token_print (const struct token *token, struct arena *arena, char **ret, struct error *error);

#endif
