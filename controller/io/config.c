#include "controller/io/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/core/tree.h"
#include "common/io/file.h"
#include "proto/limits.h"

enum { PATH_MOST = 4096, PORT_MOST = 65535 };

struct reader {
    const struct tree *map;
    const char *folder;
    struct arena *arena;
    struct error *error;
};

static const char *const known_keys[] = {
    "name",  "state", "agents",    "publish", "people",      "local",        "wire_key", "signing_key",
    "trust", "fleet", "heartbeat", "tick",    "permit_life", "notice_retry", "targets",  "user"};
static const char *const target_keys[] = {"webhook", "headers", "command", "deadline"};

#define COUNT(list) (sizeof (list) / sizeof (list)[0])

static bool required (const struct reader *reader, const char *key, const struct tree **ret)
{
    *ret = tree_get (reader->map, key);
    if (*ret == NULL)
        return tree_error (reader->map, reader->error, "\"%s\" is missing", key);
    return true;
}

static const char *absolute (const struct reader *reader, const char *path)
{
    return path[0] == '/' ? path : path_join (reader->arena, reader->folder, path);
}

static bool read_path (const struct reader *reader, const char *key, const char **ret)
{
    const struct tree *node;
    const char *text;
    if (!required (reader, key, &node) || !tree_text (node, key, PATH_MOST, &text, reader->error))
        return false;
    if (text[0] == '\0')
        return tree_error (node, reader->error, "\"%s\" is empty: write a path", key);
    *ret = absolute (reader, text);
    return true;
}

/* "*" and 0 let the system choose a port. */
static bool is_port (const char *text)
{
    unsigned long port = 0;
    if (strcmp (text, "*") == 0)
        return true;
    if (text[0] == '\0' || strlen (text) > 5)
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        port = port * 10 + (unsigned long)(*text - '0');
    }
    return port <= PORT_MOST;
}

static bool read_tcp (const struct reader *reader, const char *key, const char **ret)
{
    const struct tree *node;
    const char *text;
    const char *colon;
    if (!required (reader, key, &node) || !tree_text (node, key, LIMIT_ADDRESS, &text, reader->error))
        return false;
    colon = strrchr (text, ':');
    if (strncmp (text, "tcp://", 6) != 0 || colon == NULL || colon <= text + 6 || !is_port (colon + 1))
        return tree_error (
            node, reader->error, "\"%s\" is \"%s\": write tcp://ADDRESS:PORT, such as tcp://0.0.0.0:7301",
            key, text);
    *ret = text;
    return true;
}

static bool read_ipc (const struct reader *reader, const char *key, const char **ret)
{
    const struct tree *node;
    const char *text;
    const char *path;
    size_t most = sizeof ((struct sockaddr_un){0}).sun_path - 1;
    if (!required (reader, key, &node) || !tree_text (node, key, LIMIT_ADDRESS, &text, reader->error))
        return false;
    if (strncmp (text, "ipc://", 6) != 0 || text[6] == '\0')
        return tree_error (
            node, reader->error, "\"%s\" is \"%s\": write ipc://PATH, such as ipc:///run/relevo/local", key,
            text);
    path = absolute (reader, text + 6);
    if (strlen (path) > most)
        return tree_error (
            node, reader->error, "\"%s\": the path %s has more than %zu characters: choose a shorter one",
            key, path, most);
    *ret = arena_format (reader->arena, "ipc://%s", path);
    return true;
}

static bool read_span (const struct reader *reader, const char *key, struct span standard, struct span *ret)
{
    const struct tree *node = tree_get (reader->map, key);
    struct span value = standard;
    if (node != NULL && !tree_span (node, key, &value, reader->error))
        return false;
    if (value.ms <= 0)
        return tree_error (node, reader->error, "\"%s\" must be longer than 0, such as 5s", key);
    *ret = value;
    return true;
}

static bool read_spans (const struct reader *reader, struct config *ret)
{
    return read_span (reader, "heartbeat", span_seconds (2), &ret->heartbeat) &&
           read_span (reader, "tick", span_seconds (5), &ret->tick) &&
           read_span (reader, "permit_life", span_seconds (600), &ret->permit_life) &&
           read_span (reader, "notice_retry", span_seconds (30), &ret->notice_retry);
}

static bool is_header (const char *text)
{
    const char *colon = strchr (text, ':');
    return colon != NULL && colon > text && text_is_printable (text, strlen (text)) &&
           strcspn (text, " \t") > (size_t)(colon - text);
}

static bool read_webhook (const struct reader *reader, struct target *ret)
{
    const struct tree *url = tree_get (reader->map, "webhook");
    const struct tree *headers = tree_get (reader->map, "headers");
    if (!tree_text (url, "webhook", LIMIT_ADDRESS, &ret->webhook, reader->error))
        return false;
    if (strncmp (ret->webhook, "https://", 8) != 0 && strncmp (ret->webhook, "http://", 7) != 0)
        return tree_error (url, reader->error, "\"webhook\" must start with https:// or http://");
    if (headers == NULL)
        return true;
    if (!tree_texts (
            headers, "headers", CONFIG_MOST_HEADERS, LIMIT_LINE, reader->arena, &ret->headers,
            &ret->header_count, reader->error))
        return false;
    for (size_t i = 0; i < ret->header_count; i++)
        if (!is_header (ret->headers[i]))
            return tree_error (
                headers->kind == TREE_LIST ? headers->items[i] : headers, reader->error,
                "\"%s\" is no header: write \"Name: value\"", ret->headers[i]);
    return true;
}

