"""Errors planted in what only some sources define: covariances, mixtures, layers, bounds, weights that are drawn."""

from equivalence.planted import Planted

_OUTPUT = {"bernoulli": "decoder_logits", "gaussian": "decoder_mean", "gaussian-fixed": "decoder_mean"}

OF_FAMILIES = (
    # Covariances
    Planted(
        "no_root_in_R",  # 1 − η for 1 − √η
        "rezende_2014",
        "posterior_log_variance",  # which follows from R
        torch=(("return eta / (1 + torch.sqrt(eta))", "return eta / (1 + eta)"),),
        keras=(("return eta / (1 + ops.sqrt(eta))", "return eta / (1 + eta)"),),
    ),
    Planted(
        "determinant_of_D_alone",
        "rezende_2014",
        "log_posterior",
        torch=(("return log_q - 0.5 * log_eta - 0.5 * ", "return log_q - 0.5 * "),),
        keras=(("return log_q - 0.5 * log_eta - 0.5 * ", "return log_q - 0.5 * "),),
    ),
    Planted(
        "mask_with_the_diagonal",
        "kingma_welling_2019",
        "posterior_log_variance",
        group="kingma_welling_2019_full",
        torch=((".tril(-1)  # ones below", ".tril()  # ones below"),),
        keras=(("ops.tri(size, k=-1,", "ops.tri(size, k=0,"),),
    ),
    Planted(
        "factor_transposed",
        "kingma_welling_2019",
        "latent",
        group="kingma_welling_2019_full",
        torch=(("(L[0] @ ε[..., None])", "(L[0].mT @ ε[..., None])"),),
        keras=(("ops.squeeze(L[0] @ ε[..., None], -1)", "ops.squeeze(ops.swapaxes(L[0], -1, -2) @ ε[..., None], -1)"),),
    ),
    Planted(
        "one_scale_counted_once",  # −2 ln σ for −2N ln σ
        "wikipedia",
        "kl",
        torch=((" - 2 * self.N * ln_σ_φ)", " - 2 * ln_σ_φ)"),),
        keras=((" - 2 * self.N * ln_σ_φ)", " - 2 * ln_σ_φ)"),),
    ),
    # Without an encoder
    Planted(
        "rows_of_another_datum",
        "altosaar_2016",
        "posterior_mean",
        torch=(("return self.μ, self.log_σ2", "return self.μ.flip(0), self.log_σ2"),),
        keras=(
            ("return ops.convert_to_tensor(self.μ), ops", "return ops.flip(ops.convert_to_tensor(self.μ), 0), ops"),
        ),
    ),
    # Mixtures and gates
    Planted(
        "no_log_K",
        "tomczak_welling_2018",
        "log_prior",
        torch=((" - math.log(means.shape[0])  # [sample", "  # [sample"),),
        keras=(("means, logvars) - math.log(means.shape[0])", "means, logvars)"),),
    ),
    Planted(
        "prior_detached",
        "tomczak_welling_2018",
        "gradient/encoder.hidden.0.weight",
        torch=(
            (
                "return self.q_z(F.hardtanh(self.u, 0.0, 1.0) if published else self.u, published)",
                "mean, logvar = self.q_z(self.u)\n        return mean.detach(), logvar",
            ),
        ),
        keras=(
            (
                "return self.q_z(ops.clip(u, 0.0, 1.0) if published else u, published)",
                "mean, logvar = self.q_z(u)\n        return ops.stop_gradient(mean), logvar",
            ),
        ),
    ),
    Planted(
        "tanh_for_the_gate",
        "tomczak_welling_2018",
        "posterior_mean",
        torch=(("self.h(x) * torch.sigmoid(self.g(x))", "self.h(x) * torch.tanh(self.g(x))"),),
        keras=(("self.h(x) * ops.sigmoid(self.g(x))", "self.h(x) * ops.tanh(self.g(x))"),),
    ),
    # Layers of latents
    Planted(
        "no_G",
        "rezende_2014",
        _OUTPUT,
        torch=(("h = T(h)[0] + G(part)", "h = T(h)[0] + part"),),
        keras=(("h = T(h)[0] + G(part)", "h = T(h)[0] + part"),),
    ),
    Planted(
        "variance_as_sd_in_the_second_layer",
        "burda_2016",
        "latent",
        torch=(("torch.exp(log_σ_l / 2) * ε_l", "torch.exp(log_σ_l) * ε_l"),),
        keras=(("ops.exp(log_σ_l / 2) * ε_l", "ops.exp(log_σ_l) * ε_l"),),
    ),
    # Bounds and the weight of the KL
    Planted(
        "mean_of_logs",
        "burda_2016",
        "iwae",
        torch=(("return torch.logsumexp(log_w, 0) - math.log(k)", "return log_w.mean(0)"),),
        keras=(("return ops.logsumexp(log_w, axis=0) - math.log(k)", "return ops.mean(log_w, axis=0)"),),
    ),
    Planted(
        "beta_on_the_likelihood",
        "higgins_2017",
        "weighted_elbo",
        torch=(('"L": log_p_x_z - self.β * D_KL', '"L": self.β * log_p_x_z - D_KL'),),
        keras=(('"L": log_p_x_z - self.β * D_KL', '"L": self.β * log_p_x_z - D_KL'),),
    ),
    # Decoder weights that have a posterior
    Planted(
        "kl_of_the_weights_for_each_datum",
        "kingma_welling_2013_full_vb",
        "objective",
        torch=(("N / M * L_θφ.sum() + self.minus_D_KL_θ()", "N / M * (L_θφ.sum() + self.minus_D_KL_θ())"),),
        keras=(("N / M * ops.sum(L_θφ) + self.minus_D_KL_θ()", "N / M * (ops.sum(L_θφ) + self.minus_D_KL_θ())"),),
    ),
    Planted(
        "one_draw_of_the_weights",
        "kingma_welling_2013_full_vb",
        _OUTPUT,
        torch=(("* ζ[w] for w in μ_θ}", "* ζ[w][:1].expand_as(ζ[w]) for w in μ_θ}"),),
        keras=(("* ζ[w] for w in μ_θ}", "* ops.broadcast_to(ζ[w][:1], ζ[w].shape) for w in μ_θ}"),),
    ),
    # The swap: θ is the encoder here, and elsewhere the decoder
    Planted(
        "weights_copied_by_letter",
        "prince_2023",
        "posterior_mean",
        toml=(
            ('{ layer = "θ.hidden.{i}" }', '{ layer = "encoder" }'),
            ('{ layer = "θ.μ" }', '{ layer = "encoder mean" }'),
            ('{ layer = "φ.hidden.{i}" }', '{ layer = "θ.hidden.{i}" }'),
            ('{ layer = "φ.f" }', '{ layer = "θ.μ" }'),
            ('{ layer = "encoder" }', '{ layer = "φ.hidden.{i}" }'),
            ('{ layer = "encoder mean" }', '{ layer = "φ.f" }'),
        ),
    ),
)
