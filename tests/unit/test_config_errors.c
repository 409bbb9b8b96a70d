#include "config_test.h"

#define ADDRESS "expected one such as 127.0.0.1:8585, \"[::1]:8585\", :8585 or unix:/run/dsgate/dsgate.sock\n"
#define PIN                                                                                                            \
    "is not an IP address; expected one such as 192.0.2.7, 192.0.2.7:8443, \"[2001:db8::7]:443\" or "                  \
    "unix:/run/model.sock\n"
#define MODEL "is not a model's name; expected 1 to 256 visible ASCII characters, no quotes or backslashes\n"
#define NAME  "is not a name; expected 1 to 64 of A-Z a-z 0-9 . _ -\n"

static const struct mistake yaml_mistakes[] = {
    {"a: [b\nc: d\n", "f:2:2: not valid YAML: did not find expected ',' or ']' while parsing a flow sequence\n"},
    {"listen: a\n\tx: d\n",
     "f:2:1: not valid YAML: found a tab character that violates indentation while scanning a plain scalar\n"},
    {"a: \"\xff\"\n", "f:1:5: not valid YAML: invalid leading UTF-8 octet\n"},
    {"log: {access: ${X}}\n",
     "f:1:16: not valid YAML: did not find expected ',' or '}' while parsing a flow mapping; inside { } "
     "or [ ] a \"${NAME}\" needs quotes\n"},
    {"listen: [::1]:8585\n",
     "f:1:10: not valid YAML: did not find expected node content while parsing a flow node; an address in "
     "[ ] needs quotes\n"},
    {"a: b\n---\nc: d\n", "f:2:1: a second YAML document starts here; expected one\n"},
    {"log: &x {level: info}\n", "f:1:6: a YAML anchor; expected the value alone\n"},
    {"log: *x\n", "f:1:6: a YAML alias; expected the value itself\n"},
    {"*x : y\n", "f:1:1: a YAML alias; expected the value itself\n"},
    {"workers: !!int 3\n", "f:1:10: a YAML tag; expected the value alone\n"},
    {"[a]: b\n", "f:1:1: a key that is a list or a mapping; expected a word\n"},
    {"log: {access: \"a\\0b\"}\n", "f:1:15: a NUL byte; expected text without one\n"},
    {"[[[[[[[[[[[[[[1]]]]]]]]]]]]]]\n", "f:1:14: too deeply nested\n"},
    {"text\n", "f:1:1: found text; expected a mapping of options\n"},
    {"- a\n", "f:1:1: found a list; expected a mapping of options\n"},
    {"workers: 1\nlog: {}\nworkers: 2\n", "f:3:1: duplicate key 'workers'; it is already on line 1\n"},
    {"{workers: 1, workers: 2}\n", "f:1:14: duplicate key 'workers'; it is already on line 1\n"},
    {"log:\n  level: info\n  'level': warn\n", "f:3:3: duplicate key 'level'; it is already on line 2\n"},
};

#define EXPECTED_KEYS                                                                                                  \
    "expected listen, admin, workers, zone, limits, timeouts, log, state, queue, cache, callers, routes, retries " \
    "or upstreams\n"