static bool read_command (const struct reader *reader, struct target *ret)
{
    const struct tree *words = tree_get (reader->map, "command");
    if (!tree_texts (
            words, "command", LIMIT_ARGUMENTS, LIMIT_ARGUMENT, reader->arena, &ret->words, &ret->word_count,
            reader->error))
        return false;
    if (ret->word_count == 0 || ret->words[0][0] == '\0')
        return tree_error (words, reader->error, "\"command\" needs at least the program to run");
    return true;
}

static bool read_target (
    const struct reader *parent, const struct tree *name, const struct tree *node, struct target *ret)
{
    struct reader reader = {node, parent->folder, parent->arena, parent->error};
    struct target target = {0};
    bool webhook;
    if (!tree_name (name, "target", &target.name, reader.error) ||
        !tree_check_keys (node, "a target", target_keys, COUNT (target_keys), reader.error))
        return false;
    webhook = tree_get (node, "webhook") != NULL;
    if (webhook == (tree_get (node, "command") != NULL))
        return tree_error (
            node, reader.error, "target %s needs either \"webhook\" or \"command\"", target.name);
    if (!webhook && tree_get (node, "headers") != NULL)
        return tree_error (
            tree_get (node, "headers"), reader.error, "\"headers\" belong to a webhook, not to a command");
    if (!read_span (&reader, "deadline", span_seconds (30), &target.deadline) ||
        !(webhook ? read_webhook (&reader, &target) : read_command (&reader, &target)))
        return false;
    *ret = target;
    return true;
}

static bool read_targets (const struct reader *reader, struct config *ret)
{
    const struct tree *node = tree_get (reader->map, "targets");
    if (node == NULL)
        return true;
    if (node->kind != TREE_MAP)
        return tree_error (node, reader->error, "\"targets\" must be a map: NAME: { webhook: URL }");
    if (node->count > CONFIG_MOST_TARGETS)
        return tree_error (
            node, reader->error, "%zu targets, at most %d are possible", node->count, CONFIG_MOST_TARGETS);
    ret->targets = arena_array (reader->arena, node->count, sizeof ret->targets[0]);
    ret->target_count = node->count;
    for (size_t i = 0; i < node->count; i++)
        if (!read_target (reader, node->keys[i], node->items[i], &ret->targets[i]))
            return false;
    return true;
}

static bool read_user (const struct reader *reader, struct config *ret)
{
    const struct tree *node = tree_get (reader->map, "user");
    ret->user = "";
    return node == NULL || tree_name (node, "user", &ret->user, reader->error);
}

static bool read_all (const struct reader *reader, struct config *ret)
{
    const struct tree *name;
    return tree_check_keys (reader->map, "controller.yaml", known_keys, COUNT (known_keys), reader->error) &&
           required (reader, "name", &name) && tree_name (name, "name", &ret->name, reader->error) &&
           read_path (reader, "state", &ret->state) && read_user (reader, ret) &&
           read_tcp (reader, "agents", &ret->agents) && read_tcp (reader, "publish", &ret->publish) &&
           read_tcp (reader, "people", &ret->people) && read_ipc (reader, "local", &ret->local) &&
           read_path (reader, "wire_key", &ret->wire_key) &&
           read_path (reader, "signing_key", &ret->signing_key) && read_path (reader, "trust", &ret->trust) &&
           read_path (reader, "fleet", &ret->fleet) && read_spans (reader, ret) && read_targets (reader, ret);
}

bool config_parse (
    struct bytes input, const char *file, const char *folder, struct arena *arena, struct config *ret,
    struct error *error)
{
    struct reader reader = {NULL, folder, arena, error};
    struct config config = {0};
    if (!tree_parse (input, file, arena, &reader.map, error) || !read_all (&reader, &config))
        return false;
    *ret = config;
    return true;
}

bool config_read (const char *path, struct arena *arena, struct config *ret, struct error *error)
{
    struct bytes content;
    char *real;
    char *slash;
    const char *folder;
    if (!file_read (path, TREE_INPUT, arena, &content, error))
        return false;
    real = realpath (path, NULL);
    if (real == NULL)
        return error_set (error, ERROR_SYSTEM, "%s: its folder can't be found", path);
    slash = strrchr (real, '/');
    folder = slash == real ? "/" : arena_text_of (arena, real, (size_t)(slash - real));
    free (real);
    return config_parse (content, path, folder, arena, ret, error);
}

const struct target *config_target (const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->target_count; i++)
        if (strcmp (config->targets[i].name, name) == 0)
            return &config->targets[i];
    return NULL;
}
