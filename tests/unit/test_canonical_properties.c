/* Random values in random spellings: one value has one canonical text, which an oracle that knows the value writes as
 * well; and whatever changes the value changes the text. */
#include "canonical_spelling.h"
#include "canonical_test.h"

enum { TREES = 3000, SPELLINGS = 4, DEPTH = 4 };

static struct buf json, canonical, wanted, again;

static void set_up(void) { random_seed(&tree_random, 5); }

static void tear_down(void)
{
    struct buf *const all[] = {&json, &canonical, &wanted, &again};
    for (int i = 0; i < COUNT(all); i++)
        buf_free(all[i]);
}

static void expect_valid(const struct buf *b)
{
    struct json_result result = json_scan(buf_text(b), NULL, 0, NULL, JSON_DEPTH);
    ck_assert_msg(result.error == JSON_FINE, "%s at %zu: " TEXT_FORMAT, json_error_text(result.error), result.position,
                  TEXT_ARGS(canonical_shown(buf_text(b), result.position)));
}

START_TEST(all_spellings_have_one_text)
{
    for (int i = 0; i < TREES; i++) {
        struct tree *t = any_tree(DEPTH, JSON_OBJECT);
        spell(t, true, &wanted);
        for (int k = 0; k < SPELLINGS; k++) {
            spell(t, false, &json);
            expect_valid(&json);
            expect_canonical(buf_text(&json), buf_text(&wanted));
        }
        tree_free(t);
    }
}
END_TEST

START_TEST(it_is_valid_and_its_own)
{
    for (int i = 0; i < TREES; i++) {
        struct tree *t = any_tree(DEPTH, JSON_OBJECT);
        spell(t, false, &json);
        ck_assert(canonical_alone(buf_text(&json), &canonical));
        expect_valid(&canonical);
        ck_assert_uint_le(buf_len(&canonical), 2 * buf_len(&json));
        expect_canonical(buf_text(&canonical), buf_text(&canonical));
        tree_free(t);
    }
}
END_TEST

/* ---- changes of meaning: false where there is nothing to change ---- */

static bool change_type(struct tree *t)
{
    if (t->type > JSON_NUMBER) return false;
    t->type = t->type == JSON_NUMBER ? JSON_NULL : t->type + 1;
    return true;
}

static bool quote_scalar(struct tree *t)
{
    static const char *const names[] = {[JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true"};
    if (t->type > JSON_TRUE) return false;
    const char *name = names[t->type];
    t->type = JSON_STRING;
    for (t->string.n = 0; name[t->string.n]; t->string.n++)
        t->string.units[t->string.n] = (uint16_t)name[t->string.n];
    return true;
}

static bool change_unit_of(struct tree_string *s)
{
    if (s->n) s->units[any_below(s->n)] ^= (uint16_t)(1u << any_below(16));
    return s->n > 0;
}

static bool change_character(struct tree *t) { return t->type == JSON_STRING && change_unit_of(&t->string); }

static bool add_character(struct tree *t)
{
    if (t->type != JSON_STRING) return false;
    t->string.units[t->string.n++] = any_unit();
    return true;
}

static bool change_last_digit(struct tree *t)
{
    if (t->type != JSON_NUMBER || t->number.n == 0) return false;
    char *digit = &t->number.digits[t->number.n - 1];
    *digit = *digit == '9' ? '1' : (char)(*digit + 1);
    return true;
}

static bool change_sign(struct tree *t)
{
    t->number.negative = !t->number.negative;
    return t->type == JSON_NUMBER && t->number.n;
}

static bool change_exponent(struct tree *t)
{
    t->number.exponent += once_in(2) ? 1 : -1;
    return t->type == JSON_NUMBER && t->number.n;
}

static bool add_null(struct tree *t)
{
    if (t->type < JSON_ARRAY) return false;
    t->children[t->n++] = any_tree(0, JSON_NULL);
    return true;
}

static bool remove_last(struct tree *t)
{
    if (t->n == 0) return false;
    tree_free(t->children[--t->n]);
    return true;
}

static bool rename_member(struct tree *t)
{
    return t->type == JSON_OBJECT && t->n && change_unit_of(&t->children[any_below(t->n)]->name);
}

/* An element of a kind of its own goes to another place. */
static bool move_element(struct tree *t)
{
    if (t->type != JSON_ARRAY || t->n < 2) return false;
    struct tree *one = t->children[0], *other = t->children[t->n - 1];
    t->children[0] = other;
    t->children[t->n - 1] = one;
    return one->type != other->type;
}

static bool swap_twins(struct tree *t)
{
    if (t->type != JSON_OBJECT || t->n < 2) return false;
    struct tree *one = t->children[0], *other = t->children[1];
    t->children[0] = other;
    t->children[1] = one;
    return one->type != other->type && compare_names(one, other) == 0;
}

static bool (*const changes[])(struct tree *) = {change_type,       quote_scalar,  change_character, add_character,
                                                 change_last_digit, change_sign,   change_exponent,  add_null,
                                                 remove_last,       rename_member, move_element,     swap_twins};

START_TEST(every_change_changes_it)
{
    int changed = 0;
    for (int i = 0; i < 20 * TREES && changed < TREES / 10; i++) {
        struct tree *t = any_tree(DEPTH, JSON_OBJECT);
        spell(t, false, &json);
        ck_assert(canonical_alone(buf_text(&json), &canonical));
        struct tree *node = any_node(t);
        if ((node != t || node->n) && changes[_i](node)) {
            changed++;
            spell(t, false, &again);
            ck_assert(canonical_alone(buf_text(&again), &wanted));
            ck_assert_msg(!text_eq(buf_text(&canonical), buf_text(&wanted)), TEXT_FORMAT "\nand\n" TEXT_FORMAT,
                          TEXT_ARGS(canonical_shown(buf_text(&json), 0)),
                          TEXT_ARGS(canonical_shown(buf_text(&again), 0)));
        }
        tree_free(t);
    }
    ck_assert_int_ge(changed, TREES / 100);
}
END_TEST

/* ---- many members ---- */

/* Names of one stem, in an order that is drawn. */
static void put_members(int n, int multiplier)
{
    buf_clear(&json);
    for (int i = 0; i < n; i++)
        buf_printf(&json, "%s\"stem%04d\":\"%d\"", i ? "," : "{", i * multiplier % n, i * multiplier % n);
    BUF_ADD(&json, "}");
}

START_TEST(many_members_are_sorted)
{
    static const int multipliers[] = {1, 3, 5, 511, 1023};
    put_members(CANONICAL_MEMBERS, 1);
    buf_add(&wanted, buf_text(&json));
    for (int i = 0; i < COUNT(multipliers); i++) {
        put_members(CANONICAL_MEMBERS, multipliers[i]);
        expect_canonical(buf_text(&json), buf_text(&wanted));
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, all_spellings_have_one_text);
    tcase_add_test(tests, it_is_valid_and_its_own);
    tcase_add_loop_test(tests, every_change_changes_it, 0, COUNT(changes));
    tcase_add_test(tests, many_members_are_sorted);
}

TEST_MAIN_ADDING("canonical_properties", add_tests)
