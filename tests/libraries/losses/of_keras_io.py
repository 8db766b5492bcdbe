"""keras.io, examples/generative/vae: the formula of its train_step, written anew."""

import keras
from keras import ops


def loss(reconstruction, data, z_mean, z_log_var):
    """reconstruction, data: [N, H, W, C]"""
    entropy = keras.losses.binary_crossentropy(data, reconstruction)
    kl = -0.5 * (1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var))
    return ops.mean(ops.sum(entropy, axis=(1, 2))) + ops.mean(ops.sum(kl, axis=1))
