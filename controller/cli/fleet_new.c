#include "controller/cli/fleet_new.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>
#include <stdlib.h>

#include "common/core/trust.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"
#include "controller/cli/new_key.h"

enum { DAYS_VALID = 365, PORT_MAX = 65532, PORTS = 3, CONTROLLER_NAMES = 1, PUBLIC_MODE = 0644 };

#define CONTROLLER_KEY "controller"

/* The keys while they are being made: each name once, whatever roles it has. An SSH key has no secret here.
 */
struct makings {
    const struct fleet_new *wanted;
    struct arena *arena;
    struct trust_key *keys;
    struct secret_key *secrets;
    size_t count;
    struct wire_pair server;
    struct wire_pair person;
};

static bool role_names_key (const struct fleet_role *role, const char *name)
{
    for (size_t i = 0; i < role->key_count; i++)
        if (strcmp (role->keys[i], name) == 0)
            return true;
    return false;
}

static bool signs_documents (const struct fleet_role *role)
{
    static const char *const names[] = {ROLE_ROOT, ROLE_OPERATOR, ROLE_RELEASER};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp (role->name, names[i]) == 0)
            return true;
    return false;
}

static bool ssh_key_check (const struct fleet_new *wanted, size_t index, struct error *error)
{
    const struct fleet_ssh_key *ssh = &wanted->ssh_keys[index];
    bool approves = false;
    for (size_t i = 0; i < index; i++) {
        if (strcmp (wanted->ssh_keys[i].name, ssh->name) == 0)
            return error_set (error, ERROR_INPUT, "the SSH key of %s is given twice", ssh->name);
        if (public_key_equal (&wanted->ssh_keys[i].key, &ssh->key))
            return error_set (
                error, ERROR_INPUT, "%s and %s have the same SSH key, which would count twice",
                wanted->ssh_keys[i].name, ssh->name);
    }
    for (size_t i = 0; i < wanted->role_count; i++) {
        if (!role_names_key (&wanted->roles[i], ssh->name))
            continue;
        if (signs_documents (&wanted->roles[i]))
            return error_set (
                error, ERROR_INPUT, "%s is in the role %s, and an SSH key can only approve: use two names",
                ssh->name, wanted->roles[i].name);
        approves = true;
    }
    return approves || error_set (
                           error, ERROR_INPUT,
                           "%s has an SSH key and no role: name it in --approver ROLE=NAME,… too", ssh->name);
}

bool fleet_new_check (const struct fleet_new *wanted, struct error *error)
{
    if (!text_is_name (wanted->name))
        return error_set (error, ERROR_INPUT, "\"%s\" is no name for a controller", wanted->name);
    if (wanted->port == 0 || wanted->port > PORT_MAX)
        return error_set (
            error, ERROR_INPUT, "--port wants 1 to %d: it and the three after it are used", PORT_MAX);
    for (size_t i = 0; i < wanted->role_count; i++) {
        const struct fleet_role *role = &wanted->roles[i];
        if (!text_is_name (role->name))
            return error_set (error, ERROR_INPUT, "\"%s\" is no name for a role", role->name);
        if (role->threshold < 1 || role->threshold > role->key_count)
            return error_set (
                error, ERROR_INPUT, "role %s has %zu key(s): a threshold of %" PRIu64 " can't be", role->name,
                role->key_count, role->threshold);
        for (size_t k = 0; k < role->key_count; k++)
            if (!text_is_name (role->keys[k]) || strcmp (role->keys[k], CONTROLLER_KEY) == 0)
                return error_set (
                    error, ERROR_INPUT, "role %s: \"%s\" is no name for a person's key", role->name,
                    role->keys[k]);
    }
    for (size_t i = 0; i < wanted->ssh_key_count; i++)
        if (!ssh_key_check (wanted, i, error))
            return false;
    return true;
}

/* ------------------------------------------------------------------------------------------------------ keys
 */

static const struct fleet_ssh_key *ssh_key_named (const struct fleet_new *wanted, const char *name)
{
    for (size_t i = 0; i < wanted->ssh_key_count; i++)
        if (strcmp (wanted->ssh_keys[i].name, name) == 0)
            return &wanted->ssh_keys[i];
    return NULL;
}

static bool make_key (
    struct makings *makings, const char *folder, const char *name, bool secret, struct error *error)
{
    struct secret_key *key = &makings->secrets[makings->count];
    const struct fleet_ssh_key *ssh = ssh_key_named (makings->wanted, name);
    for (size_t i = 0; i < makings->count; i++)
        if (strcmp (makings->keys[i].name, name) == 0)
            return true;
    if (ssh != NULL) {
        makings->keys[makings->count++] = (struct trust_key){.name = name, .key = ssh->key};
        return file_write (
            path_join (makings->arena, folder, arena_format (makings->arena, "%s.pub", name)), ssh->line,
            PUBLIC_MODE, error);
    }
    new_key_make (key);
    makings->keys[makings->count++] = (struct trust_key){.name = name, .key = key->public};
    return new_key_write (folder, name, key, secret ? makings->wanted->password : NULL, error);
}

