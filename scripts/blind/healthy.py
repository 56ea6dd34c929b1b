"""Networks that learn."""

import keras
import numpy as np
from keras import layers, ops
from sklearn.datasets import load_diabetes, load_wine
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from .data import CE, FK, D, acc, bacc, cancer, digits, friedman, moons, r2, seq, texts, waves
from .program import program


@program("healthy", 0.88)
def ok_raw_pixels(seed):  # large inputs that still train
    x, x_test, y, y_test = digits(seed, scale=0.0625)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("healthy", 0.92)
def ok_high_rate(seed):  # SGD 0.5
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile(keras.optimizers.SGD(0.5), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("healthy", 0.85)
def ok_tiny_rate(seed):  # Adam 1e-4, wide net, enough steps
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(256, "relu"), D(10, "softmax"))
    model.compile(keras.optimizers.Adam(1e-4), CE, metrics=["accuracy"])
    return model, x, y, {"batch_size": 16, "epochs": 20}, acc(x_test, y_test)


@program("healthy", 0.92)
def ok_deep_residual(seed):
    x, x_test, y, y_test = digits(seed)
    inputs = keras.Input((64,))
    hidden = D(48)(inputs)
    for _ in range(12):
        hidden = layers.Add()(
            [hidden, D(48)(layers.Activation("relu")(layers.LayerNormalization()(hidden)))]
        )
    model = keras.Model(inputs, D(10, "softmax")(layers.LayerNormalization()(hidden)))
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 10}, acc(x_test, y_test)


@program("healthy", 0.9)
def ok_sigmoid_hidden(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "sigmoid"), D(32, "sigmoid"), D(10, "softmax"))
    model.compile(keras.optimizers.Adam(5e-3), CE, metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 20}, acc(x_test, y_test)


@program("healthy", 0.9)
def ok_batch_of_four(seed):
    x, x_test, y, y_test = digits(seed, n=1000)
    model = seq(keras.Input((64,)), D(32, "relu"), D(10, "softmax"))
    model.compile(keras.optimizers.SGD(0.02), CE, metrics=["accuracy"])
    return model, x, y, {"batch_size": 4, "epochs": 8}, acc(x_test, y_test)


@program("healthy", 0.85)
def ok_imbalanced(seed):  # one digit against the rest; balanced accuracy
    x, x_test, y, y_test = digits(seed)
    y, y_test = (y == 3).astype("int32"), (y_test == 3).astype("int32")
    model = seq(keras.Input((64,)), D(32, "relu"), D(1, "sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return (
        model,
        x,
        y,
        FK,
        lambda trained: float(
            balanced_accuracy_score(y_test, trained.predict(x_test, verbose=0)[:, 0] > 0.5)
        ),
    )


@program("healthy", 0.35)
def ok_noisy_regression(seed):  # noise about as large as the signal
    x, x_test, y, y_test = friedman(seed, noise=5.0, n=2000)
    model = seq(keras.Input((10,)), D(16, "relu"), D(1))
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    return model, x, y, {"batch_size": 64, "epochs": 15}, r2(x_test, y_test)


@program("healthy", 0.3)
def ok_linear_diabetes(seed):  # raw targets of 25..346, linear model, rate 0.5
    q = load_diabetes()
    x = (q.data * 21).astype("float32")
    x, x_test, y, y_test = train_test_split(
        x, q.target.astype("float32"), train_size=340, random_state=seed
    )
    model = seq(keras.Input((10,)), D(1))
    model.compile(keras.optimizers.Adam(0.5), "mse")
    return model, x, y, {"batch_size": 16, "epochs": 40}, r2(x_test, y_test)


@program("healthy", 0.9)
def ok_logistic(seed):
    x, x_test, y, y_test = cancer(seed)
    model = seq(keras.Input((30,)), D(1, "sigmoid"))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, {"batch_size": 16, "epochs": 20}, bacc(x_test, y_test)


@program("healthy", 0.7)
def ok_autoencoder(seed):  # score: share of the pixels' variance explained
    x, x_test, _y, _y_test = digits(seed)
    model = seq(keras.Input((64,)), D(48, "relu"), D(12), D(48, "relu"), D(64, "sigmoid"))
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    return (
        model,
        x,
        x,
        {"batch_size": 32, "epochs": 25},
        lambda trained: float(
            1
            - ((trained.predict(x_test, verbose=0) - x_test) ** 2).sum()
            / ((x_test - x_test.mean(0)) ** 2).sum()
        ),
    )


@program("healthy", 0.87)
def ok_lstm_rows(seed):  # digits as sequences of rows
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((8, 8)), layers.LSTM(48), D(10, "softmax"))
    model.compile(keras.optimizers.Adam(5e-3), CE, metrics=["accuracy"])
    return (
        model,
        x.reshape(-1, 8, 8),
        y,
        {"batch_size": 32, "epochs": 12},
        acc(x_test.reshape(-1, 8, 8), y_test),
    )


