/* option.h - what is known about every key of the file, as data.
 *
 * options.c holds the rows. The reader, the defaults, the bounds, the errors, the freeing, the reference file and the
 * manual all walk them; a new key is one new row (and one field in config.h).
 */
#ifndef DSGATE_CONFIG_OPTION_H
#define DSGATE_CONFIG_OPTION_H

#include "dsgate/config/config.h"

enum option_type {
    OPTION_FLAG,        /* bool: true or false */
    OPTION_SWITCH,      /* bool: the first of `names`, or another one of them */
    OPTION_COUNT,       /* unsigned */
    OPTION_COUNT64,     /* uint64_t */
    OPTION_PERCENT,     /* unsigned */
    OPTION_MODE,        /* unsigned, octal in the file */
    OPTION_SIZE,        /* uint64_t bytes */
    OPTION_DURATION,    /* usec_t */
    OPTION_DECIMAL,     /* double */
    OPTION_PRICE,       /* double */
    OPTION_TEXT,        /* char * */
    OPTION_CHOICE,      /* char *, one of `names` */
    OPTION_ENUM,        /* an enum, the position in `names` */
    OPTION_URL,         /* conf_upstream's base_url and what it is taken apart into */
    OPTION_REDIS_URL,   /* conf_redis's url and what it is taken apart into; "" stands for none */
    OPTION_SECRET,      /* char *, never shown, wiped when freed */
    OPTION_SECRET_FILE, /* the same, read from the named file */
    OPTION_CREDENTIAL,  /* the same, read from the named systemd credential */
    OPTION_TEXTS,       /* char **: a list of texts, or one of them alone */
    OPTION_SECRETS,     /* the same, never shown, wiped when freed */
    OPTION_SECTION,     /* a mapping whose fields lie in the same struct, or what its table's shorthand stands for */
    OPTION_LIST,        /* an array of structs: a list of mappings, or one of them alone */
    OPTION_KEYED        /* an array of structs from a mapping: a key becomes the struct's first member, a char * */
};

struct option {
    const char *key;
    enum option_type type;
    size_t offset;            /* of the field in the table's struct */
    size_t count_offset;      /* arrays: of the size_t or unsigned with their length */
    const char *fallback;     /* the default, as one would write it; NULL: not set */
    const char *unset;        /* what happens then, for the manual */
    const char *min, *max;    /* bounds of a number, as one would write them; of an array's length */
    const char *word;         /* a number's or list's special word: "auto" stands for 0, "off" for an empty list */
    const char *never;        /* a time's word for USEC_NEVER: "off" */
    const char *const *names; /* the choices, then NULL */
    const char *const *aliases; /* other words for them; the letters' case does not matter then */
    const char *(*check)(struct text); /* one of value.h */
    const struct option_table *table;  /* of a section or of an array's elements */
    bool alone;    /* of a KEYED array: a value that is no mapping stands for {"*": value} */
    bool required; /* a section, or something that is a pointer in its struct */
    /* Does the reference file, which sets what holds without a file, set it? Else it stands there in a comment. */
    enum { SHOWN_SET_IF_DEFAULT_OR_REQUIRED, SHOWN_SET, SHOWN_AS_COMMENT } shown;
    const char *example; /* where there is no default */
    const char *doc;     /* whole sentences; NULL in a table that its owner's sentence explains */
};

struct reader;
struct node;

struct option_table {
    size_t size; /* of the struct the rows are in */
    const struct option *rows;
    unsigned count;
    const char *shorthand; /* an element or section that is plain text stands for a mapping with this key alone */
    bool keys_nocase;      /* of a KEYED array: "X-A" and "x-a" are one key */
    const char *(*check_key)(struct text);
    /* Around the reading of one element: what lies below the user's keys, and what is wrong only in their combination.
     */
    void (*prepare)(struct reader *r, struct node *n, void *element);
    void (*finish)(struct reader *r, struct node *n, void *element);
};

extern const struct option_table config_table;   /* struct config */
extern const struct option_table upstream_table; /* struct conf_upstream */

const struct option *option_find(const struct option_table *t, const char *key);

/* "a size such as 512KB, 10MB or 1GiB": what a value of this type looks like. And the word for it in the manual:
 * "size". */
const char *option_expects(const struct option *o);
const char *option_noun(const struct option *o);
bool option_is_secret(const struct option *o);

/* "auto or 1 to 256"; "error, warn, info or debug"; nothing where anything goes. */
void option_add_range(const struct option *o, struct buf *out);

/* "Default: 10MB. Values: 1KB to 1GB." for the reference and the manual; nothing where there is nothing to say. */
void option_add_facts(const struct option *o, struct buf *out);

/* Frees what the rows of a table own in a struct, and leaves NULL behind. */
void option_release(const struct option *o, void *base);
void option_release_all(const struct option_table *t, void *base);

#endif
