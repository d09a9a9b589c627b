/* The native kernel as a Python module: what kernel.py and gathering.py offer when it is there.
 *
 * The limited API: one binary serves every CPython from 3.11 on.
 */

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_gather.h"
#include "_partials.h"
#include "_words.h"

struct state {
    uint64_t seed[2];
};

/* Return a new reference to what a string counts under: text for a word, bytes for a token. */
static PyObject *make_key(const uint8_t *start, size_t length, int as_text)
{
    return as_text ? PyUnicode_FromStringAndSize((const char *)start, (Py_ssize_t)length)
                   : PyBytes_FromStringAndSize((const char *)start, (Py_ssize_t)length);
}

static int set_count(PyObject *counts, PyObject *key, uint64_t count)
{
    PyObject *number = key == NULL ? NULL : PyLong_FromUnsignedLongLong(count);
    int failed = number == NULL || PyDict_SetItem(counts, key, number) < 0;
    Py_XDECREF(key);
    Py_XDECREF(number);
    return failed ? -1 : 0;
}

static PyObject *make_long_key(const struct long_slot *slot, int as_text)
{
    if (!as_text)
        return make_key(slot->start, slot->length, 0);
    uint8_t *lower = malloc(slot->length);
    if (lower == NULL)
        return PyErr_NoMemory();
    for (size_t i = 0; i < slot->length; i++)
        lower[i] = slot->start[i] | 0x20;
    PyObject *key = make_key(lower, slot->length, 1);
    free(lower);
    return key;
}

/* Return a new dict of what was counted. */
static PyObject *make_dict(const struct tally *tally)
{
    int as_text = tally->case_bits != 0;
    PyObject *counts = PyDict_New();
    if (counts == NULL)
        return NULL;
    for (size_t i = 0; i < tally->short_slots; i++) {
        const struct short_slot *slot = &tally->shorts[i];
        if (slot->count == 0)
            continue;
        uint8_t bytes[SHORT + 1] = {0};
        memcpy(bytes, &slot->low, 8);
        memcpy(bytes + 8, &slot->high, 8);
        if (set_count(counts, make_key(bytes, strlen((const char *)bytes), as_text), slot->count) < 0)
            goto failed;
    }
    for (size_t i = 0; i < tally->long_slots; i++) {
        const struct long_slot *slot = &tally->longs[i];
        if (slot->count != 0 && set_count(counts, make_long_key(slot, as_text), slot->count) < 0)
            goto failed;
    }
    return counts;
failed:
    Py_DECREF(counts);
    return NULL;
}

PyDoc_STRVAR(count_doc, "count(chunk, /)\n--\n\n"
                        "Return the counts of a chunk's ASCII words, in lower case, and of the tokens in which there\n"
                        "are other bytes, as they stand: a dict of str and one of bytes. A chunk is bytes or the like.");

static PyObject *count(PyObject *module, PyObject *args)
{
    const struct state *state = PyModule_GetState(module);
    Py_buffer chunk; /* holds on to the bytes: nobody resizes them while other threads run */
    if (!PyArg_ParseTuple(args, "y*:count", &chunk))
        return NULL;
    struct counter counter;
    int result;
    Py_BEGIN_ALLOW_THREADS
    result = count_words(&counter, state->seed, chunk.buf, (size_t)chunk.len);
    Py_END_ALLOW_THREADS
    PyObject *words = NULL, *tokens = NULL, *both = NULL;
    if (result < 0) {
        PyErr_NoMemory();
    } else if ((words = make_dict(&counter.words)) != NULL && (tokens = make_dict(&counter.tokens)) != NULL) {
        both = PyTuple_Pack(2, words, tokens);
    }
    release(&counter);
    PyBuffer_Release(&chunk);
    Py_XDECREF(words);
    Py_XDECREF(tokens);
    return both;
}

/* Get the bytes of a key: of text when is_json is 0, else of JSON. Returns as write_pairs does. */
static int get_key(PyObject *key, int is_json, char **bytes, Py_ssize_t *length)
{
    if (is_json)
        return !PyBytes_CheckExact(key) ? 0 : PyBytes_AsStringAndSize(key, bytes, length) < 0 ? -1 : 1;
    if (!PyUnicode_CheckExact(key))
        return 0;
    *bytes = (char *)PyUnicode_AsUTF8AndSize(key, length);
    if (*bytes != NULL)
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return -1;
    PyErr_Clear(); /* a lone surrogate */
    return 0;
}

