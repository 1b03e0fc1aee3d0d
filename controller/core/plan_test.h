/* Tests and suites as people write them, in plans and in product profiles:

     {exec: FILE, arguments: […], deadline: 30s}
     {http: URL, status: 200, body: TEXT, deadline: 10s}
     {tcp: HOST:PORT, deadline: 5s}                      each with an optional name */
#ifndef RELEVO_CONTROLLER_CORE_PLAN_TEST_H
#define RELEVO_CONTROLLER_CORE_PLAN_TEST_H

#include "controller/core/plan_field.h"
#include "proto/messages.h"

/* `test` is complete but for digest and length of an exec test's script. */
struct draft_test {
    const struct tree *place;
    const struct tree *script_place;
    const char *script; /* exec: its path, with the folder of the file in which it is named; else NULL */
    struct test test;
};

struct draft_tests {
    struct draft_test *items;
    size_t count;
};

struct draft_suite {
    const struct tree *place; /* the key */
    const char *name;
    struct draft_tests tests;
};

struct draft_suites {
    struct draft_suite *items;
    size_t count;
};

/* A content that a plan names by digest: read and hashed by the caller. */
struct plan_file {
    const char *path; /* as in draft_test.script */
    const struct tree *place;
    struct digest digest;
    uint64_t length;
};

/* `path` seen from the folder of `file`; an absolute path stays as it is. */
const char *plan_path (struct arena *arena, const char *file, const char *path);

/* A list of tests; an absent or wrong one is empty. Names that are missing are made of kind or file. */
struct draft_tests plan_tests_read (
    struct plan_problems *problems, const struct tree *list, const char *what);
/* A map of name and list; NULL is none. */
struct draft_suites plan_suites_read (struct plan_problems *problems, const struct tree *map);
/* NULL where there is none. */
const struct draft_suite *plan_suite_named (const struct draft_suites *suites, const char *name);

/* The tests with the digests of their scripts; a script that is not among `files` is a problem. */
struct test *plan_tests_finish (
    struct plan_problems *problems, const struct draft_tests *tests, const struct plan_file *files,
    size_t file_count);

#endif
