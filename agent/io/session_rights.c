#include "agent/io/session_rights.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/io/sandbox.h"

enum { PORTS = 2, PORT_MOST = 65535 };

/* What libc reads to find a host by its name. */
static const char *const reads[] = {"/etc/resolv.conf", "/etc/hosts",    "/etc/nsswitch.conf",
                                    "/etc/host.conf",   "/etc/gai.conf", "/etc/services",
                                    "/etc/protocols"};

#define READ_COUNT (sizeof reads / sizeof reads[0])

static_assert (READ_COUNT <= SESSION_READS, "all have their place");

static struct file_identity identity_of (const char *path)
{
    struct stat status;
    struct file_identity identity = {0};
    if (stat (path, &status) == 0)
        identity = (struct file_identity){status.st_dev, status.st_ino};
    return identity;
}

static bool port_of (const char *endpoint, uint16_t *ret, struct error *error)
{
    const char *colon = strrchr (endpoint, ':');
    char *end = NULL;
    unsigned long port = colon == NULL ? 0 : strtoul (colon + 1, &end, 10);
    if (port == 0 || port > PORT_MOST || *end != '\0')
        return error_set (
            error, ERROR_INPUT,
            "the controller's address \"%s\" does not end with a port: enrol this host again", endpoint);
    *ret = (uint16_t)port;
    return true;
}

bool session_rights_enter (
    struct session_rights *ret, const char *spool, const struct connection *connection, struct error *error)
{
    struct sandbox_path paths[READ_COUNT + 1] = {{spool, SANDBOX_CHANGE}};
    uint16_t ports[PORTS];
    const struct sandbox_options options = {
        .network = SANDBOX_CONNECTS,
        .ports = ports,
        .port_count = PORTS,
        .paths = paths,
        .path_count = READ_COUNT + 1};
    if (!port_of (connection->agents, &ports[0], error) || !port_of (connection->publish, &ports[1], error))
        return false;
    *ret = (struct session_rights){0};
    for (size_t i = 0; i < READ_COUNT; i++) {
        paths[i + 1] = (struct sandbox_path){reads[i], SANDBOX_READ};
        ret->reads[i] = identity_of (reads[i]);
    }
    return sandbox_enter (&options, &ret->landlock, error);
}

bool session_rights_are_stale (const struct session_rights *rights, struct error *why)
{
    for (size_t i = 0; rights->landlock > 0 && i < READ_COUNT; i++) {
        struct file_identity now = identity_of (reads[i]);
        if (now.number != rights->reads[i].number || now.device != rights->reads[i].device) {
            (void)error_set (
                why, ERROR_CONFLICT, "%s was replaced: the session begins anew, to read it", reads[i]);
            return true;
        }
    }
    return false;
}
