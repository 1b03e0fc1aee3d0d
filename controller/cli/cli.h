/* What every command of `relevo` is given, and what it may ask for: global options, the settings of
   relevo.yaml, keys with their passwords, questions to the person, and the way in which a command ends.

   A command is `int cmd_NAME (struct cli *cli, int argc, char **argv)`: argv[0] is the command's own word,
   its value is the exit code. Data goes to stdout, everything else to stderr. */
#ifndef RELEVO_CONTROLLER_CLI_CLI_H
#define RELEVO_CONTROLLER_CLI_CLI_H

#include "common/core/arena.h"
#include "common/core/error.h"
#include "common/core/key.h"
#include "common/io/wire.h"

enum cli_exit {
    CLI_DONE = 0,
    CLI_ERROR = 1,
    CLI_USAGE = 2,
    CLI_FAILED = 3,      /* Degraded, Aborted */
    CLI_ROLLED_BACK = 4, /* the version before runs again */
    CLI_RUNNING = 5,     /* the time is up, the rollout goes on */
    CLI_APPROVAL = 6,    /* it waits for a person */
    CLI_INTERRUPTED = 130,
};

enum cli_format { CLI_TABLE, CLI_JSON, CLI_JSONL };

enum { CLI_SCHEMA = 1, CLI_PASSWORD_MAX = 1024 };

/* One output stream, each asked by itself. */
struct terminal {
    bool is;        /* a terminal, and not TERM=dumb: may be redrawn */
    bool color;     /* a terminal, and neither NO_COLOR, TERM=dumb nor --no-color */
    unsigned width; /* columns; 80 where unknown */
    unsigned height;
};

/* relevo.yaml, paths made absolute or relative to the working folder. "" where absent. */
struct settings {
    const char *path;       /* of relevo.yaml itself */
    const char *controller; /* remote door */
    const char *local;      /* ipc://PATH */
    struct wire_key server;
    const char *wire_key; /* file of this person's wire pair */
    const char *trust;    /* pinned first trust document, a signed file */
    const char *keys;     /* folder of NAME.key and NAME.pub */
    const char *agents;
    const char *publish;
};

struct cli {
    enum cli_format format; /* -o */
    const char *config;     /* --config, NULL where not given */
    const char *controller; /* --controller, NULL where not given */
    const char *password_file;
    bool no_color;
    bool no_input;
    bool yes;
    bool quiet;
    struct terminal out;
    struct terminal error;
    struct arena arena; /* lives as long as the command */
    bool has_settings;
    struct settings settings;
};

typedef int (*cli_function) (struct cli *cli, int argc, char **argv);

/* One row of a table of commands. */
struct cli_command {
    const char *name;
    cli_function run;
    const char *about; /* one line for the list */
};

/* `relevo GROUP …`: runs the row that argv[1] names, with argv moved on by one. `--help`, no word and an
   unknown word are dealt with (nearest word, exit code). `group` is "" for the program itself. `examples`
   ends with a newline. */
int cli_dispatch (
    struct cli *cli, const char *group, const char *examples, const struct cli_command *commands,
    size_t count, int argc, char **argv);

/* Says "relevo: TEXT" on stderr, once, and gives the exit code. A command ends with `return cli_fail (cli,
 * &error);`. */
int cli_fail (struct cli *cli, const struct error *error);
/* For what was typed wrongly: CLI_USAGE. */
int cli_usage (struct cli *cli, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
/* A message for the person on stderr, with a newline; not with --quiet. */
void cli_say (const struct cli *cli, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/* Looks at streams and environment; the global options come later by options_parse, which calls it again. */
void cli_look_at_terminals (struct cli *cli);

/* Fills cli->settings from relevo.yaml: --config, $RELEVO_CONFIG, ./relevo.yaml,
   ~/.config/relevo/relevo.yaml. Cheap when done already. */
bool cli_settings (struct cli *cli, struct error *error);
/* For tests and for `init`: this file and no other. */
bool settings_read (const char *path, struct arena *arena, struct settings *ret, struct error *error);

/* Loads a secret key by NAME (KEYS/NAME.key) or by FILE (holds a '/' or ends with ".key"). An encrypted one
   needs its password: --password-file, $RELEVO_PASSWORD, or a prompt without echo on the terminal. The caller
   wipes the key. `ret_name` (may be NULL) is the NAME, or the file's name without folder and ".key"; owned by
   cli->arena. */
bool cli_key (
    struct cli *cli, const char *name_or_file, struct secret_key *ret, const char **ret_name,
    struct error *error);
/* The public key by NAME (KEYS/NAME.pub) or FILE. */
bool cli_public_key (struct cli *cli, const char *name_or_file, struct public_key *ret, struct error *error);
/* Where NAME.key and NAME.pub are: "KEYS/NAMEsuffix", in cli->arena. Needs cli_settings. */
const char *cli_key_path (struct cli *cli, const char *name, const char *suffix);
/* A password from --password-file, $RELEVO_PASSWORD or a prompt ("Password for KEY: "); asked twice where
   `fresh`. `ret` is wiped by the caller with sodium_memzero. */
bool cli_password (
    struct cli *cli, const char *key, bool fresh, char ret[CLI_PASSWORD_MAX], struct error *error);

/* Asks "QUESTION [y/N] ". --yes says yes; --no-input, or no terminal to ask on, is an error that names --yes.
   False with an error too where the person says no. */
bool cli_confirm (struct cli *cli, const char *question, struct error *error);

#endif