static const struct mistake key_mistakes[] = {
    {"0123456789012345678901234567890123456789012345678901234567890123456789: 1\n",
     "f:1:1: unknown key '0123456789012345678901234567890123456789012345678901234567890123…'; " EXPECTED_KEYS},
    {"\"01234567890123456789012345678901234567890123456789012345678901\xe2\x82\xac\": 1\n",
     "f:1:1: unknown key '01234567890123456789012345678901234567890123456789012345678901…'; " EXPECTED_KEYS},
    {"upstrems: []\n", "f:1:1: unknown key 'upstrems'; did you mean 'upstreams'?\n"},
    {"x: 1\n", "f:1:1: unknown key 'x'; " EXPECTED_KEYS},
    {"'': 1\n", "f:1:1: unknown key ''; " EXPECTED_KEYS},
    {"log: {levle: info}\n", "f:1:7: unknown key 'levle'; did you mean 'level'?\n"},
    {"\"a\\e[2Jb\": 1\n",
     "f:1:1: unknown key 'a?[2Jb'; " EXPECTED_KEYS},
    {"\"a\\u009bm\": 1\n",
     "f:1:1: unknown key 'a?\x9bm'; " EXPECTED_KEYS},
    {"limits: 3\n", "f:1:9: limits: found text; expected a mapping\n"},
    {"log: [a]\n", "f:1:6: log: found a list; expected a mapping\n"},
    {"admin: 127.0.0.1:8586\n",
     "f:1:8: admin: found text; expected a mapping such as {listen: 127.0.0.1:8586}\n"},
    {"admin: ['127.0.0.1:8586']\n",
     "f:1:8: admin: found a list; expected a mapping such as {listen: 127.0.0.1:8586}\n"},
    {"\xef\xbb\xbfworkers: x\n", "f:1:10: workers: 'x' is not a whole number; expected auto or 1 to 256\n"},
    {"workers: {a: b}\n", "f:1:10: workers: found a mapping; expected a whole number\n"},
    {"log: {level: [a]}\n", "f:1:14: level: found a list; expected a word\n"},
    {"log: {level: wran}\n", "f:1:14: level: 'wran' is unknown; did you mean 'warn'?\n"},
    {"log: {format: html}\n", "f:1:15: format: 'html' is unknown; expected text or json\n"},
    {"log: {access: ''}\n", "f:1:15: access: empty; expected text\n"},
    {"log: {access: \"a\\nb\"}\n", "f:1:15: access: 'a?b' has a control character; expected the path of a file\n"},
};

static const struct mistake number_mistakes[] = {
    {"workers: many\n", "f:1:10: workers: 'many' is not a whole number; expected auto or 1 to 256\n"},
    {"workers: 0\n", "f:1:10: workers: '0' is out of range; expected auto or 1 to 256\n"},
    {"workers: 257\n", "f:1:10: workers: '257' is out of range; expected auto or 1 to 256\n"},
    {"workers: -1\n", "f:1:10: workers: '-1' is not a whole number; expected auto or 1 to 256\n"},
    {"workers: 1.5\n", "f:1:10: workers: '1.5' is not a whole number; expected auto or 1 to 256\n"},
    {"workers: 18446744073709551617\n",
     "f:1:10: workers: '18446744073709551617' is not a whole number; expected auto or 1 to 256\n"},
    {"limits: {body: lots}\n", "f:1:16: body: 'lots' is not a size such as 512KB, 10MB or 1GiB; expected 1KB to 1GB\n"},
    {"limits: {body: 2GB}\n", "f:1:16: body: '2GB' is out of range; expected 1KB to 1GB\n"},
    {"limits: {body: 1023}\n", "f:1:16: body: '1023' is out of range; expected 1KB to 1GB\n"},
    {"limits: {body: 99999999999999GB}\n",
     "f:1:16: body: '99999999999999GB' is not a size such as 512KB, 10MB or 1GiB; expected 1KB to 1GB\n"},
    {"timeouts: {connect: 5}\n", "f:1:21: connect: '5' has no unit; did you mean '5s'?\n"},
    {"timeouts: {connect: 5 s}\n",
     "f:1:21: connect: '5 s' is not a time such as 500ms, 30s, 10m or 1h; expected 1ms to 24h\n"},
    {"timeouts: {connect: 0s}\n", "f:1:21: connect: '0s' is out of range; expected 1ms to 24h\n"},
    {"timeouts: {connect: 24h1}\n",
     "f:1:21: connect: '24h1' is not a time such as 500ms, 30s, 10m or 1h; expected 1ms to 24h\n"},
    {"timeouts: {drain: 2d}\n", "f:1:19: drain: '2d' is out of range; expected 0s to 24h\n"},
    {"listen: {address: 'unix:/x', mode: 0680}\n",
     "f:1:36: mode: '0680' is not octal permissions such as 0660; expected 0 to 0777\n"},
    {UP "  models: {a: {price: {output: 1e3}}}\n",
     "f:4:32: output: '1e3' is not a decimal number such as 0.15; expected 0 to 1000000\n"},
    {UP "  tls: {insecure: yes}\n", "f:4:8: tls: base_url is http; expected https, or no tls\n"
                                    "f:4:19: insecure: 'yes' is neither true nor false\n"},
};

