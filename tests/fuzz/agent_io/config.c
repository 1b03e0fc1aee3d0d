/* agent.yaml */
#include "tests/fuzz/fuzz.h"

#include "agent/io/config.h"

static void check_labels (const struct label *labels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert (labels[i].name[0] != '\0' && strpbrk (labels[i].name, "= \n") == NULL);
        assert (strncmp (labels[i].name, "RELEVO_", 7) != 0);
        assert (strlen (labels[i].value) <= LIMIT_LINE);
    }
}

static void check_config (const struct agent_config *config)
{
    const struct product_config *found;
    assert (text_is_name (config->name) && config->state[0] == '/' && config->product_count > 0);
    assert (config->session_user != NULL && config->environment != NULL);
    check_labels (config->service_environment, config->service_environment_count);
    for (size_t i = 0; i < config->product_count; i++) {
        const struct product_config *product = &config->products[i];
        assert (text_is_name (product->name) && product->root[0] == '/');
        check_labels (product->variables, product->variable_count);
        assert (config_product (config, product->name, &found, NULL) && found == product);
    }
}

static bool run (struct bytes input)
{
    struct arena arena = {0};
    struct error error = {0};
    struct agent_config config = {0};
    bool good = config_parse (input, "/etc/relevo/agent.yaml", "/etc/relevo", &arena, &config, &error);
    if (good) {
        check_config (&config);
    } else {
        check_error (&error);
        assert (config.name == NULL);
    }
    arena_free (&arena);
    return good;
}

static void seed (void)
{
    seed_good ("least", bytes_of_text ("name: h1\nstate: s\nproducts: {a: {root: /opt/a}}\n"));
    seed_good (
        "whole",
        bytes_of_text (
            "name: connect-s1\nstate: /var/lib/relevo-agent\nsession_user: nobody\n"
            "environment: staging\nservice_environment: {LANG: C, A_1: \"x y\"}\n"
            "products:\n"
            "  rstudio-connect: { root: /opt/relevo/connect, variables: { port: 3939 } }\n"
            "  rstudio-pm:\n    root: pm\n    variables:\n      text: |\n        two\n        lines\n"));
    seed_bad ("no-root", bytes_of_text ("name: h1\nstate: s\nproducts: {a: {}}\n"));
}

const struct fuzz_target fuzz_target = {.most = 4096, .run = run, .seed = seed};
