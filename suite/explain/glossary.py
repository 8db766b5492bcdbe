"""Which role does an argument's name suggest? A name is a hypothesis: `bind` tries it, and the experiments decide."""

from __future__ import annotations

import re

ROLES = {
    "recon": "recon",
    "x": "x",
    "mu": "mu",
    "scale": "posterior scale",
    "z": "z",
    "z_last": "z after the flow",
    "log_det": "log determinant",
    "prior_mu": "prior mu",
    "prior_scale": "prior scale",
    "recon_scale": "decoder scale",
    "dispersion": "dispersion",
    "dropout": "logit of zero",
    "mask": "mask",
    "moments": "mu and posterior scale",
    "log_px": "log p(x|z)",
    "log_joint": "log p(x, z)",
    "log_pz": "log p(z)",
    "log_q": "log q(z|x)",
    "parameter": "parameter",
}
"""Role → its word in the answer and in `--arguments`."""

_PATTERNS: tuple[tuple[str, str], ...] = (
    ("parameter", r"^(?!rec).*(^|_)(loss|kl|kld|kl_?div)$"),  # a term that the caller has computed
    ("parameter", r"^(feats?|features?|vgg|lpips)_\w|\w_(feats?|features?)$"),  # features of a frozen network
    (
        "parameter",  # the weight of a term
        r"^(s|w|c|alpha|beta|gamma|lambda|lambd|lam|eta|weight|coef)_(rec|recon|reconstruction|bce|mse|nll)$|"
        r"^(rec|recon|reconstruction|bce|mse|nll)_(weight|w|coef|coeff|lambda|lambd|lam|alpha|beta|gamma|factor)$",
    ),
    ("log_joint", r"^log_?(p|prob)?_?joint$|^joint_log_?(p|prob|density)$"),
    (
        "log_px",
        r"^log_?(p|prob)_?x(_?(given|cond|bar|g|c)?_?z|_and_z)?$|^log_?lik(elihood)?$|^log_?(p|prob)_?recon$|"
        r"^(recon|rec|x|obs|data)_log_?(p|prob|lik|likelihood)$",
    ),
    (
        "log_pz",
        r"^log_?(p|prob|prior)_?z(_?[k0])?$|^log_?(p_?)?prior$|^(prior|p_?z|z_prior)_log_?(p|prob|lik|density)$",
    ),
    (
        "log_q",
        r"^log_?q(_?z)?(_?0)?(_?(given|cond|bar|g|c)?_?x)?$|^log_?prob_?q(_?z)?(_?x)?$|^log_?(q_?)?post(erior)?$|"
        r"^(posterior|post|q|q_?z|variational)_log_?(p|prob|lik|density)$|^log_?variational$",
    ),
    ("log_det", r"log_?(abs_?)?det|log_?jac|^s?ldj$"),
    ("z_last", r"^z_?(k|t|f|final|last|flow)s?$"),
    ("mask", r"(^|_)(mask|pad|padding|is_pad|valid|keep|observed_mask)(_|$)|mask"),
    ("moments", r"^(moments|posterior_params|enc_out|encoded|encoder_output|params|stats|dist_params|h)$"),
    (
        "prior_mu",
        r"(prior.*(mu|mean|loc)|(mu|mean|loc).*prior|^(mu|mean|m|loc|z_mean|z_mu)s?_?p$|^p_?z?_?(mu|mean|loc|m)s?$|"
        r"^z_?p_(mu|mean|loc)$)",
    ),
    (
        "prior_scale",
        r"(prior.*(var|std|sigma|scale|sd|lv)|(var|std|sigma|scale|sd|lv)\w*prior|"
        r"^(logvar|log_var|lv|std|sigma|var|scale|log_sigma|log_std)s?_?p$|"
        r"^p_?z?_?(logvar|log_var|lv|log_sigma|log_std|std|sigma|var|scale|v)s?$|"
        r"^z_?p_(logvar|log_var|lv|std|sigma|var|scale)$)",
    ),
    ("dispersion", r"^(px_r|theta|dispersion|inverse_dispersion|total_count|r|alpha_nb)$"),
    ("dropout", r"(dropout|zi_logits|pi_logits|px_d|^pi$|gate_logits)"),
    (
        "recon_scale",
        r"^(x|px|recon|rec|dec|decoder|out|obs|likelihood|output|xhat|x_hat)_?\w*(logvar|log_var|lv|sigma|std|sd|"
        r"scale|var|log_scale|logstd|log_b)$|^(sigma|std|var|logvar|log_var|log_sigma|log_scale|scale)_?(x|dec|recon|out|obs)$",
    ),
    (
        "recon",
        r"(recon|rec(_|$)|hat|pred|logit|decod|generat|fake|^dec|^out|^px|^xh|tilde|prob|rate|^y$|^p$|_out$|^xr$|^x_?rec|"
        r"^x_?r$|^x_(mu|mean|loc)$|^(mu|mean|loc)_x$|^rx$|^x_?bar$|^x_?prime$|^yhat$|^theta_x$)",
    ),
    (
        "x",
        r"^(x|xs|data|inputs?|targets?|images?|imgs?|y_true|labels?|batch|true|truth|real|actions?|obs|observations?|"
        r"originals?|counts?|batch_x|x_true|x_in|xb|pixels|features|sample_x|orig|gt|y_real|x_orig|inp|img_true|ground_truth)$",
    ),
    (
        "scale",
        r"(log_?var|logv|^lv$|_lv$|log_?sigma|log_?std|log_?sd|ls$|sigma|std|stdv|^sd$|_sd$|scale|(^|_)var|variance|cov|rho|prec|"
        r"^v$|_v$|^s$|_s$|^b$)",
    ),
    ("mu", r"(mu|mean|loc(_|$)|^m$|_m$)"),
    ("z", r"^(z|zs|z_?samples?|latents?|codes?|samples?|z_?q|h|z_?0|zeta|z_star)$"),
)
_TIME = re.compile(
    r"(^|_)(step|steps_done|epoch|iteration|iter|itr|global_step|t|batch_idx|n_iter|it|current_epoch|num_iter)($|_)"
)
_HORIZON = re.compile(r"stop|max|total|end|start|warm|anneal|until|every|num_\w+s$|^n_(?!iter$)")
_TARGET = re.compile(r"(true|target|orig|real|truth|^x$)")


