"""Whole models as people write them in Keras for any backend, some wrong, with training steps for each backend."""

import keras
from keras import layers, ops

SEEDS = keras.random.SeedGenerator(3)


def kl_of(mean, log_var):
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_var) - log_var - 1, axis=-1)


class AddLoss(keras.Model):
    """Right: the KL is added, the compiled loss is a mean over pixels, and its weight makes up for that."""

    def __init__(self, width=11, latent=4, last="sigmoid", **kwargs):
        super().__init__(**kwargs)
        self.mean, self.log_var = layers.Dense(latent), layers.Dense(latent)
        self.decode = layers.Dense(width, activation=last)
        self.seed_generator = keras.random.SeedGenerator(7)

    def call(self, x):
        mean, log_var = self.mean(x), self.log_var(x)
        self.add_loss(ops.mean(kl_of(mean, log_var)) / ops.shape(x)[-1])
        return self.decode(
            mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        )


def lazy(width=11):
    """Its layers are built at its first call."""
    model = AddLoss(width)
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model


def built():
    """No argument says its size: its own weights do."""
    model = AddLoss(13)
    model(ops.zeros((2, 13)))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model


def two_sigmoids():
    """Wrong where Keras does not take the second one back, as on TensorFlow it does."""
    model = AddLoss()
    model.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy(from_logits=True))
    return model


def tanh_into_probabilities():
    """Right: several operations on single numbers make a probability."""
    model = AddLoss(last=lambda x: 0.5 * (ops.tanh(x) + 1))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return model


one = lazy()


class Layer(layers.Layer):
    """Wrong where `sign` is -1."""

    def __init__(self, sign=1.0, reduced=kl_of, **kwargs):
        super().__init__(**kwargs)
        self.sign, self.reduced, self.seed_generator = sign, reduced, keras.random.SeedGenerator(7)

    def call(self, inputs):
        mean, log_var = inputs
        self.add_loss(self.sign * ops.mean(self.reduced(mean, log_var)))
        return mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=self.seed_generator)


def functional(sign=1.0, reduced=kl_of):
    """Its input is declared, and the loss is a function."""
    inputs = keras.Input((12,))
    hidden = layers.Dense(6, activation="relu")(inputs)
    z = Layer(sign, reduced)([layers.Dense(3)(hidden), layers.Dense(3)(hidden)])
    model = keras.Model(inputs, layers.Dense(12)(z))
    model.compile(optimizer="adam", loss=lambda y, out: 0.5 * ops.sum(ops.square(y - out), axis=-1))
    return model


class Unnamed(Layer):
    """The same, in which no variable has a name for the heads."""

    def call(self, inputs):
        kl = 0.5 * ops.sum(ops.square(inputs[0]) + ops.exp(inputs[1]) - inputs[1] - 1, axis=-1)
        self.add_loss(self.sign * ops.mean(kl))
        noise = keras.random.normal(ops.shape(inputs[0]), seed=self.seed_generator)
        return inputs[0] + ops.exp(0.5 * inputs[1]) * noise


def named(sign=1.0):
    """Only the layers have names."""
    inputs = keras.Input((12,))
    heads = [layers.Dense(3, name="z_mean")(inputs), layers.Dense(3, name="z_log_var")(inputs)]
    model = keras.Model(inputs, layers.Dense(12)(Unnamed(sign)(heads)))
    model.compile(optimizer="adam", loss=lambda y, out: 0.5 * ops.sum(ops.square(y - out), axis=-1))
    return model


averaged_over_latents = functional(reduced=lambda mean, log_var: kl_of(mean, log_var) / ops.shape(mean)[-1])


class OwnLoss(keras.Model):
    """Right: `compute_loss` is its own; `call` gives what it needs, and `training` is no argument of either."""

    def __init__(self, width=11, latent=4, **kwargs):
        super().__init__(**kwargs)
        self.encode, self.decode = layers.Dense(2 * latent), layers.Dense(width)

    def call(self, x):
        mean, log_var = ops.split(self.encode(x), 2, axis=-1)
        return (
            self.decode(mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=SEEDS)),
            mean,
            log_var,
        )

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        out, mean, log_var = y_pred
        return ops.mean(0.5 * ops.sum(ops.square(x - out), axis=-1) + kl_of(mean, log_var))


