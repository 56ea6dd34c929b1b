"""Networks on tables."""

import keras
import numpy as np
from keras import layers
from pairs.data import (
    accuracy,
    blobs,
    r2,
    split,
    standardize,
    table,
)
from pairs.everyday_data import (
    balanced,
    customers,
    fraud,
    genres,
    levels,
    listings,
    macro_f1,
    passengers,
)
from pairs.more_data import hits_of, parts
from sklearn.ensemble import RandomForestClassifier

from ..program import program

Dense, Input, Sequential = layers.Dense, keras.Input, keras.Sequential


@program("healthy", 0.9)
def wine_the_way_of_1990(seed):
    # sigmoid everywhere, squared error for classes, a rate of 1
    x, x_test, y, y_test = table("wine", seed)
    model = Sequential(
        [
            Input((13,)),
            Dense(8, activation="sigmoid"),
            Dense(3, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(1.0, momentum=0.5), "mse", metrics=["accuracy"])
    y = keras.utils.to_categorical(y)
    return model, x, y, {"batch_size": 8, "epochs": 40}, accuracy(x_test, y_test)


@program("healthy", 0.92)
def cancer_hinge_and_tanh(seed):
    # labels -1 and 1, no sigmoid, no cross-entropy
    x, x_test, y, y_test = table("cancer", seed)
    model = Sequential([Input((30,)), Dense(16, "relu"), Dense(1, "tanh")])
    model.compile(optimizer="adam", loss="hinge")
    how = {"batch_size": 16, "epochs": 20}
    return model, x, 2 * y - 1, how, hits_of(x_test, y_test, threshold=0.0)


@program("healthy", 0.3)
def diabetes_bias_starts_at_mean(seed):
    # raw targets around 150 under a mean absolute error, whose gradients are only signs
    x, x_test, y, y_test = table("diabetes", seed)
    start = keras.initializers.Constant(y.mean())
    model = Sequential([Input((10,)), Dense(32, "relu"), Dense(1, bias_initializer=start)])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mae")
    return model, x, y, {"batch_size": 32, "epochs": 40}, r2(x_test, y_test)


@program("healthy", 0.8)
def flats_behind_softplus(seed):
    # raw columns (adapted layer inside), output can not be negative, neither can prices
    x, x_test, y, y_test = split(*listings(seed), seed)
    scale = layers.Normalization()
    scale.adapt(x)
    model = Sequential(
        [Input((6,)), scale, Dense(32, "gelu"), Dense(16, "gelu"), Dense(1, "softplus")]
    )
    model.compile(keras.optimizers.Adam(0.005), keras.losses.Huber())
    how = {"batch_size": 32, "epochs": 25}
    return model, x, y / 1e5, how, r2(x_test, y_test / 1e5)


@program("healthy", 0.85)
def passengers_with_missing_flag(seed):
    # missing ages become the median, a column says so; fares by their logarithm
    x, x_test, y, y_test = passengers(seed)
    middle = np.nanmedian(x[:, 2])

    def ready(a):
        gone = np.isnan(a[:, 2:3])
        age = np.where(gone, middle, a[:, 2:3]) / 80
        return np.hstack([a[:, :1] - 2, a[:, 1:2], age, gone, np.log1p(a[:, 3:4]) / 5, a[:, 4:]])

    model = Sequential([Input((6,)), Dense(16, "relu"), Dense(8, "relu"), Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, ready(x), y, {"batch_size": 10, "epochs": 20}, accuracy(ready(x_test), y_test)


@program("healthy", 0.82)
def churn_ids_and_numbers(seed):
    # three named inputs, one-column embeddings that act as a bias each
    x, x_test, y, y_test = parts(*customers(seed), seed)
    inputs = {
        "numbers": Input((4,), name="numbers"),
        "plan": Input((1,), name="plan", dtype="int32"),
        "region": Input((1,), name="region", dtype="int32"),
    }
    plan = layers.Flatten()(layers.Embedding(6, 1)(inputs["plan"]))
    region = layers.Flatten()(layers.Embedding(20, 1)(inputs["region"]))
    h = layers.Concatenate()([inputs["numbers"], plan, region])
    h = Dense(32, activation="relu")(h)
    model = keras.Model(inputs, Dense(1, activation="sigmoid")(h))
    model.compile(keras.optimizers.Nadam(0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 64, "epochs": 15}, hits_of(x_test, y_test)


@program("healthy", 0.6)
def genres_five_sigmoids(seed):
    # outputs do not sum to one and should not: several genres at once
    x, x_test, y, y_test = genres(seed)
    model = Sequential(
        [
            Input((24,)),
            Dense(32, kernel_initializer="he_uniform"),
            layers.LeakyReLU(negative_slope=0.3),
            Dense(5, activation="sigmoid"),
        ]
    )
    model.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy())
    return model, x, y, {"batch_size": 32, "epochs": 30}, macro_f1(x_test, y_test)


@program("healthy", 0.8)
def fraud_rare_class_times_twelve(seed):
    # class weights of 0.54 and 6.5, and a loss that looks large for it
    x, x_test, y, y_test = fraud(seed, sep=1.2)
    model = Sequential([Input((10,)), Dense(24, "relu"), Dense(24, "relu"), Dense(1, "sigmoid")])
    model.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy")
    weights = {0: len(y) / (2 * (y == 0).sum()), 1: len(y) / (2 * (y == 1).sum())}
    how = {"batch_size": 64, "epochs": 20, "class_weight": weights}
    return model, x, y, how, balanced(x_test, y_test)


@program("healthy", 0.9)
def iris_labels_from_one_spare_output(seed):
    # labels 1, 2, 3 and four outputs; output 0 is never the right one
    x, x_test, y, y_test = table("iris", seed, scaled=False)
    model = Sequential([Input((4,)), Dense(16, "relu"), Dense(16, "relu"), Dense(4, "softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    y = (y + 1).reshape(-1, 1).astype("float32")
    return model, x, y, {"batch_size": 5, "epochs": 30}, accuracy(x_test, y_test + 1)


@program("healthy", 0.92)
def cancer_dropout_and_max_norm(seed):
    # half of the units dropped, kernels held to a norm of 3, high momentum
    x, x_test, y, y_test = table("cancer", seed)
    limit = keras.constraints.MaxNorm(3)
    model = Sequential(
        [
            Input((30,)),
            layers.Dropout(0.2),
            Dense(60, activation="relu", kernel_constraint=limit),
            layers.Dropout(0.5),
            Dense(30, activation="relu", kernel_constraint=limit),
            layers.Dropout(0.5),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.02, momentum=0.9), "binary_crossentropy")
    return model, x, y, {"batch_size": 16, "epochs": 20}, hits_of(x_test, y_test)


@program("healthy", 0.8)
def levels_a_sixth_of_labels_wrong(seed):
    # one label in six is wrong and stays so; smoothing; weight decay
    x, x_test, y, y_test = levels(seed, n=2000)
    wrong = np.random.default_rng(seed).uniform(size=len(y)) < 1 / 6
    model = Sequential(
        [
            Input((5,), dtype="int32"),
            layers.Embedding(12, 4),
            layers.Flatten(),
            Dense(1, activation="sigmoid"),
        ]
    )
    loss = keras.losses.BinaryCrossentropy(label_smoothing=0.1)
    model.compile(keras.optimizers.AdamW(0.01, weight_decay=0.05), loss)
    how = {"batch_size": 64, "epochs": 15}
    return model, x, np.where(wrong, 1 - y, y), how, hits_of(x_test, y_test)


@program("healthy", 0.85)
def forest_teaches_a_small_network(seed):
    # soft targets of a random forest, KL divergence, a layer of only six units
    x, x_test, y, y_test = blobs(seed, n=700, centers=6, features=4)
    x, x_test = standardize(x, x_test)
    teacher = RandomForestClassifier(60, random_state=seed, min_samples_leaf=4).fit(x, y)
    soft = teacher.predict_proba(x)
    model = Sequential([Input((4,)), Dense(6, "relu"), Dense(6, "softmax")])
    model.compile(keras.optimizers.Adam(0.02), "kl_divergence")
    return model, x, soft, {"batch_size": 32, "epochs": 25}, accuracy(x_test, y_test)
