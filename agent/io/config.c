#include "agent/io/config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/tree.h"
#include "common/io/file.h"

enum { CONFIG_VARIABLES = 256, CONFIG_PATH = 2048 };

/* A variable becomes part of a child's environment. */
static bool is_variable_name (const char *name)
{
    size_t i;
    if (name[0] == '\0' || strlen (name) > LIMIT_NAME || (name[0] >= '0' && name[0] <= '9'))
        return false;
    for (i = 0; name[i] != '\0'; i++)
        if (strchr ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", name[i]) == NULL)
            return false;
    return true;
}

static bool read_variables (
    const struct tree *map, const char *what, struct arena *arena, const struct label **ret,
    size_t *ret_count, struct error *error)
{
    struct label *labels;
    size_t i;
    if (map == NULL)
        return true;
    if (map->kind != TREE_MAP)
        return tree_error (map, error, "%s is a map of names and values, as in \"port: 8081\"", what);
    if (map->count > CONFIG_VARIABLES)
        return tree_error (map, error, "%s has more than %d entries", what, CONFIG_VARIABLES);
    labels = arena_array (arena, map->count, sizeof *labels);
    for (i = 0; i < map->count; i++) {
        labels[i].name = map->keys[i]->text;
        if (!is_variable_name (labels[i].name))
            return tree_error (
                map->keys[i], error, "\"%s\" can't be a variable's name: use letters, digits and _",
                labels[i].name);
        if (strncmp (labels[i].name, "RELEVO_", 7) == 0)
            return tree_error (
                map->keys[i], error,
                "names that begin with RELEVO_ are set by relevo itself: choose another");
        if (!tree_text (map->items[i], "a variable's value", LIMIT_LINE, &labels[i].value, error))
            return false;
    }
    *ret = labels;
    *ret_count = map->count;
    return true;
}

static bool read_path (
    const struct tree *node, const char *what, const char *folder, struct arena *arena, const char **ret,
    struct error *error)
{
    const char *text;
    if (!tree_text (node, what, CONFIG_PATH, &text, error))
        return false;
    if (text[0] == '\0')
        return tree_error (node, error, "%s is empty", what);
    *ret = text[0] == '/' ? text : path_join (arena, folder, text);
    return true;
}

static bool read_product (
    const struct tree *name, const struct tree *map, const char *folder, struct arena *arena,
    struct product_config *ret, struct error *error)
{
    static const char *const keys[] = {"root", "variables"};
    if (!tree_name (name, "a product", &ret->name, error) ||
        !tree_check_keys (map, "a product", keys, sizeof keys / sizeof *keys, error))
        return false;
    if (tree_get (map, "root") == NULL)
        return tree_error (
            map, error, "product \"%s\" needs \"root: FOLDER\", where its releases go", ret->name);
    return read_path (tree_get (map, "root"), "root", folder, arena, &ret->root, error) &&
           read_variables (
               tree_get (map, "variables"), "variables", arena, &ret->variables, &ret->variable_count, error);
}

/* Two products in one folder would swap each other's `current`. */
static bool check_roots (
    const struct tree *map, const struct product_config *products, size_t count, struct error *error)
{
    size_t i;
    size_t j;
    for (i = 0; i < count; i++)
        for (j = 0; j < i; j++)
            if (strcmp (products[i].root, products[j].root) == 0)
                return tree_error (
                    map->keys[i], error, "\"%s\" has the same root as \"%s\": each product needs its own",
                    products[i].name, products[j].name);
    return true;
}

static bool read_products (
    const struct tree *map, const char *folder, struct arena *arena, struct agent_config *config,
    struct error *error)
{
    struct product_config *products;
    size_t i;
    if (map->kind != TREE_MAP || map->count == 0)
        return tree_error (
            map, error, "products is a map, as in \"products: { my-app: { root: /opt/my-app } }\"");
    if (map->count > LIMIT_PRODUCTS)
        return tree_error (map, error, "more than %d products on one host", LIMIT_PRODUCTS);
    products = arena_array (arena, map->count, sizeof *products);
    for (i = 0; i < map->count; i++)
        if (!read_product (map->keys[i], map->items[i], folder, arena, &products[i], error))
            return false;
    if (!check_roots (map, products, map->count, error))
        return false;
    config->products = products;
    config->product_count = map->count;
    return true;
}

static bool need (const struct tree *root, const char *key, const char *example, struct error *error)
{
    return tree_get (root, key) != NULL ||
           tree_error (root, error, "\"%s\" is missing; write \"%s: %s\"", key, key, example);
}

static bool read_names (const struct tree *root, struct agent_config *config, struct error *error)
{
    const struct tree *user = tree_get (root, "session_user");
    const struct tree *environment = tree_get (root, "environment");
    config->session_user = "";
    config->environment = "";
    return tree_name (tree_get (root, "name"), "name", &config->name, error) &&
           (user == NULL || tree_name (user, "session_user", &config->session_user, error)) &&
           (environment == NULL || tree_name (environment, "environment", &config->environment, error));
}

bool config_parse (
    struct bytes input, const char *file, const char *folder, struct arena *arena, struct agent_config *ret,
    struct error *error)
{
    static const char *const keys[] = {"name",        "state",   "session_user", "service_environment",
                                       "environment", "products"};
    struct agent_config config = {.file = file};
    const struct tree *root;
    if (!tree_parse (input, file, arena, &root, error) ||
        !tree_check_keys (root, "agent.yaml", keys, sizeof keys / sizeof *keys, error) ||
        !need (root, "name", "HOST", error) || !need (root, "state", "/var/lib/relevo-agent", error) ||
        !need (root, "products", "{ my-app: { root: /opt/my-app } }", error) ||
        !read_names (root, &config, error) ||
        !read_path (tree_get (root, "state"), "state", folder, arena, &config.state, error) ||
        !read_variables (
            tree_get (root, "service_environment"), "service_environment", arena, &config.service_environment,
            &config.service_environment_count, error) ||
        !read_products (tree_get (root, "products"), folder, arena, &config, error))
        return false;
    *ret = config;
    return true;
}

bool config_read (const char *path, struct arena *arena, struct agent_config *ret, struct error *error)
{
    char *absolute = realpath (path, NULL);
    const char *file;
    char *folder;
    struct bytes input;
    if (absolute == NULL)
        return error_set (
            error, ERROR_MISSING, "%s: %s; name the file with --config", path, strerror (errno));
    file = arena_text (arena, absolute);
    free (absolute);
    folder = arena_text (arena, file);
    *strrchr (folder, '/') = '\0';
    return file_read (file, TREE_INPUT, arena, &input, error) &&
           config_parse (input, file, folder[0] == '\0' ? "/" : folder, arena, ret, error);
}

bool config_product (
    const struct agent_config *config, const char *name, const struct product_config **ret,
    struct error *error)
{
    size_t i;
    for (i = 0; i < config->product_count; i++) {
        if (strcmp (config->products[i].name, name) == 0) {
            *ret = &config->products[i];
            return true;
        }
    }
    return error_set (
        error, ERROR_MISSING,
        "%s has no product \"%s\": add \"%s: { root: FOLDER }\" under products:", config->file, name, name);
}
