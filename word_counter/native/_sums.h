/* Adding up partials: a table of text keys with the sum of their numbers, and the type Sums for compute/native_sums.py.
 *
 * It takes partials as _partials.h writes them when all keys are text: an object without white space whose values are
 * whole numbers. In such a text two keys are equal when their bytes are, as long as nothing is escaped, and sorting
 * keys by their bytes gives the order that Python has for their characters. A partial with anything else in it is
 * declined as a whole, and native_sums.py goes on in Python.
 */

#ifndef WORD_COUNTER_SUMS_H
#define WORD_COUNTER_SUMS_H

#include "_partials.h"
#include "_tally.h"

#define MOST_DIGITS 13               /* of a number that is taken */
#define MOST_TAKEN (UINT64_C(1) << 19) /* partials: each adds one number to a key, and so many of so many digits fit into 64 bits */
#define BLOCK_BYTES (64 * 1024)      /* of memory for keys */

struct sum {
    const char *key; /* NULL: the slot is free */
    size_t length;
    uint64_t hash;
    int64_t sum;
    uint64_t values; /* how many were added; 0 when all were taken back */
};

struct block {
    struct block *next;
    char bytes[];
};

struct sums {
    struct sum *slots;
    size_t n_slots, used;
    struct block *blocks;
    size_t left; /* bytes in the first block */
    uint64_t seed[2], taken;
};

static uint64_t hash_key(const struct sums *sums, const char *key, size_t length)
{
    if (length > SHORT)
        return hash_long((const uint8_t *)key, length, 0, sums->seed);
    uint8_t bytes[SHORT] = {0};
    memcpy(bytes, key, length);
    return hash_short(load8(bytes), load8(bytes + 8), sums->seed);
}

static int grow_sums(struct sums *sums)
{
    size_t n_slots = sums->n_slots ? sums->n_slots * GROWTH : FIRST_SLOTS;
    struct sum *slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL)
        return -1;
    for (size_t i = 0; i < sums->n_slots; i++) {
        if (sums->slots[i].key == NULL)
            continue;
        size_t at = sums->slots[i].hash & (n_slots - 1);
        while (slots[at].key != NULL)
            at = (at + 1) & (n_slots - 1);
        slots[at] = sums->slots[i];
    }
    free(sums->slots);
    sums->slots = slots;
    sums->n_slots = n_slots;
    return 0;
}

static const char *keep_key(struct sums *sums, const char *key, size_t length)
{
    if (sums->blocks == NULL || sums->left < length) {
        size_t room = length > BLOCK_BYTES ? length : BLOCK_BYTES;
        struct block *block = malloc(sizeof *block + room);
        if (block == NULL)
            return NULL;
        block->next = sums->blocks;
        sums->blocks = block;
        sums->left = room;
    }
    sums->left -= length;
    return memcpy(sums->blocks->bytes + sums->left, key, length);
}

/* Add a number to the sum of a key, or take it back (sign -1). Returns -1 when there is no memory for the key. */
static int add_sum(struct sums *sums, const char *key, size_t length, int64_t number, int sign)
{
    uint64_t hash = hash_key(sums, key, length);
    size_t at = hash & (sums->n_slots - 1);
    struct sum *slot = &sums->slots[at];
    while (slot->key != NULL &&
           (slot->hash != hash || slot->length != length || memcmp(slot->key, key, length) != 0)) {
        at = (at + 1) & (sums->n_slots - 1);
        slot = &sums->slots[at];
    }
    if (slot->key == NULL) {
        if (sums->used >= sums->n_slots / 2) {
            if (grow_sums(sums) < 0)
                return -1;
            return add_sum(sums, key, length, number, sign);
        }
        const char *kept = keep_key(sums, key, length);
        if (kept == NULL)
            return -1;
        *slot = (struct sum){kept, length, hash, 0, 0};
        sums->used++;
    }
    slot->sum += sign * number;
    slot->values += (uint64_t)(int64_t)sign;
    return 0;
}

/* Add the pairs of a partial that begin before a limit. Returns where it ended: behind its last byte, or where a pair
 * begins that is not taken; NULL when there is no memory. */