static const struct mistake listen_mistakes[] = {
    {"listen: []\n", "f:1:9: listen: found 0; expected 1 to 64 of them\n"},
    {"listen: localhost:80\n", "f:1:9: address: 'localhost:80' is not an address to listen on; " ADDRESS},
    {"listen: 8585\n", "f:1:9: address: '8585' is not an address to listen on; " ADDRESS},
    {"listen: 1.2.3.4:70000\n", "f:1:9: address: '1.2.3.4:70000' is not an address to listen on; " ADDRESS},
    {"listen: [[a]]\n", "f:1:10: listen: found a list; expected text or a mapping\n"},
    {"listen: [{mode: 0600}]\n", "f:1:10: address is missing; expected text\n"},
    {"listen: [':1', ':1']\n", "f:1:9: listen: ':1' is given twice; expected it once\n"},
    {"listen: ':1'\nadmin: {listen: ':1'}\n",
     "f:2:17: admin.listen: ':1' is an address of the API; expected another one\n"},
    {"listen: 127.0.0.1:8586\n",
     "f:1:9: admin.listen: '127.0.0.1:8586' is an address of the API; expected another one\n"},
    {"listen: {address: ':1', tls: {cert_file: a}}\n", "f:1:42: cert_file: key_file is missing; expected both\n"},
    {"listen: {address: ':1', tls: {key_file: a}}\n", "f:1:41: key_file: cert_file is missing; expected both\n"},
    {"listen: {address: ':1', tls: {client_ca_file: a}}\n",
     "f:1:47: client_ca_file: cert_file is missing; expected TLS to be on\n"},
};

static const struct mistake upstream_mistakes[] = {
    {"upstreams: []\n", "f:1:12: upstreams: found 0; expected 1 to 64 of them\n"},
    {"upstreams: [x]\n", "f:1:13: upstreams: found text; expected a mapping\n"},
    {"upstreams: [{}]\n", "f:1:13: name is missing; expected text\n"
                          "f:1:13: base_url is missing; expected a URL such as https://api.deepseek.com/v1\n"},
    {"upstreams: [{preset: deepsek}]\n", "f:1:22: preset: 'deepsek' is unknown; did you mean 'deepseek'?\n"},
    {"upstreams: [{preset: azure}]\n",
     "f:1:13: base_url is missing; expected a URL such as https://api.deepseek.com/v1\n"},
    {UP "- name: u\n  base_url: http://h\n",
     "f:4:9: name: 'u' is the name of an earlier upstream; expected another one\n"},
    {"upstreams: [{name: a b, base_url: http://h}]\n", "f:1:20: name: 'a b' " NAME},
    {"upstreams: [{name: '', base_url: http://h}]\n", "f:1:20: name is missing; expected text\n"},
    {UP "  dialect: vlm\n", "f:4:12: dialect: 'vlm' is unknown; did you mean 'vllm'?\n"},
    {UP "  account: 'a\"b'\n", "f:4:12: account: 'a\"b' " NAME},
    {UP "  weight: 1001\n", "f:4:11: weight: '1001' is out of range; expected 1 to 1000\n"},
    {UP "  resolve: localhost\n", "f:4:12: resolve: 'localhost' " PIN},
    {UP "  resolve: [{a: b}]\n", "f:4:13: resolve: found a mapping; expected text\n"},
    {UP "  resolve: {a: b}\n", "f:4:12: resolve: found a mapping; expected text or a list of texts\n"},
    {UP "  auth_header: cookie\n",
     "f:4:16: auth_header: 'cookie' is unknown; expected authorization, api-key or x-api-key\n"},
    {UP "  models: {a b: c, d: \"e\\\"f\"}\n", "f:4:12: models: 'a b' " MODEL "f:4:23: name: 'e\"f' " MODEL},
    {UP "  models: {a: {thinking: yes}}\n", "f:4:26: thinking: 'yes' is unknown; expected enabled or disabled\n"},
    {UP "  models: [a]\n", "f:4:11: models: found a list; expected a mapping\n"},
};

#define PATH                                                                                                           \
    "is not a path; expected '/' and then A-Z a-z 0-9 - . _ ~ ! $ & ' ( ) * + , ; = : @ /, without '//', '.', '..' "   \
    "or "                                                                                                              \
    "a '/' at the end\n"
#define KEY                                                                                                            \
    "the value (not shown) would break a header; expected at most 8192 visible ASCII characters without spaces\n"
#define VALUE                                                                                                          \
    "the value (not shown) would break a header; expected at most 8192 visible ASCII characters and spaces between "   \
    "them\n"

