/* Counting the words of a chunk of bytes. Plain C, without Python; _kernel.c is the bridge.
 *
 * What a word is, says word_counter/native/word_rule.py: letters, digits and marks of any script, and what its key is.
 * The work is shared. A *run* is a longest row of bytes that do not separate (see below). The words of one that is all
 * ASCII are counted here, for good. Any other is a *token*: it is only counted as it stands, and the caller applies
 * the rule to each distinct token. So nothing here knows of Unicode, and no table of it can be wrong.
 *
 * Which bytes separate: every ASCII byte except letters, digits and the apostrophe. It is exact, because cutting a line
 * at such a byte changes nothing in what the rule finds:
 *   - decoding: no ASCII byte is ever part of a longer UTF-8 sequence, and it ends a broken one;
 *   - matching: no word holds such a character, as none of them is a letter, a digit, a mark or a joiner;
 *   - keys: NFC and lower() are applied to each word by itself, so that what stands around it has no say in them. The
 *     final sigma, for which lower() looks at the letters before and after, looks no further than its word.
 * What is all ASCII between two such bytes has no other character beside it: no mark that belongs to its last letter,
 * no U+2019 that joins it to another word. It is in NFC as it stands, lower() looks at nothing around a letter, and every
 * byte but letters, digits and ' ends a word.
 *
 * The chunk is looked at 64 bytes at a time, and each such block ends with the last byte in it that separates: so no
 * run reaches beyond it, and what was found of it is a few registers full of bits. Memory: the tables of _tally.h
 * alone, which grow with the distinct words and tokens.
 */

#ifndef WORD_COUNTER_WORDS_H
#define WORD_COUNTER_WORDS_H

#include "_tally.h"

#if defined(__SSE2__) && !defined(WORD_COUNTER_PLAIN_C)
#define USE_SSE2 1
#include <emmintrin.h>
#endif

#define BLOCK 64      /* bytes that are looked at in one go: the bits of a uint64_t */
#define EACH_BYTE UINT64_C(0x0101010101010101)

/* ---- what bytes are ---------------------------------------------------------------------------------------- */

static inline int is_word_byte(uint8_t byte) /* of an ASCII letter or digit */
{
    return (uint8_t)((byte | 0x20) - 'a') < 26 || (uint8_t)(byte - '0') < 10;
}

/* What the bytes of a block are, a bit each, the first one the lowest. */
struct bits {
    uint64_t letters; /* and digits, of ASCII */
    uint64_t apostrophes;
    uint64_t beyond; /* ASCII */
    uint64_t separators;
};

#ifdef USE_SSE2

static inline uint64_t bits_of(__m128i found)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(found);
}

/* SSE2 compares signed bytes only: adding 0x80 - c moves the range from c on to the bottom of theirs. */
static inline struct bits classify(const uint8_t *at)
{
    struct bits block = {0, 0, 0, 0};
    for (int i = 0; i < BLOCK; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(at + i));
        __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        __m128i from_a = _mm_add_epi8(lower, _mm_set1_epi8((char)(0x80 - 'a')));
        __m128i from_0 = _mm_add_epi8(bytes, _mm_set1_epi8((char)(0x80 - '0')));
        __m128i letter = _mm_or_si128(_mm_cmplt_epi8(from_a, _mm_set1_epi8(-128 + 26)),
                                      _mm_cmplt_epi8(from_0, _mm_set1_epi8(-128 + 10)));
        __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\''));
        block.letters |= bits_of(letter) << i;
        block.apostrophes |= bits_of(quote) << i;
        block.beyond |= bits_of(bytes) << i; /* takes the highest bit of each */
    }
    block.separators = ~(block.letters | block.apostrophes | block.beyond);
    return block;
}

#else

/* The highest bits of eight bytes as eight bits, the first byte's lowest: each product moves one of them into the
 * highest byte, and no two meet. */
static inline uint64_t highest_bits(uint64_t bytes)
{
    return ((bytes >> 7 & EACH_BYTE) * UINT64_C(0x0102040810204080)) >> 56;
}

/* Set the highest bit of those of eight bytes that are c; all must be ASCII. */
static inline uint64_t equal(uint64_t bytes, char c)
{
    return ~((bytes ^ EACH_BYTE * (uint8_t)c) + EACH_BYTE * 0x7f);
}

/* The same for any machine, eight bytes in a register, without their highest bits so that no sum carries over. */
static inline struct bits classify(const uint8_t *at)
{
    struct bits block = {0, 0, 0, 0};
    for (int i = 0; i < BLOCK; i += 8) {
        uint64_t all = load8(at + i);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        all = __builtin_bswap64(all);
#endif
        uint64_t bytes = all & EACH_BYTE * 0x7f, lower = bytes | CASE_BITS;
        uint64_t letter = (lower + EACH_BYTE * (0x80 - 'a')) & ~(lower + EACH_BYTE * (0x80 - 'z' - 1));
        uint64_t digit = (bytes + EACH_BYTE * (0x80 - '0')) & ~(bytes + EACH_BYTE * (0x80 - '9' - 1));
        uint64_t quote = equal(bytes, '\'');
        block.letters |= highest_bits((letter | digit) & ~all) << i;
        block.apostrophes |= highest_bits(quote & ~all) << i;
        block.beyond |= highest_bits(all) << i;
    }
    block.separators = ~(block.letters | block.apostrophes | block.beyond);
    return block;
}

