/* A signature that was once found good, or bad, is so for ever: the same bytes are not computed again when a
   thousand hosts verify one receipt. It stands before libsodium's own function of this name. */
#include <sodium.h>
#include <string.h>

enum { ROOM = 1 << 14, LONGEST = 64 };

struct verified {
    unsigned char signature[crypto_sign_BYTES];
    unsigned char key[crypto_sign_PUBLICKEYBYTES];
    unsigned char message[LONGEST];
    unsigned long long size;
    int verdict;
};

static struct verified verified[ROOM];

int crypto_sign_verify_detached (
    const unsigned char *signature, const unsigned char *message, unsigned long long size,
    const unsigned char *key)
{
    unsigned char digest[LONGEST] = {0};
    struct verified *place;
    unsigned index;
    if (size > LONGEST) {
        (void)crypto_generichash (digest, sizeof digest, message, size, NULL, 0);
    } else
        memcpy (digest, message, size);
    memcpy (&index, signature, sizeof index);
    place = &verified[(index ^ key[0] ^ (unsigned)digest[0] << 8) % ROOM];
    if (place->size == size + 1 && memcmp (place->signature, signature, sizeof place->signature) == 0 &&
        memcmp (place->key, key, sizeof place->key) == 0 && memcmp (place->message, digest, LONGEST) == 0)
        return place->verdict;
    place->verdict = crypto_sign_ed25519_verify_detached (signature, message, size, key);
    memcpy (place->signature, signature, sizeof place->signature);
    memcpy (place->key, key, sizeof place->key);
    memcpy (place->message, digest, LONGEST);
    place->size = size + 1;
    return place->verdict;
}
