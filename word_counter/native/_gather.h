/* Grouping: adds the pairs of a chunk to the groups of their keys, without a Python call for each pair.
 *
 * Only plain pairs are done here: tuples of two whose key is text, a whole number, a boolean, None or a tuple of these,
 * all of exactly these types and not of subclasses. A dict tells such keys apart like JSON does, if other objects stand
 * in for True and False, which equal 1 and 0. Any other pair is handed to Python, which defines what is right.
 */

#ifndef WORD_COUNTER_GATHER_H
#define WORD_COUNTER_GATHER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Python.h comes before. */

#define FIRST_CELLS 64

enum way { LIST, SUM, COUNT, MIN, MAX };
static const char *const ways[] = {"list", "sum", "count", "min", "max"};

struct cell {
    PyObject *key;
    PyObject *group;  /* the group key */
    PyObject *values; /* LIST: the list of its values; else NULL */
    int64_t total;    /* SUM, COUNT: what is still to be added to its group */
};

struct gathering {
    enum way way;
    PyObject *into, *canonical, *other; /* borrowed */
    PyObject *places;                   /* the index in cells of each key, as stand_in returns it */
    struct cell *cells;
    size_t n, room;
};

static inline int is_plain_part(PyObject *part)
{
    return PyUnicode_CheckExact(part) || PyLong_CheckExact(part) || part == Py_None || PyBool_Check(part);
}

/* No key holds these two. */
static inline PyObject *stand_in_part(PyObject *part)
{
    return part == Py_True ? Py_Ellipsis : part == Py_False ? Py_NotImplemented : part;
}

/* Return a new reference to what stands for a key in a dict; NULL when it is not plain, or after an error. */
static PyObject *stand_in(PyObject *key)
{
    if (!PyTuple_CheckExact(key))
        return is_plain_part(key) ? Py_NewRef(stand_in_part(key)) : NULL;
    Py_ssize_t size = PyTuple_Size(key), i;
    int has_bool = 0;
    for (i = 0; i < size; i++) {
        PyObject *part = PyTuple_GetItem(key, i);
        if (!is_plain_part(part))
            return NULL;
        has_bool |= PyBool_Check(part);
    }
    if (!has_bool)
        return Py_NewRef(key);
    PyObject *other = PyTuple_New(size);
    for (i = 0; other != NULL && i < size; i++)
        PyTuple_SetItem(other, i, Py_NewRef(stand_in_part(PyTuple_GetItem(key, i)))); /* cannot fail: it is new */
    return other;
}

