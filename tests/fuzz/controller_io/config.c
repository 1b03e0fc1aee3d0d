/* controller.yaml */
#include "tests/fuzz/fuzz.h"

#include "controller/io/config.h"

static void check_target (const struct target *target)
{
    assert (text_is_name (target->name) && target->deadline.ms > 0);
    assert ((target->webhook != NULL) != (target->word_count > 0));
    for (size_t i = 0; i < target->header_count; i++)
        assert (text_is_printable (target->headers[i], strlen (target->headers[i])));
}

static void check_config (const struct config *config)
{
    const char *paths[] = {
        config->state, config->wire_key, config->signing_key, config->trust, config->fleet};
    assert (text_is_name (config->name));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert (paths[i][0] == '/');
    assert (strncmp (config->local, "ipc:///", 7) == 0);
    assert (strncmp (config->agents, "tcp://", 6) == 0 && strncmp (config->people, "tcp://", 6) == 0);
    assert (config->heartbeat.ms > 0 && config->tick.ms > 0);
    assert (config->permit_life.ms > 0 && config->notice_retry.ms > 0);
    for (size_t i = 0; i < config->target_count; i++) {
        check_target (&config->targets[i]);
        assert (config_target (config, config->targets[i].name) == &config->targets[i]);
    }
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    struct config config = {0};
    bool good = config_parse (input, "controller.yaml", "/etc/relevo", &arena, &config, &error);
    if (good) {
        check_config (&config);
    } else {
        check_error (&error);
        assert (config.name == NULL);
    }
    arena_free (&arena);
    return good;
}

#define NEEDED                                                                                               \
    "name: c1\nstate: state\nagents: tcp://127.0.0.1:7301\npublish: tcp://*:7302\npeople: tcp://0.0.0.0:*\n" \
    "local: ipc://state/local\nwire_key: c.wire\nsigning_key: /c.key\ntrust: trust.relevo\nfleet: "          \
    "fleet.relevo\n"

static void seed (void)
{
    seed_good ("needed", bytes_of_text (NEEDED));
    seed_good (
        "whole", bytes_of_text (NEEDED "heartbeat: 1s\ntick: 500ms\npermit_life: 10m\nnotice_retry: 1h30m\n"
                                       "targets:\n"
                                       "  slack: {webhook: 'https://h/x', headers: ['A: b'], deadline: 5s}\n"
                                       "  mail: {command: [/bin/mail, -s, x]}\n"));
    seed_bad ("nothing", bytes_of_text ("name: c1\n"));
}

const struct fuzz_target fuzz_target = {.most = 4096, .run = run, .seed = seed};
