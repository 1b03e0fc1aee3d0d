#include "agent/io/variables.h"

#include <assert.h>
#include <string.h>

#include "common/io/file.h"

enum { OWN_VARIABLES = 10 };

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *find (const struct label *items, size_t count, const char *name, size_t size)
{
    size_t i;
    for (i = 0; i < count; i++)
        if (strncmp (items[i].name, name, size) == 0 && items[i].name[size] == '\0')
            return items[i].value;
    return NULL;
}

static void add (struct label *items, size_t *count, const char *name, const char *value)
{
    if (find (items, *count, name, strlen (name)) == NULL)
        items[(*count)++] = (struct label){.name = name, .value = value};
}

static void add_all (struct label *items, size_t *count, const struct label *more, size_t more_count)
{
    size_t i;
    for (i = 0; i < more_count; i++)
        add (items, count, more[i].name, more[i].value);
}

struct variables variables_make (
    const struct agent_config *config, const struct product_config *product, const struct act_order *order,
    struct arena *arena)
{
    size_t most = OWN_VARIABLES + product->variable_count + config->service_environment_count;
    struct label *items = arena_array (arena, most, sizeof *items);
    const char *releases = path_join (arena, product->root, "releases");
    size_t count = 0;
    add (items, &count, "RELEVO_HOST", config->name);
    add (items, &count, "RELEVO_ENVIRONMENT", order->environment);
    add (items, &count, "RELEVO_PRODUCT", order->product);
    add (items, &count, "RELEVO_VERSION", order->version);
    add (items, &count, "RELEVO_PREVIOUS", order->previous);
    add (
        items, &count, "RELEVO_RELEASE",
        order->folder[0] == '\0' ? "" : path_join (arena, releases, order->folder));
    add (items, &count, "RELEVO_CURRENT", path_join (arena, product->root, "current"));
    add (items, &count, "RELEVO_ROOT", product->root);
    add (items, &count, "RELEVO_SHARED", path_join (arena, product->root, "shared"));
    add_all (items, &count, product->variables, product->variable_count);
    add_all (items, &count, config->service_environment, config->service_environment_count);
    add (items, &count, "PATH", DEFAULT_PATH);
    assert (count <= most);
    return (struct variables){items, count};
}

static bool unknown (const struct variables *variables, const char *name, size_t size, struct error *error)
{
    struct buffer known = {0};
    size_t i;
    for (i = 0; i < variables->count; i++)
        buffer_print (&known, "%s%s", i > 0 ? ", " : "", variables->items[i].name);
    (void)error_set (
        error, ERROR_INPUT,
        "${%.*s} is not known here: add it to the product's variables in agent.yaml, or use one of %.512s",
        (int)(size < LIMIT_NAME ? size : LIMIT_NAME), name, known.data);
    buffer_free (&known);
    return false;
}

static bool expand (
    const struct variables *variables, const char *text, struct buffer *out, struct error *error)
{
    const char *at = text;
    const char *start;
    while ((start = strstr (at, "${")) != NULL) {
        const char *name = start + 2;
        size_t size = strcspn (name, "}");
        const char *value = find (variables->items, variables->count, name, size);
        if (name[size] == '\0')
            return error_set (error, ERROR_INPUT, "a \"${\" has no \"}\"");
        if (value == NULL)
            return unknown (variables, name, size, error);
        buffer_append (out, at, (size_t)(start - at));
        buffer_text (out, value);
        if (out->size > LIMIT_ARGUMENT)
            return error_set (error, ERROR_LIMIT, "a word grows over %d bytes", LIMIT_ARGUMENT);
        at = name + size + 1;
    }
    buffer_text (out, at);
    return true;
}

bool variables_expand (
    const struct variables *variables, const char *text, struct arena *arena, const char **ret,
    struct error *error)
{
    struct buffer out = {0};
    bool good = expand (variables, text, &out, error);
    if (good)
        *ret = arena_text_of (arena, out.data, out.size);
    buffer_free (&out);
    return good;
}

bool variables_words (
    const struct variables *variables, const char *first, const char *const *words, size_t count,
    struct arena *arena, const char *const **ret, struct error *error)
{
    const char **expanded = arena_array (arena, count + 2, sizeof *expanded);
    size_t at = 0;
    size_t i;
    if (first != NULL)
        expanded[at++] = first;
    for (i = 0; i < count; i++)
        if (!variables_expand (variables, words[i], arena, &expanded[at++], error))
            return false;
    *ret = (const char *const *)expanded;
    return true;
}

const char *const *variables_environment (const struct variables *variables, struct arena *arena)
{
    const char **environment = arena_array (arena, variables->count + 1, sizeof *environment);
    size_t i;
    for (i = 0; i < variables->count; i++)
        environment[i] = arena_format (arena, "%s=%s", variables->items[i].name, variables->items[i].value);
    return (const char *const *)environment;
}
