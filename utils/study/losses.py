"""Which labels a loss takes, and what is measured whatever the loss is."""

import inspect

from utils.runtime import import_tensorflow

tf = import_tensorflow()
keras = tf.keras


def resolve_loss(loss):
    """Turn None, a name, a loss, a loss class or a factory into one Keras loss."""
    if loss is None:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    factory = not isinstance(loss, str | keras.losses.Loss) and not any(
        parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        for parameter in inspect.signature(loss).parameters.values()
    )
    return keras.losses.get(loss() if factory else loss)


def wants_one_hot(loss) -> bool:
    """Tell whether a loss takes one-hot labels.

    Keras' own do, and classes derived from them, unless they are called sparse. A
    function or a class of one's own takes whole numbers.
    """
    kinds = type(loss).__mro__ if isinstance(loss, keras.losses.Loss) else [loss]
    known = [value for value in vars(keras.losses).values() if callable(value)]
    known = [k for k in kinds if k in known and k is not keras.losses.Loss]
    return bool(known) and not known[0].__name__.lower().startswith("sparse")


def cross_entropy(y, logits):
    """Cross-entropy of each example, for labels (n,) or shares (n, classes)."""
    logits = tf.cast(logits, tf.float32)
    if y.shape.rank == 2:
        return tf.nn.softmax_cross_entropy_with_logits(y, logits)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)


def hits(y, logits):
    """1.0 for each example whose largest logit is its label's, else 0.0."""
    if y.shape.rank == 2:
        y = tf.argmax(y, axis=-1, output_type=tf.int32)
    same = tf.equal(tf.argmax(logits, axis=-1, output_type=tf.int32), y)
    return tf.cast(same, tf.float32)


def metrics(one_hot: bool) -> list:
    """Keras' accuracy and cross-entropy, by the names that callbacks monitor.

    Keras' own, since `EarlyStopping` asks a metric whether more of it is better.
    """
    of = keras.metrics
    if one_hot:
        measures = of.CategoricalAccuracy, of.CategoricalCrossentropy
    else:
        measures = of.SparseCategoricalAccuracy, of.SparseCategoricalCrossentropy
    accuracy, entropy = measures
    return [accuracy("accuracy"), entropy("cross_entropy", from_logits=True)]