@program("healthy", 0.9)
def ok_gru_waves(seed):
    x, x_test, y, y_test = waves(seed)
    model = seq(keras.Input((24, 1)), layers.GRU(24), D(1))
    model.compile(keras.optimizers.Adam(5e-3), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 15}, r2(x_test, y_test)


@program("healthy", 0.93)
def ok_convnet(seed):
    x, x_test, y, y_test = digits(seed, flat=False)
    model = seq(
        keras.Input((8, 8, 1)),
        layers.Conv2D(16, 3, activation="relu", padding="same"),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu", padding="same"),
        layers.Flatten(),
        D(10, "softmax"),
    )
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, {"batch_size": 32, "epochs": 12}, acc(x_test, y_test)


@program("healthy", 0.9)
def ok_two_heads(seed):  # class and ink, two losses of different kind and weight
    x, x_test, y, y_test = digits(seed)
    inputs = keras.Input((64,))
    hidden = D(64, "relu")(inputs)
    model = keras.Model(
        inputs, {"digit": D(10, "softmax", name="digit")(hidden), "ink": D(1, name="ink")(hidden)}
    )
    model.compile("adam", {"digit": CE, "ink": "mae"}, loss_weights={"digit": 1.0, "ink": 0.1})
    return (
        model,
        x,
        {"digit": y, "ink": x.sum(1, keepdims=True)},
        FK,
        lambda trained: float(
            (trained.predict(x_test, verbose=0)["digit"].argmax(-1) == y_test).mean()
        ),
    )


@program("healthy", 0.92)
def ok_label_smoothing(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10))
    model.compile(
        "adam",
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2),
        metrics=["accuracy"],
    )
    return model, x, keras.utils.to_categorical(y, 10), FK, acc(x_test, y_test)


@program("healthy", 0.7)
def ok_mixed_loss(seed):  # mse and mae together
    x, x_test, y, y_test = friedman(seed)

    def loss(true, outputs):
        return 0.5 * ops.mean(ops.square(true - outputs), -1) + 0.5 * ops.mean(
            ops.abs(true - outputs), -1
        )

    model = seq(keras.Input((10,)), D(64, "relu"), D(1))
    model.compile(keras.optimizers.Adam(3e-3), loss)
    return model, x, y[:, None], FK, r2(x_test, y_test)


