"""Whole models as people write them in Keras on TensorFlow, some wrong."""

import keras
import tensorflow as tf
from keras import layers, ops


class Sampling(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(7)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        noise = keras.random.normal(ops.shape(z_mean), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * noise


class Tracked(keras.Model):
    """Right: encoder and decoder are models, the training step keeps metrics."""

    def __init__(self, width=11, latent=4, **kwargs):
        super().__init__(**kwargs)
        inputs = keras.Input((width,))
        hidden = layers.Dense(6, activation="relu")(inputs)
        z_mean, z_log_var = layers.Dense(latent)(hidden), layers.Dense(latent)(hidden)
        self.encoder = keras.Model(inputs, [z_mean, z_log_var, Sampling()([z_mean, z_log_var])])
        codes = keras.Input((latent,))
        self.decoder = keras.Model(codes, layers.Dense(width, activation="sigmoid")(layers.Dense(6)(codes)))
        self.total = keras.metrics.Mean(name="total")

    @property
    def metrics(self):
        return [self.total]

    def train_step(self, data):
        with tf.GradientTape() as tape:
            z_mean, z_log_var, z = self.encoder(data)
            recon = self.decoder(z)
            cross = -(data * ops.log(recon) + (1 - data) * ops.log(1 - recon))
            kl = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
            loss = ops.mean(ops.sum(cross, axis=1)) + ops.mean(ops.sum(kl, axis=1))
        grads = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(grads, self.trainable_weights, strict=True))
        self.total.update_state(loss)
        return {"loss": self.total.result()}


class Averaged(Tracked):
    """Wrong: the KL is a mean over the batch, the data term a sum."""

    def train_step(self, data):
        with tf.GradientTape() as tape:
            z_mean, z_log_var, z = self.encoder(data)
            recon_loss = tf.reduce_sum(tf.square(data - self.decoder(z)))
            kl = -0.5 * tf.reduce_sum(1 + z_log_var - tf.square(z_mean) - tf.exp(z_log_var), axis=1)
            loss = recon_loss + tf.reduce_mean(kl)
        self.optimizer.apply_gradients(
            zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights, strict=True)
        )
        return {"loss": loss}


class Annealed(keras.Model):
    """Right: the weight that the callback sets is a variable, which the compiled step reads. Plain, it is a number."""

    def __init__(self, width=11, latent=4, plain=False, **kwargs):
        super().__init__(**kwargs)
        self.encode, self.decode = layers.Dense(2 * latent), layers.Dense(width)
        self.weight = 0.25 if plain else keras.Variable(0.25, trainable=False)

    def train_step(self, x):
        with tf.GradientTape() as tape:
            mean, log_var = tf.split(self.encode(x), 2, axis=-1)
            z = mean + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mean))
            recon = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=self.decode(z)), -1)
            kl = -0.5 * tf.reduce_sum(1 + log_var - tf.square(mean) - tf.exp(log_var), -1)
            loss = tf.reduce_mean(recon + self.weight * kl)
        self.optimizer.apply_gradients(
            zip(tape.gradient(loss, self.trainable_variables), self.trainable_variables, strict=True)
        )
        return {"loss": loss}


class Annealing(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if isinstance(self.model.weight, float):
            self.model.weight = min(1.0, epoch / 4)
        else:
            self.model.weight.assign(min(1.0, epoch / 4))


class Convolved(keras.Model):
    """Right: only its parts say what they take."""

    def __init__(self, latent=2):
        super().__init__()
        self.encoder = keras.Sequential(
            [keras.Input((6, 6, 1)), layers.Conv2D(2, 3, strides=2), layers.Flatten(), layers.Dense(2 * latent)]
        )
        self.decoder = keras.Sequential([keras.Input((latent,)), layers.Dense(36), layers.Reshape((6, 6, 1))])


def log_normal(z, mean, log_var):
    log_2pi = tf.math.log(2.0 * 3.141592653589793)
    return tf.reduce_sum(-0.5 * ((z - mean) ** 2.0 * tf.exp(-log_var) + log_var + log_2pi), axis=1)


def bound_of(model, x, sign=1.0):
    """Right; wrong where `sign` is -1. A tensor of one number is made of a float."""
    mean, log_var = tf.split(model.encoder(x), 2, axis=1)
    z = mean + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mean))
    cross = tf.nn.sigmoid_cross_entropy_with_logits(logits=model.decoder(z), labels=x)
    log_px = -tf.reduce_sum(cross, axis=[1, 2, 3])
    return -tf.reduce_mean(log_px + sign * (log_normal(z, 0.0, 0.0) - log_normal(z, mean, log_var)))


CONVOLVED = Convolved()