/* What must never reach the wire, and never an error message. */
static const struct mistake wire_mistakes[] = {
    {UP "  beta_path: /a/../b\n", "f:4:14: beta_path: '/a/../b' " PATH},
    {UP "  health: {path: models}\n", "f:4:18: path: 'models' " PATH},
    {UP "  api_key: \"secret\\r\\nx: y\"\n", "f:4:12: api_key: " KEY},
    {UP "  api_key: se cret\n", "f:4:12: api_key: " KEY},
    {UP "  api_key: [secret]\n", "f:4:12: api_key: found a list; expected text\n"},
    {UP "  api_key: secret\xc3\xa9\n", "f:4:12: api_key: " KEY},
    {UP "  weight: sk-secret\n", "f:4:11: weight: the value (not shown) is not a whole number; expected 1 to 1000\n"},
    {UP "  headers: {x-a: \"secret\\n\"}\n", "f:4:18: value: " VALUE},
    {UP "  headers: {x-a: ' secret'}\n", "f:4:18: value: " VALUE},
    {UP "  headers: {x-a: \"secret\\tx\"}\n", "f:4:18: value: " VALUE},
    {UP "  headers: {x-a: }\n", "f:4:18: value is missing; expected text\n"},
    {UP "  headers: {Content-Length: '3'}\n",
     "f:4:13: headers: 'Content-Length' frames the message or belongs to one connection; remove it\n"},
    {UP "  headers: {\"a b\": c}\n",
     "f:4:13: headers: 'a b' is not a header's name; expected 1 to 128 of A-Z a-z 0-9 ! # $ % & ' "
     "* + - . ^ _ ` | ~\n"},
    {UP "  headers: {x-a: b, X-A: c}\n", "f:4:21: headers: 'X-A' is given twice in different case\n"},
    {UP "  headers: {Authorization: c}\n  api_key: k\n",
     "f:4:12: headers: 'Authorization' is set by the API key; expected one of them\n"},
    {UP "  api_key: k\n  api_key_file: /nowhere/key\n",
     "f:5:17: api_key_file: '/nowhere/key' cannot be read: No such file or directory\n"
     "f:5:17: api_key_file: api_key is given too; expected one of them\n"},
    {UP "  api_key_file: secret\n",
     "f:4:17: api_key_file: the value (not shown) cannot be read: No such file or directory\n"},
    {UP "  api_key_file: /dev/zero\n", "f:4:17: api_key_file: '/dev/zero' cannot be read: not a regular file\n"},
    {UP "  api_key_file: /\n", "f:4:17: api_key_file: '/' cannot be read: not a regular file\n"},
    {UP "  api_key_credential: key\n",
     "f:4:23: api_key_credential: the value (not shown) cannot be read: CREDENTIALS_DIRECTORY "
     "is not set; expected a systemd unit with LoadCredential=\n"},
    {UP "  api_key_credential: ../key\n",
     "f:4:23: api_key_credential: '../key' cannot be read: not a credential's name\n"},
};

#define URL(text) "upstreams:\n- name: u\n  base_url: " text "\n"

