/* What the files face*.c share; nobody else's business. */
#ifndef RELEVO_TESTS_ATTACKS_FACE_PART_H
#define RELEVO_TESTS_ATTACKS_FACE_PART_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/attacks/face.h"

/* The one artefact. */
#define FACE_CONTENT "not even an archive"

/* Makes the first trust and fleet documents. */
void face_found (struct face *face);

#endif
