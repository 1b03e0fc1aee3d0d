/* agent.yaml: right ones are read, wrong ones are refused with a place and words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/io/variables.h"

#define PRODUCTS "products:\n  app: { root: /opt/app, variables: { port: 8081 } }\n"

static bool parse (const char *text, struct arena *arena, struct agent_config *ret, struct error *error)
{
    return config_parse (bytes_of_text (text), "agent.yaml", "/etc/relevo", arena, ret, error);
}

static void test_whole (void **state)
{
    struct arena arena = {0};
    struct agent_config config;
    const struct product_config *product;
    struct error error;
    (void)state;
    if (!parse (
            "name: web-1\nstate: state\nsession_user: relevo\nenvironment: staging\n"
            "service_environment: { LANG: C.UTF-8 }\n" PRODUCTS,
            &arena, &config, &error))
        fail_msg ("%s", error.text);
    assert_string_equal (config.name, "web-1");
    assert_string_equal (config.state, "/etc/relevo/state");
    assert_string_equal (config.session_user, "relevo");
    assert_string_equal (config.environment, "staging");
    assert_true (config_product (&config, "app", &product, &error));
    assert_string_equal (product->root, "/opt/app");
    assert_string_equal (product->variables[0].value, "8081");
    assert_false (config_product (&config, "other", &product, &error));
    assert_non_null (strstr (error.text, "has no product \"other\""));
    arena_free (&arena);
}

static void test_wrong (void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"state: s\n" PRODUCTS, "\"name\" is missing"},
        {"name: a\n" PRODUCTS, "\"state\" is missing"},
        {"name: a\nstate: s\n", "\"products\" is missing"},
        {"name: a\nstate: s\nproducts: {}\n", "agent.yaml:3:"},
        {"name: a\nstate: s\nsesion_user: x\n" PRODUCTS, "session_user"},
        {"name: ../a\nstate: s\n" PRODUCTS, "agent.yaml:1:7"},
        {"name: a\nstate: ''\n" PRODUCTS, "state is empty"},
        {"name: a\nstate: s\nproducts:\n  app: { rot: /x }\n", "root"},
        {"name: a\nstate: s\nproducts:\n  app: { variables: { a: b } }\n", "needs \"root: FOLDER\""},
        {"name: a\nstate: s\nproducts:\n  app: { root: /x }\n  two: { root: /x }\n", "same root"},
        {"name: a\nstate: s\nproducts:\n  app: { root: /x, variables: { RELEVO_HOST: b } }\n", "RELEVO_"},
        {"name: a\nstate: s\nproducts:\n  app: { root: /x, variables: { a-b: b } }\n", "letters, digits"},
        {"name: a\nstate: s\nproducts:\n  app: { root: /x, variables: [a] }\n", "map of names"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena = {0};
        struct agent_config config;
        struct error error;
        if (parse (cases[i].text, &arena, &config, &error))
            fail_msg ("case %zu was accepted", i);
        if (strstr (error.text, cases[i].words) == NULL)
            fail_msg ("case %zu: \"%s\" is not in \"%s\"", i, cases[i].words, error.text);
        arena_free (&arena);
    }
}

static struct variables make (struct arena *arena, struct agent_config *config)
{
    static const struct act_order order = {
        .product = "app", .version = "2.0", .folder = "2.0-abc", .previous = "1.0", .environment = "staging"};
    const struct product_config *product;
    assert_true (parse ("name: web-1\nstate: s\n" PRODUCTS, arena, config, NULL));
    assert_true (config_product (config, "app", &product, NULL));
    return variables_make (config, product, &order, arena);
}

static void test_variables (void **state)
{
    struct arena arena = {0};
    struct agent_config config;
    struct variables variables = make (&arena, &config);
    const char *text;
    struct error error;
    (void)state;
    assert_true (variables_expand (
        &variables, "${RELEVO_RELEASE}/bin --port=${port} $HOME ${RELEVO_PREVIOUS}", &arena, &text, &error));
    assert_string_equal (text, "/opt/app/releases/2.0-abc/bin --port=8081 $HOME 1.0");
    assert_true (variables_expand (&variables, "${RELEVO_CURRENT} ${RELEVO_SHARED}", &arena, &text, &error));
    assert_string_equal (text, "/opt/app/current /opt/app/shared");
    assert_false (variables_expand (&variables, "http://x:${prt}/", &arena, &text, &error));
    assert_non_null (strstr (error.text, "${prt} is not known"));
    assert_non_null (strstr (error.text, "port"));
    assert_false (variables_expand (&variables, "${port", &arena, &text, &error));
    arena_free (&arena);
}

static void test_environment (void **state)
{
    struct arena arena = {0};
    struct agent_config config;
    struct variables variables = make (&arena, &config);
    const char *const *environment = variables_environment (&variables, &arena);
    size_t paths = 0;
    bool has_port = false;
    (void)state;
    for (size_t i = 0; environment[i] != NULL; i++) {
        paths += strncmp (environment[i], "PATH=", 5) == 0;
        has_port = has_port || strcmp (environment[i], "port=8081") == 0;
    }
    assert_int_equal (paths, 1);
    assert_true (has_port);
    arena_free (&arena);
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_whole),
        cmocka_unit_test (test_wrong),
        cmocka_unit_test (test_variables),
        cmocka_unit_test (test_environment),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
