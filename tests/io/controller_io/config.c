/* controller.yaml: what is right is understood, and what is wrong is said with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/io/file.h"
#include "controller/io/config.h"

#define GOOD                                                                                                 \
    "name: controller-1\n"                                                                                   \
    "state: state\n"                                                                                         \
    "agents: tcp://0.0.0.0:7301\n"                                                                           \
    "publish: tcp://0.0.0.0:7302\n"                                                                          \
    "people: tcp://127.0.0.1:*\n"                                                                            \
    "local: ipc://local\n"                                                                                   \
    "wire_key: wire.key\n"                                                                                   \
    "signing_key: /keys/controller.key\n"                                                                    \
    "trust: ../trust.relevo\n"                                                                               \
    "fleet: ../fleet.relevo\n"

static bool parse (const char *text, struct arena *arena, struct config *ret, struct error *error)
{
    return config_parse (bytes_of_text (text), "controller.yaml", "/etc/relevo", arena, ret, error);
}

static void test_defaults (void **state)
{
    struct arena arena = {0};
    struct config config;
    struct error error;
    (void)state;
    if (!parse (GOOD, &arena, &config, &error))
        fail_msg ("%s", error.text);
    assert_string_equal (config.name, "controller-1");
    assert_string_equal (config.state, "/etc/relevo/state");
    assert_string_equal (config.agents, "tcp://0.0.0.0:7301");
    assert_string_equal (config.people, "tcp://127.0.0.1:*");
    assert_string_equal (config.local, "ipc:///etc/relevo/local");
    assert_string_equal (config.wire_key, "/etc/relevo/wire.key");
    assert_string_equal (config.signing_key, "/keys/controller.key");
    assert_string_equal (config.user, "");
    assert_int_equal (config.heartbeat.ms, 2000);
    assert_int_equal (config.tick.ms, 5000);
    assert_int_equal (config.permit_life.ms, 600000);
    assert_int_equal (config.notice_retry.ms, 30000);
    assert_int_equal (config.target_count, 0);
    arena_free (&arena);
}

static void test_targets (void **state)
{
    struct arena arena = {0};
    struct config config;
    struct error error;
    const struct target *target;
    (void)state;
    if (!parse (
            GOOD "user: relevo\n"
                 "heartbeat: 500ms\n"
                 "targets:\n"
                 "  slack: { webhook: \"https://hooks.example/x\", headers: [\"X-Team: ops\"] }\n"
                 "  mail: { command: [sendmail, -t], deadline: 5s }\n",
            &arena, &config, &error))
        fail_msg ("%s", error.text);
    assert_int_equal (config.heartbeat.ms, 500);
    assert_int_equal (config.target_count, 2);
    assert_string_equal (config.user, "relevo");
    target = config_target (&config, "slack");
    assert_string_equal (target->webhook, "https://hooks.example/x");
    assert_string_equal (target->headers[0], "X-Team: ops");
    assert_int_equal (target->deadline.ms, 30000);
    target = config_target (&config, "mail");
    assert_null (target->webhook);
    assert_int_equal (target->word_count, 2);
    assert_string_equal (target->words[1], "-t");
    assert_int_equal (target->deadline.ms, 5000);
    assert_null (config_target (&config, "pager"));
    arena_free (&arena);
}

/* One wrong file, and pieces that its error must have: the place first. */
struct wrong {
    const char *text;
    const char *place;
    const char *words;
};

#define WITHOUT_NAME                                                                                         \
    "state: state\nagents: tcp://0.0.0.0:1\npublish: tcp://0.0.0.0:2\npeople: tcp://127.0.0.1:3\n"           \
    "local: ipc://local\nwire_key: w\nsigning_key: s\ntrust: t\nfleet: f\n"
#define LONG_PATH                                                                                            \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

