/* Options of a command and the global ones, mistakes and their words, help, commands with a nearest word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "controller/cli/options.h"

struct got {
    bool flag;
    const char *text;
    struct option_texts texts;
    uint64_t number;
    struct span span;
};

/* Runs the parser with what it says on stderr in `said`. */
static bool parse (
    struct cli *cli, struct got *got, char **argv, struct operands *operands, int *exit_code, char said[512])
{
    const struct option_row rows[] = {
        {"flag", 'f', OPTION_FLAG, &got->flag, NULL, "a flag"},
        {"target", 'o', OPTION_TEXT, &got->text, "FILE", "hides the global -o"},
        {"label", 'l', OPTION_TEXTS, &got->texts, "NAME", "several"},
        {"number", 0, OPTION_NUMBER, &got->number, "N", "a number"},
        {"life", 0, OPTION_SPAN, &got->span, "SPAN", "a time"},
    };
    const struct command_line line = {
        .usage = "relevo do thing FILE [options]",
        .about = "Does it.\n",
        .examples = "  relevo do thing x\n",
        .rows = rows,
        .row_count = 5,
        .least = 1,
        .most = 2};
    int argc = 0;
    int kept = dup (STDERR_FILENO);
    FILE *file = tmpfile ();
    bool good;
    size_t size;
    while (argv[argc] != NULL)
        argc++;
    (void)fflush (stderr);
    assert_true (dup2 (fileno (file), STDERR_FILENO) >= 0);
    good = options_parse (cli, &line, argc, argv, operands, exit_code);
    (void)fflush (stderr);
    assert_true (dup2 (kept, STDERR_FILENO) >= 0);
    (void)close (kept);
    rewind (file);
    size = fread (said, 1, 511, file);
    said[size] = '\0';
    (void)fclose (file);
    return good;
}

#define WORDS(...) ((char *[]){(char[]){"thing"}, __VA_ARGS__, NULL})

static void test_good (void **state)
{
    struct cli cli = {0};
    struct got got = {0};
    struct operands operands = {0};
    char said[512];
    int exit_code = -1;
    (void)state;
    assert_true (parse (
        &cli, &got,
        WORDS (
            "a.yaml", "-f", "-o", "out", "--output", "json", "-l", "x", "b", "--label=y", "--number", "7",
            "--life", "1h30m", "--yes"),
        &operands, &exit_code, said));
    assert_string_equal (said, "");
    assert_true (got.flag && cli.yes);
    assert_string_equal (got.text, "out");
    assert_int_equal (cli.format, CLI_JSON);
    assert_int_equal (got.texts.count, 2);
    assert_string_equal (got.texts.items[1], "y");
    assert_int_equal (got.number, 7);
    assert_int_equal (got.span.ms, 5400000);
    assert_int_equal (operands.count, 2);
    assert_string_equal (operands.items[0], "a.yaml");
    assert_string_equal (operands.items[1], "b");
    arena_free (&cli.arena);
}

static void expect_mistake (char **argv, const char *words)
{
    struct cli cli = {0};
    struct got got = {0};
    struct operands operands = {0};
    char said[512];
    int exit_code = -1;
    assert_false (parse (&cli, &got, argv, &operands, &exit_code, said));
    assert_int_equal (exit_code, CLI_USAGE);
    if (strstr (said, words) == NULL)
        fail_msg ("\"%s\" is not in \"%s\"", words, said);
    assert_non_null (strstr (said, "See `relevo do thing --help`."));
    arena_free (&cli.arena);
}

static void test_mistakes (void **state)
{
    (void)state;
    expect_mistake (WORDS ("x", "--lable", "1"), "unknown option --lable: did you mean --label?");
    expect_mistake (WORDS ("x", "--qqqqqq"), "unknown option --qqqqqq.");
    expect_mistake (WORDS ("x", "-Z"), "unknown option -Z.");
    expect_mistake (WORDS ("x", "--number"), "--number needs N.");
    expect_mistake (WORDS ("x", "--number", "7x"), "--number wants a number, not \"7x\"");
    expect_mistake (WORDS ("x", "--number", "99999999999999999999"), "wants a number");
    expect_mistake (WORDS ("x", "--life", "soon"), "--life");
    expect_mistake (WORDS ("x", "--output", "xml"), "-o wants table, json or jsonl");
    expect_mistake (WORDS ("--flag"), "something is missing");
    expect_mistake (WORDS ("x", "y", "z"), "too many words");
}

static int told;

static int note (struct cli *cli, int argc, char **argv)
{
    (void)cli;
    told = argc * 10 + (strcmp (argv[argc - 1], "--help") == 0 ? 1 : 0);
    return 42;
}

static void test_dispatch (void **state)
{
    static const struct cli_command commands[] = {{"start", note, "begins"}, {"status", note, "tells"}};
    struct cli cli = {0};
    (void)state;
    assert_int_equal (cli_dispatch (&cli, "rollout", "", commands, 2, 3, WORDS ("start", "x")), 42);
    assert_int_equal (told, 20);
    assert_int_equal (cli_dispatch (&cli, "rollout", "", commands, 2, 4, WORDS ("-o", "json", "status")), 42);
    assert_int_equal (told, 10);
    assert_int_equal (cli.format, CLI_JSON);
    assert_int_equal (cli_dispatch (&cli, "rollout", "", commands, 2, 3, WORDS ("help", "start")), 42);
    assert_int_equal (told, 21);
    assert_int_equal (cli_dispatch (&cli, "rollout", "", commands, 2, 2, WORDS ("strat")), CLI_USAGE);
    assert_int_equal (cli_dispatch (&cli, "rollout", "", commands, 2, 1, WORDS (NULL)), CLI_USAGE);
    arena_free (&cli.arena);
}

static void test_help (void **state)
{
    bool flag = false;
    const struct option_row row = {"flag", 'f', OPTION_FLAG, &flag, NULL, "a flag"};
    const struct command_line line = {
        .usage = "relevo x",
        .about = "Does it.\n",
        .examples = "  relevo x -f\n",
        .rows = &row,
        .row_count = 1};
    const char *start = "Examples:\n  relevo x -f\n\nUsage: relevo x\n\nDoes it.\n\nOptions:\n  -f, --flag";
    struct buffer out = {0};
    (void)state;
    options_help (&line, &out);
    assert_memory_equal (out.data, start, strlen (start));
    assert_non_null (strstr (out.data, "--password-file FILE"));
    buffer_free (&out);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_good),
        cmocka_unit_test (test_mistakes),
        cmocka_unit_test (test_dispatch),
        cmocka_unit_test (test_help),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
