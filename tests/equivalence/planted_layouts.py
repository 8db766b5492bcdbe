"""Errors planted in where a weight goes: axes in the wrong order, padding, a dropped bias."""

from equivalence.planted import Planted

LAYOUTS = (
    # Weights in the wrong order
    Planted(
        "square_weight_transposed",
        "kingma_welling_2019",
        "posterior_mean",
        toml=(
            (
                '"encoder.hidden.{i}" = ',
                '"encoder.hidden.1.weight" = { '
                'torch = { path = "EncoderNeuralNet_φ.hidden.1.weight", axes = "in out" }, '
                'keras = { path = "EncoderNeuralNet_φ.hidden.1.kernel", axes = "out in" } }\n'
                '"encoder.hidden.{i}" = ',
            ),
        ),
    ),
    Planted(
        "square_decoder_weight_transposed",
        "kingma_welling_2019",
        {"bernoulli": "decoder_logits", "gaussian": "decoder_mean", "gaussian-fixed": "decoder_mean"},
        toml=(
            (
                '"decoder.hidden.{i}" = ',
                '"decoder.hidden.1.weight" = { '
                'torch = { path = "DecoderNeuralNet_θ.hidden.1.weight", axes = "in out" }, '
                'keras = { path = "DecoderNeuralNet_θ.hidden.1.kernel", axes = "out in" } }\n'
                '"decoder.hidden.{i}" = ',
            ),
        ),
    ),
    Planted(
        "kernel_transposed",
        "keras_io",
        "posterior_mean",
        toml=(
            (
                '"encoder.conv.{i}" = { layer = "conv.{i}", when = "conv" }',
                '"encoder.conv.{i}.bias" = { at = "conv.{i}.bias", when = "conv" }\n'
                '"encoder.conv.{i}.weight" = { torch = { path = "conv.{i}.weight", axes = "out in width height" }, '
                'keras = { path = "conv.{i}.kernel", axes = "width height in out" }, when = "conv" }',
            ),
        ),
    ),
    Planted("kernel_not_flipped", "keras_io", "decoder_logits", toml=(('flip = ["height", "width"]\n', ""),)),
    Planted(
        "flatten_order",
        "keras_io",
        "posterior_mean",
        torch=(("x = x.flatten(1)", "x = x.permute(0, 2, 3, 1).flatten(1)"),),
        keras=(("layers.Flatten(), ", "layers.Permute((3, 1, 2)), layers.Flatten(), "),),
    ),
    Planted(
        "flatten_order_of_the_decoder",
        "keras_io",
        "decoder_logits",
        toml=(
            ('axes = "(channel height width) in"', 'axes = "(height width channel) in"'),
            ('axes = "in (height width channel)"', 'axes = "in (channel height width)"'),
        ),
    ),
    # Padding
    Planted(
        "symmetric_padding",
        "keras_io",
        "posterior_mean",
        torch=(("F.pad(x, (0, 1, 0, 1))", "F.pad(x, (1, 1, 1, 1))"),),
        keras=(
            (
                "layers.Conv2D(width, **same)",
                'layers.Conv2D(width, **{**same, "padding": "valid"})',
            ),
            (
                "for layer in [*self.conv, ",
                "for layer in [*(s for c in self.conv for s in (layers.ZeroPadding2D(1), c)), ",
            ),
        ),
    ),
    Planted(
        "symmetric_padding_of_the_decoder",
        "keras_io",
        "decoder_logits",
        torch=(("[..., :-1, :-1]", "[..., 1:, 1:]"),),
        keras=(
            (
                "layers.Conv2DTranspose(width, **same)",
                'layers.Conv2DTranspose(width, **{**same, "padding": "valid"})',
            ),
            ("*self.deconv, ", "*(s for d in self.deconv for s in (d, layers.Cropping2D(((1, 0), (1, 0))))), "),
        ),
    ),
    # A dropped bias
    Planted(
        "no_bias_of_the_mean",
        "pytorch_examples",
        "posterior_mean",
        torch=(("return self.fc21(h1)", "return F.linear(h1, self.fc21.weight)"),),
        keras=(("return self.fc21(h1)", "return h1 @ self.fc21.kernel"),),
    ),
    Planted(
        "no_bias_of_the_log_variance",
        "kingma_welling_2013",
        "posterior_log_variance",
        torch=(("h @ self.W_5.T + self.b_5", "h @ self.W_5.T"),),
        keras=(("h @ ops.transpose(self.W_5) + self.b_5", "h @ ops.transpose(self.W_5)"),),
    ),
)