static const char *add_partial(struct sums *sums, const char *at, const char *end, const char *limit, int sign)
{
    const char *begin = at;
    if (end - at == 2 && at[0] == '{' && at[1] == '}')
        return end;
    while (at < limit && *at == (at == begin ? '{' : ',')) {
        const char *pair = at;
        if (++at == end || *at != '"')
            return pair;
        const char *key = ++at;
        while (at < end && *at != '"' && *at != '\\' && (uint8_t)*at >= ' ')
            at++;
        if (end - at < 2 || at[0] != '"' || at[1] != ':')
            return pair;
        size_t length = (size_t)(at - key);
        at += 2;
        int minus = at < end && *at == '-';
        const char *digits = at += minus;
        int64_t number = 0;
        for (; at < end && *at >= '0' && *at <= '9' && at - digits <= MOST_DIGITS; at++)
            number = number * 10 + (*at - '0');
        if (at == digits || at - digits > MOST_DIGITS || at == end || (*at != ',' && *at != '}'))
            return pair;
        if (add_sum(sums, key, length, minus ? -number : number, sign) < 0)
            return NULL;
    }
    return at + 1 == end && *at == '}' && at != begin ? end : at;
}

static void release_sums(struct sums *sums)
{
    free(sums->slots);
    for (struct block *block = sums->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
}

static int by_key(const void *left, const void *right)
{
    const struct sum *a = *(const struct sum *const *)left, *b = *(const struct sum *const *)right;
    int order = memcmp(a->key, b->key, a->length < b->length ? a->length : b->length);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

/* Return all keys that have a sum, sorted, in memory of the caller's; NULL when there is none. */
static const struct sum **sorted_sums(const struct sums *sums, size_t *n)
{
    const struct sum **sorted = malloc((sums->used + 1) * sizeof *sorted);
    *n = 0;
    if (sorted == NULL)
        return NULL;
    for (size_t i = 0; i < sums->n_slots; i++)
        if (sums->slots[i].values != 0)
            sorted[(*n)++] = &sums->slots[i];
    qsort(sorted, *n, sizeof *sorted, by_key);
    return sorted;
}

/* ---- the type ------------------------------------------------------------------------------------------------ */

struct sums_object {
    PyObject_HEAD
    struct sums sums;
};

static void sums_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    release_sums(&((struct sums_object *)self)->sums);
    freefunc release_object = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release_object(self);
    Py_DECREF(type);
}

static int sums_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct sums *sums = &((struct sums_object *)self)->sums;
    (void)kwargs;
    if (!PyArg_ParseTuple(args, ":Sums"))
        return -1;
    release_sums(sums);
    memset(sums, 0, sizeof *sums);
    if (take_seed(sums->seed) < 0)
        return -1;
    if (grow_sums(sums) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

PyDoc_STRVAR(sums_add_doc, "add(partial, /)\n--\n\n"
                           "Add the numbers of a partial; False, and nothing is added, when it is none that is taken.");

static PyObject *sums_add(PyObject *self, PyObject *args)
{
    struct sums *sums = &((struct sums_object *)self)->sums;
    const char *text;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "s#:add", &text, &length))
        return NULL;
    if (sums->taken >= MOST_TAKEN)
        Py_RETURN_FALSE;
    const char *end = text + length, *stop = add_partial(sums, text, end, end, 1);
    if (stop == NULL)
        return PyErr_NoMemory();
    if (stop != end || length == 0) {
        add_partial(sums, text, end, stop, -1); /* its keys are there: this needs no memory */
        Py_RETURN_FALSE;
    }
    sums->taken++;
    Py_RETURN_TRUE;
}

PyDoc_STRVAR(sums_items_doc, "items()\n--\n\nReturn each key with its sum and the number of its values, sorted by key.");

static PyObject *sums_items(PyObject *self, PyObject *unused)
{
    (void)unused;
    size_t n;
    const struct sum **sorted = sorted_sums(&((struct sums_object *)self)->sums, &n);
    if (sorted == NULL)
        return PyErr_NoMemory();
    PyObject *items = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; i < n && items != NULL; i++) {
        const struct sum *sum = sorted[i];
        PyObject *item = Py_BuildValue("s#LK", sum->key, (Py_ssize_t)sum->length, (long long)sum->sum,
                                       (unsigned long long)sum->values);
        if (item == NULL || PyList_SetItem(items, (Py_ssize_t)i, item) < 0)
            Py_CLEAR(items);
    }
    free(sorted);
    return items;
}

PyDoc_STRVAR(sums_heaviest_doc, "heaviest(n, /)\n--\n\n"
                                "Return how many keys there are, how many values, and the n keys that have the most of\n"
                                "them, each with its number, the most first.");

