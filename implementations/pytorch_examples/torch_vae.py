"""pytorch/examples, vae/main.py (commit 77f55b9, 2025), in PyTorch: BCE + KLD, summed over the batch, minimised.

Names are the published file's; `encode`, `decode`, `forward` and `loss_function` compute what it computes. Added: sizes
are arguments, the noise `eps` can be one, and `decode_logits` stops before the sigmoid, so that nothing saturates.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class VAE(nn.Module):
    """784-400-20-400-784 with ReLU; `activation` may name another function of torch."""

    def __init__(self, data: int = 784, hidden: int = 400, latent: int = 20, activation: str = "relu") -> None:
        super().__init__()
        self.fc1 = nn.Linear(data, hidden)
        self.fc21 = nn.Linear(hidden, latent)
        self.fc22 = nn.Linear(hidden, latent)
        self.fc3 = nn.Linear(latent, hidden)
        self.fc4 = nn.Linear(hidden, data)
        self.relu = getattr(torch, activation)  # F.relu in the file

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: [batch, data] → mu, logvar: [batch, latent] each."""
        h1 = self.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu: Tensor, logvar: Tensor, eps: Tensor | None = None) -> Tensor:
        """mu, logvar: [batch, latent]; eps: the same, drawn where it is not given → z: the same."""
        std = torch.exp(0.5 * logvar)
        if eps is None:
            eps = torch.randn_like(std)
        return mu + eps * std

    def decode_logits(self, z: Tensor) -> Tensor:
        """z: [batch, latent] → recon_logits: [batch, data]."""
        h3 = self.relu(self.fc3(z))
        return self.fc4(h3)

    def decode(self, z: Tensor) -> Tensor:
        """z: [batch, latent] → recon_x, probabilities: [batch, data]."""
        return torch.sigmoid(self.decode_logits(z))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x: [batch, data] or images → recon_x: [batch, data], mu, logvar: [batch, latent], for `loss_function`."""
        mu, logvar = self.encode(x.flatten(1))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar

    def quantities(self, x: Tensor, eps: Tensor, from_logits: bool = True) -> dict[str, Tensor]:
        """x: [batch, data], eps: [batch, latent] → what `loss_function` sums, per datum."""
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar, eps)
        recon_logits = self.decode_logits(z)
        if from_logits:
            BCE = F.binary_cross_entropy_with_logits(recon_logits, x, reduction="none").sum(1)
        else:
            BCE = F.binary_cross_entropy(torch.sigmoid(recon_logits), x, reduction="none").sum(1)
        KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp(), dim=1)
        return {
            "mu": mu,
            "logvar": logvar,
            "std": torch.exp(0.5 * logvar),
            "z": z,
            "recon_logits": recon_logits,
            "recon_x": torch.sigmoid(recon_logits),
            "BCE": BCE,
            "KLD": KLD,
            "loss": BCE + KLD,
        }

    def quantities_as_published(self, x: Tensor, eps: Tensor) -> dict[str, Tensor]:
        """`quantities`, scored on probabilities: torch clamps their logarithm at -100."""
        return self.quantities(x, eps, from_logits=False)

    def objective(self, x: Tensor, eps: Tensor) -> Tensor:
        """x: [batch, data], eps: [batch, latent] → the loss, to be minimised: scalar."""
        return self.quantities(x, eps)["loss"].sum()

    def objective_as_published(self, x: Tensor, eps: Tensor) -> Tensor:
        """`objective`, scored on probabilities."""
        mu, logvar = self.encode(x)
        return loss_function(self.decode(self.reparameterize(mu, logvar, eps)), x, mu, logvar)


def loss_function(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """recon_x, x: [batch, data], mu, logvar: [batch, latent] → losses summed over elements and batch: scalar."""
    BCE = F.binary_cross_entropy(recon_x, x.view_as(recon_x), reduction="sum")
    # Appendix B of Kingma and Welling, ICLR 2014, of which this is the negative: 0.5 * sum(1 + log(σ²) - μ² - σ²)
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD
