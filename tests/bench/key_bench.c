/* What the key of the cache costs: canonical text alone, SHA-256 of it alone, and both, for chat bodies of four sizes.
 * GB/s are bytes of the body. Each figure is the median of several rounds, in time that the processor spent on it,
 * since the machine has other things to do as well.
 *
 *   key_bench [ROUNDS]
 */
#include "chat_body.h"
#include "dsgate/base/digest.h"
#include "dsgate/llm/canonical.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BYTES_A_ROUND = 4 << 20, ROUNDS = 15, ROUNDS_MAX = 1000 };

static const struct text without[] = {TEXT("stream"), TEXT("stream_options"),    TEXT("user"),
                                      TEXT("cache"),  TEXT("safety_identifier"), TEXT("metadata")};
enum { WITHOUT = sizeof without / sizeof *without };

static const struct content {
    const char *name;
    struct text text;
} contents[] = {
    {"chat", TEXT("The model reads a prompt, writes tokens, and the proxy keeps its connection open.\\nIt said "
                  "\\\"next, please\\\", and then:\\n\\n- one thing\\n- another, with a naïve résumé\\n")},
    {"tools", TEXT("{\\\"path\\\":\\\"src/main.c\\\",\\\"lines\\\":[1,20],\\\"text\\\":\\\"a\\\\nb\\\"}")},
    {"korean",
     TEXT("다음 글을 읽고 핵심을 간결하게 요약해 주세요. 모델은 프롬프트를 읽고 토큰을 하나씩 생성합니다 🚀 ")},
    {"escaped", TEXT("\\ub2e4\\uc74c \\uae00\\uc744 \\uc77d\\uace0 \\ud575\\uc2ec\\uc744 \\ud83d\\ude80 ")},
};

static struct buf body, canonical;
static unsigned char digest[DIGEST_BYTES];

static void write_canonical(void)
{
    buf_clear(&canonical);
    if (!canonical_write(buf_text(&body), without, WITHOUT, &canonical)) abort();
}

static void make_digest(void) { digest_sha256(buf_text(&canonical), digest); }

static void make_both(void)
{
    write_canonical();
    make_digest();
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double spent_so_far(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds for one. */
static double measure(void (*work)(void), int rounds)
{
    double spent[ROUNDS_MAX];
    long times = (long)(BYTES_A_ROUND / buf_len(&body)) + 1;
    for (int round = 0; round < rounds; round++) {
        double begun = spent_so_far();
        for (long i = 0; i < times; i++)
            work();
        spent[round] = (spent_so_far() - begun) / (double)times;
    }
    qsort(spent, (size_t)rounds, sizeof *spent, compare);
    return spent[rounds / 2];
}

static void report(const struct content *content, size_t size, int rounds)
{
    static void (*const works[])(void) = {write_canonical, make_digest, make_both};
    chat_body(&body, content->text, size);
    printf("%-8s %8zu", content->name, buf_len(&body));
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        double spent = measure(works[i], rounds);
        printf(" %10.0f ns %6.2f GB/s", spent, (double)buf_len(&body) / spent);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1 << 10, 8 << 10, 128 << 10, 1 << 20};
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS;
    if (rounds < 1 || rounds > ROUNDS_MAX) rounds = ROUNDS;
    printf("%-8s %8s %25s %25s %25s\n", "content", "bytes", "canonical", "SHA-256", "both");
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            report(&contents[i], sizes[k], (int)rounds);
    buf_free(&body);
    buf_free(&canonical);
    return 0;
}
