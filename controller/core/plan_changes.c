/* The table of what will change where. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/arena.h"
#include "common/core/safe_text.h"
#include "controller/core/plan_show.h"

struct widths {
    int host;
    int environment;
    int now;
    int version;
};

/* Rows in the order of their names, to find one quickly. */
struct known {
    const struct host_row **rows;
    size_t count;
};

static int compare_rows (const void *first, const void *second)
{
    const struct host_row *const *left = first;
    const struct host_row *const *right = second;
    return strcmp ((*left)->name, (*right)->name);
}

static const char *version_now (const struct known *known, const char *host, const char *product)
{
    const struct host_row wanted = {.name = host};
    const struct host_row *key = &wanted;
    const struct host_row **found = NULL;
    if (known->count > 0)
        found = bsearch (&key, known->rows, known->count, sizeof *known->rows, compare_rows);
    if (found == NULL)
        return "?";
    for (size_t i = 0; i < (*found)->releases_count; i++)
        if (strcmp ((*found)->releases[i].product, product) == 0 && (*found)->releases[i].version[0] != '\0')
            return (*found)->releases[i].version;
    return "none";
}

static void widen (int *width, const char *text)
{
    size_t size = strlen (text);
    if (size <= LIMIT_VERSION && (int)size > *width)
        *width = (int)size;
}

static struct widths widths_of (const struct plan *plan, const struct known *known)
{
    struct widths widths = {4, 11, 3, 3};
    widen (&widths.version, plan->version);
    for (size_t i = 0; i < plan->steps_count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->kind != STEP_DEPLOY)
            continue;
        widen (&widths.environment, step->environment);
        for (size_t j = 0; j < step->hosts_count; j++) {
            widen (&widths.host, step->hosts[j]);
            widen (&widths.now, version_now (known, step->hosts[j], plan->product));
        }
    }
    return widths;
}

static void add_row (
    const struct plan *plan, const struct known *known, const struct widths *widths, const struct step *step,
    const char *host, struct buffer *out)
{
    struct buffer row = {0};
    const char *now = version_now (known, host, plan->product);
    buffer_print (
        &row, "%-*s  %-*s  %-*s -> %-*s  %" PRIu64 " %s%s", widths->host, host, widths->environment,
        step->environment, widths->now, now, widths->version, plan->version, step->number, step->title,
        strcmp (now, plan->version) == 0 ? " (runs it already)" : "");
    text_escape (row.data, row.size, out);
    buffer_text (out, "\n");
    buffer_free (&row);
}

void plan_show_changes (
    const struct plan *plan, const struct host_row *hosts, size_t count, struct buffer *out)
{
    struct arena arena = {0};
    struct known known = {.rows = arena_array (&arena, count, sizeof *known.rows), .count = count};
    struct widths widths;
    for (size_t i = 0; i < count; i++)
        known.rows[i] = &hosts[i];
    if (count > 1)
        qsort (known.rows, count, sizeof *known.rows, compare_rows);
    widths = widths_of (plan, &known);
    buffer_print (
        out, "%-*s  %-*s  %-*s    %-*s  STEP\n", widths.host, "HOST", widths.environment, "ENVIRONMENT",
        widths.now, "NOW", widths.version, "NEW");
    for (size_t i = 0; i < plan->steps_count; i++)
        for (size_t j = 0; plan->steps[i].kind == STEP_DEPLOY && j < plan->steps[i].hosts_count; j++)
            add_row (plan, &known, &widths, &plan->steps[i], plan->steps[i].hosts[j], out);
    arena_free (&arena);
}
