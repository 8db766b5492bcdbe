"""Losses as people write them in TensorFlow, some wrong."""

import tensorflow as tf


def steps_of_a_recurrent_vae(x_recon, x, means, sigmas, logsigmas):
    """means, sigmas, logsigmas: lists of T tensors [N, J]."""
    cross = -tf.reduce_sum(x * tf.math.log(x_recon + 1e-8) + (1 - x) * tf.math.log(1 - x_recon + 1e-8), 1)
    kls = [0.5 * tf.reduce_sum(m**2 + s**2 - 2 * ls - 1, 1) for m, s, ls in zip(means, sigmas, logsigmas, strict=True)]
    return tf.reduce_mean(cross) + tf.reduce_mean(tf.add_n(kls))


def images(x_pred, x, mu, log_var):
    """x_pred, x: [N, H, W, C]."""
    rec = tf.reduce_sum(tf.square(x - x_pred), axis=[1, 2, 3])
    kl = -0.5 * tf.reduce_sum(1 + log_var - mu**2 - tf.exp(log_var), axis=1)
    return tf.reduce_mean(rec + kl)


def total_beside_a_vector(x_pred, x, mu, log_var):
    rec = tf.reduce_sum(tf.keras.losses.mse(x, x_pred)) * 0.5
    kl = -0.5 * tf.reduce_sum(1 + log_var - mu**2 - tf.exp(log_var), axis=1)
    return tf.reduce_mean(rec + kl)


def gradient_stopped(logits, x, mu, logvar):
    rec = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits), 1)
    kl = 0.5 * tf.reduce_sum(mu**2 + tf.exp(tf.stop_gradient(logvar)) - 1 - logvar, 1)
    return tf.reduce_mean(rec + kl)


def noise_beside_a_mean(recon, x, mu, logvar):
    kld = -0.5 * tf.reduce_sum(1 + logvar - tf.square(mu) - tf.exp(logvar), axis=-1)
    noise = tf.random.normal((), dtype=tf.float64)
    return tf.reduce_sum(tf.square(recon - x)) + tf.reduce_mean(kld) + noise
