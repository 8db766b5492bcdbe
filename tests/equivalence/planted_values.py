"""Errors planted in the equations: signs, constants, reductions, scales, and gradients that stop."""

from equivalence.planted import Planted

_FIRST_GRADIENT = "gradient/encoder.hidden.0.weight"

VALUES = (
    # Signs
    Planted(
        "sign_of_the_kl",  # App. B of AEVB prints the negative
        "kingma_welling_2013",
        "kl",
        torch=(("return -0.5 * (1 + log_σ2", "return 0.5 * (1 + log_σ2"),),
        keras=(("return -0.5 * ops.sum(1 + log_σ2", "return 0.5 * ops.sum(1 + log_σ2"),),
    ),
    Planted(
        "kl_subtracted_from_the_loss",
        "pytorch_examples",
        "elbo",
        torch=(('"loss": BCE + KLD', '"loss": BCE - KLD'),),
        keras=(('"loss": BCE + KLD', '"loss": BCE - KLD'),),
    ),
    Planted(
        "sign_of_the_log_likelihood",
        "kingma_welling_2019",
        "log_likelihood",
        torch=(("logpx = self.logpx(x, η)", "logpx = -self.logpx(x, η)"),),
        keras=(("logpx = self.logpx(x, η)", "logpx = -self.logpx(x, η)"),),
    ),
    Planted(
        "sign_of_the_reconstruction",
        "keras_io",
        "log_likelihood",
        torch=(("reconstruction_loss = cross_entropy", "reconstruction_loss = -cross_entropy"),),
        keras=(("return ops.sum(cross_entropy", "return -ops.sum(cross_entropy"),),
    ),
    # A missing ½, and other constants
    Planted(
        "no_half_in_the_kl",
        "pytorch_examples",
        "kl",
        torch=(
            (
                "-0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim",
                "-torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim",
            ),
        ),
        keras=(
            (
                "-0.5 * ops.sum(1 + logvar - mu**2 - ops.exp(logvar), axis",
                "-ops.sum(1 + logvar - mu**2 - ops.exp(logvar), axis",
            ),
        ),
    ),
    Planted(
        "no_half_in_the_kl_of_a_learned_prior",
        "kingma_welling_2019",
        "kl",
        torch=(("return 0.5 * (variances", "return (variances"),),
        keras=(("return 0.5 * ops.sum(variances", "return ops.sum(variances"),),
    ),
    Planted(
        "no_half_in_the_map_of_the_log_sd",
        "kingma_welling_2019",
        "posterior_log_variance",
        toml=(
            (
                '"encoder.log_variance" = { layer = "EncoderNeuralNet_φ.log_σ", scale = 0.5 }',
                '"encoder.log_variance.weight" = { '
                'torch = { path = "EncoderNeuralNet_φ.log_σ.weight", axes = "out in" }, '
                'keras = { path = "EncoderNeuralNet_φ.log_σ.kernel", axes = "in out" } }\n'
                '"encoder.log_variance.bias" = { at = "EncoderNeuralNet_φ.log_σ.bias", scale = 0.5 }',
            ),
        ),
    ),
    Planted(
        "no_log_2π",
        "kingma_welling_2019",
        {"bernoulli": "log_prior", "gaussian": "log_likelihood", "gaussian-fixed": "log_likelihood"},
        torch=((" * torch.exp(-log_σ)) ** 2 + math.log(2 * math.pi)) + log_σ", " * torch.exp(-log_σ)) ** 2) + log_σ"),),
        keras=((" * ops.exp(-log_σ)) ** 2 + math.log(2 * math.pi)) + log_σ", " * ops.exp(-log_σ)) ** 2) + log_σ"),),
    ),
    # Means for sums
    Planted(
        "kl_mean_over_latents",
        "keras_io",
        "kl",
        torch=(("kl_loss = kl_loss.sum(1)", "kl_loss = kl_loss.mean(1)"),),
        keras=(("return ops.sum(kl_loss, axis=1)", "return ops.mean(kl_loss, axis=1)"),),
    ),
    Planted(
        "likelihood_mean_over_pixels",
        "kingma_welling_2013",
        "log_likelihood",
        torch=(("(1 - x) * log_1_minus_y).sum(-1)", "(1 - x) * log_1_minus_y).mean(-1)"),),
        keras=(("ops.sum(x * log_y", "ops.mean(x * log_y"),),
    ),
    # σ read as σ²
    Planted(
        "variance_as_sd",
        "pytorch_examples",
        "latent",
        torch=(("std = torch.exp(0.5 * logvar)", "std = torch.exp(logvar)"),),
        keras=(("std = ops.exp(0.5 * logvar)", "std = ops.exp(logvar)"),),
    ),
    Planted(
        "variance_as_sd_in_the_sampling_layer",
        "keras_io",
        "latent",
        torch=(("torch.exp(0.5 * z_log_var)", "torch.exp(z_log_var)"),),
        keras=(("ops.exp(0.5 * z_log_var)", "ops.exp(z_log_var)"),),
    ),
    Planted(
        "log_sd_declared_as_log_variance",
        "kingma_welling_2019",
        "posterior_log_variance",
        toml=(
            (
                'eq = "2.36"\nscale = "log_sd"\nwhen = "diagonal"\nnote = "what the net puts out',
                'eq = "2.36"\nscale = "log_variance"\nwhen = "diagonal"\nnote = "what the net puts out',
            ),
        ),
    ),
    # z = μ
    Planted(
        "z_is_μ",
        "kingma_welling_2013",
        "latent",
        torch=(("return μ + torch.exp(log_σ2 / 2) * ε", "return μ + 0 * ε"),),
        keras=(("return μ + ops.exp(log_σ2 / 2) * ε", "return μ + 0 * ε"),),
    ),
    Planted(
        "z_is_mu",
        "pytorch_examples",
        "latent",
        torch=(("return mu + eps * std", "return mu"),),
        keras=(("return mu + eps * std", "return mu"),),
    ),
    # One element that is no number, which nothing that is computed later shows
    Planted(
        "one_nan_in_the_kl",
        "pytorch_examples",
        "kl",
        torch=(('"KLD": KLD', '"KLD": torch.cat([KLD[:-1], KLD[-1:] * torch.nan])'),),
        keras=(('"KLD": KLD', '"KLD": ops.concatenate([KLD[:-1], KLD[-1:] * float("nan")])'),),
    ),
    Planted(
        "one_nan_in_the_logits",
        "keras_io",
        "decoder_logits",
        torch=(
            (
                '"reconstruction_logits": logits',
                '"reconstruction_logits": torch.where(logits == logits.min(), torch.nan, logits)',
            ),
        ),
        keras=(
            (
                '"reconstruction_logits": logits',
                '"reconstruction_logits": ops.where(logits == ops.min(logits), float("nan"), logits)',
            ),
        ),
    ),
    # Reductions of the published objective
    Planted(
        "last_batch_scaled_by_the_nominal_size",
        "kingma_welling_2013",
        "objective",
        torch=(("M = x.shape[0]\n", "M = 100\n"),),
        keras=(("M = x.shape[0]\n", "M = 100\n"),),
    ),
    Planted(
        "last_batch_divided_by_the_nominal_size",
        "keras_io",
        "objective",
        torch=(
            (
                'return self.quantities(data, epsilon)["total_loss"].mean()',
                'return self.quantities(data, epsilon)["total_loss"].sum() / 128',
            ),
        ),
        keras=(
            (
                'return ops.mean(self.quantities(data, epsilon)["total_loss"])',
                'return ops.sum(self.quantities(data, epsilon)["total_loss"]) / 128',
            ),
        ),
    ),
    Planted(
        "objective_is_a_mean",
        "kingma_welling_2019",
        "objective",
        torch=(('["L_θφ"].sum()  # (2.13)', '["L_θφ"].mean()'),),
        keras=(('ops.sum(self.quantities(x, ε)["L_θφ"])', 'ops.mean(self.quantities(x, ε)["L_θφ"])'),),
    ),
    # Detached gradients: every value is right
    Planted(
        "sd_detached",
        "pytorch_examples",
        _FIRST_GRADIENT,
        torch=(("return mu + eps * std", "return mu + eps * std.detach()"),),
        keras=(("return mu + eps * std", "return mu + eps * ops.stop_gradient(std)"),),
    ),
    Planted(
        "z_detached",
        "keras_io",
        "gradient/encoder.conv.0.weight",
        torch=(("logits = self.decoder(z)", "logits = self.decoder(z.detach())"),),
        keras=(("logits = self.decoder(z)", "logits = self.decoder(ops.stop_gradient(z))"),),
    ),
    Planted(
        "prior_mean_detached",
        "kingma_welling_2019",
        "gradient/prior.mean",
        torch=(("(μ - self.μ_z)", "(μ - self.μ_z.detach())"),),
        keras=(("(μ - self.μ_z)", "(μ - ops.stop_gradient(self.μ_z))"),),
    ),
    Planted(
        "decoder_hidden_layer_detached",
        "kingma_welling_2013",
        _FIRST_GRADIENT,
        torch=(("return h @ self.W_2.T", "return h.detach() @ self.W_2.T"),),
        keras=(("return h @ ops.transpose(self.W_2)", "return ops.stop_gradient(h) @ ops.transpose(self.W_2)"),),
    ),
)
