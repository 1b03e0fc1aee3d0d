#include "agent/io/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/privileges.h"
#include "proto/codec.h"

enum { KEY_FILE_MAX = 4096, CONNECTION_MAX = 16384, LOCK_TRIES = 20, LOCK_PAUSE_MS = 100 };

struct state_paths state_paths (const struct agent_config *config, struct arena *arena)
{
    const char *folder = config->state;
    return (struct state_paths){
        .folder = folder,
        .journal = path_join (arena, folder, "installer.journal"),
        .key = path_join (arena, folder, "installer.key"),
        .wire = path_join (arena, folder, "session.wire"),
        .connection = path_join (arena, folder, "connection"),
        .store = path_join (arena, folder, "store"),
        .spool = path_join (arena, folder, "spool"),
        .scratch = path_join (arena, folder, "scratch"),
        .lock = path_join (arena, folder, "lock")};
}

static bool give_spool (const char *spool, const char *user, struct error *error)
{
    struct privileges privileges;
    if (geteuid () != 0)
        return true;
    if (user[0] == '\0')
        return error_set (
            error, ERROR_INPUT,
            "started as root, the agent needs \"session_user: NAME\" in agent.yaml, so that the part that "
            "talks to the network has no rights");
    if (!privileges_find (user, &privileges, error))
        return false;
    if (lchown (spool, privileges.user, privileges.group) != 0)
        return error_set (error, ERROR_SYSTEM, "give %s to %s: %s", spool, user, strerror (errno));
    return true;
}

bool state_prepare (const struct state_paths *paths, const struct agent_config *config, struct error *error)
{
    return folder_make (paths->folder, 0700, error) && folder_make (paths->store, 0700, error) &&
           folder_remove (paths->scratch, error) && folder_make (paths->scratch, 0700, error) &&
           folder_make (paths->spool, 0700, error) && give_spool (paths->spool, config->session_user, error);
}

/* An agent that was killed holds its lock until the last of its memory and children is gone. */
static bool lock_soon (int descriptor)
{
    struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    int tries;
    for (tries = 0; tries < LOCK_TRIES; tries++) {
        if (flock (descriptor, LOCK_EX | LOCK_NB) == 0)
            return true;
        (void)nanosleep (&pause, NULL);
    }
    return false;
}

bool state_lock (const struct state_paths *paths, int *ret_descriptor, struct error *error)
{
    int descriptor;
    if (!folder_make (paths->folder, 0700, error))
        return false;
    descriptor = open (paths->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return error_set (error, ERROR_SYSTEM, "%s: %s", paths->lock, strerror (errno));
    if (!lock_soon (descriptor)) {
        (void)close (descriptor);
        return error_set (
            error, ERROR_CONFLICT, "another relevo-agent works with %s: stop it first", paths->folder);
    }
    *ret_descriptor = descriptor;
    return true;
}

static bool make_key (const char *path, struct error *error)
{
    static const uint8_t no_salt[KEY_SALT_SIZE];
    uint8_t seed[KEY_SEED_SIZE];
    uint8_t number[KEY_NUMBER_SIZE];
    struct secret_key key;
    struct buffer file = {0};
    bool good;
    random_fill (seed, sizeof seed);
    random_fill (number, sizeof number);
    secret_key_make (seed, number, &key);
    good = secret_key_print (&key, NULL, no_salt, &file, error) &&
           file_create (path, buffer_bytes (&file), 0600, error);
    secret_key_wipe (&key);
    sodium_memzero (seed, sizeof seed);
    if (file.data != NULL)
        sodium_memzero (file.data, file.size);
    buffer_free (&file);
    return good;
}

bool state_key (const struct state_paths *paths, bool make, struct secret_key *ret, struct error *error)
{
    struct arena arena = {0};
    struct bytes file = {0};
    bool good = file_exists (paths->key) || !make || make_key (paths->key, error);
    good = good && file_read_secret (paths->key, KEY_FILE_MAX, &arena, &file, error) &&
           (secret_key_parse (file, NULL, ret, error) || error_context (error, "%s", paths->key));
    file_wipe_secret (&file);
    arena_free (&arena);
    return good;
}

bool state_wire (const struct state_paths *paths, bool make, struct wire_pair *ret, struct error *error)
{
    struct wire_pair pair;
    bool good = true;
    if (make && !file_exists (paths->wire)) {
        wire_pair_make (&pair);
        good = wire_pair_write (paths->wire, &pair, error);
        wire_pair_wipe (&pair);
    }
    return good && wire_pair_read (paths->wire, ret, error);
}

bool state_connection_read (
    const struct state_paths *paths, struct arena *arena, struct connection *ret, struct error *error)
{
    struct bytes file;
    if (!file_exists (paths->connection))
        return error_set (
            error, ERROR_MISSING,
            "this host is not enrolled: run \"relevo-agent enrol --token TOKEN\" first");
    if (!file_read (paths->connection, CONNECTION_MAX, arena, &file, error))
        return false;
    return codec_decode (&connection_type, file, arena, ret, error) ||
           error_context (error, "%s", paths->connection);
}

bool state_connection_write (
    const struct state_paths *paths, const struct connection *connection, struct error *error)
{
    struct buffer file = {0};
    bool good = codec_encode (&connection_type, connection, &file, error) &&
                file_write (paths->connection, buffer_bytes (&file), 0600, error);
    buffer_free (&file);
    return good;
}
