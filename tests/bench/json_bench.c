/* How fast json_scan() is: chat bodies of four sizes in English, Korean, Chinese and a mixture with quotes and escapes,
 * by each implementation. Prints the best of several rounds, since the machine has other things to do as well.
 *
 *   json_bench [ROUNDS]
 */
#include "../../src/llm/json_scan.h"
#include "chat_body.h"
#include "dsgate/base/clock.h"
#include <stdio.h>
#include <stdlib.h>

enum { BYTES_A_ROUND = 8 << 20 };

static const struct text names[] = {TEXT("model"), TEXT("stream"),   TEXT("messages"),    TEXT("prompt"),
                                    TEXT("input"), TEXT("thinking"), TEXT("service_tier")};
enum { NAMES = sizeof names / sizeof *names };

static const struct content {
    const char *name;
    struct text text;
} contents[] = {
    {"ascii",
     TEXT(
         "the model reads a prompt and writes tokens while the proxy keeps its connection open for the next request ")},
    {"korean",
     TEXT("다음 글을 읽고 핵심을 간결하게 요약해 주세요. 모델은 프롬프트를 읽고 토큰을 하나씩 생성합니다 🚀 ")},
    {"chinese", TEXT("请仔细阅读下面的文章，并用简洁的语言总结其要点。模型读取提示并逐个生成词元，")},
    {"mixed", TEXT("naïve résumé and a 中文 prompt with \\\"quoted\\\" text,\\nnew line\\tand tab, path C:\\\\temp, "
                   "price 12.50 € and code; ")},
};

/* Nanoseconds for one scan. */
static double measure(enum json_level level, struct text body, long rounds)
{
    long scans = (long)(BYTES_A_ROUND / body.n) + 1;
    double best = 0;
    for (long round = 0; round < rounds; round++) {
        struct json_member members[NAMES];
        usec_t begun = clock_monotonic();
        for (long i = 0; i < scans; i++)
            if (json_scan_with(level, body, names, NAMES, members, JSON_DEPTH).error != JSON_FINE) abort();
        double spent = (double)(clock_monotonic() - begun) * 1000.0 / (double)scans;
        if (round == 0 || spent < best) best = spent;
    }
    return best;
}

static void report(const struct content *content, size_t size, long rounds)
{
    static const char *const levels[] = {
        [JSON_PLAIN] = "plain", [JSON_SSE2] = "sse2", [JSON_AVX2] = "avx2", [JSON_AVX512] = "avx512"};
    struct buf body = {0};
    chat_body(&body, content->text, size);
    for (int level = JSON_PLAIN; level < JSON_LEVELS; level++) {
        if (!json_level_works((enum json_level)level)) continue;
        double spent = measure((enum json_level)level, buf_text(&body), rounds);
        printf("%-8s %8zu bytes  %-5s %10.0f ns %7.0f MB/s\n", content->name, buf_len(&body), levels[level], spent,
               (double)buf_len(&body) * 1000.0 / spent);
    }
    buf_free(&body);
}

int main(int argc, char **argv)
{
    static const size_t sizes[] = {1 << 10, 16 << 10, 128 << 10, 1 << 20};
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            report(&contents[i], sizes[k], rounds);
    return 0;
}
