/* Every bound of the protocol and the documents has its name here, and nowhere else. Sizes are in bytes. */
#ifndef RELEVO_PROTO_LIMITS_H
#define RELEVO_PROTO_LIMITS_H

enum {
    PROTOCOL_VERSION = 1,

    LIMIT_MESSAGE =
        16 * 1024 * 1024, /* one message on any socket (ZMQ_MAXMSGSIZE, the socketpair, the journal) */
    LIMIT_DOCUMENT = 4 * 1024 * 1024, /* the content of one signed document */
    LIMIT_DEPTH = 8,                  /* nesting of maps and lists in one message */

    LIMIT_NAME = 64,          /* names of hosts, keys, roles, products, environments */
    LIMIT_VERSION = 128,      /* a product version */
    LIMIT_LINE = 1024,        /* one sentence for people: causes, comments, details */
    LIMIT_COMMENT = 4096,     /* what a person writes with a decision */
    LIMIT_TAIL = 4096,        /* the end of a command's output */
    LIMIT_ADDRESS = 512,      /* an endpoint or URL */
    LIMIT_ARGUMENT = 65536,   /* one word of a command; a script may be written inline */
    LIMIT_ARGUMENTS = 64,     /* words of a command */
    LIMIT_SIGNATURE = 12288,  /* a minisign signature file: comments of up to 1024 and 8192, and the rest */
    LIMIT_SIGNATURES = 32,    /* signatures of one document */
    LIMIT_KEYS = 1024,        /* keys of one trust document */
    LIMIT_ROLES = 256,        /* roles of one trust document */
    LIMIT_ROLE_KEYS = 64,     /* keys of one role */
    LIMIT_HOSTS = 16384,      /* hosts of one fleet, of one cohort */
    LIMIT_PRODUCTS = 64,      /* products on one host */
    LIMIT_LABELS = 64,        /* labels of one host */
    LIMIT_STEPS = 64,         /* steps of one plan */
    LIMIT_ARTIFACTS = 64,     /* artefacts of one plan */
    LIMIT_SUITES = 64,        /* suites of one plan */
    LIMIT_TESTS = 256,        /* tests of one suite */
    LIMIT_TARGETS = 32,       /* notification targets of one step */
    LIMIT_EVIDENCE = 32768,   /* receipts and approvals that prove one permit */
    LIMIT_ROLLOUTS = 4096,    /* rows of a rollout list */
    LIMIT_CONTENTS = 65536,   /* rows of an artefact list */
    LIMIT_PAGE = 256,         /* journal entries in one audit page */
    LIMIT_CHUNK = 256 * 1024, /* content bytes in one message */
    LIMIT_CREDIT = 2097152,   /* content bytes asked for and not yet received: eight chunks */
    LIMIT_ATTEMPTS = 1000,    /* attempts of one rollout */
    LIMIT_OVERRIDES = 64,     /* failures that people answer for in one attempt, at a time */
};

/* One artefact: 64 GiB. Beyond the range of an enumeration constant. */
#define LIMIT_CONTENT (UINT64_C (64) * 1024 * 1024 * 1024)

#endif
