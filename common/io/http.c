#include "common/io/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdint.h>
#include <string.h>

enum { HOST_SHOWN = 200, STATUS_LEAST = 100, STATUS_MOST = 999 };

/* What one exchange holds. Errors name the host alone: paths and queries of webhooks are secrets. */
struct exchange {
    CURL *curl;
    struct curl_slist *headers;
    struct buffer body;
    bool is_too_large;
    char host[HOST_SHOWN + 1];
    char problem[CURL_ERROR_SIZE];
};

static size_t take_body (char *data, size_t one, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t size = one * count;
    if (size > (size_t)HTTP_BODY_MAX - exchange->body.size) {
        exchange->is_too_large = true;
        return 0;
    }
    buffer_append (&exchange->body, data, size);
    return size;
}

static bool read_host (struct exchange *exchange, const char *url, struct error *error)
{
    CURLU *parts = curl_url ();
    char *host = NULL;
    bool done;
    assert (parts != NULL);
    done = curl_url_set (parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
           curl_url_get (parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    if (done)
        (void)strncpy (exchange->host, host, HOST_SHOWN);
    else
        (void)error_set (error, ERROR_INPUT, "the URL is not well-formed; expected https://HOST/PATH");
    curl_free (host);
    curl_url_cleanup (parts);
    return done;
}

static bool add_header (struct exchange *exchange, const char *header, struct error *error)
{
    struct curl_slist *longer;
    if (!text_is_printable (header, strlen (header)) || strchr (header, ':') == NULL)
        return error_set (error, ERROR_INPUT, "%s: a header is one line, \"Name: value\"", exchange->host);
    longer = curl_slist_append (exchange->headers, header);
    assert (longer != NULL);
    exchange->headers = longer;
    return true;
}

static bool add_headers (struct exchange *exchange, const struct http_request *request, struct error *error)
{
    struct buffer type = {0};
    bool done = add_header (exchange, "Expect:", error); /* no question in advance: the body is small */
    if (done && request->body != NULL && request->content_type != NULL) {
        buffer_print (&type, "Content-Type: %s", request->content_type);
        done = add_header (exchange, type.data, error);
        buffer_free (&type);
    }
    for (size_t i = 0; done && request->headers != NULL && request->headers[i] != NULL; i++)
        done = add_header (exchange, request->headers[i], error);
    return done;
}

static void set_text (const struct exchange *exchange, CURLoption option, const char *value)
{
    CURLcode code = curl_easy_setopt (exchange->curl, option, value);
    assert (code == CURLE_OK);
}

static void set_number (const struct exchange *exchange, CURLoption option, long value)
{
    CURLcode code = curl_easy_setopt (exchange->curl, option, value);
    assert (code == CURLE_OK);
}

/* An empty proxy turns off the one that the environment may name. */
static void set_rules (const struct exchange *exchange, struct span deadline)
{
    long ms = deadline.ms > INT32_MAX ? INT32_MAX : (long)deadline.ms;
    set_text (exchange, CURLOPT_PROTOCOLS_STR, "http,https");
    set_text (exchange, CURLOPT_PROXY, "");
    set_text (exchange, CURLOPT_USERAGENT, "relevo/" RELEVO_VERSION);
    set_number (exchange, CURLOPT_FOLLOWLOCATION, 0);
    set_number (exchange, CURLOPT_NOSIGNAL, 1);
    set_number (exchange, CURLOPT_SSL_VERIFYPEER, 1);
    set_number (exchange, CURLOPT_SSL_VERIFYHOST, 2);
    set_number (exchange, CURLOPT_TIMEOUT_MS, ms);
    set_number (exchange, CURLOPT_CONNECTTIMEOUT_MS, ms);
    set_number (exchange, CURLOPT_MAXFILESIZE, HTTP_BODY_MAX);
}

static void set_request (struct exchange *exchange, const struct http_request *request)
{
    CURL *curl = exchange->curl;
    set_text (exchange, CURLOPT_URL, request->url);
    if (request->body != NULL) {
        set_number (exchange, CURLOPT_POSTFIELDSIZE, (long)strlen (request->body));
        set_text (exchange, CURLOPT_POSTFIELDS, request->body);
    }
    (void)curl_easy_setopt (curl, CURLOPT_HTTPHEADER, exchange->headers);
    (void)curl_easy_setopt (curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt (curl, CURLOPT_WRITEDATA, exchange);
    (void)curl_easy_setopt (curl, CURLOPT_ERRORBUFFER, exchange->problem);
}

static bool explain (
    const struct exchange *exchange, CURLcode code, struct span deadline, struct error *error)
{
    char time[TIME_TEXT_SIZE];
    const char *problem = exchange->problem[0] != '\0' ? exchange->problem : curl_easy_strerror (code);
    if (exchange->is_too_large || code == CURLE_FILESIZE_EXCEEDED)
        return error_set (
            error, ERROR_LIMIT, "%s: the answer is larger than %d bytes", exchange->host, (int)HTTP_BODY_MAX);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return error_set (
            error, ERROR_TIMEOUT, "%s: no answer within %s", exchange->host, span_print (deadline, time));
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
        return error_set (error, ERROR_INPUT, "%s: only http:// and https:// can be asked", exchange->host);
    return error_set (error, ERROR_SYSTEM, "%s: %s", exchange->host, problem);
}

static bool perform (
    struct exchange *exchange, const struct http_request *request, struct arena *arena,
    struct http_answer *ret, struct error *error)
{
    CURLcode code;
    long status = 0;
    if (!read_host (exchange, request->url, error) || !add_headers (exchange, request, error))
        return false;
    set_rules (exchange, request->deadline);
    set_request (exchange, request);
    code = curl_easy_perform (exchange->curl);
    if (code != CURLE_OK)
        return explain (exchange, code, request->deadline, error);
    (void)curl_easy_getinfo (exchange->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < STATUS_LEAST || status > STATUS_MOST) /* libcurl is lenient about status lines */
        return error_set (
            error, ERROR_INPUT, "%s: the answer's status is %ld, which is none of HTTP", exchange->host,
            status);
    ret->status = status;
    ret->body.data = (const uint8_t *)arena_text_of (arena, exchange->body.data, exchange->body.size);
    ret->body.size = exchange->body.size;
    return true;
}

bool http_do (
    const struct http_request *request, struct arena *arena, struct http_answer *ret, struct error *error)
{
    struct exchange exchange = {0};
    bool done;
    if (request->deadline.ms <= 0)
        return error_set (error, ERROR_INPUT, "an HTTP request needs a deadline above 0");
    exchange.curl = curl_easy_init ();
    assert (exchange.curl != NULL);
    done = perform (&exchange, request, arena, ret, error);
    curl_easy_cleanup (exchange.curl);
    curl_slist_free_all (exchange.headers);
    buffer_free (&exchange.body);
    return done;
}
