#include "tests/attacks/face.h"

#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "common/core/tree.h"
#include "common/io/clock.h"
#include "common/io/file.h"
#include "common/io/signed_file.h"
#include "tests/attacks/face_part.h"

enum {
    PATIENCE_MS = 15000,
    LOOK_MS = 10,
    LOG_PATIENCE_MS = 2000,
    LOG_MOST = 16 * 1024 * 1024,
    NOBODY = 65534
};
enum { PROGRAM_MOST = 256 * 1024 * 1024 };

struct instant face_in (int64_t seconds)
{
    return instant_add (clock_now (), span_seconds (seconds));
}

const char *face_path (struct face *face, const char *name)
{
    return path_join (&face->arena, face->folder, name);
}

const char *face_program (struct face *face, const char *name)
{
    const char *folder = getenv ("RELEVO_BIN");
    const char *root = getenv ("RELEVO_ROOT_FOLDER");
    const char *path =
        folder != NULL ? path_join (&face->arena, folder, name)
                       : arena_format (&face->arena, "%s/build/release/%s", root != NULL ? root : ".", name);
    if (!file_exists (path))
        fail_msg ("%s is missing: build it, or set RELEVO_BIN to the folder that holds it", path);
    return path;
}

/* ------------------------------------------------------------------------------------------------ the files
 */

static void write_file (struct face *face, const char *name, struct bytes content, mode_t mode)
{
    struct error error;
    if (!file_write (face_path (face, name), content, mode, &error))
        fail_msg ("%s", error.text);
}

static void write_document (struct face *face, const char *name, const struct envelope *envelope)
{
    struct error error;
    if (!signed_file_write (face_path (face, name), envelope, &error))
        fail_msg ("%s", error.text);
}

static void write_key (struct face *face)
{
    struct buffer text = {0};
    struct error error;
    if (!secret_key_print (&face->keys[FACE_CONTROLLER], NULL, NULL, &text, &error) ||
        !wire_pair_write (face_path (face, "wire.key"), &face->server, &error) ||
        !wire_pair_write (face_path (face, "person.wire"), &face->wires[FACE_OPERATOR], &error))
        fail_msg ("%s", error.text);
    write_file (face, "controller.key", buffer_bytes (&text), 0600);
    buffer_free (&text);
}

static void write_files (struct face *face)
{
    write_key (face);
    write_document (face, "trust.relevo", &face->trust_envelope);
    write_document (face, "fleet.relevo", &face->fleet_envelope);
    write_file (
        face, "controller.yaml",
        bytes_of_text ("name: face\nstate: state\nagents: tcp://127.0.0.1:*\npublish: tcp://127.0.0.1:*\n"
                       "people: tcp://127.0.0.1:*\nlocal: ipc://state/local\nwire_key: wire.key\n"
                       "signing_key: controller.key\ntrust: trust.relevo\nfleet: fleet.relevo\n"
                       "heartbeat: 500ms\ntick: 300ms\n"),
        0644);
}

/* Root gives everything to an unprivileged user, as whom relevod then runs. */
static void give_away (struct face *face)
{
    static const char *const names[] = {
        "",
        "wire.key",
        "controller.key",
        "person.wire",
        "relevod",
        "trust.relevo",
        "trust.relevo.minisig",
        "fleet.relevo",
        "fleet.relevo.minisig",
        "controller.yaml"};
    for (size_t i = 0; geteuid () == 0 && i < sizeof names / sizeof names[0]; i++)
        if (chown (face_path (face, names[i]), NOBODY, NOBODY) != 0)
            fail_msg ("%s can't be given away", names[i]);
}

/* A copy that any user can reach. */
static void copy_program (struct face *face)
{
    struct arena arena = {0};
    struct bytes program;
    struct error error;
    if (!file_read (face_program (face, "relevod"), PROGRAM_MOST, &arena, &program, &error))
        fail_msg ("%s", error.text);
    write_file (face, "relevod", program, 0755);
    arena_free (&arena);
}

/* ----------------------------------------------------------------------------------------------- the process
 */

/* In the child: nothing but what async-signal-safe functions can do. */
static void become_relevod (const char *folder, const char *program, const char *config, int log)
{
    char *const words[] = {(char *)program, "--config", (char *)config, NULL};
    char *const environment[] = {
        "PATH=/usr/bin:/bin", "ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=5", NULL};
    if (geteuid () == 0 && (setgroups (0, NULL) != 0 || setresgid (NOBODY, NOBODY, NOBODY) != 0 ||
                            setresuid (NOBODY, NOBODY, NOBODY) != 0))
        _exit (126);
    if (prctl (PR_SET_PDEATHSIG, SIGKILL) != 0 || chdir (folder) != 0 || dup2 (log, 1) < 0 ||
        dup2 (log, 2) < 0)
        _exit (126);
    (void)execve (program, words, environment);
    _exit (127);
}

static void read_endpoints (struct face *face)
{
    static const char *const names[FACE_DOORS] = {"agents", "publish", "people", "local"};
    const struct tree *tree;
    struct bytes file;
    struct error error;
    if (!file_read (face_path (face, "state/endpoints"), 4096, &face->arena, &file, &error) ||
        !tree_parse (file, "endpoints", &face->arena, &tree, &error))
        fail_msg ("%s", error.text);
    for (size_t i = 0; i < FACE_DOORS; i++)
        (void)snprintf (face->endpoints[i], sizeof face->endpoints[i], "%s", tree_get (tree, names[i])->text);
}

