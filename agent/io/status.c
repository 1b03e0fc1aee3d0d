#include "agent/io/status.h"

#include <string.h>

#include "agent/core/installer.h"
#include "agent/io/journal.h"
#include "agent/io/state.h"
#include "common/core/trust.h"
#include "common/io/clock.h"
#include "common/io/file.h"

enum { PLANS_REMEMBERED = 64, COLUMNS = 6, CELL_MAX = 120 };

/* A plan that work was begun on. */
struct known_plan {
    struct digest digest;
    const char *product;
    const char *signers;
};

struct product_status {
    const char *product;
    const char *version;
    const char *previous;
    const char *signers;
    const char *receipt;
    struct instant since;
    bool swapping; /* noted, and the swap is not done yet */
};

struct reading {
    struct arena arena;
    struct trust trust;
    struct fleet fleet;
    struct known_plan plans[PLANS_REMEMBERED]; /* a ring */
    size_t plan_count;
    struct product_status products[LIMIT_PRODUCTS];
    size_t product_count;
    uint64_t receipts;
    uint64_t stored;
    struct installer *installer; /* rebuilt from the same notes: it knows what it waits for */
};

static const struct known_plan *plan_of (const struct reading *reading, const struct digest *digest)
{
    size_t count = reading->plan_count < PLANS_REMEMBERED ? reading->plan_count : PLANS_REMEMBERED;
    size_t i;
    for (i = 0; i < count; i++)
        if (digest_equal (&reading->plans[i].digest, digest))
            return &reading->plans[i];
    return NULL;
}

static struct product_status *product_of (struct reading *reading, const char *name)
{
    struct product_status *status;
    size_t i;
    for (i = 0; i < reading->product_count; i++)
        if (strcmp (reading->products[i].product, name) == 0)
            return &reading->products[i];
    if (reading->product_count == LIMIT_PRODUCTS)
        return NULL;
    status = &reading->products[reading->product_count++];
    *status = (struct product_status){
        .product = arena_text (&reading->arena, name),
        .version = "-",
        .previous = "-",
        .signers = "-",
        .receipt = "-"};
    return status;
}

static bool read_begin (struct reading *reading, const struct note_begin *note, struct error *error)
{
    struct known_plan *known;
    struct buffer signers = {0};
    struct plan plan;
    if (!document_read (&plan_type, note->plan.content, &reading->arena, &plan, error))
        return false;
    known = &reading->plans[reading->plan_count++ % PLANS_REMEMBERED];
    trust_signers (&reading->trust, ROLE_RELEASER, "", &note->plan, &signers);
    *known = (struct known_plan){
        .digest = digest_of (note->plan.content.data, note->plan.content.size),
        .product = plan.product,
        .signers = arena_text_of (&reading->arena, signers.data, signers.size)};
    buffer_free (&signers);
    return true;
}

static const char *version_or_none (struct reading *reading, const struct host_release *release)
{
    return release->version[0] != '\0' ? arena_text (&reading->arena, release->version) : "-";
}

static void read_release (struct reading *reading, const struct note_release *note)
{
    struct product_status *status = product_of (reading, note->product);
    const struct known_plan *plan = plan_of (reading, &note->current.plan);
    if (status == NULL)
        return;
    status->version = version_or_none (reading, &note->current);
    status->previous = version_or_none (reading, &note->previous);
    status->signers = plan != NULL && plan->signers[0] != '\0' ? plan->signers : "-";
    status->swapping = true;
}

/* A release runs since its swap was done. */
static void read_act (struct reading *reading, const struct note_act *note)
{
    size_t i;
    if (note->act != ACT_SWAP || !note->finished)
        return;
    for (i = 0; i < reading->product_count; i++) {
        if (reading->products[i].swapping)
            reading->products[i].since = note->at;
        reading->products[i].swapping = false;
    }
}

static bool read_receipt (struct reading *reading, const struct note_receipt *note, struct error *error)
{
    struct arena arena = {0};
    struct receipt receipt;
    const struct known_plan *plan;
    struct product_status *status;
    char at[TIME_TEXT_SIZE];
    if (!document_read (&receipt_type, note->receipt.content, &arena, &receipt, error))
        return false;
    reading->receipts = receipt.counter;
    plan = plan_of (reading, &receipt.plan);
    status = plan != NULL ? product_of (reading, plan->product) : NULL;
    if (status != NULL)
        status->receipt = arena_format (
            &reading->arena, "%s %s%s%s", instant_print (receipt.finished, at),
            enum_word (&outcome_words, receipt.outcome), receipt.cause[0] != '\0' ? ": " : "", receipt.cause);
    arena_free (&arena);
    return true;
}