/* Write all pairs. Returns 1, or 0 when the keys are not all text or all JSON, or a value is not a number of 64 bits,
 * or -1 after an error. */
static int write_pairs(struct text *texts, uint32_t partitions, PyObject *groups, int *is_json)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(groups, &position, &key, &value)) { /* nothing in this loop can change the dict */
        int overflow = 1;
        long long count = 0;
        if (PyLong_CheckExact(value))
            count = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow != 0)
            return 0;
        if (*is_json < 0)
            *is_json = PyBytes_CheckExact(key);
        char *bytes;
        Py_ssize_t length;
        int got = get_key(key, *is_json, &bytes, &length);
        if (got <= 0)
            return got;
        if (write_pair(texts, partitions, bytes, (size_t)length, *is_json, count) < 0) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return 1;
}

PyDoc_STRVAR(encode_doc, "encode_counts(groups, partitions, /)\n--\n\n"
                         "Return the JSON text of each partition's share, as a dict by its number, or None if the keys\n"
                         "are not all str or all bytes (of JSON), or a value is anything but an int of 64 bits.");

static PyObject *encode_counts(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *groups;
    long long partitions;
    if (!PyArg_ParseTuple(args, "O!L:encode_counts", &PyDict_Type, &groups, &partitions))
        return NULL;
    if (partitions < 1 || partitions > MOST_PARTITIONS)
        Py_RETURN_NONE;
    struct text *texts = calloc((size_t)partitions, sizeof *texts);
    if (texts == NULL)
        return PyErr_NoMemory();
    int is_json = -1; /* not known yet */
    int written = write_pairs(texts, (uint32_t)partitions, groups, &is_json);
    PyObject *shares = written > 0 ? PyDict_New() : NULL;
    for (long long i = 0; i < partitions; i++) {
        struct text *text = &texts[i];
        if (shares != NULL && text->bytes != NULL) {
            text->bytes[text->length++] = is_json ? ']' : '}';
            PyObject *number = PyLong_FromLongLong(i);
            PyObject *share = PyUnicode_FromStringAndSize(text->bytes, (Py_ssize_t)text->length);
            if (number == NULL || share == NULL || PyDict_SetItem(shares, number, share) < 0)
                Py_CLEAR(shares);
            Py_XDECREF(number);
            Py_XDECREF(share);
        }
        free(text->bytes);
    }
    free(texts);
    if (written == 0)
        Py_RETURN_NONE;
    return shares;
}

PyDoc_STRVAR(gather_doc, "gather(way, pairs, into, canonical, other, /)\n--\n\n"
                         "Add pairs to what is gathered in a dict by group: the list of the values, or their sum, their\n"
                         "number, the least or the largest of them. canonical gives the group of a key that is not text;\n"
                         "other is called with each pair that is not plain.");

static PyObject *gather(PyObject *module, PyObject *args)
{
    (void)module;
    struct gathering all = {0};
    const char *way;
    PyObject *pairs;
    if (!PyArg_ParseTuple(args, "sOO!OO:gather", &way, &pairs, &PyDict_Type, &all.into, &all.canonical, &all.other))
        return NULL;
    for (all.way = LIST; strcmp(way, ways[all.way]) != 0; all.way++) {
        if (all.way == MAX) {
            PyErr_Format(PyExc_ValueError, "there is no way %s", way);
            return NULL;
        }
    }
    if (gather_pairs(&all, pairs) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* Take the seed from Python's hash of two strings: secret in every process, unless PYTHONHASHSEED says otherwise. */
static int prepare(PyObject *module)
{
    static const char *const names[2] = {"word_counter.low", "word_counter.high"};
    struct state *state = PyModule_GetState(module);
    for (int i = 0; i < 2; i++) {
        PyObject *name = PyUnicode_FromString(names[i]);
        Py_hash_t hash = name == NULL ? -1 : PyObject_Hash(name);
        Py_XDECREF(name);
        if (hash == -1)
            return -1;
        state->seed[i] = (uint64_t)hash;
    }
    return 0;
}

static PyMethodDef methods[] = {
    {"count", count, METH_VARARGS, count_doc},
    {"gather", gather, METH_VARARGS, gather_doc},
    {"encode_counts", encode_counts, METH_VARARGS, encode_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)prepare}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "word_counter._kernel",
    .m_doc = "The native kernel: see word_counter/kernel.py and gathering.py.",
    .m_size = sizeof(struct state),
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModuleDef_Init(&definition);
}
