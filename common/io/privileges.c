#include "common/io/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

bool privileges_find (const char *user, struct privileges *ret, struct error *error)
{
    const struct passwd *entry;
    errno = 0;
    entry = getpwnam (user);
    if (entry == NULL)
        return error_set (
            error, ERROR_MISSING,
            "there is no user \"%s\" on this host%s%s: make one with \"useradd --system %s\"", user,
            errno != 0 ? ": " : "", errno != 0 ? strerror (errno) : "", user);
    if (entry->pw_uid == 0)
        return error_set (error, ERROR_INPUT, "\"%s\" is root itself: choose a user without rights", user);
    *ret = (struct privileges){entry->pw_uid, entry->pw_gid};
    return true;
}

bool privileges_drop (const struct privileges *privileges, struct error *error)
{
    if (geteuid () == 0) {
        gid_t group = privileges->group;
        uid_t user = privileges->user;
        if (setgroups (0, NULL) != 0 || setresgid (group, group, group) != 0 ||
            setresuid (user, user, user) != 0)
            return error_set (error, ERROR_SYSTEM, "give up root's rights: %s", strerror (errno));
        if (setuid (0) == 0 || geteuid () != user || getegid () != group)
            return error_set (error, ERROR_SYSTEM, "root's rights are still there after giving them up");
    }
    if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set (error, ERROR_SYSTEM, "set no_new_privs: %s", strerror (errno));
    return true;
}
