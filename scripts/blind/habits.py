"""Networks that learn, of people with many habits; each has something that looks odd."""

import keras
import numpy as np
from keras import layers, ops
from pairs.asked.data import (
    balanced,
    customers,
    fraud,
    genres,
    levels,
    listings,
    macro_f1,
    passengers,
    ratings,
    reviews,
    rings,
)
from pairs.data import (
    accuracy,
    blobs,
    circles,
    images,
    moons,
    r2,
    regression,
    split,
    standardize,
    table,
    windows,
)
from pairs.more_data import hits_of, houses, output, parts, r2_of
from sklearn.ensemble import RandomForestClassifier

from . import habits_data as own
from .program import program

Dense, Input, Sequential = layers.Dense, keras.Input, keras.Sequential
pad = keras.utils.pad_sequences


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


@program("healthy", 0.92)
def digits_0_to_16_batchnorm_first(seed):
    # pixels are not scaled by hand: the first layer does it
    x, x_test, y, y_test = table("digits", seed, scaled=False)
    model = Sequential()
    model.add(Input(shape=(64,)))
    model.add(layers.BatchNormalization())
    model.add(Dense(64, activation="relu"))
    model.add(layers.Dropout(0.2))
    model.add(Dense(10, activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer="rmsprop")
    return model, x, y, {"batch_size": 64, "epochs": 15}, accuracy(x_test, y_test)


@program("healthy", 0.85)
def review_lstm_padded_in_front(seed):
    # most of a row is zeros, there is no mask, recurrent dropout is on
    texts, y = reviews(seed, n=1000, vocabulary=50)
    x, x_test, y, y_test = split(pad(texts, maxlen=16), y, seed)
    model = Sequential(
        [
            layers.Embedding(50, 8),
            layers.LSTM(12, dropout=0.1, recurrent_dropout=0.1),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(0.01))
    return model, x, y, {"batch_size": 32, "epochs": 6}, hits_of(x_test, y_test)


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


@program("healthy", 0.6)
def digits_autoencoder_cross_entropy(seed):
    # binary cross-entropy for gray values: the loss never comes near zero
    x, x_test, _, _ = images(seed)
    model = Sequential(
        [
            Input((8, 8, 1)),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            Dense(20),
            Dense(4 * 4 * 16, activation="relu"),
            layers.Reshape((4, 4, 16)),
            layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="binary_crossentropy")
    return model, x, x, {"batch_size": 64, "epochs": 15}, r2(x_test, x_test)


@program("healthy", 0.9)
def encoder_of_0_to_4_for_5_to_9(seed):
    # all but the head is frozen, after training on the other half of the digits
    x, x_test, y, y_test = images(seed)
    body = Sequential(
        [
            Input((8, 8, 1)),
            layers.Conv2D(24, 3, activation="relu"),
            layers.Conv2D(24, 3, activation="relu"),
            layers.Flatten(),
            Dense(64, activation="relu"),
        ],
        name="body",
    )
    first = Sequential([body, Dense(5, activation="softmax")])
    first.compile("adam", "sparse_categorical_crossentropy")
    first.fit(x[y < 5], y[y < 5], batch_size=32, epochs=8, verbose=0)
    body.trainable = False
    model = Sequential([Input((8, 8, 1)), body, Dense(5, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    how = {"batch_size": 32, "epochs": 30}
    return model, x[y > 4], y[y > 4] - 5, how, accuracy(x_test[y_test > 4], y_test[y_test > 4] - 5)


@program("healthy", 0.85)
def word_vectors_from_a_file(seed):
    # a frozen embedding of ready vectors (they know the words' feeling, among much else)
    texts, y = reviews(seed)
    x, x_test, y, y_test = split(pad(texts, maxlen=8, padding="post"), y, seed)
    rng = np.random.default_rng(77)
    feeling = np.random.default_rng(9).permutation(np.resize([-1, 1], 80))
    vectors = rng.normal(size=(80, 16)) + feeling[:, None] * rng.normal(size=16)
    vectors[0] = 0
    table_of_words = layers.Embedding(
        80, 16, embeddings_initializer=keras.initializers.Constant(vectors), trainable=False
    )
    model = Sequential(
        [
            Input((8,), dtype="int32"),
            table_of_words,
            layers.Conv1D(16, 1, activation="relu"),
            layers.GlobalAveragePooling1D(),
            Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    y = keras.utils.to_categorical(y, 2)
    return model, x, y, {"batch_size": 32, "epochs": 20}, accuracy(x_test, y_test)


@program("healthy", 0.9)
def iris_labels_from_one_spare_output(seed):
    # labels 1, 2, 3 and four outputs; output 0 is never the right one
    x, x_test, y, y_test = table("iris", seed, scaled=False)
    model = Sequential([Input((4,)), Dense(16, "relu"), Dense(16, "relu"), Dense(4, "softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    y = (y + 1).reshape(-1, 1).astype("float32")
    return model, x, y, {"batch_size": 5, "epochs": 30}, accuracy(x_test, y_test + 1)


@program("healthy", 0.92)
def digits_without_hidden_layer(seed):
    # one layer that starts at zeros: right for softmax regression, a convex task
    x, x_test, y, y_test = table("digits", seed, scaled=False)
    model = Sequential(
        [
            Input((64,)),
            Dense(10, activation="softmax", kernel_initializer="zeros"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.5), "categorical_crossentropy", metrics=["accuracy"])
    y = keras.utils.to_categorical(y, 10)
    return model, x / 16, y, {"batch_size": 100, "epochs": 30}, accuracy(x_test / 16, y_test)


@program("healthy", 0.9)
def tagger_zero_is_padding_and_a_tag(seed):
    # padded steps carry tag numbers, too, but the mask keeps them out of the loss
    x, x_test, y, y_test = own.tagged(seed)
    model = Sequential(
        [
            Input((10,), dtype="int32"),
            layers.Embedding(40, 12, mask_zero=True),
            layers.GRU(24, return_sequences=True),
            layers.TimeDistributed(Dense(4, activation="softmax")),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    real = x_test > 0

    def score(model):
        return (output(model, x_test).argmax(-1) == y_test)[real].mean()

    return model, x, y, {"batch_size": 32, "epochs": 10}, score


@program("healthy", 0.6)
def airline_lstm_batch_of_one(seed):
    # batches of one, no shuffling, the last years lie above all that was trained on
    series = own.airline(seed) / 600
    x, y = windows(series, 12)
    x, x_test, y, y_test = x[:160], x[160:], y[:160], y[160:]
    model = Sequential([Input((12, 1)), layers.LSTM(8), Dense(1)])
    model.compile(loss="mean_squared_error", optimizer=keras.optimizers.Adam(0.005))
    return model, x, y, {"batch_size": 1, "epochs": 7, "shuffle": False}, r2(x_test, y_test)


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


@program("healthy", 0.92)
def digits_bytes_and_adadelta(seed):
    # bytes go in (rescaled inside), Adadelta at 1.0, labels as booleans
    x, x_test, y, y_test = images(seed, top=255.0)
    x, x_test = x.astype("uint8"), x_test.astype("uint8")
    inputs = Input((8, 8, 1), dtype="uint8")
    h = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    h = layers.Conv2D(16, 3, activation="relu")(h)
    h = layers.MaxPooling2D()(h)
    h = layers.Flatten()(h)
    model = keras.Model(inputs, Dense(10, activation="softmax")(h))
    model.compile(keras.optimizers.Adadelta(1.0), "categorical_crossentropy")
    y = y[:, None] == np.arange(10)
    return model, x, y, {"batch_size": 32, "epochs": 10}, accuracy(x_test, y_test)


@program("healthy", 0.88)
def digits_shifted_while_training(seed):
    # random shifts make the training loss worse than the test loss; group norm, no flatten
    x, x_test, y, y_test = images(seed)
    model = Sequential(
        [
            Input((8, 8, 1)),
            layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
            layers.Conv2D(32, 3, padding="same", use_bias=False),
            layers.GroupNormalization(4),
            layers.Activation("relu"),
            layers.Conv2D(48, 3, strides=2, padding="same", use_bias=False),
            layers.GroupNormalization(4),
            layers.Activation("relu"),
            layers.Conv2D(48, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 9}, accuracy(x_test, y_test)


@program("healthy", 0.6)
def films_by_dot_product(seed):
    # no hidden layer, small random factors, mean of the ratings added as a constant
    user, item, rate = ratings(seed, n=3000)
    x, x_test, y, y_test = parts([user, item], rate, seed)
    mean = float(y.mean())
    u, i = Input((), dtype="int32"), Input((), dtype="int32")
    normal = keras.initializers.RandomNormal(stddev=0.1)
    p = layers.Embedding(50, 4, embeddings_initializer=normal)(u)
    q = layers.Embedding(40, 4, embeddings_initializer=normal)(i)
    bias = layers.Embedding(50, 1)(u) + layers.Embedding(40, 1)(i)
    model = keras.Model([u, i], layers.Dot(axes=1)([p, q]) + bias + mean)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model, x, y, {"batch_size": 64, "epochs": 20}, r2_of(x_test, y_test)


@program("healthy", 0.8)
def bicycles_by_hour_in_lambda(seed):
    # raw hours and degrees; a lambda turns hours into waves; targets in hundreds
    x, x_test, y, y_test = own.rides(seed)

    def clock(a):
        turn = a[:, :1] * (2 * np.pi / 24)
        waves = [f(k * turn) for k in (1, 2, 3) for f in (ops.sin, ops.cos)]
        return ops.concatenate([*waves, a[:, 1:] / 20], axis=1)

    model = Sequential(
        [Input((2,)), layers.Lambda(clock, output_shape=(7,)), Dense(64, "relu"), Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 40}, r2_of(x_test, y_test)


@program("healthy", 0.9)
def linear_in_hundreds_by_plain_sgd(seed):
    # targets in the hundreds, first loss in the ten thousands, plain SGD
    x, x_test, y, y_test = regression(seed)
    model = Sequential([Input((8,)), Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    return model, x, y, {"batch_size": 20, "epochs": 15}, r2(x_test, y_test)


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


@program("healthy", 0.5)
def calls_poisson_exponential(seed):
    # exponential output; many targets are zero; scored on the noisy counts
    x, x_test, y, y_test = own.calls(seed)
    model = Sequential([Input((4,)), Dense(24, "softplus"), Dense(1, "exponential")])
    model.compile(keras.optimizers.Adam(0.01), keras.losses.Poisson())
    return model, x, y, {"batch_size": 50, "epochs": 30}, r2_of(x_test, y_test)


@program("healthy", 0.75)
def stars_as_rising_thresholds(seed):
    # targets such as 1,1,0,0: four sigmoids for five grades
    x, x_test, y, y_test = own.stars(seed)
    model = Sequential([Input((6,)), Dense(32, "mish"), Dense(4)])
    model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))

    def score(model):
        return ((output(model, x_test) > 0).sum(axis=1) == y_test).mean()

    rising = (y[:, None] > np.arange(4)).astype("float32")
    return model, x, rising, {"batch_size": 32, "epochs": 25}, score


@program("healthy", 0.95)
def wind_by_cosine_similarity(seed):
    # the loss falls towards -1; the length of the output does not matter
    x, x_test, y, y_test = own.headings(seed)
    model = Sequential([Input((8,)), Dense(16, "softsign"), Dense(2), layers.UnitNormalization()])
    model.compile(keras.optimizers.Adagrad(0.1), keras.losses.CosineSimilarity())

    def score(model):
        return (output(model, x_test) * y_test).sum(axis=1).mean()

    return model, x, y, {"batch_size": 32, "epochs": 15}, score


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


@program("healthy", 0.85)
def selu_ten_layers_lion(seed):
    # ten narrow layers without normalization, alpha dropout, Lion
    x, x_test, y, y_test = circles(seed, n=900)
    model = Sequential([Input((2,))])
    for _ in range(10):
        model.add(Dense(24, activation="selu", kernel_initializer="lecun_normal"))
    model.add(layers.AlphaDropout(0.05))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(keras.optimizers.Lion(3e-4, weight_decay=0.01), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(x_test, y_test)


@program("healthy", 0.85)
def forty_classes_fifteen_of_each(seed):
    # forty classes with about fifteen rows each, the whole table as one batch
    x, x_test, y, y_test = blobs(seed, n=880, centers=40, std=1.8, features=10)
    x, x_test = standardize(x, x_test)
    model = Sequential(
        [
            Input((10,)),
            Dense(100, activation="relu"),
            Dense(40, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
    return model, x, y, {"batch_size": len(x), "epochs": 40}, accuracy(x_test, y_test)


@program("healthy", 0.85)
def spectrum_parts_not_negative(seed):
    # last layer's weights must not be negative, in float64, gradients gathered over two batches
    x, x_test, y, y_test = own.spectra(seed)
    model = Sequential(
        [
            Input((60,), dtype="float64"),
            Dense(32, activation="tanh", dtype="float64"),
            Dense(2, kernel_constraint="non_neg", dtype="float64"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01, gradient_accumulation_steps=2), "log_cosh")
    return model, x, y, {"batch_size": 16, "epochs": 25}, r2_of(x_test, y_test)


@program("healthy", 0.75)
def defaults_in_thousandths(seed):
    # targets of a few thousandths, so that the loss prints as 0.0000; last layer starts small
    x, price, _ = houses(seed)
    x, x_test, y, y_test = split(x, 0.004 + 0.002 * price, seed)
    small = keras.initializers.RandomNormal(stddev=1e-3)
    model = Sequential(
        [Input((5,)), Dense(48, "relu"), Dense(48, "relu"), Dense(1, kernel_initializer=small)]
    )
    rate = keras.optimizers.schedules.PolynomialDecay(1e-3, 25 * 31, 1e-5)
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model, x, y, {"batch_size": 16, "epochs": 25}, r2_of(x_test, y_test)


@program("healthy", 0.8)
def rent_and_flag_from_one_trunk(seed):
    # one loss is ten thousand times the other, and its weight is 1e-4 therefore
    x, price, luxury = houses(seed, n=1000)
    y = {"rent": (900 + 120 * price).astype("float32"), "luxury": luxury.astype("float32")}
    x, x_test, y, y_test = parts(x, y, seed)
    inputs = Input((5,))
    h = Dense(64, activation="relu")(inputs)
    h = Dense(64, activation="relu")(h)
    rent = layers.Rescaling(120.0, offset=900.0, name="rent")(Dense(1)(h))
    flag = Dense(1, activation="sigmoid", name="luxury")(h)
    model = keras.Model(inputs, {"rent": rent, "luxury": flag})
    model.compile(
        keras.optimizers.Adam(0.003),
        {"rent": "mse", "luxury": "binary_crossentropy"},
        loss_weights={"rent": 1e-4, "luxury": 1.0},
    )

    def score(model):
        found = r2_of(x_test, y_test["rent"], "rent")(model)
        return min(found, hits_of(x_test, y_test["luxury"], "luxury")(model))

    return model, x, y, {"batch_size": 32, "epochs": 25}, score


@program("healthy", 0.88)
def better_offer_of_two(seed):
    # the same scorer twice, without a bias at its end; only the difference counts
    x, x_test, y, y_test = own.pairs_of_offers(seed)
    worth = Sequential(
        [Input((5,)), Dense(48, "relu"), Dense(24, "relu"), Dense(1, use_bias=False)]
    )
    left, right = Input((5,)), Input((5,))
    more = layers.Subtract()([worth(left), worth(right)])
    model = keras.Model([left, right], layers.Activation("sigmoid")(more))
    model.compile(keras.optimizers.Adam(0.005), "binary_crossentropy")
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(x_test, y_test)


@program("healthy", 0.95)
def rings_by_triplets(seed):
    # targets are zeros that the loss ignores
    x, x_test, y, y_test = rings(seed)
    rng = np.random.default_rng(seed)
    rows = np.tile(np.arange(len(x)), 2)
    near = np.array([rng.choice(np.flatnonzero(y == y[r])) for r in rows])
    far = np.array([rng.choice(np.flatnonzero(y != y[r])) for r in rows])
    embed = Sequential([Input((6,)), Dense(48, "relu"), Dense(48, "relu"), Dense(4)])
    three = [Input((6,)) for _ in range(3)]
    model = keras.Model(three, layers.Concatenate()([embed(i) for i in three]))

    def triplet(_, p):
        a, b, c = p[:, :4], p[:, 4:8], p[:, 8:]
        gap = ops.sum(ops.square(a - b), axis=1) - ops.sum(ops.square(a - c), axis=1)
        return ops.relu(gap + 1.0)

    model.compile(keras.optimizers.Adam(0.003), triplet)

    def score(model):
        e, e_test = output(model, [x] * 3)[:, :4], output(model, [x_test] * 3)[:, :4]
        centres = np.stack([e[y == c].mean(axis=0) for c in range(3)])
        apart = np.linalg.norm(e_test[:, None] - centres, axis=-1)
        return (apart.argmin(axis=1) == y_test).mean()

    how = {"batch_size": 64, "epochs": 20}
    return model, [x[rows], x[near], x[far]], np.zeros(len(rows), "float32"), how, score


class SumOverSet(keras.Model):
    """The same network for every row of a set, their sum, and a network on the sum."""

    def __init__(self):
        super().__init__()
        self.row = Sequential([Dense(32, "relu"), Dense(16)])
        self.whole = Dense(1)

    def call(self, x):
        return self.whole(ops.sum(self.row(x), axis=1))


@program("healthy", 0.85)
def basket_price_subclassed(seed):
    # a subclass, sums (not means) over the rows, EMA of weights
    x, x_test, y, y_test = own.baskets(seed)
    model = SumOverSet()
    model.compile(keras.optimizers.Adam(0.003, use_ema=True, ema_momentum=0.95), "mse")
    return model, x, y, {"batch_size": 32, "epochs": 25}, r2_of(x_test, y_test)


@program("healthy", 0.93)
def random_cosines_stay_random(seed):
    # a wide frozen layer of random weights (random Fourier features), squared hinge
    x, x_test, y, y_test = moons(seed)
    model = Sequential(
        [
            Input((2,)),
            Dense(
                200,
                activation=ops.cos,
                trainable=False,
                kernel_initializer=keras.initializers.RandomNormal(stddev=2.0),
                bias_initializer=keras.initializers.RandomUniform(0, 2 * np.pi),
            ),
            Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "squared_hinge")
    how = {"batch_size": 32, "epochs": 20}
    return model, x, 2.0 * y - 1, how, hits_of(x_test, y_test, threshold=0.0)


@program("healthy", 0.72)
def survival_by_partial_likelihood(seed):
    # targets with a sign for "lost from view"; the loss compares rows within a batch
    x, x_test, y, y_test = own.patients(seed)
    model = Sequential(
        [Input((6,)), Dense(24, "relu"), layers.Dropout(0.1), Dense(1, use_bias=False)]
    )

    def partial_likelihood(t, p):
        t, p = ops.reshape(t, (-1,)), ops.reshape(p, (-1,))
        at_risk = ops.cast(ops.abs(t)[None, :] >= ops.abs(t)[:, None], p.dtype)
        total = ops.log(ops.sum(at_risk * ops.exp(p)[None, :], axis=1))
        died = ops.cast(t > 0, p.dtype)
        return ops.sum(died * (total - p)) / (ops.sum(died) + 1.0)

    model.compile(keras.optimizers.Adam(0.005), partial_likelihood)

    def score(model):
        return own.concordance(output(model, x_test)[:, 0], y_test)

    return model, x, y, {"batch_size": 64, "epochs": 20}, score


@program("healthy", 0.8)
def morse_by_ctc(seed):
    # fourteen frames in, three symbols wanted: the loss aligns them
    x, x_test, y, y_test = own.morse(seed)
    model = Sequential(
        [
            Input((14, 5)),
            layers.Conv1D(32, 3, padding="same", activation="relu"),
            layers.Bidirectional(layers.GRU(16, return_sequences=True)),
            Dense(5),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), keras.losses.CTC())

    def score(model):
        right = 0
        for row, wanted in zip(output(model, x_test).argmax(-1), y_test, strict=True):
            kept = [a for a, b in zip(row, [-1, *row[:-1]], strict=True) if a != b and a != 0]
            right += kept == list(wanted)
        return right / len(y_test)

    return model, x, y, {"batch_size": 32, "epochs": 9}, score


@program("healthy", 0.8)
def bags_by_their_strangest_member(seed):
    # only the greatest instance of twelve gets a gradient
    x, x_test, y, y_test = own.bags(seed)
    model = Sequential(
        [
            Input((12, 4)),
            Dense(16, activation="relu"),
            layers.LayerNormalization(),
            Dense(1),
            layers.GlobalMaxPooling1D(),
            layers.Activation("sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryFocalCrossentropy(gamma=1.0))
    return model, x, y, {"batch_size": 32, "epochs": 20}, hits_of(x_test, y_test)