class Parts(keras.Model):
    """Right: its encoder says what it takes. The loss is a mean over pixels."""

    def __init__(self, shape=(13,), latent=3, **kwargs):
        super().__init__(**kwargs)
        inputs = keras.Input(shape)
        self.encoder = keras.Model(inputs, layers.Dense(2 * latent)(self.pooled(inputs)))
        self.decode = layers.Dense(shape[-1])

    def pooled(self, x):
        return x

    def call(self, x):
        mean, log_var = ops.split(self.encoder(x), 2, axis=-1)
        z = mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=SEEDS)
        return self.decode(z), mean, log_var

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        out, mean, log_var = y_pred
        return ops.mean(ops.square(x - out)) + ops.mean(kl_of(mean, log_var))


class AnyLength(Parts):
    """Right: a sequence may be of any length."""

    def __init__(self, **kwargs):
        super().__init__((None, 4), **kwargs)

    def pooled(self, x):
        return layers.GlobalAveragePooling1D()(x)

    def call(self, x):
        out, mean, log_var = super().call(x)
        return out[:, None, :] + ops.zeros_like(x), mean, log_var


class OfDeviation(OwnLoss):
    """Right: the KL is of a standard deviation, which is made of the head."""

    def __init__(self, made=ops.softplus, **kwargs):
        super().__init__(**kwargs)
        self.made = made

    def call(self, x):
        mean, head = ops.split(self.encode(x), 2, axis=-1)
        sd = self.made(head) + 1e-5
        return self.decode(mean + sd * keras.random.normal(ops.shape(mean), seed=SEEDS)), mean, 2 * ops.log(sd)


class Steps(OwnLoss):
    """Right, or wrong where `sign` is -1: the training step is its own."""

    sign = 1.0

    def total(self, x, returned):
        out, mean, log_var = returned
        return ops.mean(ops.sum(ops.square(x - out), axis=-1)) + self.sign * ops.mean(kl_of(mean, log_var))


class TorchStep(Steps):
    def train_step(self, data):
        import torch

        x = data[0] if isinstance(data, tuple) else data
        self.zero_grad()
        loss = self.total(x, self(x, training=True))
        loss.backward()
        with torch.no_grad():
            self.optimizer.apply([v.value.grad for v in self.trainable_weights], list(self.trainable_weights))
        return {"loss": loss}


class TensorflowStep(Steps):
    def train_step(self, data):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = self.total(data, self(data, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


class JaxStep(Steps):
    def stateless_loss(self, trainable, other, x):
        returned, other = self.stateless_call(trainable, other, x)
        return self.total(x, returned), other

    def train_step(self, state, data):
        import jax

        trainable, other, optimizer, metrics = state
        (loss, other), slopes = jax.value_and_grad(self.stateless_loss, has_aux=True)(trainable, other, data)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, slopes, trainable)
        return {"loss": loss}, (trainable, other, optimizer, metrics)


STEP = {"torch": TorchStep, "tensorflow": TensorflowStep, "jax": JaxStep}[keras.backend.backend()]


class Negative(STEP):
    sign = -1.0


class Misspelt(OwnLoss):
    """Its own mistake: an argument that `call` has not."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        return super().compute_loss(x, y, self(x, sampled=True))


class Warmed(OwnLoss):
    """Right: the weight that a callback sets is a variable. Plain, it is a number, which a compiled step freezes."""

    def __init__(self, plain=False, **kwargs):
        super().__init__(**kwargs)
        self.kl_weight = 0.5 if plain else keras.Variable(0.5, trainable=False)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        out, mean, log_var = y_pred
        return ops.mean(0.5 * ops.sum(ops.square(x - out), axis=-1) + self.kl_weight * kl_of(mean, log_var))


class WarmUp(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        weight = min(1.0, epoch / 10)
        if isinstance(self.model.kl_weight, float):
            self.model.kl_weight = weight
        else:
            self.model.kl_weight.assign(weight)