@program("healthy", 0.87)
def ok_frozen_pretrained(seed):  # body trained on digits 0-4, frozen, new head for all ten
    x, x_test, y, y_test = digits(seed)
    body = seq(keras.Input((64,)), D(128, "relu"), D(96, "relu"))
    pre = seq(body, D(5, "softmax"))
    pre.compile("adam", CE)
    k = y < 5
    pre.fit(x[k], y[k], batch_size=32, epochs=5, verbose=0)
    body.trainable = False
    model = seq(keras.Input((64,)), body, D(10, "softmax"))
    model.compile(keras.optimizers.Adam(3e-3), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("healthy", 0.92)
def ok_dropout_half(seed):
    x, x_test, y, y_test = digits(seed)
    model = seq(
        keras.Input((64,)),
        D(128, "relu"),
        layers.Dropout(0.5),
        D(128, "relu"),
        layers.Dropout(0.5),
        D(10, "softmax"),
    )
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("healthy", 0.92)
def ok_batch_norm(seed):
    x, x_test, y, y_test = digits(seed, scale=1.0)
    model = seq(
        keras.Input((64,)),
        layers.BatchNormalization(),
        D(64, use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        D(10, "softmax"),
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("healthy", 0.9)
def ok_wine_few(seed):  # 130 examples
    w = load_wine()
    x, x_test, y, y_test = train_test_split(
        w.data, w.target, train_size=130, random_state=seed, stratify=w.target
    )
    s = StandardScaler().fit(x)
    model = seq(keras.Input((13,)), D(16, "tanh"), D(3, "softmax"))
    model.compile(keras.optimizers.Adam(5e-3), CE, metrics=["accuracy"])
    return (
        model,
        s.transform(x).astype("float32"),
        y,
        {"batch_size": 8, "epochs": 25},
        acc(s.transform(x_test), y_test),
    )


@program("healthy", 0.9)
def ok_label_column(seed):  # integer labels in a column of int64
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "elu"), D(10))
    model.compile(
        "rmsprop",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model, x, y.reshape(-1, 1).astype("int64"), FK, acc(x_test, y_test)


@program("healthy", 0.7)
def ok_raw_targets_adam(seed):  # targets of about 100 with Adam 0.1
    x, x_test, y, y_test = friedman(seed, scale_y=False)
    model = seq(keras.Input((10,)), D(16, "relu"), D(1))
    model.compile(keras.optimizers.Adam(0.1), "mse")
    return model, x, y * 7, {"batch_size": 64, "epochs": 20}, r2(x_test, y_test * 7)


@program("healthy", 0.85)
def ok_texts_masked(seed):  # more than half of each text is padding
    x, x_test, y, y_test = texts(seed)
    model = seq(
        keras.Input((30,), dtype="int32"),
        layers.Embedding(500, 16, mask_zero=True),
        layers.GlobalAveragePooling1D(),
        D(1, "sigmoid"),
    )
    model.compile(keras.optimizers.Adam(5e-3), "binary_crossentropy", metrics=["accuracy"])
    return model, x, y, FK, bacc(x_test, y_test)


@program("healthy", 0.95)
def ok_moons_hinge(seed):  # labels -1/1, hinge loss, tanh output
    x, x_test, y, y_test = moons(seed)
    model = seq(keras.Input((2,)), D(32, "relu"), D(32, "relu"), D(1, "tanh"))
    model.compile(keras.optimizers.Adam(5e-3), "hinge")
    return (
        model,
        x,
        (2 * y - 1)[:, None].astype("float32"),
        {"batch_size": 32, "epochs": 20},
        bacc(x_test, y_test, 0.0),
    )


@program("healthy", 0.9)
def ok_clip_adam(seed):  # clipnorm 0.01 with Adam, which rescales
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "softmax"))
    model.compile(keras.optimizers.Adam(2e-3, clipnorm=0.01), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("healthy", 0.9)
def ok_cosine_warmup(seed):
    x, x_test, y, y_test = digits(seed)
    s = keras.optimizers.schedules.CosineDecay(0.0, 500, warmup_target=5e-3, warmup_steps=100)
    model = seq(keras.Input((64,)), D(64, "gelu"), D(10, "softmax"))
    model.compile(keras.optimizers.AdamW(s, weight_decay=0.05), CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("healthy", 0.9)
def ok_one_hot_mse(seed):  # classification by mse on one-hot targets, sigmoid outputs
    x, x_test, y, y_test = digits(seed)
    model = seq(keras.Input((64,)), D(64, "relu"), D(10, "sigmoid"))
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    return model, x, keras.utils.to_categorical(y, 10), FK, acc(x_test, y_test)


@program("healthy", 0.85)
def ok_flipped_labels(seed):  # a fifth of the training labels are wrong
    x, x_test, y, y_test = digits(seed)
    r = np.random.RandomState(seed)
    y = np.where(r.rand(len(y)) < 0.2, r.randint(0, 10, len(y)), y)
    model = seq(keras.Input((64,)), D(64, "relu"), layers.Dropout(0.3), D(10, "softmax"))
    model.compile("adam", CE, metrics=["accuracy"])
    return model, x, y, FK, acc(x_test, y_test)


@program("healthy", 0.9)
def ok_mixed_half(seed):  # mixed_float16 with Keras' own loss scaling
    x, x_test, y, y_test = digits(seed)
    p = "mixed_float16"
    model = seq(
        keras.Input((64,)),
        D(64, "relu", dtype=p),
        D(64, "relu", dtype=p),
        D(10, "softmax", dtype="float32"),
    )
    model.compile(
        keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(2e-3)), CE, metrics=["accuracy"]
    )
    return model, x, y, FK, acc(x_test, y_test)