static PyObject *sums_heaviest(PyObject *self, PyObject *args)
{
    const struct sums *sums = &((struct sums_object *)self)->sums;
    int most;
    if (!PyArg_ParseTuple(args, "i:heaviest", &most))
        return NULL;
    const struct sum **best = calloc(most > 0 ? (size_t)most + 1 : 1, sizeof *best);
    if (best == NULL)
        return PyErr_NoMemory();
    unsigned long long keys = 0, values = 0;
    int found = 0;
    for (size_t i = 0; i < sums->n_slots; i++) {
        const struct sum *sum = &sums->slots[i];
        if (sum->values == 0)
            continue;
        keys++;
        values += sum->values;
        int place = found; /* the last place of best[] is for the one that drops out */
        for (; place > 0 && (best[place - 1]->values < sum->values ||
                             (best[place - 1]->values == sum->values && by_key(&best[place - 1], &sum) > 0));
             place--)
            best[place] = best[place - 1];
        best[place] = sum;
        if (found < most)
            found++;
    }
    PyObject *heaviest = PyList_New(0);
    for (int i = 0; i < found && heaviest != NULL; i++) {
        PyObject *item = Py_BuildValue("s#K", best[i]->key, (Py_ssize_t)best[i]->length,
                                       (unsigned long long)best[i]->values);
        if (item == NULL || PyList_Append(heaviest, item) < 0)
            Py_CLEAR(heaviest);
        Py_XDECREF(item);
    }
    free(best);
    return heaviest == NULL ? NULL : Py_BuildValue("KKN", keys, values, heaviest);
}

/* Make text of a segment, and append it to a list. */
static int end_segment(PyObject *segments, struct text *text, int as_pairs)
{
    text->bytes[text->length++] = as_pairs ? ']' : '}';
    PyObject *segment = PyUnicode_FromStringAndSize(text->bytes, (Py_ssize_t)text->length);
    int failed = segment == NULL || PyList_Append(segments, segment) < 0;
    Py_XDECREF(segment);
    text->length = 0;
    return failed ? -1 : 0;
}

PyDoc_STRVAR(sums_segments_doc, "segments(size, brackets, /)\n--\n\n"
                                "Return JSON texts of so many bytes or a little more, which hold all keys in order with\n"
                                "their sums: objects, or lists of pairs, as the brackets say.");

static PyObject *sums_segments(PyObject *self, PyObject *args)
{
    Py_ssize_t size;
    const char *brackets;
    if (!PyArg_ParseTuple(args, "ns:segments", &size, &brackets))
        return NULL;
    int as_pairs = brackets[0] == '[';
    size_t n;
    const struct sum **sorted = sorted_sums(&((struct sums_object *)self)->sums, &n);
    if (sorted == NULL)
        return PyErr_NoMemory();
    struct text text = {0};
    PyObject *segments = PyList_New(0);
    for (size_t i = 0; i < n && segments != NULL; i++) {
        const struct sum *sum = sorted[i];
        if (reserve(&text, sum->length + LONGEST_NUMBER + 8) < 0) {
            PyErr_NoMemory();
            Py_CLEAR(segments);
            break;
        }
        char *to = text.bytes + text.length;
        *to++ = text.length != 0 ? ',' : as_pairs ? '[' : '{';
        if (as_pairs)
            *to++ = '[';
        *to++ = '"';
        memcpy(to, sum->key, sum->length);
        to += sum->length;
        *to++ = '"';
        *to++ = as_pairs ? ',' : ':';
        to = write_number(to, sum->sum);
        if (as_pairs)
            *to++ = ']';
        text.length = (size_t)(to - text.bytes);
        if ((text.length >= (size_t)size || i == n - 1) && end_segment(segments, &text, as_pairs) < 0)
            Py_CLEAR(segments);
    }
    free(text.bytes);
    free(sorted);
    return segments;
}

static PyMethodDef sums_methods[] = {
    {"add", sums_add, METH_VARARGS, sums_add_doc},
    {"items", sums_items, METH_NOARGS, sums_items_doc},
    {"heaviest", sums_heaviest, METH_VARARGS, sums_heaviest_doc},
    {"segments", sums_segments, METH_VARARGS, sums_segments_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot sums_slots[] = {
    {Py_tp_doc, (void *)"Sums()\n--\n\nThe sums of partials' numbers by key: see word_counter/compute/native_sums.py."},
    {Py_tp_init, (void *)sums_init},
    {Py_tp_dealloc, (void *)sums_dealloc},
    {Py_tp_methods, sums_methods},
    {0, NULL},
};

static PyType_Spec sums_spec = {
    .name = "word_counter.native._kernel.Sums",
    .basicsize = sizeof(struct sums_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = sums_slots,
};

#endif
