/* The native kernel as a Python module, for native/kernel.py, compute/grouping.py and compute/native_sums.py.
 *
 * It uses the limited API: one binary serves every CPython from 3.11 on.
 */

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* From 3.12 on, Python.h returns these three without a new reference, as they are immortal there. In 3.11 they are not:
 * a binary that was built with a later Python would free them. */
#undef Py_RETURN_NONE
#undef Py_RETURN_TRUE
#undef Py_RETURN_FALSE
#define Py_RETURN_NONE return Py_NewRef(Py_None)
#define Py_RETURN_TRUE return Py_NewRef(Py_True)
#define Py_RETURN_FALSE return Py_NewRef(Py_False)

#include "_gather.h"
#include "_partials.h"
#include "_words.h"

/* Take a seed from Python's hash of two strings: secret in every process, unless PYTHONHASHSEED says otherwise. */
static int take_seed(uint64_t *seed)
{
    static const char *const names[2] = {"word_counter.low", "word_counter.high"};
    for (int i = 0; i < 2; i++) {
        PyObject *name = PyUnicode_FromString(names[i]);
        Py_hash_t hash = name == NULL ? -1 : PyObject_Hash(name);
        Py_XDECREF(name);
        if (hash == -1)
            return -1;
        seed[i] = (uint64_t)hash;
    }
    return 0;
}

#include "_sums.h"

struct state {
    uint64_t seed[2];
};

/* A dict that is being filled with counts. */
struct dict_maker {
    PyObject *counts;
    int as_text; /* keys are text, for words; else bytes, for tokens */
};

static int put_count(void *taker, const uint8_t *start, size_t length, uint64_t count)
{
    const struct dict_maker *maker = taker;
    PyObject *key = maker->as_text ? PyUnicode_FromStringAndSize((const char *)start, (Py_ssize_t)length)
                                   : PyBytes_FromStringAndSize((const char *)start, (Py_ssize_t)length);
    PyObject *number = key == NULL ? NULL : PyLong_FromUnsignedLongLong(count);
    int failed = number == NULL || PyDict_SetItem(maker->counts, key, number) < 0;
    Py_XDECREF(key);
    Py_XDECREF(number);
    return failed ? -1 : 0;
}

/* Return a new dict of the counts. */
static PyObject *make_dict(const struct tally *tally)
{
    struct dict_maker maker = {PyDict_New(), tally->case_bits != 0};
    if (maker.counts == NULL || each_counted(tally, put_count, &maker) < 0) {
        Py_CLEAR(maker.counts);
        if (!PyErr_Occurred())
            PyErr_NoMemory();
    }
    return maker.counts;
}

PyDoc_STRVAR(count_doc, "count(chunk, /)\n--\n\n"
                        "Return the counts of a chunk's ASCII words, in lower case, and of the tokens in which there\n"
                        "are other bytes, as they stand: a dict of str and one of bytes. A chunk is bytes or the like.");

