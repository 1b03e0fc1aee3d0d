#include "controller/cli/new_key.h"

#include "common/io/clock.h"
#include "common/io/file.h"

enum { SECRET_MODE = 0600, PUBLIC_MODE = 0644 };

void new_key_make (struct secret_key *ret)
{
    uint8_t seed[KEY_SEED_SIZE];
    uint8_t number[KEY_NUMBER_SIZE];
    random_fill (seed, sizeof seed);
    random_fill (number, sizeof number);
    secret_key_make (seed, number, ret);
    sodium_memzero (seed, sizeof seed);
}

bool new_key_write (
    const char *folder, const char *name, const struct secret_key *key, const char *password,
    struct error *error)
{
    struct arena arena = {0};
    struct buffer secret = {0};
    struct buffer public = {0};
    uint8_t salt[KEY_SALT_SIZE];
    bool done;
    random_fill (salt, sizeof salt);
    public_key_print (&key->public, &public);
    done = secret_key_print (key, password, salt, &secret, error) &&
           file_create (
               path_join (&arena, folder, arena_format (&arena, "%s.key", name)), buffer_bytes (&secret),
               SECRET_MODE, error) &&
           file_write (
               path_join (&arena, folder, arena_format (&arena, "%s.pub", name)), buffer_bytes (&public),
               PUBLIC_MODE, error);
    if (secret.data != NULL)
        sodium_memzero (secret.data, secret.size);
    buffer_free (&secret);
    buffer_free (&public);
    arena_free (&arena);
    return done;
}

bool new_key_change (
    const char *path, const struct secret_key *key, const char *password, struct error *error)
{
    struct buffer secret = {0};
    uint8_t salt[KEY_SALT_SIZE];
    bool done;
    random_fill (salt, sizeof salt);
    done = secret_key_print (key, password, salt, &secret, error) &&
           file_write (path, buffer_bytes (&secret), SECRET_MODE, error);
    if (secret.data != NULL)
        sodium_memzero (secret.data, secret.size);
    buffer_free (&secret);
    return done;
}
