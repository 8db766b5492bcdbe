"""tensorflow-probability as installed: its densities and KLDivergenceRegularizer, as its VAE tutorial joins them."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


def loss(logits, x, mu, sigma, weight=1.0):
    negloglik = -tfd.Independent(tfd.Bernoulli(logits=logits), 1).log_prob(x)
    prior = tfd.MultivariateNormalDiag(tf.zeros_like(mu), tf.ones_like(sigma))
    posterior = tfd.MultivariateNormalDiag(mu, sigma)
    regularizer = tfp.layers.KLDivergenceRegularizer(prior, use_exact_kl=True, weight=weight)
    n = tf.cast(tf.shape(x)[0], x.dtype)  # Keras divides what an activity regulariser gives by the batch size
    return tf.reduce_mean(negloglik) + regularizer(posterior) / n