static bool make_keys (struct makings *makings, struct error *error)
{
    const struct fleet_new *wanted = makings->wanted;
    const char *keys = path_join (makings->arena, wanted->folder, "keys");
    const char *controller = path_join (makings->arena, wanted->folder, "controller");
    size_t most = CONTROLLER_NAMES;
    for (size_t i = 0; i < wanted->role_count; i++)
        most += wanted->roles[i].key_count;
    makings->keys = arena_array (makings->arena, most, sizeof *makings->keys);
    makings->secrets = arena_array (makings->arena, most, sizeof *makings->secrets);
    /* The controller starts without a person: its key has no password, and lies in its own folder. */
    if (!make_key (makings, controller, CONTROLLER_KEY, false, error))
        return false;
    for (size_t i = 0; i < wanted->role_count; i++)
        for (size_t k = 0; k < wanted->roles[i].key_count; k++)
            if (!make_key (makings, keys, wanted->roles[i].keys[k], true, error))
                return false;
    return true;
}

static bool make_wires (struct makings *makings, struct error *error)
{
    const char *folder = makings->wanted->folder;
    wire_pair_make (&makings->server);
    wire_pair_make (&makings->person);
    return wire_pair_write (
               path_join (makings->arena, folder, "controller/wire.key"), &makings->server, error) &&
           wire_pair_write (path_join (makings->arena, folder, "person.wire"), &makings->person, error);
}

static size_t key_place (const struct makings *makings, const char *name)
{
    size_t i = 0;
    while (i + 1 < makings->count && strcmp (makings->keys[i].name, name) != 0)
        i++;
    return i;
}

/* --------------------------------------------------------------------------------------------------
 * documents */

static const struct fleet_role *role_named (const struct fleet_new *wanted, const char *name)
{
    for (size_t i = 0; i < wanted->role_count; i++)
        if (strcmp (wanted->roles[i].name, name) == 0)
            return &wanted->roles[i];
    return NULL;
}

/* Signed with as many keys of the role as its threshold asks for: all of them are here, once. */
static bool sign_and_write (
    struct makings *makings, const struct record_type *type, const void *record, const char *role,
    const char *file, struct instant now, struct error *error)
{
    const struct fleet_role *signers = role_named (makings->wanted, role);
    struct envelope all = {0};
    all.signatures = arena_array (makings->arena, signers->threshold, sizeof *all.signatures);
    for (size_t i = 0; i < signers->threshold; i++) {
        struct envelope one;
        const struct secret_key *key = &makings->secrets[key_place (makings, signers->keys[i])];
        if (!document_sign (type, record, key, now, makings->arena, &one, error))
            return false;
        all.content = one.content;
        all.signatures[all.signatures_count++] = one.signatures[0];
    }
    return signed_file_write (path_join (makings->arena, makings->wanted->folder, file), &all, error);
}

static bool make_trust (struct makings *makings, struct instant now, struct error *error)
{
    const struct fleet_new *wanted = makings->wanted;
    const char *controller[] = {CONTROLLER_KEY};
    struct trust_role *roles = arena_array (makings->arena, wanted->role_count + 1, sizeof *roles);
    struct trust trust = {.version = 1, .issued = now, .keys = makings->keys, .keys_count = makings->count};
    trust.expires = instant_add (now, span_seconds (DAYS_VALID * INT64_C (86400)));
    for (size_t i = 0; i < wanted->role_count; i++)
        roles[i] = (struct trust_role){
            wanted->roles[i].name, "", wanted->roles[i].threshold, wanted->roles[i].keys,
            wanted->roles[i].key_count};
    roles[wanted->role_count] = (struct trust_role){ROLE_CONTROLLER, "", 1, controller, 1};
    trust.roles = roles;
    trust.roles_count = wanted->role_count + 1;
    makings->keys[key_place (makings, role_named (wanted, ROLE_OPERATOR)->keys[0])].wire =
        makings->person.public;
    return trust_check (&trust, error) &&
           sign_and_write (makings, &trust_type, &trust, ROLE_ROOT, "trust.relevo", now, error);
}

static bool make_fleet (struct makings *makings, struct instant now, struct error *error)
{
    struct fleet fleet = {.version = 1, .issued = now};
    fleet.expires = instant_add (now, span_seconds (DAYS_VALID * INT64_C (86400)));
    return sign_and_write (makings, &fleet_type, &fleet, ROLE_OPERATOR, "fleet.relevo", now, error);
}

/* ----------------------------------------------------------------------------------------------
 * configuration */

