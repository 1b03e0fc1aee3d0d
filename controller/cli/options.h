/* Options of one command, from a table: parsed with getopt_long, together with the global ones, which may
   stand anywhere; and the help text that is made of the same table. */
#ifndef RELEVO_CONTROLLER_CLI_OPTIONS_H
#define RELEVO_CONTROLLER_CLI_OPTIONS_H

#include "common/core/time.h"
#include "controller/cli/cli.h"

enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_TEXTS, OPTION_NUMBER, OPTION_SPAN };

/* An option that may be given several times. */
struct option_texts {
    const char **items;
    size_t count;
};

struct option_row {
    const char *name; /* without "--" */
    char letter;      /* 0: none */
    enum option_kind kind;
    void *place;          /* bool, const char *, struct option_texts, uint64_t, struct span */
    const char *argument; /* for help: "NAME"; NULL for flags */
    const char *about;
};

struct command_line {
    const char *usage;    /* "relevo plan build FILE [options]" */
    const char *about;    /* what it does, one or more lines, ends with a newline */
    const char *examples; /* indented lines, each ends with a newline: they come first in --help */
    const struct option_row *rows;
    size_t row_count;
    size_t least; /* operands */
    size_t most;
};

struct operands {
    char **items;
    size_t count;
};

/* True: go on, `ret` holds the operands. False: the command ends with `*ret_exit` (help was shown: CLI_DONE;
   a mistake was explained: CLI_USAGE). Lists belong to cli->arena. */
bool options_parse (
    struct cli *cli, const struct command_line *line, int argc, char **argv, struct operands *ret,
    int *ret_exit);

/* The global options that stand before a command's word. `ret_first` is the place of that word in argv (argc
   where there is none). False as options_parse. */
bool options_leading (
    struct cli *cli, const struct command_line *line, int argc, char **argv, int *ret_first, bool *ret_help,
    int *ret_exit);

/* The help text, for --help and for tests. Appends. */
void options_help (const struct command_line *line, struct buffer *out);

#endif