static const struct wrong wrongs[] = {
    {"", "controller.yaml:1:", "\"name\" is missing"},
    {WITHOUT_NAME, "controller.yaml:1:1", "\"name\" is missing"},
    {"- a\n- b\n", "controller.yaml:1:1", ""},
    {GOOD "hartbeat: 2s\n", "controller.yaml:11:1", "heartbeat"},
    {GOOD "user: \"no such name\"\n", "controller.yaml:11:7", "user"},
    {GOOD "heartbeat: fast\n", "controller.yaml:11:12", "fast"},
    {GOOD "tick: 0s\n", "controller.yaml:11:7", "longer than 0"},
    {GOOD "name: again\n", "controller.yaml:11:1", "name"},
    {"name: \"a/b\"\n" WITHOUT_NAME, "controller.yaml:1:7", "a/b"},
    {"name: c\nstate: \"\"\n", "controller.yaml:2:8", "is empty"},
    {"name: c\nstate: s\nagents: 0.0.0.0:7301\n", "controller.yaml:3:9", "tcp://ADDRESS:PORT"},
    {"name: c\nstate: s\nagents: tcp://0.0.0.0\n", "controller.yaml:3:9", "tcp://ADDRESS:PORT"},
    {"name: c\nstate: s\nagents: tcp://0.0.0.0:65536\n", "controller.yaml:3:9", "tcp://ADDRESS:PORT"},
    {"name: c\nstate: s\nagents: tcp://:7301\n", "controller.yaml:3:9", "tcp://ADDRESS:PORT"},
    {"name: c\nstate: s\nagents: [x]\n", "controller.yaml:3:9", "agents"},
    {"name: c\nstate: s\nagents: tcp://0:1\npublish: tcp://0:2\npeople: tcp://0:3\nlocal: tcp://0:4\n",
     "controller.yaml:6:8", "ipc://PATH"},
    {"name: c\nstate: s\nagents: tcp://0:1\npublish: tcp://0:2\npeople: tcp://0:3\nlocal: ipc://" LONG_PATH
     "\n",
     "controller.yaml:6:8", "choose a shorter one"},
    {GOOD "targets: slack\n", "controller.yaml:11:10", "must be a map"},
    {GOOD "targets:\n  slack: { webhok: \"https://x\" }\n", "controller.yaml:12:12", "webhook"},
    {GOOD "targets:\n  slack: { deadline: 3s }\n", "controller.yaml:12:10", "either"},
    {GOOD "targets:\n  slack: { webhook: \"https://x\", command: [y] }\n", "controller.yaml:12:10", "either"},
    {GOOD "targets:\n  slack: { webhook: \"ftp://x\" }\n", "controller.yaml:12:21", "https://"},
    {GOOD "targets:\n  slack: { webhook: \"https://x\", headers: [\"nonsense\"] }\n",
     "controller.yaml:12:", "Name: value"},
    {GOOD "targets:\n  mail: { command: [y], headers: [\"A: b\"] }\n",
     "controller.yaml:12:", "belong to a webhook"},
    {GOOD "targets:\n  mail: { command: [] }\n", "controller.yaml:12:", "program to run"},
    {GOOD "targets:\n  \"no name\": { command: [x] }\n", "controller.yaml:12:3", "no name"},
};

static void test_wrong (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        struct arena arena = {0};
        struct config config = {.name = "untouched"};
        struct error error = {0};
        assert_false (parse (wrongs[i].text, &arena, &config, &error));
        if (strncmp (error.text, wrongs[i].place, strlen (wrongs[i].place)) != 0 ||
            strstr (error.text, wrongs[i].words) == NULL)
            fail_msg ("%zu: wanted \"%s … %s\", got \"%s\"", i, wrongs[i].place, wrongs[i].words, error.text);
        assert_string_equal (config.name, "untouched");
        arena_free (&arena);
    }
}

static void test_read_file (void **state)
{
    char folder[256];
    const char *base = getenv ("TMPDIR");
    struct arena arena = {0};
    struct config config;
    struct error error;
    const char *path;
    (void)state;
    (void)snprintf (folder, sizeof folder, "%s/relevo-config-XXXXXX", base == NULL ? "/tmp" : base);
    assert_non_null (mkdtemp (folder));
    path = path_join (&arena, folder, "controller.yaml");
    assert_false (config_read (path, &arena, &config, &error));
    assert_non_null (strstr (error.text, path));
    assert_true (file_write (path, bytes_of_text (GOOD), 0600, &error));
    assert_true (config_read (path, &arena, &config, &error));
    assert_string_equal (strrchr (config.state, '/'), "/state");
    assert_int_equal (config.state[0], '/');
    assert_true (folder_remove (folder, &error));
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_defaults),
        cmocka_unit_test (test_targets),
        cmocka_unit_test (test_wrong),
        cmocka_unit_test (test_read_file),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