/* A JSON string is a YAML string. */
static void print_quoted (struct buffer *out, const char *text)
{
    json_t *value = json_string (text);
    char *quoted = json_dumps (value, JSON_ENCODE_ANY);
    buffer_text (out, quoted != NULL ? quoted : "\"\"");
    free (quoted);
    json_decref (value);
}

static void print_targets (const struct fleet_new *wanted, struct buffer *out)
{
    if (wanted->target_count > 0)
        buffer_text (out, "targets:\n");
    for (size_t i = 0; i < wanted->target_count; i++) {
        const struct fleet_target *target = &wanted->targets[i];
        buffer_print (out, "  %s: { %s: ", target->name, target->webhook != NULL ? "webhook" : "command");
        if (target->webhook != NULL)
            print_quoted (out, target->webhook);
        for (size_t w = 0; target->webhook == NULL && w < target->word_count; w++) {
            buffer_text (out, w == 0 ? "[" : ", ");
            print_quoted (out, target->words[w]);
        }
        buffer_text (out, target->webhook != NULL ? " }\n" : "] }\n");
    }
}

static bool write_controller (struct makings *makings, struct error *error)
{
    const struct fleet_new *wanted = makings->wanted;
    struct buffer out = {0};
    bool done;
    buffer_print (
        &out,
        "# What relevod reads. Paths are relative to this file.\nname: %s\nstate: state\nagents: "
        "tcp://%s:%" PRIu64 "\n",
        wanted->name, wanted->listen, wanted->port + 1);
    buffer_print (&out, "publish: tcp://%s:%" PRIu64 "\n", wanted->listen, wanted->port + 2);
    buffer_print (&out, "people: tcp://%s:%" PRIu64 "\n", wanted->listen, wanted->port + PORTS);
    buffer_text (
        &out,
        "local: ipc://state/local\nwire_key: wire.key\nsigning_key: controller.key\ntrust: ../trust.relevo\n"
        "fleet: ../fleet.relevo\n");
    print_targets (wanted, &out);
    done = file_write (
        path_join (makings->arena, wanted->folder, "controller/controller.yaml"), buffer_bytes (&out), 0644,
        error);
    buffer_free (&out);
    return done;
}

static bool write_settings (struct makings *makings, struct error *error)
{
    const struct fleet_new *wanted = makings->wanted;
    char server[WIRE_TEXT_SIZE];
    struct buffer out = {0};
    bool done;
    buffer_print (
        &out,
        "# What the command line reads. Paths are relative to this file.\ncontroller: tcp://%s:%" PRIu64 "\n",
        wanted->address, wanted->port + PORTS);
    buffer_text (&out, "local: ipc://controller/state/local\nserver_key: ");
    print_quoted (&out, wire_key_print (&makings->server.public, server));
    buffer_text (&out, "\nwire_key: person.wire\ntrust: trust.relevo\nkeys: keys\n");
    buffer_print (&out, "agents: tcp://%s:%" PRIu64 "\n", wanted->address, wanted->port + 1);
    buffer_print (&out, "publish: tcp://%s:%" PRIu64 "\n", wanted->address, wanted->port + 2);
    done = file_create (
        path_join (makings->arena, wanted->folder, "relevo.yaml"), buffer_bytes (&out), 0644, error);
    buffer_free (&out);
    return done;
}

static bool make_folders (const struct fleet_new *wanted, struct arena *arena, struct error *error)
{
    static const char *const taken[] = {"relevo.yaml", "trust.relevo", "keys", "controller"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (file_exists (path_join (arena, wanted->folder, taken[i])))
            return error_set (
                error, ERROR_CONFLICT,
                "%s/%s is there already: nothing is overwritten, choose another folder%s", wanted->folder,
                taken[i], i > 0 ? ", or remove what an earlier `init` could not finish" : "");
    return folder_make (wanted->folder, 0755, error) &&
           folder_make (path_join (arena, wanted->folder, "keys"), 0700, error) &&
           folder_make (path_join (arena, wanted->folder, "controller"), 0700, error) &&
           folder_make (path_join (arena, wanted->folder, "controller/state"), 0700, error);
}

/* relevo.yaml comes last: where it is, the rest is. */
bool fleet_new_write (
    const struct fleet_new *wanted, struct instant now, struct arena *arena, struct error *error)
{
    struct makings makings = {.wanted = wanted, .arena = arena};
    bool done = fleet_new_check (wanted, error) && make_folders (wanted, arena, error) &&
                make_keys (&makings, error) && make_wires (&makings, error) &&
                make_trust (&makings, now, error) && make_fleet (&makings, now, error) &&
                write_controller (&makings, error) && write_settings (&makings, error);
    for (size_t i = 0; i < makings.count; i++)
        secret_key_wipe (&makings.secrets[i]);
    wire_pair_wipe (&makings.server);
    wire_pair_wipe (&makings.person);
    return done;
}