static bool visit (void *context, const struct record_type *type, const void *record, struct error *error)
{
    struct reading *reading = context;
    if (!installer_apply (reading->installer, type, record, error))
        return false;
    if (type == &note_trust_type)
        return document_read (
            &trust_type, ((const struct note_trust *)record)->document.content, &reading->arena,
            &reading->trust, error);
    if (type == &note_fleet_type)
        return document_read (
            &fleet_type, ((const struct note_fleet *)record)->document.content, &reading->arena,
            &reading->fleet, error);
    if (type == &note_begin_type)
        return read_begin (reading, record, error);
    if (type == &note_receipt_type)
        return read_receipt (reading, record, error);
    if (type == &note_release_type)
        read_release (reading, record);
    else if (type == &note_act_type)
        read_act (reading, record);
    else if (type == &note_stored_type)
        reading->stored++;
    return true;
}

static void print_row (const char *const cells[COLUMNS], const size_t widths[COLUMNS], struct buffer *out)
{
    size_t i;
    for (i = 0; i < COLUMNS; i++) {
        size_t size = text_cut (cells[i], strlen (cells[i]) < CELL_MAX ? strlen (cells[i]) : CELL_MAX);
        bool is_last = i + 1 == COLUMNS;
        buffer_append (out, cells[i], size);
        if (!is_last)
            buffer_print (out, "%*s", (int)(widths[i] - size) + 2, "");
    }
    buffer_text (out, "\n");
}

static void print_table (struct reading *reading, struct buffer *out)
{
    const char *rows[LIMIT_PRODUCTS + 1][COLUMNS] = {
        {"PRODUCT", "VERSION", "SINCE", "PREVIOUS", "SIGNED BY", "LAST RECEIPT"}};
    char since[TIME_TEXT_SIZE];
    size_t widths[COLUMNS] = {0};
    size_t i;
    size_t column;
    for (i = 0; i < reading->product_count; i++) {
        const struct product_status *status = &reading->products[i];
        const char *row[COLUMNS] = {
            status->product,
            status->version,
            status->since.ms == 0 ? "-" : arena_text (&reading->arena, instant_print (status->since, since)),
            status->previous,
            status->signers,
            status->receipt};
        (void)memcpy (rows[i + 1], row, sizeof row);
    }
    for (i = 0; i <= reading->product_count; i++)
        for (column = 0; column < COLUMNS; column++) {
            size_t size = strlen (rows[i][column]);
            size = size < CELL_MAX ? size : CELL_MAX;
            widths[column] = size > widths[column] ? size : widths[column];
        }
    for (i = 0; i <= reading->product_count; i++)
        print_row (rows[i], widths, out);
}

static void print_head (
    const struct agent_config *config, const struct reading *reading, bool is_enrolled, struct buffer *out)
{
    const struct fleet_host *host = fleet_host_named (&reading->fleet, config->name);
    uint64_t owed = reading->receipts > reading->stored ? reading->receipts - reading->stored : 0;
    if (!is_enrolled) {
        buffer_print (out, "%s is not enrolled\n", config->name);
        return;
    }
    buffer_print (
        out, "host %s  environment %s  trust %llu  fleet %llu  receipts %llu", config->name,
        host != NULL ? host->environment : "- (not in the fleet)", (unsigned long long)reading->trust.version,
        (unsigned long long)reading->fleet.version, (unsigned long long)reading->receipts);
    if (owed > 0)
        buffer_print (out, " (%llu not yet stored by the controller)", (unsigned long long)owed);
    buffer_text (out, "\n");
}

/* What an administrator should know before believing the table. */
static void print_warnings (const struct reading *reading, struct instant now, struct buffer *out)
{
    struct error why;
    char text[TIME_TEXT_SIZE];
    if (installer_is_stale (reading->installer, now, &why))
        buffer_print (out, "%s: nothing new begins here\n", why.text);
    for (size_t i = 0; i < reading->product_count; i++) {
        struct instant until = installer_unconfirmed (reading->installer, reading->products[i].product);
        if (until.ms > 0)
            buffer_print (
                out, "%s: not confirmed yet; it returns to %s at %s if nobody confirms it\n",
                reading->products[i].product, reading->products[i].previous, instant_print (until, text));
    }
}

bool status_print (const struct agent_config *config, struct buffer *out, struct error *error)
{
    struct reading reading = {0};
    struct state_paths paths = state_paths (config, &reading.arena);
    bool good;
    size_t i;
    const struct installer_options options = {.host = config->name, .agent = RELEVO_VERSION};
    reading.installer = installer_new (&options);
    for (i = 0; i < config->product_count; i++)
        (void)product_of (&reading, config->products[i].name);
    good = journal_read (paths.journal, visit, &reading, error);
    if (good) {
        print_head (config, &reading, file_exists (paths.connection), out);
        print_warnings (&reading, clock_now (), out);
        print_table (&reading, out);
    }
    installer_free (&reading.installer);
    arena_free (&reading.arena);
    return good;
}