static void show_log (struct face *face)
{
    struct bytes log;
    if (file_read (face_path (face, "log"), LOG_MOST, &face->arena, &log, NULL))
        print_error ("%s\n", (const char *)log.data);
}

void face_start (struct face *face)
{
    const char *ready = face_path (face, "state/endpoints");
    const char *program = face_path (face, "relevod");
    const char *config = face_path (face, "controller.yaml");
    int log = open (face_path (face, "log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true (log >= 0);
    (void)unlink (ready);
    face->process = fork ();
    assert_true (face->process >= 0);
    if (face->process == 0)
        become_relevod (face->folder, program, config, log);
    (void)close (log);
    for (int waited = 0; !file_exists (ready); waited += LOOK_MS) {
        if (waited > PATIENCE_MS || waitpid (face->process, NULL, WNOHANG) != 0) {
            show_log (face);
            fail_msg ("relevod did not become ready");
        }
        (void)usleep (LOOK_MS * 1000);
    }
    read_endpoints (face);
    face->local = face_connect (face, FACE_LOCAL, &face->wires[FACE_NOBODY]);
}

void face_stop (struct face *face)
{
    int status = -1;
    face_leave (&face->local);
    assert_int_equal (kill (face->process, SIGTERM), 0);
    for (int waited = 0; waitpid (face->process, &status, WNOHANG) == 0; waited += LOOK_MS) {
        if (waited > PATIENCE_MS) {
            (void)kill (face->process, SIGABRT);
            fail_msg ("relevod does not end");
        }
        (void)usleep (LOOK_MS * 1000);
    }
    face->process = 0;
    if (status != 0) {
        show_log (face);
        fail_msg ("relevod ended with the wait status %d", status);
    }
}

size_t face_memory (const struct face *face)
{
    char path[64];
    char text[4096];
    const char *line;
    FILE *file;
    size_t size;
    (void)snprintf (path, sizeof path, "/proc/%d/status", (int)face->process);
    file = fopen (path, "re");
    assert_non_null (file);
    size = fread (text, 1, sizeof text - 1, file);
    (void)fclose (file);
    text[size] = '\0';
    line = strstr (text, "VmRSS:");
    if (line == NULL)
        fail_msg ("relevod is not alive any more");
    return (size_t)strtoull (line + strlen ("VmRSS:"), NULL, 10);
}

/* ---------------------------------------------------------------------------------------------------- the
 * log */

void face_log_mark (struct face *face)
{
    struct stat status;
    assert_int_equal (stat (face_path (face, "log"), &status), 0);
    face->log_mark = status.st_size;
}

static bool log_holds (struct face *face, const char *words)
{
    struct arena arena = {0};
    struct bytes log;
    bool found = file_read (face_path (face, "log"), LOG_MOST, &arena, &log, NULL) &&
                 (off_t)log.size >= face->log_mark &&
                 strstr ((const char *)log.data + face->log_mark, words) != NULL;
    arena_free (&arena);
    return found;
}

bool face_log_says (struct face *face, const char *words)
{
    for (int waited = 0; waited < LOG_PATIENCE_MS; waited += LOOK_MS) {
        if (log_holds (face, words))
            return true;
        (void)usleep (LOOK_MS * 1000);
    }
    return false;
}

/* -------------------------------------------------------------------------------------------- setup,
 * teardown */

static void make_people (struct face *face)
{
    for (size_t i = 0; i < FACE_PEOPLE; i++) {
        face_make_key (&face->keys[i]);
        wire_pair_make (&face->wires[i]);
    }
    for (size_t i = 0; i < FACE_HOSTS; i++) {
        face_make_key (&face->hosts[i].key);
        wire_pair_make (&face->hosts[i].wire);
        (void)snprintf (face->hosts[i].version, sizeof face->hosts[i].version, "1.0");
    }
    wire_pair_make (&face->server);
}

static void put_artifact (struct face *face)
{
    struct bytes data = bytes_of_text (FACE_CONTENT);
    struct put put = {
        .request = 1,
        .name = "app.tar",
        .content = digest_of (data.data, data.size),
        .length = data.size,
        .data = data};
    const struct put_state *state;
    face_say (face->local, &put_type, &put);
    state = face_hear (face->local, &put_state_type);
    assert_true (state->complete);
}

int face_setup (void **state)
{
    struct face *face = calloc (1, sizeof *face);
    const char *base = getenv ("TMPDIR");
    struct error error;
    assert_non_null (face);
    *state = face;
    (void)snprintf (face->folder, sizeof face->folder, "%s/relevo-face-XXXXXX", base == NULL ? "/tmp" : base);
    if (sodium_init () < 0 || mkdtemp (face->folder) == NULL || !wire_open (NULL, NULL, &face->wire, &error))
        fail_msg ("no folder or no sockets");
    make_people (face);
    face_found (face);
    write_files (face);
    copy_program (face);
    give_away (face);
    face_start (face);
    put_artifact (face);
    return 0;
}

int face_teardown (void **state)
{
    struct face *face = *state;
    struct error error;
    bool good = true;
    if (face->process > 0)
        face_stop (face);
    while (face->peers != NULL) {
        struct face_peer *left = face->peers; /* by a test that failed */
        face_leave (&left);
    }
    wire_close (&face->wire);
    good = folder_remove (face->folder, &error);
    arena_free (&face->arena);
    free (face);
    return good ? 0 : -1;
}
