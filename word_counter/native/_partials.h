/* Writing partials: the keys and counts of a chunk as JSON text, one text for each partition.
 *
 * The text is the same as that of word_counter/shuffle/partitioning.py, for the case that most jobs are: values are
 * int, and keys are all text or all something else. Anything else is declined, and partitioning.py writes it (or
 * refuses it with a good message).
 */

#ifndef WORD_COUNTER_PARTIALS_H
#define WORD_COUNTER_PARTIALS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 4096         /* bytes of a text at first */
#define LONGEST_ESCAPE 6        /* \u001f */
#define LONGEST_NUMBER 20       /* of 64 bits, with a sign */
#define MOST_PARTITIONS 1000000 /* beyond it the array of texts alone would be large */

struct text {
    char *bytes; /* NULL: nothing was written */
    size_t length, room;
};

static inline uint32_t rotate(uint32_t bits, int by)
{
    return bits << by | bits >> (32 - by);
}

static inline uint32_t scramble(uint32_t block)
{
    return rotate(block * 0xcc9e2d51u, 15) * 0x1b873593u;
}

/* MurmurHash3_x86_32 with the seed 0 (A. Appleby, public domain), as in partitioning.partition_of. */
static uint32_t murmur3(const char *bytes, size_t length)
{
    uint32_t hash = 0, block;
    size_t i = 0;
    for (; i + 4 <= length; i += 4) {
        memcpy(&block, bytes + i, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        block = __builtin_bswap32(block);
#endif
        hash = rotate(hash ^ scramble(block), 13) * 5 + 0xe6546b64u;
    }
    if (i < length) {
        block = 0;
        for (size_t last = length; last > i; last--)
            block = block << 8 | (uint8_t)bytes[last - 1];
        hash ^= scramble(block);
    }
    hash ^= (uint32_t)length;
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

/* Make room for so many more bytes. Returns -1 when there is no memory for them. */
static int reserve(struct text *text, size_t more)
{
    if (text->room - text->length >= more)
        return 0;
    size_t room = (text->room ? text->room : FIRST_ROOM / 2) * 2;
    while (room - text->length < more)
        room *= 2;
    char *bytes = realloc(text->bytes, room);
    if (bytes == NULL)
        return -1;
    text->bytes = bytes;
    text->room = room;
    return 0;
}

/* Write a string as json.dumps(..., ensure_ascii=False) does; there has to be room. */
static char *write_string(char *to, const char *from, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    *to++ = '"';
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = (uint8_t)from[i];
        if (byte >= ' ' && byte != '"' && byte != '\\') {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '\\';
        switch (byte) {
        case '"':
        case '\\': *to++ = (char)byte; break;
        case '\b': *to++ = 'b'; break;
        case '\f': *to++ = 'f'; break;
        case '\n': *to++ = 'n'; break;
        case '\r': *to++ = 'r'; break;
        case '\t': *to++ = 't'; break;
        default:
            memcpy(to, "u00", 3);
            to[3] = hex[byte >> 4];
            to[4] = hex[byte & 15];
            to += 5;
        }
    }
    *to++ = '"';
    return to;
}

static char *write_number(char *to, int64_t number)
{
    char digits[LONGEST_NUMBER];
    char *first = digits + sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do
        *--first = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        *--first = '-';
    size_t length = (size_t)(digits + sizeof digits - first);
    memcpy(to, first, length);
    return to + length;
}

/* Write one pair into the text of its partition: a member of an object when the key is text, an item of a list when
 * the key is JSON already. Returns -1 when there is no memory for it. */
static int write_pair(struct text *texts, uint32_t partitions, const char *key, size_t length, int is_json,
                      int64_t count)
{
    struct text *text = &texts[murmur3(key, length) % partitions];
    if (reserve(text, length * LONGEST_ESCAPE + LONGEST_NUMBER + 8) < 0)
        return -1;
    char *to = text->bytes + text->length;
    if (is_json) {
        *to++ = text->length == 0 ? '[' : ',';
        *to++ = '[';
        memcpy(to, key, length);
        to += length;
        *to++ = ',';
        to = write_number(to, count);
        *to++ = ']';
    } else {
        *to++ = text->length == 0 ? '{' : ',';
        to = write_string(to, key, length);
        *to++ = ':';
        to = write_number(to, count);
    }
    text->length = (size_t)(to - text->bytes);
    return 0; /* there is still room for the closing bracket: the 8 above hold more than the 4 written around */
}

#endif
