/* Counting the words of a chunk of bytes. Plain C, without Python; _kernel.c is the bridge.
 *
 * What a word is, says word_counter/kernel.py: letters and digits of any script, in lower case, apostrophes inside.
 * The work is shared. Pieces that are all ASCII are counted here, for good. A *token*, which is a longest run of
 * bytes that do not separate (see below) with at least one byte beyond ASCII, is only counted as it stands, and the
 * caller applies the rule to each distinct token. So nothing here knows of Unicode, and no table of it can be wrong.
 *
 * Which bytes separate: every ASCII byte except letters, digits, and ' . : ^ `. It is exact, because cutting a line
 * at such a byte changes nothing in what the rule finds:
 *   - decoding: no ASCII byte is ever part of a longer UTF-8 sequence, and it ends a broken one;
 *   - lower(): the one thing in it that looks beyond a character is the final sigma, which looks for the next letter
 *     over characters that are "case-ignorable" in Unicode, and stops at any other that has no case. ' . : ^ ` are
 *     the ASCII characters that are case-ignorable, so they may not cut a token, however clearly they end a word;
 *   - matching: no word holds such a character.
 * Within pieces that are all ASCII lower() looks at nothing, and every byte but letters, digits and ' ends a word.
 *
 * The edges of words are found 64 bytes at a time. Memory: the tables of _tally.h alone, which grow with the distinct
 * words and tokens.
 */

#ifndef WORD_COUNTER_WORDS_H
#define WORD_COUNTER_WORDS_H

#include "_tally.h"

#if defined(__SSE2__) && !defined(WORD_COUNTER_PLAIN_C)
#define USE_SSE2 1
#include <emmintrin.h>
#endif

#define BLOCK 64      /* bytes that are looked at in one go: the bits of a uint64_t */
#define STRETCH 16384 /* bytes that are searched for the next one beyond ASCII: they are still cached when counted */
#define EACH_BYTE UINT64_C(0x0101010101010101)

/* ---- what bytes are ---------------------------------------------------------------------------------------- */

static inline int is_word_byte(uint8_t byte) /* of an ASCII letter or digit */
{
    return (uint8_t)((byte | 0x20) - 'a') < 26 || (uint8_t)(byte - '0') < 10;
}

static inline int separates(uint8_t byte)
{
    return byte < 0x80 && !is_word_byte(byte) && byte != '\'' && byte != '.' && byte != ':' && byte != '^' &&
           byte != '`';
}

#ifdef USE_SSE2

/* Set in *word the bits of the letters and digits of a block, in *apostrophe those of the apostrophes.
 * SSE2 compares signed bytes only: adding 0x80 - c moves the range from c on to the bottom of theirs. */
static inline void classify(const uint8_t *block, uint64_t *word, uint64_t *apostrophe)
{
    *word = *apostrophe = 0;
    for (int i = 0; i < BLOCK / 16; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(block + 16 * i));
        __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
        __m128i from_a = _mm_add_epi8(lower, _mm_set1_epi8((char)(0x80 - 'a')));
        __m128i from_0 = _mm_add_epi8(bytes, _mm_set1_epi8((char)(0x80 - '0')));
        __m128i found = _mm_or_si128(_mm_cmplt_epi8(from_a, _mm_set1_epi8(-128 + 26)),
                                     _mm_cmplt_epi8(from_0, _mm_set1_epi8(-128 + 10)));
        __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\''));
        *word |= (uint64_t)(uint32_t)_mm_movemask_epi8(found) << (16 * i);
        *apostrophe |= (uint64_t)(uint32_t)_mm_movemask_epi8(quote) << (16 * i);
    }
}

#else

/* The highest bits of eight bytes as eight bits, the first byte's lowest: each product moves one of them into the
 * highest byte, and no two meet. */
static inline uint64_t highest_bits(uint64_t bytes)
{
    return ((bytes >> 7 & EACH_BYTE) * UINT64_C(0x0102040810204080)) >> 56;
}

