/* One well-formed message of every type, that would do something if its sender were allowed to send it. */
#ifndef RELEVO_TESTS_ATTACKS_PLAUSIBLE_H
#define RELEVO_TESTS_ATTACKS_PLAUSIBLE_H

#include "tests/attacks/face.h"

/* A struct of `type`, of class MESSAGE, in the face's arena. What hosts say is said by p3. */
void *plausible (struct face *face, const struct record_type *type);

#endif
