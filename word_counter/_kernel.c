/* The native kernel as a Python module: what word_counter/kernel.py offers when it is there.
 *
 * The limited API: one binary serves every CPython from 3.11 on.
 */

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

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

/* Write all pairs. Returns 1, or 0 when a key is not text or a value not a number of 64 bits, or -1 after an error. */
static int write_pairs(struct text *texts, uint32_t partitions, PyObject *groups)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(groups, &position, &key, &value)) { /* nothing in this loop can change the dict */
        if (!PyUnicode_CheckExact(key) || !PyLong_CheckExact(value))
            return 0;
        int overflow;
        long long count = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow != 0)
            return 0;
        Py_ssize_t length;
        const char *bytes = PyUnicode_AsUTF8AndSize(key, &length);
        if (bytes == NULL) {
            if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
                return -1;
            PyErr_Clear(); /* a lone surrogate */
            return 0;
        }
        if (write_pair(texts, partitions, bytes, (size_t)length, count) < 0) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return 1;
}

PyDoc_STRVAR(encode_doc, "encode_counts(groups, partitions, /)\n--\n\n"
                         "Return the JSON text of each partition's share, as a dict by its number, or None if a key is\n"
                         "anything but str or a value anything but an int of 64 bits.");

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
    int written = write_pairs(texts, (uint32_t)partitions, groups);
    PyObject *shares = written > 0 ? PyDict_New() : NULL;
    for (long long i = 0; i < partitions; i++) {
        struct text *text = &texts[i];
        if (shares != NULL && text->bytes != NULL) {
            text->bytes[text->length++] = '}';
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
    {"encode_counts", encode_counts, METH_VARARGS, encode_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)prepare}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "word_counter._kernel",
    .m_doc = "The native kernel of the word count: see word_counter/kernel.py.",
    .m_size = sizeof(struct state),
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModuleDef_Init(&definition);
}
