/* Counting strings: open hash tables that grow with the number of distinct strings, made for words.
 *
 * Strings of up to 16 bytes are stored in the table itself, so that a hit costs one cache line and no loop to compare.
 * Their look-ups are put off until 64 are waiting, so that their cache misses overlap. Of longer strings the table has
 * only the place in the chunk. So the chunk must not change while the counter is in use.
 */

#ifndef WORD_COUNTER_TALLY_H
#define WORD_COUNTER_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__) /* Clang says so too */
#error "GCC or Clang is needed; without it the package falls back to Python"
#endif

#define SHORT 16        /* bytes of a string that fit into a slot */
#define PENDING 64      /* look-ups that are done together */
#define FIRST_SLOTS 256 /* of a new table: few, as a chunk may be one line */
#define GROWTH 4        /* a table grows by this when it is as full as it may be */

/* The bit in which upper and lower case differ. Digits and the apostrophe have it set, so that setting it in every
 * byte of a word is all of lower(); and no two bytes of words become the same by it but the cases of a letter. */
#define CASE_BITS UINT64_C(0x2020202020202020)

struct short_slot {
    uint64_t low, high; /* the bytes of the word, zeros after them: no word or token holds a zero */
    uint64_t count;     /* 0: the slot is free */
};

struct long_slot {
    const uint8_t *start; /* its first place in the chunk */
    size_t length;
    uint64_t hash;
    uint64_t count; /* 0: the slot is free */
};

struct pending {
    uint64_t low, high, hash;
};

/* How often each string occurs: two open hash tables with linear probing, and the look-ups waiting for the first. */
struct tally {
    struct short_slot *shorts;
    struct long_slot *longs;
    size_t n_shorts, short_slots; /* slots: powers of two */
    size_t n_longs, long_slots;
    size_t n_pending;
    uint64_t case_bits; /* CASE_BITS to count in lower case, 0 to keep the case */
    struct pending pending[PENDING];
};

struct counter {
    struct tally words;  /* ASCII words, in lower case */
    struct tally tokens; /* tokens to which the rule has yet to be applied */
    struct tally others; /* words that the rule found in them, and that are not ASCII */
    uint64_t seed[2];    /* secret, so that nobody can choose words that share a slot */
    const uint8_t *end;  /* of the chunk: nothing is read from here on */
};

