/* relevo.yaml */
#include "tests/fuzz/fuzz.h"

#include "common/io/file.h"
#include "controller/cli/cli.h"

static void check_settings (const struct settings *settings)
{
    const char *paths[] = {settings->wire_key, settings->trust, settings->keys};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert (paths[i][0] == '/' || paths[i][0] == '\0');
    assert (settings->local[0] == '\0' || strncmp (settings->local, "ipc://", 6) == 0);
    assert (settings->controller != NULL && settings->agents != NULL && settings->publish != NULL);
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    struct settings settings = {0};
    const char *path = path_join (&arena, scratch_folder (), "relevo.yaml");
    bool good;
    assert (file_write (path, input, 0600, NULL));
    good = settings_read (path, &arena, &settings, &error);
    if (good) {
        check_settings (&settings);
    } else {
        check_error (&error);
        assert (settings.path == NULL);
    }
    arena_free (&arena);
    return good;
}

#define KEY "'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'"

static void seed (void)
{
    seed_good (
        "whole",
        bytes_of_text ("controller: tcp://10.0.0.1:7303\nlocal: ipc://controller/state/local\n"
                       "server_key: " KEY "\nwire_key: person.wire\ntrust: trust.relevo\nkeys: keys\n"
                       "agents: tcp://10.0.0.1:7301\npublish: tcp://10.0.0.1:7302\n"));
    seed_good (
        "needed", bytes_of_text ("controller: ''\nserver_key: " KEY "\nwire_key: /w\ntrust: /t\nkeys: /k\n"));
    seed_bad ("bad-key", bytes_of_text ("controller: a\nserver_key: abc\nwire_key: w\ntrust: t\nkeys: k\n"));
}

const struct fuzz_target fuzz_target = {.most = 2048, .run = run, .seed = seed};
