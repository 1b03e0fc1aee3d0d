/* One HTTP request with libcurl: for probes and notifications. http and https only, no proxies, no redirects
   followed, a capped answer. Blocks up to the deadline: call it in a child or where waiting is fine. */
#ifndef RELEVO_COMMON_IO_HTTP_H
#define RELEVO_COMMON_IO_HTTP_H

#include "common/core/arena.h"
#include "common/core/error.h"
#include "common/core/text.h"
#include "common/core/time.h"

enum { HTTP_BODY_MAX = 1024 * 1024 };

struct http_request {
    const char *url;
    const char *body;           /* NULL: GET; else POST */
    const char *content_type;   /* of the body */
    const char *const *headers; /* "Name: value", ends with NULL; or NULL */
    struct span deadline;
};

struct http_answer {
    long status;
    struct bytes body;
};

bool http_do (
    const struct http_request *request, struct arena *arena, struct http_answer *ret, struct error *error);

#endif
