/* Output for people and for programs. JSON comes from the field tables of proto: a record has one form,
 * everywhere. */
#ifndef RELEVO_CONTROLLER_CLI_OUTPUT_H
#define RELEVO_CONTROLLER_CLI_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "controller/cli/cli.h"
#include "proto/messages.h"

/* A new reference. Numbers above 2^53 become text, instants RFC 3339 (null for none), spans milliseconds,
   digests and wire keys hexadecimal, public keys minisign's base64 line, bytes base64, enumerations their
   words. */
json_t *record_json (const struct record_type *type, const void *record);

/* {"schema": 1, NAME: value}; takes the reference of `value`. */
json_t *output_envelope (const char *name, json_t *value);
/* Prints to stdout and drops the reference: indented for CLI_JSON, one line for CLI_JSONL. */
void output_json (const struct cli *cli, json_t *value);
/* A list of `count` records of `type`: for CLI_JSON one envelope {"schema": 1, NAME: […]}, for CLI_JSONL a
 * line each. */
void output_records (
    const struct cli *cli, const char *name, const struct record_type *type, const void *records,
    size_t count);

/* A table of text: columns as wide as their widest cell, two spaces between. */
struct table;

struct table *table_new (const char *const *headings, size_t columns);
/* One row: as many texts as columns, copied; NULL counts as "". */
void table_add (struct table *table, const char *const *cells);
/* Appends the text, lines cut at `width` columns (0: never). */
void table_print (const struct table *table, unsigned width, struct buffer *out);
void table_free (struct table **table);
/* Prints to stdout and frees. */
void table_show (const struct cli *cli, struct table **table);

/* "512 B", "3.4 MiB". Returns `text`. */
const char *size_print (uint64_t bytes, char text[TIME_TEXT_SIZE]);
/* A span in whole seconds, "0s" where it is less or negative. Returns `text`. */
const char *seconds_print (struct span span, char text[TIME_TEXT_SIZE]);
/* Appends text from elsewhere so that it stays on its line and never steers a terminal: control characters
   become spaces. */
void buffer_plain (struct buffer *out, const char *text);
/* Shown columns of a UTF-8 text; control characters count as one. */
unsigned text_columns (const char *text);
/* The size in bytes of the longest start of `text` that is at most `columns` wide. */
size_t text_fit (const char *text, unsigned columns);

#endif
