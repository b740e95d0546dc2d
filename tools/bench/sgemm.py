"""The rate of sgemm of the BLAS that LibTorch loads, one thread, GFLOP/s. One JSON line:
{"square": of 1024 x 1024 matrices, "products": of the products that one training step of a network takes}

usage: sgemm.py BATCH WIDTH...     WIDTH: of all layers, inputs and outputs included
"""
import ctypes
import json
import os
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when it is loaded
BLAS = ctypes.CDLL("libblas.so.3")


class Product:
    """rows x columns += rows x inner times inner x columns, in the order of memory that BLAS has (columns first)."""

    def __init__(self, rows, columns, inner):
        self.flop = 2 * rows * columns * inner
        sizes = (rows * inner, inner * columns, rows * columns)
        self.matrices = [(ctypes.c_float * size)(*[0.5] * size) for size in sizes]
        self.sizes = [ctypes.c_int(size) for size in (rows, columns, inner)]

    def run(self):
        rows, columns, inner = map(ctypes.byref, self.sizes)
        one, zero, plain = ctypes.byref(ctypes.c_float(1)), ctypes.byref(ctypes.c_float(0)), ctypes.c_char_p(b"N")
        left, right, result = self.matrices
        BLAS.sgemm_(plain, plain, rows, columns, inner, one, left, rows, right, inner, zero, result, rows)


def rate(products, seconds=0.5):
    for product in products:
        product.run()
    begin, flop = time.perf_counter(), 0
    while time.perf_counter() < begin + seconds:
        for product in products:
            product.run()
            flop += product.flop
    return flop / (time.perf_counter() - begin) / 1e9


def step_products(batch, widths):
    """Forward, the weights' gradients, and the inputs' gradients of all layers but the first."""
    found = []
    for place, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        found += [Product(outputs, batch, inputs), Product(inputs, outputs, batch)]
        if place > 0:
            found.append(Product(inputs, batch, outputs))
    return found


def main():
    batch, *widths = map(int, sys.argv[1:])
    print(json.dumps({"square": rate([Product(1024, 1024, 1024)]), "products": rate(step_products(batch, widths)),
                      "step_flop": sum(product.flop for product in step_products(batch, widths))}))


main()
