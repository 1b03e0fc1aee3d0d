/* Fixtures, the agent's process, and what a host looks like from outside. */
#include "tests/attacks/world.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/io/journal.h"
#include "common/io/clock.h"
#include "common/io/spawn.h"

enum {
    NOBODY = 65534,
    STOP_MS = 8000,
    PIECE = 65536,
    WAITING = 1000,
    JOURNAL_TRIES = 20,
    STATUS_SECONDS = 10
};

static char base[64]; /* the folder of all cases of this program */

#define MUST(call)                                                                                           \
    do {                                                                                                     \
        struct error must_error = {0};                                                                       \
        if (!(call))                                                                                         \
            fail_msg ("%s: %s", #call, must_error.text);                                                     \
    } while (0)

/* ----------------------------------------------------------------------------------------- all cases */

static bool copy_program (const char *from, const char *to)
{
    static char piece[PIECE];
    int in = open (from, O_RDONLY | O_CLOEXEC);
    int out = open (to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    ssize_t size = 0;
    bool good = in >= 0 && out >= 0;
    while (good && (size = read (in, piece, sizeof piece)) > 0)
        good = write (out, piece, (size_t)size) == size;
    if (in >= 0)
        (void)close (in);
    if (out >= 0)
        (void)close (out);
    return good && size == 0;
}

/* As the end-to-end tests do: no rights that a service of its own would not have. Leak checks need to look
 * into this process. */
static bool become_nobody (void)
{
    if (geteuid () != 0)
        return true;
    return chown (base, NOBODY, NOBODY) == 0 && setgroups (0, NULL) == 0 &&
           setresgid (NOBODY, NOBODY, NOBODY) == 0 && setresuid (NOBODY, NOBODY, NOBODY) == 0 &&
           prctl (PR_SET_DUMPABLE, 1) == 0;
}

int world_begin (void **state)
{
    const char *programs = getenv ("RELEVO_BIN");
    char from[512];
    char to[512];
    (void)state;
    if (programs == NULL) {
        print_error ("RELEVO_BIN must name the folder with relevo-agent; ./tests/run sets it\n");
        return 1;
    }
    (void)snprintf (base, sizeof base, "/tmp/relevo-attacks-XXXXXX");
    if (sodium_init () < 0 || mkdtemp (base) == NULL)
        return 1;
    (void)snprintf (from, sizeof from, "%s/relevo-agent", programs);
    (void)snprintf (to, sizeof to, "%s/relevo-agent", base);
    if (!copy_program (from, to) || !become_nobody ()) {
        print_error ("%s: %s\n", from, strerror (errno));
        return 1;
    }
    return 0;
}

int world_end (void **state)
{
    (void)state;
    return folder_remove (base, NULL) ? 0 : 1;
}

/* ------------------------------------------------------------------------------------------ one case */

static bool admit (void *context, const char *domain, const struct wire_key *key)
{
    struct world *world = context;
    (void)domain, (void)key;
    world->admissions++;
    return world->admits;
}

static void open_sockets (struct world *world)
{
    wire_pair_make (&world->pair);
    world->admits = true;
    MUST (wire_open (admit, world, &world->wire, &must_error));
    MUST (wire_listen (
        world->wire, WIRE_ROUTER, "tcp://127.0.0.1:*", "agents", &world->pair, WAITING, &world->agents,
        &must_error));
    MUST (wire_listen (
        world->wire, WIRE_XPUB, "tcp://127.0.0.1:*", "agents", &world->pair, WAITING, &world->publish,
        &must_error));
}

static void write_config (struct world *world)
{
    struct arena *arena = &world->realm.arena;
    const char *path = path_join (arena, world->folder, "agent.yaml");
    const char *text = "name: p2\nstate: state\nsession_user: nobody\nproducts: { app: { root: app }, other: "
                       "{ root: other } }\n";
    MUST (file_write (path, bytes_of_text (text), 0644, &must_error));
    MUST (config_read (path, arena, &world->config, &must_error));
    world->paths = state_paths (&world->config, arena);
    world->log = path_join (arena, world->folder, "log");
}

int world_setup_stranger (void **state)
{
    struct world *world = calloc (1, sizeof *world);
    assert_non_null (world);
    *state = world;
    (void)snprintf (world->folder, sizeof world->folder, "%s/case-XXXXXX", base);
    assert_non_null (mkdtemp (world->folder));
    realm_open (&world->realm);
    world->controller = CONTROLLER;
    world->epoch = 1;
    open_sockets (world);
    write_config (world);
    return 0;
}

int world_setup_bare (void **state)
{
    struct world *world;
    (void)world_setup_stranger (state);
    world = *state;
    world_join (world);
    agent_start (world);
    world_remember (world);
    return 0;
}

int world_setup (void **state)
{
    struct world *world;
    struct release first;
    (void)world_setup_bare (state);
    world = *state;
    first = realm_release (&world->realm, "1.0", 10);
    world_obeys (world, &first);
    world_remember (world);
    return 0;
}

static void end_service (const struct world *world)
{
    long service = host_look (world).service;
    if (service > 0)
        (void)kill ((pid_t)service, SIGKILL);
}

int world_teardown (void **state)
{
    struct world *world = *state;
    bool gone;
    agent_kill (world);
    end_service (world);
    wire_socket_close (&world->agents);
    wire_socket_close (&world->publish);
    wire_close (&world->wire);
    wire_pair_wipe (&world->pair);
    arena_free (&world->hello_arena);
    gone = folder_remove (world->folder, NULL);
    realm_close (&world->realm);
    free (world);
    return gone ? 0 : 1;
}

/* ------------------------------------------------------------------------------------------ the host */

static bool visit_nothing (
    void *context, const struct record_type *type, const void *record, struct error *error)
{
    (void)context, (void)type, (void)record, (void)error;
    return true;
}

static void write_notes (struct world *world)
{
    struct note_trust trust = {world->realm.trust};
    struct note_fleet fleet = {world->realm.fleet};
    struct journal *journal;
    uint64_t cut;
    MUST (journal_open (world->paths.journal, visit_nothing, NULL, &journal, &cut, &must_error));
    MUST (journal_append (journal, &note_trust_type, &trust, &must_error));
    MUST (journal_append (journal, &note_fleet_type, &fleet, &must_error));
    journal_close (&journal);
}

void world_join (struct world *world)
{
    struct connection connection = {
        .agents = wire_endpoint (world->agents),
        .publish = wire_endpoint (world->publish),
        .server = world->pair.public,
        .trust = digest_of_envelope (&world->realm.trust)};
    MUST (state_prepare (&world->paths, &world->config, &must_error));
    MUST (state_key (&world->paths, true, &world->realm.keys[P2], &must_error));
    MUST (state_wire (&world->paths, true, &world->realm.wires[P2 - S1], &must_error));
    realm_found (&world->realm);
    connection.trust = digest_of_envelope (&world->realm.trust);
    write_notes (world);
    MUST (state_connection_write (&world->paths, &connection, &must_error));
}

static void become_agent (const struct world *world, const char *command, const char *more)
{
    char program[WORLD_PATH];
    int log = open (world->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    char *words[] = {
        "relevo-agent",
        (char *)command,
        "--config",
        (char *)world->config.file,
        more != NULL ? "--token" : NULL,
        (char *)more,
        NULL};
    (void)snprintf (program, sizeof program, "%s/relevo-agent", base);
    if (world->clock != NULL) {
        (void)setenv ("RELEVO_TEST_CLOCK", world->clock, 1);
        (void)setenv ("LD_PRELOAD", RELEVO_CLOCK_MODULE, 1);
        (void)setenv ("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    }
    if (log < 0 || dup2 (log, 1) < 0 || dup2 (log, 2) < 0 || prctl (PR_SET_PDEATHSIG, SIGKILL) != 0)
        _exit (126);
    (void)execv (program, words);
    _exit (127);
}

void agent_spawn (struct world *world, const char *command, const char *more)
{
    assert_int_equal (world->agent, 0);
    world->agent = fork ();
    assert_true (world->agent >= 0);
    if (world->agent == 0)
        become_agent (world, command, more);
}

void agent_start (struct world *world)
{
    size_t pulls = world->pulls;
    agent_spawn (world, "run", NULL);
    world_until (world, &world->pulls, pulls, "the agent's first pull");
}

int agent_wait (struct world *world)
{
    struct instant end = instant_add (clock_steady (), (struct span){STOP_MS});
    int status = 0;
    pid_t ended = 0;
    while (ended == 0 && instant_before (clock_steady (), end)) {
        world_serve (world, (struct span){20});
        ended = waitpid (world->agent, &status, WNOHANG);
    }
    if (ended == 0)
        world_fail (world, "the agent does not end");
    world->agent = 0;
    return WIFEXITED (status) ? WEXITSTATUS (status) : -1;
}

void agent_stop (struct world *world)
{
    assert_int_equal (kill (world->agent, SIGTERM), 0);
    assert_int_equal (agent_wait (world), 0);
}

void agent_kill (struct world *world)
{
    if (world->agent == 0)
        return;
    (void)kill (world->agent, SIGKILL);
    (void)waitpid (world->agent, NULL, 0);
    world->agent = 0;
}

const char *agent_status (struct world *world)
{
    struct arena *arena = &world->realm.arena;
    const char *words[] = {
        path_join (arena, base, "relevo-agent"), "status", "--config", world->config.file, NULL};
    const char *environment[] = {
        arena_format (arena, "RELEVO_TEST_CLOCK=%s", world->clock != NULL ? world->clock : ""),
        arena_format (arena, "LD_PRELOAD=%s", world->clock != NULL ? RELEVO_CLOCK_MODULE : ""),
        "ASAN_OPTIONS=verify_asan_link_order=0", NULL};
    struct spawn_options options = {
        .words = words, .environment = environment, .deadline = span_seconds (STATUS_SECONDS)};
    struct spawn_result result;
    MUST (spawn_run (&options, &result, &must_error));
    if (result.exit_code != 0)
        world_fail (world, "status ends with %d: %s", result.exit_code, result.tail);
    return arena_text (arena, result.tail);
}

void agent_restart (struct world *world)
{
    agent_stop (world);
    agent_start (world);
}

void world_clock (struct world *world, int64_t seconds)
{
    int64_t ms = seconds * 1000;
    world->realm.ahead = span_seconds (seconds);
    if (world->clock == NULL)
        world->clock = path_join (&world->realm.arena, world->folder, "clock");
    MUST (file_write (world->clock, (struct bytes){(const uint8_t *)&ms, sizeof ms}, 0644, &must_error));
}

/* ---------------------------------------------------------------------------- what a host looks like */

static void read_line (const char *path, char ret[WORLD_PATH])
{
    FILE *file = fopen (path, "re");
    ret[0] = '\0';
    if (file == NULL)
        return;
    if (fgets (ret, WORLD_PATH, file) == NULL)
        ret[0] = '\0';
    (void)fclose (file);
    ret[strcspn (ret, "\n")] = '\0';
}

/* One that has ended and was not waited for by anybody has no program any more. */
static bool is_alive (long process)
{
    char path[64];
    char program[WORLD_PATH];
    (void)snprintf (path, sizeof path, "/proc/%ld/exe", process);
    return process > 0 && readlink (path, program, sizeof program) > 0;
}

static bool count_note (
    void *context, const struct record_type *type, const void *record, struct error *error)
{
    struct host_state *state = context;
    struct buffer bytes = {0};
    bool good = message_encode (type, record, &bytes, error);
    if (type == &note_act_type)
        state->acts = !((const struct note_act *)record)->finished;
    if (good && type != &note_clock_type) {
        buffer_append (&bytes, state->journal.bytes, sizeof state->journal.bytes);
        state->journal = digest_of (bytes.data, bytes.size);
        state->notes++;
    }
    buffer_free (&bytes);
    return good;
}

/* The agent may be writing: then it is read again. */
static void read_journal (const struct world *world, struct host_state *state)
{
    struct error error;
    for (int tries = 0; tries < JOURNAL_TRIES; tries++) {
        state->notes = 0;
        state->acts = false;
        state->journal = (struct digest){0};
        if (journal_read (world->paths.journal, count_note, state, &error))
            return;
    }
    fail_msg ("%s", error.text);
}

struct host_state host_look (const struct world *world)
{
    struct host_state state = {0};
    struct arena arena = {0};
    const char *root = path_join (&arena, world->folder, "app");
    const char *shared = path_join (&arena, root, "shared");
    char number[WORLD_PATH];
    ssize_t size = readlink (path_join (&arena, root, "current"), state.current, sizeof state.current - 1);
    state.current[size > 0 ? size : 0] = '\0';
    read_line (path_join (&arena, shared, "served"), state.served);
    read_line (path_join (&arena, shared, "pid"), number);
    state.service = strtol (number, NULL, 10);
    if (!is_alive (state.service))
        state.service = 0;
    arena_free (&arena);
    read_journal (world, &state);
    return state;
}

/* After a deploy the agent clears away what is too old. */
void world_remember (struct world *world)
{
    struct instant begun = clock_steady ();
    do {
        world_settle (world);
        world->before = host_look (world);
        if (instant_between (begun, clock_steady ()).ms > STOP_MS)
            world_fail (world, "the agent does not come to rest");
    } while (world->before.acts);
}

void world_same_service (struct world *world)
{
    struct host_state now = host_look (world);
    if (strcmp (now.current, world->before.current) != 0)
        world_fail (world, "`current` was \"%s\" and is \"%s\"", world->before.current, now.current);
    if (now.service != world->before.service || strcmp (now.served, world->before.served) != 0)
        world_fail (
            world, "the service was %ld (%s) and is %ld (%s)", world->before.service, world->before.served,
            now.service, now.served);
}

void world_unchanged (struct world *world)
{
    struct host_state now;
    world_settle (world);
    world_same_service (world);
    now = host_look (world);
    if (now.notes != world->before.notes || !digest_equal (&now.journal, &world->before.journal))
        world_fail (world, "the journal had %zu notes and has %zu", world->before.notes, now.notes);
}

void world_runs (struct world *world, const struct release *release)
{
    struct host_state now = host_look (world);
    const char *wanted = arena_format (&world->realm.arena, "releases/%s", release->folder);
    if (strcmp (now.current, wanted) != 0 || now.service == 0 ||
        strcmp (now.served, release->plan.version) != 0)
        world_fail (
            world, "`current` is \"%s\" (not \"%s\"), the service %ld (%s)", now.current, wanted, now.service,
            now.served);
}