static const struct mistake url_mistakes[] = {
    {URL("''"), "f:3:13: base_url: the URL has no scheme; expected http:// or https:// and a host\n"},
    {URL("h.example/v1"), "f:3:13: base_url: the URL has no scheme; expected http:// or https:// and a host\n"},
    {URL("ftp://h"), "f:3:13: base_url: the URL has an unknown scheme; expected http:// or https://\n"},
    {URL("htp://foo"), "f:3:13: base_url: the URL has an unknown scheme; expected http:// or https://\n"},
    {URL("'://h'"), "f:3:13: base_url: the URL has no scheme; expected http:// or https:// and a host\n"},
    {URL("h/x://y"), "f:3:13: base_url: the URL has no scheme; expected http:// or https:// and a host\n"},
    {URL("https://h.example/v1/chat/completions"),
     "f:3:13: base_url: the URL ends in an endpoint; did you mean 'https://h.example/v1'?\n"},
    {URL("https://h.example/chat/completions/"),
     "f:3:13: base_url: the URL ends in an endpoint; did you mean 'https://h.example'?\n"},
    {URL("http://h:1/v1/completions"),
     "f:3:13: base_url: the URL ends in an endpoint; did you mean 'http://h:1/v1'?\n"},
    {URL("http://h/v1/embeddings"), "f:3:13: base_url: the URL ends in an endpoint; did you mean 'http://h/v1'?\n"},
    {URL("http://h/v1/responses"), "f:3:13: base_url: the URL ends in an endpoint; did you mean 'http://h/v1'?\n"},
    {URL("http://u:p@h/v1/chat/completions"),
     "f:3:13: base_url: the URL has a user name or password; expected the key in api_key\n"},
    {URL("'${DSGATE_TEST:-https://h/v1/chat/completions}'"),
     "f:3:13: base_url: the URL in ${DSGATE_TEST} ends in an endpoint; expected it without /chat/completions\n"},
    {URL("http://"), "f:3:13: base_url: the URL has no host; expected one behind its ://\n"},
    {URL("http://:80"), "f:3:13: base_url: the URL has no host; expected one behind its ://\n"},
    {URL("http://u:p@h"), "f:3:13: base_url: the URL has a user name or password; expected the key in api_key\n"},
    {URL("http://h?a=b"), "f:3:13: base_url: the URL has a query or a fragment; expected nothing behind the path\n"},
    {URL("http://h/v1#x"), "f:3:13: base_url: the URL has a query or a fragment; expected nothing behind the path\n"},
    {URL("\"http://h/\\r\\nx: y\""),
     "f:3:13: base_url: the URL has a space, a control character or one outside ASCII; expected none of them\n"},
    {URL("http://h/a b"),
     "f:3:13: base_url: the URL has a space, a control character or one outside ASCII; expected none of them\n"},
    {URL("http://h:0"), "f:3:13: base_url: the URL has a port out of range; expected 1 to 65535\n"},
    {URL("'http://h:'"), "f:3:13: base_url: the URL has no port after its host's ':'; expected 1 to 65535\n"},
    {URL("http://h/../x"),
     "f:3:13: base_url: the URL has a path with '//', '.', '..' or characters that need escaping; expected "
     "one such as /v1\n"},
    {URL("http://[::1"), "f:3:13: base_url: the URL has a '[' without its ']'; expected ://[ADDRESS]:PORT\n"},
    {URL("http://10.0.0.256"),
     "f:3:13: base_url: the URL has a host that is neither a name nor an IP address; expected one such "
     "as llm.example.com\n"},
};

static const struct mistake environment_mistakes[] = {
    {"log: {access: '${DSGATE_TEST}'}\n",
     "f:1:15: environment variable 'DSGATE_TEST' is not set; expected it, or a default: ${NAME:-default}\n"},
    {"log: {level: '${DSGATE_TEST:-loud}'}\n",
     "f:1:14: level: the value of '${DSGATE_TEST:-loud}' is unknown; expected error, warn, info or debug\n"},
    {"log: {access: '${A B}'}\n",
     "f:1:15: not a variable's name: 'A B'; expected ${NAME} or ${NAME:-default}, or $$ for a dollar\n"},
    {"log: {access: '${}'}\n",
     "f:1:15: not a variable's name: ; expected ${NAME} or ${NAME:-default}, or $$ for a dollar\n"},
    {"log: {access: '${A'}\n", "f:1:15: a ${ without its }; expected ${NAME}, or $$ for a dollar\n"},
    {"listen: ['${DSGATE_TEST}', '${DSGATE_TEST}']\n",
     "f:1:10: environment variable 'DSGATE_TEST' is not set; expected it, or a default: ${NAME:-default}\n"
     "f:1:28: environment variable 'DSGATE_TEST' is not set; expected it, or a default: ${NAME:-default}\n"},
};

MISTAKE_TEST(yaml_mistakes)
MISTAKE_TEST(key_mistakes)
MISTAKE_TEST(number_mistakes)
MISTAKE_TEST(listen_mistakes)
MISTAKE_TEST(upstream_mistakes)
MISTAKE_TEST(wire_mistakes)
MISTAKE_TEST(url_mistakes)
MISTAKE_TEST(environment_mistakes)

START_TEST(test_all_in_one_go_by_position)
{
    expect_errors(TEXT("upstreams:\n"
                       "- {name: u, base_url: http://h, weight: 0}\n"
                       "log: {level: loud}\n"
                       "lisen: ':1'\n"
                       "workers: x\n"),
                  "f:2:41: weight: '0' is out of range; expected 1 to 1000\n"
                  "f:3:14: level: 'loud' is unknown; expected error, warn, info or debug\n"
                  "f:4:1: unknown key 'lisen'; did you mean 'listen'?\n"
                  "f:5:10: workers: 'x' is not a whole number; expected auto or 1 to 256\n");
}
END_TEST

