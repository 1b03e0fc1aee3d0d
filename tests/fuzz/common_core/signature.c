/* A signature file as from a stranger, over a content that is known: only the key's own signature verifies,
   whatever its untrusted comment says, and it counts once. */
#include "tests/fuzz/world.h"

#include "common/core/signature.h"

static const char content[] = "what is signed";

/* From the second line on. */
static const char *behind_comment (const char *text)
{
    const char *end = strchr (text, '\n');
    return end != NULL ? end : "";
}

static const char *true_signature (struct arena *arena)
{
    struct buffer text = {0};
    const char *copy;
    assert (signature_make (world_key ("ana"), bytes_of_text (content), "by ana", &text, NULL));
    copy = arena_text (arena, text.data);
    buffer_free (&text);
    return copy;
}

static void check_verified (const char *text, const struct signature *signature, struct arena *arena)
{
    assert (strcmp (behind_comment (text), behind_comment (true_signature (arena))) == 0);
    assert (bytes_equal (signature->comment, bytes_of_text ("by ana")));
}

/* Two files by one key are one signer, and nobody else's key is among them. */
static void check_count (const char *text, bool verified, struct arena *arena)
{
    const char *texts[] = {text, text, true_signature (arena)};
    const struct public_key keys[] = {world_key ("ana")->public, world_key ("eva")->public};
    struct envelope envelope = {bytes_of_text (content), texts, 2};
    bool signers[2] = {0};
    assert (document_signers (&envelope, keys, 2, signers) == (verified ? 1 : 0));
    assert (signers[0] == verified && !signers[1]);
    envelope.signatures_count = 3;
    assert (document_signers (&envelope, keys, 2, signers) == 1);
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    struct signature signature;
    uint8_t number[KEY_NUMBER_SIZE];
    const char *text = text_of (input, &arena);
    bool parsed = signature_parse (text, &signature, &error);
    bool verified = signature_verify (text, &world_key ("ana")->public, bytes_of_text (content), &error);
    assert (signature_key_number (text, number, NULL) == (parsed && signature.form != SIGNATURE_SSH));
    if (!verified)
        check_error (&error);
    else
        check_verified (text, &signature, &arena);
    assert (parsed || !verified);
    check_count (text, verified, &arena);
    arena_free (&arena);
    return parsed;
}

static void seed (void)
{
    struct arena arena = {0};
    struct buffer other = {0};
    const char *text = true_signature (&arena);
    seed_good ("true", bytes_of_text (text));
    assert (signature_make (world_key ("eva"), bytes_of_text ("other"), "a\tb", &other, NULL));
    seed_good ("of-another", buffer_bytes (&other));
    seed_bad ("without-comment", bytes_of_text (behind_comment (text) + 1));
    buffer_free (&other);
    arena_free (&arena);
}

const struct fuzz_target fuzz_target = {.most = 12288, .run = run, .seed = seed};