#endif

/* Look at the next block, which goes on with spaces where the bytes end. */
static inline struct bits look(const uint8_t *at, const uint8_t *end)
{
    if (end - at >= BLOCK)
        return classify(at);
    uint8_t last[BLOCK];
    memset(last, ' ', BLOCK);
    memcpy(last, at, (size_t)(end - at));
    return classify(last);
}

/* The bits below one of them. */
static inline uint64_t below(int bit)
{
    return (UINT64_C(1) << bit) - 1;
}

/* Count the newlines of some bytes. */
static size_t count_newlines(const uint8_t *at, const uint8_t *end)
{
    size_t found = 0;
#ifdef USE_SSE2
    const __m128i newline = _mm_set1_epi8('\n');
    while (end - at >= 16) {
        __m128i sums = _mm_setzero_si128(); /* of each of 16 places, up to 255 */
        for (int i = 0; i < 255 && end - at >= 16; i++, at += 16)
            sums = _mm_sub_epi8(sums, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)at), newline));
        sums = _mm_sad_epu8(sums, _mm_setzero_si128());
        found += (size_t)(_mm_cvtsi128_si32(sums) + _mm_cvtsi128_si32(_mm_srli_si128(sums, 8)));
    }
#endif
    for (; at < end; at++)
        found += *at == '\n';
    return found;
}

/* ---- finding words ----------------------------------------------------------------------------------------- */

/* Count the words of a run that is all ASCII, a byte at a time. */
static int count_ascii_run(struct counter *counter, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        const uint8_t *start = at;
        while (at < end && (is_word_byte(*at) || (*at == '\'' && at > start && end - at > 1 && is_word_byte(at[1]))))
            at++;
        if (at > start && add(counter, &counter->words, start, (size_t)(at - start)) < 0)
            return -1;
        at += at == start;
    }
    return 0;
}

/* Count the run at the beginning of a block that it fills, and return where it ends, or NULL. */
static const uint8_t *count_long_run(struct counter *counter, const uint8_t *at, const uint8_t *end)
{
    const uint8_t *stop = at;
    uint64_t beyond = 0;
    for (;;) {
        struct bits block = look(stop, end);
        if (block.separators != 0) {
            int length = __builtin_ctzll(block.separators);
            beyond |= block.beyond & below(length);
            stop += length;
            break;
        }
        beyond |= block.beyond;
        stop += BLOCK;
    }
    int failed = beyond != 0 ? add(counter, &counter->tokens, at, (size_t)(stop - at))
                             : count_ascii_run(counter, at, stop);
    return failed < 0 ? NULL : stop;
}

/* Count a chunk. Each byte is looked at a fixed number of times, whatever the bytes are. */
static int count_chunk(struct counter *counter, const uint8_t *at, size_t length)
{
    const uint8_t *end = at + length;
    counter->end = end;
    while (at < end) {
        struct bits block = look(at, end);
        if (block.separators == 0) {
            at = count_long_run(counter, at, end);
            if (at == NULL)
                return -1;
            continue;
        }
        int last = BLOCK - 1 - __builtin_clzll(block.separators);
        block.letters &= below(last); /* and what is left of the bits ends with that separator */
        block.apostrophes &= below(last);
        block.beyond &= below(last);
        while (block.beyond != 0) {
            int here = __builtin_ctzll(block.beyond);
            uint64_t before = block.separators & below(here);
            int start = before == 0 ? 0 : BLOCK - __builtin_clzll(before);
            int stop = here + __builtin_ctzll(block.separators >> here);
            uint64_t others = ~(below(stop) ^ below(start));
            block.letters &= others;
            block.apostrophes &= others;
            block.beyond &= others;
            if (add(counter, &counter->tokens, at + start, (size_t)(stop - start)) < 0)
                return -1;
        }
        /* an apostrophe is part of a word when it stands between two letters or digits */
        uint64_t word = block.letters | (block.apostrophes & block.letters << 1 & block.letters >> 1);
        uint64_t edges = word ^ word << 1; /* the first bit of each word, and the first after it */
        while (edges != 0) {
            int start = __builtin_ctzll(edges);
            edges &= edges - 1;
            int stop = __builtin_ctzll(edges);
            edges &= edges - 1;
            if (add(counter, &counter->words, at + start, (size_t)(stop - start)) < 0)
                return -1;
        }
        at = end - at > last ? at + last + 1 : end;
    }
    return settle(&counter->words, counter->seed) < 0 || settle(&counter->tokens, counter->seed) < 0 ? -1 : 0;
}

/* Set up and count. Release the counter afterwards, also when this returned -1. */
static int count_words(struct counter *counter, const uint64_t *seed, const uint8_t *chunk, size_t length)
{
    memset(counter, 0, sizeof *counter);
    counter->seed[0] = seed[0];
    counter->seed[1] = seed[1];
    counter->words.case_bits = CASE_BITS;
    if (grow_shorts(&counter->words, seed) < 0 || grow_shorts(&counter->tokens, seed) < 0 ||
        grow_shorts(&counter->others, seed) < 0)
        return -1;
    return count_chunk(counter, chunk, length);
}

#endif
