"""The one thing that pyproject.toml cannot say yet: the native kernel, built where there is a C compiler.

It is optional: without a compiler the package installs all the same, and counts words in Python.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "word_counter.native._kernel",
            ["word_counter/native/_kernel.c"],
            depends=[f"word_counter/native/{name}.h" for name in ("_gather", "_partials", "_sums", "_tally", "_words")],
            extra_compile_args=["-O3", "-std=c11"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},  # the wheel serves every later Python too
)
