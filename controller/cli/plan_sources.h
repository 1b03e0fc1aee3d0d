/* The files behind a plan: the plan itself, its product profile, scripts and artefacts, read and hashed; and
   signed plans. */
#ifndef RELEVO_CONTROLLER_CLI_PLAN_SOURCES_H
#define RELEVO_CONTROLLER_CLI_PLAN_SOURCES_H

#include <stdio.h>

#include "controller/cli/client.h"
#include "controller/core/plan_build.h"

struct plan_sources {
    struct plan_draft draft;
    struct draft_profile profile;
    bool has_profile; /* false: it could not be read, which is among the problems */
    struct plan_file *scripts;
    size_t script_count;
    struct plan_file *files; /* artefacts that lie where the plan says */
    size_t file_count;
};

/* Reads and orders the plan at `path` ("-" is not special). What is wrong is added to `problems`, also a text
   that is no YAML; an error only where the plan can't be read at all. */
bool plan_sources_read (
    const char *path, struct plan_problems *problems, struct plan_sources *ret, struct error *error);

/* The world as far as the sources know it: their scripts and files, and `now`. */
struct plan_world plan_sources_world (const struct plan_sources *sources, struct instant now);

/* Prints the problems: lines on `stream`, or for JSON an envelope "problems" on stdout. */
void plan_problems_show (struct cli *cli, struct plan_problems *problems, const char *path, FILE *stream);

/* A built plan, signed or not, decoded but NOT verified: for showing it before it is signed, and for
   comparing. Checked by plan_check. */
bool plan_document_read (
    struct cli *cli, const char *path, struct envelope *ret_envelope, struct plan *ret, struct error *error);

#endif
