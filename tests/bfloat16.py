"""Whether TensorFlow can compute in bfloat16 here.

It asks oneDNN for what the processor has, and dies if ONEDNN_MAX_CPU_ISA holds that back: a product
of two matrices of ones is enough.
"""

import functools
import os
import subprocess
import sys

import pytest

PRODUCT = """
import tensorflow as tf
ones = tf.ones((8, 8), tf.bfloat16)
tf.linalg.matmul(ones, ones).numpy()
"""


@functools.cache
def computes():
    if "ONEDNN_MAX_CPU_ISA" not in os.environ:
        return True
    return subprocess.run([sys.executable, "-c", PRODUCT], capture_output=True).returncode == 0


needed = pytest.mark.skipif(
    not computes(), reason="TensorFlow itself dies of bfloat16 under this ONEDNN_MAX_CPU_ISA"
)