START_TEST(test_value_of_a_variable_is_not_shown)
{
    setenv("DSGATE_TEST", "hunter2", 1);
    expect_errors(TEXT("workers: ${DSGATE_TEST}\n"),
                  "f:1:10: workers: the value of '${DSGATE_TEST}' is not a whole number; expected auto or 1 to 256\n");
}
END_TEST

START_TEST(test_bad_secret_files)
{
    static char large[65537];
    memset(large, 'k', sizeof large);
    static const struct {
        const char *bytes;
        size_t n;
        const char *what;
    } files[] = {
        {"", 0, "holds nothing; expected a secret"},
        {"\n", 1, "holds nothing; expected a secret"},
        {"se\ncret\n", 8,
         "holds what would break a header; expected at most 8192 visible ASCII characters without spaces"},
        {"se\0cret", 7, "cannot be read: it holds a NUL byte"},
        {large, sizeof large, "cannot be read: too large"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = file_with(files[i].bytes, files[i].n);
        char *yaml = mem_printf(UP "  api_key_file: %s\n", path);
        char *error = mem_printf("f:4:17: api_key_file: '%s' %s\n", path, files[i].what);
        expect_errors(text_of(yaml), error);
        mem_free(yaml);
        mem_free(error);
        remove_file(path);
    }
}
END_TEST

START_TEST(test_many_mistakes)
{
    struct buf yaml = {0};
    for (unsigned i = 0; i < 20000; i++)
        buf_printf(&yaml, "wrong%u: x\n", i);
    struct config_errors errors = {0};
    ck_assert_ptr_null(config_parse("f", buf_text(&yaml), &errors));
    ck_assert_uint_eq(errors.count, 20000);
    ck_assert(text_ends(buf_text(&errors.text), TEXT("\nf: 19900 more mistakes\n")));
    config_errors_free(&errors);
    for (unsigned i = 0; i < 50000; i++)
        BUF_ADD(&yaml, "x: [1]\n");
    buf_add_byte(&yaml, '\0');
    expect_errors(text_make(yaml.data, yaml.tail - 1), "f:23334:1: too many values in one file\n");
    buf_free(&yaml);
}
END_TEST

START_TEST(test_files_that_cannot_be_loaded)
{
    static const struct mistake files[] = {
        {"/nowhere/dsgate.yaml", "/nowhere/dsgate.yaml: cannot be read: No such file or directory\n"},
        {"/", "/: cannot be read: Is a directory\n"},
        {"/dev/zero", "/dev/zero: cannot be read: too large\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct config_errors errors = {0};
        ck_assert_ptr_null(config_load(files[i].yaml, &errors));
        ck_assert_uint_eq(errors.count, 1);
        ck_assert(text_is(buf_text(&errors.text), files[i].errors));
        config_errors_free(&errors);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, clean_environment, clean_environment);
    tcase_add_loop_test(tests, test_yaml_mistakes, 0, COUNT(yaml_mistakes));
    tcase_add_loop_test(tests, test_key_mistakes, 0, COUNT(key_mistakes));
    tcase_add_loop_test(tests, test_number_mistakes, 0, COUNT(number_mistakes));
    tcase_add_loop_test(tests, test_listen_mistakes, 0, COUNT(listen_mistakes));
    tcase_add_loop_test(tests, test_upstream_mistakes, 0, COUNT(upstream_mistakes));
    tcase_add_loop_test(tests, test_wire_mistakes, 0, COUNT(wire_mistakes));
    tcase_add_loop_test(tests, test_url_mistakes, 0, COUNT(url_mistakes));
    tcase_add_loop_test(tests, test_environment_mistakes, 0, COUNT(environment_mistakes));
    tcase_add_test(tests, test_all_in_one_go_by_position);
    tcase_add_test(tests, test_value_of_a_variable_is_not_shown);
    tcase_add_test(tests, test_bad_secret_files);
    tcase_add_test(tests, test_many_mistakes);
    tcase_add_test(tests, test_files_that_cannot_be_loaded);
}

TEST_MAIN_ADDING("config errors", add_tests)
