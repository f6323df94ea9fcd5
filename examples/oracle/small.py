"""Write small checkpoints with TensorFlow, on which the reader of checkpoints is tested.

    python examples/oracle/small.py FOLDER

`plain` has a tensor of every kind, `several` its tensors in two files.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf


def main() -> None:
    """Write both."""
    folder = Path(sys.argv[1])
    numbers = np.arange(-6, 6).reshape(3, 4) / 8
    root = tf.Module()
    for kind in ("float32", "float64", "float16", "bfloat16", "int32", "int64", "int8", "uint8"):
        given = np.abs(numbers * 8) if kind[0] in "iu" else numbers
        setattr(root, kind, tf.Variable(tf.cast(tf.constant(given), kind), name=f"of_{kind}"))
    root.truths = tf.Variable(numbers > 0)
    root.one = tf.Variable(0.5)
    root.none = tf.Variable(tf.zeros([0, 3]))
    root.listed = [tf.Variable([float(count)] * 700) for count in range(40)]
    tf.train.Checkpoint(root=root).write(str(folder / "plain"))
    parts = []
    for number in range(2):
        prefix = str(folder / f"part{number}")
        names, tensors = [f"tensor{number}"], [tf.constant([1.0 + number, 2.0])]
        tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=[""], tensors=tensors)
        parts.append(prefix)
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=parts, destination_prefix=str(folder / "several")
    )


if __name__ == "__main__":
    main()
