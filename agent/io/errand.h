/* Long work on files, done in a forked child, so that the installer's loop stays awake and a bug in an
   archive reader stays out of it. The child dies with its parent. What it leaves half-done is cleared away by
   the next try: every errand is idempotent. */
#ifndef RELEVO_AGENT_IO_ERRAND_H
#define RELEVO_AGENT_IO_ERRAND_H

#include "common/core/error.h"
#include "common/core/text.h"

/* Runs in the child. What it puts into `answer` reaches the parent. */
typedef bool (*errand_work) (void *context, struct buffer *answer, struct error *error);

struct errand;

/* `context` needs to live only until this returns. */
bool errand_start (errand_work work, void *context, struct errand **ret, struct error *error);
/* To poll for reading. */
int errand_descriptor (const struct errand *errand);
/* Never blocks. True when the child is over: then `ret_good` is its verdict and, where false, `error` why. */
bool errand_service (struct errand *errand, bool *ret_good, struct error *error);
/* What the work answered; lives as long as the errand. */
struct bytes errand_answer (const struct errand *errand);
/* Kills what still runs. */
void errand_free (struct errand **errand);

#endif