def role_of(name: str) -> str | None:
    """The role that an argument's name suggests; None if it suggests none."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    for role, pattern in _PATTERNS:
        if re.search(pattern, plain):
            return "x" if role == "recon" and _TARGET.search(plain) and "hat" not in plain else role
    return None


def is_time(name: str) -> bool:
    """Whether a name is a counter of training, such as `step`, and not its limit, such as `total_steps`."""
    return bool(_TIME.search(name.lower())) and not _HORIZON.search(name.lower())


def is_key(name: str) -> bool:
    """Whether a name says that values are drawn from it."""
    return bool(re.search(r"(^|_)(key|rngs?|prng|subkey|generator)$", name.lower()))


def kind_of(name: str) -> str | None:
    """The scale kind that an argument's name suggests, such as `log_var`; None if it suggests none."""
    plain = name.lower()
    log = "log" in plain or "lv" in plain or plain.startswith("ln")
    if re.search(r"(var|lv|sq|2$)", plain):
        return "log_var" if log else "var"
    if re.search(r"(sigma|std|sd|dev|scale|_s$|^s$|ls$)", plain):
        return "log_sd" if log or plain.endswith("ls") else "sd"
    return None


def stated_kind(name: str) -> str | None:
    """The scale kind that an argument's name states; None for names as vague as `s`, `scale` or `sigma2`."""
    stated = re.search(r"var|lv|sigma|std|sd|dev", name.lower()) and not name.endswith("2")
    return kind_of(name) if stated else None


def documented_shapes(text: str) -> dict[str, tuple[str, ...]]:
    """Argument → axis names, from a docstring or comment such as `a, b: [N, D]`; `*` is first for a list of tensors."""
    shapes: dict[str, tuple[str, ...]] = {}
    for names, kind, axes in re.findall(
        r"([\w*]+(?:\s*(?:,|and)\s*[\w*]+)*)\s*(?::|=|in)([^\[\];.\n:]{0,40})(?<!\w)\[([\w*,\s]+)\]", text
    ):
        listed = ("*",) if "list" in kind else ()
        for name in re.split(r"\s*(?:,|and)\s*", names):
            shapes[name.strip()] = (*listed, *(axis.strip() for axis in axes.split(",") if axis.strip()))
    return shapes