/* Make a cell for a key that has none. Returns NULL after an error. */
static struct cell *make_cell(struct gathering *all, PyObject *key, PyObject *name)
{
    if (all->n == all->room) {
        size_t room = all->room == 0 ? FIRST_CELLS : all->room * 2;
        struct cell *cells = realloc(all->cells, room * sizeof *cells);
        if (cells == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        all->cells = cells;
        all->room = room;
    }
    struct cell cell = {.key = Py_NewRef(key)};
    cell.group = PyUnicode_CheckExact(key) ? Py_NewRef(key) : PyObject_CallFunctionObjArgs(all->canonical, key, NULL);
    PyObject *place = cell.group == NULL ? NULL : PyLong_FromSize_t(all->n);
    if (place == NULL)
        goto failed;
    if (all->way == LIST) {
        cell.values = Py_XNewRef(PyDict_GetItemWithError(all->into, cell.group));
        if (cell.values == NULL &&
            (PyErr_Occurred() || (cell.values = PyList_New(0)) == NULL ||
             PyDict_SetItem(all->into, cell.group, cell.values) < 0))
            goto failed;
    }
    if (PyDict_SetItem(all->places, name, place) < 0)
        goto failed;
    Py_DECREF(place);
    all->cells[all->n] = cell;
    return &all->cells[all->n++];
failed:
    Py_XDECREF(place);
    Py_DECREF(cell.key);
    Py_XDECREF(cell.group);
    Py_XDECREF(cell.values);
    return NULL;
}

/* Return the cell of a key; NULL when it is not plain, or after an error. */
static inline struct cell *find_cell(struct gathering *all, PyObject *key)
{
    PyObject *name = stand_in(key);
    if (name == NULL)
        return NULL;
    PyObject *place = PyDict_GetItemWithError(all->places, name);
    struct cell *cell = NULL;
    if (place != NULL)
        cell = &all->cells[PyLong_AsSize_t(place)];
    else if (!PyErr_Occurred())
        cell = make_cell(all, key, name);
    Py_DECREF(name);
    return cell;
}

/* Keep the smaller or the larger value. Returns 0 when Python has to compare, else like add_plainly. */
static int add_extreme(const struct gathering *all, const struct cell *cell, PyObject *value)
{
    PyObject *old = PyDict_GetItemWithError(all->into, cell->group);
    if (old != NULL) {
        int alike = (PyLong_CheckExact(old) && PyLong_CheckExact(value)) ||
                    (PyUnicode_CheckExact(old) && PyUnicode_CheckExact(value));
        if (!alike)
            return 0;
        int beyond = PyObject_RichCompareBool(value, old, all->way == MIN ? Py_LT : Py_GT);
        if (beyond <= 0)
            return beyond < 0 ? -1 : 1;
    } else if (PyErr_Occurred()) {
        return -1;
    }
    return PyDict_SetItem(all->into, cell->group, value) < 0 ? -1 : 1;
}

/* Add a pair. Returns 1, or 0 when Python has to do it, or -1 after an error. */
static int add_plainly(struct gathering *all, PyObject *pair)
{
    if (!PyTuple_CheckExact(pair) || PyTuple_Size(pair) != 2)
        return 0;
    PyObject *key = PyTuple_GetItem(pair, 0), *value = PyTuple_GetItem(pair, 1);
    int64_t n = 1;
    if (all->way == SUM) {
        int overflow;
        if (!PyLong_CheckExact(value))
            return 0;
        n = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow != 0)
            return 0;
    }
    struct cell *cell = find_cell(all, key);
    if (cell == NULL)
        return PyErr_Occurred() ? -1 : 0;
    switch (all->way) {
    case LIST:
        return PyList_Append(cell->values, value) < 0 ? -1 : 1;
    case MIN:
    case MAX:
        return add_extreme(all, cell, value);
    default: {
        int64_t total;
        if (__builtin_add_overflow(cell->total, n, &total))
            return 0;
        cell->total = total;
        return 1;
    }
    }
}

static int hand_over(struct gathering *all, PyObject *pair)
{
    PyObject *nothing = PyObject_CallFunctionObjArgs(all->other, pair, NULL);
    Py_XDECREF(nothing);
    return nothing == NULL ? -1 : 0;
}

static int add_all(struct gathering *all, PyObject *pairs)
{
    PyObject *next = PyObject_GetIter(pairs), *pair;
    if (next == NULL)
        return -1;
    int added = 1;
    while (added >= 0 && (pair = PyIter_Next(next)) != NULL) {
        added = add_plainly(all, pair);
        if (added == 0)
            added = hand_over(all, pair);
        Py_DECREF(pair);
    }
    Py_DECREF(next);
    return PyErr_Occurred() ? -1 : 0;
}

/* Add the totals of the cells to their groups. */
static int settle_totals(struct gathering *all)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct cell *cell = &all->cells[i];
        PyObject *before = PyDict_GetItemWithError(all->into, cell->group);
        if (before == NULL && PyErr_Occurred())
            return -1;
        PyObject *total = PyLong_FromLongLong(cell->total);
        int failed = total == NULL;
        if (!failed && before != NULL && !PyLong_CheckExact(before)) { /* a sum of floats */
            PyObject *pair = PyTuple_Pack(2, cell->key, total);
            failed = pair == NULL || hand_over(all, pair) < 0;
            Py_XDECREF(pair);
        } else if (!failed) {
            PyObject *sum = before == NULL ? Py_NewRef(total) : PyNumber_Add(before, total);
            failed = sum == NULL || PyDict_SetItem(all->into, cell->group, sum) < 0;
            Py_XDECREF(sum);
        }
        Py_XDECREF(total);
        if (failed)
            return -1;
    }
    return 0;
}

/* Gather pairs. Returns -1 after an error. */
static int gather_pairs(struct gathering *all, PyObject *pairs)
{
    all->places = PyDict_New();
    int failed = all->places == NULL || add_all(all, pairs) < 0 ||
                 ((all->way == SUM || all->way == COUNT) && settle_totals(all) < 0);
    for (size_t i = 0; i < all->n; i++) {
        Py_DECREF(all->cells[i].key);
        Py_DECREF(all->cells[i].group);
        Py_XDECREF(all->cells[i].values);
    }
    free(all->cells);
    Py_XDECREF(all->places);
    return failed ? -1 : 0;
}

#endif