static PyObject *count(PyObject *module, PyObject *args)
{
    const struct state *state = PyModule_GetState(module);
    Py_buffer chunk; /* keeps the bytes: they cannot be resized while other threads run */
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

/* Return the texts of all partitions that have one, as a dict by their numbers, if they are wanted; free them. */
static PyObject *make_shares(struct text *texts, long long partitions, int is_json, int wanted)
{
    PyObject *shares = wanted ? PyDict_New() : NULL;
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
    return shares;
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
    PyObject *shares = make_shares(texts, partitions, is_json, written > 0);
    if (written == 0)
        Py_RETURN_NONE;
    return shares;
}

/* Partials that are being written from the counts. */
struct partials_writer {
    struct text *texts;
    uint32_t partitions;
    unsigned long long pairs;
};

static int put_pair(void *taker, const uint8_t *start, size_t length, uint64_t count)
{
    struct partials_writer *writer = taker;
    writer->pairs++;
    return write_pair(writer->texts, writer->partitions, (const char *)start, length, 0, (int64_t)count);
}

/* Count a word that the rule found so many times. The word has to live as long as the counter. */
static int put_word(struct counter *counter, PyObject *word, uint64_t times)
{
    Py_ssize_t length, i = 0;
    const char *start = PyUnicode_AsUTF8AndSize(word, &length);
    if (start == NULL)
        return -1;
    while (i < length && (uint8_t)start[i] < 0x80)
        i++;
    struct tally *tally = i < length ? &counter->others : &counter->words; /* it may be among the words of ASCII runs */
    if (add_times(counter, tally, (const uint8_t *)start, (size_t)length, times) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Looks tokens up among those whose words are known. */
struct token_reader {
    struct counter *counter;
    PyObject *known, *unknown;
};

static int put_token(void *taker, const uint8_t *start, size_t length, uint64_t count)
{
    const struct token_reader *reader = taker;
    PyObject *token = PyBytes_FromStringAndSize((const char *)start, (Py_ssize_t)length);
    if (token == NULL)
        return -1;
    PyObject *words = PyDict_GetItemWithError(reader->known, token); /* the dict keeps it alive */
    int failed = 0;
    if (words != NULL) {
        Py_ssize_t n = PyTuple_Size(words); /* -1 when it is none */
        failed = n < 0;
        for (Py_ssize_t i = 0; i < n && !failed; i++)
            failed = put_word(reader->counter, PyTuple_GetItem(words, i), count) < 0;
    } else if (PyErr_Occurred()) {
        failed = 1;
    } else {
        PyObject *number = PyLong_FromUnsignedLongLong(count);
        failed = number == NULL || PyDict_SetItem(reader->unknown, token, number) < 0;
        Py_XDECREF(number);
    }
    Py_DECREF(token);
    return failed ? -1 : 0;
}

/* Count the words of all tokens: of those that are known, and, by the rule, of the others. Returns the words of these,
 * which have to live as long as the counter, or NULL after an error. */
static PyObject *read_tokens(struct counter *counter, PyObject *known, PyObject *rule)
{
    struct token_reader reader = {counter, known, PyDict_New()};
    PyObject *words = NULL;
    if (reader.unknown != NULL && each_counted(&counter->tokens, put_token, &reader) == 0)
        words = PyObject_CallFunctionObjArgs(rule, reader.unknown, NULL);
    else if (!PyErr_Occurred())
        PyErr_NoMemory();
    Py_XDECREF(reader.unknown);
    if (words != NULL && !PyDict_Check(words)) {
        PyErr_SetString(PyExc_TypeError, "the rule has to make a dict of words");
        Py_CLEAR(words);
    }
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (words != NULL && PyDict_Next(words, &position, &key, &value)) {
        unsigned long long times = PyLong_AsUnsignedLongLong(value);
        if (PyErr_Occurred() || put_word(counter, key, times) < 0)
            Py_CLEAR(words);
    }
    return words;
}

PyDoc_STRVAR(partials_doc, "word_partials(chunk, partitions, known, rule, /)\n--\n\n"
                           "Return what encode_counts gives for the words of a chunk, and how many different ones\n"
                           "there are. known is a dict of tokens, each with a tuple of its words; rule makes a dict\n"
                           "of words of a dict of other tokens, both with their counts.");

static PyObject *word_partials(PyObject *module, PyObject *args)
{
    const struct state *state = PyModule_GetState(module);
    Py_buffer chunk;
    long long partitions;
    PyObject *known, *rule;
    if (!PyArg_ParseTuple(args, "y*LO!O:word_partials", &chunk, &partitions, &PyDict_Type, &known, &rule))
        return NULL;
    struct counter counter;
    int result;
    Py_BEGIN_ALLOW_THREADS
    result = count_words(&counter, state->seed, chunk.buf, (size_t)chunk.len);
    Py_END_ALLOW_THREADS
    PyObject *words = NULL, *shares = NULL, *both = NULL;
    struct partials_writer writer = {NULL, (uint32_t)partitions, 0};
    if (partitions < 1 || partitions > MOST_PARTITIONS) {
        PyErr_SetString(PyExc_ValueError, "there is no such number of partitions");
    } else if (result < 0 || (writer.texts = calloc((size_t)partitions, sizeof *writer.texts)) == NULL) {
        PyErr_NoMemory();
    } else {
        int done = (words = read_tokens(&counter, known, rule)) != NULL;
        if (done && (each_counted(&counter.words, put_pair, &writer) < 0 ||
                     each_counted(&counter.others, put_pair, &writer) < 0)) {
            PyErr_NoMemory();
            done = 0;
        }
        shares = make_shares(writer.texts, partitions, 0, done);
    }
    release(&counter);
    PyBuffer_Release(&chunk);
    Py_XDECREF(words);
    if (shares != NULL)
        both = Py_BuildValue("NK", shares, writer.pairs);
    return both;
}

PyDoc_STRVAR(newlines_doc, "newlines(data, start, stop, /)\n--\n\nReturn the number of newlines in data[start:stop].");

static PyObject *newlines(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer data;
    Py_ssize_t start, stop;
    if (!PyArg_ParseTuple(args, "y*nn:newlines", &data, &start, &stop))
        return NULL;
    const uint8_t *bytes = data.buf;
    if (stop > data.len)
        stop = data.len;
    size_t found = 0;
    if (start >= 0 && start < stop) {
        Py_BEGIN_ALLOW_THREADS
        found = count_newlines(bytes + start, bytes + stop);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&data);
    return PyLong_FromSize_t(found);
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

static int prepare(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    PyObject *sums = PyType_FromSpec(&sums_spec);
    int failed = sums == NULL || PyModule_AddObjectRef(module, "Sums", sums) < 0 || take_seed(state->seed) < 0;
    Py_XDECREF(sums);
    return failed ? -1 : 0;
}

static PyMethodDef methods[] = {
    {"count", count, METH_VARARGS, count_doc},
    {"gather", gather, METH_VARARGS, gather_doc},
    {"encode_counts", encode_counts, METH_VARARGS, encode_doc},
    {"newlines", newlines, METH_VARARGS, newlines_doc},
    {"word_partials", word_partials, METH_VARARGS, partials_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, (void *)prepare}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "word_counter.native._kernel",
    .m_doc = "The native kernel: see word_counter/kernel.py, gathering.py and summing.py.",
    .m_size = sizeof(struct state),
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModuleDef_Init(&definition);
}
