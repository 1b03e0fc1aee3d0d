#include "common/io/sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "common/io/sandbox_part.h"

bool sandbox_failed (const char *act, struct error *error)
{
    return error_set (error, ERROR_SYSTEM, "sandbox: cannot %s: %s", act, strerror (errno));
}

bool sandbox_hide (struct error *error)
{
    return prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 || sandbox_failed ("keep its memory from others", error);
}

static bool gain_nothing (struct error *error)
{
    return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 || sandbox_failed ("set no_new_privs", error);
}

static bool dump_nothing (struct error *error)
{
    const struct rlimit none = {0, 0};
    return setrlimit (RLIMIT_CORE, &none) == 0 || sandbox_failed ("forbid core dumps", error);
}

bool sandbox_enter (const struct sandbox_options *options, int *ret_landlock, struct error *error)
{
    return sandbox_hide (error) && dump_nothing (error) && gain_nothing (error) &&
           sandbox_limit_files (options, ret_landlock, error) &&
           sandbox_limit_calls (options->network, error);
}

bool sandbox_keep_away (const char *const *paths, size_t path_count, int *ret_landlock, struct error *error)
{
    return sandbox_hide (error) && gain_nothing (error) &&
           sandbox_hide_files (paths, path_count, ret_landlock, error);
}