/* The same for any machine, eight bytes in a register; all must be ASCII, so that no sum carries into the next. */
static inline void classify(const uint8_t *block, uint64_t *word, uint64_t *apostrophe)
{
    *word = *apostrophe = 0;
    for (int i = 0; i < BLOCK / 8; i++) {
        uint64_t bytes = load8(block + 8 * i);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        bytes = __builtin_bswap64(bytes);
#endif
        uint64_t lower = bytes | CASE_BITS;
        uint64_t letter = (lower + EACH_BYTE * (0x80 - 'a')) & ~(lower + EACH_BYTE * (0x80 - 'z' - 1));
        uint64_t digit = (bytes + EACH_BYTE * (0x80 - '0')) & ~(bytes + EACH_BYTE * (0x80 - '9' - 1));
        uint64_t quote = ~((bytes ^ EACH_BYTE * '\'') + EACH_BYTE * 0x7f);
        *word |= highest_bits(letter | digit) << (8 * i);
        *apostrophe |= highest_bits(quote) << (8 * i);
    }
}

#endif

/* Return the first byte beyond ASCII, or end. */
static inline const uint8_t *find_beyond_ascii(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 32; at += 32)
        if ((load8(at) | load8(at + 8) | load8(at + 16) | load8(at + 24)) & EACH_BYTE * 0x80)
            break;
    while (at < end && *at < 0x80)
        at++;
    return at;
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

/* Count the words of a piece that is all ASCII, and that no word reaches beyond on either side. */
static int count_ascii(struct counter *counter, const uint8_t *at, const uint8_t *end)
{
    struct tally *words = &counter->words;
    const uint8_t *open = NULL;              /* where a word began that goes on */
    uint64_t after_letter = 0, in_word = 0;  /* what the last bit of the previous block was */
    for (; at < end; at += BLOCK) {
        uint64_t letters, apostrophes;
        size_t left = (size_t)(end - at);
        if (left >= BLOCK) {
            classify(at, &letters, &apostrophes);
        } else {
            uint8_t last[BLOCK];
            memset(last, ' ', BLOCK);
            memcpy(last, at, left);
            classify(last, &letters, &apostrophes);
        }
        uint64_t before_letter = left > BLOCK && is_word_byte(at[BLOCK]);
        /* an apostrophe is part of a word when it stands between two letters or digits */
        uint64_t inside = apostrophes & (letters << 1 | after_letter) & (letters >> 1 | before_letter << 63);
        uint64_t word = letters | inside;
        uint64_t edges = word ^ (word << 1 | in_word); /* the first bit of each word, and the first after it */
        after_letter = letters >> 63;
        in_word = word >> 63;
        if (open != NULL && edges != 0) {
            const uint8_t *stop = at + __builtin_ctzll(edges);
            edges &= edges - 1;
            if (add(counter, words, open, (size_t)(stop - open)) < 0)
                return -1;
            open = NULL;
        }
        while (edges != 0) {
            const uint8_t *start = at + __builtin_ctzll(edges);
            edges &= edges - 1;
            if (edges == 0) {
                open = start;
                break;
            }
            const uint8_t *stop = at + __builtin_ctzll(edges);
            edges &= edges - 1;
            if (add(counter, words, start, (size_t)(stop - start)) < 0)
                return -1;
        }
    }
    return open == NULL ? 0 : add(counter, words, open, (size_t)(end - open));
}

/* Count a chunk. Each byte is looked at a fixed number of times, whatever the bytes are. */
static int count_chunk(struct counter *counter, const uint8_t *at, size_t length)
{
    const uint8_t *end = at + length;
    counter->end = end;
    while (at < end) {
        const uint8_t *stop = end - at > STRETCH ? at + STRETCH : end;
        const uint8_t *beyond = find_beyond_ascii(at, stop);
        while (beyond == stop && stop < end && !separates(*stop)) { /* the stretch ends within a run: take all of it */
            stop++;
            if (stop[-1] < 0x80)
                beyond = stop;
        }
        if (beyond == stop) {
            if (count_ascii(counter, at, stop) < 0)
                return -1;
            at = stop;
            continue;
        }
        const uint8_t *token = beyond, *after = beyond + 1;
        while (token > at && !separates(token[-1]))
            token--;
        while (after < end && !separates(*after))
            after++;
        if (count_ascii(counter, at, token) < 0 || add(counter, &counter->tokens, token, (size_t)(after - token)) < 0)
            return -1;
        at = after;
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
    if (grow_shorts(&counter->words, seed) < 0 || grow_shorts(&counter->tokens, seed) < 0)
        return -1;
    return count_chunk(counter, chunk, length);
}

#endif