static inline uint64_t load8(const uint8_t *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* Multiply and fold, as in wyhash (Wang Yi): every bit of both sides reaches the lowest ones. */
static inline uint64_t mix(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    a ^= (b ^ b >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    a = (a ^ a >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    a = (a ^ a >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return a ^ a >> 32;
#endif
}

static inline uint64_t hash_short(uint64_t low, uint64_t high, const uint64_t *seed)
{
    return mix(low ^ seed[0], high ^ seed[1]);
}

static uint64_t hash_long(const uint8_t *start, size_t length, uint64_t case_bits, const uint64_t *seed)
{
    uint64_t hash = length;
    const uint8_t *last = start + length - 16; /* the last step may read some bytes again */
    for (const uint8_t *at = start; at < last; at += 16)
        hash = mix((load8(at) | case_bits) ^ seed[0] ^ hash, (load8(at + 8) | case_bits) ^ seed[1]);
    return mix((load8(last) | case_bits) ^ seed[0] ^ hash, (load8(last + 8) | case_bits) ^ seed[1]);
}

static int same_long(const uint8_t *a, const uint8_t *b, size_t length, uint64_t case_bits)
{
    for (size_t i = 0; i + 8 <= length; i += 8)
        if ((load8(a + i) ^ load8(b + i)) & ~case_bits)
            return 0;
    return !((load8(a + length - 8) ^ load8(b + length - 8)) & ~case_bits);
}

/* Make room: copy a table into a larger one. Returns -1 when there is no memory for it. */
static int grow_shorts(struct tally *tally, const uint64_t *seed)
{
    size_t slots = tally->short_slots ? tally->short_slots * GROWTH : FIRST_SLOTS;
    struct short_slot *grown = calloc(slots, sizeof *grown);
    if (grown == NULL)
        return -1;
    for (size_t i = 0; i < tally->short_slots; i++) {
        const struct short_slot *slot = &tally->shorts[i];
        if (slot->count == 0)
            continue;
        size_t at = hash_short(slot->low, slot->high, seed) & (slots - 1);
        while (grown[at].count != 0)
            at = (at + 1) & (slots - 1);
        grown[at] = *slot;
    }
    free(tally->shorts);
    tally->shorts = grown;
    tally->short_slots = slots;
    return 0;
}

static int grow_longs(struct tally *tally)
{
    size_t slots = tally->long_slots ? tally->long_slots * GROWTH : FIRST_SLOTS;
    struct long_slot *grown = calloc(slots, sizeof *grown);
    if (grown == NULL)
        return -1;
    for (size_t i = 0; i < tally->long_slots; i++) {
        if (tally->longs[i].count == 0)
            continue;
        size_t at = tally->longs[i].hash & (slots - 1);
        while (grown[at].count != 0)
            at = (at + 1) & (slots - 1);
        grown[at] = tally->longs[i];
    }
    free(tally->longs);
    tally->longs = grown;
    tally->long_slots = slots;
    return 0;
}

/* Count a short string so many times. Returns -1 when there is no memory for it. */
static inline int count_short(struct tally *tally, const struct pending *next, uint64_t times, const uint64_t *seed)
{
    size_t at = next->hash & (tally->short_slots - 1);
    struct short_slot *slot = &tally->shorts[at];
    while (slot->count != 0 && (slot->low != next->low || slot->high != next->high)) {
        at = (at + 1) & (tally->short_slots - 1);
        slot = &tally->shorts[at];
    }
    if (slot->count != 0) {
        slot->count += times;
        return 0;
    }
    slot->low = next->low;
    slot->high = next->high;
    slot->count = times;
    /* Three quarters: what a chunk of prose holds then fits into the second cache of a core, which saves a tenth. */
    return ++tally->n_shorts > tally->short_slots / 4 * 3 ? grow_shorts(tally, seed) : 0;
}

/* Do the look-ups that are waiting. */
static int settle(struct tally *tally, const uint64_t *seed)
{
    size_t n_pending = tally->n_pending;
    tally->n_pending = 0;
    for (size_t i = 0; i < n_pending; i++)
        if (count_short(tally, &tally->pending[i], 1, seed) < 0)
            return -1;
    return 0;
}

static int add_long(struct counter *counter, struct tally *tally, const uint8_t *start, size_t length, uint64_t times)
{
    if (tally->n_longs >= tally->long_slots / 2 && grow_longs(tally) < 0)
        return -1;
    uint64_t hash = hash_long(start, length, tally->case_bits, counter->seed);
    size_t at = hash & (tally->long_slots - 1);
    struct long_slot *slot = &tally->longs[at];
    while (slot->count != 0 && (slot->hash != hash || slot->length != length ||
                                !same_long(slot->start, start, length, tally->case_bits))) {
        at = (at + 1) & (tally->long_slots - 1);
        slot = &tally->longs[at];
    }
    if (slot->count == 0) {
        slot->start = start;
        slot->length = length;
        slot->hash = hash;
        tally->n_longs++;
    }
    slot->count += times;
    return 0;
}

/* Count one word or token. Returns -1 when memory ran out, like all functions below. */
static inline int add(struct counter *counter, struct tally *tally, const uint8_t *start, size_t length)
{
    static const uint8_t kept[2 * SHORT] = {255, 255, 255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 255, 255, 255}; /* and as many zeros */
    if (length > SHORT)
        return add_long(counter, tally, start, length, 1);
    uint64_t low, high;
    if (counter->end - start >= SHORT) {
        low = load8(start);
        high = load8(start + 8);
    } else {
        uint8_t last[SHORT] = {0};
        memcpy(last, start, length);
        low = load8(last);
        high = load8(last + 8);
    }
    const uint8_t *mask = kept + SHORT - length;
    struct pending *next = &tally->pending[tally->n_pending++];
    next->low = (low | tally->case_bits) & load8(mask);
    next->high = (high | tally->case_bits) & load8(mask + 8);
    next->hash = hash_short(next->low, next->high, counter->seed);
    __builtin_prefetch(&tally->shorts[next->hash & (tally->short_slots - 1)], 1);
    return tally->n_pending == PENDING ? settle(tally, counter->seed) : 0;
}

/* Count a word from elsewhere than the chunk so many times, when nothing is waiting. The word has to stay where it is. */
static int add_times(struct counter *counter, struct tally *tally, const uint8_t *start, size_t length, uint64_t times)
{
    if (length > SHORT)
        return add_long(counter, tally, start, length, times);
    uint8_t bytes[SHORT] = {0};
    memcpy(bytes, start, length);
    struct pending found = {load8(bytes), load8(bytes + 8), 0};
    found.hash = hash_short(found.low, found.high, counter->seed);
    return count_short(tally, &found, times, counter->seed);
}

/* Call take() with each string that was counted, in lower case if it was counted so, and its count. take() returns -1
 * to stop. The bytes are gone after the call. Returns -1 when there is no memory, or take() stopped it. */
static int each_counted(const struct tally *tally, int (*take)(void *, const uint8_t *, size_t, uint64_t), void *taker)
{
    for (size_t i = 0; i < tally->short_slots; i++) {
        const struct short_slot *slot = &tally->shorts[i];
        if (slot->count == 0)
            continue;
        uint8_t bytes[SHORT + 1] = {0};
        memcpy(bytes, &slot->low, 8);
        memcpy(bytes + 8, &slot->high, 8);
        if (take(taker, bytes, strlen((const char *)bytes), slot->count) < 0)
            return -1;
    }
    uint8_t *copy = NULL;
    size_t room = 0;
    int failed = 0;
    for (size_t i = 0; i < tally->long_slots && !failed; i++) {
        const struct long_slot *slot = &tally->longs[i];
        if (slot->count == 0)
            continue;
        if (slot->length > room) {
            free(copy);
            room = slot->length * 2;
            copy = malloc(room);
            if (copy == NULL)
                return -1;
        }
        for (size_t j = 0; j < slot->length; j++)
            copy[j] = slot->start[j] | (uint8_t)tally->case_bits;
        failed = take(taker, copy, slot->length, slot->count) < 0;
    }
    free(copy);
    return failed ? -1 : 0;
}

static void release(struct counter *counter)
{
    struct tally *const tallies[] = {&counter->words, &counter->tokens, &counter->others};
    for (size_t i = 0; i < sizeof tallies / sizeof *tallies; i++) {
        free(tallies[i]->shorts);
        free(tallies[i]->longs);
    }
}

#endif
